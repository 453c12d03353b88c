//! What leaves the home as files: a log as a plain tlog-tiles folder, and the audit bundle.
//!
//! Files are handed over one by one with their relative paths; whoever takes them decides where they go.

use std::fmt::Write as _;

use comity_ledger::{
    AuthorTime, BUNDLE_FORMAT, Disclosed, DisclosedSection, Entry, Head, KEY_EVENTS_PATH, KeyEnd, KeyHistory,
    KeySpan, Manifest, ManifestLog, Origin, Slot, openings_path,
};
use comity_store::{LogRole, ReadError, Store, is_set_aside};
use comity_tlog::{
    Hash, SignedCheckpoint, TileCoordinate, TileKind, TreeSize, VerifierKey, bundles_between, tiles_between,
};

use crate::gossip::policy_for;
use crate::tiles::{entries_of, entry_bundle, hash_tile, range_of};
use crate::told::Told;
use crate::{Home, NodeError};

/// Takes one file: its path, `/` between parts, and its bytes.
pub type TakeFile<'a> = dyn FnMut(&str, &[u8]) -> Result<(), NodeError> + 'a;

const README: &str = "\
An audit bundle of Comity. It can be checked with no network and no trust in the node that made it.

1. comity-audit verify THIS-FOLDER --keys CARD
   checks signatures, entries, tiles, roots, openings and changes. CARD is the agency's card, or a file of vkeys,
   which you must have got by another way: the VKEYS files in here are only a hint.
   A file of evidence/ shows that an author signed two histories: comity-audit evidence FILE checks it by itself.
2. Each folder under logs/ is a plain log in the C2SP tlog-tiles layout (https://c2sp.org/tlog-tiles) and can be
   checked with any checker of that format, for example one built on golang.org/x/mod/sumdb/tlog.
";

/// One log to be exported.
#[derive(Debug)]
pub struct LogExport<'a> {
    store: &'a Store,
    origin: &'a Origin,
    keys: Vec<VerifierKey>,
    note: Vec<u8>,
    head: Head,
    /// Only if keys of the log were revoked, or it is closed: notes of it may be void.
    history: Option<KeyHistory>,
}

impl<'a> LogExport<'a> {
    /// The log up to its newest signed checkpoint; of a closed log the newest that a key signed which is in force for
    /// it. `key` stands in where the log says of no key that it is.
    ///
    /// # Errors
    /// [`comity_store::StoreError::NoSuchLog`] inside [`NodeError::Store`] if nothing of it is signed here.
    pub fn new(store: &'a Store, origin: &'a Origin, key: &'a VerifierKey) -> Result<Self, NodeError> {
        let newest = store.newest_note(origin)?.ok_or_else(|| no_such_log(origin))?;
        let history = store.keys(origin)?;
        let (closed, size) = (history.closed(), head_of(&newest)?.size);
        let is_void = |span: &KeySpan| matches!(span.until(), Some((_, KeyEnd::Revoked | KeyEnd::Closed)));
        let mut export = Self {
            store,
            origin,
            keys: history.log_keys(size),
            head: head_of(&newest)?,
            note: newest,
            history: history.spans().iter().any(is_void).then_some(history),
        };
        if let Some(closed) = closed.filter(|_| !export.is_good(&export.note))
            && let Some(good) = store.newest_note_up_to(origin, closed.size)?
        {
            export.head = head_of(&good)?;
            export.keys = export.history.iter().flat_map(|keys| keys.log_keys(export.head.size)).collect();
            export.note = good;
        }
        if export.keys.is_empty() {
            export.keys.push(key.clone());
        }
        Ok(export)
    }

    /// Whether a key in force for its size signed a note that is kept; where no key was revoked, all of them are good.
    fn is_good(&self, note: &[u8]) -> bool {
        let Some(history) = &self.history else { return true };
        SignedCheckpoint::parse(note).is_ok_and(|signed| history.verify(&signed).is_ok())
    }

    /// Size and root of what is exported.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The log as a tlog-tiles folder (c2sp.org/tlog-tiles) with its keys for that size in `VKEYS`; the checkpoint comes
    /// last.
    ///
    /// # Errors
    /// A [`NodeError`] of the store or of `take`.
    pub fn files(&self, prefix: &str, take: &mut TakeFile<'_>) -> Result<(), NodeError> {
        let nodes = self.store.nodes(self.origin);
        for tile in tiles_between(TreeSize::ZERO, self.head.size) {
            let TileKind::Hashes(level) = tile.kind() else { continue };
            take(&format!("{prefix}{tile}"), &hash_tile(&nodes, level, &tile)?)?;
        }
        for bundle in bundles_between(TreeSize::ZERO, self.head.size) {
            take(&format!("{prefix}{bundle}"), &entry_bundle(self.store, self.origin, &bundle)?)?;
        }
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        take(&format!("{prefix}VKEYS"), format!("{}\n", keys.join("\n")).as_bytes())?;
        take(&format!("{prefix}checkpoint"), &self.note)
    }

    /// What an audit bundle has beside [`LogExport::files`]: the earlier checkpoints, the key events in words, and every
    /// opening held. Notes that a revocation made void are nobody's, and left out.
    fn audit_files(&self, prefix: &str, take: &mut TakeFile<'_>) -> Result<(), NodeError> {
        for note in self.store.notes(self.origin)? {
            let size = head_of(&note)?.size;
            if size < self.head.size && self.is_good(&note) {
                take(&format!("{prefix}checkpoints/{size}"), &self.with_first_times(note, size)?)?;
            }
        }
        self.first_quorums_alone(prefix, take)?;
        let mut told = Told::new(self.origin);
        let read = self.store.each_entry(self.origin, TreeSize::ZERO, self.head.size, |index, bytes| {
            told.take(self.store, index, bytes)
        });
        read.map_err(of_reading)?;
        if !told.key_events.is_empty() {
            take(&format!("{prefix}{KEY_EVENTS_PATH}"), told.key_events.as_bytes())?;
        }
        for bundle in bundles_between(TreeSize::ZERO, self.head.size) {
            take(&format!("{prefix}{}", openings_path(&bundle)), &self.openings(&bundle, &told)?)?;
        }
        Ok(())
    }

    /// A note with the lines that it had when it first had a quorum in the place of later ones of the same keys, where those
    /// were kept: they prove more.
    fn with_first_times(&self, note: Vec<u8>, size: TreeSize) -> Result<Vec<u8>, NodeError> {
        let Some(first) = self.store.first_quorum_of(self.origin, size)? else { return Ok(note) };
        let refused = |source| NodeError::OwnNote { source };
        let first = SignedCheckpoint::parse(&first).map_err(refused)?;
        let mut merged = SignedCheckpoint::parse(&note).map_err(refused)?;
        if merged.checkpoint() != first.checkpoint() {
            return Ok(note);
        }
        for line in first.note().lines() {
            merged = merged.with_line(line.clone()).map_err(refused)?;
        }
        Ok(merged.as_bytes().to_vec())
    }

    /// The checkpoints of which nothing is kept but how they stood with their first quorum: those of a log that grew while
    /// its follower was away.
    fn first_quorums_alone(&self, prefix: &str, take: &mut TakeFile<'_>) -> Result<(), NodeError> {
        let mut from = TreeSize::ZERO;
        while let Some(note) = self.store.first_quorum_from(self.origin, from)? {
            let size = head_of(&note)?.size;
            if size >= self.head.size {
                break;
            }
            let kept =
                self.store.newest_note_up_to(self.origin, size)?.map(|note| head_of(&note)).transpose()?;
            if kept.is_none_or(|kept| kept.size < size) && self.is_good(&note) {
                take(&format!("{prefix}checkpoints/{size}"), &note)?;
            }
            from = size.next().unwrap_or(self.head.size);
        }
        Ok(())
    }

    fn openings(&self, bundle: &TileCoordinate, told: &Told) -> Result<Vec<u8>, NodeError> {
        let entries = entries_of(self.store, self.origin, bundle)?;
        let all: Vec<Slot> = (0..=Slot::TAGS.number()).map(Slot::new).collect();
        let is_own = self.store.role(self.origin)? == Some(LogRole::Own);
        // What is not here of a peer's log was never given to this node; of its own it held all once.
        let missing = if is_own { Disclosed::Lost } else { Disclosed::Withheld };
        let held_back = self.store.held_back();
        let mut bytes = Vec::new();
        let mut held = entries.iter().zip(0..=u8::MAX);
        let read = self.store.each_opening(self.origin, range_of(bundle)?, &all, |index, openings| {
            let (entry, position) = held.next().ok_or_else(|| self.damaged(index.value()))?;
            // Of the own log the keyring knows, also where the entry that announces it is lost or is not obeyed.
            let is_erased = if is_own {
                self.store.is_erased(self.origin, index)?
            } else {
                told.erased.contains(&index.value())
            };
            let is_held_back = held_back.holds(self.origin, index);
            let missing = if is_erased {
                &Disclosed::Erased
            } else if is_held_back {
                &Disclosed::Withheld
            } else {
                &missing
            };
            for (slot, _) in Entry::parse(entry)?.commitments() {
                let opening = openings.get(usize::from(slot.number())).cloned().flatten();
                let opening = opening.filter(|_| !is_held_back);
                let disclosed = opening.map_or_else(|| missing.clone(), Disclosed::Opened);
                DisclosedSection { position, slot: *slot, disclosed }.write(&mut bytes);
            }
            Ok::<(), NodeError>(())
        });
        read.map_err(of_reading)?;
        self.store.sync_what_was_read()?;
        Ok(bytes)
    }

    fn damaged(&self, place: u64) -> NodeError {
        let log = self.origin.to_string();
        comity_store::StoreError::Damaged { what: "an entry chunk", log, place }.into()
    }
}

/// The audit bundle of a home: every log that is held up to a checkpoint, with the key that it was verified with. A
/// peer that was never reached has none yet. A replica that was set aside is exported by itself: a bundle says one
/// thing of each origin.
///
/// # Errors
/// A [`NodeError`] of the store or of `take`.
pub fn bundle_of(
    home: &Home,
    store: &Store,
    now: AuthorTime,
    take: &mut TakeFile<'_>,
) -> Result<(), NodeError> {
    let mut keyed = Vec::new();
    for (origin, _) in store.logs()? {
        if is_set_aside(&origin) {
            continue;
        }
        match home.log_key_of(store, &origin) {
            Ok(key) if store.newest_note(&origin)?.is_some() => keyed.push((origin, key)),
            Ok(_) | Err(NodeError::Store(comity_store::StoreError::NoSuchLog { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    let logs = keyed.iter().map(|(origin, key)| LogExport::new(store, origin, key));
    let logs = logs.collect::<Result<Vec<_>, NodeError>>()?;
    for file in store.evidence_files()? {
        take(&format!("evidence/{}", hex(&Hash::digest(&file))), &file)?;
    }
    let (peers, own) = (home.peers()?, home.witness_verifier()?);
    for (log, number) in logs.iter().zip(0_u32..) {
        // As this home sees it; the auditor brings another.
        if let Some(policy) = policy_for(store, &peers, &own, log.origin)? {
            take(&format!("{}/policy", folder_of(number)), &policy.to_text())?;
        }
    }
    bundle(home.config().agency.as_str(), &logs, now, take)
}

/// Where a log lies in a bundle.
fn folder_of(number: u32) -> String {
    format!("logs/{number:03}")
}

/// The audit bundle of these logs; the contents come last.
///
/// # Errors
/// A [`NodeError`] of the store or of `take`.
pub fn bundle(
    agency: &str,
    logs: &[LogExport<'_>],
    now: AuthorTime,
    take: &mut TakeFile<'_>,
) -> Result<(), NodeError> {
    let mut manifest = Manifest {
        format: BUNDLE_FORMAT.to_owned(),
        agency: agency.to_owned(),
        made_at: now.unix_secs(),
        logs: Vec::with_capacity(logs.len()),
    };
    for (log, number) in logs.iter().zip(0_u32..) {
        let folder = folder_of(number);
        let prefix = format!("{folder}/");
        log.files(&prefix, take)?;
        log.audit_files(&prefix, take)?;
        manifest.logs.push(ManifestLog {
            origin: log.origin.to_string(),
            folder,
            size: log.head.size.value(),
            root: log.head.root.to_base64(),
        });
    }
    take("README", README.as_bytes())?;
    let text = serde_json::to_string_pretty(&manifest)
        .map_err(|error| NodeError::Json { reason: error.to_string() })?;
    take("bundle.json", text.as_bytes())
}

pub(crate) fn hex(hash: &Hash) -> String {
    hash.as_bytes().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn head_of(note: &[u8]) -> Result<Head, NodeError> {
    let signed = SignedCheckpoint::parse(note).map_err(|source| NodeError::OwnNote { source })?;
    Ok(Head { size: signed.checkpoint().size(), root: signed.checkpoint().root() })
}

fn of_reading(error: ReadError<NodeError>) -> NodeError {
    match error {
        ReadError::Store(source) => source.into(),
        ReadError::Taker(error) => error,
    }
}

fn no_such_log(origin: &Origin) -> NodeError {
    comity_store::StoreError::NoSuchLog { origin: origin.to_string() }.into()
}
