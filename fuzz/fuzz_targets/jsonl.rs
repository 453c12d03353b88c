//! Records of our own form, one a line.
#![no_main]

use comity_feeds::{InputFile, own};
use comity_fuzz::check_import;
use comity_watchlist::FileHash;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    check_import(own::parse_lines(&InputFile::of_bytes("a", FileHash::new([1; 32]), input), None));
});
