//! The author of a log: the state machine that stages and signs, with no disk and no clock of its own.

use comity_tlog::{Checkpoint, RightEdge, SigningKey};

use crate::batch::{BatchError, DurableBatch, SignedBatch, StagedBatch};
use crate::{Head, LockedHead, Origin, SealedEntry};

/// The author of one origin. One task owns it.
#[derive(Debug)]
pub struct Author {
    origin: Origin,
    key: SigningKey,
    edge: RightEdge,
}

impl Author {
    /// The author of `origin`, whose signed entries end at `edge`.
    pub fn new(origin: Origin, key: SigningKey, edge: RightEdge) -> Self {
        Self { origin, key, edge }
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Size and root of what is signed.
    pub fn head(&self) -> Head {
        Head::from(&self.edge)
    }

    /// Gives sealed entries their places behind all that is signed.
    ///
    /// # Errors
    /// [`BatchError::Count`] for none or too many, [`BatchError::Full`] at the end of the index space.
    pub fn stage(&self, entries: Vec<SealedEntry>) -> Result<StagedBatch, BatchError> {
        StagedBatch::new(self.origin.clone(), self.edge.clone(), entries)
    }

    /// Signs a tree that is durable and locked. Signing the same tree again gives the same bytes.
    ///
    /// # Errors
    /// [`BatchError::LockedElsewhere`] if the lock is not for this very tree.
    pub fn sign(&mut self, durable: &DurableBatch, locked: &LockedHead) -> Result<SignedBatch, BatchError> {
        durable.check_lock(locked)?;
        let head = durable.head();
        // c2sp.org/tlog-checkpoint: origin, size, root; no extension lines.
        let signed = Checkpoint::new(self.origin.as_str(), head.size, head.root)
            .and_then(|checkpoint| checkpoint.sign(&self.key))
            .map_err(|source| BatchError::Sign { source })?;
        self.edge = durable.edge().clone();
        Ok(SignedBatch::new(durable, signed.as_bytes().to_vec()))
    }
}
