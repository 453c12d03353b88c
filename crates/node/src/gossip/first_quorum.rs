//! Checkpoints as they stood with their first quorum (D23): which of the own log are kept so, and what one of another log
//! proves that came with its entries.
//!
//! Not here: whether its tree is the one that is held (`follow`), and how they are kept (`comity-store`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Range, RangeInclusive};
use std::sync::{Mutex, MutexGuard, PoisonError};

use comity_ledger::{AgencyId, Cosigned, Entry, Generation, KeyEnd, KeyRole, Kind, LineTaken, Origin};
use comity_store::{ReadError, Store};
use comity_tlog::{
    CosignatureBlob, CosignatureTime, EntryIndex, Hash, SignatureLine, SignedCheckpoint, TreeSize,
    VerifiedCheckpoint, VerifierKey,
};

use super::standing::Judges;
use super::{Gossiping, clock, cosigner_keys};
use crate::ended_keys::{EndedKey, ended_keys};
use crate::{Node, NodeError, Peers};

impl Gossiping {
    /// Keeps the own checkpoint as it stands with its first quorum, if it is the first to cover an entry of which it must be
    /// provable when it took effect: cosigners renew their lines, and then it is not any more.
    pub(super) fn keep_first_quorum(
        &self,
        origin: &Origin,
        cosigned: &Cosigned,
        existed_by: CosignatureTime,
    ) -> Result<(), NodeError> {
        let (store, size) = (self.node.store(), cosigned.head().size);
        let from = store.existed_before(origin, size)?;
        if first_dated(store, origin, from..size)?.is_some() {
            let note = cosigned.note().map_err(|source| NodeError::OwnNote { source })?;
            let note = self.with_kept_lines(origin, note)?;
            store.put_first_quorum(origin, &note, Some(existed_by))?;
            // Followers are sent it.
            self.node.tell_news();
        }
        Ok(())
    }
}

impl Gossiping {
    /// An own checkpoint with the lines that are kept of it as well, of each witness the earliest: those that came since are
    /// renewed, and prove a later time to whoever judges by them alone.
    fn with_kept_lines(
        &self,
        origin: &Origin,
        note: SignedCheckpoint,
    ) -> Result<SignedCheckpoint, NodeError> {
        let Some(kept) = self.node.store().first_quorum_of(origin, note.checkpoint().size())? else {
            return Ok(note);
        };
        let kept = SignedCheckpoint::parse(&kept).map_err(|source| NodeError::OwnNote { source })?;
        let keys = self.node.own_keys()?;
        let by = FirstQuorums::of(&self.node, &self.peers, origin)?;
        let (Ok(verified), Ok(kept)) = (keys.verify(&note), keys.verify(&kept)) else { return Ok(note) };
        let kept = by.judge(kept)?;
        Ok(by.judge_both(verified, &kept)?.note)
    }
}

/// The first of some entries of which it must be provable when it took effect (D23): one of kind 3, 4, 7 or 8.
///
/// # Errors
/// A [`NodeError`] if the store fails or is damaged.
pub(crate) fn first_dated(
    store: &Store,
    origin: &Origin,
    of: Range<TreeSize>,
) -> Result<Option<EntryIndex>, NodeError> {
    let look = store.each_entry(origin, of.start, of.end, |index, bytes| match Entry::kind_of(bytes) {
        Ok(Kind::Control | Kind::Governance | Kind::Key | Kind::Erase) => Err(index),
        Ok(_) | Err(_) => Ok(()),
    });
    match look {
        Ok(()) => Ok(None),
        Err(ReadError::Store(error)) => Err(error.into()),
        Err(ReadError::Taker(index)) => Ok(Some(index)),
    }
}

/// What the lines on checkpoints of one log are judged by.
#[derive(Debug)]
pub(crate) struct FirstQuorums {
    cosigners: Vec<VerifierKey>,
    /// Keys that have ended since: what they signed while they were in force counts and is kept (`retired`).
    retired: Vec<Retired>,
    judges: Judges,
}

/// A witness key that its agency has retired.
#[derive(Debug)]
struct Retired {
    key: VerifierKey,
    /// The seconds in which it was in force.
    in_force: RangeInclusive<u64>,
    /// The key of the same witness that the policy names, if it names another one.
    counts_as: Option<VerifierKey>,
}

impl Retired {
    /// All whose lines may stand on checkpoints of a log, but those of its author, and those that its policy names: these
    /// count whenever they were made, until they are revoked.
    fn all(node: &Node, peers: &Peers, origin: &Origin, judges: &Judges) -> Result<Vec<Self>, NodeError> {
        let ended = ended_keys(node.store(), peers)?;
        let mut retired = Vec::new();
        for of in &ended {
            let is_others = of.agency != *origin.agency() && !judges.named().any(|key| *key == of.key);
            let is_good = of.end == KeyEnd::Retired && !judges.is_revoked(&of.key);
            if !is_others || of.role != KeyRole::Witness || !is_good {
                continue;
            }
            // One agency is one witness, whichever of its keys a policy names.
            let is_same = |key: &VerifierKey| {
                let is_ended = |other: &EndedKey| {
                    other.role == KeyRole::Witness && other.agency == of.agency && other.key == *key
                };
                ended.iter().any(is_ended) || judges.is_of(key, &of.agency)
            };
            let counts_as = judges.named().find(|key| is_same(key)).cloned();
            let in_force = of.in_force(node.store())?;
            retired.push(Self { key: of.key.clone(), in_force, counts_as });
        }
        Ok(retired)
    }

    /// Whether it was in force when a line says that it was signed: whoever has the key may say any time, as every witness
    /// may, and is one of those of whom f may lie.
    fn made_in_time(&self, line: &SignatureLine) -> bool {
        let blob = CosignatureBlob::parse(self.key.kind(), line.signature());
        blob.is_ok_and(|blob| self.in_force.contains(&blob.time().value()))
    }
}

/// A checkpoint of which the author's signature was verified, with what its lines came to.
#[derive(Clone, Debug)]
pub(crate) struct FirstQuorum {
    /// The checkpoint with the good lines of known cosigners and no others: any other could spoil it for others.
    pub(crate) note: SignedCheckpoint,
    /// By when its tree certainly existed, if the policy that is pinned here is met.
    pub(crate) existed_by: Option<CosignatureTime>,
    /// Who cosigned, and the earliest time that each says; without the author, which is no witness of itself (D21).
    witnesses: Witnesses,
    /// Whether a line was left out since its time has not come by the clock of this machine.
    pub(crate) is_early: bool,
}

/// Cosigners by the text of their keys, each with a time.
type Witnesses = BTreeMap<String, CosignatureTime>;

impl FirstQuorum {
    /// Whether another of the same tree has each of its witnesses no later than this one: whatever the policy, this one
    /// proves nothing beyond it.
    pub(crate) fn adds_nothing_to(&self, other: &Self) -> bool {
        let is_there = |(key, time): (&String, &CosignatureTime)| {
            other.witnesses.get(key).is_some_and(|of_other| of_other <= time)
        };
        self.witnesses.iter().all(is_there)
    }
}

/// What first quorums of smaller trees prove together, for whoever comes to a larger one.
#[derive(Debug, Default)]
pub(crate) struct ProvedBelow {
    witnesses: BTreeSet<String>,
    existed_by: Option<CosignatureTime>,
}

impl ProvedBelow {
    /// Adds one more.
    pub(crate) fn add(&mut self, one: FirstQuorum) {
        self.witnesses.extend(one.witnesses.into_keys());
        let times = [self.existed_by, one.existed_by];
        self.existed_by = times.into_iter().flatten().min();
    }

    /// Whether they make one of a larger tree needless: each of its witnesses stands on one of them, and its time is not
    /// earlier. Numbers of witnesses do not decide that: others judge by other policies.
    pub(crate) fn covers(&self, larger: &FirstQuorum) -> bool {
        let is_earlier = match (larger.existed_by, self.existed_by) {
            (Some(time), Some(known)) => time < known,
            (time, None) => time.is_some(),
            (None, Some(_)) => false,
        };
        !is_earlier && larger.witnesses.keys().all(|key| self.witnesses.contains(key))
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
        let mut cosigners = cosigner_keys(node.store(), peers, own)?;
        let retired = Retired::all(node, peers, origin, &judges)?;
        // Though the policy of another log may name them.
        cosigners.retain(|key| retired.iter().all(|of| of.key != *key));
        Ok(Self { cosigners, retired, judges })
    }

    /// A name for all by which lines are judged: another where a cosigner, a key or the policy is another.
    pub(crate) fn name(&self) -> Hash {
        let mut keys: Vec<String> = self.cosigners.iter().map(ToString::to_string).collect();
        keys.extend(self.retired.iter().map(|of| format!("{} {:?}", of.key, of.in_force)));
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
        self.judge_with(checkpoint, &lines)
    }

    /// The same with the lines of another note of the same checkpoint: of each witness the earliest is kept, since whoever
    /// comes first with a part of them must not keep out the rest.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub(crate) fn judge_both(
        &self,
        checkpoint: VerifiedCheckpoint,
        other: &FirstQuorum,
    ) -> Result<FirstQuorum, NodeError> {
        let lines = [checkpoint.note().note().lines(), other.note.note().lines()].concat();
        self.judge_with(checkpoint, &lines)
    }

    fn judge_with(
        &self,
        checkpoint: VerifiedCheckpoint,
        lines: &[SignatureLine],
    ) -> Result<FirstQuorum, NodeError> {
        let mut cosigned = Cosigned::new(checkpoint, Generation::default());
        let mut is_early = false;
        for line in lines {
            let taken = match cosigned.take_earliest(line, &self.cosigners, clock()) {
                LineTaken::Unknown => self.take_retired(&mut cosigned, line),
                taken => taken,
            };
            is_early |= taken == LineTaken::Future;
        }
        let note = cosigned.note().map_err(|source| NodeError::OwnNote { source })?;
        let judged = self.judges.judge_as(&cosigned, |key| {
            let retired = self.retired.iter().find(|of| of.key == *key);
            retired.and_then(|of| of.counts_as.as_ref()).unwrap_or(key)
        });
        let existed_by = judged.existed_by;
        let others = cosigned.cosigners().filter(|(key, _)| !self.judges.is_of_author(key));
        let witnesses = others.map(|(key, time)| (key.to_string(), time)).collect();
        Ok(FirstQuorum { note, existed_by, witnesses, is_early })
    }

    fn take_retired(&self, cosigned: &mut Cosigned, line: &SignatureLine) -> LineTaken {
        let keys = self.retired.iter().filter(|of| of.made_in_time(line)).map(|of| of.key.clone());
        cosigned.take_earliest(line, &keys.collect::<Vec<_>>(), clock())
    }
}
