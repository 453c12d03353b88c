//! The act in which an author shows two faces, and is caught by those to whom it showed them.

use serde_json::{Value, json};

use super::Scene;
use super::lists::{self, Lists};
use crate::stage::{Stage, copy, text};

/// The author with two faces, and the home with its second one.
const AUTHOR: (&str, &str) = ("d", "agency-d.example");
const TWIN: &str = "d-twin";
const ORIGIN: &str = "agency-d.example/pub";

pub(super) fn run(stage: &mut Stage, _: &mut Lists) -> Result<Scene, String> {
    let (home, agency) = AUTHOR;
    stage.found(home, agency)?;
    stage.card(home)?;
    // Keys and all: only so can a log be signed twice, for the sign-lock of one home never permits it.
    copy(&stage.path(home), &stage.path(TWIN)).map_err(|error| format!("cannot copy a home: {error}"))?;
    let list = lists::small(stage)?;
    for (face, reader) in [(home, "b"), (TWIN, "c")] {
        let address = stage.serve(face)?;
        stage.add_peer(face, reader, &[])?;
        stage.add_peer(reader, home, &["--endpoint", &address])?;
        lists::import(stage, "un", std::slice::from_ref(&list), &stage.path(face))?;
    }
    let mut shown = Vec::new();
    for reader in ["b", "c"] {
        let is_held = |stage: &Stage| Ok(stage.head(reader, ORIGIN)?.0 > 1);
        stage.until("each face is seen", is_held)?;
        shown.push(stage.head(reader, ORIGIN)?);
    }
    let is_caught = |stage: &Stage| Ok(is_in_doubt(stage, "b")? && is_in_doubt(stage, "c")?);
    let took = stage.until("both readers know", is_caught)?;
    let bundle = stage.bundle("b", "evidence")?;
    let report = lists::verify(stage, &bundle, &[stage.path(&format!("{home}.card"))])?;
    if report.pointer("/evidence/0/trusted") != Some(&json!(true)) {
        return Err("the bundle of B does not hold the proof".to_owned());
    }
    let line = "D signed one history for B and another for C; they compared, and both hold the proof of it";
    let sizes: Vec<u64> = shown.iter().map(|(size, _)| *size).collect();
    let figures = json!({ "sizes": sizes, "caught_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX) });
    Ok(Scene::new(line.to_owned(), figures))
}

fn is_in_doubt(stage: &Stage, home: &str) -> Result<bool, String> {
    let status = stage.comity(&["status", "--home", text(&stage.path(home))?])?;
    let alarms = status.get("alarms").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(alarms.iter().any(|alarm| {
        alarm.get("what").and_then(Value::as_str) == Some("fork")
            && alarm.get("origin").and_then(Value::as_str) == Some(ORIGIN)
    }))
}
