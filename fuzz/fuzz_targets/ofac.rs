//! The tables of OFAC: up to four files, between them zero bytes.
#![no_main]

use comity_feeds::ofac;
use comity_fuzz::{check_import, files};

libfuzzer_sys::fuzz_target!(|input: &[u8]| check_import(ofac::parse(&files(input))));
