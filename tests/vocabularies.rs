//! `comity vocabulary`: editions of control lists are entered whole, go to peers, are named by the codes that are written
//! against them, and are told to be old by everything that shows such a code.

use serde_json::{Value, json};

use crate::agency::{Agency, run, text};
use crate::nodes::{Node, audit, until};
use crate::records::{refused, write};
use crate::schemas::check_answer;

const ACT: [&str; 2] = ["--legal", "Decree 7 of Zenda"];

/// A table of codes and titles.
fn codes(rows: &[(&str, &str)]) -> String {
    let rows: Vec<String> = rows.iter().map(|(code, title)| format!("{code},{title}\n")).collect();
    ["code,title\n", &rows.concat()].concat()
}

fn enter(agency: &Agency, edition: &str, in_force: &str, table: &str) -> Value {
    let file = agency.write("codes.csv", table.as_bytes());
    let asked = ["vocabulary", "import", "eccn", text(&file), "--edition", edition, "--in-force", in_force];
    let done = agency.ask(&[&asked[..], &ACT].concat());
    assert!(done["error"].is_null(), "{done}");
    check_answer("comity vocabulary import", &done);
    done
}

fn good(reference: &str, code: &str) -> Value {
    json!({
        "list": "xa-national", "reference": reference, "kind": "good",
        "names": [ { "full": "Clockwork of brass", "kind": "primary" } ],
        "identifiers": [ { "kind": "goods", "scope": "eccn", "value": code } ],
        "legal": [ { "act": "Order 7 of 2026" } ],
        "reasons_public": [ "It turns the locks of the castle." ]
    })
}

/// What an answer to a question for a code says of the edition that each record was written against.
fn screened(agency: &Agency, code: &str) -> Vec<Value> {
    let found = agency.ask(&["screen", "--id", &format!("goods/eccn:{code}")]);
    check_answer("comity screen", &found);
    found["hits"].as_array().unwrap().iter().map(|hit| hit["goods"]["edition"].clone()).collect()
}

fn shown(agency: &Agency, record: &[&str]) -> Value {
    let shown = agency.ask(&[&["record", "show"], record].concat());
    assert!(shown["error"].is_null(), "{shown}");
    check_answer("comity record show", &shown);
    shown["vocabularies"].clone()
}

fn old(agency: &Agency) -> Value {
    let status = agency.ask(&["status"]);
    check_answer("comity status", &status);
    status["old_codes"].clone()
}

#[test]
fn a_code_names_the_edition_that_it_was_written_against_and_everything_says_when_that_is_old() {
    let agency = Agency::found("agency-a.example");
    write(&agency, "add", &good("XA-0", "3A001"), &[]);
    assert_eq!(
        (screened(&agency, "3A001"), shown(&agency, &["xa-national", "XA-0"])),
        (vec![json!(null)], json!([]))
    );
    let first =
        enter(&agency, "2025", "2025-01-01", &codes(&[("3A001.b", "Gear wheels"), ("3A001", "Clockwork")]));
    assert_eq!(
        (&first["codes"], &first["parts"], &first["tlp"]),
        (&2.into(), &1.into(), &"CLEAR".into()),
        "{first}"
    );
    write(&agency, "add", &good("XA-1", "3A001.b"), &[]);
    write(&agency, "add", &good("XA-2", "3A009"), &[]);
    let named = |newer: Value, unlisted: bool| json!({ "edition": "2025", "origin": "agency-a.example/pub", "held": true, "newer": newer, "unlisted": unlisted });
    assert_eq!(screened(&agency, "3A001.b.2"), [json!(null), named(json!(null), false)]);
    assert_eq!(screened(&agency, "3A009"), [named(json!(null), true)], "not in that edition");
    let of = |newer: Value, records: u64| json!({ "scheme": "eccn", "edition": "2025", "origin": "agency-a.example/pub", "newer": newer, "records": records, "unlisted": 1 });
    assert_eq!(old(&agency), json!([of(json!(null), 2)]));

    enter(&agency, "2026", "2026-01-01", &codes(&[("3A001", "Clockwork"), ("3A001.c", "Springs")]));
    enter(&agency, "9999", "9999-01-01", &codes(&[("3A001", "Clockwork")]));
    assert_eq!(screened(&agency, "3A009"), [named("2026".into(), true)]);
    let told = shown(&agency, &["xa-national", "XA-1"]);
    assert_eq!(
        (&told[0]["edition"], &told[0]["newer"], &told[0]["unlisted"]),
        (&"2025".into(), &"2026".into(), &false.into())
    );
    assert_eq!(old(&agency), json!([of("2026".into(), 2)]));
    let out = agency.beside("out.json");
    let exported = agency.ask(&["export", "stix", "--list", "xa-national", "--out", text(&out)]);
    check_answer("comity export", &exported);
    assert_eq!(exported["old_codes"], json!([of("2026".into(), 2)]), "{exported}");
    let people = run(&["status", "--home", text(&agency.home())]);
    let people = String::from_utf8(people.stdout).unwrap();
    assert!(
        people.contains("2 records are written against eccn 2025") && people.contains("the newest is 2026"),
        "{people}"
    );

    // What is written again names the newest that is in force, and where it is gone, it says so.
    let mut again = good("XA-1", "3A001.b");
    again["version"] = 1.into();
    again["titles"] = json!(["Clockwork"]);
    write(&agency, "amend", &again, &[]);
    let told = shown(&agency, &["xa-national", "XA-1"]);
    assert_eq!(
        (&told[0]["edition"], &told[0]["newer"], &told[0]["unlisted"]),
        (&"2026".into(), &json!(null), &true.into())
    );
    // Another edition alone is no change.
    let whole = agency.ask(&["record", "show", "xa-national", "XA-2"]);
    let file = agency.write("again.json", whole["record"].to_string().as_bytes());
    refused(&agency, &["record", "amend", text(&file)], "unchanged", "says all of this already");
}

#[test]
fn an_import_names_the_newest_edition_and_another_edition_changes_nothing_of_a_list() {
    let agency = Agency::found("agency-a.example");
    enter(&agency, "2025", "2025-01-01", &codes(&[("3A001", "Clockwork")]));
    let mut record = good("XA-1", "3A001");
    // What the file says of an edition is nobody's word.
    let claimed = json!({ "edition": "2099", "origin": "agency-z.example/pub", "leaf": "00" });
    record["identifiers"][0]["vocabulary"] = claimed;
    let list = agency.write("list.jsonl", format!("{record}\n").as_bytes());
    let import = || {
        let done = agency.ask(&["import", "jsonl", text(&list)]);
        check_answer("comity import", &done);
        (done["added"].clone(), done["unchanged"].clone())
    };
    assert_eq!(import(), (1.into(), 0.into()));
    let told = || shown(&agency, &["xa-national", "XA-1"])[0].clone();
    assert_eq!((&told()["edition"], &told()["origin"]), (&"2025".into(), &"agency-a.example/pub".into()));
    enter(&agency, "2026", "2026-01-01", &codes(&[("3A001", "Clockwork")]));
    assert_eq!(import(), (0.into(), 1.into()));
    assert_eq!((&told()["edition"], &told()["newer"]), (&"2025".into(), &"2026".into()));
    let entry = agency.ask(&["log", "show", "1"]);
    check_answer("comity log show", &entry);
    assert_eq!(entry["change"]["op"], "vocabulary", "{entry}");
}

#[test]
fn an_edition_is_entered_whole_or_not_at_all_and_once() {
    let agency = Agency::found("agency-a.example");
    enter(
        &agency,
        "2025",
        "2025-01-01",
        &codes(&[("3A001", "Clock\u{202e}work"), ("EAR99", "What is left")]),
    );
    let import = |table: &str, edition: &str, scheme: &str, code: &str, said: &str| {
        let file = agency.write("codes.csv", table.as_bytes());
        let asked =
            ["vocabulary", "import", scheme, text(&file), "--edition", edition, "--in-force", "2026-01-01"];
        refused(&agency, &[&asked[..], &ACT].concat(), code, said);
    };
    let good = codes(&[("3A001", "Clockwork")]);
    import(&good, "2025", "eccn", "already_exists", "has an edition 2025 of eccn already");
    import(
        &codes(&[("3A001", "a"), ("3a001.", "b")]),
        "2026",
        "eccn",
        "bad_source",
        "line 3: the code of line 2",
    );
    import(&codes(&[("3A001", "a"), ("ML1", "b")]), "2026", "eccn", "bad_source", "line 3");
    import(&codes(&[("3A001", &"y".repeat(1 << 20))]), "2026", "eccn", "bad_source", "longer than 2000");
    import("code,title\n", "2026", "eccn", "bad_source", "has no code");
    import(&good, "2026\n", "eccn", "name", "--edition");
    import(&good, "2026", "cn", "bad_source", "line 2");
    let file = agency.write("codes.csv", good.as_bytes());
    let unknown =
        ["vocabulary", "import", "zenda", text(&file), "--edition", "1", "--in-force", "2026-01-01"];
    let told = run(&[&unknown[..], &ACT, &["--home", text(&agency.home())]].concat());
    assert_eq!(told.status.code(), Some(2), "an unknown scheme: {told:?}");

    let listed = agency.ask(&["vocabulary", "list"]);
    check_answer("comity vocabulary list", &listed);
    assert_eq!(listed["vocabularies"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(
        (&listed["vocabularies"][0]["state"], &listed["vocabularies"][0]["newest"]),
        (&"whole".into(), &true.into())
    );
    let shown = agency.ask(&["vocabulary", "show", "eccn", "3A001.b"]);
    check_answer("comity vocabulary show", &shown);
    assert_eq!(shown["codes"], json!([{ "code": "3A001", "title": "Clock\u{202e}work" }]));
    assert_eq!((&shown["legal"], &shown["file"]["name"]), (&json!([ACT[1]]), &"codes.csv".into()));
    let people = run(&["vocabulary", "show", "eccn", "--home", text(&agency.home())]);
    let people = String::from_utf8(people.stdout).unwrap();
    assert!(
        people.contains("3A001  Clock\u{fffd}work") && people.contains("EAR99  What is left"),
        "{people}"
    );
    assert_eq!(agency.ask(&["vocabulary", "show", "eu"])["error"]["code"], "not_found");
}

#[test]
fn an_edition_in_parts_goes_to_peers_and_nobody_makes_anothers_codes_old() {
    let (a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    let long = "y".repeat(2_000);
    let many: Vec<String> = (1..=70).map(|number| format!("9E{number:03}")).collect();
    let rows: Vec<(&str, &str)> = many.iter().map(|code| (code.as_str(), long.as_str())).collect();
    let entered = enter(&a.agency, "2025", "2025-01-01", &codes(&rows));
    assert!(entered["parts"].as_u64().unwrap() > 1, "{entered}");
    let at_b = |edition: &str| {
        let listed = b.agency.ask(&["vocabulary", "list", "--scheme", "eccn", "--origin", &a.origin]);
        let all = listed["vocabularies"].as_array().unwrap().clone();
        all.into_iter().any(|one| one["edition"] == edition && one["state"] == "whole")
    };
    until("B holds the edition whole", || at_b("2025"));
    let shown_at_b = b.agency.ask(&["vocabulary", "show", "eccn", "--origin", &a.origin]);
    assert_eq!(shown_at_b["codes"].as_array().unwrap().len(), 70);
    // B has no edition of its own, and what A entered decides nothing about B's records: its codes name none.
    write(&b.agency, "add", &good("XB-1", "9E001"), &[]);
    assert_eq!(shown(&b.agency, &["xa-national", "XB-1"]), json!([]));
    write(&a.agency, "add", &good("XA-1", "9E001"), &[]);
    let at_a = |reference: &str| shown(&a.agency, &["xa-national", reference])[0].clone();
    assert_eq!(
        (at_a("XA-1")["edition"].clone(), at_a("XA-1")["newer"].clone()),
        (json!("2025"), json!(null))
    );
    enter(&a.agency, "2026", "2026-01-01", &codes(&[("9E001", "Clockwork")]));
    until("B holds the next edition", || at_b("2026"));
    assert_eq!(at_a("XA-1")["newer"], "2026");
    assert_eq!(old(&a.agency)[0]["records"], 1);
    // What B enters is nothing to A, whose codes name its own, and A's is nothing to B's.
    write(&a.agency, "add", &good("XA-2", "9E001"), &[]);
    enter(&b.agency, "1990", "1990-02-01", &codes(&[("9E002", "Springs")]));
    write(&b.agency, "add", &good("XB-2", "9E002"), &[]);
    let told = shown(&b.agency, &["xa-national", "XB-2"]);
    assert_eq!((&told[0]["origin"], &told[0]["newer"]), (&b.origin.as_str().into(), &json!(null)), "{told}");
    assert_eq!(old(&b.agency), json!([]));
    enter(&b.agency, "3000", "2026-02-01", &codes(&[("9E002", "Springs")]));
    until("A holds what B entered", || {
        let listed = a.agency.ask(&["vocabulary", "list", "--origin", &b.origin]);
        listed["vocabularies"].as_array().is_some_and(|all| all.len() == 2)
    });
    assert_eq!(at_a("XA-2")["newer"], json!(null));
    assert_eq!(old(&a.agency)[0]["records"], 1);
    assert_eq!(audit(&a, &[&b])["ok"], true);
}
