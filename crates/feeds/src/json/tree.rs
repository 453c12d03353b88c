//! A value of JSON in which nothing was lost in reading.
//!
//! A key that stands twice and a whole number that cannot be told exactly are refused, since one of two values or some
//! digits would be gone. Not for: what a field means, which each source knows.

use std::collections::HashSet;
use std::fmt;

use comity_watchlist::Source;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{fault, keep};
use crate::error::RejectReason;

/// Bytes of one line or object: a record of full sections, and as much again for names of fields and escapes.
pub(crate) const OBJECT_BYTES_MAX: usize = 1 << 20;

/// Whole numbers up to this are told exactly by the floating point numbers of the parser.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A number as it is written.
    Number(String),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Reads one line.
pub(crate) fn read(line: &str) -> Result<Json, RejectReason> {
    if line.len() > OBJECT_BYTES_MAX {
        return Err(super::too_long());
    }
    serde_json::from_str(line).map_err(|error| fault(&error))
}

impl Json {
    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The same for a reader of forms; a number stays a text.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(text) | Self::Text(text) => Value::String(text.clone()),
            Self::List(values) => values.iter().map(Self::to_value).collect(),
            Self::Object(fields) => {
                Value::Object(fields.iter().map(|(key, value)| (key.clone(), value.to_value())).collect())
            }
        }
    }

    /// The fields, if it is an object.
    pub(crate) fn into_fields(self) -> Option<Vec<(String, Self)>> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// Keeps every value in it under its path, keys parted by points; null says nothing.
    pub(crate) fn keep(&self, path: &str, source: &mut Source) -> Result<(), RejectReason> {
        let said = match self {
            Self::Null => return Ok(()),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.clone(),
            Self::Text(text) if text.trim().is_empty() => return Ok(()),
            Self::Text(text) => text.trim().to_owned(),
            Self::List(values) => return values.iter().try_for_each(|value| value.keep(path, source)),
            Self::Object(fields) => {
                return fields
                    .iter()
                    .try_for_each(|(key, value)| value.keep(&format!("{path}.{key}"), source));
            }
        };
        keep(source, path, &said)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        if value.abs() < EXACT_MAX {
            return Ok(Json::Number(value.to_string()));
        }
        Err(E::custom("a number is too large to be told exactly"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Json, S::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Json, M::Error> {
        let mut fields: Vec<(String, Json)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some((key, value)) = map.next_entry::<String, Json>()? {
            if !seen.insert(key.clone()) {
                return Err(M::Error::custom("a key stands twice in one object"));
            }
            fields.push((key, value));
        }
        Ok(Json::Object(fields))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> String {
        read(line).map_or_else(|reason| reason.to_string(), |value| format!("{value:?}"))
    }

    #[test]
    fn what_would_lose_a_value_is_refused_without_naming_it() {
        for (line, words) in [
            ("{\"a\":\"secret\",\"a\":1}", "a key stands twice in one object"),
            ("{\"a\":123456789012345678901234567890}", "too large to be told exactly"),
            ("{\"a\":1e999}", "number out of range"),
            ("{\"a\":\"\\ud800\"}", "hex escape"),
            ("{\"a\":\"b\0c\"}", "control character"),
            ("{\"a\":\"b", "EOF while parsing a string"),
            ("{\"a\":1} {}", "trailing characters"),
        ] {
            assert!(said(line).contains(words), "{line}: {}", said(line));
            assert!(!said(line).contains("secret"));
        }
        let deep = "[".repeat(1_000_000);
        assert!(
            said(&deep[..OBJECT_BYTES_MAX.min(deep.len())]).contains("recursion limit"),
            "{}",
            said(&deep[..200])
        );
        assert_eq!(
            read("[-1,0.5,true,null]").unwrap(),
            Json::List(vec![
                Json::Number("-1".to_owned()),
                Json::Number("0.5".to_owned()),
                Json::Bool(true),
                Json::Null,
            ])
        );
    }
}
