//! Forms in which anybody may write a list: our own, and those that others read and write too.
//!
//! Way: invented subjects in each form beside what they are read to, as a committed snapshot; each leaf value of a source
//! found again in its records; the real files where they are at hand; and what we write read again.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test fails by panicking, and says aloud what it skips"
)]

#[path = "open/ftm.rs"]
mod ftm;
#[path = "open/ftm_nested.rs"]
mod ftm_nested;
#[path = "open/own.rs"]
mod own;
#[path = "open/stix.rs"]
mod stix;
#[path = "texts/mod.rs"]
mod texts;
#[path = "open/written.rs"]
mod written;

use std::fmt::Write as _;
use std::path::PathBuf;

use comity_feeds::{InputFile, Scope, Snapshot};
use comity_watchlist::{FileHash, ListId};
use serde_json::Value;

fn file<'a>(name: &'a str, bytes: &'a [u8]) -> InputFile<'a> {
    InputFile::of_bytes(name, FileHash::new([1; 32]), bytes)
}

fn list(id: &str) -> ListId {
    ListId::parse(id).unwrap()
}

/// A snapshot as text: what was left out and why, what has ended, and each record in our own form.
fn told(snapshot: &Snapshot) -> String {
    let scope = if snapshot.scope == Scope::Whole { "whole" } else { "changes" };
    let mut text = format!("list {}, {scope}, {} rows\n", snapshot.list, snapshot.rows);
    for row in &snapshot.rejected {
        let key = row.key.as_ref().map_or("-", |key| key.reference.as_str());
        writeln!(text, "rejected line {} ({key}): {}", row.line, row.reason).unwrap();
    }
    for ended in &snapshot.ended {
        let effective = ended.effective.map(|day| format!(" from {day}")).unwrap_or_default();
        writeln!(text, "ended {}{effective}", ended.key.reference).unwrap();
    }
    for record in &snapshot.records {
        match comity_feeds::own::write(record, None, None) {
            Ok(written) => writeln!(text, "{written}").unwrap(),
            Err(error) => {
                writeln!(text, "{}: {error}\n{:?}", record.key.reference, texts::texts(record)).unwrap();
            }
        }
    }
    text
}

/// Compares a snapshot with the committed one; with `COMITY_WRITE_SNAPSHOTS` set, writes it, to be looked at.
fn compare(name: &str, snapshot: &Snapshot) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let found = told(snapshot);
    if std::env::var_os("COMITY_WRITE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (number, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{name} line {}", number + 1);
    }
    assert_eq!(found.len(), expected.len(), "{name}");
}

/// Every leaf of a value with its path, numbers and flags as they are written.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => found.push((path.to_owned(), flag.to_string())),
        Value::Number(number) => found.push((path.to_owned(), number.to_string())),
        Value::String(text) if text.trim().is_empty() => {}
        Value::String(text) => found.push((path.to_owned(), text.trim().to_owned())),
        Value::Array(values) => values.iter().for_each(|value| leaves(path, value, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                leaves(&format!("{path}.{name}"), value, found);
            }
        }
    }
}
