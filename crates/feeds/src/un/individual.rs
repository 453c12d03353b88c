//! A person or an entity of the UN list, from its element.

use comity_watchlist::{
    Country, CountryTie, DatedFact, FactKind, Gender, Name, NameKind, NamePart, PartRole, Place, PlaceKind,
    Prose, Record, RecordKey, SubjectKind, Text, Tie,
};

use crate::error::RejectReason;
use crate::script;
use crate::un::parts;
use crate::xml::Element;

const NAME_PARTS: [&str; 4] = ["FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME"];

pub(super) fn person(key: RecordKey, mut element: Element) -> Result<Record, RejectReason> {
    let mut record = Record::new(key, SubjectKind::Person);
    names(&mut record, &mut element, "INDIVIDUAL_ALIAS")?;
    let gender = match element.peek("GENDER") {
        Some("Male") => Some(Gender::Male),
        Some("Female") => Some(Gender::Female),
        _ => None,
    };
    if gender.is_some() {
        element.take("GENDER");
        record.genders.extend(gender);
    }
    record.titles = values(&mut element, "TITLE")?;
    record.positions = values(&mut element, "DESIGNATION")?;
    let nationalities = values(&mut element, "NATIONALITY")?;
    record.ties =
        nationalities.into_iter().map(|name| CountryTie::new(Tie::Nationality, Country::new(name))).collect();
    element.each("INDIVIDUAL_DATE_OF_BIRTH", |child| {
        record.facts.extend(parts::birth(child)?);
        Ok(())
    })?;
    element.each("INDIVIDUAL_PLACE_OF_BIRTH", |child| {
        let place = parts::address(child)?.map(|address| Place::new(PlaceKind::Birth, address));
        record.places.extend(place);
        Ok(())
    })?;
    element.each("INDIVIDUAL_DOCUMENT", |child| {
        record.identifiers.extend(parts::document(child)?);
        Ok(())
    })?;
    common(record, element, "INDIVIDUAL_ADDRESS")
}

pub(super) fn entity(key: RecordKey, mut element: Element) -> Result<Record, RejectReason> {
    let mut record = Record::new(key, SubjectKind::Organisation);
    names(&mut record, &mut element, "ENTITY_ALIAS")?;
    common(record, element, "ENTITY_ADDRESS")
}

fn names(record: &mut Record, element: &mut Element, aliases: &'static str) -> Result<(), RejectReason> {
    let mut found = Vec::new();
    for column in NAME_PARTS {
        found.extend(parts::take(element, column)?);
    }
    let full = found.iter().map(Text::as_str).collect::<Vec<_>>().join(" ");
    if full.is_empty() {
        return Err(RejectReason::Missing { column: "FIRST_NAME" });
    }
    let mut primary = Name::new(NameKind::Primary, parts::text("FIRST_NAME", &full)?);
    if found.len() > 1 {
        // The UN numbers the parts and does not say which is the family name.
        primary.parts = found.into_iter().map(|part| NamePart::new(PartRole::Ordered, part)).collect();
    }
    record.names.push(primary);
    if let Some(original) = parts::take(element, "NAME_ORIGINAL_SCRIPT")? {
        let script = script::of(original.as_str());
        let mut name = Name::new(NameKind::Primary, original);
        name.script = script.map(|code| parts::text("script", code)).transpose()?;
        record.names.push(name);
    }
    element.each(aliases, |child| {
        let Some(name) = parts::alias(child)? else { return Ok(()) };
        born_as(record, child, &name.full)?;
        record.names.push(name);
        Ok(())
    })
}

/// Some aliases have a birth of their own: what the person claims under that name.
fn born_as(record: &mut Record, alias: &mut Element, name: &Text) -> Result<(), RejectReason> {
    let note = Text::new(format!("as {name}")).ok();
    if let Some(date) = parts::take_date(alias, "DATE_OF_BIRTH")? {
        let mut fact = DatedFact::new(FactKind::Birth, date);
        fact.note.clone_from(&note);
        record.facts.push(fact);
    }
    let city = parts::take(alias, "CITY_OF_BIRTH")?;
    let country = parts::take(alias, "COUNTRY_OF_BIRTH")?;
    if city.is_some() || country.is_some() {
        let mut address = comity_watchlist::Address::default();
        address.city = city;
        address.country = country.map(Country::new);
        address.note = note;
        record.places.push(Place::new(PlaceKind::Birth, address));
    }
    Ok(())
}

/// What persons and entities share, and whatever is left.
fn common(mut record: Record, mut element: Element, addresses: &'static str) -> Result<Record, RejectReason> {
    record.source.row_id = parts::take(&mut element, "DATAID")?;
    record.programmes.extend(parts::take(&mut element, "UN_LIST_TYPE")?);
    record.listed_on = parts::take_date(&mut element, "LISTED_ON")?;
    for update in values(&mut element, "LAST_DAY_UPDATED")? {
        record.updated_on.push(parts::date("LAST_DAY_UPDATED", update.as_str())?);
    }
    if let Some(comments) = element.take_text("COMMENTS1") {
        let whole = |source| RejectReason::Text { column: "COMMENTS1", source };
        record.reasons_public.push(Prose::new(comments).map_err(whole)?);
    }
    element.each(addresses, |child| {
        record.addresses.extend(parts::address(child)?);
        Ok(())
    })?;
    element.keep(&mut record.source)?;
    Ok(record)
}

/// The texts of all VALUE children of all elements of a name.
fn values(element: &mut Element, name: &'static str) -> Result<Vec<Text>, RejectReason> {
    let mut found = Vec::new();
    element.each(name, |child| {
        child.each("VALUE", |value| {
            found.extend(value.take_own_text().map(|value| parts::text(name, &value)).transpose()?);
            Ok(())
        })
    })?;
    Ok(found)
}
