//! OFAC's Enhanced XML (2024): names with scripts, lists with dates, features with reference values.
//!
//! Values stand in the document as words and again as numbers of reference values; a number that says the same as the
//! words beside it is left out, any other is kept. Not for: reading XML safely (`xml`), features (`feature`).

mod features;
mod names;

use comity_watchlist::{Address, LegalBasis, Measure, PartialDate, Prose, Record, Reference, SubjectKind};

use crate::error::{FeedError, RejectReason};
use crate::file::InputFile;
use crate::ofac::listing::{self, Listing, Publication, Refused};
use crate::ofac::values::Values;
use crate::ofac::{REMARKS, remarks, subject, text};
use crate::snapshot::{Snapshot, Take};
use crate::xml::{self, Element, Level};

/// The root of the document.
pub(super) const ROOT: &str = "sanctionsData";

/// Lines of the street of one address.
const STREET_LINES: [&str; 3] = ["ADDRESS1", "ADDRESS2", "ADDRESS3"];

pub(super) fn document(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let mut publication = Publication::new(file);
    let (mut published, mut values) = (None, Values::default());
    xml::records(file, ROOT, Level::Group, |group, line, mut element| {
        match (group, element.name.as_str()) {
            ("entities", "entity") => {
                publication.take(line, entity(line, element, &values));
            }
            ("publicationInfo", name) => {
                if name == "dataAsOf" {
                    published = element.take_own_text();
                }
            }
            ("referenceValues", "referenceValue") => reference_value(&mut values, &mut element),
            ("featureTypes", "featureType") => {
                if let (Some(id), Some(name)) =
                    (element.take_attribute("featureTypeId"), element.word("type"))
                {
                    values.add("featureTypeId", &id, name);
                }
            }
            _ => publication.reject(line, RejectReason::Vocabulary { column: "element" }),
        }
    })?;
    let list = publication.list()?;
    publication.finish(list, published, "enhanced", take)
}

fn reference_value(values: &mut Values, element: &mut Element) {
    let Some(id) = element.take_attribute("refId") else { return };
    // A programme is written by its code, everything else by its value.
    for name in ["value", "code"] {
        if let Some(value) = element.word(name) {
            values.add("refId", &id, value);
        }
    }
    if let (Some(name), Some(code)) = (element.word("value"), element.word("isoCode")) {
        values.add_country(name, code);
    }
}

fn entity(line: u64, mut element: Element, values: &Values) -> Result<Listing, Refused> {
    element.visit(&mut |element| values.leave_out(element));
    let id = element.take_attribute("id");
    let reference = listing::reference("id", id.as_deref()).map_err(|reason| (None, reason))?;
    let known = reference.clone();
    read(line, reference, &mut element, values).map_err(|reason| (Some(known), reason))
}

fn read(
    line: u64,
    reference: Reference,
    element: &mut Element,
    values: &Values,
) -> Result<Listing, RejectReason> {
    let mut general = element.take("generalInfo").unwrap_or_default();
    let kind = kind(&mut general)?;
    let mut listing = Listing::new(line, reference, kind)?;
    let record = &mut listing.record;
    record.source.row_id = general.take_word("identityId").map(|id| text("identityId", &id)).transpose()?;
    if let Some(titles) = general.take_word("title") {
        subject::titles(record, &titles)?;
    }
    if let Some(words) = general.take_word("remarks") {
        let bad = |source| RejectReason::Text { column: "remarks", source };
        record.source.keep(&text("remarks", REMARKS)?, Prose::new(words.as_str()).map_err(bad)?);
        remarks::read(record, &words);
    }
    element.put_back(general);
    each_in(element, "sanctionsLists", "sanctionsList", |list| {
        let day = list.attribute("datePublished").and_then(|day| PartialDate::parse(day).ok());
        listing.on_list(list.own_text(), day.map(Into::into));
        Ok(())
    })?;
    orders(&mut listing.record, element)?;
    each_in(element, "names", "name", |name| names::read(&mut listing, name))?;
    if listing.record.names.is_empty() {
        return Err(RejectReason::Missing { column: "formattedFullName" });
    }
    each_in(element, "addresses", "address", |child| address(&mut listing, child, values))?;
    each_in(element, "features", "feature", |child| features::feature(&mut listing.record, child, values))?;
    each_in(element, "identityDocuments", "identityDocument", |child| {
        features::document(&mut listing, child, values)
    })?;
    each_in(element, "relationships", "relationship", |child| features::relationship(&mut listing, child))?;
    listing.rest(element)?;
    Ok(listing)
}

fn kind(general: &mut Element) -> Result<SubjectKind, RejectReason> {
    let column = "entityType";
    listing::kind(column, general.take_word(column).as_deref())
}

/// Lets a function take what it understands of each item of each list of a name.
fn each_in(
    element: &mut Element,
    list: &str,
    item: &str,
    mut take: impl FnMut(&mut Element) -> Result<(), RejectReason>,
) -> Result<(), RejectReason> {
    element.each(list, |list| list.each(item, &mut take))
}

/// Programmes, measures and acts.
fn orders(record: &mut Record, element: &mut Element) -> Result<(), RejectReason> {
    each_in(element, "sanctionsPrograms", "sanctionsProgram", |child| {
        let code = child.take_own_text().map(|code| text("sanctionsProgram", &code)).transpose()?;
        record.programmes.extend(code);
        Ok(())
    })?;
    each_in(element, "sanctionsTypes", "sanctionsType", |child| {
        let words = child.take_own_text().map(|words| text("sanctionsType", &words)).transpose()?;
        record.measures.extend(words.map(|words| Measure::new(words.into())));
        Ok(())
    })?;
    each_in(element, "legalAuthorities", "legalAuthority", |child| {
        let act = child.take_own_text().map(|act| text("legalAuthority", &act)).transpose()?;
        record.legal.extend(act.map(LegalBasis::new));
        Ok(())
    })
}

/// An address, once for each script that it is written in.
fn address(listing: &mut Listing, child: &mut Element, values: &Values) -> Result<(), RejectReason> {
    let number = child.attribute("id").and_then(listing::number).unwrap_or(u64::MAX);
    let row = child.take_attribute("id").map(|id| text("id", &id)).transpose()?;
    let country = child.take_word("country").map(|name| values.country(&name)).transpose()?;
    let mut found = Vec::new();
    each_in(child, "translations", "translation", |translation| {
        let mut address = Address::default();
        let mut street = Vec::new();
        each_in(translation, "addressParts", "addressPart", |part| {
            address_part(&mut address, &mut street, part)
        })?;
        if !street.is_empty() {
            address.street = Some(text("ADDRESS1", street.join(", "))?);
        }
        found.push(address);
        Ok(())
    })?;
    if found.is_empty() {
        found.push(Address::default());
    }
    for mut address in found {
        address.country.clone_from(&country);
        address.row.clone_from(&row);
        listing.address(number, address);
    }
    Ok(())
}

fn address_part(
    address: &mut Address,
    street: &mut Vec<String>,
    part: &mut Element,
) -> Result<(), RejectReason> {
    let (Some(name), Some(value)) = (part.word("type"), part.word("value")) else { return Ok(()) };
    let field = match name {
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
        *field = Some(text("addressPart", value)?);
    }
    part.take_word("type");
    part.take_word("value");
    Ok(())
}
