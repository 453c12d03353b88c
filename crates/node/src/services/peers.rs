//! The register of peers as operators see it: how each peering stands, and how one begins and ends.
//!
//! Not here: the register itself (`peers`), and following (`follow`).

use std::collections::BTreeMap;

use comity_ledger::{AgencyId, Origin};
use comity_store::Store;
use comity_wire::{ErrorCode, v1};
use tonic::Status;

use crate::{FollowState, LogState, OtherReplica, Peer, Peers, PeersError, Reach};

/// The peers of a register, each with how following it stands, and its log.
pub fn peer_messages(
    peers: &Peers,
    states: &BTreeMap<AgencyId, FollowState>,
    logs: &BTreeMap<Origin, LogState>,
) -> Vec<v1::Peer> {
    let in_doubt =
        |peer: &Peer| logs.iter().any(|(origin, log)| origin.agency() == peer.agency() && log.in_doubt);
    peers.list().iter().map(|peer| peer_message(peer, states.get(peer.agency()), in_doubt(peer))).collect()
}

fn peer_message(peer: &Peer, state: Option<&FollowState>, in_doubt: bool) -> v1::Peer {
    let held = state.map_or(0, |state| state.held.value());
    let seen = state.map_or(0, |state| state.seen.value());
    // Whoever was reached once has shown a checkpoint, and every log has its first entry.
    let reached = seen > 0;
    v1::Peer {
        agency: peer.agency().to_string(),
        state: match (in_doubt, reached) {
            (true, _) => v1::PeerState::Frozen,
            (false, true) => v1::PeerState::Active,
            (false, false) => v1::PeerState::Pending,
        }
        .into(),
        connected: state.is_some_and(|state| state.connected),
        endpoint: peer.endpoints().first().cloned().unwrap_or_default(),
        lag_entries: seen.saturating_sub(held),
        last_error: state.and_then(|state| state.last_error.clone()).unwrap_or_default(),
        via: peer.reach().via.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// Adds the peer of a request to a register. Blocking.
///
/// # Errors
/// A [`PeersError`]; nothing is stored then.
pub fn add_peer(peers: &Peers, store: &Store, request: &v1::AddPeerRequest) -> Result<v1::Peer, PeersError> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let via = given(&request.via).map(|via| via.parse()).transpose().map_err(crate::NodeError::from)?;
    let reach = Reach { endpoint: given(&request.endpoint), via, policy: given(&request.policy) };
    let other = if request.set_aside_replica { OtherReplica::SetAside } else { OtherReplica::Refuse };
    let peer = peers.add(store, &request.card, &request.fingerprint, reach, other)?;
    Ok(peer_message(&peer, None, false))
}

/// What an operator is told of a peer that was not added or removed.
pub(super) fn status_of_peers(error: &PeersError) -> Status {
    let code = match error {
        PeersError::OtherFingerprint { .. } => ErrorCode::FingerprintMismatch,
        PeersError::OtherKeys { .. } => ErrorCode::AlreadyExists,
        PeersError::OtherReplica { .. } => ErrorCode::OtherReplica,
        PeersError::Card(_) | PeersError::Trust(_) => return ErrorCode::Malformed.to_status_about("card"),
        PeersError::Words(_) => return ErrorCode::Malformed.to_status_about("fingerprint"),
        PeersError::Policy { .. } | PeersError::WitnessAddress { .. } => {
            return ErrorCode::Malformed.to_status_about("policy");
        }
        PeersError::Endpoint => return ErrorCode::Malformed.to_status_about("endpoint"),
        PeersError::Own => return ErrorCode::Malformed.to_status_about("agency"),
        PeersError::Full => ErrorCode::TooLarge,
        PeersError::Misplaced { .. } | PeersError::SetAside { .. } | PeersError::Node(_) => {
            ErrorCode::Internal
        }
    };
    if code == ErrorCode::Internal {
        tracing::error!(%error, "the register of peers failed");
    }
    code.to_status()
}
