//! The time that witnesses have seen is kept, and never goes back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

mod entropy;

use comity_ledger::Origin;
use comity_store::{Kek, Store, StorePaths};
use comity_tlog::{Checkpoint, CosignatureTime, EntryIndex, Hash, KeyKind, KeyName, SigningKey, TreeSize};

use entropy::Seeded;

/// Goal: of each entry it is known by when it existed: by the earliest time of a tree with a quorum that covers it, in
/// whatever order they come.
#[test]
fn an_entry_existed_by_the_time_of_the_first_witnessed_tree_that_covers_it() {
    let place = tempfile::tempdir().unwrap();
    let paths = StorePaths { database: place.path().join("store"), keyring: place.path().join("keyring") };
    for folder in [&paths.database, &paths.keyring] {
        std::fs::create_dir(folder).unwrap();
    }
    let store = Store::create(&paths, Kek::from_bytes([1; 32]), &mut Seeded(0)).unwrap();
    let [log, other] = ["a.example/pub", "b.example/pub"].map(|origin| origin.parse().unwrap());
    let put = |size: u64, secs: u64| {
        let time = CosignatureTime::new(secs).unwrap();
        store.put_existed_by(&log, TreeSize::new(size).unwrap(), time).unwrap();
    };
    for (size, secs) in [(3, 100), (10, 200), (300, 300), (10, 190), (10, 250)] {
        put(size, secs);
    }
    for (index, by) in
        [(0, Some(100)), (2, Some(100)), (3, Some(190)), (9, Some(190)), (10, Some(300)), (300, None)]
    {
        let existed = store.existed_by(&log, EntryIndex::new(index).unwrap()).unwrap();
        assert_eq!(existed.map(CosignatureTime::value), by, "entry {index}");
    }
    assert_eq!(store.existed_by(&other, EntryIndex::new(0).unwrap()).unwrap(), None);

    // Smaller trees of which a later time comes to be known make nothing later; a larger one of an earlier time makes the
    // smaller ones earlier, which were there before it.
    put(2, 250);
    put(299, 150);
    for (index, by) in [(0, 100), (1, 100), (2, 100), (3, 150), (9, 150), (298, 150), (299, 300)] {
        let existed = store.existed_by(&log, EntryIndex::new(index).unwrap()).unwrap();
        assert_eq!(existed.map(CosignatureTime::value), Some(by), "entry {index}");
    }
    put(350, 50);
    let existed = store.existed_by(&log, EntryIndex::new(0).unwrap()).unwrap();
    assert_eq!(existed.map(CosignatureTime::value), Some(50));
}

/// Goal: what proves by when entries existed is found by size, and goes with the replica that it speaks of: of the log that
/// is followed next under that name it would prove nothing. Way: two replicas with first quorums, one of which is set
/// aside.
#[test]
fn first_quorums_are_found_by_size_and_go_with_a_replica_that_is_set_aside() {
    let place = tempfile::tempdir().unwrap();
    let paths = StorePaths { database: place.path().join("store"), keyring: place.path().join("keyring") };
    for folder in [&paths.database, &paths.keyring] {
        std::fs::create_dir(folder).unwrap();
    }
    let store = Store::create(&paths, Kek::from_bytes([1; 32]), &mut Seeded(0)).unwrap();
    let [log, other]: [Origin; 2] = ["a.example/pub", "b.example/pub"].map(|origin| origin.parse().unwrap());
    let at = |size: u64| TreeSize::new(size).unwrap();
    for origin in [&log, &other] {
        let name = KeyName::new(origin.as_str()).unwrap();
        let key = SigningKey::from_seed(name, KeyKind::Ed25519, &[7; 32]).unwrap();
        store.begin_replica(origin, key.verifier()).unwrap();
        for size in [3, 300] {
            let text = Checkpoint::new(origin.as_str(), at(size), Hash::leaf(&[])).unwrap();
            let time = CosignatureTime::new(size).unwrap();
            assert!(store.put_first_quorum(origin, &text.sign(&key).unwrap(), Some(time)).unwrap());
        }
    }
    let of = |origin: &Origin, size: u64| store.first_quorum_of(origin, at(size)).unwrap();
    let from = |size: u64| store.first_quorum_from(&log, at(size)).unwrap();
    assert!(of(&log, 3).is_some() && of(&log, 300).is_some() && of(&log, 3) != of(&log, 300));
    assert_eq!([0, 3, 4, 300, 301].map(from), [of(&log, 3), of(&log, 3), of(&log, 300), of(&log, 300), None]);
    assert_eq!(store.largest_first_quorum(&log).unwrap(), Some(at(300)));
    let below = |size: u64| store.first_quorum_below(&log, at(size)).unwrap();
    assert_eq!([3, 4, 300, 301].map(below), [None, of(&log, 3), of(&log, 3), of(&log, 300)]);

    store.set_aside(&log, &mut Seeded(1)).unwrap();
    assert_eq!((from(0), store.largest_first_quorum(&log).unwrap()), (None, None));
    assert_eq!(store.existed_by(&log, EntryIndex::new(0).unwrap()).unwrap(), None);
    assert!(of(&other, 3).is_some() && of(&other, 300).is_some());
    assert_eq!(store.largest_first_quorum(&other).unwrap(), Some(at(300)));
}

#[test]
fn the_witnessed_time_is_kept_and_never_goes_back() {
    let place = tempfile::tempdir().unwrap();
    let paths = StorePaths { database: place.path().join("store"), keyring: place.path().join("keyring") };
    for folder in [&paths.database, &paths.keyring] {
        std::fs::create_dir(folder).unwrap();
    }
    let at = |secs| CosignatureTime::new(secs).unwrap();
    let store = Store::create(&paths, Kek::from_bytes([1; 32]), &mut Seeded(0)).unwrap();
    assert_eq!(store.witnessed_time().unwrap(), None);
    for (put, kept) in [(100, 100), (90, 100), (100, 100), (101, 101), (0, 101)] {
        store.put_witnessed_time(at(put)).unwrap();
        assert_eq!(store.witnessed_time().unwrap(), Some(at(kept)));
    }
    store.sync().unwrap();
    drop(store);
    let store = Store::open(&paths, Kek::from_bytes([1; 32])).unwrap();
    assert_eq!(store.witnessed_time().unwrap(), Some(at(101)));
    store.put_witnessed_time(at(50)).unwrap();
    assert_eq!(store.witnessed_time().unwrap(), Some(at(101)), "a start takes nothing back");
}
