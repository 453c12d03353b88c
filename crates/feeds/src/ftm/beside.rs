//! What stands beside the subjects: sanctions, addresses, documents, relations, and whatever else points at them.
//!
//! Each is cloned for every subject that it is about, and what is taken of it there is gone from that clone alone; the
//! rest is kept. Not for: the subject's own properties (`subject`).

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use comity_watchlist::limits::{MEASURES_MAX, PROGRAMMES_MAX, REASONS_MAX};
use comity_watchlist::{
    Address, FuzzyDate, IdKind, Identifier, Link, LinkTarget, ListId, Measure, Record, RecordKey, Reference,
    Relation, Span,
};

use super::entity::Entity;
use super::words::{Ends, RELATIONS};
use crate::error::RejectReason;
use crate::json::keep;
use crate::simple::{country, kind_of};
use crate::value::{add, at_most, date, prose, text};

/// Values of one entity beside a subject; the most that a real one has is below 50.
const VALUES_MAX: usize = 500;
/// Entities that are about one subject: as many as a record can have links and sanctions, and as many again.
const ABOUT_MAX: usize = 2_000;

/// Entities by their ids, and which of them are about which subject.
#[derive(Default)]
pub(super) struct Graph<'a> {
    list: Option<&'a ListId>,
    listed: HashSet<String>,
    others: HashMap<String, Entity>,
    about: HashMap<String, Vec<String>>,
}

impl Graph<'static> {
    /// Takes an entity that is no listed subject, unless it has more values than any has: each subject that it is about
    /// gets them all.
    pub(super) fn put(&mut self, entity: Entity) -> Result<(), RejectReason> {
        if kind_of(&entity.schema).is_none() {
            at_most("properties", entity.properties.values().map(Vec::len).sum(), VALUES_MAX)?;
        }
        match self.others.entry(entity.id.clone()) {
            Entry::Occupied(mut known) => known.get_mut().join(entity),
            Entry::Vacant(free) => {
                free.insert(entity);
            }
        }
        Ok(())
    }

    /// Notes that a subject is listed.
    pub(super) fn list(&mut self, id: &str) {
        self.listed.insert(id.to_owned());
    }

    /// Finds what is about whom, once all is there; in an order that is the same whatever that of the lines.
    pub(super) fn join(&mut self) {
        for entity in self.others.values() {
            let ids: HashSet<&String> =
                entity.properties.values().flatten().filter(|value| self.listed.contains(*value)).collect();
            for id in ids {
                self.about.entry(id.clone()).or_default().push(entity.id.clone());
            }
        }
        let others = &self.others;
        let schema = |id: &String| others.get(id).map(|entity| entity.schema.clone());
        for ids in self.about.values_mut() {
            ids.sort_by_cached_key(|id| (schema(id), id.clone()));
        }
    }

    /// The same with the list of the subjects.
    pub(super) fn on(self, list: &ListId) -> Graph<'_> {
        Graph { list: Some(list), listed: self.listed, others: self.others, about: self.about }
    }
}

impl Graph<'_> {
    /// All that points at a subject.
    pub(super) fn about(&self, id: &str) -> Result<impl Iterator<Item = Entity>, RejectReason> {
        let ids = self.about.get(id).map(Vec::as_slice).unwrap_or_default();
        at_most("entities", ids.len(), ABOUT_MAX)?;
        Ok(ids.iter().filter_map(|id| self.others.get(id)).cloned())
    }

    /// An address by its id.
    pub(super) fn address(&self, id: &str) -> Option<Entity> {
        self.others.get(id).filter(|entity| entity.schema == "Address").cloned()
    }

    /// The other end of a relation: the key of a listed subject, or the name of whoever else it is.
    fn target(&self, id: &str) -> Result<(LinkTarget, bool), RejectReason> {
        let key = self
            .list
            .filter(|_| self.listed.contains(id))
            .and_then(|list| Some(RecordKey::new(list.clone(), Reference::parse(id).ok()?)));
        if let Some(key) = key {
            return Ok((LinkTarget::Key(key), true));
        }
        let name = self.others.get(id).map_or(id, Entity::name);
        Ok((LinkTarget::Named(text("name", name)?), false))
    }

    /// Enters something that points at a subject.
    pub(super) fn enter(
        &self,
        record: &mut Record,
        id: &str,
        mut entity: Entity,
    ) -> Result<(), RejectReason> {
        keep(&mut record.source, &format!("{}.id", entity.schema), &entity.id)?;
        match entity.schema.as_str() {
            "Sanction" => sanction(record, id, &mut entity)?,
            "Passport" | "Identification" => document(record, id, &mut entity)?,
            schema => {
                if let Some(ends) = RELATIONS.iter().find(|ends| ends.schema == schema) {
                    self.relation(record, id, ends, &mut entity)?;
                }
            }
        }
        rest(record, &entity)
    }

    fn relation(
        &self,
        record: &mut Record,
        id: &str,
        ends: &Ends,
        entity: &mut Entity,
    ) -> Result<(), RejectReason> {
        let is_one = entity.properties.get(ends.one.0).is_some_and(|ids| ids.iter().any(|one| one == id));
        let (own, other): ((_, Relation), _) =
            if is_one { (ends.one, ends.other) } else { (ends.other, ends.one) };
        let others = entity.take(other.0);
        remove(entity, own.0, id);
        let label = entity.first("role").or_else(|| entity.first("relationship"));
        let (share, from, to) =
            (entity.first("percentage"), entity.first("startDate"), entity.first("endDate"));
        for other_id in others {
            let (target, is_key) = self.target(&other_id)?;
            if !is_key {
                keep(&mut record.source, &format!("{}.{}", ends.schema, other.0), &other_id)?;
            }
            let mut link = Link::new(own.1, target);
            link.label = label.as_deref().map(|label| text("role", label)).transpose()?;
            link.share = share.as_deref().map(|share| text("percentage", share)).transpose()?;
            link.from = from.as_deref().map(|from| date("startDate", from)).transpose()?;
            link.to = to.as_deref().map(|to| date("endDate", to)).transpose()?;
            record.links.push(link);
        }
        Ok(())
    }
}

/// Programmes, measures, reasons and days of a sanction; of several days the first, and all are kept.
fn sanction(record: &mut Record, id: &str, entity: &mut Entity) -> Result<(), RejectReason> {
    remove(entity, "entity", id);
    for programme in entity.take("program") {
        add(&mut record.programmes, text("program", &programme)?);
    }
    for provision in entity.take("provisions") {
        add(&mut record.measures, Measure::new(prose("provisions", &provision)?));
    }
    for reason in entity.take("reason") {
        add(&mut record.reasons_public, prose("reason", &reason)?);
    }
    for (name, day) in [("listingDate", &mut record.listed_on), ("startDate", &mut record.effective_on)] {
        let Some(first) = entity.properties.get(name).and_then(|days| days.first()) else { continue };
        let read = date(name, first)?;
        if day.as_ref().is_none_or(|known| is_before(&read, known)) {
            *day = Some(read);
        }
    }
    // What no record can hold is not gone on with: each value is searched among those before.
    at_most("programmes", record.programmes.len(), PROGRAMMES_MAX)?;
    at_most("measures", record.measures.len(), MEASURES_MAX)?;
    at_most("reasons", record.reasons_public.len(), REASONS_MAX)
}

/// Whether a day lies before another one; what is no day lies behind all.
fn is_before(day: &FuzzyDate, other: &FuzzyDate) -> bool {
    match (day.span, other.span) {
        (Some(Span::On(day)), Some(Span::On(other))) => day < other,
        (Some(_), None) => true,
        _ => false,
    }
}

fn document(record: &mut Record, id: &str, entity: &mut Entity) -> Result<(), RejectReason> {
    remove(entity, "holder", id);
    let Some(number) = entity.first("number") else { return Ok(()) };
    let kind = entity.first("type");
    let word = kind.as_deref().and_then(IdKind::from_word);
    let of_schema = if entity.schema == "Passport" { IdKind::Passport } else { IdKind::Other };
    let mut identifier = Identifier::new(word.unwrap_or(of_schema), text("number", &number)?);
    identifier.label = kind.filter(|_| word.is_none()).map(|kind| text("type", &kind)).transpose()?;
    identifier.country = entity.first("country").map(|code| country("country", &code)).transpose()?;
    identifier.issuer = entity.first("authority").map(|by| text("authority", &by)).transpose()?;
    identifier.issued = entity.first("startDate").map(|day| date("startDate", &day)).transpose()?;
    identifier.expires = entity.first("endDate").map(|day| date("endDate", &day)).transpose()?;
    record.identifiers.push(identifier);
    Ok(())
}

/// Enters an address of its own; its id is the row.
pub(super) fn address(record: &mut Record, mut entity: Entity) -> Result<(), RejectReason> {
    let mut address = Address::default();
    address.row = Some(text("id", &entity.id)?);
    for (name, field) in [
        ("full", &mut address.verbatim),
        ("street", &mut address.street),
        ("city", &mut address.city),
        ("region", &mut address.region),
        ("postalCode", &mut address.postal_code),
        ("remarks", &mut address.note),
    ] {
        *field = entity.first(name).map(|value| text(name, &value)).transpose()?;
    }
    address.country = entity.first("country").map(|code| country("country", &code)).transpose()?;
    record.addresses.push(address);
    rest(record, &entity)
}

/// Keeps what was not taken of an entity.
fn rest(record: &mut Record, entity: &Entity) -> Result<(), RejectReason> {
    for (name, values) in &entity.properties {
        for value in values {
            keep(&mut record.source, &format!("{}.{name}", entity.schema), value)?;
        }
    }
    Ok(())
}

/// Takes the subject itself out of a property that points at it.
fn remove(entity: &mut Entity, name: &str, id: &str) {
    if let Some(values) = entity.properties.get_mut(name) {
        values.retain(|value| value != id);
    }
}
