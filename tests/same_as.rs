//! `comity record same-as` and `retract`: said of two records, taken back, told as the word of whoever says it, and nowhere
//! that either record may not go.

use serde_json::{Value, json};

use crate::agency::{Agency, answer, run, table, text};
use crate::nodes::{Node, audit, until};
use crate::records::{person, refused, write};
use crate::schemas::check_answer;

/// Says or takes back something; the answer.
fn say(agency: &Agency, command: &str, both: &[&str], more: &[&str]) -> Value {
    let done = agency.ask(&[&["record", command], both, more, &["--reason", "One passport."]].concat());
    assert!(done["error"].is_null(), "{command}: {done}");
    check_answer("comity record same-as", &done);
    done
}

/// What is said of a record in the logs that an agency holds.
fn shown(agency: &Agency, record: &[&str]) -> Value {
    let shown = agency.ask(&[&["record", "show"], record].concat());
    assert!(shown["error"].is_null(), "{shown}");
    check_answer("comity record show", &shown);
    shown
}

const BOTH: [&str; 4] = ["xa-national", "XA-2", "xa-national", "XA-1"];

#[test]
fn a_statement_is_signed_shown_and_taken_back_and_neither_record_changes() {
    let agency = Agency::found("agency-a.example");
    let before = [person("XA-1", "Rupert Mirage", "X0000001"), person("XA-2", "R. Mirage", "X0000002")]
        .map(|record| write(&agency, "add", &record, &[]));
    let said = say(&agency, "same-as", &BOTH, &["--legal", "Order 9"]);
    assert_eq!(
        (&said["change"], &said["index"], &said["tlp"]),
        (&"same-as".into(), &3.into(), &"AMBER".into())
    );
    // The pair has one order, whichever record is named first.
    let mut handles =
        [said["first"]["handle"].clone(), said["second"]["handle"].clone()].map(|one| one.to_string());
    assert!(handles.is_sorted());
    handles.reverse();
    refused(
        &agency,
        &[&["record", "same-as"][..], &BOTH, &["--reason", "x"]].concat(),
        "already_exists",
        "entry 3",
    );
    let turned = ["record", "same-as", BOTH[2], BOTH[3], BOTH[0], BOTH[1], "--reason", "x"];
    refused(&agency, &turned, "already_exists", "entry 3");
    let one = shown(&agency, &BOTH[..2]);
    let word = &one["same_as"][0];
    assert_eq!((&word["agency"], &word["state"]), (&"agency-a.example".into(), &"stands".into()), "{one}");
    assert_eq!((&word["other"]["reference"], &word["index"]), (&"XA-1".into(), &3.into()));
    assert!(word["since"].as_u64().unwrap() > 1_700_000_000, "{word}");
    assert_eq!(one["subjects"][0]["listings"][0]["reference"], "XA-1");
    assert_eq!(shown(&agency, &BOTH[2..])["same_as"][0]["other"]["reference"], "XA-2");
    // Neither record has another version, and what hits is what is listed.
    for (record, before) in [&BOTH[2..], &BOTH[..2]].into_iter().zip(&before) {
        let after = shown(&agency, record);
        assert_eq!((&after["version"], &after["index"]), (&1.into(), &before["index"]));
    }
    let hits = agency.ask(&["screen", "--id", "passport:X0000001"]);
    assert_eq!(hits["hits"].as_array().unwrap().len(), 1, "{hits}");
    let home = agency.home();
    let people = run(&["record", "show", "xa-national", "XA-1", "--same-as", "--home", text(&home)]);
    let people = String::from_utf8(people.stdout).unwrap();
    assert!(people.contains("agency-a.example says since 20") && people.contains("XA-2"), "{people}");
    let back = say(&agency, "retract", &BOTH, &[]);
    assert_eq!((&back["change"], &back["handle"]), (&"retract".into(), &said["handle"]));
    let entry = agency.ask(&["log", "show", "4"]);
    let made = agency.ask(&["log", "show", "3"]);
    assert_eq!((&entry["about"], &entry["change"]["prev"]), (&3.into(), &made["leaf"]), "{entry}");
    let after = shown(&agency, &BOTH[..2]);
    assert_eq!((&after["same_as"][0]["state"], &after["subjects"]), (&"retracted".into(), &json!([])));
    assert_eq!(after["same_as"][0]["retracted_index"], 4);
    refused(
        &agency,
        &[&["record", "retract"][..], &BOTH, &["--reason", "x"]].concat(),
        "not_found",
        "does not say",
    );
    say(&agency, "same-as", &BOTH, &[]);
    assert_eq!(shown(&agency, &BOTH[..2])["same_as"].as_array().unwrap().len(), 2);
    let (bundle, card) = agency.bundle("bundle");
    let report = answer(&run(&["bundle", "verify", text(&bundle), "--keys", text(&card), "--json"]));
    assert!(report["ok"] == true && report["checks"]["changes"] == 5, "{report}");
}

#[test]
fn a_statement_about_what_is_not_there_or_about_one_record_is_refused() {
    let agency = Agency::found("agency-a.example");
    write(&agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    let say = |both: [&str; 4], more: &[&str], code: &str, said: &str| {
        refused(&agency, &[&["record", "same-as"][..], &both, more].concat(), code, said);
    };
    let (one, gone) = (["xa-national", "XA-1"], ["xa-national", "XA-9"]);
    say([one[0], one[1], gone[0], gone[1]], &["--reason", "x"], "not_found", "XA-9");
    say([one[0], one[1], one[0], one[1]], &["--reason", "x"], "same_record", "same record");
    write(&agency, "add", &person("XA-2", "R. Mirage", "X0000002"), &[]);
    say(BOTH, &[], "usage", "--reason");
    say(BOTH, &["--reason", "x", "--origin", "nowhere"], "name", "no name of a log");
    let message = agency.refused(
        &[&["record", "same-as"][..], &BOTH, &["--reason", "x", "--origin", "b.example/pub"]].concat(),
        "no_such_log",
    );
    assert!(message.contains("b.example/pub"), "{message}");
    crate::records::act(&agency, "erase", "XA-2", &["--reason", "A court ordered it."]);
    say(BOTH, &["--reason", "x"], "state", "is erased");
}

/// Goal: what one agency says of another's record is told as its word and goes no further than the record. Way: A and B
/// follow each other; B says something of what A designates under a label that binds, and of an official list that both have.
#[test]
fn what_an_agency_says_of_anothers_record_is_its_word_and_goes_nowhere_that_the_record_may_not() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    for agency in [&a.agency, &b.agency] {
        let list = agency.write("list.csv", &table(1..=3));
        assert_eq!(agency.ask(&["import", "ofac", text(&list)])["added"], 3);
    }
    write(&a.agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    write(&a.agency, "add", &person("XA-2", "R. Mirage", "X0000002"), &[]);
    write(&b.agency, "add", &person("XB-1", "Mirage, R.", "X0000001"), &[]);
    let reads = |node: &Node, list: &str, of: &Node, count: usize| {
        let records = node.agency.ask(&["log", "records", list, "--origin", &of.origin]);
        records["records"].as_array().is_some_and(|records| records.len() == count)
    };
    until("each reads the other", || {
        reads(&b, "xa-national", &a, 2) && reads(&b, "us-ofac-sdn", &a, 3) && reads(&a, "us-ofac-sdn", &b, 3)
    });
    // About what everybody may read: open, and told to A as B's word.
    let official = ["us-ofac-sdn", "1", "us-ofac-sdn", "1"];
    let open = say(&b.agency, "same-as", &official, &["--other-origin", &a.origin]);
    assert_eq!((&open["tlp"], &open["onward"]), (&"CLEAR".into(), &"FREE".into()), "{open}");
    let says_b = |agency: &Agency, state: &str| {
        let shown = shown(agency, &["us-ofac-sdn", "1"]);
        shown["same_as"].as_array().unwrap().iter().any(|word| {
            word["agency"] == "agency-b.example"
                && word["origin"] == b.origin.as_str()
                && word["state"] == state
        })
    };
    until("A hears what B says of its record", || says_b(&a.agency, "stands"));
    let seen = shown(&a.agency, &["us-ofac-sdn", "1"]);
    assert_eq!(seen["subjects"].as_array().unwrap().len(), 1, "A says nothing of it: {seen}");
    assert_eq!(seen["subjects"][0]["agency"], "agency-b.example");
    // About what A gave under a label that binds: B's own view, and nobody else's to read.
    let bound = ["xa-national", "XB-1", "xa-national", "XA-1"];
    let kept = say(&b.agency, "same-as", &bound, &["--other-origin", &a.origin]);
    assert_eq!((&kept["tlp"], &kept["onward"]), (&"RED".into(), &"NONE".into()), "{kept}");
    let own = shown(&b.agency, &["xa-national", "XA-1", "--origin", &a.origin]);
    assert_eq!(own["same_as"][0]["other"]["reference"], "XB-1", "{own}");
    assert_eq!(own["origin"], a.origin.as_str());
    // About its own two: A's word reaches B under the label of the records.
    say(&a.agency, "same-as", &BOTH, &[]);
    until("B hears what A says of its own", || {
        let shown = shown(&b.agency, &["xa-national", "XA-2", "--origin", &a.origin]);
        shown["same_as"].as_array().unwrap().len() == 1
    });
    say(&b.agency, "retract", &official, &["--other-origin", &a.origin]);
    until("A hears that B takes it back", || says_b(&a.agency, "retracted"));
    a.reaches(&b.origin, &b.head(&b.origin));
    assert_eq!(shown(&a.agency, &["xa-national", "XA-1"])["same_as"].as_array().unwrap().len(), 1);
    // The same after a start, from what lies in the store.
    a.kill();
    a.serve();
    assert!(says_b(&a.agency, "retracted"));
    assert_eq!(audit(&a, &[&b])["ok"], true);
}

fn states(agency: &Agency, index: u64) -> Vec<Value> {
    let entry = agency.ask(&["log", "show", &index.to_string()]);
    entry["sections"].as_array().unwrap().iter().map(|section| section["state"].clone()).collect()
}

fn is_erased(agency: &Agency, index: u64) -> bool {
    states(agency, index).iter().all(|state| state == "erased")
}

/// Goal: nothing of what the own log says of an erased record stays open. Way: at rest, and by a running node whose view
/// must say at once what it says after a start.
#[test]
fn what_the_own_log_says_of_a_record_that_is_erased_is_erased_with_it() {
    let mut node = Node::found("agency-a.example");
    for is_served in [false, true] {
        if is_served {
            node = Node::found("agency-b.example");
        } else {
            assert!(node.stop());
        }
        let agency = &node.agency;
        for (reference, passport) in [("XA-1", "X0000001"), ("XA-2", "X0000002"), ("XA-3", "X0000003")] {
            write(agency, "add", &person(reference, "Rupert Mirage", passport), &[]);
        }
        let from_2 = |other: &'static str| ["xa-national", "XA-2", "xa-national", other];
        assert_eq!(say(agency, "same-as", &from_2("XA-1"), &[])["index"], 4);
        assert_eq!(say(agency, "retract", &from_2("XA-1"), &[])["erased"], 0);
        assert_eq!(say(agency, "same-as", &from_2("XA-1"), &[])["index"], 6);
        assert_eq!(say(agency, "same-as", &from_2("XA-3"), &[])["index"], 7);
        let done = crate::records::act(agency, "erase", "XA-1", &["--reason", "The court ordered it."]);
        assert_eq!(done["erased"], 4, "the listing, two statements and a retraction: {done}");
        for index in [1, 4, 5, 6] {
            assert!(is_erased(agency, index), "entry {index}");
        }
        assert!(!is_erased(agency, 2) && !is_erased(agency, 7));
        let told = |agency: &Agency| {
            let shown = shown(agency, &["xa-national", "XA-2"]);
            let said: Vec<Value> = shown["same_as"]
                .as_array()
                .unwrap()
                .iter()
                .map(|said| said["other"]["reference"].clone())
                .collect();
            (said, shown["subjects"][0]["listings"].as_array().unwrap().len())
        };
        assert_eq!(told(agency), (vec!["XA-3".into()], 1));
        refused(
            agency,
            &[&["record", "retract"][..], &from_2("XA-1"), &["--reason", "x"]].concat(),
            "not_found",
            "",
        );
        assert_eq!(agency.ask(&["screen", "--id", "passport:X0000002"])["answer"], "hits");
        if is_served {
            node.kill();
            node.serve();
            assert_eq!(told(&node.agency), (vec!["XA-3".into()], 1), "as it was before the start");
            let report = audit(&node, &[]);
            assert!(report["ok"] == true, "{report}");
        }
    }
}

#[test]
fn what_is_said_of_another_agencys_record_that_was_erased_is_erased_when_it_is_taken_back() {
    let [a, b] = ["a", "b"].map(|name| Node::found(&format!("agency-{name}.example")));
    a.add(&b, &[]);
    b.add(&a, &[]);
    write(&a.agency, "add", &person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    until("B holds it", || b.agency.ask(&["screen", "--id", "passport:X0000001"])["answer"] == "hits");
    write(&b.agency, "add", &person("XA-2", "R. Mirage", "X0000002"), &[]);
    let of_a = ["--other-origin", a.origin.as_str()];
    let said = say(&b.agency, "same-as", &BOTH, &of_a);
    crate::records::act(&a.agency, "erase", "XA-1", &["--reason", "The court ordered it."]);
    let word = || shown(&b.agency, &BOTH[..2]);
    until("B knows", || word()["same_as"][0]["state"] == "erased");
    assert_eq!(word()["subjects"], json!([]), "what was erased is joined to nothing");
    refused(
        &b.agency,
        &[&["record", "same-as"][..], &BOTH, &of_a, &["--reason", "x"]].concat(),
        "state",
        "is erased",
    );
    let made = said["index"].as_u64().unwrap();
    assert!(!is_erased(&b.agency, made));
    let back = say(&b.agency, "retract", &BOTH, &of_a);
    assert_eq!((&back["handle"], &back["erased"]), (&said["handle"], &1.into()), "{back}");
    assert!(is_erased(&b.agency, made));
    assert_eq!(word()["same_as"], json!([]));
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
}

#[test]
fn what_was_said_of_a_listing_that_ended_can_be_taken_back_after_it_was_listed_again() {
    let agency = Agency::found("agency-a.example");
    let mut record = person("XA-1", "Rupert Mirage", "X0000001");
    write(&agency, "add", &record, &[]);
    write(&agency, "add", &person("XA-2", "R. Mirage", "X0000002"), &[]);
    let said = say(&agency, "same-as", &BOTH, &[]);
    let end = ["--ground", "expired", "--effective", "2026-06-30", "--reason", "It ran out."];
    crate::records::act(&agency, "delist", "XA-1", &end);
    record["legal"] = json!([{ "act": "Order 8 of 2026" }]);
    write(&agency, "relist", &record, &[]);
    let anew = say(&agency, "same-as", &BOTH, &[]);
    // The newer listing's first.
    assert_eq!(say(&agency, "retract", &BOTH, &[])["handle"], anew["handle"]);
    assert_eq!(say(&agency, "retract", &BOTH, &[])["handle"], said["handle"]);
}
