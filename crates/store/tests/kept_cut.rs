//! A power cut right after a batch was acknowledged: its entries, sections, note and lock are there.
//!
//! Not here: cuts at any other instant (`upgrade_cut`, `tests/faults` of the workspace), and how a cut is made (there).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test, and it says aloud what was skipped"
)]

mod cut;
mod entropy;

use std::io::Write as _;
use std::path::Path;

use comity_ledger::{Author, AuthorTime, Draft, Kind, LockedHead, Origin, Role, SealedEntry, Slot};
use comity_store::{Kek, LogRole, SignLock, Store, StoreError, StorePaths};
use comity_tlog::{KeyKind, KeyName, RightEdge, SignedCheckpoint, SigningKey, TreeSize};

use cut::disk::{Disk, Drawn, Event, Left};
use cut::{done_by, library};
use entropy::Seeded;

/// Names the folder of the store that the other side of the test fills.
const FILLED: &str = "COMITY_FILL_OF";
/// Entries of each batch: pages of keys that are new, and one that is there.
const BATCHES: [u64; 5] = [40, 1, 300, 1, 600];

fn paths(folder: &Path) -> StorePaths {
    StorePaths { database: folder.join("store"), keyring: folder.join("keyring") }
}

fn origin() -> Origin {
    "agency-a.example/pub".parse().unwrap()
}

/// Appends the batches as a node does, and says the size of each once it is acknowledged.
fn fill(folder: &Path) {
    let store = Store::open(&paths(folder), Kek::from_bytes([7; 32])).unwrap();
    let lock = SignLock::open(&folder.join("lock")).unwrap();
    let key = SigningKey::from_seed(KeyName::new(origin().as_str()).unwrap(), KeyKind::Ed25519, &[2; 32]);
    let mut author = Author::new(origin(), key.unwrap(), RightEdge::empty());
    let mut entropy = Seeded(1);
    for count in BATCHES {
        let seal = |number: u64| {
            let draft =
                Draft::new(Kind::Record, None).with_section(Slot::CORE, number.to_be_bytes().to_vec());
            draft.seal(&origin(), AuthorTime::from_unix_secs(1), &mut entropy).unwrap()
        };
        let sealed: Vec<SealedEntry> = (0..count).map(seal).collect();
        let staged = author.stage(sealed).unwrap();
        store.keep_batch(&staged, &mut Seeded(count)).unwrap();
        let durable = store.confirm(&staged).unwrap_or_else(|_| panic!("reads back"));
        let locked: LockedHead = lock.advance(Role::Author, &origin(), durable.head(), None).unwrap();
        let signed = author.sign(&durable, &locked).unwrap();
        store.keep_note(&signed).unwrap();
        // Not by a macro: the harness would keep it to itself.
        let said = format!("{}\n", signed.head().size);
        std::io::stdout().write_all(said.as_bytes()).unwrap();
        std::io::stdout().flush().unwrap();
    }
}

/// What is said on a line of its own; the harness says things too.
fn acknowledged(event: &Event) -> Option<TreeSize> {
    let said = std::str::from_utf8(&event.data).ok().filter(|_| event.is_said())?;
    said.lines().last().and_then(|line| TreeSize::new(line.parse().ok()?).ok())
}

/// Entries, sections, note and lock of a tree are there.
fn check(folder: &Path, size: TreeSize, place: &str) {
    let store = Store::open(&paths(folder), Kek::from_bytes([7; 32])).unwrap();
    let held = store.held(&origin()).unwrap();
    assert_eq!(held.size, size, "{place}: what was acknowledged is gone");
    let scrubbed = store.scrub(&origin(), &[size]).unwrap();
    assert_eq!(scrubbed.edges[0].root(), held.root, "{place}");
    let mut opened = 0;
    let read = store.each_opening(&origin(), TreeSize::ZERO..size, &[Slot::CORE], |_, found| {
        opened += u64::from(found[0].is_some());
        Ok::<(), StoreError>(())
    });
    assert!(read.is_ok() && opened == size.value(), "{place}: {opened} of {size} sections open, {read:?}");
    let note = SignedCheckpoint::parse(&store.newest_note(&origin()).unwrap().unwrap()).unwrap();
    assert_eq!((note.checkpoint().size(), note.checkpoint().root()), (size, held.root), "{place}: the note");
    let lock = SignLock::open(&folder.join("lock")).unwrap();
    assert_eq!(lock.head(Role::Author, &origin(), held).unwrap(), Some(held), "{place}: the lock");
}

#[test]
fn a_power_cut_after_a_batch_was_acknowledged_loses_nothing_of_it() {
    // The same test again, as the process that is cut off.
    if let Some(folder) = std::env::var_os(FILLED) {
        return fill(Path::new(&folder));
    }
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap().join("home");
    for folder in [home.clone(), home.join("store"), home.join("keyring"), home.join("lock")] {
        std::fs::create_dir(folder).unwrap();
    }
    let store = Store::create(&paths(&home), Kek::from_bytes([7; 32]), &mut Seeded(0)).unwrap();
    store.create_log(&origin(), LogRole::Own).unwrap();
    drop(store);
    SignLock::open(&home.join("lock")).unwrap().create(Role::Author, &origin()).unwrap();
    let mut disk = Disk::of(&home);
    let Some(library) = library(dir.path()) else { return };
    let events =
        done_by("a_power_cut_after_a_batch_was_acknowledged_loses_nothing_of_it", FILLED, &home, &library);
    let mut sizes = Vec::new();
    for event in events {
        disk.apply(&event);
        let Some(size) = acknowledged(&event) else { continue };
        sizes.push(size.value());
        for left in [Left::Nothing, Left::Beginning, Left::Any, Left::Everything] {
            let folder = dir.path().join(format!("{size}-{left:?}"));
            disk.cut(left, &mut Drawn(size.value()), &folder);
            check(&folder, size, &format!("{left:?} left after {size} entries"));
        }
    }
    assert_eq!(sizes, [40, 41, 341, 342, 942], "each batch was acknowledged");
}
