//! What an authority ordered, and the acts that it rests on.

use crate::cbor::Fields;
use crate::date::FuzzyDate;
use crate::error::RecordError;
use crate::form::{self, Bound, Form, bound};
use crate::length::Put;
use crate::limits::CRITERIA_MAX;
use crate::text::{Prose, Text};

const CRITERIA_BOUND: Bound = bound("legal.criteria", CRITERIA_MAX);

/// A measure ordered against the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What is ordered, in the source's words.
    pub text: Prose,
    /// What kind of measure it is, in the source's words ("Secondary sanctions risk").
    pub label: Option<Text>,
    /// From when.
    pub effective: Option<FuzzyDate>,
    unknown: Fields,
}

/// A legal act that a listing or a change rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalBasis {
    /// The act as cited.
    pub act: Text,
    /// Where it is published.
    pub url: Option<Text>,
    /// When it was published.
    pub published: Option<FuzzyDate>,
    /// When it came into force.
    pub in_force: Option<FuzzyDate>,
    /// By which of its criteria it designates, in its own words or numbers.
    pub criteria: Vec<Prose>,
    unknown: Fields,
}

impl Measure {
    /// A measure of which only the words are told.
    pub const fn new(text: Prose) -> Self {
        Self { text, label: None, effective: None, unknown: Fields::new() }
    }
}

impl LegalBasis {
    /// An act of which only the citation is told.
    pub const fn new(act: Text) -> Self {
        Self { act, url: None, published: None, in_force: None, criteria: Vec::new(), unknown: Fields::new() }
    }
}

impl Form for Measure {
    const FIELD: &'static str = "measures";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_prose(fields, 1, Some(&self.text));
        form::put_text(fields, 2, self.label.as_ref());
        form::put_form(fields, 3, self.effective.as_ref())?;
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let text = form::required("measures.text", form::take_prose(&mut fields, 1, "measures.text")?)?;
        let label = form::take_text(&mut fields, 2, "measures.label")?;
        let effective = form::take_form(&mut fields, 3)?;
        Ok(Self { text, label, effective, unknown: fields })
    }
}

impl Form for LegalBasis {
    const FIELD: &'static str = "legal";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_text(fields, 1, Some(&self.act));
        form::put_text(fields, 2, self.url.as_ref());
        form::put_form(fields, 3, self.published.as_ref())?;
        form::put_form(fields, 4, self.in_force.as_ref())?;
        form::put_proses(fields, 5, &self.criteria, CRITERIA_BOUND)?;
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let act = form::required("legal.act", form::take_text(&mut fields, 1, "legal.act")?)?;
        let url = form::take_text(&mut fields, 2, "legal.url")?;
        let published = form::take_form(&mut fields, 3)?;
        let in_force = form::take_form(&mut fields, 4)?;
        let criteria = form::take_proses(&mut fields, 5, CRITERIA_BOUND)?;
        Ok(Self { act, url, published, in_force, criteria, unknown: fields })
    }
}
