//! The author of a log: the state machine that stages and signs, with no disk and no clock of its own.

use comity_tlog::{Checkpoint, CheckpointError, Note, RightEdge, SigningKey};

use crate::batch::{BatchError, DurableBatch, SignedBatch, StagedBatch};
use crate::{Head, LockedHead, Origin, SealedEntry};

/// The author of one origin. One task owns it.
#[derive(Debug)]
pub struct Author {
    origin: Origin,
    keys: Vec<SigningKey>,
    edge: RightEdge,
}

impl Author {
    /// The author of `origin`, whose signed entries end at `edge`.
    pub fn new(origin: Origin, key: SigningKey, edge: RightEdge) -> Self {
        Self::with_keys(origin, vec![key], edge)
    }

    /// The same, with every key that is in force: each of them signs every checkpoint, in this order.
    pub fn with_keys(origin: Origin, keys: Vec<SigningKey>, edge: RightEdge) -> Self {
        Self { origin, keys, edge }
    }

    /// Signs with these keys from now on; for the tree in which a key event brings or ends one.
    pub fn change_keys(&mut self, keys: Vec<SigningKey>) {
        self.keys = keys;
    }

    /// The keys that sign.
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
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
    /// [`BatchError::LockedElsewhere`] if the lock is not for this very tree, [`BatchError::NoKey`] if no key is in
    /// force.
    pub fn sign(&mut self, durable: &DurableBatch, locked: &LockedHead) -> Result<SignedBatch, BatchError> {
        durable.check_lock(locked)?;
        let head = durable.head();
        // c2sp.org/tlog-checkpoint: origin, size, root; no extension lines.
        let checkpoint = Checkpoint::new(self.origin.as_str(), head.size, head.root);
        let checkpoint = checkpoint.map_err(|source| BatchError::Sign { source })?;
        let mut note: Option<Note> = None;
        for key in &self.keys {
            let signed = checkpoint.clone().sign(key).map_err(|source| BatchError::Sign { source })?;
            note = Some(match note {
                None => signed.note().clone(),
                Some(note) => note
                    .merge(signed.note())
                    .map_err(|source| BatchError::Sign { source: CheckpointError::Note { source } })?,
            });
        }
        let note = note.ok_or(BatchError::NoKey)?;
        self.edge = durable.edge().clone();
        Ok(SignedBatch::new(durable, note.as_bytes().to_vec()))
    }
}
