//! Erasure: what it must not leave behind, what stands after it, and what must not go to everybody.
//!
//! Goal: nothing that was ever said under an erased key is read again. Way: real homes and nodes. Not here: the
//! other changes of a record (`records`).

use serde_json::{Value, json};

use crate::agency::{Agency, answer, run, table, text};
use crate::nodes::{Node, audit, until};
use crate::records::{act, on, person, refused, write};
use crate::recovery::copy;
use crate::schemas::check_answer;

/// Goal: what is erased is gone from the home and from every backup, and the history still verifies.
#[test]
fn an_erased_record_is_gone_and_the_log_and_its_audit_stand() {
    let agency = Agency::found("agency-a.example");
    let mut record = person("XA-1", "Rupert Mirage", "X0000001");
    write(&agency, "add", &record, &[]);
    write(&agency, "add", &person("XA-2", "Flavia Elphberg", "X0000002"), &[]);
    record["titles"] = json!(["Count"]);
    write(&agency, "amend", &record, &["--version", "1"]);
    let [backup, keys, keys_after, restored] =
        ["backup", "keys", "keys-after", "restored"].map(|name| agency.beside(name));
    agency.ask(&["backup", "--out", text(&backup), "--keyring-out", text(&keys)]);
    let done = act(&agency, "erase", "XA-1", &["--reason", "The court ordered it."]);
    assert_eq!(
        (&done["state"], &done["erased"], &done["version"]),
        (&"erased".into(), &2.into(), &3.into()),
        "{done}"
    );
    assert_eq!(agency.ask(&["screen", "--id", "passport:X0000001"])["answer"], "none");
    assert_eq!(agency.ask(&["screen", "--id", "passport:X0000002"])["answer"], "hits");
    let states = |index: u64| {
        let entry = agency.ask(&["log", "show", &index.to_string()]);
        check_answer("comity log show", &entry);
        let sections = entry["sections"].as_array().unwrap().clone();
        (
            entry["kind"].clone(),
            sections.into_iter().map(|section| section["state"].clone()).collect::<Vec<_>>(),
        )
    };
    for (index, kind, state) in [
        (1, "record", "erased"),
        (2, "record", "opened"),
        (3, "record", "erased"),
        (4, "record", "opened"),
        (5, "erase", "opened"),
        (6, "erase", "opened"),
    ] {
        let (found, sections) = states(index);
        assert!(
            found == kind && sections.iter().all(|section| section == state),
            "{index}: {found} {sections:?}"
        );
    }
    let listed = agency.ask(&["log", "records", "xa-national"]);
    check_answer("comity log records", &listed);
    let of =
        listed["records"].as_array().unwrap().iter().find(|record| record["reference"] == "XA-1").unwrap();
    assert_eq!((&of["state"], &of["name"]), (&"erased".into(), &Value::Null), "{of}");
    agency.refused(&["record", "show", "xa-national", "XA-1"], "erased");
    for command in ["erase", "withdraw", "suspend"] {
        refused(&agency, &on(command, &["--reason", "Because."]), "state", "is erased");
    }
    let good = agency.write("again.json", person("XA-1", "Rupert Mirage", "X0000001").to_string().as_bytes());
    refused(&agency, &["record", "add", text(&good)], "state", "is erased");
    let (bundle, card) = agency.bundle("bundle");
    let report = answer(&run(&["bundle", "verify", text(&bundle), "--keys", text(&card), "--json"]));
    assert!(report["ok"] == true && report["checks"]["openings_erased"] == 16, "{report}");
    for file in files(&bundle) {
        let bytes = std::fs::read(&file).unwrap();
        for word in ["Rupert Mirage", "X0000001"] {
            let shows = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!shows, "{} shows {word}", file.display());
        }
    }
    // The backup from before, with the newest keyring, which must be used: what was erased stays so.
    agency.ask(&["backup", "--out", text(&agency.beside("later")), "--keyring-out", text(&keys_after)]);
    let done = answer(&run(&[
        "restore",
        "--from",
        text(&backup),
        "--keyring",
        text(&keys_after),
        "--home",
        text(&restored),
        "--json",
    ]));
    assert!(done["error"].is_null(), "{done}");
    let found = answer(&run(&["log", "show", "1", "--home", text(&restored), "--json"]));
    assert!(
        found["sections"].as_array().unwrap().iter().all(|section| section["state"] == "erased"),
        "{found}"
    );
    let found = answer(&run(&["log", "show", "2", "--home", text(&restored), "--json"]));
    assert!(
        found["sections"].as_array().unwrap().iter().all(|section| section["state"] == "opened"),
        "{found}"
    );
    // Its audit says the same, and that the log as it is here does not say so.
    let bundle = agency.beside("restored-bundle");
    let made = answer(&run(&["bundle", "--out", text(&bundle), "--home", text(&restored), "--json"]));
    assert!(made["error"].is_null(), "{made}");
    let report = answer(&run(&["bundle", "verify", text(&bundle), "--keys", text(&card), "--json"]));
    check_answer("comity-audit verify", &report);
    let (counted, log) = (&report["checks"], &report["logs"][0]);
    assert_eq!((&counted["openings_erased"], &counted["openings_lost"]), (&16.into(), &0.into()), "{report}");
    let runs = json!([{ "first": 1, "last": 1 }, { "first": 3, "last": 3 }]);
    assert!(report["ok"] == true && log["unannounced"] == runs && log["lost"] == json!([]), "{report}");
}

/// Every file under a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_peer_finds_an_erased_record_no_more_and_one_that_comes_later_never_gets_it() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    let c = Node::found("agency-c.example");
    a.add(&b, &[]);
    b.add(&a, &[]);
    write(&a.agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    write(&a.agency, "add", &person("XA-2", "Flavia Elphberg", "X0000002"), &[]);
    let ask = |node: &Node, id: &str| node.agency.ask(&["screen", "--id", id])["answer"].clone();
    until("B finds it", || ask(&b, "passport:X0000001") == "hits");
    act(&a.agency, "erase", "XA-1", &["--reason", "The court ordered it."]);
    until("B finds it no more", || ask(&b, "passport:X0000001") == "none");
    assert_eq!(ask(&b, "passport:X0000002"), "hits");
    a.add(&c, &[]);
    c.add(&a, &[]);
    until("C finds the other", || ask(&c, "passport:X0000002") == "hits");
    assert_eq!(ask(&c, "passport:X0000001"), "none");
    let entry = c.agency.ask(&["log", "show", "1", "--origin", &a.origin]);
    assert!(
        entry["sections"].as_array().unwrap().iter().all(|section| section["state"] == "withheld"),
        "{entry}"
    );
    for (node, others) in [(&a, vec![&b, &c]), (&b, vec![&a]), (&c, vec![&a])] {
        let report = audit(node, &others);
        assert!(report["ok"] == true && report["trusted"] == true, "{report}");
    }
    // After kill -9 and a start it is as it was.
    a.kill();
    a.serve();
    assert_eq!(ask(&a, "passport:X0000001"), "none");
    let again = a.agency.ask(&["log", "show", "1"]);
    assert!(
        again["sections"].as_array().unwrap().iter().all(|section| section["state"] == "erased"),
        "{again}"
    );
}

#[test]
fn a_publication_does_not_bring_back_what_was_erased() {
    let agency = Agency::found("agency-a.example");
    let list = agency.write("list.csv", &table(1..=30));
    assert_eq!(agency.ask(&["import", "ofac", text(&list)])["added"], 30);
    let done = agency.ask(&["record", "erase", "us-ofac-sdn", "7", "--reason", "The court ordered it."]);
    assert_eq!((&done["state"], &done["tlp"]), (&"erased".into(), &"CLEAR".into()), "{done}");
    let again = agency.ask(&["import", "ofac", text(&list)]);
    check_answer("comity import", &again);
    let sums = ["added", "relisted", "removed", "unchanged"].map(|sum| again[sum].as_u64().unwrap());
    assert_eq!((sums, &again["barred"]), ([0, 0, 0, 29], &json!(["7"])), "{again}");
    // Somebody decides anew.
    let mut record = person("7", "MIRAGE, Number 7", "X0000007");
    record["list"] = "us-ofac-sdn".into();
    record["reasons_closed"] = json!([]);
    let relisted = write(&agency, "relist", &record, &[]);
    assert_eq!((&relisted["change"], &relisted["tlp"]), (&"relist".into(), &"CLEAR".into()), "{relisted}");
    let after = agency.ask(&["import", "ofac", text(&list), "--accept-removals"]);
    assert_eq!((&after["barred"], &after["changed"]), (&json!([]), &1.into()), "{after}");
}

#[test]
fn a_publication_that_has_nothing_but_what_was_erased_is_not_taken_for_an_empty_one() {
    let agency = Agency::found("agency-a.example");
    let list = agency.write("list.csv", &table(1..=1));
    assert_eq!(agency.ask(&["import", "ofac", text(&list)])["added"], 1);
    agency.ask(&["record", "erase", "us-ofac-sdn", "1", "--reason", "The court ordered it."]);
    let again = agency.ask(&["import", "ofac", text(&list)]);
    assert_eq!((&again["barred"], &again["changed"]), (&json!(["1"]), &0.into()), "{again}");
}

fn states(agency: &Agency, index: u64) -> Vec<Value> {
    let entry = agency.ask(&["log", "show", &index.to_string()]);
    let sections = entry["sections"].as_array().unwrap();
    sections.iter().map(|section| section["state"].clone()).collect()
}

#[test]
fn all_that_was_ever_listed_under_an_erased_key_is_erased() {
    let agency = Agency::found("agency-a.example");
    write(&agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    let ended = ["--ground", "expired", "--effective", "2026-11-01", "--reason", "It has ended."];
    act(&agency, "delist", "XA-1", &ended);
    let mut again = person("XA-1", "Rupert Mirage", "X0000009");
    again["reasons_public"] = json!(["He came back."]);
    write(&agency, "relist", &again, &[]);
    let done = act(&agency, "erase", "XA-1", &["--reason", "The court ordered it."]);
    assert_eq!((&done["state"], &done["erased"]), (&"erased".into(), &3.into()), "{done}");
    for index in 1..=3 {
        assert!(states(&agency, index).iter().all(|state| state == "erased"), "entry {index}");
    }
    let erase = ["record", "erase", "xa-national", "XA-1", "--reason", "Again."];
    refused(&agency, &erase, "state", "it is erased already");
}

#[test]
fn a_closed_reason_is_not_given_under_a_label_that_everybody_may_read() {
    let agency = Agency::found("agency-a.example");
    let list = agency.write("list.csv", &table(1..=3));
    assert_eq!(agency.ask(&["import", "ofac", text(&list)])["added"], 3);
    let before = agency.head();
    let suspend =
        ["record", "suspend", "us-ofac-sdn", "2", "--reason", "A court asked.", "--closed-reason", "Secret."];
    let said = agency.refused(&suspend, "record");
    assert!(said.contains("closed reasons"), "{said}");
    assert_eq!(agency.head(), before);
    assert_eq!(agency.ask(&suspend[..6])["tlp"], "CLEAR");
}

#[test]
fn what_was_erased_is_not_shown_again_by_what_a_peer_gives_back() {
    let [mut a, b] = ["a", "b"].map(|name| Node::found(&format!("agency-{name}.example")));
    a.add(&b, &[]);
    b.add(&a, &[]);
    write(&a.agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    write(&a.agency, "add", &person("XA-2", "Flavia Elphberg", "X0000002"), &[]);
    let ask = |node: &Node, id: &str| node.agency.ask(&["screen", "--id", id])["answer"].clone();
    until("B holds both", || {
        ask(&b, "passport:X0000001") == "hits" && ask(&b, "passport:X0000002") == "hits"
    });
    assert!(a.stop());
    // No peer learns what the last change says, so that none gives it back.
    let config = a.agency.home().join("comity.toml");
    let kept = std::fs::read_to_string(&config).unwrap().replace("to = \"peers\"", "to = \"nobody\"");
    std::fs::write(&config, kept).unwrap();
    let saved = a.agency.beside("saved");
    copy(&a.agency.home().join("store"), &saved);
    a.serve();
    act(&a.agency, "erase", "XA-1", &["--reason", "The court ordered it."]);
    let head = a.head(&a.origin);
    b.reaches(&a.origin, &head);
    a.kill();
    std::fs::remove_dir_all(a.agency.home().join("store")).unwrap();
    copy(&saved, &a.agency.home().join("store"));
    a.serve();
    until("the tail came back", || a.head(&a.origin) == head);
    until("it serves", || a.agency.ask(&["status"])["state"] == "serving");
    until("what was not erased is found", || ask(&a, "passport:X0000002") == "hits");
    assert_ne!(ask(&a, "passport:X0000001"), "hits");
    assert!(states(&a.agency, 1).iter().all(|state| state == "erased"), "{:?}", states(&a.agency, 1));
}

/// Goal: an erasure of which only peers know waits for the operator's word, and both `status` and the command say for which.
/// Way: a whole home is put back to before it, keyring and lock with it, and its peer gives the end of the log back.
#[test]
fn an_erasure_that_only_peers_know_of_waits_for_an_operators_word() {
    let [mut a, b] = ["a", "b"].map(|name| Node::found(&format!("agency-{name}.example")));
    a.add(&b, &[]);
    b.add(&a, &[]);
    write(&a.agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(a.stop());
    let (home, saved) = (a.agency.home(), a.agency.beside("saved"));
    copy(&home, &saved);
    a.serve();
    act(&a.agency, "erase", "XA-1", &["--reason", "The court ordered it."]);
    let head = a.head(&a.origin);
    b.reaches(&a.origin, &head);
    a.kill();
    std::fs::remove_dir_all(&home).unwrap();
    copy(&saved, &home);
    a.serve();
    until("the end came back", || a.head(&a.origin) == head);
    let told = || {
        let status = a.agency.ask(&["status"]);
        let alarms = status["alarms"].as_array().unwrap().clone();
        alarms.into_iter().find(|alarm| alarm["what"] == "erasures")
    };
    until("it is told", || {
        told().is_some_and(|alarm| alarm.to_string().contains("comity record confirm 3 "))
    });
    until("it serves", || a.agency.ask(&["status"])["state"] == "serving");
    let are = |a: &Node, state: &str| {
        let found = states(&a.agency, 1);
        assert!(found.iter().all(|found| found == state), "{found:?}");
    };
    // Nothing of it is told, and nothing is destroyed.
    are(&a, "withheld");
    let said = a.agency.refused(&["record", "confirm", "3"], "in_use");
    assert!(said.contains("nothing was destroyed"), "{said}");
    assert!(a.stop());
    let told =
        |a: &Node| a.agency.ask(&["status"])["alarms"].to_string().contains("comity record confirm 3 ");
    assert!(told(&a), "at rest too");
    let listed = a.agency.ask(&["record", "confirm"]);
    check_answer("comity record confirm", &listed);
    let waiting = json!([{
        "origin": a.origin, "index": 3, "of": 1, "list": "xa-national", "reference": "XA-1", "kind": "person"
    }]);
    assert_eq!(listed["waiting"], waiting, "{listed}");
    a.agency.refused(&["record", "confirm", "3", "2"], "not_found");
    are(&a, "withheld");
    let done = a.agency.ask(&["record", "confirm", "3"]);
    check_answer("comity record confirm", &done);
    assert_eq!((&done["confirmed"], &done["waiting"]), (&json!([3]), &json!([])), "{done}");
    are(&a, "erased");
    assert!(!told(&a));
    a.serve();
    until("it serves again", || a.agency.ask(&["status"])["state"] == "serving");
    are(&a, "erased");
    assert!(!told(&a));
}
