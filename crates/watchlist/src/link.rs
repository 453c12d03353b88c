//! Links of a subject to others, as an authority states them.
//!
//! Not for: same-as statements, which are signed and retracted by themselves (`same_as`), and the subjects that come of
//! them (`screening`).

use crate::cbor::Fields;
use crate::date::FuzzyDate;
use crate::error::RecordError;
use crate::form::{self, Form};
use crate::key::{KeyError, ListId, RecordKey, Reference};
use crate::length::Put;
use crate::text::Text;

/// How the subject relates to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Linked, and the source says no more.
    Linked,
    /// The subject owns or controls the target.
    Owns,
    /// The target owns or controls the subject.
    OwnedBy,
    /// The subject leads or directs the target.
    Directs,
    /// The subject is family of the target.
    Family,
    /// The subject acts for the target.
    ActsFor,
    /// A code that this program does not know.
    Unknown(u64),
}

/// Whom a link points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// Someone whom the source only names.
    Named(Text),
    /// A record.
    Key(RecordKey),
}

/// A link to someone or something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// How.
    pub relation: Relation,
    /// To whom.
    pub target: LinkTarget,
    /// The source's words for the relation.
    pub label: Option<Text>,
    /// A share held, as written ("50 %").
    pub share: Option<Text>,
    /// From when.
    pub from: Option<FuzzyDate>,
    /// Until when.
    pub to: Option<FuzzyDate>,
    unknown: Fields,
}

impl Relation {
    /// Its code in the byte form.
    pub const fn code(self) -> u64 {
        match self {
            Self::Linked => 1,
            Self::Owns => 2,
            Self::OwnedBy => 3,
            Self::Directs => 4,
            Self::Family => 5,
            Self::ActsFor => 6,
            Self::Unknown(code) => code,
        }
    }

    /// The relation of a code.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Linked,
            2 => Self::Owns,
            3 => Self::OwnedBy,
            4 => Self::Directs,
            5 => Self::Family,
            6 => Self::ActsFor,
            _ => Self::Unknown(code),
        }
    }
}

impl Link {
    /// A link of which nothing else is told.
    pub const fn new(relation: Relation, target: LinkTarget) -> Self {
        Self { relation, target, label: None, share: None, from: None, to: None, unknown: Fields::new() }
    }
}

/// Writes a record key under two adjacent keys.
pub(crate) fn put_key<M: Put>(fields: &mut M, first: u64, key: &RecordKey) {
    fields.put_text(first, key.list.as_str());
    fields.put_text(first + 1, key.reference.as_str());
}

/// Reads a record key from two adjacent keys; both or neither must be there.
pub(crate) fn take_key(
    fields: &mut Fields,
    first: u64,
    field: &'static str,
) -> Result<Option<RecordKey>, RecordError> {
    let bad = |source: KeyError| RecordError::Key { field, source };
    match (form::typed(field, fields.take_text(first))?, form::typed(field, fields.take_text(first + 1))?) {
        (None, None) => Ok(None),
        (Some(list), Some(reference)) => Ok(Some(RecordKey::new(
            ListId::parse(&list).map_err(bad)?,
            Reference::parse(&reference).map_err(bad)?,
        ))),
        _ => Err(RecordError::Missing { field }),
    }
}

impl Form for Link {
    const FIELD: &'static str = "links";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        fields.put_unsigned(1, self.relation.code());
        match &self.target {
            LinkTarget::Named(name) => form::put_text(fields, 2, Some(name)),
            LinkTarget::Key(key) => put_key(fields, 3, key),
        }
        form::put_text(fields, 5, self.label.as_ref());
        form::put_text(fields, 6, self.share.as_ref());
        form::put_form(fields, 7, self.from.as_ref())?;
        form::put_form(fields, 8, self.to.as_ref())?;
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let code = form::required("links.relation", form::typed("links.relation", fields.take_unsigned(1))?)?;
        let named = form::take_text(&mut fields, 2, "links.target")?;
        let target = match (named, take_key(&mut fields, 3, "links.target")?) {
            (Some(name), None) => LinkTarget::Named(name),
            (None, Some(key)) => LinkTarget::Key(key),
            _ => return Err(RecordError::Invalid { field: "links.target" }),
        };
        Ok(Self {
            relation: Relation::from_code(code),
            target,
            label: form::take_text(&mut fields, 5, "links.label")?,
            share: form::take_text(&mut fields, 6, "links.share")?,
            from: form::take_form(&mut fields, 7)?,
            to: form::take_form(&mut fields, 8)?,
            unknown: fields,
        })
    }
}
