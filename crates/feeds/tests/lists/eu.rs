//! The EU's consolidated list of financial sanctions.

use comity_feeds::{FeedError, Format, Snapshot, XmlFault, detect, eu};
use comity_watchlist::{
    FactKind, Gender, IdKind, NameKind, NameQuality, PartRole, PartialDate, Span, SubjectKind, Text, Tie,
};

use crate::{file, kept, leaves, names, record, rejected, shared};

const LIST: &str = include_str!("../fixtures/eu.xml");

fn parse(document: &str) -> Result<Snapshot, FeedError> {
    eu::parse(&file("eu.xml", document.as_bytes()))
}

/// Vocabularies that are mapped to codes.
const CODES: [(&str, &[&str]); 6] = [
    ("code", &["person", "enterprise"]),
    ("classificationCode", &["P", "E"]),
    ("gender", &["M", "F"]),
    ("calendarType", &["GREGORIAN"]),
    ("strong", &["true", "1", "false"]),
    ("identificationTypeCode", &["passport", "id"]),
];

/// Flags that become words or a mark if they are set.
const FLAGS: [&str; 6] =
    ["circa", "diplomatic", "knownExpired", "knownFalse", "reportedLost", "revokedByIssuer"];

/// Codes, flags, and the parts of a date.
fn coded(path: &str, value: &str, found: &[String]) -> bool {
    let field = path.rsplit('@').next().unwrap();
    if CODES.iter().any(|(name, values)| *name == field && values.contains(&value)) {
        return true;
    }
    match (field, value) {
        ("asAtListingTime", set) => set == "false",
        (flag, "true" | "false") => FLAGS.contains(&flag),
        ("dayOfMonth", day) => found.iter().any(|text| {
            text.ends_with(&format!("-{day:0>2}")) || text.ends_with(&format!("-{day} (ISLAMIC)"))
        }),
        ("monthOfYear", month) => found.iter().any(|text| {
            text.get(4..7) == Some(&format!("-{month:0>2}")) || text.get(4..7) == Some(&format!("-{month}-"))
        }),
        _ => false,
    }
}

#[test]
fn bad_entities_are_named_with_line_and_reason_and_the_rest_is_read() {
    let snapshot = parse(LIST).unwrap();
    assert_eq!(snapshot.list.as_str(), "eu-fsf");
    assert_eq!(snapshot.published.as_deref(), Some("2026-01-01T00:00:00.000+01:00"));
    assert_eq!(
        rejected(&snapshot),
        [
            "62 EU.2.22 stands twice; the first, at line 51, is kept",
            "67 euReferenceNumber is missing",
            "71 subjectType has a value that is not known",
        ]
    );
    assert_eq!((snapshot.records.len(), snapshot.rows), (5, 8));
    assert_eq!(kept(record(&snapshot, "EU.6.66"), "subjectType@code"), ["group"]);
    assert_eq!(kept(record(&snapshot, "EU.7.77"), "nameAlias@strong"), ["maybe"]);
}

#[test]
fn a_person_is_read_in_full() {
    let snapshot = parse(LIST).unwrap();
    let person = record(&snapshot, "EU.1.11");
    assert_eq!(person.kind, SubjectKind::Person);
    assert_eq!(
        names(person),
        ["the Count", "Ruprecht von HENTZAU", "Рупрехт ГЕНЦАУ", "Rup\u{202e}ert\u{200b} X"],
        "as written, with what cannot be seen"
    );
    let kinds: Vec<_> = person.names.iter().map(|name| (name.kind, name.quality)).collect();
    assert_eq!(kinds[0], (NameKind::Aka, Some(NameQuality::Weak)));
    assert_eq!(kinds[1], (NameKind::Primary, Some(NameQuality::Good)), "the first strong name");
    assert_eq!(person.primary_name().unwrap().parts[2].role, PartRole::Family);
    assert_eq!(person.names[2].script.as_ref().unwrap().as_str(), "Cyrl");
    assert_eq!(person.names[1].note.as_ref().unwrap().as_str(), "signs so");
    assert_eq!((person.positions.len(), person.titles.len()), (1, 1), "said twice, listed once");
    assert_eq!(person.genders, [Gender::Male]);
    assert_eq!(person.ties[0].tie, Tie::Citizenship);
    assert_eq!(person.ties[0].country.code.as_ref().unwrap().as_str(), "RR");
    assert_eq!(person.reasons_public.len(), 3);
    assert_eq!(person.programmes.iter().map(Text::as_str).collect::<Vec<_>>(), ["RUR"]);
    let acts: Vec<&str> = person.legal.iter().map(|act| act.act.as_str()).collect();
    let without_url = "2021/9 (OJ R9)";
    assert_eq!(acts, ["2020/1 (OJ R1)", "2020/7 (OJ R4)", "2021/9 (OJ R9)", without_url]);
    assert!(person.legal[0].in_force.is_some());
    assert_eq!(kept(person, "nameAlias/regulationSummary@numberTitle").len(), 4);
}

#[test]
fn dates_keep_their_doubt_and_those_that_do_not_exist_stay_as_written() {
    let snapshot = parse(LIST).unwrap();
    let person = record(&snapshot, "EU.1.11");
    assert!(person.facts.iter().all(|fact| fact.kind == FactKind::Birth));
    let dates: Vec<_> = person.facts.iter().map(|fact| &fact.date).collect();
    assert_eq!(dates[0].span, Some(Span::On(PartialDate::day(1963, 4, 5).unwrap())));
    assert!(dates[1].circa && matches!(dates[1].span, Some(Span::Between(..))));
    let written = |at: usize| (dates[at].span, dates[at].verbatim.as_ref().unwrap().as_str());
    assert_eq!(written(2), (None, "1960-02-30"));
    assert_eq!(written(3), (None, "0"));
    assert_eq!(written(4), (None, "1384-9-3 (ISLAMIC)"));
    assert_eq!(person.places.len(), 1, "a city of `-` is none");
    assert_eq!(kept(person, "birthdate@city"), ["-"]);
    let signed = parse(&LIST.replace("year=\"0\"", "year=\"+7\"")).unwrap();
    let signed = record(&signed, "EU.1.11").facts[3].date.verbatim.clone();
    assert_eq!(signed.unwrap().as_str(), "+7", "no number of a year");
}

#[test]
fn documents_contacts_and_addresses_are_told_apart() {
    let snapshot = parse(LIST).unwrap();
    let person = record(&snapshot, "EU.1.11");
    let found: Vec<_> = person.identifiers.iter().map(|id| (id.kind, id.value.as_str())).collect();
    assert_eq!(
        found,
        [
            (IdKind::CaseFile, "RRi.001"),
            (IdKind::Email, "count@hentzau.example"),
            (IdKind::Other, "loft 4"),
            (IdKind::Passport, "R 0000017"),
            (IdKind::TaxId, "L-5"),
        ]
    );
    let passport = &person.identifiers[3];
    assert_eq!(passport.note.as_ref().unwrap().as_str(), "known to be expired; reported lost");
    assert_eq!(passport.expires, Some(PartialDate::day(2013, 2, 1).unwrap().into()));
    assert_eq!(kept(person, "identification/remark"), ["said to be lost", "a seal ring"]);
    assert_eq!(person.addresses[0].locality.as_ref().unwrap().as_str(), "By the moat");
    assert_eq!(kept(person, "address@asAtListingTime"), ["true"]);
    let company = record(&snapshot, "EU.2.22");
    assert_eq!((company.kind, company.addresses.len()), (SubjectKind::Organisation, 0));
    assert_eq!(kept(company, "address/remark"), ["works from a barge"]);
    assert_eq!(kept(company, "@delistingDate"), ["2030-01-01"]);
}

#[test]
fn every_leaf_value_of_the_invented_list_is_mapped_or_kept() {
    let snapshot = parse(LIST).unwrap();
    assert!(leaves::check(&leaves::of(LIST, 1), &snapshot, coded) > 150);
}

#[test]
fn hostile_and_foreign_documents_are_refused() {
    let fault = |document: &str| match parse(document).unwrap_err() {
        FeedError::Xml { source, .. } => source,
        other => panic!("{other}"),
    };
    let root = "<export xmlns=\"http://eu.europa.ec/fpi/fsd/export\"";
    assert_eq!(
        fault(&format!("<!DOCTYPE export [<!ENTITY a \"b\">]>{root}>&a;</export>")),
        XmlFault::Doctype
    );
    assert_eq!(fault(&format!("{root}>{}", "<a>".repeat(1_000))), XmlFault::Depth { max: 32 });
    assert_eq!(fault(LIST.split("</export>").next().unwrap()), XmlFault::End);
    let attributes: String = (0..10_000).map(|at| ["a", &at.to_string(), "='1' "].concat()).collect();
    let many = LIST.replace("<citizenship ", &format!("<citizenship {attributes}"));
    assert!(matches!(fault(&many), XmlFault::Size { .. }));
    assert!(matches!(fault(&LIST.replace("gender=\"M\"", "gender=\"M\" gender=\"F\"")), XmlFault::Syntax(_)));
    let long = LIST.replace("the Count", &"x".repeat(1 << 20));
    assert!(matches!(fault(&long), XmlFault::Size { unit: "bytes", .. }));
    let other = LIST.replace("http://eu.europa.ec/fpi/fsd/export", "https://export.example/");
    assert!(matches!(parse(&other), Err(FeedError::OtherDocument { .. })));
    assert!(matches!(parse(&LIST.replace("moat", "mo\0at")), Err(FeedError::ControlCharacter { .. })));
    let latin: Vec<u8> = LIST.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    assert!(eu::parse(&file("eu.xml", &latin)).is_ok(), "nothing but ASCII is left");
    let accented = LIST.replace("Zenda", "Z\u{e9}nda");
    let latin: Vec<u8> = accented.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    assert!(matches!(eu::parse(&file("eu.xml", &latin)), Err(FeedError::NotUtf8 { line: 24, .. })));
    let page = eu::parse(&file("eu.xml", b"<!DOCTYPE html><html></html>"));
    assert!(matches!(page, Err(FeedError::WebPage { .. })));
    assert!(matches!(parse(""), Err(FeedError::Empty { .. })));
}

#[test]
fn a_name_that_no_record_can_hold_costs_its_entity_alone_and_line_ends_do_not_matter() {
    let long = LIST.replace("Michael of Strelsau", &"x".repeat(100_000));
    let snapshot = parse(&long).unwrap();
    assert_eq!(snapshot.records.len(), 4);
    assert!(
        rejected(&snapshot)[3].starts_with("83 wholeName cannot stand in a record"),
        "{:?}",
        rejected(&snapshot)
    );
    let key = snapshot.rejected[3].key.as_ref().unwrap();
    assert_eq!(key.reference.as_str(), "EU.8.88", "it is not taken for removed");
    let many = "<remark>x</remark>".repeat(19_000);
    let snapshot = parse(&LIST.replace("<remark>Fights left-handed.</remark>", &many)).unwrap();
    assert!(
        rejected(&snapshot).iter().any(|row| row.contains("beyond its limits")),
        "{:?}",
        rejected(&snapshot)
    );
    let other_ends = parse(&format!("\u{feff}{}", LIST.replace('\n', "\r\n"))).unwrap();
    assert_eq!(other_ends.records, parse(LIST).unwrap().records);
}

#[test]
fn the_format_is_told_by_content() {
    assert_eq!(detect(LIST.as_bytes()), Some(Format::Eu));
    assert_eq!(detect(b"<export xmlns=\"https://export.example/\"/>"), None);
}

#[test]
fn the_real_excerpt_of_2020_is_read_and_its_second_of_one_number_is_named() {
    let Some(bytes) = shared("eu/fsf-1.1-sample-2020-04-15.xml") else { return };
    let document = String::from_utf8(bytes).unwrap();
    let snapshot = parse(&document).unwrap();
    assert_eq!(snapshot.published.as_deref(), Some("2020-04-15T15:29:22.497+02:00"));
    // Seven entities, of which two bear EU.4009.74.
    assert_eq!((snapshot.records.len(), snapshot.rows), (6, 7));
    assert!(rejected(&snapshot)[0].contains("EU.4009.74 stands twice"), "{:?}", rejected(&snapshot));
    let count = |f: fn(&comity_watchlist::Record) -> usize| snapshot.records.iter().map(f).sum::<usize>();
    assert_eq!(count(|record| record.names.len()), 15 - 1, "less the name of the second EU.4009.74");
    assert_eq!(count(|record| record.facts.len()), 9);
    assert_eq!(count(|record| record.ties.len()), 3);
    assert_eq!((count(|record| record.identifiers.len()), count(|record| record.addresses.len())), (3, 2));
    let values = leaves::check(&leaves::of(&document, 1), &snapshot, coded);
    eprintln!("EU 2020: {values} leaf values found");
    assert!(values > 400);
}
