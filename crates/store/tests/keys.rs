//! The keys of a log are those that its entries say, however and whenever they are read.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

mod entropy;

use std::path::Path;

use comity_ledger::{
    Author, AuthorTime, Draft, Frame, Genesis, KeyAct, KeyEventSigners, KeyHistory, KeyRole, Kind,
    LockedHead, Origin, Replica, Role, RoleKey, SealedEntry, UnsignedKeyEvent,
};
use comity_store::{Kek, LogRole, Store, StoreError, StorePaths};
use comity_tlog::{
    ConsistencyProof, KeyKind, KeyName, RightEdge, SignedCheckpoint, SigningKey, TreeSize, VerifiedCheckpoint,
};

use entropy::Seeded;

fn origin() -> Origin {
    "a.example/pub".parse().unwrap()
}

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), KeyKind::Ed25519, &[seed; 32]).unwrap()
}

fn log_key(seed: u8) -> SigningKey {
    key("a.example/pub", seed)
}

fn named(seed: u8) -> RoleKey {
    RoleKey::signing(KeyRole::Log, log_key(seed).verifier()).unwrap()
}

fn event(about: u8, act: KeyAct, by: u8) -> Draft {
    let (root, by, own) = (key("a.example/root", 1), log_key(by), log_key(about));
    let signers = KeyEventSigners { root: &root, by: Some(&by), own: Some(&own) };
    UnsignedKeyEvent::new(named(about), act).sign(&origin(), signers).unwrap().draft()
}

fn records(count: usize) -> Vec<Draft> {
    (0..count).map(|_| Draft::new(Kind::Record, None)).collect()
}

/// Five batches with a rotation among them, each with the keys that sign it.
fn batches() -> Vec<(Vec<Draft>, Vec<u8>)> {
    let genesis =
        Genesis::new(origin().agency().clone(), key("a.example/root", 1).verifier(), log_key(2).verifier());
    vec![
        (vec![genesis.unwrap().draft()], vec![2]),
        (records(20), vec![2]),
        (vec![event(3, KeyAct::Add { by: named(2) }, 2)], vec![2, 3]),
        (records(30), vec![2, 3]),
        (vec![event(2, KeyAct::Retire { by: named(3) }, 3)], vec![3]),
        (records(5), vec![3]),
    ]
}

fn paths(folder: &Path) -> StorePaths {
    StorePaths { database: folder.join("store"), keyring: folder.join("keyring") }
}

fn create(folder: &Path) -> Store {
    for name in ["store", "keyring"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    Store::create(&paths(folder), Kek::from_bytes([1; 32]), &mut Seeded(1 << 40)).unwrap()
}

fn open(folder: &Path) -> Store {
    Store::open(&paths(folder), Kek::from_bytes([1; 32])).unwrap()
}

/// What the keys must be once `batches` of the log are there.
fn check(store: &Store, batches: usize) {
    let keys = store.keys(&origin()).unwrap();
    let held = store.held(&origin()).unwrap().size;
    let in_force: &[u8] = match batches {
        0..=2 => &[2],
        3 | 4 => &[2, 3],
        _ => &[3],
    };
    let expected: Vec<_> = in_force.iter().map(|seed| log_key(*seed).verifier().clone()).collect();
    assert_eq!(keys.log_keys(held), expected, "after {batches} batches");
}

#[test]
fn the_keys_of_a_replica_and_of_an_own_log_are_those_of_their_entries() {
    for role in [LogRole::Own, LogRole::Replica] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = create(folder.path());
        assert!(matches!(store.keys(&origin()), Err(StoreError::NoSuchLog { .. })));
        match role {
            LogRole::Own => store.create_log(&origin(), role).unwrap(),
            LogRole::Replica => store.begin_replica(&origin(), log_key(2).verifier()).unwrap(),
        }
        let mut author = Author::new(origin(), log_key(2), RightEdge::empty());
        let mut replica = Replica::new(origin(), log_key(2).verifier().clone(), RightEdge::empty(), None);
        let mut entropy = Seeded(0);
        for ((drafts, signers), done) in batches().into_iter().zip(1..) {
            author.change_keys(signers.iter().copied().map(log_key).collect());
            let (frame, checkpoint) = append(&store, role, &mut author, &mut replica, drafts, &mut entropy);
            if role == LogRole::Own {
                keeps_its_own_lines(&store, &signers);
            }
            if role == LogRole::Replica {
                let mut step = store.replica_step(frame.origin()).unwrap();
                step.seen(&checkpoint).unwrap();
                step.frames(std::slice::from_ref(&frame)).unwrap();
                step.finish().unwrap();
                assert_eq!(&store.keys(&origin()).unwrap(), replica.keys());
                let seen = store.seen_note(&origin()).unwrap().unwrap();
                assert_eq!(seen, checkpoint.as_bytes(), "the second copy is read with the same keys");
            }
            check(&store, done);
            // Read anew from its first entry on.
            drop(store);
            store = open(folder.path());
            check(&store, done);
            store.sync().unwrap();
        }
        if role == LogRole::Replica {
            follows_its_log(&store, &store.keys(&origin()).unwrap());
        }
    }
}

/// Goal: whatever is known of the keys by then, lines of cosigners take none of the log's own away.
fn keeps_its_own_lines(store: &Store, signers: &[u8]) {
    let read = || SignedCheckpoint::parse(&store.newest_note(&origin()).unwrap().unwrap()).unwrap();
    let newest = signers.last().copied().unwrap();
    let alone = read().checkpoint().clone().sign(&log_key(newest)).unwrap();
    assert!(store.keep_lines(&origin(), &alone).unwrap());
    let kept = read();
    assert_eq!(kept.note().lines().len(), signers.len());
    for signer in signers {
        kept.verify(log_key(*signer).verifier(), &[]).unwrap();
    }
}

fn append(
    store: &Store,
    role: LogRole,
    author: &mut Author,
    replica: &mut Replica,
    drafts: Vec<Draft>,
    entropy: &mut Seeded,
) -> (comity_ledger::VerifiedFrame, VerifiedCheckpoint) {
    let now = AuthorTime::from_unix_secs(1_780_000_000);
    let sealed: Vec<SealedEntry> =
        drafts.into_iter().map(|draft| draft.seal(&origin(), now, entropy).unwrap()).collect();
    let bytes: Vec<Vec<u8>> = sealed.iter().map(|entry| entry.bytes().as_bytes().to_vec()).collect();
    let staged = author.stage(sealed).unwrap();
    if role == LogRole::Own {
        store.keep_batch(&staged, entropy).unwrap();
    }
    let durable = staged.confirm(&bytes).unwrap();
    let locked = LockedHead::synced(Role::Author, origin(), durable.head(), None);
    let signed = author.sign(&durable, &locked).unwrap();
    if role == LogRole::Own {
        store.keep_note(&signed).unwrap();
    }
    let checkpoint = replica.verify_note(signed.note()).unwrap();
    let frame = Frame::new(staged.start(), bytes, ConsistencyProof::default()).unwrap();
    let frame = replica.verify_frame(frame, &checkpoint).unwrap();
    replica.advance(&frame);
    replica.saw(&checkpoint);
    (frame, checkpoint)
}

/// What is set aside keeps its keys under its new name, and what begins anew begins with its first.
fn follows_its_log(store: &Store, keys: &KeyHistory) {
    let aside = store.set_aside(&origin(), &mut Seeded(1 << 50)).unwrap();
    assert_eq!(&store.keys(&aside).unwrap(), keys);
    assert!(matches!(store.keys(&origin()), Err(StoreError::NoSuchLog { .. })));
    store.begin_replica(&origin(), log_key(2).verifier()).unwrap();
    let anew = store.keys(&origin()).unwrap();
    assert_eq!(anew.log_keys(TreeSize::MAX), [log_key(2).verifier().clone()]);
    store.begin_anew(&aside, &mut Seeded(1 << 51)).unwrap();
    assert_eq!(store.keys(&aside).unwrap().spans().len(), 1, "nothing is held that says more");
}

#[test]
fn the_newest_note_up_to_a_size_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    store.create_log(&origin(), LogRole::Own).unwrap();
    let mut author = Author::new(origin(), log_key(2), RightEdge::empty());
    let mut replica = Replica::new(origin(), log_key(2).verifier().clone(), RightEdge::empty(), None);
    let mut notes = Vec::new();
    for (drafts, signers) in batches() {
        author.change_keys(signers.into_iter().map(log_key).collect());
        let (_, checkpoint) = append(&store, LogRole::Own, &mut author, &mut replica, drafts, &mut Seeded(0));
        notes.push(checkpoint.checkpoint().clone());
    }
    for size in 0..=60 {
        let size = TreeSize::new(size).unwrap();
        let expected = notes.iter().rev().find(|stated| stated.size() <= size).cloned();
        let found = store.newest_note_up_to(&origin(), size).unwrap();
        let found = found.map(|note| SignedCheckpoint::parse(&note).unwrap().checkpoint().clone());
        assert_eq!(found, expected, "{size}");
    }
    assert_eq!(
        store.newest_note_up_to(&origin(), TreeSize::MAX).unwrap(),
        store.newest_note(&origin()).unwrap()
    );
}
