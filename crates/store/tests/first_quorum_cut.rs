//! A power cut between a first quorum and the time that it proves: no time is left whose note is not.
//!
//! Not here: which checkpoints are kept so (`comity-node`), and how a cut is made (`tests/faults` of the workspace).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test, and it says aloud what was skipped"
)]

mod cut;
mod entropy;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use comity_ledger::Origin;
use comity_store::{Kek, Store, StorePaths};
use comity_tlog::{Checkpoint, CosignatureTime, Hash, KeyKind, KeyName, SigningKey, TreeSize};

use cut::disk::{Disk, Drawn, Left};
use cut::{done_by, library};
use entropy::Seeded;

/// Names the folder of the store that the other side of the test fills.
const FILLED: &str = "COMITY_FIRST_QUORUMS_OF";
/// First quorums that are kept, one behind the other.
const KEPT: u64 = 300;
/// Power cuts, each at an instant of its own.
const CUTS: usize = 60;

fn open(folder: &Path) -> Store {
    let paths = StorePaths { database: folder.join("store"), keyring: folder.join("keyring") };
    Store::open(&paths, Kek::from_bytes([1; 32])).unwrap()
}

fn origin() -> Origin {
    "agency-a.example/pub".parse().unwrap()
}

fn at(size: u64) -> TreeSize {
    TreeSize::new(size).unwrap()
}

/// Keeps them, while somebody else syncs whatever is there.
fn fill(folder: &Path) {
    let store = open(folder);
    let name = KeyName::new(origin().as_str()).unwrap();
    let key = SigningKey::from_seed(name, KeyKind::Ed25519, &[7; 32]).unwrap();
    let (is_over, syncs) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                store.sync().unwrap();
                syncs.fetch_add(1, Ordering::SeqCst);
            }
        });
        for size in 1..=KEPT {
            let text = Checkpoint::new(origin().as_str(), at(size), Hash::leaf(&[])).unwrap();
            let time = CosignatureTime::new(size).unwrap();
            store.put_first_quorum(&origin(), &text.sign(&key).unwrap(), Some(time)).unwrap();
            let seen = syncs.load(Ordering::SeqCst);
            // A sync falls amid every few of them.
            while size % 3 == 0 && syncs.load(Ordering::SeqCst) == seen {
                std::thread::yield_now();
            }
        }
        is_over.store(true, Ordering::SeqCst);
        syncing.join().unwrap();
    });
    store.sync().unwrap();
}

/// How many times are there, none without its note.
fn check(folder: &Path, place: &str) -> usize {
    let store = open(folder);
    let timed = (1..=KEPT).filter(|size| store.existed_at(&origin(), at(*size)).unwrap().is_some());
    let timed: Vec<u64> = timed.collect();
    for size in &timed {
        let note = store.first_quorum_of(&origin(), at(*size)).unwrap();
        assert!(note.is_some(), "{place}: the time of {size} is there, and what proves it is not");
    }
    timed.len()
}

/// Goal: whenever the power goes, by when a tree existed is known only where the note that proves it is kept: without the
/// time it is kept again with the next line, and with the time alone it never would be.
#[test]
fn a_power_cut_leaves_no_time_without_the_first_quorum_that_proves_it() {
    // The same test again, as the process that is cut off.
    if let Some(folder) = std::env::var_os(FILLED) {
        return fill(Path::new(&folder));
    }
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap().join("home");
    for folder in [home.clone(), home.join("store"), home.join("keyring")] {
        std::fs::create_dir(folder).unwrap();
    }
    let paths = StorePaths { database: home.join("store"), keyring: home.join("keyring") };
    drop(Store::create(&paths, Kek::from_bytes([1; 32]), &mut Seeded(0)).unwrap());
    let base = Disk::of(&home);
    let Some(library) = library(dir.path()) else { return };
    let events = done_by(
        "a_power_cut_leaves_no_time_without_the_first_quorum_that_proves_it",
        FILLED,
        &home,
        &library,
    );
    assert_eq!(check(&home, "whole"), usize::try_from(KEPT).unwrap());
    let (mut drawn, mut disk) = (Drawn(5), base);
    let (mut next, mut amid) = (0, 0);
    for round in 0..CUTS {
        let instant = events.len() * (round + 1) / CUTS;
        while next < instant {
            disk.apply(&events[next]);
            next += 1;
        }
        let left = [Left::Nothing, Left::Beginning][round % 2];
        let folder = dir.path().join(format!("{round}"));
        disk.cut(left, &mut drawn, &folder);
        let place = format!("cut {round} at change {instant} of {}, {left:?} left", events.len());
        amid += usize::from((1..KEPT).contains(&u64::try_from(check(&folder, &place)).unwrap()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
    assert!(amid > CUTS / 3, "{amid} cuts fell amid it");
}
