//! Countries, ties to them, addresses and places.

use crate::cbor::Fields;
use crate::error::RecordError;
use crate::form::{self, Form};
use crate::length::Put;
use crate::text::Text;

/// A country as the source names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Country {
    /// The source's name of it.
    pub name: Text,
    /// ISO 3166-1 alpha-2 code, where the source gives one.
    pub code: Option<Text>,
    unknown: Fields,
}

/// How a subject is tied to a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tie {
    /// Nationality.
    Nationality,
    /// Citizenship.
    Citizenship,
    /// Residence.
    Residence,
    /// Country of registration or incorporation.
    Registration,
    /// A code that this program does not know.
    Unknown(u64),
}

/// A tie of the subject to a country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountryTie {
    /// How.
    pub tie: Tie,
    /// To which.
    pub country: Country,
    /// A remark of the source.
    pub note: Option<Text>,
    unknown: Fields,
}

/// An address, in the parts that the source tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The whole address as written, where the source writes it in one.
    pub verbatim: Option<Text>,
    /// Street, number, building.
    pub street: Option<Text>,
    /// City or village.
    pub city: Option<Text>,
    /// State, province, region.
    pub region: Option<Text>,
    /// Postal code.
    pub postal_code: Option<Text>,
    /// City, region and postal code, where the source writes them in one field.
    pub locality: Option<Text>,
    /// Country.
    pub country: Option<Country>,
    /// A remark of the source.
    pub note: Option<Text>,
    /// The source's own number of this address.
    pub row: Option<Text>,
    unknown: Fields,
}

/// What happened at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlaceKind {
    /// Birth of a person.
    Birth,
    /// Founding of an organisation.
    Founded,
    /// A code that this program does not know.
    Unknown(u64),
}

/// A place in the subject's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What happened there.
    pub kind: PlaceKind,
    /// Where.
    pub address: Address,
    unknown: Fields,
}

impl Country {
    /// A country of which only the name is told.
    pub const fn new(name: Text) -> Self {
        Self { name, code: None, unknown: Fields::new() }
    }
}

impl Form for Country {
    const FIELD: &'static str = "country";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_text(fields, 1, Some(&self.name));
        form::put_text(fields, 2, self.code.as_ref());
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let name = form::required("country.name", form::take_text(&mut fields, 1, "country.name")?)?;
        let code = form::take_text(&mut fields, 2, "country.code")?;
        Ok(Self { name, code, unknown: fields })
    }
}

impl Tie {
    /// Its code in the byte form.
    pub const fn code(self) -> u64 {
        match self {
            Self::Nationality => 1,
            Self::Citizenship => 2,
            Self::Residence => 3,
            Self::Registration => 4,
            Self::Unknown(code) => code,
        }
    }

    /// The tie of a code.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Nationality,
            2 => Self::Citizenship,
            3 => Self::Residence,
            4 => Self::Registration,
            _ => Self::Unknown(code),
        }
    }
}

impl CountryTie {
    /// A tie without a remark.
    pub const fn new(tie: Tie, country: Country) -> Self {
        Self { tie, country, note: None, unknown: Fields::new() }
    }
}

impl Form for CountryTie {
    const FIELD: &'static str = "ties";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        fields.put_unsigned(1, self.tie.code());
        form::put_form(fields, 2, Some(&self.country))?;
        form::put_text(fields, 3, self.note.as_ref());
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let tie = form::required("ties.tie", form::typed("ties.tie", fields.take_unsigned(1))?)?;
        let country = form::required("ties.country", form::take_form(&mut fields, 2)?)?;
        let note = form::take_text(&mut fields, 3, "ties.note")?;
        Ok(Self { tie: Tie::from_code(tie), country, note, unknown: fields })
    }
}

impl Address {
    /// True if nothing but a row number is told.
    pub fn is_empty(&self) -> bool {
        let parts = [
            &self.verbatim,
            &self.street,
            &self.city,
            &self.region,
            &self.postal_code,
            &self.locality,
            &self.note,
        ];
        parts.into_iter().all(Option::is_none) && self.country.is_none() && self.unknown.is_empty()
    }
}

impl Form for Address {
    const FIELD: &'static str = "addresses";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_text(fields, 1, self.verbatim.as_ref());
        form::put_text(fields, 2, self.street.as_ref());
        form::put_text(fields, 3, self.city.as_ref());
        form::put_text(fields, 4, self.region.as_ref());
        form::put_text(fields, 5, self.postal_code.as_ref());
        form::put_text(fields, 6, self.locality.as_ref());
        form::put_form(fields, 7, self.country.as_ref())?;
        form::put_text(fields, 8, self.note.as_ref());
        form::put_text(fields, 9, self.row.as_ref());
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
            verbatim: form::take_text(&mut fields, 1, "addresses.verbatim")?,
            street: form::take_text(&mut fields, 2, "addresses.street")?,
            city: form::take_text(&mut fields, 3, "addresses.city")?,
            region: form::take_text(&mut fields, 4, "addresses.region")?,
            postal_code: form::take_text(&mut fields, 5, "addresses.postal_code")?,
            locality: form::take_text(&mut fields, 6, "addresses.locality")?,
            country: form::take_form(&mut fields, 7)?,
            note: form::take_text(&mut fields, 8, "addresses.note")?,
            row: form::take_text(&mut fields, 9, "addresses.row")?,
            unknown: fields,
        })
    }
}

impl PlaceKind {
    /// Its code in the byte form.
    pub const fn code(self) -> u64 {
        match self {
            Self::Birth => 1,
            Self::Founded => 2,
            Self::Unknown(code) => code,
        }
    }

    /// The kind of a code.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Birth,
            2 => Self::Founded,
            _ => Self::Unknown(code),
        }
    }
}

impl Place {
    /// A place.
    pub const fn new(kind: PlaceKind, address: Address) -> Self {
        Self { kind, address, unknown: Fields::new() }
    }
}

impl Form for Place {
    const FIELD: &'static str = "places";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        fields.put_unsigned(1, self.kind.code());
        form::put_form(fields, 2, Some(&self.address))?;
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let kind = form::required("places.kind", form::typed("places.kind", fields.take_unsigned(1))?)?;
        let address = form::required("places.address", form::take_form(&mut fields, 2)?)?;
        Ok(Self { kind: PlaceKind::from_code(kind), address, unknown: fields })
    }
}
