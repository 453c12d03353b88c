//! `comity status`.

use comity_node::RunFile;
use comity_wire::v1;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::Status;
use crate::editions::{old_json, old_text};
use crate::log::{logs_json, logs_text};
use crate::peer::line;
use crate::record::{waiting_json, waiting_text};
use crate::source::Source;

pub(crate) fn run(arguments: &Status) -> Result<Answer, Refusal> {
    let mut source = Source::find(&arguments.of.home)?;
    let runs = matches!(source, Source::Remote(_));
    let (status, records) = source.status()?;
    let logs = logs_json(status.logs)?;
    let state = match v1::NodeState::try_from(status.state) {
        Ok(v1::NodeState::Starting) => "starting",
        Ok(v1::NodeState::Serving) => "serving",
        Ok(v1::NodeState::ReadOnly) => "read_only",
        Ok(v1::NodeState::Halted) => "halted",
        Ok(v1::NodeState::Stopping) => "stopping",
        // No node runs, and one could.
        Ok(v1::NodeState::Unspecified) | Err(_) => "ready",
    };
    let http = RunFile::find(source.home()).filter(|_| runs).and_then(|run| run.http_addr);
    let alarms: Vec<Value> = status.alarms.iter().map(alarm_json).collect();
    let peers: Vec<Value> = status.peers.iter().map(peer_json).collect();
    let json = json!({
        "agency": status.agency,
        "state": state,
        "read_only": status.read_only,
        "release": status.release_to,
        "records": records,
        "logs": logs,
        "peers": peers,
        "alarms": alarms,
        "stale": status.stale,
        "waiting_erasures": status.waiting_erasures.iter().map(waiting_json).collect::<Vec<_>>(),
        "old_codes": status.old_codes.iter().map(old_json).collect::<Vec<_>>(),
        "witnessed_time": status.witnessed_time,
        "http_addr": http,
        "expiries": status.expiries.iter().map(expiry_json).collect::<Vec<_>>(),
    });
    let records = records.map(|records| format!("; {records} records can be screened")).unwrap_or_default();
    let nobody = if runs { "" } else { ", no node runs" };
    let mut text = format!(
        "{}  {state}{nobody}\nreleases what it authors to {}{records}\n{}",
        status.agency,
        status.release_to,
        logs_text(&logs)
    );
    if let Some(http) = http {
        text.push_str("\nhttp  ");
        text.push_str(&http.to_string());
    }
    for peer in &peers {
        text.push_str("\npeer  ");
        text.push_str(&line(peer, runs));
    }
    for alarm in &status.alarms {
        text.push_str("\nALARM  ");
        text.push_str(&alarm.message);
    }
    for waiting in &status.waiting_erasures {
        text.push('\n');
        text.push_str(&waiting_text(waiting));
    }
    for old in &status.old_codes {
        text.push('\n');
        text.push_str(&old_text(old));
    }
    Ok(Answer::new(text, json))
}

/// An alarm as `status` and `watch` show it.
pub(crate) fn alarm_json(alarm: &v1::Alarm) -> Value {
    json!({
        "what": alarm.code,
        "detail": alarm.message,
        "origin": alarm.origin,
        "agency": alarm.agency,
        "since": alarm.since,
    })
}

fn expiry_json(expiry: &v1::Expiry) -> Value {
    let what = match v1::Expiring::try_from(expiry.what) {
        Ok(v1::Expiring::Node) => "node",
        Ok(v1::Expiring::Operator) => "operator",
        Ok(v1::Expiring::Authority) => "authority",
        Ok(v1::Expiring::RevocationList) => "crl",
        Ok(v1::Expiring::Unspecified) | Err(_) => "other",
    };
    json!({ "agency": expiry.agency, "what": what, "name": expiry.name, "at": expiry.at })
}

/// A peer as `status` and `peer list` show it.
pub(crate) fn peer_json(peer: &v1::Peer) -> Value {
    let state = match v1::PeerState::try_from(peer.state) {
        Ok(v1::PeerState::Active) => "active",
        Ok(v1::PeerState::Suspended) => "suspended",
        Ok(v1::PeerState::Frozen) => "frozen",
        _ => "pending",
    };
    json!({
        "agency": peer.agency,
        "state": state,
        "connected": peer.connected,
        "endpoint": peer.endpoint,
        "lag_entries": peer.lag_entries,
        "last_error": peer.last_error,
        "via": peer.via,
    })
}
