//! With which keys a log is followed: the one that its replica began with, and those that its key events brought.
//!
//! Not here: which card is pinned (`peers`), and how a replica is set aside (`comity-store`).

use comity_ledger::{KeyHistory, Origin};
use comity_store::LogRole;
use comity_tlog::SignedCheckpoint;

use super::error::FollowError;
use crate::{Node, Peer, SystemEntropy};

/// The keys of a peer's log, of which the first is pinned with the replica that is begun if there is none. A replica of
/// another key is set aside first if that was asked for when the peer was added. Blocking; the follower of this log alone
/// may call it.
///
/// # Errors
/// [`FollowError::OtherKey`] if a replica of another key is held and may not be set aside, [`FollowError::Stored`] if
/// one without a key was verified with another; else as the store fails.
pub(super) fn settle(node: &Node, peer: &Peer, origin: &Origin) -> Result<KeyHistory, FollowError> {
    let (store, key) = (node.store(), peer.card().identity().log.clone());
    if origin.predecessor().is_some() {
        // Pinned when it was begun, with the key that the genesis names, which the root key of the card has signed.
        return Ok(store.keys(origin)?.with_root(peer.card().identity().root.clone()));
    }
    match (store.role(origin)?, store.pinned_key(origin)?) {
        (Some(LogRole::Replica), Some(pinned)) if pinned == key => {}
        (Some(LogRole::Replica), Some(pinned)) => {
            if peer.set_aside() != Some(&pinned) {
                return Err(FollowError::OtherKey);
            }
            let place = store.set_aside(origin, &mut SystemEntropy::new())?;
            tracing::warn!(%place, "a replica of another log key was set aside; the new log is followed");
            node.rebuild_view()?;
            node.tell_news();
            store.begin_replica(origin, &key)?;
        }
        (Some(LogRole::Replica), None) => {
            // A replica from before key events: one key signed all of it.
            if let Some(note) = store.seen_note(origin)? {
                SignedCheckpoint::parse(&note)?.verify(&key, &[])?;
            }
            store.pin_key(origin, &key)?;
        }
        // The own log is nobody's replica: whatever comes for it is refused by the store.
        (Some(LogRole::Own), _) => {}
        (None, _) => store.begin_replica(origin, &key)?,
    }
    let keys = store.keys(origin)?;
    Ok(keys.with_root(peer.card().identity().root.clone()))
}
