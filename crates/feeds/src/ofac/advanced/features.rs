//! Features and documents of a party of the Advanced XML.

use comity_watchlist::{
    Address, Country, CountryTie, DatedFact, FactKind, FuzzyDate, Measure, Record, Span, Text, Tie,
};

use super::{Parts, periods};
use crate::error::RejectReason;
use crate::ofac::feature::Feature;
use crate::ofac::listing::{self, Listing};
use crate::ofac::{remarks, subject, text};
use crate::xml::Element;

/// Lines of the street of one address.
const STREET_LINES: [&str; 3] = ["ADDRESS1", "ADDRESS2", "ADDRESS3"];

/// What a feature says, put together from its version and the place that it points at.
struct Said {
    value: Option<String>,
    country: Option<Country>,
    date: Option<FuzzyDate>,
    note: Option<Text>,
}

pub(super) fn feature(
    listing: &mut Listing,
    element: &mut Element,
    parts: &mut Parts,
) -> Result<(), RejectReason> {
    let id = element.attribute("ID").unwrap_or_default().to_owned();
    let Some(label) = element.attribute("FeatureTypeID").map(str::to_owned) else { return Ok(()) };
    let mut is_put = true;
    element.each("FeatureVersion", |version| {
        // Which feature it is about would else be lost.
        let word = version.attribute("ReliabilityID").filter(|word| *word != "Unknown");
        if let Some(word) = word.map(|word| format!("{id} {word}")) {
            version.set_attribute("ReliabilityID", word);
        }
        is_put &= if label == "Location" {
            addresses(listing, version, parts)?
        } else {
            one(listing, &label, version, parts)?
        };
        Ok(())
    })?;
    if is_put {
        element.take_attribute("FeatureTypeID");
    }
    Ok(())
}

/// One version of a feature; false if no field takes it, and then all of it stays to be kept.
fn one(
    listing: &mut Listing,
    label: &str,
    version: &mut Element,
    parts: &mut Parts,
) -> Result<bool, RejectReason> {
    let detail = version.first("VersionDetail");
    let value = detail.map(Element::own_text).filter(|value| !value.is_empty());
    let value = value.or_else(|| detail.and_then(|detail| detail.attribute("DetailReferenceID")));
    let mut said = Said {
        value: value.map(str::to_owned),
        country: None,
        date: version.first("DatePeriod").and_then(periods::read),
        note: version.word("Comment").map(|note| text("Comment", note)).transpose()?,
    };
    let place = version.first("VersionLocation").and_then(|place| place.attribute("LocationID"));
    if let Some(place) = place.and_then(|id| parts.location(id)) {
        said.country = country(&place, parts)?;
        place.keep_short_under("Location", &mut listing.record.source)?;
    }
    let has_note = said.note.is_some();
    if !put(&mut listing.record, label, said)? {
        return Ok(false);
    }
    if has_note {
        version.take_word("Comment");
    }
    version.each("DatePeriod", |period| {
        periods::leave_out(period);
        Ok(())
    })?;
    version.each("VersionDetail", |detail| {
        detail.take_own_text();
        detail.take_attribute("DetailReferenceID");
        Ok(())
    })?;
    Ok(true)
}

fn put(record: &mut Record, label: &str, said: Said) -> Result<bool, RejectReason> {
    let tie = match label {
        "Nationality Country" => Some(Tie::Nationality),
        "Citizenship Country" => Some(Tie::Citizenship),
        "Nationality of Registration" => Some(Tie::Registration),
        _ => None,
    };
    let named =
        said.value.as_deref().map(|name| text("VersionDetail", name).map(Country::new)).transpose()?;
    if let (Some(tie), Some(country)) = (tie, said.country.or(named)) {
        let mut tie = CountryTie::new(tie, country);
        tie.note = said.note;
        record.ties.push(tie);
        return Ok(true);
    }
    if let Some(date) = said.date {
        return dated(record, label, said.value.as_deref(), date, said.note);
    }
    let Some(value) = said.value else { return Ok(false) };
    if label == "Title" && said.note.is_none() {
        subject::titles(record, &value)?;
        return Ok(true);
    }
    let feature = Feature { label: label.to_owned(), value, note: said.note, ..Feature::default() };
    Ok(feature.put(record))
}

/// A date of birth and the like, or of a measure.
fn dated(
    record: &mut Record,
    label: &str,
    value: Option<&str>,
    date: FuzzyDate,
    note: Option<Text>,
) -> Result<bool, RejectReason> {
    let kind = match label {
        "Birthdate" => Some(FactKind::Birth),
        "Organization Established Date" => Some(FactKind::Founded),
        "Vessel Year of Build" | "Aircraft Manufacture Date" => Some(FactKind::Built),
        _ => None,
    };
    if let (Some(kind), None) = (kind, value) {
        let mut fact = DatedFact::new(kind, date);
        fact.note = note;
        record.facts.push(fact);
        return Ok(true);
    }
    let Some(Span::On(day)) = date.span else { return Ok(false) };
    if !remarks::is_measure(label) || note.is_some() || value.is_some() {
        return Ok(false);
    }
    let mut measure = Measure::new(text("DatePeriod", day.to_string())?.into());
    measure.label = Some(text("FeatureTypeID", label.trim_end_matches([' ', ':', '-']))?);
    measure.effective = Some(date);
    record.measures.push(measure);
    Ok(true)
}

/// The places that a version points at, as addresses by the number of the place.
fn addresses(listing: &mut Listing, version: &mut Element, parts: &mut Parts) -> Result<bool, RejectReason> {
    let mut are_known = true;
    version.each("VersionLocation", |pointer| {
        let Some(id) = pointer.attribute("LocationID").map(str::to_owned) else { return Ok(()) };
        let Some(mut place) = parts.location(&id) else {
            are_known = false;
            return Ok(());
        };
        let mut address = Address::default();
        address.country = country(&place, parts)?;
        let mut street = Vec::new();
        place.each("LocationPart", |part| address_part(&mut address, &mut street, part))?;
        if !street.is_empty() {
            address.street = Some(text("ADDRESS1", street.join(", "))?);
        }
        address.row = Some(text("LocationID", &id)?);
        listing.address(listing::number(&id).unwrap_or(u64::MAX), address);
        pointer.take_attribute("LocationID");
        place.keep_short_under("Location", &mut listing.record.source)
    })?;
    Ok(are_known)
}

fn address_part(
    address: &mut Address,
    street: &mut Vec<String>,
    part: &mut Element,
) -> Result<(), RejectReason> {
    let Some(name) = part.attribute("LocPartTypeID").map(str::to_owned) else { return Ok(()) };
    let mut is_taken = false;
    part.each("LocationPartValue", |inner| {
        let Some(value) = inner.word("Value") else { return Ok(()) };
        let field = match name.as_str() {
            name if STREET_LINES.contains(&name) => {
                street.push(value.to_owned());
                None
            }
            "CITY" if address.city.is_none() => Some(&mut address.city),
            "STATE/PROVINCE" if address.region.is_none() => Some(&mut address.region),
            "POSTAL CODE" if address.postal_code.is_none() => Some(&mut address.postal_code),
            _ => return Ok(()),
        };
        if let Some(field) = field {
            *field = Some(text("LocationPartValue", value)?);
        }
        inner.take_word("Value");
        is_taken = true;
        Ok(())
    })?;
    if is_taken {
        part.take_attribute("LocPartTypeID");
    }
    Ok(())
}

/// The country of a place: stated as such, or the one part of it that has no type.
fn country(place: &Element, parts: &Parts) -> Result<Option<Country>, RejectReason> {
    let stated = place.first("LocationCountry").and_then(|country| country.attribute("CountryID"));
    let untyped =
        place.first("LocationPart").filter(|part| part.attribute("LocPartTypeID") == Some("Unknown"));
    let untyped = untyped.and_then(|part| part.first("LocationPartValue")?.word("Value"));
    stated.or(untyped).map(|name| parts.values.country(name)).transpose()
}

/// A document of the party.
pub(super) fn document(
    listing: &mut Listing,
    mut element: Element,
    parts: &mut Parts,
) -> Result<(), RejectReason> {
    let (mut issued, mut expires) = (None, None);
    element.each("DocumentDate", |dated| {
        let date = dated.first("DatePeriod").and_then(periods::read);
        let field = match dated.attribute("IDRegDocDateTypeID") {
            Some("Issue Date") if issued.is_none() => &mut issued,
            Some("Expiration Date") if expires.is_none() => &mut expires,
            _ => return Ok(()),
        };
        if date.is_some() {
            *field = date;
            dated.take_attribute("IDRegDocDateTypeID");
            dated.each("DatePeriod", |period| {
                periods::leave_out(period);
                Ok(())
            })?;
        }
        Ok(())
    })?;
    if let Some(place) = element.attribute("IssuedIn-LocationID").and_then(|id| parts.location(id)) {
        place.keep_short_under("IDRegDocument/IssuedIn", &mut listing.record.source)?;
    }
    let country =
        element.attribute("IssuedBy-CountryID").map(|name| parts.values.country(name)).transpose()?;
    let take = |column: &'static str| element.word(column).map(|value| text(column, value)).transpose();
    if let (Some(label), Some(number)) =
        (element.attribute("IDRegDocTypeID"), element.word("IDRegistrationNo"))
    {
        let feature = Feature {
            label: label.to_owned(),
            value: number.to_owned(),
            country,
            issuer: take("IssuingAuthority")?,
            note: take("Comment")?,
            issued,
            expires,
        };
        if feature.put_document(&mut listing.record) {
            for attribute in ["IDRegDocTypeID", "IssuedBy-CountryID"] {
                element.take_attribute(attribute);
            }
            for column in ["IDRegistrationNo", "IssuingAuthority", "Comment"] {
                element.take_word(column);
            }
        }
    }
    element.keep_short_under("IDRegDocument", &mut listing.record.source)
}
