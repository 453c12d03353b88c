//! Our own table and our own records, one a line.

use comity_feeds::{FeedError, Format, Snapshot, detect, own, simple};

use crate::{compare, file, leaves, list, texts};

const LINES: &str = include_str!("../fixtures/own/list.jsonl");
const TABLE: &str = include_str!("../fixtures/own/targets.csv");

fn lines(text: &str) -> Result<Snapshot, FeedError> {
    own::parse_lines(&file("list.jsonl", text.as_bytes()), None)
}

fn table(text: &str) -> Result<Snapshot, FeedError> {
    simple::parse(&file("targets.csv", text.as_bytes()), None)
}

#[test]
fn our_own_forms_are_read_as_their_snapshots_say() {
    compare("own/list.jsonl.snapshot", &lines(LINES).unwrap());
    compare("own/targets.csv.snapshot", &table(TABLE).unwrap());
    assert_eq!(detect(LINES.as_bytes()), Some(Format::Jsonl));
    assert_eq!(detect(TABLE.as_bytes()), Some(Format::Csv));
}

#[test]
fn every_leaf_value_of_our_own_lines_is_in_its_record() {
    let snapshot = lines(LINES).unwrap();
    let (mut read, mut values) = (snapshot.records.iter(), 0);
    for (number, line) in (1..).zip(LINES.lines()).filter(|(_, line)| !line.is_empty()) {
        if snapshot.rejected.iter().any(|row| row.line == number) {
            continue;
        }
        let found = texts::texts(read.next().unwrap());
        let mut all = Vec::new();
        leaves("", &serde_json::from_str(line).unwrap(), &mut all);
        for (path, value) in all {
            values += 1;
            // Words of closed lists are codes in a record; the version is none of its content.
            let coded =
                [".kind", ".relation", ".role", ".quality", ".version"].iter().any(|end| path.ends_with(end));
            assert!(coded || found.contains(&value), "line {number} {path}: {value}");
        }
    }
    assert!(read.next().is_none() && values > 40, "{values}");
}

#[test]
fn every_cell_of_the_table_is_in_its_record() {
    let snapshot = table(TABLE).unwrap();
    let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
    let header = reader.headers().unwrap().clone();
    let (mut read, mut values) = (snapshot.records.iter(), 0);
    for (line, row) in (2..).zip(reader.records().map(Result::unwrap)) {
        if snapshot.rejected.iter().any(|rejected| rejected.line == line) {
            continue;
        }
        let found = texts::texts(read.next().unwrap());
        for (column, cell) in header.iter().zip(row.iter()).filter(|(_, cell)| !cell.is_empty()) {
            // The kind is a code; when a row was seen is nothing of its record.
            let passed = matches!(column, "first_seen" | "last_seen" | "last_change")
                || (column == "schema"
                    && matches!(cell, "Person" | "Vessel" | "Organization" | "LegalEntity"));
            values += 1;
            let pieces: Vec<&str> = if column == "name" { vec![cell] } else { cell.split(';').collect() };
            for piece in pieces {
                let piece = piece.trim().trim_matches('"').trim_start_matches('\'');
                assert!(
                    passed || found.iter().any(|text| text.contains(piece)),
                    "line {line} {column}: {piece}"
                );
            }
        }
    }
    assert!(read.next().is_none() && values > 30, "{values}");
}

#[test]
fn of_which_list_the_records_are_is_told_or_asked_and_never_an_official_one() {
    assert_eq!(table(TABLE).unwrap().list, list("xa-national"));
    let named = list("xa-mine");
    let renamed = simple::parse(&file("t", TABLE.as_bytes()), Some(&named)).unwrap();
    assert_eq!(
        (renamed.list.as_str(), renamed.records.len()),
        ("xa-mine", table(TABLE).unwrap().records.len() + 1)
    );
    assert!(renamed.records.iter().all(|record| record.source.extra("dataset").len() == 1));
    let unnamed = "id,schema,name\nXA-1,Person,Ruprecht HENTZAU\n";
    assert!(matches!(table(unnamed), Err(FeedError::NoList { .. })));
    assert!(simple::parse(&file("t", unnamed.as_bytes()), Some(&named)).is_ok());
    for bad in [LINES, TABLE].map(|text| text.replace("xa-national", "un-sc")) {
        let read = if bad.starts_with('{') { lines(&bad) } else { table(&bad) };
        assert!(matches!(read, Err(FeedError::OfficialList { .. })));
    }
    // The lines name their list themselves, and none is entered on another.
    assert!(matches!(
        own::parse_lines(&file("l", LINES.as_bytes()), Some(&named)),
        Err(FeedError::MostlyRejected { .. })
    ));
}

#[test]
fn a_reason_names_no_value() {
    let bad = LINES.replace("\"vessel\",\"names\"", "\"submarine\",\"names\"").replace("XA-4\"", "XA-4\"!");
    for row in lines(&bad).unwrap().rejected {
        let said = row.reason.to_string();
        assert!(!said.contains("submarine") && !said.contains("colour"), "{said}");
    }
}
