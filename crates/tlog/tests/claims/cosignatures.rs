//! The vectors of cosignatures; those of ML-DSA-44 are verified with an implementation that only tests use.

use comity_tlog::{
    Checkpoint, CosignatureBlob, CosignatureTime, KeyKind, KeyName, Note, NoteError, SignatureLine,
    SigningKey, VerifierKey, cosignature_message, subtree_message,
};
use fips204::ml_dsa_44;
use fips204::traits::{KeyGen as _, SerDes as _, Signer as _, Verifier as _};
use serde_json::Value;

use crate::shared::{cases, hex, number, text, unhex, vectors, verdict};

/// Verifies a 0x06 line as c2sp.org/tlog-cosignature says: empty context, hedged or not.
pub(crate) fn ml_dsa_line_holds(line: &SignatureLine, key: &VerifierKey, checkpoint: &Checkpoint) -> bool {
    assert_eq!(key.kind(), KeyKind::MlDsa44);
    let blob = CosignatureBlob::parse(key.kind(), line.signature()).unwrap();
    let public = ml_dsa_44::PublicKey::try_from_bytes(key.public_key().try_into().unwrap()).unwrap();
    let message = subtree_message(key.name(), blob.time(), checkpoint);
    public.verify(&message, blob.signature().try_into().unwrap(), &[])
}

fn check_ed25519(case: &Value, note: &Note, checkpoint: &Checkpoint, key: &VerifierKey) {
    let verified = note.verify(std::slice::from_ref(key));
    assert_eq!(verified.is_ok(), verdict(case, "want_ok"), "{case}: {verified:?}");
    let seed: [u8; 32] = unhex(text(case, "seed_hex")).try_into().unwrap();
    let signer = SigningKey::from_seed(key.name().clone(), KeyKind::CosignatureV1, &seed).unwrap();
    assert_eq!(signer.verifier(), key);
    let Ok(verified) = verified else { return };
    let time = CosignatureTime::new(number(case, "timestamp")).unwrap();
    assert_eq!(verified.signatures()[0].time(), Some(time));
    assert_eq!(signer.cosign(checkpoint, time).unwrap(), note.lines()[0]);
    assert_eq!(hex(&cosignature_message(time, note.text())), text(case, "signed_message_hex"));
}

fn check_ml_dsa(case: &Value, note: &Note, checkpoint: &Checkpoint, key: &VerifierKey) {
    assert_eq!(ml_dsa_line_holds(&note.lines()[0], key, checkpoint), verdict(case, "want_ok"), "{case}");
    // The line is carried, but counts for nothing here.
    assert_eq!(note.verify(std::slice::from_ref(key)), Err(NoteError::NoneVerified));
    let time = CosignatureTime::new(number(case, "timestamp")).unwrap();
    let message = subtree_message(key.name(), time, checkpoint);
    assert_eq!(hex(&message), text(case, "signed_message_hex"));
    let seed: [u8; 32] = unhex(text(case, "seed_hex")).try_into().unwrap();
    let (public, secret) = ml_dsa_44::KG::keygen_from_seed(&seed);
    assert_eq!(public.into_bytes(), key.public_key());
    let blob = CosignatureBlob::parse(KeyKind::MlDsa44, note.lines()[0].signature()).unwrap();
    // All-zero randomness is the deterministic variant; any other is the hedged one.
    assert_eq!(secret.try_sign_with_seed(&[0; 32], &message, &[]).unwrap(), blob.signature());
    let hedged = secret.try_sign_with_seed(&[7; 32], &message, &[]).unwrap();
    let public = ml_dsa_44::PublicKey::try_from_bytes(key.public_key().try_into().unwrap()).unwrap();
    assert!(public.verify(&message, &hedged, &[]));
}

#[test]
fn every_cosignature_vector_gets_its_verdict() {
    let (mut ed25519, mut ml_dsa) = (0, 0);
    for case in cases("cosignatures") {
        let body = text(&case, "checkpoint_body");
        let note = Note::parse(format!("{body}\n{}", text(&case, "signature_line")).as_bytes()).unwrap();
        let checkpoint = Checkpoint::parse(body).unwrap();
        let key: VerifierKey = text(&case, "vkey").parse().unwrap();
        assert_eq!(key.to_string(), text(&case, "vkey"));
        assert_eq!(key.name(), &KeyName::new(text(&case, "cosigner")).unwrap());
        match key.kind() {
            KeyKind::CosignatureV1 => {
                check_ed25519(&case, &note, &checkpoint, &key);
                ed25519 += 1;
            }
            KeyKind::MlDsa44 => {
                check_ml_dsa(&case, &note, &checkpoint, &key);
                ml_dsa += 1;
            }
            KeyKind::Ed25519 => panic!("no cosigner: {case}"),
        }
    }
    eprintln!("cosignatures: {ed25519} of kind 0x04, {ml_dsa} of kind 0x06");
    assert!(vectors().is_none() || (ed25519 > 0 && ml_dsa > 0));
}
