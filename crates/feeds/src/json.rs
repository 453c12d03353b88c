//! JSON as sources write it (RFC 8259): its text, its lines, and by which keys it is told.
//!
//! Depth is bounded by the parser (128). Not for: what a field means, which each source knows.

mod tree;

use std::fmt;

use comity_watchlist::Source;
use comity_watchlist::limits::EXTRAS_MAX;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};

pub(crate) use self::tree::{Json, OBJECT_BYTES_MAX, read};
use crate::error::{FeedError, RejectReason};
use crate::file::InputFile;
use crate::value;

/// The text of a file of JSON.
pub(crate) fn text<'a>(file: &InputFile<'a>) -> Result<&'a str, FeedError> {
    file.check()?;
    let bytes = file.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file.bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let ends: u64 = before.iter().map(|byte| u64::from(*byte == b'\n')).sum();
        FeedError::NotUtf8 { file: file.name.to_owned(), line: ends + 1 }
    })?;
    if text.trim_start().starts_with('{') {
        return Ok(text);
    }
    Err(FeedError::NoJson { file: file.name.to_owned() })
}

/// The lines that say anything, each with its number from 1.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    (1..)
        .zip(text.split('\n'))
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, line)| !line.is_empty())
}

/// What the parser says, less the line, which it counts within its text. It names no value: a value of this module has
/// no form that another could be expected for.
pub(crate) fn fault(error: &serde_json::Error) -> RejectReason {
    RejectReason::Json { said: said(error) }
}

/// What the parser says, with its column.
pub(crate) fn said(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let said = said.split_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    format!("{said} (column {})", error.column())
}

/// The keys of the first object of a text, as far as it can be read.
pub(crate) fn head(text: &str) -> Head {
    let mut head = Head::default();
    let mut values = serde_json::Deserializer::from_str(text);
    // What breaks off has said what it has said.
    drop(values.deserialize_map(HeadVisitor(&mut head)));
    head
}

/// What the first object of a text is told by.
#[derive(Debug, Default)]
pub(crate) struct Head {
    keys: Vec<String>,
    kind: Option<String>,
}

impl Head {
    /// Keys beyond which no object is asked: none of those told apart has as many.
    const KEYS_MAX: usize = 64;

    /// Whether it has all of these keys.
    pub(crate) fn has(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.keys.iter().any(|known| known == key))
    }

    /// Its `type`.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }
}

struct HeadVisitor<'a>(&'a mut Head);

impl<'de> Visitor<'de> for HeadVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let is_kind = key == "type";
            if self.0.keys.len() < Head::KEYS_MAX {
                self.0.keys.push(key);
            }
            if is_kind {
                self.0.kind = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Keeps a value of the source under a name.
pub(crate) fn keep(source: &mut Source, name: &str, said: &str) -> Result<(), RejectReason> {
    source.keep(&value::text("extra", name)?, value::prose("extra", said)?);
    // Each is searched among those before: what no record can hold is not gone on with.
    value::at_most("extra", source.extra.len(), EXTRAS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_told_by_its_first_keys_though_it_breaks_off() {
        let head = head("{\"type\":\"bundle\",\"objects\":[{\"a\":");
        assert!(head.has(&["type", "objects"]) && !head.has(&["a"]));
    }
}
