//! The auditor's program: its exit status, its two reports, its keys.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use comity_ledger::{
    AuthorTime, Draft, Head, KeyAct, KeyEventSigners, KeyRole, Kind, Origin, RoleKey, UnsignedKeyEvent,
};
use comity_node::{Home, LogExport, NewHome, NodeError, SystemEntropy, bundle};
use comity_tlog::{KeyKind, KeyName, SigningKey};
use serde_json::Value;

struct Bundle {
    _dir: tempfile::TempDir,
    folder: PathBuf,
    card: PathBuf,
}

/// The bundle of an agency that has only just begun.
fn made() -> Bundle {
    made_with(|_, _, _| Vec::new())
}

/// The bundle of an agency with these entries behind its genesis, each in a batch of its own, as far as the author
/// signs them.
fn made_with(drafts: impl Fn(&Path, &Origin, Head) -> Vec<Draft>) -> Bundle {
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
    let mut open = home.open().unwrap();
    let begun = open.writable().unwrap().head();
    for draft in drafts(&new.folder, &home.origin(), begun) {
        if open.writable().unwrap().append(vec![draft], now, &mut SystemEntropy::new()).is_err() {
            break;
        }
    }
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

/// A home announces another witness key, as its root key, its log key and that key itself sign it.
fn announces_a_witness(home: &Path, origin: &Origin, _: Head) -> Vec<Draft> {
    let (root, log) = (secret(home, "offline/root.key"), secret(home, "keys/log.key"));
    let name = KeyName::new("agency-a.example/witness").unwrap();
    let new = SigningKey::from_seed(name, KeyKind::CosignatureV1, &[77; 32]).unwrap();
    let act = KeyAct::Add { by: named(KeyRole::Log, &log) };
    let signers = KeyEventSigners { root: &root, by: Some(&log), own: Some(&new) };
    let event = UnsignedKeyEvent::new(named(KeyRole::Witness, &new), act).sign(origin, signers).unwrap();
    vec![Draft::new(Kind::Control, None), event.draft(), Draft::new(Kind::Control, None)]
}

fn secret(home: &Path, path: &str) -> SigningKey {
    std::fs::read_to_string(home.join(path)).unwrap().trim_end().parse().unwrap()
}

fn named(role: KeyRole, key: &SigningKey) -> RoleKey {
    RoleKey::signing(role, key.verifier()).unwrap()
}

/// The only key is revoked: what it signs beyond the last good checkpoint is void, and is in no bundle.
fn revokes_its_only_key(home: &Path, origin: &Origin, last_good: Head) -> Vec<Draft> {
    let (root, log) = (secret(home, "offline/root.key"), secret(home, "keys/log.key"));
    let event = UnsignedKeyEvent::new(named(KeyRole::Log, &log), KeyAct::Revoke { last_good });
    let signers = KeyEventSigners { root: &root, by: None, own: None };
    let revoked = event.sign(origin, signers).unwrap().draft();
    vec![revoked, Draft::new(Kind::Control, None), Draft::new(Kind::Control, None)]
}

#[test]
fn a_closed_log_is_bundled_up_to_the_newest_checkpoint_that_is_good() {
    let bundle = made_with(revokes_its_only_key);
    let json = audit(&["verify", text(&bundle.folder), "--keys", text(&bundle.card), "--json"]);
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
    assert_eq!(
        (&report["logs"][0]["size"], &report["checks"]["signatures"]),
        (&1.into(), &1.into()),
        "{report}"
    );
    let vkeys = std::fs::read_to_string(bundle.folder.join("logs/000/VKEYS")).unwrap();
    assert!(vkeys.starts_with("agency-a.example/pub+") && vkeys.lines().count() == 1, "{vkeys}");
}

#[test]
fn the_key_events_of_a_home_stand_in_its_bundle_in_words_and_pass_its_audit() {
    let bundle = made_with(announces_a_witness);
    let lines = std::fs::read_to_string(bundle.folder.join("logs/000/key-events")).unwrap();
    let begins = lines.starts_with("2 add witness agency-a.example/witness+");
    assert!(begins && lines.contains(" by agency-a.example/pub+") && lines.lines().count() == 1, "{lines}");
    let json = audit(&["verify", text(&bundle.folder), "--keys", text(&bundle.card), "--json"]);
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(report["ok"] == true && report["checks"]["key_events"] == 1, "{report}");
    assert_eq!(report["logs"][0]["keys"][1]["role"], "witness");
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

#[test]
fn a_proof_made_by_the_program_is_checked_by_it_and_no_file_is_written_over() {
    let bundle = made();
    let (folder, beside) = (text(&bundle.folder), bundle.card.parent().unwrap());
    let (proof, entry) = (beside.join("0.tlog-proof"), beside.join("0.entry"));
    let printed = audit(&["prove", "0", folder]);
    assert_eq!(printed.status.code(), Some(0), "{printed:?}");
    assert!(printed.stdout.starts_with(b"c2sp.org/tlog-proof@v1\nindex 0\n"), "{printed:?}");
    let written = audit(&["prove", "0", folder, "--out", text(&proof), "--entry-out", text(&entry)]);
    assert!(written.status.success() && written.stdout.is_empty(), "{written:?}");
    assert_eq!(std::fs::read(&proof).unwrap(), printed.stdout);
    let again = audit(&["prove", "0", folder, "--out", text(&proof), "--json"]);
    let refused: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((again.status.code(), &refused["error"]["code"]), (Some(1), &"out".into()));

    let check = |more: &[&str]| audit(&[&["verify-proof", text(&proof)], more].concat());
    let card = ["--keys", text(&bundle.card)];
    let words = check(&[&["--entry", text(&entry)], card.as_slice()].concat());
    assert_eq!(words.status.code(), Some(0), "{words:?}");
    let said = String::from_utf8(words.stdout).unwrap();
    assert!(said.starts_with("entry 0 of agency-a.example/pub") && said.trim_end().ends_with("ok"), "{said}");
    let json = check(&[&["--entry", text(&entry), "--json"], card.as_slice()].concat());
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    let leaf = report["leaf"].as_str().unwrap();
    assert_eq!((&report["ok"], &report["size"]), (&true.into(), &1.into()));
    assert_eq!(check(&[&["--leaf", leaf], card.as_slice()].concat()).status.code(), Some(0));
    let other = check(&[&["--entry", text(&proof)], card.as_slice()].concat());
    assert_eq!(other.status.code(), Some(1), "the document is not the entry");
    assert!(String::from_utf8(other.stdout).unwrap().contains("FAILED inclusion"));
    assert_eq!(check(&card).status.code(), Some(2), "an entry or a leaf must be given");
    assert_eq!(check(&["--leaf", "AAAA"]).status.code(), Some(2));
    assert_eq!(check(&["--leaf", leaf]).status.code(), Some(1), "without a key nothing is shown");
    let endless = audit(&["verify-proof", "/dev/zero", "--leaf", leaf, "--json"]);
    let refused: Value = serde_json::from_slice(&endless.stdout).unwrap();
    assert_eq!(refused["error"]["code"], "file");
}

#[test]
fn a_policy_is_asked_by_the_program_and_one_that_does_not_read_is_refused() {
    let bundle = made();
    let policy = bundle.card.with_file_name("policy");
    std::fs::write(&policy, "quorum none\n").unwrap();
    let arguments = ["verify", text(&bundle.folder), "--keys", text(&bundle.card), "--policy", text(&policy)];
    let words = audit(&arguments);
    assert_eq!(words.status.code(), Some(0), "{words:?}");
    assert!(String::from_utf8(words.stdout).unwrap().contains("witnessed, up to size 1, by your policy"));
    let witness = "w0.example/openlog+eb4099fe+BKAJWJByyAD6/TGBSztiBqqTsykCm3HO3GhNrm0JnOYf";
    std::fs::write(&policy, format!("witness A {}\nquorum A\n", witness.replace("eb40", "eb41"))).unwrap();
    let refused = audit(&[&arguments[..], &["--json"]].concat());
    let said: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!((refused.status.code(), &said["error"]["code"]), (Some(1), &"policy".into()));
    let message = said["error"]["message"].as_str().unwrap();
    assert!(message.contains("not a policy: line 1") && message.contains("eb4099fe"), "{message}");
    std::fs::write(&policy, format!("witness A {witness}\nquorum A\n")).unwrap();
    let unmet = audit(&[&arguments[..], &["--json"]].concat());
    let report: Value = serde_json::from_slice(&unmet.stdout).unwrap();
    assert_eq!((unmet.status.code(), &report["failures"][0]["check"]), (Some(1), &"quorum".into()));
    assert_eq!(report["logs"][0]["state"], "unwitnessed");
}
