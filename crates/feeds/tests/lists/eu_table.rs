//! The EU's list as a table.

use comity_feeds::{Encoding, FeedError, Format, Snapshot, detect, eu};
use comity_watchlist::{IdKind, NameKind, PartialDate, SubjectKind};

use crate::leaves::Row;
use crate::{file, kept, leaves, names, record, rejected, shared, windows_1252};

const TABLE: &str = include_str!("../fixtures/eu.csv");

fn parse(table: &str) -> Result<Snapshot, FeedError> {
    eu::parse(&file("eu.csv", table.as_bytes()))
}

/// The kinds and genders that are mapped, the mark of no date, and the day of the publication.
fn coded(column: &str, value: &str, _: &[String]) -> bool {
    match column {
        "Date_file" | "Date_filexxxx" => true,
        "Subject_type" => matches!(value, "P" | "E"),
        "Naal_gender" => matches!(value, "M" | "F"),
        "Birt_date" => value == "N/A",
        _ => false,
    }
}

/// The rows of a table, read without the parser under test; `wrapped` if each stands in one cell.
fn cells(table: &str, wrapped: bool) -> Vec<Row> {
    let read = |text: &str| -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true).delimiter(b';').from_reader(text.as_bytes());
        reader.into_records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    };
    let mut rows = read(table.trim_start_matches('\u{feff}'));
    if wrapped {
        rows = rows.iter().flat_map(|row| read(row[0].trim_end_matches('\t'))).collect();
    }
    let head = rows.remove(0);
    let named = |row: Vec<String>| head.iter().cloned().zip(row).collect::<Vec<_>>();
    let rows = rows.into_iter().zip(2..).filter(|(row, _)| row.len() == head.len());
    let reference = |row: &[String]| row.last().unwrap().trim().to_owned();
    rows.map(|(row, line)| Row { line, reference: reference(&row), cells: named(row) }).collect()
}

#[test]
fn rows_of_one_subject_become_one_record_and_bad_rows_are_named() {
    let snapshot = parse(TABLE).unwrap();
    assert_eq!((snapshot.list.as_str(), snapshot.published.as_deref()), ("eu-fsf", Some("01/01/2026")));
    assert_eq!(
        rejected(&snapshot),
        [
            "14 Subject_type has a value that is not known",
            "15 EU_ref_num is missing",
            "17 row has 3 columns, its table has 59",
            "18 kind has a value that is not known",
            "16 Naal_wholename is missing",
        ]
    );
    assert_eq!((snapshot.records.len(), snapshot.rows), (2, 17));
    let hiding: Vec<bool> = snapshot.rejected.iter().map(|row| row.may_hide_others).collect();
    assert_eq!(hiding, [false, true, true, false, false]);
    let person = record(&snapshot, "EU.1.11");
    assert_eq!(
        names(person),
        [
            "Ruprecht von HENTZAU",
            "the \"Count\"; of the bridge",
            "Рупрехт ГЕНЦАУ",
            "Rup\u{202e}ert\u{200b} X"
        ]
    );
    let kinds: Vec<NameKind> = person.names.iter().map(|name| name.kind).collect();
    assert_eq!(kinds, [NameKind::Primary, NameKind::Aka, NameKind::Aka, NameKind::Aka]);
    assert_eq!((person.positions.len(), person.legal.len(), person.programmes.len()), (1, 2, 1));
    assert_eq!(person.facts[0].date, PartialDate::day(1963, 4, 5).unwrap().into());
    assert_eq!(person.facts[1].date.verbatim.as_ref().unwrap().as_str(), "1960-02-30");
    assert_eq!((person.facts.len(), person.places.len()), (2, 2), "N/A is no date and - no place");
    let ids: Vec<_> = person.identifiers.iter().map(|id| (id.kind, id.value.as_str())).collect();
    assert_eq!(
        ids,
        [
            (IdKind::Phone, "555 01 02"),
            (IdKind::Fax, "555 01 03"),
            (IdKind::Passport, "R 0000017"),
            (IdKind::Other, "a seal ring"),
        ]
    );
    assert_eq!(person.addresses[0].street.as_ref().unwrap().as_str(), "1 Castle Bridge");
    let company = record(&snapshot, "EU.2.22");
    assert_eq!(company.kind, SubjectKind::Organisation);
    assert_eq!(kept(company, "Naal_Entity_logical_id"), ["23"], "another number than the subject's is kept");
}

#[test]
fn every_leaf_value_of_the_invented_table_is_mapped_or_kept() {
    let snapshot = parse(TABLE).unwrap();
    let rows = cells(TABLE, false);
    // The street is joined of two columns, and what is left out as a record is left out here.
    let also = |column: &str, value: &str, found: &[String]| {
        coded(column, value, found)
            || (column == "Addr_number" && found.contains(&format!("{value} Castle Bridge")))
    };
    assert!(leaves::check_rows(&rows, &snapshot, also) > 150);
}

#[test]
fn a_copy_saved_by_a_spreadsheet_gives_the_same_records() {
    let quoted = TABLE.trim_start_matches('\u{feff}').lines();
    let wrapped: String =
        quoted.map(|line| ["\"", &line.replace('"', "\"\""), "\t\t\t\"\n"].concat()).collect();
    let (plain, wrapped) = (parse(TABLE).unwrap(), parse(&wrapped).unwrap());
    assert_eq!(wrapped.records, plain.records);
    let latin: Vec<u8> = TABLE
        .replace("Castle", "Ch\u{e2}teau")
        .chars()
        .map(|c| if c == '\u{e2}' { 0xe2 } else { u8::try_from(c).unwrap_or(b'?') })
        .collect();
    let read = eu::parse(&file("eu.csv", latin.strip_prefix(b"?").unwrap())).unwrap();
    assert_eq!(read.files[0].encoding, Encoding::Windows1252);
    let street = record(&read, "EU.1.11").addresses[0].street.clone().unwrap();
    assert_eq!(street.as_str(), "1 Ch\u{e2}teau Bridge");
}

#[test]
fn tables_that_are_cut_off_foreign_or_broken_are_refused_or_named() {
    assert!(matches!(parse(TABLE.trim_end()), Err(FeedError::CutOff { .. })));
    let other = TABLE.replace("Naal_wholename", "Naal_name");
    assert!(matches!(parse(&other), Err(FeedError::UnknownColumns { columns: 59, .. })));
    assert!(matches!(parse("a;b\n"), Err(FeedError::UnknownColumns { columns: 2, .. })));
    let head = TABLE.lines().next().unwrap();
    assert!(matches!(parse(&format!("{head}\n")), Err(FeedError::NoRecords { .. })));
    // A quote that is never closed swallows what is behind it: one row, and no absence is certain.
    let broken = TABLE.replace("MOAT AND SONS LTDA.", "\"MOAT AND SONS LTDA.");
    let snapshot = parse(&broken).unwrap();
    assert_eq!(rejected(&snapshot), ["12 a cell of the row does not end on its line"]);
    assert!(snapshot.rejected[0].may_hide_others);
    assert_eq!(snapshot.records.len(), 1);
    let nul = parse(&TABLE.replace("the \"\"Count", "the \0 \"\"Count")).unwrap();
    assert!(
        rejected(&nul)[0].starts_with("3 Naal_wholename cannot stand in a record"),
        "{:?}",
        rejected(&nul)
    );
    let long = parse(&TABLE.replace("MOAT AND SONS LTDA.", &"x".repeat(1 << 20))).unwrap();
    assert!(rejected(&long)[0].starts_with("12 Naal_wholename cannot stand"), "{:?}", rejected(&long)[0]);
    // One subject of more rows than a record may have lines.
    let row = TABLE.lines().nth(11).unwrap();
    let many = format!("{head}\n{}", format!("{row}\n").repeat(1_002));
    let snapshot = parse(&many).unwrap();
    assert_eq!((snapshot.records.len(), snapshot.rejected.len(), snapshot.rows), (1, 2, 1_002));
}

#[test]
fn the_table_is_told_by_content() {
    assert_eq!(detect(TABLE.as_bytes()), Some(Format::Eu));
    assert_eq!(detect(b"\"Date_filexxxx;Entity_logical_id;Subject_type\t\t\"\n"), Some(Format::Eu));
}

#[test]
fn the_real_table_of_2018_is_read_whole() {
    let Some(bytes) = shared("eu/fsf-csv-short-2018-07-04.csv") else { return };
    let snapshot = eu::parse(&file("eu.csv", &bytes)).unwrap();
    assert_eq!(snapshot.files[0].encoding, Encoding::Windows1252);
    assert_eq!(snapshot.published.as_deref(), Some("04/07/2018"));
    assert_eq!(snapshot.rejected, []);
    // Counted by another program: rows of each part, and references.
    assert_eq!((snapshot.records.len(), snapshot.rows), (93, 999));
    let count = |f: fn(&comity_watchlist::Record) -> usize| snapshot.records.iter().map(f).sum::<usize>();
    assert_eq!((count(|r| r.names.len()), count(|r| r.addresses.len())), (799, 37));
    assert_eq!(count(|r| r.facts.len()), 11, "of 95 births 80 have no date, and 4 the date of another");
    assert_eq!(count(|r| r.identifiers.iter().filter(|id| id.note.is_some()).count()), 9, "documents");
    assert_eq!(count(|r| r.identifiers.iter().filter(|id| id.kind == IdKind::Phone).count()), 5);
    let rows = cells(&windows_1252(&bytes), true);
    assert_eq!(rows.len(), 999);
    let values = leaves::check_rows(&rows, &snapshot, coded);
    eprintln!("EU 2018: {values} leaf values found");
    assert!(values > 15_000);
}
