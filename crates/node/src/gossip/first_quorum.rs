//! Checkpoints as they stood with their first quorum (D23): which of the own log are kept so, and what one of another log
//! proves that came with its entries.
//!
//! Not here: whether its tree is the one that is held (`follow`), and how they are kept (`comity-store`).

use comity_ledger::{Cosigned, Entry, Generation, Kind, LineTaken, Origin};
use comity_store::ReadError;
use comity_tlog::{CosignatureTime, SignedCheckpoint, VerifiedCheckpoint, VerifierKey};

use super::standing::Judges;
use super::{Gossiping, clock, cosigner_keys};
use crate::{Node, NodeError, Peers};

impl Gossiping {
    /// Keeps the own checkpoint as it stands with its first quorum, if it is the first to cover an entry of which it must be
    /// provable when it took effect: cosigners renew their lines, and then it is not any more.
    pub(super) fn keep_first_quorum(&self, origin: &Origin, cosigned: &Cosigned) -> Result<(), NodeError> {
        let (store, size) = (self.node.store(), cosigned.head().size);
        let from = store.existed_before(origin, size)?;
        let look = store.each_entry(origin, from, size, |_, bytes| match Entry::kind_of(bytes) {
            Ok(Kind::Control | Kind::Governance | Kind::Key | Kind::Erase) => Err(()),
            Ok(_) | Err(_) => Ok(()),
        });
        match look {
            Ok(()) => Ok(()),
            Err(ReadError::Store(error)) => Err(error.into()),
            Err(ReadError::Taker(())) => {
                let note = cosigned.note().map_err(|source| NodeError::OwnNote { source })?;
                store.put_first_quorum(origin, &note)?;
                // Followers are sent it.
                self.node.tell_news();
                Ok(())
            }
        }
    }
}

/// What the lines on checkpoints of one log are judged by.
pub(crate) struct FirstQuorums {
    cosigners: Vec<VerifierKey>,
    judges: Judges,
}

/// A checkpoint of which the author's signature was verified, with what its lines came to.
#[derive(Clone, Debug)]
pub(crate) enum FirstQuorum {
    /// Every line of a known cosigner is good.
    Shown {
        /// The checkpoint with those lines and no others: one that nobody known here made could spoil it for others.
        note: Box<SignedCheckpoint>,
        /// By when its tree certainly existed, if the policy that is pinned here is met.
        existed_by: Option<CosignatureTime>,
    },
    /// A line states a time that has not come by the clock of this machine.
    Early,
    /// A line is not one that its cosigner made.
    Forged,
}

impl FirstQuorums {
    /// By what is known at this moment. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails or is damaged.
    pub(crate) fn of(node: &Node, peers: &Peers, origin: &Origin) -> Result<Self, NodeError> {
        let own = node.home().cosigner_keys()?.map(|key| key.verifier().clone());
        let judges = Judges::of(node.store(), peers, &own[0], origin)?;
        Ok(Self { cosigners: cosigner_keys(node.store(), peers, own)?, judges })
    }

    /// Judges the lines on a checkpoint.
    ///
    /// # Errors
    /// A [`NodeError`] if no note can be made of those that are good.
    pub(crate) fn judge(&self, checkpoint: VerifiedCheckpoint) -> Result<FirstQuorum, NodeError> {
        let lines = checkpoint.note().note().lines().to_vec();
        let mut cosigned = Cosigned::new(checkpoint, Generation::default());
        for line in &lines {
            match cosigned.take(line, &self.cosigners, clock()) {
                LineTaken::New | LineTaken::Held | LineTaken::Unknown => {}
                LineTaken::Future => return Ok(FirstQuorum::Early),
                LineTaken::Bad => return Ok(FirstQuorum::Forged),
            }
        }
        let note = Box::new(cosigned.note().map_err(|source| NodeError::OwnNote { source })?);
        Ok(FirstQuorum::Shown { note, existed_by: self.judges.judge(&cosigned).existed_by })
    }
}
