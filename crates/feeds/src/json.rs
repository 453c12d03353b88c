//! JSON as sources write it (RFC 8259): its text, its lines, and by which keys it is told.
//!
//! Depth is bounded by the parser (128). Not for: what a field means, which each source knows.

mod bounded;
mod tree;

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead as _;
use std::str::Utf8Error;

use comity_watchlist::Source;
use comity_watchlist::limits::EXTRAS_MAX;
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use self::bounded::Bounded;
pub(crate) use self::tree::{Json, OBJECT_BYTES_MAX, read};
use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::stream::{self, Characters, Lines, MARK, Stream};
use crate::value;

/// Refuses what begins as no object of JSON.
pub(crate) fn check(file: &InputFile<'_>) -> Result<(), FeedError> {
    file.check()?;
    let mut stream = Stream::of(file, Encoding::Utf8, Characters::Any);
    let mut first = None;
    while let Ok(piece) = stream.fill_buf() {
        let len = piece.len();
        first = std::str::from_utf8(piece).unwrap_or_default().trim_start().chars().next();
        if first.is_some() || len == 0 {
            break;
        }
        stream.consume(len);
    }
    stream.check(file.name)?;
    if first == Some('{') { Ok(()) } else { Err(FeedError::NoJson { file: file.name.to_owned() }) }
}

/// The whole text of a file of JSON, for a format of which each part may say something of any other.
pub(crate) fn text<'a>(file: &InputFile<'a>) -> Result<Cow<'a, str>, FeedError> {
    let not_utf8 = |bytes: &[u8], error: Utf8Error| {
        let line = stream::lines(bytes.get(..error.valid_up_to()).unwrap_or_default()) + 1;
        FeedError::NotUtf8 { file: file.name.to_owned(), line }
    };
    let text = match file.load()? {
        Cow::Borrowed(bytes) => {
            let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
            Cow::Borrowed(std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error))?)
        }
        Cow::Owned(mut bytes) => {
            if bytes.starts_with(MARK) {
                bytes.drain(..MARK.len());
            }
            let text = String::from_utf8(bytes);
            Cow::Owned(text.map_err(|error| not_utf8(error.as_bytes(), error.utf8_error()))?)
        }
    };
    if text.trim_start().starts_with('{') {
        return Ok(text);
    }
    Err(FeedError::NoJson { file: file.name.to_owned() })
}

/// The lines of a text in memory that say anything, each with its number from 1.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    (1..)
        .zip(text.split('\n'))
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, line)| !line.is_empty())
}

/// The lines of a file from the beginning.
pub(crate) fn lines_of<'a>(file: &InputFile<'a>) -> Lines<'a> {
    Lines::of(Stream::of(file, Encoding::Utf8, Characters::Any))
}

/// Why a line or an object that is too long is left out.
pub(crate) fn too_long() -> RejectReason {
    RejectReason::Json { said: format!("it has more than {OBJECT_BYTES_MAX} bytes") }
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

/// The same of a file, of which no text of its outermost object is held that is longer than an object may be.
pub(crate) fn head_of(file: &InputFile<'_>) -> Head {
    let stream = Stream::of(file, Encoding::Utf8, Characters::Any);
    head(serde_json::de::IoRead::new(Bounded::of(stream, OBJECT_BYTES_MAX)))
}

/// The keys of the first object of a text, as far as it can be read.
pub(crate) fn head<'de>(text: impl serde_json::de::Read<'de>) -> Head {
    let mut head = Head::default();
    let mut values = serde_json::Deserializer::new(text);
    // What breaks off has said what it has said.
    let read = values.deserialize_map(HeadVisitor(&mut head)).and_then(|()| values.end());
    head.is_whole = read.is_ok();
    head
}

/// What the first object of a text is told by.
#[derive(Debug, Default)]
pub(crate) struct Head {
    keys: Vec<String>,
    kind: Option<String>,
    /// Whether it was read to the end of the text, which is JSON then.
    pub(crate) is_whole: bool,
}

impl Head {
    /// Keys beyond which no object is asked: none of those told apart has as many.
    const KEYS_MAX: usize = 64;

    /// Bytes of a key, or of the word for what an object is, beyond which it is none of those told apart and not held.
    const WORD_BYTES_MAX: usize = 64;

    /// Whether it has all of these keys.
    pub(crate) fn has(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.keys.iter().any(|known| known == key))
    }

    /// Whether it is a bundle of STIX, or an envelope of TAXII.
    pub(crate) fn is_bundle(&self) -> bool {
        self.kind.as_deref() == Some("bundle") || self.is_envelope()
    }

    /// Whether it is an envelope of TAXII 2.1 (§3.7), a page of the objects of a collection: it has no type, so that it must
    /// have what an envelope has and nothing else.
    pub(crate) fn is_envelope(&self) -> bool {
        let known = |key: &String| matches!(key.as_str(), "more" | "next" | "objects");
        self.has(&["objects"]) && self.keys.iter().all(known)
    }
}

struct HeadVisitor<'a>(&'a mut Head);

impl<'de> Visitor<'de> for HeadVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key_seed(Word)? {
            let is_kind = key.as_deref() == Some("type");
            if self.0.keys.len() < Head::KEYS_MAX {
                // One that is too long is a key all the same, of which nothing is asked.
                self.0.keys.push(key.unwrap_or_default());
            }
            if is_kind {
                self.0.kind = map.next_value_seed(Word)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A text of no more than a few bytes; `None` for a longer one.
struct Word;

impl<'de> DeserializeSeed<'de> for Word {
    type Value = Option<String>;

    fn deserialize<D: serde::Deserializer<'de>>(self, text: D) -> Result<Self::Value, D::Error> {
        text.deserialize_str(self)
    }
}

impl Visitor<'_> for Word {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((text.len() <= Head::WORD_BYTES_MAX).then(|| text.to_owned()))
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
    use serde_json::de::StrRead;

    use super::*;

    #[test]
    fn an_object_is_told_by_its_first_keys_though_it_breaks_off() {
        let head = head(StrRead::new("{\"type\":\"bundle\",\"objects\":[{\"a\":"));
        assert!(head.has(&["type", "objects"]) && !head.has(&["a"]));
    }

    #[test]
    fn of_a_key_that_is_no_word_nothing_is_held() {
        let long = "k".repeat(Head::WORD_BYTES_MAX + 1);
        let head = head(StrRead::new(&format!("{{\"{long}\":1,\"type\":\"{long}\",\"objects\":[]}}")));
        assert!(head.is_whole && head.has(&["", "type", "objects"]) && !head.has(&[&long]));
        assert_eq!(head.kind, None);
    }
}
