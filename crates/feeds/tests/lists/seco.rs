//! The sanctions list of Switzerland's State Secretariat for Economic Affairs.

use comity_feeds::{
    Current, Difference, FeedError, Format, Held, Options, Refusal, Scope, Snapshot, XmlFault, detect, diff,
    seco,
};
use comity_watchlist::{
    CalendarDate, DelistReason, EntryRef, FactKind, Gender, Handle, IdKind, LinkTarget, NameKind,
    NameQuality, Op, PartRole, PartialDate, SubjectKind, Text,
};

use crate::leaves::Leaves;
use crate::{file, kept, leaves, names, record, rejected, shared, texts};

const LIST: &str = include_str!("../fixtures/seco.xml");
const AMENDMENT: &str = include_str!("../fixtures/seco-amendment.xml");

fn parse(document: &str) -> Result<Snapshot, FeedError> {
    seco::parse(&file("seco.xml", document.as_bytes()))
}

/// Vocabularies that are mapped to codes.
const CODES: [(&str, &[&str]); 8] = [
    ("quality", &["good", "low"]),
    ("sex", &["male", "female"]),
    ("calendar", &["Gregorian"]),
    ("main", &["true", "false"]),
    ("object-type", &["vessel"]),
    ("name-type", &["primary-name", "alias", "formerly-known-as"]),
    ("name-part-type", &["whole-name", "given-name", "family-name"]),
    ("modification-type", &["listed", "amended"]),
];

/// Codes, the order of parts, parts of dates, and earlier states.
fn coded(path: &str, value: &str, found: &[String]) -> bool {
    let (element, field) = path.split_once('@').unwrap_or((path, ""));
    if CODES.iter().any(|(name, values)| *name == field && values.contains(&value)) {
        return true;
    }
    let part = |end: &str| found.iter().any(|text| text.contains(end));
    match (field, value) {
        ("order", order) => matches!(order, "1" | "2"),
        ("script", script) => part(&(script[..1].to_owned() + &script[1..].to_lowercase())),
        ("day", day) => part(&format!("-{day:0>2}")) || part(&format!("-{day} (")),
        ("month", month) => part(&format!("-{month:0>2}")) || part(&format!("-{month}-")),
        _ => element.starts_with("modification/"),
    }
}

/// The targets of a document that were read as listed.
fn targets(document: &str, snapshot: &Snapshot) -> Vec<Leaves> {
    let ended: Vec<&str> = snapshot.ended.iter().map(|ended| ended.key.reference.as_str()).collect();
    let of =
        |leaves: &Leaves| leaves.values.iter().find(|(path, _)| path == "@ssid").map(|(_, id)| id.clone());
    let listed = |leaves: &Leaves| of(leaves).is_none_or(|id| !ended.contains(&id.as_str()));
    leaves::of(document, 1).into_iter().filter(|leaves| leaves.name == "target").filter(listed).collect()
}

fn changes(held: &Snapshot, new: Snapshot, accept_removals: bool) -> Result<Difference, Refusal> {
    let mut current = Current::new();
    for record in &held.records {
        current.hold(Held { handle: Handle::new([5; 16]), last: EntryRef::new([6; 32]), record });
    }
    let today = CalendarDate::parse("2026-02-14").unwrap();
    diff(&current, new, Options { accept_removals, today }, || Handle::new([4; 16]))
}

#[test]
fn the_newest_modification_in_effect_says_what_is_listed() {
    let snapshot = parse(LIST).unwrap();
    assert_eq!((snapshot.list.as_str(), snapshot.published.as_deref()), ("ch-seco", Some("2026-01-13")));
    assert_eq!(snapshot.scope, Scope::Whole);
    assert_eq!(
        rejected(&snapshot),
        ["77 1 stands twice; the first, at line 18, is kept", "80 ssid is missing", "83 name is missing",]
    );
    let listed: Vec<&str> = snapshot.records.iter().map(|record| record.key.reference.as_str()).collect();
    // The end of 2 is told for a day after that of the list.
    assert_eq!(listed, ["1", "2", "3"]);
    let [ended] = snapshot.ended.as_slice() else { panic!("one has ended") };
    assert_eq!(
        (ended.key.reference.as_str(), ended.effective),
        ("4", CalendarDate::parse("2025-03-02").ok())
    );
    assert_eq!(snapshot.rows, 7, "programmes and places are no rows");
    let without_days =
        LIST.replace("effective-date=\"2025-03-02\"", "").replace("effective-date=\"2020-02-29\"", "");
    let ended = parse(&without_days).unwrap().ended;
    assert_eq!((ended.len(), ended[0].effective), (1, None), "without days the first one is the newest");
}

#[test]
fn a_person_is_read_in_full() {
    let snapshot = parse(LIST).unwrap();
    let person = record(&snapshot, "1");
    assert_eq!((person.kind, person.genders.as_slice()), (SubjectKind::Person, [Gender::Male].as_slice()));
    assert_eq!(
        names(person),
        [
            "Hentzau Ruprecht",
            "Генцау Рупрехт",
            "Хентцау Рупрехт",
            "the Count",
            "Rup\u{202e}ert\u{200b} X",
            "Rudolf Rassendyll"
        ]
    );
    let kinds: Vec<NameKind> = person.names.iter().map(|name| name.kind).collect();
    let aka = NameKind::Aka;
    assert_eq!(kinds, [NameKind::Primary, aka, aka, aka, NameKind::Fka, aka]);
    assert_eq!(person.names[0].parts[0].role, PartRole::Family);
    assert_eq!(person.names[1].script.as_ref().map(Text::as_str), Some("Cyrl"));
    assert_eq!(person.names[3].quality, Some(NameQuality::Weak));
    let dates: Vec<_> = person.facts.iter().map(|fact| (fact.kind, &fact.date)).collect();
    assert_eq!(dates[0], (FactKind::Birth, &PartialDate::day(1963, 4, 5).unwrap().into()));
    assert_eq!(dates[1].1, &PartialDate::year(1964).unwrap().into());
    let written: Vec<&str> =
        dates[2..].iter().map(|(_, date)| date.verbatim.as_ref().unwrap().as_str()).collect();
    assert_eq!(written, ["1960-2-30", "1384-2-1 (Islamic)", "0"]);
    let place = &person.places[0].address;
    assert_eq!(
        (place.city.as_ref().unwrap().as_str(), place.region.as_ref().unwrap().as_str()),
        ("Streslau", "Zenda")
    );
    assert_eq!(person.addresses[0].country.as_ref().unwrap().code.as_ref().unwrap().as_str(), "RR");
    let ids: Vec<_> = person.identifiers.iter().map(|id| (id.kind, id.value.as_str())).collect();
    assert_eq!(ids, [(IdKind::CaseFile, "EU.1.11"), (IdKind::Passport, "R0000017")]);
    let LinkTarget::Key(target) = &person.links[0].target else { panic!("a number is a key") };
    assert_eq!(target, &record(&snapshot, "2").key);
    assert_eq!(person.programmes.iter().map(Text::as_str).collect::<Vec<_>>(), ["Ruritania"]);
    let measures: Vec<&str> = person.measures.iter().map(|measure| measure.text.as_str()).collect();
    assert_eq!(measures, ["Financial measures, annex 2", "Travel ban, annex 1"]);
    assert_eq!(person.listed_on, Some(PartialDate::day(2020, 2, 29).unwrap().into()));
    assert_eq!(person.updated_on, [PartialDate::day(2021, 5, 2).unwrap().into()]);
    assert_eq!(person.reasons_public.len(), 2);
    assert_eq!(kept(person, "sanctions-set@ger"), ["Finanzsanktionen, Anhang 2"]);
    assert_eq!(kept(person, "individual/generic-attribute"), ["1.80 m"]);
    assert_eq!(names(record(&snapshot, "2")), ["Moat and Sons", "Graben und Söhne"]);
    let ship = record(&snapshot, "3");
    assert_eq!(ship.kind, SubjectKind::Vessel);
    assert_eq!(kept(ship, "sanctions-set-id"), ["999"], "a set that is not told");
}

#[test]
fn every_leaf_value_of_the_invented_list_is_mapped_or_kept() {
    let snapshot = parse(LIST).unwrap();
    assert!(leaves::check(&targets(LIST, &snapshot), &snapshot, coded) > 100);
    beside(LIST, &snapshot);
}

/// Every value beside the targets, but the numbers and days of programmes, is in a record.
fn beside(document: &str, snapshot: &Snapshot) {
    let found: Vec<String> = snapshot.records.iter().flat_map(texts::texts).collect();
    let mut values = 0;
    for leaves in leaves::of(document, 1).iter().filter(|leaves| leaves.name != "target") {
        for (path, value) in &leaves.values {
            let number =
                path.ends_with("ssid") || path.ends_with("version-date") || path.ends_with("variant-type");
            let language = path.ends_with("@lang");
            values += 1;
            assert!(
                number || language || leaves::is_there(value, &found),
                "line {} {path} {value}",
                leaves.line
            );
        }
    }
    assert!(values > 20);
}

#[test]
fn an_amendment_ends_what_it_says_and_nothing_else() {
    let whole = parse(LIST).unwrap();
    let amendment = parse(AMENDMENT).unwrap();
    assert_eq!((amendment.scope, amendment.records.len(), amendment.ended.len()), (Scope::Changes, 1, 1));
    let difference = changes(&whole, amendment.clone(), false).unwrap();
    assert_eq!((difference.added.len(), difference.removed.len(), difference.amended.len()), (1, 1, 0));
    let Op::Delist { reason, effective, .. } = &difference.changes[1].op else { panic!("not an end") };
    assert_eq!((*reason, effective.to_string()), (DelistReason::Annulled, "2026-02-10".to_owned()));
    // Ends alone are a publication, even with a target that cannot be read.
    let only_ends = AMENDMENT.replace("ssid=\"6\"", "");
    let unread = parse(&only_ends).unwrap();
    assert_eq!((unread.records.len(), unread.rejected.len()), (0, 1));
    assert_eq!(changes(&whole, unread, false).unwrap().removed.len(), 1);
    // The same file as a whole list would end all others.
    let mut as_whole = amendment;
    as_whole.scope = Scope::Whole;
    assert!(matches!(changes(&whole, as_whole, false), Err(Refusal::Removals { removed: 3, held: 3 })));
}

#[test]
fn hostile_and_foreign_documents_are_refused() {
    let fault = |document: &str| match parse(document).unwrap_err() {
        FeedError::Xml { source, .. } => source,
        other => panic!("{other}"),
    };
    assert_eq!(fault("<!DOCTYPE a [<!ENTITY a \"b\">]><swiss-sanctions-list/>"), XmlFault::Doctype);
    assert_eq!(fault(LIST.split("</swiss-sanctions-list>").next().unwrap()), XmlFault::End);
    assert_eq!(fault(&format!("<swiss-sanctions-list>{}", "<a>".repeat(1_000))), XmlFault::Depth { max: 32 });
    assert!(matches!(parse("<list/>"), Err(FeedError::OtherDocument { .. })));
    let empty = "<swiss-sanctions-list list-type=\"whole-list\"/>";
    assert!(matches!(parse(empty), Err(FeedError::NoRecords { .. })));
    for other in ["list-type=\"delta\"", ""] {
        let unclear = LIST.replace("list-type=\"whole-list\"", other);
        assert!(matches!(parse(&unclear), Err(FeedError::NoScope { .. })));
    }
    assert!(matches!(parse("a,b\n"), Err(FeedError::NoXml { .. })));
    let long = parse(&AMENDMENT.replace("Bridge and Sons", &"x".repeat(100_000))).unwrap();
    assert!(rejected(&long)[0].starts_with("9 name-part cannot stand in a record"), "{:?}", rejected(&long));
    assert_eq!(long.rejected[0].key.as_ref().unwrap().reference.as_str(), "6");
    let spelled = "</value>".to_owned() + &"<spelling-variant>x</spelling-variant>".repeat(15_000);
    let many = parse(&AMENDMENT.replace("Bridge and Sons</value>", &["B", &spelled].concat())).unwrap();
    assert_eq!(
        rejected(&many),
        ["9 record is beyond its limits: field names has 15000 items, more than 500"]
    );
    assert_eq!(detect(LIST.as_bytes()), Some(Format::Seco));
}

#[test]
fn the_real_example_of_2024_is_read_whole() {
    let Some(bytes) = shared("other/seco-example-2024-01-17.xml") else { return };
    let document = String::from_utf8(bytes).unwrap();
    let snapshot = parse(&document).unwrap();
    assert_eq!((snapshot.scope, snapshot.rejected.len(), snapshot.ended.len()), (Scope::Changes, 0, 0));
    assert_eq!(snapshot.published.as_deref(), Some("2024-01-17"));
    assert_eq!((snapshot.records.len(), snapshot.rows), (3, 3));
    assert_eq!(record(&snapshot, "64393").measures.len(), 2);
    let values = leaves::check(&targets(&document, &snapshot), &snapshot, coded);
    eprintln!("SECO 2024: {values} leaf values found");
    assert!(values > 50);
    beside(&document, &snapshot);
}
