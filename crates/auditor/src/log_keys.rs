//! The keys of one log, as its own entries rotate, retire and revoke them, and whether the auditor's keys vouch for them.
//!
//! They are read before any checkpoint is believed, since they say which key may have signed it. Not here: what a key
//! event says and changes (`comity-ledger`), and the notes themselves (`signed`).

use comity_ledger::{
    Entry, Genesis, KeyEnd, KeyEvent, KeyHistory, KeyRole, KeySpan, Kind, Origin, Succession,
};
use comity_tlog::{
    BUNDLE_BYTES_MAX, EntryBundle, EntryIndex, SignedCheckpoint, TileCoordinate, TreeSize, VerifierKey,
    bundles_between, root_at,
};

use crate::keys::Pins;
use crate::log_files::LogFiles;

/// The keys of a log by position.
#[derive(Clone, Debug)]
pub(crate) struct LogKeys {
    pub(crate) origin: Origin,
    pub(crate) history: KeyHistory,
    /// The genesis that the history begins with; `None` if it begins with a key that was given, and nothing is known of
    /// the log's own entries.
    pub(crate) genesis: Option<Genesis>,
    /// The root keys that the auditor's cards name for this log.
    pub(crate) roots: Vec<VerifierKey>,
    /// Whether the auditor's own keys vouch for it.
    pub(crate) trusted: bool,
    /// Key events that count.
    pub(crate) events: u64,
    /// The same in words, a line each.
    pub(crate) lines: String,
    /// Entries that say that they are key events, and change nothing.
    pub(crate) findings: Vec<Finding>,
}

/// An entry that says that it is a key event and is none that counts.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) index: u64,
    /// The file, within the folder of the log.
    pub(crate) path: String,
    pub(crate) detail: String,
}

impl LogKeys {
    /// Reads the keys of a log up to its newest checkpoint, which nobody has verified yet. Where the auditor's keys do
    /// not vouch for what the entries say, one of them stands for the whole log, and whatever it did not sign fails;
    /// `None` if there is none.
    pub(crate) fn read(
        files: &LogFiles<'_>,
        origin: &Origin,
        newest: &SignedCheckpoint,
        pins: &Pins,
    ) -> Option<Self> {
        if let Some(mut keys) = Self::begin(files, origin, pins) {
            keys.read_events(files);
            if keys.is_vouched_for(newest, pins) {
                return Some(keys);
            }
        }
        let signs = |key: &&VerifierKey| newest.verify(key, &[]).is_ok();
        let key = pins.keys.iter().find(signs).or(pins.keys.first())?;
        Some(Self::of(KeyHistory::new(origin.clone(), key.clone()), pins))
    }

    fn of(history: KeyHistory, pins: &Pins) -> Self {
        Self {
            origin: history.origin().clone(),
            history,
            genesis: None,
            roots: pins.roots(),
            trusted: pins.brought,
            events: 0,
            lines: String::new(),
            findings: Vec::new(),
        }
    }

    /// What the first entry says, if it fits the log and the root key of a card.
    fn begin(files: &LogFiles<'_>, origin: &Origin, pins: &Pins) -> Option<Self> {
        let entry = Entry::parse(&files.entry(EntryIndex::ZERO).ok()?).ok()?;
        let genesis = Genesis::from_entry(&entry).ok()?;
        let mut history = KeyHistory::new(origin.clone(), genesis.log_key(origin)?);
        let roots = pins.roots();
        if let Some(root) = roots.iter().find(|root| genesis.names_root_key(root)).or(roots.first()) {
            history = history.with_root(root.clone());
        }
        history.begin(&genesis).ok()?;
        Some(Self { genesis: Some(genesis), ..Self::of(history, pins) })
    }

    /// Whether what was brought, or the hint in its place, reaches to the first key of the log.
    ///
    /// A card vouches by its root key, which signed the log key on it and every key event, and the genesis of a successor.
    /// Without a root key the first log key vouches for all that follows, and a later one by having signed the newest
    /// checkpoint: it was added by its own word too, which names the key before it.
    fn is_vouched_for(&self, newest: &SignedCheckpoint, pins: &Pins) -> bool {
        let spans = self.history.spans();
        let was_in_force = |key: &VerifierKey| spans.iter().any(|span| span.verifier() == Some(key));
        let Some(genesis) = &self.genesis else { return false };
        let by_root = pins.cards.iter().any(|(root, log)| {
            genesis.names_root_key(root) && (genesis.succession().is_some() || was_in_force(log))
        });
        let is_first = |key: &VerifierKey| spans.first().and_then(KeySpan::verifier) == Some(key);
        let signed = || self.history.verify(newest).ok();
        let signs = |key: &VerifierKey| {
            signed().is_some_and(|note| note.note().signatures().iter().any(|line| line.key() == key))
        };
        by_root || pins.keys.iter().any(|key| is_first(key) || signs(key))
    }

    /// Takes in every key event. A gap is passed over: it is a failure of its own.
    fn read_events(&mut self, files: &LogFiles<'_>) {
        for bundle in bundles_between(TreeSize::ZERO, files.size) {
            let read = files.tile(bundle, BUNDLE_BYTES_MAX);
            let parsed = read.as_ref().ok().and_then(|(bytes, path)| {
                Some((EntryBundle::parse_prefix(bytes, bundle.width()).ok()?.0, path))
            });
            match parsed {
                Some((entries, path)) => self.read_bundle(files, &bundle, entries.entries(), path),
                // However large a log says that it is, no more is looked for than there are files.
                None if !files.has(&bundle.to_string().replacen("tile/entries/", "tile/0/", 1)) => return,
                None => {}
            }
        }
    }

    fn read_bundle(&mut self, files: &LogFiles<'_>, bundle: &TileCoordinate, entries: &[&[u8]], path: &str) {
        for (bytes, index) in entries.iter().zip(bundle.first()..) {
            if bytes.get(1) != Some(&Kind::Key.code()) {
                continue;
            }
            // An entry that does not parse is a failure of its own.
            let (Ok(entry), Ok(at)) = (Entry::parse(bytes), EntryIndex::new(index)) else { continue };
            match self.history.take(at, &entry, &|size| root_at(files, size).ok()) {
                Ok(()) => {
                    self.events += 1;
                    // What was taken in is an event.
                    let line = KeyEvent::from_entry(&entry).map(|event| event.to_line(at, &self.origin));
                    self.lines.push_str(&line.unwrap_or_default());
                }
                Err(finding) => {
                    let (path, detail) = (path.to_owned(), finding.to_string());
                    self.findings.push(Finding { index, path, detail });
                }
            }
        }
    }

    /// The first key of the log, which its genesis must name.
    pub(crate) fn first(&self) -> Option<&VerifierKey> {
        self.history.spans().first().and_then(KeySpan::verifier)
    }

    /// Whether an entry stands beyond the last good checkpoint of a closed log: nobody knows who wrote it.
    pub(crate) fn is_beyond_the_end(&self, index: u64) -> bool {
        self.history.closed().is_some_and(|closed| index >= closed.size.value())
    }

    /// Why a key of this log that signed a checkpoint may not have, in words; `None` if none of them signed it.
    pub(crate) fn out_of_force(&self, signed: &SignedCheckpoint) -> Option<String> {
        let size = signed.checkpoint().size();
        let spans = self.history.spans().iter().filter(|span| span.key().role() == KeyRole::Log);
        let signer =
            spans.rev().find(|span| span.verifier().is_some_and(|key| signed.verify(key, &[]).is_ok()))?;
        Some(match signer.until() {
            Some((until, KeyEnd::Revoked)) if until <= size => format!(
                "signed by a key that was revoked: what it signed beyond size {} is void",
                until.value().saturating_sub(1)
            ),
            Some((until, KeyEnd::Retired)) if until <= size => {
                format!("signed by a key that was retired: it signs nothing of size {until} or more")
            }
            Some((until, KeyEnd::Closed)) if until <= size => {
                format!("the log is closed: nothing of size {until} or more is signed")
            }
            _ => format!("signed by a key that is in force from size {} on only", signer.from()),
        })
    }

    /// Joins a successor to the end of this log: it is closed where the successor says, whatever else was signed.
    pub(crate) fn join(&mut self, successor: &Self, files: &LogFiles<'_>) -> Result<(), String> {
        let genesis = successor.genesis.as_ref().ok_or("its genesis cannot be read")?;
        let past = |size: TreeSize| {
            if size > files.size { None } else { root_at(files, size).ok() }
        };
        self.history.close(&successor.origin, genesis, &past).map_err(|finding| finding.to_string())
    }

    /// What the genesis of a successor goes on from.
    pub(crate) fn follows(&self) -> Option<&Succession> {
        self.genesis.as_ref().and_then(Genesis::succession)
    }
}
