//! Every cell of a table with a header, read without the parser under test, and the search for it in what is signed.

use std::collections::HashMap;

use comity_feeds::{Snapshot, us};

use crate::texts;

/// Walks the rows of one list in the Consolidated Screening List; gives back how many cells they have.
pub(crate) fn csl(list: us::List, document: &str, snapshot: &Snapshot) -> usize {
    let part = match list {
        us::List::DeniedPersons => "(DPL)",
        us::List::Entities => "(EL)",
        us::List::Unverified => "(UVL)",
        us::List::MilitaryEndUsers => "(MEU)",
        us::List::Nonproliferation => "(ISN)",
        us::List::Debarred => "(DTC)",
    };
    walk(document, b',', "name", snapshot, |column, cell| match column {
        // The list itself.
        "source" => Some(cell.contains(part)),
        _ => None,
    })
}

/// Walks the Denied Persons List.
#[allow(dead_code, reason = "each test binary uses its own part")]
pub(crate) fn dpl(document: &str, snapshot: &Snapshot) -> usize {
    walk(document, b'\t', "Name", snapshot, |_, _| None)
}

fn walk(
    document: &str,
    delimiter: u8,
    name: &str,
    snapshot: &Snapshot,
    of_list: impl Fn(&str, &str) -> Option<bool>,
) -> usize {
    // By the primary name, since a long one is cut in the reference.
    let found: HashMap<String, Vec<String>> = snapshot
        .records
        .iter()
        .map(|record| (plain(record.names[0].full.as_str()), texts::texts(record)))
        .collect();
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(document.as_bytes());
    let header = reader.headers().unwrap().clone();
    let mut count = 0;
    for row in reader.records().map(Result::unwrap) {
        let cells: Vec<(&str, &str)> = header.iter().zip(row.iter().map(str::trim)).collect();
        let cell = |column: &str| cells.iter().find(|(name, _)| *name == column).unwrap().1;
        let is_own = cells.iter().all(|(column, cell)| of_list(column, cell).unwrap_or(true));
        let line = row.position().unwrap().line();
        if !is_own || snapshot.rejected.iter().any(|bad| bad.line == line) {
            continue;
        }
        let texts = &found[&plain(cell(name))];
        for (column, value) in &cells {
            if value.is_empty() || of_list(column, value) == Some(true) {
                continue;
            }
            count += 1;
            let held = |piece: &str| texts.iter().any(|text| text.contains(piece.trim()));
            assert!(held(value) || value.split("; ").all(held) || is_day(value, texts), "{line} {column}");
        }
    }
    count
}

fn plain(name: &str) -> String {
    let name = name.replace(|c: char| c.is_control(), " ");
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

/// `12/24/1893`, held as a date.
fn is_day(value: &str, texts: &[String]) -> bool {
    let [month, day, year] = value.split('/').collect::<Vec<_>>()[..] else { return false };
    texts.contains(&format!("{year}-{month:0>2}-{day:0>2}"))
}
