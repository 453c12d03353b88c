//! Vocabularies: which editions of control lists and tariffs the logs have, which is the newest, and how a code of goods
//! stands to the edition that it was written against.
//!
//! An edition counts only if all of its parts are opened and fit together; of two editions of one name, or two parts of one
//! place, the earlier stands. A code is compared with editions of the log that it names and no other, so that nobody's
//! edition makes the records of others old. Titles are not held here: they are read from the entries. Not for: what an
//! edition says (`watchlist`).

use std::collections::{BTreeMap, BTreeSet};

use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{
    CalendarDate, Change, EntryRef, GoodsCode, GoodsScheme, Handle, Identifier, Op, Reference,
    VocabularyPart, VocabularyRef, scheme_of,
};

use crate::chain::{Conflict, Listing};
use crate::log::Log;
use crate::origin::{LogOrigin, Provenance};
use crate::view::View;

/// How an edition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EditionState {
    /// All of it is opened, and it may be used.
    Whole,
    /// A part of it is not opened, or has not come yet: none of it is used.
    Incomplete,
    /// Its parts contradict each other, or its name is that of an earlier edition: it is never used.
    Conflict,
}

/// An edition as a log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition<'a> {
    /// The log.
    pub origin: &'a LogOrigin,
    /// The edition's own handle.
    pub handle: Handle,
    /// The control list or tariff.
    pub scheme: GoodsScheme,
    /// What it is called.
    pub name: &'a Reference,
    /// From which day it is in force.
    pub in_force: CalendarDate,
    /// How it stands.
    pub state: EditionState,
    /// How many codes it has.
    pub total: u64,
    /// How many parts it has.
    pub parts: u64,
    /// The entries of those that are opened, in their order.
    pub entries: Vec<EntryIndex>,
    /// The leaf hash of the first part, by which a code names it.
    pub leaf: Option<Hash>,
    codes: Vec<&'a [Box<str>]>,
}

/// The editions of all logs on one day.
#[derive(Clone, Debug)]
pub struct Editions<'a> {
    all: Vec<Edition<'a>>,
    by_leaf: BTreeMap<(&'a str, [u8; 32]), usize>,
    newest: BTreeMap<(&'a str, GoodsScheme), usize>,
}

/// How a code of goods stands to the edition that it was written against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeStanding<'e, 'a> {
    /// The edition; `None` if it is not held whole.
    pub edition: Option<&'e Edition<'a>>,
    /// The newest edition of the same log, if the one named is older.
    pub newer: Option<&'e Edition<'a>>,
    /// Whether the edition has the code; true if that is not known.
    pub is_listed: bool,
}

/// Codes of records of one log that were written against one edition, and what is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldCodes<'e, 'a> {
    /// The edition.
    pub edition: &'e Edition<'a>,
    /// The newest one, if that is another.
    pub newer: Option<&'e Edition<'a>>,
    /// How many records have a code that was written against it.
    pub records: u64,
    /// How many of these have a code that it does not have.
    pub unlisted: u64,
}

/// An opened part.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    leaf: Hash,
    about: Option<EntryIndex>,
    handle: Handle,
    scheme: GoodsScheme,
    name: Reference,
    in_force: CalendarDate,
    /// Which part, of how many, and of how many codes.
    place: (u64, u64, u64),
    /// The segments of its first and its last code.
    ends: [Vec<String>; 2],
    /// In the order of their letters.
    codes: Box<[Box<str>]>,
}

/// The parts of all editions of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vocabularies {
    parts: BTreeMap<EntryIndex, Part>,
    by_handle: BTreeMap<Handle, BTreeSet<EntryIndex>>,
    /// By handle and number.
    by_place: BTreeMap<(Handle, u64), BTreeSet<EntryIndex>>,
    by_name: BTreeMap<(GoodsScheme, Reference), BTreeSet<EntryIndex>>,
}

impl EditionState {
    /// The word by which commands and messages name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Incomplete => "incomplete",
            Self::Conflict => "conflict",
        }
    }
}

impl Part {
    fn new(at: &Provenance, change: &Change, part: &VocabularyPart) -> Option<Self> {
        let key = change.key();
        let path = |one: Option<&comity_watchlist::TitledCode>| one.map(|one| one.code.path().to_vec());
        let (first, last) = (path(part.codes().first())?, path(part.codes().last())?);
        let mut codes: Vec<Box<str>> = part.codes().iter().map(|one| one.code.to_string().into()).collect();
        codes.sort_unstable();
        Some(Self {
            leaf: at.leaf,
            about: at.about,
            handle: change.handle,
            scheme: scheme_of(&key.list)?,
            name: key.reference.clone(),
            in_force: part.in_force,
            place: (part.number(), part.parts(), part.total()),
            ends: [first, last],
            codes: codes.into(),
        })
    }

    /// Whether it is of the same edition as another part of its handle says.
    fn fits(&self, head: &Self) -> bool {
        let of = |part: &Self| (part.scheme, part.in_force, part.place.1, part.place.2);
        self.about.is_none() && of(self) == of(head) && self.name == head.name
    }
}

impl Vocabularies {
    /// Takes in an opened part.
    pub(crate) fn take(&mut self, at: &Provenance, change: &Change) {
        let Op::Vocabulary { part, .. } = &change.op else { return };
        let Some(part) = Part::new(at, change, part) else { return };
        self.by_handle.entry(part.handle).or_default().insert(at.index);
        self.by_place.entry((part.handle, part.place.0)).or_default().insert(at.index);
        self.by_name.entry((part.scheme, part.name.clone())).or_default().insert(at.index);
        self.parts.insert(at.index, part);
    }

    /// The leaf hash of an opened part.
    pub(crate) fn leaf(&self, index: EntryIndex) -> Option<Hash> {
        self.parts.get(&index).map(|part| part.leaf)
    }

    /// The earliest opened part of a handle, by which the others are judged.
    fn head(&self, handle: Handle) -> Option<&Part> {
        self.parts.get(self.by_handle.get(&handle)?.first()?)
    }

    /// Why an opened part says nothing, if it does not.
    pub(crate) fn conflict(&self, index: EntryIndex) -> Option<Conflict> {
        let part = self.parts.get(&index)?;
        if part.about.is_some() {
            return Some(Conflict::NotNewest);
        }
        let is_first = |of: Option<&BTreeSet<EntryIndex>>| of.and_then(BTreeSet::first) == Some(&index);
        let fits = self.head(part.handle).is_some_and(|head| part.fits(head));
        let stands = fits && is_first(self.by_place.get(&(part.handle, part.place.0)));
        (!stands || !self.has_name(part)).then_some(Conflict::HandleTaken)
    }

    /// Whether no earlier edition of the log is called so.
    fn has_name(&self, part: &Part) -> bool {
        let first = self.by_name.get(&(part.scheme, part.name.clone())).and_then(BTreeSet::first);
        first.and_then(|first| self.parts.get(first)).is_some_and(|first| first.handle == part.handle)
    }

    /// The parts that were kept and say nothing.
    pub(crate) fn conflicts(&self) -> impl Iterator<Item = (Handle, EntryIndex, Conflict)> {
        let flagged =
            |(index, part): (&EntryIndex, &Part)| Some((part.handle, *index, self.conflict(*index)?));
        self.parts.iter().filter_map(flagged)
    }

    fn edition<'a>(&'a self, origin: &'a LogOrigin, handle: Handle) -> Option<Edition<'a>> {
        let head = self.head(handle)?;
        let places = self.by_place.range((handle, 0)..=(handle, u64::MAX));
        let opened: Vec<(EntryIndex, &Part)> =
            places.filter_map(|(_, at)| at.first().and_then(|at| Some((*at, self.parts.get(at)?)))).collect();
        let (_, parts, total) = head.place;
        let found = u64::try_from(opened.len()).unwrap_or(u64::MAX);
        let codes: usize = opened.iter().map(|(_, part)| part.codes.len()).sum();
        let follows = |(one, next): (&(EntryIndex, &Part), &(EntryIndex, &Part))| {
            let ([_, last], [first, _]) = (&one.1.ends, &next.1.ends);
            // Beside each other, as they were entered: of a part that comes twice nobody is shown one and somebody the other.
            last < first && one.0.next() == Ok(next.0)
        };
        let fit = opened.iter().all(|(_, part)| part.fits(head)) && self.has_name(head);
        let is_whole =
            u64::try_from(codes) == Ok(total) && opened.iter().zip(opened.iter().skip(1)).all(follows);
        let state = match (fit, found == parts) {
            (true, false) => EditionState::Incomplete,
            (true, true) if is_whole => EditionState::Whole,
            _ => EditionState::Conflict,
        };
        Some(Edition {
            origin,
            handle,
            scheme: head.scheme,
            name: &head.name,
            in_force: head.in_force,
            state,
            total,
            parts,
            entries: opened.iter().map(|(index, _)| *index).collect(),
            leaf: opened.first().filter(|(_, part)| part.place.0 == 1).map(|(_, part)| part.leaf),
            codes: opened.iter().map(|(_, part)| &*part.codes).collect(),
        })
    }
}

impl Edition<'_> {
    /// What tells a newer edition from an older one of the same log.
    fn age(&self) -> (CalendarDate, Option<&EntryIndex>) {
        (self.in_force, self.entries.first())
    }

    /// Whether it has a code, in canonical form.
    pub fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|codes| codes.binary_search_by(|known| (**known).cmp(code)).is_ok())
    }
}

impl<'a> Editions<'a> {
    /// All editions, by log, then by handle.
    pub fn all(&self) -> &[Edition<'a>] {
        &self.all
    }

    /// The newest edition of a scheme in a log that is whole and in force.
    pub fn newest(&self, origin: &LogOrigin, scheme: GoodsScheme) -> Option<&Edition<'a>> {
        self.newest.get(&(origin.as_str(), scheme)).and_then(|at| self.all.get(*at))
    }

    /// How a code stands to the edition that it names; `None` if it names none, or cannot be read as a code.
    pub fn standing(&self, identifier: &Identifier) -> Option<CodeStanding<'_, 'a>> {
        let named = identifier.vocabulary.as_ref()?;
        let code = identifier.goods().ok()??;
        Some(self.standing_of(named, &code))
    }

    /// How a code stands to an edition that it names.
    pub fn standing_of(&self, named: &VocabularyRef, code: &GoodsCode) -> CodeStanding<'_, 'a> {
        let found = self.by_leaf.get(&(named.origin.as_str(), *named.leaf.as_bytes()));
        let edition = found
            .and_then(|at| self.all.get(*at))
            .filter(|edition| edition.state == EditionState::Whole && edition.scheme == code.scheme());
        let Some(edition) = edition else {
            return CodeStanding { edition: None, newer: None, is_listed: true };
        };
        let newest = self.newest(edition.origin, edition.scheme);
        let newer = newest.filter(|newest| newest.age() > edition.age());
        CodeStanding { edition: Some(edition), newer, is_listed: edition.has(&code.to_string()) }
    }
}

impl View {
    /// The editions of all logs, as they stand on a day.
    pub fn editions(&self, today: CalendarDate) -> Editions<'_> {
        let mut all: Vec<Edition<'_>> = Vec::new();
        for (origin, log) in self.logs() {
            all.extend(
                log.vocabularies.by_handle.keys().filter_map(|h| log.vocabularies.edition(origin, *h)),
            );
        }
        let (mut by_leaf, mut newest) = (BTreeMap::new(), BTreeMap::<_, usize>::new());
        for (at, edition) in all.iter().enumerate() {
            if let Some(leaf) = edition.leaf {
                by_leaf.insert((edition.origin.as_str(), *leaf.as_bytes()), at);
            }
            if edition.state == EditionState::Whole && edition.in_force <= today {
                let place = newest.entry((edition.origin.as_str(), edition.scheme)).or_insert(at);
                if all.get(*place).is_some_and(|known| known.age() < edition.age()) {
                    *place = at;
                }
            }
        }
        Editions { all, by_leaf, newest }
    }

    /// Whether a log has an edition of a handle, or one of a scheme that is called so, whole or not.
    pub fn has_edition(&self, origin: &LogOrigin, handle: Handle, named: (GoodsScheme, &Reference)) -> bool {
        self.log(origin).is_some_and(|log| {
            let Log { vocabularies, .. } = log;
            let (scheme, name) = named;
            vocabularies.by_handle.contains_key(&handle)
                || vocabularies.by_name.contains_key(&(scheme, name.clone()))
        })
    }

    /// The editions that codes of records of a log were written against, as far as one is older than the newest or does not
    /// have a code; by scheme and name.
    pub fn old_codes<'e, 'a>(&self, origin: &LogOrigin, editions: &'e Editions<'a>) -> Vec<OldCodes<'e, 'a>> {
        let mut found: BTreeMap<(&LogOrigin, EntryRef), OldCodes<'e, 'a>> = BTreeMap::new();
        for said in self.of_origin(origin).filter_map(Listing::screenable) {
            let mut of_record: BTreeMap<(&LogOrigin, EntryRef), (CodeStanding<'e, 'a>, bool)> =
                BTreeMap::new();
            for identifier in &said.record.identifiers {
                let (Some(standing), Some(named)) = (editions.standing(identifier), &identifier.vocabulary)
                else {
                    continue;
                };
                let Some(edition) = standing.edition else { continue };
                let (_, lacks) = of_record.entry((edition.origin, named.leaf)).or_insert((standing, false));
                *lacks |= !standing.is_listed;
            }
            for (name, (standing, lacks)) in of_record {
                let Some(edition) = standing.edition else { continue };
                let newer = standing.newer;
                let sum = found.entry(name).or_insert(OldCodes { edition, newer, records: 0, unlisted: 0 });
                sum.records = sum.records.saturating_add(1);
                sum.unlisted = sum.unlisted.saturating_add(u64::from(lacks));
            }
        }
        let mut found: Vec<_> =
            found.into_values().filter(|sum| sum.newer.is_some() || sum.unlisted > 0).collect();
        found.sort_by_key(|sum| (sum.edition.scheme, sum.edition.name, sum.edition.origin));
        found
    }
}
