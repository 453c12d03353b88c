//! What a peer gives back of the own log once its entries are there: sections, each of which opens the commitment of its
//! entry, or it is not taken, and first quorums, judged as those of any log are (D23). Blocking, with no network.
//!
//! What an agency authored it may hold, whatever its labels say of others. Not here: what peers give back
//! (`comity_policy`), and whom to ask (`recovery`).

use std::sync::Arc;

use comity_ledger::{AgencyId, Gossiped, KeyHistory, Kind, Opening, Origin, Slot, VerifiedOpening, compare};
use comity_screening::{LogOrigin, Provenance};
use comity_tlog::{EntryIndex, Hash, SignedCheckpoint, TreeSize};
use comity_wire::{
    AbsenceCause, Disclosure, DisclosureContent, FollowFrom, Heartbeat, ReleaseFrame, ReleaseNumber,
};

use super::RecoveryError;
use crate::gossip::FirstQuorums;
use crate::proved_times::{FirstQuorumError, HeldLog, Wanted};
use crate::records::ViewStep;
use crate::sections::{HeldEntry, all_held_at, chunks_of};
use crate::{Node, Peers, SystemEntropy};

/// What one peer gives back of the own sections.
#[derive(Debug)]
pub(super) struct Returned {
    node: Arc<Node>,
    peers: Arc<Peers>,
    origin: Origin,
    peer: AgencyId,
    size: TreeSize,
    next: u64,
    /// The first quorums that are still to come.
    wanted: Wanted,
    /// The own keys.
    keys: KeyHistory,
    /// What first quorums are judged by.
    judged_by: Option<FirstQuorums>,
}

impl Returned {
    pub(super) fn open(node: Arc<Node>, peers: Arc<Peers>, peer: AgencyId) -> Result<Self, RecoveryError> {
        let origin = node.home().origin();
        let (next, size) = (node.store().next_release(&peer, &origin)?, node.store().held(&origin)?.size);
        let wanted = Wanted::of(&node, &peers, &peer, &origin)?;
        let keys = node.own_keys()?;
        Ok(Self { node, peers, origin, peer, size, next, wanted, keys, judged_by: None })
    }

    /// Where the peer is to go on.
    pub(super) fn from(&self) -> FollowFrom {
        FollowFrom {
            origin: self.origin.clone(),
            next_index: self.size,
            next_release: ReleaseNumber::new(self.next),
            newest: None,
            first_quorum_from: Some(self.wanted.from()),
            knows_successor: false,
        }
    }

    /// Verifies a first quorum with the own keys and against the entries held, and keeps what it proves: by when entries
    /// existed is else lost with the home, since cosigners have renewed their lines.
    pub(super) fn first_quorum(&mut self, note: &SignedCheckpoint) -> Result<(), RecoveryError> {
        if note.checkpoint().size() > self.size {
            // The log goes on meanwhile, and what is new in it was never lost.
            return Ok(());
        }
        let of = HeldLog {
            node: &self.node,
            peers: &self.peers,
            keys: &self.keys,
            size: self.size,
            end: self.keys.closed(),
        };
        let it = match self.wanted.check(of, note, &mut self.judged_by) {
            Err(error @ FirstQuorumError::OtherPast { .. }) => {
                self.report(note)?;
                return Err(error.into());
            }
            checked => checked?,
        };
        if self.wanted.keep(of, it.as_slice(), &mut self.judged_by)? {
            tracing::info!(size = %note.checkpoint().size(), "a first quorum of the own log came back");
            self.node.tell_news();
        }
        Ok(())
    }

    /// Reports a tree that the own key signed beside the one that is held, so that it is remembered and told (D25).
    fn report(&self, other: &SignedCheckpoint) -> Result<(), RecoveryError> {
        let Some(newest) = self.node.store().newest_note(&self.origin)? else { return Ok(()) };
        let newest = self.keys.verify(&SignedCheckpoint::parse(&newest)?);
        if let (Ok(newest), Ok(other)) = (newest, self.keys.verify(other))
            && let Gossiped::Fork(evidence) = compare(&newest, &other, &self.node.store().nodes(&self.origin))
        {
            self.node.doubts().report(*evidence);
            self.node.tell_news();
        }
        Ok(())
    }

    /// Once the peer has said that this was all: what came is made durable. Says whether its sections have all come too.
    pub(super) fn all_came(&self, beat: Heartbeat) -> Result<bool, RecoveryError> {
        self.node.store().sync()?;
        self.wanted.all_came(&self.node, &self.origin);
        Ok(beat.next_release.value() == self.next && !beat.held_back)
    }

    /// Keeps what is not held, and shows it.
    pub(super) fn release(&mut self, frame: ReleaseFrame) -> Result<(), RecoveryError> {
        let mut given: Vec<(EntryIndex, Slot, Opening)> = Vec::new();
        for Disclosure { number, origin, index, slot, content } in frame.into_disclosures() {
            let is_there =
                self.size.contains(index) || content == DisclosureContent::Absent(AbsenceCause::BeyondEnd);
            if origin != self.origin || number.value() != self.next || !is_there {
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
            for held in all_held_at(self.node.store(), &self.origin, chunk)? {
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
