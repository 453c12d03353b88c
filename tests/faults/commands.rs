//! A sync that fails at any place of a command on a home, once: the command says so, what it was to do has happened or has
//! not, and the same command does it.
//!
//! Goal: each command that changes anything durable, one row each. Way: copies of a folder with a home in it, and one sync
//! more passes in each round. Not here: an import, and nodes that run (`syncs`).

use serde_json::{Value, json};

use super::served::Served;
use super::shim::{Call, Shim, calls, fault};
use super::syncs::is_idle;
use crate::agency::{Agency, answer, run, text};
use crate::records;
use crate::recovery::copy;

#[path = "../../crates/store/tests/cut/layout_1.rs"]
mod layout_1;

/// More syncs than any command makes.
const SYNCS_MAX: u64 = 200;

/// A command on a folder. Of its words `@NAME` is a place in the folder, and `=NAME` what stands in a file there.
struct Row<'a> {
    /// What is done before it.
    first: &'a [&'a [&'a str]],
    words: &'a [&'a str],
    /// What it changes, as it is told afterwards.
    state: fn(&Agency) -> Value,
    /// Whether it is one of steps, between which the home stands well and the same command goes on.
    has_steps: bool,
}

/// Runs a command on a folder; gives its exit status and its answer.
fn tell(folder: &Agency, words: &[&str], shim: Option<&Shim>) -> (Option<i32>, Value) {
    let word = |word: &&str| match word.split_at(1) {
        ("@", name) => text(&folder.beside(name)).to_owned(),
        ("=", name) => std::fs::read_to_string(folder.beside(name)).unwrap(),
        _ => (*word).to_owned(),
    };
    let words: Vec<String> = words.iter().chain(&["--json"]).map(word).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = shim.map_or_else(|| run(&words), |shim| shim.command(&words).output().unwrap());
    (output.status.code(), answer(&output))
}

/// A copy of a folder.
fn again(base: &Agency) -> Agency {
    let folder = Agency::empty();
    copy(&base.beside("."), &folder.beside("."));
    folder
}

/// Tries a command on copies of a folder, each sync of it failing once, until it meets no failure.
fn fails_at_every_sync(base: &Agency, row: &Row<'_>) {
    let name = row.words.join(" ");
    let base = &again(base);
    for words in row.first {
        let (code, said) = tell(base, words, None);
        assert_eq!(code, Some(0), "{words:?} before {name}: {said}");
    }
    let before = (row.state)(base);
    let done = again(base);
    let (code, said) = tell(&done, row.words, None);
    assert_eq!(code, Some(0), "{name}: {said}");
    let after = (row.state)(&done);
    assert_ne!(before, after, "{name} changes nothing that is looked at");
    for round in 1..=SYNCS_MAX {
        let folder = again(base);
        let log = folder.beside("calls");
        let Some(shim) = Shim::over(&folder.beside("."), &log) else { return };
        let (code, said) = tell(&folder, row.words, Some(&shim.with("FAULTS_SYNC", &round.to_string())));
        let calls = calls(&log);
        let found = (row.state)(&folder);
        let place = format!("{name}, sync {round}");
        assert!(hidden(&folder).is_empty(), "{place}: it leaves {:?}", hidden(&folder));
        let Some(at) = fault(&calls) else {
            assert!(code == Some(0) && found == after, "{place}: {said}");
            eprintln!("{} syncs of {name} failed, one after the other", round - 1);
            return;
        };
        if code == Some(0) {
            let is_idle = is_idle(&calls, at) || keeps_nothing(&calls, at);
            assert!(is_idle, "{place}: acknowledged after {:?} failed: {said}", calls[at]);
            assert_eq!(found, after, "{place}: {said}");
            continue;
        }
        assert_eq!(code, Some(1), "{place}: {said}");
        assert!(!said["error"]["message"].as_str().unwrap().is_empty(), "{place}: {said}");
        assert_not_again(&calls, at, &place);
        let is_known = found == before || found == after || row.has_steps;
        assert!(is_known, "{place}: {found}\nis neither {before}\nnor {after}");
        if found != after {
            let (code, said) = tell(&folder, row.words, None);
            assert_eq!(code, Some(0), "{place}: it cannot be done again: {said}");
            assert_eq!((row.state)(&folder), after, "{place}: {said}");
        }
    }
    panic!("{name} never got through");
}

/// What a command that writes a folder has begun and left there.
fn hidden(folder: &Agency) -> Vec<String> {
    let names = std::fs::read_dir(folder.beside(".")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

/// Whether the sync of the database is its own, of a command that keeps nothing in it.
fn keeps_nothing(calls: &[Call], at: usize) -> bool {
    let is_of_database = |call: &&Call| call.path.ends_with("store/db");
    is_of_database(&&calls[at]) && calls.iter().filter(is_of_database).all(|call| call.name != "fdatasync")
}

/// Nobody believes another sync of what was not synced. The database syncs itself once more as it is closed, and nobody
/// hears of it.
fn assert_not_again(calls: &[Call], at: usize, place: &str) {
    let failed = &calls[at];
    let is_again = |call: &&Call| call.name.contains("sync") && call.path == failed.path;
    let later: Vec<_> = calls[at + 1..].iter().filter(is_again).collect();
    let by_us = !failed.path.ends_with("store/db") || later.iter().any(|call| call.name == "fdatasync");
    assert!(later.is_empty() || !by_us, "{place}: {failed:?} failed, and then {later:?}");
}

/// Roles and states of all keys, the log that is written, and how the home stands: what is the same whichever keys are
/// drawn.
fn keys(folder: &Agency) -> Value {
    let list = folder.ask(&["key", "list"]);
    let keys = list["keys"].as_array().unwrap_or_else(|| panic!("{list}")).iter();
    let keys: Vec<_> = keys.map(|key| (key["role"].clone(), key["state"].clone())).collect();
    json!([list["origin"], list["closed"], keys, folder.ask(&["status"])["state"]])
}

/// Whether node and operator get in to each other, with a certificate that was there at first.
fn certificates(folder: &Agency) -> Value {
    let log = folder.beside("calls-of-node");
    let Some(shim) = Shim::over(&folder.home(), &log) else { return Value::Null };
    let mut served = Served::start(folder, &shim);
    assert_eq!(folder.ask(&["status"])["state"], "serving");
    assert!(served.stop().0.success());
    let is_first = |name: &str| {
        let now = std::fs::read(folder.home().join("keys").join(name)).unwrap();
        now == std::fs::read(folder.beside("first").join(name)).unwrap()
    };
    json!(["tls-node.pem", "tls-operator.pem", "tls-ca.pem"].map(is_first))
}

/// Whose certificates, authorities and lists are known, but for their names and times.
fn trust(folder: &Agency) -> Value {
    let status = folder.ask(&["status"]);
    let expiries = status["expiries"].as_array().unwrap_or_else(|| panic!("{status}")).iter();
    let days = |expiry: &Value| expiry["at"].as_u64().unwrap() / 86_400 / 50;
    let told = |expiry: &Value| (expiry["agency"].clone(), expiry["what"].clone(), days(expiry));
    let mut told: Vec<_> = expiries.map(|expiry| json!(told(expiry))).collect();
    told.sort_by_key(Value::to_string);
    let next = folder.home().join("keys/tls-ca-next.pem").exists();
    json!([told, next])
}

fn peers(folder: &Agency) -> Value {
    let list = folder.ask(&["peer", "list"]);
    let peers = list["peers"].as_array().unwrap_or_else(|| panic!("{list}")).iter();
    peers.map(|peer| peer["agency"].clone()).collect()
}

/// The log and the sections of its first record.
fn sections(folder: &Agency) -> Value {
    let entry = folder.ask(&["log", "show", "1"]);
    let sections = entry["sections"].as_array().unwrap_or_else(|| panic!("{entry}")).iter();
    let states: Vec<_> = sections.map(|section| section["state"].clone()).collect();
    json!([folder.head().0, states])
}

/// Whether a home is at a place, and how far its log goes.
fn home_at(folder: &Agency, name: &str) -> Value {
    let home = folder.beside(name);
    if std::fs::read_dir(&home).map_or(0, Iterator::count) == 0 {
        return Value::Null;
    }
    let list = answer(&run(&["log", "list", "--home", text(&home), "--json"]));
    list["logs"][0]["size"].clone()
}

/// The layout of a store, and whether all opens, looked at in copies: to open it is to upgrade it.
fn layout(folder: &Agency) -> Value {
    let (looked_at, opened) = (again(folder), again(folder));
    let db = sled::open(looked_at.home().join("store")).unwrap();
    let schema = db.open_tree("meta").unwrap().get("schema").unwrap().unwrap().to_vec();
    json!([schema, sections(&opened)])
}

/// An agency with a record, and another that it may add; what was there at first is kept.
fn agency() -> Agency {
    let ports = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let (agency, other) = (Agency::found_at("agency-a.example", &ports), Agency::found("agency-b.example"));
    records::write(&agency, "add", &records::person("XA-1", "Rupert Mirage", "X0000001"), &[]);
    copy(&agency.home().join("keys"), &agency.beside("first"));
    other.ask(&["tls", "crl", "renew"]);
    other.ask(&["tls", "ca", "new"]);
    let keys = other.home().join("keys");
    std::fs::copy(keys.join("tls-ca.crl"), agency.beside("other.crl")).unwrap();
    std::fs::copy(keys.join("tls-ca-next.pem"), agency.beside("other-ca.pem")).unwrap();
    let card = other.ask(&["card", "--out", text(&agency.beside("other.card"))]);
    std::fs::write(agency.beside("words"), card["fingerprint"].as_str().unwrap()).unwrap();
    agency
}

const ROOT: &str = "@home/offline/root.key";
const HOME: &str = "@home";
const PEER: &str = "agency-b.example";
const ADD: &[&str] = &["peer", "add", "@other.card", "--fingerprint", "=words", "--home", HOME];

const fn of<'a>(first: &'a [&'a [&'a str]], words: &'a [&'a str], state: fn(&Agency) -> Value) -> Row<'a> {
    Row { first, words, state, has_steps: false }
}

fn each(base: &Agency, rows: &[Row<'_>]) {
    for row in rows {
        fails_at_every_sync(base, row);
    }
}

#[test]
fn a_failed_sync_of_a_command_on_keys_leaves_it_done_or_not_begun() {
    each(
        &agency(),
        &[
            of(&[], &["key", "rotate", "log", "--root", ROOT, "--home", HOME], keys),
            of(&[], &["key", "rotate", "witness", "--root", ROOT, "--home", HOME], keys),
            of(
                &[&["key", "rotate", "log", "--root", ROOT, "--home", HOME]],
                &["key", "retire", "log", "--root", ROOT, "--home", HOME],
                keys,
            ),
            Row {
                // Between the end of the log and its successor it is read only.
                has_steps: true,
                ..of(
                    &[],
                    &["key", "succeed", "--close", "--last-good", "2", "--root", ROOT, "--home", HOME],
                    keys,
                )
            },
        ],
    );
}

#[test]
fn a_failed_sync_of_a_command_on_certificates_leaves_it_done_or_not_begun() {
    let new: &[&str] = &["tls", "ca", "new", "--home", HOME];
    let announce: &[&str] = &["key", "rotate", "tls-authority", "--root", ROOT, "--home", HOME];
    each(
        &agency(),
        &[
            of(&[], &["tls", "renew", "--home", HOME], certificates),
            of(&[], &["tls", "renew", "--operator", "--home", HOME], certificates),
            of(&[], new, trust),
            // The authority is another before the certificates are.
            Row {
                has_steps: true,
                ..of(&[new, announce], &["tls", "ca", "use", "--home", HOME], certificates)
            },
            of(&[], &["tls", "crl", "renew", "--home", HOME], trust),
            of(&[ADD], &["tls", "crl", "add", "@other.crl", "--peer", PEER, "--home", HOME], trust),
            of(&[ADD], &["tls", "ca", "add", "@other-ca.pem", "--peer", PEER, "--home", HOME], trust),
        ],
    );
}

#[test]
fn a_failed_sync_of_a_command_on_peers_records_and_homes_leaves_it_done_or_not_begun() {
    let backup: &[&str] = &["backup", "--out", "@backup", "--keyring-out", "@keyring", "--home", HOME];
    each(
        &agency(),
        &[
            of(&[], ADD, peers),
            of(&[ADD], &["peer", "remove", PEER, "--home", HOME], peers),
            of(
                &[],
                &["record", "erase", "xa-national", "XA-1", "--reason", "By order.", "--home", HOME],
                sections,
            ),
            of(&[], &["init", "@new", "--agency", "agency-c.example"], |folder| home_at(folder, "new")),
            of(&[], backup, |folder| ["backup", "keyring"].map(|name| folder.beside(name).exists()).into()),
        ],
    );
}

#[test]
fn a_failed_sync_of_an_upgrade_leaves_it_done_or_not_begun() {
    let base = agency();
    layout_1::make_old(&base.home().join("store"));
    each(&base, &[of(&[], &["status", "--home", HOME], layout)]);
}
