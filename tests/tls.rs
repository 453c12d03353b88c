//! Certificates over their life, by the commands of an operator: renewed, revoked, followed by others, while nodes run.
//!
//! Goal: whatever is exchanged, nobody who may connect is dropped, and whoever may not is. Way: two nodes that follow
//! each other, each a process. Not here: the attacks on each check (`crates/node/tests/tls`).

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::agency::{Agency, table, text};
use crate::nodes::{Node, until};
use crate::schemas::check_answer;

/// Within which time a connection must be cut after the list came.
const CUT_WITHIN: Duration = Duration::from_secs(5);

/// A and B, which follow each other.
fn pair() -> (Node, Node) {
    let (a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    is_connected(&a, &b.origin);
    is_connected(&b, &a.origin);
    (a, b)
}

fn is_connected(node: &Node, to: &str) {
    until(&format!("{} follows {to}", node.origin), || {
        node.agency.ask(&["peer", "list"])["peers"][0]["connected"] == true
    });
}

/// Imports a longer list each time, and waits until the other node holds what was signed.
fn passes(from: &Node, to: &Node, count: u32) {
    let list = from.agency.write("list.csv", &table(1..=count));
    assert!(from.agency.ask(&["import", "ofac", text(&list)])["error"].is_null());
    to.reaches(&from.origin, &from.head(&from.origin));
}

/// Asks a node, and compares the answer with what its page states.
fn ask(agency: &Agency, arguments: &[&str]) -> Value {
    let answer = agency.ask(arguments);
    assert!(answer["error"].is_null(), "{arguments:?}: {answer}");
    let words = arguments.iter().take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    let words = words.take(if matches!(arguments.get(1), Some(&"crl" | &"ca")) { 3 } else { 2 });
    check_answer(&["comity"].iter().chain(words).copied().collect::<Vec<_>>().join(" "), &answer);
    answer
}

/// The number of the certificate of a kind that a node knows of an agency.
fn serial(node: &Node, of: &str, what: &str) -> Option<String> {
    let status = ask(&node.agency, &["status"]);
    let found = status["expiries"].as_array().unwrap().iter();
    let mut found = found.filter(|expiry| expiry["agency"] == of && expiry["what"] == what);
    found.next().map(|expiry| expiry["name"].as_str().unwrap().to_owned())
}

#[test]
fn a_node_whose_certificate_is_renewed_or_revoked_goes_on_with_the_new_one() {
    let (a, b) = pair();
    passes(&a, &b, 3);
    let renewed = ask(&b.agency, &["tls", "renew"]);
    assert_eq!(renewed["reloaded"], true, "{renewed}");
    assert_eq!(serial(&b, "agency-b.example", "node").unwrap(), renewed["serial"].as_str().unwrap());
    // The connections that were open are those of before, and go on.
    let former = renewed["former"].as_str().unwrap();
    assert_eq!(serial(&a, "agency-b.example", "node").as_deref(), Some(former));
    passes(&a, &b, 4);
    passes(&b, &a, 4);

    let begun = Instant::now();
    let revoked = ask(&b.agency, &["tls", "revoke", former]);
    assert!(revoked["revoked"] == 1 && revoked["number"] == "1" && revoked["reloaded"] == true, "{revoked}");
    let list = revoked["crl"].as_str().unwrap().to_owned();
    // It may have come from B itself by now, and have cut what there was.
    let taken = ask(&a.agency, &["tls", "crl", "add", &list, "--peer", "agency-b.example"]);
    assert_eq!(taken["revoked"], 1, "{taken}");
    until("A knows no connection of the old certificate", || {
        serial(&a, "agency-b.example", "node").as_deref() != Some(former)
    });
    assert!(begun.elapsed() < CUT_WITHIN, "{:?}", begun.elapsed());
    passes(&a, &b, 5);
    passes(&b, &a, 5);
    let new = renewed["serial"].as_str().unwrap();
    assert_eq!(serial(&a, "agency-b.example", "node").as_deref(), Some(new));
    // The same list again is no harm; one that is older is, and changes nothing.
    ask(&a.agency, &["tls", "crl", "add", &list, "--peer", "agency-b.example"]);
    let older = a.agency.beside("older.crl");
    std::fs::copy(&list, &older).unwrap();
    let next = ask(&b.agency, &["tls", "crl", "renew", "--days", "30"]);
    ask(&a.agency, &["tls", "crl", "add", next["crl"].as_str().unwrap(), "--peer", "agency-b.example"]);
    let add = ["tls", "crl", "add", text(&older), "--peer", "agency-b.example"];
    let refused = a.agency.refused(&add, "trust_refused");
    assert!(refused.contains("number 1") && refused.contains("number 2"), "{refused}");
}

#[test]
fn sighup_and_reload_read_what_was_exchanged_and_do_not_end_the_node() {
    let (a, mut b) = pair();
    // A command that finds no node changes the files alone.
    let (run, away) = (b.agency.home().join("run/node.json"), b.agency.beside("node.json"));
    let renewed_unseen = |b: &Node| {
        std::fs::rename(&run, &away).unwrap();
        let renewed = ask(&b.agency, &["tls", "renew"]);
        std::fs::rename(&away, &run).unwrap();
        assert_eq!(renewed["reloaded"], false, "{renewed}");
        renewed["serial"].as_str().unwrap().to_owned()
    };
    let serial_now = |b: &Node| serial(b, "agency-b.example", "node").unwrap();
    let new = renewed_unseen(&b);
    assert_ne!(serial_now(&b), new);
    b.signal("-HUP");
    until("the node has read its certificate", || serial_now(&b) == new);
    passes(&a, &b, 3);

    let new = renewed_unseen(&b);
    let reloaded = ask(&b.agency, &["tls", "reload"]);
    assert!(reloaded["renewed"] == true && reloaded["serial"] == new.as_str(), "{reloaded}");
    assert_eq!(reloaded["problems"], serde_json::json!([]));
    passes(&a, &b, 4);
    assert!(b.stop());
    b.agency.refused(&["tls", "reload"], "not_running");
    b.serve();
    passes(&a, &b, 5);
}

#[test]
fn an_authority_follows_another_while_both_are_trusted_in_between() {
    let (a, b) = pair();
    let home = b.agency.home();
    let former = serial(&a, "agency-b.example", "authority").unwrap();
    let next = ask(&b.agency, &["tls", "ca", "new"])["authority"].as_str().unwrap().to_owned();
    b.agency.refused(&["tls", "ca", "new"], "authority");
    let said = b.agency.refused(&["tls", "ca", "use"], "unannounced");
    assert!(said.contains("key rotate tls-authority"), "{said}");
    let root = home.join("offline/root.key");
    let announced = ask(&b.agency, &["key", "rotate", "tls-authority", "--root", text(&root)]);
    assert_eq!(announced["key"], next.as_str());
    // A needs no file from B: it takes the name from the log, and the certificate from the first handshake.
    let head = b.head(&b.origin);
    a.reaches(&b.origin, &head);
    let used = ask(&b.agency, &["tls", "ca", "use"]);
    assert!(used["authority"] == next.as_str() && used["reloaded"] == true, "{used}");
    passes(&a, &b, 3);

    // Those that were open began with the former one; they are cut, and called again with the new one.
    let retired = ask(&a.agency, &["tls", "ca", "retire", &former, "--peer", "agency-b.example"]);
    assert!(retired["cut"].as_u64() >= Some(1), "{retired}");
    passes(&a, &b, 4);
    passes(&b, &a, 4);
    assert_eq!(serial(&a, "agency-b.example", "authority"), Some(next.clone()));
    let card_ca = b.agency.beside("card-ca.pem");
    std::fs::copy(home.join("keys/tls-ca-former.pem"), &card_ca).unwrap();
    let again = ["tls", "ca", "add", text(&card_ca), "--peer", "agency-b.example"];
    assert!(a.agency.refused(&again, "trust_refused").contains("retired"));

    b.agency.refused(&["tls", "ca", "retire", &next], "authority");
    ask(&b.agency, &["tls", "ca", "retire", &former]);
    b.agency.refused(&["tls", "ca", "retire", &former], "not_found");
    b.agency.refused(&["tls", "ca", "use"], "authority");
    passes(&a, &b, 5);
}

#[test]
fn what_would_lock_an_operator_out_or_revoke_nothing_is_refused_with_the_next_step() {
    let (agency, other) = (Agency::found("agency-a.example"), Agency::found("agency-b.example"));
    let keys = agency.home().join("keys");
    let file = |name: &str| text(&keys.join(name)).to_owned();
    for leaf in ["tls-node.pem", "tls-operator.pem"] {
        let said = agency.refused(&["tls", "revoke", "--leaf", &file(leaf)], "certificate_in_use");
        assert!(said.contains("renew"), "{said}");
    }
    let operator = ask(&agency, &["tls", "renew", "--operator"]);
    let former = operator["former"].as_str().unwrap();
    ask(&agency, &["tls", "revoke", former]);
    agency.refused(&["tls", "revoke", former], "already_exists");
    for bad in ["", "zz", "0", &"11".repeat(21)] {
        agency.refused(&["tls", "revoke", bad], "malformed");
    }
    let foreign = other.home().join("keys/tls-node.pem");
    agency.refused(&["tls", "revoke", "--leaf", text(&foreign)], "not_found");
    agency.refused(&["tls", "revoke", "--leaf", &file("tls-node.key")], "not_found");

    // The key of the authority lies elsewhere.
    let away = agency.beside("ca.key");
    std::fs::rename(keys.join("tls-ca.key"), &away).unwrap();
    assert!(agency.refused(&["tls", "renew"], "key").contains("--ca-key"));
    ask(&agency, &["tls", "renew", "--ca-key", text(&away)]);
    ask(&agency, &["tls", "crl", "renew", "--ca-key", text(&away)]);
    let foreign = other.home().join("keys/tls-ca.key");
    agency.refused(&["tls", "renew", "--ca-key", text(&foreign)], "tls");

    let list = other.home().join("keys/tls-ca.crl");
    ask(&other, &["tls", "crl", "renew"]);
    let add = ["tls", "crl", "add", text(&list), "--peer", "agency-b.example"];
    agency.refused(&add, "unknown_peer");
    let card = other.beside("card");
    let words = other.ask(&["card", "--out", text(&card)])["fingerprint"].as_str().unwrap().to_owned();
    agency.ask(&["peer", "add", text(&card), "--fingerprint", &words]);
    ask(&agency, &add);
    let own = file("tls-ca.crl");
    agency.refused(&["tls", "crl", "add", &own, "--peer", "agency-b.example"], "trust_refused");
    agency.refused(&["tls", "crl", "add", text(&card), "--peer", "agency-b.example"], "malformed");
    agency.refused(&["tls", "ca", "add", text(&card), "--peer", "agency-b.example"], "malformed");
}
