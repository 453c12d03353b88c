//! The byte form of a change: deterministic CBOR in six sections, the operation inside core.
//!
//! The handle and the previous entry stand only inside core, so that a follower to whom core is withheld cannot
//! join the versions of one record. Not for: commitments, salts and padding, which live in `ledger`.

use crate::cbor::{Fields, Value};
use crate::change::{Body, Change, DelistReason, Notice, Op};
use crate::date::CalendarDate;
use crate::error::RecordError;
use crate::form::{self, Bound, Form, bound};
use crate::key::{EntryRef, Handle, RecordKey};
use crate::length::{Item, Length, Put};
use crate::limits::{HANDLES_MAX, PATHS_MAX, SECTION_BYTES_MAX};
use crate::link::{put_key, take_key};
use crate::package::PackagePlace;
use crate::record::Record;
use crate::record_form::{CLOSED_BOUND, ITEMS, LEGAL, LEGAL_BOUND, PUBLIC_BOUND};
use crate::same_as::Pair;
use crate::section::{Section, Sections, SectionsRead};
use crate::source::Source;
use crate::vocabulary::VocabularyPart;

/// The version of the byte form of a change that stands alone.
const FORM_ALONE: u64 = 1;

/// The version of a change that is a member of a package. A program that knows the first alone shows none of a package,
/// and not one change of it as if it were all.
const FORM_IN_PACKAGE: u64 = 2;

// Keys of the core map that belong to the change; those of the record are in `record_form`.
const FORM: u64 = 0;
const OP: u64 = 1;
const HANDLE: u64 = 2;
const PREV: u64 = 3;
const KEY: u64 = 4;
const PATHS: u64 = 40;
const REASON: u64 = 41;
const EFFECTIVE: u64 = 42;
const RELIST_OF: u64 = 43;
const NEW_KEY: u64 = 44;
const INTO: u64 = 46;
const FROM: u64 = 47;
const PAIR: u64 = 48;
const PART: u64 = 49;
const PACKAGE: u64 = 50;

const PATHS_BOUND: Bound = bound("paths", PATHS_MAX);
const HANDLES_BOUND: Bound = bound("handles", HANDLES_MAX);

/// A change as a receiver could read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The change; the fields of withheld sections are empty.
    pub change: Change,
    /// Which of its package it is; `None` of a change that stands alone.
    pub package: Option<PackagePlace>,
    /// The sections that were withheld, in slot order. Such a change must not be encoded again as if it were whole.
    pub withheld: Vec<Section>,
}

impl Change {
    /// Writes all sections of a change that stands alone.
    ///
    /// # Errors
    /// [`RecordError`] if a list is longer than its limit, a required part is empty, or a section would be larger
    /// than [`SECTION_BYTES_MAX`].
    pub fn encode(&self) -> Result<Sections, RecordError> {
        self.encode_at(None)
    }

    /// Writes all sections of a change that is a member of a package, or stands alone.
    ///
    /// # Errors
    /// As [`Change::encode`], and if it is of a same-as statement and in a package.
    pub fn encode_at(&self, package: Option<PackagePlace>) -> Result<Sections, RecordError> {
        if package.is_some() {
            PackagePlace::check(self)?;
        }
        let mut sections = Sections::default();
        for section in Section::ALL {
            let fields: Fields = self.put_section(section, package)?;
            if fields.is_empty() {
                continue;
            }
            let bytes = Value::Map(fields).encode();
            within(section, bytes.len())?;
            sections.set(section, bytes);
        }
        Ok(sections)
    }

    /// How many bytes [`Change::encode`] makes of each section, 0 of an absent one, in slot order; it makes none.
    ///
    /// # Errors
    /// As [`Change::encode`].
    pub fn lengths(&self) -> Result<[usize; Section::ALL.len()], RecordError> {
        let mut lengths = [0; Section::ALL.len()];
        for (section, length) in Section::ALL.into_iter().zip(&mut lengths) {
            let fields: Length = self.put_section(section, None)?;
            if !fields.is_empty() {
                *length = within(section, fields.bytes())?;
            }
        }
        Ok(lengths)
    }

    /// Reads what was given of a change. Core is needed; any other section may be withheld.
    ///
    /// # Errors
    /// [`RecordError`] if core is not given, or a given section does not hold what it should.
    pub fn decode(read: &SectionsRead<'_>) -> Result<Decoded, RecordError> {
        let core = read.bytes(Section::Core).filter(|bytes| !bytes.is_empty()).ok_or(RecordError::NoCore)?;
        let (mut change, package) = Self::from_core(section_map(Section::Core, core)?)?;
        let mut withheld = Vec::new();
        for section in Section::ALL.into_iter().filter(|section| *section != Section::Core) {
            match read.bytes(section) {
                None => withheld.push(section),
                Some([]) => {}
                Some(bytes) => change.op.take_section(section, section_map(section, bytes)?)?,
            }
        }
        Ok(Decoded { change, package, withheld })
    }

    fn put_section<M: Put>(&self, section: Section, package: Option<PackagePlace>) -> Result<M, RecordError> {
        let mut fields = M::default();
        match section {
            Section::Core => self.put_core(&mut fields, package)?,
            _ => self.op.put_section(section, &mut fields)?,
        }
        Ok(fields)
    }

    fn put_core<M: Put>(&self, fields: &mut M, package: Option<PackagePlace>) -> Result<(), RecordError> {
        match self.op.body() {
            Body::Record(record) => fields.keep(record.unknown.of(Section::Core)),
            Body::Notice(notice) => fields.keep(notice.unknown.of(Section::Core)),
        }
        let form = if package.is_some() { FORM_IN_PACKAGE } else { FORM_ALONE };
        fields.put_unsigned(FORM, form);
        put_start(fields, self.op.code(), self.handle, self.op.prev(), self.key());
        if let Some(package) = package {
            package.put(fields, PACKAGE);
        }
        self.op.put_terms(fields)?;
        match self.op.body() {
            Body::Record(record) => record.put_core(fields),
            Body::Notice(notice) => form::put_forms(fields, LEGAL, &notice.legal, LEGAL_BOUND),
        }
    }

    fn from_core(mut fields: Fields) -> Result<(Self, Option<PackagePlace>), RecordError> {
        let version = form::required("form", form::typed("form", fields.take_unsigned(FORM))?)?;
        let package = match version {
            FORM_ALONE => None,
            FORM_IN_PACKAGE => Some(PackagePlace::take(&mut fields, PACKAGE)?),
            version => return Err(RecordError::UnknownForm { version }),
        };
        let code = form::required("op", form::typed("op", fields.take_unsigned(OP))?)?;
        let handle = Handle::new(form::required("handle", form::take_array(&mut fields, HANDLE, "handle")?)?);
        let prev = form::take_array(&mut fields, PREV, "prev")?.map(EntryRef::new);
        let key = form::required("key", take_key(&mut fields, KEY, "key")?)?;
        let change = Self { handle, op: Op::take(code, Start { prev, key }, fields)? };
        if package.is_some() {
            PackagePlace::check(&change)?;
        }
        Ok((change, package))
    }
}

/// What core says before the operation's own terms.
struct Start {
    prev: Option<EntryRef>,
    key: RecordKey,
}

impl Start {
    fn prev(&self) -> Result<EntryRef, RecordError> {
        form::required("prev", self.prev)
    }

    fn none_before(&self) -> Result<(), RecordError> {
        self.prev.map_or(Ok(()), |_| Err(RecordError::Invalid { field: "prev" }))
    }
}

impl Op {
    /// Writes what only this operation says.
    fn put_terms<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        match self {
            Self::List { .. }
            | Self::Suspend { .. }
            | Self::Resume { .. }
            | Self::Withdraw { .. }
            | Self::Erase { .. }
            | Self::Retract { .. } => Ok(()),
            Self::Amend { paths, .. } | Self::Correct { paths, .. } => {
                form::put_texts(fields, PATHS, paths, PATHS_BOUND)
            }
            Self::Delist { reason, effective, .. } => {
                fields.put_unsigned(REASON, reason.code());
                fields.put_text(EFFECTIVE, &effective.to_string());
                Ok(())
            }
            Self::Relist { relist_of, .. } => {
                form::put_array(fields, RELIST_OF, Some(relist_of.as_bytes()));
                Ok(())
            }
            Self::Rekey { to, .. } => {
                put_key(fields, NEW_KEY, to);
                Ok(())
            }
            Self::Merge { into, from, .. } => {
                form::put_array(fields, INTO, Some(into.as_bytes()));
                put_handles(fields, FROM, from)
            }
            Self::Split { from, into, .. } => {
                form::put_array(fields, FROM, Some(from.as_bytes()));
                put_handles(fields, INTO, into)
            }
            Self::SameAs { pair, notice } => pair.put(fields, PAIR, &notice.key),
            Self::Vocabulary { part, notice } => part.put(fields, PART, &notice.key),
        }
    }

    fn take(code: u64, start: Start, mut fields: Fields) -> Result<Self, RecordError> {
        match code {
            1 => {
                start.none_before()?;
                Ok(Self::List { record: take_record(start.key, fields)? })
            }
            2 | 3 => {
                let prev = start.prev()?;
                let paths = form::take_texts(&mut fields, PATHS, PATHS_BOUND)?;
                let record = take_record(start.key, fields)?;
                Ok(match code {
                    2 => Self::Amend { prev, paths, record },
                    _ => Self::Correct { prev, paths, record },
                })
            }
            6 => {
                let prev = start.prev()?;
                let reason = form::typed("reason", fields.take_unsigned(REASON))?;
                let reason = DelistReason::from_code(form::required("reason", reason)?);
                let effective = form::typed("effective", fields.take_text(EFFECTIVE))?;
                let effective = CalendarDate::parse(&form::required("effective", effective)?)
                    .map_err(|source| RecordError::Date { field: "effective", source })?;
                let notice = take_notice(start.key, fields)?;
                Ok(Self::Delist { prev, reason, effective, notice })
            }
            7 => {
                start.none_before()?;
                let relist_of = take_handle(&mut fields, RELIST_OF, "relist_of")?;
                Ok(Self::Relist { relist_of, record: take_record(start.key, fields)? })
            }
            8 => {
                let prev = start.prev()?;
                let to = form::required("new_key", take_key(&mut fields, NEW_KEY, "new_key")?)?;
                Ok(Self::Rekey { prev, to, notice: take_notice(start.key, fields)? })
            }
            9 => {
                let prev = start.prev()?;
                let into = take_handle(&mut fields, INTO, "into")?;
                let from = take_handles(&mut fields, FROM)?;
                Ok(Self::Merge { prev, into, from, notice: take_notice(start.key, fields)? })
            }
            10 => {
                let prev = start.prev()?;
                let from = take_handle(&mut fields, FROM, "from")?;
                let into = take_handles(&mut fields, INTO)?;
                Ok(Self::Split { prev, from, into, notice: take_notice(start.key, fields)? })
            }
            13 => {
                start.none_before()?;
                let pair = Pair::take(&mut fields, PAIR, &start.key)?;
                Ok(Self::SameAs { pair: Box::new(pair), notice: take_notice(start.key, fields)? })
            }
            15 => {
                start.none_before()?;
                let part = VocabularyPart::take(&mut fields, PART, &start.key)?;
                Ok(Self::Vocabulary { part: Box::new(part), notice: take_notice(start.key, fields)? })
            }
            4 | 5 | 11 | 12 | 14 => {
                let prev = start.prev()?;
                let notice = take_notice(start.key, fields)?;
                Ok(match code {
                    4 => Self::Suspend { prev, notice },
                    5 => Self::Resume { prev, notice },
                    11 => Self::Withdraw { prev, notice },
                    14 => Self::Retract { prev, notice },
                    _ => Self::Erase { prev, notice },
                })
            }
            _ => Err(RecordError::UnknownOp { code }),
        }
    }

    fn put_section<M: Put>(&self, section: Section, fields: &mut M) -> Result<(), RecordError> {
        let notice = match self.body() {
            Body::Record(record) => return record.put_section(section, fields),
            Body::Notice(notice) => notice,
        };
        fields.keep(notice.unknown.of(section));
        match section {
            Section::ReasonsPublic => {
                form::put_proses(fields, ITEMS, &notice.reasons_public, PUBLIC_BOUND)?;
            }
            Section::ReasonsClosed => {
                form::put_proses(fields, ITEMS, &notice.reasons_closed, CLOSED_BOUND)?;
            }
            Section::Sources => notice.source.put_into(fields)?,
            Section::Core | Section::Identifiers | Section::Sightings => {}
        }
        Ok(())
    }

    fn take_section(&mut self, section: Section, mut fields: Fields) -> Result<(), RecordError> {
        let notice = match self {
            Self::List { record }
            | Self::Amend { record, .. }
            | Self::Correct { record, .. }
            | Self::Relist { record, .. } => return record.take_section(section, fields),
            Self::Suspend { notice, .. }
            | Self::Resume { notice, .. }
            | Self::Delist { notice, .. }
            | Self::Rekey { notice, .. }
            | Self::Merge { notice, .. }
            | Self::Split { notice, .. }
            | Self::Withdraw { notice, .. }
            | Self::Erase { notice, .. }
            | Self::SameAs { notice, .. }
            | Self::Retract { notice, .. }
            | Self::Vocabulary { notice, .. } => notice,
        };
        match section {
            Section::ReasonsPublic => {
                notice.reasons_public = form::take_proses(&mut fields, ITEMS, PUBLIC_BOUND)?;
            }
            Section::ReasonsClosed => {
                notice.reasons_closed = form::take_proses(&mut fields, ITEMS, CLOSED_BOUND)?;
            }
            Section::Sources => notice.source = Source::from_fields(std::mem::take(&mut fields))?,
            Section::Core | Section::Identifiers | Section::Sightings => {}
        }
        notice.unknown.keep(section, fields);
        Ok(())
    }
}

/// Writes what core says behind its form, whatever the operation.
fn put_start<M: Put>(fields: &mut M, code: u64, handle: Handle, prev: Option<EntryRef>, key: &RecordKey) {
    fields.put_unsigned(OP, code);
    form::put_array(fields, HANDLE, Some(handle.as_bytes()));
    form::put_array(fields, PREV, prev.as_ref().map(EntryRef::as_bytes));
    put_key(fields, KEY, key);
}

fn within(section: Section, len: usize) -> Result<usize, RecordError> {
    if len > SECTION_BYTES_MAX {
        return Err(RecordError::SectionTooLarge { section, len, max: SECTION_BYTES_MAX });
    }
    Ok(len)
}

fn section_map(section: Section, bytes: &[u8]) -> Result<Fields, RecordError> {
    let fields = Fields::decode(bytes).map_err(|source| RecordError::Cbor { section, source })?;
    // An absent section is the empty string: an empty map would be a second form of it.
    if fields.is_empty() {
        return Err(RecordError::Empty { field: section.name() });
    }
    Ok(fields)
}

fn take_record(key: RecordKey, fields: Fields) -> Result<Box<Record>, RecordError> {
    Record::take_core(key, fields).map(Box::new)
}

fn take_notice(key: RecordKey, mut fields: Fields) -> Result<Box<Notice>, RecordError> {
    let mut notice = Notice::new(key);
    notice.legal = form::take_forms(&mut fields, LEGAL, LEGAL_BOUND)?;
    notice.unknown.keep(Section::Core, fields);
    Ok(Box::new(notice))
}

fn take_handle(fields: &mut Fields, key: u64, field: &'static str) -> Result<Handle, RecordError> {
    form::required(field, form::take_array(fields, key, field)?).map(Handle::new)
}

fn put_handles<M: Put>(fields: &mut M, key: u64, handles: &[Handle]) -> Result<(), RecordError> {
    if handles.is_empty() {
        return Err(RecordError::Empty { field: HANDLES_BOUND.field });
    }
    let handles = handles.iter().map(|handle| Item::Bytes(handle.as_bytes()));
    form::put_items(fields, key, handles, HANDLES_BOUND)
}

fn take_handles(fields: &mut Fields, key: u64) -> Result<Vec<Handle>, RecordError> {
    let bad = || RecordError::Invalid { field: HANDLES_BOUND.field };
    let values = form::take_values(fields, key, HANDLES_BOUND)?;
    if values.is_empty() {
        return Err(RecordError::Missing { field: HANDLES_BOUND.field });
    }
    let handle = |value| match value {
        Value::Bytes(bytes) => <[u8; 16]>::try_from(bytes).map(Handle::new).map_err(|_| bad()),
        _ => Err(bad()),
    };
    values.into_iter().map(handle).collect()
}
