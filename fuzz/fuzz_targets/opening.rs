//! An opening: one padded form for each, and an entry is opened by what its author sealed and by nothing else.
#![no_main]

use comity_fuzz::SAMPLE;
use comity_ledger::Opening;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(opening) = Opening::from_padded(&input.to_vec().into()) else { return };
    assert_eq!(opening.to_padded(), input, "one padded form for each opening");
    assert_eq!(opening.padded_len(), input.len());
    for sealed in &SAMPLE.entries[..2] {
        let entry = sealed.bytes().parse().unwrap();
        for (slot, own) in sealed.openings() {
            if let Ok(verified) = opening.clone().verify(&SAMPLE.origin, &entry, *slot) {
                assert_eq!(verified.opening(), own, "two openings of one commitment");
            }
        }
    }
});
