//! The leaf values of a list, read without the parsers under test, and whether each is in its record.

use std::collections::HashMap;

use comity_feeds::Snapshot;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::texts;

/// A record of a document: its name, the line on which its first tag ends, and its values with their paths.
pub(crate) struct Leaves {
    pub(crate) name: String,
    pub(crate) line: u64,
    pub(crate) values: Vec<(String, String)>,
}

/// A row of a table: its line, the reference of its record, and its cells by column.
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) reference: String,
    pub(crate) cells: Vec<(String, String)>,
}

/// The records of a document, each `level` elements deep.
pub(crate) fn of(document: &str, level: usize) -> Vec<Leaves> {
    let mut reader = Reader::from_str(document);
    let (mut path, mut records, mut texts) = (Vec::<String>::new(), Vec::new(), vec![String::new()]);
    let (mut counted, mut line) = (0, 1);
    loop {
        let event = reader.read_event().unwrap();
        let closes = matches!(event, Event::Empty(_) | Event::End(_));
        match event {
            Event::Start(start) | Event::Empty(start) => {
                let name = start.name().as_ref().to_owned();
                if path.len() == level {
                    let position = usize::try_from(reader.buffer_position()).unwrap();
                    let passed = document[counted..position].bytes().filter(|byte| *byte == b'\n').count();
                    (counted, line) = (position, line + u64::try_from(passed).unwrap());
                    records.push(Leaves { name: name.clone(), line, values: Vec::new() });
                }
                path.push(name);
                texts.push(String::new());
                if path.len() > level {
                    attributes(&start, &path[level + 1..].join("/"), &mut records.last_mut().unwrap().values);
                }
            }
            Event::Text(more) => texts.last_mut().unwrap().push_str(&more.xml10_content()),
            Event::CData(more) => texts.last_mut().unwrap().push_str(&more.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let character = reference.resolve_char_ref().unwrap().map(String::from);
                let predefined = quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned);
                texts.last_mut().unwrap().push_str(&character.or(predefined).unwrap());
            }
            Event::Eof => return records,
            _ => {}
        }
        if closes {
            let text = texts.pop().unwrap().trim().to_owned();
            if path.len() > level && !text.is_empty() {
                records.last_mut().unwrap().values.push((path[level + 1..].join("/"), text));
            }
            path.pop();
        }
    }
}

fn attributes(start: &BytesStart<'_>, path: &str, values: &mut Vec<(String, String)>) {
    for attribute in start.attributes() {
        let attribute = attribute.unwrap();
        let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0).unwrap().trim().to_owned();
        if !value.is_empty() {
            values.push((format!("{path}@{}", attribute.key.as_ref()), value));
        }
    }
}

/// Fails on a value of a record that was read which is neither a text of it, nor within a longer one if it has at
/// least four characters, nor explained by `coded`, which is handed the path, the value and the texts; gives back how
/// many values there were.
pub(crate) fn check(
    records: &[Leaves],
    snapshot: &Snapshot,
    coded: impl Fn(&str, &str, &[String]) -> bool,
) -> usize {
    let mut values = 0;
    let mut read = snapshot.records.iter();
    for leaves in records {
        if snapshot.rejected.iter().any(|row| row.line == leaves.line) {
            continue;
        }
        let found = texts::texts(read.next().unwrap());
        for (path, value) in &leaves.values {
            values += 1;
            let there = is_there(value, &found) || coded(path, value, &found);
            assert!(there, "line {} {path} {value}", leaves.line);
        }
    }
    assert!(read.next().is_none(), "each record was compared");
    values
}

/// True if the value is a text of the record, or, with four characters or more, within one.
pub(crate) fn is_there(value: &str, found: &[String]) -> bool {
    let within = value.chars().count() >= 4;
    found.iter().any(|text| text == value || (within && text.contains(value)))
}

/// The same as [`check`] for the rows of a table.
pub(crate) fn check_rows(
    rows: &[Row],
    snapshot: &Snapshot,
    coded: impl Fn(&str, &str, &[String]) -> bool,
) -> usize {
    let records: HashMap<&str, Vec<String>> =
        snapshot.records.iter().map(|record| (record.key.reference.as_str(), texts::texts(record))).collect();
    let mut values = 0;
    for Row { line, reference, cells } in rows {
        if snapshot.rejected.iter().any(|row| row.line == *line) {
            continue;
        }
        let found = &records[reference.as_str()];
        for (column, value) in cells.iter().map(|(column, value)| (column, value.trim())) {
            if !value.is_empty() {
                values += 1;
                let there = is_there(value, found) || coded(column, value, found);
                assert!(there, "line {line} {column} {value}");
            }
        }
    }
    values
}
