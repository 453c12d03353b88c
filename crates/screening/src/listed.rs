//! What is listed and what has ended, for whoever makes the next change. Not for: what may be found (`screen`).

use comity_tlog::EntryIndex;
use comity_watchlist::{EntryRef, Handle, ListId, Record, RecordKey, Section};

use crate::chain::{Listing, Status};
use crate::joined::Joined;
use crate::origin::LogOrigin;
use crate::view::View;

/// A listing that has not ended, for an importer to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// List and reference.
    pub key: &'a RecordKey,
    /// Its handle.
    pub handle: Handle,
    /// The leaf hash of its newest entry: the `prev` of the next change.
    pub newest: EntryRef,
    /// The index of that entry: the `about` of the next change.
    pub newest_index: EntryIndex,
    /// Listed or suspended.
    pub status: Status,
    /// How many changes there have been, those not opened included.
    pub version: u64,
    /// Whether changes of it contradict each other: such a record is for review.
    pub is_disputed: bool,
    /// With what it is one, or into what it went, as its author says.
    pub joined: Option<&'a Joined>,
    /// The record.
    pub record: &'a Record,
    /// The sections of it that were withheld from us and stand empty.
    pub withheld: &'a [Section],
}

/// A listing that has ended, for an importer to relist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended<'a> {
    /// List and reference that it had at its end.
    pub key: &'a RecordKey,
    /// Its handle, final.
    pub handle: Handle,
    /// The index of its newest entry.
    pub newest_index: EntryIndex,
    /// How it ended.
    pub status: Status,
    /// How many changes there have been, those not opened included.
    pub version: u64,
}

impl<'a> Listed<'a> {
    fn of(listing: &'a Listing) -> Option<Self> {
        let (standing, said) = (listing.standing.as_ref()?, listing.said()?);
        Some(Listed {
            key: &standing.key,
            handle: listing.handle,
            newest: EntryRef::new(*standing.newest_leaf.as_bytes()),
            newest_index: standing.newest_index,
            status: standing.status,
            version: standing.version,
            is_disputed: listing.is_disputed(),
            joined: standing.joined.as_ref(),
            record: said.record,
            withheld: said.withheld,
        })
    }
}

impl View {
    /// The listings of one list of one origin that have not ended and whose record was opened to us, the one changed
    /// last at the end.
    pub fn live<'a>(
        &'a self,
        origin: &LogOrigin,
        list: &ListId,
    ) -> impl Iterator<Item = Listed<'a>> + use<'a> {
        let listed = self.of_origin(origin).filter_map(Listed::of);
        let mut listed: Vec<_> = listed.filter(|listed| listed.key.list == *list).collect();
        listed.sort_unstable_by_key(|listed| listed.newest_index);
        listed.into_iter()
    }

    /// The lists of which an origin has listings whose records were opened to us, living or ended, in order.
    pub fn lists(&self, origin: &LogOrigin) -> Vec<ListId> {
        let keys = self.log(origin).map(|log| log.keys.keys());
        let mut lists: Vec<ListId> = keys.into_iter().flatten().map(|key| key.list.clone()).collect();
        lists.dedup();
        lists
    }

    /// The listings of one list of one origin that have ended, the one that ended last at the end.
    pub fn ended<'a>(
        &'a self,
        origin: &LogOrigin,
        list: &ListId,
    ) -> impl Iterator<Item = Ended<'a>> + use<'a> {
        let ended = self.of_origin(origin).filter_map(|listing| {
            let standing = listing.standing.as_ref().filter(|standing| standing.key.list == *list)?;
            standing.status.is_ended().then_some(Ended {
                key: &standing.key,
                handle: listing.handle,
                newest_index: standing.newest_index,
                status: standing.status,
                version: standing.version,
            })
        });
        let mut ended: Vec<_> = ended.collect();
        ended.sort_unstable_by_key(|ended| ended.newest_index);
        ended.into_iter()
    }

    /// How many listings [`View::live`] and [`View::ended`] tell of one list of one origin, and the newest of their newest
    /// entries.
    pub fn extent_of(&self, origin: &LogOrigin, list: &ListId) -> (u64, Option<EntryIndex>) {
        let told = self.of_origin(origin).filter_map(|listing| {
            let standing = listing.standing.as_ref().filter(|standing| standing.key.list == *list)?;
            (standing.status.is_ended() || Listed::of(listing).is_some()).then_some(standing.newest_index)
        });
        told.fold((0, None), |(count, newest), index| (count + 1, newest.max(Some(index))))
    }

    /// The listing of a handle of one origin, if it has not ended and its record was opened to us.
    pub fn live_of(&self, origin: &LogOrigin, handle: Handle) -> Option<Listed<'_>> {
        let id = self.log(origin)?.handles.get(&handle)?;
        self.listing(*id).and_then(Listed::of)
    }

    /// The newest entry of the listing of a handle of one origin and where it leaves it, whether it has ended or not.
    pub fn newest_of(&self, origin: &LogOrigin, handle: Handle) -> Option<(EntryIndex, EntryRef, Status)> {
        let id = self.log(origin)?.handles.get(&handle)?;
        let standing = self.listing(*id)?.standing.as_ref()?;
        let leaf = EntryRef::new(*standing.newest_leaf.as_bytes());
        Some((standing.newest_index, leaf, standing.status))
    }

    /// Whether what the author said last of the listing of a handle of one origin is known: no entry about it is unopened, or,
    /// of one that has ended, none later than its end. Otherwise it may have been changed, suspended or ended.
    pub fn newest_is_known(&self, origin: &LogOrigin, handle: Handle) -> bool {
        let listing = self.log(origin).and_then(|log| self.listing(*log.handles.get(&handle)?));
        let Some((listing, standing)) = listing.and_then(|found| Some((found, found.standing.as_ref()?)))
        else {
            return false;
        };
        let is_settled = |index| standing.status.is_ended() && index < standing.newest_index;
        listing.unopened().all(is_settled)
    }

    /// Whether changes of the listing of a handle of one origin contradict each other, or there are more than are followed.
    pub fn is_disputed(&self, origin: &LogOrigin, handle: Handle) -> bool {
        let listing = self.log(origin).and_then(|log| self.listing(*log.handles.get(&handle)?));
        listing.is_some_and(Listing::is_disputed)
    }

    /// List and reference of the listing of a handle of one origin, whether it has ended or not.
    pub fn key_of(&self, origin: &LogOrigin, handle: Handle) -> Option<&RecordKey> {
        let id = self.log(origin)?.handles.get(&handle)?;
        Some(&self.listing(*id)?.standing.as_ref()?.key)
    }

    /// The listing that one of a log is merged into, by list and reference, whether it has ended or not.
    pub fn merged_into(&self, origin: &LogOrigin, handle: Handle) -> Option<&RecordKey> {
        self.key_of(origin, self.goes_on_as(origin, handle)?)
    }

    /// The handle of that listing.
    pub fn goes_on_as(&self, origin: &LogOrigin, handle: Handle) -> Option<Handle> {
        match self.joined(origin, handle)? {
            Joined::MergedInto(into) => Some(*into),
            Joined::SplitInto(_) => None,
        }
    }

    /// The listings that one of a log is split into, beside itself, by list and reference; those that are not opened to us
    /// are left out.
    pub fn split_into(&self, origin: &LogOrigin, handle: Handle) -> Vec<&RecordKey> {
        match self.joined(origin, handle) {
            Some(Joined::SplitInto(into)) => {
                into.iter().filter_map(|one| self.key_of(origin, *one)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn joined(&self, origin: &LogOrigin, handle: Handle) -> Option<&Joined> {
        let id = self.log(origin)?.handles.get(&handle)?;
        self.listing(*id)?.standing.as_ref()?.joined.as_ref()
    }

    /// The handle of the listing that an entry of one origin is a change of, as far as it is known.
    pub fn handle_at(&self, origin: &LogOrigin, index: EntryIndex) -> Option<Handle> {
        let owner = self.log(origin)?.owner(index)?;
        self.listing(owner).map(|listing| listing.handle)
    }

    /// Every entry that changes the listing of a handle of one origin, ascending: opened or not, applied or in conflict.
    pub fn entries_of(&self, origin: &LogOrigin, handle: Handle) -> Vec<EntryIndex> {
        let Some(log) = self.log(origin) else { return Vec::new() };
        let Some(id) = log.handles.get(&handle) else { return Vec::new() };
        let opened = log.opened.iter().filter(|(_, of)| *of == id).map(|(index, _)| *index);
        let unopened = self.listing(*id).map(Listing::unopened).into_iter().flatten();
        let mut entries: Vec<EntryIndex> = opened.chain(unopened).collect();
        entries.sort_unstable();
        entries
    }

    /// The listings that have a key of one origin, as far as they have not ended and their records were opened to us: one
    /// at most, unless their changes contradict each other.
    pub fn live_by_key<'a>(
        &'a self,
        origin: &LogOrigin,
        key: &RecordKey,
    ) -> impl Iterator<Item = Listed<'a>> + use<'a> {
        let ids = self.log(origin).and_then(|log| log.keys.get(key));
        ids.into_iter().flatten().filter_map(|id| self.listing(*id).and_then(Listed::of))
    }
}
