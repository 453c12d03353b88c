//! The merged view of all origins: derived, in memory, kept up by one change at a time.
//!
//! The caller hands in every entry that changes a record, in the order of its log, either opened ([`View::apply`]) or
//! not ([`View::note_about`]); one that was not may be opened later. However the origins are interleaved, and
//! whenever an entry is opened, the view comes out the same. Not for: asking it (`screen`).

use std::collections::BTreeMap;

use comity_tlog::EntryIndex;
use comity_watchlist::{Decoded, Handle};
use thiserror::Error;

use crate::chain::{Bond, Conflict, Followed, Listing, Step};
use crate::id_key::Shape;
use crate::index::{Index, ListingId, Posting};
use crate::limits::LISTINGS_MAX;
use crate::log::{Gap, Gaps, Log};
use crate::name_key::NameKey;
use crate::origin::{LogOrigin, Provenance};
use crate::query::{goods_key, id_key};
use crate::statement::NamedBy;

/// The merged view of all origins.
#[derive(Clone, Debug, Default)]
pub struct View {
    logs: BTreeMap<LogOrigin, Log>,
    listings: Vec<Listing>,
    names: Index,
    ids: Index,
    /// The same-as statements of all logs, by the listings that they name.
    pub(crate) named_by: NamedBy,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The listing now stands as the change says.
    Applied,
    /// The change was kept and flagged; the listing stands as before, and every hit on it says so.
    Flagged(Conflict),
    /// The very same entry had been taken in and applied before.
    Repeated,
    /// The change is in a package of which not all is there or opened: none of it is applied until then, and no record that
    /// it is about is actionable.
    Waits,
}

/// Why an entry is not taken in: the caller broke the order of the log. The view is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ViewError {
    /// It comes before entries already taken in, and was not noted as unopened.
    #[error("entry {index} comes after entry {newest} was taken in")]
    OutOfOrder {
        /// The entry.
        index: EntryIndex,
        /// The newest entry of the origin taken in so far.
        newest: EntryIndex,
    },
    /// Another entry had been taken in at its index.
    #[error("entry {index} is another one than before")]
    OtherEntry {
        /// The entry.
        index: EntryIndex,
    },
    /// The view holds as many listings as it can number.
    #[error("the view holds {max} listings and no more")]
    Full {
        /// The limit.
        max: u32,
    },
}

impl View {
    /// A view of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in an opened change. An entry handed in again changes nothing.
    ///
    /// # Errors
    /// [`ViewError`] if the entry is neither later than all before it nor noted as unopened; the view is as it was.
    pub fn apply(&mut self, at: &Provenance, decoded: Decoded) -> Result<Outcome, ViewError> {
        if let Some(known) = self.already_opened(at)? {
            return Ok(known);
        }
        let late = self.check_order(at)?;
        let passed = self.passed(at);
        let outcome = if decoded.change.op.is_of_statement() {
            self.apply_statement(at, decoded, late)
        } else if !decoded.change.op.is_of_listing() {
            self.apply_vocabulary(at, &decoded, late)
        } else {
            let id = self.listing_of(&at.origin, decoded.change.handle)?;
            match decoded.package {
                None => {
                    let conflict = self.enter(at, id, Step::new(at, decoded), late);
                    conflict.map_or(Outcome::Applied, Outcome::Flagged)
                }
                Some(place) => {
                    if !late {
                        self.note_gap(at);
                    }
                    self.hold(at, Step::new(at, decoded), id, place);
                    Outcome::Waits
                }
            }
        };
        self.judge_packages(&at.origin, [passed, at.index.value()]);
        if let Some(id) = self.logs.get(&at.origin).and_then(|log| log.opened.get(&at.index)) {
            self.let_go(&at.origin, *id);
        }
        if outcome == Outcome::Waits && !self.is_held(at) {
            let conflict = self.opened_listing(at).and_then(|listing| listing.conflict(at.index));
            return Ok(conflict.map_or(Outcome::Applied, Outcome::Flagged));
        }
        Ok(outcome)
    }

    /// Has an opened change stand in its listing.
    pub(crate) fn enter(
        &mut self,
        at: &Provenance,
        id: ListingId,
        step: Step,
        late: bool,
    ) -> Option<Conflict> {
        let log = self.log_mut(&at.origin);
        log.newest = log.newest.max(Some(at.index));
        log.opened.insert(at.index, id);
        let before = log.gaps.remove(at.index).and_then(|gap| gap.owner);
        self.unindex(id);
        if late {
            self.move_gaps(at, before, Some(id));
        }
        let followed = self.follow(&at.origin, id, |listing, gaps| listing.take(step, gaps));
        self.index(id);
        followed.and_then(|followed| followed.conflict)
    }

    /// The place behind the newest entry that was taken in: what is passed there changes no record.
    fn passed(&self, at: &Provenance) -> u64 {
        let newest = self.logs.get(&at.origin).and_then(|log| log.newest);
        newest.map_or(0, |newest| newest.value().saturating_add(1))
    }

    fn is_held(&self, at: &Provenance) -> bool {
        self.logs.get(&at.origin).is_some_and(|log| log.packages.is_held(at.index))
    }

    /// The listing that an opened entry changes.
    fn opened_listing(&self, at: &Provenance) -> Option<&Listing> {
        self.logs.get(&at.origin)?.opened.get(&at.index).and_then(|id| self.listing(*id))
    }

    /// Takes in an entry of a same-as statement, which changes no listing.
    fn apply_statement(&mut self, at: &Provenance, decoded: Decoded, late: bool) -> Outcome {
        let log = self.log_mut(&at.origin);
        log.newest = log.newest.max(Some(at.index));
        let before = log.gaps.remove(at.index).and_then(|gap| gap.owner);
        let named = log.statements.take(at, decoded.change);
        for listing in named.into_iter().flatten() {
            self.named_by.entry(listing).or_default().insert((at.origin.clone(), at.index));
        }
        if late {
            self.move_gaps(at, before, None);
        }
        let conflict = self.logs.get(&at.origin).and_then(|log| log.statements.conflict(at.index, &log.gaps));
        conflict.map_or(Outcome::Applied, Outcome::Flagged)
    }

    /// Takes in a part of a vocabulary, which changes no listing.
    fn apply_vocabulary(&mut self, at: &Provenance, decoded: &Decoded, late: bool) -> Outcome {
        let log = self.log_mut(&at.origin);
        log.newest = log.newest.max(Some(at.index));
        let before = log.gaps.remove(at.index).and_then(|gap| gap.owner);
        log.vocabularies.take(at, &decoded.change);
        if late {
            self.move_gaps(at, before, None);
        }
        let conflict = self.logs.get(&at.origin).and_then(|log| log.vocabularies.conflict(at.index));
        conflict.map_or(Outcome::Applied, Outcome::Flagged)
    }

    /// Takes note of an entry that changes a record but whose content is withheld, erased, lost, or not understood.
    /// The record that it is about is not actionable until the entry is opened.
    ///
    /// # Errors
    /// As [`View::apply`].
    pub fn note_about(&mut self, at: &Provenance) -> Result<(), ViewError> {
        if self.already_opened(at)?.is_some() || self.check_order(at)? {
            return Ok(());
        }
        let passed = self.passed(at);
        self.note_gap(at);
        self.judge_packages(&at.origin, [passed, at.index.value()]);
        Ok(())
    }

    fn note_gap(&mut self, at: &Provenance) {
        let log = self.log_mut(&at.origin);
        log.newest = log.newest.max(Some(at.index));
        let about = earlier(at);
        let owner = about.and_then(|about| log.owner(about));
        log.gaps.insert(at.index, Gap { leaf: at.leaf, about, owner });
        if let Some(listing) = owner.and_then(|owner| listing_mut(&mut self.listings, owner)) {
            listing.note_gap(at.index);
        }
    }

    /// The changes of one origin that were kept and not applied, by handle and index.
    pub fn conflicts(&self, origin: &LogOrigin) -> impl Iterator<Item = (Handle, EntryIndex, Conflict)> {
        let flagged = |listing: &Listing| {
            let handle = listing.handle;
            listing.conflicts().map(|(index, conflict)| (handle, index, conflict)).collect::<Vec<_>>()
        };
        let statements = self.log(origin).into_iter().flat_map(|log| log.statements.conflicts(&log.gaps));
        let parts = self.log(origin).into_iter().flat_map(|log| log.vocabularies.conflicts());
        self.of_origin(origin).flat_map(flagged).chain(statements).chain(parts)
    }

    /// Whether a listing of an origin has this handle, found or not.
    pub fn has_handle(&self, origin: &LogOrigin, handle: Handle) -> bool {
        self.logs.get(origin).is_some_and(|log| log.handles.contains_key(&handle))
    }

    /// How many records can be found.
    pub fn screenable_count(&self) -> usize {
        self.listings.iter().filter(|listing| listing.screenable().is_some()).count()
    }

    pub(crate) fn listing(&self, id: ListingId) -> Option<&Listing> {
        usize::try_from(id.0).ok().and_then(|at| self.listings.get(at))
    }

    pub(crate) const fn names(&self) -> &Index {
        &self.names
    }

    pub(crate) const fn ids(&self) -> &Index {
        &self.ids
    }

    pub(crate) fn log(&self, origin: &LogOrigin) -> Option<&Log> {
        self.logs.get(origin)
    }

    pub(crate) fn logs(&self) -> impl Iterator<Item = (&LogOrigin, &Log)> {
        self.logs.iter()
    }

    pub(crate) fn log_mut(&mut self, origin: &LogOrigin) -> &mut Log {
        self.logs.entry(origin.clone()).or_default()
    }

    pub(crate) const fn logs_mut(&mut self) -> &mut BTreeMap<LogOrigin, Log> {
        &mut self.logs
    }

    /// A log with the name that the view has of it.
    pub(crate) fn log_named(&self, origin: &LogOrigin) -> Option<(&LogOrigin, &Log)> {
        self.logs.get_key_value(origin)
    }

    pub(crate) fn of_origin(&self, origin: &LogOrigin) -> impl Iterator<Item = &Listing> {
        let handles = self.logs.get(origin).into_iter().flat_map(|log| log.handles.values());
        handles.filter_map(|id| self.listing(*id))
    }

    /// What to say of an entry that was opened before.
    fn already_opened(&self, at: &Provenance) -> Result<Option<Outcome>, ViewError> {
        let log = self.logs.get(&at.origin);
        if let Some(log) = log
            && let Some(leaf) = log.statements.leaf(at.index)
        {
            let known =
                log.statements.conflict(at.index, &log.gaps).map_or(Outcome::Repeated, Outcome::Flagged);
            return if leaf == at.leaf {
                Ok(Some(known))
            } else {
                Err(ViewError::OtherEntry { index: at.index })
            };
        }
        if let Some(vocabularies) = log.map(|log| &log.vocabularies)
            && let Some(leaf) = vocabularies.leaf(at.index)
        {
            let known = vocabularies.conflict(at.index).map_or(Outcome::Repeated, Outcome::Flagged);
            return if leaf == at.leaf {
                Ok(Some(known))
            } else {
                Err(ViewError::OtherEntry { index: at.index })
            };
        }
        let Some(listing) = self.opened_listing(at) else { return Ok(None) };
        match listing.leaf(at.index) {
            Some(leaf) if leaf != at.leaf => Err(ViewError::OtherEntry { index: at.index }),
            Some(_) => Ok(Some(listing.conflict(at.index).map_or(Outcome::Repeated, Outcome::Flagged))),
            // Beyond what the view follows of one listing, it remembers only that there was an entry.
            None => Ok(Some(Outcome::Flagged(Conflict::TooManyChanges))),
        }
    }

    /// Whether the entry was noted as unopened before; if not, it must be the newest.
    fn check_order(&self, at: &Provenance) -> Result<bool, ViewError> {
        let index = at.index;
        let Some(log) = self.logs.get(&at.origin) else { return Ok(false) };
        match (log.gaps.get(index), log.newest) {
            (Some(gap), _) if gap.leaf == at.leaf && gap.about == earlier(at) => Ok(true),
            (Some(_), _) => Err(ViewError::OtherEntry { index }),
            (None, Some(newest)) if newest >= index => Err(ViewError::OutOfOrder { index, newest }),
            (None, _) => Ok(false),
        }
    }

    fn listing_of(&mut self, origin: &LogOrigin, handle: Handle) -> Result<ListingId, ViewError> {
        if let Some(id) = self.logs.get(origin).and_then(|log| log.handles.get(&handle)) {
            return Ok(*id);
        }
        let number = u32::try_from(self.listings.len()).ok().filter(|number| *number < LISTINGS_MAX);
        let id = ListingId(number.ok_or(ViewError::Full { max: LISTINGS_MAX })?);
        self.listings.push(Listing::new(origin.clone(), handle));
        self.logs.entry(origin.clone()).or_default().handles.insert(handle, id);
        Ok(id)
    }

    /// An unopened entry was opened and belongs to a listing, or to none: so do the unopened ones that follow it.
    fn move_gaps(&mut self, at: &Provenance, before: Option<ListingId>, id: Option<ListingId>) {
        if let Some(owner) = before.and_then(|before| listing_mut(&mut self.listings, before)) {
            owner.close_gap(at.index);
        }
        self.give_followers(&at.origin, at.index, id);
        if let Some(other) = before.filter(|before| Some(*before) != id) {
            self.unindex(other);
            self.follow(&at.origin, other, Listing::follow_again);
            self.index(other);
        }
    }

    /// Has a listing follow its changes, by what `deed` does to it.
    fn follow(
        &mut self,
        origin: &LogOrigin,
        id: ListingId,
        deed: impl FnOnce(&mut Listing, &Gaps) -> Followed,
    ) -> Option<Followed> {
        let log = self.logs.get_mut(origin)?;
        let listing = listing_mut(&mut self.listings, id)?;
        let before = (listing.root, listing.key());
        let followed = deed(listing, &log.gaps);
        let after = (listing.root, listing.key());
        log.packages.refit(&followed.refitted);
        if before.1 != after.1 {
            log.rekey(id, before.1, after.1);
        }
        if before.0 != after.0 {
            self.give_root(origin, before.0, None);
            self.give_root(origin, after.0, Some(id));
        }
        Some(followed)
    }

    /// Lets a change in a package be applied, or not.
    pub(crate) fn bind(&mut self, origin: &LogOrigin, id: ListingId, index: EntryIndex, bond: Bond) {
        if self.listing(id).is_none_or(|listing| listing.bond(index).is_none_or(|now| now == bond)) {
            return;
        }
        self.unindex(id);
        self.follow(origin, id, |listing, gaps| listing.bind(index, bond, gaps));
        self.index(id);
    }

    /// Lets go of records of a listing, once all packages that touch it are judged.
    pub(crate) fn let_go(&mut self, origin: &LogOrigin, id: ListingId) {
        if let Some(listing) = listing_mut(&mut self.listings, id).filter(|listing| listing.is_bound)
            && let Some(log) = self.logs.get(origin)
        {
            listing.let_go(&log.gaps);
        }
    }

    /// The unopened entry that begins a listing was found, or found not to: what follows it goes with it.
    fn give_root(&mut self, origin: &LogOrigin, root: Option<EntryIndex>, owner: Option<ListingId>) {
        let (Some(root), Some(log)) = (root, self.logs.get_mut(origin)) else { return };
        // If it was opened meanwhile, its followers went to its own listing then.
        if log.gaps.give(root, owner) {
            self.give_followers(origin, root, owner);
        }
    }

    fn give_followers(&mut self, origin: &LogOrigin, index: EntryIndex, owner: Option<ListingId>) {
        let Some(log) = self.logs.get_mut(origin) else { return };
        for (gap, before) in log.gaps.give_followers(index, owner) {
            if let Some(listing) = before.and_then(|before| listing_mut(&mut self.listings, before)) {
                listing.close_gap(gap);
            }
            if let Some(listing) = owner.and_then(|owner| listing_mut(&mut self.listings, owner)) {
                listing.note_gap(gap);
            }
        }
    }

    fn index(&mut self, id: ListingId) {
        for (is_name, key, posting) in self.postings(id) {
            let index = if is_name { &mut self.names } else { &mut self.ids };
            index.insert(&key, posting);
        }
    }

    fn unindex(&mut self, id: ListingId) {
        for (is_name, key, posting) in self.postings(id) {
            let index = if is_name { &mut self.names } else { &mut self.ids };
            index.remove(&key, posting);
        }
    }

    fn postings(&self, id: ListingId) -> Vec<(bool, String, Posting)> {
        let Some(said) = self.listing(id).and_then(Listing::screenable) else { return Vec::new() };
        let names = said.record.names.iter().map(|name| NameKey::of(name.full.as_str()));
        let names = names.map(|key| key.map(|key| (true, key.sorted().to_owned())));
        let ids = said.record.identifiers.iter().map(|known| {
            // A code of goods that is none cannot be asked for either.
            if let Some(code) = known.goods().ok()? {
                return Some((false, goods_key(&code, code.path().len())));
            }
            let value = Shape::of(known.kind).read(known.value.as_str())?;
            Some((false, id_key(known.kind, &value)))
        });
        let placed = names.zip(0..=u16::MAX).chain(ids.zip(0..=u16::MAX));
        let posting = |place| Posting { listing: id, place };
        placed.filter_map(|(key, place)| key.map(|(is_name, key)| (is_name, key, posting(place)))).collect()
    }

    /// The postings of an index by what they stand for, whatever number a listing has.
    fn meaning<'a>(&'a self, index: &'a Index) -> Vec<(&'a str, &'a LogOrigin, Handle, u16)> {
        let posted = index.iter().filter_map(|(key, posting)| {
            let listing = self.listing(posting.listing)?;
            Some((key, &listing.origin, listing.handle, posting.place))
        });
        let mut posted: Vec<_> = posted.collect();
        posted.sort_unstable();
        posted
    }
}

impl PartialEq for View {
    /// Compares all that can be asked of two views; the order in which origins came in makes no difference.
    fn eq(&self, other: &Self) -> bool {
        let by_handle = |view: &'_ Self| -> Vec<(LogOrigin, Handle)> {
            let all =
                view.logs.iter().flat_map(|(origin, log)| log.handles.keys().map(|h| (origin.clone(), *h)));
            all.collect()
        };
        by_handle(self) == by_handle(other)
            && self.logs.keys().all(|origin| self.of_origin(origin).eq(other.of_origin(origin)))
            && self.meaning(&self.names) == other.meaning(&other.names)
            && self.meaning(&self.ids) == other.meaning(&other.ids)
            && self.named_by == other.named_by
            && self.logs.iter().all(|(origin, log)| {
                other.logs.get(origin).is_none_or(|theirs| {
                    log.statements == theirs.statements && log.vocabularies == theirs.vocabularies
                })
            })
            && self.logs.iter().all(|(origin, log)| {
                let theirs = other.logs.get(origin).into_iter().flat_map(|log| log.packages.held());
                log.packages.held().eq(theirs)
            })
    }
}

fn listing_mut(listings: &mut [Listing], id: ListingId) -> Option<&mut Listing> {
    usize::try_from(id.0).ok().and_then(|at| listings.get_mut(at))
}

/// The entry that an unopened one is about. One that names itself or a later one is about no record that there is;
/// to follow it would lead in a circle.
fn earlier(at: &Provenance) -> Option<EntryIndex> {
    at.about.filter(|about| *about < at.index)
}
