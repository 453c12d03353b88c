//! An agency that writes into its bundle what it likes, with its true key, and witnesses that sign what they are
//! asked to.

use std::path::PathBuf;

use comity_auditor::{Report, TrustedKeys, verify};
use comity_ledger::{
    AuthorTime, BUNDLE_FORMAT, Disclosed, DisclosedSection, Draft, Entry, Genesis, Head, Kind, Manifest,
    ManifestLog, Origin, openings_path,
};
use comity_node::SystemEntropy;
use comity_tlog::{
    Checkpoint, CosignatureTime, EntryBundle, EntryIndex, Hash, KeyKind, KeyName, Policy, RightEdge,
    SignedCheckpoint, SigningKey, TileCoordinate, TileKind, TreeSize, VerifierKey, bundles_between,
    tiles_between,
};

pub(crate) const ORIGIN: &str = "agency-a.example/pub";

/// When entries say that they were written, if nothing else is said.
pub(crate) const NOW: u64 = 1_780_000_000;

pub(crate) fn key(seed: u8) -> SigningKey {
    key_of(ORIGIN, seed)
}

/// A log key of another log.
pub(crate) fn key_of(origin: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(origin).unwrap(), KeyKind::Ed25519, &[seed; 32]).unwrap()
}

pub(crate) fn cosigner(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), KeyKind::CosignatureV1, &[seed; 32]).unwrap()
}

/// A witness that is none of the agency's.
pub(crate) fn witness(number: u8) -> SigningKey {
    cosigner(&format!("witness-{number}.example/witness"), 100 + number)
}

/// The policy that so many of the first witnesses are enough.
pub(crate) fn policy(witnesses: u8, needed: usize) -> Policy {
    let keys: Vec<VerifierKey> = (1..=witnesses).map(|number| witness(number).verifier().clone()).collect();
    Policy::threshold(keys, needed).unwrap()
}

pub(crate) fn genesis() -> Draft {
    let (root, log) = (key(1), key(2));
    Genesis::new("agency-a.example".parse().unwrap(), root.verifier(), log.verifier()).unwrap().draft()
}

pub(crate) fn at(index: u64) -> EntryIndex {
    EntryIndex::new(index).unwrap()
}

pub(crate) fn size(value: u64) -> TreeSize {
    TreeSize::new(value).unwrap()
}

pub(crate) fn erase(index: u64) -> Draft {
    Draft::new(Kind::Erase, Some(at(index))).with_public_body(vec![1])
}

pub(crate) struct Forger {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) origin: Origin,
    pub(crate) entries: Vec<Vec<u8>>,
}

impl Forger {
    pub(crate) fn new(drafts: Vec<Draft>) -> Self {
        Self::at_times(drafts.into_iter().map(|draft| (draft, NOW)).collect())
    }

    /// Entries that claim these times.
    pub(crate) fn at_times(drafts: Vec<(Draft, u64)>) -> Self {
        let mut forger = Self::of(ORIGIN);
        for (draft, claimed) in drafts {
            forger.append_at(draft, claimed);
        }
        forger
    }

    /// A log without entries.
    pub(crate) fn of(origin: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, origin: origin.parse().unwrap(), entries: Vec::new() }
    }

    /// Appends an entry; a bundle that was written before does not have it.
    pub(crate) fn append(&mut self, draft: Draft) {
        self.append_at(draft, NOW);
    }

    fn append_at(&mut self, draft: Draft, claimed: u64) {
        let claimed = AuthorTime::from_unix_secs(claimed);
        let sealed = draft.seal(&self.origin, claimed, &mut SystemEntropy::new()).unwrap();
        self.entries.push(sealed.bytes().as_bytes().to_vec());
    }

    /// A log of a genesis and records, and its bundle, in which everything is withheld.
    pub(crate) fn of_entries(count: usize) -> Self {
        let records = (1..count).map(|_| Draft::new(Kind::Record, None));
        let forger = Self::new(std::iter::once(genesis()).chain(records).collect());
        forger.bundle(|_| Disclosed::Withheld);
        forger
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("bundle")
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn size(&self) -> TreeSize {
        size(u64::try_from(self.entries.len()).unwrap())
    }

    pub(crate) fn note(size: TreeSize, root: Hash) -> Vec<u8> {
        signed(size, root).as_bytes().to_vec()
    }

    /// Writes the bundle; every section of an entry is given as `disclosed` says.
    pub(crate) fn bundle(&self, disclosed: impl Fn(u64) -> Disclosed) {
        let levels = self.levels();
        for tile in tiles_between(TreeSize::ZERO, self.size()) {
            let TileKind::Hashes(level) = tile.kind() else { panic!("tiles hold hashes") };
            let hashes = &levels[usize::from(level.value())][range(&tile)];
            let bytes: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
            self.write(&format!("logs/000/{tile}"), &bytes);
        }
        for bundle in bundles_between(TreeSize::ZERO, self.size()) {
            let entries = &self.entries[range(&bundle)];
            let whole = EntryBundle::from_entries(entries.iter().map(Vec::as_slice).collect()).unwrap();
            self.write(&format!("logs/000/{bundle}"), &whole.to_bytes());
            let mut openings = Vec::new();
            for (entry, position) in entries.iter().zip(0..=u8::MAX) {
                for (slot, _) in Entry::parse(entry).unwrap().commitments() {
                    let disclosed = disclosed(bundle.first() + u64::from(position));
                    DisclosedSection { position, slot: *slot, disclosed }.write(&mut openings);
                }
            }
            self.write(&format!("logs/000/{}", openings_path(&bundle)), &openings);
        }
        self.write("logs/000/VKEYS", format!("{}\n", key(2).verifier()).as_bytes());
        self.write("logs/000/checkpoint", &Self::note(self.size(), self.root()));
        self.contents(self.origin.as_str(), &self.root().to_base64());
    }

    /// The checkpoint of the first entries, as these keys sign it.
    pub(crate) fn signed_by(&self, entries: u64, keys: &[SigningKey]) -> SignedCheckpoint {
        let root = self.root_of(usize::try_from(entries).unwrap());
        let checkpoint = Checkpoint::new(self.origin.as_str(), size(entries), root).unwrap();
        let mut notes = keys.iter().map(|key| checkpoint.clone().sign(key).unwrap());
        let first = notes.next().unwrap();
        notes.fold(first, |note, other| note.with_line(other.note().lines()[0].clone()).unwrap())
    }

    /// Size and root of the first entries.
    pub(crate) fn head_at(&self, entries: u64) -> Head {
        Head { size: size(entries), root: self.root_of(usize::try_from(entries).unwrap()) }
    }

    /// The checkpoint of the first entries.
    pub(crate) fn signed_at(&self, entries: u64) -> SignedCheckpoint {
        signed(size(entries), self.root_of(usize::try_from(entries).unwrap()))
    }

    /// Puts a checkpoint of the first entries into the bundle, as the newest if it covers all of them, cosigned by
    /// these at these times.
    pub(crate) fn cosigned(&self, entries: u64, cosigners: &[(&SigningKey, u64)]) {
        let mut note = self.signed_at(entries);
        for (cosigner, time) in cosigners {
            let time = CosignatureTime::new(*time).unwrap();
            note = note.with_line(cosigner.cosign(note.checkpoint(), time).unwrap()).unwrap();
        }
        self.keep(entries, note.as_bytes());
    }

    /// Puts a note into the bundle where a checkpoint of that size belongs.
    pub(crate) fn keep(&self, entries: u64, note: &[u8]) {
        if entries == self.size().value() {
            self.write("logs/000/checkpoint", note);
        } else {
            self.write(&format!("logs/000/checkpoints/{entries}"), note);
        }
    }

    pub(crate) fn contents(&self, origin: &str, root: &str) {
        self.contents_of("agency-a.example", origin, root);
    }

    pub(crate) fn contents_of(&self, agency: &str, origin: &str, root: &str) {
        let log = ManifestLog {
            origin: origin.to_owned(),
            folder: "logs/000".to_owned(),
            size: self.size().value(),
            root: root.to_owned(),
        };
        let manifest = Manifest {
            format: BUNDLE_FORMAT.to_owned(),
            agency: agency.to_owned(),
            made_at: NOW,
            logs: vec![log],
        };
        self.write("bundle.json", &serde_json::to_vec(&manifest).unwrap());
    }

    /// The root over all entries.
    pub(crate) fn root(&self) -> Hash {
        self.root_of(self.entries.len())
    }

    pub(crate) fn root_of(&self, count: usize) -> Hash {
        let mut edge = RightEdge::empty();
        for entry in &self.entries[..count] {
            edge.append(Hash::leaf(entry)).unwrap();
        }
        edge.root()
    }

    /// The hashes of each level of tiles.
    fn levels(&self) -> [Vec<Hash>; 2] {
        let (mut edge, mut levels) = (RightEdge::empty(), [Vec::new(), Vec::new()]);
        for entry in &self.entries {
            let keep = |level: u8, _, hash| {
                if level.is_multiple_of(8) {
                    levels[usize::from(level / 8)].push(hash);
                }
            };
            edge.append_reporting(Hash::leaf(entry), keep).unwrap();
        }
        levels
    }

    /// The audit with the key of the log alone.
    pub(crate) fn verify(&self) -> Report {
        verify(&self.folder(), &log_key())
    }

    /// The audit with the key of the log and a policy.
    pub(crate) fn verify_by(&self, policy: &Policy) -> Report {
        let mut keys = log_key();
        keys.add_policy(&policy.to_text()).unwrap();
        verify(&self.folder(), &keys)
    }
}

/// The key of the log, as the auditor has it.
pub(crate) fn log_key() -> TrustedKeys {
    let mut keys = TrustedKeys::none();
    keys.add_file(key(2).verifier().to_string().as_bytes()).unwrap();
    keys
}

fn signed(size: TreeSize, root: Hash) -> SignedCheckpoint {
    Checkpoint::new(ORIGIN, size, root).unwrap().sign(&key(2)).unwrap()
}

fn range(tile: &TileCoordinate) -> std::ops::Range<usize> {
    let first = usize::try_from(tile.first()).unwrap();
    first..first + usize::from(tile.width().value())
}

pub(crate) fn failed(report: &Report) -> Vec<(&'static str, Option<u64>)> {
    report.failures.iter().map(|failure| (failure.check, failure.index)).collect()
}
