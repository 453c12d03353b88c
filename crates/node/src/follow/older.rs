//! What an older checkpoint means: that the author went back, that a relay has not come as far, or two histories.
//!
//! Not here: whether a checkpoint is signed and whether it is older (`comity-ledger`).

use comity_ledger::Rejection;
use comity_store::Store;
use comity_tlog::{SignedCheckpoint, TreeSize, root_at};

use super::error::FollowError;
use crate::Peer;

/// Judges a checkpoint that was rejected, against the entries held up to `held`. Of any other rejection than that of a
/// smaller tree there is no more to be said.
pub(super) fn judge(
    store: &Store,
    peer: &Peer,
    held: TreeSize,
    note: &SignedCheckpoint,
    rejection: Rejection,
) -> FollowError {
    let Rejection::Smaller { size, seen } = rejection else { return rejection.into() };
    if size <= held {
        match root_at(&store.nodes(&peer.origin()), size) {
            Ok(root) if root == note.checkpoint().root() => {}
            // The author's key signed it, whoever brings it.
            Ok(_) => return FollowError::OtherPast { size },
            Err(error) => return error.into(),
        }
    }
    // Only the author can go back. What it signed before may be shown by others at any time.
    if peer.upstream() == peer.agency() { rejection.into() } else { FollowError::RelayBehind { size, seen } }
}
