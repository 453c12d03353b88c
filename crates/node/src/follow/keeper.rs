//! What is done with each step of a followed log: verified, judged, kept. Blocking, with no network.
//!
//! Nothing of a frame or a release is stored before all of it was verified. Not here: where steps come from
//! (`session`), which openings this node may hold (`judge`), and how the view takes in what was kept (`viewing`).

mod judge;

use std::sync::Arc;

use comity_ledger::{Head, Opening, Origin, Replica, Slot, VerifiedFrame};
use comity_store::Store;
use comity_tlog::{EntryIndex, SignedCheckpoint, TreeSize, VerifiedCheckpoint, right_edge};
use comity_wire::{Disclosure, DisclosureContent, FollowEvent, FollowFrom, ReleaseNumber};

use self::judge::{Judged, opened_entries};
use super::error::FollowError;
use super::viewing::{Unseen, show, viewed};
use super::{older, pinned};
use crate::export::head_of;
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
    /// Up to where the log is held and signed.
    complete: TreeSize,
    /// Up to where it was handed on to be shown: never beyond what is complete.
    handed: TreeSize,
    labels: LabelsRead,
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
}

impl Keeper {
    /// Opens the replica of a peer's log, entered if it is new, and ends what a crash left unfinished.
    pub(super) fn open(node: Arc<Node>, peers: Arc<Peers>, peer: Arc<Peer>) -> Result<Self, FollowError> {
        let (origin, key) = (peer.origin(), pinned::settle(&node, &peer)?);
        let store = Arc::clone(node.store());
        let held = store.held(&origin)?;
        let edge = right_edge(&store.nodes(&origin), held.size)?;
        if Head::from(&edge) != held {
            let size = held.size.value();
            return Err(NodeError::Contradiction { origin: origin.to_string(), size }.into());
        }
        let checkpoint = match store.seen_note(&origin)? {
            Some(note) => Some(SignedCheckpoint::parse(&note)?.verify(&key, &[])?),
            None => None,
        };
        let seen = checkpoint.as_ref().map(head_under);
        let mut awaited = Vec::new();
        for note in store.awaited_notes(&origin)? {
            awaited.push(head_under(&SignedCheckpoint::parse(&note)?.verify(&key, &[])?));
        }
        let newest = store.newest_note(&origin)?.map(|note| head_of(&note)).transpose()?;
        let viewed = viewed(&node, &origin);
        let next_release = store.next_release(peer.upstream(), &origin)?;
        let replica = Replica::new(origin.clone(), key, edge, seen).awaiting(awaited);
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
            complete,
            handed: viewed,
            labels,
        };
        // What a crash left unfinished.
        let arrived = Arrived {
            complete: keeper.completed().into_iter().collect(),
            next_release,
            ..Arrived::default()
        };
        let mut unseen = Unseen::default();
        keeper.keep(arrived, &mut unseen)?;
        // What was kept and could not be shown is shown now.
        keeper.hand_on(newest, &mut unseen);
        show(&keeper.node, &keeper.origin, unseen)?;
        Ok(keeper)
    }

    /// Where to go on.
    pub(super) fn from(&self) -> Result<FollowFrom, FollowError> {
        let note = self.store().seen_note(&self.origin)?;
        Ok(FollowFrom {
            origin: self.origin.clone(),
            next_index: self.replica.size(),
            next_release: ReleaseNumber::new(self.next_release),
            newest: note.map(|note| SignedCheckpoint::parse(&note)).transpose()?,
        })
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

    /// Whether anything that was not held before was verified and kept. That a peer talks is no reason to call it again
    /// at once.
    pub(super) fn has_gained(&self) -> bool {
        self.gained
    }

    /// Takes steps in order, with one sync for all of them. After an error those before it are kept, of the one at
    /// fault nothing. What was kept is to be shown next, even after an error: nobody would come back to it.
    pub(super) fn take(&mut self, events: Vec<FollowEvent>) -> (Unseen, Result<(), FollowError>) {
        let mut arrived = Arrived { next_release: self.next_release, ..Arrived::default() };
        let checked = events.into_iter().try_for_each(|event| self.check(event, &mut arrived));
        let mut unseen = Unseen::default();
        let kept = self.keep(arrived, &mut unseen);
        (unseen, kept.and(checked))
    }

    fn store(&self) -> &Store {
        self.node.store()
    }

    /// Verifies one step after those that arrived with it, as far as that needs no entry of the store.
    fn check(&mut self, event: FollowEvent, arrived: &mut Arrived) -> Result<(), FollowError> {
        match event {
            FollowEvent::Checkpoint(note) => {
                let verified = match self.replica.verify_note(note.as_bytes()) {
                    Ok(verified) => verified,
                    Err(rejection) => {
                        let held = self.store().held(&self.origin)?.size;
                        return Err(older::judge(self.store(), &self.peer, held, &note, rejection));
                    }
                };
                // The same head again, as each connection begins, is nothing to be kept.
                if self.replica.newest() != Some(head_under(&verified)) {
                    let held = self.replica.size();
                    let before = self.checkpoint.take().filter(|before| before.checkpoint().size() > held);
                    arrived.awaited.extend(before);
                    self.replica.saw(&verified);
                    arrived.seen = Some(verified.clone());
                }
                self.checkpoint = Some(verified);
                self.confirmed = true;
            }
            FollowEvent::Frame(frame) => {
                let checkpoint = self.checkpoint.as_ref().ok_or(FollowError::NoCheckpoint)?;
                let verified = self.replica.verify_frame(frame, checkpoint)?;
                self.replica.advance(&verified);
                arrived.frames.push(verified);
            }
            FollowEvent::Release(frame) => {
                for disclosure in frame.into_disclosures() {
                    self.check_release(disclosure, arrived)?;
                }
            }
            FollowEvent::Heartbeat(_) => {}
        }
        arrived.complete.extend(self.completed());
        Ok(())
    }

    fn check_release(&self, disclosure: Disclosure, arrived: &mut Arrived) -> Result<(), FollowError> {
        if disclosure.origin != self.origin {
            return Err(FollowError::OtherOrigin { origin: disclosure.origin });
        }
        if disclosure.number.value() != arrived.next_release {
            let found = disclosure.number.value();
            return Err(FollowError::ReleaseOrder { expected: arrived.next_release, found });
        }
        if !self.replica.size().contains(disclosure.index) {
            return Err(FollowError::EarlyOpening { index: disclosure.index });
        }
        arrived.next_release = arrived.next_release.saturating_add(1);
        if let DisclosureContent::Given(opening) = disclosure.content {
            arrived.openings.push((disclosure.index, disclosure.slot, opening));
        }
        Ok(())
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
        let Arrived { seen, awaited, frames, complete, openings, next_release } = arrived;
        let released = next_release != self.next_release;
        if seen.is_none() && frames.is_empty() && complete.is_empty() && !released {
            return Ok(());
        }
        let store = Arc::clone(self.node.store());
        let origin = self.origin.clone();
        let mut step = store.replica_step(&origin)?;
        for checkpoint in &awaited {
            step.awaited(checkpoint)?;
        }
        if let Some(seen) = &seen {
            step.seen(seen)?;
        }
        step.frames(&frames)?;
        let judged = if released { self.judge(openings) } else { Ok(Judged::default()) };
        if let Ok(judged) = &judged
            && released
        {
            let (from, mut entropy) = (self.peer.upstream(), SystemEntropy::new());
            step.release(from, &judged.kept, next_release, &mut entropy)?;
        }
        step.finish()?;
        let (judged, fault) =
            judged.map_or_else(|fault| (Judged::default(), Err(fault)), |judged| (judged, Ok(())));
        self.gained |= seen.is_some() || !frames.is_empty() || !judged.kept.is_empty();
        if fault.is_ok() {
            self.next_release = next_release;
        }
        unseen.opened = opened_entries(judged);
        self.hand_on(complete.iter().map(head_under), unseen);
        let kept = complete.iter().try_for_each(|checkpoint| store.keep_checkpoint(&origin, checkpoint));
        // Relays and whoever else waits can begin, before the view takes it in.
        self.node.tell_news();
        kept?;
        fault
    }

    fn hand_on(&mut self, heads: impl IntoIterator<Item = Head>, unseen: &mut Unseen) {
        for head in heads {
            self.handed = self.handed.max(head.size);
            unseen.heads.push(head);
        }
    }
}

fn head_under(checkpoint: &VerifiedCheckpoint) -> Head {
    let checkpoint = checkpoint.checkpoint();
    Head { size: checkpoint.size(), root: checkpoint.root() }
}
