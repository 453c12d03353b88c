//! A copy that is taken while a log grows: what it names is in it, and opens.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap is a failed test"
)]

mod entropy;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use comity_ledger::{Author, AuthorTime, Draft, Head, Kind, LockedHead, Origin, Role, Slot};
use comity_store::{Kek, LogRole, Store, StoreError, StorePaths};
use comity_tlog::{KeyKind, KeyName, RightEdge, SignedCheckpoint, SigningKey, TreeSize};

use entropy::Seeded;

/// Copies of one run; the log grows by some hundred entries meanwhile.
const COPIES: usize = 12;

fn kek() -> Kek {
    Kek::from_bytes([7; 32])
}

fn paths(folder: &Path) -> StorePaths {
    let paths = StorePaths { database: folder.join("store"), keyring: folder.join("keyring") };
    std::fs::create_dir_all(&paths.keyring).unwrap();
    paths
}

fn origin() -> Origin {
    "agency-a.example/pub".parse().unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed(KeyName::new(origin().as_str()).unwrap(), KeyKind::Ed25519, &[2; 32]).unwrap()
}

/// Appends batches of entries, some with sections of several rows, until told to stop; gives the last head.
fn grow(store: &Store, stop: &AtomicBool) -> Head {
    let (mut author, mut entropy) = (Author::new(origin(), key(), RightEdge::empty()), Seeded(1));
    for batch in 0_usize.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let draft = |number: usize| {
            let bytes = [40, 700, 20_000][(batch + number) % 3];
            Draft::new(Kind::Record, None).with_section(Slot::CORE, vec![b'x'; bytes])
        };
        let sealed = (0..=batch % 21).map(draft).map(|draft| {
            let now = AuthorTime::from_unix_secs(1_780_000_000);
            draft.seal(&origin(), now, &mut entropy).unwrap()
        });
        let staged = author.stage(sealed.collect()).unwrap();
        store.keep_batch(&staged, &mut Seeded(u64::try_from(batch).unwrap() + 2)).unwrap();
        let durable = store.confirm(&staged).unwrap_or_else(|error| panic!("{error:?}"));
        let locked = LockedHead::synced(Role::Author, origin(), durable.head(), None);
        store.keep_note(&author.sign(&durable, &locked).unwrap()).unwrap();
    }
    author.head()
}

struct Copy {
    rows: Vec<u8>,
    keyring: Vec<(String, Vec<u8>)>,
}

fn copy(store: &Store) -> Copy {
    let mut copy = Copy { rows: Vec::new(), keyring: Vec::new() };
    let taken = store.copy_rows(&mut |bytes| {
        copy.rows.extend_from_slice(bytes);
        Ok::<(), StoreError>(())
    });
    assert!(taken.is_ok());
    let taken = store.copy_keyring(|name, bytes| {
        match copy.keyring.last_mut().filter(|(last, _)| last == name) {
            Some((_, whole)) => whole.extend_from_slice(bytes),
            None => copy.keyring.push((name.to_owned(), bytes.to_vec())),
        }
        Ok::<(), StoreError>(())
    });
    assert!(taken.is_ok());
    copy
}

fn restore(copy: &Copy, folder: &Path) -> Result<Store, StoreError> {
    let paths = paths(folder);
    for (name, bytes) in &copy.keyring {
        std::fs::write(paths.keyring.join(name), bytes).unwrap();
    }
    Store::restore(&paths, kek(), &mut copy.rows.as_slice())
}

/// Goal: whatever is written while a copy is taken, the copy is a state of the log: its newest note is the beginning of the
/// entries in it, and every section of them opens. Way: a thread appends without a pause while copies are taken.
#[test]
fn a_copy_taken_while_entries_are_appended_is_whole_and_opens() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::create(&paths(dir.path()), kek(), &mut Seeded(9)).unwrap());
    store.create_log(&origin(), LogRole::Own).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (growing, ended) = (Arc::clone(&store), Arc::clone(&stop));
    let writer = std::thread::spawn(move || grow(&growing, &ended));
    let mut seen = TreeSize::ZERO;
    let mut next = || {
        while store.held(&origin()).unwrap().size == seen {
            std::thread::yield_now();
        }
        seen = store.held(&origin()).unwrap().size;
        copy(&store)
    };
    let copies: Vec<Copy> = (0..COPIES).map(|_| next()).collect();
    stop.store(true, Ordering::SeqCst);
    let last = writer.join().unwrap();
    let mut sizes = Vec::new();
    for (taken, number) in copies.iter().zip(0..) {
        let folder = dir.path().join(format!("restored-{number}"));
        drop(restore(taken, &folder).unwrap());
        let restored = Store::open(&paths(&folder), kek()).unwrap();
        let held = restored.held(&origin()).unwrap();
        let edge = restored.scrub(&origin(), &[held.size]).unwrap().edges.pop().unwrap();
        assert_eq!(Head::from(&edge), held);
        restored.check_sections(&origin()).unwrap();
        let opened = sections(&restored, held.size);
        assert_eq!(opened, 8 * held.size.value(), "every section of every entry");
        if let Some(note) = restored.newest_note(&origin()).unwrap() {
            let note = SignedCheckpoint::parse(&note).unwrap();
            assert!(note.checkpoint().size() <= held.size);
            let edge = restored.scrub(&origin(), &[note.checkpoint().size()]).unwrap().edges.pop().unwrap();
            assert_eq!(edge.root(), note.checkpoint().root());
        }
        sizes.push(held.size);
    }
    assert!(sizes.is_sorted() && sizes.first() < sizes.last(), "{sizes:?}: nothing was written meanwhile");
    assert!(sizes.last().is_some_and(|size| *size <= last.size));
}

fn sections(store: &Store, size: TreeSize) -> u64 {
    let slots: Vec<Slot> = (0..=9).map(Slot::new).collect();
    let mut count = 0;
    let read = store.each_opening(&origin(), TreeSize::ZERO..size, &slots, |_, openings| {
        count += u64::try_from(openings.iter().flatten().count()).unwrap();
        Ok::<(), StoreError>(())
    });
    assert!(read.is_ok());
    count
}

#[test]
fn a_copy_that_is_cut_short_or_changed_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(&paths(dir.path()), kek(), &mut Seeded(9)).unwrap();
    store.create_log(&origin(), LogRole::Own).unwrap();
    let whole = copy(&store);
    let mut number = 0;
    let mut refused = |rows: Vec<u8>| {
        number += 1;
        let changed = Copy { rows, keyring: whole.keyring.clone() };
        let restored = restore(&changed, &dir.path().join(format!("restored-{number}")));
        assert!(matches!(restored, Err(StoreError::Damaged { .. })), "{restored:?}");
    };
    for len in [0, 5, 17, 30, whole.rows.len() - 36, whole.rows.len() - 1] {
        refused(whole.rows[..len].to_vec());
    }
    for at in [3, 18, 40, whole.rows.len() - 50, whole.rows.len() - 5] {
        let mut rows = whole.rows.clone();
        rows[at] ^= 1;
        refused(rows);
    }
    drop(restore(&whole, &dir.path().join("whole")).unwrap());
}

/// Goal: no keyring is given as whole whose root is of before an erasure and whose pages are of after. Way: something is
/// erased between two pieces of the copy; other writing, which gives up no key, ends no copy.
#[test]
fn a_keyring_that_is_copied_amid_an_erasure_is_not_taken_for_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::create(&paths(dir.path()), kek(), &mut Seeded(9)).unwrap());
    store.create_log(&origin(), LogRole::Own).unwrap();
    let mut author = Author::new(origin(), key(), RightEdge::empty());
    let mut append = |seed: u64| {
        let draft = Draft::new(Kind::Record, None).with_section(Slot::CORE, vec![b'x'; 40]);
        let sealed = draft.seal(&origin(), AuthorTime::from_unix_secs(1), &mut Seeded(seed)).unwrap();
        let staged = author.stage(vec![sealed]).unwrap();
        store.keep_batch(&staged, &mut Seeded(seed + 1)).unwrap();
        let durable = store.confirm(&staged).unwrap_or_else(|error| panic!("{error:?}"));
        let locked = LockedHead::synced(Role::Author, origin(), durable.head(), None);
        store.keep_note(&author.sign(&durable, &locked).unwrap()).unwrap();
    };
    append(1);
    append(3);
    let amid = |meanwhile: &mut dyn FnMut()| {
        store.copy_keyring(|name, _| {
            if name == "root" {
                meanwhile();
            }
            Ok::<(), StoreError>(())
        })
    };
    let erase = |index: u64| {
        store.erase(&origin(), &[comity_tlog::EntryIndex::new(index).unwrap()], &mut Seeded(7)).unwrap();
    };
    assert!(amid(&mut || append(5)).is_ok());
    let torn = amid(&mut || erase(1));
    assert!(matches!(torn, Err(comity_store::ReadError::Store(StoreError::KeyringChanged))), "{torn:?}");
    assert!(amid(&mut || erase(1)).is_ok(), "it was erased already");
    assert!(amid(&mut || {}).is_ok());
}
