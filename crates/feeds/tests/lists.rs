//! Official lists other than OFAC's and the UN's: invented subjects in each format, the real files where they are at
//! hand, and for both that every leaf value is mapped or kept.
//!
//! The real files are not part of this repository; where they are missing the tests say that they are skipped.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test fails by panicking, and says aloud what it skips"
)]

#[path = "lists/canada.rs"]
mod canada;
#[path = "lists/eu.rs"]
mod eu;
#[path = "lists/eu_table.rs"]
mod eu_table;
#[path = "lists/leaves.rs"]
mod leaves;
#[path = "lists/seco.rs"]
mod seco;
#[path = "texts/mod.rs"]
mod texts;
#[path = "lists/uk.rs"]
mod uk;

use std::path::PathBuf;

use comity_feeds::{InputFile, Snapshot};
use comity_watchlist::{FileHash, Record};

fn file<'a>(name: &'a str, bytes: &'a [u8]) -> InputFile<'a> {
    InputFile::of_bytes(name, FileHash::new([1; 32]), bytes)
}

/// A real file of the shared data.
fn shared(name: &str) -> Option<Vec<u8>> {
    let start = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found =
        start.ancestors().map(|dir| dir.join("../shared/data").join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "the shared data is required");
        eprintln!("skipped: no shared data");
    }
    found.map(|file| std::fs::read(file).unwrap())
}

fn record<'a>(snapshot: &'a Snapshot, reference: &str) -> &'a Record {
    snapshot.records.iter().find(|record| record.key.reference.as_str() == reference).unwrap()
}

/// Each row that was left out, as line and reason.
fn rejected(snapshot: &Snapshot) -> Vec<String> {
    snapshot.rejected.iter().map(|row| format!("{} {}", row.line, row.reason)).collect()
}

/// The values kept under a name of the source.
fn kept<'a>(record: &'a Record, name: &str) -> Vec<&'a str> {
    record.source.extra(name).iter().map(comity_watchlist::Prose::as_str).collect()
}

fn names(record: &Record) -> Vec<&str> {
    record.names.iter().map(|name| name.full.as_str()).collect()
}

/// The text of bytes in Windows-1252, in which five are no character.
fn windows_1252(bytes: &[u8]) -> String {
    let second: Vec<char> = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ".chars().collect();
    let read = |byte: &u8| match byte {
        0x80..=0x9f => second[usize::from(*byte) - 0x80],
        byte => char::from(*byte),
    };
    bytes.iter().map(read).collect()
}
