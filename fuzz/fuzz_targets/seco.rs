//! Switzerland's list.
#![no_main]

use comity_feeds::{InputFile, seco};
use comity_fuzz::check_import;
use comity_watchlist::FileHash;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    check_import(seco::parse(&InputFile::of_bytes("a", FileHash::new([1; 32]), input)));
});
