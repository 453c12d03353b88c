//! Packages: changes that take effect whole or not at all.
//!
//! A member of a package that is not whole yet is held as if its entry were unopened, whatever is known of it. Once all
//! members are there they are applied, each in its listing; if one of them cannot be, or what stands there is no package,
//! none is. What is judged of a package depends on entries before it alone, and so comes out the same in whatever order
//! entries are opened. Not for: how a change is bound (`chain`), or that members stand under one label (`node`).

use std::collections::{BTreeMap, BTreeSet};

use comity_tlog::EntryIndex;
use comity_watchlist::PackagePlace;
use comity_watchlist::limits::PACKAGE_MEMBERS_MAX;

use crate::chain::{Bond, Step};
use crate::index::ListingId;
use crate::log::Log;
use crate::origin::{LogOrigin, Provenance};
use crate::view::View;

/// A package as one of its members tells of it: the first entry, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    first: EntryIndex,
    count: u16,
}

/// How the entries of a package stand, whatever they do to their listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Some are not there yet, or not opened.
    Partial,
    /// All are there.
    Whole,
    /// What stands there is no package: members that tell otherwise, of one listing, or no members.
    None,
}

/// An opened member.
#[derive(Clone, Copy, Debug)]
struct Member {
    /// `None` if the log has no room for what it says.
    claim: Option<Claim>,
    listing: ListingId,
}

/// A member that waits for the others.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    at: Provenance,
    step: Step,
}

/// The packages of one log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packages {
    members: BTreeMap<EntryIndex, Member>,
    held: BTreeMap<EntryIndex, Held>,
    claims: BTreeMap<Claim, Shape>,
    /// Unopened entries of which the log announces that they were erased.
    erased: BTreeSet<EntryIndex>,
    /// Packages of which a change fits otherwise than when they were judged.
    refitted: BTreeSet<Claim>,
}

impl Claim {
    /// The package of a member at an index.
    fn of(index: EntryIndex, place: PackagePlace) -> Option<Self> {
        let before = u64::from(place.place()).saturating_sub(1);
        let first = EntryIndex::new(index.value().checked_sub(before)?).ok()?;
        Some(Self { first, count: place.count() })
    }

    fn end(self) -> u64 {
        self.first.value().saturating_add(self.count.into())
    }

    fn places(self) -> impl Iterator<Item = EntryIndex> {
        (self.first.value()..self.end()).filter_map(|index| EntryIndex::new(index).ok())
    }
}

impl Packages {
    /// The packages that some member places an entry in.
    fn around(&self, index: u64) -> impl Iterator<Item = Claim> {
        let first = index.saturating_sub(u64::from(PACKAGE_MEMBERS_MAX) - 1);
        let from = Claim { first: EntryIndex::new(first).unwrap_or(EntryIndex::ZERO), count: 0 };
        let near = self.claims.range(from..).map(|(claim, _)| *claim);
        near.take_while(move |claim| claim.first.value() <= index).filter(move |claim| claim.end() > index)
    }

    /// Whether the change of an entry waits for others of its package.
    pub(crate) fn is_held(&self, index: EntryIndex) -> bool {
        self.held.contains_key(&index)
    }

    /// The entries whose changes wait.
    pub(crate) fn held(&self) -> impl Iterator<Item = EntryIndex> {
        self.held.keys().copied()
    }

    /// Notes that changes fit otherwise than before.
    pub(crate) fn refit(&mut self, entries: &[EntryIndex]) {
        let claims = entries.iter().filter_map(|index| self.members.get(index)?.claim);
        self.refitted.extend(claims);
    }
}

impl Log {
    /// How the entries of a package stand.
    fn shape(&self, claim: Claim) -> Shape {
        let (mut shape, mut listings) = (Shape::Whole, BTreeSet::new());
        for index in claim.places() {
            match self.packages.members.get(&index) {
                Some(member) if member.claim == Some(claim) && listings.insert(member.listing) => {}
                // That it was erased was announced: it was there.
                None if self.packages.erased.contains(&index) && self.is_unread(index) => {}
                None if self.is_unread(index) => shape = Shape::Partial,
                // Another package or listing has it, or it changes no record.
                _ => return Shape::None,
            }
        }
        shape
    }

    /// Whether an entry is not opened, or still to come.
    fn is_unread(&self, index: EntryIndex) -> bool {
        self.gaps.get(index).is_some() || self.newest.is_none_or(|newest| newest < index)
    }

    /// The members of a package that are opened, with their listings.
    fn members(&self, claim: Claim) -> Vec<(EntryIndex, ListingId)> {
        let from_first = self.packages.members.range(claim.first..);
        let near = from_first.take_while(|(index, _)| index.value() < claim.end());
        let own = near.filter(|(_, member)| member.claim == Some(claim));
        own.map(|(index, member)| (*index, member.listing)).collect()
    }
}

impl View {
    /// Takes in an opened member: held until its package is whole, unless it says what cannot be.
    pub(crate) fn hold(&mut self, at: &Provenance, step: Step, listing: ListingId, place: PackagePlace) {
        let log = self.log_mut(&at.origin);
        let claim = Claim::of(at.index, place);
        log.packages.members.insert(at.index, Member { claim, listing });
        log.packages.held.insert(at.index, Held { at: at.clone(), step });
        if let Some(claim) = claim {
            log.packages.claims.entry(claim).or_insert(Shape::Partial);
        } else {
            self.release(&at.origin, at.index, listing);
        }
    }

    /// Takes note that the log announces the erasure of an entry. A package is whole without what it said, since whoever
    /// erased it had it.
    pub fn note_erased(&mut self, origin: &LogOrigin, erased: EntryIndex) {
        let log = self.log_mut(origin);
        if log.gaps.get(erased).is_some()
            && !log.packages.is_held(erased)
            && log.packages.erased.insert(erased)
        {
            self.judge_packages(origin, [erased.value()]);
        }
    }

    /// Judges the packages that changed places of a log may belong to, and those that hang on them.
    pub(crate) fn judge_packages(&mut self, origin: &LogOrigin, changed: impl IntoIterator<Item = u64>) {
        let Some(log) = self.logs_mut().get_mut(origin).filter(|log| !log.packages.claims.is_empty()) else {
            return;
        };
        let mut due: BTreeSet<Claim> =
            changed.into_iter().flat_map(|index| log.packages.around(index)).collect();
        for claim in &due {
            let shape = log.shape(*claim);
            log.packages.claims.insert(*claim, shape);
        }
        due.append(&mut log.packages.refitted);
        let mut touched = BTreeSet::new();
        while let Some(claim) = due.pop_first() {
            touched.extend(self.judge(origin, claim));
            let refitted = std::mem::take(&mut self.log_mut(origin).packages.refitted);
            // What it does can change later packages alone.
            due.extend(refitted.into_iter().filter(|later| *later > claim));
        }
        for listing in touched {
            self.let_go(origin, listing);
        }
    }

    /// Applies a package, or takes back what was applied of it; gives the listings that it touches.
    fn judge(&mut self, origin: &LogOrigin, claim: Claim) -> Vec<ListingId> {
        let log = self.log_mut(origin);
        let shape = log.packages.claims.get(&claim).copied().unwrap_or(Shape::Partial);
        if shape == Shape::Partial {
            return Vec::new();
        }
        let members = log.members(claim);
        for (index, listing) in &members {
            self.release(origin, *index, *listing);
        }
        let fits = |(index, listing): &(EntryIndex, ListingId)| {
            self.listing(*listing).is_some_and(|listing| listing.fits(*index))
        };
        let stands = shape == Shape::Whole && members.iter().all(fits);
        let bond = if stands { Bond::Bound } else { Bond::Barred };
        for (index, listing) in &members {
            self.bind(origin, *listing, *index, bond);
        }
        members.into_iter().map(|(_, listing)| listing).collect()
    }

    /// Has a member that was held stand in its listing, not applied.
    fn release(&mut self, origin: &LogOrigin, index: EntryIndex, listing: ListingId) {
        if let Some(Held { at, step }) = self.log_mut(origin).packages.held.remove(&index) {
            self.enter(&at, listing, step, true);
        }
    }

    /// Whether what waits for the rest of its package is about a listing.
    pub(crate) fn waits_for_package(
        &self,
        origin: &LogOrigin,
        mut entries: impl Iterator<Item = EntryIndex>,
    ) -> bool {
        self.log(origin).is_some_and(|log| entries.any(|index| log.packages.is_held(index)))
    }
}
