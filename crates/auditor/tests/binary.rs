//! The auditor's program: its exit status, its two reports, its keys.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use comity_ledger::AuthorTime;
use comity_node::{Home, LogExport, NewHome, NodeError, SystemEntropy, bundle};
use serde_json::Value;

struct Bundle {
    _dir: tempfile::TempDir,
    folder: PathBuf,
    card: PathBuf,
}

/// The bundle of an agency that has only just begun.
fn made() -> Bundle {
    let dir = tempfile::tempdir().unwrap();
    let now = AuthorTime::from_unix_secs(1_780_000_000);
    let new = NewHome {
        folder: dir.path().join("home"),
        agency: "agency-a.example".parse().unwrap(),
        name: "Agency A".to_owned(),
        listen: "127.0.0.1:7443".to_owned(),
        admin: "127.0.0.1:7444".to_owned(),
    };
    new.create(now, &mut SystemEntropy::new()).unwrap();
    let home = Home::find(&new.folder).unwrap();
    let card = home.card().unwrap();
    let open = home.open().unwrap();
    let (origin, key) = (home.origin(), card.identity().log.clone());
    let log = LogExport::new(open.store(), &origin, &key).unwrap();
    let folder = dir.path().join("bundle");
    let mut take = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        Ok::<(), NodeError>(())
    };
    bundle("agency-a.example", &[log], now, &mut take).unwrap();
    let path = dir.path().join("card");
    std::fs::write(&path, card.as_bytes()).unwrap();
    Bundle { _dir: dir, folder, card: path }
}

fn audit(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_comity-audit")).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_bundle_in_order_exits_0_in_words_and_as_json() {
    let bundle = made();
    let words = audit(&["verify", text(&bundle.folder), "--keys", text(&bundle.card)]);
    assert_eq!(words.status.code(), Some(0), "{words:?}");
    let said = String::from_utf8(words.stdout).unwrap();
    assert!(said.contains("trusted key") && said.trim_end().ends_with("ok"), "{said}");
    let json = audit(&["verify", text(&bundle.folder), "--keys", text(&bundle.card), "--json"]);
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&report["ok"], &report["trusted"]), (&true.into(), &true.into()));
    assert_eq!(report["checks"]["entries"], 1);
}

#[test]
fn without_keys_it_warns_that_the_bundle_vouches_for_itself() {
    let bundle = made();
    let words = audit(&["verify", text(&bundle.folder)]);
    assert_eq!(words.status.code(), Some(0));
    let said = String::from_utf8(words.stdout).unwrap();
    assert!(said.contains("UNTRUSTED") && said.contains("warning"), "{said}");
}

#[test]
fn a_bent_bundle_and_one_of_a_stranger_exit_1() {
    let (bundle, stranger) = (made(), made());
    let forged = audit(&["verify", text(&stranger.folder), "--keys", text(&bundle.card)]);
    assert_eq!(forged.status.code(), Some(1), "signed anew under the same name");
    let path = bundle.folder.join("logs/000/tile/entries/000.p/1");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let bent = audit(&["verify", text(&bundle.folder), "--json"]);
    assert_eq!(bent.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&bent.stdout).unwrap();
    assert!(report["failures"].as_array().unwrap().iter().any(|failure| failure["check"] == "root"));
}

#[test]
fn what_is_no_bundle_no_key_file_or_no_command_is_said_clearly() {
    let bundle = made();
    let nowhere = audit(&["verify", "/nonexistent", "--json"]);
    assert_eq!(nowhere.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&nowhere.stdout).unwrap();
    assert_eq!(report["failures"][0]["check"], "manifest");
    for (place, says) in [("/nonexistent", "is no folder"), ("/", "no audit bundle")] {
        let words = audit(&["verify", place, "--keys", text(&bundle.card)]);
        let said = String::from_utf8(words.stdout).unwrap();
        assert!(said.contains(says) && !said.contains("os error"), "{said}");
        assert!(!said.contains("--keys"), "keys are not what is missing: {said}");
    }
    let no_key = bundle.folder.join("README");
    let bad = audit(&["verify", text(&bundle.folder), "--keys", text(&no_key), "--json"]);
    assert_eq!(bad.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert_eq!(said["error"]["code"], "keys");
    assert_eq!(audit(&["verfiy"]).status.code(), Some(2));
    assert_eq!(audit(&[]).status.code(), Some(2));
}
