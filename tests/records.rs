//! Designations of an agency's own: written, changed and ended by command, and seen so by those who follow.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::agency::{Agency, answer, run, table, text};
use crate::nodes::{Node, audit, until};
use crate::schemas::check_answer;

/// A designation about an invented subject.
pub(crate) fn person(reference: &str, name: &str, passport: &str) -> Value {
    json!({
        "list": "xa-national", "reference": reference, "kind": "person",
        "names": [ { "full": name, "kind": "primary" } ],
        "identifiers": [ { "kind": "passport", "value": passport } ],
        "legal": [ { "act": "Order 7 of 2026" } ],
        "reasons_public": [ "Holds the seals of the crown without right." ],
        "reasons_closed": [ "A servant of the castle told so." ]
    })
}

/// Writes a designation beside the home and runs a command on it.
pub(crate) fn write(agency: &Agency, command: &str, record: &Value, more: &[&str]) -> Value {
    let file = agency.write("record.json", record.to_string().as_bytes());
    let done = agency.ask(&[&["record", command, text(&file)], more].concat());
    assert!(done["error"].is_null(), "{command}: {done}");
    check_answer("comity record", &done);
    done
}

/// The same of a command that must be refused: the log stands as before.
pub(crate) fn refused(agency: &Agency, arguments: &[&str], code: &str, said: &str) {
    let before = agency.head();
    let message = agency.refused(arguments, code);
    assert!(message.contains(said) && message.contains("nothing was signed"), "{arguments:?}: {message}");
    assert_eq!(agency.head(), before, "{arguments:?}");
}

pub(crate) fn act(agency: &Agency, command: &str, reference: &str, more: &[&str]) -> Value {
    let done = agency.ask(&[&["record", command, "xa-national", reference], more].concat());
    assert!(done["error"].is_null(), "{command}: {done}");
    check_answer("comity record", &done);
    done
}

#[test]
fn a_designation_lives_from_its_listing_to_its_end_and_each_change_follows_the_one_before() {
    let agency = Agency::found("agency-a.example");
    let mut record = person("XA-1", "Rupert Mirage", "X0000001");
    let added = write(&agency, "add", &record, &[]);
    assert_eq!((&added["change"], &added["state"]), (&"list".into(), &"unapproved".into()), "{added}");
    assert_eq!((&added["version"], &added["index"]), (&1.into(), &1.into()));
    assert_eq!((&added["tlp"], &added["onward"]), (&"AMBER".into(), &"NONE".into()), "C18: {added}");
    record["titles"] = json!(["Count"]);
    record["version"] = 1.into();
    let amended = write(&agency, "amend", &record, &[]);
    assert_eq!((&amended["paths"], &amended["version"]), (&json!(["titles"]), &2.into()), "{amended}");
    record["titles"] = json!(["Baron"]);
    record.as_object_mut().unwrap().remove("version");
    write(&agency, "correct", &record, &["--version", "2"]);
    let hits = |agency: &Agency| agency.ask(&["screen", "--id", "passport:X0000001"])["answer"].clone();
    assert_eq!(hits(&agency), "hits");
    let suspended = act(&agency, "suspend", "XA-1", &["--reason", "A court asked for it."]);
    assert_eq!((&suspended["state"], hits(&agency)), (&"suspended".into(), "none".into()));
    let resumed = act(&agency, "resume", "XA-1", &["--closed-reason", "It answered.", "--legal", "Order 8"]);
    assert_eq!((&resumed["state"], hits(&agency)), (&"unapproved".into(), "hits".into()));
    let end = ["--ground", "annulled", "--effective", "2026-06-30", "--reason", "The court annulled it."];
    let ended = act(&agency, "delist", "XA-1", &end);
    assert_eq!((&ended["state"], &ended["version"]), (&"delisted".into(), &6.into()), "{ended}");
    assert_eq!(hits(&agency), "none");
    // New grounds, a new handle, the same list and reference.
    record["legal"] = json!([{ "act": "Order 9 of 2026" }]);
    let relisted = write(&agency, "relist", &record, &[]);
    assert_eq!((&relisted["change"], &relisted["version"]), (&"relist".into(), &1.into()));
    assert_ne!(relisted["handle"], added["handle"]);
    assert_eq!(hits(&agency), "hits");
    let withdrawn = act(&agency, "withdraw", "XA-1", &["--reason", "It should not have been shared."]);
    assert_eq!((&withdrawn["state"], hits(&agency)), (&"withdrawn".into(), "none".into()));
    // Each entry names in clear the one before it, and in its core that one's leaf hash.
    let show = |index: u64| agency.ask(&["log", "show", &index.to_string()]);
    for (index, about) in [
        (1, None),
        (2, Some(1)),
        (3, Some(2)),
        (4, Some(3)),
        (5, Some(4)),
        (6, Some(5)),
        (7, None),
        (8, Some(7)),
    ] {
        let entry = show(index);
        let prev = about.map_or(Value::Null, |about| show(about)["leaf"].clone());
        assert_eq!((&entry["about"], &entry["change"]["prev"]), (&json!(about), &prev), "{entry}");
        assert!(
            entry["sections"].as_array().unwrap().iter().all(|section| section["tlp"] == "AMBER"),
            "{entry}"
        );
    }
    let (bundle, card) = agency.bundle("bundle");
    let report = answer(&run(&["bundle", "verify", text(&bundle), "--keys", text(&card), "--json"]));
    assert!(report["ok"] == true && report["checks"]["changes"] == 8, "{report}");
}

#[test]
fn what_is_not_in_order_is_refused_with_its_reason_and_nothing_is_signed() {
    let agency = Agency::found("agency-a.example");
    let record = person("XA-1", "Rupert Mirage", "X0000001");
    let file = |name: &str, record: &Value| agency.write(name, record.to_string().as_bytes());
    let with = |name: &str, field: &str, value: Value| {
        let mut record = record.clone();
        record[field] = value;
        text(&file(name, &record)).to_owned()
    };
    let good = text(&file("good.json", &record)).to_owned();
    let add = |file: &str, code: &str, said: &str| refused(&agency, &["record", "add", file], code, said);
    let broken = agency.write("broken.json", b"{ \"list\": \"xa-national\",\n  \"lsit\": 1 }");
    add(text(&broken), "record", "unknown field `lsit`");
    add(text(&broken), "record", "line 2");
    add(text(&agency.write("empty.json", b"")), "record", "EOF");
    add(text(&agency.write("huge.json", &vec![b' '; 1 << 21])), "record", "larger than 1048576 bytes");
    add(&with("act.json", "legal", json!([])), "record", "no legal act");
    let mut bare = record.clone();
    bare["reasons_public"] = json!([]);
    bare["reasons_closed"] = json!([]);
    add(text(&file("bare.json", &bare)), "record", "no reasons");
    let mut nobody = record.clone();
    nobody["names"] = json!([]);
    nobody["identifiers"] = json!([]);
    add(text(&file("nobody.json", &nobody)), "record", "neither names nor identifiers");
    add(&with("day.json", "listed_on", "2026-02-30".into()), "record", "day 30 does not exist");
    add(&with("official.json", "list", "us-ofac-sdn".into()), "official_list", "comity import");
    refused(&agency, &["record", "add"], "usage", "docs/records.md");
    refused(
        &agency,
        &["record", "amend", &with("v.json", "version", 1.into())],
        "not_found",
        "no record xa-national XA-1",
    );
    refused(&agency, &["record", "relist", &good], "not_found", "no record");
    refused(
        &agency,
        &["record", "suspend", "xa-national", "XA-1", "--reason", "Because."],
        "not_found",
        "no record xa-national XA-1",
    );
    refused(&agency, &["record", "suspend", "XA", "1", "--reason", "Because."], "name", "LIST");
}

/// The command on the one record, with more to say.
pub(crate) fn on<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["record", command, "xa-national", "XA-1"], more].concat()
}

#[test]
fn a_change_that_does_not_follow_what_stands_is_refused() {
    let agency = Agency::found("agency-a.example");
    let record = person("XA-1", "Rupert Mirage", "X0000001");
    let with = |name: &str, field: &str, value: Value| {
        let mut record = record.clone();
        record[field] = value;
        text(&agency.write(name, record.to_string().as_bytes())).to_owned()
    };
    let good = with("good.json", "titles", json!([]));
    let add = |file: &str, code: &str, said: &str| refused(&agency, &["record", "add", file], code, said);
    let reason = ["--reason", "Because."];
    write(&agency, "add", &record, &[]);
    add(&good, "already_exists", "comity record amend");
    refused(&agency, &["record", "amend", &good], "usage", "--version");
    refused(&agency, &["record", "amend", &good, "--version", "1"], "unchanged", "says all of this already");
    let other = with("other.json", "titles", json!(["Count"]));
    refused(&agency, &["record", "amend", &other, "--version", "7"], "base_changed", "has version 1");
    refused(
        &agency,
        &["record", "amend", &with("w.json", "version", 2.into()), "--version", "1"],
        "usage",
        "the file 2",
    );
    refused(
        &agency,
        &["record", "correct", &with("x.json", "version", 2.into())],
        "base_changed",
        "made from version 2",
    );
    refused(
        &agency,
        &["record", "amend", &with("y.json", "legal", json!([])), "--version", "1"],
        "record",
        "no legal act",
    );
    refused(&agency, &["record", "relist", &good], "state", "only what has ended");
    refused(&agency, &on("suspend", &[]), "usage", "--reason");
    refused(&agency, &on("suspend", &["--reason", ""]), "record", "text is empty");
    refused(
        &agency,
        &on("suspend", &["--version", "3", "--reason", "Because."]),
        "base_changed",
        "version 3",
    );
    refused(&agency, &on("resume", &reason), "state", "is unapproved: only a suspended record");
    refused(&agency, &on("delist", &reason), "usage", "--ground");
    refused(&agency, &on("delist", &["--ground", "expired", "--reason", "Because."]), "usage", "--effective");
    refused(
        &agency,
        &on("delist", &["--ground", "expired", "--effective", "2026-01-01"]),
        "usage",
        "--reason",
    );
    let home = agency.home();
    for (flag, value) in
        [("--ground", "absent-from-source"), ("--ground", "weary"), ("--effective", "2026-02-30")]
    {
        let output = run(&[&on("delist", &[flag, value])[..], &["--home", text(&home)]].concat());
        assert_eq!(output.status.code(), Some(2), "{flag} {value}: {output:?}");
    }
}

#[test]
fn what_is_suspended_or_has_ended_takes_only_the_changes_of_its_state() {
    let agency = Agency::found("agency-a.example");
    let record = person("XA-1", "Rupert Mirage", "X0000001");
    let good = text(&agency.write("good.json", record.to_string().as_bytes())).to_owned();
    write(&agency, "add", &record, &[]);
    let reason = ["--reason", "Because."];
    act(&agency, "suspend", "XA-1", &reason);
    refused(&agency, &on("suspend", &reason), "state", "is suspended");
    act(
        &agency,
        "delist",
        "XA-1",
        &["--ground", "expired", "--effective", "2026-01-01", "--reason", "Over."],
    );
    for command in ["suspend", "resume"] {
        refused(&agency, &on(command, &reason), "state", "is delisted");
    }
    refused(
        &agency,
        &on("delist", &["--ground", "expired", "--effective", "2026-01-01", "--reason", "Over."]),
        "state",
        "is delisted",
    );
    refused(&agency, &["record", "amend", &good, "--version", "3"], "state", "can only be relisted");
    refused(&agency, &["record", "add", &good], "state", "comity record relist");
    refused(&agency, &["record", "relist", &good], "same_grounds", "new grounds");
    act(&agency, "withdraw", "XA-1", &reason);
    refused(&agency, &on("withdraw", &reason), "state", "taken back already");
}

/// Goal: what was kept at home stays there when it is listed again, unless an operator says so. Way: at rest and by a running
/// node, which is told by the wire.
#[test]
fn a_record_that_is_listed_again_keeps_a_stricter_label_unless_it_is_labelled_anew() {
    let mut a = Node::found("agency-a.example");
    let config = a.agency.home().join("comity.toml");
    let peers = std::fs::read_to_string(&config).unwrap();
    assert!(a.stop());
    std::fs::write(&config, peers.replace("to = \"peers\"", "to = \"nobody\"")).unwrap();
    let mut record = person("XA-1", "Rupert Mirage", "X0000001");
    assert_eq!(write(&a.agency, "add", &record, &[])["tlp"], "RED");
    std::fs::write(&config, peers).unwrap();
    let mut again = |a: &Node, act_of: &str, more: &[&str]| {
        let end = ["--ground", "expired", "--effective", "2026-06-30", "--reason", "It ran out."];
        act(&a.agency, "delist", "XA-1", &end);
        record["legal"] = json!([{ "act": act_of }]);
        let relisted = write(&a.agency, "relist", &record, more);
        (relisted["tlp"].clone(), relisted["onward"].clone())
    };
    let (kept, anew) = (("RED".into(), "NONE".into()), ("AMBER".into(), "NONE".into()));
    assert_eq!(again(&a, "Order 8 of 2026", &[]), kept);
    assert_eq!(again(&a, "Order 9 of 2026", &["--label-anew"]), anew);
    assert_eq!(again(&a, "Order 10 of 2026", &[]), anew, "the label is that of the newest listing");
    let add = run(&["record", "add", "--label-anew", "none.json", "--home", text(&a.agency.home())]);
    assert_eq!(add.status.code(), Some(2), "a record that begins has no former label");
    // The same where a node runs.
    let mut b = Node::found("agency-b.example");
    let config = b.agency.home().join("comity.toml");
    let peers = std::fs::read_to_string(&config).unwrap();
    assert!(b.stop());
    std::fs::write(&config, peers.replace("to = \"peers\"", "to = \"nobody\"")).unwrap();
    assert_eq!(write(&b.agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[])["tlp"], "RED");
    std::fs::write(&config, peers).unwrap();
    b.serve();
    assert_eq!(again(&b, "Order 8 of 2026", &[]), kept);
    assert_eq!(again(&b, "Order 9 of 2026", &["--label-anew"]), anew);
}

#[test]
fn a_record_that_is_shown_is_a_file_that_amends_it() {
    let agency = Agency::found("agency-a.example");
    let full = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../feeds/tests/fixtures/own/full.json");
    let added = agency.ask(&["record", "add", text(&full)]);
    assert_eq!(added["change"], "list", "{added}");
    let shown = agency.ask(&["record", "show", "xa-national", "XA-2026-0017"]);
    check_answer("comity record show", &shown);
    let mut record: Value = serde_json::from_slice(&std::fs::read(&full).unwrap()).unwrap();
    record["version"] = 1.into();
    record["handle"] = shown["handle"].clone();
    assert_eq!(shown["record"], record);
    // As people see it, it is the file itself.
    let home = agency.home();
    let said = run(&["record", "show", "xa-national", "XA-2026-0017", "--home", text(&home)]);
    let changed = String::from_utf8(said.stdout).unwrap().replace("\"Count\"", "\"Baron\"");
    let mut child = Command::new(env!("CARGO_BIN_EXE_comity"))
        .args(["record", "amend", "-", "--json", "--home", text(&home)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(changed.as_bytes()).unwrap();
    let amended = answer(&child.wait_with_output().unwrap());
    assert_eq!((&amended["paths"], &amended["version"]), (&json!(["titles"]), &2.into()), "{amended}");
    // Handed in again, it was made from what is no longer so.
    let stale = agency.write("stale.json", changed.replace("Baron", "Duke").as_bytes());
    refused(&agency, &["record", "amend", text(&stale)], "base_changed", "made from version 1");
    agency.refused(&["record", "show", "xa-national", "XA-2"], "not_found");
}

/// Goal: what was said of a record before it was erased does not come back by a file of that time. Way: the new listing has
/// the version that the file names.
#[test]
fn a_file_of_a_listing_that_was_erased_does_not_amend_the_one_that_came_after_it() {
    let agency = Agency::found("agency-a.example");
    write(&agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    let former = agency.ask(&["record", "show", "xa-national", "XA-1"]);
    act(&agency, "erase", "XA-1", &["--reason", "The court ordered it."]);
    let mut again = person("XA-1", "Somebody Else", "X0000009");
    again["legal"] = json!([{ "act": "Order 9 of 2026" }]);
    assert_eq!(write(&agency, "relist", &again, &[])["version"], former["version"]);
    let file = agency.write("former.json", former["record"].to_string().as_bytes());
    for command in ["amend", "correct"] {
        refused(&agency, &["record", command, text(&file)], "base_changed", "was listed again since");
    }
    assert_eq!(agency.ask(&["screen", "--id", "passport:X0000001"])["answer"], "none");
    let mut now = agency.ask(&["record", "show", "xa-national", "XA-1"])["record"].clone();
    now["titles"] = json!(["Count"]);
    assert_eq!(write(&agency, "amend", &now, &[])["version"], 2);
    now["handle"] = "7".into();
    let bad = agency.write("bad.json", now.to_string().as_bytes());
    refused(&agency, &["record", "amend", text(&bad)], "record", "a handle is 32 characters");
}

#[test]
fn a_peer_sees_each_change_of_a_designation_and_what_has_ended_is_found_no_more() {
    let (a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    let ask = |name: &str| b.agency.ask(&["screen", "--name", name]);
    let mut record = person("XA-1", "Rupert Mirage", "X0000001");
    write(&a.agency, "add", &record, &[]);
    until("B finds what A designates", || ask("Rupert Mirage")["answer"] == "hits");
    let hit = ask("Rupert Mirage");
    assert_eq!(
        (&hit["hits"][0]["list"], &hit["hits"][0]["version"]),
        (&"xa-national".into(), &1.into()),
        "{hit}"
    );
    record["names"][0]["full"] = "Rupert Mirage the Second".into();
    write(&a.agency, "amend", &record, &["--version", "1"]);
    until("B finds the new name", || ask("Rupert Mirage the Second")["hits"][0]["version"] == 2);
    assert_eq!(ask("Rupert Mirage")["answer"], "none");
    act(&a.agency, "suspend", "XA-1", &["--reason", "A court asked for it."]);
    until("a suspended record gives no hit", || ask("Rupert Mirage the Second")["answer"] == "none");
    act(&a.agency, "resume", "XA-1", &["--reason", "It answered."]);
    until("a resumed one does", || ask("Rupert Mirage the Second")["answer"] == "hits");
    let end = ["--ground", "deceased", "--effective", "2026-06-30", "--reason", "He died."];
    act(&a.agency, "delist", "XA-1", &end);
    until("a delisted record gives no hit", || ask("Rupert Mirage the Second")["answer"] == "none");
    let says = |node: &Node| node.agency.ask(&["log", "records", "xa-national", "--origin", &a.origin]);
    assert_eq!(says(&b)["records"][0]["state"], "delisted");
    assert_eq!(says(&b), says(&a));
    // The reasons that may not be published went to the peer under AMBER too, and no further: onward NONE.
    let entry = b.agency.ask(&["log", "show", "1", "--origin", &a.origin]);
    assert!(entry["sections"].as_array().unwrap().iter().all(|section| section["tlp"] == "AMBER"), "{entry}");
    for (node, others) in [(&a, [&b]), (&b, [&a])] {
        let report = audit(node, &others);
        assert!(report["ok"] == true && report["trusted"] == true, "{report}");
    }
    for node in [&a, &b] {
        for word in ["Rupert", "Mirage", "X0000001", "XA-1", "castle"] {
            assert!(!node.log().contains(word), "{word:?} stands in the log of {}", node.origin);
        }
    }
}

#[test]
fn a_designation_goes_to_peers_alone_and_a_change_of_an_official_record_as_far_as_the_record() {
    let (a, b, c) =
        (Node::found("agency-a.example"), Node::found("agency-b.example"), Node::found("agency-c.example"));
    for (one, other) in [(&a, &b), (&b, &a), (&b, &c), (&c, &b)] {
        one.add(other, &[]);
    }
    c.add(&a, &["--via", "agency-b.example"]);
    let list = a.agency.write("list.csv", &table(1..=3));
    a.agency.ask(&["import", "ofac", text(&list)]);
    write(&a.agency, "add", &person("XA-1", "Rupert Vane", "Y0000001"), &[]);
    let ask = |node: &Node, id: &str| node.agency.ask(&["screen", "--id", id])["answer"].clone();
    until("C finds the official record", || ask(&c, "passport:X0000002") == "hits");
    until("B finds the designation", || ask(&b, "passport:Y0000001") == "hits");
    let head = a.head(&a.origin);
    c.reaches(&a.origin, &head);
    assert_eq!(ask(&c, "passport:Y0000001"), "none", "onward NONE: the relay keeps it");
    let done = a.agency.ask(&["record", "suspend", "us-ofac-sdn", "2", "--reason", "A court asked for it."]);
    assert_eq!((&done["tlp"], &done["onward"]), (&"CLEAR".into(), &"FREE".into()), "{done}");
    until("the relief reaches C through the relay", || ask(&c, "passport:X0000002") == "none");
    let entry = c.agency.ask(&["log", "show", &done["index"].to_string(), "--origin", &a.origin]);
    assert_eq!(entry["change"]["op"], "suspend", "{entry}");
}

/// Goal: a code of goods is checked before anything is signed, and found by what covers it and what it covers, at home
/// and by a peer, with the reason.
#[test]
fn goods_are_designated_by_checked_codes_and_found_by_codes_that_cover_each_other() {
    let (a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    let good = |scope: &str, value: &str| {
        let mut record = person("XA-G-1", "Grey powder", "X0000001");
        record["kind"] = "good".into();
        record["identifiers"] = json!([
            { "kind": "goods", "scope": scope, "value": value },
            { "kind": "goods", "scope": "cn", "value": "2904 10 00" }
        ]);
        record
    };
    for (scope, value, said) in [
        ("eu", "1C35", "a group (A to E) and three digits"),
        ("europe", "1C350", "names its scheme: eu, eccn"),
        ("hs", "84713", "2, 4 or 6 digits, not 5"),
    ] {
        let file = a.agency.write("bad.json", good(scope, value).to_string().as_bytes());
        refused(&a.agency, &["record", "add", text(&file)], "record", said);
    }
    write(&a.agency, "add", &good("eu", "1C350.a"), &[]);
    let ask = |agency: &Agency, id: &str| {
        let found = agency.ask(&["screen", "--id", id]);
        check_answer("comity screen", &found);
        found["hits"].as_array().unwrap().iter().map(|hit| hit["goods"].clone()).collect::<Vec<_>>()
    };
    until("B finds what A designates", || !ask(&b.agency, "goods/eu:1C350.a").is_empty());
    for (id, scheme, code, relation) in [
        ("goods/eu:1c350 A", "eu", "1C350.a", "same"),
        ("goods/eu:1C350.a.12", "eu", "1C350.a", "covers"),
        ("goods/eu:1C350", "eu", "1C350.a", "covered"),
        ("goods/taric:2904100090", "cn", "29041000", "covers"),
        ("goods/hs:29", "cn", "29041000", "covered"),
    ] {
        let why = vec![json!({ "scheme": scheme, "code": code, "relation": relation })];
        assert_eq!(ask(&a.agency, id), why, "{id}");
        assert_eq!(ask(&b.agency, id), why, "{id}");
    }
    for id in ["goods/eccn:1C350.a", "goods/eu:1C350.b", "goods/hs:2905"] {
        assert!(ask(&b.agency, id).is_empty(), "{id}");
    }
    assert_eq!(b.agency.ask(&["screen", "--name", "Grey powder"])["hits"][0]["goods"], Value::Null);
    b.agency.refused(&["screen", "--id", "goods:1C350"], "bad_query");
    let home = b.agency.home();
    let said = run(&["screen", "--id", "goods/eu:1C350.a.12", "--home", text(&home)]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("listed under eu 1C350.a, which covers what was asked"), "{said}");
}
