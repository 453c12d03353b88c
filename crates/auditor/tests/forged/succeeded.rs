//! Logs that go on from a closed one: joined where both agree, and refused where they do not.

use comity_auditor::{Report, TrustedKeys, verify};
use comity_ledger::{BUNDLE_FORMAT, Disclosed, Genesis, Head, Manifest, ManifestLog, Origin};
use comity_tlog::{Hash, KeyKind, KeyName, SigningKey};

use crate::bundles::card;
use crate::forger::{Forger, NOW, ORIGIN, failed, genesis, log_key, size};
use crate::rotated::{add, bundled, record, revoke, root};

const NEXT: &str = "agency-a.example/pub/2";

fn next_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(NEXT).unwrap(), KeyKind::Ed25519, &[seed; 32]).unwrap()
}

/// A closed log with its bundle: key 2 was stolen, and what was signed beyond the fourth entry is void.
fn closed() -> Forger {
    let mut forger = Forger::new(vec![genesis(), record(), add(3, 2, 1), record(), record()]);
    forger.append(revoke(2, forger.head_at(4)));
    bundled(&forger, &[(4, &[2, 3]), (6, &[3])]);
    forger
}

/// A successor that goes on from this tree, by the word of a root key.
fn successor(last_good: Head, root_seed: u8) -> Forger {
    let before: Origin = ORIGIN.parse().unwrap();
    let genesis = Genesis::succeeding(&before, last_good, &root(root_seed), next_key(5).verifier()).unwrap();
    let mut forger = Forger::of(NEXT);
    forger.append(genesis.draft());
    forger.append(record());
    forger.bundle(|_| Disclosed::Withheld);
    forger.write("logs/000/VKEYS", format!("{}\n", next_key(5).verifier()).as_bytes());
    forger.keep(2, forger.signed_by(2, &[next_key(5)]).as_bytes());
    forger
}

/// Puts the logs of both into one bundle, and audits it.
fn together(logs: &[&Forger], keys: &TrustedKeys) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("bundle");
    std::fs::create_dir_all(folder.join("logs")).unwrap();
    let mut listed = Vec::new();
    for (log, number) in logs.iter().zip(0..) {
        let place = format!("logs/{number:03}");
        let from = log.folder().join("logs/000");
        let copied = std::process::Command::new("cp").arg("-r").arg(from).arg(folder.join(&place)).status();
        assert!(copied.unwrap().success());
        listed.push(ManifestLog {
            origin: log.origin.to_string(),
            folder: place,
            size: log.size().value(),
            root: log.root().to_base64(),
        });
    }
    let agency = "agency-a.example".to_owned();
    let manifest = Manifest { format: BUNDLE_FORMAT.to_owned(), agency, made_at: NOW, logs: listed };
    std::fs::write(folder.join("bundle.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    verify(&folder, keys)
}

fn with_card() -> TrustedKeys {
    let mut keys = TrustedKeys::none();
    keys.add_file(&card(1)).unwrap();
    keys
}

#[test]
fn a_successor_is_joined_to_the_end_of_the_closed_log_in_whatever_order_they_come() {
    let (log, next) = (closed(), successor(closed_head(), 1));
    let (log, next) = (&log, &next);
    let next_of_log = successor(log.head_at(4), 1);
    for order in [[log, &next_of_log], [&next_of_log, log]] {
        let report = together(&order, &with_card());
        assert!(report.ok && report.trusted, "{}", report.to_text());
        assert_eq!((report.checks.successors, report.checks.key_events), (1, 2));
        let text = report.to_text();
        assert!(
            text.contains("goes on from agency-a.example/pub") && text.contains("CLOSED at size 4"),
            "{text}"
        );
    }
    // Of another tree of as many entries.
    let report = together(&[log, next], &with_card());
    assert_eq!(failed(&report), [("successor", Some(0))], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("of size 4"), "{}", report.to_text());
}

/// The fourth tree of a log of the same shape and other entries.
fn closed_head() -> Head {
    Head { size: size(4), root: Hash::leaf(b"another tree") }
}

#[test]
fn a_successor_voids_what_was_signed_beyond_its_beginning_though_no_revocation_stands_there() {
    let log = Forger::new(vec![genesis(), record(), record(), record(), record()]);
    bundled(&log, &[(3, &[2]), (5, &[2])]);
    let next = successor(log.head_at(3), 1);
    let report = together(&[&log, &next], &with_card());
    assert_eq!(failed(&report), [("signature", None)], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("closed"), "{}", report.to_text());
    let whole = successor(log.head_at(5), 1);
    let report = together(&[&log, &whole], &with_card());
    assert!(report.ok && report.trusted && report.logs[0].closed.is_some(), "{}", report.to_text());
}

#[test]
fn a_successor_that_another_root_key_signed_is_nobodys() {
    let log = closed();
    let next = successor(log.head_at(4), 7);
    let report = together(&[&log, &next], &with_card());
    assert_eq!(failed(&report), [("key", None)], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("root key"), "{}", report.to_text());
    // Without a card the closed log itself says who its root key is.
    let report = together(&[&log, &next], &log_key());
    assert_eq!(failed(&report), [("key", None)], "{}", report.to_text());
    let good = successor(log.head_at(4), 1);
    let report = together(&[&log, &good], &log_key());
    assert!(report.ok && report.trusted && report.checks.successors == 1, "{}", report.to_text());
}

#[test]
fn a_successor_without_the_log_before_it_passes_by_the_card_and_says_what_is_not_here() {
    let next = successor(closed_head(), 1);
    let report = together(&[&next], &with_card());
    assert!(report.ok && report.trusted, "{}", report.to_text());
    assert_eq!((report.checks.successors, report.notes.len()), (0, 1), "{}", report.to_text());
    assert!(report.notes[0].detail.contains("not here"), "{}", report.to_text());
}
