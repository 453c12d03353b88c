//! The records of a list as the newest entries of a log say them, for an importer to compare with, and for people.
//!
//! Read from the store and not from the view, so that the sections are the bytes that were signed. Not here: the
//! comparison (`feeds`) and the messages (`wire`).

use std::collections::BTreeMap;

use comity_ledger::{Entry, Origin, Slot};
use comity_screening::{LogOrigin, Status, View};
use comity_store::{ReadError, Store, StoreError};
use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{
    Change, EntryRef, Handle, ListId, RecordKey, Reference, Section, Sections, SectionsRead,
};
use comity_wire::ListedRecord;
use comity_wire::v1::RecordState;

use crate::NodeError;

/// Entries between two wanted ones that are read along rather than asked for anew: a chunk of the store.
const GAP_READ_ALONG: u64 = 16;

/// Entries read at once, so that memory does not grow with the log.
const WINDOW_MAX: u64 = 256;

/// Most steps back from the newest entry of a listing to the one that carries the whole record: as many changes as
/// the view follows.
const STEPS_BACK_MAX: usize = comity_screening::limits::CHANGES_MAX;

/// Where a listing stands, and the entry looked at to find its record.
struct Wanted {
    handle: Handle,
    newest: EntryIndex,
    leaf: Option<Hash>,
    state: RecordState,
    version: u64,
    reference: Reference,
    merged_into: Option<RecordKey>,
    split_into: Vec<RecordKey>,
}

/// The listings of one list of a log, living and ended, by the place of their newest entries; of another's log those
/// whose record is opened to this node. Of one that was erased nothing but its end is known; of one that is held back,
/// nothing but that is told. Blocking.
///
/// # Errors
/// A [`NodeError`] if the log is not held, or the store is damaged.
pub fn listed(
    store: &Store,
    view: &View,
    origin: &Origin,
    list: &ListId,
) -> Result<Vec<ListedRecord>, NodeError> {
    if store.role(origin)?.is_none() {
        return Err(StoreError::NoSuchLog { origin: origin.to_string() }.into());
    }
    let mut wanted: BTreeMap<EntryIndex, Wanted> = BTreeMap::new();
    for listing in listings(view, origin, list)? {
        wanted.insert(listing.newest, listing);
    }
    let mut found = Vec::with_capacity(wanted.len());
    for _ in 0..STEPS_BACK_MAX {
        if wanted.is_empty() {
            break;
        }
        wanted = look_back(store, origin, wanted, &mut found)?;
    }
    found.extend(wanted.into_values().filter_map(ended_unread));
    found.sort_unstable_by_key(|record| record.newest);
    Ok(found)
}

fn listings(view: &View, origin: &Origin, list: &ListId) -> Result<Vec<Wanted>, NodeError> {
    let refuse = |_| NodeError::Record { reason: "not an origin".to_owned() };
    let log: LogOrigin = origin.as_str().parse().map_err(refuse)?;
    let wanted = |handle: Handle, newest, state, version, key: &RecordKey| Wanted {
        handle,
        newest,
        leaf: None,
        state,
        version,
        reference: key.reference.clone(),
        merged_into: view.merged_into(&log, handle).cloned(),
        split_into: view.split_into(&log, handle).into_iter().cloned().collect(),
    };
    let live = view.live(&log, list).map(|of| {
        let state = if of.is_disputed { RecordState::Unspecified } else { state_of(of.status) };
        wanted(of.handle, of.newest_index, state, of.version, of.key)
    });
    let ended = view
        .ended(&log, list)
        .map(|of| wanted(of.handle, of.newest_index, state_of(of.status), of.version, of.key));
    Ok(live.chain(ended).collect())
}

const fn state_of(status: Status) -> RecordState {
    match status {
        Status::Listed => RecordState::Unapproved,
        Status::Suspended => RecordState::Suspended,
        Status::Delisted => RecordState::Delisted,
        Status::Withdrawn => RecordState::Withdrawn,
        Status::Erased => RecordState::Erased,
    }
}

/// Reads the wanted entries; what carries no record leads to the entry that it is about.
fn look_back(
    store: &Store,
    origin: &Origin,
    mut wanted: BTreeMap<EntryIndex, Wanted>,
    found: &mut Vec<ListedRecord>,
) -> Result<BTreeMap<EntryIndex, Wanted>, NodeError> {
    let slots: Vec<Slot> = Section::ALL.iter().map(|section| Slot::new(section.slot())).collect();
    let mut further = BTreeMap::new();
    let held_back = store.held_back();
    for (first, last) in runs(wanted.keys().copied()) {
        let range = first.size_before()..last.size_through();
        let entries = store.entries(origin, range.start, range.end)?;
        let mut held = entries.iter();
        let read = store.each_opening(origin, range, &slots, |index, openings| {
            let Some(bytes) = held.next() else { return Ok(()) };
            let Some(mut listing) = wanted.remove(&index) else { return Ok(()) };
            let leaf = *listing.leaf.get_or_insert_with(|| Hash::leaf(bytes));
            let mut sections = Sections::default();
            for (section, opening) in Section::ALL.into_iter().zip(&*openings) {
                if let Some(opening) = opening {
                    sections.set(section, opening.section().to_vec());
                }
            }
            if listing.state != RecordState::Erased && held_back.holds(origin, index) {
                listing.state = RecordState::HeldBack;
            }
            let is_untold = matches!(listing.state, RecordState::Erased | RecordState::HeldBack);
            if is_untold || carries_record(&sections) {
                found.push(ListedRecord {
                    handle: listing.handle,
                    newest: listing.newest,
                    leaf: EntryRef::new(*leaf.as_bytes()),
                    state: listing.state,
                    sections: if is_untold { Sections::default() } else { sections },
                    version: listing.version,
                    reference: listing.reference,
                    merged_into: listing.merged_into,
                    split_into: listing.split_into,
                });
            } else if let Some(about) = Entry::parse(bytes)?.about() {
                further.insert(about, listing);
            } else {
                found.extend(ended_unread(listing));
            }
            Ok::<(), NodeError>(())
        });
        read.map_err(|error| match error {
            ReadError::Store(source) => source.into(),
            ReadError::Taker(error) => error,
        })?;
    }
    store.sync_what_was_read()?;
    Ok(further)
}

/// A listing that has ended and of which no record can be read any more: that it was there is known all the same.
fn ended_unread(listing: Wanted) -> Option<ListedRecord> {
    let is_ended = matches!(listing.state, RecordState::Delisted | RecordState::Withdrawn);
    let leaf = listing.leaf.filter(|_| is_ended)?;
    Some(ListedRecord {
        handle: listing.handle,
        newest: listing.newest,
        leaf: EntryRef::new(*leaf.as_bytes()),
        state: listing.state,
        sections: Sections::default(),
        version: listing.version,
        reference: listing.reference,
        merged_into: listing.merged_into,
        split_into: listing.split_into,
    })
}

/// Whether the change carries the whole record: core alone says so, and the other sections need not be read for it.
fn carries_record(sections: &Sections) -> bool {
    let core = SectionsRead::withheld().give(Section::Core, sections.bytes(Section::Core));
    Change::decode(&core).is_ok_and(|decoded| decoded.change.op.record().is_some())
}

/// Indexes that lie close together, as the ranges that hold them.
fn runs(indexes: impl Iterator<Item = EntryIndex>) -> Vec<(EntryIndex, EntryIndex)> {
    let mut runs: Vec<(EntryIndex, EntryIndex)> = Vec::new();
    for index in indexes {
        match runs.last_mut() {
            Some((first, last))
                if index.value() - last.value() <= GAP_READ_ALONG
                    && index.value() - first.value() < WINDOW_MAX =>
            {
                *last = index;
            }
            _ => runs.push((index, index)),
        }
    }
    runs
}
