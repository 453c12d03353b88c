//! A disk that is full from any write on, and a process that may open no more files: nothing is acknowledged that is
//! not kept, the program says what is wrong, and with room again all goes on.

use std::process::Command;
use std::time::{Duration, Instant};

use comity_node::{Home, RunFile, operator_channel};
use comity_watchlist::{IdKind, Text};
use comity_wire::{ScreenQuery, admin_client, screening_client, v1};
use serde_json::Value;
use tonic::transport::Channel;

use super::disk::{Disk, Drawn, Left};
use super::served::Served;
use super::shim::{Shim, calls, fault};
use super::syncs::{kept, told};
use crate::agency::{Agency, answer, table, text};
use crate::nodes::{Node, audit, until};

/// More writes than any run makes.
const WRITES_MAX: u64 = 300;
/// A follower meets a full disk at every so manieth write; `.ci/soak` asks for each.
const STEP: usize = 4;

fn assert_says_so(said: &Value, round: u64) {
    let message = said["error"]["message"].as_str().unwrap_or_default();
    let is_told = message.contains("free some space") || message.contains("look at the disk");
    assert!(is_told, "round {round}: {said}");
}

#[test]
fn an_import_onto_a_disk_that_is_full_from_any_write_on_is_refused_or_kept() {
    let agency = Agency::found("agency-a.example");
    let home = agency.home();
    let mut acknowledged = agency.head();
    for round in 1..=WRITES_MAX {
        let count = u32::try_from(round * 30).unwrap();
        let list = agency.write("list.csv", &table(1..=count));
        let whole = u64::from(count) + 1;
        let log = agency.beside("calls");
        let Some(shim) = Shim::over(&home, &log) else { return };
        let import = ["import", "ofac", text(&list), "--home", text(&home), "--json"];
        let output = shim.with("FAULTS_WRITE", &round.to_string()).command(&import).output().unwrap();
        let said = answer(&output);
        if fault(&calls(&log)).is_none() {
            assert!(output.status.success() && said["size"] == whole, "round {round}: {said}");
            println!("an import met a full disk at {} writes, one after the other", round - 1);
            assert!(round > 5, "an import writes more often than {round} times");
            return;
        }
        if output.status.success() {
            assert_eq!(said["size"], whole, "round {round}: {said}");
        } else {
            assert_eq!(output.status.code(), Some(1), "round {round}: {output:?}");
            assert_says_so(&said, round);
        }
        let status = agency.ask(&["status"]);
        assert_eq!(status["state"], "ready", "round {round}: {status}");
        let found = agency.head();
        assert!(found == acknowledged || found.0 == whole, "round {round}: {found:?} after {acknowledged:?}");
        assert!(!output.status.success() || found.0 == whole, "round {round}: {said}");
        let again = agency.ask(&["import", "ofac", text(&list)]);
        assert_eq!(again["size"], whole, "round {round}: {again}");
        assert!(found.0 != whole || again["root"] == found.1.as_str(), "round {round}: {again}");
        acknowledged = agency.head();
    }
    panic!("an import never got through");
}

/// Waits until the node has ended, or tells its operators why it does not follow, or has all that there is, so that
/// nothing is left for it to write; gives whether it goes on.
fn goes_on(served: &mut Served, agency: &Agency, has_all: &dyn Fn() -> bool) -> bool {
    for _ in 0..600 {
        if served.has_ended() {
            return false;
        }
        if has_all() && !served.has_ended() {
            return true;
        }
        let peers = agency.ask(&["peer", "list"]);
        let told = peers["peers"][0]["last_error"].as_str().unwrap_or_default().to_owned();
        if told.contains("No space left") && !served.has_ended() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the node neither ends nor says that its disk is full");
}

/// Goal: a follower whose disk is full shows nothing that it has not, and takes it all in once there is room.
#[test]
fn a_follower_with_a_full_disk_has_all_that_it_ever_showed_and_goes_on_with_room() {
    let (a, mut b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(b.stop());
    let mut shown = 0;
    let step = std::env::var("COMITY_STEP").ok().and_then(|n| n.parse().ok()).unwrap_or(STEP);
    println!("COMITY_STEP={step}");
    for round in (1..=WRITES_MAX).step_by(step) {
        let list = a.agency.write("list.csv", &table(1..=u32::try_from(round * 70).unwrap()));
        assert_eq!(a.agency.ask(&["import", "ofac", text(&list)])["size"], round * 70 + 1);
        let head = a.head(&a.origin);
        let log = b.agency.beside("calls");
        let Some(shim) = Shim::over(&b.agency.home(), &log) else { return };
        let mut served = Served::start(&b.agency, &shim.with("FAULTS_WRITE", &round.to_string()));
        let newest = format!("passport:X{:07}", round * 70);
        let met = || fault(&calls(&log)).is_some();
        let has_all = || {
            let all = told(&b.agency, &a.origin).is_some_and(|told| told == head);
            all && b.agency.ask(&["screen", "--id", &newest])["answer"] == "hits"
        };
        until("the follower has it, or its disk is full", || met() || has_all());
        if met() {
            shown = told(&b.agency, &a.origin).map_or(shown, |told| told.0);
            if goes_on(&mut served, &b.agency, &has_all) {
                shown = told(&b.agency, &a.origin).map_or(shown, |told| told.0);
                // What could not be kept was outside the database, which can still be asked.
                let asked = b.agency.ask(&["screen", "--id", "passport:X0000001"]);
                if asked["error"].is_null() {
                    served.stop();
                } else {
                    // Or a later write was into it after all, and then the node has ended and said so.
                    let (status, said) = served.ended();
                    assert_eq!(status.code(), Some(1), "round {round}: {asked}: {said}");
                    assert_says_so(&said, round);
                }
            } else {
                let (status, said) = served.ended();
                assert_eq!(status.code(), Some(1), "round {round}: {said}");
                assert_says_so(&said, round);
            }
        } else {
            let (status, said) = served.stop();
            if !met() {
                assert!(status.success(), "round {round}: {said}");
                println!("a follower met a full disk at every {step}th of {round} writes");
                assert!(round > 5, "a follower writes more often than {round} times");
                break;
            }
            // It was full only when the node ended: whether it says so depends on what was left to be written.
            assert!(matches!(status.code(), Some(0 | 1)), "round {round}: {said}");
            shown = head.0;
        }
        let found = kept(&b.agency, &a.origin);
        assert!(found >= shown, "round {round}: {found} after {shown} was shown");
    }
    b.serve();
    b.reaches(&a.origin, &a.head(&a.origin));
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
}

/// Goal: what is held is read by operators and peers while nothing can be written, and a write that fails is told.
/// Way: the disk of an author that serves is full from one moment to another, and a peer that lost what it held asks
/// for all of it again.
#[test]
fn a_node_on_a_full_disk_is_read_until_it_must_write_and_then_says_so_and_ends() {
    let (mut a, mut b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(a.stop() && b.stop());
    let (lost, full) = (b.agency.beside("lost"), a.agency.beside("full"));
    Disk::of(&b.agency.home()).cut(Left::Everything, &mut Drawn(0), &lost);
    let Some(shim) = Shim::over(&a.agency.home(), &a.agency.beside("calls")) else { return };
    let mut served = Served::start(&a.agency, &shim.with("FAULTS_FULL", text(&full)));
    b.serve();
    let list = a.agency.write("list.csv", &table(1..=300));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&list)])["size"], 301);
    let head = a.head(&a.origin);
    let finds = |agency: &Agency| agency.ask(&["screen", "--id", "passport:X0000300"])["answer"] == "hits";
    b.reaches(&a.origin, &head);
    until("B finds the last of it", || finds(&b.agency));
    assert!(b.stop());
    std::fs::write(&full, b"").unwrap();
    std::fs::remove_dir_all(b.agency.home()).unwrap();
    Disk::of(&lost).cut(Left::Everything, &mut Drawn(0), &b.agency.home());
    assert_eq!(kept(&b.agency, &a.origin), 1, "B has lost what it held");
    b.serve();
    b.reaches(&a.origin, &head);
    until("B finds the last of it again", || finds(&b.agency));
    let read = |a: &Node| {
        assert_eq!(a.agency.ask(&["status"])["state"], "serving");
        assert!(a.head(&a.origin) == head && finds(&a.agency));
        assert_eq!(a.agency.ask(&["log", "show", "300"])["change"]["reference"], "300");
    };
    read(&a);
    let more = a.agency.write("more.csv", &table(1..=400));
    let said = a.agency.ask(&["import", "ofac", text(&more)]);
    assert_eq!(said["error"]["code"], "storage_full", "{said}");
    assert!(said["error"]["message"].as_str().unwrap().contains("free some space there"), "{said}");
    let (status, said) = served.ended();
    assert_eq!(status.code(), Some(1), "{said}");
    assert_says_so(&said, 0);
    assert_eq!(told(&b.agency, &a.origin).unwrap(), head, "what was not acknowledged went to nobody");
    std::fs::remove_file(&full).unwrap();
    a.serve();
    read(&a);
    assert_eq!(a.agency.ask(&["import", "ofac", text(&more)])["size"], 401);
    b.reaches(&a.origin, &a.head(&a.origin));
}

/// Has a process have at most as many files open; false where this machine does not permit it, or the process has ended.
fn may_open(id: u32, files: usize) -> bool {
    let set =
        Command::new("prlimit").args([format!("--pid={id}"), format!("--nofile={files}:4096")]).status();
    set.is_ok_and(|status| status.success())
}

/// Goal: a node that may open no more files acknowledges nothing wrongly, still answers those who are connected, and
/// serves again when it may. Way: the limit of the running process is lowered below what it has open, and raised.
#[test]
fn a_node_that_may_open_no_files_takes_no_harm_and_serves_again_when_it_may() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(a.stop());
    let Some(shim) = Shim::over(&a.agency.home(), &a.agency.beside("calls")) else { return };
    let mut served = Served::start(&a.agency, &shim);
    let id = served.id();
    let limit = |files: usize| may_open(id, files);
    if !limit(4096) {
        eprintln!("skipped: this machine permits no other limit of open files");
        return;
    }
    let first = a.agency.write("first.csv", &table(1..=40));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&first)])["size"], 41);
    until("B follows", || told(&b.agency, &a.origin).is_some_and(|told| told.0 == 41));
    let open = std::fs::read_dir(format!("/proc/{}/fd", served.id())).unwrap().count();
    let second = a.agency.write("second.csv", &table(1..=400));
    let mut acknowledged = 41;
    for files in [open / 2, open, open + 1, open + 2, open + 3] {
        assert!(limit(files));
        let said = a.agency.ask(&["import", "ofac", text(&second), "--no-wait"]);
        if said["error"].is_null() {
            acknowledged = said["size"].as_u64().unwrap();
        }
        assert_eq!(told(&b.agency, &a.origin).unwrap().0.max(acknowledged), acknowledged.max(41), "{said}");
        if served.has_ended() {
            break;
        }
    }
    // For want of files it may end at any instant, also while the limit is raised; then it is started again, once.
    assert!(limit(4096) || served.has_ended());
    let (mut starts, begun) = (0, Instant::now());
    let mut appended = Value::Null;
    while appended["size"] != 401 || b.head(&a.origin) != a.head(&a.origin) {
        assert!(begun.elapsed() < Duration::from_mins(1), "it does not serve again: {appended}");
        std::thread::sleep(Duration::from_millis(50));
        if served.has_ended() {
            let (status, said) = served.ended();
            assert_eq!(status.code(), Some(1), "{said}");
            assert_eq!(starts, 0, "it ended though it may open files: {said}");
            starts += 1;
            let Some(shim) = Shim::over(&a.agency.home(), &a.agency.beside("calls")) else { return };
            served = Served::start(&a.agency, &shim);
        }
        let held = a.head(&a.origin).0;
        assert!(held == 0 || held >= acknowledged, "{held} after {acknowledged} was acknowledged");
        appended = a.agency.ask(&["import", "ofac", text(&second), "--no-wait"]);
    }
    assert!(served.stop().0.success());
}

/// Whether each kind of read is answered over a connection; the entries differ from round to round.
async fn reads(channel: &Channel, origin: &str, round: u64) -> Result<(), tonic::Status> {
    let (mut admin, mut screening) = (admin_client(channel.clone()), screening_client(channel.clone()));
    assert_eq!(admin.status(v1::StatusRequest {}).await?.into_inner().logs.len(), 2);
    let logs = admin.list_logs(v1::ListLogsRequest {}).await?.into_inner().logs;
    assert!(logs.iter().any(|log| log.head.as_ref().is_some_and(|head| head.size == 301)), "{logs:?}");
    let index = round * 14 % 300 + 1;
    let asked = v1::ReadEntryRequest { origin: origin.to_owned(), index };
    let entry = admin.read_entry(asked).await?.into_inner();
    assert!(!entry.sections.is_empty(), "entry {index} is opened");
    let value = Text::new(format!("X{index:07}")).unwrap();
    let query = ScreenQuery::Identifier { kind: IdKind::Passport, scope: None, value };
    let found = screening.screen(v1::ScreenRequest::from(&query)).await?.into_inner();
    assert_eq!(found.hits.len(), 1, "{found:?}");
    let mut exported =
        admin.export_log(v1::ExportLogRequest { origin: origin.to_owned() }).await?.into_inner();
    while exported.message().await?.is_some() {}
    Ok(())
}

/// Goal: whoever is connected goes on reading while a node may open no file, and its follower stays connected. Way: a
/// connection of the operator, opened before the limit of the running process falls below what it has open. Where the
/// node had to write meanwhile it has ended and said so, and all is tried again.
#[test]
fn a_node_that_may_open_no_files_goes_on_answering_those_who_are_connected() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    let list = a.agency.write("list.csv", &table(1..=300));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&list)])["size"], 301);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(a.stop());
    let Some(shim) = Shim::over(&a.agency.home(), &a.agency.beside("calls")) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for attempt in 1..=5 {
        let mut served = Served::start(&a.agency, &shim);
        let id = served.id();
        let limit = |files: usize| may_open(id, files);
        if !limit(4096) {
            eprintln!("skipped: this machine permits no other limit of open files");
            return;
        }
        let follows = || b.agency.ask(&["peer", "list"])["peers"][0]["connected"] == true;
        until("B follows", follows);
        until("A follows", || a.agency.ask(&["peer", "list"])["peers"][0]["connected"] == true);
        let home = Home::find(&a.agency.home()).unwrap();
        let address = RunFile::find(&home).unwrap().admin_addr;
        let channel = runtime.block_on(operator_channel(&home, address)).unwrap();
        runtime.block_on(reads(&channel, &a.origin, 0)).unwrap();
        assert!(limit(4));
        let refused = a.agency.ask(&["log", "list"]);
        let answered = (1..=20).find_map(|round| runtime.block_on(reads(&channel, &a.origin, round)).err());
        let is_followed = follows();
        if !served.has_ended() {
            assert!(answered.is_none(), "{answered:?}");
            assert!(!refused["error"].is_null(), "the limit keeps nobody out: {refused}");
            assert!(is_followed, "its follower has lost it");
            assert!(limit(4096));
            until("it takes new connections again", || a.head(&a.origin).0 == 301);
            assert!(served.stop().0.success());
            return;
        }
        let (status, said) = served.ended();
        assert_eq!(status.code(), Some(1), "attempt {attempt}: {said}");
    }
    panic!("it had to write each time");
}
