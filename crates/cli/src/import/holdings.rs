//! The listings of a list as the log holds them, which a publication is compared with.
//!
//! Not here: the comparison (`feeds`).

use std::collections::{BTreeMap, BTreeSet};

use comity_feeds::{Current, Held};
use comity_ledger::Origin;
use comity_node::NodeError;
use comity_tlog::EntryIndex;
use comity_watchlist::{Change, EntryRef, Handle, ListId, Record, RecordKey, SectionsRead};
use comity_wire::v1::RecordState;
use comity_wire::{DraftChange, ListBasis, ListedRecord};

use crate::answer::Refusal;
use crate::source::Source;

/// The listings of the list.
pub(super) struct Holdings {
    /// How the list stands.
    basis: ListBasis,
    /// What was erased and not listed again since, or may be about to be: a publication does not bring it back.
    erased: BTreeSet<RecordKey>,
    live: Vec<(Handle, EntryIndex, EntryRef, Record)>,
    ended: Vec<(RecordKey, Handle)>,
}

impl Holdings {
    /// Asks for the listings, which come by the place of their newest entry.
    pub(super) fn of(source: &mut Source, own: &Origin, list: &ListId) -> Result<Self, Refusal> {
        Self::read(list, source.records(own, list)?)
    }

    fn read(list: &ListId, listed: Vec<ListedRecord>) -> Result<Self, Refusal> {
        let basis = ListBasis {
            list: list.clone(),
            listings: u64::try_from(listed.len()).unwrap_or(u64::MAX),
            newest: listed.iter().map(|listing| listing.newest).max(),
        };
        let live = Vec::with_capacity(listed.len());
        let mut holdings = Self { basis, erased: BTreeSet::new(), live, ended: Vec::new() };
        for listing in listed {
            let key = RecordKey::new(list.clone(), listing.reference.clone());
            if matches!(listing.state, RecordState::Erased | RecordState::HeldBack) {
                holdings.erased.insert(key);
                continue;
            }
            holdings.erased.remove(&key);
            let is_ended = matches!(listing.state, RecordState::Delisted | RecordState::Withdrawn);
            // No more is asked of one that has ended; of some nothing else can be read any more.
            if is_ended {
                holdings.ended.push((key, listing.handle));
                continue;
            }
            let read = SectionsRead::from(&listing.sections);
            let unread = || {
                let message = format!("entry {} of the own log does not read", listing.newest);
                Refusal::new("damaged", message)
            };
            let change = Change::decode(&read).map_err(|_| unread())?.change;
            let mut record = change.op.record().ok_or_else(unread)?.clone();
            // A rekeying says the key, and not the record again.
            record.key = key;
            holdings.live.push((listing.handle, listing.newest, listing.leaf, record));
        }
        Ok(holdings)
    }

    /// How the list stands that they were read of.
    pub(super) const fn basis(&self) -> &ListBasis {
        &self.basis
    }

    /// Whether a record was erased here and not listed again since, or may be about to be.
    pub(super) fn bars(&self, key: &RecordKey) -> bool {
        self.erased.contains(key)
    }

    pub(super) fn current(&self) -> Current<'_> {
        let mut current = Current::new();
        for (handle, _, last, record) in &self.live {
            current.hold(Held { handle: *handle, last: *last, record });
        }
        for (key, handle) in &self.ended {
            current.end(key.clone(), *handle);
        }
        current
    }

    /// What the live ones are called.
    pub(super) fn names(&self) -> BTreeMap<&RecordKey, &str> {
        let named = self.live.iter().map(|(.., record)| (&record.key, record.primary_name()));
        named.filter_map(|(key, name)| Some((key, name?.full.as_str()))).collect()
    }

    /// The changes as they are handed over: with the place of the entry that each follows.
    pub(super) fn drafts(&self, changes: &[Change]) -> Result<Vec<DraftChange>, Refusal> {
        let newest: BTreeMap<Handle, EntryIndex> =
            self.live.iter().map(|(handle, newest, ..)| (*handle, *newest)).collect();
        let draft = |change: &Change| {
            let refuse = |reason: String| Refusal::from(NodeError::Record { reason });
            let about = change.op.prev().and_then(|_| newest.get(&change.handle).copied());
            let sections = change.encode().map_err(|error| refuse(error.to_string()))?;
            DraftChange::new(about, sections).ok_or_else(|| refuse("it says nothing".to_owned()))
        };
        changes.iter().map(draft).collect()
    }
}
