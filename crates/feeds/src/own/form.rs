//! The object of a whole record, field by field.
//!
//! Not here: the parts with fields of their own (`parts`, `claims`), single values (`scalar`) and closed lists (`words`).

use comity_watchlist::{
    Extra, Gender, Handle, ListId, Prose, Record, RecordKey, Reference, SubjectKind, Text,
};
use serde::{Deserialize, Serialize};

use super::OwnError;
use super::claims::{IdentifierForm, LegalForm, LinkForm, MeasureForm, SightingForm, SourceForm};
use super::parts::{AddressForm, AircraftForm, FactForm, NameForm, PlaceForm, TieForm, VesselForm};
use super::scalar::{DateForm, Json};
use super::words::Word;

/// The object. Whatever is left out, null or an empty list is not told.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) handle: Option<Json<Handle>>,
    list: Json<ListId>,
    reference: Json<Reference>,
    kind: Word<SubjectKind>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<NameForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    facts: Vec<FactForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    places: Vec<PlaceForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ties: Vec<TieForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    genders: Vec<Word<Gender>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    titles: Vec<Json<Text>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    positions: Vec<Json<Text>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sectors: Vec<Json<Text>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<AddressForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vessel: Option<VesselForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aircraft: Option<AircraftForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    programmes: Vec<Json<Text>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    measures: Vec<MeasureForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    legal: Vec<LegalForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed_on: Option<DateForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effective_on: Option<DateForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    review_by: Option<DateForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    updated_on: Vec<DateForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handling_reference: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    identifiers: Vec<IdentifierForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reasons_public: Vec<Json<Prose>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reasons_closed: Vec<Json<Prose>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sightings: Vec<SightingForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<SourceForm>,
}

impl From<RecordForm> for Record {
    fn from(form: RecordForm) -> Self {
        let key = RecordKey::new(form.list.0, form.reference.0);
        let mut record = Self::new(key, form.kind.0);
        record.names = all(form.names);
        record.facts = all(form.facts);
        record.places = all(form.places);
        record.ties = all(form.ties);
        record.genders = form.genders.into_iter().map(|word| word.0).collect();
        record.titles = values(form.titles);
        record.positions = values(form.positions);
        record.sectors = values(form.sectors);
        record.addresses = all(form.addresses);
        record.vessel = form.vessel.map(Into::into);
        record.aircraft = form.aircraft.map(Into::into);
        record.programmes = values(form.programmes);
        record.measures = all(form.measures);
        record.legal = all(form.legal);
        record.listed_on = form.listed_on.map(Into::into);
        record.effective_on = form.effective_on.map(Into::into);
        record.review_by = form.review_by.map(Into::into);
        record.updated_on = all(form.updated_on);
        record.links = all(form.links);
        record.handling_reference = form.handling_reference.map(|text| text.0);
        record.identifiers = all(form.identifiers);
        record.judge_checksums();
        record.reasons_public = values(form.reasons_public);
        record.reasons_closed = values(form.reasons_closed);
        record.sightings = all(form.sightings);
        if let Some(SourceForm { row_id, extra }) = form.source {
            record.source.row_id = row_id.map(|text| text.0);
            record.source.extra =
                extra.into_iter().map(|extra| Extra::new(extra.name.0, values(extra.values))).collect();
        }
        record
    }
}

impl RecordForm {
    /// The form of a record that is made from a version of a listing.
    pub(super) fn of(
        record: &Record,
        version: Option<u64>,
        handle: Option<Handle>,
    ) -> Result<Self, OwnError> {
        let source = &record.source;
        let is_told = source.row_id.is_some() || !source.extra.is_empty();
        Ok(Self {
            version,
            handle: handle.map(Json),
            list: Json(record.key.list.clone()),
            reference: Json(record.key.reference.clone()),
            kind: Word::of(record.kind)?,
            names: each(&record.names, NameForm::of)?,
            facts: each(&record.facts, FactForm::of)?,
            places: each(&record.places, PlaceForm::of)?,
            ties: each(&record.ties, TieForm::of)?,
            genders: each(&record.genders, |gender| Word::of(*gender))?,
            titles: strings(&record.titles),
            positions: strings(&record.positions),
            sectors: strings(&record.sectors),
            addresses: record.addresses.iter().map(Into::into).collect(),
            vessel: record.vessel.as_ref().map(Into::into),
            aircraft: record.aircraft.as_ref().map(Into::into),
            programmes: strings(&record.programmes),
            measures: record.measures.iter().map(Into::into).collect(),
            legal: record.legal.iter().map(Into::into).collect(),
            listed_on: record.listed_on.as_ref().map(Into::into),
            effective_on: record.effective_on.as_ref().map(Into::into),
            review_by: record.review_by.as_ref().map(Into::into),
            updated_on: record.updated_on.iter().map(Into::into).collect(),
            links: each(&record.links, LinkForm::of)?,
            handling_reference: record.handling_reference.clone().map(Json),
            identifiers: each(&record.identifiers, IdentifierForm::of)?,
            reasons_public: strings(&record.reasons_public),
            reasons_closed: strings(&record.reasons_closed),
            sightings: record.sightings.iter().map(Into::into).collect(),
            source: is_told.then(|| source.into()),
        })
    }
}

/// The values of forms.
fn all<F, T: From<F>>(forms: Vec<F>) -> Vec<T> {
    forms.into_iter().map(T::from).collect()
}

/// The values of single strings.
pub(super) fn values<T>(strings: Vec<Json<T>>) -> Vec<T> {
    strings.into_iter().map(|json| json.0).collect()
}

/// Single strings of values.
pub(super) fn strings<T: Clone>(values: &[T]) -> Vec<Json<T>> {
    values.iter().cloned().map(Json).collect()
}

/// Forms of values, each of which may have none.
pub(super) fn each<T, F>(values: &[T], of: impl Fn(&T) -> Result<F, OwnError>) -> Result<Vec<F>, OwnError> {
    values.iter().map(of).collect()
}
