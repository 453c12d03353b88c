//! A listed subject of its entity and of what stands beside it.
//!
//! Not for: the entities beside it (`beside`).

use std::collections::HashSet;

use comity_watchlist::limits::{
    ADDRESSES_MAX, FACTS_MAX, IDENTIFIERS_MAX, NAMES_MAX, PLACES_MAX, TIES_MAX, WORDS_MAX,
};
use comity_watchlist::{
    Address, Aircraft, CountryTie, DatedFact, FactKind, Gender, IdKind, Identifier, NameKind, NamePart,
    NameQuality, PartRole, Place, PlaceKind, Record, RecordKey, SubjectKind, Text, Tie, Vessel,
};

use super::beside::{self, Graph};
use super::entity::Entity;
use super::words::IDENTIFIERS;
use crate::error::RejectReason;
use crate::json::{Json, keep};
use crate::simple::{country, is_plain, kind_of, named};
use crate::value::{at_most, date, text};

pub(super) fn record(key: RecordKey, graph: &Graph<'_>, mut entity: Entity) -> Result<Record, RejectReason> {
    let kind = kind_of(&entity.schema).ok_or(RejectReason::Vocabulary { column: "schema" })?;
    let mut record = Record::new(key, kind);
    if !is_plain(&entity.schema) {
        keep(&mut record.source, "schema", &entity.schema)?;
    }
    names(&mut record, &mut entity)?;
    lives(&mut record, &mut entity)?;
    words(&mut record, &mut entity)?;
    craft(&mut record, &mut entity)?;
    let id = entity.id.clone();
    let (mut sanctions, mut suspended) = (0, 0);
    for beside in graph.about(&id)? {
        sanctions += usize::from(beside.schema == "Sanction");
        suspended += usize::from(beside.is_suspended());
        graph.enter(&mut record, &id, beside)?;
    }
    if sanctions > 0 && suspended == sanctions {
        return Err(RejectReason::Suspended);
    }
    addresses(&mut record, graph, &mut entity)?;
    identifiers(&mut record, &mut entity)?;
    for (name, values) in &entity.properties {
        for value in values {
            keep(&mut record.source, name, value)?;
        }
    }
    let list = Json::List(vec![Json::Text(record.key.list.as_str().to_owned())]);
    for (name, value) in &entity.rest {
        if name != "datasets" || *value != list {
            value.keep(name, &mut record.source)?;
        }
    }
    Ok(record)
}

/// The names; the caption is the first of them where it is one.
fn names(record: &mut Record, entity: &mut Entity) -> Result<(), RejectReason> {
    let mut names = entity.take("name");
    let caption = entity.caption.take();
    match names.iter().position(|name| Some(name) == caption.as_ref()) {
        Some(at) => names.swap(0, at),
        None => {
            if let Some(caption) = &caption {
                keep(&mut record.source, "caption", caption)?;
            }
        }
    }
    if let Some(rest) = names.get_mut(1..) {
        rest.sort_unstable();
    }
    for (property, kind, quality) in [
        ("name", NameKind::Aka, None),
        ("alias", NameKind::Aka, None),
        ("weakAlias", NameKind::Aka, Some(NameQuality::Weak)),
        ("previousName", NameKind::Fka, None),
    ] {
        let values = if property == "name" { std::mem::take(&mut names) } else { entity.take(property) };
        at_most(property, values.len(), NAMES_MAX)?;
        for value in values {
            let mut name = named(kind, property, &value)?;
            name.quality = quality;
            if record.names.is_empty() && property == "name" {
                name.kind = NameKind::Primary;
            }
            record.names.push(name);
        }
    }
    if record.names.is_empty() {
        return Err(RejectReason::Missing { column: "name" });
    }
    parts(record, entity)
}

/// The parts of the first name, where each is said once; else they are kept, since of which name they are is not told.
fn parts(record: &mut Record, entity: &mut Entity) -> Result<(), RejectReason> {
    const PARTS: [(&str, PartRole); 5] = [
        ("firstName", PartRole::Given),
        ("middleName", PartRole::Middle),
        ("secondName", PartRole::Middle),
        ("fatherName", PartRole::Patronymic),
        ("lastName", PartRole::Family),
    ];
    let Some(first) = record.names.first_mut().filter(|name| name.kind == NameKind::Primary) else {
        return Ok(());
    };
    let full = first.full.as_str().to_owned();
    let fits = |name: &&str| {
        entity
            .properties
            .get(*name)
            .is_none_or(|values| values.len() == 1 && values.iter().all(|part| full.contains(part)))
    };
    if !PARTS.iter().map(|(name, _)| *name).all(|name| fits(&name)) {
        return Ok(());
    }
    for (name, role) in PARTS {
        for value in entity.take(name) {
            first.parts.push(NamePart::new(role, text(name, &value)?));
        }
    }
    Ok(())
}

/// Dates, places, ties and genders.
fn lives(record: &mut Record, entity: &mut Entity) -> Result<(), RejectReason> {
    for (property, kind) in [
        ("birthDate", FactKind::Birth),
        ("deathDate", FactKind::Death),
        ("incorporationDate", FactKind::Founded),
        ("dissolutionDate", FactKind::Dissolved),
        ("buildDate", FactKind::Built),
    ] {
        let values = entity.take(property);
        at_most(property, values.len(), FACTS_MAX)?;
        for value in values {
            record.facts.push(DatedFact::new(kind, date(property, &value)?));
        }
    }
    for (property, tie) in [
        ("nationality", Tie::Nationality),
        ("citizenship", Tie::Citizenship),
        ("jurisdiction", Tie::Registration),
        ("country", Tie::Residence),
    ] {
        let values = entity.take(property);
        at_most(property, values.len(), TIES_MAX)?;
        for value in values {
            record.ties.push(CountryTie::new(tie, country(property, &value)?));
        }
    }
    let (places, countries) = (entity.take("birthPlace"), entity.take("birthCountry"));
    at_most("birthPlace", places.len().saturating_add(countries.len()), PLACES_MAX)?;
    let together = places.len() == 1 && countries.len() == 1;
    for place in places {
        let mut address = Address::default();
        address.verbatim = Some(text("birthPlace", &place)?);
        record.places.push(Place::new(PlaceKind::Birth, address));
    }
    for code in countries {
        let code = Some(country("birthCountry", &code)?);
        if let Some(place) = record.places.first_mut().filter(|_| together) {
            place.address.country = code;
        } else {
            let mut address = Address::default();
            address.country = code;
            record.places.push(Place::new(PlaceKind::Birth, address));
        }
    }
    for word in entity.take("gender") {
        match word.as_str() {
            "male" => record.genders.push(Gender::Male),
            "female" => record.genders.push(Gender::Female),
            _ => keep(&mut record.source, "gender", &word)?,
        }
    }
    Ok(())
}

fn words(record: &mut Record, entity: &mut Entity) -> Result<(), RejectReason> {
    record.titles = taken(entity, "title")?;
    record.positions = taken(entity, "position")?;
    record.sectors = taken(entity, "sector")?;
    record.programmes = taken(entity, "program")?;
    Ok(())
}

fn craft(record: &mut Record, entity: &mut Entity) -> Result<(), RejectReason> {
    if record.kind == SubjectKind::Vessel {
        let mut vessel = Vessel::default();
        vessel.types = taken(entity, "type")?;
        vessel.flag = entity.first("flag").map(|code| country("flag", &code)).transpose()?;
        for code in entity.take("pastFlags") {
            vessel.former_flags.push(country("pastFlags", &code)?);
        }
        vessel.tonnage = entity.first("tonnage").map(|tons| text("tonnage", &tons)).transpose()?;
        let gross = "grossRegisteredTonnage";
        vessel.gross_tonnage = entity.first(gross).map(|tons| text(gross, &tons)).transpose()?;
        record.vessel = Some(vessel).filter(|vessel| *vessel != Vessel::default());
    }
    if record.kind == SubjectKind::Aircraft {
        let mut aircraft = Aircraft::default();
        aircraft.models = taken(entity, "model")?;
        record.aircraft = Some(aircraft).filter(|aircraft| *aircraft != Aircraft::default());
    }
    Ok(())
}

/// Addresses of their own first; a text that says the same as one of them is none more.
fn addresses(record: &mut Record, graph: &Graph<'_>, entity: &mut Entity) -> Result<(), RejectReason> {
    let ids = entity.take("addressEntity");
    at_most("addressEntity", ids.len(), ADDRESSES_MAX)?;
    for id in ids {
        match graph.address(&id) {
            Some(address) => beside::address(record, address)?,
            None => keep(&mut record.source, "addressEntity", &id)?,
        }
    }
    let known: HashSet<String> = record
        .addresses
        .iter()
        .filter_map(|address| address.verbatim.as_ref())
        .map(|full| full.as_str().to_owned())
        .collect();
    let written = entity.take("address");
    at_most("address", written.len(), ADDRESSES_MAX)?;
    for value in written.iter().filter(|value| !known.contains(*value)) {
        let mut address = Address::default();
        address.verbatim = Some(text("address", value)?);
        record.addresses.push(address);
    }
    Ok(())
}

/// Numbers of the subject itself; one that a document of its own has is none more.
fn identifiers(record: &mut Record, entity: &mut Entity) -> Result<(), RejectReason> {
    let known: HashSet<String> =
        record.identifiers.iter().map(|identifier| identifier.value.as_str().to_owned()).collect();
    for (property, kind, is_label) in IDENTIFIERS {
        let values = entity.take(property);
        at_most(property, values.len(), IDENTIFIERS_MAX)?;
        let kind = match (kind, record.kind) {
            (IdKind::Imo, SubjectKind::Organisation) => IdKind::ImoCompany,
            (IdKind::Registration, SubjectKind::Aircraft) => IdKind::TailNumber,
            (kind, _) => kind,
        };
        for value in values.iter().filter(|value| !known.contains(*value)) {
            let mut identifier = Identifier::new(kind, text(property, value)?);
            identifier.label = is_label.then(|| text(property, property)).transpose()?;
            record.identifiers.push(identifier);
        }
    }
    Ok(())
}

fn taken(entity: &mut Entity, property: &'static str) -> Result<Vec<Text>, RejectReason> {
    let values = entity.take(property);
    at_most(property, values.len(), WORDS_MAX)?;
    values.iter().map(|value| text(property, value)).collect()
}
