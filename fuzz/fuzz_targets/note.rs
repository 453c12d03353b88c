//! A signed note: what is read is what stood there, and only what the known keys signed is believed.
#![no_main]

use comity_fuzz::SAMPLE;
use comity_tlog::Note;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(note) = Note::parse(input) else { return };
    assert_eq!(note.as_bytes(), input);
    let lines: String = note.lines().iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(format!("{}\n{lines}", note.text()).as_bytes(), input, "one spelling for each note");
    let known = [SAMPLE.log.verifier().clone(), SAMPLE.witness.verifier().clone()];
    let Ok(verified) = note.verify(&known) else { return };
    assert_eq!(verified.text(), SAMPLE.checkpoint.checkpoint().to_text(), "nobody signed this");
    let kept = verified.verified_lines_only().unwrap();
    let again = Note::parse(kept.as_bytes()).unwrap().verify(&known).unwrap();
    assert_eq!(again.signatures().len(), verified.signatures().len());
    assert!(again.unverified().is_empty());
});
