//! A card: without the agency's keys nothing in it can be another key or another address.
#![no_main]

use comity_fuzz::SAMPLE;
use comity_ledger::Card;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(card) = Card::parse(input) else { return };
    assert_eq!(card.as_bytes(), input);
    assert!(input.starts_with(card.identity_note()));
    assert_eq!(Card::parse(card.as_bytes()).as_ref(), Ok(&card));
    let names_our_keys = card.identity().root == SAMPLE.card.identity().root;
    if names_our_keys {
        assert_eq!(card.identity(), SAMPLE.card.identity(), "the root key did not sign this");
        assert_eq!(card.endpoints(), SAMPLE.card.endpoints(), "the log key did not sign this");
    }
});
