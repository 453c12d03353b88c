//! A tlog-proof: one spelling for each, and no leaf is in the log anywhere but where it is.
#![no_main]

use comity_fuzz::SAMPLE;
use comity_tlog::TlogProof;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(proof) = TlogProof::parse(input) else { return };
    assert_eq!(proof.to_bytes(), input, "one spelling for each proof");
    let witness = [SAMPLE.witness.verifier().clone()];
    for (entry, index) in SAMPLE.entries.iter().zip(0..) {
        if let Ok(verified) = proof.verify(&entry.leaf(), SAMPLE.log.verifier(), &witness) {
            assert_eq!(verified.index().value(), index, "a leaf is where it is not");
        }
    }
});
