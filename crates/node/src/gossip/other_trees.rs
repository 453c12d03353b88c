//! Looking for what convicts an author where a peer holds another tree of its log and the newest notes do not: under log
//! keys that followed each other in one face alone, no side can verify the newest note of the other.
//!
//! Both kept the notes that lead up to their key events, and by a key that both know: the peer is asked for one of those
//! by a Follow from where one of the keys known here begins. Not here: notes that verify at once (`heads`), the first
//! entries of a successor (`geneses`), and what follows from evidence (`convict`).

use std::sync::Arc;

use comity_ledger::{
    AgencyId, CheckpointKeyError, Cosigned, Gossiped, Head, HeadDigest, KeyEnd, KeyHistory, KeyRole, KeySpan,
    Origin, OriginDigest, compare,
};
use comity_tlog::{SignedCheckpoint, TreeSize, VerifiedCheckpoint, root_at};
use comity_wire::{ErrorCode, FollowEvent, FollowFrom, ReleaseNumber, v1};
use tokio::time::timeout;

use super::Gossiping;
use crate::dial::{ANSWER_TIME_MAX, DialError, PeerClient, answered};
use crate::follow::SUSPECT;
use crate::off_reactor::off_reactor;
use crate::{Alarm, AlarmKey, NodeError, now};

/// Most sizes from which a peer is asked to go on, the newest of them first: as many rotations may lie behind the point
/// from which the two trees differ.
const QUESTIONS_MAX: usize = 64;

/// A log of which a peer holds another tree.
struct Differing {
    origin: Origin,
    /// Where the keys known here begin, largest first, as far as the peer's tree goes.
    from: Vec<TreeSize>,
}

/// Asks a peer for what proves which of its trees contradict those held here: once for each log and head of the peer. With
/// `is_round` about larger trees too, of which the newest note is still of no key known here: at other times the entries
/// that bring the key are most often on their way.
///
/// # Errors
/// [`DialError::Own`] and [`DialError::Broken`]; what the peer refuses is told by another peer, or by nobody.
pub(super) async fn look_into(
    gossiping: &Arc<Gossiping>,
    client: &mut PeerClient,
    agency: &AgencyId,
    is_round: bool,
) -> Result<(), DialError> {
    let peer = agency.clone();
    for differing in blocking(gossiping, move |all| all.differing(&peer, is_round)).await? {
        match ask(gossiping, client, agency, &differing).await {
            Ok(()) => {}
            Err(error @ (DialError::Own { .. } | DialError::Broken)) => return Err(error),
            Err(error) => {
                tracing::debug!(peer = %agency, origin = %differing.origin, %error, "a peer shows no proof");
                if is_passing(&error) {
                    let (peer, of) = (agency.clone(), differing.origin);
                    blocking(gossiping, move |all| {
                        all.ask_again(&peer, &of);
                        Ok(())
                    })
                    .await?;
                }
            }
        }
    }
    Ok(())
}

async fn ask(
    gossiping: &Arc<Gossiping>,
    client: &mut PeerClient,
    agency: &AgencyId,
    differing: &Differing,
) -> Result<(), DialError> {
    let origin = &differing.origin;
    if origin.predecessor().is_some() {
        let request = v1::GenesisRequest { origin: origin.to_string() };
        let entry = answered(client.genesis(request)).await?.entry;
        let of = origin.clone();
        if blocking(gossiping, move |all| all.take_genesis(&of, &entry)).await? {
            return Ok(());
        }
    }
    for from in &differing.from {
        let Some(note) = first_note(client, origin, *from).await? else { continue };
        let (peer, of) = (agency.clone(), origin.clone());
        if blocking(gossiping, move |all| all.take_older(&peer, &of, &note)).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// The checkpoint with which a peer begins for somebody who holds so many entries. No release is asked for, so that
/// nothing is booked as opened to this node.
async fn first_note(
    client: &mut PeerClient,
    origin: &Origin,
    from: TreeSize,
) -> Result<Option<SignedCheckpoint>, DialError> {
    let from = FollowFrom {
        origin: origin.clone(),
        next_index: from,
        next_release: ReleaseNumber::new(u64::MAX),
        newest: None,
        first_quorum_from: None,
        knows_successor: false,
    };
    let mut stream = answered(client.follow(v1::FollowRequest::from(&from))).await?;
    let first = timeout(ANSWER_TIME_MAX, stream.message()).await.map_err(|_| DialError::Silent)??;
    match first.map(FollowEvent::try_from).transpose()? {
        Some(FollowEvent::Checkpoint(note)) if note.checkpoint().origin() == origin.as_str() => {
            Ok(Some(note))
        }
        _ => Ok(None),
    }
}

/// Does what waits for the store or for others who do, off the reactor.
pub(super) async fn blocking<T: Send + 'static>(
    gossiping: &Arc<Gossiping>,
    step: impl FnOnce(&Gossiping) -> Result<T, NodeError> + Send + 'static,
) -> Result<T, DialError> {
    let all = Arc::clone(gossiping);
    let done = off_reactor(move || step(&all)).await.map_err(|_| DialError::Broken)?;
    done.map_err(|source| DialError::Own { source: Box::new(source) })
}

/// Whether the same question may be answered soon: a newer stream of the own follower takes the place of this one.
fn is_passing(error: &DialError) -> bool {
    let codes = [ErrorCode::Stopping, ErrorCode::Busy, ErrorCode::Unreachable, ErrorCode::Timeout];
    matches!(error, DialError::Silent)
        || matches!(error, DialError::Answered { code } if codes.contains(code))
}

impl Gossiping {
    /// The logs of others of which a peer has stated a tree that contradicts the one held here, or a larger one that no
    /// known key signed, and was not asked about it. A doubt that it gave rise to ends with a tree that fits.
    fn differing(&self, peer: &AgencyId, is_round: bool) -> Result<Vec<Differing>, NodeError> {
        let mut differing = Vec::new();
        for (name, theirs, unknown) in self.not_compared(peer) {
            let Some(newest) = self.newest(&name) else { continue };
            let Ok(origin) = newest.checkpoint().origin().parse::<Origin>() else { continue };
            let is_within = theirs.size <= newest.checkpoint().size();
            // Most often a peer is behind or ahead in the one history.
            if !is_within && unknown.is_none() {
                continue;
            }
            let Some(keys) = self.keys_of(&origin)? else { continue };
            let is_unknown = || is_round && unknown.is_some_and(|note| keys.verify(&note).is_err());
            // What is larger comes by the stream, if it is this peer who sends that.
            let is_upstream = self.peers.find(origin.agency()).is_some_and(|of| of.upstream() == peer);
            if !is_within && (is_upstream || !is_unknown()) {
                continue;
            }
            if let Some(with) = self.state().peers.get_mut(peer) {
                with.compared.insert(name, theirs);
                with.unknown.remove(&name);
            }
            if is_within && self.is_held(&origin, theirs) {
                self.node.alarms().end(&suspicion(peer, &origin));
            } else if !self.node.doubts().convicts(&origin) {
                differing.push(Differing { from: beginnings(&keys, theirs.size), origin });
            }
        }
        Ok(differing)
    }

    /// The trees that a peer has stated of logs of others since these were compared last, each with its newest note if no
    /// known key signed it.
    fn not_compared(&self, peer: &AgencyId) -> Vec<(OriginDigest, Head, Option<SignedCheckpoint>)> {
        let own = OriginDigest::of(&self.node.home().origin());
        let state = self.state();
        let Some(with) = state.peers.get(peer) else { return Vec::new() };
        let is_new = |digest: &&HeadDigest| {
            digest.origin != own && with.compared.get(&digest.origin) != Some(&digest.head)
        };
        let new = with.digests.iter().filter(is_new);
        new.map(|digest| (digest.origin, digest.head, with.unknown.get(&digest.origin).cloned())).collect()
    }

    /// Lets a peer be asked about a log once more.
    fn ask_again(&self, peer: &AgencyId, origin: &Origin) {
        if let Some(with) = self.state().peers.get_mut(peer) {
            with.compared.remove(&OriginDigest::of(origin));
        }
    }

    fn newest(&self, name: &OriginDigest) -> Option<VerifiedCheckpoint> {
        self.state().gossip.cosigned(name).map(Cosigned::checkpoint).cloned()
    }

    /// Takes in a kept note of a peer. Says whether the author's keys tell what it is, so that none before it need be
    /// asked for.
    fn take_older(
        &self,
        peer: &AgencyId,
        origin: &Origin,
        note: &SignedCheckpoint,
    ) -> Result<bool, NodeError> {
        let Some(keys) = self.keys_of(origin)? else { return Ok(true) };
        let Some(newest) = self.newest(&OriginDigest::of(origin)) else { return Ok(true) };
        match keys.verify(note) {
            Ok(older) => {
                // The larger one is compared by whoever holds its entries.
                if older.checkpoint().size() <= newest.checkpoint().size() {
                    self.accuse(&keys, newest, &older)?;
                }
                Ok(true)
            }
            Err(CheckpointKeyError::OutOfForce { .. }) => {
                let (size, root) = (note.checkpoint().size(), note.checkpoint().root());
                let is_within = size <= newest.checkpoint().size();
                if is_within && is_of_ended_key(&keys, note) && !self.is_held(origin, Head { size, root }) {
                    self.suspect(peer, origin, size);
                }
                self.look_for_thief(&keys, note);
                Ok(true)
            }
            Err(CheckpointKeyError::Signature { .. }) => Ok(false),
        }
    }

    /// Convicts the author if a verified older checkpoint is not the beginning of what is held here; where that can be, by
    /// two notes of one key, which convict it in the eyes of all who know that key, whatever followed it.
    fn accuse(
        &self,
        keys: &KeyHistory,
        newest: VerifiedCheckpoint,
        older: &VerifiedCheckpoint,
    ) -> Result<(), NodeError> {
        let (store, origin) = (self.node.store(), keys.origin());
        let signer = keys.spans().iter().find(|span| span.verifier() == Some(older.log_key()));
        let last = signer.and_then(KeySpan::until).and_then(|(until, _)| until.value().checked_sub(1));
        let last = last.and_then(|last| TreeSize::new(last).ok());
        let kept = last.map(|last| store.newest_note_up_to(origin, last)).transpose()?.flatten();
        let kept = kept.and_then(|note| keys.verify(&SignedCheckpoint::parse(&note).ok()?).ok());
        let is_alike = |kept: &VerifiedCheckpoint| {
            kept.log_key() == older.log_key() && kept.checkpoint().size() >= older.checkpoint().size()
        };
        let held = kept.filter(is_alike).unwrap_or(newest);
        if let Gossiped::Fork(evidence) = compare(&held, older, &store.nodes(origin)) {
            self.convict(&evidence)?;
        }
        Ok(())
    }

    /// Whether a tree is the beginning of what is held of a log.
    pub(super) fn is_held(&self, origin: &Origin, head: Head) -> bool {
        root_at(&self.node.store().nodes(origin), head.size).is_ok_and(|root| root == head.root)
    }

    /// Puts a log in doubt for as long as a peer holds another tree of it: a key of the author's signed that one too, and
    /// here it had ended before, which proves nothing.
    fn suspect(&self, peer: &AgencyId, origin: &Origin, size: TreeSize) {
        tracing::error!(%peer, %origin, %size, "a peer holds another history of a log, signed by a key of its author");
        let message = format!(
            "{peer} holds another history of this log: a key of the author that has ended here signed its tree of size \
             {size}, which is not the one held here"
        );
        self.node.alarms().raise(Alarm { key: suspicion(peer, origin), since: now(), message });
    }

    /// Ends the doubts that a peer gave rise to, as it is one no more.
    pub(super) fn end_suspicions(&self, peer: &AgencyId) {
        for alarm in self.node.alarms().standing() {
            let is_of_peer = alarm.key.code == SUSPECT && alarm.key.agency == peer.to_string();
            if is_of_peer && !alarm.key.origin.starts_with(&format!("{peer}/")) {
                self.node.alarms().end(&alarm.key);
            }
        }
    }
}

/// The alarm that a peer holds another history of a log. It names the peer, and so is none that the author's own stream
/// ends, which goes on from what is held here whatever others are shown.
fn suspicion(peer: &AgencyId, origin: &Origin) -> AlarmKey {
    AlarmKey { code: SUSPECT, origin: origin.to_string(), agency: peer.to_string() }
}

/// Whether a key signed a note that was retired before, or announced after, in a log that goes on. What a revoked key
/// signs, and what was signed of a log behind its end, is nobody's and puts nothing in doubt.
fn is_of_ended_key(keys: &KeyHistory, note: &SignedCheckpoint) -> bool {
    let size = note.checkpoint().size();
    let is_authors = |span: &KeySpan| match span.until() {
        Some((until, KeyEnd::Retired)) => until <= size || size < span.from(),
        Some((_, KeyEnd::Revoked | KeyEnd::Closed)) => false,
        None => size < span.from(),
    };
    let signed = |span: &KeySpan| span.verifier().is_some_and(|key| note.verify(key, &[]).is_ok());
    keys.closed().is_none() && keys.spans().iter().any(|span| is_authors(span) && signed(span))
}

/// Where the log keys begin that are known here, and the log itself; largest first, none beyond `limit`.
fn beginnings(keys: &KeyHistory, limit: TreeSize) -> Vec<TreeSize> {
    let log_keys = keys.spans().iter().filter(|span| span.key().role() == KeyRole::Log);
    let mut from: Vec<TreeSize> =
        log_keys.map(KeySpan::from).filter(|from| *from <= limit && !from.is_zero()).collect();
    from.sort_unstable_by(|one, other| other.cmp(one));
    from.truncate(QUESTIONS_MAX);
    from.push(TreeSize::ZERO);
    from
}
