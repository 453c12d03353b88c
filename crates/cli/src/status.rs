//! `comity status`.

use comity_node::{Home, OwnLogState, Release};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::Status;
use crate::log::{logs_json, logs_text};

pub(crate) fn run(arguments: &Status) -> Result<Answer, Refusal> {
    let open = Home::find(&arguments.of.home)?.open()?;
    let config = open.home().config();
    let reason = match open.own_log() {
        OwnLogState::Writable(_) => None,
        OwnLogState::ReadOnly { reason } => Some(reason.explain()),
    };
    let logs = logs_json(&open)?;
    let records = open.view()?.screenable_count();
    let release = match config.release {
        Release::Peers => "peers",
        Release::Nobody => "nobody",
    };
    let state = if reason.is_some() { "read_only" } else { "ready" };
    let alarms: Vec<Value> =
        reason.iter().map(|reason| json!({ "what": "read_only", "detail": reason })).collect();
    let json = json!({
        "agency": config.agency.as_str(),
        "state": state,
        "read_only": reason.is_some(),
        "release": release,
        "records": records,
        "logs": logs,
        "peers": [],
        "alarms": alarms,
        "stale": [],
    });
    let mut text = format!(
        "{}  {state}\nreleases what it authors to {release}; {records} records can be screened\n{}",
        config.agency,
        logs_text(&logs)
    );
    if let Some(reason) = reason {
        text.push_str("\nALARM  ");
        text.push_str(&reason);
    }
    Ok(Answer::new(text, json))
}
