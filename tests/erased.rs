//! What erasure must not leave behind, and what must not go to everybody: found by those who tried to refute it.
//!
//! Goal: nothing that was ever said under an erased key is read again. Way: real homes and nodes. Not here: an erasure
//! as it goes when nothing is in its way (`records`).

use serde_json::{Value, json};

use crate::agency::{Agency, table, text};
use crate::nodes::{Node, until};
use crate::records::{act, person, refused, write};
use crate::recovery::copy;

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
