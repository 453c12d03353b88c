//! `comity peer add|list|remove`.

use comity_ledger::AgencyId;
use comity_node::NodeError;
use comity_wire::v1;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::PeerCommand;
use crate::in_file::read_at_most;
use crate::source::Source;
use crate::status::peer_json;

/// Most bytes of a card that is read.
const CARD_BYTES_MAX: u64 = 64 << 10;

pub(crate) fn run(command: &PeerCommand) -> Result<Answer, Refusal> {
    match command {
        PeerCommand::Add { card, fingerprint, endpoint, via, set_aside_replica, of } => {
            let Some(bytes) = read_at_most(card, CARD_BYTES_MAX)? else {
                return Err(Refusal::new("malformed", format!("{} is too large for a card", card.display())));
            };
            let request = v1::AddPeerRequest {
                card: bytes.into(),
                fingerprint: fingerprint.clone(),
                endpoint: endpoint.clone().unwrap_or_default(),
                via: via.clone().unwrap_or_default(),
                set_aside_replica: *set_aside_replica,
            };
            let peer = peer_json(&Source::find(&of.home)?.add_peer(request)?);
            let text = format!("added  {}\nthe other side adds this agency in the same way", line(&peer));
            Ok(Answer::new(text, json!({ "peer": peer })))
        }
        PeerCommand::List { of } => {
            let peers: Vec<Value> = Source::find(&of.home)?.peers()?.iter().map(peer_json).collect();
            let lines: Vec<String> = peers.iter().map(line).collect();
            let text = if lines.is_empty() { "no peers".to_owned() } else { lines.join("\n") };
            Ok(Answer::new(text, json!({ "peers": peers })))
        }
        PeerCommand::Remove { agency, of } => {
            let agency: AgencyId = agency.parse().map_err(NodeError::Name)?;
            Source::find(&of.home)?.remove_peer(&agency)?;
            Ok(Answer::new(format!("removed  {agency}"), json!({ "removed": agency.as_str() })))
        }
    }
}

fn line(peer: &Value) -> String {
    let word = |name: &str| peer.get(name).and_then(Value::as_str).unwrap_or_default();
    let connected = if peer.get("connected") == Some(&json!(true)) { "connected" } else { "not connected" };
    let lag = peer.get("lag_entries").and_then(Value::as_u64).unwrap_or_default();
    let mut text = format!(
        "{}  {}  {connected}  at {}  {lag} entries behind",
        word("agency"),
        word("state"),
        word("endpoint")
    );
    for (name, before) in [("via", "  via "), ("last_error", "  last error: ")] {
        if !word(name).is_empty() {
            text.push_str(before);
            text.push_str(word(name));
        }
    }
    text
}
