//! The real OFAC lists: every record is read, every value is mapped or kept, differences are exact.
//!
//! The lists are not part of this repository; where they are missing the tests say that they are skipped.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test fails by panicking, and says aloud what it skips"
)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use comity_feeds::{Current, Detail, Held, InputFile, Options, Refusal, Snapshot, diff, ofac};
use comity_watchlist::{
    CalendarDate, Checksum, EntryRef, FileHash, Handle, IdKind, Op, Record, RecordKey, SubjectKind,
};

mod texts;

fn folder(name: &str) -> Option<PathBuf> {
    let start = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found =
        start.ancestors().map(|dir| dir.join("../shared/data/ofac").join(name)).find(|dir| dir.is_dir());
    if found.is_none() {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "the shared data is required");
        eprintln!("skipped: no shared data");
    }
    found
}

fn read(dir: &Path, names: &[&str]) -> Vec<(String, Vec<u8>)> {
    names.iter().map(|name| ((*name).to_owned(), std::fs::read(dir.join(name)).unwrap())).collect()
}

fn parse(files: &[(String, Vec<u8>)]) -> Snapshot {
    let input = |(name, bytes): &'_ (String, Vec<u8>)| -> InputFile<'static> {
        InputFile::of_bytes(name.clone().leak(), FileHash::new([7; 32]), bytes.clone().leak())
    };
    let inputs: Vec<_> = files.iter().map(input).collect();
    ofac::parse(&inputs).unwrap()
}

const DAY: &str = "2022-01-31";

fn options(accept_removals: bool) -> Options {
    Options { accept_removals, today: CalendarDate::parse(DAY).unwrap() }
}

fn hold(records: &[Record]) -> Current<'_> {
    let mut current = Current::new();
    for (at, record) in records.iter().enumerate() {
        let at = u8::try_from(at % 251).unwrap();
        current.hold(Held { handle: Handle::new([at; 16]), last: EntryRef::new([at; 32]), record });
    }
    current
}

fn fresh() -> impl FnMut() -> Handle {
    let mut next = 0_u128;
    move || {
        next += 1;
        Handle::new(next.to_be_bytes())
    }
}

#[test]
fn every_row_of_january_2022_is_read_or_rejected_with_its_reason() {
    let Some(dir) = folder("sdn-2022-01") else { return };
    let snapshot = parse(&read(&dir, &["sdn.csv", "add.csv", "alt.csv"]));
    assert_eq!(snapshot.list.as_str(), "us-ofac-sdn");
    assert_eq!(snapshot.rows, 9_044 + 13_625 + 12_409);
    assert_eq!(snapshot.records.len(), 9_043);
    let rejected: Vec<String> =
        snapshot.rejected.iter().map(|row| format!("{}:{} {}", row.file, row.line, row.reason)).collect();
    assert_eq!(
        rejected,
        [
            "sdn.csv:9044 2677 stands twice; the first, at line 57, is kept",
            "add.csv:13625 34489 is not among the subjects",
        ]
    );
    let count = |f: fn(&Record) -> usize| snapshot.records.iter().map(f).sum::<usize>();
    let aliases = count(|record| record.names.iter().filter(|name| name.row.is_some()).count());
    assert_eq!(aliases, 12_409);
    assert_eq!(count(|record| record.addresses.len()), 13_624);
    let of = |kind| snapshot.records.iter().filter(|record| record.kind == kind).count();
    assert_eq!(of(SubjectKind::Person), 4_643);
    assert_eq!(of(SubjectKind::Vessel), 420);
    assert_eq!(of(SubjectKind::Aircraft), 280);
    assert_eq!(of(SubjectKind::Organisation), 3_700);
}

#[test]
fn the_first_of_two_rows_of_one_id_stands() {
    let Some(dir) = folder("sdn-2022-01") else { return };
    let snapshot = parse(&read(&dir, &["sdn.csv", "add.csv", "alt.csv"]));
    let of: Vec<&Record> =
        snapshot.records.iter().filter(|record| record.key.reference.as_str() == "2677").collect();
    assert_eq!(of.len(), 1);
    assert_eq!(of[0].kind, SubjectKind::Person);
    assert_eq!(of[0].names.len(), 6);
    assert_eq!(of[0].addresses.len(), 1);
}

#[test]
fn every_value_of_every_row_is_mapped_or_kept() {
    for (name, files) in [
        ("sdn-2021-04", &["sdn.csv", "add.csv", "alt.csv"][..]),
        ("sdn-2021-07", &["sdn.csv", "add.csv", "alt.csv", "sdn_comments.csv"][..]),
        ("sdn-2022-01", &["sdn.csv", "add.csv", "alt.csv"][..]),
        (".", &["cons_prim.csv", "cons_add.csv", "cons_alt.csv", "cons_comments.csv"][..]),
    ] {
        let Some(dir) = folder(name) else { return };
        let files = read(&dir, files);
        let snapshot = parse(&files);
        let (values, tokens, unread) = texts::walk(&files, &snapshot);
        let share = (tokens - unread) * 1_000 / tokens;
        eprintln!(
            "{name}: {values} values found, {}.{} % of {tokens} remark tokens understood",
            share / 10,
            share % 10
        );
        assert!(share >= 960, "{share}");
    }
}

#[test]
fn the_consolidated_list_is_told_by_its_programmes() {
    let Some(dir) = folder(".") else { return };
    let snapshot =
        parse(&read(&dir, &["cons_comments.csv", "cons_alt.csv", "cons_prim.csv", "cons_add.csv"]));
    assert_eq!(snapshot.list.as_str(), "us-ofac-cons");
    assert_eq!(snapshot.records.len(), 442);
    assert_eq!(snapshot.rejected, []);
}

#[test]
fn a_second_import_of_the_same_files_changes_nothing() {
    let Some(dir) = folder("sdn-2022-01") else { return };
    let files = read(&dir, &["sdn.csv", "add.csv", "alt.csv"]);
    let first = parse(&files);
    let difference = diff(&Current::new(), first.clone(), options(false), fresh()).unwrap();
    assert_eq!((difference.added.len(), difference.changes.len()), (9_043, 9_043));
    // Read back from the byte form, as a node holds them.
    let held: Vec<Record> = difference
        .changes
        .iter()
        .map(|change| {
            let sections = change.encode().unwrap();
            let read = comity_watchlist::Change::decode(&(&sections).into()).unwrap();
            assert_eq!(read.change, *change);
            match read.change.op {
                Op::List { record } => *record,
                other => panic!("a first import lists, it does not {}", other.word()),
            }
        })
        .collect();
    let mut again = first;
    for read in &mut again.files {
        read.file.sha256 = FileHash::new([8; 32]);
    }
    let second = diff(&hold(&held), again, options(false), fresh()).unwrap();
    assert_eq!(second.changes, []);
    assert_eq!(second.unchanged, 9_043);
}

#[test]
fn a_publication_that_removes_390_records_is_refused_until_that_is_accepted() {
    let Some(old_dir) = folder("sdn-2021-07") else { return };
    let Some(new_dir) = folder("sdn-2022-01") else { return };
    let old = parse(&read(&old_dir, &["sdn.csv", "add.csv", "alt.csv"]));
    let new = parse(&read(&new_dir, &["sdn.csv", "add.csv", "alt.csv"]));
    let current = hold(&old.records);
    let refused = diff(&current, new.clone(), options(false), fresh());
    assert_eq!(refused, Err(Refusal::Removals { removed: 390, held: 8_976 }));
    let difference = diff(&current, new, options(true), fresh()).unwrap();
    assert_eq!(difference.removed.len(), 390);
    assert_eq!(difference.added.len(), 457);
    assert_eq!((difference.amended.len(), difference.unchanged), (83, 8_503));
    assert_eq!(difference.changes.len(), 390 + 457 + difference.amended.len());
    assert_eq!(difference.amended.len() + difference.unchanged + 390, 8_976);
}

#[test]
fn real_publications_that_follow_each_other_lose_no_details_beyond_the_guard() {
    let tables = &["sdn.csv", "add.csv", "alt.csv"];
    let (Some(first), Some(second), Some(third)) =
        (folder("sdn-2021-04"), folder("sdn-2021-07"), folder("sdn-2022-01"))
    else {
        return;
    };
    let [first, second, third] = [first, second, third].map(|dir| parse(&read(&dir, tables)));
    for (old, new, amended) in [(first, second.clone(), 11), (second, third, 83)] {
        // Both end more records than the guard lets pass; what it says of the details of the others is asked here.
        let listed: HashSet<RecordKey> = new.records.iter().map(|record| record.key.clone()).collect();
        let staying: Vec<Record> =
            old.records.into_iter().filter(|record| listed.contains(&record.key)).collect();
        let difference = diff(&hold(&staying), new, options(false), fresh()).unwrap();
        assert_eq!((difference.removed.len(), difference.amended.len()), (0, amended));
    }
}

#[test]
fn half_of_the_real_aliases_or_the_subjects_alone_do_not_strip_the_records() {
    let Some(dir) = folder("sdn-2022-01") else { return };
    let mut files = read(&dir, &["sdn.csv", "add.csv", "alt.csv"]);
    let whole = parse(&files);
    let alone = parse(&files[..1]);
    let half = files[2].1.len() / 2;
    let line_end = half + files[2].1[half..].iter().position(|b| *b == b'\n').unwrap();
    files[2].1.truncate(line_end + 1);
    let halved = parse(&files);
    let current = hold(&whole.records);
    for broken in [halved, alone] {
        let refused = diff(&current, broken, options(false), fresh());
        assert!(
            matches!(refused, Err(Refusal::Details { detail: Detail::Aliases, .. })),
            "the aliases are missed"
        );
    }
}

#[test]
fn a_ships_number_of_a_company_is_its_own_and_gets_no_verdict() {
    let Some(dir) = folder("sdn-2022-01") else { return };
    let snapshot = parse(&read(&dir, &["sdn.csv", "add.csv", "alt.csv"]));
    let label = "Vessel Registration Identification IMO";
    let of = |record: &'_ Record| -> Vec<(IdKind, Option<Checksum>)> {
        let labelled =
            record.identifiers.iter().filter(|id| id.label.as_ref().is_some_and(|l| l.as_str() == label));
        labelled.map(|id| (id.kind, id.checksum)).collect()
    };
    let (ships, others): (Vec<_>, Vec<_>) =
        snapshot.records.iter().partition(|record| record.kind == SubjectKind::Vessel);
    let ships: Vec<_> = ships.into_iter().flat_map(of).collect();
    let others: Vec<_> = others.into_iter().flat_map(of).collect();
    let count = |verdict| ships.iter().filter(|id| **id == (IdKind::Imo, Some(verdict))).count();
    assert_eq!((ships.len(), count(Checksum::Valid), count(Checksum::Invalid)), (417, 416, 1));
    assert_eq!(others, [(IdKind::ImoCompany, None); 9]);
}
