//! OFSI's consolidated list in both layouts, and the UK sanctions list.

use comity_feeds::{Encoding, FeedError, Format, Snapshot, detect, uk};
use comity_watchlist::{
    FactKind, IdKind, LinkTarget, NameKind, NameQuality, PartialDate, Record, Relation, SubjectKind, Text,
};

use crate::leaves::Row;
use crate::{file, kept, leaves, names, record, rejected, shared, windows_1252};

const OLD: &str = include_str!("../fixtures/uk-conlist-old.csv");
const NEW: &str = include_str!("../fixtures/uk-conlist.csv");
const SANCTIONS: &str = include_str!("../fixtures/uk-sl.csv");

fn parse(table: &str) -> Result<Snapshot, FeedError> {
    uk::parse(&file("uk.csv", table.as_bytes()))
}

/// The rows of a table below its line of names, read without the parser under test.
fn cells(table: &str, reference: &str) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).from_reader(table.as_bytes());
    let mut rows: Vec<Vec<String>> =
        reader.into_records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    let head = rows.remove(1);
    rows.remove(0);
    let at = head.iter().position(|name| name == reference).unwrap();
    let rows = rows.into_iter().zip(3..).filter(|(row, _)| row.len() == head.len());
    rows.map(|(row, line)| Row {
        line,
        reference: row[at].trim().to_owned(),
        cells: head.iter().cloned().zip(row).collect(),
    })
    .collect()
}

/// Codes, days as the record writes them, lines of an address, and what a cell has under several numbers.
fn coded(column: &str, value: &str, found: &[String]) -> bool {
    let has = |text: &str| found.iter().any(|found| found == text);
    let within = |text: &str| found.iter().any(|found| found.contains(text));
    match column {
        "Group Type" | "Designation Type" => matches!(value, "Individual" | "Entity" | "Ship"),
        "Alias Type" | "Name type" => {
            matches!(value, "Prime Alias" | "AKA" | "FKA" | "Primary name" | "Primary Name" | "Alias")
        }
        "Alias Quality" | "Alias strength" => matches!(value, "Low" | "Low quality a.k.a"),
        "Gender" => value == "Male",
        "DOB" | "D.O.B" | "Listed On" | "Last Updated" | "Date Designated" => has(&iso(value)),
        address if address.starts_with("Address ") => within(value),
        "Sanctions Imposed" => value.split('|').all(has),
        _ => {
            // Without the numbers or letters under which one cell has several values.
            let mut pieces = vec![value];
            for mark in ('1'..='9').chain('a'..='i') {
                let marks = [format!("({mark}) "), format!("{mark}) ")];
                let split = |piece: &'_ str| marks.iter().find(|mark| piece.contains(mark.as_str())).cloned();
                pieces = pieces
                    .into_iter()
                    .flat_map(|piece| match split(piece) {
                        Some(mark) => {
                            piece.split_once(&mark).map_or(vec![piece], |(one, two)| vec![one, two])
                        }
                        None => vec![piece],
                    })
                    .collect();
            }
            pieces.len() > 1 && pieces.iter().map(|piece| piece.trim()).all(within)
        }
    }
}

fn iso(day: &str) -> String {
    let parts: Vec<&str> = day.split('/').rev().filter(|part| !matches!(*part, "00" | "dd" | "mm")).collect();
    parts.join("-")
}

#[test]
fn rows_of_one_group_become_one_record_and_bad_rows_are_named() {
    let snapshot = parse(OLD).unwrap();
    assert_eq!((snapshot.list.as_str(), snapshot.published.as_deref()), ("uk-ofsi", Some("13/01/2026")));
    assert_eq!(
        rejected(&snapshot),
        [
            "8 Group ID is missing",
            "9 Group Type has a value that is not known",
            "10 kind has a value that is not known",
            "11 row has 2 columns, its table has 29",
            "13 Name 6 is missing",
        ]
    );
    assert_eq!((snapshot.records.len(), snapshot.rows), (3, 11));
    let person = record(&snapshot, "101");
    assert_eq!(person.kind, SubjectKind::Person);
    assert_eq!(names(person), ["Rupert of HENTZAU", "Ruprecht von HENTZAU", "THE COUNT"]);
    let kinds: Vec<NameKind> = person.names.iter().map(|name| name.kind).collect();
    assert_eq!(kinds, [NameKind::Primary, NameKind::Aka, NameKind::Fka]);
    let dates: Vec<_> = person.facts.iter().map(|fact| fact.date.clone()).collect();
    assert_eq!(dates[0], PartialDate::day(1963, 4, 5).unwrap().into());
    assert_eq!(dates[1], PartialDate::month(1963, 4).unwrap().into());
    assert_eq!(dates[2].verbatim.as_ref().unwrap().as_str(), "30/02/1960");
    let ties: Vec<&str> = person.ties.iter().map(|tie| tie.country.name.as_str()).collect();
    assert_eq!(ties, ["Ruritania", "Zenda"]);
    let ids: Vec<_> = person.identifiers.iter().map(|id| (id.kind, id.value.as_str())).collect();
    assert_eq!(
        ids,
        [
            (IdKind::NationalId, "0000123"),
            (IdKind::Passport, "R0000017"),
            (IdKind::Passport, "said to be lost"),
        ]
    );
    assert_eq!(person.addresses.len(), 2);
    assert_eq!(person.addresses[0].street.as_ref().unwrap().as_str(), "1 Castle Bridge, Old Town");
    assert_eq!(person.programmes.len(), 2);
    assert_eq!(person.listed_on, Some(PartialDate::day(2010, 4, 14).unwrap().into()), "the earliest");
    assert_eq!(
        kept(person, uk::LISTED_ON),
        ["24/06/2011 (Ruritania (sovereignty))", "14/04/2010 (Zenda (moats))"]
    );
    let company = record(&snapshot, "102");
    assert_eq!(names(company), ["MOAT AND SONS LTDA.", "MOAT A SONS"]);
    assert_eq!(kept(company, "Alias Type"), ["Trading Name"]);
    assert!(kept(company, uk::LISTED_ON).is_empty(), "one day of one regime stands in the record");
    assert_eq!(names(record(&snapshot, "104")), ["Rup\u{202e}ert\u{200b} X"]);
    assert_eq!(record(&snapshot, "104").facts[0].date.verbatim.as_ref().unwrap().as_str(), "00/00/0000");
}

#[test]
fn the_later_layout_has_scripts_qualities_and_ships() {
    let snapshot = parse(NEW).unwrap();
    assert_eq!((snapshot.list.as_str(), snapshot.rejected.len()), ("uk-ofsi", 0));
    let person = record(&snapshot, "101");
    assert_eq!(names(person), ["Ruprecht HENTZAU", "Рупрехт ГЕНЦАУ", "THE COUNT", "Rupert HENTZAU"]);
    assert_eq!(person.names[1].script.as_ref().unwrap().as_str(), "Cyrl");
    assert_eq!(person.names[1].note.as_ref().unwrap().as_str(), "Cyrillic, Ruritanian");
    assert_eq!(person.names[2].quality, Some(NameQuality::Weak));
    assert_eq!(kept(person, "Alias Type"), ["Primary name variation"]);
    assert_eq!(kept(person, "Alias Quality"), ["Fair"]);
    assert_eq!(kept(person, "Passport Details"), ["Issued 1997"]);
    assert_eq!(person.identifiers[1].value.as_str(), "0000123-4");
    assert_eq!(kept(person, "UK Sanctions List Date Designated"), ["25/06/2011"]);
    assert_eq!(record(&snapshot, "102").kind, SubjectKind::Vessel);
}

#[test]
fn the_uk_sanctions_list_is_another_list_with_measures_ships_and_links() {
    let snapshot = parse(SANCTIONS).unwrap();
    assert_eq!((snapshot.list.as_str(), snapshot.published.as_deref()), ("uk-sl", Some("14-Jan-2026")));
    assert_eq!((snapshot.records.len(), snapshot.rejected.len()), (3, 0));
    let person = record(&snapshot, "RUR0001");
    assert_eq!(names(person), ["Ruprecht HENTZAU", "Рупрехт ГЕНЦАУ", "THE COUNT"]);
    assert_eq!(person.source.row_id.as_ref().map(Text::as_str), Some("101"));
    let measures: Vec<&str> = person.measures.iter().map(|measure| measure.text.as_str()).collect();
    assert_eq!(measures, ["Asset freeze", "Travel Ban"]);
    assert_eq!(person.reasons_public.len(), 2);
    assert_eq!(person.facts[0].date, PartialDate::year(1963).unwrap().into());
    let kinds: Vec<IdKind> = person.identifiers.iter().map(|id| id.kind).collect();
    assert_eq!(
        kinds,
        [
            IdKind::Passport,
            IdKind::NationalId,
            IdKind::CaseFile,
            IdKind::Phone,
            IdKind::Website,
            IdKind::Email
        ]
    );
    let company = record(&snapshot, "RUR0002");
    let links: Vec<_> = company.links.iter().map(|link| (link.relation, &link.target)).collect();
    let named = |name: &str| LinkTarget::Named(Text::new(name).unwrap());
    assert_eq!(
        links,
        [(Relation::Owns, &named("Bridge and Sons")), (Relation::OwnedBy, &named("Castle Holding"))]
    );
    let ship = record(&snapshot, "RUR0003");
    let vessel = ship.vessel.as_ref().unwrap();
    assert_eq!((vessel.types[0].as_str(), vessel.tonnage.as_ref().unwrap().as_str()), ("Tug", "318"));
    assert_eq!(ship.facts[0].kind, FactKind::Built);
    assert_eq!((ship.identifiers[0].kind, ship.identifiers[0].value.as_str()), (IdKind::Imo, "0000017"));
    assert_eq!(kept(ship, "Length of ship"), ["30"]);
}

#[test]
fn every_leaf_value_of_the_invented_tables_is_mapped_or_kept() {
    for (table, reference, least) in
        [(OLD, "Group ID", 90), (NEW, "Group ID", 60), (SANCTIONS, "Unique ID", 90)]
    {
        let snapshot = parse(table).unwrap();
        let values = leaves::check_rows(&cells(table, reference), &snapshot, coded);
        assert!(values > least, "{values}");
    }
}

#[test]
fn tables_that_are_cut_off_foreign_or_broken_are_refused_or_named() {
    assert!(matches!(parse(OLD.trim_end()), Err(FeedError::CutOff { .. })));
    assert!(matches!(parse("<a/>\n"), Err(FeedError::NoTable { .. })));
    assert!(matches!(parse("<!DOCTYPE html>\n"), Err(FeedError::WebPage { .. })));
    assert!(matches!(parse(""), Err(FeedError::Empty { .. })));
    for other in ["Title,DOB", "Group ID,DOB"] {
        // A column lost, or one named twice.
        let table = NEW.replace("Group Type", other.split_once(',').unwrap().0);
        assert!(matches!(parse(&table), Err(FeedError::UnknownColumns { columns: 36, .. })));
    }
    let wide = ["Group ID,Group Type,Name 1,Name 6", &",x".repeat(500_000), "\n"].concat();
    assert!(matches!(parse(&wide), Err(FeedError::UnknownColumns { .. })));
    let imposed: String = (0..300).map(|at| format!("{at}|")).collect::<Vec<_>>().concat();
    let row = SANCTIONS.lines().nth(4).unwrap();
    let more: Vec<String> = (0..12)
        .map(|at| row.replace("Asset freeze", &imposed.replace('|', &format!("-{at}|"))) + "\r\n")
        .collect();
    let snapshot = parse(&[SANCTIONS, &more.concat()].concat()).unwrap();
    assert!(rejected(&snapshot)[0].contains("field values has"), "{:?}", rejected(&snapshot));
    let broken = OLD.replace("MOAT AND SONS LTDA.", "\"MOAT AND SONS LTDA.");
    let snapshot = parse(&broken).unwrap();
    assert_eq!(rejected(&snapshot)[0], "6 a cell of the row does not end on its line");
    assert!(snapshot.rejected[0].may_hide_others);
    let nul = parse(&NEW.replace("THE COUNT", "THE \0 COUNT")).unwrap();
    assert_eq!(
        rejected(&nul),
        ["4 Name 6 cannot stand in a record: text holds a control character at byte 4"]
    );
    let long = parse(&NEW.replace("THE COUNT", &"x".repeat(1 << 20))).unwrap();
    assert!(rejected(&long)[0].starts_with("4 Name 6 cannot stand in a record"), "{:?}", rejected(&long));
    assert_eq!(record(&long, "101").names.len(), 3, "the rest of the group is read");
}

#[test]
fn the_format_is_told_by_content() {
    for table in [OLD, NEW, SANCTIONS] {
        assert_eq!(detect(table.as_bytes()), Some(Format::Uk));
    }
    assert_eq!(detect(b"Last Updated,1/1/2026\nName,Date\n"), None);
}

#[test]
fn the_real_list_of_2018_is_read_whole() {
    let Some(bytes) = shared("uk/conlist-2018-04-13.csv") else { return };
    let snapshot = uk::parse(&file("uk.csv", &bytes)).unwrap();
    assert_eq!(snapshot.files[0].encoding, Encoding::Windows1252);
    assert_eq!(snapshot.published.as_deref(), Some("13/04/2018"));
    assert_eq!(snapshot.rejected, []);
    // Counted by another program: rows, groups, and what is distinct within a group.
    assert_eq!((snapshot.records.len(), snapshot.rows), (2_106, 9_487));
    let of = |kind| snapshot.records.iter().filter(|record| record.kind == kind).count();
    assert_eq!((of(SubjectKind::Person), of(SubjectKind::Organisation)), (1_426, 680));
    let count = |f: fn(&Record) -> usize| snapshot.records.iter().map(f).sum::<usize>();
    assert_eq!((count(|r| r.names.len()), count(|r| r.facts.len())), (5_553, 1_478));
    assert_eq!((count(|r| r.addresses.len()), count(|r| r.titles.len())), (1_159, 376));
    assert_eq!(count(|r| usize::from(kept(r, uk::LISTED_ON).len() > 1)), 6);
    let primary = |r: &Record| r.names.iter().filter(|name| name.kind == NameKind::Primary).count();
    assert!(snapshot.records.iter().all(|r| primary(r) == 1 && r.names[0].kind == NameKind::Primary));
    let values = leaves::check_rows(&cells(&windows_1252(&bytes), "Group ID"), &snapshot, coded);
    eprintln!("UK 2018: {values} leaf values found");
    assert!(values > 90_000);
}

#[test]
fn the_real_excerpt_of_2020_is_read_whole() {
    let Some(bytes) = shared("uk/conlist-sample-2020-04-27.csv") else { return };
    let snapshot = uk::parse(&file("uk.csv", &bytes)).unwrap();
    assert_eq!(snapshot.rejected, []);
    assert_eq!((snapshot.records.len(), snapshot.rows), (6, 23));
    let scripts =
        snapshot.records.iter().flat_map(|r| &r.names).filter(|name| {
            name.script.as_ref().is_some_and(|script| matches!(script.as_str(), "Arab" | "Cyrl"))
        });
    assert_eq!(scripts.count(), 3);
    let values =
        leaves::check_rows(&cells(std::str::from_utf8(&bytes).unwrap(), "Group ID"), &snapshot, coded);
    eprintln!("UK 2020: {values} leaf values found");
    assert!(values > 200);
}
