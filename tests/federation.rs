//! Agencies that follow each other: what is acknowledged arrives, whoever is killed, and nobody is named in a log.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::agency::{table, text};
use crate::nodes::{Node, audit, until};

/// Kills of one run; `.ci/soak` asks for more.
const KILLS: u64 = 16;

#[test]
fn a_list_reaches_the_followers_of_a_relay_and_is_found_there() {
    let (a, b, c) =
        (Node::found("agency-a.example"), Node::found("agency-b.example"), Node::found("agency-c.example"));
    for (one, other) in [(&a, &b), (&b, &a), (&b, &c), (&c, &b)] {
        one.add(other, &[]);
    }
    c.add(&a, &["--via", "agency-b.example"]);
    let list = a.agency.write("list.csv", &table(1..=40));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&list)])["added"], 40);
    let head = a.head(&a.origin);
    b.reaches(&a.origin, &head);
    c.reaches(&a.origin, &head);
    let ask = |question: &[&str]| c.agency.ask(&[&["screen"], question].concat());
    until("C finds what A listed", || ask(&["--id", "passport:X0000007"])["answer"] == "hits");
    let hit = ask(&["--name", "number 7 mirage"]);
    assert_eq!(hit["hits"][0]["origin"], "agency-a.example/pub", "{hit}");
    assert_eq!(hit["hits"][0]["root"], head.1.as_str(), "{hit}");
    assert_eq!(ask(&["--name", "Nobody"])["answer"], "none");
    // What A ends, ends at C.
    let shorter = a.agency.write("shorter.csv", &table((1..=40).filter(|n| *n != 7)));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&shorter)])["removed"], 1);
    until("C no longer finds it", || ask(&["--id", "passport:X0000007"])["answer"] == "none");
    // What A says of the list is the same whoever is asked, record by record.
    let listed = |node: &Node| node.agency.ask(&["log", "records", "us-ofac-sdn", "--origin", &a.origin]);
    let said = listed(&a);
    let states = said["records"].as_array().unwrap().iter().map(|record| record["state"].as_str().unwrap());
    assert_eq!(states.clone().filter(|state| *state == "unapproved").count(), 39, "{said}");
    assert_eq!(states.filter(|state| *state == "delisted").count(), 1, "{said}");
    assert!(listed(&b) == said && listed(&c) == said);
    let own = b.agency.ask(&["log", "records", "us-ofac-sdn"]);
    assert!(own["origin"] == b.origin.as_str() && own["records"].as_array().unwrap().is_empty(), "{own}");
    b.agency.refused(&["log", "records", "us-ofac-sdn", "--origin", "agency-x.example/pub"], "no_such_log");
    let report = audit(&c, &[&a, &b]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
    assert_eq!(report["logs"].as_array().unwrap().len(), 3);
    // Names, numbers and programmes of the list stand in no line of any log, though everything is logged.
    for node in [&a, &b, &c] {
        let log = node.log();
        for word in ["MIRAGE", "Mirage", "mirage", "X0000007", "x0000007", "Nobody", "ZENDA", "Ruritania"] {
            assert!(!log.contains(word), "{word:?} stands in the log of {}", node.origin);
        }
        assert!(log.contains("follow") && !log.contains("PRIVATE"), "{log}");
    }
}

/// Goal: kill -9 of either side at any instant loses nothing acknowledged and forks nothing. Way: while A takes a
/// list in and B follows, kill one of them at an instant drawn from a printed seed, start it again, and compare.
#[test]
fn replication_goes_on_after_either_side_is_killed_at_any_instant() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let kills = number("COMITY_KILLS").unwrap_or(KILLS);
    let seed = number("COMITY_SEED").unwrap_or(20_261_122);
    println!("COMITY_SEED={seed} COMITY_KILLS={kills}");
    let (mut a, mut b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    let mut random = seed;
    for round in 1..=kills {
        let count = u32::try_from(round * 30).unwrap();
        let list = a.agency.write("list.csv", &table(1..=count));
        let acknowledged = a.head(&a.origin);
        let mut import = Command::new(env!("CARGO_BIN_EXE_comity"))
            .args(["import", "ofac", text(&list), "--home", text(&a.agency.home())])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(1 + (random >> 33) % 250));
        let victim = if random >> 62 & 1 == 0 { &mut a } else { &mut b };
        victim.kill();
        import.wait().unwrap();
        victim.serve();
        let found = a.head(&a.origin);
        let whole = u64::from(count) + 1;
        assert!(found == acknowledged || found.0 == whole, "round {round}: {found:?} after {acknowledged:?}");
        let done = a.agency.ask(&["import", "ofac", text(&list)]);
        assert_eq!(done["size"], whole, "round {round}: {done}");
        b.reaches(&a.origin, &a.head(&a.origin));
    }
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
}

#[test]
fn what_is_released_to_nobody_stays_at_home_and_the_history_still_verifies() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    assert!(a.stop());
    let path = a.agency.home().join("comity.toml");
    let config = std::fs::read_to_string(&path).unwrap().replace("to = \"peers\"", "to = \"nobody\"");
    std::fs::write(&path, config).unwrap();
    a.serve();
    a.add(&b, &[]);
    b.add(&a, &[]);
    let list = a.agency.write("list.csv", &table(1..=5));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&list)])["added"], 5);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert_eq!(a.agency.ask(&["screen", "--id", "passport:X0000003"])["answer"], "hits");
    assert_eq!(b.agency.ask(&["screen", "--id", "passport:X0000003"])["answer"], "none");
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["checks"]["openings_withheld"] == 5 * 8, "{report}");
}

#[test]
fn a_relay_that_was_removed_brings_nothing_and_takes_nothing_away() {
    let (a, b, c) =
        (Node::found("agency-a.example"), Node::found("agency-b.example"), Node::found("agency-c.example"));
    for (one, other) in [(&a, &b), (&b, &a), (&b, &c), (&c, &b)] {
        one.add(other, &[]);
    }
    c.add(&a, &["--via", "agency-b.example"]);
    let first = a.agency.write("first.csv", &table(1..=5));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&first)])["added"], 5);
    c.reaches(&a.origin, &a.head(&a.origin));
    let held = c.head(&a.origin);
    assert_eq!(c.agency.ask(&["peer", "remove", "agency-b.example"])["removed"], "agency-b.example");
    let second = a.agency.write("second.csv", &table(1..=9));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&second)])["added"], 4);
    b.reaches(&a.origin, &a.head(&a.origin));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(c.head(&a.origin), held, "nothing came through a relay that is no peer");
    c.add(&b, &[]);
    c.reaches(&a.origin, &a.head(&a.origin));
    until("what was missed is there", || {
        c.agency.ask(&["screen", "--id", "passport:X0000009"])["answer"] == "hits"
    });
}

/// Goal: an agency that lost its keys can be followed again, and what it signed before is neither lost nor mixed with
/// what it signs now. Way: a second home of the same agency, whose card is added in place of the first.
#[test]
fn a_peer_with_new_keys_is_followed_anew_and_what_was_held_is_kept_apart() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    let list = a.agency.write("list.csv", &table(1..=5));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&list)])["added"], 5);
    let old = a.head(&a.origin);
    b.reaches(&a.origin, &old);
    until("B finds what A listed", || {
        b.agency.ask(&["screen", "--id", "passport:X0000004"])["answer"] == "hits"
    });
    b.agency.ask(&["peer", "remove", "agency-a.example"]);
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
    assert_eq!(report["logs"].as_array().unwrap().len(), 2, "the log of a removed peer is in the bundle");
    assert!(a.stop());

    let anew = Node::found("agency-a.example");
    anew.add(&b, &[]);
    let list = anew.agency.write("list.csv", &table(1..=3));
    assert_eq!(anew.agency.ask(&["import", "ofac", text(&list)])["added"], 3);
    let (card, words) = (anew.agency.beside("card"), anew.agency.ask(&["card"]));
    anew.agency.ask(&["card", "--out", text(&card)]);
    let words = words["fingerprint"].as_str().unwrap();
    let message = b.agency.refused(&["peer", "add", text(&card), "--fingerprint", words], "other_replica");
    assert!(message.contains("--set-aside-replica"), "the next step: {message}");
    b.add(&anew, &["--set-aside-replica"]);
    let new = anew.head(&anew.origin);
    b.reaches(&anew.origin, &new);
    until("B finds what the new log lists, and no more", || {
        let found = |id: &str| b.agency.ask(&["screen", "--id", id])["answer"] == "hits";
        found("passport:X0000003") && !found("passport:X0000004")
    });
    let own = b.agency.write("own.csv", &table(50..=50));
    assert_eq!(b.agency.ask(&["import", "ofac", text(&own)])["added"], 1);
    let report = audit(&b, &[&anew]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
    assert_eq!(b.head("agency-a.example/aside/1"), old);
    let bundled = b.agency.ask(&["bundle", "--out", text(&b.agency.beside("bundle-without"))]);
    assert_eq!(bundled["left_out"], serde_json::json!(["agency-a.example/aside/1"]), "not without a word");
    let out = b.agency.beside("aside");
    let export = ["log", "export", "--origin", "agency-a.example/aside/1", "--out", text(&out)];
    assert_eq!(b.agency.ask(&export)["root"], old.1.as_str());
    let checkpoint = std::fs::read_to_string(out.join("checkpoint")).unwrap();
    assert!(checkpoint.starts_with("agency-a.example/pub\n"), "{checkpoint}");
}

#[test]
fn a_node_that_is_told_to_stop_ends_well_and_comes_back_with_all_it_had() {
    let mut node = Node::found("agency-a.example");
    let list = node.agency.write("list.csv", &table(1..=5));
    assert_eq!(node.agency.ask(&["import", "ofac", text(&list)])["added"], 5);
    let head = node.head(&node.origin);
    assert!(node.stop());
    assert_eq!(node.agency.head(), head, "the home is free, and holds the same");
    node.serve();
    assert_eq!(node.head(&node.origin), head);
}

#[test]
fn a_peer_is_added_with_its_own_words_only_and_removed_for_good() {
    let (a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    let card = b.agency.beside("card");
    b.agency.ask(&["card", "--out", text(&card)]);
    let words = a.agency.ask(&["card"])["fingerprint"].as_str().unwrap().to_owned();
    a.agency.refused(&["peer", "add", text(&card), "--fingerprint", &words], "fingerprint_mismatch");
    a.agency.refused(&["peer", "add", text(&card), "--fingerprint", "two words"], "malformed");
    let forged = a.agency.write("forged", &std::fs::read(&card).unwrap()[..400]);
    a.agency.refused(&["peer", "add", text(&forged), "--fingerprint", &words], "malformed");
    assert_eq!(a.agency.ask(&["peer", "list"])["peers"].as_array().unwrap().len(), 0);
    a.agency.refused(&["peer", "remove", "agency-b.example"], "unknown_peer");
    a.add(&b, &[]);
    // B has not added A: it is a stranger there, and nothing flows.
    until("A is refused by B", || {
        let listed = a.agency.ask(&["peer", "list"]);
        listed["peers"][0]["last_error"].as_str().is_some_and(|error| !error.is_empty())
    });
    assert_eq!(a.head(&b.origin).0, 0);
    b.add(&a, &[]);
    a.reaches(&b.origin, &b.head(&b.origin));
    assert_eq!(a.agency.ask(&["peer", "remove", "agency-b.example"])["removed"], "agency-b.example");
    assert_eq!(a.agency.ask(&["peer", "list"])["peers"].as_array().unwrap().len(), 0);
}
