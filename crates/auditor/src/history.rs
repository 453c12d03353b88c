//! The history of one log: entries hashed, tiles and roots recomputed, proofs made, openings compared.

use std::collections::BTreeSet;

use comity_ledger::{Entry, Genesis, Kind, openings_path};
use comity_tlog::{
    BUNDLE_BYTES_MAX, EntryBundle, EntryIndex, Hash, HashTile, RightEdge, TILE_BYTES_MAX, TileCoordinate,
    TileKind, TreeSize, bundles_between, prove_consistency, tiles_between,
};

use crate::author_times::AuthorTimes;
use crate::folder::Folder;
use crate::nodes::Nodes;
use crate::report::{Failure, Gap, Note, Report};
use crate::sections::Sections;
use crate::signed::{SignedHead, SignedLog};

/// Checkpoints not yet reached, smallest first.
type Due<'l> = std::iter::Peekable<std::slice::Iter<'l, SignedHead>>;

/// The check of one log's files against its checkpoints.
pub(crate) struct History<'a> {
    folder: &'a Folder,
    log: &'a SignedLog,
    report: &'a mut Report,
    edge: RightEdge,
    nodes: Nodes,
    times: AuthorTimes,
    gaps: Vec<Gap>,
    /// Entries of which sections are said to be lost.
    lost: Vec<Gap>,
    /// Entries of which sections are said to be erased, and no entry after them announces it.
    unannounced: Vec<Gap>,
    /// The entries whose erasure an entry after them announces.
    announced: BTreeSet<u64>,
    /// The entries that are called erased, with the openings file that says so.
    erased: Vec<(String, Vec<u64>)>,
    /// Read over by one file after the other.
    buffer: Vec<u8>,
}

impl<'a> History<'a> {
    pub(crate) fn new(folder: &'a Folder, log: &'a SignedLog, report: &'a mut Report) -> Self {
        Self {
            folder,
            log,
            report,
            edge: RightEdge::empty(),
            nodes: Nodes::new(),
            times: AuthorTimes::new(&log.heads),
            gaps: Vec::new(),
            lost: Vec::new(),
            unannounced: Vec::new(),
            announced: BTreeSet::new(),
            erased: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Checks the entries under the newest checkpoint and everything over them. A checkpoint of a larger size is a
    /// failure.
    pub(crate) fn check(mut self) {
        let size = self.log.size;
        if size == TreeSize::ZERO {
            self.fail("entry", None, "checkpoint", "a log without entries has no genesis".to_owned());
        }
        let mut due = self.log.heads.iter().peekable();
        self.check_roots(&mut due);
        let mut whole = true;
        for bundle in bundles_between(TreeSize::ZERO, size) {
            if !(self.check_bundle(&bundle, &mut due) || self.bridge_gap(&bundle, &mut due)) {
                // Without these hashes nothing behind them can be hashed.
                let detail = format!("only {} of {size} entries can be hashed", self.edge.size());
                self.fail("root", None, "checkpoint", detail);
                self.lack(self.edge.size().value(), size.value());
                whole = false;
                break;
            }
        }
        self.check_proofs();
        if whole {
            for head in due {
                let size = head.checkpoint.size();
                self.fail(
                    "root",
                    None,
                    &head.path,
                    format!("the bundle has no entries up to its size {size}"),
                );
            }
            self.check_tiles(size);
            self.check_erasures();
        }
        self.times.tell(self.log, self.report);
        self.tell_lost();
        self.tell_unannounced();
        if let Some(log) = self.report.logs.get_mut(self.log.place) {
            log.gaps = self.gaps;
            log.lost = self.lost;
            log.unannounced = self.unannounced;
        }
    }

    /// What is called erased must have been announced so, later in the log: else anything could be hidden. An author whose
    /// home was put back may have lost the entry that announces it, and can show that no more than what else it lost.
    fn check_erasures(&mut self) {
        for (path, indexes) in std::mem::take(&mut self.erased) {
            for index in indexes {
                if self.announced.contains(&index) {
                    continue;
                }
                if self.log.is_makers {
                    extend(&mut self.unannounced, index, index.saturating_add(1));
                } else {
                    let detail =
                        "said to be erased, but no later entry that is here announces its erasure".to_owned();
                    self.fail("opening", Some(index), &path, detail);
                }
            }
        }
    }

    /// Reads, parses and hashes up to 256 entries, and checks their openings; false if they cannot be read.
    fn check_bundle(&mut self, coordinate: &TileCoordinate, due: &mut Due<'_>) -> bool {
        let path = coordinate.to_string();
        let first = self.edge.size().value();
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.read(&path, BUNDLE_BYTES_MAX, &mut buffer);
        let parsed = read.and_then(|bytes| {
            EntryBundle::parse(bytes, coordinate.width()).map_err(|error| error.to_string())
        });
        let bundle = match parsed {
            Ok(bundle) => bundle,
            Err(detail) => {
                self.fail("bundle", Some(first), &path, detail);
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
        self.buffer = buffer;
        let gone = Sections {
            folder: self.folder,
            log: &self.log.folder,
            origin: &self.log.origin,
            first,
            leaves: self.nodes.leaves(),
            is_makers: self.log.is_makers,
            report: self.report,
        }
        .check(coordinate, &entries);
        for index in gone.lost {
            extend(&mut self.lost, index, index.saturating_add(1));
        }
        if !gone.erased.is_empty() {
            self.erased.push((openings_path(coordinate), gone.erased));
        }
        true
    }

    /// Goes on over entries that are not there by the hashes of their tile, so that a gap is told for what it is
    /// and what stands behind it is checked all the same; false if the tile is of no use either.
    fn bridge_gap(&mut self, bundle: &TileCoordinate, due: &mut Due<'_>) -> bool {
        let path = bundle.to_string().replacen("tile/entries/", "tile/0/", 1);
        let mut buffer = Vec::new();
        let read = self.read(&path, TILE_BYTES_MAX, &mut buffer).ok();
        let Some(tile) = read.and_then(|bytes| HashTile::parse(bytes, bundle.width()).ok()) else {
            return false;
        };
        let first = self.edge.size().value();
        for leaf in tile.hashes() {
            self.append(*leaf);
            self.check_roots(due);
        }
        self.lack(first, self.edge.size().value());
        true
    }

    /// Entries that are not there, from one index to before another.
    fn lack(&mut self, first: u64, end: u64) {
        if extend(&mut self.gaps, first, end) {
            self.report.checks.gaps += 1;
        }
    }

    /// Says aloud what the author says that it lost: no hash tells that from what it withholds.
    fn tell_lost(&mut self) {
        let Some(first) = self.lost.first().filter(|_| self.log.is_makers) else { return };
        let detail =
            "the author says that it lost sections of this entry, and of all that are listed; nothing here \
                      shows whether it did: ask its peers for what they hold"
                .to_owned();
        let (origin, path) = (self.log.origin.to_string(), format!("{}/openings", self.log.folder));
        self.report.note(Note { origin, index: Some(first.first), path, detail });
    }

    /// Says aloud what the author says that it erased, and the log does not.
    fn tell_unannounced(&mut self) {
        let Some(first) = self.unannounced.first() else { return };
        let detail = "the author says that it erased this entry, and all that are listed, and no later entry that is here \
                      announces it: ask its peers for the end of the log, and for what they hold"
            .to_owned();
        let (origin, path) = (self.log.origin.to_string(), format!("{}/openings", self.log.folder));
        self.report.note(Note { origin, index: Some(first.first), path, detail });
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
        self.times.see(index, entry.author_time());
        match entry.about().map(EntryIndex::value) {
            Some(about) if about >= index => {
                let detail = "it is about an entry that is not before it".to_owned();
                self.fail("entry", Some(index), path, detail);
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
        let (origin, first, roots) = (&self.log.origin, self.log.keys.first(), &self.log.keys.roots);
        let genesis = Genesis::from_entry(entry).ok();
        let named = genesis.filter(|genesis| {
            genesis.agency() == origin.agency() && first.is_some_and(|key| genesis.names_log_key(key))
        });
        let detail = match named {
            None => "the genesis entry does not name this agency and log key",
            Some(genesis) if !roots.is_empty() && !roots.iter().any(|root| genesis.names_root_key(root)) => {
                "the genesis entry names another root key than the card"
            }
            // It goes on from another log than the one before, or from none, or its root key did not sign that.
            Some(_) if self.log.keys.genesis.is_none() => {
                "the genesis entry is not that of a log of this name, or its root key did not sign it"
            }
            Some(_) => return,
        };
        self.fail("entry", Some(0), path, detail.to_owned());
    }

    fn append(&mut self, leaf: Hash) {
        let nodes = &mut self.nodes;
        if self.edge.append_reporting(leaf, |level, _, hash| nodes.take(level, hash)).is_err() {
            self.fail("entry", None, "checkpoint", "more entries than a log can hold".to_owned());
        }
    }

    /// Compares the tree so far with every checkpoint of this size.
    fn check_roots(&mut self, due: &mut Due<'_>) {
        while let Some(head) = due.next_if(|head| head.checkpoint.size() == self.edge.size()) {
            if head.checkpoint.root() == self.edge.root() {
                self.report.checks.roots += 1;
            } else {
                let detail = format!("the first {} entries have another root", self.edge.size());
                self.fail("root", None, &head.path, detail);
            }
        }
    }

    /// Proves that each checkpoint begins with the whole of the one before it (RFC 6962 §2.1.2), and so with all
    /// before: what each begins with, the next begins with too. By the signed roots, not by those computed here.
    fn check_proofs(&mut self) {
        let heads = &self.log.heads;
        for (older, newer) in heads.iter().zip(heads.iter().skip(1)) {
            let (from, to) = (older.checkpoint.size(), newer.checkpoint.size());
            // Two of one size have their roots compared, and what is over the entries has its failure.
            if from == to || to > self.edge.size() {
                continue;
            }
            let proof = match prove_consistency(&self.nodes, from, to) {
                Ok(proof) => proof,
                Err(error) => {
                    self.fail("proof", None, &newer.path, error.to_string());
                    continue;
                }
            };
            if newer.checkpoint.verify_extends(&older.checkpoint, &proof).is_ok() {
                self.report.checks.proofs += 1;
            } else {
                let detail = format!("it does not begin with the tree of size {from} ({})", older.path);
                self.fail("proof", None, &newer.path, detail);
            }
        }
    }

    fn check_tiles(&mut self, size: TreeSize) {
        let mut buffer = Vec::new();
        for coordinate in tiles_between(TreeSize::ZERO, size) {
            let TileKind::Hashes(level) = coordinate.kind() else { continue };
            let path = coordinate.to_string();
            let bytes = match self.read(&path, TILE_BYTES_MAX, &mut buffer) {
                Ok(bytes) => bytes,
                Err(detail) => {
                    self.fail("tile", None, &path, detail);
                    continue;
                }
            };
            let expected = self.nodes.tile(&coordinate).unwrap_or_default();
            let (found, rest) = bytes.as_chunks::<{ Hash::BYTES }>();
            let whole = rest.is_empty() && found.len() == expected.len();
            let mut pairs = expected.iter().zip(found).zip(coordinate.first()..);
            let differs = pairs.find(|((hash, bytes), _)| hash.as_bytes() != *bytes).map(|(_, index)| index);
            if whole && differs.is_none() && !expected.is_empty() {
                self.report.checks.tiles += 1;
            } else {
                let index = if level.value() == 0 { differs } else { None };
                self.fail("tile", index, &path, "it is not the hashes of the entries".to_owned());
            }
        }
    }

    fn read<'b>(&self, path: &str, limit: usize, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], String> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        self.folder.read_over(&format!("{}/{path}", self.log.folder), limit, buffer)
    }

    fn fail(&mut self, check: &'static str, index: Option<u64>, path: &str, detail: String) {
        let origin = Some(self.log.origin.to_string());
        let path = format!("{}/{path}", self.log.folder);
        self.report.fail(Failure { check, origin, index, path, detail });
    }
}

/// Adds a run of entries to those before; whether it begins one of its own.
fn extend(runs: &mut Vec<Gap>, first: u64, end: u64) -> bool {
    match runs.last_mut() {
        Some(run) if run.last.saturating_add(1) == first => {
            run.last = end.saturating_sub(1);
            false
        }
        _ => {
            runs.push(Gap { first, last: end.saturating_sub(1) });
            true
        }
    }
}
