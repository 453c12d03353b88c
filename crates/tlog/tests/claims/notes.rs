//! The vectors of signed notes and verifier keys, with the verdicts of Go's implementation.

use comity_tlog::{Note, VerifierKey};
use serde_json::Value;

use crate::shared::{cases, number, text, texts, unbase64, vectors, verdict};

fn check_key(case: &Value) {
    let vkey = text(case, "vkey");
    let parsed: Result<VerifierKey, _> = vkey.parse();
    assert_eq!(parsed.is_ok(), verdict(case, "want_ok"), "{case}: {parsed:?}");
    if let Ok(key) = parsed {
        assert_eq!(key.to_string(), vkey);
        let again = VerifierKey::from_typed_key(key.name().clone(), &key.typed_key());
        assert_eq!(again, Ok(key));
    }
}

fn check_note(case: &Value) {
    let raw = unbase64(text(case, "note_base64"));
    assert_eq!(raw, text(case, "note").as_bytes());
    let known: Vec<VerifierKey> =
        texts(case, "vkeys").into_iter().map(|vkey| vkey.parse().unwrap()).collect();
    let verified = Note::parse(&raw).and_then(|note| note.verify(&known));
    assert_eq!(verified.is_ok(), verdict(case, "want_ok"), "{case}: {verified:?}");
    if let Ok(note) = verified {
        assert_eq!(note.as_bytes(), raw);
        let keys: Vec<String> = note
            .signatures()
            .iter()
            .map(|signature| format!("{}+{}", signature.key().name(), signature.key().id()))
            .collect();
        assert_eq!(keys, texts(case, "want_verified"), "{case}");
        assert_eq!(
            u64::try_from(note.unverified().len()),
            Ok(number(case, "want_unverified_count")),
            "{case}"
        );
    }
}

#[test]
fn every_note_and_key_gets_the_verdict_of_go() {
    let (mut notes, mut keys) = (0, 0);
    for case in cases("notes") {
        if case.get("vkey").is_some() {
            check_key(&case);
            keys += 1;
        } else {
            check_note(&case);
            notes += 1;
        }
    }
    eprintln!("notes: {notes} notes, {keys} keys");
    assert!(vectors().is_none() || (notes > 0 && keys > 0));
}
