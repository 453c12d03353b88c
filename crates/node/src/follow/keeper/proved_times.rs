//! What is done with checkpoints that come as they stood with their first quorum: they prove by when their entries existed
//! (D23), also to a follower that was away then.
//!
//! Whoever sends them proves nothing by itself: each is compared with the tree that is held, and its lines with the keys of
//! cosigners known here. By holding them back a sender makes a time later and never earlier, and only until another, or
//! the same after a start, is asked for all of them. Not here: what the lines come
//! to (`gossip`), and who is convicted by another tree (`accuse`).

use comity_ledger::{AgencyId, Origin, Rejection};
use comity_tlog::{Hash, SignedCheckpoint, TreeSize, root_at};

use super::super::error::FollowError;
use super::{Arrived, Keeper};
use crate::gossip::{FirstQuorum, FirstQuorums};
use crate::{Node, NodeError, Peers};

/// A checkpoint of the tree that is held, with the good lines of its cosigners.
pub(super) struct ProvedTime {
    it: FirstQuorum,
    /// Whether it proves more than the one that is kept, if there is one.
    is_better: bool,
}

/// The first quorums that are still to come.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The smallest tree.
    from: TreeSize,
    /// By whose lines and which policy they were judged when they were asked for.
    judges: Hash,
    /// Whether a line was left out since its time had not come: then all are asked for again.
    is_early: bool,
}

impl Wanted {
    /// All of them, unless this sender's were all judged by the same cosigners and policy since the start: then from the
    /// largest tree on of which one is held, since an earlier time of that may be known by now.
    pub(super) fn of(
        node: &Node,
        peers: &Peers,
        from: &AgencyId,
        origin: &Origin,
    ) -> Result<Self, FollowError> {
        let judges = FirstQuorums::of(node, peers, origin)?.name();
        let was_judged = node.judged_in_full().was_by(from, origin, judges);
        let held = node.store().largest_first_quorum(origin)?.filter(|_| was_judged);
        let from = held.unwrap_or(TreeSize::ZERO.next().map_err(|_| FollowError::Broken)?);
        Ok(Self { from, judges, is_early: false })
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
        let it = judged_by.judge(verified)?;
        if it.is_early {
            // As where it comes by gossip, nothing is believed of it before its time.
            self.wanted.is_early = true;
            self.node.judged_in_full().forget(self.peer.upstream(), &self.origin);
            tracing::warn!(%size, "a line on a first quorum is of a time to come: it is left out");
        }
        let kept = self.node.store().first_quorum_of(&self.origin, size)?;
        let kept = kept.and_then(|note| SignedCheckpoint::parse(&note).ok());
        // One that no key in force signed any more proves nothing.
        let kept = kept.and_then(|note| self.replica.keys().verify(&note).ok());
        let kept = kept.map(|kept| judged_by.judge(kept)).transpose()?;
        let is_better = kept.is_none_or(|kept| it.proves_more_than(&kept));
        arrived.first_quorums.push(ProvedTime { it, is_better });
        Ok(())
    }

    /// Once the sender has said that this was all.
    pub(super) fn all_first_quorums_came(&self) {
        if !self.wanted.is_early {
            self.node.judged_in_full().is_by(self.peer.upstream(), &self.origin, self.wanted.judges);
        }
    }

    /// Keeps what first quorums prove, and them, for those who follow from here. Says whether any of it was new.
    pub(super) fn keep_first_quorums(&self, proved: &[ProvedTime]) -> Result<bool, NodeError> {
        let (store, mut is_new) = (self.store(), false);
        for ProvedTime { it, is_better } in proved {
            // Before the time, as its author does.
            if *is_better {
                store.put_first_quorum(&self.origin, &it.note)?;
                is_new = true;
            }
            if let Some(time) = it.existed_by {
                is_new |= store.put_existed_by(&self.origin, it.note.checkpoint().size(), time)?;
            }
        }
        Ok(is_new)
    }
}
