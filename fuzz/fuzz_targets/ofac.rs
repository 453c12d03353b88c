//! The lists of OFAC in each of their forms: a document, or up to four tables with zero bytes between them.
#![no_main]

use comity_feeds::ofac;
use comity_fuzz::{check_import, files};

libfuzzer_sys::fuzz_target!(|input: &[u8]| check_import(ofac::parse(&files(input))));
