//! Particulars of vessels and aircraft that are not identifiers.
//!
//! Numbers such as tonnage stay as written ("318,000"): the lists use them to describe, not to reckon.
//! IMO, MMSI, call sign, tail and serial numbers are identifiers; the year built is a dated fact.

use crate::cbor::Fields;
use crate::error::RecordError;
use crate::form::{self, Form, bound};
use crate::length::Put;
use crate::limits::{FLAGS_MAX, WORDS_MAX};
use crate::place::Country;
use crate::text::Text;

/// Particulars of a vessel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vessel {
    /// Types as written ("Crude Oil Tanker").
    pub types: Vec<Text>,
    /// Flag.
    pub flag: Option<Country>,
    /// Former flags.
    pub former_flags: Vec<Country>,
    /// Deadweight tonnage.
    pub tonnage: Option<Text>,
    /// Gross registered tonnage.
    pub gross_tonnage: Option<Text>,
    /// Owner.
    pub owner: Option<Text>,
    unknown: Fields,
}

/// Particulars of an aircraft.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aircraft {
    /// Models as written.
    pub models: Vec<Text>,
    /// Operators.
    pub operators: Vec<Text>,
    unknown: Fields,
}

impl Vessel {
    /// True if nothing is told.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Aircraft {
    /// True if nothing is told.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Form for Vessel {
    const FIELD: &'static str = "vessel";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_texts(fields, 1, &self.types, bound("vessel.types", WORDS_MAX))?;
        form::put_form(fields, 2, self.flag.as_ref())?;
        form::put_forms(fields, 3, &self.former_flags, bound("vessel.former_flags", FLAGS_MAX))?;
        form::put_text(fields, 4, self.tonnage.as_ref());
        form::put_text(fields, 5, self.gross_tonnage.as_ref());
        form::put_text(fields, 6, self.owner.as_ref());
        if fields.is_empty() {
            return Err(RecordError::Empty { field: Self::FIELD });
        }
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        if fields.is_empty() {
            return Err(RecordError::Empty { field: Self::FIELD });
        }
        Ok(Self {
            types: form::take_texts(&mut fields, 1, bound("vessel.types", WORDS_MAX))?,
            flag: form::take_form(&mut fields, 2)?,
            former_flags: form::take_forms(&mut fields, 3, bound("vessel.former_flags", FLAGS_MAX))?,
            tonnage: form::take_text(&mut fields, 4, "vessel.tonnage")?,
            gross_tonnage: form::take_text(&mut fields, 5, "vessel.gross_tonnage")?,
            owner: form::take_text(&mut fields, 6, "vessel.owner")?,
            unknown: fields,
        })
    }
}

impl Form for Aircraft {
    const FIELD: &'static str = "aircraft";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_texts(fields, 1, &self.models, bound("aircraft.models", WORDS_MAX))?;
        form::put_texts(fields, 2, &self.operators, bound("aircraft.operators", WORDS_MAX))?;
        if fields.is_empty() {
            return Err(RecordError::Empty { field: Self::FIELD });
        }
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        if fields.is_empty() {
            return Err(RecordError::Empty { field: Self::FIELD });
        }
        Ok(Self {
            models: form::take_texts(&mut fields, 1, bound("aircraft.models", WORDS_MAX))?,
            operators: form::take_texts(&mut fields, 2, bound("aircraft.operators", WORDS_MAX))?,
            unknown: fields,
        })
    }
}
