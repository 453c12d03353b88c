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
    /// What was erased and not listed again since: a publication does not bring it back. One may live all the same, where
    /// an erasure of all that was listed under it was cut off between two of its listings.
    erased: BTreeSet<RecordKey>,
    /// What waits to be erased or to be left alone: until then it stays as it is, whatever stands beside it under its key.
    held_back: BTreeSet<RecordKey>,
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
        let (erased, held_back) = (BTreeSet::new(), BTreeSet::new());
        let mut holdings = Self { basis, erased, held_back, live, ended: Vec::new() };
        // By the place of the newest entry: what comes behind an erasure was listed or changed after it.
        for listing in listed {
            let key = RecordKey::new(list.clone(), listing.reference.clone());
            match listing.state {
                RecordState::Erased => {
                    holdings.erased.insert(key);
                    continue;
                }
                RecordState::HeldBack => {
                    holdings.held_back.insert(key);
                    continue;
                }
                _ => {}
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
        self.erased.contains(key) || self.held_back.contains(key)
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

#[cfg(test)]
mod tests {
    use comity_feeds::Comparison;
    use comity_watchlist::{CalendarDate, Op, Reference, Sections, SubjectKind};

    use super::*;

    fn list() -> ListId {
        ListId::parse("us-ofac-sdn").unwrap()
    }

    fn record_of(reference: &str) -> Record {
        let reference = Reference::parse(reference).unwrap();
        Record::new(RecordKey::new(list(), reference), SubjectKind::Person)
    }

    fn record() -> Record {
        record_of("7")
    }

    fn listing(handle: u8, newest: u64, state: RecordState) -> ListedRecord {
        let handle = Handle::new([handle; 16]);
        let is_told = !matches!(state, RecordState::Erased | RecordState::HeldBack);
        let change = Change { handle, op: Op::List { record: Box::new(record()) } };
        ListedRecord {
            handle,
            newest: EntryIndex::new(newest).unwrap(),
            leaf: EntryRef::new([1; 32]),
            state,
            sections: if is_told { change.encode().unwrap() } else { Sections::default() },
            version: 1,
            reference: record().key.reference,
            merged_into: None,
            split_into: Vec::new(),
        }
    }

    /// Whether an import of a publication that has the record, and a new one, leaves it out, and what else it does.
    fn imported(listed: Vec<ListedRecord>) -> (bool, Vec<&'static str>) {
        let held = Holdings::read(&list(), listed).unwrap();
        let current = held.current();
        let mut comparison = Comparison::new(&current);
        comparison.take(Box::new(record_of("8")), || Handle::new([8; 16]));
        let is_barred = held.bars(&record().key);
        if is_barred {
            comparison.leave(&record().key);
        } else {
            comparison.take(Box::new(record()), || Handle::new([9; 16]));
        }
        let snapshot = comity_feeds::Snapshot {
            list: list(),
            published: None,
            files: Vec::new(),
            scope: comity_feeds::Scope::Whole,
            records: Vec::new(),
            ended: Vec::new(),
            rejected: Vec::new(),
            rejected_more: 0,
            rows: 2,
        };
        let difference = comparison.finish(snapshot, CalendarDate::parse("2026-11-30").unwrap()).unwrap();
        (is_barred, difference.changes.iter().map(|change| change.op.word()).collect())
    }

    #[test]
    fn an_erasure_that_was_cut_off_before_the_living_listing_leaves_it_as_it_is_at_every_import() {
        use RecordState::{Delisted, Erased, HeldBack, Unapproved};
        let only_the_new = vec!["list"];
        // The former listing was erased after the living one had begun: the erasure was cut off between the two.
        let cut_off = vec![listing(2, 3, Unapproved), listing(1, 5, Erased)];
        assert_eq!(imported(cut_off), (true, only_the_new.clone()));
        // Listed again after the erasure: somebody decided so.
        let relisted = vec![listing(1, 5, Erased), listing(2, 7, Unapproved)];
        assert_eq!(imported(relisted), (false, only_the_new.clone()));
        // The newest was erased, and those before it not yet.
        let begun = vec![listing(1, 3, Delisted), listing(2, 5, Erased)];
        assert_eq!(imported(begun), (true, only_the_new.clone()));
        // What waits is left alone, wherever it stands.
        for waiting in [
            vec![listing(1, 3, HeldBack), listing(2, 5, Unapproved)],
            vec![listing(2, 3, Unapproved), listing(1, 5, HeldBack)],
        ] {
            assert_eq!(imported(waiting), (true, only_the_new.clone()));
        }
    }
}
