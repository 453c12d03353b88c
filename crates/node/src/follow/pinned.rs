//! With which key a log is followed: the one that its replica began with, and no other.
//!
//! Not here: which card is pinned (`peers`), and how a replica is set aside (`comity-store`).

use comity_store::LogRole;
use comity_tlog::{SignedCheckpoint, VerifierKey};

use super::error::FollowError;
use crate::{Node, Peer, SystemEntropy};

/// The key of a peer's log, pinned with the replica that is begun if there is none. A replica of another key is set
/// aside first if that was asked for when the peer was added. Blocking; the follower of this log alone may call it.
///
/// # Errors
/// [`FollowError::OtherKey`] if a replica of another key is held and may not be set aside, [`FollowError::Stored`] if
/// one without a key was verified with another; else as the store fails.
pub(super) fn settle(node: &Node, peer: &Peer) -> Result<VerifierKey, FollowError> {
    let (store, origin, key) = (node.store(), peer.origin(), peer.card().identity().log.clone());
    match (store.role(&origin)?, store.pinned_key(&origin)?) {
        (Some(LogRole::Replica), Some(pinned)) if pinned == key => {}
        (Some(LogRole::Replica), Some(pinned)) => {
            if peer.set_aside() != Some(&pinned) {
                return Err(FollowError::OtherKey);
            }
            let place = store.set_aside(&origin, &mut SystemEntropy::new())?;
            tracing::warn!(%place, "a replica of another log key was set aside; the new log is followed");
            node.rebuild_view()?;
            node.tell_news();
            store.begin_replica(&origin, &key)?;
        }
        (Some(LogRole::Replica), None) => {
            if let Some(note) = store.seen_note(&origin)? {
                SignedCheckpoint::parse(&note)?.verify(&key, &[])?;
            }
            store.pin_key(&origin, &key)?;
        }
        // The own log is nobody's replica: whatever comes for it is refused by the store.
        (Some(LogRole::Own), _) => {}
        (None, _) => store.begin_replica(&origin, &key)?,
    }
    Ok(key)
}
