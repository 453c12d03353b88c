//! A power cut while a store of layout 1 is brought to the present one: it opens, and every section opens from it.
//!
//! Not here: what an upgrade does (`upgrade`), and how a cut is made (`tests/faults` of the workspace).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test, and it says aloud what was skipped"
)]

mod cut;
mod entropy;
#[path = "cut/layout_1.rs"]
mod layout_1;

use std::path::Path;

use comity_ledger::{Author, AuthorTime, Draft, Kind, LockedHead, Origin, Role, SealedEntry, Slot};
use comity_store::{Kek, LogRole, Store, StoreError, StorePaths};
use comity_tlog::{KeyKind, KeyName, RightEdge, SigningKey, TreeSize};

use cut::disk::{Disk, Drawn, Left};
use cut::{done_by, library};
use entropy::Seeded;
use layout_1::make_old;

/// Names the folder of the store that the other side of the test opens.
const OPENED: &str = "COMITY_UPGRADE_OF";
const ENTRIES: u64 = 300;
/// Cuts of one run; `.ci/soak` asks for more.
const CUTS: usize = 60;
const SEED: u64 = 20_261_123;

fn paths(folder: &Path) -> StorePaths {
    StorePaths { database: folder.join("store"), keyring: folder.join("keyring") }
}

fn open(folder: &Path) -> Store {
    Store::open(&paths(folder), Kek::from_bytes([7; 32])).unwrap()
}

fn origin() -> Origin {
    "agency-a.example/pub".parse().unwrap()
}

/// A store with entries, of the present layout.
fn fill(folder: &Path) {
    for name in ["store", "keyring"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    let mut entropy = Seeded(1);
    let store = Store::create(&paths(folder), Kek::from_bytes([7; 32]), &mut entropy).unwrap();
    store.create_log(&origin(), LogRole::Own).unwrap();
    let key = SigningKey::from_seed(KeyName::new(origin().as_str()).unwrap(), KeyKind::Ed25519, &[2; 32]);
    let mut author = Author::new(origin(), key.unwrap(), RightEdge::empty());
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

/// Every section opens, from its place in the present layout.
fn check(store: &Store, place: &str) {
    let (mut opened, end) = (0, TreeSize::new(ENTRIES).unwrap());
    let read = store.each_opening(&origin(), TreeSize::ZERO..end, &[Slot::CORE], |index, found| {
        let opening = found[0].as_ref().unwrap_or_else(|| panic!("{place}: the section of {index} is gone"));
        assert_eq!(opening.section(), index.value().to_be_bytes(), "{place}");
        opened += 1;
        Ok::<(), StoreError>(())
    });
    assert!(read.is_ok(), "{place}: {read:?}");
    assert_eq!(opened, ENTRIES, "{place}");
}

#[test]
fn a_power_cut_in_an_upgrade_loses_no_section() {
    // The same test again, as the process that is cut off.
    if let Some(folder) = std::env::var_os(OPENED) {
        return check(&open(Path::new(&folder)), "the upgrade");
    }
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    std::fs::create_dir(&home).unwrap();
    fill(&home);
    make_old(&home.join("store"));
    let home = home.canonicalize().unwrap();
    let base = Disk::of(&home);
    let Some(library) = library(dir.path()) else { return };
    let events = done_by("a_power_cut_in_an_upgrade_loses_no_section", OPENED, &home, &library);
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seed = number("COMITY_SEED").unwrap_or(SEED);
    let cuts = number("COMITY_CUTS").map_or(CUTS, |cuts| usize::try_from(cuts).unwrap());
    println!("COMITY_SEED={seed} COMITY_CUTS={cuts}, {} changes", events.len());
    let mut drawn = Drawn(seed);
    for round in 0..cuts {
        let instant = drawn.below(events.len() + 1);
        let mut disk = base.clone();
        for event in &events[..instant] {
            disk.apply(event);
        }
        let left = [Left::Nothing, Left::Beginning, Left::Any, Left::Everything][round % 4];
        let folder = dir.path().join(format!("{round}"));
        disk.cut(left, &mut drawn, &folder);
        let place = format!("cut {round} at change {instant} of {}, {left:?} left", events.len());
        eprintln!("{place}");
        check(&open(&folder), &place);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
