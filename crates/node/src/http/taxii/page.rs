//! One page of a collection: a walk along the log from a cursor, as far as its bounds let it go.
//!
//! Nothing but the page is held. Since every object stands by an entry of the log, pages stay as they are while the log
//! grows; what a later entry replaced is then told by that one. Not here: what one entry tells (`listings`).

use std::collections::{BTreeSet, VecDeque};

use comity_feeds::out::StixObject;
use comity_ledger::{Entry, Kind};
use comity_store::CHUNK_ENTRIES;
use comity_tlog::{EntryIndex, TreeSize};

use super::ask::{Cursor, Filters};
use super::catalogue::Catalogue;
use super::listings::{Listings, ToldBy};
use super::timestamp::Micros;
use crate::NodeError;
use crate::sections::{HeldEntry, held_at, held_entries};

/// Most entries that are looked at for a page: some tenths of a second, however few of them are for everybody. The
/// earlier entries of what is told count as well; one listing more, of at most 4,096 changes, may go beyond.
const LOOKED_MAX: usize = 2_048;
/// Bytes at which a page ends; an object more may stand on it, so that there is one in any case.
const PAGE_BYTES_MAX: usize = 256 << 10;

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) objects: Vec<Added>,
    /// Where the next one begins, if there may be more.
    pub(super) next: Option<Cursor>,
}

/// An object with the time from which it counts as added.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) object: StixObject,
    pub(super) date: Micros,
}

/// The page that is asked for. Blocking.
///
/// # Errors
/// A [`NodeError`] if the store fails or is damaged.
pub(super) fn page(
    listings: &Listings<'_>,
    catalogue: &Catalogue,
    size: u64,
    asked: &Filters,
) -> Result<Page, NodeError> {
    let (store, origin) = (listings.node.store(), listings.origin);
    let mut cursor = asked.next;
    if let Some(time) = asked.added_after {
        // The last objects of this entry may have been added later.
        let last = catalogue.last_by(store, origin, time)?;
        cursor = cursor.max(Cursor { index: last, told: 0 });
    }
    let wanted = match &asked.ids {
        // The entries by which objects of these ids may be told.
        Some(ids) => Wanted::Those(ids.iter().filter_map(|id| catalogue.entry_of(id)).collect()),
        None => Wanted::All,
    };
    let wanted = if asked.is_of_this_spec { wanted } else { Wanted::Those(BTreeSet::new()) };
    let mut page = Page { objects: Vec::new(), next: None };
    let (mut entries, mut dates) = (Entries::new(listings, size), catalogue.dates());
    let (mut looked, mut bytes) = (0_usize, 0_usize);
    while let Some(index) = wanted.from(cursor.index).filter(|index| *index < size) {
        if looked >= LOOKED_MAX {
            page.next = Some(cursor);
            break;
        }
        let told = match &wanted {
            Wanted::All => entries.told_by(index)?,
            Wanted::Those(_) => entries.told_by_alone(index)?,
        };
        looked = looked.saturating_add(told.looked);
        let date = dates.of(store, origin, index)?;
        let skipped = if cursor.index == index { cursor.told } else { 0 };
        for (object, place) in told.objects.into_iter().zip(0_usize..).skip(skipped) {
            let date = date.plus(u64::try_from(place).unwrap_or(u64::MAX));
            if !asked.means(&object, date) {
                continue;
            }
            if page.objects.len() >= asked.limit || bytes >= PAGE_BYTES_MAX {
                page.next = Some(Cursor { index, told: place });
                return Ok(page);
            }
            bytes = bytes.saturating_add(object.text.len());
            page.objects.push(Added { object, date });
        }
        cursor = Cursor { index: index.saturating_add(1), told: 0 };
    }
    Ok(page)
}

impl Filters {
    fn means(&self, object: &StixObject, date: Micros) -> bool {
        self.added_after.is_none_or(|time| date > time)
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&object.id))
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&object.kind))
            && self.versions.mean(&object.version)
    }
}

/// Which entries are looked at.
enum Wanted {
    All,
    Those(BTreeSet<u64>),
}

impl Wanted {
    /// The first one at a place or behind it.
    fn from(&self, index: u64) -> Option<u64> {
        match self {
            Self::All => Some(index),
            Self::Those(places) => places.range(index..).next().copied(),
        }
    }
}

/// The entries of a log as they are asked for in their order: a chunk of the store is read once.
pub(super) struct Entries<'a> {
    listings: &'a Listings<'a>,
    size: u64,
    /// The chunk that was read last, and what is left of it.
    chunk: Option<u64>,
    held: VecDeque<HeldEntry>,
}

impl<'a> Entries<'a> {
    pub(super) const fn new(listings: &'a Listings<'a>, size: u64) -> Self {
        Self { listings, size, chunk: None, held: VecDeque::new() }
    }

    /// What an entry tells.
    pub(super) fn told_by(&mut self, index: u64) -> Result<ToldBy, NodeError> {
        if index == 0 {
            return Ok(self.listings.common());
        }
        if self.chunk != Some(index / CHUNK_ENTRIES) {
            self.read(index / CHUNK_ENTRIES)?;
        }
        self.held.retain(|held| held.index.value() >= index);
        match self.held.pop_front_if(|held| held.index.value() == index) {
            Some(held) => self.listings.told_by(held),
            None => Ok(ToldBy::NOTHING),
        }
    }

    /// The same where its neighbours are not asked for.
    fn told_by_alone(&self, index: u64) -> Result<ToldBy, NodeError> {
        let Listings { node, origin, .. } = self.listings;
        match EntryIndex::new(index) {
            Ok(EntryIndex::ZERO) => Ok(self.listings.common()),
            Ok(place) => match held_at(node.store(), origin, &[place])?.pop() {
                Some(held) if held.entry.kind() == Kind::Record => self.listings.told_by(held),
                _ => Ok(ToldBy::NOTHING),
            },
            Err(_) => Ok(ToldBy::NOTHING),
        }
    }

    /// Reads a chunk; its sections only if a record is changed in it.
    fn read(&mut self, chunk: u64) -> Result<(), NodeError> {
        let Listings { node, origin, .. } = self.listings;
        (self.chunk, self.held) = (Some(chunk), VecDeque::new());
        let size = |value: u64| {
            TreeSize::new(value)
                .map_err(|_| NodeError::Contradiction { origin: origin.to_string(), size: value })
        };
        let start = chunk.saturating_mul(CHUNK_ENTRIES);
        let range = size(start)?..size(self.size.min(start.saturating_add(CHUNK_ENTRIES)))?;
        let mut any = false;
        for bytes in node.store().shared_entries(origin, range.start, range.end)? {
            any |= Entry::kind_of(&bytes)? == Kind::Record;
        }
        if any {
            self.held = held_entries(node.store(), origin, range)?.into();
            self.held.retain(|held| held.entry.kind() == Kind::Record);
        }
        Ok(())
    }
}
