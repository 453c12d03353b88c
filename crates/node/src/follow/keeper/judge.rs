//! Which of the openings that came this node may hold, and which entries the view has to look at again.
//!
//! Not here: the rule itself (`policy`), and how they are kept (`keeper`).

use comity_ledger::{Kind, Opening, Slot, VerifiedOpening};
use comity_policy::Moment;
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

/// Openings of one entry: how many came, how many of them may be held, whether any of those is new, and what was held
/// before.
struct Opened {
    came: usize,
    may: usize,
    any_new: bool,
    before: Vec<VerifiedOpening>,
}

/// A set of slots.
#[derive(Default)]
struct Slots([u64; 4]);

impl Keeper {
    /// Compares openings with their entries, which are held, and takes those that this node may hold.
    pub(super) fn judge(
        &mut self,
        mut openings: Vec<(EntryIndex, Slot, Opening)>,
    ) -> Result<Judged, FollowError> {
        let now = Moment::from_unix_secs(self.node.time().for_rules_secs());
        let came = received(&self.peers, &self.origin, now);
        if came.agreement.is_none() {
            // Whoever sends is no peer any more: judged without an agreement all would be dropped, and a number that
            // is passed is never sent again.
            return Err(FollowError::NoRelay { agency: came.sender });
        }
        let log: LogOrigin = self.origin.as_str().parse().map_err(|_| FollowError::Broken)?;
        let (mut judged, mut dropped) = (Judged::default(), 0);
        judged.kept.reserve(openings.len());
        if !openings.is_sorted_by_key(|(index, _, _)| *index) {
            openings.sort_by_key(|(index, _, _)| *index);
        }
        let mut indexes: Vec<EntryIndex> = openings.iter().map(|(index, _, _)| *index).collect();
        indexes.dedup();
        let mut openings = openings.into_iter().peekable();
        for chunk in chunks_of(&indexes) {
            for held in held_at(self.node.store(), &self.origin, chunk)? {
                let index = held.index;
                let given = std::iter::from_fn(|| openings.next_if(|(of, _, _)| *of == index));
                let given = given.map(|(_, slot, opening)| (slot, opening));
                let is_shown = held.entry.kind() == Kind::Record && self.handed.contains(index);
                let at = is_shown.then(|| provenance(&log, &held));
                let opened = self.judge_entry(held, given, &came, &mut judged.kept)?;
                dropped += opened.came.saturating_sub(opened.may);
                if let Some(at) = at.filter(|_| opened.any_new) {
                    judged.in_view.push(OpenedEntry { at, openings: opened.before });
                }
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

    /// Compares openings of one entry with its commitments and adds those that this node may hold (C16) and does not
    /// hold yet to `kept`.
    fn judge_entry(
        &mut self,
        held: HeldEntry,
        openings: impl Iterator<Item = (Slot, Opening)>,
        parties: &Parties,
        kept: &mut Vec<(EntryIndex, VerifiedOpening)>,
    ) -> Result<Opened, FollowError> {
        let HeldEntry { index, entry, openings: before, .. } = held;
        let mut verified = Vec::with_capacity(entry.commitments().len());
        let mut given = Slots::default();
        for (slot, opening) in openings {
            let opening = opening.verify(&self.origin, &entry, slot);
            verified.push(opening.map_err(|source| FollowError::Opening { index, source })?);
            given.add(slot);
        }
        let came = verified.len();
        let mut known = Slots::default();
        for opening in &before {
            known.add(opening.slot());
            // Handling and audience may have come with an earlier section of the same entry.
            if !given.has(opening.slot()) {
                verified.push(opening.clone());
            }
        }
        let cut = parties.cut(&entry, verified, None, &mut self.labels);
        let (mut may, kept_before) = (0, kept.len());
        for released in cut.map(|cut| cut.released).unwrap_or_default() {
            if given.has(released.slot()) {
                may += 1;
                // What is said again was passed on already.
                if !known.has(released.slot()) {
                    kept.push((index, released.into_opening()));
                }
            }
        }
        Ok(Opened { came, may, any_new: kept.len() > kept_before, before })
    }
}

impl Slots {
    fn add(&mut self, slot: Slot) {
        if let Some(word) = self.0.get_mut(usize::from(slot.number() / 64)) {
            *word |= 1 << (slot.number() % 64);
        }
    }

    fn has(&self, slot: Slot) -> bool {
        let word = self.0.get(usize::from(slot.number() / 64));
        word.is_some_and(|word| word & (1 << (slot.number() % 64)) != 0)
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
