//! Bundles of STIX.
#![no_main]

use comity_feeds::{InputFile, stix};
use comity_fuzz::check_import;
use comity_watchlist::{FileHash, ListId};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let file = InputFile::of_bytes("list", FileHash::new([1; 32]), input);
    let list = ListId::parse("xa-national").unwrap();
    check_import(stix::parse(&file, Some(&list)));
    check_import(stix::parse(&file, None));
});
