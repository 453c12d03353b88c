//! What is done with each step of a followed log: verified, judged, kept, shown. Blocking, with no network.
//!
//! Nothing of a frame or a release is stored before all of it was verified. Not here: where steps come from
//! (`session`).

use std::collections::BTreeMap;
use std::sync::Arc;

use comity_ledger::{Entry, Head, Opening, Origin, Replica, Slot, VerifiedOpening};
use comity_store::Store;
use comity_tlog::{EntryIndex, SignedCheckpoint, TreeSize, VerifiedCheckpoint, right_edge};
use comity_wire::{Disclosure, DisclosureContent, FollowEvent, FollowFrom, ReleaseNumber};

use super::error::FollowError;
use super::{older, pinned};
use crate::exchange::received;
use crate::export::head_of;
use crate::sections::{LabelsRead, Parties, held_entries};
use crate::{Node, NodeError, Peer, Peers, SystemEntropy};

/// Entries applied to the view at once, so that questions wait for one window only.
const VIEW_WINDOW: u64 = 256;

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
    viewed: TreeSize,
    labels: LabelsRead,
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
        let seen = checkpoint.as_ref().map(|checkpoint| {
            let stated = checkpoint.checkpoint();
            Head { size: stated.size(), root: stated.root() }
        });
        let newest = store.newest_note(&origin)?;
        let viewed = newest.map_or(Ok(TreeSize::ZERO), |note| head_of(&note).map(|head| head.size))?;
        let next_release = store.next_release(peer.upstream(), &origin)?;
        let replica = Replica::new(origin.clone(), key, edge, seen);
        let labels = LabelsRead::default();
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
            viewed,
            labels,
        };
        keeper.complete()?;
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

    /// Takes steps in order. After an error those before it are kept, of the one at fault nothing.
    pub(super) fn take(&mut self, events: Vec<FollowEvent>) -> Result<(), FollowError> {
        let mut released = Vec::new();
        for event in events {
            if let FollowEvent::Release(frame) = event {
                released.extend(frame.into_disclosures());
                continue;
            }
            self.keep_released(std::mem::take(&mut released))?;
            match event {
                FollowEvent::Checkpoint(note) => {
                    let verified = self.replica.verify_note(note.as_bytes()).map_err(|rejection| {
                        older::judge(self.store(), &self.peer, self.replica.size(), &note, rejection)
                    })?;
                    let stated = verified.checkpoint();
                    let head = Head { size: stated.size(), root: stated.root() };
                    // The same head again, as each connection begins, is nothing to be kept.
                    if self.replica.newest() != Some(head) {
                        self.store().keep_seen(&self.origin, &verified)?;
                        self.replica.saw(&verified);
                        self.gained = true;
                    }
                    self.checkpoint = Some(verified);
                    self.confirmed = true;
                    self.complete()?;
                }
                FollowEvent::Frame(frame) => {
                    let checkpoint = self.checkpoint.as_ref().ok_or(FollowError::NoCheckpoint)?;
                    let verified = self.replica.verify_frame(frame, checkpoint)?;
                    self.store().keep_frame(&verified)?;
                    self.replica.advance(&verified);
                    self.gained = true;
                    self.complete()?;
                }
                FollowEvent::Release(_) | FollowEvent::Heartbeat(_) => {}
            }
        }
        self.keep_released(released)
    }

    fn store(&self) -> &Store {
        self.node.store()
    }

    /// Once all entries of the checkpoint are held: keeps it as the newest, and shows what is new.
    fn complete(&mut self) -> Result<(), FollowError> {
        let Some(checkpoint) = &self.checkpoint else { return Ok(()) };
        let size = checkpoint.checkpoint().size();
        if size != self.replica.size() || size <= self.viewed {
            return Ok(());
        }
        self.store().keep_checkpoint(&self.origin, checkpoint)?;
        while self.viewed < size {
            let end = self.viewed.checked_add(VIEW_WINDOW).unwrap_or(size).min(size);
            self.show(self.viewed..end)?;
            self.viewed = end;
        }
        tracing::info!(%size, "log is complete up to its checkpoint");
        self.node.tell_news();
        Ok(())
    }

    fn show(&self, range: std::ops::Range<TreeSize>) -> Result<(), FollowError> {
        // An answer names the checkpoint only once everything under it is in the view.
        let head = self.checkpoint.as_ref().map(|checkpoint| {
            let checkpoint = checkpoint.checkpoint();
            Head { size: checkpoint.size(), root: checkpoint.root() }
        });
        let head = head.filter(|head| head.size <= range.end);
        Ok(self.node.take_in(&self.origin, range, head)?)
    }

    fn keep_released(&mut self, disclosures: Vec<Disclosure>) -> Result<(), FollowError> {
        if disclosures.is_empty() {
            return Ok(());
        }
        let mut next = self.next_release;
        let mut by_entry: BTreeMap<EntryIndex, Vec<(Slot, Opening)>> = BTreeMap::new();
        for disclosure in disclosures {
            if disclosure.origin != self.origin {
                return Err(FollowError::OtherOrigin { origin: disclosure.origin });
            }
            if disclosure.number.value() != next {
                let found = disclosure.number.value();
                return Err(FollowError::ReleaseOrder { expected: next, found });
            }
            next = next.saturating_add(1);
            if !self.replica.size().contains(disclosure.index) {
                return Err(FollowError::EarlyOpening { index: disclosure.index });
            }
            if let DisclosureContent::Given(opening) = disclosure.content {
                by_entry.entry(disclosure.index).or_default().push((disclosure.slot, opening));
            }
        }
        let came = received(&self.peers, &self.origin);
        if came.agreement.is_none() {
            // Whoever sends is no peer any more: judged without an agreement all would be dropped, and a number that
            // is passed is never sent again.
            return Err(FollowError::NoRelay { agency: came.sender });
        }
        let mut kept = Vec::new();
        let (mut dropped, mut gained) = (0, false);
        for (index, openings) in by_entry {
            let given = openings.len();
            let (may, is_new) = self.judge(index, openings, &came)?;
            gained |= is_new;
            dropped += given.saturating_sub(may.len());
            kept.extend(may.into_iter().map(|opening| (index, opening)));
        }
        if dropped > 0 {
            tracing::warn!(dropped, "sections came that this node may not hold; they were dropped");
        }
        let from = self.peer.upstream();
        self.store().keep_release(from, &self.origin, &kept, next, &mut SystemEntropy::new())?;
        self.next_release = next;
        self.gained |= gained;
        let mut shown = None;
        for (index, _) in &kept {
            if self.viewed.contains(*index) && shown != Some(*index) {
                self.show(index.size_before()..index.size_through())?;
                shown = Some(*index);
            }
        }
        self.node.tell_news();
        Ok(())
    }

    /// Compares openings of one entry with its commitments and gives those that this node may hold (C16), and whether
    /// any of them was not held before.
    fn judge(
        &mut self,
        index: EntryIndex,
        openings: Vec<(Slot, Opening)>,
        came: &Parties,
    ) -> Result<(Vec<VerifiedOpening>, bool), FollowError> {
        let range = index.size_before()..index.size_through();
        let held = held_entries(self.store(), &self.origin, range)?.pop();
        let Some(held) = held else { return Err(FollowError::EarlyOpening { index }) };
        let entry: Entry = held.entry;
        let mut verified = Vec::with_capacity(openings.len());
        for (slot, opening) in openings {
            let opening = opening.verify(&self.origin, &entry, slot);
            verified.push(opening.map_err(|source| FollowError::Opening { index, source })?);
        }
        let given: Vec<Slot> = verified.iter().map(VerifiedOpening::slot).collect();
        let known: Vec<Slot> = held.openings.iter().map(VerifiedOpening::slot).collect();
        // Handling and audience may have come with an earlier section of the same entry.
        verified.extend(held.openings.into_iter().filter(|opening| !given.contains(&opening.slot())));
        let cut = came.cut(&entry, verified, None, &mut self.labels);
        let released = cut.map(|cut| cut.released).unwrap_or_default();
        let may = released.into_iter().filter(|released| given.contains(&released.slot()));
        let may: Vec<VerifiedOpening> = may.map(|released| released.opening().clone()).collect();
        let is_new = may.iter().any(|opening| !known.contains(&opening.slot()));
        Ok((may, is_new))
    }
}
