//! The act in which somebody bends the history, each time in another way, and is caught.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Scene;
use super::lists::{self, AGENCIES, Lists, ORIGIN, is_ok};
use crate::stage::{Stage, copy};

/// One way to bend a bundle.
struct Attack {
    name: &'static str,
    bend: fn(&Path) -> std::io::Result<()>,
}

const ATTACKS: [Attack; 6] = [
    Attack { name: "a bit of an entry flipped", bend: |log| flip(log, "tile/entries") },
    Attack { name: "a word of a record changed", bend: |log| flip(log, "openings") },
    Attack { name: "a hash tile changed", bend: |log| flip(log, "tile/0") },
    Attack { name: "the last entry dropped", bend: drop_last_entry },
    Attack { name: "the signature changed", bend: flip_signature },
    Attack { name: "the openings left out", bend: |log| std::fs::remove_dir_all(log.join("openings")) },
];

pub(super) fn run(stage: &mut Stage, lists: &mut Lists) -> Result<Scene, String> {
    let (bundle, card) = (stage.bundle("a", "bundle")?, [stage.path("a.card")]);
    let keys: Vec<PathBuf> = AGENCIES.iter().map(|(home, _)| stage.path(&format!("{home}.card"))).collect();
    let place = place_of_own_log(&bundle)?;
    let mut caught = Vec::new();
    for (attack, number) in ATTACKS.iter().zip(1..) {
        let bent = stage.path(&format!("bent-{number}"));
        let failed = |error: std::io::Error| format!("{}: {error}", attack.name);
        copy(&bundle, &bent).and_then(|()| (attack.bend)(&bent.join(&place))).map_err(failed)?;
        let report = lists::verify(stage, &bent, &keys)?;
        let check = report.pointer("/failures/0/check").and_then(Value::as_str);
        match check {
            Some(check) if !is_ok(&report) => caught.push(json!({ "attack": attack.name, "check": check })),
            _ => return Err(format!("not caught: {}", attack.name)),
        }
    }
    caught.push(stranger(stage, lists, &card)?);
    let line = format!("{} ways to bend the history, each caught and named", caught.len());
    Ok(Scene::new(line, json!({ "caught": caught })))
}

/// The folder of the own log within a bundle that has the logs of peers as well.
fn place_of_own_log(bundle: &Path) -> Result<String, String> {
    let read = std::fs::read(bundle.join("bundle.json")).map_err(|error| error.to_string())?;
    let manifest: Value = serde_json::from_slice(&read).map_err(|error| error.to_string())?;
    let logs = manifest.get("logs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let own = logs.iter().find(|log| log.get("origin").and_then(Value::as_str) == Some(ORIGIN));
    let folder = own.and_then(|log| log.get("folder")).and_then(Value::as_str);
    folder.map(str::to_owned).ok_or_else(|| "the bundle does not have the own log".to_owned())
}

/// Somebody else founds an agency of the same name, enters the same lists and signs everything anew.
fn stranger(stage: &Stage, lists: &Lists, card: &[PathBuf]) -> Result<Value, String> {
    let (_, agency) = AGENCIES[0];
    stage.found("stranger", agency)?;
    lists.enter(stage, "stranger")?;
    let forged = stage.bundle("stranger", "forged")?;
    let without = lists::verify(stage, &forged, &[])?;
    if without.get("trusted") != Some(&json!(false)) {
        return Err("a bundle that vouches for itself was trusted".to_owned());
    }
    let report = lists::verify(stage, &forged, card)?;
    if is_ok(&report) {
        return Err("not caught: everything signed anew by a stranger".to_owned());
    }
    let check = report.pointer("/failures/0/check").cloned().unwrap_or_default();
    Ok(json!({ "attack": "everything signed anew by a stranger", "check": check }))
}

/// Flips a bit in the middle of the first file below a folder.
fn flip(log: &Path, folder: &str) -> std::io::Result<()> {
    let path = first_file(&log.join(folder))?;
    let len = std::fs::metadata(&path)?.len();
    flip_last(&path, usize::try_from(len / 2).unwrap_or(1))
}

/// Flips a bit of the byte that many bytes before the end.
fn flip_last(path: &Path, before_end: usize) -> std::io::Result<()> {
    let mut bytes = std::fs::read(path)?;
    let place = bytes.len().saturating_sub(before_end);
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 1;
    }
    std::fs::write(path, bytes)
}

/// Flips a bit of what the author signed the newest checkpoint with: the first line of the note, before those of
/// cosigners.
fn flip_signature(log: &Path) -> std::io::Result<()> {
    let path = log.join("checkpoint");
    let note = std::fs::read_to_string(&path)?;
    let lines = note.split("\n\n").nth(1).unwrap_or_default();
    let after_first = lines.split_once('\n').map_or(0, |(_, rest)| rest.len());
    flip_last(&path, after_first.saturating_add(20))
}

fn drop_last_entry(log: &Path) -> std::io::Result<()> {
    let mut path = log.join("tile/entries");
    while path.is_dir() {
        let last = std::fs::read_dir(&path)?.flatten().map(|entry| entry.path()).max();
        path = last.ok_or(std::io::ErrorKind::NotFound)?;
    }
    let bytes = std::fs::read(&path)?;
    // Entries are a u16 length and as many bytes.
    let (mut start, mut rest) = (0, bytes.as_slice());
    while let Some((len, after)) = rest.split_first_chunk::<2>() {
        let next = after.get(usize::from(u16::from_be_bytes(*len))..).unwrap_or_default();
        if next.is_empty() {
            break;
        }
        start = bytes.len() - next.len();
        rest = next;
    }
    std::fs::write(&path, bytes.get(..start).unwrap_or_default())
}

fn first_file(folder: &Path) -> std::io::Result<PathBuf> {
    let mut path = folder.to_owned();
    while path.is_dir() {
        let first = std::fs::read_dir(&path)?.flatten().map(|entry| entry.path()).min();
        path = first.ok_or(std::io::ErrorKind::NotFound)?;
    }
    Ok(path)
}
