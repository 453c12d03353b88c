//! What a stranger's request for a cosignature comes to (c2sp.org/tlog-witness, `add-checkpoint`).
//!
//! Whoever brings a checkpoint that a peer signed, with the proof from the one that was cosigned last, gets this node's
//! line on it; whoever brings one that contradicts it brings evidence. Blocking. Not here: HTTP (`http`), and what may
//! be cosigned (`comity_ledger::Witness`).

use comity_ledger::{
    Generation, Gossiped, HeadNews, HeadUpdate, KeyHistory, Origin, OriginDigest, WitnessRefusal,
};
use comity_tlog::{AddCheckpoint, SignatureLine, TreeSize};

use super::cosigners::{CosignError, Shown};
use super::{Gossiping, clock};
use crate::NodeError;

/// The answer to a request that is well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AddCheckpointAnswer {
    /// Cosigned, durably.
    Cosigned {
        /// The line of this node's witness.
        line: SignatureLine,
    },
    /// A log of nobody whom this node knows, or its own.
    UnknownLog,
    /// Not signed with a key of the log that is in force for its size.
    NotSigned,
    /// The author has signed two histories, or is suspected of it: nothing of it is cosigned.
    InDoubt,
    /// The old size is beyond that of the checkpoint.
    OldBeyondSize,
    /// The old size is not that of the checkpoint that was cosigned last.
    OtherSize {
        /// The size cosigned last, 0 if none was.
        last: TreeSize,
    },
    /// The proof does not join the two, or there is another root of that size.
    Inconsistent,
    /// The witness may not speak: its sign-lock is gone or was put back.
    Retired,
}

impl Gossiping {
    /// Cosigns a checkpoint that a stranger shows, if it goes on from what was cosigned before.
    ///
    /// # Errors
    /// A [`NodeError`] if the store or the sign-lock fails; nothing was signed then.
    pub(crate) fn add_checkpoint(&self, request: &AddCheckpoint) -> Result<AddCheckpointAnswer, NodeError> {
        let stated = request.checkpoint().checkpoint();
        let Some(keys) = self.log_of_a_peer(stated.origin())? else {
            return Ok(AddCheckpointAnswer::UnknownLog);
        };
        let origin = keys.origin().clone();
        let Ok(checkpoint) = keys.verify(request.checkpoint()) else {
            self.look_for_thief(&keys, request.checkpoint());
            return Ok(AddCheckpointAnswer::NotSigned);
        };
        if request.old_size() > stated.size() {
            return Ok(AddCheckpointAnswer::OldBeyondSize);
        }
        if self.contradicts(request, &keys)? {
            return Ok(AddCheckpointAnswer::Inconsistent);
        }
        if self.is_in_doubt(&origin) {
            return Ok(AddCheckpointAnswer::InDoubt);
        }
        let (store, shown) = (self.node.store(), (request.old_size(), request.proof()));
        match self.cosigners.cosign_shown(store, &origin, &checkpoint, shown, clock()) {
            Ok(Shown::Cosigned(line)) => {
                self.keep_shown(&origin, &checkpoint, &line)?;
                Ok(AddCheckpointAnswer::Cosigned { line })
            }
            Ok(Shown::OtherSize(last)) => Ok(AddCheckpointAnswer::OtherSize { last }),
            Err(CosignError::Refused(
                WitnessRefusal::Proof { .. }
                | WitnessRefusal::OtherRoot { .. }
                | WitnessRefusal::Behind { .. },
            )) => Ok(AddCheckpointAnswer::Inconsistent),
            Err(error) if error.is_of_the_medium() => {
                self.node.store().give_up();
                Err(NodeError::Storage)
            }
            Err(error) => {
                tracing::warn!(%origin, %error, "a stranger's checkpoint was not cosigned");
                Ok(AddCheckpointAnswer::Retired)
            }
        }
    }

    /// The keys of a publication log of a peer. The own log is cosigned by others.
    fn log_of_a_peer(&self, origin: &str) -> Result<Option<KeyHistory>, NodeError> {
        let Ok(origin) = origin.parse::<Origin>() else { return Ok(None) };
        if origin.agency() == self.peers.own() {
            return Ok(None);
        }
        self.keys_of(&origin)
    }

    /// Whether a signed checkpoint contradicts what is held of the log: then its author is convicted by it.
    fn contradicts(&self, request: &AddCheckpoint, keys: &KeyHistory) -> Result<bool, NodeError> {
        let origin = keys.origin();
        let news = HeadNews::Checkpoint { note: request.checkpoint().clone(), beginning: None };
        let update = HeadUpdate { origin: OriginDigest::of(origin), generation: Generation::default(), news };
        let (cosigners, tree) = (self.cosigner_keys()?, self.node.store().nodes(origin));
        let gossiped = self.state().gossip.take(&update, keys, &cosigners, clock(), &tree);
        match gossiped {
            Gossiped::Fork(evidence) => self.convict(&evidence).and(Ok(true)),
            Gossiped::Lines { new, .. } if new > 0 => {
                self.settle(origin)?;
                self.tell();
                Ok(false)
            }
            Gossiped::Nothing | Gossiped::Lines { .. } | Gossiped::Ahead { .. } | Gossiped::Unfit => {
                Ok(false)
            }
        }
    }
}
