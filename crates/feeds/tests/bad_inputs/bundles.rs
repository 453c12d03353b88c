//! Ways in which a bundle of STIX is bent.

use crate::Verdict::{self, LeftOut, Refused, Taken};
use crate::{Case, Form};

/// The bent bundles of a form.
pub(crate) fn cases(form: &Form) -> Vec<Case> {
    let mut cases = crate::tables::of_any_form(form);
    cases.extend(documents(form));
    cases.extend(objects(form));
    cases.extend(extensions(form));
    cases.extend(masses(form));
    cases
}

fn case(way: &str, verdict: Verdict, bytes: Vec<u8>) -> Case {
    Case { way: way.to_owned(), bytes, verdict }
}

/// The good one with more objects, each with a comma behind it, before the others.
fn with(form: &Form, objects: &str) -> Vec<u8> {
    let (head, rest) = form.good.split_once("\"objects\": [").unwrap();
    [head, "\"objects\": [", objects, rest].concat().into_bytes()
}

/// A subject with these fields beside its form.
fn subject(number: usize, fields: &str) -> String {
    format!(
        "{{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--{number:08}\",\"modified\":\"2026-01-01T00:00:00Z\",{fields}}},"
    )
}

/// What is no bundle, or none of JSON.
fn documents(form: &Form) -> Vec<Case> {
    let at_name = |text: &str| form.named(text);
    let mut cases = vec![
        case("another type", Refused("no bundle"), b"{\"type\":\"identity\",\"objects\":[]}".to_vec()),
        case("a type that is a number", Refused("no bundle"), b"{\"type\":7,\"objects\":[]}".to_vec()),
        case("an envelope of nothing", Refused("no record"), b"{\"more\":false,\"objects\":[]}".to_vec()),
        case("an envelope without objects", Refused("no bundle"), b"{\"more\":true}".to_vec()),
        case("an envelope with more in it", Refused("no bundle"), b"{\"objects\":[],\"id\":1}".to_vec()),
        case("a bundle of nothing", Refused("no record"), b"{\"type\":\"bundle\"}".to_vec()),
        case(
            "objects that are none",
            Refused("no record"),
            b"{\"type\":\"bundle\",\"objects\":{\"a\":[1]}}".to_vec(),
        ),
        case("a list in its place", Refused("JSON"), b"[{\"type\":\"bundle\"}]".to_vec()),
        case("two bundles", Refused("trailing characters"), [form.good, form.good].concat().into_bytes()),
        case("a comma behind the last", Refused("key must be a string"), with(form, "{\"a\":1,},")),
        case("no comma between", Refused("expected"), with(form, "{\"a\":1}")),
        case("quotes of one stroke", Refused("not readable as json"), with(form, "{'a':1},")),
        case("a comment", Refused("not readable as json"), with(form, "// more to come\n")),
        case("words of no language", Refused("not readable as json"), with(form, "NaN,")),
        case("a number that begins with 0", Refused("invalid number"), with(form, "{\"a\":007},")),
        case("a quote that does not end", Refused("not readable as json"), with(form, "{\"a\":\"b},")),
        case("a NUL in a name", Refused("control character"), at_name("A\0B")),
        case("a control character in a name", Refused("control character"), at_name("A\u{1}B")),
        case("an escape of no meaning", Refused("invalid escape"), at_name("A\\qB")),
        case("half of a surrogate pair", LeftOut("hex escape"), at_name("A\\ud800B")),
        case("the other half of a surrogate pair", LeftOut("surrogate"), at_name("A\\udc00B")),
        case("a NUL by its number", LeftOut("name cannot stand"), at_name("A\\u0000B")),
        case("a control character by its number", LeftOut("name cannot stand"), at_name("A\\u0001B")),
        case("a name of a MiB", LeftOut("more than 1048576"), at_name(&"A".repeat(1 << 20))),
        case("a name of 64 KiB", LeftOut("name cannot stand"), at_name(&"A".repeat(1 << 16))),
        case("a name that a spreadsheet obeys", Taken, at_name("=1+1")),
        case("a pair of surrogates by their numbers", Taken, at_name("\\ud83e\\uddff")),
    ];
    for (way, levels) in [("a hundred thousand levels", 100_000), ("a million levels", 1_000_000)] {
        cases.push(case(way, Refused("not readable as json"), with(form, &"[".repeat(levels))));
        let ended = [&"[".repeat(levels), &"]".repeat(levels), ","].concat();
        cases.push(case(&format!("{way} that end"), LeftOut(""), with(form, &ended)));
        let objects = ["{\"a\":".repeat(levels), "1".to_owned(), "}".repeat(levels), ",".to_owned()].concat();
        cases.push(case(&format!("{way} of objects that end"), LeftOut(""), with(form, &objects)));
    }
    cases
}

/// Objects that are odd, among good ones.
fn objects(form: &Form) -> Vec<Case> {
    let named = "\"name\":\"Odd\"";
    let odd = |fields: &str| with(form, &subject(99, fields));
    let mut cases: Vec<Case> = [
        ("a number in the place of an object", "7,", "type is missing"),
        ("null in the place of an object", "null,", "type is missing"),
        ("a text in the place of an object", "\"identity\",", "type is missing"),
        ("a list in the place of an object", "[{}],", "type is missing"),
        ("an object of nothing", "{},", "type is missing"),
        ("a type of another kind", "{\"type\":[\"identity\"]},", "type is missing"),
        ("a subject without an id", "{\"type\":\"identity\",\"name\":\"Odd\"},", "id is missing"),
        (
            "a subject with the id of a place",
            "{\"type\":\"identity\",\"id\":\"location--1\"},",
            "id has a value",
        ),
        ("a key that stands twice", "{\"type\":\"identity\",\"type\":\"identity\"},", "stands twice"),
        ("a number beyond any", "{\"type\":\"identity\",\"a\":1e999},", "out of range"),
        ("a number of a thousand digits", &format!("{{\"a\":{}}},", "9".repeat(1_000)), ""),
    ]
    .map(|(way, object, words): (_, &str, _)| case(way, LeftOut(words), with(form, object)))
    .into();
    let id = "{\"type\":\"identity\",\"spec_version\":";
    for (way, version, words) in [
        ("the version before", "\"2.0\"", "spec_version has a value"),
        ("a version to come", "\"3.0\"", "spec_version has a value"),
        ("a version that is a number", "2.1", "spec_version is missing"),
    ] {
        let object = format!("{id}{version},\"id\":\"identity--9\",\"name\":\"Odd\"}},");
        cases.push(case(way, LeftOut(words), with(form, &object)));
    }
    for (way, fields, words) in [
        ("a subject without a name", "\"a\":1", "name is missing"),
        ("a name that is a list", "\"name\":[\"a\"]", "name is missing"),
        ("a name of blanks", "\"name\":\" \"", "name is missing"),
        ("an end that is a text", "\"name\":\"Odd\",\"revoked\":\"true\"", "revoked has a value"),
        ("an end that is a number", "\"name\":\"Odd\",\"revoked\":1", "revoked has a value"),
        (
            "a marking that is no list",
            "\"name\":\"Odd\",\"object_marking_refs\":{}",
            "object_marking_refs has",
        ),
    ] {
        cases.push(case(way, LeftOut(words), odd(fields)));
    }
    let twice = subject(99, named).repeat(2);
    cases.push(case("a subject that stands twice", LeftOut("stands twice"), with(form, &twice)));
    let long = "9".repeat(500);
    cases.push(case("an id of 500 digits", LeftOut("id is not a reference"), {
        with(form, &subject(99, named).replace("--00000099", &format!("--{long}")))
    }));
    cases
}

/// Our own extension, bent.
fn extensions(form: &Form) -> Vec<Case> {
    let named = "\"name\":\"Odd\"";
    let odd = |fields: &str| with(form, &subject(99, fields));
    let mut cases = Vec::new();
    let key = "extension-definition--6d3a5d0e-7b1f-4c52-9a43-1f0c8e27b6d4";
    for (way, inside, words) in [
        ("our extension as a text", "\"a\"", "list is missing"),
        ("our extension without a reference", "{\"list\":\"xa-castle\"}", "reference is missing"),
        ("our extension with a list that is none", "{\"list\":\"X Y\"}", "list has a value"),
        (
            "our extension without a state",
            "{\"list\":\"xa-castle\",\"reference\":\"R\"}",
            "state has a value",
        ),
        (
            "our extension with 30 February",
            "{\"list\":\"xa-castle\",\"reference\":\"R\",\"state\":\"listed\",\"subject_kind\":\"person\",\"listed_on\":{\"on\":\"2026-02-30\"}}",
            "docs/records.md",
        ),
        (
            "our extension with a kind twice",
            "{\"list\":\"xa-castle\",\"reference\":\"R\",\"state\":\"listed\",\"subject_kind\":\"person\",\"kind\":\"vessel\"}",
            "docs/records.md",
        ),
    ] {
        let fields = format!("{named},\"extensions\":{{\"{key}\":{inside}}}");
        cases.push(case(way, LeftOut(words), odd(&fields)));
    }
    let ended = format!(
        "{named},\"revoked\":true,\"extensions\":{{\"{key}\":{{\"list\":\"xa-castle\",\"reference\":\"R\",\"state\":\"delisted\",\"delisted_on\":\"2026-02-30\"}}}}"
    );
    cases.push(case("an end on 30 February", LeftOut("delisted_on is not a date"), odd(&ended)));
    cases
}

/// Very many, very large, or without an end.
fn masses(form: &Form) -> Vec<Case> {
    let named = "\"name\":\"Odd\"";
    let relation = |number: usize, from: usize, kind: &str, to: &str| {
        format!(
            "{{\"type\":\"relationship\",\"spec_version\":\"2.1\",\"id\":\"relationship--{number}\",\"relationship_type\":\"{kind}\",\"source_ref\":\"identity--{from:08}\",\"target_ref\":\"{to}\"}},"
        )
    };
    let keys = (0..50_000).map(|key| format!(",\"k{key}\":1")).collect::<Vec<_>>().concat();
    let relations: String =
        (0..20_000).map(|number| relation(number, 99, "related-to", "identity--00000099")).collect();
    // Places of almost a MiB, to each of which many subjects are said to be located.
    let description = "a ".repeat(500_000);
    let places = [0, 1, 2, 3].map(|number| {
        format!("{{\"type\":\"location\",\"id\":\"location--{number}\",\"description\":\"{description}\"}},")
    });
    let many: String = (0..4_000)
        .map(|number| {
            let to = format!("location--{}", number % 4);
            subject(number, named) + &relation(number, number, "located-at", &to)
        })
        .collect();
    let loops = [
        subject(98, named),
        subject(99, named),
        relation(1, 98, "located-at", "identity--00000099"),
        relation(2, 99, "located-at", "identity--00000098"),
        relation(3, 99, "located-at", "identity--00000099"),
        relation(4, 99, "located-at", "relationship--4"),
        relation(5, 99, "located-at", "location--nowhere"),
    ]
    .concat();
    vec![
        case(
            "fifty thousand keys",
            LeftOut("beyond its limits"),
            with(form, &subject(99, &[named, &keys].concat())),
        ),
        case("twenty thousand relations of a subject", LeftOut("beyond its limits"), {
            with(form, &(subject(99, named) + &relations))
        }),
        case(
            "places beyond any record, of many subjects",
            LeftOut("cannot stand"),
            with(form, &(places.concat() + &many)),
        ),
        case("a list of half a million numbers", LeftOut("beyond its limits"), {
            with(form, &subject(99, &format!("{named},\"a\":[{}0]", "1,".repeat(400_000))))
        }),
        case("half a million empty lists", LeftOut("type is missing"), with(form, &"[],".repeat(500_000))),
        case("relations in a loop, to themselves and to nothing", Verdict::More, with(form, &loops)),
        case("a million empty lines", Taken, [form.good.as_bytes(), &b"\n".repeat(1_000_000)].concat()),
        case("no line end at its end", Taken, form.good.trim_end().as_bytes().to_vec()),
        case(
            "its last bracket gone",
            Refused("EOF"),
            form.good.trim_end().trim_end_matches('}').as_bytes().to_vec(),
        ),
    ]
}
