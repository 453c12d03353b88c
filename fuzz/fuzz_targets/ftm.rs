//! Entities of FollowTheMoney, and deltas behind them.
#![no_main]

use comity_feeds::ftm;
use comity_fuzz::{check_import, files};
use comity_watchlist::ListId;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let list = ListId::parse("xa-castle").unwrap();
    check_import(ftm::parse(&files(input), Some(&list)));
});
