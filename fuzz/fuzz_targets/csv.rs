//! The table of our own columns, as a list that is named: a row cannot choose another.
#![no_main]

use comity_feeds::{InputFile, simple};
use comity_fuzz::check_import;
use comity_watchlist::{FileHash, ListId};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let list = ListId::parse("xa-national").unwrap();
    check_import(simple::parse(&InputFile::of_bytes("a", FileHash::new([1; 32]), input), Some(&list)));
});
