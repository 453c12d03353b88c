//! The real Consolidated Screening List and Denied Persons Lists: every row is read, every cell is mapped or kept.
//!
//! The lists are not part of this repository; where they are missing the tests say that they are skipped.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test fails by panicking, and says aloud what it skips"
)]

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;

use comity_feeds::{FeedError, InputFile, Snapshot, us};
use comity_watchlist::{FileHash, RecordKey};
use flate2::read::GzDecoder;

#[path = "leaves/cells.rs"]
mod cells;
mod texts;

fn document(name: &str) -> Option<String> {
    let start = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let place = PathBuf::from("../shared/data/export-control").join(name);
    let found = start.ancestors().map(|dir| dir.join(&place)).find(|file| file.is_file());
    let Some(file) = found else {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "the shared data is required");
        eprintln!("skipped: no shared data");
        return None;
    };
    let mut text = String::new();
    let bytes = std::fs::read(file).unwrap();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    Some(text)
}

fn read(list: us::List, document: &str) -> Result<Snapshot, FeedError> {
    us::parse(list, &InputFile::of_bytes("f", FileHash::new([1; 32]), document.as_bytes()))
}

fn keys(snapshot: &Snapshot) -> BTreeSet<&RecordKey> {
    snapshot.records.iter().map(|record| &record.key).collect()
}

#[test]
fn every_row_of_the_screening_list_of_2022_is_read() {
    let Some(csl) = document("us-csl-consolidated.csv.gz") else { return };
    for (list, rows, records, values) in [
        (us::List::DeniedPersons, 462, 436, 4_466),
        (us::List::Entities, 2_001, 1_952, 18_731),
        (us::List::Unverified, 201, 201, 1_005),
        (us::List::MilitaryEndUsers, 71, 71, 642),
        (us::List::Nonproliferation, 163, 160, 1_209),
        (us::List::Debarred, 727, 723, 3_712),
    ] {
        let snapshot = read(list, &csl).unwrap();
        assert_eq!(snapshot.rejected, [], "{list:?}");
        let found = (snapshot.rows, snapshot.records.len(), cells::csl(list, &csl, &snapshot));
        assert_eq!(found, (rows, records, values), "{list:?}");
    }
}

#[test]
fn every_row_of_the_denied_persons_lists_is_read_and_rows_that_stand_twice_are_named() {
    for (name, rows, records, twice, values) in
        [("bis-dpl-2019.txt", 546, 415, 3, 5_956), ("bis-dpl-2021.txt", 581, 459, 2, 6_261)]
    {
        let Some(dpl) = document(name) else { return };
        let snapshot = read(us::List::DeniedPersons, &dpl).unwrap();
        let found =
            (snapshot.rows, snapshot.records.len(), snapshot.rejected.len(), cells::dpl(&dpl, &snapshot));
        assert_eq!(found, (rows, records, twice, values), "{name}");
    }
}

#[test]
fn the_denied_persons_have_the_same_keys_in_both_forms() {
    let (Some(csl), Some(dpl)) = (document("us-csl-consolidated.csv.gz"), document("bis-dpl-2021.txt"))
    else {
        return;
    };
    let (csl, dpl) =
        (read(us::List::DeniedPersons, &csl).unwrap(), read(us::List::DeniedPersons, &dpl).unwrap());
    // The table is some months older and younger than the list: most names are on both.
    assert_eq!(keys(&csl).intersection(&keys(&dpl)).count(), 431);
}

#[test]
fn a_screening_list_that_was_cut_off_is_refused() {
    let Some(csl) = document("us-csl-2019.csv") else { return };
    let refused = read(us::List::Entities, &csl).unwrap_err().to_string();
    assert_eq!(refused, "f does not end with a line end and seems cut off");
    let whole = &csl[..=csl.rfind('\n').unwrap()];
    for (list, rows) in [
        (us::List::DeniedPersons, 577),
        (us::List::Entities, 919),
        (us::List::Unverified, 186),
        (us::List::MilitaryEndUsers, 71),
        (us::List::Nonproliferation, 144),
        (us::List::Debarred, 142),
    ] {
        let snapshot = read(list, whole).unwrap();
        // Its header stands twice.
        assert_eq!((snapshot.rows, snapshot.rejected.len()), (rows + 1, 1), "{list:?}");
        assert!(cells::csl(list, whole, &snapshot) > 0);
    }
}
