//! The bytes of key events, pinned, and what is not exactly one.

use std::fmt::Write as _;

use comity_ledger::{Genesis, Head, KeyAct, KeyEvent, KeyFinding, KeyRole, RoleKey};
use comity_tlog::{Hash, KeyKind};

use crate::{add, entry_of, key, log_key, named, origin, retire, revoke, root_key, sign, size};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn some_head() -> Head {
    Head { size: size(70_000), root: Hash::from_bytes([0x5a; 32]) }
}

fn events() -> Vec<(&'static str, KeyEvent)> {
    let by = KeyAct::Add { by: named(KeyRole::Log, &log_key(2)) };
    let witness = key("agency-a.example/witness", KeyKind::CosignatureV1, 4);
    let authority = RoleKey::tls_authority(Hash::from_bytes([0xca; 32]));
    vec![
        ("add-log", add(&log_key(3), &log_key(2))),
        ("retire-log", retire(&log_key(2), &log_key(3))),
        ("revoke-log", revoke(&log_key(2), some_head())),
        (
            "add-witness",
            sign(
                named(KeyRole::Witness, &witness),
                by.clone(),
                &root_key(1),
                Some(&log_key(2)),
                Some(&witness),
            ),
        ),
        ("add-tls-authority", sign(authority, by, &root_key(1), Some(&log_key(2)), None)),
    ]
}

#[test]
fn pinned_key_events_do_not_drift() {
    let expected = include_str!("../vectors/keys.txt");
    let of = origin("agency-a.example/pub");
    let mut found = String::new();
    for (name, event) in events() {
        event.verify(&of, root_key(1).verifier()).unwrap();
        let entry = entry_of(event.draft(), &of);
        writeln!(found, "{name} body {}\n{name} entry {}", hex(&event.to_body()), hex(&entry)).unwrap();
    }
    let next = key("agency-a.example/pub/2", KeyKind::Ed25519, 5);
    let genesis = Genesis::succeeding(&of, some_head(), &root_key(1), next.verifier()).unwrap();
    let entry = entry_of(genesis.draft(), &of.successor().unwrap());
    writeln!(found, "successor entry {}", hex(&entry)).unwrap();
    assert_eq!(found, expected, "the bytes of a key event are signed for ever");
}

/// Goal: an event has one form, so that nothing can be slipped in beside what was signed.
#[test]
fn every_single_bit_flip_of_a_key_event_is_refused() {
    let of = origin("agency-a.example/pub");
    for (name, event) in events() {
        let body = event.to_body();
        assert_eq!(KeyEvent::from_body(&body), Ok(event));
        for bit in 0..body.len() * 8 {
            let mut bent = body.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            let taken =
                KeyEvent::from_body(&bent).and_then(|event| event.verify(&of, root_key(1).verifier()));
            assert!(taken.is_err(), "{name}, bit {bit}");
        }
        for end in 0..body.len() {
            assert!(KeyEvent::from_body(&body[..end]).is_err(), "{name} cut to {end}");
        }
        assert!(KeyEvent::from_body(&[body.as_slice(), &[0]].concat()).is_err(), "{name} with a byte more");
    }
}

/// Goal: what a later version says is told from what is malformed, and neither counts.
#[test]
fn a_later_act_or_role_is_not_understood() {
    let body = add(&log_key(3), &log_key(2)).to_body();
    for (place, code) in [(2, 4), (2, 0), (4, 6), (4, 0)] {
        let mut later = body.clone();
        later[place] = code;
        let read = KeyEvent::from_body(&later);
        assert!(matches!(read, Err(KeyFinding::NotUnderstood { .. })), "{place} {code}: {read:?}");
    }
}

#[test]
fn the_longest_genesis_of_a_successor_is_an_entry() {
    let agency = "a".repeat(63);
    let closed = origin(&format!("{agency}/pub/4294967293"));
    let next = closed.successor().unwrap();
    let log = key(next.as_str(), KeyKind::Ed25519, 5);
    let root = key(&format!("{agency}/root"), KeyKind::Ed25519, 1);
    let head = Head { size: comity_tlog::TreeSize::MAX, root: Hash::EMPTY_ROOT };
    let genesis = Genesis::succeeding(&closed, head, &root, log.verifier()).unwrap();
    assert!(entry_of(genesis.draft(), &next).len() <= comity_ledger::ENTRY_BYTES_MAX);
}
