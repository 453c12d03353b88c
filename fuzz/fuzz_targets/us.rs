//! The export lists of the United States: the first byte says which list, the rest is the file.
#![no_main]

use comity_feeds::{InputFile, us};
use comity_fuzz::check_import;
use comity_watchlist::FileHash;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let list = us::List::ALL[usize::from(*first) % us::List::ALL.len()];
    check_import(us::parse(list, &InputFile::of_bytes("a", FileHash::new([1; 32]), bytes)));
});
