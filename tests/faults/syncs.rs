//! A sync or a write that fails at any place, once: nothing is acknowledged by it or after it, the program says so and
//! ends, and what was acknowledged before is there.
//!
//! Not here: other commands than an import (`commands`), disks that are full from then on (`full`).

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::served::{Served, opened};
use super::shim::{Call, Shim, calls, fault};
use crate::agency::{Agency, answer, table, text};
use crate::nodes::{Node, audit, until};

/// More syncs, or writes, than any run makes.
const CALLS_MAX: u64 = 400;

/// What fails, once.
#[derive(Clone, Copy)]
struct Fails {
    /// The variable of the library that names the call.
    variable: &'static str,
    /// From one call that fails to the next; `COMITY_STEP` asks for another of writes.
    step: u64,
}

/// Of the writes of a node one in so many.
const STEP: u64 = 3;

const SYNC: Fails = Fails { variable: "FAULTS_SYNC", step: 1 };

/// A write, of which nothing is written.
fn write(step: u64) -> Fails {
    let asked = std::env::var("COMITY_STEP").ok().and_then(|n| n.parse().ok());
    Fails { variable: "FAULTS_EIO", step: asked.unwrap_or(step) }
}

impl Fails {
    /// The numbers of the calls, with that of the round.
    fn calls(self) -> impl Iterator<Item = u64> {
        (1..=CALLS_MAX).step_by(usize::try_from(self.step).unwrap())
    }

    fn is_write(self) -> bool {
        self.variable != SYNC.variable
    }

    fn told(self, until: u64, of: &str) {
        eprintln!(
            "{} 1 to {until} of {of}, every {}th, failed one after the other",
            self.variable, self.step
        );
    }
}

/// A sync of the database as it is closed, after which nothing waits that was written: it promises nothing.
pub(super) fn is_idle(calls: &[Call], at: usize) -> bool {
    let before = calls[..at].iter().rev().filter(|call| call.path == calls[at].path);
    let mut before = before.take_while(|call| !(call.name == "fdatasync" && call.result == "ok"));
    calls[at].path.ends_with("store/db") && before.all(|call| call.name != "write")
}

/// Nothing is signed, and nothing confirmed by another sync, after one that failed.
fn assert_nothing_follows(calls: &[Call], at: usize, round: u64) {
    // The database syncs itself once more as it is closed, and nobody hears of it. That one of its own syncs failed is
    // heard with the next write that waits for it: until then a cosigner may state what was durable long before, and
    // the keyring may keep the keys of what is to be written next.
    let is_own = |call: &Call| call.path == "store/db" && call.name != "fdatasync";
    let is_of_before =
        |call: &Call| ["lock/witness", "lock/mirror", "keyring"].iter().any(|of| call.path.starts_with(of));
    let by_us = |call: &&Call| !(is_own(call) || is_own(&calls[at]) && is_of_before(call));
    // What another thread may have begun before it failed is not believed either, but cannot be called back.
    let after = || calls[at + 1..].iter().filter(|call| call.result != "beside");
    let later: Vec<_> = after().filter(|call| call.name.contains("sync")).filter(by_us).collect();
    assert!(later.is_empty(), "round {round}: {:?} failed, and then {later:?}", calls[at]);
    let locked = after().any(|call| by_us(&call) && call.path.starts_with("lock/"));
    assert!(!locked, "round {round}: {:?} failed, and then the lock was written", calls[at]);
}

fn assert_says_so(said: &serde_json::Value, round: u64) {
    assert_eq!(said["error"]["code"], "store", "round {round}: {said}");
    let message = said["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("look at that disk") || message.contains("look at the disk"),
        "round {round}: {message}"
    );
}

#[test]
fn a_failed_sync_of_an_import_is_told_and_nothing_is_acknowledged_after_it() {
    an_import_of_which_one_fails(SYNC);
}

#[test]
fn a_failed_write_of_an_import_is_told_and_nothing_is_acknowledged_after_it() {
    an_import_of_which_one_fails(write(1));
}

fn an_import_of_which_one_fails(fails: Fails) {
    let agency = Agency::found("agency-a.example");
    let mut acknowledged = agency.head();
    for round in fails.calls() {
        let count = u32::try_from(round * 30).unwrap();
        let list = agency.write("list.csv", &table(1..=count));
        let whole = u64::from(count) + 1;
        let log = agency.beside("calls");
        let Some(shim) = Shim::over(&agency.home(), &log) else { return };
        let home = agency.home();
        let import = ["import", "ofac", text(&list), "--home", text(&home), "--json"];
        let output = shim.with(fails.variable, &round.to_string()).command(&import).output().unwrap();
        let (said, calls) = (answer(&output), calls(&log));
        let Some(at) = fault(&calls) else {
            assert!(output.status.success() && said["size"] == whole, "round {round}: {said}");
            fails.told(round - 1, "an import");
            assert!(round > 5, "an import has more places than {round}");
            return;
        };
        let done = output.status.success();
        if done {
            assert!(is_idle(&calls, at), "round {round}: acknowledged after {:?} failed: {said}", calls[at]);
            assert_eq!(said["size"], whole, "round {round}: {said}");
        } else {
            assert_eq!(output.status.code(), Some(1), "round {round}: {output:?}");
            assert_says_so(&said, round);
            assert_nothing_follows(&calls, at, round);
        }
        let status = agency.ask(&["status"]);
        assert_eq!(status["state"], "ready", "round {round}: {status}");
        let found = agency.head();
        assert!(found == acknowledged || found.0 == whole, "round {round}: {found:?} after {acknowledged:?}");
        assert!(!done || (found.0 == whole && said["root"] == found.1.as_str()), "round {round}: {said}");
        let again = agency.ask(&["import", "ofac", text(&list)]);
        assert_eq!(again["size"], whole, "round {round}: {again}");
        assert!(found.0 != whole || again["root"] == found.1.as_str(), "round {round}: {again}");
        acknowledged = agency.head();
    }
    panic!("an import never got through");
}

/// Size and root of a log as a node tells it; `None` while it is ending.
pub(super) fn told(agency: &Agency, origin: &str) -> Option<(u64, String)> {
    let answer = agency.ask(&["log", "list"]);
    let log = answer["logs"].as_array()?.iter().find(|log| log["origin"] == origin)?;
    Some((log["size"].as_u64()?, log["root"].as_str()?.to_owned()))
}

/// Entries of a log that a home holds which nobody serves; it shows them as soon as it follows again.
pub(super) fn kept(agency: &Agency, origin: &str) -> u64 {
    let open = opened(&agency.home()).unwrap();
    open.store().held(&origin.parse().unwrap()).unwrap().size.value()
}

/// The largest tree of a log that the locks permit the mirror of a home to state.
fn mirrored(home: &Path, origin: &str) -> u64 {
    let of = |path: PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut lines = text.lines().skip(1);
        let is_of = lines.next() == Some("mirror") && lines.next() == Some(origin);
        if is_of { lines.next()?.parse().ok() } else { None }
    };
    let locks = std::fs::read_dir(home.join("lock")).unwrap().map(|lock| lock.unwrap().path());
    locks.filter_map(of).max().unwrap_or(0)
}

#[test]
fn a_node_of_which_a_sync_fails_ends_as_failed_and_its_peers_hold_nothing_that_it_lost() {
    a_node_of_which_one_fails(SYNC);
}

#[test]
fn a_node_of_which_a_write_fails_ends_as_failed_and_its_peers_hold_nothing_that_it_lost() {
    a_node_of_which_one_fails(write(STEP));
}

/// Goal: as for an import, when the author's node is asked to append while a peer follows.
fn a_node_of_which_one_fails(fails: Fails) {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(a.stop());
    let mut acknowledged = a.agency.head();
    for round in fails.calls() {
        let whole = round * 30 + 1;
        let list = a.agency.write("list.csv", &table(1..=u32::try_from(whole - 1).unwrap()));
        let log = a.agency.beside("calls");
        let Some(shim) = Shim::over(&a.agency.home(), &log) else { return };
        let mut served = Served::start(&a.agency, &shim.with(fails.variable, &round.to_string()));
        if fault(&calls(&log)).is_none() {
            let said = a.agency.ask(&["import", "ofac", text(&list)]);
            if said["error"].is_null() {
                acknowledged = (said["size"].as_u64().unwrap(), said["root"].as_str().unwrap().to_owned());
                let reached = || told(&b.agency, &a.origin).as_ref() == Some(&acknowledged);
                until("the peer has it", || fault(&calls(&log)).is_some() || reached());
            }
        }
        let met = fault(&calls(&log)).map(|at| calls(&log).remove(at));
        // A file that was not written is written again; a sync is never believed again.
        let may_go_on = fails.is_write() && met.as_ref().is_some_and(|call| call.path != "store/db");
        while may_go_on && !served.has_ended() {
            let said = a.agency.ask(&["import", "ofac", text(&list)]);
            let told = told(&b.agency, &a.origin).filter(|_| said["error"].is_null());
            if told.is_some_and(|told| told.0 == whole && said["root"] == told.1.as_str()) {
                break;
            }
        }
        let is_over = met.is_some() && (!may_go_on || served.has_ended());
        let (status, said) = if is_over { served.ended() } else { served.stop() };
        let calls = calls(&log);
        let Some(at) = fault(&calls) else {
            assert!(status.success(), "round {round}: {said}");
            fails.told(round - 1, "a node that appends");
            assert!(round > 10, "a node syncs at more places than {round}");
            break;
        };
        if !(is_idle(&calls, at) || may_go_on && status.success()) {
            assert_eq!(status.code(), Some(1), "round {round}: {said}");
            assert_says_so(&said, round);
            assert_nothing_follows(&calls, at, round);
        }
        let found = a.agency.head();
        assert!(found == acknowledged || found.0 == whole, "round {round}: {found:?}, {acknowledged:?}");
        let held = told(&b.agency, &a.origin).unwrap();
        assert!(held.0 <= found.0, "round {round}: the peer holds {held:?}, the author {found:?}");
        acknowledged = found;
    }
    a.serve();
    b.reaches(&a.origin, &a.head(&a.origin));
    assert_eq!(b.agency.ask(&["status"])["alarms"].as_array().map_or(0, Vec::len), 0);
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
}

#[test]
fn a_follower_of_which_a_sync_fails_ends_as_failed_and_has_all_that_it_ever_showed() {
    a_follower_of_which_one_fails(SYNC);
}

#[test]
fn a_follower_of_which_a_write_fails_ends_as_failed_and_has_all_that_it_ever_showed() {
    a_follower_of_which_one_fails(write(STEP));
}

/// Goal: a follower shows nothing that it may lose. Way: its calls fail one after the other while the author goes on.
fn a_follower_of_which_one_fails(fails: Fails) {
    let (a, mut b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(b.stop());
    let shown = RefCell::new((0, String::new()));
    for round in fails.calls() {
        let list = a.agency.write("list.csv", &table(1..=u32::try_from(round * 70).unwrap()));
        assert_eq!(a.agency.ask(&["import", "ofac", text(&list)])["size"], round * 70 + 1);
        let head = a.head(&a.origin);
        let log = b.agency.beside("calls");
        let Some(shim) = Shim::over(&b.agency.home(), &log) else { return };
        let mut served = Served::start(&b.agency, &shim.with(fails.variable, &round.to_string()));
        let screened = |id: &str| b.agency.ask(&["screen", "--id", id])["answer"] == "hits";
        let newest = format!("passport:X{:07}", round * 70);
        until("the follower has it", || {
            let met = fault(&calls(&log)).is_some();
            if let Some(told) = told(&b.agency, &a.origin).filter(|_| !met) {
                *shown.borrow_mut() = told;
            }
            met || (shown.borrow().0 == head.0 && screened(&newest))
        });
        // A file that was not written is written again by a follower that begins again; a sync is never believed again.
        let has_all = || told(&b.agency, &a.origin).is_some_and(|told| told == head) && screened(&newest);
        let met = fault(&calls(&log)).map(|at| calls(&log).remove(at));
        let may_go_on = fails.is_write() && met.as_ref().is_some_and(|call| call.path != "store/db");
        while may_go_on && !served.has_ended() && !has_all() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let is_over = met.is_some() && (!may_go_on || served.has_ended());
        let (status, said) = if is_over { served.ended() } else { served.stop() };
        let calls = calls(&log);
        let Some(at) = fault(&calls) else {
            assert!(status.success(), "round {round}: {said}");
            fails.told(round - 1, "a node that follows");
            assert!(round > 5, "a follower syncs at more places than {round}");
            break;
        };
        if !(is_idle(&calls, at) || may_go_on && status.success()) {
            assert_eq!(status.code(), Some(1), "round {round}: {:?}: {said}", calls[at]);
            assert_says_so(&said, round);
            assert_nothing_follows(&calls, at, round);
        }
        let found = kept(&b.agency, &a.origin);
        assert!(found >= shown.borrow().0, "round {round}: {found} after {shown:?} was shown");
        let stated = mirrored(&b.agency.home(), &a.origin);
        assert!(found >= stated, "round {round}: {found} after the mirror was permitted to state {stated}");
    }
    b.serve();
    b.reaches(&a.origin, &a.head(&a.origin));
    assert_eq!(b.agency.ask(&["status"])["alarms"].as_array().map_or(0, Vec::len), 0);
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
}
