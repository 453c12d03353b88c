//! Logs whose keys change: rotations in good order, and what a thief or a careless author signed out of order.

use comity_auditor::{
    Report, TrustedKeys, prove, verify, verify_evidence_beside, verify_proof, verify_proof_beside,
};
use comity_ledger::{
    Disclosed, Draft, Evidence, Head, KeyAct, KeyEvent, KeyEventSigners, KeyRole, Kind, Origin, RoleKey,
    UnsignedKeyEvent,
};
use comity_tlog::{Checkpoint, Hash, KeyKind, KeyName, SigningKey};

use crate::bundles::card;
use crate::forger::{Forger, NOW, ORIGIN, at, failed, genesis, key, log_key, policy, size, witness};

/// The root key that the genesis names, with the name that its card gives it.
pub(crate) fn root(seed: u8) -> SigningKey {
    let name = KeyName::new("agency-a.example/root").unwrap();
    SigningKey::from_seed(name, KeyKind::Ed25519, &[seed; 32]).unwrap()
}

fn named(key: &SigningKey) -> RoleKey {
    RoleKey::signing(KeyRole::Log, key.verifier()).unwrap()
}

fn sign(of: &SigningKey, act: KeyAct, signers: KeyEventSigners<'_>) -> KeyEvent {
    let origin: Origin = ORIGIN.parse().unwrap();
    UnsignedKeyEvent::new(named(of), act).sign(&origin, signers).unwrap()
}

pub(crate) fn add(new: u8, by: u8, root_seed: u8) -> Draft {
    let (new, by, root) = (key(new), key(by), root(root_seed));
    let signers = KeyEventSigners { root: &root, by: Some(&by), own: Some(&new) };
    sign(&new, KeyAct::Add { by: named(&by) }, signers).draft()
}

pub(crate) fn retire(old: u8, by: u8) -> Draft {
    let (old, by, root) = (key(old), key(by), root(1));
    let signers = KeyEventSigners { root: &root, by: Some(&by), own: Some(&old) };
    sign(&old, KeyAct::Retire { by: named(&by) }, signers).draft()
}

pub(crate) fn revoke(stolen: u8, last_good: Head) -> Draft {
    let signers = KeyEventSigners { root: &root(1), by: None, own: None };
    sign(&key(stolen), KeyAct::Revoke { last_good }, signers).draft()
}

pub(crate) fn record() -> Draft {
    Draft::new(Kind::Record, None)
}

/// Keys of one seed each.
fn keys(seeds: &[u8]) -> Vec<SigningKey> {
    seeds.iter().map(|seed| key(*seed)).collect()
}

/// Writes the bundle of a log, with these checkpoints, each signed by the keys of these seeds.
pub(crate) fn bundled(forger: &Forger, checkpoints: &[(u64, &[u8])]) {
    forger.bundle(|_| Disclosed::Withheld);
    for (entries, seeds) in checkpoints {
        forger.keep(*entries, forger.signed_by(*entries, &keys(seeds)).as_bytes());
    }
}

fn with_vkeys(seeds: &[u8]) -> TrustedKeys {
    let mut keys = TrustedKeys::none();
    for seed in seeds {
        keys.add_file(key(*seed).verifier().to_string().as_bytes()).unwrap();
    }
    keys
}

fn with_card(root: u8) -> TrustedKeys {
    let mut keys = TrustedKeys::none();
    keys.add_file(&card(root)).unwrap();
    keys
}

fn sound(report: &Report) {
    assert!(report.ok && report.trusted, "{}", report.to_text());
}

/// Six entries: key 3 comes with the third, and key 2 goes with the fifth.
fn rotated() -> Forger {
    Forger::new(vec![genesis(), record(), add(3, 2, 1), record(), retire(2, 3), record()])
}

#[test]
fn a_rotation_in_good_order_passes_and_each_checkpoint_has_the_key_of_its_size() {
    let forger = rotated();
    bundled(&forger, &[(2, &[2]), (3, &[2, 3]), (4, &[3]), (5, &[3]), (6, &[3])]);
    let report = verify(&forger.folder(), &with_card(1));
    sound(&report);
    let c = report.checks;
    assert_eq!((c.key_events, c.signatures, c.roots, c.proofs), (2, 5, 5, 4));
    let log = &report.logs[0];
    assert_eq!(log.key, key(3).verifier().to_string());
    let spans: Vec<_> = log.keys.iter().map(|key| (key.from, key.until, key.end)).collect();
    assert_eq!(spans, [(0, Some(5), Some("retired")), (3, None, None)]);
    assert!(report.to_text().contains("2 key events") && log.closed.is_none(), "{}", report.to_text());
    // The first key alone vouches for what follows from it, and so does the last, which signed the newest.
    for seeds in [&[2][..], &[3], &[9, 3]] {
        sound(&verify(&forger.folder(), &with_vkeys(seeds)));
    }
    assert_eq!(failed(&verify(&forger.folder(), &with_vkeys(&[9]))), [("signature", None)]);
    let hinted = verify(&forger.folder(), &TrustedKeys::none());
    assert!(hinted.ok && !hinted.trusted, "{}", hinted.to_text());
}

#[test]
fn a_key_that_was_retired_signs_nothing_any_more_and_a_new_one_nothing_before() {
    let forger = rotated();
    bundled(&forger, &[(5, &[2]), (6, &[3])]);
    let report = verify(&forger.folder(), &with_card(1));
    assert_eq!(failed(&report), [("signature", None)], "{}", report.to_text());
    assert!(report.failures[0].path.ends_with("checkpoints/5"), "{}", report.to_text());
    assert!(report.failures[0].detail.contains("retired"), "{}", report.to_text());
    bundled(&forger, &[(2, &[3]), (5, &[3]), (6, &[3])]);
    let report = verify(&forger.folder(), &with_card(1));
    assert_eq!(failed(&report), [("signature", None)], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("from size 3 on"), "{}", report.to_text());
    // As the newest of all, under every key that may have been brought.
    bundled(&forger, &[(2, &[2]), (5, &[3]), (6, &[2])]);
    for keys in [with_card(1), log_key()] {
        let report = verify(&forger.folder(), &keys);
        assert_eq!(failed(&report), [("signature", None)], "{}", report.to_text());
        assert!(report.failures[0].detail.contains("retired"), "{}", report.to_text());
    }
}

/// Seven entries; key 2 is stolen, and revoked by the last of them while key 3 is in force too.
fn stolen(last_good: u64) -> Forger {
    let mut forger = Forger::new(vec![genesis(), record(), add(3, 2, 1), record(), record(), record()]);
    forger.append(revoke(2, forger.head_at(last_good)));
    forger
}

#[test]
fn a_thief_of_a_revoked_key_signs_nothing_beyond_the_last_good_checkpoint() {
    let forger = stolen(6);
    bundled(&forger, &[(4, &[2]), (6, &[2]), (7, &[3])]);
    let report = verify(&forger.folder(), &with_card(1));
    sound(&report);
    assert!(report.logs[0].closed.is_none(), "nothing lay between: the log goes on with the other key");
    forger.keep(7, forger.signed_by(7, &keys(&[2])).as_bytes());
    let report = verify(&forger.folder(), &with_card(1));
    assert_eq!(failed(&report), [("signature", None)], "{}", report.to_text());
    let detail = &report.failures[0].detail;
    assert!(detail.contains("revoked") && detail.contains("beyond size 6"), "{detail}");
}

#[test]
fn a_log_that_a_revocation_closed_says_where_it_ends() {
    let forger = stolen(4);
    bundled(&forger, &[(3, &[2, 3]), (4, &[2, 3]), (7, &[3])]);
    let report = verify(&forger.folder(), &with_card(1));
    sound(&report);
    let closed = report.logs[0].closed.as_ref().unwrap();
    assert_eq!((closed.size, &closed.root), (4, &forger.root_of(4).to_base64()));
    assert!(report.to_text().contains("CLOSED at size 4"), "{}", report.to_text());
    // What the thief signed meanwhile.
    bundled(&forger, &[(4, &[2, 3]), (5, &[2]), (7, &[3])]);
    let report = verify(&forger.folder(), &with_card(1));
    assert_eq!(failed(&report), [("signature", None)], "{}", report.to_text());
    assert!(report.failures[0].path.ends_with("checkpoints/5"), "{}", report.to_text());
}

#[test]
fn nothing_is_signed_behind_the_entry_that_closed_the_log() {
    let mut forger = stolen(4);
    forger.append(add(5, 3, 1));
    std::fs::remove_dir_all(forger.folder()).ok();
    bundled(&forger, &[(4, &[2, 3]), (8, &[3])]);
    let report = verify(&forger.folder(), &with_card(1));
    assert_eq!(failed(&report), [("signature", None)], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("the log is closed"), "{}", report.to_text());
    assert_eq!(
        report.notes.len(),
        1,
        "whose the key event behind the end is, nobody knows: {}",
        report.to_text()
    );
}

#[test]
fn a_key_event_that_the_root_key_did_not_sign_changes_nothing_and_fails_by_name() {
    let forger = Forger::new(vec![genesis(), record(), add(3, 2, 7), record()]);
    bundled(&forger, &[(3, &[2]), (4, &[2])]);
    let report = verify(&forger.folder(), &with_card(1));
    assert_eq!(failed(&report), [("key_event", Some(2))], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("not signed by the root key"), "{}", report.to_text());
    assert!(report.failures[0].path.ends_with("tile/entries/000.p/4"), "{}", report.to_text());
    assert_eq!((report.checks.key_events, report.checks.signatures), (0, 2));
    // The thief of a log key who went on with a key of his own.
    forger.keep(4, forger.signed_by(4, &keys(&[3])).as_bytes());
    let report = verify(&forger.folder(), &with_card(1));
    assert_eq!(failed(&report), [("key_event", Some(2)), ("signature", None)], "{}", report.to_text());
}

#[test]
fn the_key_events_in_words_must_say_what_the_entries_do() {
    let forger = rotated();
    bundled(&forger, &[(2, &[2]), (6, &[3])]);
    let (old, new) = (key(2).verifier().to_string(), key(3).verifier().to_string());
    let lines = format!("2 add log {new} by {old}\n4 retire log {old} by {new}\n");
    forger.write("logs/000/key-events", lines.as_bytes());
    sound(&verify(&forger.folder(), &with_card(1)));
    for bent in [lines.replace("4 retire", "5 retire"), String::new(), lines.replace("retire", "revoke")] {
        forger.write("logs/000/key-events", bent.as_bytes());
        let report = verify(&forger.folder(), &with_card(1));
        assert_eq!(failed(&report), [("key_event", None)], "{}", report.to_text());
    }
}

#[test]
fn junk_in_the_place_of_a_key_event_fails_and_leaves_the_rest_of_the_log_to_be_checked() {
    let junk = Draft::new(Kind::Key, None).with_public_body(b"no key event".to_vec());
    let forger = Forger::new(vec![genesis(), junk, record()]);
    bundled(&forger, &[(3, &[2])]);
    let report = verify(&forger.folder(), &with_card(1));
    assert_eq!(failed(&report), [("key_event", Some(1))], "{}", report.to_text());
    assert_eq!((report.checks.roots, report.checks.entries), (1, 3));
}

/// A stranger who knows the root key's name and the old key, and signs a history of his own.
#[test]
fn a_thief_of_a_retired_key_cannot_begin_the_log_anew_under_the_card() {
    let forger = Forger::new(vec![genesis(), record(), add(3, 2, 1), retire(2, 3), record()]);
    bundled(&forger, &[(5, &[3])]);
    sound(&verify(&forger.folder(), &with_card(1)));
    let forged = Forger::new(vec![genesis(), record(), add(4, 2, 7), record()]);
    bundled(&forged, &[(4, &[4])]);
    let report = verify(&forged.folder(), &with_card(1));
    assert_eq!(failed(&report), [("key_event", Some(2)), ("signature", None)], "{}", report.to_text());
    let report = verify(&forged.folder(), &with_vkeys(&[3]));
    assert_eq!(failed(&report), [("signature", None)], "{}", report.to_text());
}

#[test]
fn keys_change_with_the_tree_of_their_event_at_the_borders_of_tiles() {
    for border in [255, 256, 257_u64] {
        let mut forger = Forger::new(vec![genesis()]);
        while forger.size().value() < border - 1 {
            forger.append(record());
        }
        // The tree of `border` entries is the first with the new key, the next one the first without the old.
        forger.append(add(3, 2, 1));
        forger.append(retire(2, 3));
        for _ in 0..3 {
            forger.append(record());
        }
        let last = forger.size().value();
        bundled(&forger, &[(border - 1, &[2]), (border, &[2, 3]), (border + 1, &[3]), (last, &[3])]);
        let report = verify(&forger.folder(), &with_card(1));
        sound(&report);
        assert_eq!((report.checks.key_events, report.checks.signatures, report.checks.proofs), (2, 4, 3));
        for (entries, wrong) in [(border - 1, 3), (border + 1, 2)] {
            let good = if wrong == 3 { 2 } else { 3 };
            forger.keep(entries, forger.signed_by(entries, &keys(&[wrong])).as_bytes());
            let report = verify(&forger.folder(), &with_card(1));
            assert_eq!(failed(&report), [("signature", None)], "{border}: {}", report.to_text());
            forger.keep(entries, forger.signed_by(entries, &keys(&[good])).as_bytes());
        }
        let mut closed = Forger::new(vec![genesis()]);
        while closed.size().value() < border {
            closed.append(record());
        }
        let last_good = closed.head_at(border - 1);
        closed.append(add(3, 2, 1));
        closed.append(revoke(2, last_good));
        bundled(&closed, &[(border - 1, &[2]), (border + 2, &[3])]);
        let report = verify(&closed.folder(), &with_card(1));
        sound(&report);
        assert_eq!(report.logs[0].closed.as_ref().unwrap().size, border - 1);
    }
}

#[test]
fn a_revocation_that_names_a_tree_that_is_not_there_revokes_nothing() {
    let mut forger = Forger::new(vec![genesis(), record(), add(3, 2, 1), record()]);
    forger.append(revoke(2, Head { size: size(3), root: Hash::leaf(b"other") }));
    bundled(&forger, &[(4, &[2]), (5, &[2, 3])]);
    let report = verify(&forger.folder(), &with_card(1));
    assert_eq!(failed(&report), [("key_event", Some(4))], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("of size 3"), "{}", report.to_text());
}

#[test]
fn a_proof_is_made_under_a_checkpoint_whose_key_is_in_force_for_its_size() {
    let forger = rotated();
    bundled(&forger, &[(2, &[2]), (6, &[3])]);
    let witnesses = [1, 2, 3].map(witness);
    let cosigned = |entries: u64, seed: u8| {
        let mut note = forger.signed_by(entries, &keys(&[seed]));
        for witness in &witnesses {
            let time = comity_tlog::CosignatureTime::new(NOW).unwrap();
            note = note.with_line(witness.cosign(note.checkpoint(), time).unwrap()).unwrap();
        }
        forger.keep(entries, note.as_bytes());
    };
    // The newest is not witnessed; of the two that are, the larger is signed by the key that had ended.
    cosigned(5, 2);
    cosigned(4, 3);
    let mut keys = with_card(1);
    keys.add_policy(&policy(4, 3).to_text()).unwrap();
    assert_eq!(prove(&forger.folder(), None, at(1), &keys).unwrap().size, 4);
    cosigned(5, 3);
    assert_eq!(prove(&forger.folder(), None, at(1), &keys).unwrap().size, 5);
}

#[test]
fn a_proof_under_a_checkpoint_of_a_revoked_key_is_refused_by_who_has_the_log() {
    let forger = stolen(4);
    bundled(&forger, &[(4, &[2, 3]), (7, &[3])]);
    let by_thief = stolen(4);
    bundled(&by_thief, &[(7, &[2])]);
    let proved = prove(&by_thief.folder(), None, at(1), &TrustedKeys::none()).unwrap();
    let (document, leaf) = (proved.document.as_bytes(), Hash::leaf(&proved.entry));
    // Whoever has the card alone cannot know of the revocation.
    assert!(verify_proof(document, &leaf, &with_card(1)).ok);
    let refused = verify_proof_beside(document, &leaf, &with_card(1), &forger.folder());
    assert!(!refused.ok && refused.failures[0].detail.contains("revoked"), "{}", refused.to_text());
    let good = prove(&forger.folder(), None, at(1), &TrustedKeys::none()).unwrap();
    let (document, leaf) = (good.document.as_bytes(), Hash::leaf(&good.entry));
    let report = verify_proof_beside(document, &leaf, &with_card(1), &forger.folder());
    assert!(report.ok && report.key == Some(key(3).verifier().to_string()), "{}", report.to_text());
    assert!(!verify_proof(document, &leaf, &with_card(1)).ok, "the card names the key before it");
    // A bundle that does not pass vouches for no key.
    let refused = verify_proof_beside(document, &leaf, &with_card(1), &by_thief.folder());
    assert!(!refused.ok && refused.failures[0].check == "key", "{}", refused.to_text());
}

/// Two histories that a thief signed with a key that was revoked convict whoever held it, and not the author.
#[test]
fn evidence_of_a_key_that_was_not_in_force_is_not_against_the_author() {
    let forger = stolen(6);
    bundled(&forger, &[(6, &[2, 3]), (7, &[3])]);
    let face = |entries: u64, name: &[u8], seed: u8| {
        let checkpoint = Checkpoint::new(ORIGIN, size(entries), Hash::leaf(name)).unwrap();
        checkpoint.sign(&key(seed)).unwrap().verify(key(seed).verifier(), &[]).unwrap()
    };
    for (entries, seed, trusted) in [(7, 2, false), (6, 2, true), (7, 3, true)] {
        let two = Evidence::new(&face(entries, b"one", seed), &face(entries, b"other", seed), None).unwrap();
        forger.write("evidence/00", two.as_bytes());
        let report = verify(&forger.folder(), &with_card(1));
        assert!(report.ok, "{}", report.to_text());
        assert_eq!(
            (report.evidence[0].trusted, report.notes.is_empty()),
            (trusted, trusted),
            "{entries} {seed}"
        );
        let alone = verify_evidence_beside(two.as_bytes(), &with_card(1), &forger.folder()).unwrap();
        assert!(
            alone.ok && alone.trusted == trusted && alone.doubt.is_none() == trusted,
            "{}",
            alone.to_text()
        );
    }
}
