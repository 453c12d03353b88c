//! Every string of a record, by way of its byte form: so that a value counts as kept only if it is signed.

use std::collections::HashMap;

use comity_feeds::{Snapshot, ofac};
use comity_watchlist::cbor::{Fields, Value};
use comity_watchlist::{Change, Handle, Op, Record};

/// All texts and dates of a record.
pub(crate) fn texts(record: &Record) -> Vec<String> {
    let op = Op::List { record: Box::new(record.clone()) };
    let sections = Change { handle: Handle::new([0; 16]), op }.encode().unwrap();
    let mut found = Vec::new();
    for (_, bytes) in sections.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        gather(&Value::Map(Fields::decode(bytes).unwrap()), &mut found);
    }
    found
}

fn gather(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Text(text) => found.push(text.clone()),
        Value::Array(items) => {
            if let [Value::Unsigned(year), rest @ ..] = items.as_slice() {
                let rest = rest.iter().map(|part| match part {
                    Value::Unsigned(number) => format!("-{number:02}"),
                    other => format!("{other:?}"),
                });
                found.push(format!("{year:04}{}", rest.collect::<String>()));
            }
            for item in items {
                gather(item, found);
            }
        }
        Value::Map(fields) => {
            for (_, item) in fields.iter() {
                gather(item, found);
            }
        }
        _ => {}
    }
}

/// Walks OFAC's files cell by cell and fails on a value that its record does not hold; gives back how many values
/// there were, how many remark tokens, and how many of these were not understood.
#[allow(dead_code, reason = "each test binary uses its own part")]
pub(crate) fn walk(files: &[(String, Vec<u8>)], snapshot: &Snapshot) -> (usize, usize, usize) {
    let by_id: HashMap<&str, (Vec<String>, &Record)> = snapshot
        .records
        .iter()
        .map(|record| (record.key.reference.as_str(), (texts(record), record)))
        .collect();
    let mut values = 0;
    for (name, bytes) in files {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes.as_slice());
        for row in reader.records().map(Result::unwrap) {
            let line = row.position().unwrap().line();
            if snapshot.rejected.iter().any(|bad| bad.file == *name && bad.line == line) || row.len() == 1 {
                continue;
            }
            let (found, _) = &by_id[row.get(0).unwrap().trim()];
            for (column, cell) in row.iter().enumerate() {
                let cell = cell.trim();
                // The kinds are mapped to codes, and programmes and titles to lists.
                let coded = matches!((row.len(), column), (12 | 5, 2));
                if cell.is_empty() || cell == "-0-" || coded {
                    continue;
                }
                let pieces: Vec<&str> = match (row.len(), column) {
                    (12, 3) => cell.split("] [").collect(),
                    (12, 4) => cell.split(';').map(str::trim).filter(|piece| !piece.is_empty()).collect(),
                    _ => vec![cell],
                };
                for piece in pieces {
                    values += 1;
                    assert!(found.iter().any(|text| text.contains(piece)), "{name}:{line} column {column}");
                }
            }
        }
    }
    let tokens = |record: &Record| {
        record.source.extra(ofac::REMARKS).iter().flat_map(|all| all.as_str().split(';')).count()
    };
    let unread = |record: &Record| record.source.extra(ofac::REMARKS_UNREAD).len();
    let all = snapshot.records.iter().map(tokens).sum();
    (values, all, snapshot.records.iter().map(unread).sum())
}
