//! What is done with the steps of a followed log: verified, judged, kept together. Blocking, with no network.
//!
//! Nothing of a frame or a release is stored before all of it was verified. Not here: where steps come from
//! (`session`), how each is verified (`check`), what convicts an author (`accuse`), which openings this node may hold (`judge`), what first quorums prove
//! (`proved_times`), and how the view takes in what was kept (`viewing`).

mod accuse;
mod check;
mod judge;

use std::sync::Arc;

use comity_ledger::{
    AWAITED_MAX, CheckpointKeyError, Head, KeyHistory, Kind, Opening, Origin, Replica, Slot, VerifiedFrame,
};
use comity_store::{GoesOn, Store};
use comity_tlog::{EntryIndex, SignedCheckpoint, TreeSize, VerifiedCheckpoint, right_edge, root_at};
use comity_wire::{FollowEvent, FollowFrom, ReleaseNumber};

use self::judge::{Judged, opened_entries};
use super::announced;
use super::error::FollowError;
use super::pinned;
use super::viewing::{Unseen, show, viewed};
use crate::export::head_of;
use crate::gossip::{FirstQuorum, FirstQuorums};
use crate::proved_times::{HeldLog, Wanted};
use crate::sections::LabelsRead;
use crate::{Node, NodeError, Peer, Peers, SystemEntropy};

/// A replica with what is being added to it.
#[derive(Debug)]
pub(super) struct Keeper {
    node: Arc<Node>,
    peers: Arc<Peers>,
    peer: Arc<Peer>,
    origin: Origin,
    replica: Replica,
    checkpoint: Option<VerifiedCheckpoint>,
    confirmed: bool,
    gained: bool,
    next_release: u64,
    /// The first quorums that are still to come.
    wanted: Wanted,
    /// How what is held goes on to the checkpoint that the last frame came with, in this process or before.
    goes_on: Option<GoesOn>,
    /// Up to where the log is held and signed.
    complete: TreeSize,
    /// Up to where it was handed on to be shown: never beyond what is complete.
    handed: TreeSize,
    labels: LabelsRead,
    /// Where the log ends, if its successor was begun.
    end: Option<Head>,
    /// Whether the sender has nothing more up to that end, for now or at all.
    paused: bool,
}

/// Steps that were verified and wait to be kept together.
#[derive(Default)]
struct Arrived {
    seen: Option<VerifiedCheckpoint>,
    /// Checkpoints seen before it whose entries have not come.
    awaited: Vec<VerifiedCheckpoint>,
    frames: Vec<VerifiedFrame>,
    /// Checkpoints of which all entries are held with these frames.
    complete: Vec<VerifiedCheckpoint>,
    openings: Vec<(EntryIndex, Slot, Opening)>,
    next_release: u64,
    /// Checkpoints as they stood with their first quorum.
    first_quorums: Vec<FirstQuorum>,
    /// What those are judged by, once there is one.
    judged_by: Option<FirstQuorums>,
    /// The checkpoint at fault.
    rejected: Option<SignedCheckpoint>,
    /// Whether nothing more is to come of a log that has ended.
    ended: bool,
    /// Whether its sender has nothing more of it, for now or at all.
    paused: bool,
}

impl Keeper {
    /// Opens the replica of a peer's log, entered if it is new, and ends what a crash left unfinished.
    pub(super) fn open(
        node: Arc<Node>,
        peers: Arc<Peers>,
        peer: Arc<Peer>,
        origin: Origin,
    ) -> Result<Self, FollowError> {
        let keys = pinned::settle(&node, &peer, &origin)?;
        let store = Arc::clone(node.store());
        let held = store.held(&origin)?;
        let edge = right_edge(&store.nodes(&origin), held.size)?;
        if Head::from(&edge) != held {
            let size = held.size.value();
            return Err(NodeError::Contradiction { origin: origin.to_string(), size }.into());
        }
        let seen = store.seen_note(&origin)?;
        let checkpoint = seen.map(|note| verified(&keys, &note)).transpose()?.flatten();
        let seen = checkpoint.as_ref().map(head_under);
        let awaited = awaited(&store, &keys, held.size)?;
        let newest = store.newest_note(&origin)?.map(|note| head_of(&note)).transpose()?;
        let viewed = viewed(&node, &origin);
        let next_release = store.next_release(peer.upstream(), &origin)?;
        let wanted = Wanted::of(&node, &peers, peer.upstream(), &origin)?;
        let goes_on = store.goes_on(&origin)?;
        // Key events before the end that only the successor has set still count.
        let by_entries = store.keys_by_entries(&origin)?;
        let next = origin.successor().map(|next| store.pinned_key(&next)).transpose()?.flatten();
        let over = keys.closed().filter(|_| next.is_some());
        let end = keys.closed().filter(|_| by_entries.closed().is_none());
        let by_entries = keys.root_key().cloned().into_iter().fold(by_entries, KeyHistory::with_root);
        let replica = Replica::with_keys(by_entries, edge, seen).awaiting(awaited).ending_at(end);
        let (complete, labels) = (viewed, LabelsRead::default());
        let mut keeper = Self {
            node,
            peers,
            peer,
            origin,
            replica,
            checkpoint,
            confirmed: false,
            gained: false,
            next_release,
            wanted,
            goes_on,
            complete,
            handed: viewed,
            labels,
            end: over,
            paused: false,
        };
        // What a crash left unfinished.
        let arrived = Arrived {
            complete: keeper.completed().into_iter().collect(),
            next_release,
            ..Arrived::default()
        };
        let mut unseen = Unseen::default();
        if keeper.store().awaited_notes(&keeper.origin).next().is_some() {
            // A process that was killed may have left the entries in the system's memory.
            keeper.store().sync()?;
            keeper.keep_passed(&mut unseen)?;
        }
        keeper.keep(arrived, &mut unseen)?;
        announced::trust(&keeper.node, keeper.replica.keys(), keeper.replica.size());
        // What was kept and could not be shown is shown now.
        keeper.hand_on(newest, &mut unseen);
        show(&keeper.node, &keeper.origin, unseen)?;
        Ok(keeper)
    }

    /// Where to go on.
    pub(super) fn from(&self) -> Result<FollowFrom, FollowError> {
        // Where more is held, whoever sends may hold other entries there, or none: nothing is said of them.
        let (beyond, seen) = (self.beyond(), self.checkpoint.as_ref());
        let seen = seen.filter(|_| beyond.is_none()).map(|seen| SignedCheckpoint::parse(seen.as_bytes()));
        Ok(FollowFrom {
            origin: self.origin.clone(),
            next_index: beyond.map_or(self.replica.size(), |end| end.size),
            next_release: ReleaseNumber::new(self.next_release),
            newest: seen.transpose()?,
            first_quorum_from: Some(self.wanted.from()),
            knows_successor: self.end.is_some(),
        })
    }

    /// The end of a log of which entries beyond it are held: all that can still come is what was released before it.
    fn beyond(&self) -> Option<Head> {
        self.end.filter(|end| end.size < self.replica.size())
    }

    /// Entries held, and entries of the newest checkpoint seen.
    pub(super) fn sizes(&self) -> (TreeSize, TreeSize) {
        let held = self.replica.size();
        (held, self.replica.newest().map_or(held, |head| head.size))
    }

    /// Whether the sender has shown a checkpoint that goes on from what is held, and all of its entries are held.
    pub(super) fn is_complete(&self) -> bool {
        self.confirmed && self.replica.newest().is_some_and(|head| head.size == self.replica.size())
    }

    /// Whether the log has a successor, and all of it has come, or all that its sender has for now: what is new in the
    /// successor waits for no more.
    pub(super) fn is_at_its_end(&self) -> bool {
        self.paused
    }

    /// Whether anything that was not held before was verified and kept. That a peer talks is no reason to call it again
    /// at once.
    pub(super) fn has_gained(&self) -> bool {
        self.gained
    }

    /// Takes steps in order, with one sync for all of them. After an error those before it are kept, of the one at
    /// fault nothing. What was kept is to be shown next, even after an error: nobody would come back to it.
    pub(super) fn take(&mut self, events: Vec<FollowEvent>) -> (Unseen, Result<(), FollowError>) {
        let mut unseen = Unseen::default();
        let taken = self.take_all(events, &mut unseen);
        (unseen, taken)
    }

    fn take_all(&mut self, events: Vec<FollowEvent>, unseen: &mut Unseen) -> Result<(), FollowError> {
        let mut arrived = Arrived { next_release: self.next_release, ..Arrived::default() };
        let (mut checked, mut kept_keys) = (Ok(()), self.replica.keys().clone());
        for event in events {
            let needs_entries = match &event {
                // A revocation names a tree of the log, and is compared with what is kept of it.
                FollowEvent::Frame(frame) => frame.has_key_events(),
                // It may be signed with keys that came with those entries: whoever is cut off between the two must not
                // find a checkpoint that nobody known to it has signed.
                FollowEvent::Checkpoint(_) => self.replica.keys().spans() != kept_keys.spans(),
                // It is compared with the tree that is kept.
                FollowEvent::FirstQuorum(_) => true,
                FollowEvent::Release(_) | FollowEvent::Heartbeat(_) => false,
            };
            if needs_entries && !arrived.frames.is_empty() {
                let before = std::mem::take(&mut arrived);
                arrived.next_release = before.next_release;
                self.keep(before, unseen)?;
                kept_keys = self.replica.keys().clone();
            }
            checked = self.check(event, &mut arrived);
            if checked.is_err() {
                break;
            }
        }
        let (rejected, ended) = (arrived.rejected.take(), arrived.ended);
        self.paused |= arrived.paused;
        let kept = self.keep(arrived, unseen);
        if ended && kept.is_ok() && checked.is_ok() {
            self.store().put_all_came(&self.origin)?;
            self.node.tell_news();
        }
        // What was kept with it may be what convicts the author.
        kept.and(checked.or_else(|error| self.judge_rejected(error, rejected.as_ref())))
    }

    fn store(&self) -> &Store {
        self.node.store()
    }

    /// The newest checkpoint seen, at the step with which all its entries are held.
    fn completed(&mut self) -> Option<VerifiedCheckpoint> {
        let checkpoint = self.checkpoint.as_ref()?;
        let size = checkpoint.checkpoint().size();
        if size != self.replica.size() || size <= self.complete {
            return None;
        }
        self.complete = size;
        Some(checkpoint.clone())
    }

    /// Keeps what was verified, and hands it on. Of the releases of one step nothing is kept if one of their openings
    /// is wrong.
    fn keep(&mut self, arrived: Arrived, unseen: &mut Unseen) -> Result<(), FollowError> {
        let Arrived { seen, awaited, frames, complete, openings, next_release, .. } = arrived;
        let (first_quorums, mut judged_by) = (arrived.first_quorums, arrived.judged_by);
        let released = next_release != self.next_release;
        let nothing = seen.is_none() && frames.is_empty() && complete.is_empty() && first_quorums.is_empty();
        if nothing && !released {
            return Ok(());
        }
        let store = Arc::clone(self.node.store());
        let origin = self.origin.clone();
        let mut step = store.replica_step(&origin)?;
        for checkpoint in awaited.iter().filter(|checkpoint| self.remembers(checkpoint)) {
            step.awaited(checkpoint)?;
        }
        if let Some(seen) = &seen {
            // Of those that are complete, but for the newest, nothing else tells whoever is cut off behind the sync.
            let is_earlier = |of: &&VerifiedCheckpoint| of.checkpoint().size() < seen.checkpoint().size();
            for checkpoint in complete.iter().filter(is_earlier) {
                step.awaited(checkpoint)?;
            }
            step.seen(seen)?;
        }
        step.frames(&frames)?;
        // Of a log that is complete its entries prove as much.
        let on = self.goes_on.as_ref().filter(|on| !frames.is_empty() && on.held < on.checkpoint.size);
        if let Some(on) = on {
            step.goes_on(on)?;
        }
        let of = held_log(&self.node, &self.peers, &self.replica);
        let proved = self.wanted.keep(of, &first_quorums, &mut judged_by)?;
        let judged = if released { self.judge(openings) } else { Ok(Judged::default()) };
        if let Ok(judged) = &judged
            && released
        {
            let (from, mut entropy) = (self.peer.upstream(), SystemEntropy::new());
            step.release(from, &judged.kept, next_release, &mut entropy)?;
        }
        step.finish()?;
        if frames.iter().any(|frame| frame.entries().iter().any(|entry| entry.kind() == Kind::Key)) {
            announced::trust(&self.node, self.replica.keys(), self.replica.size());
            unseen.closed |= self.replica.keys().closed().is_some();
        }
        let (judged, fault) =
            judged.map_or_else(|fault| (Judged::default(), Err(fault)), |judged| (judged, Ok(())));
        self.gained |= seen.is_some() || !frames.is_empty() || !judged.kept.is_empty() || proved;
        if fault.is_ok() {
            self.next_release = next_release;
        }
        unseen.opened = opened_entries(judged);
        if !frames.is_empty() {
            self.keep_passed(unseen)?;
        }
        self.hand_on(complete.iter().map(head_under), unseen);
        let kept = complete.iter().try_for_each(|checkpoint| store.keep_checkpoint(&origin, checkpoint));
        // Relays and whoever else waits can begin, before the view takes it in.
        self.node.tell_news();
        kept?;
        fault
    }

    /// Whether a checkpoint that was seen before the newest is awaited, or its entries have come: beyond as many as are
    /// awaited it is given up, and nothing of it is kept.
    fn remembers(&self, checkpoint: &VerifiedCheckpoint) -> bool {
        let head = head_under(checkpoint);
        head.size <= self.replica.size() || self.replica.awaited().contains(&head)
    }

    /// Keeps as complete those checkpoints, seen before the newest, whose entries have come by now. A relay needs each of
    /// them that leads from one key of the log to the next.
    fn keep_passed(&mut self, unseen: &mut Unseen) -> Result<(), FollowError> {
        let store = Arc::clone(self.node.store());
        let held = self.replica.size();
        for note in store.awaited_notes(&self.origin) {
            let note = note?;
            let head = head_of(&note)?;
            if head.size > held {
                break;
            }
            // Beyond as many as are awaited one was given up, and may be of another history.
            let is_held = root_at(&store.nodes(&self.origin), head.size)? == head.root;
            let verified = self.replica.keys().verify_as_then(&SignedCheckpoint::parse(&note)?);
            if let Some(checkpoint) = verified.ok().filter(|_| is_held) {
                self.hand_on([head], unseen);
                store.keep_checkpoint(&self.origin, &checkpoint)?;
            } else {
                store.give_up_awaited(&self.origin, head.size)?;
            }
        }
        Ok(())
    }

    fn hand_on(&mut self, heads: impl IntoIterator<Item = Head>, unseen: &mut Unseen) {
        for head in heads {
            self.handed = self.handed.max(head.size);
            unseen.heads.push(head);
        }
    }
}

/// What first quorums are compared with.
fn held_log<'a>(node: &'a Node, peers: &'a Peers, replica: &'a Replica) -> HeldLog<'a> {
    HeldLog { node, peers, keys: replica.keys(), size: replica.size(), end: replica.end() }
}

/// The heads beyond what is held that were seen before the newest, as many as are awaited. Those beyond that are given up,
/// and so are those that a key event has made void: nothing that is held or comes makes them good.
fn awaited(store: &Store, keys: &KeyHistory, held: TreeSize) -> Result<Vec<Head>, FollowError> {
    let mut awaited = Vec::new();
    for note in store.awaited_notes(keys.origin()) {
        let note = note?;
        let head = head_of(&note)?;
        if awaited.len() < AWAITED_MAX && verified(keys, &note)?.is_some() {
            awaited.extend(Some(head).filter(|head| head.size > held));
        } else if head.size > held {
            store.give_up_awaited(keys.origin(), head.size)?;
        }
    }
    Ok(awaited)
}

/// A checkpoint that was kept, if by the entries held since its key was in force: what a key event has made void is as if
/// it had never been seen.
fn verified(keys: &KeyHistory, note: &[u8]) -> Result<Option<VerifiedCheckpoint>, FollowError> {
    match keys.verify(&SignedCheckpoint::parse(note)?) {
        Ok(verified) => Ok(Some(verified)),
        Err(CheckpointKeyError::OutOfForce { size }) => {
            tracing::warn!(%size, "a checkpoint that was seen is void by a key event");
            Ok(None)
        }
        Err(CheckpointKeyError::Signature { source }) => Err(FollowError::Stored(*source)),
    }
}

fn head_under(checkpoint: &VerifiedCheckpoint) -> Head {
    let checkpoint = checkpoint.checkpoint();
    Head { size: checkpoint.size(), root: checkpoint.root() }
}
