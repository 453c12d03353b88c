//! What is erased opens with nothing any more, wherever a copy of it lies, and what stands beside it stays.
//!
//! Not here: a power cut in the middle of an erasure (`erase_cut`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap is a failed test"
)]

mod entropy;

use std::path::{Path, PathBuf};

use comity_ledger::{AgencyId, Author, AuthorTime, Draft, Kind, LockedHead, Origin, Role, SealedEntry, Slot};
use comity_store::{Kek, LogRole, Store, StoreError, StorePaths};
use comity_tlog::{EntryIndex, KeyKind, KeyName, RightEdge, SigningKey, TreeSize};

use entropy::Seeded;

/// Entries of the log: three pages of keys, of which the last is begun.
const ENTRIES: u64 = 300;
/// Slots that a section is held of, a short one and one over several pieces.
const SLOTS: [Slot; 2] = [Slot::CORE, Slot::REASONS_CLOSED];

fn origin() -> Origin {
    "agency-a.example/pub".parse().unwrap()
}

fn paths(folder: &Path) -> StorePaths {
    StorePaths { database: folder.join("store"), keyring: folder.join("keyring") }
}

fn open(folder: &Path) -> Store {
    Store::open(&paths(folder), Kek::from_bytes([7; 32])).unwrap()
}

fn at(indexes: &[u64]) -> Vec<EntryIndex> {
    indexes.iter().map(|index| EntryIndex::new(*index).unwrap()).collect()
}

/// A log whose entries say their number, with a long section in every seventh.
fn filled(folder: &Path) -> Vec<SealedEntry> {
    std::fs::create_dir_all(folder.join("keyring")).unwrap();
    let store = Store::create(&paths(folder), Kek::from_bytes([7; 32]), &mut Seeded(0)).unwrap();
    store.create_log(&origin(), LogRole::Own).unwrap();
    let key = SigningKey::from_seed(KeyName::new(origin().as_str()).unwrap(), KeyKind::Ed25519, &[2; 32]);
    let mut author = Author::new(origin(), key.unwrap(), RightEdge::empty());
    let mut entropy = Seeded(1);
    let seal = |number: u64| {
        let long = vec![b'x'; if number.is_multiple_of(7) { 20_000 } else { 10 }];
        let draft = Draft::new(Kind::Record, None)
            .with_section(Slot::CORE, number.to_be_bytes().to_vec())
            .with_section(Slot::REASONS_CLOSED, long);
        draft.seal(&origin(), AuthorTime::from_unix_secs(1), &mut entropy).unwrap()
    };
    let sealed: Vec<SealedEntry> = (0..ENTRIES).map(seal).collect();
    let staged = author.stage(sealed.clone()).unwrap();
    store.keep_batch(&staged, &mut Seeded(2)).unwrap();
    let durable = store.confirm(&staged).unwrap_or_else(|_| panic!("reads back"));
    let locked = LockedHead::synced(Role::Author, origin(), durable.head(), None);
    store.keep_note(&author.sign(&durable, &locked).unwrap()).unwrap();
    sealed
}

/// The entries of which nothing opens; of all others everything does.
fn gone(store: &Store) -> Vec<u64> {
    let mut gone = Vec::new();
    let range = TreeSize::ZERO..TreeSize::new(ENTRIES).unwrap();
    let read = store.each_opening(&origin(), range, &SLOTS, |index, found| {
        match (&found[0], &found[1]) {
            (Some(core), Some(_)) => assert_eq!(core.section(), index.value().to_be_bytes()),
            (None, None) => gone.push(index.value()),
            _ => panic!("{index} is there in part"),
        }
        Ok::<(), StoreError>(())
    });
    read.unwrap_or_else(|error| panic!("{error:?}"));
    gone
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place: PathBuf = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &place);
        } else {
            std::fs::copy(&path, &place).unwrap();
        }
    }
}

#[test]
fn what_is_erased_is_gone_for_good_and_all_else_opens_as_before() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let erased = [0, 5, 7, 127, 128, 299];
    let store = open(dir.path());
    assert!(gone(&store).is_empty());
    store.erase(&origin(), &at(&[299, 5, 0, 7, 127, 128, 5]), &mut Seeded(3)).unwrap();
    assert_eq!(gone(&store), erased);
    for index in [0, 5, 6] {
        assert_eq!(store.is_erased(&origin(), at(&[index])[0]).unwrap(), index != 6);
    }
    // The history is untouched.
    let size = TreeSize::new(ENTRIES).unwrap();
    let root = store.scrub(&origin(), &[size]).unwrap().edges[0].root();
    assert_eq!(root, store.held(&origin()).unwrap().root);
    drop(store);
    let store = open(dir.path());
    assert_eq!(gone(&store), erased);
    store.erase(&origin(), &at(&erased), &mut Seeded(4)).unwrap();
    store.erase(&origin(), &[], &mut Seeded(5)).unwrap();
    store.erase(&origin(), &at(&[6]), &mut Seeded(6)).unwrap();
    assert_eq!(gone(&store), [0, 5, 6, 7, 127, 128, 299]);
    store.check_sections(&origin()).unwrap();
}

/// Goal: no copy of the sealed bytes opens after the erasure. Way: what a thief or a backup may have kept of every file
/// from before is put beside the keyring from after, in every mixture.
#[test]
fn no_copy_from_before_opens_what_was_erased() {
    let dir = tempfile::tempdir().unwrap();
    let (home, before) = (dir.path().join("home"), dir.path().join("before"));
    filled(&home);
    copy(&home, &before);
    open(&home).erase(&origin(), &at(&[5, 130]), &mut Seeded(3)).unwrap();
    // An old database beside the new keyring: a backup that was restored.
    let restored = dir.path().join("restored");
    copy(&before.join("store"), &restored.join("store"));
    copy(&home.join("keyring"), &restored.join("keyring"));
    let store = open(&restored);
    assert_eq!(gone(&store), [5, 130]);
    store.check_sections(&origin()).unwrap();
    drop(store);
    // Old pages beside the new root: they open with no key that it holds.
    let pages = dir.path().join("pages");
    copy(&before, &pages);
    std::fs::copy(home.join("keyring/root"), pages.join("keyring/root")).unwrap();
    let store = open(&pages);
    let range = TreeSize::ZERO..TreeSize::new(ENTRIES).unwrap();
    let read = store.each_opening(&origin(), range, &SLOTS, |_, _| Ok::<(), StoreError>(()));
    assert!(format!("{read:?}").contains("a page is damaged"), "{read:?}");
    drop(store);
    // An old root beside the new pages: only while their former copies stand in their other places, as between two steps
    // of the erasure; it is done again then.
    let root = dir.path().join("root");
    copy(&home, &root);
    copy(&before.join("store"), &root.join("store"));
    std::fs::copy(before.join("keyring/root"), root.join("keyring/root")).unwrap();
    let store = open(&root);
    assert!(gone(&store).is_empty());
    store.erase(&origin(), &at(&[5, 130]), &mut Seeded(9)).unwrap();
    assert_eq!(gone(&store), [5, 130]);
}

#[test]
fn what_peers_give_back_of_an_erased_entry_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let sealed = filled(dir.path());
    let store = open(dir.path());
    store.erase(&origin(), &at(&[5]), &mut Seeded(3)).unwrap();
    let peer: AgencyId = "agency-b.example".parse().unwrap();
    let openings: Vec<_> = [5_usize, 6]
        .into_iter()
        .flat_map(|number| {
            let entry = sealed[number].bytes().parse().unwrap();
            let index = at(&[u64::try_from(number).unwrap()])[0];
            sealed[number].openings().iter().map(move |(slot, opening)| {
                (index, opening.clone().verify(&origin(), &entry, *slot).unwrap())
            })
        })
        .collect();
    store.return_sections(&origin(), &peer, &openings, 16, &mut Seeded(8)).unwrap();
    assert_eq!(gone(&store), [5]);
    assert_eq!(store.next_release(&peer, &origin()).unwrap(), 16, "the cursor goes on all the same");
}
