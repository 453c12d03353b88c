//! A target of the Swiss list, from its element.
//!
//! Not for: its names (`names`), dates and documents (`parts`), and the programmes and places that it names by number (`context`).

use comity_watchlist::{
    Address, CountryTie, DatedFact, FactKind, Gender, IdKind, Identifier, Link, LinkTarget, NameKind, Place,
    PlaceKind, Record, RecordKey, Reference, Relation, SubjectKind, Tie,
};

use crate::error::RejectReason;
use crate::seco::context::Context;
use crate::seco::{names, parts};
use crate::value::{date, prose, text};
use crate::xml::Element;

pub(super) fn record(
    key: RecordKey,
    context: &Context,
    mut element: Element,
) -> Result<Record, RejectReason> {
    let mut found = Vec::new();
    for (name, kind) in [
        ("individual", SubjectKind::Person),
        ("entity", SubjectKind::Organisation),
        ("object", SubjectKind::Good),
    ] {
        found.extend(element.take_all(name).into_iter().map(|body| (kind, body)));
    }
    let column = "individual";
    let Some((kind, mut body)) = found.pop() else { return Err(RejectReason::Missing { column }) };
    if !found.is_empty() {
        return Err(RejectReason::Vocabulary { column });
    }
    let kind = if kind == SubjectKind::Good { kind_of_object(&mut body) } else { kind };
    let mut record = Record::new(key, kind);
    for mut set in element.take_all("sanctions-set-id") {
        if let Some(id) = set.take_own_text() {
            context.order(&mut record, &id)?;
        }
    }
    element.each("foreign-identifier", |identifier| {
        if let Some(value) = parts::own_text(identifier, "foreign-identifier")? {
            let mut identifier = Identifier::new(IdKind::CaseFile, value);
            identifier.label = Some(text("foreign-identifier", "foreign identifier")?);
            record.identifiers.push(identifier);
        }
        Ok(())
    })?;
    about(&mut record, context, &mut body)?;
    if record.names.is_empty() {
        return Err(RejectReason::Missing { column: "name" });
    }
    element.put_back(body);
    element.each("modification", |modification| modified(&mut record, modification))?;
    element.keep(&mut record.source)?;
    Ok(record)
}

fn kind_of_object(body: &mut Element) -> SubjectKind {
    let kind = match body.attribute("object-type") {
        Some("vessel") => SubjectKind::Vessel,
        Some("aircraft") => SubjectKind::Aircraft,
        _ => return SubjectKind::Good,
    };
    body.take_attribute("object-type");
    kind
}

fn about(record: &mut Record, context: &Context, body: &mut Element) -> Result<(), RejectReason> {
    let gender = match body.attribute("sex") {
        Some("male") => Some(Gender::Male),
        Some("female") => Some(Gender::Female),
        _ => None,
    };
    if gender.is_some() {
        body.take_attribute("sex");
        record.genders.extend(gender);
    }
    body.each("identity", |identity| identified(record, context, identity))?;
    for column in ["justification", "other-information"] {
        body.each(column, |reason| {
            if let Some(words) = reason.take_own_text() {
                record.reasons_public.push(prose(column, &words)?);
            }
            Ok(())
        })?;
    }
    body.each("relation", |relation| {
        let column = "target-id";
        if let Some(target) = relation.take_attribute(column) {
            let target = Reference::parse(&target).map_err(|source| RejectReason::Key { column, source })?;
            let target = LinkTarget::Key(RecordKey::new(record.key.list.clone(), target));
            let mut link = Link::new(Relation::Linked, target);
            let label = relation.take_attribute("relation-type");
            link.label = label.map(|label| text("relation-type", &label)).transpose()?;
            record.links.push(link);
        }
        Ok(())
    })
}

/// An identity: what the target is known as, with births, addresses and documents under these names.
fn identified(record: &mut Record, context: &Context, identity: &mut Element) -> Result<(), RejectReason> {
    let main = identity.attribute("main") == Some("true");
    if matches!(identity.attribute("main"), Some("true" | "false")) {
        identity.take_attribute("main");
    }
    identity.each("name", |name| {
        for mut name in names::read(name, main)? {
            let known = record.names.iter().any(|known| known.kind == NameKind::Primary);
            // A record has one main name.
            if name.kind == NameKind::Primary && known {
                name.kind = NameKind::Aka;
            }
            record.names.push(name);
        }
        Ok(())
    })?;
    identity.each("nationality", |nationality| {
        nationality.each("country", |country| {
            if let Some(country) = parts::country(country)? {
                record.ties.push(CountryTie::new(Tie::Nationality, country));
            }
            Ok(())
        })
    })?;
    let (fact, place) = match record.kind {
        SubjectKind::Person => (FactKind::Birth, PlaceKind::Birth),
        _ => (FactKind::Founded, PlaceKind::Founded),
    };
    identity.each("day-month-year", |day| {
        record.facts.extend(parts::day(day)?.map(|date| DatedFact::new(fact, date)));
        Ok(())
    })?;
    identity.each("place-of-birth", |birth| {
        let mut address = Address::default();
        if let Some(id) = birth.attribute("place-id") {
            context.locate(&mut address, id)?;
            context.keep_spellings(record, id)?;
        }
        if !address.is_empty() {
            record.places.push(Place::new(place, address));
        }
        Ok(())
    })?;
    identity.each("address", |address| {
        if let Some(id) = address.attribute("place-id") {
            context.keep_spellings(record, id)?;
        }
        record.addresses.extend(parts::address(context, address)?);
        Ok(())
    })?;
    identity.each("identification-document", |document| {
        record.identifiers.extend(parts::document(document)?);
        Ok(())
    })
}

/// A step in the history of the listing. What it copies of states before and after is left out: the target tells the
/// present state, and this log the earlier ones.
fn modified(record: &mut Record, modification: &mut Element) -> Result<(), RejectReason> {
    modification.take_all("added");
    modification.take_all("removed");
    let column = "effective-date";
    let listed = match modification.attribute("modification-type") {
        Some("listed") => true,
        Some("amended" | "de-listed") => false,
        _ => return Ok(()),
    };
    let ended = modification.attribute("modification-type") == Some("de-listed");
    // The newest listing stands first; the days of others and of ends are kept.
    if ended || (listed && record.listed_on.is_some()) {
        return Ok(());
    }
    modification.take_attribute("modification-type");
    let Some(day) = modification.take_attribute(column) else { return Ok(()) };
    let day = date(column, &day)?;
    if listed {
        record.listed_on = Some(day);
    } else {
        record.updated_on.push(day);
    }
    Ok(())
}
