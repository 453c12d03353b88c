//! The fields of a record, section by section: which key of which map holds what.
//!
//! Keys are on disk and signed: never reused, only added. `docs/records.cddl` describes the same maps.
//! Not for: what a change adds to them (`change_form`).

use crate::cbor::{Fields, Value};
use crate::error::RecordError;
use crate::form::{self, Bound, Form, bound};
use crate::key::RecordKey;
use crate::length::{Item, Put};
use crate::limits::{
    ADDRESSES_MAX, FACTS_MAX, IDENTIFIERS_MAX, LEGAL_MAX, LINKS_MAX, MEASURES_MAX, NAMES_MAX, PLACES_MAX,
    PROGRAMMES_MAX, REASONS_MAX, SIGHTINGS_MAX, TIES_MAX, UPDATES_MAX, WORDS_MAX,
};
use crate::record::{Gender, Record, SubjectKind};
use crate::section::Section;
use crate::source::Source;

pub(crate) const KIND: u64 = 6;
pub(crate) const LEGAL: u64 = 20;
/// The one key of the sections that hold a single list.
pub(crate) const ITEMS: u64 = 1;

const NAMES_BOUND: Bound = bound("names", NAMES_MAX);
const FACTS_BOUND: Bound = bound("facts", FACTS_MAX);
const PLACES_BOUND: Bound = bound("places", PLACES_MAX);
const TIES_BOUND: Bound = bound("ties", TIES_MAX);
const GENDERS_BOUND: Bound = bound("genders", WORDS_MAX);
const TITLES_BOUND: Bound = bound("titles", WORDS_MAX);
const POSITIONS_BOUND: Bound = bound("positions", WORDS_MAX);
const SECTORS_BOUND: Bound = bound("sectors", WORDS_MAX);
const ADDRESSES_BOUND: Bound = bound("addresses", ADDRESSES_MAX);
const PROGRAMMES_BOUND: Bound = bound("programmes", PROGRAMMES_MAX);
const MEASURES_BOUND: Bound = bound("measures", MEASURES_MAX);
pub(crate) const LEGAL_BOUND: Bound = bound("legal", LEGAL_MAX);
const UPDATED_BOUND: Bound = bound("updated_on", UPDATES_MAX);
const LINKS_BOUND: Bound = bound("links", LINKS_MAX);
const IDENTIFIERS_BOUND: Bound = bound("identifiers", IDENTIFIERS_MAX);
pub(crate) const PUBLIC_BOUND: Bound = bound("reasons_public", REASONS_MAX);
pub(crate) const CLOSED_BOUND: Bound = bound("reasons_closed", REASONS_MAX);
const SIGHTINGS_BOUND: Bound = bound("sightings", SIGHTINGS_MAX);

impl Record {
    /// Adds the record's own fields to a core map that already holds what the change says.
    pub(crate) fn put_core<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.put_unsigned(KIND, u64::from(self.kind.code()));
        form::put_forms(fields, 7, &self.names, NAMES_BOUND)?;
        form::put_forms(fields, 8, &self.facts, FACTS_BOUND)?;
        form::put_forms(fields, 9, &self.places, PLACES_BOUND)?;
        form::put_forms(fields, 10, &self.ties, TIES_BOUND)?;
        let genders = self.genders.iter().map(|gender| Item::Unsigned(gender.code()));
        form::put_items(fields, 11, genders, GENDERS_BOUND)?;
        form::put_texts(fields, 12, &self.titles, TITLES_BOUND)?;
        form::put_texts(fields, 13, &self.positions, POSITIONS_BOUND)?;
        form::put_texts(fields, 14, &self.sectors, SECTORS_BOUND)?;
        form::put_forms(fields, 15, &self.addresses, ADDRESSES_BOUND)?;
        form::put_form(fields, 16, self.vessel.as_ref())?;
        form::put_form(fields, 17, self.aircraft.as_ref())?;
        form::put_texts(fields, 18, &self.programmes, PROGRAMMES_BOUND)?;
        form::put_forms(fields, 19, &self.measures, MEASURES_BOUND)?;
        form::put_forms(fields, LEGAL, &self.legal, LEGAL_BOUND)?;
        form::put_form(fields, 21, self.listed_on.as_ref())?;
        form::put_form(fields, 22, self.effective_on.as_ref())?;
        form::put_form(fields, 23, self.review_by.as_ref())?;
        form::put_forms(fields, 24, &self.updated_on, UPDATED_BOUND)?;
        form::put_forms(fields, 25, &self.links, LINKS_BOUND)?;
        form::put_text(fields, 26, self.handling_reference.as_ref());
        Ok(())
    }

    /// Takes the record's own fields out of a core map; what the change says must be taken before.
    pub(crate) fn take_core(key: RecordKey, mut fields: Fields) -> Result<Self, RecordError> {
        let code = form::required("kind", form::typed("kind", fields.take_unsigned(KIND))?)?;
        let code = u8::try_from(code).map_err(|_| RecordError::Invalid { field: "kind" })?;
        let mut record = Self::new(key, SubjectKind::from_code(code));
        record.names = form::take_forms(&mut fields, 7, NAMES_BOUND)?;
        record.facts = form::take_forms(&mut fields, 8, FACTS_BOUND)?;
        record.places = form::take_forms(&mut fields, 9, PLACES_BOUND)?;
        record.ties = form::take_forms(&mut fields, 10, TIES_BOUND)?;
        let genders = form::take_values(&mut fields, 11, GENDERS_BOUND)?;
        record.genders = genders.iter().map(gender).collect::<Result<_, _>>()?;
        record.titles = form::take_texts(&mut fields, 12, TITLES_BOUND)?;
        record.positions = form::take_texts(&mut fields, 13, POSITIONS_BOUND)?;
        record.sectors = form::take_texts(&mut fields, 14, SECTORS_BOUND)?;
        record.addresses = form::take_forms(&mut fields, 15, ADDRESSES_BOUND)?;
        record.vessel = form::take_form(&mut fields, 16)?;
        record.aircraft = form::take_form(&mut fields, 17)?;
        record.programmes = form::take_texts(&mut fields, 18, PROGRAMMES_BOUND)?;
        record.measures = form::take_forms(&mut fields, 19, MEASURES_BOUND)?;
        record.legal = form::take_forms(&mut fields, LEGAL, LEGAL_BOUND)?;
        record.listed_on = form::take_form(&mut fields, 21)?;
        record.effective_on = form::take_form(&mut fields, 22)?;
        record.review_by = form::take_form(&mut fields, 23)?;
        record.updated_on = form::take_forms(&mut fields, 24, UPDATED_BOUND)?;
        record.links = form::take_forms(&mut fields, 25, LINKS_BOUND)?;
        record.handling_reference = form::take_text(&mut fields, 26, "handling_reference")?;
        record.unknown.keep(Section::Core, fields);
        Ok(record)
    }

    /// Adds what a section other than core says; nothing if there is nothing to say.
    pub(crate) fn put_section<M: Put>(&self, section: Section, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(self.unknown.of(section));
        match section {
            Section::Core => {}
            Section::Identifiers => {
                form::put_forms(fields, ITEMS, &self.identifiers, IDENTIFIERS_BOUND)?;
            }
            Section::ReasonsPublic => {
                form::put_proses(fields, ITEMS, &self.reasons_public, PUBLIC_BOUND)?;
            }
            Section::ReasonsClosed => {
                form::put_proses(fields, ITEMS, &self.reasons_closed, CLOSED_BOUND)?;
            }
            Section::Sources => self.source.put_into(fields)?,
            Section::Sightings => form::put_forms(fields, ITEMS, &self.sightings, SIGHTINGS_BOUND)?,
        }
        Ok(())
    }

    /// Takes the map of a section other than core.
    pub(crate) fn take_section(&mut self, section: Section, mut fields: Fields) -> Result<(), RecordError> {
        match section {
            Section::Core => {}
            Section::Identifiers => {
                self.identifiers = form::take_forms(&mut fields, ITEMS, IDENTIFIERS_BOUND)?;
            }
            Section::ReasonsPublic => {
                self.reasons_public = form::take_proses(&mut fields, ITEMS, PUBLIC_BOUND)?;
            }
            Section::ReasonsClosed => {
                self.reasons_closed = form::take_proses(&mut fields, ITEMS, CLOSED_BOUND)?;
            }
            Section::Sources => self.source = Source::from_fields(std::mem::take(&mut fields))?,
            Section::Sightings => self.sightings = form::take_forms(&mut fields, ITEMS, SIGHTINGS_BOUND)?,
        }
        self.unknown.keep(section, fields);
        Ok(())
    }
}

fn gender(value: &Value) -> Result<Gender, RecordError> {
    match value {
        Value::Unsigned(code) => Ok(Gender::from_code(*code)),
        _ => Err(RecordError::Invalid { field: "genders" }),
    }
}
