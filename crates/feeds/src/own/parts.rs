//! Who and what a subject is, and where: the parts of a record that are objects of their own.
//!
//! Not here: what is ordered, on which ground and by which marks (`claims`).

use comity_watchlist::{
    Address, Aircraft, Country, CountryTie, DatedFact, FactKind, Name, NameKind, NamePart, NameQuality,
    PartRole, Place, PlaceKind, Text, Tie, Vessel,
};
use serde::{Deserialize, Serialize};

use super::OwnError;
use super::form::{each, strings, values};
use super::scalar::{DateForm, Json};
use super::words::Word;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NameForm {
    full: Json<Text>,
    kind: Word<NameKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quality: Option<Word<NameQuality>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    script: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row: Option<Json<Text>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct PartForm {
    role: Word<PartRole>,
    value: Json<Text>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactForm {
    kind: Word<FactKind>,
    date: DateForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Json<Text>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceForm {
    kind: Word<PlaceKind>,
    address: AddressForm,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TieForm {
    tie: Word<Tie>,
    country: CountryForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Json<Text>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountryForm {
    name: Json<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Json<Text>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verbatim: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    street: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    city: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    postal_code: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locality: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    country: Option<CountryForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row: Option<Json<Text>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VesselForm {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    types: Vec<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flag: Option<CountryForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former_flags: Vec<CountryForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tonnage: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gross_tonnage: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Json<Text>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AircraftForm {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    models: Vec<Json<Text>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operators: Vec<Json<Text>>,
}

pub(super) fn json(text: Option<&Text>) -> Option<Json<Text>> {
    text.cloned().map(Json)
}

pub(super) fn text(json: Option<Json<Text>>) -> Option<Text> {
    json.map(|json| json.0)
}

impl NameForm {
    pub(super) fn of(name: &Name) -> Result<Self, OwnError> {
        let part =
            |part: &NamePart| Ok(PartForm { role: Word::of(part.role)?, value: Json(part.value.clone()) });
        Ok(Self {
            full: Json(name.full.clone()),
            kind: Word::of(name.kind)?,
            quality: name.quality.map(Word::of).transpose()?,
            parts: each(&name.parts, part)?,
            script: json(name.script.as_ref()),
            language: json(name.language.as_ref()),
            note: json(name.note.as_ref()),
            row: json(name.row.as_ref()),
        })
    }
}

impl From<NameForm> for Name {
    fn from(form: NameForm) -> Self {
        let part = |part: PartForm| NamePart::new(part.role.0, part.value.0);
        let mut name = Self::new(form.kind.0, form.full.0);
        name.quality = form.quality.map(|word| word.0);
        name.parts = form.parts.into_iter().map(part).collect();
        name.script = text(form.script);
        name.language = text(form.language);
        name.note = text(form.note);
        name.row = text(form.row);
        name
    }
}

impl FactForm {
    pub(super) fn of(fact: &DatedFact) -> Result<Self, OwnError> {
        Ok(Self { kind: Word::of(fact.kind)?, date: (&fact.date).into(), note: json(fact.note.as_ref()) })
    }
}

impl From<FactForm> for DatedFact {
    fn from(form: FactForm) -> Self {
        let mut fact = Self::new(form.kind.0, form.date.into());
        fact.note = text(form.note);
        fact
    }
}

impl PlaceForm {
    pub(super) fn of(place: &Place) -> Result<Self, OwnError> {
        Ok(Self { kind: Word::of(place.kind)?, address: (&place.address).into() })
    }
}

impl From<PlaceForm> for Place {
    fn from(form: PlaceForm) -> Self {
        Self::new(form.kind.0, form.address.into())
    }
}

impl TieForm {
    pub(super) fn of(tie: &CountryTie) -> Result<Self, OwnError> {
        Ok(Self { tie: Word::of(tie.tie)?, country: (&tie.country).into(), note: json(tie.note.as_ref()) })
    }
}

impl From<TieForm> for CountryTie {
    fn from(form: TieForm) -> Self {
        let mut tie = Self::new(form.tie.0, form.country.into());
        tie.note = text(form.note);
        tie
    }
}

impl From<&Country> for CountryForm {
    fn from(country: &Country) -> Self {
        Self { name: Json(country.name.clone()), code: json(country.code.as_ref()) }
    }
}

impl From<CountryForm> for Country {
    fn from(form: CountryForm) -> Self {
        let mut country = Self::new(form.name.0);
        country.code = text(form.code);
        country
    }
}

impl From<&Address> for AddressForm {
    fn from(address: &Address) -> Self {
        Self {
            verbatim: json(address.verbatim.as_ref()),
            street: json(address.street.as_ref()),
            city: json(address.city.as_ref()),
            region: json(address.region.as_ref()),
            postal_code: json(address.postal_code.as_ref()),
            locality: json(address.locality.as_ref()),
            country: address.country.as_ref().map(Into::into),
            note: json(address.note.as_ref()),
            row: json(address.row.as_ref()),
        }
    }
}

impl From<AddressForm> for Address {
    fn from(form: AddressForm) -> Self {
        let mut address = Self::default();
        address.verbatim = text(form.verbatim);
        address.street = text(form.street);
        address.city = text(form.city);
        address.region = text(form.region);
        address.postal_code = text(form.postal_code);
        address.locality = text(form.locality);
        address.country = form.country.map(Into::into);
        address.note = text(form.note);
        address.row = text(form.row);
        address
    }
}

impl From<&Vessel> for VesselForm {
    fn from(vessel: &Vessel) -> Self {
        Self {
            types: strings(&vessel.types),
            flag: vessel.flag.as_ref().map(Into::into),
            former_flags: vessel.former_flags.iter().map(Into::into).collect(),
            tonnage: json(vessel.tonnage.as_ref()),
            gross_tonnage: json(vessel.gross_tonnage.as_ref()),
            owner: json(vessel.owner.as_ref()),
        }
    }
}

impl From<VesselForm> for Vessel {
    fn from(form: VesselForm) -> Self {
        let mut vessel = Self::default();
        vessel.types = values(form.types);
        vessel.flag = form.flag.map(Into::into);
        vessel.former_flags = form.former_flags.into_iter().map(Into::into).collect();
        vessel.tonnage = text(form.tonnage);
        vessel.gross_tonnage = text(form.gross_tonnage);
        vessel.owner = text(form.owner);
        vessel
    }
}

impl From<&Aircraft> for AircraftForm {
    fn from(aircraft: &Aircraft) -> Self {
        Self { models: strings(&aircraft.models), operators: strings(&aircraft.operators) }
    }
}

impl From<AircraftForm> for Aircraft {
    fn from(form: AircraftForm) -> Self {
        let mut aircraft = Self::default();
        aircraft.models = values(form.models);
        aircraft.operators = values(form.operators);
        aircraft
    }
}
