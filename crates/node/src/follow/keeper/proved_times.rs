//! What is done with checkpoints that come as they stood with their first quorum: they prove by when their entries existed
//! (D23), also to a follower that was away then.
//!
//! Whoever sends them proves nothing by itself: each is compared with the tree that is held, and its lines with the keys of
//! cosigners known here. By holding them back a sender makes a time later and never earlier. Not here: what the lines come
//! to (`gossip`), and who is convicted by another tree (`accuse`).

use comity_ledger::{Origin, Rejection};
use comity_store::Store;
use comity_tlog::{CosignatureTime, SignedCheckpoint, TreeSize, root_at};

use super::super::error::FollowError;
use super::{Arrived, Keeper};
use crate::NodeError;
use crate::gossip::{FirstQuorum, FirstQuorums};

/// A checkpoint of the tree that is held, with the good lines of its cosigners.
pub(super) struct ProvedTime {
    note: SignedCheckpoint,
    existed_by: Option<CosignatureTime>,
}

/// The first quorums that are still to come.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The smallest tree.
    from: TreeSize,
    /// Whether one was passed over since its time had not come: those after it are too, so that it is asked for again.
    is_too_early: bool,
}

impl Wanted {
    /// From the largest tree on of which one is held, since an earlier time of that may be known by now.
    pub(super) fn behind(store: &Store, origin: &Origin) -> Result<Self, FollowError> {
        let held = store.largest_first_quorum(origin)?;
        let from = held.unwrap_or(TreeSize::ZERO.next().map_err(|_| FollowError::Broken)?);
        Ok(Self { from, is_too_early: false })
    }

    pub(super) fn from(&self) -> TreeSize {
        self.from
    }
}

impl Keeper {
    /// Verifies a first quorum against the entries that are kept.
    pub(super) fn check_first_quorum(
        &mut self,
        note: SignedCheckpoint,
        arrived: &mut Arrived,
    ) -> Result<(), FollowError> {
        if note.checkpoint().origin() != self.origin.as_str() {
            return Err(Rejection::OtherOrigin.into());
        }
        let (size, from, held) = (note.checkpoint().size(), self.wanted.from, self.replica.size());
        if size < from {
            return Err(FollowError::UnaskedFirstQuorum { size, from });
        }
        if size > held {
            return Err(FollowError::EarlyFirstQuorum { size, held });
        }
        let verified = match self.replica.keys().verify(&note) {
            Ok(verified) => Some(verified),
            // Void by an entry that came later: whoever sends it may not have known of that when it was kept.
            Err(_) if self.replica.keys().verify_as_then(&note).is_ok() => None,
            Err(error) => return Err(Rejection::from(error).into()),
        };
        let verified = verified.filter(|_| self.replica.end().is_none_or(|end| size <= end.size));
        self.wanted.from = size.next().map_err(|_| FollowError::Broken)?;
        let Some(verified) = verified else { return Ok(()) };
        if root_at(&self.store().nodes(&self.origin), size)? != verified.checkpoint().root() {
            arrived.rejected = Some(note);
            return Err(FollowError::OtherPast { size });
        }
        let judged_by = match &mut arrived.judged_by {
            Some(judged_by) => judged_by,
            none => none.insert(FirstQuorums::of(&self.node, &self.peers, &self.origin)?),
        };
        match judged_by.judge(verified)? {
            FirstQuorum::Shown { note, existed_by } if !self.wanted.is_too_early => {
                arrived.first_quorums.push(ProvedTime { note: *note, existed_by });
            }
            FirstQuorum::Shown { .. } => {}
            // As where it comes by gossip, nothing is believed of it before its time.
            FirstQuorum::Early => {
                self.wanted.is_too_early = true;
                tracing::warn!(%size, "a line on a first quorum is of a time to come: it is passed over");
            }
            FirstQuorum::Forged => return Err(FollowError::ForgedLine { size }),
        }
        Ok(())
    }

    /// Keeps what first quorums prove, and them, for those who follow from here. Says whether any of it was new.
    pub(super) fn keep_first_quorums(&self, proved: &[ProvedTime]) -> Result<bool, NodeError> {
        let (store, mut is_new) = (self.store(), false);
        for ProvedTime { note, existed_by } in proved {
            let size = note.checkpoint().size();
            let is_earlier = match existed_by {
                Some(time) => store.put_existed_by(&self.origin, size, *time)?,
                None => false,
            };
            if is_earlier || store.first_quorum_of(&self.origin, size)?.is_none() {
                store.put_first_quorum(&self.origin, note)?;
                is_new = true;
            }
        }
        Ok(is_new)
    }
}
