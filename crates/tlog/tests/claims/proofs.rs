//! The vectors of tlog-proof documents.

use comity_tlog::{Hash, TlogProof, VerifierKey};

use crate::shared::{cases, number, text, texts, vectors, verdict};

#[test]
fn every_tlog_proof_gets_its_verdict() {
    let (mut accepted, mut refused) = (0, 0);
    for case in cases("proofs") {
        let document = text(&case, "tlog_proof").as_bytes();
        let parsed = TlogProof::parse(document);
        if let Ok(proof) = &parsed {
            assert_eq!(proof.to_bytes(), document);
        }
        let log: VerifierKey = text(&case, "log_vkey").parse().unwrap();
        let keys = texts(&case, "witness_vkeys").into_iter().map(|vkey| vkey.parse().unwrap());
        let witnesses: Vec<VerifierKey> = keys.collect();
        let leaf = Hash::leaf(text(&case, "leaf_data").as_bytes());
        let verified = parsed.and_then(|proof| proof.verify(&leaf, &log, &witnesses));
        let enough = |witnesses: usize| u64::try_from(witnesses).unwrap() >= number(&case, "min_witnesses");
        let holds = verified.as_ref().is_ok_and(|proof| enough(proof.witnesses()));
        assert_eq!(holds, verdict(&case, "want_ok"), "{case}: {verified:?}");
        if holds { accepted += 1 } else { refused += 1 }
    }
    eprintln!("proofs: {accepted} accepted, {refused} refused");
    assert!(vectors().is_none() || (accepted > 0 && refused > 0));
}
