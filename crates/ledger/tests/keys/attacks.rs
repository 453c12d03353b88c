//! What a thief of one key, or an author who is careless, must not come through with.

use comity_ledger::{
    CheckpointKeyError, Draft, Head, KeyAct, KeyEventSigners, KeyFinding, KeyRole, Kind, RoleKey,
    UnsignedKeyEvent,
};
use comity_tlog::{Hash, KeyKind};

use crate::{Log, add, key, log_key, named, note_of, origin, retire, revoke, root_key, sign, size};

const AUTHOR: KeyFinding = KeyFinding::Unsigned { signer: "the log key that stands for the author" };
const ROOT: KeyFinding = KeyFinding::Unsigned { signer: "the root key" };
const ITSELF: KeyFinding = KeyFinding::Unsigned { signer: "the key that it is about" };

#[test]
fn an_event_of_another_origin_is_refused() {
    let (old, new) = (log_key(2), log_key(3));
    let act = KeyAct::Add { by: named(KeyRole::Log, &old) };
    let signers = KeyEventSigners { root: &root_key(1), by: Some(&old), own: Some(&new) };
    for other in ["agency-a.example/acct", "agency-a.example/pub/2", "agency-b.example/pub"] {
        let unsigned = UnsignedKeyEvent::new(named(KeyRole::Log, &new), act.clone());
        let replayed = unsigned.sign(&origin(other), signers).unwrap();
        let mut log = Log::new();
        assert_eq!(log.key_event(&replayed), Err(ROOT), "{other}");
        assert_eq!(log.log_keys(2), [old.verifier().clone()]);
    }
}

#[test]
fn an_event_shown_again_in_its_own_log_changes_nothing() {
    let mut log = Log::new();
    let (added, retired) = (add(&log_key(3), &log_key(2)), retire(&log_key(2), &log_key(3)));
    log.key_event(&added).unwrap();
    log.key_event(&retired).unwrap();
    assert_eq!(log.key_event(&retired), Err(KeyFinding::NotInForce));
    assert_eq!(log.key_event(&added), Err(KeyFinding::AuthorOutOfForce));
    log.key_event(&add(&log_key(4), &log_key(3))).unwrap();
    let revoked = revoke(&log_key(3), log.head());
    log.key_event(&revoked).unwrap();
    assert_eq!(log.key_event(&revoked), Err(KeyFinding::NotInForce));
    assert_eq!(log.key_event(&add(&log_key(3), &log_key(4))), Err(KeyFinding::KnownKey));
}

#[test]
fn an_event_signed_by_another_root_key_is_refused() {
    let (old, new) = (log_key(2), log_key(3));
    let by = || named(KeyRole::Log, &old);
    let mut log = Log::new();
    let added = |root| {
        sign(named(KeyRole::Log, &new), KeyAct::Add { by: by() }, &root_key(root), Some(&old), Some(&new))
    };
    assert_eq!(log.key_event(&added(7)), Err(ROOT));
    let last_good = log.head();
    let revoked = sign(named(KeyRole::Log, &old), KeyAct::Revoke { last_good }, &root_key(7), None, None);
    assert_eq!(log.key_event(&revoked), Err(ROOT));
    assert_eq!(log.history.closed(), None);
    log.key_event(&added(1)).unwrap();
}

#[test]
fn a_rotation_without_the_old_key_is_refused() {
    let mut log = Log::new();
    // Signed by the new key in the place of the old one, which is not in force.
    let (new, stranger) = (log_key(3), log_key(9));
    for by in [&new, &stranger] {
        let act = KeyAct::Add { by: named(KeyRole::Log, by) };
        let event = sign(named(KeyRole::Log, &new), act, &root_key(1), Some(by), Some(&new));
        assert_eq!(log.key_event(&event), Err(KeyFinding::AuthorOutOfForce));
    }
    // The signature of the old key, taken from another event.
    let other = add(&log_key(4), &log_key(2)).to_body();
    let mut body = add(&new, &log_key(2)).to_body();
    let at = body.len() - 2 * 67 + 3;
    body[at..at + 64].copy_from_slice(&other[at..at + 64]);
    assert_eq!(log.append(Draft::new(Kind::Key, None).with_public_body(body)), Err(AUTHOR));
}

#[test]
fn a_new_key_that_does_not_sign_for_itself_is_refused() {
    let mut log = Log::new();
    let mut body = add(&log_key(3), &log_key(2)).to_body();
    let at = body.len() - 1;
    body[at] ^= 1;
    assert_eq!(log.append(Draft::new(Kind::Key, None).with_public_body(body)), Err(ITSELF));
    let short = add(&log_key(3), &log_key(2)).to_body();
    let mut without = short[..short.len() - 67].to_vec();
    without[0] -= 1;
    assert_eq!(log.append(Draft::new(Kind::Key, None).with_public_body(without)), Err(ITSELF));
}

#[test]
fn the_last_log_key_cannot_be_retired() {
    let mut log = Log::new();
    let only = log_key(2);
    assert_eq!(log.key_event(&retire(&only, &only)), Err(KeyFinding::LastKey));
    // Nor by a key that was never added.
    assert_eq!(log.key_event(&retire(&only, &log_key(3))), Err(KeyFinding::AuthorOutOfForce));
    log.key_event(&add(&log_key(3), &only)).unwrap();
    log.key_event(&retire(&log_key(3), &only)).unwrap();
    assert_eq!(log.key_event(&retire(&only, &log_key(3))), Err(KeyFinding::AuthorOutOfForce));
    assert_eq!(log.log_keys(9), [only.verifier().clone()]);
}

#[test]
fn a_revocation_that_names_a_checkpoint_that_is_not_there_is_refused() {
    let mut log = Log::new();
    log.key_event(&add(&log_key(3), &log_key(2))).unwrap();
    log.records(3);
    let here = log.head();
    let of_another_tree = Head { root: Hash::from_bytes([1; 32]), ..here };
    let in_the_future = Head { size: size(6), root: here.root };
    let wrong_root = Head { size: size(2), root: here.root };
    for last_good in [of_another_tree, in_the_future, wrong_root, Head::EMPTY] {
        let found = log.key_event(&revoke(&log_key(2), last_good));
        assert_eq!(found, Err(KeyFinding::NoSuchCheckpoint { size: last_good.size }));
        log = log_with_overlap();
    }
    log.key_event(&revoke(&log_key(2), log.head())).unwrap();
}

fn log_with_overlap() -> Log {
    let mut log = Log::new();
    log.key_event(&add(&log_key(3), &log_key(2))).unwrap();
    log.records(3);
    log
}

#[test]
fn a_key_thief_who_signs_after_the_revocation_signs_nothing() {
    let mut log = log_with_overlap();
    let last_good = log.head();
    log.key_event(&revoke(&log_key(2), last_good)).unwrap();
    log.records(3);
    let thief = log_key(2);
    assert!(log.is_signed(last_good.size.value(), std::slice::from_ref(&thief)), "history before is safe");
    for entries in last_good.size.value() + 1..=log.head().size.value() {
        let note = note_of(log.head_at(entries), std::slice::from_ref(&thief));
        let refused = CheckpointKeyError::OutOfForce { size: size(entries) };
        assert_eq!(log.history.verify(&note), Err(refused));
        assert!(log.is_signed(entries, &[log_key(3)]));
    }
    // Nor can the thief bring a key of its own, or end the other one.
    assert_eq!(log.key_event(&add(&log_key(9), &thief)), Err(KeyFinding::AuthorOutOfForce));
    assert_eq!(log.key_event(&retire(&log_key(3), &thief)), Err(KeyFinding::AuthorOutOfForce));
    assert_eq!(log.history.closed(), None, "nothing lay between the last good checkpoint and the revocation");
}

#[test]
fn a_revocation_with_entries_beyond_the_last_good_checkpoint_closes_the_log() {
    let mut log = log_with_overlap();
    let last_good = log.head();
    log.records(2);
    let before = log.head().size.value();
    log.key_event(&revoke(&log_key(2), last_good)).unwrap();
    assert_eq!(log.history.closed(), Some(last_good));
    assert!(log.is_signed(before + 1, &[log_key(3)]), "the other key signs that it is closed");
    assert!(!log.is_signed(before + 1, &[log_key(2)]) && !log.is_signed(before, &[log_key(2)]));
    log.records(1);
    assert!(!log.is_signed(before + 2, &[log_key(3)]), "and nothing more");
    assert_eq!(log.key_event(&add(&log_key(4), &log_key(3))), Err(KeyFinding::Closed));
    assert_eq!(log.key_event(&revoke(&log_key(3), last_good)), Err(KeyFinding::Closed));
}

#[test]
fn a_key_that_was_retired_in_time_spoils_nothing_when_it_is_revoked() {
    let mut log = log_with_overlap();
    log.key_event(&retire(&log_key(2), &log_key(3))).unwrap();
    let last_good = log.head();
    log.records(4);
    log.key_event(&revoke(&log_key(2), last_good)).unwrap();
    assert_eq!(log.history.closed(), None, "it was in force for no tree beyond the last good one");
    let mut log = log_with_overlap();
    let last_good = log.head_at(3);
    log.key_event(&retire(&log_key(2), &log_key(3))).unwrap();
    log.key_event(&revoke(&log_key(2), last_good)).unwrap();
    assert_eq!(log.history.closed(), Some(last_good), "what it signed in the overlap is void");
}

#[test]
fn the_revocation_of_the_only_key_closes_the_log() {
    let mut log = Log::new();
    log.records(2);
    let last_good = log.head();
    log.key_event(&revoke(&log_key(2), last_good)).unwrap();
    assert_eq!(log.history.closed(), Some(last_good));
    assert!(log.log_keys(last_good.size.value() + 1).is_empty());
}

#[test]
fn one_key_in_two_roles_is_refused() {
    let by = || KeyAct::Add { by: named(KeyRole::Log, &log_key(2)) };
    let mut log = Log::new();
    let mut refused = |role, name: &str, kind, seed| {
        let twin = key(name, kind, seed);
        let event = sign(named(role, &twin), by(), &root_key(1), Some(&log_key(2)), Some(&twin));
        assert_eq!(log.key_event(&event), Err(KeyFinding::TwoRoles), "{role} {seed}");
    };
    // The root key's and the log key's seeds.
    for seed in [1, 2] {
        refused(KeyRole::Witness, "agency-a.example/witness", KeyKind::CosignatureV1, seed);
        refused(KeyRole::Statement, "agency-a.example/statement", KeyKind::Ed25519, seed);
    }
    refused(KeyRole::Log, "agency-a.example/pub", KeyKind::Ed25519, 1);
    let witness = key("agency-a.example/witness", KeyKind::CosignatureV1, 5);
    log.key_event(&sign(
        named(KeyRole::Witness, &witness),
        by(),
        &root_key(1),
        Some(&log_key(2)),
        Some(&witness),
    ))
    .unwrap();
    let twin = log_key(5);
    assert_eq!(log.key_event(&add(&twin, &log_key(2))), Err(KeyFinding::TwoRoles));
}

#[test]
fn a_key_event_that_is_none_is_kept_and_changes_nothing() {
    let mut log = Log::new();
    for body in [vec![0xa0], vec![0xff; 300], b"not cbor at all".to_vec()] {
        let junk = Draft::new(Kind::Key, None).with_public_body(body);
        assert!(matches!(log.append(junk), Err(KeyFinding::NotUnderstood { .. })));
    }
    assert_eq!(log.head().size, size(4), "they are entries like every other");
    log.key_event(&add(&log_key(3), &log_key(2))).unwrap();
}

/// Goal: an event is signed by those whom it names, from the beginning.
#[test]
fn a_key_event_is_signed_by_the_keys_that_it_names_or_by_nobody() {
    let (old, new, other) = (log_key(2), log_key(3), log_key(4));
    let unsigned = || {
        let act = KeyAct::Add { by: named(KeyRole::Log, &old) };
        UnsignedKeyEvent::new(named(KeyRole::Log, &new), act)
    };
    let of = origin("agency-a.example/pub");
    let root = &root_key(1);
    for (by, own, missing) in [
        (None, Some(&new), AUTHOR),
        (Some(&other), Some(&new), AUTHOR),
        (Some(&old), None, ITSELF),
        (Some(&old), Some(&other), ITSELF),
    ] {
        let signed = unsigned().sign(&of, KeyEventSigners { root, by, own });
        assert_eq!(signed, Err(missing));
    }
    let wrong = RoleKey::signing(KeyRole::Witness, new.verifier());
    assert_eq!(wrong, Err(KeyFinding::WrongKind { role: KeyRole::Witness }));
}

/// Goal: a stolen root key alone takes over no log. Way: it signs what it may sign alone, and what it may not.
#[test]
fn a_thief_of_the_root_key_alone_can_stop_a_log_and_not_take_it_over() {
    let mut log = Log::new();
    let mine = log_key(9);
    let act = KeyAct::Add { by: named(KeyRole::Log, &mine) };
    let taken = sign(named(KeyRole::Log, &mine), act, &root_key(1), Some(&mine), Some(&mine));
    assert_eq!(log.key_event(&taken), Err(KeyFinding::AuthorOutOfForce));
    assert_eq!(log.log_keys(9), [log_key(2).verifier().clone()]);
}
