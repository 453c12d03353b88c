//! Keys that follow each other, end and are lost, as an operator does it: by the command line, with a node and without.
//!
//! Not here: what other agencies make of it (`exchange/rotation.rs` of `comity-node`), and the bytes of key events.

mod follower;
mod killed;
mod served;

use serde_json::Value;

use crate::agency::{Agency, table, text};
use crate::nodes::{Node, until};

fn root_of(agency: &Agency) -> String {
    text(&agency.home().join("offline/root.key")).to_owned()
}

/// The keys of a role in a state, oldest first.
fn keys(list: &Value, role: &str, state: &str) -> Vec<String> {
    let all = list["keys"].as_array().unwrap_or_else(|| panic!("no keys in {list}")).iter();
    let found = all.filter(|key| key["role"] == role && key["state"] == state);
    found.map(|key| key["key"].as_str().unwrap().to_owned()).collect()
}

fn in_force(agency: &Agency) -> Vec<String> {
    keys(&agency.ask(&["key", "list"]), "log", "in_force")
}

/// The last good checkpoint of a log, as `status` has it.
fn closed_at(agency: &Agency, origin: &str) -> Option<u64> {
    let status = agency.ask(&["status"]);
    let mut logs = status["logs"].as_array().unwrap().iter();
    logs.find(|log| log["origin"] == origin).and_then(|log| log["closed"].as_u64())
}

/// Appends something, so that the log is signed with the keys that there are; gives its size.
fn import(agency: &Agency, upto: u32) -> u64 {
    let list = agency.write("list.csv", &table(1..=upto));
    let done = agency.ask(&["import", "ofac", text(&list)]);
    done["size"].as_u64().unwrap_or_else(|| panic!("{done}"))
}

/// Goal: only the root key of the card changes keys, with a node and without. Way: another agency's, another role's, and
/// one that others may read.
#[test]
fn a_wrong_root_key_is_refused_and_nothing_is_changed() {
    let (node, other) = (Node::found("agency-a.example"), Agency::found("agency-a.example"));
    let before = (node.head(&node.origin), in_force(&node.agency));
    let home = node.agency.home();
    let stranger = root_of(&other);
    let said = node.agency.refused(&["key", "rotate", "log", "--root", &stranger], "other_root");
    assert!(said.contains("offline/root.key"), "{said}");
    let roster = text(&home.join("officers/roster-admin-1.key")).to_owned();
    for (file, code) in [(roster.as_str(), "key"), ("/nowhere/root.key", "file")] {
        node.agency.refused(&["key", "rotate", "log", "--root", file], code);
        node.agency.refused(&["key", "revoke", "log", &before.1[0], "--root", file], code);
    }
    assert!(!home.join("keys/log-next.key").exists(), "nothing was begun");
    assert_eq!((node.head(&node.origin), in_force(&node.agency)), before);
    other.refused(&["key", "rotate", "log", "--root", &root_of(&node.agency)], "other_root");
}

/// Goal: what cannot be done is refused with the next step. Way: each of them in turn, with a node that runs.
#[test]
fn what_cannot_be_done_to_a_key_is_refused_with_the_next_step() {
    let node = Node::found("agency-a.example");
    let (agency, root) = (&node.agency, root_of(&node.agency));
    let with_root =
        |words: &[&str]| [words, &["--root", &root]].concat().iter().map(|w| (*w).to_owned()).collect();
    let refused = |words: &[&str], code: &str, step: &str| {
        let all: Vec<String> = with_root(words);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let said = agency.refused(&all, code);
        assert!(said.contains(step), "{words:?}: {said}");
    };
    let first = in_force(agency).remove(0);
    refused(&["key", "retire", "log"], "key", "key rotate log");
    refused(&["key", "retire", "log", &first], "key", "key rotate");
    refused(&["key", "revoke", "log", "nobody"], "not_found", "key list");
    refused(&["key", "revoke", "log", &first], "no_checkpoint", "--last-good");
    refused(&["key", "revoke", "log", &first, "--last-good", "9"], "no_checkpoint", "size 9");
    refused(&["key", "revoke", "log", &first, "--last-good", "1"], "key", "key rotate log");
    refused(&["key", "rotate", "tls-authority"], "authority", "tls ca new");
    refused(&["key", "succeed"], "not_closed", "--close");
    refused(&["key", "succeed", "--close", "--last-good", "1"], "in_use", "end it");
    let done = agency.ask(&["key", "rotate", "log", "--root", &root]);
    assert_eq!((&done["index"], &done["closed"]), (&1.into(), &false.into()), "{done}");
    refused(&["key", "rotate", "log"], "key", "key retire");
    import(agency, 2);
    refused(&["key", "revoke", "log", &first, "--last-good", "2"], "closes_the_log", "--close");
    let retired = agency.ask(&["key", "retire", "log", &first, "--root", &root]);
    assert_eq!(retired["change"], "retired", "{retired}");
    refused(&["key", "retire", "log", &first], "not_in_force", "key list");
    refused(&["key", "retire", "log"], "key", "key rotate log");
    assert_eq!(keys(&agency.ask(&["key", "list"]), "log", "retired"), [first]);
}

/// Goal: without a key named, the older of two ends, also where the first card named it and no event of the log did. Way:
/// the TLS authority, which another one follows.
#[test]
fn a_retirement_that_names_no_key_ends_the_older_authority() {
    let agency = Agency::found("agency-a.example");
    let authorities = |state| keys(&agency.ask(&["key", "list"]), "tls-authority", state);
    let (first, root) = (authorities("in_force"), root_of(&agency));
    let made = agency.ask(&["tls", "ca", "new"])["authority"].as_str().unwrap().to_owned();
    agency.ask(&["key", "rotate", "tls-authority", "--root", &root]);
    assert_eq!(authorities("in_force"), [first[0].clone(), made.clone()], "oldest first");
    agency.ask(&["tls", "ca", "use"]);
    let retired = agency.ask(&["key", "retire", "tls-authority", "--root", &root]);
    assert_eq!(retired["key"], first[0].as_str(), "{retired}");
    assert_eq!((authorities("in_force"), authorities("retired")), (vec![made], first));
}

/// Goal: a revocation names the last quorum-cosigned checkpoint by itself, and the log goes on where nothing stands behind
/// it. Way: two nodes that witness each other, one of which rotates and revokes while both run.
#[test]
fn a_revocation_names_the_last_cosigned_checkpoint_by_itself() {
    let (a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    import(&a.agency, 3);
    let root = root_of(&a.agency);
    a.agency.ask(&["key", "rotate", "log", "--root", &root]);
    let head = a.head(&a.origin);
    until("the newest checkpoint is cosigned", || {
        a.agency.ask(&["key", "list"])["witnessed"]["size"] == head.0
    });
    let both = in_force(&a.agency);
    let done = a.agency.ask(&["key", "revoke", "log", &both[0], "--root", &root]);
    assert_eq!(done["last_good"]["size"], head.0, "{done}");
    assert_eq!(
        (&done["last_good"]["root"], &done["closed"]),
        (&head.1.as_str().into(), &false.into()),
        "{done}"
    );
    import(&a.agency, 5);
    let head = a.head(&a.origin);
    b.reaches(&a.origin, &head);
    assert_eq!(in_force(&a.agency), both[1..]);
}

/// Goal: a closed log says so everywhere, and its successor goes on under the same card words. Way: revoked beyond the
/// last good checkpoint with --close, with a node that runs, then succeeded while it does not.
#[test]
fn a_closed_log_says_so_and_its_successor_goes_on() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    let words = a.agency.ask(&["card"])["fingerprint"].clone();
    let root = root_of(&a.agency);
    a.agency.ask(&["key", "rotate", "log", "--root", &root]);
    let first = in_force(&a.agency).remove(0);
    import(&a.agency, 3);
    let revoke = ["key", "revoke", "log", &first, "--last-good", "2", "--close", "--root", &root];
    let done = a.agency.ask(&revoke);
    assert_eq!((&done["closed"], &done["last_good"]["size"]), (&true.into(), &2.into()), "{done}");
    let list = a.agency.write("more.csv", &table(1..=4));
    a.agency.refused(&["import", "ofac", text(&list)], "read_only");
    let status = a.agency.ask(&["status"]);
    assert!(status["alarms"].to_string().contains("closed for ever"), "{status}");
    assert_eq!(a.agency.ask(&["key", "list"])["closed"]["size"], 2);
    a.agency.refused(&["key", "rotate", "log", "--root", &root], "log_closed");
    let head = a.head(&a.origin);
    b.reaches(&a.origin, &head);
    until("B says that it is closed", || b.agency.ask(&["status"])["alarms"].to_string().contains("closed"));
    assert!(a.stop());
    let made = a.agency.ask(&["key", "succeed", "--root", &root]);
    assert_eq!(made["origin"], "agency-a.example/pub/2", "{made}");
    a.serve();
    assert_eq!(import(&a.agency, 3), 4);
    for node in [&a, &b] {
        until("the closed log is said to be closed", || {
            closed_at(&node.agency, "agency-a.example/pub") == Some(2)
        });
    }
    assert_eq!(closed_at(&a.agency, "agency-a.example/pub/2"), None);
    assert_eq!(a.agency.ask(&["card"])["fingerprint"], words, "the same words");
    let head = a.head("agency-a.example/pub/2");
    b.reaches("agency-a.example/pub/2", &head);
}

/// Goal: whoever has lost the log key and has the root key goes on. Way: the file removed, the node started, the
/// successor made.
#[test]
fn a_lost_log_key_is_told_and_the_root_key_goes_on_in_a_successor() {
    let agency = Agency::found("agency-a.example");
    import(&agency, 3);
    agency.ask(&["key", "rotate", "witness", "--root", &root_of(&agency)]);
    let witness = keys(&agency.ask(&["key", "list"]), "witness", "in_force");
    std::fs::remove_file(agency.home().join("keys/log.key")).unwrap();
    let status = agency.ask(&["status"]);
    assert_eq!(status["state"], "read_only", "{status}");
    assert!(status["alarms"].to_string().contains("key succeed --close"), "{status}");
    let root = root_of(&agency);
    agency.refused(&["key", "rotate", "log", "--root", &root], "key");
    let made = agency.ask(&["key", "succeed", "--close", "--last-good", "6", "--root", &root]);
    assert_eq!(made["last_good"]["size"], 6, "{made}");
    assert_eq!(closed_at(&agency, "agency-a.example/pub"), Some(6));
    assert_eq!(import(&agency, 3), 4);
    // Keys of the other roles go on, and from there too.
    assert_eq!(keys(&agency.ask(&["key", "list"]), "witness", "in_force"), witness);
    agency.ask(&["key", "rotate", "witness", "--root", &root]);
    assert_eq!(keys(&agency.ask(&["key", "list"]), "witness", "retired"), witness);
}

/// Goal: a home whose identity is from before a rotation issues cards again, by the root key alone, with a node and without.
/// Way: the identity of an earlier day put back; the root key away, named, and where `init` left it.
#[test]
fn a_home_with_an_identity_from_before_a_rotation_issues_cards_again() {
    let mut node = Node::found("agency-a.example");
    let (home, root) = (node.agency.home(), root_of(&node.agency));
    let (identity, away) = (home.join("identity.note"), node.agency.beside("root.key"));
    let words = node.agency.ask(&["card"])["fingerprint"].clone();
    let old = std::fs::read(&identity).unwrap();
    node.agency.ask(&["key", "rotate", "log", "--root", &root]);
    node.agency.ask(&["key", "retire", "log", "--root", &root]);
    let present = in_force(&node.agency).remove(0);
    std::fs::write(&identity, &old).unwrap();
    std::fs::rename(&root, &away).unwrap();
    let said = node.agency.refused(&["card"], "key");
    assert!(said.contains("comity card --root FILE"), "{said}");
    let names_it = |card: &Value| {
        assert_eq!(card["fingerprint"], words, "the same words");
        assert!(card["card"].as_str().unwrap().contains(&format!("\nlog-now {present}\n")), "{card}");
    };
    names_it(&node.agency.ask(&["card", "--root", text(&away)]));
    names_it(&node.agency.ask(&["card"]));
    assert!(node.stop());
    std::fs::write(&identity, &old).unwrap();
    let stranger = Agency::found("agency-a.example");
    node.agency.refused(&["card", "--root", &root_of(&stranger)], "other_root");
    assert_eq!(std::fs::read(&identity).unwrap(), old, "nothing was changed");
    std::fs::rename(&away, &root).unwrap();
    names_it(&node.agency.ask(&["card"]));
    node.serve();
    names_it(&node.agency.ask(&["card"]));
}
