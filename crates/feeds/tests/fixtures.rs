//! Small lists about invented subjects in the official formats: what is read of them, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking; helper functions are not covered by clippy.toml"
)]

#[path = "fixtures/differences.rs"]
mod differences;

use std::fmt::Write as _;

use comity_feeds::{
    Current, Detail, Difference, Encoding, FeedError, Format, Held, InputFile, Options, Refusal, Snapshot,
    XmlFault, detect, diff, format_of, losses, ofac, un,
};
use comity_watchlist::{
    CalendarDate, EntryRef, FileHash, Handle, IdKind, LinkTarget, NameKind, NameQuality, Op, Prose, Record,
    SubjectKind, Text,
};

const SDN: &[u8] = include_bytes!("fixtures/ofac-sdn.csv");
const ALT: &[u8] = include_bytes!("fixtures/ofac-alt.csv");
const ADD: &[u8] = include_bytes!("fixtures/ofac-add.csv");
const COMMENTS: &[u8] = include_bytes!("fixtures/ofac-comments.csv");
const UN: &str = include_str!("fixtures/un.xml");

fn file<'a>(name: &'a str, bytes: &'a [u8]) -> InputFile<'a> {
    InputFile::of_bytes(name, FileHash::new([1; 32]), bytes)
}

fn whole_ofac() -> Snapshot {
    ofac::parse(&[file("c", COMMENTS), file("b", ALT), file("d", ADD), file("a", SDN)]).unwrap()
}

fn record<'a>(snapshot: &'a Snapshot, reference: &str) -> &'a Record {
    snapshot.records.iter().find(|record| record.key.reference.as_str() == reference).unwrap()
}

fn parse_un(document: &str) -> Result<Snapshot, FeedError> {
    un::parse(&file("un.xml", document.as_bytes()))
}

#[test]
fn bad_rows_are_named_with_line_and_reason_and_the_rest_is_read() {
    let snapshot = whole_ofac();
    let rejected: Vec<String> =
        snapshot.rejected.iter().map(|row| format!("{}:{} {}", row.file, row.line, row.reason)).collect();
    assert_eq!(
        rejected,
        [
            "a:5 101 stands twice; the first, at line 1, is kept",
            "a:6 ent_num is not a number",
            "a:7 SDN_Name is missing",
            "a:8 row has 3 columns, its table has 12",
            "b:4 alt_type has a value that is not known",
            "b:5 999 is not among the subjects",
        ]
    );
    assert_eq!(snapshot.records.len(), 5);
    assert_eq!(snapshot.list.as_str(), "us-ofac-sdn");
    assert!(snapshot.files.iter().all(|read| read.encoding == Encoding::Utf8));
}

#[test]
fn a_person_of_ofac_is_read_in_full() {
    let snapshot = whole_ofac();
    let person = record(&snapshot, "101");
    assert_eq!(person.kind, SubjectKind::Person);
    let names: Vec<(&str, NameKind, Option<NameQuality>)> =
        person.names.iter().map(|name| (name.full.as_str(), name.kind, name.quality)).collect();
    let good = Some(NameQuality::Good);
    assert_eq!(
        names,
        [
            ("HENTZAU, Ruprecht", NameKind::Primary, good),
            ("RUPERT OF HENTZAU", NameKind::Fka, good),
            ("Рупрехт Генцау", NameKind::Aka, good),
            ("the Count", NameKind::Aka, Some(NameQuality::Weak)),
        ]
    );
    assert_eq!(person.names[0].parts[1].value.as_str(), "Ruprecht");
    assert_eq!(person.programmes.iter().map(Text::as_str).collect::<Vec<_>>(), ["ZENDA", "RUR-EO1"]);
    assert_eq!(person.titles.len(), 2);
    assert_eq!(person.facts.len(), 2);
    assert!(person.facts[1].date.circa);
    let ids: Vec<(IdKind, &str)> = person.identifiers.iter().map(|id| (id.kind, id.value.as_str())).collect();
    assert_eq!(ids, [(IdKind::Passport, "R 0000017"), (IdKind::Wallet, "1InventedAddressOfNobody")]);
    assert_eq!(person.identifiers[0].country.as_ref().unwrap().name.as_str(), "Ruritania");
    assert_eq!(person.measures[0].label.as_ref().unwrap().as_str(), "Secondary sanctions risk");
    let LinkTarget::Named(target) = &person.links[0].target else { panic!("a name is no key") };
    assert_eq!(target.as_str(), "MOAT AND SONS LTDA.");
    let unread = person.source.extra(ofac::REMARKS_UNREAD);
    assert_eq!(unread.iter().map(Prose::as_str).collect::<Vec<_>>(), ["fond of horses"]);
    assert_eq!(person.addresses[0].locality.as_ref().unwrap().as_str(), "Streslau, Province of Zenda 1894");
}

#[test]
fn a_column_that_joins_its_values_oddly_is_kept_as_it_is_written() {
    let row = |programmes: &str, titles: &str| {
        format!(
            "7,\"STRELSAU, Karl\",\"individual\",\"{programmes}\",\"{titles}\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n"
        )
    };
    for (programmes, titles, kept) in [
        ("ZENDA] [RUR-EO1", "Count; Keeper of the Moat", [None, None]),
        ("ZENDA", "Count ; Keeper of the Moat", [None, Some("Count ; Keeper of the Moat")]),
        ("ZENDA", "Count;  Keeper of the Moat", [None, Some("Count;  Keeper of the Moat")]),
        ("[ZENDA] [RUR-EO1]", "Count;", [Some("[ZENDA] [RUR-EO1]"), Some("Count;")]),
    ] {
        let list = row(programmes, titles);
        let snapshot = ofac::parse(&[file("sdn.csv", list.as_bytes())]).unwrap();
        let source = &record(&snapshot, "7").source;
        let found = [ofac::PROGRAM, ofac::TITLE].map(|name| source.extra(name).first().map(Prose::as_str));
        assert_eq!(found, kept, "{programmes} {titles}");
    }
}

#[test]
fn comments_go_on_where_the_remarks_were_cut() {
    let snapshot = whole_ofac();
    let company = record(&snapshot, "102");
    let remarks = company.source.extra(ofac::REMARKS)[0].as_str();
    assert!(remarks.contains("all offices worldwide; Registration Number C 68939"), "{remarks}");
    assert!(
        company
            .identifiers
            .iter()
            .any(|id| id.kind == IdKind::Registration && id.value.as_str() == "C 68939")
    );
}

#[test]
fn vessels_aircraft_and_dates_that_do_not_exist_are_kept() {
    let snapshot = whole_ofac();
    let ship = record(&snapshot, "103");
    let vessel = ship.vessel.as_ref().unwrap();
    assert_eq!(vessel.types[0].as_str(), "Tug");
    assert_eq!(vessel.former_flags[0].name.as_str(), "Strelsau");
    let kinds: Vec<IdKind> = ship.identifiers.iter().map(|id| id.kind).collect();
    assert_eq!(kinds, [IdKind::CallSign, IdKind::Imo, IdKind::Mmsi]);
    let balloon = record(&snapshot, "104");
    assert_eq!(balloon.aircraft.as_ref().unwrap().models[0].as_str(), "Balloon 3");
    let person = record(&snapshot, "107");
    assert_eq!(person.facts[0].date.span, None);
    assert_eq!(person.facts[0].date.verbatim.as_ref().unwrap().as_str(), "30 Feb 1960");
}

#[test]
fn latin_1_is_read_where_the_bytes_are_not_utf_8() {
    let row = b"7,\"Z\xe9ro\",-0- ,\"ZENDA\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n";
    let snapshot = ofac::parse(&[file("sdn.csv", row)]).unwrap();
    assert_eq!(snapshot.files[0].encoding, Encoding::Latin1);
    assert_eq!(snapshot.records[0].names[0].full.as_str(), "Zéro");
}

#[test]
fn a_file_that_is_no_list_is_refused_with_its_reason() {
    let ofac = |bytes: &[u8]| ofac::parse(&[file("f", bytes)]).unwrap_err().to_string();
    assert_eq!(ofac(b""), "f is empty");
    assert_eq!(ofac(b" \r\n\x1a"), "f is empty");
    assert_eq!(ofac(b"<!DOCTYPE html><html>503</html>"), "f is a web page, not a list");
    assert_eq!(ofac(UN.as_bytes()), "f is XML, but none of the documents of this list");
    let un = |bytes: &[u8]| un::parse(&file("f", bytes)).unwrap_err().to_string();
    for no_xml in [SDN, b"PK\x03\x04", b"\xff\xfe<\0?\0"] {
        assert_eq!(un(no_xml), "f is not XML, as which this list is read");
    }
    assert_eq!(ofac(b"a,b,c\nd,e,f\n"), "f has rows of 3 columns that are no table of this list");
    assert_eq!(ofac(ALT), "the table of subjects (12 columns) is not among the files");
    let subjects_missing = "the table of subjects (12 columns) is not among the files";
    assert_eq!(ofac(&b"1,\"open quote,-0- ,\n".repeat(9)), subjects_missing);
    let same = ofac::parse(&[file("f", SDN), file("g", SDN)]).unwrap_err().to_string();
    assert_eq!(same, "f and g are the same table");
    assert!(matches!(ofac::parse(&[]), Err(FeedError::FileCount { count: 0, max: 4 })));
    let mut mostly = SDN.split(|b| *b == b'\n').next().unwrap().to_vec();
    mostly.extend(b"\nx,y\nx,y\nx,y\n");
    assert_eq!(ofac(&mostly), "3 of 4 rows of f cannot be read");
}

#[test]
fn a_list_whose_only_record_is_beyond_a_limit_is_no_list() {
    let remarks = |count: usize| format!("fond of horses {}; ", "x".repeat(60)).repeat(count);
    let table = |count| {
        format!(
            "1,\"HENTZAU, Rupert\",\"individual\",\"ZENDA\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"{}\"\r\n",
            remarks(count)
        )
    };
    let read = |count| ofac::parse(&[file("sdn.csv", table(count).as_bytes())]);
    assert_eq!(read(1).unwrap().records.len(), 1);
    assert!(matches!(read(2_000), Err(FeedError::NoRecords { .. })), "{:?}", read(2_000));
}

#[test]
fn a_person_and_an_entity_of_the_un_are_read_in_full() {
    let snapshot = parse_un(UN).unwrap();
    assert_eq!(snapshot.published.as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(snapshot.rejected.len(), 1);
    assert_eq!(
        (snapshot.rejected[0].line, snapshot.rejected[0].reason.to_string()),
        (30, "REFERENCE_NUMBER is missing".to_owned())
    );
    let person = record(&snapshot, "RRi.001");
    let names: Vec<&str> = person.names.iter().map(|name| name.full.as_str()).collect();
    assert_eq!(names, ["RUPRECHT HENTZAU", "روبرت", "the Count", "Rupert"]);
    assert_eq!(person.names[1].script.as_ref().unwrap().as_str(), "Arab");
    assert!(person.names[2].is_weak());
    assert_eq!(person.reasons_public[0].as_str(), "Keeps a moat & a castle. Р");
    assert_eq!(person.positions.len(), 2);
    assert_eq!(person.facts[0].note.as_ref().unwrap().as_str(), "as Rupert");
    assert_eq!(person.identifiers.len(), 1);
    assert_eq!(person.source.row_id.as_ref().unwrap().as_str(), "1");
    let extra: Vec<(&str, &str)> =
        person.source.extra.iter().map(|extra| (extra.name.as_str(), extra.values[0].as_str())).collect();
    for kept in [
        ("VERSIONNUM", "3"),
        ("HEIGHT", "180"),
        ("HEIGHT@unit", "cm"),
        ("LIST_TYPE/VALUE", "UN List"),
        ("INDIVIDUAL_DOCUMENT/NOTE", "said to be lost"),
    ] {
        assert!(extra.contains(&kept), "{kept:?}");
    }
    let entity = record(&snapshot, "RRe.001");
    assert_eq!((entity.kind, entity.names[1].kind), (SubjectKind::Organisation, NameKind::Fka));
}

#[test]
fn hostile_xml_is_refused() {
    let fault = |document: &str| match parse_un(document).unwrap_err() {
        FeedError::Xml { source, .. } => source,
        other => panic!("{other}"),
    };
    let bomb =
        r#"<!DOCTYPE l [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><CONSOLIDATED_LIST>&c;</CONSOLIDATED_LIST>"#;
    assert_eq!(fault(bomb), XmlFault::Doctype);
    let external = r#"<!DOCTYPE l SYSTEM "file:///etc/passwd"><CONSOLIDATED_LIST/>"#;
    assert_eq!(fault(external), XmlFault::Doctype);
    assert_eq!(fault(&UN.replace("&amp;", "&moat;")), XmlFault::Entity);
    assert_eq!(fault(&UN.replace("UTF-8", "ISO-8859-1")), XmlFault::Encoding);
    assert!(matches!(
        fault(&UN.replace("</SORT_KEY>", "").replace("<SORT_KEY/>", "<SORT_KEY>")),
        XmlFault::Syntax(_)
    ));
    let deep = format!("<CONSOLIDATED_LIST>{}", "<a>".repeat(100_000));
    assert_eq!(fault(&deep), XmlFault::Depth { max: 32 });
    let wide = UN.replace("<SORT_KEY/>", &"<SORT_KEY/>".repeat(30_000));
    assert!(matches!(fault(&wide), XmlFault::Size { unit: "elements", .. }));
    let long = UN.replace("Keeps", &"x".repeat(2 << 20));
    assert!(matches!(fault(&long), XmlFault::Size { unit: "bytes", .. }));
    let attributes: String = (0..10_000).map(|at| ["a", &at.to_string(), "='1' "].concat()).collect();
    let many = UN.replace("<SORT_KEY/>", &["<SORT_KEY ", &attributes, "/>"].concat());
    assert!(matches!(fault(&many), XmlFault::Size { unit: "attributes of an element", .. }));
    assert_eq!(fault(UN.split("</INDIVIDUALS>").next().unwrap()), XmlFault::End);
}

#[test]
fn wrong_bytes_and_other_documents_are_refused() {
    let mut latin = UN.as_bytes().to_vec();
    let at = UN.find("Keeps").unwrap();
    latin[at] = 0xe9;
    let error = un::parse(&file("un.xml", &latin)).unwrap_err();
    assert_eq!(error.to_string(), "un.xml is not UTF-8 at line 13");
    let error = parse_un(&UN.replace("Keeps", "\u{19}")).unwrap_err();
    assert_eq!(error.to_string(), "un.xml holds a forbidden control character at line 13");
    assert!(matches!(parse_un("<other/>"), Err(FeedError::OtherDocument { .. })));
    assert!(matches!(parse_un("<CONSOLIDATED_LIST/>"), Err(FeedError::NoRecords { .. })));
    assert!(matches!(parse_un(""), Err(FeedError::Empty { .. })));
    assert!(matches!(parse_un("<html></html>"), Err(FeedError::WebPage { .. })));
}

#[test]
fn the_format_is_told_by_content() {
    assert_eq!(detect(SDN), Some(Format::Ofac));
    assert_eq!(detect(ALT), Some(Format::Ofac));
    assert_eq!(detect(UN.as_bytes()), Some(Format::Un));
    assert_eq!(detect(b"<html></html>"), None);
    assert_eq!(detect(b"name,date\n"), None);
    assert_eq!(detect(b""), None);
}

#[test]
fn files_of_several_formats_or_of_none_are_no_publication() {
    let (sdn, alt, un) = (file("a", SDN), file("b", ALT), file("c", UN.as_bytes()));
    assert_eq!(format_of(&[sdn, alt]), Ok(Format::Ofac));
    assert_eq!(format_of(&[un]), Ok(Format::Un));
    let several = format_of(&[sdn, alt, un]).unwrap_err();
    let (name, other) = ("a".to_owned(), "c".to_owned());
    let expected =
        FeedError::SeveralFormats { file: name, format: Format::Ofac, other, other_format: Format::Un };
    assert_eq!(several, expected);
    let none = format_of(&[sdn, file("d", b"name,date\n")]).unwrap_err();
    assert_eq!(none, FeedError::UnknownFormat { file: "d".to_owned() });
    assert!(Format::ALL.iter().all(|format| none.to_string().contains(format.word())), "{none}");
    assert_eq!(format_of(&[file("e", b"")]), Err(FeedError::Empty { file: "e".to_owned() }));
    assert_eq!(format_of(&[file("f", b"<html></html>")]), Err(FeedError::WebPage { file: "f".to_owned() }));
    assert!(matches!(format_of(&[]), Err(FeedError::FileCount { count: 0, .. })));
}
