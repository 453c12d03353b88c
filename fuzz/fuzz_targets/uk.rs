//! The UK's lists.
#![no_main]

use comity_feeds::{InputFile, uk};
use comity_fuzz::check_import;
use comity_watchlist::FileHash;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    check_import(uk::parse(&InputFile::of_bytes("a", FileHash::new([1; 32]), input)));
});
