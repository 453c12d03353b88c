//! `comity log scrub`. Not here: what is looked at (`comity-node`).

use std::path::Path;

use comity_node::{Home, ScrubbedLog};
use comity_store::LogRole;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal, sentence};

pub(crate) fn run(folder: &Path) -> Result<Answer, Refusal> {
    let open = Home::find(folder)?.open()?;
    let scrubbed = open.scrub()?;
    let logs: Vec<Value> = scrubbed.logs.iter().map(log_json).collect();
    let others: Vec<String> = scrubbed.others.iter().map(|error| sentence(error)).collect();
    let lines =
        scrubbed.logs.iter().map(log_text).chain(others.iter().map(|damage| format!("DAMAGED  {damage}")));
    let text = lines.collect::<Vec<_>>().join("\n");
    Ok(Answer { text, json: json!({ "logs": logs, "damaged": others }), ok: scrubbed.is_whole() })
}

fn state(log: &ScrubbedLog) -> &'static str {
    match (&log.damage, log.begun_anew) {
        (None, _) => "whole",
        (Some(_), true) => "begun_anew",
        (Some(_), false) => "damaged",
    }
}

fn log_json(log: &ScrubbedLog) -> Value {
    json!({
        "origin": log.origin.as_str(),
        "role": if log.role == LogRole::Own { "own" } else { "replica" },
        "state": state(log),
        "damage": log.damage.as_ref().map(|damage| sentence(damage)),
    })
}

fn log_text(log: &ScrubbedLog) -> String {
    let origin = &log.origin;
    match (&log.damage, log.begun_anew) {
        (None, _) => format!("whole  {origin}"),
        (Some(damage), true) => {
            format!("BEGUN ANEW  {origin}  {}; serve the home, and it is fetched again", sentence(damage))
        }
        (Some(damage), false) => {
            format!("DAMAGED  {origin}  {}; nobody can give it again: restore a backup", sentence(damage))
        }
    }
}
