//! Codes of goods: what is read is written in one form and read again as the same code, and to cover is an order.
#![no_main]

use comity_watchlist::{GoodsCode, GoodsScheme};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let schemes: Vec<GoodsScheme> = GoodsScheme::all().collect();
    let scheme = schemes[usize::from(*first) % schemes.len()];
    let Ok(text) = std::str::from_utf8(rest) else { return };
    // A code a line, so that codes that lie near each other are found.
    let codes: Vec<GoodsCode> =
        text.lines().take(4).filter_map(|line| GoodsCode::parse(scheme, line).ok()).collect();
    for code in &codes {
        let written = code.to_string();
        let again = GoodsCode::parse(scheme, &written).unwrap();
        assert_eq!((&again, again.to_string()), (code, written), "one form for each code");
        assert!(code.covers(code));
        for other in &codes {
            assert!(!(code.covers(other) && other.covers(code)) || code == other, "{code} {other}");
            assert!(
                !code.covers(other) || other.to_string().starts_with(&code.to_string()),
                "{code} {other}"
            );
        }
    }
});
