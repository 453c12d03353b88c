//! Deterministic CBOR (RFC 8949 §4.2.1) for every payload that is hashed: a small value model and a strict reader.
//!
//! Maps have unsigned integer keys only; floats, tags, text keys and `undefined` do not exist here. A reader takes
//! the keys it knows out of [`Fields`] and keeps the rest, so that a newer author's keys survive a round trip.
//! Not for: what the keys mean, which lives with each payload (`Record` and `Change` here, handling in `policy`).

use minicbor::data::{Int, Type};
use minicbor::{Decoder, Encoder};
use thiserror::Error;

pub use crate::limits::SECTION_BYTES_MAX as BYTES_MAX;

#[cfg(test)]
mod tests;

/// Nesting of arrays and maps. The deepest payload we write has 6 levels; the reader recurses once a level.
pub const DEPTH_MAX: usize = 16;

/// Most items that room is made for before they are read: what a head claims costs nothing until it is there.
const ROOM_ITEMS_MAX: usize = 32;

/// One CBOR data item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An unsigned integer.
    Unsigned(u64),
    /// The negative integer `-1 - n`.
    Negative(u64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// A map with unsigned keys.
    Map(Fields),
    /// A truth value.
    Bool(bool),
    /// Null.
    Null,
}

/// A map with unsigned integer keys, in ascending order.
///
/// Kept as a sorted list: maps here have some ten keys, and are read, taken apart once, and dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(u64, Value)>);

/// Why bytes are not the deterministic CBOR that we accept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CborError {
    /// The input is longer than [`BYTES_MAX`].
    #[error("cbor input of {len} bytes is longer than {BYTES_MAX}")]
    TooLong {
        /// Length of the input in bytes.
        len: usize,
    },
    /// The bytes are not well-formed CBOR.
    #[error("malformed cbor at byte {at}")]
    Malformed {
        /// Position in the input.
        at: usize,
        /// What the reader found.
        #[source]
        source: CborSyntax,
    },
    /// Well-formed, but not the shortest and only form of its value.
    #[error("cbor at byte {at} is not in deterministic form")]
    NotDeterministic {
        /// Position in the input.
        at: usize,
    },
    /// An item that our payloads do not use: a float, a tag, `undefined`, a map key that is not unsigned.
    #[error("cbor at byte {at} holds an item that is not allowed here")]
    Forbidden {
        /// Position in the input.
        at: usize,
    },
    /// Arrays and maps nested deeper than [`DEPTH_MAX`].
    #[error("cbor at byte {at} is nested deeper than {DEPTH_MAX}")]
    TooDeep {
        /// Position in the input.
        at: usize,
    },
    /// Bytes follow the item.
    #[error("{count} bytes follow the cbor item")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// A key holds another type than its meaning asks for.
    #[error("cbor key {key} is not {expected}")]
    WrongType {
        /// The key.
        key: u64,
        /// The type it should have.
        expected: &'static str,
    },
}

/// What the CBOR reader found; wrapped so that the reader's own type is not part of our interface.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct CborSyntax(String);

impl Value {
    /// Encodes the value in its only form.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "writing to a Vec has the error type Infallible"
    )]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        write(&mut encoder, self).expect("a Vec takes every byte");
        encoder.into_writer()
    }

    /// Reads exactly one value.
    ///
    /// # Errors
    /// [`CborError`] if the bytes are too long, malformed, not deterministic, too deep, or followed by others.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        if bytes.len() > BYTES_MAX {
            return Err(CborError::TooLong { len: bytes.len() });
        }
        let mut decoder = Decoder::new(bytes);
        let value = read(&mut decoder, 0)?;
        match bytes.len().saturating_sub(decoder.position()) {
            0 => Ok(value),
            count => Err(CborError::Trailing { count }),
        }
    }
}

impl Fields {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// True if no key is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys are set.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The keys and values in ascending order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Value)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    /// The value of a key.
    pub fn get(&self, key: u64) -> Option<&Value> {
        let place = self.place(key).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// Sets a key; an earlier value is replaced.
    pub fn put(&mut self, key: u64, value: Value) {
        match self.place(key) {
            Ok(place) => {
                if let Some((_, held)) = self.0.get_mut(place) {
                    *held = value;
                }
            }
            Err(place) => self.0.insert(place, (key, value)),
        }
    }

    /// Where a key is, or where it would be.
    fn place(&self, key: u64) -> Result<usize, usize> {
        // Most maps are filled in order.
        match self.0.last() {
            Some((last, _)) if *last >= key => self.0.binary_search_by_key(&key, |(key, _)| *key),
            _ => Err(self.0.len()),
        }
    }

    /// Sets a key to an unsigned integer.
    pub fn put_unsigned(&mut self, key: u64, value: u64) {
        self.put(key, Value::Unsigned(value));
    }

    /// Sets a key to a text.
    pub fn put_text(&mut self, key: u64, value: impl Into<String>) {
        self.put(key, Value::Text(value.into()));
    }

    /// Sets a key to a byte string.
    pub fn put_bytes(&mut self, key: u64, value: impl Into<Vec<u8>>) {
        self.put(key, Value::Bytes(value.into()));
    }

    /// Removes and returns the value of a key.
    pub fn take(&mut self, key: u64) -> Option<Value> {
        let place = self.place(key).ok()?;
        let (_, value) = self.0.remove(place);
        if self.0.is_empty() {
            // What remains of a map stays with the value that was read from it, mostly nothing and for long.
            self.0 = Vec::new();
        }
        Some(value)
    }

    /// Removes and returns an unsigned integer.
    ///
    /// # Errors
    /// [`CborError::WrongType`] if the key holds anything else.
    pub fn take_unsigned(&mut self, key: u64) -> Result<Option<u64>, CborError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Unsigned(n)) => Ok(Some(n)),
            Some(_) => Err(CborError::WrongType { key, expected: "an unsigned integer" }),
        }
    }

    /// Removes and returns a text.
    ///
    /// # Errors
    /// [`CborError::WrongType`] if the key holds anything else.
    pub fn take_text(&mut self, key: u64) -> Result<Option<String>, CborError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(CborError::WrongType { key, expected: "a text" }),
        }
    }

    /// Removes and returns a byte string.
    ///
    /// # Errors
    /// [`CborError::WrongType`] if the key holds anything else.
    pub fn take_bytes(&mut self, key: u64) -> Result<Option<Vec<u8>>, CborError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Some(_) => Err(CborError::WrongType { key, expected: "a byte string" }),
        }
    }

    /// Removes and returns a truth value.
    ///
    /// # Errors
    /// [`CborError::WrongType`] if the key holds anything else.
    pub fn take_bool(&mut self, key: u64) -> Result<Option<bool>, CborError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(truth)),
            Some(_) => Err(CborError::WrongType { key, expected: "a truth value" }),
        }
    }

    /// Removes and returns an array.
    ///
    /// # Errors
    /// [`CborError::WrongType`] if the key holds anything else.
    pub fn take_array(&mut self, key: u64) -> Result<Option<Vec<Value>>, CborError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(CborError::WrongType { key, expected: "an array" }),
        }
    }

    /// Removes and returns a map.
    ///
    /// # Errors
    /// [`CborError::WrongType`] if the key holds anything else.
    pub fn take_fields(&mut self, key: u64) -> Result<Option<Self>, CborError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Map(fields)) => Ok(Some(fields)),
            Some(_) => Err(CborError::WrongType { key, expected: "a map" }),
        }
    }

    /// Encodes the map in its only form.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "writing to a Vec has the error type Infallible"
    )]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        write_map(&mut encoder, self).expect("a Vec takes every byte");
        encoder.into_writer()
    }

    /// Reads exactly one map.
    ///
    /// # Errors
    /// As [`Value::decode`]; [`CborError::Forbidden`] if the item is not a map.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        match Value::decode(bytes)? {
            Value::Map(fields) => Ok(fields),
            _ => Err(CborError::Forbidden { at: 0 }),
        }
    }
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write(encoder: &mut Encoder<Vec<u8>>, value: &Value) -> Written {
    match value {
        Value::Unsigned(n) => encoder.u64(*n)?.ok(),
        Value::Negative(n) => {
            let int = Int::try_from(-1 - i128::from(*n)).map_err(minicbor::encode::Error::message)?;
            encoder.int(int)?.ok()
        }
        Value::Bytes(bytes) => encoder.bytes(bytes)?.ok(),
        Value::Text(text) => encoder.str(text)?.ok(),
        Value::Array(items) => {
            encoder.array(count(items.len()))?;
            items.iter().try_for_each(|item| write(encoder, item))
        }
        Value::Map(fields) => write_map(encoder, fields),
        Value::Bool(truth) => encoder.bool(*truth)?.ok(),
        Value::Null => encoder.null()?.ok(),
    }
}

fn write_map(encoder: &mut Encoder<Vec<u8>>, fields: &Fields) -> Written {
    // RFC 8949 §4.2.1: keys sorted by their encoding, which for unsigned integers is numeric order.
    encoder.map(count(fields.len()))?;
    fields.0.iter().try_for_each(|(key, item)| {
        encoder.u64(*key)?;
        write(encoder, item)
    })
}

fn read(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, CborError> {
    let at = decoder.position();
    if depth > DEPTH_MAX {
        return Err(CborError::TooDeep { at });
    }
    let syntax = |source: minicbor::decode::Error| malformed(at, &source);
    let kind = decoder.datatype().map_err(syntax)?;
    match kind {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => read_unsigned(decoder).map(Value::Unsigned),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            let wide = i128::from(decoder.int().map_err(syntax)?);
            let n = u64::try_from(-1 - wide).map_err(|_| CborError::NotDeterministic { at })?;
            shortest(decoder, at, n, 0).map(|()| Value::Negative(n))
        }
        Type::Bytes => {
            let bytes = decoder.bytes().map_err(syntax)?;
            shortest(decoder, at, count(bytes.len()), bytes.len()).map(|()| Value::Bytes(bytes.to_vec()))
        }
        Type::String => {
            let text = decoder.str().map_err(syntax)?;
            shortest(decoder, at, count(text.len()), text.len()).map(|()| Value::Text(text.to_owned()))
        }
        Type::Array => {
            let len = decoder.array().map_err(syntax)?.ok_or(CborError::NotDeterministic { at })?;
            shortest(decoder, at, len, 0)?;
            read_array(decoder, len, depth).map(Value::Array)
        }
        Type::Map => {
            let len = decoder.map().map_err(syntax)?.ok_or(CborError::NotDeterministic { at })?;
            shortest(decoder, at, len, 0)?;
            read_map(decoder, len, depth).map(Value::Map)
        }
        // RFC 8949 §4.2.1: indefinite lengths must not be used.
        Type::ArrayIndef | Type::MapIndef | Type::BytesIndef | Type::StringIndef => {
            Err(CborError::NotDeterministic { at })
        }
        Type::Bool => decoder.bool().map(Value::Bool).map_err(syntax),
        Type::Null => decoder.null().map(|()| Value::Null).map_err(syntax),
        _ => Err(CborError::Forbidden { at }),
    }
}

fn read_unsigned(decoder: &mut Decoder<'_>) -> Result<u64, CborError> {
    let at = decoder.position();
    let n = decoder.u64().map_err(|source| malformed(at, &source))?;
    shortest(decoder, at, n, 0).map(|()| n)
}

fn read_array(decoder: &mut Decoder<'_>, len: u64, depth: usize) -> Result<Vec<Value>, CborError> {
    let mut items = Vec::with_capacity(room(len));
    for _ in 0..len {
        items.push(read(decoder, depth + 1)?);
    }
    Ok(items)
}

fn read_map(decoder: &mut Decoder<'_>, len: u64, depth: usize) -> Result<Fields, CborError> {
    let mut fields = Fields(Vec::with_capacity(room(len)));
    let mut last = None;
    for _ in 0..len {
        let at = decoder.position();
        match decoder.datatype().map_err(|source| malformed(at, &source))? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => {}
            _ => return Err(CborError::Forbidden { at }),
        }
        let key = read_unsigned(decoder)?;
        // Ascending and no duplicates (RFC 8949 §4.2.1 and §5.6).
        if last.is_some_and(|before| before >= key) {
            return Err(CborError::NotDeterministic { at });
        }
        last = Some(key);
        fields.put(key, read(decoder, depth + 1)?);
    }
    Ok(fields)
}

fn room(len: u64) -> usize {
    usize::try_from(len).unwrap_or(ROOM_ITEMS_MAX).min(ROOM_ITEMS_MAX)
}

/// RFC 8949 §4.2.1: the head that was read must be the shortest that can hold `argument`.
fn shortest(decoder: &Decoder<'_>, at: usize, argument: u64, body: usize) -> Result<(), CborError> {
    let head = match argument {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    };
    if decoder.position() == at.saturating_add(head).saturating_add(body) {
        Ok(())
    } else {
        Err(CborError::NotDeterministic { at })
    }
}

fn malformed(at: usize, source: &minicbor::decode::Error) -> CborError {
    CborError::Malformed { at, source: CborSyntax(source.to_string()) }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
