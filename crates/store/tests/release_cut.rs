//! A power cut while releases are kept: what is held of a replica has arrived, and what was passed over is held.
//!
//! A relay passes on what arrives, and what it holds already does not arrive again. Not here: how a cut is made
//! (`tests/faults` of the workspace).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test, and it says aloud what was skipped"
)]

mod cut;
mod entropy;

use std::collections::BTreeSet;
use std::path::Path;

use comity_ledger::{
    AgencyId, Author, AuthorTime, Draft, Frame, Genesis, Kind, LockedHead, Origin, Replica, Role,
    SealedEntry, Slot, VerifiedOpening,
};
use comity_store::{Kek, Store, StoreError, StorePaths};
use comity_tlog::{
    ConsistencyProof, EntryIndex, KeyKind, KeyName, RightEdge, SigningKey, TreeSize, VerifierKey,
};

use cut::disk::{Disk, Drawn, Left};
use cut::{done_by, library};
use entropy::Seeded;

/// Names the folder of the store that the other side of the test opens.
const OPENED: &str = "COMITY_RELEASES_TO";
const ENTRIES: u64 = 200;
/// Openings of one release.
const AT_ONCE: u64 = 8;
/// Cuts of one run; `.ci/soak` asks for more.
const CUTS: usize = 120;
const SEED: u64 = 20_261_123;

fn open(folder: &Path) -> Store {
    let paths = StorePaths { database: folder.join("store"), keyring: folder.join("keyring") };
    Store::open(&paths, Kek::from_bytes([7; 32])).unwrap()
}

fn origin() -> Origin {
    "agency-a.example/pub".parse().unwrap()
}

fn upstream() -> AgencyId {
    "agency-a.example".parse().unwrap()
}

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), KeyKind::Ed25519, &[2; 32]).unwrap()
}

/// The entries of the author, always the same.
fn entries() -> Vec<SealedEntry> {
    let (root, log): (VerifierKey, VerifierKey) =
        (key("agency-a.example/root").verifier().clone(), key(origin().as_str()).verifier().clone());
    let mut drafts = vec![Genesis::new(upstream(), &root, &log).unwrap().draft()];
    drafts.extend((1..ENTRIES).map(|number| {
        Draft::new(Kind::Record, None).with_section(Slot::CORE, number.to_be_bytes().repeat(60))
    }));
    let mut entropy = Seeded(0);
    let seal = |draft: Draft| draft.seal(&origin(), AuthorTime::from_unix_secs(1), &mut entropy).unwrap();
    drafts.into_iter().map(seal).collect()
}

/// A store that holds all entries of a replica, and no section of them.
fn fill(folder: &Path) {
    for name in ["store", "keyring"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    let paths = StorePaths { database: folder.join("store"), keyring: folder.join("keyring") };
    let store = Store::create(&paths, Kek::from_bytes([7; 32]), &mut Seeded(1 << 40)).unwrap();
    let mut author = Author::new(origin(), key(origin().as_str()), RightEdge::empty());
    let (sealed, log) = (entries(), key(origin().as_str()).verifier().clone());
    let bytes: Vec<Vec<u8>> = sealed.iter().map(|entry| entry.bytes().as_bytes().to_vec()).collect();
    let staged = author.stage(sealed).unwrap();
    let durable = staged.confirm(&bytes).unwrap();
    let locked = LockedHead::synced(Role::Author, origin(), durable.head(), None);
    let signed = author.sign(&durable, &locked).unwrap();
    let replica = Replica::new(origin(), log.clone(), RightEdge::empty(), None);
    let checkpoint = replica.verify_note(signed.note()).unwrap();
    let frame = Frame::new(TreeSize::ZERO, bytes, ConsistencyProof::default()).unwrap();
    let frame = replica.verify_frame(frame, &checkpoint).unwrap();
    store.begin_replica(&origin(), &log).unwrap();
    let origin = origin();
    let mut step = store.replica_step(&origin).unwrap();
    step.seen(&checkpoint).unwrap();
    step.frames(std::slice::from_ref(&frame)).unwrap();
    step.finish().unwrap();
}

/// Keeps all sections in small releases, number and index being one.
fn release(store: &Store) {
    let (sealed, origin, mut entropy) = (entries(), origin(), Seeded(1 << 50));
    let open = |(entry, index): (&SealedEntry, u64)| -> (EntryIndex, VerifiedOpening) {
        let (_, opening) = entry.openings().iter().find(|(slot, _)| *slot == Slot::CORE).unwrap();
        let verified = opening.clone().verify(&origin, &entry.bytes().parse().unwrap(), Slot::CORE);
        (EntryIndex::new(index).unwrap(), verified.unwrap())
    };
    let openings: Vec<_> = sealed.iter().zip(0..).skip(1).map(open).collect();
    for (run, next) in
        openings.chunks(usize::try_from(AT_ONCE).unwrap()).zip((1..).map(|run| 1 + run * AT_ONCE))
    {
        let mut step = store.replica_step(&origin).unwrap();
        step.release(&upstream(), run, next.min(ENTRIES), &mut entropy).unwrap();
        step.finish().unwrap();
    }
}

/// What is held has arrived, and every number below the cursor is held.
fn check(store: &Store, place: &str) {
    let (mut held, end) = (BTreeSet::new(), TreeSize::new(ENTRIES).unwrap());
    let read = store.each_opening(&origin(), TreeSize::ZERO..end, &[Slot::CORE], |index, found| {
        held.extend(found[0].as_ref().map(|_| index.value()));
        Ok::<(), StoreError>(())
    });
    assert!(read.is_ok(), "{place}: {read:?}");
    let arrivals = (0..).map_while(|number| store.arrival(&origin(), number).unwrap());
    let arrived: BTreeSet<u64> = arrivals.flatten().map(EntryIndex::value).collect();
    assert_eq!(held, arrived, "{place}");
    let next = store.next_release(&upstream(), &origin()).unwrap();
    assert!((1..next).all(|index| held.contains(&index)), "{place}: {next} is next, {held:?} are held");
}

#[test]
fn a_power_cut_in_a_release_leaves_no_section_that_has_not_arrived() {
    // The same test again, as the process that is cut off.
    if let Some(folder) = std::env::var_os(OPENED) {
        return release(&open(Path::new(&folder)));
    }
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    std::fs::create_dir(&home).unwrap();
    fill(&home);
    let home = home.canonicalize().unwrap();
    let base = Disk::of(&home);
    let Some(library) = library(dir.path()) else { return };
    let events =
        done_by("a_power_cut_in_a_release_leaves_no_section_that_has_not_arrived", OPENED, &home, &library);
    check(&open(&home), "all of it");
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
        let left = [Left::Beginning, Left::Any, Left::Beginning, Left::Everything][round % 4];
        let folder = dir.path().join(format!("{round}"));
        disk.cut(left, &mut drawn, &folder);
        let place = format!("cut {round} at change {instant} of {}, {left:?} left", events.len());
        eprintln!("{place}");
        check(&open(&folder), &place);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
