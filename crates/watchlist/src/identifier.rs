//! Identifiers of a subject: documents, registration numbers, ship and aircraft marks, contacts, wallets.
//!
//! The value stays as written, with a verdict on its check digits beside it. Not for: canonical forms, which live in
//! `screening`; the rules of check digits (`checksum`); codes of goods, which have a hierarchy of their own (`goods`).

use std::fmt;

use crate::cbor::Fields;
use crate::checksum::Checksum;
use crate::date::FuzzyDate;
use crate::error::RecordError;
use crate::form::{self, Form};
use crate::goods::{GoodsCode, GoodsError, GoodsScheme};
use crate::length::Put;
use crate::place::Country;
use crate::text::Text;
use crate::vocabulary::VocabularyRef;

/// What an identifier identifies by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// A kind that only the source's own label tells.
    Other,
    /// Passport.
    Passport,
    /// National identity number or card.
    NationalId,
    /// Tax number of a person or organisation.
    TaxId,
    /// Number in a register of companies or organisations.
    Registration,
    /// IMO number of a ship.
    Imo,
    /// MMSI of a ship's radio.
    Mmsi,
    /// Radio call sign.
    CallSign,
    /// Aircraft registration painted on it.
    TailNumber,
    /// Aircraft manufacturer's serial number.
    SerialNumber,
    /// ICAO 24-bit address of an aircraft's transponder.
    ModeS,
    /// SWIFT/BIC of a bank.
    Swift,
    /// Legal entity identifier, ISO 17442.
    Lei,
    /// D-U-N-S number.
    Duns,
    /// Address of a digital currency; the scope names the currency.
    Wallet,
    /// Telephone number.
    Phone,
    /// Email address.
    Email,
    /// Website.
    Website,
    /// Fax number.
    Fax,
    /// Driving licence.
    DrivingLicence,
    /// Social security number.
    SocialSecurity,
    /// Birth certificate.
    BirthCertificate,
    /// Residence permit or foreigner's number.
    ResidencePermit,
    /// Travel document that is not a passport.
    TravelDocument,
    /// Trade or professional licence.
    Licence,
    /// ISIN of a security.
    Isin,
    /// Ticker of a listed company.
    Ticker,
    /// Value added tax number.
    Vat,
    /// IMO company and owner number.
    ImoCompany,
    /// Voter's card or number.
    Voter,
    /// Military identity.
    MilitaryId,
    /// Visa.
    Visa,
    /// Bank account other than an IBAN.
    BankAccount,
    /// International bank account number.
    Iban,
    /// National bank code such as BIK.
    BankCode,
    /// Telex number.
    Telex,
    /// Seafarer's identity document.
    SeafarerId,
    /// Aircraft construction or line number.
    ConstructionNumber,
    /// Number of a case, notice or file.
    CaseFile,
    /// Name or number in a messaging or social network.
    Handle,
    /// Code of a control list or customs tariff that a good falls under; the scope names the scheme.
    Goods,
    /// A code that this program does not know.
    Unknown(u64),
}

// Code, kind and the word by which commands and messages name it. Codes are on disk: never reused.
const KINDS: [(u64, IdKind, &str); 41] = [
    (0, IdKind::Other, "other"),
    (1, IdKind::Passport, "passport"),
    (2, IdKind::NationalId, "national-id"),
    (3, IdKind::TaxId, "tax-id"),
    (4, IdKind::Registration, "registration"),
    (5, IdKind::Imo, "imo"),
    (6, IdKind::Mmsi, "mmsi"),
    (7, IdKind::CallSign, "call-sign"),
    (8, IdKind::TailNumber, "tail-number"),
    (9, IdKind::SerialNumber, "serial-number"),
    (10, IdKind::ModeS, "mode-s"),
    (11, IdKind::Swift, "swift"),
    (12, IdKind::Lei, "lei"),
    (13, IdKind::Duns, "duns"),
    (14, IdKind::Wallet, "wallet"),
    (15, IdKind::Phone, "phone"),
    (16, IdKind::Email, "email"),
    (17, IdKind::Website, "website"),
    (18, IdKind::Fax, "fax"),
    (19, IdKind::DrivingLicence, "driving-licence"),
    (20, IdKind::SocialSecurity, "social-security"),
    (21, IdKind::BirthCertificate, "birth-certificate"),
    (22, IdKind::ResidencePermit, "residence-permit"),
    (23, IdKind::TravelDocument, "travel-document"),
    (24, IdKind::Licence, "licence"),
    (25, IdKind::Isin, "isin"),
    (26, IdKind::Ticker, "ticker"),
    (27, IdKind::Vat, "vat"),
    (28, IdKind::ImoCompany, "imo-company"),
    (29, IdKind::Voter, "voter"),
    (30, IdKind::MilitaryId, "military-id"),
    (31, IdKind::Visa, "visa"),
    (32, IdKind::BankAccount, "bank-account"),
    (33, IdKind::Iban, "iban"),
    (34, IdKind::BankCode, "bank-code"),
    (35, IdKind::Telex, "telex"),
    (36, IdKind::SeafarerId, "seafarer-id"),
    (37, IdKind::ConstructionNumber, "construction-number"),
    (38, IdKind::CaseFile, "case-file"),
    (39, IdKind::Handle, "handle"),
    (40, IdKind::Goods, "goods"),
];

/// One identifier of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// What it identifies by.
    pub kind: IdKind,
    /// As written.
    pub value: Text,
    /// The source's own name of the kind, where it says more than `kind`.
    pub label: Option<Text>,
    /// What the value is unique within, such as the currency of a wallet.
    pub scope: Option<Text>,
    /// The country that issued it.
    pub country: Option<Country>,
    /// The office that issued it.
    pub issuer: Option<Text>,
    /// When it was issued.
    pub issued: Option<FuzzyDate>,
    /// When it expires or expired.
    pub expires: Option<FuzzyDate>,
    /// A remark of the source.
    pub note: Option<Text>,
    /// True if the source marks it as a former or an other one.
    pub former: bool,
    /// Whether its check digits fit; `None` if it has none, or was made by a program that did not look.
    pub checksum: Option<Checksum>,
    /// The edition that a code of goods was written against; `None` if none was held, or by a program that did not look.
    pub vocabulary: Option<Box<VocabularyRef>>,
    unknown: Fields,
}

impl IdKind {
    /// Its code in the byte form.
    pub fn code(self) -> u64 {
        match self {
            Self::Unknown(code) => code,
            known => KINDS.iter().find(|(_, kind, _)| *kind == known).map_or(0, |(code, _, _)| *code),
        }
    }

    /// The kind of a code.
    pub fn from_code(code: u64) -> Self {
        KINDS.iter().find(|(known, _, _)| *known == code).map_or(Self::Unknown(code), |(_, kind, _)| *kind)
    }

    /// The kind that a word such as `passport` names.
    pub fn from_word(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, _, known)| *known == word).map(|(_, kind, _)| *kind)
    }

    /// Every kind that this program knows.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|(_, kind, _)| *kind)
    }
}

impl fmt::Display for IdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match KINDS.iter().find(|(_, kind, _)| kind == self) {
            Some((_, _, word)) => f.write_str(word),
            None => write!(f, "kind-{}", self.code()),
        }
    }
}

impl Identifier {
    /// An identifier of which nothing else is told.
    pub const fn new(kind: IdKind, value: Text) -> Self {
        Self {
            kind,
            value,
            label: None,
            scope: None,
            country: None,
            issuer: None,
            issued: None,
            expires: None,
            note: None,
            former: false,
            checksum: None,
            vocabulary: None,
            unknown: Fields::new(),
        }
    }

    /// Whether both say the same, whatever was made of their check digits and whichever edition they were written against.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        let (checksum, vocabulary) = (self.checksum, self.vocabulary.clone());
        *self == Self { checksum, vocabulary, ..other.clone() }
    }

    /// The code of goods that it is; `None` if it is of another kind.
    ///
    /// # Errors
    /// [`GoodsError`] if its scope names no scheme, or its value is no code of it.
    pub fn goods(&self) -> Result<Option<GoodsCode>, GoodsError> {
        if self.kind != IdKind::Goods {
            return Ok(None);
        }
        let scheme = self.scope.as_ref().and_then(|scope| GoodsScheme::from_word(scope.as_str()));
        GoodsCode::parse(scheme.ok_or(GoodsError::Scheme)?, self.value.as_str()).map(Some)
    }
}

impl Form for Identifier {
    const FIELD: &'static str = "identifiers";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        fields.put_unsigned(1, self.kind.code());
        form::put_text(fields, 2, Some(&self.value));
        form::put_text(fields, 3, self.label.as_ref());
        form::put_text(fields, 4, self.scope.as_ref());
        form::put_form(fields, 5, self.country.as_ref())?;
        form::put_text(fields, 6, self.issuer.as_ref());
        form::put_form(fields, 7, self.issued.as_ref())?;
        form::put_form(fields, 8, self.expires.as_ref())?;
        form::put_text(fields, 9, self.note.as_ref());
        form::put_flag(fields, 10, self.former);
        if let Some(checksum) = self.checksum {
            fields.put_unsigned(11, checksum.code());
        }
        form::put_form(fields, 12, self.vocabulary.as_deref())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let kind =
            form::required("identifiers.kind", form::typed("identifiers.kind", fields.take_unsigned(1))?)?;
        let value =
            form::required("identifiers.value", form::take_text(&mut fields, 2, "identifiers.value")?)?;
        Ok(Self {
            kind: IdKind::from_code(kind),
            value,
            label: form::take_text(&mut fields, 3, "identifiers.label")?,
            scope: form::take_text(&mut fields, 4, "identifiers.scope")?,
            country: form::take_form(&mut fields, 5)?,
            issuer: form::take_text(&mut fields, 6, "identifiers.issuer")?,
            issued: form::take_form(&mut fields, 7)?,
            expires: form::take_form(&mut fields, 8)?,
            note: form::take_text(&mut fields, 9, "identifiers.note")?,
            former: form::take_flag(&mut fields, 10, "identifiers.former")?,
            checksum: form::typed("identifiers.checksum", fields.take_unsigned(11))?.map(Checksum::from_code),
            vocabulary: form::take_form(&mut fields, 12)?.map(Box::new),
            unknown: fields,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_name_one_kind_each() {
        for kind in IdKind::all() {
            assert_eq!(IdKind::from_code(kind.code()), kind);
            assert_eq!(IdKind::from_word(&kind.to_string()), Some(kind));
        }
        assert_eq!(IdKind::all().count(), 41);
        assert_eq!(IdKind::from_code(4_000), IdKind::Unknown(4_000));
    }
}
