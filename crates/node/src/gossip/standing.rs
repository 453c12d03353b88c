//! How it stands with each log: up to where enough witnesses stand behind it, and how old its author's newest word is.
//!
//! Not here: whose lines are believed (`gossip`), and who lies (`convict`).

use std::collections::BTreeMap;

use comity_ledger::{
    AgencyId, CLOCK_SKEW_SECS_MAX, Cosigned, Evidence, Generation, Head, KeyEnd, KeyHistory, KeyRole, Origin,
};
use comity_store::{LogRole, Store};
use comity_tlog::{CosignatureTime, Policy, SignedCheckpoint, Threshold, TreeSize, VerifierKey, existed_by};

use super::{Gossiping, Spoken, clock, to_time};
use crate::author_keys::{is_whole, keys_of, role_keys_of};
use crate::doubts::is_of_author;
use crate::ended_keys::{EndedKey, ended_keys, revoked_cosigners};
use crate::exchange::is_served;
use crate::{Alarm, AlarmKey, Home, NodeError, Peer, Peers, now, pinned_policies};

/// The alarm that this machine's clock is wrong.
const CLOCK: &str = "clock";
/// Notes that are looked through backwards at a start for one with a quorum: with one a minute, about an hour.
const NOTES_BACK_MAX: usize = 64;

/// The alarm that a log which is followed is closed.
const CLOSED: &str = "closed";

/// How it stands with one log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// The largest checkpoint that a quorum of witnesses is known to have cosigned.
    pub(super) witnessed: Option<Head>,
    /// When the author said last that its newest checkpoint still stands; `None` if it never was heard to.
    pub(super) fresh_at: Option<CosignatureTime>,
    /// By when the largest witnessed tree certainly existed (D23), if its witnesses show that.
    pub(super) existed_by: Option<CosignatureTime>,
    /// Whether it is this node's own log, which is never stale here.
    pub(super) is_own: bool,
    /// How the log ended, if it did.
    pub(super) closed: Option<Closed>,
}

/// The end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closed {
    /// Size of the last good checkpoint.
    last_good: TreeSize,
    /// Entries that are held beyond it, of which none counts.
    beyond: u64,
    /// Whether its successor is held, in which all that is new comes.
    has_successor: bool,
    /// Whether all is held that belongs to it.
    is_whole: bool,
}

impl Closed {
    fn of(store: &Store, keys: &KeyHistory) -> Result<Option<Self>, NodeError> {
        let Some(last_good) = keys.closed().map(|head| head.size) else { return Ok(None) };
        let successor = keys.origin().successor();
        let next = successor.map(|successor| store.held(&successor)).transpose()?;
        let has_successor = next.is_some_and(|held| !held.size.is_zero());
        let beyond = store.held(keys.origin())?.size.value().saturating_sub(last_good.value());
        let is_whole = is_whole(store, keys)?;
        Ok(Some(Self { last_good, beyond, has_successor, is_whole }))
    }
}

impl Standing {
    /// Whether what is held may be older than `limit_secs` at `now` (D22): of a log whose author was never heard, that
    /// is not known to be otherwise.
    fn is_stale(&self, now: CosignatureTime, limit_secs: u64) -> bool {
        let fresh_until = self.fresh_at.map_or(0, |at| at.value().saturating_add(limit_secs));
        let is_stale = match self.closed {
            // What is new comes in the successor, which may be stale itself. But nobody is cleared by a log of which less
            // is held than its successor says that there is.
            Some(closed) if closed.has_successor => !closed.is_whole,
            _ => now.value() > fresh_until,
        };
        is_stale && !self.is_own
    }
}

/// What the answers that stand on a log have to say of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogState {
    /// Size of the largest checkpoint behind which enough witnesses stand.
    pub witnessed: TreeSize,
    /// When the author said last that its newest checkpoint still stands, in seconds; 0 if it never was heard to.
    pub fresh_at: u64,
    /// Whether what is held may be too old.
    pub stale: bool,
    /// Whether the author is convicted of two histories, or its history in doubt.
    pub in_doubt: bool,
    /// Size of the last good checkpoint of a log that is closed for ever.
    pub closed: Option<TreeSize>,
}

impl LogState {
    fn new(standing: &Standing, home: &Home, in_doubt: bool, now: CosignatureTime) -> Self {
        Self {
            witnessed: standing.witnessed.map_or(TreeSize::ZERO, |head| head.size),
            fresh_at: standing.fresh_at.map_or(0, CosignatureTime::value),
            stale: standing.is_stale(now, home.config().staleness_secs()),
            in_doubt,
            closed: standing.closed.map(|closed| closed.last_good),
        }
    }
}

impl Gossiping {
    /// What there is to say of each log that is spoken of.
    pub fn log_states(&self) -> BTreeMap<Origin, LogState> {
        let standings = self.state().standings.clone();
        let now = to_time(self.node.time().for_rules_secs());
        let state = |(origin, standing): (Origin, Standing)| {
            let in_doubt = self.node.is_in_doubt(&origin);
            (origin, LogState::new(&standing, self.node.home(), in_doubt, now))
        };
        standings.into_iter().map(state).collect()
    }

    /// Notes how a log ended, and tells operators of one that others wrote.
    pub(super) fn note_closed(&self, log: &Spoken) -> Result<(), NodeError> {
        let Some(closed) = Closed::of(self.node.store(), &log.keys)? else { return Ok(()) };
        let is_known = self.state().standings.contains_key(&log.origin);
        // Of a log of which no good checkpoint is held there is nothing else to say.
        let first = if is_known {
            Standing::default()
        } else {
            standing_of(self.node.store(), self.node.home(), &self.peers, &log.keys)?
        };
        let mut state = self.state();
        let standing = state.standings.entry(log.origin.clone()).or_insert(first);
        let before = standing.closed.replace(closed);
        drop(state);
        if log.role == LogRole::Replica {
            let goes_on = match log.origin.successor().filter(|_| closed.has_successor) {
                Some(successor) => format!("it goes on as {successor}, which is followed"),
                None => "nothing new comes in it, until its author makes the successor".to_owned(),
            };
            let beyond = match closed.beyond {
                0 => String::new(),
                entries => format!("; of what is held beyond that, {entries} entries, nothing counts"),
            };
            let message =
                format!("the log is closed for ever at size {}{beyond}; {goes_on}", closed.last_good);
            let (origin, agency) = (log.origin.to_string(), log.origin.agency().to_string());
            let key = AlarmKey { code: CLOSED, origin, agency };
            if before != Some(closed) {
                // What it said does not hold any more.
                self.node.alarms().end(&key);
            }
            self.node.alarms().raise(Alarm { key, since: now(), message });
        }
        Ok(())
    }

    /// Brings the standing of a log up to what is known of its newest checkpoint.
    pub(super) fn stand(&self, origin: &Origin, cosigned: &Cosigned) -> Result<(), NodeError> {
        let known = self.state().standings.get(origin).copied();
        let mut standing = if let Some(known) = known {
            known
        } else {
            let Some(keys) = self.keys_of(origin)? else { return Ok(()) };
            standing_of(self.node.store(), self.node.home(), &self.peers, &keys)?
        };
        let [own, _] = self.cosigners.keys();
        let judged = Judges::of(self.node.store(), &self.peers, &own, origin)?.judge(cosigned);
        // A line that comes after the quorum may state an earlier time; what is renewed states a later one.
        let is_newest = |head: &Head| standing.witnessed.is_none_or(|before| before.size <= head.size);
        if let (Some(head), Some(time)) = (judged.witnessed.filter(is_newest), judged.existed_by) {
            let store = self.node.store();
            let is_earlier = store.existed_at(origin, head.size)?.is_none_or(|kept| kept > time);
            if is_earlier && standing.is_own {
                self.keep_first_quorum(origin, cosigned, time)?;
            }
            store.put_existed_by(origin, head.size, time)?;
        }
        standing.witnessed = judged.witnessed.or(standing.witnessed);
        standing.fresh_at = standing.fresh_at.max(judged.fresh_at);
        self.state().standings.insert(origin.clone(), standing);
        let witnesses = self.time_witnesses()?;
        if let Some(time) = self.node.time().take(cosigned.cosigners(), &witnesses) {
            self.node.store().put_witnessed_time(time)?;
        }
        Ok(())
    }

    /// Those whose times count: the witnesses of all other agencies of the register, and those that a policy names. The
    /// own one says what this machine's clock says.
    fn time_witnesses(&self) -> Result<Vec<VerifierKey>, NodeError> {
        let [own, _] = self.cosigners.keys();
        let peers = self.peers.list();
        let named = peers.iter().filter_map(|peer| peer.policy().cloned()).chain(self.peers.own_policy());
        let named: Vec<VerifierKey> =
            named.flat_map(|policy| policy.witnesses().cloned().collect::<Vec<_>>()).collect();
        let mut present = Vec::with_capacity(peers.len());
        for peer in &peers {
            present.extend(present_witness(self.node.store(), peer)?);
        }
        let revoked = revoked_cosigners(self.node.store(), &self.peers)?;
        let mut witnesses: Vec<VerifierKey> = Vec::new();
        for key in present.into_iter().chain(named) {
            if key != own && !witnesses.contains(&key) && !revoked.contains(&key) {
                witnesses.push(key);
            }
        }
        Ok(witnesses)
    }

    /// Says to operators which pinned policies name a key that has ended.
    pub(super) fn look_at_policies(&self) -> Result<(), NodeError> {
        let own = self.node.home().origin();
        pinned_policies::tell(self.node.alarms(), self.node.store(), &self.peers, &own)
    }

    /// Says to operators whether this machine's clock is behind what enough witnesses have seen.
    pub(super) fn look_at_the_clock(&self) {
        let key = AlarmKey { code: CLOCK, origin: String::new(), agency: String::new() };
        let behind = self.node.time().at_least_secs().saturating_sub(clock().value());
        if behind <= CLOCK_SKEW_SECS_MAX {
            return self.node.alarms().end(&key);
        }
        let message = format!(
            "the clock of this machine is {behind} s behind what enough witnesses have seen: set it right, what peers say \
             is refused until then"
        );
        self.node.alarms().raise(Alarm { key, since: now(), message });
    }
}

/// What there is to say of each log of a home that no node runs on.
///
/// # Errors
/// A [`NodeError`] if the store or the register is damaged.
pub fn log_states_at_rest(store: &Store, home: &Home) -> Result<BTreeMap<Origin, LogState>, NodeError> {
    let (peers, convicted) = (home.peers()?, convicted(store)?);
    let now = store.witnessed_time()?.map_or(clock(), |come| come.max(clock()));
    let mut states = BTreeMap::new();
    for (origin, _) in store.logs()? {
        let known = origin.agency() == peers.own() || peers.find(origin.agency()).is_some();
        if is_served(&origin) && known {
            let Some(keys) = keys_of(store, &peers, &origin)? else { continue };
            let standing = standing_of(store, home, &peers, &keys)?;
            let in_doubt = convicted.iter().any(|evidence| is_of_author(evidence, &keys));
            states.insert(origin, LogState::new(&standing, home, in_doubt, now));
        }
    }
    Ok(states)
}

/// The evidence that is kept.
fn convicted(store: &Store) -> Result<Vec<Evidence>, NodeError> {
    let parse = |file: Vec<u8>| Evidence::parse(&file).map_err(|source| NodeError::Evidence { source });
    store.evidence_files()?.into_iter().map(parse).collect()
}

/// How it stands with one log by the notes that a store keeps.
///
/// # Errors
/// A [`NodeError`] if the store is damaged.
fn standing_of(store: &Store, home: &Home, peers: &Peers, keys: &KeyHistory) -> Result<Standing, NodeError> {
    let (own, origin) = (home.witness_verifier()?, keys.origin());
    let mut standing = Standing { is_own: origin.agency() == &home.config().agency, ..Standing::default() };
    standing.closed = Closed::of(store, keys)?;
    let judges = Judges::of(store, peers, &own, origin)?;
    let witnesses = judges.keys();
    for note in store.notes_back(origin, NOTES_BACK_MAX)? {
        let signed = SignedCheckpoint::parse(&note).map_err(|source| NodeError::OwnNote { source })?;
        let Ok(verified) = keys.verify(&signed) else { continue };
        let mut cosigned = Cosigned::new(verified, Generation::default());
        for line in signed.note().lines() {
            // What was taken in once was not from the future then.
            cosigned.take(line, &witnesses, CosignatureTime::MAX);
        }
        let judged = judges.judge(&cosigned);
        standing.witnessed = standing.witnessed.or(judged.witnessed);
        standing.fresh_at = standing.fresh_at.max(judged.fresh_at);
        if standing.witnessed.is_some() && standing.fresh_at.is_some() {
            break;
        }
    }
    Ok(standing)
}

/// Those whose lines say something of a log's standing.
#[derive(Debug)]
pub(super) struct Judges {
    /// The key with which the author itself says that its checkpoint stands.
    author: Option<VerifierKey>,
    /// The other keys of cosigners that the author has or had: they never count (D21), though the policy may name them.
    of_author: Vec<VerifierKey>,
    /// The witness key of each other agency that is in force.
    present: Vec<(AgencyId, VerifierKey)>,
    policy: Option<Policy>,
    /// Keys that count no more, though the policy may name them.
    revoked: Vec<VerifierKey>,
}

impl Judges {
    pub(super) fn of(
        store: &Store,
        peers: &Peers,
        own: &VerifierKey,
        origin: &Origin,
    ) -> Result<Self, NodeError> {
        let author = if origin.agency() == peers.own() {
            Some(own.clone())
        } else {
            let peer = peers.find(origin.agency());
            peer.map(|peer| present_witness(store, &peer)).transpose()?.flatten()
        };
        let ended = ended_keys(store, peers)?;
        let is_of_author = |key: &&EndedKey| key.agency == *origin.agency();
        let mut of_author: Vec<VerifierKey> =
            ended.iter().filter(is_of_author).map(|key| key.key.clone()).collect();
        let mut present = vec![(peers.own().clone(), own.clone())];
        for peer in peers.list() {
            if peer.agency() == origin.agency() {
                of_author.extend(role_keys_of(store, &peer, KeyRole::Witness)?);
                of_author.extend(role_keys_of(store, &peer, KeyRole::Mirror)?);
            }
            present.extend(present_witness(store, &peer)?.map(|key| (peer.agency().clone(), key)));
        }
        let policy = policy_for(store, peers, own, origin)?;
        let revoked = ended.into_iter().filter(|key| key.end == KeyEnd::Revoked).map(|key| key.key).collect();
        Ok(Self { author, of_author, present, policy, revoked })
    }

    /// The witnesses that the policy names, and that are not revoked.
    pub(super) fn named(&self) -> impl Iterator<Item = &VerifierKey> {
        let named = self.policy.iter().flat_map(Policy::witnesses);
        named.filter(|key| !self.revoked.contains(key))
    }

    /// Whether a key counts nowhere any more.
    pub(super) fn is_revoked(&self, key: &VerifierKey) -> bool {
        self.revoked.contains(key)
    }

    /// Whether a key is one of the author's: no word of it counts.
    pub(super) fn is_of_author(&self, key: &VerifierKey) -> bool {
        Some(key) == self.author.as_ref() || self.of_author.contains(key)
    }

    /// Whether a key is the witness key of an agency that is in force.
    pub(super) fn is_of(&self, key: &VerifierKey, agency: &AgencyId) -> bool {
        self.present.iter().any(|(of, present)| of == agency && present == key)
    }

    /// The policy as a file of c2sp.org/tlog-policy; `None` if there is none.
    pub(super) fn policy_text(&self) -> Option<Vec<u8>> {
        self.policy.as_ref().map(Policy::to_text)
    }

    fn keys(&self) -> Vec<VerifierKey> {
        let author = self.author.iter().filter(|key| !self.revoked.contains(key));
        self.named().chain(author).cloned().collect()
    }

    pub(super) fn judge(&self, cosigned: &Cosigned) -> Standing {
        self.judge_as(cosigned, |key| key)
    }

    /// The same where a key may count as another one of the same witness.
    pub(super) fn judge_as<'a>(
        &self,
        cosigned: &'a Cosigned,
        counts_as: impl Fn(&'a VerifierKey) -> &'a VerifierKey,
    ) -> Standing {
        let counts = |key| !self.is_of_author(key) && !self.revoked.contains(key);
        let mut others: Vec<(&VerifierKey, CosignatureTime)> = Vec::new();
        for (key, time) in cosigned.cosigners().filter(|(key, _)| counts(key)) {
            let key = counts_as(key);
            match others.iter_mut().find(|(of, _)| *of == key) {
                Some((_, earlier)) => *earlier = time.min(*earlier),
                None => others.push((key, time)),
            }
        }
        let policy = self.policy.as_ref().filter(|policy| policy.asks_for_witnesses());
        let met = policy.filter(|policy| policy.is_met_by(others.iter().map(|(key, _)| *key)));
        let existed_by = met.and_then(|policy| {
            let witnesses: Vec<&VerifierKey> = policy.witnesses().collect();
            let times = others.iter().filter(|(key, _)| witnesses.contains(key)).map(|(_, time)| *time);
            existed_by(&times.collect::<Vec<_>>(), Threshold::of(witnesses.len()).lying())
        });
        Standing {
            witnessed: met.is_some().then(|| cosigned.head()),
            existed_by,
            fresh_at: self.author.as_ref().and_then(|author| cosigned.time_of(author)),
            is_own: false,
            closed: None,
        }
    }
}

/// The newest witness key of a peer that is in force: of each agency one counts.
fn present_witness(store: &Store, peer: &Peer) -> Result<Option<VerifierKey>, NodeError> {
    Ok(role_keys_of(store, peer, KeyRole::Witness)?.pop())
}

/// The policy that is pinned for a log; without one, enough of all known witnesses but the author that two heads cannot
/// both be cosigned by as many, if fewer than a third of them lie.
///
/// # Errors
/// A [`NodeError`] if the store fails or is damaged.
pub(crate) fn policy_for(
    store: &Store,
    peers: &Peers,
    own: &VerifierKey,
    origin: &Origin,
) -> Result<Option<Policy>, NodeError> {
    let pinned = if origin.agency() == peers.own() {
        peers.own_policy()
    } else {
        peers.find(origin.agency()).and_then(|peer| peer.policy().cloned())
    };
    if pinned.is_some() {
        return Ok(pinned);
    }
    let mut witnesses = Vec::new();
    for peer in peers.list().iter().filter(|peer| peer.agency() != origin.agency()) {
        witnesses.extend(present_witness(store, peer)?);
    }
    if origin.agency() != peers.own() {
        witnesses.push(own.clone());
    }
    let needed = Threshold::of(witnesses.len()).needed();
    Ok(Policy::threshold(witnesses, needed).ok())
}
