//! Invented export lists: what is read of each, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking; helper functions are not covered by clippy.toml"
)]

use comity_feeds::{FeedError, Format, InputFile, Snapshot, detect, us};
use comity_watchlist::{FileHash, NameKind, PartialDate, Prose, Record, Span, SubjectKind};

#[path = "leaves/cells.rs"]
mod cells;
#[path = "texts/mod.rs"]
mod texts;

const CSL: &str = include_str!("fixtures/us/csl.csv");
const DPL: &str = include_str!("fixtures/us/dpl.txt");

fn read(list: us::List, document: &str) -> Result<Snapshot, FeedError> {
    us::parse(list, &InputFile::of_bytes("f", FileHash::new([1; 32]), document.as_bytes()))
}

fn names(record: &Record) -> Vec<(&str, NameKind)> {
    record.names.iter().map(|name| (name.full.as_str(), name.kind)).collect()
}

fn keys(snapshot: &Snapshot) -> Vec<String> {
    snapshot.records.iter().map(|record| record.key.to_string()).collect()
}

#[test]
fn each_list_is_read_alone_out_of_the_screening_list() {
    for (list, expected) in [
        (us::List::DeniedPersons, vec!["us-bis-dpl RUPERT HENTZAU", "us-bis-dpl MOAT & SONS"]),
        (us::List::Entities, vec!["us-bis-el MOAT \"FERRY\" WORKS", "us-bis-el SAPT AND TARLENHEIM"]),
        (us::List::Unverified, vec!["us-bis-uvl ZENDA INN"]),
        (us::List::MilitaryEndUsers, vec!["us-bis-meu ROYAL GUARD OF RURITANIA"]),
        (us::List::Nonproliferation, vec!["us-state-isn BLACK MICHAEL"]),
        (us::List::Debarred, vec!["us-state-dtc ANTOINETTE DE MAUBAN"]),
    ] {
        let snapshot = read(list, CSL).unwrap();
        assert_eq!(
            (keys(&snapshot), snapshot.list.as_str()),
            (expected.iter().map(|key| (*key).to_owned()).collect(), list.id())
        );
        assert!(snapshot.records.iter().all(|record| record.kind == SubjectKind::Unknown(0)));
    }
}

#[test]
fn rows_of_one_name_are_one_record_and_a_row_that_stands_twice_is_rejected() {
    let snapshot = read(us::List::Entities, CSL).unwrap();
    let works = &snapshot.records[0];
    assert_eq!(
        names(works),
        [
            ("Moat \"Ferry\" Works", NameKind::Primary),
            ("Ferry Works", NameKind::Aka),
            // What could deceive a reader is kept as it is written.
            ("\u{202e}skroW yrreF", NameKind::Aka),
            ("Ferry\u{200b}Works", NameKind::Aka),
            ("MOAT \"FERRY\" WORKS", NameKind::Aka),
        ]
    );
    let addresses: Vec<&str> =
        works.addresses.iter().map(|address| address.verbatim.as_ref().unwrap().as_str()).collect();
    assert_eq!(addresses, ["3 Castle Bridge, Strelsau, RX", "Cellar 4, Zenda, RX", "Dock 5, Zenda, RX"]);
    assert_eq!(works.addresses[0].country.as_ref().unwrap().code.as_ref().unwrap().as_str(), "RX");
    let acts: Vec<&str> = works.legal.iter().map(|basis| basis.act.as_str()).collect();
    assert_eq!(acts, ["59 FR 1", "60 FR 2"]);
    let day = |year| Some(Span::On(PartialDate::day(year, 1, 1).unwrap()));
    assert_eq!(works.effective_on.as_ref().unwrap().span, day(1894));
    assert_eq!(works.legal[1].in_force.as_ref().unwrap().span, day(1895));
    // One requirement that both rows have, and two policies.
    assert_eq!(works.measures.len(), 3);
    let rejected: Vec<(u64, String, bool)> =
        snapshot.rejected.iter().map(|row| (row.line, row.reason.to_string(), row.may_hide_others)).collect();
    assert_eq!(rejected, [(14, "line 14 stands twice; the first, at line 7, is kept".to_owned(), false)]);
}

#[test]
fn the_denied_persons_have_the_same_keys_in_both_forms() {
    let (own, csl) =
        (read(us::List::DeniedPersons, DPL).unwrap(), read(us::List::DeniedPersons, CSL).unwrap());
    assert_eq!(keys(&own), keys(&csl));
    for snapshot in [&own, &csl] {
        let person = &snapshot.records[0];
        assert_eq!((person.addresses.len(), person.legal.len()), (2, 1));
        assert_eq!(
            person.effective_on.as_ref().unwrap().span,
            Some(Span::On(PartialDate::day(1893, 12, 24).unwrap()))
        );
        // There is no 30 February.
        let date = snapshot.records[1].effective_on.as_ref().unwrap();
        assert_eq!((date.span, date.verbatim.is_some()), (None, true));
    }
    let kept = |name: &str| own.records[1].source.extra(name).iter().map(Prose::as_str).collect::<Vec<_>>();
    assert_eq!((kept("Standard_Order"), kept("Expiration_Date")), (vec!["y"], vec!["12/31/1999"]));
    assert_eq!(kept("Effective_Date"), ["2/30/1894"]);
}

#[test]
fn every_cell_is_mapped_or_kept() {
    let counts: Vec<usize> =
        us::List::ALL.iter().map(|list| cells::csl(*list, CSL, &read(*list, CSL).unwrap())).collect();
    assert_eq!(counts, [26, 21, 4, 5, 7, 3]);
    assert_eq!(cells::dpl(DPL, &read(us::List::DeniedPersons, DPL).unwrap()), 29);
}

#[test]
fn another_order_of_rows_and_other_row_numbers_are_no_change() {
    let mut lines: Vec<&str> = CSL.split_inclusive('\n').collect();
    let end = lines.len();
    lines[1..3].reverse();
    lines[4..end - 2].sort_unstable_by_key(|line| line.len());
    let plain = read(us::List::DeniedPersons, CSL).unwrap();
    let turned = read(us::List::DeniedPersons, &CSL.replace("00000001,Denied", "ffffffff,Denied")).unwrap();
    for (old, new) in plain.records.iter().zip(&turned.records) {
        assert_eq!(Record::changed_paths(old, new), Vec::<String>::new());
    }
    let swapped = [lines[0], lines[1], lines[2], lines[3]].concat();
    let swapped = read(us::List::DeniedPersons, &swapped).unwrap();
    assert_eq!(swapped.records[0].addresses, plain.records[0].addresses);
}

#[test]
fn bad_rows_are_named_and_what_may_hide_another_is_said() {
    let rejected = |document: &str| {
        let rows = read(us::List::DeniedPersons, document).unwrap().rejected;
        rows.into_iter()
            .map(|row| (row.line, row.reason.to_string(), row.may_hide_others))
            .collect::<Vec<_>>()
    };
    let header = CSL.lines().next().unwrap();
    let one = |line, reason: &str, hides| vec![(line, reason.to_owned(), hides)];
    assert_eq!(rejected(CSL), []);
    let again = format!("{CSL}{header}\n");
    assert_eq!(rejected(&again), one(16, "header stands twice; the first, at line 1, is kept", false));
    assert_eq!(rejected(&format!("{CSL}1,2,3\n")), one(16, "row has 3 columns, its table has 29", true));
    let renamed = CSL.replace("Zenda Inn", "X").replace("Unverified List (UVL)", "Suspicious List (SL)");
    assert_eq!(rejected(&renamed), one(9, "source has a value that is not known", true));
    let nameless = CSL.replace("MOAT & SONS", "");
    assert_eq!(rejected(&nameless), one(4, "name is missing", true));
    let long = CSL.replace("MOAT & SONS", &"x".repeat(1 << 20));
    assert_eq!(
        rejected(&long),
        one(4, "name cannot stand in a record: text of 1048576 bytes is longer than 2000", true)
    );
    // A quote that is lost swallows what is behind it.
    let open = CSL.replace("3 Castle Bridge, Strelsau", "\"3 Castle Bridge");
    assert!(rejected(&open).iter().all(|(.., hides)| *hides) && !rejected(&open).is_empty());
}

#[test]
fn a_file_that_is_no_such_list_is_refused_with_its_reason() {
    let message = |list, document: &str| read(list, document).unwrap_err().to_string();
    let any = us::List::Entities;
    assert_eq!(message(any, ""), "f is empty");
    assert_eq!(message(any, "<!doctype html><p>503"), "f is a web page, not a list");
    assert_eq!(message(any, "<a/>"), "f is XML; this list is read from its tables as CSV");
    assert_eq!(message(any, "a,b\n1,2\n"), "f has rows of 2 columns that are no table of this list");
    assert_eq!(message(any, DPL), "f has rows of 12 columns that are no table of this list");
    assert_eq!(message(any, CSL.trim_end()), "f does not end with a line end and seems cut off");
    assert_eq!(message(any, CSL.lines().next().unwrap()), "f does not end with a line end and seems cut off");
    let header = format!("{}\n", CSL.lines().next().unwrap());
    assert_eq!(message(any, &header), "f holds no record that can be read");
    let doubled = CSL.replacen("entity_number", "source", 1);
    assert_eq!(message(any, &doubled), "f has rows of 29 columns that are no table of this list");
    let latin = us::parse(any, &InputFile::of_bytes("f", FileHash::new([1; 32]), b"_id,source\n\xe9"));
    assert_eq!(latin.unwrap_err().to_string(), "f is not UTF-8 at line 2");
    let nul = read(any, &CSL.replace("Sapt and", "Sapt\0and")).unwrap();
    assert_eq!(nul.rejected.len(), 2);
}

#[test]
fn a_byte_order_mark_and_other_line_ends_make_no_difference() {
    let plain = read(us::List::DeniedPersons, DPL).unwrap();
    let windows = format!("\u{feff}{}", DPL.replace('\n', "\r\n"));
    for other in [windows.as_str(), DPL.trim_end()] {
        assert_eq!(read(us::List::DeniedPersons, other).unwrap().records, plain.records);
    }
}

#[test]
fn names_that_share_a_long_beginning_have_keys_of_their_own() {
    let long = "x".repeat(300);
    let document = DPL.replace("MOAT & SONS", &format!("{long}a"));
    let last = document.lines().last().unwrap().replace(&format!("{long}a"), &format!("{long}b"));
    let snapshot = read(us::List::DeniedPersons, &format!("{document}{last}\n")).unwrap();
    assert_eq!(snapshot.records.len(), 3);
    assert!(snapshot.records.iter().all(|record| record.key.reference.as_str().len() <= 200));
}

#[test]
fn the_form_is_told_by_content() {
    assert_eq!(detect(CSL.as_bytes()), Some(Format::Us));
    assert_eq!(detect(DPL.as_bytes()), Some(Format::Us));
}
