//! What a stranger reads who mistypes, mishears or forgets something: the reason, and what to do next.

use std::net::TcpListener;
use std::path::Path;

use crate::agency::{Agency, answer, run, text};
use crate::nodes::Node;

fn words_of(agency: &Agency) -> String {
    agency.ask(&["card"])["fingerprint"].as_str().unwrap().to_owned()
}

fn card_of(agency: &Agency) -> std::path::PathBuf {
    let card = agency.beside("card");
    assert!(agency.ask(&["card", "--out", text(&card)])["error"].is_null());
    card
}

/// What a person reads on standard output and standard error.
fn shown(arguments: &[&str], home: &Path) -> String {
    let output = run(&[arguments, &["--home", text(home)]].concat());
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_peer_that_cannot_be_added_is_explained_in_full_with_and_without_a_node() {
    let mut node = Node::found("agency-a.example");
    let other = Agency::found("agency-b.example");
    let (card, words) = (card_of(&other), words_of(&other));
    let (own, own_words) = (card_of(&node.agency), words_of(&node.agency));
    let (few, misheard) = ("not twelve words", words.replacen(' ', "x ", 1));
    let no_card = node.agency.write("list.csv", b"1,2,3");
    let tries: [(&[&str], &str, &str); 8] = [
        (&[text(&card), "--fingerprint", few], "malformed", "12 words, not 3"),
        (&[text(&card), "--fingerprint", &misheard], "malformed", "word 1 "),
        (&[text(&card), "--fingerprint", &own_words], "fingerprint_mismatch", "agency-b.example"),
        (&[text(&no_card), "--fingerprint", &words], "malformed", "list.csv"),
        (&[text(&own), "--fingerprint", &own_words], "malformed", "this home itself"),
        (&[text(&card), "--fingerprint", &words, "--endpoint", "there"], "malformed", "--endpoint"),
        (&[text(&card), "--fingerprint", &words, "--via", "B/pub"], "malformed", "--via"),
        (&["missing", "--fingerprint", &words], "file", "missing"),
    ];
    let all = |agency: &Agency| {
        for (arguments, code, says) in &tries {
            let message = agency.refused(&[&["peer", "add"], *arguments].concat(), code);
            assert!(message.contains(says) && !message.contains("the node answers"), "{says}: {message}");
        }
        let message = agency.refused(&["peer", "remove", "agency-x.example"], "unknown_peer");
        assert!(message.contains("agency-x.example") && message.contains("peer list"), "{message}");
        assert_eq!(agency.ask(&["peer", "list"])["peers"].as_array().unwrap().len(), 0, "nothing was stored");
    };
    all(&node.agency);
    assert!(node.stop());
    all(&node.agency);
}

#[test]
fn peers_are_not_said_to_be_unconnected_where_nobody_can_know() {
    let (agency, other) = (Agency::found("agency-a.example"), Agency::found("agency-b.example"));
    let (card, words) = (card_of(&other), words_of(&other));
    let add = ["peer", "add", text(&card), "--fingerprint", &words];
    let added = shown(&add, &agency.home());
    assert!(added.contains("added this agency too") && !added.contains("behind"), "{added}");
    assert_eq!(shown(&add, &agency.home()), added, "once more is no harm");
    let listed = shown(&["peer", "list"], &agency.home());
    assert!(listed.contains("no node runs here") && !listed.contains("behind"), "{listed}");
    let status = shown(&["status"], &agency.home());
    assert!(status.contains("peer  agency-b.example") && status.contains("ready, no node runs"), "{status}");
}

#[test]
fn a_port_that_is_taken_and_a_home_that_is_held_are_refused_with_the_next_step() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let agency = Agency::found_at("agency-a.example", &["--listen", &listen, "--admin", "127.0.0.1:0"]);
    let message = agency.refused(&["serve"], "listen");
    assert!(message.contains(&listen) && message.contains("comity.toml"), "{message}");
    let node = Node::found("agency-b.example");
    let message = node.agency.refused(&["serve"], "in_use");
    assert!(message.contains("holds this home"), "{message}");
}

#[test]
fn a_backup_restored_without_its_locks_is_not_refused_without_the_next_step() {
    let agency = Agency::found("agency-a.example");
    let locks = agency.home().join("lock");
    std::fs::remove_dir_all(&locks).unwrap();
    let message = agency.refused(&["status"], "store");
    assert!(message.contains("restored backup") && message.contains("empty"), "{message}");
    std::fs::create_dir(&locks).unwrap();
    assert_eq!(agency.ask(&["status"])["state"], "read_only", "the step that was named helps");
}

#[test]
fn a_question_before_anything_is_entered_is_answered_with_none() {
    let agency = Agency::found("agency-a.example");
    for question in [["screen", "--name", "Nobody"], ["screen", "--id", "passport:A1234567"]] {
        let output = run(&[&question[..], &["--home", text(&agency.home()), "--json"]].concat());
        assert_eq!((output.status.code(), &answer(&output)["answer"]), (Some(0), &"none".into()));
    }
}
