//! `comity peer add|list|remove`.

use std::fmt::Write as _;
use std::path::Path;

use comity_ledger::{AgencyId, Card, Fingerprint};
use comity_node::{Config, Home, NodeError, fingerprint};
use comity_wire::{ErrorCode, v1};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal, sentence};
use crate::args::PeerCommand;
use crate::in_file::read_at_most;
use crate::source::Source;
use crate::status::peer_json;

/// Most bytes of a card that is read.
const CARD_BYTES_MAX: u64 = 64 << 10;
/// Most bytes of a policy that is read.
const POLICY_BYTES_MAX: u64 = 64 << 10;

pub(crate) fn run(command: &PeerCommand) -> Result<Answer, Refusal> {
    match command {
        PeerCommand::Add { card, fingerprint, endpoint, via, policy, set_aside_replica, of } => {
            let home = Home::find(&of.home)?;
            let (agency, card) = checked_card(card, fingerprint, &home.config().agency)?;
            if let Some(endpoint) = endpoint {
                Config::check_listen(endpoint)
                    .map_err(|reason| malformed(format!("--endpoint: {reason}")))?;
            }
            if let Some(via) = via {
                via.parse::<AgencyId>().map_err(|error| malformed(format!("--via: {error}")))?;
            }
            let request = v1::AddPeerRequest {
                card: card.into(),
                fingerprint: fingerprint.clone(),
                endpoint: endpoint.clone().unwrap_or_default(),
                via: via.clone().unwrap_or_default(),
                set_aside_replica: *set_aside_replica,
                policy: policy.as_deref().map(read_policy).transpose()?.unwrap_or_default(),
            };
            let added = Source::find(&of.home)?.add_peer(request);
            let added = added.map_err(|refusal| explained(refusal, &agency))?;
            let peer = peer_json(&added);
            let text = format!(
                "added  {}\nthey connect once the other side has added this agency too",
                line(&peer, false)
            );
            Ok(Answer::new(text, json!({ "peer": peer })))
        }
        PeerCommand::List { of } => {
            let mut source = Source::find(&of.home)?;
            let runs = matches!(source, Source::Remote(_));
            let peers: Vec<Value> = source.peers()?.iter().map(peer_json).collect();
            let mut lines: Vec<String> = peers.iter().map(|peer| line(peer, runs)).collect();
            match (lines.is_empty(), runs) {
                (true, _) => lines.push("no peers".to_owned()),
                (false, false) => lines.push("no node runs here, so that nobody is connected".to_owned()),
                (false, true) => {}
            }
            Ok(Answer::new(lines.join("\n"), json!({ "peers": peers })))
        }
        PeerCommand::Remove { agency, of } => {
            let agency: AgencyId = agency.parse().map_err(NodeError::Name)?;
            Source::find(&of.home)?.remove_peer(&agency).map_err(|refusal| explained(refusal, &agency))?;
            Ok(Answer::new(format!("removed  {agency}"), json!({ "removed": agency.as_str() })))
        }
    }
}

/// What is refused of a peer with the next step; node and home alone say the same.
fn explained(refusal: Refusal, agency: &AgencyId) -> Refusal {
    let message = match ErrorCode::from_reason(refusal.code) {
        Some(ErrorCode::AlreadyExists) => format!(
            "{agency} is a peer with other keys; if these are its new ones, end the old peering first with \
             `comity peer remove {agency}`"
        ),
        Some(ErrorCode::OtherReplica) => format!(
            "the log that is held of {agency} has another key than this card; if its people confirm that it began a \
             new log, --set-aside-replica keeps the old one apart and follows the new one"
        ),
        Some(ErrorCode::UnknownPeer) => {
            format!("{agency} is no peer of this home; `comity peer list` names them")
        }
        _ => return refusal,
    };
    Refusal::new(refusal.code, message)
}

/// The text of a policy, read here so that a mistake in it is explained in full.
fn read_policy(path: &Path) -> Result<String, Refusal> {
    let bytes = read_at_most(path, POLICY_BYTES_MAX)?;
    let bytes = bytes.ok_or_else(|| malformed(format!("--policy: larger than {POLICY_BYTES_MAX} bytes")))?;
    let text = String::from_utf8(bytes).map_err(|_| malformed("--policy: not UTF-8 text".to_owned()))?;
    comity_tlog::Policy::parse(&text)
        .map_err(|error| malformed(format!("--policy: {}", sentence(&error))))?;
    Ok(text)
}

fn malformed(message: String) -> Refusal {
    Refusal::new(ErrorCode::Malformed.reason(), message)
}

/// Reads a card and compares it with the words that were said, here, so that a mistake is explained in full before
/// anybody is asked. Whoever stores it compares again.
fn checked_card(path: &Path, words: &str, own: &AgencyId) -> Result<(AgencyId, Vec<u8>), Refusal> {
    let named = path.display();
    let Some(bytes) = read_at_most(path, CARD_BYTES_MAX)? else {
        return Err(malformed(format!("{named} is too large for a card")));
    };
    let card = Card::parse(&bytes).map_err(|error| malformed(format!("{named}: {}", sentence(&error))))?;
    let said: Fingerprint =
        words.parse().map_err(|error| malformed(format!("--fingerprint: {}", sentence(&error))))?;
    let identity = card.identity();
    if identity.agency == *own {
        return Err(malformed(format!("{named} is the card of {own}, the agency of this home itself")));
    }
    let of_card =
        fingerprint(identity).map_err(|error| malformed(format!("{named}: {}", sentence(&error))))?;
    if of_card != said {
        let message = format!(
            "the card of {} has other twelve words than those given, so that nothing was stored: ask its people for \
             the words again, and for the card if they are the same",
            identity.agency
        );
        return Err(Refusal::new(ErrorCode::FingerprintMismatch.reason(), message));
    }
    Ok((identity.agency.clone(), bytes))
}

/// A peer in a line; how following it stands only if a node runs, which alone knows.
pub(crate) fn line(peer: &Value, runs: bool) -> String {
    let word = |name: &str| peer.get(name).and_then(Value::as_str).unwrap_or_default();
    let connected = peer.get("connected") == Some(&json!(true));
    let mut text = format!("{}  at {}", word("agency"), word("endpoint"));
    if !word("via").is_empty() {
        text.push_str("  via ");
        text.push_str(word("via"));
    }
    if !runs {
        return text;
    }
    let lag = peer.get("lag_entries").and_then(Value::as_u64).unwrap_or_default();
    let standing = if connected { "connected" } else { "not connected" };
    // Writing to a string cannot fail.
    let _ = write!(text, "  {}  {standing}  {lag} entries behind", word("state"));
    if !word("last_error").is_empty() {
        text.push_str("  last error: ");
        text.push_str(word("last_error"));
    }
    if !connected && word("state") == "pending" {
        text.push_str("  (it connects once both sides have added each other)");
    }
    text
}
