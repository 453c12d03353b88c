//! One entity: its schema, and its properties, each a set of texts.
//!
//! Not for: what a property means (`subject`, `beside`).

use std::collections::BTreeMap;

use super::words::{Ends, RELATIONS};
use crate::error::RejectReason;
use crate::json::{self, Json};
use crate::simple::kind_of;
use crate::value::at_most;

/// An entity as it is written. Properties are sets: their values are sorted, so that another order is no change.
#[derive(Clone, Debug)]
pub(super) struct Entity {
    pub(super) id: String,
    pub(super) schema: String,
    pub(super) caption: Option<String>,
    /// Whether it is listed, if that is said.
    pub(super) is_target: Option<bool>,
    pub(super) properties: BTreeMap<String, Vec<String>>,
    /// What stands beside the properties.
    pub(super) rest: Vec<(String, Json)>,
}

/// When an entity was seen, which is nothing of it.
const SEEN: [&str; 3] = ["first_seen", "last_seen", "last_change"];

/// Entities that may stand within one line; a line has 1 MiB.
const NESTED_MAX: usize = 5_000;

/// By which property an entity of a schema says whom it is about, where it stands within that one and does not say it.
const ABOUT: [(&str, &str); 3] =
    [("Sanction", "entity"), ("Passport", "holder"), ("Identification", "holder")];

impl Entity {
    /// Reads a line, or the entity within a change; gives the entities that stand within its properties as well.
    pub(super) fn read(line: &str, within: bool) -> Result<(Self, Vec<Self>), RejectReason> {
        let bad = |column| RejectReason::Vocabulary { column };
        let mut value = json::read(line)?;
        if within {
            let fields = value.into_fields().unwrap_or_default();
            let (mut rest, entity): (Vec<_>, Vec<_>) =
                fields.into_iter().partition(|(key, _)| key != "entity");
            rest.retain(|(key, _)| key != "op");
            if !rest.is_empty() {
                return Err(bad("op"));
            }
            value = entity
                .into_iter()
                .next()
                .map(|(_, entity)| entity)
                .ok_or(RejectReason::Missing { column: "entity" })?;
        }
        let mut nested = Vec::new();
        let entity = Self::of(value, &mut nested)?;
        Ok((entity, nested))
    }

    fn of(value: Json, nested: &mut Vec<Self>) -> Result<Self, RejectReason> {
        let bad = |column| RejectReason::Vocabulary { column };
        let mut entity = Self {
            id: String::new(),
            schema: String::new(),
            caption: None,
            is_target: None,
            properties: BTreeMap::new(),
            rest: Vec::new(),
        };
        let mut within = Vec::new();
        for (key, value) in value.into_fields().ok_or(bad("entity"))? {
            match (key.as_str(), value) {
                ("id", Json::Text(id)) => entity.id = id,
                ("schema", Json::Text(schema)) => entity.schema = schema,
                ("caption", Json::Text(caption)) => entity.caption = Some(caption.trim().to_owned()),
                ("target", Json::Bool(target)) => entity.is_target = Some(target),
                ("properties", Json::Object(properties)) => {
                    for (name, value) in properties {
                        let mut values = texts(value, &name, &mut within).ok_or(bad("properties"))?;
                        values.sort_unstable();
                        values.dedup();
                        entity.properties.insert(name, values);
                    }
                }
                ("id" | "schema" | "properties" | "target", _) => return Err(bad("entity")),
                (seen, _) if SEEN.contains(&seen) => {}
                (_, value) => entity.rest.push((key, value)),
            }
        }
        if entity.schema.is_empty() {
            return Err(RejectReason::Missing { column: "schema" });
        }
        for (name, value) in within {
            entity.take_within(&name, Self::of(value, nested)?, nested)?;
        }
        entity.properties.retain(|_, values| !values.is_empty());
        Ok(entity)
    }

    /// Puts an entity that stands within a property beside this one. Where it says by itself that it is about this one, the
    /// property says nothing more; else its id stands there, as in entities that do not stand within each other.
    fn take_within(
        &mut self,
        property: &str,
        mut other: Self,
        nested: &mut Vec<Self>,
    ) -> Result<(), RejectReason> {
        if other.id.is_empty() || self.id.is_empty() {
            return Err(RejectReason::Missing { column: "id" });
        }
        at_most("properties", nested.len() + 1, NESTED_MAX)?;
        if !other.properties.values().flatten().any(|value| *value == self.id) {
            if let Some((_, about)) = ABOUT.iter().find(|(schema, _)| *schema == other.schema) {
                other.properties.entry((*about).to_owned()).or_default().push(self.id.clone());
            } else {
                // The id of another must not be taken for a name or a date.
                let name = if leads(&self.schema, property) {
                    property.to_owned()
                } else {
                    format!("{property}.id")
                };
                let values = self.properties.entry(name).or_default();
                values.push(other.id.clone());
                values.sort_unstable();
                values.dedup();
            }
        }
        nested.push(other);
        Ok(())
    }

    /// Adds what another copy of the same entity says: one that stands deeper within others may say less.
    pub(super) fn join(&mut self, other: Self) {
        for (name, more) in other.properties {
            let values = self.properties.entry(name).or_default();
            values.extend(more);
            values.sort_unstable();
            values.dedup();
        }
        self.caption = self.caption.take().or(other.caption);
    }

    /// Its data set, if it has one alone.
    pub(super) fn dataset(&self) -> Option<&str> {
        match self.rest.iter().find(|(key, _)| key == "datasets") {
            Some((_, Json::List(names))) => match names.as_slice() {
                [Json::Text(name)] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// Takes the values of a property.
    pub(super) fn take(&mut self, name: &str) -> Vec<String> {
        self.properties.remove(name).unwrap_or_default()
    }

    /// Takes the first value of a property; the others stay.
    pub(super) fn first(&mut self, name: &str) -> Option<String> {
        let values = self.properties.get_mut(name)?;
        let first = (!values.is_empty()).then(|| values.remove(0))?;
        if values.is_empty() {
            self.properties.remove(name);
        }
        Some(first)
    }

    /// Whether it is a sanction that has no effect until it is resumed, as `comity export ftm` says it.
    pub(super) fn is_suspended(&self) -> bool {
        let status = self.properties.get("status").map(Vec::as_slice);
        self.schema == "Sanction" && status.is_some_and(|status| status == ["suspended"])
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        let names = self.properties.get("name").and_then(|names| names.first());
        self.caption.as_deref().or(names.map(String::as_str)).unwrap_or(&self.id)
    }
}

/// Whether a property of a schema may be the id of another entity: those that are read as such, and all of entities of which
/// no property is read.
fn leads(schema: &str, property: &str) -> bool {
    let is_end = |ends: &Ends| [ends.one.0, ends.other.0].contains(&property);
    let is_read = kind_of(schema).is_some()
        || schema == "Address"
        || ABOUT.iter().any(|(read, _)| *read == schema)
        || RELATIONS.iter().any(|ends| ends.schema == schema);
    !is_read || property == "addressEntity" || RELATIONS.iter().any(is_end)
}

/// The texts of a property: of a list, or one alone. Entities that stand there go to those `within`, with its name.
fn texts(value: Json, name: &str, within: &mut Vec<(String, Json)>) -> Option<Vec<String>> {
    let values = match value {
        Json::List(values) => values,
        value => vec![value],
    };
    let mut texts = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Json::Text(text) => texts.push(text.trim().to_owned()),
            Json::Number(number) => texts.push(number),
            Json::Bool(value) => texts.push(value.to_string()),
            Json::Null => {}
            entity @ Json::Object(_) => within.push((name.to_owned(), entity)),
            Json::List(_) => return None,
        }
    }
    texts.retain(|text| !text.is_empty());
    Some(texts)
}
