//! The log that goes on where a closed one ended: its genesis, and what it says of the other.

use comity_ledger::{Entry, Genesis, Head, KeyFinding, KeyHistory, Origin};
use comity_tlog::{Hash, KeyKind, SigningKey};

use crate::{Log, add, entry_of, key, log_key, note_of, origin, revoke, root_key, size};

fn first_key_of(origin: &Origin) -> SigningKey {
    key(origin.as_str(), KeyKind::Ed25519, 5)
}

fn genesis_after(closed: &Origin, last_good: Head, root: u8) -> Genesis {
    let next = closed.successor().unwrap();
    Genesis::succeeding(closed, last_good, &root_key(root), first_key_of(&next).verifier()).unwrap()
}

fn history_of(origin: &Origin) -> KeyHistory {
    KeyHistory::new(origin.clone(), first_key_of(origin).verifier().clone())
}

#[test]
fn a_successor_commits_to_the_last_good_tree_and_closes_the_log_before_it() {
    let mut log = Log::new();
    log.records(5);
    let closed = origin("agency-a.example/pub");
    let last_good = log.head_at(4);
    let genesis = genesis_after(&closed, last_good, 1);
    let next = closed.successor().unwrap();
    let entry = Entry::parse(&entry_of(genesis.draft(), &next)).unwrap();
    let read = Genesis::from_entry(&entry).unwrap();
    assert_eq!(read, genesis);
    assert_eq!(read.succession().unwrap().last_good(), last_good);
    history_of(&next).begin(&read).unwrap();
    let past = |at| Some(log.head_at(comity_tlog::TreeSize::value(at)).root);
    let mut history = log.history.clone();
    history.close(&next, &read, &past).unwrap();
    assert_eq!(history.closed(), Some(last_good));
    assert!(history.log_keys(size(5)).is_empty(), "what was signed beyond is void");
    assert_eq!(history.log_keys(size(4)), log.log_keys(4), "and what was signed before stands");
    let again = history.clone();
    history.close(&next, &read, &past).unwrap();
    assert_eq!(history, again, "it is closed once");
}

#[test]
fn a_successor_that_the_root_key_did_not_sign_closes_nothing_and_begins_nothing() {
    let mut log = Log::new();
    log.records(5);
    let closed = origin("agency-a.example/pub");
    let next = closed.successor().unwrap();
    let past = |at| Some(log.head_at(comity_tlog::TreeSize::value(at)).root);
    let mut history = log.history.clone();
    // Signed by another root key, which the genesis names: a log of its own, and no successor of this one.
    let foreign = genesis_after(&closed, log.head_at(4), 7);
    assert_eq!(history.close(&next, &foreign, &past), Err(KeyFinding::NotTheSuccessor));
    let pinned = history_of(&next).with_root(root_key(1).verifier().clone());
    assert_eq!(pinned.clone().begin(&foreign), Err(KeyFinding::OtherGenesis));
    // The signature of another successor, and a genesis that goes on from nothing.
    let third = genesis_after(&next, log.head_at(4), 1);
    assert_eq!(history.close(&next, &third, &past), Err(KeyFinding::NotTheSuccessor));
    assert_eq!(pinned.clone().begin(&third), Err(KeyFinding::NotTheSuccessor));
    let plain = Genesis::new(closed.agency().clone(), root_key(1).verifier(), first_key_of(&next).verifier());
    assert_eq!(pinned.clone().begin(&plain.unwrap()), Err(KeyFinding::NotTheSuccessor));
    let mut bent = entry_of(genesis_after(&closed, log.head_at(4), 1).draft(), &next);
    *bent.last_mut().unwrap() ^= 1;
    let bent = Genesis::from_entry(&Entry::parse(&bent).unwrap()).unwrap();
    assert_eq!(history.close(&next, &bent, &past), Err(KeyFinding::NotTheSuccessor));
    assert_eq!(pinned.clone().begin(&bent), Err(KeyFinding::NotTheSuccessor));
    assert_eq!(history, log.history);
}

#[test]
fn a_successor_that_goes_on_from_a_tree_that_is_not_there_closes_nothing() {
    let mut log = Log::new();
    log.records(5);
    let closed = origin("agency-a.example/pub");
    let next = closed.successor().unwrap();
    let wrong = Head { size: size(4), root: Hash::from_bytes([1; 32]) };
    let genesis = genesis_after(&closed, wrong, 1);
    let past = |at| Some(log.head_at(comity_tlog::TreeSize::value(at)).root);
    let mut history = log.history.clone();
    let refused = KeyFinding::NoSuchCheckpoint { size: size(4) };
    assert_eq!(history.close(&next, &genesis, &past), Err(refused));
    assert_eq!(history, log.history);
}

#[test]
fn the_genesis_of_a_log_that_follows_nothing_names_no_other() {
    let closed = origin("agency-a.example/pub");
    let mut genesis = genesis_after(&closed, Log::new().head(), 1);
    let first = history_of(&closed);
    assert_eq!(first.clone().begin(&genesis), Err(KeyFinding::NotTheSuccessor));
    let acct = origin("agency-a.example/acct");
    genesis =
        Genesis::new(acct.agency().clone(), root_key(1).verifier(), first_key_of(&acct).verifier()).unwrap();
    history_of(&acct).begin(&genesis).unwrap();
    let none = Genesis::succeeding(&acct, Log::new().head(), &root_key(1), log_key(5).verifier());
    assert!(none.is_err(), "only publication logs have successors");
}

/// Goal: a log that a revocation has closed and its successor say the same of where it ends.
#[test]
fn a_revocation_and_a_successor_agree_on_where_the_log_ends() {
    let mut log = Log::new();
    log.records(5);
    let last_good = log.head_at(4);
    log.key_event(&revoke(&log_key(2), last_good)).unwrap();
    let closed = origin("agency-a.example/pub");
    let next = closed.successor().unwrap();
    let past = |at| Some(log.head_at(comity_tlog::TreeSize::value(at)).root);
    let mut history = log.history.clone();
    history.close(&next, &genesis_after(&closed, last_good, 1), &past).unwrap();
    assert_eq!(history, log.history, "the tree with the revocation stays signed by the other key");
    assert_eq!(history.closed(), Some(last_good));
    // One that goes on from an earlier tree says more: then nothing beyond that stands.
    let earlier = log.head_at(3);
    history.close(&next, &genesis_after(&closed, earlier, 1), &past).unwrap();
    assert_eq!(history.closed(), Some(earlier));
    assert!(history.log_keys(size(4)).is_empty() && history.log_keys(size(6)).is_empty());
}

/// Goal: the checkpoint over a revocation that closes the log stands, whoever joins the successor to it. Way: signed by the
/// other key before the successor is there, and verified after.
#[test]
fn the_checkpoint_over_the_closing_revocation_stands_with_the_successor_too() {
    let mut log = Log::new();
    log.key_event(&add(&log_key(3), &log_key(2))).unwrap();
    log.records(5);
    let last_good = log.head_at(4);
    log.key_event(&revoke(&log_key(2), last_good)).unwrap();
    let closed = origin("agency-a.example/pub");
    let next = closed.successor().unwrap();
    let signed = note_of(log.head(), &[log_key(3)]);
    let past = |at| Some(log.head_at(comity_tlog::TreeSize::value(at)).root);
    let mut history = log.history.clone();
    history.verify(&signed).unwrap();
    history.close(&next, &genesis_after(&closed, last_good, 1), &past).unwrap();
    history.verify(&signed).unwrap();
}
