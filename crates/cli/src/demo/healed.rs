//! The act in which an author's home is put back to an earlier day, and is healed by its peers.

use std::path::Path;

use serde_json::{Value, json};

use super::lists::{self, Lists, is_ok};
use super::{Scene, millis};
use crate::stage::{Stage, number, text};

/// The author whose disk fails, and those who follow it.
const AUTHOR: (&str, &str) = ("e", "agency-e.example");
const ORIGIN: &str = "agency-e.example/pub";
const READERS: [&str; 2] = ["b", "c"];

pub(super) fn run(stage: &mut Stage, _: &mut Lists) -> Result<Scene, String> {
    let (home, agency) = AUTHOR;
    stage.found(home, agency)?;
    stage.card(home)?;
    let address = stage.serve(home)?;
    for reader in READERS {
        let endpoint = stage.address(reader)?;
        stage.add_peer(home, reader, &["--endpoint", &endpoint])?;
        stage.add_peer(reader, home, &["--endpoint", &address])?;
    }
    let [first, second, third] = lists::three_days(stage)?;
    enter(stage, &first)?;
    let (saved, _) = stage.head(home, ORIGIN)?;
    back_up(stage)?;
    enter(stage, &second)?;
    let lost = stage.head(home, ORIGIN)?;
    reach(stage, &lost)?;
    lose_and_restore(stage)?;
    let address = stage.serve(home)?;
    let is_healed = |stage: &Stage| Ok(stage.head(home, ORIGIN)? == lost && is_serving(stage, home)?);
    let took = stage.until("the author is healed", is_healed)?;
    for reader in READERS {
        stage.add_peer(reader, home, &["--endpoint", &address])?;
    }
    enter(stage, &third)?;
    let now = stage.head(home, ORIGIN)?;
    reach(stage, &now)?;
    let report = audit(stage)?;
    let line = format!(
        "E's disk died {} entries after its backup: its peers gave them back in {} ms; it signs on, its audit passes",
        lost.0.saturating_sub(saved),
        millis(took)
    );
    let figures = json!({
        "size_of_backup": saved,
        "size_healed": lost.0,
        "size": now.0,
        "healed_ms": millis(took),
        "openings_lost": number(&report, "/checks/openings_lost"),
    });
    Ok(Scene::new(line, figures))
}

/// What `back_up` writes: the backup, and keys and keyring apart.
const SAVED: [&str; 2] = ["backup", "backup-keys"];

fn back_up(stage: &Stage) -> Result<(), String> {
    let ([out, keys], home) = (SAVED.map(|name| stage.path(name)), stage.path(AUTHOR.0));
    let (home, out, keys) = (text(&home)?, text(&out)?, text(&keys)?);
    stage.comity(&["backup", "--home", home, "--out", out, "--keyring-out", keys]).map(drop)
}

/// The disk is gone, and the sign-lock with it; what was signed since the backup is with the peers alone.
fn lose_and_restore(stage: &mut Stage) -> Result<(), String> {
    stage.stop(AUTHOR.0)?;
    let ([from, keys], home) = (SAVED.map(|name| stage.path(name)), stage.path(AUTHOR.0));
    std::fs::remove_dir_all(&home).map_err(|error| format!("cannot remove a home: {error}"))?;
    let (home, from, keys) = (text(&home)?, text(&from)?, text(&keys)?);
    stage.comity(&["restore", "--from", from, "--keyring", keys, "--home", home]).map(drop)
}

fn enter(stage: &Stage, list: &Path) -> Result<(), String> {
    let entered = lists::import(stage, "un", &[list.to_owned()], &stage.path(AUTHOR.0))?;
    if number(&entered, "/added") == 0 { Err("the list of a day brought nothing".to_owned()) } else { Ok(()) }
}

/// Waits until every reader holds what the author signed.
fn reach(stage: &Stage, head: &(u64, String)) -> Result<(), String> {
    for reader in READERS {
        stage.until("the peers hold it", |stage| Ok(stage.head(reader, ORIGIN)? == *head))?;
    }
    Ok(())
}

fn is_serving(stage: &Stage, home: &str) -> Result<bool, String> {
    let status = stage.comity(&["status", "--home", text(&stage.path(home))?])?;
    Ok(status.get("state").and_then(Value::as_str) == Some("serving"))
}

/// The report on the author's own bundle, which must pass by the cards of all.
fn audit(stage: &Stage) -> Result<Value, String> {
    let bundle = stage.bundle(AUTHOR.0, "bundle-of-e")?;
    let cards = [AUTHOR.0, "b", "c"].map(|home| stage.path(&format!("{home}.card")));
    let report = lists::verify(stage, &bundle, &cards)?;
    if is_ok(&report) && report.get("trusted") == Some(&json!(true)) {
        Ok(report)
    } else {
        Err(format!("the bundle of the healed home does not verify: {report}"))
    }
}
