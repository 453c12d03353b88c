//! The parts of a target: countries, dates, addresses, documents.
//!
//! Each function takes what it understands out of its element; the caller hangs the rest in again.

use comity_watchlist::{Address, Country, FuzzyDate, IdKind, Identifier, PartialDate, Text};

use crate::error::RejectReason;
use crate::seco::context::Context;
use crate::value::{self, text};
use crate::xml::Element;

pub(super) fn own_text(element: &mut Element, column: &'static str) -> Result<Option<Text>, RejectReason> {
    element.take_own_text().map(|value| text(column, &value)).transpose()
}

fn take(element: &mut Element, column: &'static str) -> Result<Option<Text>, RejectReason> {
    element.take_text(column).map(|value| text(column, &value)).transpose()
}

/// A country, or `None` if it has no name.
pub(super) fn country(element: &mut Element) -> Result<Option<Country>, RejectReason> {
    let Some(name) = own_text(element, "country")? else { return Ok(None) };
    let mut country = Country::new(name);
    country.code = element.take_attribute("iso-code").map(|code| text("iso-code", &code)).transpose()?;
    Ok(Some(country))
}

/// A day of the Gregorian calendar to what is known of it; of another calendar, or one that does not exist, as its
/// numbers are written, or `None` if there is none.
pub(super) fn day(element: &mut Element) -> Result<Option<FuzzyDate>, RejectReason> {
    let number = |name| element.attribute(name).and_then(value::number);
    let small = |name| number(name).and_then(|value| u8::try_from(value).ok());
    let has = |name| element.attribute(name).is_some();
    let read = match (number("year"), has("month"), has("day")) {
        (Some(year), false, false) => PartialDate::year(year).ok(),
        (Some(year), true, false) => small("month").and_then(|month| PartialDate::month(year, month).ok()),
        (Some(year), true, true) => {
            small("month").zip(small("day")).and_then(|(month, day)| PartialDate::day(year, month, day).ok())
        }
        _ => None,
    };
    let gregorian = matches!(element.attribute("calendar"), None | Some("Gregorian"));
    if element.attribute("quality") == Some("good") {
        element.take_attribute("quality");
    }
    let written: Vec<String> =
        ["year", "month", "day"].iter().filter_map(|name| element.take_attribute(name)).collect();
    let calendar = element.take_attribute("calendar");
    if written.is_empty() {
        return Ok(None);
    }
    Ok(Some(match read {
        Some(read) if gregorian => read.into(),
        _ => {
            let written = match calendar.filter(|_| !gregorian) {
                Some(calendar) => format!("{} ({calendar})", written.join("-")),
                None => written.join("-"),
            };
            FuzzyDate::verbatim(text("day-month-year", &written)?)
        }
    }))
}

/// An address, or `None` if nothing is told.
pub(super) fn address(context: &Context, element: &mut Element) -> Result<Option<Address>, RejectReason> {
    let mut address = Address::default();
    if let Some(id) = element.attribute("place-id") {
        context.locate(&mut address, id)?;
    }
    address.street = take(element, "address-details")?;
    address.postal_code = take(element, "zip-code")?;
    address.note = take(element, "c-o")?;
    if element.attribute("quality") == Some("good") {
        element.take_attribute("quality");
    }
    if address.is_empty() {
        return Ok(None);
    }
    address.row = element.take_attribute("ssid").map(|row| text("ssid", &row)).transpose()?;
    Ok(Some(address))
}

/// A document, or `None` if it has no number.
pub(super) fn document(element: &mut Element) -> Result<Option<Identifier>, RejectReason> {
    let Some(number) = take(element, "number")? else { return Ok(None) };
    let label =
        element.take_attribute("document-type").map(|label| text("document-type", &label)).transpose()?;
    let kind = match label.as_ref().map(Text::as_str) {
        Some("passport" | "diplomatic-passport") => IdKind::Passport,
        Some("id-card") => IdKind::NationalId,
        Some("residence-permit") => IdKind::ResidencePermit,
        Some("driver-license" | "driving-license") => IdKind::DrivingLicence,
        _ => IdKind::Other,
    };
    let mut document = Identifier::new(kind, number);
    document.label = label;
    element.each("issuer", |issuer| {
        if let Some(name) = own_text(issuer, "issuer")? {
            let mut country = Country::new(name);
            country.code = issuer.take_attribute("code").map(|code| text("code", &code)).transpose()?;
            document.country = Some(country);
        }
        Ok(())
    })?;
    document.note = take(element, "remark")?;
    Ok(Some(document))
}
