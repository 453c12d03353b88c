//! The cosigner of somebody's log: the state machine that decides what a witness or a mirror may state, with no disk
//! and no clock of its own.
//!
//! A witness states that a checkpoint goes on from all that it cosigned before; a mirror, that it holds every entry of
//! it as well. Two roles, two keys: c2sp.org/tlog-cosignature does not bind the name. Not here: the sign-lock's files
//! (`comity-store`), where proofs come from (`comity-node`), and what others cosigned (`cosigned`).

use comity_tlog::{
    ConsistencyProof, CosignatureTime, KeyError, ProofError, SignatureLine, SigningKey, TreeSize,
    VerifiedCheckpoint, verify_consistency,
};

use crate::{Head, LockedHead, Origin, Role};

/// The head of a log up to which a store holds every entry, synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldHead {
    origin: Origin,
    head: Head,
}

impl HeldHead {
    /// Only the store makes one, after its sync.
    pub fn synced(origin: Origin, head: Head) -> Self {
        Self { origin, head }
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        self.head
    }
}

/// A cosigner of one origin in one role: what it stated last.
#[derive(Clone, Debug)]
pub struct Witness {
    role: Role,
    origin: Origin,
    last: Head,
    time: Option<CosignatureTime>,
}

/// What may be cosigned, once it stands in the sign-lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignIntent {
    role: Role,
    checkpoint: VerifiedCheckpoint,
    head: Head,
    time: CosignatureTime,
}

impl CosignIntent {
    /// Size and root to be locked.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The time to be locked, and then stated.
    pub fn time(&self) -> CosignatureTime {
        self.time
    }
}

impl Witness {
    /// A cosigner whose lock holds this head and time.
    pub fn new(locked: &LockedHead) -> Self {
        let (role, origin) = (locked.role(), locked.origin().clone());
        Self { role, origin, last: locked.head(), time: locked.time() }
    }

    /// What it stated last; the empty head before the first.
    pub fn last(&self) -> Head {
        self.last
    }

    /// When it spoke last.
    pub fn time(&self) -> Option<CosignatureTime> {
        self.time
    }

    /// Decides whether a checkpoint of the author may be cosigned as witness: whether it goes on from what was
    /// cosigned before, by a proof between the two (RFC 6962 §2.1.2; c2sp.org/tlog-witness). The same head again
    /// renews the statement; the proof is empty then.
    ///
    /// # Errors
    /// A [`WitnessRefusal`]; nothing may be signed then.
    pub fn check(
        &self,
        checkpoint: &VerifiedCheckpoint,
        proof: &ConsistencyProof,
        now: CosignatureTime,
    ) -> Result<CosignIntent, WitnessRefusal> {
        let stated = checkpoint.checkpoint();
        if stated.origin() != self.origin.as_str() {
            return Err(WitnessRefusal::OtherOrigin);
        }
        let head = Head { size: stated.size(), root: stated.root() };
        if head.size < self.last.size {
            return Err(WitnessRefusal::Behind { size: head.size, last: self.last.size });
        }
        if head.size == self.last.size && head.root != self.last.root {
            return Err(WitnessRefusal::OtherRoot { size: head.size });
        }
        // From the empty tree the proof is empty, and the root of size 0 is the empty one.
        verify_consistency(self.last.size, &self.last.root, head.size, &head.root, proof)
            .map_err(|source| WitnessRefusal::Proof { source })?;
        // c2sp.org/tlog-cosignature: the times of one cosigner never go back, whatever the clock does.
        let time = self.time.map_or(now, |last| last.max(now));
        Ok(CosignIntent { role: self.role, checkpoint: checkpoint.clone(), head, time })
    }

    /// Decides as [`check`](Self::check) does for a mirror, which must hold all that it states.
    ///
    /// # Errors
    /// [`WitnessRefusal::NotHeld`] if the store does not hold exactly this tree; else as [`check`](Self::check).
    pub fn check_held(
        &self,
        checkpoint: &VerifiedCheckpoint,
        held: &HeldHead,
        proof: &ConsistencyProof,
        now: CosignatureTime,
    ) -> Result<CosignIntent, WitnessRefusal> {
        let intent = self.check(checkpoint, proof, now)?;
        if held.origin == self.origin && held.head == intent.head {
            Ok(intent)
        } else {
            Err(WitnessRefusal::NotHeld { size: intent.head.size, held: held.head.size })
        }
    }

    /// Signs what was decided and locked. The same head and time give the same line again.
    ///
    /// # Errors
    /// [`WitnessRefusal::LockedElsewhere`] if the lock is not for this very head and time.
    pub fn sign(
        &mut self,
        intent: &CosignIntent,
        locked: &LockedHead,
        key: &SigningKey,
    ) -> Result<SignatureLine, WitnessRefusal> {
        let same = locked.role() == intent.role
            && intent.role == self.role
            && *locked.origin() == self.origin
            && locked.head() == intent.head
            && locked.time() == Some(intent.time);
        if !same || self.role == Role::Author {
            return Err(WitnessRefusal::LockedElsewhere { size: locked.head().size });
        }
        let line = key.cosign(intent.checkpoint.checkpoint(), intent.time);
        let line = line.map_err(|source| WitnessRefusal::Sign { source })?;
        (self.last, self.time) = (intent.head, Some(intent.time));
        Ok(line)
    }
}

/// Why nothing was cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// A checkpoint of another log.
    #[error("the checkpoint is of another origin")]
    OtherOrigin,
    /// Smaller than what was cosigned before.
    #[error("the checkpoint has size {size}, but {last} was cosigned")]
    Behind {
        /// Its size.
        size: TreeSize,
        /// The size cosigned last.
        last: TreeSize,
    },
    /// Another tree of the size cosigned last.
    #[error("another tree of size {size} was cosigned")]
    OtherRoot {
        /// The size.
        size: TreeSize,
    },
    /// The proof does not join the two.
    #[error("the checkpoint is not shown to go on from the one cosigned last")]
    Proof {
        /// Why.
        #[source]
        source: ProofError,
    },
    /// A mirror does not hold it.
    #[error("a mirror states {size} entries only when it holds them, and it holds {held}")]
    NotHeld {
        /// Entries stated.
        size: TreeSize,
        /// Entries held.
        held: TreeSize,
    },
    /// The sign-lock is for something else.
    #[error("the sign-lock holds size {size} of another statement; nothing was signed")]
    LockedElsewhere {
        /// The size in the lock.
        size: TreeSize,
    },
    /// The key cannot cosign.
    #[error("the key cannot cosign")]
    Sign {
        /// Why.
        #[source]
        source: KeyError,
    },
}

#[cfg(test)]
mod tests;
