//! OFAC's older XML, one element for each subject: `sdn.xml`, `consolidated.xml`.
//!
//! Its schema has no place for the list's name, so that the programmes tell it, as in the tables. The count of subjects
//! that the document states must be that of its subjects. Not for: reading XML safely (`xml`).

use comity_watchlist::{
    Address, Country, CountryTie, IdKind, Identifier, Name, NameKind, NameQuality, Prose, Record,
    SubjectKind, Text, Tie, Vessel,
};

use crate::error::{FeedError, RejectReason};
use crate::file::InputFile;
use crate::ofac::feature::Feature;
use crate::ofac::list::Tally;
use crate::ofac::listing::{self, Listing, Publication, Refused};
use crate::ofac::subject;
use crate::ofac::{REMARKS, dates, remarks, text};
use crate::snapshot::{Snapshot, Take};
use crate::xml::{self, Element, Level};

/// The root of the document.
pub(super) const ROOT: &str = "sdnList";

/// Lines of the street of one address.
const STREET_LINES: [&str; 3] = ["address1", "address2", "address3"];

pub(super) fn document(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let mut publication = Publication::new(file);
    let (mut published, mut stated) = (None, None);
    xml::records(file, ROOT, Level::Root, |_, line, mut element| match element.name.as_str() {
        "sdnEntry" => {
            publication.take(line, subject(line, element));
        }
        // Misspelt so in OFAC's own schema.
        "publshInformation" => {
            published = element.take_text("Publish_Date");
            stated = element.take_text("Record_Count");
        }
        _ => publication.reject(line, RejectReason::Vocabulary { column: "element" }),
    })?;
    let found = publication.rows;
    if let Some(stated) = stated.filter(|stated| listing::number(stated) != Some(found)) {
        return Err(FeedError::RecordCount { file: file.name.to_owned(), stated, found });
    }
    let mut tally = Tally::default();
    for listing in &publication.listings {
        tally.count(listing.record.programmes.iter().map(Text::as_str));
    }
    let list = tally.list().map_err(|_| FeedError::NoRecords { file: file.name.to_owned() })?;
    publication.finish(list, published, "sdn", take)
}

fn subject(line: u64, mut element: Element) -> Result<Listing, Refused> {
    let uid = element.take_text("uid");
    let reference = listing::reference("uid", uid.as_deref()).map_err(|reason| (None, reason))?;
    let known = reference.clone();
    let kind = kind(&mut element).and_then(|kind| Listing::new(line, reference, kind));
    let read = kind.and_then(|listing| read(listing, &mut element));
    read.map_err(|reason| (Some(known), reason))
}

fn kind(element: &mut Element) -> Result<SubjectKind, RejectReason> {
    let column = "sdnType";
    listing::kind(column, element.take_text(column).as_deref())
}

fn read(mut listing: Listing, element: &mut Element) -> Result<Listing, RejectReason> {
    let kind = listing.record.kind;
    let record = &mut listing.record;
    let full = full_name(element)?.ok_or(RejectReason::Missing { column: "lastName" })?;
    record.names.push(subject::name(kind, NameKind::Primary, full)?);
    if let Some(titles) = element.take_text("title") {
        subject::titles(record, &titles)?;
    }
    each_in(element, "programList", "program", |program| {
        record.programmes.extend(own(program, "program")?);
        Ok(())
    })?;
    each_in(element, "idList", "id", |id| labelled(record, id))?;
    each_in(element, "nationalityList", "nationality", |child| tie(record, child, Tie::Nationality))?;
    each_in(element, "citizenshipList", "citizenship", |child| tie(record, child, Tie::Citizenship))?;
    each_in(element, "dateOfBirthList", "dateOfBirthItem", |child| {
        word(record, child, "dateOfBirth", "DOB");
        Ok(())
    })?;
    each_in(element, "placeOfBirthList", "placeOfBirthItem", |child| {
        word(record, child, "placeOfBirth", "POB");
        Ok(())
    })?;
    element.each("vesselInfo", |info| vessel(record, info))?;
    if let Some(words) = element.take_text("remarks") {
        let bad = |source| RejectReason::Text { column: "remarks", source };
        record.source.keep(&text("remarks", REMARKS)?, Prose::new(words.as_str()).map_err(bad)?);
        remarks::read(record, &words);
    }
    each_in(element, "akaList", "aka", |aka| alias(&mut listing, aka))?;
    each_in(element, "addressList", "address", |child| address(&mut listing, child))?;
    listing.rest(element)?;
    Ok(listing)
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

fn own(element: &mut Element, column: &'static str) -> Result<Option<Text>, RejectReason> {
    element.take_own_text().map(|value| text(column, &value)).transpose()
}

fn take(element: &mut Element, column: &'static str) -> Result<Option<Text>, RejectReason> {
    element.take_text(column).map(|value| text(column, &value)).transpose()
}

/// As the tables write it: `FAMILY, Given`; others than persons have a last name only.
fn full_name(element: &mut Element) -> Result<Option<Text>, RejectReason> {
    let parts = [element.take_text("lastName"), element.take_text("firstName")];
    let full = parts.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    if full.is_empty() { Ok(None) } else { text("lastName", &full).map(Some) }
}

/// The number of an item stays in it, to be kept with the others.
fn number_of(item: &Element) -> u64 {
    item.peek("uid").and_then(listing::number).unwrap_or(u64::MAX)
}

fn alias(listing: &mut Listing, aka: &mut Element) -> Result<(), RejectReason> {
    let Some(full) = full_name(aka)? else { return Ok(()) };
    let kind = match aka.peek("type") {
        Some("a.k.a.") => Some(NameKind::Aka),
        Some("f.k.a.") => Some(NameKind::Fka),
        Some("n.k.a.") => Some(NameKind::Nka),
        // Whatever it is called, it is a name that must be found; the word for it is kept.
        _ => None,
    };
    let mut name: Name = subject::name(listing.record.kind, kind.unwrap_or(NameKind::Aka), full)?;
    if kind.is_some() {
        aka.take("type");
    }
    name.quality = match aka.peek("category") {
        Some("strong") => Some(NameQuality::Good),
        Some("weak") => Some(NameQuality::Weak),
        _ => None,
    };
    if name.quality.is_some() {
        aka.take("category");
    }
    let number = number_of(aka);
    name.row = take(aka, "uid")?;
    listing.alias(number, name);
    Ok(())
}

fn address(listing: &mut Listing, child: &mut Element) -> Result<(), RejectReason> {
    let mut address = Address::default();
    let lines: Vec<String> = STREET_LINES.iter().filter_map(|line| child.take_text(line)).collect();
    if !lines.is_empty() {
        address.street = Some(text("address1", lines.join(", "))?);
    }
    address.city = take(child, "city")?;
    address.region = take(child, "stateOrProvince")?;
    address.postal_code = take(child, "postalCode")?;
    address.country = take(child, "country")?.map(Country::new);
    let number = number_of(child);
    address.row = take(child, "uid")?;
    if !address.is_empty() {
        listing.address(number, address);
    }
    Ok(())
}

/// An item of `idList`: a document, or one of the many other things that OFAC puts there.
fn labelled(record: &mut Record, id: &mut Element) -> Result<(), RejectReason> {
    let (Some(label), Some(value)) = (id.peek("idType"), id.peek("idNumber")) else { return Ok(()) };
    let date = |column: &'static str| {
        let read = |value: &str| dates::parse_or_keep(value).ok_or(RejectReason::Missing { column });
        id.peek(column).map(read).transpose()
    };
    let country = id.peek("idCountry").map(|name| text("idCountry", name)).transpose()?;
    let feature = Feature {
        label: label.to_owned(),
        value: value.to_owned(),
        country: country.map(Country::new),
        issued: date("issueDate")?,
        expires: date("expirationDate")?,
        ..Feature::default()
    };
    let put = if feature.is_document() { feature.put_document(record) } else { feature.put(record) };
    if put {
        for column in ["idType", "idNumber", "idCountry", "issueDate", "expirationDate"] {
            id.take_text(column);
        }
    }
    Ok(())
}

fn tie(record: &mut Record, child: &mut Element, tie: Tie) -> Result<(), RejectReason> {
    let country = take(child, "country")?;
    record.ties.extend(country.map(|name| CountryTie::new(tie, Country::new(name))));
    Ok(())
}

/// What the remarks of the tables say with a word in front.
fn word(record: &mut Record, child: &mut Element, column: &'static str, label: &str) {
    let Some(value) = child.peek(column) else { return };
    if remarks::word(record, &format!("{label} {value}")).is_some() {
        child.take(column);
    }
}

fn vessel(record: &mut Record, info: &mut Element) -> Result<(), RejectReason> {
    let sign = take(info, "callSign")?;
    record.identifiers.extend(sign.map(|sign| Identifier::new(IdKind::CallSign, sign)));
    let vessel = record.vessel.get_or_insert_with(Vessel::default);
    vessel.types.extend(take(info, "vesselType")?);
    vessel.flag = take(info, "vesselFlag")?.map(Country::new).or(vessel.flag.take());
    vessel.owner = take(info, "vesselOwner")?.or(vessel.owner.take());
    vessel.tonnage = take(info, "tonnage")?.or(vessel.tonnage.take());
    vessel.gross_tonnage = take(info, "grossRegisteredTonnage")?.or(vessel.gross_tonnage.take());
    if vessel.is_empty() {
        record.vessel = None;
    }
    Ok(())
}
