//! The history of one log: entries hashed, tiles and roots recomputed, openings compared.

use std::collections::BTreeSet;

use comity_ledger::{Entry, Genesis, Kind, Origin, openings_path};
use comity_tlog::{
    BUNDLE_BYTES_MAX, EntryBundle, EntryIndex, Hash, RightEdge, TILE_BYTES_MAX, TileCoordinate, TileKind,
    TreeSize, VerifiedCheckpoint, VerifierKey, bundles_between, tiles_between,
};

use crate::folder::Folder;
use crate::report::{Failure, Report};
use crate::sections::Sections;

/// Checkpoints not yet reached, with their paths, smallest first.
type Due<'c> = std::iter::Peekable<std::slice::Iter<'c, (String, VerifiedCheckpoint)>>;

/// The keys that the genesis must name.
#[derive(Clone, Copy)]
pub(crate) struct LogKeys<'a> {
    /// The one that signed the checkpoints.
    pub(crate) log: &'a VerifierKey,
    /// The root keys on the cards that the auditor brought for it; usually one, or none without a card.
    pub(crate) roots: &'a [VerifierKey],
}

/// The check of one log's files against its checkpoints.
pub(crate) struct History<'a> {
    folder: &'a Folder,
    log: &'a str,
    origin: &'a Origin,
    keys: LogKeys<'a>,
    report: &'a mut Report,
    edge: RightEdge,
    /// The hashes of each tile level, from the leaves up.
    levels: Vec<Vec<Hash>>,
    /// The entries whose erasure an entry after them announces.
    announced: BTreeSet<u64>,
    /// The entries that are called erased, with the openings file that says so.
    erased: Vec<(String, Vec<u64>)>,
}

impl<'a> History<'a> {
    pub(crate) fn new(
        folder: &'a Folder,
        log: &'a str,
        origin: &'a Origin,
        keys: LogKeys<'a>,
        report: &'a mut Report,
    ) -> Self {
        Self {
            folder,
            log,
            origin,
            keys,
            report,
            edge: RightEdge::empty(),
            levels: vec![Vec::new()],
            announced: BTreeSet::new(),
            erased: Vec::new(),
        }
    }

    /// Checks the first `size` entries and everything over them. The `checkpoints` come with their paths,
    /// smallest first; one of a size over `size` is a failure.
    pub(crate) fn check(mut self, size: TreeSize, checkpoints: &[(String, VerifiedCheckpoint)]) {
        if size == TreeSize::ZERO {
            self.fail("entry", None, "checkpoint", "a log without entries has no genesis".to_owned());
        }
        let mut due = checkpoints.iter().peekable();
        self.check_roots(&mut due);
        for bundle in bundles_between(TreeSize::ZERO, size) {
            if !self.check_bundle(&bundle, &mut due) {
                // Without these entries nothing behind them can be hashed.
                let detail = format!("only {} of {size} entries can be hashed", self.edge.size());
                return self.fail("root", None, "checkpoint", detail);
            }
        }
        for (path, checkpoint) in due {
            let size = checkpoint.checkpoint().size();
            self.fail("root", None, path, format!("the bundle has no entries up to its size {size}"));
        }
        self.check_tiles(size);
        self.check_erasures();
    }

    /// What is called erased must have been announced so, later in the log: else anything could be hidden.
    fn check_erasures(&mut self) {
        for (path, indexes) in std::mem::take(&mut self.erased) {
            for index in indexes {
                if !self.announced.contains(&index) {
                    let detail = "said to be erased, but no later entry announces its erasure".to_owned();
                    self.fail("opening", Some(index), &path, detail);
                }
            }
        }
    }

    /// Reads, parses and hashes up to 256 entries, and checks their openings; false if they cannot be read.
    fn check_bundle(&mut self, coordinate: &TileCoordinate, due: &mut Due<'_>) -> bool {
        let path = coordinate.to_string();
        let first = self.edge.size().value();
        let bytes = match self.read(&path, BUNDLE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(detail) => {
                self.fail("bundle", Some(first), &path, detail);
                return false;
            }
        };
        let bundle = match EntryBundle::parse(&bytes, coordinate.width()) {
            Ok(bundle) => bundle,
            Err(error) => {
                self.fail("bundle", Some(first), &path, error.to_string());
                return false;
            }
        };
        self.report.checks.bundles += 1;
        let mut entries = Vec::with_capacity(bundle.entries().len());
        for (bytes, index) in bundle.entries().iter().zip(first..) {
            entries.push(self.check_entry(bytes, index, &path));
            self.append(Hash::leaf(bytes));
            self.check_roots(due);
        }
        let leaves = self.levels.first().map(Vec::as_slice).unwrap_or_default();
        let erased = Sections {
            folder: self.folder,
            log: self.log,
            origin: self.origin,
            first,
            leaves,
            report: self.report,
        }
        .check(coordinate, &entries);
        if !erased.is_empty() {
            self.erased.push((openings_path(coordinate), erased));
        }
        true
    }

    fn check_entry(&mut self, bytes: &[u8], index: u64, path: &str) -> Option<Entry> {
        let entry = match Entry::parse(bytes) {
            Ok(entry) => entry,
            Err(error) => {
                self.fail("entry", Some(index), path, error.to_string());
                return None;
            }
        };
        self.report.checks.entries += 1;
        match entry.about().map(EntryIndex::value) {
            Some(about) if about >= index => {
                self.fail(
                    "entry",
                    Some(index),
                    path,
                    "it is about an entry that is not before it".to_owned(),
                );
            }
            Some(about) if entry.kind() == Kind::Erase => {
                self.announced.insert(about);
            }
            _ => {}
        }
        if index == 0 {
            self.check_genesis(&entry, path);
        } else if Genesis::from_entry(&entry).is_ok() {
            self.fail("entry", Some(index), path, "a second genesis".to_owned());
        }
        Some(entry)
    }

    /// The first entry names the agency, the key of the log, and the root key of the card that vouches for it.
    fn check_genesis(&mut self, entry: &Entry, path: &str) {
        let genesis = Genesis::from_entry(entry).ok();
        let named = genesis.filter(|genesis| {
            genesis.agency() == self.origin.agency() && genesis.names_log_key(self.keys.log)
        });
        let detail = match named {
            None => "the genesis entry does not name this agency and log key",
            Some(genesis) if !self.keys.roots.iter().all(|root| genesis.names_root_key(root)) => {
                "the genesis entry names another root key than the card"
            }
            Some(_) => return,
        };
        self.fail("entry", Some(0), path, detail.to_owned());
    }

    fn append(&mut self, leaf: Hash) {
        let levels = &mut self.levels;
        let appended = self.edge.append_reporting(leaf, |level, _, hash| {
            if level % 8 == 0 {
                let level = usize::from(level / 8);
                if levels.len() <= level {
                    levels.resize(level + 1, Vec::new());
                }
                if let Some(hashes) = levels.get_mut(level) {
                    hashes.push(hash);
                }
            }
        });
        if appended.is_err() {
            self.fail("entry", None, "checkpoint", "more entries than a log can hold".to_owned());
        }
    }

    /// Compares the tree so far with every checkpoint of this size.
    fn check_roots(&mut self, due: &mut Due<'_>) {
        while let Some((path, checkpoint)) =
            due.next_if(|(_, checkpoint)| checkpoint.checkpoint().size() == self.edge.size())
        {
            if checkpoint.checkpoint().root() == self.edge.root() {
                self.report.checks.roots += 1;
            } else {
                let detail = format!("the first {} entries have another root", self.edge.size());
                self.fail("root", None, path, detail);
            }
        }
    }

    fn check_tiles(&mut self, size: TreeSize) {
        for coordinate in tiles_between(TreeSize::ZERO, size) {
            let TileKind::Hashes(level) = coordinate.kind() else { continue };
            let path = coordinate.to_string();
            let first = coordinate.index().saturating_mul(256);
            let wanted = self.levels.get(usize::from(level.value())).and_then(|hashes| {
                let start = usize::try_from(first).ok()?;
                hashes.get(start..start + usize::from(coordinate.width().value()))
            });
            let expected: Option<Vec<u8>> =
                wanted.map(|hashes| hashes.iter().flat_map(|hash| *hash.as_bytes()).collect());
            match self.read(&path, TILE_BYTES_MAX) {
                Ok(bytes) if Some(&bytes) == expected.as_ref() => self.report.checks.tiles += 1,
                Ok(bytes) => {
                    let differs = expected.as_ref().and_then(|expected| {
                        let pairs = expected.chunks(32).zip(bytes.chunks(32)).zip(first..);
                        pairs.into_iter().find(|((a, b), _)| a != b).map(|(_, at)| at)
                    });
                    let index = if level.value() == 0 { differs } else { None };
                    self.fail("tile", index, &path, "it is not the hashes of the entries".to_owned());
                }
                Err(detail) => self.fail("tile", None, &path, detail),
            }
        }
    }

    fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, String> {
        self.folder.read(&format!("{}/{path}", self.log), u64::try_from(limit).unwrap_or(u64::MAX))
    }

    fn fail(&mut self, check: &'static str, index: Option<u64>, path: &str, detail: String) {
        let origin = Some(self.origin.to_string());
        self.report.fail(Failure { check, origin, index, path: format!("{}/{path}", self.log), detail });
    }
}
