//! Entries of own logs of which nothing is told for now although their sections are held: an erasure of them waits for an
//! operator's word.
//!
//! The one place that says whether an entry may be told. It is in memory alone, since what waits is worked out at each
//! start. Not here: what waits (`comity-node`), and what a peer is to get once nothing does (`releases`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use comity_ledger::Origin;
use comity_tlog::EntryIndex;

use crate::Store;

/// The entries of all own logs of which nothing is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldBack(BTreeMap<Origin, BTreeSet<EntryIndex>>);

impl HeldBack {
    /// Whether nothing of an entry is told.
    pub fn holds(&self, origin: &Origin, index: EntryIndex) -> bool {
        self.0.get(origin).is_some_and(|entries| entries.contains(&index))
    }

    /// The entries of a log of which nothing is told, ascending.
    pub fn of(&self, origin: &Origin) -> impl Iterator<Item = EntryIndex> {
        self.0.get(origin).into_iter().flatten().copied()
    }

    /// Whether there is an entry of a log of which nothing is told.
    pub fn any_of(&self, origin: &Origin) -> bool {
        self.0.get(origin).is_some_and(|entries| !entries.is_empty())
    }
}

impl FromIterator<(Origin, EntryIndex)> for HeldBack {
    fn from_iter<T: IntoIterator<Item = (Origin, EntryIndex)>>(entries: T) -> Self {
        let mut held_back = Self::default();
        for (origin, index) in entries {
            held_back.0.entry(origin).or_default().insert(index);
        }
        held_back
    }
}

/// What is held back now; whoever reads sees one state of it.
#[derive(Debug, Default)]
pub(crate) struct HoldingBack(RwLock<Arc<HeldBack>>);

impl Store {
    /// The entries of which nothing is told now. A state that is asked for again is the same allocation as long as nothing
    /// has changed.
    pub fn held_back(&self) -> Arc<HeldBack> {
        Arc::clone(&self.holding_back.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has these be the entries of which nothing is told. Says whether they were others before.
    pub fn hold_back(&self, entries: HeldBack) -> bool {
        let mut now = self.holding_back.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_other = **now != entries;
        if is_other {
            *now = Arc::new(entries);
        }
        is_other
    }

    /// Has these entries of a log be among those of which nothing is told.
    pub fn hold_back_too(&self, origin: &Origin, entries: impl IntoIterator<Item = EntryIndex>) {
        let mut now = self.holding_back.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut now).0.entry(origin.clone()).or_default().extend(entries);
    }
}
