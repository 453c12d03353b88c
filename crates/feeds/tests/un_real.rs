//! The real UN lists: every record is read, every leaf value is mapped or kept, the badly encoded one is refused.
//!
//! The lists are not part of this repository; where they are missing the tests say that they are skipped.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test fails by panicking, and says aloud what it skips"
)]

use std::collections::HashMap;
use std::path::PathBuf;

use comity_feeds::{Current, FeedError, Held, InputFile, Options, Snapshot, diff, un};
use comity_watchlist::{CalendarDate, EntryRef, FileHash, Handle, Record, SubjectKind};
use quick_xml::Reader;
use quick_xml::events::Event;

#[path = "texts/mod.rs"]
mod texts;

const NEWEST: &str = "un-2026-02-27.xml";

fn read(name: &str) -> Option<Vec<u8>> {
    let start = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found =
        start.ancestors().map(|dir| dir.join("../shared/data/un").join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "the shared data is required");
        eprintln!("skipped: no shared data");
    }
    found.map(|file| std::fs::read(file).unwrap())
}

fn parse(bytes: &[u8]) -> Result<Snapshot, FeedError> {
    un::parse(&InputFile::of_bytes("un.xml", FileHash::new([3; 32]), bytes))
}

#[test]
fn every_person_and_entity_of_february_2026_is_read() {
    let Some(bytes) = read(NEWEST) else { return };
    let snapshot = parse(&bytes).unwrap();
    assert_eq!(snapshot.list.as_str(), "un-sc");
    assert_eq!(snapshot.published.as_deref(), Some("2026-02-27T00:00:09.554Z"));
    assert_eq!(snapshot.rejected, []);
    let of = |kind| snapshot.records.iter().filter(|record| record.kind == kind).count();
    assert_eq!((of(SubjectKind::Person), of(SubjectKind::Organisation)), (730, 273));
    let count = |f: fn(&Record) -> usize| snapshot.records.iter().map(f).sum::<usize>();
    // Primary names, names in original script, aliases.
    assert_eq!(count(|record| record.names.len()), 1_003 + 336 + 42 + 2_139 + 613);
    assert_eq!(count(|record| record.identifiers.len()), 454);
}

#[test]
fn every_publication_but_the_badly_encoded_one_is_read() {
    for (name, records) in [
        ("un-2020-11-30.xml", 713 + 305),
        ("un-2025-11-18.xml", 727 + 273),
        ("un-2025-11-20.xml", 727 + 273),
        (NEWEST, 730 + 273),
    ] {
        let Some(bytes) = read(name) else { return };
        let snapshot = parse(&bytes).unwrap();
        assert_eq!((snapshot.records.len(), snapshot.rejected.len()), (records, 0), "{name}");
    }
    let Some(bytes) = read("un-2025-08-16.xml") else { return };
    let error = parse(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "un.xml is not UTF-8 at line 54");
}

#[test]
fn every_leaf_value_is_mapped_or_kept() {
    for name in ["un-2020-11-30.xml", "un-2025-11-18.xml", NEWEST] {
        let Some(bytes) = read(name) else { return };
        let snapshot = parse(&bytes).unwrap();
        let texts: HashMap<&str, Vec<String>> = snapshot
            .records
            .iter()
            .map(|record| (record.key.reference.as_str(), texts::texts(record)))
            .collect();
        let mut values = 0;
        for record in leaves(std::str::from_utf8(&bytes).unwrap()) {
            let reference = record.iter().find(|(path, _)| path == "REFERENCE_NUMBER").unwrap();
            let found = &texts[reference.1.as_str()];
            for (path, value) in &record {
                values += 1;
                // These vocabularies are mapped to codes.
                let coded = matches!(
                    (path.rsplit('/').next().unwrap(), value.as_str()),
                    ("QUALITY", "Good" | "Low" | "a.k.a." | "f.k.a.")
                        | ("TYPE_OF_DATE", "EXACT" | "APPROXIMATELY" | "BETWEEN")
                        | ("GENDER", "Male" | "Female")
                );
                let kept = found.iter().any(|text| text.contains(value.as_str()));
                assert!(coded || kept, "{name} {} {path}", reference.1);
            }
        }
        eprintln!("{name}: {values} leaf values found");
        assert!(values > 15_000);
    }
}

#[test]
fn publications_of_two_days_with_the_same_content_give_no_change() {
    let Some(old) = read("un-2025-11-18.xml") else { return };
    let Some(new) = read("un-2025-11-20.xml") else { return };
    let Some(newest) = read(NEWEST) else { return };
    let (old, new, newest) = (parse(&old).unwrap(), parse(&new).unwrap(), parse(&newest).unwrap());
    let mut current = Current::new();
    for record in &old.records {
        current.hold(Held { handle: Handle::new([1; 16]), last: EntryRef::new([2; 32]), record });
    }
    let options = Options { accept_removals: false, today: CalendarDate::parse("2026-02-27").unwrap() };
    let difference = diff(&current, new, options, || Handle::new([9; 16])).unwrap();
    assert_eq!((difference.changes.len(), difference.unchanged), (0, 1_000));
    let difference = diff(&current, newest, options, || Handle::new([9; 16])).unwrap();
    assert_eq!((difference.added.len(), difference.removed.len(), difference.amended.len()), (4, 1, 2));
}

/// The leaf values of each record with their paths, read without the parser under test.
fn leaves(document: &str) -> Vec<Vec<(String, String)>> {
    let mut reader = Reader::from_str(document);
    let (mut path, mut records, mut record, mut text) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                path.push(start.name().as_ref().to_owned());
                text.clear();
            }
            Event::Text(more) => text.push_str(&more.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let character = reference.resolve_char_ref().unwrap().map(String::from);
                let predefined = quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned);
                text.push_str(&character.or(predefined).unwrap());
            }
            Event::End(_) => {
                if !text.trim().is_empty() {
                    record.push((path[3..].join("/"), text.trim().to_owned()));
                    text.clear();
                }
                path.pop();
                if path.len() == 2 {
                    records.push(std::mem::take(&mut record));
                }
            }
            Event::Eof => return records,
            _ => {}
        }
    }
}
