//! One invented list in each form that OFAC publishes: the same keys, no value lost, nobody delisted by the change of
//! form; and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking; helper functions are not covered by clippy.toml"
)]

use std::io::{Cursor, Write as _};

use comity_feeds::{
    Current, Difference, FeedError, Format, Held, InputFile, Options, Snapshot, XmlFault, detect, diff, ofac,
};
use comity_watchlist::{
    CalendarDate, EntryRef, FactKind, FileHash, Gender, Handle, IdKind, LinkTarget, NameKind, NameQuality,
    PartialDate, Prose, Record, Relation, Span, SubjectKind, Text,
};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

#[path = "leaves/mod.rs"]
mod leaves;
#[path = "texts/mod.rs"]
mod texts;

const TABLES: [(&str, &[u8]); 4] = [
    ("prim", include_bytes!("fixtures/ofac-cons/prim.csv")),
    ("alt", include_bytes!("fixtures/ofac-cons/alt.csv")),
    ("add", include_bytes!("fixtures/ofac-cons/add.csv")),
    ("comments", include_bytes!("fixtures/ofac-cons/comments.csv")),
];
const LEGACY: &str = include_str!("fixtures/ofac-cons/legacy.xml");
const ENHANCED: &str = include_str!("fixtures/ofac-cons/enhanced.xml");
const ADVANCED: &str = include_str!("fixtures/ofac-cons/advanced.xml");

fn file<'a>(name: &'a str, bytes: &'a [u8]) -> InputFile<'a> {
    InputFile::of_bytes(name, FileHash::new([1; 32]), bytes)
}

fn read(document: &str) -> Result<Snapshot, FeedError> {
    ofac::parse(&[file("list.xml", document.as_bytes())])
}

fn tables() -> Snapshot {
    ofac::parse(&TABLES.map(|(name, bytes)| file(name, bytes))).unwrap()
}

fn record<'a>(snapshot: &'a Snapshot, reference: &str) -> &'a Record {
    snapshot.records.iter().find(|record| record.key.reference.as_str() == reference).unwrap()
}

/// Every form, by name.
fn forms() -> [(&'static str, Snapshot); 4] {
    let [legacy, enhanced, advanced] = [LEGACY, ENHANCED, ADVANCED].map(|document| read(document).unwrap());
    [("tables", tables()), ("legacy", legacy), ("enhanced", enhanced), ("advanced", advanced)]
}

fn change_over(held: &Snapshot, new: Snapshot) -> Difference {
    let mut current = Current::new();
    for record in &held.records {
        current.hold(Held { handle: Handle::new([1; 16]), last: EntryRef::new([2; 32]), record });
    }
    let options = Options { accept_removals: false, today: CalendarDate::parse("2026-01-01").unwrap() };
    diff(&current, new, options, || Handle::new([9; 16])).unwrap()
}

#[test]
fn every_form_gives_the_same_keys_and_a_change_of_form_delists_nobody() {
    for (old_form, old) in forms() {
        assert_eq!(old.list.as_str(), "us-ofac-cons", "{old_form}");
        assert_eq!(old.rejected, [], "{old_form}");
        let references: Vec<&str> = old.records.iter().map(|record| record.key.reference.as_str()).collect();
        assert_eq!(references, ["501", "502", "503", "504"], "{old_form}");
        for (new_form, new) in forms() {
            let difference = change_over(&old, new);
            let ends = (difference.added.len(), difference.removed.len(), difference.relisted.len());
            assert_eq!(ends, (0, 0, 0), "{old_form} to {new_form}");
        }
    }
}

#[test]
fn every_form_says_the_same_of_a_person() {
    for (form, snapshot) in forms() {
        let person = record(&snapshot, "501");
        assert_eq!(person.kind, SubjectKind::Person, "{form}");
        let names: Vec<(&str, NameKind, Option<NameQuality>)> = person
            .names
            .iter()
            .map(|name| (name.full.as_str(), name.kind, name.quality))
            .filter(|(full, ..)| *full != "RUPERT, Prince")
            .collect();
        let good = Some(NameQuality::Good);
        assert_eq!(
            names,
            [
                ("HENTZAU, Rupert", NameKind::Primary, good),
                ("RUPERT OF HENTZAU", NameKind::Fka, good),
                ("the Count", NameKind::Aka, Some(NameQuality::Weak)),
            ],
            "{form}"
        );
        assert_eq!(person.genders, [Gender::Male], "{form}");
        assert_eq!(
            person.titles.iter().map(Text::as_str).collect::<Vec<_>>(),
            ["Count", "Keeper of the Moat"]
        );
        assert_eq!(
            person.programmes.iter().map(Text::as_str).collect::<Vec<_>>(),
            ["CMIC-EO13959", "RUR-EO1"]
        );
        assert_eq!(person.facts.len(), 2, "{form}");
        assert_eq!(person.ties.len(), 2, "{form}");
        let places = &person.places;
        assert_eq!(places[0].address.verbatim.as_ref().unwrap().as_str(), "Strelsau, Ruritania", "{form}");
        let ids: Vec<(IdKind, &str)> =
            person.identifiers.iter().map(|id| (id.kind, id.value.as_str())).collect();
        assert_eq!(ids, [(IdKind::Passport, "R 0000017"), (IdKind::Other, "77-A")], "{form}");
        let passport = &person.identifiers[0];
        assert_eq!(passport.country.as_ref().unwrap().name.as_str(), "Ruritania", "{form}");
        assert!(passport.issued.as_ref().unwrap().span.is_some(), "{form}");
        // There is no 30 February.
        assert_eq!(passport.expires.as_ref().and_then(|date| date.span), None, "{form}");
        let measure = person.measures.iter().find(|measure| measure.label.is_some()).unwrap();
        assert_eq!(measure.label.as_ref().unwrap().as_str(), "Secondary sanctions risk", "{form}");
        assert_eq!(person.links.len(), 1, "{form}");
        assert_eq!(person.addresses.len(), 1, "{form}");
    }
}

#[test]
fn every_form_says_the_same_of_a_company_a_vessel_and_an_aircraft() {
    for (form, snapshot) in forms() {
        let company = record(&snapshot, "502");
        let names: Vec<&str> = company.names.iter().map(|name| name.full.as_str()).collect();
        // What could deceive a reader is kept as it is written.
        assert_eq!(
            names,
            ["MOAT AND SONS LTDA.", "\u{202e}TAOM\u{202c} AND\u{200b}SONS", "Ров и сыновья"],
            "{form}"
        );
        assert_eq!(company.facts[0].kind, FactKind::Founded, "{form}");
        assert_eq!(company.sectors[0].as_str(), "Ferries", "{form}");
        let ids: Vec<(IdKind, &str)> =
            company.identifiers.iter().map(|id| (id.kind, id.value.as_str())).collect();
        assert!(ids.contains(&(IdKind::TaxId, "77-1894")), "{form}");
        assert!(ids.contains(&(IdKind::Website, "www.moat.invalid")), "{form}");
        let wallet = company.identifiers.iter().find(|id| id.kind == IdKind::Wallet).unwrap();
        assert_eq!(wallet.value.as_str(), "1InventedAddressOfNobody", "{form}");
        assert_eq!(wallet.scope.as_ref().unwrap().as_str(), "XBT", "{form}");
        let dated = company.measures.iter().find(|measure| measure.effective.is_some()).unwrap();
        assert_eq!(dated.label.as_ref().unwrap().as_str(), "Listing Date (CMIC)", "{form}");
        let ship = record(&snapshot, "503");
        let ids: Vec<(IdKind, &str)> =
            ship.identifiers.iter().map(|id| (id.kind, id.value.as_str())).collect();
        for id in [(IdKind::CallSign, "RR4X"), (IdKind::Imo, "0000000"), (IdKind::Mmsi, "000000000")] {
            assert!(ids.contains(&id), "{form} {id:?}");
        }
        let vessel = ship.vessel.as_ref().unwrap();
        assert_eq!(vessel.types[0].as_str(), "Tug", "{form}");
        assert_eq!(vessel.flag.as_ref().unwrap().name.as_str(), "Ruritania", "{form}");
        let aircraft = record(&snapshot, "504");
        assert_eq!(aircraft.kind, SubjectKind::Aircraft, "{form}");
        assert_eq!(aircraft.aircraft.as_ref().unwrap().models[0].as_str(), "Balloon 3", "{form}");
        assert_eq!(aircraft.identifiers[0].kind, IdKind::SerialNumber, "{form}");
    }
}

#[test]
fn every_cell_of_the_tables_is_mapped_or_kept() {
    let files = TABLES.map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
    let (values, tokens, unread) = texts::walk(&files, &tables());
    assert_eq!((values, tokens, unread), (50, 24, 1));
}

#[test]
fn what_the_older_xml_says_beyond_the_tables_is_kept() {
    let snapshot = read(LEGACY).unwrap();
    assert_eq!(snapshot.published.as_deref(), Some("01/02/1894"));
    let person = record(&snapshot, "501");
    let kept = |name: &str| person.source.extra(name).iter().map(Prose::as_str).collect::<Vec<_>>();
    assert_eq!(kept("idList/id/uid"), ["8001 8002 8003 8004 8005"]);
    assert_eq!(kept("idList/id/idType"), ["Favourite colour"]);
    assert_eq!(kept("idList/id/idNumber"), ["blue"]);
    assert_eq!(kept("dateOfBirthList/dateOfBirthItem/mainEntry"), ["true false"]);
    assert_eq!(kept("addressList/address/region"), ["Middle Europe"]);
    assert_eq!(kept(ofac::REMARKS_UNREAD), ["fond of horses"]);
    // A name of a kind that we do not know is still a name.
    let unknown = person.names.iter().find(|name| name.full.as_str() == "RUPERT, Prince").unwrap();
    assert_eq!((unknown.kind, unknown.quality), (NameKind::Aka, None));
    assert_eq!((kept("akaList/aka/type"), kept("akaList/aka/category")), (vec!["w.k.a."], vec!["doubtful"]));
    let LinkTarget::Named(target) = &person.links[0].target else { panic!("a name is no key") };
    assert_eq!(target.as_str(), "MOAT AND SONS LTDA.");
    let address = &person.addresses[0];
    let parts = [&address.street, &address.city, &address.region, &address.postal_code];
    let parts = parts.map(|part| part.as_ref().unwrap().as_str());
    assert_eq!(parts, ["1 Castle Bridge, Old Town", "Strelsau", "Zenda", "1894"]);
}

#[test]
fn every_leaf_of_the_older_xml_is_mapped_or_kept() {
    let snapshot = read(LEGACY).unwrap();
    assert_eq!(leaves::ofac::legacy(LEGACY, &snapshot), 128);
}

#[test]
fn what_the_enhanced_xml_says_beyond_the_tables_is_mapped_or_kept() {
    let snapshot = read(ENHANCED).unwrap();
    assert_eq!(snapshot.published.as_deref(), Some("1894-01-02T00:00:00"));
    let person = record(&snapshot, "501");
    let kept = |name: &str| person.source.extra(name).iter().map(Prose::as_str).collect::<Vec<_>>();
    let listed = person.listed_on.as_ref().unwrap();
    assert_eq!(listed.span, Some(Span::On(PartialDate::day(1894, 1, 1).unwrap())));
    assert_eq!(kept("sanctionsLists/sanctionsList"), ["SDN List", "Consolidated List"]);
    assert_eq!(person.legal[0].act.as_str(), "The Moat Act");
    assert_eq!(person.names[0].script.as_ref().unwrap().as_str(), "Latn");
    let parts: Vec<&str> = person.names[0].parts.iter().map(|part| part.value.as_str()).collect();
    assert_eq!(parts, ["Hentzau", "Rupert"]);
    // A name of a kind that we do not know is still a name, and the parts that we do not know are kept.
    assert!(person.names.iter().any(|name| name.full.as_str() == "RUPERT, Prince"));
    assert_eq!(kept("names/name/aliasType"), ["W.K.A."]);
    assert_eq!(kept("names/name/translations/translation/nameParts/namePart/value"), ["Sapt"]);
    assert_eq!(person.addresses[0].country.as_ref().unwrap().code.as_ref().unwrap().as_str(), "RX");
    // A number of a reference value that says something else, and one that says what stands beside it.
    assert_eq!(kept("features/feature/valueRefId"), ["99"]);
    assert_eq!(kept("features/feature/type"), ["Favourite colour"]);
    assert_eq!(kept("features/feature/valueDate/isDateRange"), ["true"]);
    // The name on a document, where it is none of the subject's.
    assert_eq!(kept("identityDocuments/identityDocument/name"), ["SAPT, Rupert"]);
    assert_eq!(kept("identityDocuments/identityDocument/isValid"), ["true false"]);
    let LinkTarget::Key(key) = &person.links[0].target else { panic!("the company is of the list") };
    assert_eq!((key.list.as_str(), key.reference.as_str()), ("us-ofac-cons", "502"));
    assert_eq!(person.links[0].relation, Relation::ActsFor);
    let company = record(&snapshot, "502");
    let LinkTarget::Named(king) = &company.links[0].target else { panic!("the king is not of the list") };
    assert_eq!(king.as_str(), "THE KING OF RURITANIA");
    let website = company.identifiers.iter().find(|id| id.kind == IdKind::Website).unwrap();
    assert_eq!(website.note.as_ref().unwrap().as_str(), "in Ruritanian");
}

#[test]
fn every_leaf_of_the_enhanced_xml_is_mapped_or_kept() {
    let snapshot = read(ENHANCED).unwrap();
    assert_eq!(leaves::ofac::enhanced(ENHANCED, &snapshot), 415);
}

#[test]
fn what_the_advanced_xml_says_beyond_the_tables_is_mapped_or_kept() {
    let snapshot = read(ADVANCED).unwrap();
    assert_eq!(snapshot.published.as_deref(), Some("1894-01-02"));
    let person = record(&snapshot, "501");
    let kept = |name: &str| person.source.extra(name).iter().map(Prose::as_str).collect::<Vec<_>>();
    let listed = person.listed_on.as_ref().unwrap();
    assert_eq!(listed.span, Some(Span::On(PartialDate::day(1894, 1, 1).unwrap())));
    assert_eq!(kept("SanctionsEntry@ListID"), ["SDN List", "Consolidated List"]);
    assert_eq!((person.legal.len(), person.legal[0].act.as_str()), (1, "The Moat Act"));
    // A range that is approximate, and a day that does not exist, which is kept as it is written.
    assert!(person.facts[1].date.circa);
    assert_eq!(kept("IDRegDocument/DocumentDate@IDRegDocDateTypeID"), ["Expiration Date"]);
    assert_eq!(kept("IDRegDocument/DocumentDate/DatePeriod/Start/From/Day"), ["30"]);
    assert_eq!(kept("IDRegDocument@ValidityID"), ["Valid", "Fraudulent"]);
    assert_eq!(kept("IDRegDocument/IssuedIn/LocationPart/LocationPartValue/Value"), ["Zenda Gaol"]);
    assert_eq!(kept("Profile/Feature@FeatureTypeID"), ["Favourite colour"]);
    assert_eq!(kept("Profile/Feature/FeatureVersion/VersionDetail"), ["blue"]);
    assert_eq!(kept("Profile/Identity/Alias@AliasTypeID"), ["W.K.A."]);
    assert_eq!(kept("Location/LocationPart@LocPartTypeID"), ["Unknown", "Unknown", "REGION"]);
    assert_eq!(person.addresses[0].country.as_ref().unwrap().code.as_ref().unwrap().as_str(), "RX");
    let LinkTarget::Key(key) = &person.links.last().unwrap().target else {
        panic!("the company is of the list")
    };
    assert_eq!((key.list.as_str(), key.reference.as_str()), ("us-ofac-cons", "502"));
    // Whom the publication does not have it does not name either: the number is kept.
    let company = record(&snapshot, "502");
    assert_eq!(company.links, []);
    assert_eq!(company.source.extra("ProfileRelationship@To-ProfileID")[0].as_str(), "50600");
    let website = company.identifiers.iter().find(|id| id.kind == IdKind::Website).unwrap();
    assert_eq!(website.note.as_ref().unwrap().as_str(), "in Ruritanian");
    let script = |at: usize| company.names[at].script.as_ref().unwrap().as_str();
    assert_eq!((script(0), script(2)), ("Latn", "Cyrl"));
}

#[test]
fn every_leaf_of_the_advanced_xml_is_mapped_or_kept() {
    let snapshot = read(ADVANCED).unwrap();
    assert_eq!(leaves::advanced::walk(ADVANCED, &snapshot), 611);
}

#[test]
fn parts_of_the_advanced_xml_that_belong_to_nobody_are_named() {
    let rejected = |document: &str| {
        let rows = read(document).unwrap().rejected;
        rows.into_iter().map(|row| (row.reason.to_string(), row.may_hide_others)).collect::<Vec<_>>()
    };
    let none = |reason: &str, hides| vec![(reason.to_owned(), hides)];
    let place =
        ADVANCED.replace("VersionLocation LocationID=\"7003\"", "VersionLocation LocationID=\"7004\"");
    assert_eq!(rejected(&place), none("7003 is not among the subjects", false));
    let document = ADVANCED.replace("IdentityID=\"1503\"", "IdentityID=\"1999\"");
    assert_eq!(rejected(&document), none("1999 is not among the subjects", false));
    let entry = ADVANCED.replace("ProfileID=\"50504\"", "ProfileID=\"50999\"");
    assert_eq!(rejected(&entry), none("50999 is not among the subjects", true));
    let twice = ADVANCED.replace("<Location ID=\"7012\"", "<Location ID=\"7011\"");
    assert!(rejected(&twice)[0].0.starts_with("7011 stands twice; the first, at line "));
    let kind = ADVANCED.replace("PartySubTypeID=\"2\"", "PartySubTypeID=\"9\"");
    assert_eq!(rejected(&kind)[0].0, "PartySubTypeID has a value that is not known");
    let number = ADVANCED.replace("DistinctParty FixedRef=\"504\"", "DistinctParty FixedRef=\"\"");
    assert!(rejected(&number).contains(&("FixedRef is missing".to_owned(), true)));
    let group =
        ADVANCED.replace("<SanctionsEntryLinks />", "<SanctionsEntryLinks><a>1</a></SanctionsEntryLinks>");
    assert_eq!(rejected(&group), none("element has a value that is not known", true));
}

#[test]
fn a_document_that_is_zipped_is_read_as_it_is_unzipped() {
    let zip = |files: &[(&str, &str)]| {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, document) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(document.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    for document in [LEGACY, ENHANCED, ADVANCED] {
        let zipped = zip(&[("LIST.XML", document)]);
        assert_eq!(detect(&zipped), Some(Format::Ofac));
        let snapshot = ofac::parse(&[file("list.xml", &zipped)]).unwrap();
        assert_eq!(snapshot, read(document).unwrap());
    }
    let refused = |zipped: &[u8]| ofac::parse(&[file("f", zipped)]).unwrap_err().to_string();
    let two = zip(&[("a", LEGACY), ("b", LEGACY)]);
    assert_eq!(refused(&two), "f is no archive of a list: it holds 2 files instead of one");
    let climbing = zip(&[("../LIST.XML", LEGACY)]);
    assert_eq!(refused(&climbing), "f is no archive of a list: what it holds is no plain file");
    assert_eq!(refused(&zip(&[("LIST.XML", "")])), "f is empty");
    // An archive in an archive is no list.
    let inner = zip(&[("LIST.XML", LEGACY)]);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("LIST.ZIP", SimpleFileOptions::default()).unwrap();
    writer.write_all(&inner).unwrap();
    let nested = writer.finish().unwrap().into_inner();
    assert!(refused(&nested).starts_with("f has rows of "), "{}", refused(&nested));
    assert!(refused(&two[..two.len() / 2]).starts_with("f is no archive of a list: "));
}

#[test]
fn an_enhanced_document_of_neither_list_or_of_bad_entities_is_named() {
    let message = |document: &str| read(document).unwrap_err().to_string();
    let other = ENHANCED.replace(">Consolidated List<", ">Ruritanian List<");
    assert_eq!(message(&other), "the subjects of list.xml are on none of the lists that it is read for");
    let sdn = read(&ENHANCED.replace(">Consolidated List<", ">SDN List<")).unwrap();
    assert_eq!(sdn.list.as_str(), "us-ofac-sdn");
    assert_eq!(message("<sanctionsData/>"), "list.xml holds no record that can be read");
    let rejected = |document: &str| {
        let rows = read(document).unwrap().rejected;
        rows.into_iter().map(|row| (row.reason.to_string(), row.may_hide_others)).collect::<Vec<_>>()
    };
    let row = |reason: &str, hides| vec![(reason.to_owned(), hides)];
    assert_eq!(
        rejected(&ENHANCED.replace("entity id=\"503\"", "entity id=\"x\"")),
        row("id is not a number", true)
    );
    let twice = ENHANCED.replace("entity id=\"503\"", "entity id=\"501\"");
    assert!(!rejected(&twice)[0].1);
    assert!(rejected(&twice)[0].0.starts_with("501 stands twice; the first, at line "));
    assert_eq!(
        rejected(&ENHANCED.replace(">Vessel</entityType>", ">Raft</entityType>")),
        row("entityType has a value that is not known", false)
    );
    assert_eq!(
        rejected(&ENHANCED.replace("<formattedFullName>SEA MIRAGE</formattedFullName>", "")),
        row("formattedFullName is missing", false)
    );
    assert_eq!(
        rejected(&ENHANCED.replace("<entities>", "<entities><stray>1</stray>")),
        row("element has a value that is not known", true)
    );
}

#[test]
fn bad_subjects_of_the_older_xml_are_named_with_line_and_reason() {
    let broken = LEGACY
        .replace("<uid>502</uid>", "<uid>+502</uid>")
        .replace("<uid>503</uid>", "<uid>0501</uid>")
        .replace("<sdnType>Aircraft</sdnType>", "<sdnType>Balloon</sdnType>");
    let snapshot = ofac::parse(&[file("f", broken.as_bytes())]);
    assert_eq!(snapshot.unwrap_err().to_string(), "3 of 4 rows of f cannot be read");
    let rejected = |document: &str| {
        let snapshot = read(document).unwrap();
        let row = &snapshot.rejected[0];
        (row.line, row.reason.to_string(), row.key.is_some(), row.may_hide_others)
    };
    assert_eq!(
        rejected(&LEGACY.replace("<uid>503</uid>", "<uid>0501</uid>")),
        (185, "501 stands twice; the first, at line 7, is kept".to_owned(), true, false)
    );
    assert_eq!(
        rejected(&LEGACY.replace("<uid>503</uid>", "<uid>-503</uid>")),
        (185, "uid is not a number".to_owned(), false, true)
    );
    assert_eq!(
        rejected(&LEGACY.replace("<lastName>SEA MIRAGE</lastName>", "")),
        (185, "lastName is missing".to_owned(), true, false)
    );
    let long = "x".repeat(1 << 19);
    assert_eq!(
        rejected(&LEGACY.replace("SEA MIRAGE", &long)),
        (
            185,
            "lastName cannot stand in a record: text of 524288 bytes is longer than 2000".to_owned(),
            true,
            false
        )
    );
}

#[test]
fn a_document_that_is_not_what_it_says_is_refused() {
    let message = |document: &str| read(document).unwrap_err().to_string();
    assert_eq!(
        message(&LEGACY.replace("<Record_Count>4<", "<Record_Count>5<")),
        "list.xml states 5 records and has 4"
    );
    assert_eq!(message("<sdnList/>"), "list.xml holds no record that can be read");
    assert_eq!(message("<a/>"), "list.xml is XML, but none of the documents of this list");
    assert_eq!(message("<!-- --><html/>"), "list.xml is XML, but none of the documents of this list");
    assert_eq!(message("<html><body>503</body></html>"), "list.xml is a web page, not a list");
    assert_eq!(message("\u{feff}<!--"), "list.xml is not well-formed XML at line 1");
    let two = ofac::parse(&[file("a", LEGACY.as_bytes()), file("b", TABLES[0].1)]).unwrap_err().to_string();
    assert_eq!(two, "a is XML; this list is read from its tables as CSV");
    let mut latin = LEGACY.as_bytes().to_vec();
    latin[LEGACY.find("SEA").unwrap()] = 0xe9;
    let error = ofac::parse(&[file("f", &latin)]).unwrap_err().to_string();
    assert_eq!(error, "f is not UTF-8 at line 187");
}

#[test]
fn hostile_documents_are_refused() {
    let fault = |document: &str| match read(document).unwrap_err() {
        FeedError::Xml { source, .. } => source,
        other => panic!("{other}"),
    };
    let bomb =
        r#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><sdnList>&c;</sdnList>"#;
    assert_eq!(fault(bomb), XmlFault::Doctype);
    let inner = LEGACY.replace("<uid>501", "<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><uid>501");
    assert!(matches!(fault(&inner), XmlFault::Doctype | XmlFault::Syntax(_)));
    assert_eq!(fault(&LEGACY.replace("Rupert<", "&moat;<")), XmlFault::Entity);
    let deep = format!("<sdnList>{}", "<a>".repeat(100_000));
    assert_eq!(fault(&deep), XmlFault::Depth { max: 32 });
    let attributes: String = (0..10_000).map(|at| ["a", &at.to_string(), "='1' "].concat()).collect();
    let many = LEGACY.replace("<vesselInfo>", &["<vesselInfo ", &attributes, ">"].concat());
    assert!(matches!(fault(&many), XmlFault::Size { unit: "attributes of an element", .. }));
    assert_eq!(fault(LEGACY.split("</sdnList>").next().unwrap()), XmlFault::End);
    let nul = LEGACY.replace("SEA MIRAGE", "SEA\0MIRAGE");
    assert_eq!(
        read(&nul).unwrap_err().to_string(),
        "list.xml holds a forbidden control character at line 187"
    );
}

#[test]
fn line_ends_and_a_byte_order_mark_make_no_difference() {
    let plain = read(LEGACY).unwrap();
    let windows = format!("\u{feff}{}", LEGACY.replace('\n', "\r\n"));
    assert_eq!(read(&windows).unwrap().records, plain.records);
}

#[test]
fn the_form_is_told_by_content() {
    for (_, bytes) in TABLES.iter().take(3) {
        assert_eq!(detect(bytes), Some(Format::Ofac));
    }
    assert_eq!(detect(LEGACY.as_bytes()), Some(Format::Ofac));
    assert_eq!(detect(b"<sdnListing/>"), None);
}
