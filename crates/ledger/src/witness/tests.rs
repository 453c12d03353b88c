//! What a cosigner may be brought to state, and what not.

use comity_tlog::{CosignatureBlob, KeyKind, prove_consistency};

use super::*;
use crate::test_log::{TestLog, at, author, cosigner, size};

fn origin() -> Origin {
    crate::test_log::ORIGIN.parse().unwrap()
}

fn locked(role: Role, head: Head, time: u64) -> LockedHead {
    LockedHead::synced(role, origin(), head, (time > 0).then(|| at(time)))
}

fn new(role: Role) -> Witness {
    Witness::new(&locked(role, Head::EMPTY, 0))
}

fn proof(log: &TestLog, from: u64, to: u64) -> ConsistencyProof {
    prove_consistency(log, size(from), size(to)).unwrap()
}

/// Cosigns as a node does, with the lock between.
fn cosign(witness: &mut Witness, log: &TestLog, to: u64, time: u64) -> Result<SignatureLine, WitnessRefusal> {
    let from = witness.last().size.value();
    let from_proof = if from <= to { proof(log, from, to) } else { ConsistencyProof::default() };
    let intent = witness.check(&log.checkpoint(to), &from_proof, at(time))?;
    let lock = locked(Role::Witness, intent.head(), intent.time().value());
    witness.sign(&intent, &lock, &cosigner('w'))
}

#[test]
fn a_witness_goes_on_and_its_lines_verify() {
    let log = TestLog::new(300, 300);
    let mut witness = new(Role::Witness);
    for (sizes, time) in [1, 255, 256, 257, 257, 300].into_iter().zip(100..) {
        let line = cosign(&mut witness, &log, sizes, time).unwrap();
        let note = log.signed(sizes).with_line(line).unwrap();
        let keys = [cosigner('w').verifier().clone()];
        let verified = note.verify(author().verifier(), &keys).unwrap();
        assert_eq!(verified.cosignatures()[0].time(), at(time));
    }
}

#[test]
fn two_faces_never_get_a_line_of_one_witness() {
    let (one, other) = (TestLog::new(300, 300), TestLog::new(300, 6));
    let mut witness = new(Role::Witness);
    cosign(&mut witness, &one, 9, 100).unwrap();
    assert_eq!(cosign(&mut witness, &other, 9, 101), Err(WitnessRefusal::OtherRoot { size: size(9) }));
    for larger in [10, 16, 300] {
        let refused = cosign(&mut witness, &other, larger, 101);
        assert!(matches!(refused, Err(WitnessRefusal::Proof { .. })), "{larger}");
    }
    assert_eq!(witness.last(), one.head(9), "nothing has changed");
}

#[test]
fn a_rollback_a_wrong_proof_and_another_log_are_refused() {
    let log = TestLog::new(300, 300);
    let mut witness = new(Role::Witness);
    cosign(&mut witness, &log, 9, 100).unwrap();
    let behind = WitnessRefusal::Behind { size: size(8), last: size(9) };
    assert_eq!(cosign(&mut witness, &log, 8, 101), Err(behind));
    let hash = log.head(3).root;
    let good = proof(&log, 9, 20);
    let longer = ConsistencyProof::new([good.hashes(), &[hash]].concat()).unwrap();
    let shorter = ConsistencyProof::new(good.hashes()[1..].to_vec()).unwrap();
    for bad in [ConsistencyProof::default(), longer, shorter, proof(&log, 8, 20)] {
        let refused = witness.check(&log.checkpoint(20), &bad, at(101));
        assert!(matches!(refused, Err(WitnessRefusal::Proof { .. })));
    }
    // From the empty tree, and for the same head again, a proof is empty.
    let some = ConsistencyProof::new(vec![hash]).unwrap();
    assert!(new(Role::Witness).check(&log.checkpoint(9), &some, at(1)).is_err());
    assert!(witness.check(&log.checkpoint(9), &some, at(101)).is_err());
    let elsewhere = LockedHead::synced(Role::Witness, "b.example/pub".parse().unwrap(), Head::EMPTY, None);
    let refused = Witness::new(&elsewhere).check(&log.checkpoint(9), &ConsistencyProof::default(), at(1));
    assert_eq!(refused, Err(WitnessRefusal::OtherOrigin));
}

#[test]
fn a_clock_that_goes_back_does_not_take_a_statement_back() {
    let log = TestLog::new(300, 300);
    let mut witness = new(Role::Witness);
    cosign(&mut witness, &log, 9, 100).unwrap();
    for (to, clock) in [(9, 90), (20, 95)] {
        let line = cosign(&mut witness, &log, to, clock).unwrap();
        let blob = CosignatureBlob::parse(KeyKind::CosignatureV1, line.signature()).unwrap();
        assert_eq!(blob.time(), at(100));
    }
}

#[test]
fn a_mirror_states_what_it_holds_and_no_more() {
    let log = TestLog::new(300, 300);
    let mirror = new(Role::Mirror);
    let held = |entries| HeldHead::synced(origin(), log.head(entries));
    let check = |to, entries| {
        mirror.check_held(&log.checkpoint(to), &held(entries), &ConsistencyProof::default(), at(100))
    };
    assert!(check(20, 20).is_ok());
    for entries in [0, 19, 21] {
        assert!(matches!(check(20, entries), Err(WitnessRefusal::NotHeld { .. })), "{entries}");
    }
    let elsewhere = HeldHead::synced("b.example/pub".parse().unwrap(), log.head(20));
    let refused = mirror.check_held(&log.checkpoint(20), &elsewhere, &ConsistencyProof::default(), at(1));
    assert!(matches!(refused, Err(WitnessRefusal::NotHeld { .. })));
}

#[test]
fn nothing_is_signed_that_is_not_locked() {
    let log = TestLog::new(300, 300);
    let mut witness = new(Role::Witness);
    let intent = witness.check(&log.checkpoint(9), &ConsistencyProof::default(), at(100)).unwrap();
    let wrong = [
        locked(Role::Witness, log.head(8), 100),
        locked(Role::Witness, log.head(9), 99),
        locked(Role::Witness, log.head(9), 0),
        locked(Role::Mirror, log.head(9), 100),
        locked(Role::Author, log.head(9), 100),
    ];
    for lock in wrong {
        let refused = witness.sign(&intent, &lock, &cosigner('w'));
        assert!(matches!(refused, Err(WitnessRefusal::LockedElsewhere { .. })), "{lock:?}");
    }
    let right = locked(Role::Witness, log.head(9), 100);
    assert!(witness.sign(&intent, &right, &author()).is_err(), "a log key cosigns nothing");
    witness.sign(&intent, &right, &cosigner('w')).unwrap();
    let author = Witness::new(&locked(Role::Author, Head::EMPTY, 0));
    let intent = author.check(&log.checkpoint(9), &ConsistencyProof::default(), at(100)).unwrap();
    assert!(author.clone().sign(&intent, &locked(Role::Author, log.head(9), 100), &cosigner('w')).is_err());
}
