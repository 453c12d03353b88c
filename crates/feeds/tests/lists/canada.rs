//! Canada's consolidated autonomous sanctions list.

use comity_feeds::{FeedError, Format, Snapshot, XmlFault, canada, detect};
use comity_watchlist::{FactKind, IdKind, NameKind, PartialDate, Record, Span, SubjectKind};

use crate::{file, kept, leaves, names, record, rejected, shared};

const LIST: &str = include_str!("../fixtures/canada.xml");

fn parse(document: &str) -> Result<Snapshot, FeedError> {
    canada::parse(&file("canada.xml", document.as_bytes()))
}

#[test]
fn bad_records_are_named_with_line_and_reason_and_the_rest_is_read() {
    let snapshot = parse(LIST).unwrap();
    assert_eq!((snapshot.list.as_str(), snapshot.published.as_deref()), ("ca-sema", None));
    assert_eq!(
        rejected(&snapshot),
        [
            "54 Zenda, item 7 stands twice; the first, at line 34, is kept",
            "59 Item is missing",
            "63 EntityOrShip has a value that is not known",
            "69 LastName is missing",
        ]
    );
    assert_eq!((snapshot.records.len(), snapshot.rows), (6, 10));
    let references: Vec<&str> = snapshot.records.iter().map(|record| record.key.reference.as_str()).collect();
    assert_eq!(references[0], "Ruritania, schedule 1, Part 1, item 1");
    assert_eq!(references[3], "Zenda, item 7");
}

#[test]
fn persons_companies_and_ships_are_told_apart_and_read_in_full() {
    let snapshot = parse(LIST).unwrap();
    let person = &snapshot.records[0];
    assert_eq!(person.kind, SubjectKind::Person);
    assert_eq!(names(person), ["Ruprecht von HENTZAU", "Rupert of Hentzau", "Руперт Генцау", "the Count"]);
    assert_eq!((person.names[0].kind, person.names[1].kind), (NameKind::Primary, NameKind::Aka));
    assert_eq!(person.names[2].note.as_ref().unwrap().as_str(), "Russian");
    assert_eq!(person.names[2].script.as_ref().unwrap().as_str(), "Cyrl");
    assert_eq!(kept(person, canada::ALIASES), ["Rupert of Hentzau, Russian: Руперт Генцау; the Count,"]);
    assert_eq!(person.titles[0].as_str(), "Count");
    assert_eq!(person.programmes[0].as_str(), "Ruritania / Ruritanie");
    let company = &snapshot.records[1];
    assert_eq!(company.kind, SubjectKind::Organisation);
    assert_eq!(names(company), ["Moat & Sons, Ltda.", "Bridge & Sons, Ltda.", "Castle Holding, Inc."]);
    let ship = &snapshot.records[2];
    assert_eq!((ship.kind, ship.facts[0].kind), (SubjectKind::Vessel, FactKind::Built));
    assert_eq!((ship.identifiers[0].kind, ship.identifiers[0].value.as_str()), (IdKind::Imo, "0000017"));
    assert_eq!(ship.vessel.as_ref().unwrap().types[0].as_str(), "Oil Tanker");
    assert_eq!(kept(ship, "Remark"), ["painted green"]);
    let range = &record(&snapshot, "Zenda, item 7").facts[0].date;
    let year = |year| PartialDate::year(year).unwrap();
    assert_eq!(range.span, Some(Span::Between(year(1963), year(1964))));
    let listed = record(&snapshot, "Zenda, item 7").listed_on.clone().unwrap();
    assert_eq!((listed.span, listed.verbatim.unwrap().as_str()), (None, "2020-02-30"));
    let unseen = record(&snapshot, "Zenda, item 8");
    assert_eq!(names(unseen), ["Rup\u{202e}ert\u{200b}"]);
    assert_eq!(unseen.facts[0].date.verbatim.as_ref().unwrap().as_str(), "0000-00-00");
    assert_eq!(record(&snapshot, "Zenda, item 9").facts[0].kind, FactKind::Founded);
}

#[test]
fn every_leaf_value_of_the_invented_list_is_mapped_or_kept() {
    let values = leaves::check(&leaves::of(LIST, 1), &parse(LIST).unwrap(), |_, _, _| false);
    assert!(values > 35, "{values}");
}

#[test]
fn hostile_and_foreign_documents_are_refused() {
    let fault = |document: &str| match parse(document).unwrap_err() {
        FeedError::Xml { source, .. } => source,
        other => panic!("{other}"),
    };
    assert_eq!(fault("<!DOCTYPE d [<!ENTITY a \"b\">]><data-set>&a;</data-set>"), XmlFault::Doctype);
    assert_eq!(fault(&LIST.replace("&amp;", "&moat;")), XmlFault::Entity);
    assert_eq!(fault(LIST.split("</data-set>").next().unwrap()), XmlFault::End);
    assert_eq!(fault(&format!("<data-set>{}", "<a>".repeat(1_000))), XmlFault::Depth { max: 32 });
    assert!(matches!(parse("<data/>"), Err(FeedError::OtherDocument { .. })));
    assert!(matches!(parse("<data-set/>"), Err(FeedError::NoRecords { .. })));
    assert!(matches!(parse("a,b\n"), Err(FeedError::NoXml { .. })));
    let long = parse(&LIST.replace("Tug of Zenda", &"x".repeat(100_000))).unwrap();
    assert!(
        rejected(&long)[0].starts_with("23 EntityOrShip cannot stand in a record"),
        "{:?}",
        rejected(&long)
    );
    let many = parse(&LIST.replace("Michael, Black", &"a,".repeat(400_000))).unwrap();
    assert_eq!(
        rejected(&many)[0],
        "34 record is beyond its limits: field names has 400001 items, more than 500"
    );
    assert_eq!(detect(LIST.as_bytes()), Some(Format::Canada));
    assert_eq!(detect(b"<data-set/>"), None);
}

#[test]
fn the_real_list_of_2025_is_read_whole() {
    let Some(bytes) = shared("other/canada-sema-2025.xml") else { return };
    let document = String::from_utf8(bytes).unwrap();
    let snapshot = parse(&document).unwrap();
    assert_eq!(snapshot.rejected, []);
    // Counted by another program.
    assert_eq!((snapshot.records.len(), snapshot.rows), (4_759, 4_759));
    let of = |kind| snapshot.records.iter().filter(|record| record.kind == kind).count();
    assert_eq!(
        (of(SubjectKind::Person), of(SubjectKind::Organisation), of(SubjectKind::Vessel)),
        (3_334, 1_316, 109)
    );
    let count = |f: fn(&Record) -> usize| snapshot.records.iter().map(f).sum::<usize>();
    assert_eq!(
        (count(|r| r.facts.len()), count(|r| r.identifiers.len()), count(|r| r.titles.len())),
        (1_825, 109, 63)
    );
    let unread = |r: &Record| r.facts.iter().filter(|fact| fact.date.span.is_none()).count();
    assert_eq!(count(unread), 5, "of six odd dates one is a range");
    assert_eq!(count(|r| usize::from(r.names.len() > 1)), 2_877);
    let values = leaves::check(&leaves::of(&document, 1), &snapshot, |_, _, _| false);
    eprintln!("Canada 2025: {values} leaf values found");
    assert!(values > 28_000);
}
