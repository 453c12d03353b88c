//! One entity: its schema, and its properties, each a set of texts.
//!
//! Not for: what a property means (`subject`, `beside`).

use std::collections::BTreeMap;

use crate::error::RejectReason;
use crate::json::{self, Json};

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

impl Entity {
    /// Reads a line, or the entity within a change.
    pub(super) fn read(line: &str, within: bool) -> Result<Self, RejectReason> {
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
        let mut entity = Self {
            id: String::new(),
            schema: String::new(),
            caption: None,
            is_target: None,
            properties: BTreeMap::new(),
            rest: Vec::new(),
        };
        for (key, value) in value.into_fields().ok_or(bad("entity"))? {
            match (key.as_str(), value) {
                ("id", Json::Text(id)) => entity.id = id,
                ("schema", Json::Text(schema)) => entity.schema = schema,
                ("caption", Json::Text(caption)) => entity.caption = Some(caption.trim().to_owned()),
                ("target", Json::Bool(target)) => entity.is_target = Some(target),
                ("properties", Json::Object(properties)) => {
                    for (name, value) in properties {
                        let mut values = texts(value).ok_or(bad("properties"))?;
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
        Ok(entity)
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

/// The texts of a property: of a list, or one alone. What stands within another entity is not read.
fn texts(value: Json) -> Option<Vec<String>> {
    let one = |value| match value {
        Json::Text(text) => Some(text.trim().to_owned()),
        Json::Number(number) => Some(number),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null => Some(String::new()),
        Json::List(_) | Json::Object(_) => None,
    };
    let mut texts = match value {
        Json::List(values) => values.into_iter().map(one).collect::<Option<Vec<_>>>()?,
        value => vec![one(value)?],
    };
    texts.retain(|text| !text.is_empty());
    Some(texts)
}
