//! This node's own cosigners: a witness and a mirror for every log that it follows, and the witness that renews what the
//! own log states.
//!
//! Each statement is compared with the sign-lock, written there and synced before it is signed. Blocking. Not here: what
//! may be stated (`comity_ledger::Witness`), and where the lines go.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use comity_ledger::{CosignIntent, KeyHistory, KeyRole, Origin, Role, RoleKey, Witness, WitnessRefusal};
use comity_store::{SignLock, Store, StoreError};
use comity_tlog::{
    ConsistencyProof, CosignatureTime, ProveError, SignatureLine, SigningKey, TreeSize, VerifiedCheckpoint,
    VerifierKey, prove_consistency,
};

use crate::{Home, NodeError};

/// The cosigners of a node.
#[derive(Debug)]
pub(super) struct Cosigners {
    /// Witness and mirror.
    keys: RwLock<[SigningKey; 2]>,
    /// The keys of the own log with which they were read.
    by: Mutex<Option<KeyHistory>>,
    lock: Arc<SignLock>,
    states: Mutex<BTreeMap<(Role, Origin), Witness>>,
}

impl Cosigners {
    pub(super) fn new(witness: SigningKey, mirror: SigningKey, lock: Arc<SignLock>) -> Self {
        Self { keys: RwLock::new([witness, mirror]), by: Mutex::default(), lock, states: Mutex::default() }
    }

    /// The keys that the lines are of: witness and mirror.
    pub(super) fn keys(&self) -> [VerifierKey; 2] {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.each_ref().map(|key| key.verifier().clone())
    }

    /// Takes up the keys that lie in the home, if key events of the own log have come since they were read.
    ///
    /// # Errors
    /// A [`NodeError`] if one does not read; those before go on.
    pub(super) fn follow(&self, own: KeyHistory, home: &Home) -> Result<(), NodeError> {
        let mut by = self.by.lock().unwrap_or_else(PoisonError::into_inner);
        if by.as_ref() != Some(&own) {
            let read = home.cosigner_keys()?;
            let [witness, mirror] = read.each_ref().map(SigningKey::verifier);
            // An event is in the log before the file of its key is in its place: then that is read with the next round.
            let is_settled =
                !has_ended(&own, KeyRole::Witness, witness) && !has_ended(&own, KeyRole::Mirror, mirror);
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = read;
            *by = is_settled.then_some(own);
        }
        Ok(())
    }

    /// States in one role that a checkpoint, of which the store holds every entry, is the largest seen of its log. At
    /// the very head and second that were stated last the same line is made again.
    ///
    /// # Errors
    /// A [`CosignError`]; nothing was signed then.
    pub(super) fn cosign(
        &self,
        store: &Store,
        role: Role,
        origin: &Origin,
        checkpoint: &VerifiedCheckpoint,
        now: CosignatureTime,
    ) -> Result<SignatureLine, CosignError> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let witness = self.cosigner(&mut states, store, role, origin)?;
        let (from, to) = (witness.last().size, checkpoint.checkpoint().size());
        if to < from {
            return Err(WitnessRefusal::Behind { size: to, last: from }.into());
        }
        let proof = prove_consistency(&store.nodes(origin), from, to)?;
        let intent = match role {
            Role::Mirror => {
                let held = store.held_head(origin)?.ok_or(CosignError::NothingHeld)?;
                witness.check_held(checkpoint, &held, &proof, now)?
            }
            Role::Author | Role::Witness => witness.check(checkpoint, &proof, now)?,
        };
        self.state(store, role, origin, witness, &intent)
    }

    /// States as witness that a checkpoint which somebody shows goes on from the one stated last, by the proof that
    /// comes with it: `shown` is the size from which the proof starts, and the proof.
    ///
    /// # Errors
    /// A [`CosignError`]; nothing was signed then.
    pub(super) fn cosign_shown(
        &self,
        store: &Store,
        origin: &Origin,
        checkpoint: &VerifiedCheckpoint,
        shown: (TreeSize, &ConsistencyProof),
        now: CosignatureTime,
    ) -> Result<Shown, CosignError> {
        let (role, (old, proof)) = (Role::Witness, shown);
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let witness = self.cosigner(&mut states, store, role, origin)?;
        let last = witness.last().size;
        if old != last {
            return Ok(Shown::OtherSize(last));
        }
        let intent = witness.check(checkpoint, proof, now)?;
        self.state(store, role, origin, witness, &intent).map(Shown::Cosigned)
    }

    /// The cosigner of a log in one role, as its lock and the store know it. Whoever holds the states is the only one
    /// who cosigns: two statements of one role would overtake each other at the lock.
    fn cosigner<'a>(
        &self,
        states: &'a mut BTreeMap<(Role, Origin), Witness>,
        store: &Store,
        role: Role,
        origin: &Origin,
    ) -> Result<&'a mut Witness, CosignError> {
        Ok(match states.entry((role, origin.clone())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let stated = store.stated(role, origin)?;
                new.insert(Witness::new(&self.lock.cosigner(role, origin, stated)?))
            }
        })
    }

    /// Locks what may be stated, signs it, and notes that it was.
    fn state(
        &self,
        store: &Store,
        role: Role,
        origin: &Origin,
        witness: &mut Witness,
        intent: &CosignIntent,
    ) -> Result<SignatureLine, CosignError> {
        let locked = self.lock.advance(role, origin, intent.head(), Some(intent.time()))?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let [as_witness, as_mirror] = &*keys;
        let line =
            witness.sign(intent, &locked, if role == Role::Mirror { as_mirror } else { as_witness })?;
        drop(keys);
        store.put_stated(role, origin, intent.head())?;
        Ok(line)
    }

    /// Whether a larger checkpoint was stated in one role than this one, since the start: one that somebody showed, and
    /// whose entries have not come.
    pub(super) fn is_beyond(&self, role: Role, origin: &Origin, checkpoint: &VerifiedCheckpoint) -> bool {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let last = states.get(&(role, origin.clone())).map(|witness| witness.last().size);
        last.is_some_and(|last| last > checkpoint.checkpoint().size())
    }

    /// What was stated last in one role of one log, if anything was since the start.
    pub(super) fn is_stated(&self, role: Role, origin: &Origin, checkpoint: &VerifiedCheckpoint) -> bool {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let last = states.get(&(role, origin.clone())).filter(|witness| witness.time().is_some());
        last.is_some_and(|witness| witness.last().size == checkpoint.checkpoint().size())
    }
}

/// Whether an event of the own log has ended a key.
fn has_ended(own: &KeyHistory, role: KeyRole, key: &VerifierKey) -> bool {
    let ended =
        |named: &RoleKey| own.spans().iter().any(|span| span.key() == named && span.until().is_some());
    RoleKey::signing(role, key).is_ok_and(|named| ended(&named))
}

/// What a checkpoint that somebody shows comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It was stated.
    Cosigned(SignatureLine),
    /// The proof does not start from the size that was stated last, which is this one.
    OtherSize(TreeSize),
}

/// Why nothing was cosigned.
#[derive(Debug, thiserror::Error)]
pub(super) enum CosignError {
    /// The checkpoint may not be cosigned.
    #[error(transparent)]
    Refused(#[from] WitnessRefusal),
    /// The store or the sign-lock.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tree of the log cannot be read.
    #[error("the tree of the log cannot be read")]
    Tree(#[from] ProveError<StoreError>),
    /// A mirror of nothing.
    #[error("nothing of the log is held")]
    NothingHeld,
}

impl CosignError {
    /// Whether it is only not yet time: more is held already than was looked at, or a log that is fetched anew has not
    /// come as far as it was.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Refused(WitnessRefusal::NotHeld { .. } | WitnessRefusal::Behind { .. }) | Self::NothingHeld
        )
    }

    /// Whether stable storage failed: the process must stop.
    pub(super) fn is_of_the_medium(&self) -> bool {
        match self {
            Self::Store(error) | Self::Tree(ProveError::Read { source: error, .. }) => {
                error.is_of_the_medium()
            }
            _ => false,
        }
    }
}
