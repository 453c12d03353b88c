//! An author of one log: gives entries their places, and records about invented subjects.

use comity_screening::{LogOrigin, Outcome, Provenance, View};
use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{
    CalendarDate, Change, Country, Decoded, DelistReason, EntryRef, Handle, IdKind, Identifier, ListId, Name,
    NameKind, NameQuality, Notice, Op, PackagePlace, Record, RecordKey, Reference, SectionsRead, SubjectKind,
    Text,
};

/// One entry of a log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) at: Provenance,
    pub(crate) handle: Handle,
    pub(crate) decoded: Decoded,
}

/// An author of one log.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    origin: LogOrigin,
    next: u64,
}

impl Author {
    pub(crate) fn new(origin: &str) -> Self {
        // Entry 0 is the genesis of the log.
        Self { origin: origin.parse().unwrap(), next: 1 }
    }

    pub(crate) fn origin(&self) -> &LogOrigin {
        &self.origin
    }

    /// Writes a change that begins a listing.
    pub(crate) fn begins(&mut self, handle: Handle, op: Op) -> Entry {
        self.writes(handle, None, op)
    }

    /// Writes a change that follows an entry.
    pub(crate) fn follows(&mut self, before: &Entry, op: impl FnOnce(EntryRef) -> Op) -> Entry {
        self.follows_as(before.handle, before, op)
    }

    /// Writes a change of a handle that follows an entry, of whatever handle.
    pub(crate) fn follows_as(
        &mut self,
        handle: Handle,
        before: &Entry,
        op: impl FnOnce(EntryRef) -> Op,
    ) -> Entry {
        let prev = EntryRef::new(*before.at.leaf.as_bytes());
        self.writes(handle, Some(before.at.index), op(prev))
    }

    pub(crate) fn writes(&mut self, handle: Handle, about: Option<EntryIndex>, op: Op) -> Entry {
        let index = EntryIndex::new(self.next).unwrap();
        self.next += 1;
        let leaf = Hash::leaf(format!("{} {index}", self.origin).as_bytes());
        let sections = Change { handle, op }.encode().unwrap();
        let decoded = Change::decode(&SectionsRead::from(&sections)).unwrap();
        let at = Provenance { origin: self.origin.clone(), index, leaf, about };
        Entry { at, handle, decoded }
    }
}

impl Entry {
    /// The same change as a member of a package, as it says.
    pub(crate) fn placed(mut self, place: u16, count: u16) -> Self {
        let sections = self.decoded.change.encode_at(PackagePlace::new(place, count)).unwrap();
        self.decoded = Change::decode(&SectionsRead::from(&sections)).unwrap();
        self
    }

    /// What was read of it is erased, as the log announces.
    pub(crate) fn erased(&self, view: &mut View) {
        view.note_erased(&self.at.origin, self.at.index);
    }

    pub(crate) fn shown_to(&self, view: &mut View) -> Outcome {
        view.apply(&self.at, self.decoded.clone()).unwrap()
    }

    pub(crate) fn applied(&self, view: &mut View) {
        assert_eq!(self.shown_to(view), Outcome::Applied);
    }

    pub(crate) fn unopened(&self, view: &mut View) {
        view.note_about(&self.at).unwrap();
    }
}

pub(crate) fn handle(number: u8) -> Handle {
    Handle::new([number; 16])
}

pub(crate) fn text(value: &str) -> Text {
    Text::new(value).unwrap()
}

pub(crate) fn list_id() -> ListId {
    ListId::parse("xa-watch").unwrap()
}

pub(crate) fn key(reference: &str) -> RecordKey {
    RecordKey::new(list_id(), Reference::parse(reference).unwrap())
}

/// A person of some names, the first one primary.
pub(crate) fn person(reference: &str, names: &[&str]) -> Record {
    let mut record = Record::new(key(reference), SubjectKind::Person);
    let kinds = std::iter::once(NameKind::Primary).chain(std::iter::repeat(NameKind::Aka));
    record.names = names.iter().zip(kinds).map(|(name, kind)| Name::new(kind, text(name))).collect();
    record
}

pub(crate) fn with_weak_alias(mut record: Record, name: &str) -> Record {
    let mut name = Name::new(NameKind::Aka, text(name));
    name.quality = Some(NameQuality::Weak);
    record.names.push(name);
    record
}

pub(crate) fn with_id(mut record: Record, kind: IdKind, value: &str) -> Record {
    record.identifiers.push(Identifier::new(kind, text(value)));
    record
}

pub(crate) fn with_passport(mut record: Record, country: (&str, Option<&str>), value: &str) -> Record {
    let mut passport = Identifier::new(IdKind::Passport, text(value));
    let mut issuer = Country::new(text(country.0));
    issuer.code = country.1.map(text);
    passport.country = Some(issuer);
    record.identifiers.push(passport);
    record
}

pub(crate) fn list(record: Record) -> Op {
    Op::List { record: Box::new(record) }
}

pub(crate) fn amend(record: Record) -> impl FnOnce(EntryRef) -> Op + use<> {
    move |prev| Op::Amend { prev, paths: vec![text("names")], record: Box::new(record) }
}

pub(crate) fn suspend(reference: &str) -> impl FnOnce(EntryRef) -> Op + use<> {
    let notice = Box::new(Notice::new(key(reference)));
    move |prev| Op::Suspend { prev, notice }
}

pub(crate) fn resume(reference: &str) -> impl FnOnce(EntryRef) -> Op + use<> {
    let notice = Box::new(Notice::new(key(reference)));
    move |prev| Op::Resume { prev, notice }
}

pub(crate) fn delist(reference: &str) -> impl FnOnce(EntryRef) -> Op + use<> {
    let notice = Box::new(Notice::new(key(reference)));
    let effective = CalendarDate::new(2030, 1, 2).unwrap();
    move |prev| Op::Delist { prev, reason: DelistReason::Expired, effective, notice }
}

pub(crate) fn withdraw(reference: &str) -> impl FnOnce(EntryRef) -> Op + use<> {
    let notice = Box::new(Notice::new(key(reference)));
    move |prev| Op::Withdraw { prev, notice }
}

pub(crate) fn erase(reference: &str) -> impl FnOnce(EntryRef) -> Op + use<> {
    let notice = Box::new(Notice::new(key(reference)));
    move |prev| Op::Erase { prev, notice }
}

pub(crate) fn rekey(reference: &str, to: &str) -> impl FnOnce(EntryRef) -> Op + use<> {
    let (notice, to) = (Box::new(Notice::new(key(reference))), key(to));
    move |prev| Op::Rekey { prev, to, notice }
}

pub(crate) fn merge(reference: &str, into: Handle, from: Vec<Handle>) -> impl FnOnce(EntryRef) -> Op + use<> {
    let notice = Box::new(Notice::new(key(reference)));
    move |prev| Op::Merge { prev, into, from, notice }
}

pub(crate) fn split(reference: &str, from: Handle, into: Vec<Handle>) -> impl FnOnce(EntryRef) -> Op + use<> {
    let notice = Box::new(Notice::new(key(reference)));
    move |prev| Op::Split { prev, from, into, notice }
}
