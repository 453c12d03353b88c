//! `comity log list|show|export`.

use std::fmt::Write as _;

use comity_ledger::{Entry, Opening, Origin, Slot};
use comity_node::{Home, LogExport, NodeError, OpenHome};
use comity_policy::{LabelSet, SlotLabel, Word as _};
use comity_store::{LogRole, ReadError, StoreError};
use comity_tlog::{EntryIndex, Hash, SignedCheckpoint, VerifierKey, prove_inclusion};
use comity_watchlist::{Change, Section, SectionsRead};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::LogCommand;
use crate::out_folder::OutFolder;

pub(crate) fn run(command: &LogCommand) -> Result<Answer, Refusal> {
    match command {
        LogCommand::List { of } => list(&Home::find(&of.home)?.open()?),
        LogCommand::Show { index, origin, of } => {
            let open = Home::find(&of.home)?.open()?;
            let origin = choose(&open, origin.as_deref())?;
            Shown::read(&open, &origin, *index).map(|shown| shown.answer())
        }
        LogCommand::Export { origin, out, of } => {
            let open = Home::find(&of.home)?.open()?;
            let origin = choose(&open, origin.as_deref())?;
            export(&open, &origin, out)
        }
    }
}

/// The logs of a home as `log list` and `status` show them.
pub(crate) fn logs_json(open: &OpenHome) -> Result<Vec<Value>, Refusal> {
    let mut logs = Vec::new();
    for (origin, role) in open.store().logs()? {
        let note = open.store().newest_note(&origin)?;
        let signed = note.map(|note| SignedCheckpoint::parse(&note)).transpose();
        let signed = signed.map_err(|source| NodeError::OwnNote { source })?;
        let checkpoint = signed.as_ref().map(SignedCheckpoint::checkpoint);
        logs.push(json!({
            "origin": origin.as_str(),
            "role": match role { LogRole::Own => "own", LogRole::Replica => "replica" },
            "size": checkpoint.map_or(0, |checkpoint| checkpoint.size().value()),
            "root": checkpoint.map_or(Hash::EMPTY_ROOT, comity_tlog::Checkpoint::root).to_base64(),
            "state": "unwitnessed",
        }));
    }
    Ok(logs)
}

/// One line for each log.
pub(crate) fn logs_text(logs: &[Value]) -> String {
    let line = |log: &Value| {
        let field = |name: &str| log.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let size = log.get("size").and_then(Value::as_u64).unwrap_or_default();
        format!(
            "{}  {}  size {size}  root {}  {}",
            field("origin"),
            field("role"),
            field("root"),
            field("state")
        )
    };
    logs.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn list(open: &OpenHome) -> Result<Answer, Refusal> {
    let logs = logs_json(open)?;
    Ok(Answer::new(logs_text(&logs), json!({ "logs": logs })))
}

fn choose(open: &OpenHome, origin: Option<&str>) -> Result<Origin, Refusal> {
    match origin {
        None => Ok(open.home().origin()),
        Some(text) => Ok(text.parse().map_err(NodeError::Name)?),
    }
}

/// The key that a log of this home is verified with.
pub(crate) fn key_of(open: &OpenHome, origin: &Origin) -> Result<VerifierKey, Refusal> {
    if *origin == open.home().origin() {
        return Ok(open.home().card()?.identity().log.clone());
    }
    Err(StoreError::NoSuchLog { origin: origin.to_string() }.into())
}

fn export(open: &OpenHome, origin: &Origin, out: &std::path::Path) -> Result<Answer, Refusal> {
    let key = key_of(open, origin)?;
    let log = LogExport::new(open.store(), origin, &key)?;
    let folder = OutFolder::begin(out)?;
    let mut files = 0_u64;
    log.files("", &mut |path, bytes| {
        files += 1;
        folder.file(path, bytes)
    })?;
    folder.finish()?;
    let head = log.head();
    let root = head.root.to_base64();
    let text = format!("{origin}  size {}  root {root}\n{files} files in {}", head.size, out.display());
    let json = json!({ "origin": origin.as_str(), "size": head.size.value(), "root": root, "files": files });
    Ok(Answer::new(text, json))
}

/// One entry with what is opened of it.
struct Shown {
    origin: Origin,
    index: EntryIndex,
    bytes: Vec<u8>,
    entry: Entry,
    openings: Vec<(Slot, Option<Opening>)>,
    proof_hashes: usize,
}

impl Shown {
    fn read(open: &OpenHome, origin: &Origin, index: u64) -> Result<Self, Refusal> {
        let store = open.store();
        let note =
            store.newest_note(origin)?.ok_or_else(|| StoreError::NoSuchLog { origin: origin.to_string() })?;
        let signed = SignedCheckpoint::parse(&note).map_err(|source| NodeError::OwnNote { source })?;
        let size = signed.checkpoint().size();
        let beyond = || {
            let message = format!("{origin} has {size} entries, from 0; there is no entry {index}");
            Refusal::new("no_such_entry", message)
        };
        let index = EntryIndex::new(index).map_err(|_| beyond())?;
        if !size.contains(index) {
            return Err(beyond());
        }
        let range = index.size_before()..index.size_through();
        let bytes = store.entries(origin, range.start, range.end)?.pop().ok_or_else(beyond)?;
        let entry = Entry::parse(&bytes).map_err(NodeError::from)?;
        let slots: Vec<Slot> = entry.commitments().iter().map(|(slot, _)| *slot).collect();
        let mut openings = Vec::new();
        let read = store.each_opening(origin, range, &slots, |_, read| {
            openings = slots.iter().copied().zip(read).collect();
            Ok::<(), NodeError>(())
        });
        read.map_err(|error| match error {
            ReadError::Store(source) => NodeError::from(source),
            ReadError::Taker(error) => error,
        })?;
        let proof = prove_inclusion(&store.nodes(origin), index, size).map_err(|_| StoreError::Damaged {
            what: "a hash tile",
            log: origin.to_string(),
            place: 0,
        })?;
        Ok(Self { origin: origin.clone(), index, bytes, entry, openings, proof_hashes: proof.hashes().len() })
    }

    /// The change that the opened sections state.
    fn change(&self) -> Option<Change> {
        let mut read = SectionsRead::withheld();
        for (slot, opening) in &self.openings {
            if let (Some(section), Some(opening)) = (Section::from_slot(slot.number()), opening) {
                read = read.give(section, opening.section());
            }
        }
        Change::decode(&read).ok().map(|decoded| decoded.change)
    }

    /// The handling of one slot, in a word or two.
    fn handling(&self) -> Option<LabelSet> {
        let section = |slot| {
            let opening = self.openings.iter().find(|(s, _)| *s == slot)?.1.as_ref()?;
            Some(opening.section())
        };
        LabelSet::from_sections(self.entry.kind(), section(Slot::HANDLING)?, section(Slot::AUDIENCE)).ok()
    }

    fn answer(&self) -> Answer {
        let handling = self.handling();
        let sections: Vec<Value> = self
            .openings
            .iter()
            .map(|(slot, opening)| {
                let tlp = handling.as_ref().map(|set| match set.label(*slot) {
                    SlotLabel::Understood(label) => label.handling().tlp.name().to_owned(),
                    _ => "?".to_owned(),
                });
                json!({
                    "slot": slot.number(),
                    "name": slot.name(),
                    "state": if opening.is_some() { "opened" } else { "withheld" },
                    "bytes": opening.as_ref().map(|opening| opening.section().len()),
                    "tlp": tlp,
                })
            })
            .collect();
        let change = self.change();
        let json = json!({
            "origin": self.origin.as_str(),
            "index": self.index.value(),
            "kind": self.entry.kind().name(),
            "id": hex(self.entry.id().as_bytes()),
            "author_time": self.entry.author_time().unix_secs(),
            "about": self.entry.about().map(EntryIndex::value),
            "leaf": Hash::leaf(&self.bytes).to_base64(),
            "proof_hashes": self.proof_hashes,
            "sections": sections,
            "change": change.as_ref().map(change_json),
        });
        Answer::new(self.text(&sections, change.as_ref()), json)
    }

    fn text(&self, sections: &[Value], change: Option<&Change>) -> String {
        let mut text = format!(
            "{} entry {}\nkind     {}\ntime     {} (as the author claims, seconds since 1970)\nleaf     {}\n",
            self.origin,
            self.index,
            self.entry.kind().name(),
            self.entry.author_time().unix_secs(),
            Hash::leaf(&self.bytes).to_base64(),
        );
        if let Some(about) = self.entry.about() {
            let _ = writeln!(text, "about    entry {about}");
        }
        for section in sections {
            let field = |name: &str| section.get(name).and_then(Value::as_str).unwrap_or_default();
            let bytes = section.get("bytes").and_then(Value::as_u64);
            let state = match bytes {
                Some(0) => "absent".to_owned(),
                Some(bytes) => format!("{bytes} bytes"),
                None => "withheld".to_owned(),
            };
            let _ = writeln!(text, "section  {:<15} {:<11} {}", field("name"), state, field("tlp"));
        }
        if let Some(change) = change {
            let _ = writeln!(text, "change   {} {}", change.op.word(), name_of(change));
            let key = change.key();
            let _ = writeln!(text, "record   {} {}", key.list.as_str(), key.reference.as_str());
        }
        text
    }
}

fn name_of(change: &Change) -> String {
    let name = change.op.record().and_then(|record| record.primary_name());
    name.map(|name| name.full.as_str().to_owned()).unwrap_or_default()
}

fn change_json(change: &Change) -> Value {
    let names: Vec<&str> = change
        .op
        .record()
        .map(|record| record.names.iter().map(|name| name.full.as_str()).collect())
        .unwrap_or_default();
    json!({
        "op": change.op.word(),
        "list": change.key().list.as_str(),
        "reference": change.key().reference.as_str(),
        "handle": hex(change.handle.as_bytes()),
        "prev": change.op.prev().map(|prev| Hash::from_bytes(*prev.as_bytes()).to_base64()),
        "names": names,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
