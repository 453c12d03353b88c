//! The parts of an EU record: names, dates, places, addresses, documents, acts.
//!
//! Each function takes what it understands out of its element; the caller hangs the rest in again. A flag that is
//! false says the same as one that is absent, and is dropped.

use comity_watchlist::limits::{LEGAL_MAX, TEXT_BYTES_MAX};
use comity_watchlist::{
    Address, Country, FuzzyDate, IdKind, Identifier, LegalBasis, Name, NameKind, NamePart, NameQuality,
    PartRole, PartialDate, Record, Span, Text,
};

use crate::error::RejectReason;
use crate::script;
use crate::value::{self, date, text};
use crate::xml::Element;

const NAME_PARTS: [(&str, PartRole); 3] =
    [("firstName", PartRole::Given), ("middleName", PartRole::Middle), ("lastName", PartRole::Family)];

/// What an authority says of a document beside its number.
const FLAGS: [(&str, &str); 5] = [
    ("diplomatic", "diplomatic"),
    ("knownExpired", "known to be expired"),
    ("knownFalse", "known to be false"),
    ("reportedLost", "reported lost"),
    ("revokedByIssuer", "revoked by its issuer"),
];

pub(super) fn take(element: &mut Element, column: &'static str) -> Result<Option<Text>, RejectReason> {
    element.take_attribute(column).map(|value| text(column, &value)).transpose()
}

pub(super) fn take_date(
    element: &mut Element,
    column: &'static str,
) -> Result<Option<FuzzyDate>, RejectReason> {
    element.take_attribute(column).map(|value| date(column, &value)).transpose()
}

/// The first remark of a part, if it fits; a longer one is left, to be kept as it is.
pub(super) fn note(element: &mut Element) -> Result<Option<Text>, RejectReason> {
    match element.peek("remark") {
        Some(remark) if remark.len() <= TEXT_BYTES_MAX => {
            element.take_text("remark").map(|remark| text("remark", &remark)).transpose()
        }
        _ => Ok(None),
    }
}

/// A flag as `xs:boolean` writes it; another value is left.
fn flag(element: &mut Element, name: &str) -> Option<bool> {
    let set = match element.attribute(name) {
        Some("true" | "1") => true,
        Some("false" | "0") => false,
        _ => return None,
    };
    element.take_attribute(name);
    Some(set)
}

/// A country, or `None` if it is not known: the source then writes `00` and `UNKNOWN`, which are left.
pub(super) fn country(element: &mut Element) -> Result<Option<Country>, RejectReason> {
    if element.attribute("countryIso2Code") == Some("00") {
        return Ok(None);
    }
    let code = take(element, "countryIso2Code")?;
    let name = take(element, "countryDescription")?.or_else(|| code.clone());
    Ok(name.map(|name| {
        let mut country = Country::new(name);
        country.code = code;
        country
    }))
}

/// A name, or `None` if the element names nobody.
pub(super) fn alias(element: &mut Element) -> Result<Option<Name>, RejectReason> {
    let mut parts = Vec::new();
    for (column, role) in NAME_PARTS {
        parts.extend(take(element, column)?.map(|value| NamePart::new(role, value)));
    }
    let full = match take(element, "wholeName")? {
        Some(full) => full,
        None if parts.is_empty() => return Ok(None),
        None => {
            let joined = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(" ");
            text("wholeName", &joined)?
        }
    };
    let script = script::of(full.as_str());
    let mut name = Name::new(NameKind::Aka, full);
    name.parts = parts;
    name.script = script.map(|code| text("script", code)).transpose()?;
    name.language = take(element, "nameLanguage")?;
    name.quality =
        flag(element, "strong").map(|strong| if strong { NameQuality::Good } else { NameQuality::Weak });
    name.note = note(element)?;
    name.row = take(element, "logicalId")?;
    Ok(Some(name))
}

/// A date of birth, or `None` if none is told.
pub(super) fn birth_date(element: &mut Element) -> Result<Option<FuzzyDate>, RejectReason> {
    let read = if matches!(element.attribute("calendarType"), None | Some("GREGORIAN")) {
        element.take_attribute("calendarType");
        gregorian(element)
    } else {
        None
    };
    let mut date = match read {
        Some(date) => date,
        None => match as_written(element)? {
            Some(date) => date,
            None => return Ok(None),
        },
    };
    date.circa = flag(element, "circa").unwrap_or_default();
    Ok(Some(date))
}

fn gregorian(element: &mut Element) -> Option<FuzzyDate> {
    let number = |name| element.attribute(name).and_then(value::number);
    let small = |name| number(name).and_then(|value| u8::try_from(value).ok());
    let parts = match (number("year"), small("monthOfYear"), small("dayOfMonth")) {
        (Some(year), Some(month), Some(day)) => PartialDate::day(year, month, day).ok(),
        (Some(year), Some(month), None) => PartialDate::month(year, month).ok(),
        (Some(year), None, None) => PartialDate::year(year).ok(),
        _ => None,
    };
    let whole = element.attribute("birthdate").and_then(|day| PartialDate::parse(day).ok());
    let first = number("yearRangeFrom").and_then(|year| PartialDate::year(year).ok());
    let last = number("yearRangeTo").and_then(|year| PartialDate::year(year).ok());
    let range = first.zip(last).and_then(|(first, last)| Span::between(first, last).ok());
    let (span, used): (Span, &[&str]) = match (whole, parts, range) {
        // The parts say the same again; if they do not, they are left.
        (Some(whole), parts, _) if parts == Some(whole) => {
            (Span::On(whole), &["birthdate", "year", "monthOfYear", "dayOfMonth"])
        }
        (Some(whole), ..) => (Span::On(whole), &["birthdate"]),
        (None, Some(parts), _) => (Span::On(parts), &["year", "monthOfYear", "dayOfMonth"]),
        (None, None, Some(range)) => (range, &["yearRangeFrom", "yearRangeTo"]),
        (None, None, None) => return None,
    };
    for name in used {
        element.take_attribute(name);
    }
    Some(FuzzyDate::new(span))
}

/// A date of another calendar, or one that does not exist.
fn as_written(element: &mut Element) -> Result<Option<FuzzyDate>, RejectReason> {
    let parts = ["year", "monthOfYear", "dayOfMonth"];
    let written = element.take_attribute("birthdate").or_else(|| {
        let found: Vec<String> = parts.iter().filter_map(|name| element.take_attribute(name)).collect();
        Some(found.join("-")).filter(|written| !written.is_empty())
    });
    let Some(written) = written else { return Ok(None) };
    let written = match element.take_attribute("calendarType") {
        Some(calendar) => format!("{written} ({calendar})"),
        None => written,
    };
    Ok(Some(FuzzyDate::verbatim(text("birthdate", &written)?)))
}

/// A place of birth, or `None` if none is told; the source writes `-` for a city that is not known.
pub(super) fn birth_place(element: &mut Element) -> Result<Option<Address>, RejectReason> {
    let mut address = Address::default();
    if element.attribute("city") != Some("-") {
        address.city = take(element, "city")?;
    }
    where_it_is(element, &mut address)?;
    Ok(Some(address).filter(|address| !address.is_empty()))
}

/// An address, or `None` if nothing is told but contacts.
pub(super) fn address(element: &mut Element) -> Result<Option<Address>, RejectReason> {
    let mut address = Address::default();
    address.street = take(element, "street")?;
    address.city = take(element, "city")?;
    where_it_is(element, &mut address)?;
    // Set, it is kept under its name; a false one says nothing.
    if matches!(element.attribute("asAtListingTime"), Some("false" | "0")) {
        element.take_attribute("asAtListingTime");
    }
    if address.is_empty() {
        return Ok(None);
    }
    address.note = note(element)?;
    address.row = take(element, "logicalId")?;
    Ok(Some(address))
}

fn where_it_is(element: &mut Element, address: &mut Address) -> Result<(), RejectReason> {
    address.region = take(element, "region")?;
    address.postal_code = take(element, "zipCode")?;
    address.locality = take(element, "place")?;
    address.country = country(element)?;
    Ok(())
}

/// A contact, or `None` if it has no value.
pub(super) fn contact(element: &mut Element) -> Result<Option<Identifier>, RejectReason> {
    let Some(value) = take(element, "value")? else { return Ok(None) };
    let label = take(element, "key")?;
    let kind = match label.as_ref().map(|label| label.as_str().to_ascii_lowercase()).as_deref() {
        Some("email") => IdKind::Email,
        Some("phone") => IdKind::Phone,
        Some("fax") => IdKind::Fax,
        Some("web" | "website") => IdKind::Website,
        _ => IdKind::Other,
    };
    let mut contact = Identifier::new(kind, value);
    contact.label = label;
    Ok(Some(contact))
}

/// A document, or `None` if it has no number.
pub(super) fn document(element: &mut Element) -> Result<Option<Identifier>, RejectReason> {
    let latin = element.attribute("number").is_none();
    let Some(number) = take(element, if latin { "latinNumber" } else { "number" })? else { return Ok(None) };
    let label = take(element, "identificationTypeDescription")?;
    let code = element.attribute("identificationTypeCode").unwrap_or_default();
    let kind = document_kind(code, label.as_ref().map_or("", Text::as_str));
    if matches!(code, "passport" | "id") {
        element.take_attribute("identificationTypeCode");
    }
    let mut document = Identifier::new(kind, number);
    document.label = label;
    document.country = country(element)?;
    document.issuer = take(element, "issuedBy")?;
    document.issued = take_date(element, "issueDate")?;
    document.expires = take_date(element, "validTo")?;
    let mut set = Vec::new();
    for (name, words) in FLAGS {
        set.extend(flag(element, name).filter(|set| *set).map(|_| words));
    }
    document.note =
        if set.is_empty() { note(element)? } else { Some(text("identification", &set.join("; "))?) };
    Ok(Some(document))
}

/// The kind of a document by its code, else by words of its description.
pub(super) fn document_kind(code: &str, description: &str) -> IdKind {
    const WORDS: [(&str, IdKind); 11] = [
        ("passport", IdKind::Passport),
        ("identification card", IdKind::NationalId),
        ("identity card", IdKind::NationalId),
        ("fiscal", IdKind::TaxId),
        ("tax", IdKind::TaxId),
        ("social security", IdKind::SocialSecurity),
        ("driv", IdKind::DrivingLicence),
        ("birth certificate", IdKind::BirthCertificate),
        ("travel document", IdKind::TravelDocument),
        ("registration", IdKind::Registration),
        ("swift", IdKind::Swift),
    ];
    match code {
        "passport" => return IdKind::Passport,
        "id" => return IdKind::NationalId,
        _ => {}
    }
    let description = description.to_lowercase();
    WORDS.iter().find(|(word, _)| description.contains(word)).map_or(IdKind::Other, |(_, kind)| *kind)
}

/// The act that a part stands in: it goes to the acts of the record, and its number stays with the part.
pub(super) fn cite(record: &mut Record, part: &mut Element) -> Result<(), RejectReason> {
    part.each("regulationSummary", |act| cite_act(record, act))
}

pub(super) fn cite_act(record: &mut Record, act: &mut Element) -> Result<(), RejectReason> {
    let Some(number) = act.attribute("numberTitle") else { return Ok(()) };
    let mut basis = LegalBasis::new(text("numberTitle", number)?);
    basis.url = act.attribute("publicationUrl").map(|url| text("publicationUrl", url)).transpose()?;
    basis.published = act.attribute("publicationDate").map(|day| date("publicationDate", day)).transpose()?;
    let same = |known: &LegalBasis| {
        (&known.act, &known.url, &known.published) == (&basis.act, &basis.url, &basis.published)
    };
    if !record.legal.iter().any(same) {
        // Beyond the limit the act stays with its part in full.
        if record.legal.len() >= LEGAL_MAX {
            return Ok(());
        }
        record.legal.push(basis);
    }
    act.take_attribute("publicationUrl");
    act.take_attribute("publicationDate");
    Ok(())
}
