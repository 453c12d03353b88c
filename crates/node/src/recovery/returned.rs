//! The sections of the own log that a peer gives back: each opens the commitment of its entry, or it is not taken.
//! Blocking, with no network.
//!
//! What an agency authored it may hold, whatever its labels say of others. Not here: what peers give back
//! (`comity_policy`), and whom to ask (`recovery`).

use std::sync::Arc;

use comity_ledger::{AgencyId, Kind, Opening, Origin, Slot, VerifiedOpening};
use comity_screening::{LogOrigin, Provenance};
use comity_tlog::{EntryIndex, Hash, TreeSize};
use comity_wire::{Disclosure, DisclosureContent, FollowFrom, ReleaseFrame, ReleaseNumber};

use super::RecoveryError;
use crate::records::ViewStep;
use crate::sections::{HeldEntry, chunks_of, held_at};
use crate::{Node, SystemEntropy};

/// What one peer gives back of the own sections.
#[derive(Debug)]
pub(super) struct Returned {
    node: Arc<Node>,
    origin: Origin,
    peer: AgencyId,
    size: TreeSize,
    next: u64,
}

impl Returned {
    pub(super) fn open(node: Arc<Node>, peer: AgencyId) -> Result<Self, RecoveryError> {
        let origin = node.home().origin();
        let (next, size) = (node.store().next_release(&peer, &origin)?, node.store().held(&origin)?.size);
        Ok(Self { node, origin, peer, size, next })
    }

    /// Where the peer is to go on.
    pub(super) fn from(&self) -> FollowFrom {
        FollowFrom {
            origin: self.origin.clone(),
            next_index: self.size,
            next_release: ReleaseNumber::new(self.next),
            newest: None,
            first_quorum_from: None,
        }
    }

    /// The number of the next release: a heartbeat that names it says that there are no more.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Keeps what is not held, and shows it.
    pub(super) fn release(&mut self, frame: ReleaseFrame) -> Result<(), RecoveryError> {
        let mut given: Vec<(EntryIndex, Slot, Opening)> = Vec::new();
        for Disclosure { number, origin, index, slot, content } in frame.into_disclosures() {
            if origin != self.origin || number.value() != self.next || !self.size.contains(index) {
                return Err(RecoveryError::Release { expected: self.next });
            }
            self.next = self.next.saturating_add(1);
            if let DisclosureContent::Given(opening) = content {
                given.push((index, slot, opening));
            }
        }
        given.sort_by_key(|(index, _, _)| *index);
        let mut indexes: Vec<EntryIndex> = given.iter().map(|(index, _, _)| *index).collect();
        indexes.dedup();
        let (mut given, mut kept, mut steps) = (given.into_iter().peekable(), Vec::new(), Vec::new());
        for chunk in chunks_of(&indexes) {
            for held in held_at(self.node.store(), &self.origin, chunk)? {
                let index = held.index;
                if self.node.store().is_erased(&self.origin, index)? {
                    // Peers are not asked to erase it: it is neither kept nor shown.
                    while given.next_if(|(of, _, _)| *of == index).is_some() {}
                    continue;
                }
                let mut fresh = Vec::new();
                while let Some((_, slot, opening)) = given.next_if(|(of, _, _)| *of == index) {
                    if held.openings.iter().any(|known| known.slot() == slot) {
                        continue;
                    }
                    let opening = opening.verify(&self.origin, &held.entry, slot);
                    fresh.push(opening.map_err(|source| RecoveryError::Opening { index, source })?);
                }
                if !fresh.is_empty() {
                    steps.extend(self.step(&held, &fresh));
                    kept.extend(fresh.into_iter().map(|opening| (index, opening)));
                }
            }
        }
        let store = self.node.store();
        store.return_sections(&self.origin, &self.peer, &kept, self.next, &mut SystemEntropy::new())?;
        if !kept.is_empty() {
            tracing::info!(sections = kept.len(), "sections of the own log came back");
        }
        self.node.show(&self.origin, steps, None)?;
        self.node.tell_anew();
        self.node.tell_news();
        Ok(())
    }

    /// A record entry with all that is held of it now.
    fn step(&self, held: &HeldEntry, fresh: &[VerifiedOpening]) -> Option<ViewStep> {
        if held.entry.kind() != Kind::Record {
            return None;
        }
        let origin: LogOrigin = self.origin.as_str().parse().ok()?;
        let leaf = Hash::leaf(&held.bytes);
        let at = Provenance { origin, index: held.index, leaf, about: held.entry.about() };
        let opened = held.openings.iter().chain(fresh).map(|opening| (opening.slot(), opening.opening()));
        // As of a peer's entry: what does not fit is not shown, and keeps nothing from going on.
        Some(ViewStep::of(at, true, opened))
    }
}
