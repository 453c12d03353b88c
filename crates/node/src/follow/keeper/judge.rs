//! Which of the openings that came this node may hold, and which entries the view has to look at again.
//!
//! Not here: the rule itself (`policy`), and how they are kept (`keeper`).

use comity_ledger::{Kind, Opening, Origin, Slot, VerifiedOpening};
use comity_policy::Moment;
use comity_screening::{LogOrigin, Provenance};
use comity_store::{CHUNK_ENTRIES, Store};
use comity_tlog::{EntryIndex, Hash, TreeSize};

use super::{FollowError, Keeper};
use crate::exchange::received;
use crate::follow::viewing::OpenedEntry;
use crate::off_reactor::beside;
use crate::sections::{HeldEntry, LabelsRead, Parties, chunks_of, held_at};

/// As many openings are judged by two threads; fewer in less time than a thread begins.
const JUDGED_BESIDE_MIN: usize = 512;

/// Openings that this node may hold and did not hold before.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) kept: Vec<(EntryIndex, VerifiedOpening)>,
    /// Those of their entries that the view has already, each with what was held of it before.
    in_view: Vec<OpenedEntry>,
    /// How many this node may not hold.
    dropped: usize,
}

/// What openings are judged by.
struct Judge<'a> {
    store: &'a Store,
    origin: &'a Origin,
    log: LogOrigin,
    parties: Parties,
    handed: TreeSize,
}

type Openings = Vec<(EntryIndex, Slot, Opening)>;

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
    pub(super) fn judge(&mut self, mut openings: Openings) -> Result<Judged, FollowError> {
        let now = Moment::from_unix_secs(self.node.time().for_rules_secs());
        let parties = received(&self.peers, &self.origin, now);
        if parties.agreement.is_none() {
            // Whoever sends is no peer any more: judged without an agreement all would be dropped, and a number that
            // is passed is never sent again.
            return Err(FollowError::NoRelay { agency: parties.sender });
        }
        let log: LogOrigin = self.origin.as_str().parse().map_err(|_| FollowError::Broken)?;
        let (store, origin, handed) = (self.node.store(), &self.origin, self.handed);
        let judge = Judge { store, origin, log, parties, handed };
        if !openings.is_sorted_by_key(|(index, _, _)| *index) {
            openings.sort_by_key(|(index, _, _)| *index);
        }
        let judged = if openings.len() < JUDGED_BESIDE_MIN {
            judge.all(openings, &mut self.labels)?
        } else {
            let later = openings.split_off(middle(&openings));
            let labels = &mut self.labels;
            let (first, later) = beside(
                "judge",
                || judge.all(openings, labels),
                || judge.all(later, &mut LabelsRead::default()),
            );
            first?.followed_by(later.unwrap_or(Err(FollowError::Broken))?)
        };
        if judged.dropped > 0 {
            tracing::warn!(judged.dropped, "sections came that this node may not hold; they were dropped");
        }
        Ok(judged)
    }
}

impl Judge<'_> {
    /// Judges openings, which are in the order of their entries.
    fn all(&self, openings: Openings, labels: &mut LabelsRead) -> Result<Judged, FollowError> {
        let mut judged = Judged::default();
        judged.kept.reserve(openings.len());
        let mut indexes: Vec<EntryIndex> = openings.iter().map(|(index, _, _)| *index).collect();
        indexes.dedup();
        let mut openings = openings.into_iter().peekable();
        for chunk in chunks_of(&indexes) {
            for held in held_at(self.store, self.origin, chunk)? {
                let index = held.index;
                let given = std::iter::from_fn(|| openings.next_if(|(of, _, _)| *of == index));
                let given = given.map(|(_, slot, opening)| (slot, opening));
                let is_shown = held.entry.kind() == Kind::Record && self.handed.contains(index);
                let at = is_shown.then(|| provenance(&self.log, &held));
                let opened = self.entry(held, given, labels, &mut judged.kept)?;
                judged.dropped += opened.came.saturating_sub(opened.may);
                if let Some(at) = at.filter(|_| opened.any_new) {
                    judged.in_view.push(OpenedEntry { at, openings: opened.before });
                }
            }
        }
        match openings.next() {
            Some((index, _, _)) => Err(FollowError::EarlyOpening { index }),
            None => Ok(judged),
        }
    }

    /// Compares openings of one entry with its commitments and adds those that this node may hold (C16) and does not
    /// hold yet to `kept`.
    fn entry(
        &self,
        held: HeldEntry,
        openings: impl Iterator<Item = (Slot, Opening)>,
        labels: &mut LabelsRead,
        kept: &mut Vec<(EntryIndex, VerifiedOpening)>,
    ) -> Result<Opened, FollowError> {
        let HeldEntry { index, entry, openings: before, .. } = held;
        let mut verified = Vec::with_capacity(entry.commitments().len());
        let mut given = Slots::default();
        for (slot, opening) in openings {
            let opening = opening.verify(self.origin, &entry, slot);
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
        let cut = self.parties.cut(&entry, verified, None, labels);
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

impl Judged {
    /// With what was judged of later entries.
    fn followed_by(mut self, later: Self) -> Self {
        self.kept.extend(later.kept);
        self.in_view.extend(later.in_view);
        self.dropped += later.dropped;
        self
    }
}

/// Where openings, which are in the order of their entries, are parted in two, between two chunks of the store.
fn middle(openings: &[(EntryIndex, Slot, Opening)]) -> usize {
    let chunk = |index: EntryIndex| index.value() / CHUNK_ENTRIES;
    let Some((half, _, _)) = openings.get(openings.len() / 2) else { return 0 };
    openings.partition_point(|(index, _, _)| chunk(*index) < chunk(*half))
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
    let Judged { kept, mut in_view, dropped: _ } = judged;
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
