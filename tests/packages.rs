//! `comity record package`, `merge` and `split`: changes that take effect whole or not at all, at their author and at a peer.

use serde_json::{Value, json};

use crate::agency::{Agency, answer, run, text};
use crate::nodes::{Node, audit, until};
use crate::records::{person, refused, write};
use crate::schemas::check_answer;

/// A package that ends one record, gives another a new name and begins a third.
fn changes() -> Vec<Value> {
    let mut renamed = person("XA-2", "Another Name", "X0000002");
    renamed["version"] = 1.into();
    vec![
        json!({
            "change": "delist", "list": "xa-national", "reference": "XA-1", "version": 1, "ground": "superseded",
            "effective": "2026-06-30", "reasons_public": [ "XA-3 goes on." ], "legal": [ { "act": "Order 8 of 2026" } ]
        }),
        json!({ "change": "amend", "record": renamed }),
        json!({ "change": "add", "record": person("XA-3", "Rupert Mirage", "X0000003") }),
    ]
}

fn lines(changes: &[Value]) -> Vec<u8> {
    changes.iter().flat_map(|change| format!("{change}\n").into_bytes()).collect()
}

fn file_of(agency: &Agency, changes: &[Value]) -> String {
    text(&agency.write("package.json", json!(changes).to_string().as_bytes())).to_owned()
}

fn two(agency: &Agency) {
    write(agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    write(agency, "add", &person("XA-2", "Another Mirage", "X0000002"), &[]);
}

fn is_hit(agency: &Agency, passport: &str) -> bool {
    agency.ask(&["screen", "--id", &format!("passport:{passport}")])["answer"] == "hits"
}

#[test]
fn a_package_is_shown_first_and_signed_whole_and_next_to_each_other() {
    let agency = Agency::found("agency-a.example");
    two(&agency);
    let before = agency.head();
    let array = file_of(&agency, &changes());
    let dry = agency.ask(&["record", "package", &array, "--dry-run"]);
    check_answer("comity record package", &dry);
    assert_eq!((&dry["signed"], agency.head()), (&false.into(), before), "{dry}");
    let words: Vec<_> = dry["records"].as_array().unwrap().iter().map(|one| one["change"].clone()).collect();
    assert_eq!(words, ["delist", "amend", "list"]);
    let by_line = agency.write("package.jsonl", &lines(&changes()));
    let signed = agency.ask(&["record", "package", text(&by_line)]);
    check_answer("comity record package", &signed);
    let signed: Vec<_> = signed["records"].as_array().unwrap().clone();
    let told = signed.iter().map(|one| (one["index"].clone(), one["state"].clone(), one["version"].clone()));
    let expected = [(3, "delisted", 2), (4, "unapproved", 2), (5, "unapproved", 1)]
        .map(|(a, b, c)| (a.into(), b.into(), c.into()));
    assert_eq!(told.collect::<Vec<_>>(), expected);
    for (index, place) in [(3, 1), (4, 2), (5, 3)] {
        let entry = agency.ask(&["log", "show", &index.to_string()]);
        check_answer("comity log show", &entry);
        assert_eq!(entry["change"]["package"], json!({ "place": place, "count": 3 }));
    }
    assert_eq!(["X0000001", "X0000002", "X0000003"].map(|id| is_hit(&agency, id)), [false, true, true]);
    refused(&agency, &["record", "package", text(&by_line)], "base_changed", "has version 2");
    let (bundle, card) = agency.bundle("bundle");
    let report = answer(&run(&["bundle", "verify", text(&bundle), "--keys", text(&card), "--json"]));
    assert!(report["ok"] == true && report["checks"]["changes"] == 5, "{report}");
}

#[test]
fn nothing_of_a_package_is_signed_if_one_change_may_not_be() {
    let agency = Agency::found("agency-a.example");
    two(&agency);
    let with = |at: usize, change: Value| {
        let mut changes = changes();
        changes[at] = change;
        file_of(&agency, &changes)
    };
    let suspend = |reference: &str| json!({ "change": "suspend", "list": "xa-national", "reference": reference, "reasons_public": [ "Because." ] });
    let mut stale = changes()[1].clone();
    stale["record"]["version"] = 7.into();
    let mut bare = changes()[2].clone();
    bare["record"]["legal"] = json!([]);
    let mut mute = suspend("XA-1");
    mute["reasons_public"] = json!([]);
    for (at, change, code, said) in [
        (0, suspend("XA-9"), "not_found", "XA-9"),
        (0, suspend("XA-2"), "same_record", "XA-2 is named twice"),
        (0, mute, "record", "no reasons"),
        (1, stale, "base_changed", "version 7"),
        (2, bare, "record", "legal act"),
        (
            2,
            json!({ "change": "add", "record": person("XA-1", "Nobody", "X0000009") }),
            "same_record",
            "XA-1",
        ),
        (
            2,
            json!({ "change": "erase", "list": "xa-national", "reference": "XA-2" }),
            "record",
            "unknown variant",
        ),
        (
            2,
            json!({ "change": "resume", "list": "xa-national", "reference": "XA-3", "to": {} }),
            "record",
            "missing field",
        ),
    ] {
        refused(&agency, &["record", "package", &with(at, change)], code, said);
    }
    let one = file_of(&agency, &changes()[..1]);
    refused(&agency, &["record", "package", &one], "record", "2 to 256 changes");
    let many: Vec<Value> = (0..257).map(|n| suspend(&format!("XA-{n}"))).collect();
    refused(&agency, &["record", "package", &file_of(&agency, &many)], "record", "2 to 256 changes");
}

#[test]
fn a_peer_sees_a_package_and_a_merge_whole_also_after_a_restart() {
    let (a, mut b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    two(&a.agency);
    let package = file_of(&a.agency, &changes());
    a.agency.ask(&["record", "package", &package]);
    let merge =
        ["record", "merge", "xa-national", "XA-3", "--from", "xa-national", "XA-2", "--reason", "One."];
    let merged = a.agency.ask(&merge);
    check_answer("comity record merge", &merged);
    b.reaches(&a.origin, &a.head(&a.origin));
    let is_whole = |agency: &Agency| {
        let hits = ["X0000001", "X0000002", "X0000003"].map(|id| is_hit(agency, id));
        let hit = agency.ask(&["screen", "--id", "passport:X0000002"])["hits"][0].clone();
        hits == [false, true, true]
            && hit["state"] == "unapproved"
            && hit["merged_into"]["reference"] == "XA-3"
    };
    until("B has all of it", || is_whole(&b.agency));
    b.kill();
    b.serve();
    until("B has all of it again", || is_whole(&b.agency));
    assert_eq!(audit(&b, &[&a])["ok"], true);
}
