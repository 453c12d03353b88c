//! The canonical record: what one authority says about one subject.
//!
//! Not for: its byte form (`record_form`), comparison (`compare`), changes (`change`), or the merged view of
//! several authorities (`screening`).

use crate::cbor::Fields;
use crate::checksum::Checksum;
use crate::craft::{Aircraft, Vessel};
use crate::date::{DatedFact, FuzzyDate};
use crate::error::RecordError;
use crate::form::{self, Form};
use crate::identifier::Identifier;
use crate::key::RecordKey;
use crate::length::Put;
use crate::link::Link;
use crate::measure::{LegalBasis, Measure};
use crate::name::{Name, NameKind};
use crate::place::{Address, CountryTie, Place};
use crate::section::Section;
use crate::source::Source;
use crate::text::{Prose, Text};

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// A person.
    Person,
    /// An organisation, company or group.
    Organisation,
    /// A vessel.
    Vessel,
    /// An aircraft.
    Aircraft,
    /// A good or controlled item.
    Good,
    /// An account or wallet.
    Account,
    /// A shipment or transport reference.
    Shipment,
    /// A denial of an export.
    ExportDenial,
    /// A statement of end use.
    EndUserStatement,
    /// A code that this program does not know.
    Unknown(u8),
}

/// The gender that a source gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
    /// A code that this program does not know.
    Unknown(u64),
}

/// Where and when a subject was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// What was seen.
    pub text: Prose,
    /// When.
    pub seen: Option<FuzzyDate>,
    /// Where.
    pub place: Option<Address>,
    unknown: Fields,
}

/// What one authority says about one subject. Every list keeps the order of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// List and reference.
    pub key: RecordKey,
    /// What is listed.
    pub kind: SubjectKind,
    /// Names, the primary one first where the source tells it.
    pub names: Vec<Name>,
    /// Births, foundings and other dated facts.
    pub facts: Vec<DatedFact>,
    /// Places of birth or founding.
    pub places: Vec<Place>,
    /// Nationalities and other ties to countries.
    pub ties: Vec<CountryTie>,
    /// Genders; sources contradict themselves, so there may be two.
    pub genders: Vec<Gender>,
    /// Titles.
    pub titles: Vec<Text>,
    /// Positions held.
    pub positions: Vec<Text>,
    /// Types or sectors of an organisation.
    pub sectors: Vec<Text>,
    /// Addresses.
    pub addresses: Vec<Address>,
    /// Particulars of a vessel.
    pub vessel: Option<Vessel>,
    /// Particulars of an aircraft.
    pub aircraft: Option<Aircraft>,
    /// Programmes that the subject is listed under.
    pub programmes: Vec<Text>,
    /// Measures ordered.
    pub measures: Vec<Measure>,
    /// Acts that the listing rests on.
    pub legal: Vec<LegalBasis>,
    /// Date of listing.
    pub listed_on: Option<FuzzyDate>,
    /// Date of effect.
    pub effective_on: Option<FuzzyDate>,
    /// Date by which the listing is to be reviewed.
    pub review_by: Option<FuzzyDate>,
    /// Dates of update.
    pub updated_on: Vec<FuzzyDate>,
    /// Links to others.
    pub links: Vec<Link>,
    /// What the originator calls the rules or the caveat under which it is to be handled. Labels bind; this is told.
    pub handling_reference: Option<Text>,
    /// Documents, numbers, contacts, wallets.
    pub identifiers: Vec<Identifier>,
    /// Reasons that may be published.
    pub reasons_public: Vec<Prose>,
    /// Reasons that may not.
    pub reasons_closed: Vec<Prose>,
    /// Where it was read, and what else the source says.
    pub source: Source,
    /// Where the subject was seen.
    pub sightings: Vec<Sighting>,
    pub(crate) unknown: UnknownKeys,
}

/// Keys of each section that this program does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnknownKeys {
    core: Fields,
    identifiers: Fields,
    reasons_public: Fields,
    reasons_closed: Fields,
    sightings: Fields,
}

impl SubjectKind {
    /// Its code in the byte form.
    pub const fn code(self) -> u8 {
        match self {
            Self::Person => 1,
            Self::Organisation => 2,
            Self::Vessel => 3,
            Self::Aircraft => 4,
            Self::Good => 5,
            Self::Account => 6,
            Self::Shipment => 7,
            Self::ExportDenial => 8,
            Self::EndUserStatement => 9,
            Self::Unknown(code) => code,
        }
    }

    /// The kind of a code.
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Person,
            2 => Self::Organisation,
            3 => Self::Vessel,
            4 => Self::Aircraft,
            5 => Self::Good,
            6 => Self::Account,
            7 => Self::Shipment,
            8 => Self::ExportDenial,
            9 => Self::EndUserStatement,
            _ => Self::Unknown(code),
        }
    }

    /// The word by which commands and messages name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
            Self::Vessel => "vessel",
            Self::Aircraft => "aircraft",
            Self::Good => "good",
            Self::Account => "account",
            Self::Shipment => "shipment",
            Self::ExportDenial => "export-denial",
            Self::EndUserStatement => "end-user-statement",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Gender {
    /// Its code in the byte form.
    pub const fn code(self) -> u64 {
        match self {
            Self::Male => 1,
            Self::Female => 2,
            Self::Unknown(code) => code,
        }
    }

    /// The gender of a code.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Male,
            2 => Self::Female,
            _ => Self::Unknown(code),
        }
    }
}

impl Sighting {
    /// A sighting of which only the words are told.
    pub const fn new(text: Prose) -> Self {
        Self { text, seen: None, place: None, unknown: Fields::new() }
    }
}

impl Form for Sighting {
    const FIELD: &'static str = "sightings";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        form::put_prose(fields, 1, Some(&self.text));
        form::put_form(fields, 2, self.seen.as_ref())?;
        form::put_form(fields, 3, self.place.as_ref())?;
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let text = form::required("sightings.text", form::take_prose(&mut fields, 1, "sightings.text")?)?;
        let seen = form::take_form(&mut fields, 2)?;
        let place = form::take_form(&mut fields, 3)?;
        Ok(Self { text, seen, place, unknown: fields })
    }
}

impl Record {
    /// A record of which nothing is told yet.
    pub fn new(key: RecordKey, kind: SubjectKind) -> Self {
        Self {
            key,
            kind,
            names: Vec::new(),
            facts: Vec::new(),
            places: Vec::new(),
            ties: Vec::new(),
            genders: Vec::new(),
            titles: Vec::new(),
            positions: Vec::new(),
            sectors: Vec::new(),
            addresses: Vec::new(),
            vessel: None,
            aircraft: None,
            programmes: Vec::new(),
            measures: Vec::new(),
            legal: Vec::new(),
            listed_on: None,
            effective_on: None,
            review_by: None,
            updated_on: Vec::new(),
            links: Vec::new(),
            handling_reference: None,
            identifiers: Vec::new(),
            reasons_public: Vec::new(),
            reasons_closed: Vec::new(),
            source: Source::default(),
            sightings: Vec::new(),
            unknown: UnknownKeys::default(),
        }
    }

    /// Gives each identifier the verdict on its check digits: whoever makes a record does so.
    pub fn judge_checksums(&mut self) {
        for identifier in &mut self.identifiers {
            identifier.checksum = Checksum::of(identifier.kind, identifier.value.as_str());
        }
    }

    /// The identifiers whose check digits do not fit.
    pub fn misfits(&self) -> impl Iterator<Item = &Identifier> {
        self.identifiers.iter().filter(|identifier| identifier.checksum == Some(Checksum::Invalid))
    }

    /// The name that the subject is listed under: the first primary one, else the first.
    pub fn primary_name(&self) -> Option<&Name> {
        self.names.iter().find(|name| name.kind == NameKind::Primary).or_else(|| self.names.first())
    }
}

impl UnknownKeys {
    pub(crate) const fn of(&self, section: Section) -> &Fields {
        // `Source` keeps the unknown keys of its own section.
        const NONE: &Fields = &Fields::new();
        match section {
            Section::Core => &self.core,
            Section::Identifiers => &self.identifiers,
            Section::ReasonsPublic => &self.reasons_public,
            Section::ReasonsClosed => &self.reasons_closed,
            Section::Sources => NONE,
            Section::Sightings => &self.sightings,
        }
    }

    pub(crate) fn keep(&mut self, section: Section, fields: Fields) {
        match section {
            Section::Core => self.core = fields,
            Section::Identifiers => self.identifiers = fields,
            Section::ReasonsPublic => self.reasons_public = fields,
            Section::ReasonsClosed => self.reasons_closed = fields,
            Section::Sources => {}
            Section::Sightings => self.sightings = fields,
        }
    }
}
