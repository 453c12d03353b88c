//! A power cut at any instant of an erasure: each entry is there whole or gone, and once it was said to be erased it is
//! gone for good.
//!
//! Not here: what an erasure leaves of the files (`erase`), and how a cut is made (`tests/faults` of the workspace).

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
use std::path::{Path, PathBuf};

use comity_ledger::{Author, AuthorTime, Draft, Kind, LockedHead, Origin, Role, SealedEntry, Slot};
use comity_store::{Kek, LogRole, Store, StoreError, StorePaths};
use comity_tlog::{EntryIndex, KeyKind, KeyName, RightEdge, SigningKey, TreeSize};

use cut::disk::{Disk, Drawn, Event, Left};
use cut::{done_by, library};
use entropy::Seeded;

/// Names the folder of the store that the other side of the test works on.
const ERASING: &str = "COMITY_ERASE_OF";
/// Entries of the log: two pages of keys.
const ENTRIES: u64 = 200;
/// What is erased, in two steps; both pages change in the first.
const ERASED: [&[u64]; 2] = [&[3, 5, 130], &[4, 131]];

fn paths(folder: &Path) -> StorePaths {
    StorePaths { database: folder.join("store"), keyring: folder.join("keyring") }
}

fn origin() -> Origin {
    "agency-a.example/pub".parse().unwrap()
}

fn open(folder: &Path) -> Store {
    Store::open(&paths(folder), Kek::from_bytes([7; 32])).unwrap()
}

fn places(indexes: &[u64]) -> Vec<EntryIndex> {
    indexes.iter().map(|index| EntryIndex::new(*index).unwrap()).collect()
}

fn fill(folder: &Path) {
    let store = Store::create(&paths(folder), Kek::from_bytes([7; 32]), &mut Seeded(0)).unwrap();
    store.create_log(&origin(), LogRole::Own).unwrap();
    let key = SigningKey::from_seed(KeyName::new(origin().as_str()).unwrap(), KeyKind::Ed25519, &[2; 32]);
    let mut author = Author::new(origin(), key.unwrap(), RightEdge::empty());
    let mut entropy = Seeded(1);
    let seal = |number: u64| {
        let draft = Draft::new(Kind::Record, None).with_section(Slot::CORE, number.to_be_bytes().to_vec());
        draft.seal(&origin(), AuthorTime::from_unix_secs(1), &mut entropy).unwrap()
    };
    let sealed: Vec<SealedEntry> = (0..ENTRIES).map(seal).collect();
    let staged = author.stage(sealed).unwrap();
    store.keep_batch(&staged, &mut Seeded(2)).unwrap();
    let durable = store.confirm(&staged).unwrap_or_else(|_| panic!("reads back"));
    let locked = LockedHead::synced(Role::Author, origin(), durable.head(), None);
    store.keep_note(&author.sign(&durable, &locked).unwrap()).unwrap();
}

/// Erases, and says how many steps are done.
fn erase(folder: &Path) {
    let store = open(folder);
    for (step, indexes) in ERASED.iter().enumerate() {
        store.erase(&origin(), &places(indexes), &mut Seeded(10 + u64::try_from(step).unwrap())).unwrap();
        // Not by a macro: the harness would keep it to itself.
        std::io::stdout().write_all(format!("{}\n", step + 1).as_bytes()).unwrap();
        std::io::stdout().flush().unwrap();
    }
}

/// The entries that are gone; each of the others opens.
fn gone(store: &Store, place: &str) -> Vec<u64> {
    let mut gone = Vec::new();
    let range = TreeSize::ZERO..TreeSize::new(ENTRIES).unwrap();
    let read = store.each_opening(&origin(), range, &[Slot::HANDLING, Slot::CORE], |index, found| {
        match (&found[0], &found[1]) {
            (Some(_), Some(core)) => assert_eq!(core.section(), index.value().to_be_bytes(), "{place}"),
            (None, None) => gone.push(index.value()),
            _ => panic!("{place}: {index} is there in part"),
        }
        Ok::<(), StoreError>(())
    });
    read.unwrap_or_else(|error| panic!("{place}: {error:?}"));
    gone
}

/// What was said to be erased is gone; of the step that was under way all or nothing; and it can be done again.
fn check(folder: &Path, done: usize, place: &str) {
    let store = open(folder);
    let mut all: Vec<u64> = ERASED[..done].concat();
    all.sort_unstable();
    let mut next: Vec<u64> = ERASED[..(done + 1).min(ERASED.len())].concat();
    next.sort_unstable();
    let found = gone(&store, place);
    assert!(found == all || found == next, "{place}: {found:?} are gone after {done} steps");
    let whole = ERASED.concat();
    store.erase(&origin(), &places(&whole), &mut Seeded(99)).unwrap();
    assert_eq!(gone(&store, place).len(), whole.len(), "{place}: it is done again");
}

/// A home to erase from, in a folder that is empty.
fn home_in(dir: &Path) -> PathBuf {
    let home = dir.canonicalize().unwrap().join("home");
    for folder in [home.clone(), home.join("store"), home.join("keyring")] {
        std::fs::create_dir(folder).unwrap();
    }
    fill(&home);
    home
}

/// How many steps are done by what was said.
fn steps_said(event: &Event, before: usize) -> usize {
    let said = String::from_utf8(event.data.clone()).unwrap();
    said.lines().last().and_then(|line| line.parse().ok()).unwrap_or(before)
}

#[test]
fn a_power_cut_at_any_instant_of_an_erasure_leaves_each_entry_whole_or_gone() {
    // The same test again, as the process that is cut off.
    if let Some(folder) = std::env::var_os(ERASING) {
        return erase(Path::new(&folder));
    }
    let dir = tempfile::tempdir().unwrap();
    let home = home_in(dir.path());
    let mut disk = Disk::of(&home);
    let Some(library) = library(dir.path()) else { return };
    let test = "a_power_cut_at_any_instant_of_an_erasure_leaves_each_entry_whole_or_gone";
    let (mut done, mut cuts) = (0, 0_u64);
    for event in done_by(test, ERASING, &home, &library) {
        disk.apply(&event);
        if event.is_said() {
            done = steps_said(&event, done);
        }
        for left in [Left::Nothing, Left::Any, Left::Everything] {
            cuts += 1;
            let folder = dir.path().join("cut");
            disk.cut(left, &mut Drawn(cuts), &folder);
            check(&folder, done, &format!("cut {cuts}, {left:?} left, {done} steps done"));
            std::fs::remove_dir_all(&folder).unwrap();
        }
    }
    assert_eq!(done, ERASED.len());
    assert!(cuts > 30, "an erasure has more instants than {cuts}");
}

/// Goal: a process that was killed before the new root of the keyring was durable under its name, and started again, relies
/// on no root that a power cut takes back. Way: it is killed just before that sync, in each step; the next one goes on with
/// what it sees, and the power is cut at any instant of it.
#[test]
fn a_power_cut_after_a_kill_amid_an_erasure_leaves_each_entry_whole_or_gone() {
    if let Some(folder) = std::env::var_os(ERASING) {
        return erase(Path::new(&folder));
    }
    let dir = tempfile::tempdir().unwrap();
    let home = home_in(dir.path());
    let whole = Disk::of(&home);
    let Some(library) = library(dir.path()) else { return };
    let test = "a_power_cut_after_a_kill_amid_an_erasure_leaves_each_entry_whole_or_gone";
    let first = done_by(test, ERASING, &home, &library);
    let kills: Vec<usize> = (0..first.len()).filter(|place| first[*place].is_sync_of("keyring")).collect();
    assert!(kills.len() >= ERASED.len(), "{} syncs of the folder", kills.len());
    let mut cuts = 0_u64;
    for kill in kills {
        let (mut disk, mut done) = (whole.clone(), 0);
        for event in &first[..kill] {
            disk.apply(event);
            if event.is_said() {
                done = steps_said(event, done);
            }
        }
        std::fs::remove_dir_all(&home).unwrap();
        disk.cut(Left::Everything, &mut Drawn(0), &home);
        for event in done_by(test, ERASING, &home, &library) {
            disk.apply(&event);
            if event.is_said() {
                done = done.max(steps_said(&event, done));
            }
            for left in [Left::Nothing, Left::Any] {
                cuts += 1;
                let folder = dir.path().join("cut");
                disk.cut(left, &mut Drawn(cuts), &folder);
                check(&folder, done, &format!("kill {kill}, cut {cuts}, {left:?} left, {done} steps done"));
                std::fs::remove_dir_all(&folder).unwrap();
            }
        }
        assert_eq!(done, ERASED.len());
    }
}
