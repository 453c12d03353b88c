//! What leaves the home as files: a log as a plain tlog-tiles folder, and the audit bundle.
//!
//! Files are handed over one by one with their relative paths; whoever takes them decides where they go.

use comity_ledger::{
    AuthorTime, BUNDLE_FORMAT, Disclosed, DisclosedSection, Entry, Head, Manifest, ManifestLog, Origin, Slot,
    openings_path,
};
use comity_store::{ReadError, Store, is_set_aside};
use comity_tlog::{
    EntryBundle, SignedCheckpoint, TileCoordinate, TileKind, TreeSize, VerifierKey, bundles_between,
    tiles_between,
};

use crate::{Home, NodeError};

/// Takes one file: its path, `/` between parts, and its bytes.
pub type TakeFile<'a> = dyn FnMut(&str, &[u8]) -> Result<(), NodeError> + 'a;

const README: &str = "\
An audit bundle of Comity. It can be checked with no network and no trust in the node that made it.

1. comity-audit verify THIS-FOLDER --keys CARD
   checks signatures, entries, tiles, roots, openings and changes. CARD is the agency's card, or a file of vkeys,
   which you must have got by another way: the VKEYS files in here are only a hint.
2. Each folder under logs/ is a plain log in the C2SP tlog-tiles layout (https://c2sp.org/tlog-tiles) and can be
   checked with any checker of that format, for example one built on golang.org/x/mod/sumdb/tlog.
";

/// One log to be exported.
#[derive(Debug)]
pub struct LogExport<'a> {
    store: &'a Store,
    origin: &'a Origin,
    key: &'a VerifierKey,
    note: Vec<u8>,
    head: Head,
}

impl<'a> LogExport<'a> {
    /// The log up to its newest signed checkpoint.
    ///
    /// # Errors
    /// [`comity_store::StoreError::NoSuchLog`] inside [`NodeError::Store`] if nothing of it is signed here.
    pub fn new(store: &'a Store, origin: &'a Origin, key: &'a VerifierKey) -> Result<Self, NodeError> {
        let note = store.newest_note(origin)?.ok_or_else(|| no_such_log(origin))?;
        let head = head_of(&note)?;
        Ok(Self { store, origin, key, note, head })
    }

    /// Size and root of what is exported.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The log as a tlog-tiles folder (c2sp.org/tlog-tiles) with its key in `VKEYS`; the checkpoint comes last.
    ///
    /// # Errors
    /// A [`NodeError`] of the store or of `take`.
    pub fn files(&self, prefix: &str, take: &mut TakeFile<'_>) -> Result<(), NodeError> {
        let nodes = self.store.nodes(self.origin);
        for tile in tiles_between(TreeSize::ZERO, self.head.size) {
            let TileKind::Hashes(level) = tile.kind() else { continue };
            let first = tile.index().saturating_mul(256);
            let mut bytes = Vec::with_capacity(usize::from(tile.width().value()) * 32);
            for index in first..first.saturating_add(u64::from(tile.width().value())) {
                bytes.extend_from_slice(nodes.tile_hash(level.value(), index)?.as_bytes());
            }
            take(&format!("{prefix}{tile}"), &bytes)?;
        }
        for bundle in bundles_between(TreeSize::ZERO, self.head.size) {
            let entries = self.entries(&bundle)?;
            let whole = EntryBundle::from_entries(entries.iter().map(Vec::as_slice).collect());
            let bytes = whole.map_err(|_| self.damaged(bundle.index()))?.to_bytes();
            take(&format!("{prefix}{bundle}"), &bytes)?;
        }
        take(&format!("{prefix}VKEYS"), format!("{}\n", self.key).as_bytes())?;
        take(&format!("{prefix}checkpoint"), &self.note)
    }

    /// What an audit bundle has beside [`LogExport::files`]: the earlier checkpoints, and every opening held.
    fn audit_files(&self, prefix: &str, take: &mut TakeFile<'_>) -> Result<(), NodeError> {
        for note in self.store.notes(self.origin)? {
            let size = head_of(&note)?.size;
            if size < self.head.size {
                take(&format!("{prefix}checkpoints/{size}"), &note)?;
            }
        }
        for bundle in bundles_between(TreeSize::ZERO, self.head.size) {
            take(&format!("{prefix}{}", openings_path(&bundle)), &self.openings(&bundle)?)?;
        }
        Ok(())
    }

    fn openings(&self, bundle: &TileCoordinate) -> Result<Vec<u8>, NodeError> {
        let entries = self.entries(bundle)?;
        let all: Vec<Slot> = (0..=Slot::TAGS.number()).map(Slot::new).collect();
        let mut bytes = Vec::new();
        let mut held = entries.iter().zip(0..=u8::MAX);
        let read = self.store.each_opening(self.origin, range_of(bundle)?, &all, |index, openings| {
            let (entry, position) = held.next().ok_or_else(|| self.damaged(index.value()))?;
            for (slot, _) in Entry::parse(entry)?.commitments() {
                let opening = openings.get(usize::from(slot.number())).cloned().flatten();
                // Whatever is not here was never given to this node: erasures come with the erase entries.
                let disclosed = opening.map_or(Disclosed::Withheld, Disclosed::Opened);
                DisclosedSection { position, slot: *slot, disclosed }.write(&mut bytes);
            }
            Ok::<(), NodeError>(())
        });
        match read {
            Ok(()) => {
                self.store.sync_what_was_read()?;
                Ok(bytes)
            }
            Err(ReadError::Store(source)) => Err(source.into()),
            Err(ReadError::Taker(error)) => Err(error),
        }
    }

    fn entries(&self, bundle: &TileCoordinate) -> Result<Vec<Vec<u8>>, NodeError> {
        let range = range_of(bundle)?;
        Ok(self.store.entries(self.origin, range.start, range.end)?)
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
    bundle(home.config().agency.as_str(), &logs, now, take)
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
        let folder = format!("logs/{number:03}");
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

fn range_of(bundle: &TileCoordinate) -> Result<std::ops::Range<TreeSize>, NodeError> {
    let start = bundle.index().saturating_mul(256);
    let size = |value| {
        TreeSize::new(value).map_err(|_| NodeError::Contradiction { origin: String::new(), size: value })
    };
    Ok(size(start)?..size(start.saturating_add(u64::from(bundle.width().value())))?)
}

pub(crate) fn head_of(note: &[u8]) -> Result<Head, NodeError> {
    let signed = SignedCheckpoint::parse(note).map_err(|source| NodeError::OwnNote { source })?;
    Ok(Head { size: signed.checkpoint().size(), root: signed.checkpoint().root() })
}

fn no_such_log(origin: &Origin) -> NodeError {
    comity_store::StoreError::NoSuchLog { origin: origin.to_string() }.into()
}
