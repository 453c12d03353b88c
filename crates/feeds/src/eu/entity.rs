//! A subject of the EU list, from its element.
//!
//! Not for: its names, births, addresses and documents, which are in `parts`.

use comity_watchlist::{
    CountryTie, DatedFact, FactKind, IdKind, Identifier, LegalBasis, NameKind, NameQuality, Place, PlaceKind,
    Record, RecordKey, SubjectKind, Tie,
};

use crate::error::RejectReason;
use crate::eu::parts;
use crate::value::{add, prose};
use crate::xml::Element;

pub(super) fn record(key: RecordKey, mut element: Element) -> Result<Record, RejectReason> {
    let mut record = Record::new(key, kind(&mut element)?);
    record.source.row_id = parts::take(&mut element, "logicalId")?;
    record.listed_on = parts::take_date(&mut element, "designationDate")?;
    if let Some(reference) = parts::take(&mut element, "unitedNationId")? {
        let mut identifier = Identifier::new(IdKind::CaseFile, reference);
        identifier.label = Some(crate::value::text("unitedNationId", "UN reference")?);
        record.identifiers.push(identifier);
    }
    element.each("remark", |remark| {
        if let Some(words) = remark.take_own_text() {
            record.reasons_public.push(prose("remark", &words)?);
        }
        Ok(())
    })?;
    if let Some(details) = element.take_attribute("designationDetails") {
        record.reasons_public.push(prose("designationDetails", &details)?);
    }
    element.each("regulation", |regulation| listed_by(&mut record, regulation))?;
    element.each("nameAlias", |alias| named(&mut record, alias))?;
    main_name(&mut record)?;
    element.each("citizenship", |citizenship| {
        if let Some(country) = parts::country(citizenship)? {
            let mut tie = CountryTie::new(Tie::Citizenship, country);
            tie.note = parts::note(citizenship)?;
            record.ties.push(tie);
        }
        parts::cite(&mut record, citizenship)
    })?;
    element.each("birthdate", |birth| born(&mut record, birth))?;
    element.each("address", |address| {
        record.addresses.extend(parts::address(address)?);
        address.each("contactInfo", |contact| {
            record.identifiers.extend(parts::contact(contact)?);
            Ok(())
        })?;
        parts::cite(&mut record, address)
    })?;
    element.each("identification", |document| {
        record.identifiers.extend(parts::document(document)?);
        parts::cite(&mut record, document)
    })?;
    element.keep(&mut record.source)?;
    Ok(record)
}

fn kind(element: &mut Element) -> Result<SubjectKind, RejectReason> {
    let column = "subjectType";
    let mut kind = Err(RejectReason::Missing { column });
    element.each(column, |found| {
        let class = found.attribute("classificationCode");
        kind = match class {
            Some("P") => Ok(SubjectKind::Person),
            Some("E") => Ok(SubjectKind::Organisation),
            _ => Err(RejectReason::Vocabulary { column }),
        };
        // The code says the same in a word; another word than these says more, and is kept.
        if matches!(
            (class, found.attribute("code")),
            (Some("P"), Some("person")) | (Some("E"), Some("enterprise"))
        ) {
            found.take_attribute("code");
        }
        if kind.is_ok() {
            found.take_attribute("classificationCode");
        }
        Ok(())
    })?;
    kind
}

/// The act by which the subject is listed, and those that corrected it.
fn listed_by(record: &mut Record, regulation: &mut Element) -> Result<(), RejectReason> {
    if let Some(programme) = parts::take(regulation, "programme")? {
        add(&mut record.programmes, programme);
    }
    if let Some(act) = parts::take(regulation, "numberTitle")? {
        let mut basis = LegalBasis::new(act);
        basis.url = regulation
            .take_text("publicationUrl")
            .map(|url| crate::value::text("publicationUrl", &url))
            .transpose()?;
        basis.published = parts::take_date(regulation, "publicationDate")?;
        basis.in_force = parts::take_date(regulation, "entryIntoForceDate")?;
        add(&mut record.legal, basis);
    }
    regulation.each("corrigendum", |act| parts::cite_act(record, act))
}

fn named(record: &mut Record, alias: &mut Element) -> Result<(), RejectReason> {
    record.names.extend(parts::alias(alias)?);
    match alias.attribute("gender") {
        Some("M") => add(&mut record.genders, comity_watchlist::Gender::Male),
        Some("F") => add(&mut record.genders, comity_watchlist::Gender::Female),
        _ => {}
    }
    if matches!(alias.attribute("gender"), Some("M" | "F")) {
        alias.take_attribute("gender");
    }
    for (column, list) in [("function", &mut record.positions), ("title", &mut record.titles)] {
        if let Some(value) = parts::take(alias, column)? {
            add(list, value);
        }
    }
    parts::cite(record, alias)
}

/// The source marks no name as the one that the subject is listed under: the first strong one stands for it.
fn main_name(record: &mut Record) -> Result<(), RejectReason> {
    let strong = record.names.iter().position(|name| name.quality == Some(NameQuality::Good));
    match record.names.get_mut(strong.unwrap_or_default()) {
        Some(name) => {
            name.kind = NameKind::Primary;
            Ok(())
        }
        None => Err(RejectReason::Missing { column: "wholeName" }),
    }
}

/// A birth says when and where in one element.
fn born(record: &mut Record, birth: &mut Element) -> Result<(), RejectReason> {
    let date = parts::birth_date(birth)?;
    let place = parts::birth_place(birth)?;
    if let Some(date) = date {
        let mut fact = DatedFact::new(FactKind::Birth, date);
        fact.note = parts::note(birth)?;
        record.facts.push(fact);
    }
    if let Some(place) = place {
        add(&mut record.places, Place::new(PlaceKind::Birth, place));
    }
    parts::cite(record, birth)
}
