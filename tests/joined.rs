//! `comity record rekey`, `merge` and `split`: checked as every change, and read everywhere at once.

use serde_json::{Value, json};

use crate::agency::{Agency, answer, run, table, text};
use crate::nodes::{Node, audit, until};
use crate::records::{act, person, refused, write};
use crate::schemas::check_answer;

fn done(agency: &Agency, arguments: &[&str]) -> Value {
    let done = agency.ask(&[&["record"], arguments, &["--reason", "They are one."]].concat());
    assert!(done["error"].is_null(), "{arguments:?}: {done}");
    check_answer("comity record merge", &done);
    done
}

fn listed(agency: &Agency, origin: &str, reference: &str) -> Value {
    let said = agency.ask(&["log", "records", "xa-national", "--origin", origin]);
    check_answer("comity log records", &said);
    let records = said["records"].as_array().unwrap();
    records.iter().find(|record| record["reference"] == reference).cloned().unwrap_or_default()
}

const REASON: [&str; 2] = ["--reason", "Because."];

fn to<'a>(to: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&["record", "rekey", "xa-national", "XA-1"], to, more].concat()
}

#[test]
fn a_rekeyed_record_goes_on_under_its_new_reference_wherever_it_is_read() {
    let agency = Agency::found("agency-a.example");
    let added = write(&agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    write(&agency, "add", &person("XA-2", "Another Mirage", "X0000002"), &[]);
    refused(&agency, &to(&["xa-national", "XA-2"], &REASON), "already_exists", "another record");
    refused(&agency, &to(&["xa-national", "XA-1"], &REASON), "unchanged", "called already");
    refused(&agency, &to(&["us-ofac-sdn", "1"], &REASON), "official_list", "comity import");
    let official = Agency::found("agency-c.example");
    official.ask(&["import", "ofac", text(&official.write("list.csv", &table(1..=20)))]);
    let out = ["record", "rekey", "us-ofac-sdn", "1", "xa-national", "XA-1", "--reason", "By order."];
    refused(&official, &out, "official_list", "comity import");
    refused(&agency, &to(&["xa-national", "XA-9"], &[]), "usage", "--reason");
    refused(
        &agency,
        &to(&["xa-national", "XA-9"], &["--version", "2", "--reason", "x"]),
        "base_changed",
        "version 1",
    );
    let rekeyed = act(&agency, "rekey", "XA-1", &["xa-sea", "XS-1", "--reason", "Another office has it."]);
    assert_eq!((&rekeyed["change"], &rekeyed["version"]), (&"rekey".into(), &2.into()), "{rekeyed}");
    assert_eq!(rekeyed["to"], json!({ "list": "xa-sea", "reference": "XS-1" }));
    agency.refused(&["record", "show", "xa-national", "XA-1"], "not_found");
    let shown = agency.ask(&["record", "show", "xa-sea", "XS-1"]);
    assert_eq!((&shown["handle"], &shown["record"]["list"]), (&added["handle"], &"xa-sea".into()));
    let hit = agency.ask(&["screen", "--id", "passport:X0000001"])["hits"][0].clone();
    assert_eq!(
        (&hit["list"], &hit["reference"], &hit["version"]),
        (&"xa-sea".into(), &"XS-1".into(), &2.into())
    );
    for (format, said) in [("stix", "XS-1"), ("csv", "xa-sea"), ("ftm", "XS-1")] {
        let place = agency.beside(format);
        let out = agency.ask(&["export", format, "--list", "xa-sea", "--out", text(&place)]);
        assert_eq!(out["records"], 1, "{out}");
        assert!(std::fs::read_to_string(&place).unwrap().contains(said), "{format}");
    }
    // Its old name is free, and the next change follows the rekeying.
    write(&agency, "add", &person("XA-1", "Somebody Else", "X0000003"), &[]);
    let entry = agency.ask(&["record", "suspend", "xa-sea", "XS-1", "--reason", "A court asked."]);
    let about = agency.ask(&["log", "show", &entry["index"].to_string()])["about"].clone();
    assert_eq!(about, rekeyed["index"]);
}

#[test]
fn a_merge_and_a_split_touch_each_record_once_and_each_takes_the_other_back() {
    let agency = Agency::found("agency-a.example");
    let origin = "agency-a.example/pub";
    for (reference, passport) in [("XA-1", "X0000001"), ("XA-2", "X0000002"), ("XA-3", "X0000003")] {
        write(&agency, "add", &person(reference, "Rupert Mirage", passport), &[]);
    }
    let names = |word, references: &[&'static str]| {
        let pairs = references.iter().flat_map(|one| [word, "xa-national", one]);
        [vec!["xa-national", "XA-1"], pairs.collect()].concat()
    };
    let merge = |references: &[&'static str]| [vec!["merge"], names("--from", references)].concat();
    let with_reason = |command: &[&'static str]| [&["record"], command, &REASON[..]].concat();
    refused(&agency, &with_reason(&merge(&["XA-1"])), "same_record", "named twice");
    refused(&agency, &with_reason(&merge(&["XA-2", "XA-2"])), "same_record", "named twice");
    refused(&agency, &with_reason(&merge(&["XA-9"])), "not_found", "XA-9");
    let merged = done(&agency, &merge(&["XA-2", "XA-3"]));
    let records = merged["records"].as_array().unwrap();
    assert_eq!(records.len(), 3);
    for (record, index) in records.iter().zip(4_u64..) {
        assert_eq!((&record["version"], &record["index"]), (&2.into(), &index.into()));
        let entry = agency.ask(&["log", "show", &index.to_string()]);
        assert_eq!(entry["about"], index - 3, "each follows its own record");
        assert_eq!(entry["change"]["package"], json!({ "place": index - 3, "count": 3 }));
    }
    let into = json!({ "list": "xa-national", "reference": "XA-1" });
    assert_eq!(listed(&agency, origin, "XA-2")["merged_into"], into);
    assert_eq!(listed(&agency, origin, "XA-1")["merged_into"], Value::Null);
    let hit = agency.ask(&["screen", "--id", "passport:X0000002"]);
    check_answer("comity screen", &hit);
    assert_eq!((&hit["hits"][0]["merged_into"], &hit["hits"][0]["state"]), (&into, &"unapproved".into()));
    let stix = agency.beside("stix");
    agency.ask(&["export", "stix", "--out", text(&stix)]);
    let bundle: Value = serde_json::from_slice(&std::fs::read(&stix).unwrap()).unwrap();
    assert_eq!(bundle.to_string().matches("\"merged_into\":").count(), 2, "{bundle}");
    refused(&agency, &with_reason(&merge(&["XA-2"])), "state", "merged into xa-national XA-1 already");
    let parted = done(&agency, &[vec!["split"], names("--into", &["XA-3"])].concat());
    assert_eq!(parted["records"][0]["version"], 3);
    assert_eq!(listed(&agency, origin, "XA-3")["merged_into"], Value::Null);
    assert_eq!(listed(&agency, origin, "XA-2")["merged_into"], into, "only what is named goes apart");
    assert_eq!(
        listed(&agency, origin, "XA-1")["split_into"],
        json!([{ "list": "xa-national", "reference": "XA-3" }])
    );
    done(&agency, &merge(&["XA-3"]));
    assert_eq!(listed(&agency, origin, "XA-1")["split_into"], json!([]));
    // A change between the look and the signature, and one of what has ended.
    act(
        &agency,
        "delist",
        "XA-3",
        &["--ground", "superseded", "--effective", "2026-06-30", "--reason", "XA-1 goes on."],
    );
    refused(
        &agency,
        &with_reason(&[vec!["split"], names("--into", &["XA-3"])].concat()),
        "state",
        "is delisted",
    );
    assert_eq!(listed(&agency, origin, "XA-3")["state"], "delisted");
    let (bundle, card) = agency.bundle("bundle");
    let report = answer(&run(&["bundle", "verify", text(&bundle), "--keys", text(&card), "--json"]));
    assert!(report["ok"] == true && report["checks"]["changes"] == 11, "{report}");
}

#[test]
fn records_under_two_labels_are_not_merged() {
    let agency = Agency::found("agency-a.example");
    let list = agency.write("list.csv", &table(1..=2));
    agency.ask(&["import", "ofac", text(&list)]);
    write(&agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    let mixed = ["record", "merge", "xa-national", "XA-1", "--from", "us-ofac-sdn", "1", "--reason", "x"];
    refused(&agency, &mixed, "mixed_handling", "under one label");
    let merged = done(&agency, &["merge", "us-ofac-sdn", "1", "--from", "us-ofac-sdn", "2"]);
    assert_eq!((&merged["tlp"], &merged["onward"]), (&"CLEAR".into(), &"FREE".into()));
    // The next publication says the same of both, and so changes neither.
    let again = agency.ask(&["import", "ofac", text(&list)]);
    assert_eq!((&again["unchanged"], &again["changed"]), (&2.into(), &0.into()), "{again}");
}

#[test]
fn a_peer_reads_a_merge_and_a_rekeying_as_their_author_does() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    for (reference, passport) in [("XA-1", "X0000001"), ("XA-2", "X0000002")] {
        write(&a.agency, "add", &person(reference, "Rupert Mirage", passport), &[]);
    }
    done(&a.agency, &["merge", "xa-national", "XA-1", "--from", "xa-national", "XA-2"]);
    act(&a.agency, "rekey", "XA-1", &["xa-national", "XA-7", "--reason", "A new register."]);
    let into = json!({ "list": "xa-national", "reference": "XA-7" });
    let hit = |agency: &Agency| {
        agency.ask(&["screen", "--id", "passport:X0000002"])["hits"][0]["merged_into"].clone()
    };
    until("B reads both", || hit(&b.agency) == into);
    assert_eq!(listed(&b.agency, &a.origin, "XA-2"), listed(&a.agency, &a.origin, "XA-2"));
    a.kill();
    a.serve();
    assert_eq!(hit(&a.agency), into, "the same after a start");
    assert_eq!(audit(&b, &[&a])["ok"], true);
}

/// Goal: whoever erases a record is told where what a merge or a split said of it stands besides, and that goes when its own
/// record is erased.
#[test]
fn an_erasure_names_what_a_merge_and_a_split_said_of_the_record_in_other_chains() {
    let agency = Agency::found("agency-a.example");
    for (reference, passport) in [("XA-1", "X0000001"), ("XA-2", "X0000002"), ("XA-3", "X0000003")] {
        write(&agency, "add", &person(reference, "Rupert Mirage", passport), &[]);
    }
    let from = |reference| ["--from", "xa-national", reference];
    let into = ["--into", "xa-national", "XA-3", "--reason", "Rupert is two."];
    let merge = ["merge", "xa-national", "XA-1"];
    let joined = done(&agency, &[&merge[..], &from("XA-2"), &from("XA-3"), &REASON].concat());
    assert_eq!(joined["records"][0]["index"], 4, "{joined}");
    done(&agency, &[&["split", "xa-national", "XA-1"][..], &into].concat());
    let erased = act(&agency, "erase", "XA-3", &["--reason", "The court ordered it."]);
    let named = |reference: &str, index: u64| json!({ "list": "xa-national", "reference": reference, "index": index });
    assert_eq!(
        erased["elsewhere"],
        json!([named("XA-1", 4), named("XA-2", 5), named("XA-1", 7)]),
        "{erased}"
    );
    assert_eq!(erased["erased"], 3);
    // The others go on, and what they say of it goes with them.
    assert_eq!(agency.ask(&["screen", "--id", "passport:X0000001"])["answer"], "hits");
    act(&agency, "suspend", "XA-1", &REASON);
    let home = agency.home();
    let erase = ["record", "erase", "xa-national", "XA-1", "--reason", "That too.", "--home", text(&home)];
    let said = String::from_utf8(run(&erase).stdout).unwrap();
    assert!(said.contains("stays with those: entry 5 of xa-national XA-2"), "{said}");
    let last = act(&agency, "erase", "XA-2", &["--reason", "And that."]);
    assert_eq!(last["elsewhere"], json!([]), "{last}");
}
