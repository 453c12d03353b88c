//! What this node and its peers say of the logs that they know: cosignatures, and the comparison that finds a split
//! view.
//!
//! Whatever was kept of a log comes here by its checkpoint, is cosigned, and is told to every peer that knows the log.
//! Not here: entries and openings (`follow`, `exchange`), and the rules of all this (`comity-ledger`).

mod add_checkpoint;
mod convict;
mod cosigners;
mod first_quorum;
mod geneses;
mod heads;
mod monitored;
mod other_trees;
mod own;
mod own_successor;
mod revocations;
mod run;
mod standing;
mod void;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comity_ledger::{
    AgencyId, Cosigned, Entropy as _, EntropyError, Generation, Gossip, Gossiped, Head, KeyHistory, KeyRole,
    LineTaken, Origin, OriginDigest, Role, Seen, compare,
};
use comity_store::{LogRole, Store};
use comity_tlog::{CosignatureTime, SignatureLine, SignedCheckpoint, VerifiedCheckpoint, VerifierKey};
use comity_wire::ListDigest;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::add_checkpoint::AddCheckpointAnswer;
use self::cosigners::{CosignError, Cosigners};
pub(crate) use self::first_quorum::{FirstQuorum, FirstQuorums, JudgedInFull, ProvedBelow, first_dated};
use self::heads::PeerState;
use self::standing::Standing;
pub(crate) use self::standing::policy_for;
pub use self::standing::{LogState, log_states_at_rest};
use crate::author_keys::{keys_of, role_keys_of};
use crate::ended_keys::revoked_cosigners;
use crate::exchange::is_served;
use crate::{Alarm, AlarmKey, AuthorTask, FollowParts, Node, NodeError, Peers, SystemEntropy, now};

/// The alarm that one of the own cosigners may not speak any more.
const COSIGNER: &str = "cosigner";

/// What a node knows of checkpoints and of those who cosign them; shared by its tasks and services.
#[derive(Debug)]
pub struct Gossiping {
    // It holds the lock, which goes before the database of the node.
    cosigners: Cosigners,
    node: Arc<Node>,
    peers: Arc<Peers>,
    state: Mutex<State>,
    /// Held by whoever acts upon evidence.
    convicting: Mutex<()>,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    gossip: Gossip,
    /// The note of each log as it was last read from the store, so that nothing is verified twice.
    read: BTreeMap<Origin, Vec<u8>>,
    standings: BTreeMap<Origin, Standing>,
    peers: BTreeMap<AgencyId, PeerState>,
    /// The revocation lists that were in force at the last round.
    lists: Vec<ListDigest>,
    /// Peers that were called since the start, whether or not they answered.
    tried: BTreeSet<AgencyId>,
    /// Peers that have answered since the start whether the own log has a successor.
    asked: BTreeSet<AgencyId>,
    /// How often each has shown a larger checkpoint of the own log that no known key has signed.
    claims: BTreeMap<AgencyId, u8>,
}

/// A log that is spoken of: its author's keys, and what it is to this node.
struct Spoken {
    origin: Origin,
    role: LogRole,
    keys: KeyHistory,
}

impl Gossiping {
    /// Nothing known yet; the first round reads what the store has.
    ///
    /// # Errors
    /// A [`NodeError`] if the keys of the cosigners do not read.
    pub fn new(node: Arc<Node>, peers: Arc<Peers>) -> Result<Arc<Self>, NodeError> {
        let [witness, mirror] = node.home().cosigner_keys()?;
        let cosigners = Cosigners::new(witness, mirror, Arc::clone(node.lock()));
        // By chance, not by the clock: a process that begins in the second of another one, or after the clock was put
        // back, must not count the same way again. Half of the range is room to count.
        let mut drawn = [0; 8];
        SystemEntropy::new().fill(&mut drawn).map_err(|EntropyError| NodeError::Entropy)?;
        let begun = Generation::new(u64::from_be_bytes(drawn) >> 1);
        let state = State {
            gossip: Gossip::new(begun),
            read: BTreeMap::new(),
            standings: BTreeMap::new(),
            peers: BTreeMap::new(),
            lists: Vec::new(),
            tried: BTreeSet::new(),
            asked: BTreeSet::new(),
            claims: BTreeMap::new(),
        };
        let (changed, _) = watch::channel(0);
        let gossiping =
            Self { node, peers, cosigners, state: Mutex::new(state), convicting: Mutex::default(), changed };
        Ok(Arc::new(gossiping))
    }

    /// Starts what cosigns and what speaks to every peer of the register, in tasks of `tasks` until `stop`.
    /// Evidence that comes up is entered in the own log through `author`.
    pub fn start(
        self: &Arc<Self>,
        parts: &FollowParts,
        author: Option<AuthorTask>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) {
        run::start(self, parts, author, tasks, stop);
    }

    /// The node that it speaks for.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The register of peers.
    pub fn peers(&self) -> &Arc<Peers> {
        &self.peers
    }

    /// Changes each time there may be something to tell peers.
    fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Forgets what an agency that is no peer any more has said and was told.
    fn forget_peer(&self, agency: &AgencyId) {
        self.state().peers.remove(agency);
        self.end_suspicions(agency);
    }

    /// Counts nothing as seen any more, so that everything is said again: a line of a cosigner that was not known when it
    /// came was passed over.
    fn see_anew(&self) {
        self.state().peers.values_mut().for_each(|with| with.seen = Seen::default());
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic leaves what is known at most one line behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those whose lines are taken in: witness and mirror of every agency of the register and of this node, and the
    /// witnesses that a policy names.
    fn cosigner_keys(&self) -> Result<Vec<VerifierKey>, NodeError> {
        cosigner_keys(self.node.store(), &self.peers, self.cosigners.keys())
    }

    /// The publication logs that are held and whose key is known: the own one, and those of the agencies of the
    /// register.
    fn logs(&self) -> Result<Vec<Spoken>, NodeError> {
        let mut logs = Vec::new();
        for (origin, role) in self.node.store().logs()? {
            if !is_served(&origin) {
                continue;
            }
            if let Some(keys) = self.keys_of(&origin)? {
                logs.push(Spoken { origin, role, keys });
            }
        }
        Ok(logs)
    }

    /// The keys of the author of a log, by as much of it as is held.
    fn keys_of(&self, origin: &Origin) -> Result<Option<KeyHistory>, NodeError> {
        keys_of(self.node.store(), &self.peers, origin)
    }

    /// Takes in what was kept since the last round, cosigns it, and, where `renew` says so, states again what was stated
    /// before. Says whether the newest checkpoint of the own log waits to be stated. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails or is damaged.
    fn round(&self, renew: bool) -> Result<bool, NodeError> {
        self.cosigners.follow(self.node.own_keys()?, self.node.home())?;
        self.acquit()?;
        let (keys, mut news) = (self.cosigner_keys()?, self.has_other_lists());
        for evidence in self.node.doubts().take_found() {
            news |= self.convict(&evidence)?;
        }
        let logs = self.logs()?;
        for log in &logs {
            if self.take_kept(log, &keys)? {
                self.settle(&log.origin)?;
                news = true;
            }
            self.note_closed(log)?;
        }
        self.look_at_the_clock();
        self.look_at_policies()?;
        // What a witness says is told before the mirror speaks: each waits for a sync of its lock, and a quorum waits for
        // witnesses alone.
        for role in [Role::Witness, Role::Mirror] {
            for log in &logs {
                if self.cosign(log, role, &keys, renew)? {
                    self.settle(&log.origin)?;
                    news = true;
                }
            }
            if std::mem::take(&mut news) {
                self.tell();
            }
        }
        Ok(self.is_waiting())
    }

    /// Takes the newest complete checkpoint of a log from the store, with the lines that it came with.
    fn take_kept(&self, log: &Spoken, keys: &[VerifierKey]) -> Result<bool, NodeError> {
        let store = self.node.store();
        self.forget_void(log);
        let Some(note) = self.newest_note(log)? else { return Ok(false) };
        let mut state = self.state();
        if state.read.get(&log.origin) == Some(&note) {
            return Ok(false);
        }
        let signed = SignedCheckpoint::parse(&note).map_err(|source| NodeError::OwnNote { source })?;
        // What is kept under another key than the author's is nothing to speak of.
        let Ok(verified) = log.keys.verify(&signed) else { return Ok(false) };
        let before = state.gossip.cosigned(&OriginDigest::of(&log.origin)).map(Cosigned::generation);
        let shown = state.gossip.put(verified.clone());
        let name = OriginDigest::of(&log.origin);
        if let Some(cosigned) = state.gossip.cosigned_mut(&name) {
            for line in signed.note().lines() {
                cosigned.take(line, keys, clock());
            }
        }
        let after = state.gossip.cosigned(&name).map(Cosigned::generation);
        state.read.insert(log.origin.clone(), note);
        drop(state);
        if let Some(shown) = shown
            && let Gossiped::Fork(evidence) = compare(&verified, &shown, &store.nodes(&log.origin))
        {
            self.convict(&evidence)?;
        }
        Ok(before != after)
    }

    /// The newest complete checkpoint of a log; of one that is closed the newest that is not void.
    fn newest_note(&self, log: &Spoken) -> Result<Option<Vec<u8>>, NodeError> {
        let store = self.node.store();
        let newest = store.newest_note(&log.origin)?;
        let Some(end) = log.keys.closed() else { return Ok(newest) };
        let is_good = |note: &Vec<u8>| {
            SignedCheckpoint::parse(note).is_ok_and(|signed| log.keys.verify(&signed).is_ok())
        };
        if newest.as_ref().is_none_or(is_good) {
            return Ok(newest);
        }
        Ok(store.newest_note_up_to(&log.origin, end.size)?)
    }

    /// Speaks no more of a checkpoint that is void since its log was closed, or whose entries were set aside: it is neither
    /// stated nor cosigned again.
    fn forget_void(&self, log: &Spoken) {
        if log.keys.closed().is_none() {
            return;
        }
        let name = OriginDigest::of(&log.origin);
        // Nobody else waits while the tree is read.
        let spoken = self.state().gossip.cosigned(&name).map(|spoken| spoken.checkpoint().clone());
        let is_void = |spoken: VerifiedCheckpoint| {
            let head = Head { size: spoken.checkpoint().size(), root: spoken.checkpoint().root() };
            !log.keys.still_verifies(&spoken) || !self.is_held(&log.origin, head)
        };
        if spoken.is_some_and(is_void) {
            let mut state = self.state();
            state.gossip.forget(&name);
            state.read.remove(&log.origin);
            state.standings.remove(&log.origin);
        }
    }

    /// Lets one of the own cosigners speak of the newest checkpoint of a log: of those of others both do, of the own one
    /// the witness alone, which shows that it still stands (D22) and counts for nobody's quorum. Says whether it did.
    fn cosign(&self, log: &Spoken, role: Role, keys: &[VerifierKey], renew: bool) -> Result<bool, NodeError> {
        let name = OriginDigest::of(&log.origin);
        let newest = self.state().gossip.cosigned(&name).map(|held| held.checkpoint().clone());
        let Some(newest) = newest.filter(|_| !self.is_in_doubt(&log.origin)) else { return Ok(false) };
        let speaks = match log.role {
            // Own lines say that the log still stands, once a second at most: a commit waits for none of them.
            LogRole::Own => role == Role::Witness && (renew || self.is_due(&log.origin)),
            LogRole::Replica => true,
        };
        let is_stated = !renew && self.cosigners.is_stated(role, &log.origin, &newest);
        if !speaks || is_stated || self.cosigners.is_beyond(role, &log.origin, &newest) {
            return Ok(false);
        }
        match self.cosigners.cosign(self.node.store(), role, &log.origin, &newest, clock()) {
            Ok(line) => {
                self.node.alarms().end(&cosigner_alarm(&log.origin));
                let mut state = self.state();
                let cosigned = state.gossip.cosigned_mut(&name);
                Ok(cosigned.is_some_and(|held| held.take(&line, keys, clock()) == LineTaken::New))
            }
            Err(error) => self.cannot_cosign(log, role, &newest, &error).map(|()| false),
        }
    }

    /// Whether the own log may be stated: not within the second in which it was stated last, since commits come faster.
    fn is_due(&self, origin: &Origin) -> bool {
        let last = self.state().standings.get(origin).and_then(|standing| standing.fresh_at);
        last.is_none_or(|last| clock() > last)
    }

    /// Whether the newest checkpoint of the own log was not stated for the only reason that one before it just was. A peer
    /// that holds nothing else would not know that the log still stands until the next renewal.
    fn is_waiting(&self) -> bool {
        let own = self.node.home().origin();
        if self.is_due(&own) || self.is_in_doubt(&own) {
            return false;
        }
        let newest =
            self.state().gossip.cosigned(&OriginDigest::of(&own)).map(|held| held.checkpoint().clone());
        newest.is_some_and(|newest| !self.cosigners.is_stated(Role::Witness, &own, &newest))
    }

    fn cannot_cosign(
        &self,
        log: &Spoken,
        role: Role,
        newest: &VerifiedCheckpoint,
        error: &CosignError,
    ) -> Result<(), NodeError> {
        if error.is_of_the_medium() {
            self.node.store().give_up();
            return Err(NodeError::Storage);
        }
        let size = newest.checkpoint().size();
        tracing::warn!(origin = %log.origin, %role, %size, %error, "not cosigned");
        if error.is_passing() {
            return Ok(());
        }
        let key = cosigner_alarm(&log.origin);
        let message = format!("the own {role} does not cosign this log: {error}");
        self.node.alarms().raise(Alarm { key, since: now(), message });
        Ok(())
    }

    /// Takes in the line of a cosigner on a checkpoint of the own log. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails.
    pub(crate) fn take_line(&self, on: &SignedCheckpoint, line: &SignatureLine) -> Result<(), NodeError> {
        let (origin, keys) = (self.node.home().origin(), self.cosigner_keys()?);
        let stated = on.checkpoint();
        let on_newest = {
            let mut state = self.state();
            let cosigned = state.gossip.cosigned_mut(&OriginDigest::of(&origin));
            let newest = cosigned.filter(|cosigned| cosigned.head().size == stated.size());
            newest.map(|cosigned| cosigned.take(line, &keys, clock()))
        };
        match on_newest {
            Some(LineTaken::New) => {
                self.settle(&origin)?;
                self.tell();
            }
            Some(_) => {}
            // The log has grown since: the line stands on the checkpoint that it was made for.
            None => {
                if let Ok(cosigned) = on.with_line(line.clone()) {
                    self.node.store().keep_lines(&origin, &cosigned)?;
                }
            }
        }
        Ok(())
    }

    /// Brings what is known of a log into the store and into its standing.
    fn settle(&self, origin: &Origin) -> Result<(), NodeError> {
        let cosigned = self.state().gossip.cosigned(&OriginDigest::of(origin)).cloned();
        let Some(cosigned) = cosigned else { return Ok(()) };
        if let Ok(note) = cosigned.note() {
            self.node.store().keep_lines(origin, &note)?;
        }
        self.stand(origin, &cosigned)
    }
}

/// Those whose lines are taken in where `own` are the cosigners of this node.
fn cosigner_keys(store: &Store, peers: &Peers, own: [VerifierKey; 2]) -> Result<Vec<VerifierKey>, NodeError> {
    let mut keys: Vec<VerifierKey> = own.into();
    for peer in peers.list() {
        for role in [KeyRole::Witness, KeyRole::Mirror] {
            keys.extend(role_keys_of(store, &peer, role)?);
        }
        let named = peer.policy().into_iter().flat_map(|policy| policy.witnesses().cloned());
        keys.extend(named);
    }
    if let Some(policy) = peers.own_policy() {
        keys.extend(policy.witnesses().cloned());
    }
    let revoked = revoked_cosigners(store, peers)?;
    let mut known = Vec::with_capacity(keys.len());
    for key in keys {
        if !known.contains(&key) && !revoked.contains(&key) {
            known.push(key);
        }
    }
    Ok(known)
}

fn cosigner_alarm(origin: &Origin) -> AlarmKey {
    AlarmKey { code: COSIGNER, origin: origin.to_string(), agency: origin.agency().to_string() }
}

/// The time by this node's clock, as cosignatures state it.
pub(crate) fn clock() -> CosignatureTime {
    to_time(now().unix_secs())
}

/// A time in seconds as cosignatures state it.
fn to_time(secs: u64) -> CosignatureTime {
    // Beyond 2^63 seconds there is no time that could be stated.
    CosignatureTime::new(secs).unwrap_or(CosignatureTime::MAX)
}
