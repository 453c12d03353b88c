//! Names of a subject: in full, in parts, with script, kind and quality.
//!
//! Not for: comparing names, which lives in `screening`.

use crate::cbor::Fields;
use crate::error::RecordError;
use crate::form::{self, Form, bound};
use crate::length::Put;
use crate::limits::NAME_PARTS_MAX;
use crate::text::Text;

/// What a name is to its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// The name that the authority lists the subject under.
    Primary,
    /// Also known as.
    Aka,
    /// Formerly known as.
    Fka,
    /// Now known as.
    Nka,
    /// A code that this program does not know.
    Unknown(u64),
}

/// How far the authority trusts a name to identify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameQuality {
    /// Good enough to match by.
    Good,
    /// Too broad to match by alone ("weak alias", "low quality").
    Weak,
    /// A code that this program does not know.
    Unknown(u64),
}

/// What a part of a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartRole {
    /// Given name.
    Given,
    /// Further given names.
    Middle,
    /// Family name.
    Family,
    /// Father's name.
    Patronymic,
    /// A part whose role the source does not tell, in the source's order.
    Ordered,
    /// A code that this program does not know.
    Unknown(u64),
}

/// One part of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePart {
    /// What it is.
    pub role: PartRole,
    /// As written.
    pub value: Text,
    unknown: Fields,
}

/// One name of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The whole name as the source writes it.
    pub full: Text,
    /// Its parts, where the source tells them.
    pub parts: Vec<NamePart>,
    /// ISO 15924 code of its script (`Arab`), where known.
    pub script: Option<Text>,
    /// BCP 47 tag of its language, where known.
    pub language: Option<Text>,
    /// What it is to the subject.
    pub kind: NameKind,
    /// How far the authority trusts it; `None` if the source does not say.
    pub quality: Option<NameQuality>,
    /// A remark of the source.
    pub note: Option<Text>,
    /// The source's own number of this name.
    pub row: Option<Text>,
    unknown: Fields,
}

impl NameKind {
    /// Its code in the byte form.
    pub const fn code(self) -> u64 {
        match self {
            Self::Primary => 1,
            Self::Aka => 2,
            Self::Fka => 3,
            Self::Nka => 4,
            Self::Unknown(code) => code,
        }
    }

    /// The kind of a code.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Primary,
            2 => Self::Aka,
            3 => Self::Fka,
            4 => Self::Nka,
            _ => Self::Unknown(code),
        }
    }
}

impl NameQuality {
    /// Its code in the byte form.
    pub const fn code(self) -> u64 {
        match self {
            Self::Good => 1,
            Self::Weak => 2,
            Self::Unknown(code) => code,
        }
    }

    /// The quality of a code.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Good,
            2 => Self::Weak,
            _ => Self::Unknown(code),
        }
    }
}

impl PartRole {
    /// Its code in the byte form.
    pub const fn code(self) -> u64 {
        match self {
            Self::Given => 1,
            Self::Middle => 2,
            Self::Family => 3,
            Self::Patronymic => 4,
            Self::Ordered => 5,
            Self::Unknown(code) => code,
        }
    }

    /// The role of a code.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Given,
            2 => Self::Middle,
            3 => Self::Family,
            4 => Self::Patronymic,
            5 => Self::Ordered,
            _ => Self::Unknown(code),
        }
    }
}

impl NamePart {
    /// A part of a name.
    pub const fn new(role: PartRole, value: Text) -> Self {
        Self { role, value, unknown: Fields::new() }
    }
}

impl Name {
    /// A name of which nothing else is told.
    pub const fn new(kind: NameKind, full: Text) -> Self {
        Self {
            full,
            parts: Vec::new(),
            script: None,
            language: None,
            kind,
            quality: None,
            note: None,
            row: None,
            unknown: Fields::new(),
        }
    }

    /// True if the authority marks the name as too broad to match by alone.
    pub fn is_weak(&self) -> bool {
        self.quality == Some(NameQuality::Weak)
    }
}

impl Form for NamePart {
    const FIELD: &'static str = "names.parts";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        fields.put_unsigned(1, self.role.code());
        form::put_text(fields, 2, Some(&self.value));
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let code = form::required(Self::FIELD, form::typed(Self::FIELD, fields.take_unsigned(1))?)?;
        let value = form::required(Self::FIELD, form::take_text(&mut fields, 2, Self::FIELD)?)?;
        Ok(Self { role: PartRole::from_code(code), value, unknown: fields })
    }
}

impl Form for Name {
    const FIELD: &'static str = "names";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_text(fields, 1, Some(&self.full));
        fields.put_unsigned(2, self.kind.code());
        if let Some(quality) = self.quality {
            fields.put_unsigned(3, quality.code());
        }
        form::put_forms(fields, 4, &self.parts, bound("names.parts", NAME_PARTS_MAX))?;
        form::put_text(fields, 5, self.script.as_ref());
        form::put_text(fields, 6, self.language.as_ref());
        form::put_text(fields, 7, self.note.as_ref());
        form::put_text(fields, 8, self.row.as_ref());
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let full = form::required("names.full", form::take_text(&mut fields, 1, "names.full")?)?;
        let kind = form::required("names.kind", form::typed("names.kind", fields.take_unsigned(2))?)?;
        let quality = form::typed("names.quality", fields.take_unsigned(3))?;
        Ok(Self {
            full,
            kind: NameKind::from_code(kind),
            quality: quality.map(NameQuality::from_code),
            parts: form::take_forms(&mut fields, 4, bound("names.parts", NAME_PARTS_MAX))?,
            script: form::take_text(&mut fields, 5, "names.script")?,
            language: form::take_text(&mut fields, 6, "names.language")?,
            note: form::take_text(&mut fields, 7, "names.note")?,
            row: form::take_text(&mut fields, 8, "names.row")?,
            unknown: fields,
        })
    }
}
