//! Where a record was read from, and the source fields that no other field takes.
//!
//! Files and locators are provenance: they change with every publication and say nothing about the subject, so a
//! comparison of content leaves them out. Row id and extra fields are content.

use crate::cbor::Fields;
use crate::error::RecordError;
use crate::form::{self, Form, bound};
use crate::key::FileHash;
use crate::length::Put;
use crate::limits::{EXTRA_VALUES_MAX, EXTRAS_MAX, FILES_MAX, LOCATORS_MAX};
use crate::text::{Prose, Text};

/// A file that a record was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name, without a path.
    pub name: Text,
    /// SHA-256 of its bytes.
    pub sha256: FileHash,
    unknown: Fields,
}

/// A source field kept as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// The source's name of the field.
    pub name: Text,
    /// Its values, as written and in the source's order; never empty.
    pub values: Vec<Prose>,
    unknown: Fields,
}

/// Where a record was read from, and what else the source says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The files. Provenance.
    pub files: Vec<SourceFile>,
    /// Rows or paths in them. Provenance.
    pub locators: Vec<Text>,
    /// The source's own row id, where it differs from the reference.
    pub row_id: Option<Text>,
    /// Fields that no other field takes.
    pub extra: Vec<Extra>,
    unknown: Fields,
}

impl SourceFile {
    /// A file.
    pub const fn new(name: Text, sha256: FileHash) -> Self {
        Self { name, sha256, unknown: Fields::new() }
    }
}

impl Extra {
    /// A field with its values.
    pub const fn new(name: Text, values: Vec<Prose>) -> Self {
        Self { name, values, unknown: Fields::new() }
    }
}

impl Source {
    /// Adds a value to the extra field of a name, which is made if there is none.
    pub fn keep(&mut self, name: &Text, value: Prose) {
        match self.extra.iter_mut().find(|extra| extra.name == *name) {
            Some(extra) => extra.values.push(value),
            None => self.extra.push(Extra::new(name.clone(), vec![value])),
        }
    }

    /// The values of an extra field.
    pub fn extra(&self, name: &str) -> &[Prose] {
        self.extra.iter().find(|extra| extra.name.as_str() == name).map_or(&[], |extra| &extra.values)
    }

    /// True if all but the provenance is equal.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        self.row_id == other.row_id && self.unknown == other.unknown
    }
}

impl Form for SourceFile {
    const FIELD: &'static str = "source.files";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_text(fields, 1, Some(&self.name));
        form::put_array(fields, 2, Some(self.sha256.as_bytes()));
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let name = form::required(Self::FIELD, form::take_text(&mut fields, 1, Self::FIELD)?)?;
        let sha256 = form::required(Self::FIELD, form::take_array(&mut fields, 2, Self::FIELD)?)?;
        Ok(Self { name, sha256: FileHash::new(sha256), unknown: fields })
    }
}

impl Form for Extra {
    const FIELD: &'static str = "source.extra";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_text(fields, 1, Some(&self.name));
        form::put_proses(fields, 2, &self.values, bound(Self::FIELD, EXTRA_VALUES_MAX))?;
        if self.values.is_empty() {
            return Err(RecordError::Empty { field: Self::FIELD });
        }
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let name = form::required(Self::FIELD, form::take_text(&mut fields, 1, Self::FIELD)?)?;
        let values = form::take_proses(&mut fields, 2, bound(Self::FIELD, EXTRA_VALUES_MAX))?;
        if values.is_empty() {
            return Err(RecordError::Empty { field: Self::FIELD });
        }
        Ok(Self { name, values, unknown: fields })
    }
}

impl Form for Source {
    const FIELD: &'static str = "source";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_forms(fields, 1, &self.files, bound("source.files", FILES_MAX))?;
        form::put_texts(fields, 2, &self.locators, bound("source.locators", LOCATORS_MAX))?;
        form::put_text(fields, 3, self.row_id.as_ref());
        form::put_forms(fields, 4, &self.extra, bound("source.extra", EXTRAS_MAX))?;
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        Ok(Self {
            files: form::take_forms(&mut fields, 1, bound("source.files", FILES_MAX))?,
            locators: form::take_texts(&mut fields, 2, bound("source.locators", LOCATORS_MAX))?,
            row_id: form::take_text(&mut fields, 3, "source.row_id")?,
            extra: form::take_forms(&mut fields, 4, bound("source.extra", EXTRAS_MAX))?,
            unknown: fields,
        })
    }
}
