//! The acts that show how things should go.

use serde_json::{Value, json};

use super::Scene;
use super::stage::{AGENCY, Stage, is_ok, number, text};

/// An agency is founded and official lists are entered.
pub(super) fn import(stage: &mut Stage) -> Result<Scene, String> {
    let imports = stage.found("a")?;
    let of = |name: &str| imports.iter().map(|import| number(import, name)).sum::<u64>();
    let (records, added) = (of("/records"), of("/added"));
    let lists: Vec<&str> =
        imports.iter().filter_map(|import| import.pointer("/list").and_then(Value::as_str)).collect();
    if records == 0 || added != records {
        return Err(format!("{records} records read, but {added} entered"));
    }
    let line = format!("{added} records of {} entered, sealed, durable", lists.join(" and "));
    Ok(Scene { line, figures: json!({ "records": records, "lists": lists }) })
}

/// What was entered is under one signature, and the same publication again signs nothing.
pub(super) fn sign(stage: &mut Stage) -> Result<Scene, String> {
    let home = stage.path("a");
    let before = stage.comity(&["log", "list", "--home", text(&home)?])?;
    let size = number(&before, "/logs/0/size");
    let again = match (&stage.ofac[..], &stage.un) {
        ([], Some(un)) => stage.import("un", std::slice::from_ref(un), &home)?,
        (ofac, _) => stage.import("ofac", ofac, &home)?,
    };
    if number(&again, "/size") != size || number(&again, "/added") != 0 {
        return Err("the same publication again changed the log".to_owned());
    }
    let last = size.saturating_sub(1).to_string();
    let shown = stage.comity(&["log", "show", &last, "--home", text(&home)?])?;
    let proof = number(&shown, "/proof_hashes");
    let line = format!(
        "{AGENCY}/pub has {size} entries under one signature; entry {last} is proved by {proof} hashes"
    );
    Ok(Scene { line, figures: json!({ "size": size, "proof_hashes": proof }) })
}

/// The untouched bundle is checked offline with the card.
pub(super) fn audit(stage: &mut Stage) -> Result<Scene, String> {
    let (bundle, card) = (stage.path("bundle"), stage.path("bundle.card"));
    let report = stage.verify(&bundle, Some(&card))?;
    if !is_ok(&report) || report.get("trusted") != Some(&json!(true)) {
        return Err(format!("the untouched bundle does not verify: {report}"));
    }
    let check = |name: &str| number(&report, &format!("/checks/{name}"));
    let line = format!(
        "{} signatures, {} entries, {} tiles, {} roots, {} openings recomputed: ok\n{:29}again by hand: comity-audit verify BUNDLE --keys CARD",
        check("signatures"),
        check("entries"),
        check("tiles"),
        check("roots"),
        check("openings_opened"),
        ""
    );
    Ok(Scene { line, figures: report.get("checks").cloned().unwrap_or_default() })
}
