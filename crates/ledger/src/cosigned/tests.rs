//! Lines come in one by one, and none that could spoil the note.

use super::*;
use crate::test_log::{TestLog, at, author, cosigner, keys, line};

fn cosigned(entries: u64) -> Cosigned {
    Cosigned::new(TestLog::new(300, 300).checkpoint(entries), Generation::new(10))
}

#[test]
fn lines_add_up_and_are_renewed() {
    let mut held = cosigned(9);
    let checkpoint = held.checkpoint().clone();
    for (agency, time) in [('b', 100), ('c', 101), ('b', 160)] {
        assert_eq!(held.take(&line(agency, &checkpoint, time), &keys("bc"), at(160)), LineTaken::New);
    }
    assert_eq!(held.generation(), Generation::new(13));
    assert_eq!(held.time_of(&keys("b")[0]), Some(at(160)));
    let note = held.note().unwrap();
    let verified = note.verify(author().verifier(), &keys("bc")).unwrap();
    assert_eq!(verified.cosignatures().len(), 2);
    assert_eq!(note.note().lines().len(), 3, "one line a key");
    assert_eq!(held.lines_since(Generation::new(12)).len(), 1, "what a peer lacks alone");
    held.advance(TestLog::new(300, 300).checkpoint(10));
    assert_eq!(held.cosigners().count(), 0, "lines say nothing of another tree");
    assert_eq!(held.generation(), Generation::new(14));
}

#[test]
fn replayed_forged_foreign_and_future_lines_stay_out() {
    let mut held = cosigned(9);
    let checkpoint = held.checkpoint().clone();
    let good = line('b', &checkpoint, 100);
    assert_eq!(held.take(&good, &keys("bc"), at(100)), LineTaken::New);
    let before = held.note().unwrap();
    let earlier = line('b', &checkpoint, 99);
    for replayed in [&good, &earlier] {
        assert_eq!(held.take(replayed, &keys("bc"), at(100)), LineTaken::Held);
    }
    let other_tree = line('c', &TestLog::new(300, 5).checkpoint(9), 100);
    let other_size = line('c', &TestLog::new(300, 300).checkpoint(8), 100);
    for bad in [other_tree, other_size] {
        assert_eq!(held.take(&bad, &keys("bc"), at(100)), LineTaken::Bad);
    }
    assert_eq!(held.take(&line('d', &checkpoint, 100), &keys("bc"), at(100)), LineTaken::Unknown);
    // A known name with another key is a line of nobody known.
    let thief =
        comity_tlog::SigningKey::from_seed(cosigner('c').name().clone(), KeyKind::CosignatureV1, &[77; 32]);
    let forged = thief.unwrap().cosign(checkpoint.checkpoint(), at(100)).unwrap();
    assert_eq!(held.take(&forged, &keys("bc"), at(100)), LineTaken::Unknown);
    assert_eq!(held.take(&line('c', &checkpoint, 161), &keys("bc"), at(100)), LineTaken::Future);
    assert_eq!(held.take(&line('c', &checkpoint, 160), &keys("bc"), at(100)), LineTaken::New);
    assert_ne!(held.note().unwrap(), before);
}

/// The author's own line is of a key that cosigns nothing.
#[test]
fn a_log_key_is_no_cosigner() {
    let mut held = cosigned(9);
    let checkpoint = held.checkpoint().clone();
    let own = checkpoint.note().note().lines()[0].clone();
    assert_eq!(held.take(&own, &[author().verifier().clone()], at(100)), LineTaken::Unknown);
}

#[test]
fn no_more_cosigners_than_a_note_may_carry() {
    let mut held = cosigned(9);
    let checkpoint = held.checkpoint().clone();
    let agencies: Vec<char> = ('\u{4e00}'..).take(COSIGNERS_MAX + 5).collect();
    let known = keys(&agencies.iter().collect::<String>());
    let taken = agencies
        .iter()
        .filter(|agency| held.take(&line(**agency, &checkpoint, 100), &known, at(100)) == LineTaken::New);
    assert_eq!(taken.count(), COSIGNERS_MAX);
    held.note().unwrap().verify(author().verifier(), &known).unwrap();
    let renewed = line(agencies[0], &checkpoint, 160);
    assert_eq!(held.take(&renewed, &known, at(160)), LineTaken::New, "those held are still renewed");
}
