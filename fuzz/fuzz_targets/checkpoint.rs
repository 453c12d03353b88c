//! A checkpoint: one spelling for each, and only the tree that the log signed is believed.
#![no_main]

use comity_fuzz::SAMPLE;
use comity_tlog::{Checkpoint, SignedCheckpoint};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(checkpoint) = Checkpoint::parse(text)
    {
        assert_eq!(checkpoint.to_text(), text);
    }
    let Ok(signed) = SignedCheckpoint::parse(input) else { return };
    assert_eq!(signed.as_bytes(), input);
    let text = signed.checkpoint().to_text();
    assert!(input.starts_with(text.as_bytes()), "one spelling for each checkpoint");
    assert_eq!(Checkpoint::parse(&text).as_ref(), Ok(signed.checkpoint()));
    let witness = [SAMPLE.witness.verifier().clone()];
    let Ok(verified) = signed.verify(SAMPLE.log.verifier(), &witness) else { return };
    assert_eq!(verified.checkpoint(), SAMPLE.checkpoint.checkpoint(), "the log did not sign this");
    assert!(verified.cosignatures().len() <= 1, "one witness counts once");
});
