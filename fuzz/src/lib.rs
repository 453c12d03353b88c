//! What the fuzz targets know: a small invented log with its keys, of which each mutant must be told apart.
//!
//! Nothing here is secret or random: the keys come from the numbers 1 to 9, so that the corpus stays valid. Not here:
//! what is tried (`fuzz_targets`), and the making of the corpus (`seeds`).

use std::convert::Infallible;
use std::sync::LazyLock;

use comity_feeds::{FeedError, InputFile, Snapshot};
use comity_ledger::{
    AuthorTime, Card, CardIdentity, Draft, Entropy, EntropyError, Genesis, Kind, Origin, SealedEntry, Slot,
};
use comity_tlog::{
    Checkpoint, CosignatureTime, Hash, HashReader, KeyKind, KeyName, RightEdge, SignedCheckpoint, SigningKey,
    TreeSize,
};
use comity_watchlist::{Change, FileHash, Handle, Op, Section, SectionsRead};

/// Counts upwards.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        buffer.fill_with(|| {
            self.0 = self.0.wrapping_add(1);
            self.0
        });
        Ok(())
    }
}

/// The invented log.
pub struct Sample {
    pub origin: Origin,
    pub log: SigningKey,
    pub witness: SigningKey,
    pub entries: Vec<SealedEntry>,
    /// Signed by the log and cosigned by the witness.
    pub checkpoint: SignedCheckpoint,
    pub card: Card,
}

/// The only one that there is.
pub static SAMPLE: LazyLock<Sample> = LazyLock::new(Sample::make);

/// Entries of the log.
const ENTRIES: u64 = 11;

pub fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), kind, &[seed; 32]).unwrap()
}

pub fn size(entries: usize) -> TreeSize {
    TreeSize::new(u64::try_from(entries).unwrap()).unwrap()
}

impl Sample {
    fn make() -> Self {
        let origin: Origin = "agency-a.example/pub".parse().unwrap();
        let log = key(origin.as_str(), KeyKind::Ed25519, 2);
        let root = key("agency-a.example/root", KeyKind::Ed25519, 1);
        let witness = key("agency-a.example/witness", KeyKind::CosignatureV1, 3);
        let mut entropy = Counting(0);
        let genesis = Genesis::new(origin.agency().clone(), root.verifier(), log.verifier()).unwrap();
        let mut drafts = vec![genesis.draft()];
        for number in 1..ENTRIES {
            let draft = Draft::new(Kind::Record, None).with_section(Slot::HANDLING, b"handling".to_vec());
            drafts.push(draft.with_section(Slot::CORE, format!("core {number}").into_bytes()));
        }
        let time = AuthorTime::from_unix_secs(1_700_000_000);
        let seal = |draft: Draft| draft.seal(&origin, time, &mut entropy).unwrap();
        let entries: Vec<SealedEntry> = drafts.into_iter().map(seal).collect();
        let state = Checkpoint::new(origin.as_str(), size(entries.len()), root_of(&entries)).unwrap();
        let line = witness.cosign(&state, CosignatureTime::new(1_700_000_001).unwrap()).unwrap();
        let checkpoint = state.sign(&log).unwrap().with_line(line).unwrap();
        let verifier =
            |name: &str, kind, seed| key(&format!("agency-a.example/{name}"), kind, seed).verifier().clone();
        let identity = CardIdentity {
            agency: origin.agency().clone(),
            root: root.verifier().clone(),
            log: log.verifier().clone(),
            witness: witness.verifier().clone(),
            mirror: verifier("mirror", KeyKind::CosignatureV1, 4),
            statement: verifier("statement", KeyKind::Ed25519, 5),
            roster_admins: vec![verifier("officer", KeyKind::Ed25519, 6)],
            ca: b"a certificate".to_vec(),
        };
        let identity = identity.sign(&root, &log).unwrap();
        let endpoints = ["agency-a.example:7443", "192.0.2.1:7443"].map(str::to_owned);
        let card = Card::issue(&identity, &endpoints, &log).unwrap();
        Self { origin, log, witness, entries, checkpoint, card }
    }
}

/// The root over some entries.
pub fn root_of(entries: &[SealedEntry]) -> Hash {
    let mut edge = RightEdge::empty();
    for entry in entries {
        edge.append(entry.leaf()).unwrap();
    }
    edge.root()
}

/// The nodes of the tree of the sample.
pub struct Nodes;

impl HashReader for Nodes {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        let (width, first) = (1_usize << level, usize::try_from(index).unwrap() << level);
        Ok(root_of(&SAMPLE.entries[first..first + width]))
    }
}

/// Files in one input of a fuzzer: each ends where a zero byte stands, which no list has.
pub fn files(input: &[u8]) -> Vec<InputFile<'_>> {
    let names = ["a", "b", "c", "d", "e"];
    let pieces = input.splitn(names.len(), |byte| *byte == 0);
    pieces.zip(names).map(|(bytes, name)| InputFile::of_bytes(name, FileHash::new([1; 32]), bytes)).collect()
}

/// What holds of each publication that an importer takes: every record can be said again, and is then the same.
pub fn check_import(read: Result<Snapshot, FeedError>) {
    let Ok(snapshot) = read else { return };
    assert!(!snapshot.records.is_empty() || !snapshot.ended.is_empty(), "an empty list was taken");
    let mut keys: Vec<_> = snapshot.records.iter().map(|record| record.key.clone()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), snapshot.records.len(), "one key, two records");
    let rejected = u64::try_from(snapshot.rejected.len()).unwrap();
    assert!(rejected <= snapshot.rows, "more rows rejected than there are");
    for record in snapshot.records {
        let change = Change { handle: Handle::new([7; 16]), op: Op::List { record: Box::new(record) } };
        let sections = change.encode().expect("what was imported can be signed");
        let read = Section::ALL
            .into_iter()
            .fold(SectionsRead::withheld(), |read, section| read.give(section, sections.bytes(section)));
        let decoded = Change::decode(&read).expect("what was signed can be read");
        assert_eq!(decoded.change, change, "what is read is what was imported");
    }
}
