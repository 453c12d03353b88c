//! Designations as files: what is read, what is written again, and what is refused with its place.

use comity_watchlist::{GoodsError, GoodsScheme};

use super::*;

/// Every field of the form, about an invented subject; `docs/records.md` shows it too.
const FULL: &str = include_str!("../../tests/fixtures/own/full.json");
/// The least that a designation says.
const LEAST: &str = r#"{
  "list": "xa-national", "reference": "XA-2", "kind": "vessel",
  "identifiers": [ { "kind": "imo", "value": "9074729" } ],
  "legal": [ { "act": "Order 7" } ],
  "reasons_closed": [ "Seen where it may not be." ]
}"#;

/// The message of a text that must be refused.
fn refused(text: &str) -> String {
    let error = read(text.as_bytes()).expect_err(text);
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause}")
}

/// The least designation with one more field.
fn with(field: &str) -> String {
    LEAST.replacen('{', &format!("{{ {field},"), 1)
}

#[test]
fn every_field_is_read_and_written_again() {
    let full = read(FULL.as_bytes()).unwrap();
    assert_eq!(full.version, Some(3));
    assert_eq!(lacks(&full.record), Ok(()));
    let written = write(&full.record, full.version, full.handle).unwrap();
    assert_eq!(read(written.as_bytes()).unwrap(), full);
    // Nothing of it is passed over: as JSON both say the same.
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(json(&written), json(FULL));
    let change = Change { handle: Handle::new([1; 16]), op: Op::List { record: Box::new(full.record) } };
    let sections = change.encode().unwrap();
    assert!(sections.iter().all(|(_, bytes)| !bytes.is_empty()), "the example fills every section");
}

#[test]
fn the_page_shows_the_example_that_is_tested() {
    let page = include_str!("../../../../docs/records.md");
    let block = page.split("```json record\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(block, FULL);
    for field in FULL.split('"').skip(1).step_by(2).filter(|word| {
        // The names of fields are followed by a colon; the values are not.
        FULL.contains(&format!("\"{word}\":"))
    }) {
        assert!(page.contains(&format!("`{field}`")), "docs/records.md does not say what {field} is");
    }
    let kinds = comity_watchlist::IdKind::all().map(|kind| kind.to_string());
    for word in
        kinds.chain((1..=9).map(|code| comity_watchlist::SubjectKind::from_code(code).word().to_owned()))
    {
        assert!(page.contains(&format!("`{word}`")), "docs/records.md does not have the word {word}");
    }
}

#[test]
fn null_and_an_empty_list_say_as_little_as_nothing() {
    let least = read(LEAST.as_bytes()).unwrap();
    assert_eq!(read(with(r#""names": [], "vessel": null, "listed_on": null"#).as_bytes()).unwrap(), least);
    assert_eq!(read(format!("\u{feff}{LEAST}").as_bytes()).unwrap(), least);
    assert_eq!((least.version, lacks(&least.record)), (None, Ok(())));
}

#[test]
fn what_is_not_of_the_form_is_refused_with_its_place() {
    for (text, said) in [
        (with(r#""nmaes": []"#), "unknown field `nmaes`"),
        (with(r#""list": "xa-other""#), "duplicate field `list`"),
        (with(r#""names": [ { "full": "A", "full": "B", "kind": "aka" } ]"#), "duplicate field `full`"),
        (with(r#""names": [ { "full": "", "kind": "aka" } ]"#), "text is empty"),
        (with(r#""names": [ { "full": "A\u0007", "kind": "aka" } ]"#), "a control character at byte 1"),
        (with(r#""names": [ { "full": "A" } ]"#), "missing field `kind`"),
        (with(r#""names": [ { "full": "A", "kind": "alias" } ]"#), "they are primary, aka, fka, nka"),
        (with(r#""listed_on": "2026-02-30""#), "day 30 does not exist"),
        (with(r#""listed_on": "30.1.2026""#), "not of the form yyyy-mm-dd"),
        (with(r#""listed_on": 2026"#), "a date such as"),
        (with(r#""listed_on": {}"#), "neither when nor how"),
        (with(r#""listed_on": { "circa": true }"#), "neither when nor how"),
        (with(r#""listed_on": { "on": "2026", "to": "2027" }"#), "either on a day, or from and to"),
        (with(r#""listed_on": { "from": "2027", "to": "2026" }"#), "ends before it begins"),
        (with(r#""listed_on": { "year": 2026 }"#), "unknown field `year`"),
        (with(r#""links": [ { "relation": "owns" } ]"#), "either named or record"),
        (with(r#""genders": [ "other" ]"#), "they are male, female"),
        (with(r#""vessel": {}"#), "field vessel is empty"),
        (with(r#""addresses": [ {} ]"#), "field addresses is empty"),
        (with(r#""source": { "extra": [ { "name": "x", "values": [] } ] }"#), "source.extra is empty"),
        (with(r#""version": -1"#), "invalid value"),
        (LEAST.replace("xa-national", "XA national"), "a list id is of a-z"),
        (LEAST.replace("\"XA-2\"", "\"\""), "key part is empty"),
        (LEAST.replace("vessel", "ship"), "no kind of subject is called \"ship\""),
        (LEAST.replace("\"list\": \"xa-national\",", ""), "missing field `list`"),
        (format!("{LEAST} {LEAST}"), "trailing characters"),
        (LEAST.replace("} ],\n  \"legal", "},\n  \"legal"), "line 4"),
        (String::new(), "EOF while parsing"),
        ("[".repeat(1_000_000), "invalid"),
        (with(&format!("\"titles\": {}", "[".repeat(300_000))), "invalid type"),
        ("null".to_owned(), "invalid type"),
    ] {
        let message = refused(&text);
        assert!(
            message.contains(said),
            "{said:?} is not said of {}: {message}",
            text.chars().take(80).collect::<String>()
        );
    }
}

#[test]
fn a_checksum_is_worked_out_and_not_believed() {
    let least = read(LEAST.as_bytes()).unwrap().record;
    assert_eq!(least.identifiers[0].checksum, Some(comity_watchlist::Checksum::Valid));
    let slip = LEAST.replace("9074729\"", "9074720\", \"checksum\": \"valid\"");
    let record = read(slip.as_bytes()).unwrap().record;
    assert_eq!(record.misfits().count(), 1);
    assert!(write(&record, None, None).unwrap().contains("\"checksum\": \"invalid\""));
    let odd = LEAST.replace("9074729\"", "9074729\", \"checksum\": \"good\"");
    assert!(refused(&odd).contains("no checksum verdict is called \"good\"; they are valid, invalid"));
}

#[test]
fn limits_are_those_of_the_record() {
    let many = |count: usize| {
        let names: Vec<String> =
            (0..count).map(|n| format!(r#"{{"full":"Invented {n}","kind":"aka"}}"#)).collect();
        with(&format!("\"names\": [{}]", names.join(",")))
    };
    assert!(read(many(500).as_bytes()).is_ok());
    assert!(refused(&many(501)).contains("field names has 501 items, more than 500"));
    let long = "x".repeat(2_001);
    assert!(refused(&with(&format!("\"titles\": [\"{long}\"]"))).contains("2001 bytes is longer than 2000"));
    let reasons = format!("\"reasons_public\": [\"{0}\",\"{0}\",\"{0}\"]", "x".repeat(32_000));
    assert!(refused(&with(&reasons)).contains("section reasons_public takes"));
    assert!(refused(&" ".repeat(OWN_BYTES_MAX + 1)).contains("more than 1048576"));
    assert!(matches!(read(&[b'{', b'"', 0xff, b'"']), Err(OwnError::Form { .. })));
}

#[test]
fn a_designation_without_subject_ground_or_reasons_is_told_so() {
    let lack = |text: &str| lacks(&read(text.as_bytes()).unwrap().record).unwrap_err();
    assert_eq!(
        lack(&LEAST.replace("\"identifiers\": [ { \"kind\": \"imo\", \"value\": \"9074729\" } ],", "")),
        Lack::Subject
    );
    assert_eq!(lack(&LEAST.replace("[ { \"act\": \"Order 7\" } ]", "[]")), Lack::Legal);
    assert_eq!(lack(&LEAST.replace("[ \"Seen where it may not be.\" ]", "[]")), Lack::Reasons);
    let flag = r#""vessel": { "flag": { "name": "Ruritania", "code": "rur" } }"#;
    assert_eq!(lack(&with(flag)), Lack::CountryCode { code: "rur".to_owned() });
    let script = r#""names": [ { "full": "A", "kind": "aka", "script": "arabic" } ]"#;
    assert_eq!(lack(&with(script)), Lack::Script { script: "arabic".to_owned() });
    let check = |scope: &str, value: &str, error: GoodsError| {
        let text = LEAST.replace(
            r#""kind": "imo", "value": "9074729""#,
            &format!(r#""kind": "goods", {scope} "value": "{value}""#),
        );
        let found = lack(&text);
        assert_eq!(found, Lack::Goods { value: value.to_owned(), reason: error });
        assert!(found.to_string().ends_with(&error.to_string()) && found.to_string().contains(value));
    };
    check("", "1C350", GoodsError::Scheme);
    check(r#""scope": "europe","#, "1C350", GoodsError::Scheme);
    check(r#""scope": "eu","#, "1C35", GoodsError::Entry { scheme: GoodsScheme::EuDualUse });
    let link =
        r#""links": [ { "relation": "linked", "record": { "list": "xa-national", "reference": "XA-2" } } ]"#;
    assert_eq!(lack(&with(link)), Lack::OwnLink);
}

#[test]
fn a_code_of_a_later_version_has_no_word_and_is_not_written() {
    let mut record = read(LEAST.as_bytes()).unwrap().record;
    record.kind = comity_watchlist::SubjectKind::Unknown(200);
    assert!(matches!(write(&record, None, None), Err(OwnError::NoWord { what: "kind of subject" })));
    assert!(ground_words().all(|word| ground_of(word).is_some()));
    assert_eq!((ground_of("absent-from-source"), ground_words().count()), (None, 5));
}

#[test]
fn a_package_is_read_as_an_array_and_as_lines_and_the_page_shows_one() {
    let page = include_str!("../../../../docs/records.md");
    let block = page.split("```json package\n").nth(1).unwrap().split("```").next().unwrap();
    let changes = read_package(block.as_bytes()).unwrap();
    let keys: Vec<_> = changes.iter().map(|change| change.key().reference.to_string()).collect();
    assert_eq!(keys, ["XA-2026-0001", "XA-2026-0018"]);
    assert!(matches!(&changes[0], OwnChange::Acted { act: OwnAct::Delist { .. }, version: Some(2), .. }));
    assert!(matches!(&changes[1], OwnChange::Written(OwnWriting::Add, own) if lacks(&own.record) == Ok(())));
    let array: Vec<serde_json::Value> = serde_json::from_str(block).unwrap();
    let lines: String = array.iter().map(|object| format!("{object}\n")).fold(String::new(), |a, b| a + &b);
    assert_eq!(read_package(lines.as_bytes()).unwrap(), changes);
}

#[test]
fn a_change_of_a_package_has_the_fields_of_its_kind_and_no_others() {
    let refused = |change: &str| {
        let error = read_package(format!("[{change}, {change}]").as_bytes()).expect_err(change);
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {cause}")
    };
    let acts = |word: &str, more: &str| {
        let reasons = r#""reasons_public": [ "Because." ]"#;
        format!(r#"{{ "change": "{word}", "list": "xa", "reference": "1", {reasons}{more} }}"#)
    };
    assert!(read_package(format!("[{0}, {0}]", acts("suspend", "")).as_bytes()).is_ok());
    for (change, said) in [
        (acts("erase", ""), "unknown variant"),
        (acts("merge", ""), "unknown variant"),
        (acts("suspend", r#", "why": 1"#), "unknown field"),
        (acts("suspend", r#", "version": 1, "version": 1"#), "duplicate field"),
        (acts("suspend", r#", "ground": "expired""#), "a delisting alone"),
        (acts("delist", r#", "ground": "expired""#), "a delisting alone"),
        (acts("delist", r#", "ground": "whim", "effective": "2026-01-01""#), "no such `ground`"),
        (acts("delist", r#", "ground": "expired", "effective": "2026-02-30""#), "is no day"),
        (acts("rekey", ""), "a rekeying alone"),
        (acts("resume", r#", "to": { "list": "xa", "reference": "2" }"#), "a rekeying alone"),
        (acts("withdraw", &format!(r#", "record": {LEAST}"#)), "takes no `record`"),
        (r#"{ "change": "suspend", "list": "xa", "reference": "1" }"#.to_owned(), "no reasons"),
        (r#"{ "change": "suspend", "list": "xa" }"#.to_owned(), "`list` and `reference`"),
        (r#"{ "change": "add" }"#.to_owned(), "`record` is missing"),
        (format!(r#"{{ "change": "add", "record": {LEAST}, "version": 1 }}"#), "beside `record`"),
    ] {
        let message = refused(&change);
        assert!(message.contains(said), "{change}: {message}");
    }
    let large = vec![b' '; PACKAGE_BYTES_MAX + 1];
    assert!(matches!(read_package(&large), Err(OwnError::PackageTooLarge { .. })));
}
