//! The acts that show how things should go.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::lists::{self, AGENCIES, Lists, ORIGIN, is_ok};
use super::{Scene, millis};
use crate::stage::{Stage, number, text};

/// Three agencies are founded, each served by a process of its own, and pin each other's cards. C follows A's log
/// through B alone.
pub(super) fn peer(stage: &mut Stage, _: &mut Lists) -> Result<Scene, String> {
    let mut addresses = Vec::new();
    for (home, agency) in AGENCIES {
        stage.found(home, agency)?;
        stage.card(home)?;
        addresses.push(stage.serve(home)?);
    }
    let [(a, _), (b, via), (c, _)] = AGENCIES;
    let [at_a, at_b, at_c] = <[String; 3]>::try_from(addresses).map_err(|_| "three nodes were started")?;
    for (home, other, endpoint) in [(a, b, &at_b), (b, a, &at_a), (b, c, &at_c), (c, b, &at_b)] {
        stage.add_peer(home, other, &["--endpoint", endpoint])?;
    }
    stage.add_peer(c, a, &["--via", via])?;
    let connected = |stage: &Stage| {
        for home in [a, b, c] {
            let answer = stage.comity(&["peer", "list", "--home", text(&stage.path(home))?])?;
            let peers = answer.get("peers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            if peers.is_empty() || !peers.iter().all(|peer| peer.get("connected") == Some(&json!(true))) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    stage.until("every peer is connected", connected)?;
    let line =
        "A, B, C: own keys and CA each, cards compared by twelve words, mutual TLS; C reaches A through B";
    Ok(Scene::new(line.to_owned(), json!({ "agencies": 3 })))
}

/// Official lists are entered at A.
pub(super) fn import(stage: &mut Stage, lists: &mut Lists) -> Result<Scene, String> {
    let begun = Instant::now();
    let imports = lists.enter(stage, "a")?;
    let took = begun.elapsed();
    lists.seen_after = Some(seen_at(stage, "c")?);
    let of = |name: &str| imports.iter().map(|import| number(import, name)).sum::<u64>();
    let (records, added) = (of("/records"), of("/added"));
    let entered: Vec<&str> =
        imports.iter().filter_map(|import| import.pointer("/list").and_then(Value::as_str)).collect();
    if records == 0 || added != records {
        return Err(format!("{records} records read, but {added} entered"));
    }
    let line = format!("{added} records of {} entered at A: sealed, durable, signed", entered.join(" and "));
    Ok(Scene { line, figures: json!({ "records": records, "lists": entered }), took: Some(took) })
}

/// How long it takes from now until an agency's analyst finds the record that A entered last.
fn seen_at(stage: &Stage, home: &str) -> Result<Duration, String> {
    let begun = Instant::now();
    let (size, _) = stage.head("a", ORIGIN)?;
    let last = size.saturating_sub(1);
    let shown = stage.comity(&["log", "show", &last.to_string(), "--home", text(&stage.path("a"))?])?;
    let name =
        shown.pointer("/change/names/0").and_then(Value::as_str).ok_or("the last entry has no name")?;
    let home = stage.path(home);
    let found = |stage: &Stage| {
        let answer = stage.comity(&["screen", "--name", name, "--home", text(&home)?])?;
        Ok(answer.get("hits").and_then(Value::as_array).is_some_and(|hits| {
            hits.iter().any(|hit| {
                let of_a = hit.get("origin").and_then(Value::as_str) == Some(ORIGIN);
                of_a && hit.get("index").and_then(Value::as_u64) == Some(last)
            })
        }))
    };
    stage.until("C finds what A entered last", found)?;
    Ok(begun.elapsed())
}

/// What was entered is under one signature, and the same publication again signs nothing.
pub(super) fn sign(stage: &mut Stage, lists: &mut Lists) -> Result<Scene, String> {
    let home = stage.path("a");
    let (size, root) = stage.head("a", ORIGIN)?;
    let again = match (&lists.ofac[..], &lists.un) {
        ([], Some(un)) => lists::import(stage, "un", std::slice::from_ref(un), &home)?,
        (ofac, _) => lists::import(stage, "ofac", ofac, &home)?,
    };
    if stage.head("a", ORIGIN)? != (size, root) || number(&again, "/added") != 0 {
        return Err("the same publication again changed the log".to_owned());
    }
    let last = size.saturating_sub(1).to_string();
    let shown = stage.comity(&["log", "show", &last, "--home", text(&home)?])?;
    let proof = number(&shown, "/proof_hashes");
    let line =
        format!("{ORIGIN} has {size} entries under one signature; entry {last} is proved by {proof} hashes");
    Ok(Scene::new(line, json!({ "size": size, "proof_hashes": proof })))
}

/// B and, through B, C hold what A signed: every frame verified before it was stored.
pub(super) fn replicate(stage: &mut Stage, lists: &mut Lists) -> Result<Scene, String> {
    let author = stage.head("a", ORIGIN)?;
    for home in ["b", "c"] {
        let held = |stage: &Stage| Ok(stage.head(home, ORIGIN)? == author);
        stage.until(&format!("{home} holds what A signed"), held)?;
    }
    let seen = lists.seen_after.unwrap_or_default();
    let (size, _) = author;
    let line = format!(
        "A → B → C: {size} entries verified and durable, roots equal; C found the last {} ms after the import",
        millis(seen)
    );
    let figures = json!({ "size": size, "seen_ms_after_import": millis(seen) });
    Ok(Scene { line, figures, took: Some(seen) })
}

/// An analyst at C asks for a name and finds what A said, with the checkpoint that it stands under.
pub(super) fn screen(stage: &mut Stage, _: &mut Lists) -> Result<Scene, String> {
    let (a, c) = (stage.path("a"), stage.path("c"));
    let shown = stage.comity(&["log", "show", "1", "--home", text(&a)?])?;
    let name = shown.pointer("/change/names/0").and_then(Value::as_str).ok_or("entry 1 has no name")?;
    let asked = |stage: &Stage| stage.comity(&["screen", "--name", name, "--home", text(&c)?]);
    let hit = |answer: &Value| {
        let hits = answer.get("hits").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        hits.iter().any(|hit| hit.get("origin").and_then(Value::as_str) == Some(ORIGIN))
    };
    // What is held is shown a moment later: openings follow their entries.
    stage.until("C finds what A listed", |stage| Ok(hit(&asked(stage)?)))?;
    let answer = asked(stage)?;
    let none = stage.comity(&["screen", "--name", "Nobody At All Of This Name", "--home", text(&c)?])?;
    if none.get("answer").and_then(Value::as_str) != Some("none") {
        return Err(format!("a name that nobody listed was found: {none}"));
    }
    let hits = answer.get("hits").and_then(Value::as_array).map_or(0, Vec::len);
    let line =
        format!("C asks for a name of entry 1: {hits} hit, with list, entry and root; for nobody: none");
    Ok(Scene::new(line, json!({ "hits": hits })))
}

/// C's untouched bundle, which has all three logs, is checked offline with the three cards.
pub(super) fn audit(stage: &mut Stage, _: &mut Lists) -> Result<Scene, String> {
    let bundle = stage.bundle("c", "bundle-of-c")?;
    let keys: Vec<PathBuf> = AGENCIES.iter().map(|(home, _)| stage.path(&format!("{home}.card"))).collect();
    let report = lists::verify(stage, &bundle, &keys)?;
    if !is_ok(&report) || report.get("trusted") != Some(&json!(true)) {
        return Err(format!("the untouched bundle does not verify: {report}"));
    }
    let check = |name: &str| number(&report, &format!("/checks/{name}"));
    let line = format!(
        "C's bundle of 3 logs: {} signatures, {} entries, {} tiles, {} roots, {} openings: ok\n{:29}the same by hand: comity-audit verify BUNDLE --keys CARD",
        check("signatures"),
        check("entries"),
        check("tiles"),
        check("roots"),
        check("openings_opened"),
        ""
    );
    Ok(Scene::new(line, report.get("checks").cloned().unwrap_or_default()))
}
