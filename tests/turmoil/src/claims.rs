//! What must hold whatever happens to the network and the hosts, and whether it does.
//!
//! A claim is checked as soon as something is seen that could break it, and once more on the disks when all is over.
//! Not here: what is looked at (`operator`).

use std::collections::BTreeMap;
use std::path::Path;

use comity_ledger::Origin;
use comity_node::Home;
use comity_tlog::{SignedCheckpoint, TreeSize};
use comity_wire::v1;

use crate::agency::{AGENCIES, Agency};
use crate::trace;

/// Broken claims that are shown.
const SHOWN_MAX: usize = 12;

/// A size, and the root of the tree of that size.
pub(crate) type Head = (u64, Vec<u8>);

/// All that was seen, of which no host knows more than its own part.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// The newest head of each log that each agency has shown.
    shown: BTreeMap<(&'static str, String), Head>,
    /// Every head of each log that anybody has shown, and who did so first.
    heads: BTreeMap<String, BTreeMap<u64, (Vec<u8>, &'static str)>>,
    /// Up to where each agency has shown that enough witnesses stand behind each log.
    witnessed: BTreeMap<(&'static str, String), u64>,
    /// The size of each log on which each agency's newest answer stood.
    answered: BTreeMap<(&'static str, String), u64>,
    /// The size up to which each agency has acknowledged its own log.
    acknowledged: BTreeMap<&'static str, u64>,
    /// The records of each log, as each agency lists them.
    records: BTreeMap<(&'static str, String), Vec<v1::CurrentRecord>>,
    broken: Vec<String>,
}

impl Claims {
    /// A claim does not hold.
    pub(crate) fn broken(&mut self, what: String) {
        trace::note(&format!("BROKEN: {what}"));
        if self.broken.len() < SHOWN_MAX && !self.broken.contains(&what) {
            self.broken.push(what);
        }
    }

    /// What does not hold.
    pub(crate) fn all_broken(&self) -> &[String] {
        &self.broken
    }

    /// An agency shows its operators all logs that it holds.
    pub(crate) fn shows_all(&mut self, agency: &'static str, heads: &[v1::LogHead]) {
        // A replica that was just begun has no head yet.
        heads.iter().filter(|head| head.size > 0).for_each(|head| self.shows(agency, head));
        let is_there = |origin: &str| heads.iter().any(|head| head.size > 0 && head.origin == origin);
        let gone: Vec<_> =
            self.shown.keys().filter(|(by, origin)| *by == agency && !is_there(origin)).cloned().collect();
        for place in gone {
            let (size, _) = self.shown.remove(&place).unwrap_or_default();
            self.broken(format!("{agency} has shown {size} entries of {} and lost them all", place.1));
        }
    }

    /// An agency shows a head of a log: its own or another's, to its operators.
    pub(crate) fn shows(&mut self, agency: &'static str, head: &v1::LogHead) {
        let (origin, size) = (head.origin.clone(), head.size);
        let place = (agency, origin.clone());
        let before = self.shown.get(&place).map_or(0, |(size, _)| *size);
        if size < before {
            self.broken(format!("{agency} has shown {before} entries of {origin} and lost them: now {size}"));
        }
        let acknowledged = self.acknowledged.get(agency).copied().unwrap_or(0);
        if origin.starts_with(agency) && size < acknowledged {
            self.broken(format!("{agency} has acknowledged {acknowledged} entries and has only {size}"));
            self.acknowledged.insert(agency, size);
        }
        if size != before {
            let root: String = head.root.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            trace::note(&format!("{agency} shows {origin} {size} {root}"));
        }
        self.is_one_history(agency, head);
        self.shown.insert(place, (size, head.root.to_vec()));
    }

    /// An agency shows up to where enough witnesses stand behind a log.
    pub(crate) fn witnesses(&mut self, agency: &'static str, origin: &str, size: u64) {
        let before = self.witnessed.insert((agency, origin.to_owned()), size).unwrap_or(0);
        if size != before {
            trace::note(&format!("{agency} shows that {origin} is witnessed up to {size}"));
        }
    }

    /// Whether everybody who holds a log has shown that enough witnesses stand behind its newest head. The log of C is
    /// left out: A, whose witness counts where it is known, does not know C.
    pub(crate) fn witnessed_agree(&self) -> bool {
        self.unwitnessed().next().is_none()
    }

    fn unwitnessed(&self) -> impl Iterator<Item = (&'static str, String)> {
        let own = AGENCIES.iter().map(|agency| (agency.id, agency.origin(), agency.id));
        let held = each_followed().chain(own).filter(|(_, _, author)| *author != AGENCIES[2].id);
        held.map(|(agency, origin, _)| (agency, origin)).filter(|place| {
            let size = self.shown.get(place).map(|(size, _)| *size);
            size.is_none() || self.witnessed.get(place).copied() != size
        })
    }

    /// Where they are not witnessed, in words.
    pub(crate) fn not_witnessed(&self) -> String {
        let size = |place| self.witnessed.get(&place).copied().unwrap_or(0);
        let told = |place: (&'static str, String)| {
            format!(" {} at {} up to {};", place.1, place.0, size(place.clone()))
        };
        self.unwitnessed().map(told).collect()
    }

    /// An agency answers a question by what stands under a head.
    pub(crate) fn answers(&mut self, agency: &'static str, head: &v1::LogHead) {
        let before = self.answered.insert((agency, head.origin.clone()), head.size).unwrap_or(0);
        if head.size < before {
            let (origin, now) = (&head.origin, head.size);
            self.broken(format!("{agency} answered by {before} entries of {origin}, and then by {now}"));
        }
        self.is_one_history(agency, head);
    }

    fn is_one_history(&mut self, agency: &'static str, head: &v1::LogHead) {
        let (origin, size, root) = (&head.origin, head.size, head.root.to_vec());
        let heads = self.heads.entry(origin.clone()).or_default();
        let (known, first) = heads.entry(size).or_insert_with(|| (root.clone(), agency)).clone();
        if known != root {
            self.broken(format!("{agency} and {first} show two trees of {origin} with {size} entries"));
        }
    }

    /// An agency says that so many entries of its own log are durable and signed.
    pub(crate) fn acknowledges(&mut self, agency: &'static str, size: u64) {
        let acknowledged = self.acknowledged.entry(agency).or_default();
        *acknowledged = size.max(*acknowledged);
    }

    /// An agency shows an alarm. In this world everybody is honest and every disk keeps what it took, so there is
    /// nothing to be alarmed about.
    pub(crate) fn alarms(&mut self, agency: &'static str, alarm: &v1::Alarm) {
        self.broken(format!("{agency} raises an alarm: {} about {}", alarm.code, alarm.origin));
    }

    /// An agency lists the records of a log.
    pub(crate) fn lists(&mut self, agency: &'static str, origin: String, records: Vec<v1::CurrentRecord>) {
        self.records.insert((agency, origin), records);
    }

    /// Whether everybody has shown the newest head of every log that it follows.
    pub(crate) fn heads_agree(&self) -> bool {
        each_followed().all(|(agency, origin, author)| {
            let of = |agency| self.shown.get(&(agency, origin.clone()));
            of(agency).is_some() && of(agency) == of(author)
        })
    }

    /// Whether everybody lists, opened, what the authors list themselves.
    pub(crate) fn records_agree(&self) -> bool {
        each_followed().all(|(agency, origin, author)| {
            let of = |agency| self.records.get(&(agency, origin.clone()));
            of(agency).is_some() && of(agency) == of(author)
        })
    }

    /// Where they do not agree, in words.
    pub(crate) fn not_agreed(&self) -> String {
        let mut text = String::new();
        for (agency, origin, author) in each_followed() {
            let size = |agency| self.shown.get(&(agency, origin.clone())).map_or(0, |(size, _)| *size);
            let records = |agency| {
                self.records.get(&(agency, origin.clone())).map_or(0, |records: &Vec<_>| records.len())
            };
            if size(agency) != size(author) || records(agency) != records(author) {
                text += &format!(
                    " {agency} has {} of {} entries of {origin} and {} of {} records;",
                    size(agency),
                    size(author),
                    records(agency),
                    records(author)
                );
            }
        }
        text
    }

    /// Compares the disks with each other and with all that was shown.
    pub(crate) fn audit(&mut self, folder: &Path) {
        let mut stores = BTreeMap::new();
        for agency in &AGENCIES {
            let opened = Home::find(&agency.home(folder)).and_then(|home| home.open());
            match opened {
                Ok(open) => drop(stores.insert(agency.id, open)),
                Err(error) => {
                    return self.broken(format!("the home of {} does not open: {error}", agency.id));
                }
            }
        }
        for author in &AGENCIES {
            let origin: Origin = author.origin().parse().unwrap();
            let store = stores[author.id].store();
            let signed: BTreeMap<u64, Vec<u8>> =
                store.notes(&origin).unwrap().iter().map(|note| head_of(note)).collect();
            let shown = self.heads.get(origin.as_str()).cloned().unwrap_or_default();
            for (size, (root, agency)) in shown {
                if signed.get(&size) != Some(&root) {
                    self.broken(format!(
                        "{agency} has shown a head of {origin} that was never signed: {size}"
                    ));
                }
            }
            let (newest, _) = signed.last_key_value().unwrap();
            let end = TreeSize::new(*newest).unwrap();
            let own = store.entries(&origin, TreeSize::ZERO, end).unwrap();
            for (agency, _, _) in each_followed().filter(|(_, followed, _)| *followed == origin.as_str()) {
                let replica = stores[agency].store();
                let held = replica.newest_note(&origin).unwrap().map(|note| head_of(&note).0);
                let entries = replica.entries(&origin, TreeSize::ZERO, end);
                if held != Some(*newest) || entries.ok().as_ref() != Some(&own) {
                    self.broken(format!(
                        "the disk of {agency} has other entries of {origin} than its author"
                    ));
                }
            }
        }
    }
}

fn head_of(note: &[u8]) -> Head {
    let note = SignedCheckpoint::parse(note).unwrap();
    (note.checkpoint().size().value(), note.checkpoint().root().as_bytes().to_vec())
}

/// Who follows what, and whose it is.
fn each_followed() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    let of = |agency: &'static Agency| agency.peers.iter().map(move |peer| (agency.id, peer.agency));
    AGENCIES.iter().flat_map(of).map(|(agency, author)| (agency, format!("{author}/pub"), author))
}
