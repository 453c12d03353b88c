//! The sections of a change as a peer discloses them: one byte form for each change.
//!
//! The input is the sections in the order of their slots, each after its length (2 bytes); 65,535 is one withheld.
#![no_main]

use comity_watchlist::{Change, Section, SectionsRead};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (mut given, mut rest) = (SectionsRead::withheld(), input);
    for section in Section::ALL {
        let Some((length, after)) = rest.split_first_chunk::<2>() else { return };
        rest = after;
        if *length != [0xff; 2] {
            let length = usize::from(u16::from_be_bytes(*length));
            let Some((bytes, after)) = rest.split_at_checked(length) else { return };
            (given, rest) = (given.give(section, bytes), after);
        }
    }
    let Ok(decoded) = Change::decode(&given) else { return };
    if !decoded.withheld.is_empty() {
        return;
    }
    let again = decoded.change.encode_at(decoded.package).expect("what was read can be written");
    for section in Section::ALL {
        assert_eq!(Some(again.bytes(section)), given.bytes(section), "one byte form for each {section:?}");
    }
});
