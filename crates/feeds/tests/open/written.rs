//! What we write, read again.

use comity_feeds::out::{OutFormat, OutSource, OutState, OutWriter, Outgoing};
use comity_feeds::{own, simple};
use comity_policy::Tlp;
use comity_watchlist::{Handle, Record};

use crate::file;

/// No hash, but as good as one for what is asked here: other bytes give another result.
fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0_u8; 32];
    for (byte, place) in bytes.iter().zip(0_usize..) {
        sum[place % 32] = sum[place % 32].rotate_left(3).wrapping_add(*byte);
        sum[(place + 7) % 32] ^= sum[place % 32];
    }
    sum
}

/// A listing of a record; its handle is made of a number.
pub(crate) fn listing(record: Record, number: u8, state: OutState) -> Outgoing {
    Outgoing {
        origin: "agency-a.example/pub".to_owned(),
        agency: "agency-a.example".to_owned(),
        handle: Handle::new([number; 16]),
        key: record.key.clone(),
        record: Some(record),
        state,
        created_ms: 1_700_000_000_000,
        modified_ms: 1_700_000_100_001,
        index: 3,
        tlp: Tlp::Amber,
        merged_into: None,
    }
}

/// An export of one file.
pub(crate) fn written(format: OutFormat, listings: &[Outgoing]) -> String {
    let source = OutSource {
        origin: "agency-a.example/pub".to_owned(),
        agency: "agency-a.example".to_owned(),
        list: Some("xa-national".to_owned()),
        size: 4,
    };
    let mut writer = OutWriter::new(format, source, digest);
    let mut parts = writer.begin(0);
    for listing in listings {
        parts.extend(writer.record(0, listing));
    }
    parts.extend(writer.end(0));
    String::from_utf8(parts.into_iter().flat_map(|part| part.bytes).collect()).unwrap()
}

/// The record with every field.
pub(crate) fn full() -> Record {
    own::read(include_bytes!("../fixtures/own/full.json")).unwrap().record
}

#[test]
fn a_table_that_was_written_is_read_and_written_again_byte_by_byte() {
    let mut odd = full();
    for bad in ["=1+1", "'=1", "+49 30", "a;b", "\"q;", "say \"C\", D", "''x", "-", "@x;=y", "％ %"] {
        let text = comity_watchlist::Text::new(bad).unwrap();
        odd.names.push(comity_watchlist::Name::new(comity_watchlist::NameKind::Aka, text));
    }
    let once = written(OutFormat::Csv, &[listing(odd.clone(), 7, OutState::Listed)]);
    let read = simple::parse(&file("targets.simple.csv", once.as_bytes()), None).unwrap();
    assert_eq!(read.rejected, []);
    assert_eq!((read.list.as_str(), read.records.len()), ("xa-national", 1));
    let names = |record: &Record| record.names.iter().map(|name| name.full.clone()).collect::<Vec<_>>();
    assert_eq!(names(&read.records[0]), names(&odd));
    let again = written(OutFormat::Csv, &[listing(read.records[0].clone(), 7, OutState::Listed)]);
    assert_eq!(again, once);
}

#[test]
fn a_record_in_one_line_is_the_record() {
    let record = full();
    let line = own::write(&record, Some(3), None).unwrap().lines().map(str::trim).collect::<String>() + "\n";
    let mut read = own::parse_lines(&file("list.jsonl", line.as_bytes()), None).unwrap();
    read.records[0].source.files.clear();
    read.records[0].source.locators.clear();
    assert_eq!(read.records, [record]);
}
