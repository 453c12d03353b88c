//! What the view remembers of one origin: which entry changed which listing, and which entries are not opened.
//!
//! Not for: the entries themselves (`ledger`, `store`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{Handle, RecordKey};

use crate::index::ListingId;
use crate::package::Packages;
use crate::statement::Statements;
use crate::vocabulary::Vocabularies;

/// One entry that changes a record and that we could not read.
#[derive(Clone, Debug)]
pub(crate) struct Gap {
    pub(crate) leaf: Hash,
    pub(crate) about: Option<EntryIndex>,
    pub(crate) owner: Option<ListingId>,
}

/// The unopened entries of one origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gaps {
    by_index: BTreeMap<EntryIndex, Gap>,
    // (entry named, entry that names it)
    followers: BTreeSet<(EntryIndex, EntryIndex)>,
}

/// What the view remembers of one origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) newest: Option<EntryIndex>,
    pub(crate) opened: BTreeMap<EntryIndex, ListingId>,
    pub(crate) gaps: Gaps,
    pub(crate) handles: BTreeMap<Handle, ListingId>,
    /// What is said of two listings being about one subject.
    pub(crate) statements: Statements,
    /// The editions of control lists and tariffs.
    pub(crate) vocabularies: Vocabularies,
    /// The changes that take effect with others or not at all.
    pub(crate) packages: Packages,
    /// The listings that stand under a key, ended ones included.
    pub(crate) keys: BTreeMap<Arc<RecordKey>, Vec<ListingId>>,
}

impl Gaps {
    pub(crate) fn get(&self, index: EntryIndex) -> Option<&Gap> {
        self.by_index.get(&index)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_index.is_empty()
    }

    pub(crate) fn leaf(&self, index: EntryIndex) -> Option<Hash> {
        self.get(index).map(|gap| gap.leaf)
    }

    /// Whether an unopened entry names this one.
    pub(crate) fn has_follower(&self, index: EntryIndex) -> bool {
        self.followers.range((index, EntryIndex::ZERO)..=(index, EntryIndex::MAX)).next().is_some()
    }

    pub(crate) fn insert(&mut self, index: EntryIndex, gap: Gap) {
        if let Some(about) = gap.about {
            self.followers.insert((about, index));
        }
        self.by_index.insert(index, gap);
    }

    /// Takes an entry out that has been opened.
    pub(crate) fn remove(&mut self, index: EntryIndex) -> Option<Gap> {
        let gap = self.by_index.remove(&index)?;
        if let Some(about) = gap.about {
            self.followers.remove(&(about, index));
        }
        Some(gap)
    }

    /// Sets the owner of all unopened entries that follow an entry, at any distance; returns each with its owner
    /// before.
    pub(crate) fn give_followers(
        &mut self,
        index: EntryIndex,
        owner: Option<ListingId>,
    ) -> Vec<(EntryIndex, Option<ListingId>)> {
        let mut given = Vec::new();
        let mut waiting = vec![index];
        while let Some(named) = waiting.pop() {
            let followers = self.followers.range((named, EntryIndex::ZERO)..=(named, EntryIndex::MAX));
            for (_, follower) in followers {
                if let Some(gap) = self.by_index.get_mut(follower) {
                    given.push((*follower, std::mem::replace(&mut gap.owner, owner)));
                    waiting.push(*follower);
                }
            }
        }
        given
    }

    /// Sets the owner of one unopened entry; false if there is no such entry.
    pub(crate) fn give(&mut self, index: EntryIndex, owner: Option<ListingId>) -> bool {
        self.by_index.get_mut(&index).map(|gap| gap.owner = owner).is_some()
    }
}

impl Log {
    /// Notes under which key a listing stands, after it stood under another or none.
    pub(crate) fn rekey(
        &mut self,
        id: ListingId,
        before: Option<Arc<RecordKey>>,
        after: Option<Arc<RecordKey>>,
    ) {
        if let Some(before) = before
            && let Some(ids) = self.keys.get_mut(&before)
        {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.keys.remove(&before);
            }
        }
        if let Some(after) = after {
            self.keys.entry(after).or_default().push(id);
        }
    }

    /// The listing that an entry is a change of, as far as it is known.
    pub(crate) fn owner(&self, index: EntryIndex) -> Option<ListingId> {
        self.opened.get(&index).copied().or_else(|| self.gaps.get(index).and_then(|gap| gap.owner))
    }
}
