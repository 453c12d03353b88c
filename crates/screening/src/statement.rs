//! Same-as statements: who says that two listings are about one subject, and what comes of it for a reader.
//!
//! A statement changes no listing. Whether one stands is worked out from its entries each time it is asked, so that it does
//! not matter in which order they were opened. A subject is what one agency's standing statements join, and is nowhere kept.
//! Not for: what a listing says (`chain`), or whose view anybody should follow, which is each reader's own affair.

mod erased;

use std::collections::{BTreeMap, BTreeSet};

use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{Change, EntryRef, Handle, ListingRef, Op, Pair};

use crate::chain::Conflict;
use crate::limits::{STATEMENTS_MAX, SUBJECT_LISTINGS_MAX};
use crate::log::{Gaps, Log};
use crate::origin::{LogOrigin, Provenance};
use crate::view::View;

/// How a same-as statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatementState {
    /// It was made, and nothing is known to have been said of it since.
    Stands,
    /// It was taken back by an entry of its own.
    Retracted,
    /// A later entry about it is not opened to us: it may have been taken back.
    Unknown,
    /// A record that it names was erased: it joins nothing, and can be taken back still.
    Erased,
    /// It was kept and flagged, and says nothing: its handle is that of an earlier one, or it follows something.
    Conflict,
}

/// A same-as statement as a log makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated<'a> {
    /// The log of whoever says it; the view of that agency alone.
    pub origin: &'a LogOrigin,
    /// The statement's own handle.
    pub handle: Handle,
    /// The entry that makes it.
    pub index: EntryIndex,
    /// The leaf hash of that entry: the `prev` of a retraction.
    pub leaf: Hash,
    /// The two listings.
    pub pair: &'a Pair,
    /// How it stands.
    pub state: StatementState,
    /// The entry that takes it back.
    pub retracted_by: Option<EntryIndex>,
}

/// The listings that one agency's standing statements join to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The agency whose view it is.
    pub agency: &'a str,
    /// The listings as the statements name them, the one asked for left out, by origin and handle; at most
    /// [`SUBJECT_LISTINGS_MAX`].
    pub listings: Vec<&'a ListingRef>,
    /// Whether there are more.
    pub more: bool,
}

/// What an opened entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Deed {
    Say(Box<Pair>),
    Retract(EntryRef),
}

/// An opened entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spoken {
    leaf: Hash,
    about: Option<EntryIndex>,
    handle: Handle,
    deed: Deed,
}

/// The statements of one log, by their entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Statements {
    spoken: BTreeMap<EntryIndex, Spoken>,
    made: BTreeMap<Handle, BTreeSet<EntryIndex>>,
    /// (entry named, entry that takes it back)
    retractions: BTreeSet<(EntryIndex, EntryIndex)>,
}

/// Which statements name a listing: by its log and handle, the log and the entry of each.
pub(crate) type NamedBy = BTreeMap<(LogOrigin, Handle), BTreeSet<(LogOrigin, EntryIndex)>>;

impl Statements {
    /// Takes in an opened entry of a statement; gives the two listings if it makes one.
    pub(crate) fn take(&mut self, at: &Provenance, change: Change) -> Option<[(LogOrigin, Handle); 2]> {
        let Change { handle, op, .. } = change;
        let (deed, named) = match op {
            Op::SameAs { pair, .. } => {
                self.made.entry(handle).or_default().insert(at.index);
                let named = pair.listings().each_ref().map(|listing| (origin_of(listing), listing.handle));
                (Deed::Say(pair), Some(named))
            }
            op => {
                // Nothing else is handed in, and nothing else names an entry here.
                let prev = op.prev()?;
                if let Some(about) = at.about {
                    self.retractions.insert((about, at.index));
                }
                (Deed::Retract(prev), None)
            }
        };
        self.spoken.insert(at.index, Spoken { leaf: at.leaf, about: at.about, handle, deed });
        named
    }

    /// The leaf hash of an opened entry.
    pub(crate) fn leaf(&self, index: EntryIndex) -> Option<Hash> {
        self.spoken.get(&index).map(|spoken| spoken.leaf)
    }

    /// Why an opened entry says nothing, if it does not. `unopened` are the entries of the log that are not opened.
    pub(crate) fn conflict(&self, index: EntryIndex, unopened: &Gaps) -> Option<Conflict> {
        let spoken = self.spoken.get(&index)?;
        match &spoken.deed {
            Deed::Say(_) => self.says_conflict(index, spoken),
            Deed::Retract(prev) => {
                // What it takes back may be withheld from us, or erased.
                let named = spoken.about.and_then(|about| unopened.leaf(about));
                if named.is_some_and(|leaf| leaf.as_bytes() == prev.as_bytes()) {
                    return None;
                }
                let about = spoken.about.filter(|about| self.fits(*about, spoken.handle, *prev));
                match about {
                    None => Some(Conflict::NotNewest),
                    Some(about) if self.retracted_by(about) != Some(index) => Some(Conflict::Ended),
                    Some(_) => None,
                }
            }
        }
    }

    /// The entries that were kept and say nothing.
    pub(crate) fn conflicts(&self, unopened: &Gaps) -> impl Iterator<Item = (Handle, EntryIndex, Conflict)> {
        let flagged = |(index, spoken): (&EntryIndex, &Spoken)| {
            self.conflict(*index, unopened).map(|conflict| (spoken.handle, *index, conflict))
        };
        self.spoken.iter().filter_map(flagged)
    }

    /// Whether a retraction that names an entry by these is one of the statement made there.
    fn fits(&self, about: EntryIndex, handle: Handle, prev: EntryRef) -> bool {
        let made = self.spoken.get(&about).filter(|made| matches!(made.deed, Deed::Say(_)));
        made.is_some_and(|made| {
            let is_named = made.handle == handle && made.leaf.as_bytes() == prev.as_bytes();
            is_named && self.says_conflict(about, made).is_none()
        })
    }

    /// Why an entry that says something says nothing, if it does not.
    fn says_conflict(&self, index: EntryIndex, spoken: &Spoken) -> Option<Conflict> {
        if spoken.about.is_some() {
            return Some(Conflict::NotNewest);
        }
        let first = self.made.get(&spoken.handle).and_then(BTreeSet::first);
        (first != Some(&index)).then_some(Conflict::HandleTaken)
    }

    /// The first entry that takes a statement back.
    fn retracted_by(&self, made: EntryIndex) -> Option<EntryIndex> {
        let named = self.retractions.range((made, EntryIndex::ZERO)..=(made, EntryIndex::MAX));
        let mut named = named.filter_map(|(_, by)| Some((*by, self.spoken.get(by)?)));
        let found = named.find(|(_, by)| match &by.deed {
            Deed::Retract(prev) => self.fits(made, by.handle, *prev),
            Deed::Say(_) => false,
        });
        found.map(|(index, _)| index)
    }
}

/// The log that a reference names; both have one form.
fn origin_of(listing: &ListingRef) -> LogOrigin {
    LogOrigin::of(&listing.origin)
}

impl View {
    /// The statement that an entry of a log makes.
    fn stated<'a>(&'a self, origin: &LogOrigin, index: EntryIndex) -> Option<Stated<'a>> {
        let (origin, log): (&LogOrigin, &Log) = self.log_named(origin)?;
        let spoken = log.statements.spoken.get(&index)?;
        let Deed::Say(pair) = &spoken.deed else { return None };
        let retracted_by = log.statements.retracted_by(index);
        let state = if log.statements.conflict(index, &log.gaps).is_some() {
            StatementState::Conflict
        } else if retracted_by.is_some() {
            StatementState::Retracted
        } else if log.gaps.has_follower(index) {
            StatementState::Unknown
        } else if pair.listings().iter().any(|named| self.is_erased(named)) {
            StatementState::Erased
        } else {
            StatementState::Stands
        };
        let (handle, leaf) = (spoken.handle, spoken.leaf);
        Some(Stated { origin, handle, index, leaf, pair, state, retracted_by })
    }

    /// The statement of a handle of one log, whether it stands or not.
    pub fn statement<'a>(&'a self, origin: &LogOrigin, handle: Handle) -> Option<Stated<'a>> {
        let made = self.log(origin)?.statements.made.get(&handle)?;
        self.stated(origin, *made.first()?)
    }

    /// What is said in any log of a listing being about one subject with another, by origin and place; at most
    /// [`STATEMENTS_MAX`], and whether there are more. The agency `own` comes first, and the others share in turn what it
    /// leaves, so that no peer's statements push those of another out of the answer.
    pub fn statements_about(&self, own: &str, origin: &LogOrigin, handle: Handle) -> (Vec<Stated<'_>>, bool) {
        let named = self.named_by.get(&(origin.clone(), handle));
        let mut by_agency: BTreeMap<&str, Vec<Stated<'_>>> = BTreeMap::new();
        for stated in named.into_iter().flatten().filter_map(|(log, index)| self.stated(log, *index)) {
            by_agency.entry(stated.origin.agency()).or_default().push(stated);
        }
        let all: usize = by_agency.values().map(Vec::len).sum();
        let mut found = by_agency.remove(own).unwrap_or_default();
        found.truncate(STATEMENTS_MAX);
        let mut others: Vec<_> = by_agency.into_values().map(Vec::into_iter).collect();
        while found.len() < STATEMENTS_MAX && !others.is_empty() {
            let left = STATEMENTS_MAX - found.len();
            found.extend(others.iter_mut().filter_map(Iterator::next).take(left));
            others.retain(|agency| agency.len() > 0);
        }
        found.sort_unstable_by_key(|stated| (stated.origin, stated.index));
        let more = found.len() < all;
        (found, more)
    }

    /// What each agency's standing statements join to a listing: one subject for each agency that has one standing
    /// statement about it.
    pub fn subjects(&self, origin: &LogOrigin, handle: Handle) -> Vec<Subject<'_>> {
        let named = self.named_by.get(&(origin.clone(), handle));
        let stated = named.into_iter().flatten().filter_map(|(log, index)| self.stated(log, *index));
        let standing = stated.filter(|stated| stated.state == StatementState::Stands);
        let agencies: BTreeSet<&str> = standing.map(|stated| stated.origin.agency()).collect();
        agencies.into_iter().map(|agency| self.subject_of(agency, &(origin.clone(), handle))).collect()
    }

    fn subject_of<'a>(&'a self, agency: &'a str, asked: &(LogOrigin, Handle)) -> Subject<'a> {
        let mut found: BTreeMap<(LogOrigin, Handle), &'a ListingRef> = BTreeMap::new();
        let (mut waiting, mut more) = (vec![asked.clone()], false);
        while let Some(listing) = waiting.pop() {
            for (log, index) in self.named_by.get(&listing).into_iter().flatten() {
                let stated = self.stated(log, *index).filter(|stated| {
                    stated.origin.agency() == agency && stated.state == StatementState::Stands
                });
                for other in stated.iter().flat_map(|stated| stated.pair.listings()) {
                    let name = (origin_of(other), other.handle);
                    if name == *asked || found.contains_key(&name) {
                        continue;
                    }
                    if found.len() == SUBJECT_LISTINGS_MAX {
                        more = true;
                        continue;
                    }
                    found.insert(name.clone(), other);
                    waiting.push(name);
                }
            }
        }
        Subject { agency, listings: found.into_values().collect(), more }
    }
}
