//! A follower that is killed while it goes on from a closed log to its successor, and while it sets aside what a thief bent.
//!
//! Goal: whatever change of its home is the last, it opens, holds of each log one state that was signed, and ends whole at
//! the successor with nothing lost that was good. Way: one home of the follower, from the moment before it hears of the
//! successor, served again and again beside the author and killed after one of its changes; then served to the end.
//!
//! Not here: the author, killed while it makes the successor (`killed`), and what a thief may convince whom of
//! (`exchange/thief.rs` of `comity-node`).

use super::{import, root_of};
use crate::agency::{Agency, table, text};
use crate::faults::served::Served;
use crate::faults::shim::Shim;
use crate::nodes::{Node, audit_of, until};
use crate::recovery::copy;

/// More changes of its home than a follower makes from its start until it is whole at the successor.
const CHANGES_MAX: u64 = 1_000;
/// One change in so many is the last; `COMITY_STEP=1` for each of them, as in `.ci/soak`.
const EVERY: usize = 12;
const SUCCESSOR: &str = "agency-a.example/pub/2";
const ASIDE: &str = "agency-a.example/aside/1";

type Head = (u64, String);

/// An author that goes on in a successor, and the home of a follower that has not heard of it.
struct Gone {
    a: Node,
    /// It is at rest.
    b: Node,
    /// The first log as its author signed it, and as B held it before.
    good: Head,
    before: Head,
    next: Head,
}

impl Gone {
    /// With `is_bent` B holds what a thief signed in the author's place.
    fn new(is_bent: bool) -> Self {
        let (mut a, mut b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
        a.add(&b, &[]);
        b.add(&a, &[]);
        import(&a.agency, 3);
        b.reaches(&a.origin, &a.head(&a.origin));
        assert!(a.stop());
        let (home, saved) = (a.agency.home(), a.agency.beside("saved"));
        if is_bent {
            copy(&home, &saved);
            a.serve();
            let list = a.agency.write("other.csv", &table(10..=30));
            assert_eq!(a.agency.ask(&["import", "ofac", text(&list), "--accept-removals"])["added"], 21);
            b.reaches(&a.origin, &a.head(&a.origin));
            until("all that the thief released has come", || is_found(&b.agency, 30));
            assert!(a.stop());
            std::fs::remove_dir_all(&home).unwrap();
            copy(&saved, &home);
            import(&a.agency, 6);
        } else {
            until("all that was released has come", || is_found(&b.agency, 3));
        }
        let before = b.head(&a.origin);
        assert!(b.stop());
        let good = a.head(&a.origin);
        let last_good = good.0.to_string();
        let command = ["key", "succeed", "--close", "--last-good", &last_good, "--root"];
        let made = a.agency.ask(&[&command[..], &[&root_of(&a.agency)]].concat());
        assert_eq!(made["origin"], SUCCESSOR, "{made}");
        import(&a.agency, 8);
        let next = Node::head_in(&a.agency.ask(&["log", "list"]), SUCCESSOR);
        copy(&home, &a.agency.beside("gone"));
        Self { a, b, good, before, next }
    }

    /// Serves A as it was when it had made the successor: it has not heard of what B stated in an earlier try, and has no
    /// share of its handshakes used up.
    fn again(&mut self) {
        self.a.kill();
        let home = self.a.agency.home();
        std::fs::remove_dir_all(&home).unwrap();
        copy(&self.a.agency.beside("gone"), &home);
        self.a.serve();
    }

    /// What B holds at any moment: of each log one state that was signed, under one name.
    fn is_one_history(&self, b: &Agency, is_bent: bool, step: u64) {
        let said = b.ask(&["status"]);
        assert!(said["state"] == "ready" || said["state"] == "serving", "step {step}: {said}");
        let logs = b.ask(&["log", "list"]);
        for log in logs["logs"].as_array().unwrap() {
            let origin = log["origin"].as_str().unwrap();
            let head = (log["size"].as_u64().unwrap(), log["root"].as_str().unwrap().to_owned());
            let allowed = match origin {
                "agency-a.example/pub" => vec![&self.before, &self.good],
                SUCCESSOR => vec![&self.next],
                ASIDE if is_bent => vec![&self.before],
                "agency-b.example/pub" => continue,
                other => panic!("step {step}: there is a log {other}"),
            };
            assert!(head.0 == 0 || allowed.contains(&&head), "step {step}: {origin} stands at {head:?}");
        }
    }

    /// That B is at the end of both logs, finds what stands in them, and has lost nothing.
    fn is_whole(&self, b: &Agency, is_bent: bool, step: u64) {
        let head = |origin: &str| Node::head_in(&b.ask(&["log", "list"]), origin);
        until(&format!("step {step}: B is at the successor"), || head(SUCCESSOR) == self.next);
        let good = &self.good;
        until(&format!("step {step}: B holds the closed log"), || head("agency-a.example/pub") == *good);
        until(&format!("step {step}: all that was released has come"), || {
            [1, 3, 8].into_iter().all(|number| is_found(b, number))
        });
        if is_bent {
            assert_eq!(head(ASIDE), self.before, "step {step}: what the thief signed is kept");
            assert!(!is_found(b, 30), "step {step}: what the thief listed is listed by nobody");
        }
        let doubts = || b.ask(&["status"])["alarms"].to_string();
        until(&format!("step {step}: B is in no doubt"), || {
            ["fork", "rollback", "suspect", "damaged"].into_iter().all(|code| !doubts().contains(code))
        });
        self.is_one_history(b, is_bent, step);
    }
}

fn is_found(b: &Agency, number: u32) -> bool {
    let said = b.ask(&["screen", "--id", &format!("passport:X{number:07}")]);
    said["hits"].as_array().is_some_and(|hits| hits.iter().any(|hit| hit["state"] != "review"))
}

/// Kills B after each of its changes, until it comes to the end alive.
fn killed_at_every_step(is_bent: bool) {
    let mut gone = Gone::new(is_bent);
    let every = std::env::var("COMITY_STEP").map_or(EVERY, |every| every.parse().unwrap());
    for step in (1..=CHANGES_MAX).step_by(every) {
        let b = Agency::empty();
        copy(&gone.b.agency.home(), &b.home());
        gone.again();
        let shim = |kill: u64| {
            let shim = Shim::over(&b.home(), &b.beside("calls"))?;
            Some(shim.with("FAULTS_KILL", &kill.to_string()))
        };
        let Some(killed) = shim(step) else { return };
        let mut node = Served::start(&b, &killed);
        let head = || Node::head_in(&b.ask(&["log", "list"]), SUCCESSOR);
        let mut is_there = false;
        while !node.has_ended() && !is_there {
            is_there = head() == gone.next && is_found(&b, 8);
        }
        // It may be killed while it stops as well.
        let status = if node.has_ended() { node.ended().0 } else { node.stop().0 };
        assert!(status.success() || status.code().is_none(), "step {step}: it ended by itself");
        gone.is_one_history(&b, is_bent, step);
        let mut node = Served::start(&b, &shim(u64::MAX).unwrap());
        gone.is_whole(&b, is_bent, step);
        assert!(node.stop().0.success(), "step {step}");
        // And as it lies on the disk.
        gone.is_one_history(&b, is_bent, step);
        if status.success() {
            let report = audit_of(&b, &[&gone.a]);
            assert!(report["ok"] == true && report["trusted"] == true, "{report}");
            eprintln!("a follower was killed after every {every}th of {} changes to a successor", step - 1);
            assert!(step > 20, "a follower makes more changes than {step}");
            return;
        }
    }
    panic!("a follower does not come to the successor");
}

#[test]
fn a_follower_killed_at_every_step_to_a_successor_ends_whole_there() {
    killed_at_every_step(false);
}

#[test]
fn a_follower_killed_at_every_step_of_setting_a_bent_log_aside_ends_whole_at_the_successor() {
    killed_at_every_step(true);
}
