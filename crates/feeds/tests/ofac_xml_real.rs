//! OFAC's real documents as XML: every subject is read, every leaf value is mapped or kept, and a list keeps its keys
//! when another of its forms is read.
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
use std::io::{Cursor, Read as _};
use std::path::PathBuf;

use comity_feeds::{Current, FeedError, Held, InputFile, Options, Snapshot, diff, ofac};
use comity_watchlist::{
    CalendarDate, EntryRef, FileHash, Handle, LinkTarget, Record, RecordKey, SubjectKind,
};
use zip::ZipArchive;

mod leaves;
mod texts;

const LEGACY: &str = "cons-nonsdn-2025-03-28.xml";
const ENHANCED: &str = "CONS_ENHANCED.ZIP";
const ADVANCED: &str = "cons_advanced-2025-07.xml";
const TABLES: [&str; 4] = ["cons_prim.csv", "cons_alt.csv", "cons_add.csv", "cons_comments.csv"];

fn bytes(name: &str) -> Option<Vec<u8>> {
    let start = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found =
        start.ancestors().map(|dir| dir.join("../shared/data/ofac").join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "the shared data is required");
        eprintln!("skipped: no shared data");
    }
    found.map(|file| std::fs::read(file).unwrap())
}

fn parse(files: &[(&str, &[u8])]) -> Result<Snapshot, FeedError> {
    let inputs: Vec<InputFile<'_>> =
        files.iter().map(|(name, bytes)| InputFile::of_bytes(name, FileHash::new([3; 32]), bytes)).collect();
    ofac::parse(&inputs)
}

fn read(name: &str) -> Option<Snapshot> {
    let bytes = bytes(name)?;
    Some(parse(&[(name, &bytes)]).unwrap())
}

fn tables() -> Option<Snapshot> {
    let files: Vec<Vec<u8>> = TABLES.iter().map(|name| bytes(name)).collect::<Option<_>>()?;
    let files: Vec<(&str, &[u8])> = TABLES.iter().copied().zip(files.iter().map(Vec::as_slice)).collect();
    Some(parse(&files).unwrap())
}

fn count(snapshot: &Snapshot, of: fn(&Record) -> usize) -> usize {
    snapshot.records.iter().map(of).sum()
}

fn kinds(snapshot: &Snapshot) -> (usize, usize) {
    let of = |kind| snapshot.records.iter().filter(|record| record.kind == kind).count();
    (of(SubjectKind::Person), of(SubjectKind::Organisation))
}

fn keys(snapshot: &Snapshot) -> BTreeSet<&RecordKey> {
    snapshot.records.iter().map(|record| &record.key).collect()
}

#[test]
fn every_row_of_the_consolidated_tables_is_read() {
    let Some(snapshot) = tables() else { return };
    assert_eq!((snapshot.list.as_str(), snapshot.rejected.len()), ("us-ofac-cons", 0));
    assert_eq!(snapshot.rows, 442 + 1_073 + 574 + 10);
    assert_eq!(kinds(&snapshot), (79, 363));
    // Primary names, aliases, weak aliases of the remarks.
    assert_eq!(count(&snapshot, |record| record.names.len()), 442 + 1_073 + 72);
    assert_eq!(count(&snapshot, |record| record.addresses.len()), 574);
}

#[test]
fn every_subject_of_the_older_xml_is_read() {
    let Some(snapshot) = read(LEGACY) else { return };
    assert_eq!((snapshot.list.as_str(), snapshot.rejected.len()), ("us-ofac-cons", 0));
    assert_eq!(snapshot.published.as_deref(), Some("03/28/2025"));
    assert_eq!(kinds(&snapshot), (80, 363));
    assert_eq!(count(&snapshot, |record| record.names.len()), 443 + 1_136);
    assert_eq!(count(&snapshot, |record| record.addresses.len()), 520);
    assert_eq!(count(&snapshot, |record| record.identifiers.len()), 1_266);
    assert_eq!(count(&snapshot, |record| record.facts.len()), 75 + 30);
    assert_eq!(count(&snapshot, |record| record.places.len()), 21);
}

#[test]
fn every_leaf_of_the_older_xml_is_mapped_or_kept() {
    let Some(bytes) = bytes(LEGACY) else { return };
    let snapshot = parse(&[(LEGACY, &bytes)]).unwrap();
    assert_eq!(leaves::ofac::legacy(std::str::from_utf8(&bytes).unwrap(), &snapshot), 17_640);
}

#[test]
fn every_entity_of_the_zipped_enhanced_xml_is_read() {
    let Some(snapshot) = read(ENHANCED) else { return };
    assert_eq!((snapshot.list.as_str(), snapshot.rejected.len()), ("us-ofac-cons", 0));
    assert_eq!(snapshot.published.as_deref(), Some("2025-01-10T00:00:00"));
    assert_eq!(kinds(&snapshot), (80, 363));
    assert_eq!(count(&snapshot, |record| record.names.len()), 1_624);
    assert_eq!(count(&snapshot, |record| record.addresses.len()), 583);
    assert_eq!(count(&snapshot, |record| record.identifiers.len()), 574 + 692);
    assert_eq!(count(&snapshot, |record| record.programmes.len()), 525);
    assert_eq!(count(&snapshot, |record| record.legal.len()), 525);
    assert_eq!(count(&snapshot, |record| record.facts.len()), 75 + 30);
    assert_eq!(count(&snapshot, |record| usize::from(record.listed_on.is_some())), 443);
    let keys = |record: &Record| {
        record.links.iter().filter(|link| matches!(link.target, LinkTarget::Key(_))).count()
    };
    // The 283rd points at somebody who is on the SDN list only; the remarks name no one.
    assert_eq!((count(&snapshot, keys), count(&snapshot, |record| record.links.len())), (282, 283));
}

#[test]
fn every_leaf_of_the_enhanced_xml_is_mapped_or_kept() {
    let Some(packed) = bytes(ENHANCED) else { return };
    let snapshot = parse(&[(ENHANCED, &packed)]).unwrap();
    let mut document = String::new();
    let mut archive = ZipArchive::new(Cursor::new(packed)).unwrap();
    archive.by_index(0).unwrap().read_to_string(&mut document).unwrap();
    assert_eq!(leaves::ofac::enhanced(&document, &snapshot), 68_401);
}

#[test]
fn every_party_of_the_advanced_xml_is_read() {
    let Some(snapshot) = read(ADVANCED) else { return };
    assert_eq!((snapshot.list.as_str(), snapshot.rejected.len()), ("us-ofac-cons", 0));
    assert_eq!(snapshot.published.as_deref(), Some("2020-03-17"));
    assert_eq!(kinds(&snapshot), (82, 293));
    assert_eq!(count(&snapshot, |record| record.names.len()), 1_290);
    assert_eq!(count(&snapshot, |record| record.addresses.len()), 460);
    // Documents; sites, addresses of mail, codes of banks.
    assert_eq!(count(&snapshot, |record| record.identifiers.len()), 573 + 184 + 147 + 34 + 3);
    assert_eq!(count(&snapshot, |record| record.facts.len()), 77);
    assert_eq!(count(&snapshot, |record| record.ties.len()), 12 + 2);
    assert_eq!(count(&snapshot, |record| record.programmes.len()), 384);
    assert_eq!(count(&snapshot, |record| record.legal.len()), 383);
    assert_eq!(count(&snapshot, |record| usize::from(record.listed_on.is_some())), 375);
    let keys = |record: &Record| {
        record.links.iter().filter(|link| matches!(link.target, LinkTarget::Key(_))).count()
    };
    assert_eq!(count(&snapshot, keys), 276);
}

#[test]
fn every_leaf_of_the_advanced_xml_is_mapped_or_kept() {
    let Some(bytes) = bytes(ADVANCED) else { return };
    let snapshot = parse(&[(ADVANCED, &bytes)]).unwrap();
    assert_eq!(leaves::advanced::walk(std::str::from_utf8(&bytes).unwrap(), &snapshot), 65_946);
}

#[test]
fn a_sample_that_was_cut_down_is_refused_since_it_states_what_it_had() {
    let name = "sdn-xml-sample-deriv.xml";
    let Some(bytes) = bytes(name) else { return };
    let refused = parse(&[(name, &bytes)]).unwrap_err().to_string();
    assert_eq!(refused, "sdn-xml-sample-deriv.xml states 8197 records and has 8");
    let document = std::str::from_utf8(&bytes).unwrap().replace(">8197<", ">8<");
    let snapshot = parse(&[(name, document.as_bytes())]).unwrap();
    assert_eq!((snapshot.list.as_str(), snapshot.records.len()), ("us-ofac-sdn", 8));
    assert_eq!(leaves::ofac::legacy(&document, &snapshot), 287);
}

#[test]
fn the_consolidated_list_keeps_its_keys_when_another_form_is_read() {
    let (Some(tables), Some(legacy), Some(enhanced)) = (tables(), read(LEGACY), read(ENHANCED)) else {
        return;
    };
    assert_eq!(keys(&legacy), keys(&enhanced));
    // One subject of the newer files is not yet in the tables.
    assert!(keys(&tables).is_subset(&keys(&legacy)));
    // The Enhanced form has 45 names in other scripts and some addresses more; to leave them again is a loss.
    for (held, new, accept_removals, added, removed) in [
        (&tables, &legacy, false, 1, 0),
        (&tables, &enhanced, false, 1, 0),
        (&legacy, &tables, false, 0, 1),
        (&legacy, &enhanced, false, 0, 0),
        (&enhanced, &legacy, true, 0, 0),
    ] {
        let mut current = Current::new();
        for record in &held.records {
            current.hold(Held { handle: Handle::new([1; 16]), last: EntryRef::new([2; 32]), record });
        }
        let options = Options { accept_removals, today: CalendarDate::parse("2025-03-28").unwrap() };
        let difference = diff(&current, new.clone(), options, || Handle::new([9; 16])).unwrap();
        assert_eq!((difference.added.len(), difference.removed.len()), (added, removed));
    }
}
