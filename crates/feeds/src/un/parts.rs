//! The parts of a UN record: names, dates, places, addresses, documents.
//!
//! Each function takes what it understands out of its element; the caller hangs the rest in again.

use comity_watchlist::{
    Address, Country, DatedFact, FactKind, FuzzyDate, IdKind, Identifier, Name, NameKind, NameQuality,
    PartialDate, Span, Text,
};

use crate::error::RejectReason;
pub(super) use crate::value::{date, text};
use crate::xml::Element;

pub(super) fn take(element: &mut Element, column: &'static str) -> Result<Option<Text>, RejectReason> {
    element.take_text(column).map(|value| text(column, &value)).transpose()
}

pub(super) fn take_date(
    element: &mut Element,
    column: &'static str,
) -> Result<Option<FuzzyDate>, RejectReason> {
    element.take_text(column).map(|value| date(column, &value)).transpose()
}

/// An alias, or `None` if the element names nobody.
pub(super) fn alias(element: &mut Element) -> Result<Option<Name>, RejectReason> {
    let Some(full) = take(element, "ALIAS_NAME")? else { return Ok(None) };
    let (kind, quality) = match element.peek("QUALITY") {
        Some("Good") => (NameKind::Aka, Some(NameQuality::Good)),
        Some("Low") => (NameKind::Aka, Some(NameQuality::Weak)),
        Some("a.k.a.") => (NameKind::Aka, None),
        Some("f.k.a.") => (NameKind::Fka, None),
        _ => {
            let mut name = Name::new(NameKind::Aka, full);
            name.note = take(element, "NOTE")?;
            return Ok(Some(name));
        }
    };
    element.take("QUALITY");
    let mut name = Name::new(kind, full);
    name.quality = quality;
    name.note = take(element, "NOTE")?;
    Ok(Some(name))
}

/// A date of birth, or `None` if the element holds none that can be read.
pub(super) fn birth(element: &mut Element) -> Result<Option<DatedFact>, RejectReason> {
    let Some(mut date) = birth_date(element)? else { return Ok(None) };
    match element.peek("TYPE_OF_DATE") {
        Some("APPROXIMATELY") => {
            date.circa = true;
            element.take("TYPE_OF_DATE");
        }
        Some("EXACT") if matches!(date.span, Some(Span::On(_))) => {
            element.take("TYPE_OF_DATE");
        }
        Some("BETWEEN") if matches!(date.span, Some(Span::Between(..))) => {
            element.take("TYPE_OF_DATE");
        }
        _ => {}
    }
    let mut fact = DatedFact::new(FactKind::Birth, date);
    fact.note = take(element, "NOTE")?;
    Ok(Some(fact))
}

fn birth_date(element: &mut Element) -> Result<Option<FuzzyDate>, RejectReason> {
    let year = |name| element.peek(name).and_then(|year| PartialDate::parse(year).ok());
    if let (Some(from), Some(to)) = (year("FROM_YEAR"), year("TO_YEAR"))
        && let Ok(span) = Span::between(from, to)
    {
        element.take("FROM_YEAR");
        element.take("TO_YEAR");
        return Ok(Some(FuzzyDate::new(span)));
    }
    match take_date(element, "DATE")? {
        Some(date) => Ok(Some(date)),
        None => take_date(element, "YEAR"),
    }
}

/// An address or a place of birth, or `None` if nothing is told.
pub(super) fn address(element: &mut Element) -> Result<Option<Address>, RejectReason> {
    let mut address = Address::default();
    address.street = take(element, "STREET")?;
    address.city = take(element, "CITY")?;
    address.region = take(element, "STATE_PROVINCE")?;
    address.postal_code = take(element, "ZIP_CODE")?;
    address.country = take(element, "COUNTRY")?.map(Country::new);
    address.note = take(element, "NOTE")?;
    Ok(Some(address).filter(|address| !address.is_empty()))
}

/// A document, or `None` if it has no number.
pub(super) fn document(element: &mut Element) -> Result<Option<Identifier>, RejectReason> {
    let Some(number) = take(element, "NUMBER")? else { return Ok(None) };
    let labels = [take(element, "TYPE_OF_DOCUMENT")?, take(element, "TYPE_OF_DOCUMENT2")?];
    let label = labels.iter().flatten().map(Text::as_str).collect::<Vec<_>>().join("; ");
    let mut document = Identifier::new(document_kind(&label), number);
    document.label = if label.is_empty() { None } else { Some(text("TYPE_OF_DOCUMENT", &label)?) };
    let country = match take(element, "ISSUING_COUNTRY")? {
        Some(country) => {
            if element.peek("COUNTRY_OF_ISSUE") == Some(country.as_str()) {
                element.take("COUNTRY_OF_ISSUE");
            }
            Some(country)
        }
        None => take(element, "COUNTRY_OF_ISSUE")?,
    };
    document.country = country.map(Country::new);
    document.issuer = take(element, "CITY_OF_ISSUE")?;
    document.issued = take_date(element, "DATE_OF_ISSUE")?;
    document.note = take(element, "NOTE")?;
    Ok(Some(document))
}

fn document_kind(label: &str) -> IdKind {
    let label = label.to_lowercase();
    if label.contains("passport") || label.contains("passeport") || label.contains("pasaporte") {
        IdKind::Passport
    } else if label.contains("national identification") {
        IdKind::NationalId
    } else {
        IdKind::Other
    }
}
