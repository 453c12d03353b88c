//! What lies on the disk: nothing readable of a section, and damage that is healed or named.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap is a failed test"
)]

mod entropy;

use std::path::{Path, PathBuf};

use comity_ledger::{Author, AuthorTime, Draft, Kind, LockedHead, Opening, Origin, Role, SealedEntry, Slot};
use comity_store::{Kek, LogRole, ReadError, Store, StoreError, StorePaths};
use comity_tlog::{KeyKind, KeyName, RightEdge, SigningKey, TreeSize};

use entropy::Seeded;

struct Place {
    _dir: tempfile::TempDir,
    paths: StorePaths,
    origin: Origin,
    author: Author,
    entropy: Seeded,
}

const CANARY: &str = "CANARY-no-one-may-read-this";

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = StorePaths { database: dir.path().join("store"), keyring: dir.path().join("keyring") };
        std::fs::create_dir(&paths.keyring).unwrap();
        let mut entropy = Seeded(1);
        let origin: Origin = "agency-a.example/pub".parse().unwrap();
        let store = Store::create(&paths, kek(7), &mut entropy).unwrap();
        store.create_log(&origin, LogRole::Own).unwrap();
        let name = KeyName::new(origin.as_str()).unwrap();
        let key = SigningKey::from_seed(name, KeyKind::Ed25519, &[2; 32]).unwrap();
        let author = Author::new(origin.clone(), key, RightEdge::empty());
        Self { _dir: dir, paths, origin, author, entropy }
    }

    fn store(&self) -> Store {
        Store::open(&self.paths, kek(7)).unwrap()
    }

    /// Keeps and signs entries whose core has as many bytes as said.
    fn append(&mut self, store: &Store, sections: &[usize]) {
        let sealed: Vec<SealedEntry> = sections
            .iter()
            .map(|len| {
                let core = CANARY.bytes().cycle().take(*len).collect();
                Draft::new(Kind::Record, None)
                    .with_section(Slot::CORE, core)
                    .seal(&self.origin, AuthorTime::from_unix_secs(1), &mut self.entropy)
                    .unwrap()
            })
            .collect();
        let staged = self.author.stage(sealed).unwrap();
        store.keep_batch(&staged, &mut self.entropy).unwrap();
        let durable = store.confirm(&staged).unwrap_or_else(|_| panic!("reads back"));
        let locked = LockedHead::synced(Role::Author, self.origin.clone(), durable.head(), None);
        store.keep_note(&self.author.sign(&durable, &locked).unwrap()).unwrap();
    }

    fn cores(&self, store: &Store) -> Result<Vec<usize>, StoreError> {
        let mut lens = Vec::new();
        let range = TreeSize::ZERO..self.author.head().size;
        let read = store.each_opening(&self.origin, range, &[Slot::CORE], |_, openings| {
            lens.push(openings[0].as_ref().map_or(usize::MAX, |opening: &Opening| opening.section().len()));
            Ok::<(), std::convert::Infallible>(())
        });
        match read {
            Ok(()) => Ok(lens),
            Err(ReadError::Store(error)) => Err(error),
            Err(ReadError::Taker(never)) => match never {},
        }
    }
}

fn kek(seed: u8) -> Kek {
    Kek::from_bytes([seed; 32])
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn no_byte_of_a_section_is_readable_on_the_disk() {
    let mut place = Place::new();
    let store = place.store();
    place.append(&store, &[10, 500, 20_000, 65_500]);
    drop(store);
    for folder in [&place.paths.database, &place.paths.keyring] {
        for file in files(folder) {
            let bytes = std::fs::read(&file).unwrap();
            let seen = bytes.windows(12).any(|window| window == &CANARY.as_bytes()[..12]);
            assert!(!seen, "{} shows a section", file.display());
        }
    }
    assert_eq!(place.cores(&place.store()).unwrap(), [10, 500, 20_000, 65_500]);
}

#[test]
fn sections_of_every_length_survive_batches_that_share_a_chunk() {
    let mut place = Place::new();
    let mut expected = Vec::new();
    for round in 0..40_usize {
        let store = place.store();
        let lens: Vec<usize> = (0..=round % 5).map(|i| (round * 977 + i * 4_001) % 9_000).collect();
        place.append(&store, &lens);
        expected.extend(lens);
        assert_eq!(place.cores(&store).unwrap(), expected, "round {round}");
        let sizes = [place.author.head().size];
        store.scrub(&place.origin, &sizes).unwrap();
    }
}

#[test]
fn a_batch_that_was_kept_but_never_signed_is_replaced_whole() {
    let mut place = Place::new();
    let store = place.store();
    place.append(&store, &[100, 100, 100]);
    let draft = || Draft::new(Kind::Record, None).with_section(Slot::CORE, vec![1; 60_000]);
    let lost = (0..20)
        .map(|_| draft().seal(&place.origin, AuthorTime::from_unix_secs(1), &mut place.entropy).unwrap())
        .collect();
    let staged = place.author.stage(lost).unwrap();
    store.keep_batch(&staged, &mut place.entropy).unwrap();
    // The author begins again behind what is signed, with less.
    place.append(&store, &[7]);
    drop(store);
    assert_eq!(place.cores(&place.store()).unwrap(), [100, 100, 100, 7]);
}

#[test]
fn the_wrong_or_a_missing_keyring_is_named_and_opens_nothing() {
    let mut place = Place::new();
    let store = place.store();
    place.append(&store, &[10]);
    drop(store);
    assert!(matches!(Store::open(&place.paths, kek(8)), Err(StoreError::Keyring { .. })));
    let root = place.paths.keyring.join("root");
    let good = std::fs::read(&root).unwrap();
    for position in 0..good.len() {
        let mut bad = good.clone();
        bad[position] ^= 0x10;
        std::fs::write(&root, &bad).unwrap();
        assert!(matches!(Store::open(&place.paths, kek(7)), Err(StoreError::Keyring { .. })), "{position}");
    }
    std::fs::remove_file(&root).unwrap();
    assert!(matches!(Store::open(&place.paths, kek(7)), Err(StoreError::Keyring { .. })));
}

#[test]
fn a_torn_write_of_a_key_page_costs_nothing_that_was_signed() {
    let mut place = Place::new();
    let store = place.store();
    place.append(&store, &[10, 20]);
    place.append(&store, &[30]);
    drop(store);
    let pages = files(&place.paths.keyring)
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "pages"))
        .unwrap();
    let whole = std::fs::read(&pages).unwrap();
    // The page was written twice, to one place and then the other; the next write goes to the first again.
    let mut torn = whole.clone();
    let older = 4_608;
    for byte in &mut torn[older..older + 2_000] {
        *byte = 0xee;
    }
    std::fs::write(&pages, &torn).unwrap();
    assert_eq!(place.cores(&place.store()).unwrap(), [10, 20, 30]);
    // Both places gone: named, not guessed.
    let mut ruined = torn;
    for byte in &mut ruined[..2_000] {
        *byte = 0xee;
    }
    std::fs::write(&pages, &ruined).unwrap();
    assert!(matches!(place.cores(&place.store()), Err(StoreError::Keyring { .. })));
}

#[test]
fn a_lost_key_page_is_named_and_never_taken_for_withheld() {
    let mut place = Place::new();
    let store = place.store();
    place.append(&store, &[10; 300]);
    place.append(&store, &[20]);
    drop(store);
    let pages = files(&place.paths.keyring)
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "pages"))
        .unwrap();
    let whole = std::fs::read(&pages).unwrap();
    let cores = |place: &Place| place.cores(&place.store());
    std::fs::remove_file(&pages).unwrap();
    assert!(matches!(cores(&place), Err(StoreError::Keyring { .. })), "the file is gone");
    std::fs::write(&pages, &whole[..10_000]).unwrap();
    assert!(matches!(cores(&place), Err(StoreError::Keyring { .. })), "the file is cut");
    // The newest place of the last page is spoilt: the older one lacks the key of the last entry.
    let mut bent = whole.clone();
    bent[4 * 4_608 + 100] ^= 1;
    std::fs::write(&pages, &bent).unwrap();
    assert!(matches!(cores(&place), Err(StoreError::Damaged { place: 300, .. })), "an old page came back");
    std::fs::write(&pages, &whole).unwrap();
    assert_eq!(cores(&place).unwrap().len(), 301);
}

#[test]
fn an_old_keyring_that_is_put_back_is_found_out() {
    let mut place = Place::new();
    let store = place.store();
    place.append(&store, &[10; 100]);
    drop(store);
    let old: Vec<(PathBuf, Vec<u8>)> = files(&place.paths.keyring)
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    let store = place.store();
    place.append(&store, &[10; 100]);
    drop(store);
    for (path, bytes) in old {
        std::fs::write(path, bytes).unwrap();
    }
    assert!(matches!(place.cores(&place.store()), Err(StoreError::Damaged { place: 100, .. })));
}

#[test]
fn a_first_write_of_a_page_that_a_crash_tore_does_not_stop_the_next() {
    let mut place = Place::new();
    let store = place.store();
    place.append(&store, &[10; 128]);
    drop(store);
    // The next page was being written for the first time: torn, and not yet named by the root.
    let pages = files(&place.paths.keyring)
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "pages"))
        .unwrap();
    let mut torn = std::fs::read(&pages).unwrap();
    torn.resize(3 * 4_608, 0);
    torn.extend_from_slice(&[0xee; 1_000]);
    torn.resize(4 * 4_608, 0);
    std::fs::write(&pages, &torn).unwrap();
    let store = place.store();
    place.append(&store, &[20; 5]);
    drop(store);
    assert_eq!(place.cores(&place.store()).unwrap().len(), 133);
}

#[test]
fn sections_of_a_dropped_batch_are_gone_from_slots_that_the_next_does_not_have() {
    let mut place = Place::new();
    let store = place.store();
    place.append(&store, &[10, 10]);
    let seal = |place: &mut Place, draft: Draft| {
        draft.seal(&place.origin, AuthorTime::from_unix_secs(1), &mut place.entropy).unwrap()
    };
    let lost: Vec<SealedEntry> = (0..40)
        .map(|_| seal(&mut place, Draft::new(Kind::Record, None).with_section(Slot::CORE, vec![1; 50])))
        .collect();
    let staged = place.author.stage(lost).unwrap();
    store.keep_batch(&staged, &mut place.entropy).unwrap();
    // What comes in their place has other slots.
    let control: Vec<SealedEntry> = (0..20)
        .map(|_| seal(&mut place, Draft::new(Kind::Control, None).with_section(Slot::CONTROL, vec![2; 9])))
        .collect();
    let staged = place.author.stage(control).unwrap();
    store.keep_batch(&staged, &mut place.entropy).unwrap();
    let durable = store.confirm(&staged).unwrap_or_else(|_| panic!("reads back"));
    let locked = LockedHead::synced(Role::Author, place.origin.clone(), durable.head(), None);
    store.keep_note(&place.author.sign(&durable, &locked).unwrap()).unwrap();
    drop(store);
    let cores = place.cores(&place.store()).unwrap();
    assert_eq!(cores[..2], [10, 10]);
    assert!(cores[2..].iter().all(|len| *len == usize::MAX), "no section of the dropped batch is left");
}

#[test]
fn a_damaged_snapshot_of_the_database_is_healed() {
    let mut place = Place::new();
    let store = place.store();
    place.append(&store, &[10; 50]);
    drop(store);
    let snapshot = |folder: &Path| {
        files(folder)
            .into_iter()
            .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("snap."))
    };
    if let Some(path) = snapshot(&place.paths.database) {
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    } else {
        std::fs::write(place.paths.database.join("snap.00000000000000FF"), b"half a snapshot").unwrap();
    }
    std::fs::write(place.paths.database.join("snap.0000000000000FFF.generating"), b"never finished").unwrap();
    let store = place.store();
    assert_eq!(place.cores(&store).unwrap(), [10; 50]);
    store.scrub(&place.origin, &[place.author.head().size]).unwrap();
}

#[test]
fn a_newer_schema_is_refused() {
    let place = Place::new();
    {
        let db = database(&place.paths.database);
        db.open_tree("meta").unwrap().insert("schema", &4_u32.to_be_bytes()).unwrap();
        db.flush().unwrap();
    }
    let opened = Store::open(&place.paths, kek(7));
    assert!(matches!(opened, Err(StoreError::NewerSchema { found: 4, known: 3 })), "{opened:?}");
}

/// The database of a store that was dropped: threads of sled may hold it for a moment longer.
fn database(path: &Path) -> sled::Db {
    let begun = std::time::Instant::now();
    loop {
        match sled::open(path) {
            Ok(db) => return db,
            Err(error) => assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{error}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn scrub_finds_a_changed_entry_and_a_changed_tile() {
    for tree in ["entries", "tiles"] {
        let mut place = Place::new();
        let store = place.store();
        place.append(&store, &[10; 40]);
        drop(store);
        {
            let db = database(&place.paths.database);
            let tree = db.open_tree(tree).unwrap();
            let (key, value) = tree.iter().next().unwrap().unwrap();
            let mut bent = value.to_vec();
            let middle = bent.len() / 2;
            bent[middle] ^= 4;
            tree.insert(key, bent).unwrap();
            db.flush().unwrap();
        }
        let found = place.store().scrub(&place.origin, &[place.author.head().size]);
        assert!(matches!(found, Err(StoreError::Damaged { .. })), "{tree}: {found:?}");
    }
}
