//! A home that was put back: healed by its peers, or read only until somebody answers for it; never two trees of a size.
//!
//! Goal: no restore forks a log. Way: real nodes, whose stores are put back to a copy of an earlier day with the program
//! at rest; the lock stays, is put back as well, or is missing. Not here: peers that lie (`crates/node/tests/recovery`).

use std::path::Path;
use std::time::Duration;

use comity_auditor::{TrustedKeys, verify};

use crate::agency::{table, text};
use crate::nodes::{Node, until};

/// Records of the first day, and of the second.
const FIRST: u32 = 20;
const SECOND: u32 = 420;

/// What a copy of a home restores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    /// The sign-lock stands where it was.
    Stays,
    /// The sign-lock is put back with the rest.
    IsPutBack,
    /// The sign-lock is gone.
    IsLost,
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn import(node: &Node, count: u32) -> serde_json::Value {
    let list = node.agency.write("list.csv", &table(1..=count));
    node.agency.ask(&["import", "ofac", text(&list)])
}

/// Puts the home of a node that is at rest back to a copy.
fn put_back(node: &Node, saved: &Path, lock: Lock) {
    let home = node.agency.home();
    for part in ["store", "lock"] {
        let keep = part == "lock" && lock != Lock::IsPutBack;
        if keep {
            if lock == Lock::IsLost {
                std::fs::remove_dir_all(home.join(part)).unwrap();
                std::fs::create_dir(home.join(part)).unwrap();
            }
            continue;
        }
        std::fs::remove_dir_all(home.join(part)).unwrap();
        copy(&saved.join(part), &home.join(part));
    }
}

fn meet(nodes: &[&Node]) {
    for one in nodes {
        for other in nodes {
            if one.origin != other.origin {
                one.add(other, &[]);
            }
        }
    }
}

/// Waits until a node can show so many records of another's list: what it does not hold it cannot give back.
fn holds(node: &Node, of: &Node, count: u32) {
    until(&format!("{count} records are held"), || {
        let said = node.agency.ask(&["log", "records", "us-ofac-sdn", "--origin", &of.origin]);
        said["records"].as_array().is_some_and(|records| records.len() == usize::try_from(count).unwrap())
    });
}

fn state(node: &Node) -> String {
    node.agency.ask(&["status"])["state"].as_str().unwrap().to_owned()
}

fn alarms(node: &Node) -> Vec<String> {
    let status = node.agency.ask(&["status"]);
    let standing = status["alarms"].as_array().unwrap().clone();
    standing.iter().map(|alarm| alarm["what"].as_str().unwrap().to_owned()).collect()
}

/// Goal: a home that was put back to the day before comes to its last tree by its peers, has its records again, and
/// signs on; nobody finds two histories. Way: three nodes, of which A is put back with each fate of its lock.
#[test]
fn a_home_put_back_to_the_day_before_is_healed_by_its_peers_and_signs_on() {
    for lock in [Lock::Stays, Lock::IsPutBack, Lock::IsLost] {
        let names = ["a", "b", "c"].map(|name| format!("agency-{name}.example"));
        let [mut a, b, c] = names.map(|name| Node::found(&name));
        meet(&[&a, &b, &c]);
        assert_eq!(import(&a, FIRST)["added"], FIRST);
        let first = a.head(&a.origin);
        b.reaches(&a.origin, &first);
        assert!(a.stop());
        let saved = a.agency.beside("saved");
        copy(&a.agency.home(), &saved);
        a.serve();
        assert_eq!(import(&a, SECOND)["added"], SECOND - FIRST);
        let second = a.head(&a.origin);
        for peer in [&b, &c] {
            peer.reaches(&a.origin, &second);
            holds(peer, &a, SECOND);
        }
        a.kill();
        put_back(&a, &saved, lock);
        a.serve();
        // Where lock and store agree it serves until a peer shows more, which takes a moment.
        until(&format!("{lock:?}: the very tree: {}", a.log()), || a.head(&a.origin) == second);
        until(&format!("{lock:?}: serving: {}", a.log()), || state(&a) == "serving");
        // The records are known again: the same list changes nothing, and more is signed.
        let again = import(&a, SECOND);
        assert_eq!((&again["added"], &again["size"]), (&0.into(), &second.0.into()), "{lock:?}: {again}");
        assert_eq!(import(&a, SECOND + 3)["added"], 3, "{lock:?}");
        let third = a.head(&a.origin);
        for peer in [&b, &c] {
            peer.reaches(&a.origin, &third);
        }
        for peer in [&b, &c] {
            until(&format!("{lock:?}: no alarm: {:?}", alarms(peer)), || alarms(peer).is_empty());
        }
        // A cosigner whose own lock went back, or is gone, speaks no more of what it may have said since (B12).
        let quiet = alarms(&a).iter().all(|alarm| alarm == "cosigner");
        assert!(quiet && (lock != Lock::Stays || alarms(&a).is_empty()), "{lock:?}: {:?}", alarms(&a));
        // What was given back is opened; what was never given to anybody is lost, and said to be.
        let entry = a.agency.ask(&["log", "show", &FIRST.saturating_add(5).to_string()]);
        let of = |slot: &str| {
            let sections = entry["sections"].as_array().unwrap();
            sections.iter().find(|section| section["name"] == slot).unwrap()["state"].clone()
        };
        assert_eq!((of("core"), of("sightings")), ("opened".into(), "lost".into()), "{entry}");
        passes_its_audit(&a, &format!("healed-{lock:?}"));
    }
}

/// What is lost is counted and listed in the audit of the own bundle, and fails nothing.
fn passes_its_audit(a: &Node, name: &str) {
    let (bundle, card) = a.agency.bundle(name);
    let mut keys = TrustedKeys::none();
    keys.add_path(&card).unwrap();
    for peer in ["b", "c"] {
        // The bundle has the logs of its peers as well.
        let vkeys =
            std::fs::read_dir(bundle.join("logs")).unwrap().map(|log| log.unwrap().path().join("VKEYS"));
        let of_peer = format!("agency-{peer}.example/");
        for vkeys in vkeys.filter(|path| std::fs::read_to_string(path).unwrap().starts_with(&of_peer)) {
            keys.add_path(&vkeys).unwrap();
        }
    }
    let report = verify(&bundle, &keys);
    assert!(report.ok && report.trusted, "{}", report.to_text());
    let own = report.logs.iter().find(|log| log.origin == a.origin).unwrap();
    let lost = own.lost.first().unwrap();
    assert!(lost.first >= u64::from(FIRST) && report.checks.openings_lost > 0, "{}", report.to_text());
    assert!(report.to_text().contains("LOST sections of entries"), "{}", report.to_text());
}

/// Goal: without peers nothing is signed before an operator answers for the very size, and then the log goes on. Way: a
/// home alone is put back, with its lock and without.
#[test]
fn a_home_put_back_without_peers_is_read_only_until_an_operator_answers_for_its_size() {
    for lock in [Lock::Stays, Lock::IsLost] {
        let mut a = Node::found("agency-a.example");
        import(&a, FIRST);
        let first = a.head(&a.origin);
        assert!(a.stop());
        let unasked = a.agency.refused(&["serve", "--i-accept-the-risk", "21"], "risk");
        assert!(unasked.contains("can be signed"), "{unasked}");
        let saved = a.agency.beside("saved");
        copy(&a.agency.home(), &saved);
        a.serve();
        import(&a, FIRST + 5);
        a.kill();
        put_back(&a, &saved, lock);
        a.serve();
        // Longer than a round over no peers takes.
        std::thread::sleep(Duration::from_secs(4));
        let alarms = alarms(&a);
        assert!(state(&a) == "read_only" && alarms.contains(&"read_only".to_owned()), "{lock:?}: {alarms:?}");
        let list = a.agency.write("list.csv", &table(1..=FIRST + 7));
        a.agency.refused(&["import", "ofac", text(&list)], "read_only");
        assert!(a.stop());
        let other = (first.0 + 1).to_string();
        let said = a.agency.refused(&["serve", "--i-accept-the-risk", &other], "risk");
        assert!(said.contains("is 21, not 22"), "{said}");
        a.serve_with(&["--i-accept-the-risk", &first.0.to_string()]);
        until("serving", || state(&a) == "serving");
        assert_eq!(a.head(&a.origin), first);
        assert_eq!(import(&a, FIRST + 7)["added"], 7);
        // It stands: the next start asks nobody.
        assert!(a.stop());
        a.serve();
        assert_eq!(state(&a), "serving");
        assert_eq!(import(&a, FIRST + 8)["added"], 1);
    }
}

/// Kills of one run.
const KILLS: u64 = 4;

/// Goal: a recovery that is killed at any instant goes on at the next start and ends in the same tree. Way: kill the node
/// at instants drawn from a printed seed after it was put back.
#[test]
fn a_recovery_killed_at_any_instant_goes_on_and_ends_in_the_same_tree() {
    let mut random: u64 =
        std::env::var("COMITY_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(20_261_129);
    println!("COMITY_SEED={random}");
    let [mut a, b] = ["agency-a.example", "agency-b.example"].map(Node::found);
    meet(&[&a, &b]);
    import(&a, FIRST);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(a.stop());
    let saved = a.agency.beside("saved");
    copy(&a.agency.home(), &saved);
    a.serve();
    import(&a, 3_000);
    let whole = a.head(&a.origin);
    b.reaches(&a.origin, &whole);
    holds(&b, &a, 3_000);
    for round in 0..KILLS {
        a.kill();
        put_back(&a, &saved, if round % 2 == 0 { Lock::Stays } else { Lock::IsLost });
        for _ in 0..2 {
            a.serve();
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            std::thread::sleep(Duration::from_millis((random >> 33) % 1_500));
            a.kill();
        }
        a.serve();
        until(&format!("round {round}: serving"), || state(&a) == "serving");
        assert_eq!(a.head(&a.origin), whole, "round {round}");
        let again = import(&a, 3_000);
        assert_eq!(again["added"], 0, "round {round}: {again}");
    }
    until(&format!("no alarm: {:?}", alarms(&b)), || alarms(&b).is_empty());
}

/// Goal: a backup that is written while the log grows makes a home that comes to the last tree by its peers, and signs on.
/// Way: imports go on beside `comity backup`; the home is moved away, and another one made of the backup in its place.
#[test]
fn a_backup_taken_while_entries_are_appended_makes_a_home_that_its_peers_heal() {
    let [mut a, b] = ["agency-a.example", "agency-b.example"].map(Node::found);
    meet(&[&a, &b]);
    let (backup, keys) = (a.agency.beside("backup"), a.agency.beside("keys"));
    let taken = std::thread::scope(|scope| {
        let importing = scope.spawn(|| (1..=12).for_each(|round| drop(import(&a, round * 40))));
        until("some are imported", || a.head(&a.origin).0 > 100);
        let taken = a.agency.ask(&["backup", "--out", text(&backup), "--keyring-out", text(&keys)]);
        importing.join().unwrap();
        taken
    });
    assert!(taken["size"].as_u64().unwrap() > 100 && taken["key_files"].as_u64() > Some(5), "{taken}");
    let last = a.head(&a.origin);
    assert!(last.0 > taken["size"].as_u64().unwrap(), "nothing was appended meanwhile");
    b.reaches(&a.origin, &last);
    holds(&b, &a, 480);
    assert!(!backup.join("lock").exists() && !backup.join("keyring").exists() && !keys.join("lock").exists());
    a.kill();
    std::fs::rename(a.agency.home(), a.agency.beside("lost")).unwrap();
    let cut = std::fs::read(backup.join("store.rows")).unwrap();
    std::fs::write(backup.join("store.rows"), &cut[..cut.len() - 9]).unwrap();
    let restoring = ["restore", "--from", text(&backup), "--keyring", text(&keys)];
    a.agency.refused(&restoring, "damaged");
    assert!(!a.agency.home().exists(), "nothing was made");
    std::fs::write(backup.join("store.rows"), cut).unwrap();
    let restored = a.agency.ask(&restoring);
    assert_eq!((&restored["size"], &restored["lock"]), (&taken["size"], &"missing".into()), "{restored}");
    a.agency.refused(&restoring, "restore");
    a.serve();
    until(&format!("serving: {}", a.log()), || state(&a) == "serving");
    assert_eq!(a.head(&a.origin), last, "the very tree");
    let again = import(&a, 480);
    assert_eq!((&again["added"], &again["size"]), (&0.into(), &last.0.into()), "{again}");
    assert_eq!(import(&a, 482)["added"], 2);
    b.reaches(&a.origin, &a.head(&a.origin));
    until(&format!("no alarm: {:?}", alarms(&b)), || alarms(&b).is_empty());
    // The database alone is lost: the lock that stayed says how far the log went.
    assert!(a.stop());
    let last = b.head(&a.origin);
    std::fs::remove_dir_all(a.agency.home().join("store")).unwrap();
    assert_eq!(a.agency.ask(&restoring)["lock"], "kept");
    a.serve();
    until("serving again", || state(&a) == "serving");
    assert_eq!(a.head(&a.origin), last);
}
