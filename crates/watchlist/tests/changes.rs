//! The byte form of changes: pinned vectors, and round trips of whatever can be said.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking; helper functions are not covered by clippy.toml"
)]

use std::fmt::Write;

use comity_watchlist::cbor::{Fields, Value};
use comity_watchlist::{Change, Record, RecordError, Section, Sections, SectionsRead};
use proptest::prelude::*;
use proptest::test_runner::Config;

#[path = "samples/mod.rs"]
mod samples;
#[path = "samples/strategies.rs"]
mod strategies;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn decode(sections: &Sections) -> Result<Change, RecordError> {
    Change::decode(&sections.into()).map(|decoded| decoded.change)
}

/// Goal: bytes that were signed once never change their form. Way: the samples against a committed file.
#[test]
fn the_byte_form_of_the_samples_is_the_pinned_one() {
    let mut lines = String::new();
    for (name, change) in samples::changes() {
        writeln!(lines, "# {name}").unwrap();
        let sections = change.encode().unwrap();
        for (section, bytes) in sections.iter() {
            writeln!(lines, "{section} {}", hex(bytes)).unwrap();
        }
        assert_eq!(decode(&sections).unwrap(), change, "{name}");
    }
    let pinned = include_str!("vectors/changes.hex");
    assert!(lines == pinned, "the byte form has drifted; it is now:\n{lines}");
}

/// Goal: an importer does not sign a whole list anew because this program looks at check digits and the one before did not.
#[test]
fn a_verdict_that_was_not_given_before_is_no_change_and_old_bytes_keep_their_hash() {
    let (_, change) = samples::changes().into_iter().find(|(name, _)| *name == "list an account").unwrap();
    let new = change.op.record().unwrap().clone();
    assert_eq!(
        new.misfits().map(|misfit| misfit.value.as_str()).collect::<Vec<_>>(),
        ["XA58ZENDA0000000017"]
    );
    let mut old = new.clone();
    old.identifiers.iter_mut().for_each(|identifier| identifier.checksum = None);
    assert!(old.same_content(&new) && new.same_content(&old));
    let of = |record: &Record| {
        let op = comity_watchlist::Op::List { record: Box::new(record.clone()) };
        Change { op, ..change.clone() }.encode().unwrap()
    };
    let bytes = of(&old);
    assert_ne!(bytes, of(&new));
    let read = decode(&bytes).unwrap();
    assert_eq!(read.op.record(), Some(&old), "nothing is worked out in reading");
    assert_eq!(read.encode().unwrap(), bytes);
    let mut other = new.clone();
    other.identifiers[0].former = true;
    assert_eq!(Record::changed_paths(&new, &other), ["identifiers"]);
    other = new.clone();
    other.handling_reference = None;
    other.legal[0].criteria.pop();
    assert_eq!(Record::changed_paths(&new, &other), ["legal", "handling_reference"]);
}

#[test]
fn every_operation_has_a_sample() {
    let words: Vec<&str> = samples::changes().iter().map(|(_, change)| change.op.word()).collect();
    for word in [
        "list",
        "amend",
        "correct",
        "suspend",
        "resume",
        "delist",
        "relist",
        "rekey",
        "merge",
        "split",
        "withdraw",
        "erase",
        "same-as",
        "retract",
        "vocabulary",
    ] {
        assert!(words.contains(&word), "{word}");
    }
}

#[test]
fn a_withheld_section_is_told_from_an_absent_one() {
    let (_, change) = samples::changes().remove(0);
    let sections = change.encode().unwrap();
    let read = SectionsRead::withheld()
        .give(Section::Core, sections.bytes(Section::Core))
        .give(Section::Sources, sections.bytes(Section::Sources))
        .give(Section::Sightings, b"");
    let decoded = Change::decode(&read).unwrap();
    assert_eq!(decoded.withheld, [Section::Identifiers, Section::ReasonsPublic, Section::ReasonsClosed]);
    let record = decoded.change.op.record().unwrap();
    assert!(record.identifiers.is_empty() && !record.names.is_empty());
    assert_eq!(Change::decode(&SectionsRead::withheld()), Err(RecordError::NoCore));
    assert_eq!(Change::decode(&SectionsRead::withheld().give(Section::Core, b"")), Err(RecordError::NoCore));
}

#[test]
fn an_empty_map_is_no_second_form_of_an_absent_section() {
    let (_, change) = samples::changes().remove(0);
    let mut sections = change.encode().unwrap();
    sections.set(Section::Sightings, vec![0xa0]);
    assert_eq!(decode(&sections), Err(RecordError::Empty { field: "sightings" }));
}

#[test]
fn keys_of_a_newer_program_survive_in_every_map() {
    let (_, change) = samples::changes().remove(0);
    let sections = change.encode().unwrap();
    let mut newer = Sections::default();
    for (section, bytes) in sections.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        newer.set(section, with_unknown(Value::Map(Fields::decode(bytes).unwrap())).encode());
    }
    assert_ne!(newer, sections);
    assert_eq!(decode(&newer).unwrap().encode().unwrap(), newer);
}

fn with_unknown(value: Value) -> Value {
    match value {
        Value::Map(fields) => {
            let mut newer = Fields::new();
            for (key, inner) in fields.iter() {
                newer.put(key, with_unknown(inner.clone()));
            }
            newer.put(9_000, Value::Array(vec![Value::Negative(4), Value::Null, Value::Bytes(vec![1])]));
            Value::Map(newer)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(with_unknown).collect()),
        other => other,
    }
}

#[test]
fn an_operation_or_a_form_of_a_newer_program_is_named_and_not_guessed() {
    let (_, change) = samples::changes().remove(0);
    let sections = change.encode().unwrap();
    let mut core = Fields::decode(sections.bytes(Section::Core)).unwrap();
    core.put_unsigned(1, 99);
    let bytes = core.encode();
    let read = SectionsRead::withheld().give(Section::Core, &bytes);
    assert_eq!(Change::decode(&read), Err(RecordError::UnknownOp { code: 99 }));
    core.put_unsigned(0, 3);
    let bytes = core.encode();
    let read = SectionsRead::withheld().give(Section::Core, &bytes);
    assert_eq!(Change::decode(&read), Err(RecordError::UnknownForm { version: 3 }));
}

#[test]
fn every_flipped_bit_is_refused_or_read_as_exactly_what_it_says() {
    let (_, change) = samples::changes().remove(0);
    let sections = change.encode().unwrap();
    let (mut refused, mut read) = (0, 0);
    for (section, bytes) in sections.iter() {
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.to_vec();
            flipped[at / 8] ^= 1 << (at % 8);
            let mut other = sections.clone();
            other.set(section, flipped);
            match decode(&other) {
                Err(_) => refused += 1,
                Ok(change) => {
                    assert_eq!(change.encode().unwrap(), other, "{section} bit {at}");
                    read += 1;
                }
            }
        }
    }
    assert!(refused > 1_000 && read > 1_000, "{refused} refused, {read} read");
}

#[test]
fn a_record_beyond_its_limits_cannot_be_written() {
    let (_, change) = samples::changes().remove(0);
    let mut record = change.op.record().unwrap().clone();
    record.titles = vec![samples::text("Archivist"); 201];
    let op = comity_watchlist::Op::List { record: Box::new(record.clone()) };
    let error = Change { op, ..change.clone() }.encode().unwrap_err();
    assert_eq!(error, RecordError::TooMany { field: "titles", count: 201, max: 200 });
    record.titles = vec![samples::text(&"x".repeat(2_000)); 40];
    let op = comity_watchlist::Op::List { record: Box::new(record) };
    let error = Change { op, ..change }.encode().unwrap_err();
    assert!(matches!(error, RecordError::SectionTooLarge { section: Section::Core, .. }));
}

#[track_caller]
fn assert_counted(change: &Change) {
    let made = change.encode().map(|sections| sections.iter().map(|(_, bytes)| bytes.len()).collect());
    assert_eq!(change.lengths().map(Vec::from), made);
}

/// Goal: what is counted is what is made, also with keys of a newer program, and one of them that an operation puts.
#[test]
fn the_bytes_that_are_counted_are_those_that_are_made() {
    for (_, change) in samples::changes() {
        assert_counted(&change);
        let mut newer = Sections::default();
        for (section, bytes) in change.encode().unwrap().iter().filter(|(_, bytes)| !bytes.is_empty()) {
            let Value::Map(mut fields) = with_unknown(Value::Map(Fields::decode(bytes).unwrap())) else {
                continue;
            };
            // The paths of an amendment, which a listing does not know.
            if section == Section::Core && fields.get(40).is_none() {
                fields.put_text(40, "x".repeat(300));
            }
            newer.set(section, fields.encode());
        }
        let newer = decode(&newer).unwrap();
        assert_counted(&newer);
        if let Some(record) = newer.op.record() {
            let (prev, paths) = (comity_watchlist::EntryRef::new([7; 32]), vec![samples::text("names")]);
            let op = comity_watchlist::Op::Amend { prev, paths, record: Box::new(record.clone()) };
            assert_counted(&Change { op, ..newer });
        }
    }
}

#[test]
fn a_section_is_counted_to_the_byte_at_its_limit() {
    let (_, change) = samples::changes().remove(0);
    let mut record = change.op.record().unwrap().clone();
    record.titles = vec![samples::text(&"x".repeat(1_900)); 30];
    let with = |record: &Record| {
        let op = comity_watchlist::Op::List { record: Box::new(record.clone()) };
        Change { op, ..change.clone() }
    };
    let [core, ..] = with(&record).lengths().unwrap();
    let (mut room, mut fits) = (65_500 - core, 0);
    // Each new title has a head of two or three bytes; the last ones are tried byte by byte.
    while room > 2_000 {
        record.titles.push(samples::text(&"x".repeat(997)));
        room -= 1_000;
    }
    for len in 256..2_000 {
        record.titles.push(samples::text(&"x".repeat(len)));
        let change = with(&record);
        assert_eq!(change.lengths().is_ok(), len + 3 <= room, "{len}");
        fits += u32::from(change.lengths().is_ok());
        if (len + 3).abs_diff(room) < 3 {
            assert_counted(&change);
        }
        record.titles.pop();
    }
    assert!(fits > 100, "{fits}");
}

#[test]
fn a_list_beyond_its_limit_is_not_counted() {
    let (_, change) = samples::changes().remove(0);
    let mut record = change.op.record().unwrap().clone();
    record.names = vec![record.names[0].clone(); 501];
    let op = comity_watchlist::Op::List { record: Box::new(record.clone()) };
    let many = Change { op, ..change.clone() };
    assert_eq!(many.lengths(), Err(RecordError::TooMany { field: "names", count: 501, max: 500 }));
    assert_counted(&many);
    record.names.truncate(1);
    record.addresses = vec![comity_watchlist::Address::default()];
    let op = comity_watchlist::Op::List { record: Box::new(record) };
    let empty = Change { op, ..change };
    assert_eq!(empty.lengths(), Err(RecordError::Empty { field: "addresses" }));
    assert_counted(&empty);
}

#[test]
fn provenance_is_not_content_and_extra_fields_are() {
    let (_, change) = samples::changes().remove(0);
    let old = change.op.record().unwrap().clone();
    let mut new = old.clone();
    new.source.files.clear();
    new.source.locators.clear();
    assert!(old.same_content(&new));
    new.source.keep(&samples::text("Height"), samples::prose("tall"));
    new.names.truncate(1);
    assert_eq!(Record::changed_paths(&old, &new), ["names", "source.extra[Height]"]);
    assert!(!old.same_content(&new));
}

proptest! {
    #![proptest_config(Config { cases: 256, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_is_written_is_read_back_byte_for_byte(change in strategies::change()) {
        assert_counted(&change);
        let sections = change.encode().unwrap();
        let read = decode(&sections).unwrap();
        prop_assert_eq!(&read, &change);
        prop_assert_eq!(read.encode().unwrap(), sections);
    }

    #[test]
    fn noise_is_refused_or_has_one_form(core in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = Value::decode(&core) {
            prop_assert_eq!(value.encode(), core);
        }
    }
}
