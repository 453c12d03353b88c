//! What an older checkpoint means: that the author went back, that a relay has not come as far, or two histories.
//!
//! Not here: whether a checkpoint is signed and whether it is older, and the rule (`comity-ledger`).

use comity_ledger::{Older, Origin, Rejection};
use comity_store::Store;
use comity_tlog::{SignedCheckpoint, TreeSize, root_at};

use super::error::FollowError;
use crate::Peer;

/// Judges a checkpoint that was rejected, against the entries held up to `held`. Of any other rejection than that of a
/// smaller tree there is no more to be said.
pub(super) fn judge(
    store: &Store,
    (peer, origin): (&Peer, &Origin),
    held: TreeSize,
    note: &SignedCheckpoint,
    rejection: Rejection,
) -> FollowError {
    let Rejection::Smaller { size, seen } = rejection else { return rejection.into() };
    let root = (size <= held).then(|| root_at(&store.nodes(origin), size)).transpose();
    let root = match root {
        Ok(root) => root,
        Err(error) => return error.into(),
    };
    match Older::judge(note.checkpoint().root(), root, peer.upstream() == peer.agency()) {
        Older::OtherPast => FollowError::OtherPast { size },
        Older::Rollback => rejection.into(),
        Older::RelayBehind => FollowError::RelayBehind { size, seen },
    }
}
