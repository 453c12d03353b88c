//! Which checkpoints are read and which are believed.

use super::*;
use crate::key::KeyName;

const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
const ORIGIN: &str = "agency.example/pub";

fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), kind, &[seed; 32]).unwrap()
}

fn stated(size: u64) -> Checkpoint {
    Checkpoint::new(ORIGIN, TreeSize::new(size).unwrap(), Hash::leaf(b"x")).unwrap()
}

#[test]
fn checkpoints_have_one_spelling() {
    for good in [
        format!("go.sum database tree\n0\n{ROOT}\n"),
        format!("x\n9223372036854775807\n{ROOT}\n"),
        format!("x\n7\n{ROOT}\none\ntwo words\n"),
    ] {
        assert_eq!(Checkpoint::parse(&good).unwrap().to_text(), good);
    }
    for bad in [
        String::new(),
        "\n\n\n".to_owned(),
        "x\n7\n".to_owned(),
        format!("\n7\n{ROOT}\n"),
        format!("x\n7\n{ROOT}"),
        format!("x\n\n{ROOT}\n"),
        format!("x\n00\n{ROOT}\n"),
        format!("x\n07\n{ROOT}\n"),
        format!("x\n+7\n{ROOT}\n"),
        format!("x\n-7\n{ROOT}\n"),
        format!("x\n 7\n{ROOT}\n"),
        format!("x\n7 \n{ROOT}\n"),
        format!("x\n9223372036854775808\n{ROOT}\n"),
        format!("x\n7\n{}\n", ROOT.trim_end_matches('=')),
        format!("x\n7\n{}\n", ROOT.replace('/', "_")),
        format!("x\n7\n{ROOT} \n"),
        format!("x\n7\n{ROOT}\n\n"),
        format!("x\n7\n{ROOT}\none\n\ntwo\n"),
        format!("x\n7\n{ROOT}\none"),
        format!("x\r\n7\n{ROOT}\n"),
        format!("{}\n7\n{ROOT}\n", "x".repeat(256)),
        format!("x\n7\n{ROOT}\n{}", "e\n".repeat(65)),
    ] {
        assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn only_the_log_speaks_for_the_log() {
    let (log, witness) = (key(ORIGIN, KeyKind::Ed25519, 1), key("w.example", KeyKind::CosignatureV1, 2));
    let time = CosignatureTime::new(5).unwrap();
    let signed = stated(7).sign(&log).unwrap().with_line(witness.cosign(&stated(7), time).unwrap()).unwrap();
    let verified = signed.verify(log.verifier(), &[witness.verifier().clone()]).unwrap();
    assert_eq!(verified.checkpoint(), &stated(7));
    assert_eq!(verified.cosignatures(), [Cosignature { key: witness.verifier().clone(), time }]);
    assert_eq!(signed.verify(log.verifier(), &[]).unwrap().cosignatures(), []);

    // Another key of the same name, and a cosigner alone.
    let impostor = key(ORIGIN, KeyKind::Ed25519, 3);
    let refused = signed.verify(impostor.verifier(), &[witness.verifier().clone()]);
    assert_eq!(refused, Err(CheckpointError::NotSignedByLog));
    assert_eq!(signed.verify(impostor.verifier(), &[]), Err(CheckpointError::NotSignedByLog));
    let kind = KeyKind::CosignatureV1;
    assert_eq!(signed.verify(witness.verifier(), &[]), Err(CheckpointError::NotALogKey { kind }));

    // A key that signs for another origin than its name.
    let other = key("other.example/pub", KeyKind::Ed25519, 1);
    let foreign = stated(7).sign(&other).unwrap();
    assert_eq!(foreign.verify(other.verifier(), &[]), Err(CheckpointError::OtherOrigin));
    assert!(foreign.verify_as(ORIGIN, other.verifier(), &[]).is_ok());
    assert_eq!(foreign.verify_as("x", other.verifier(), &[]), Err(CheckpointError::OtherOrigin));
}

#[test]
fn one_public_key_under_two_names_is_one_cosigner_and_the_log_is_none() {
    let log = key(ORIGIN, KeyKind::Ed25519, 1);
    let cosigners = [("a.example", 2), ("b.example", 2), ("c.example", 3), ("d.example", 1)];
    let cosigners = cosigners.map(|(name, seed)| key(name, KeyKind::CosignatureV1, seed));
    let mut signed = stated(7).sign(&log).unwrap();
    for cosigner in &cosigners {
        let line = cosigner.cosign(&stated(7), CosignatureTime::new(5).unwrap()).unwrap();
        signed = signed.with_line(line).unwrap();
    }
    let known = cosigners.map(|cosigner| cosigner.verifier().clone());
    let verified = signed.verify(log.verifier(), &known).unwrap();
    assert_eq!(verified.note().signatures().len(), 5);
    let names: Vec<_> = verified.cosignatures().iter().map(|found| found.key().name().to_string()).collect();
    assert_eq!(names, ["a.example", "c.example"]);
}

#[test]
fn a_log_that_takes_back_is_no_extension() {
    let leaves = [Hash::leaf(b"a"), Hash::leaf(b"b")];
    let both = Hash::node(&leaves[0], &leaves[1]);
    let of = |origin: &str, size, root| Checkpoint::new(origin, TreeSize::new(size).unwrap(), root).unwrap();
    let (older, newer) = (of(ORIGIN, 1, leaves[0]), of(ORIGIN, 2, both));
    let proof = ConsistencyProof::new(vec![leaves[1]]).unwrap();
    assert_eq!(newer.verify_extends(&older, &proof), Ok(()));
    let none = ConsistencyProof::default();
    assert_eq!(newer.verify_extends(&newer, &none), Ok(()));
    assert!(older.verify_extends(&newer, &proof).is_err());
    assert!(newer.verify_extends(&of(ORIGIN, 1, leaves[1]), &proof).is_err());
    assert!(newer.verify_extends(&of(ORIGIN, 2, leaves[0]), &none).is_err());
    let elsewhere = of("other.example/pub", 1, leaves[0]);
    assert_eq!(newer.verify_extends(&elsewhere, &proof), Err(CheckpointError::OtherOrigin));
    assert!(newer.same_tree(&newer) && !newer.same_tree(&older));
}

#[test]
fn a_note_that_is_no_checkpoint_is_refused() {
    let log = key(ORIGIN, KeyKind::Ed25519, 1);
    let note = Note::sign("hello\n", &log).unwrap();
    assert_eq!(SignedCheckpoint::from_note(note), Err(CheckpointError::Shape));
    assert!(matches!(SignedCheckpoint::parse(b"hello\n"), Err(CheckpointError::Note { .. })));
}
