//! A thief who signs with the log key of an agency, until the agency goes on in a successor: what others answer meanwhile,
//! and after.
//!
//! Not here: whom a thief convinces, and of what (`exchange/thief.rs` of `comity-node`).

use std::path::Path;

use comity_auditor::{TrustedKeys, verify_evidence};

use crate::agency::{table, text};
use crate::nodes::{Node, audit, until};
use crate::recovery::copy;

/// Puts one folder in the place of another.
fn put_back(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).unwrap();
    copy(from, to);
}

/// Goal: nothing that a thief signed clears anybody or is taken for the agency's word once the successor says where the log
/// ended, and nothing of it is lost from sight. Way: with A's whole home the thief ends one listing, amends nothing, and
/// begins another; B takes it; then A has its home again and makes the successor.
#[test]
fn what_a_thief_delisted_is_found_again_and_what_it_listed_is_for_review() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    let import = |name: &str, rows: &[u32]| {
        let list = a.agency.write(name, &table(rows.iter().copied()));
        a.agency.ask(&["import", "ofac", text(&list)])
    };
    let all: Vec<u32> = (1..=40).collect();
    assert_eq!(import("list.csv", &all)["added"], 40);
    let good = a.head(&a.origin);
    b.reaches(&a.origin, &good);
    let screen = |number: u32| b.agency.ask(&["screen", "--id", &format!("passport:X{number:07}")]);
    until("B finds what A listed", || screen(7)["hits"][0]["state"] == "unapproved");
    assert!(a.stop());
    let (home, saved) = (a.agency.home(), a.agency.beside("saved"));
    copy(&home, &saved);

    // The thief, in A's place.
    a.serve();
    let list: Vec<u32> = (1..=41).filter(|number| *number != 7).collect();
    let list = a.agency.write("other.csv", &table(list));
    let done = a.agency.ask(&["import", "ofac", text(&list)]);
    assert_eq!((&done["added"], &done["removed"]), (&1.into(), &1.into()), "{done}");
    let void = a.head(&a.origin);
    b.reaches(&a.origin, &void);
    until("the thief is believed", || screen(7)["answer"] == "none" && screen(41)["answer"] == "hits");
    assert!(a.stop());

    // Before it is served again: a node would take back from B what its own key has signed.
    put_back(&saved, &home);
    let root = text(&home.join("offline/root.key")).to_owned();
    let last_good = good.0.to_string();
    let made = a.agency.ask(&["key", "succeed", "--close", "--last-good", &last_good, "--root", &root]);
    assert_eq!(made["origin"], "agency-a.example/pub/2", "{made}");
    a.serve();
    b.reaches("agency-a.example/pub/2", &a.head("agency-a.example/pub/2"));

    until("B finds again what A listed", || screen(7)["answer"] == "hits");
    let found = screen(7);
    assert_eq!(found["hits"][0]["state"], "unapproved", "{found}");
    let stands_on = found["as_of"].as_array().unwrap().iter().find(|log| log["origin"] == a.origin.as_str());
    assert_eq!(
        stands_on.map(|log| (&log["size"], &log["root"])),
        Some((&good.0.into(), &good.1.as_str().into()))
    );
    assert_eq!(found["closed"], serde_json::json!([a.origin]), "{found}");
    let review = screen(41);
    assert_eq!(
        (&review["answer"], &review["hits"][0]["state"]),
        (&"hits".into(), &"review".into()),
        "{review}"
    );
    let entries = format!("{} entries", void.0 - good.0);
    until("status says what is void", || b.agency.ask(&["status"])["alarms"].to_string().contains(&entries));
    let status = b.agency.ask(&["status"]);
    for code in ["rollback", "fork", "suspect"] {
        assert!(!status["alarms"].to_string().contains(&format!("\"{code}\"")), "{status}");
    }
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
    // What A says from now on it says in the successor.
    let list = a.agency.write("again.csv", &table(1..=42));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&list)])["added"], 42);
    until("B finds what A lists now", || screen(42)["hits"][0]["origin"] == "agency-a.example/pub/2");
}

/// Goal: an author whose root key signs two beginnings of its successor is convicted by a file that stands by itself, in the
/// finder's own log and bundle. Way: B follows the successor; then A has its home of the day before again, makes the
/// successor anew, and is served.
#[test]
fn two_beginnings_that_a_root_key_signed_stand_in_the_finders_log_and_bundle() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    let (next, good) = ("agency-a.example/pub/2", a.head(&a.origin));
    b.reaches(&a.origin, &good);
    assert!(a.stop());
    let (home, saved) = (a.agency.home(), a.agency.beside("saved"));
    copy(&home, &saved);
    let root = text(&home.join("offline/root.key")).to_owned();
    let command = ["key", "succeed", "--close", "--last-good", "1", "--root", &root];
    for is_again in [false, true] {
        if is_again {
            put_back(&saved, &home);
        }
        let made = a.agency.ask(&command);
        assert_eq!(made["origin"], next, "{made}");
        a.serve();
        if !is_again {
            b.reaches(next, &a.head(next));
            assert!(a.stop());
        }
    }
    let is_told = |node: &Node| node.agency.ask(&["status"])["alarms"].to_string().contains("two beginnings");
    until("B and A itself know", || is_told(&b) && is_told(&a));
    until("B has stated it in its own log", || b.head(&b.origin).0 == 2);
    assert_eq!(a.agency.ask(&["status"])["state"], "halted");
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
    let found = &report["evidence"][0];
    assert!(found["trusted"] == true && found["origin"] == next, "{found}");
    assert_eq!(found["geneses"].as_array().map(Vec::len), Some(2), "{found}");
    // The file alone.
    let folder = b.agency.beside("bundle-2").join("evidence");
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let file = std::fs::read(file).unwrap();
    let alone = verify_evidence(&file, &TrustedKeys::none());
    assert!(alone.ok && !alone.trusted && alone.geneses.len() == 2, "{alone:?}");
    assert!(alone.to_text().contains("two beginnings"), "{}", alone.to_text());
    let mut keys = TrustedKeys::none();
    keys.add_path(&a.agency.beside("card")).unwrap();
    assert!(verify_evidence(&file, &keys).trusted, "by the root key on A's card");
}
