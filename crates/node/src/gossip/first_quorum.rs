//! Checkpoints as they stood with their first quorum (D23): which of the own log are kept so, and what one of another log
//! proves that came with its entries.
//!
//! Not here: whether its tree is the one that is held (`follow`), and how they are kept (`comity-store`).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use comity_ledger::{AgencyId, Cosigned, Entry, Generation, Kind, LineTaken, Origin};
use comity_store::ReadError;
use comity_tlog::{CosignatureTime, Hash, SignedCheckpoint, VerifiedCheckpoint, VerifierKey};

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
pub(crate) struct FirstQuorum {
    /// The checkpoint with the good lines of known cosigners and no others: any other could spoil it for others.
    pub(crate) note: SignedCheckpoint,
    /// By when its tree certainly existed, if the policy that is pinned here is met.
    pub(crate) existed_by: Option<CosignatureTime>,
    /// How many good lines it has.
    pub(crate) lines: usize,
    /// Whether a line was left out since its time has not come by the clock of this machine.
    pub(crate) is_early: bool,
}

impl FirstQuorum {
    /// Whether it proves more than another of the same tree: an earlier time, or else by more lines.
    pub(crate) fn proves_more_than(&self, other: &Self) -> bool {
        match (self.existed_by, other.existed_by) {
            (Some(time), Some(other)) => time < other,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => self.lines > other.lines,
        }
    }
}

/// By whose lines and which policy all first quorums of a log were judged that a peer had, since this node started.
#[derive(Debug, Default)]
pub(crate) struct JudgedInFull(Mutex<HashMap<(AgencyId, Origin), Hash>>);

impl JudgedInFull {
    /// Whether it was by these.
    pub(crate) fn was_by(&self, from: &AgencyId, origin: &Origin, judges: Hash) -> bool {
        self.all().get(&(from.clone(), origin.clone())) == Some(&judges)
    }

    /// Remembers that it was.
    pub(crate) fn is_by(&self, from: &AgencyId, origin: &Origin, judges: Hash) {
        self.all().insert((from.clone(), origin.clone()), judges);
    }

    /// Forgets it: they are to be asked for again.
    pub(crate) fn forget(&self, from: &AgencyId, origin: &Origin) {
        self.all().remove(&(from.clone(), origin.clone()));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<(AgencyId, Origin), Hash>> {
        // What a thread that panicked left is whole: it is written at once.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    /// A name for all by which lines are judged: another where a cosigner, a key or the policy is another.
    pub(crate) fn name(&self) -> Hash {
        let mut keys: Vec<String> = self.cosigners.iter().map(ToString::to_string).collect();
        keys.sort_unstable();
        let policy = self.judges.policy_text().unwrap_or_default();
        Hash::digest(&[keys.join("\n").as_bytes(), b"\n\n", &policy].concat())
    }

    /// Judges the lines on a checkpoint. One that its cosigner did not make for this tree, or of a time that has not come,
    /// is left out: whoever put it there, or whose clock it is, must not void the others (D23).
    ///
    /// # Errors
    /// A [`NodeError`] if no note can be made of those that are good.
    pub(crate) fn judge(&self, checkpoint: VerifiedCheckpoint) -> Result<FirstQuorum, NodeError> {
        let lines = checkpoint.note().note().lines().to_vec();
        let mut cosigned = Cosigned::new(checkpoint, Generation::default());
        let mut is_early = false;
        for line in &lines {
            is_early |= cosigned.take(line, &self.cosigners, clock()) == LineTaken::Future;
        }
        let note = cosigned.note().map_err(|source| NodeError::OwnNote { source })?;
        let (existed_by, lines) = (self.judges.judge(&cosigned).existed_by, cosigned.cosigners().count());
        Ok(FirstQuorum { note, existed_by, lines, is_early })
    }
}
