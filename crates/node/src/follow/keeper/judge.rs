//! Which of the openings that came this node may hold, and which entries the view has to look at again.
//!
//! Not here: the rule itself (`policy`), and how they are kept (`keeper`).

use comity_ledger::{Kind, Opening, Slot, VerifiedOpening};
use comity_policy::Released;
use comity_screening::{LogOrigin, Provenance};
use comity_tlog::{EntryIndex, Hash};

use super::{FollowError, Keeper};
use crate::exchange::received;
use crate::follow::viewing::OpenedEntry;
use crate::sections::{HeldEntry, Parties, chunks_of, held_at};

/// Openings that this node may hold and did not hold before.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) kept: Vec<(EntryIndex, VerifiedOpening)>,
    /// Those of their entries that the view has already, each with what was held of it before.
    in_view: Vec<OpenedEntry>,
}

/// Openings of one entry: how many of those that came may be held, those of them that are new, and those that were held
/// before.
struct Opened {
    may: usize,
    new: Vec<VerifiedOpening>,
    before: Vec<VerifiedOpening>,
}

impl Keeper {
    /// Compares openings with their entries, which are held, and takes those that this node may hold.
    pub(super) fn judge(
        &mut self,
        mut openings: Vec<(EntryIndex, Slot, Opening)>,
    ) -> Result<Judged, FollowError> {
        let came = received(&self.peers, &self.origin);
        if came.agreement.is_none() {
            // Whoever sends is no peer any more: judged without an agreement all would be dropped, and a number that
            // is passed is never sent again.
            return Err(FollowError::NoRelay { agency: came.sender });
        }
        let log: LogOrigin = self.origin.as_str().parse().map_err(|_| FollowError::Broken)?;
        let (mut judged, mut dropped) = (Judged::default(), 0);
        openings.sort_by_key(|(index, _, _)| *index);
        let mut indexes: Vec<EntryIndex> = openings.iter().map(|(index, _, _)| *index).collect();
        indexes.dedup();
        let mut openings = openings.into_iter().peekable();
        for chunk in chunks_of(&indexes) {
            for held in held_at(self.node.store(), &self.origin, chunk)? {
                let index = held.index;
                let mut given = Vec::new();
                while let Some((_, slot, opening)) = openings.next_if(|(of, _, _)| *of == index) {
                    given.push((slot, opening));
                }
                let count = given.len();
                let is_shown = held.entry.kind() == Kind::Record && self.handed.contains(index);
                let at = is_shown.then(|| provenance(&log, &held));
                let opened = self.judge_entry(held, given, &came)?;
                dropped += count.saturating_sub(opened.may);
                if let Some(at) = at.filter(|_| !opened.new.is_empty()) {
                    judged.in_view.push(OpenedEntry { at, openings: opened.before });
                }
                judged.kept.extend(opened.new.into_iter().map(|opening| (index, opening)));
            }
        }
        if dropped > 0 {
            tracing::warn!(dropped, "sections came that this node may not hold; they were dropped");
        }
        match openings.next() {
            Some((index, _, _)) => Err(FollowError::EarlyOpening { index }),
            None => Ok(judged),
        }
    }

    /// Compares openings of one entry with its commitments and gives those that this node may hold (C16).
    fn judge_entry(
        &mut self,
        held: HeldEntry,
        openings: Vec<(Slot, Opening)>,
        came: &Parties,
    ) -> Result<Opened, FollowError> {
        let HeldEntry { index, entry, openings: before, .. } = held;
        let mut verified = Vec::with_capacity(openings.len() + before.len());
        for (slot, opening) in openings {
            let opening = opening.verify(&self.origin, &entry, slot);
            verified.push(opening.map_err(|source| FollowError::Opening { index, source })?);
        }
        let given: Vec<Slot> = verified.iter().map(VerifiedOpening::slot).collect();
        let known: Vec<Slot> = before.iter().map(VerifiedOpening::slot).collect();
        // Handling and audience may have come with an earlier section of the same entry.
        verified.extend(before.iter().filter(|opening| !given.contains(&opening.slot())).cloned());
        let cut = came.cut(&entry, verified, None, &mut self.labels);
        let mut released = cut.map(|cut| cut.released).unwrap_or_default();
        released.retain(|released| given.contains(&released.slot()));
        let may = released.len();
        // What is said again was passed on already.
        let new = released.into_iter().filter(|released| !known.contains(&released.slot()));
        Ok(Opened { may, new: new.map(Released::into_opening).collect(), before })
    }
}

/// The entries that the view has to look at again, each with all that is held of it now.
pub(super) fn opened_entries(judged: Judged) -> Vec<OpenedEntry> {
    let Judged { kept, mut in_view } = judged;
    let mut entries = in_view.iter_mut().peekable();
    // Both are in the order of the entries.
    for (index, opening) in kept {
        while entries.next_if(|entry| entry.at.index < index).is_some() {}
        if let Some(entry) = entries.peek_mut().filter(|entry| entry.at.index == index) {
            entry.openings.push(opening);
        }
    }
    in_view
}

fn provenance(log: &LogOrigin, held: &HeldEntry) -> Provenance {
    let leaf = Hash::leaf(&held.bytes);
    Provenance { origin: log.clone(), index: held.index, leaf, about: held.entry.about() }
}
