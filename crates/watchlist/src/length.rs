//! How many bytes the map of a part takes, counted without making them.
//!
//! A part says once what it puts ([`Form::put_into`]), into a map or into a count, so that both come to one verdict.
//! Not for: what is put, which lives beside each type; the bytes themselves, which are in `cbor`.

use crate::cbor::{Fields, Value};
use crate::error::RecordError;
use crate::form::Form;

/// Where the fields of a part are put.
pub(crate) trait Put: Default {
    /// Keys that the type does not know; they are put before all others, which replace them.
    fn keep(&mut self, unknown: &Fields);

    /// True if nothing was put.
    fn is_empty(&self) -> bool;

    /// Puts one item.
    fn item(&mut self, key: u64, item: Item<'_>);

    /// Puts a list of items, also an empty one.
    fn items<'a>(&mut self, key: u64, items: impl ExactSizeIterator<Item = Item<'a>>);

    /// Puts a map.
    fn part(&mut self, key: u64, part: Self);

    /// Puts a list of maps, also an empty one.
    fn parts<T: Form>(&mut self, key: u64, parts: &[T]) -> Result<(), RecordError>;

    /// Puts an unsigned integer.
    fn put_unsigned(&mut self, key: u64, value: u64) {
        self.item(key, Item::Unsigned(value));
    }

    /// Puts a text.
    fn put_text(&mut self, key: u64, value: &str) {
        self.item(key, Item::Text(value));
    }
}

/// A data item that holds no others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item<'a> {
    Unsigned(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Bool(bool),
}

/// The bytes that a map takes.
#[derive(Debug, Default)]
pub(crate) struct Length {
    keys: usize,
    bytes: usize,
    /// The unknown keys and what each takes, so that one that is replaced counts once.
    unknown: Vec<(u64, usize)>,
}

impl Put for Fields {
    fn keep(&mut self, unknown: &Fields) {
        self.clone_from(unknown);
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }

    fn item(&mut self, key: u64, item: Item<'_>) {
        self.put(key, item.into());
    }

    fn items<'a>(&mut self, key: u64, items: impl ExactSizeIterator<Item = Item<'a>>) {
        self.put(key, Value::Array(items.map(Value::from).collect()));
    }

    fn part(&mut self, key: u64, part: Self) {
        self.put(key, Value::Map(part));
    }

    fn parts<T: Form>(&mut self, key: u64, parts: &[T]) -> Result<(), RecordError> {
        let maps = parts.iter().map(|part| part.to_fields().map(Value::Map)).collect::<Result<_, _>>()?;
        self.put(key, Value::Array(maps));
        Ok(())
    }
}

impl Put for Length {
    fn keep(&mut self, unknown: &Fields) {
        for (key, value) in unknown.iter() {
            let bytes = value.encode().len();
            self.add(key, bytes);
            self.unknown.push((key, bytes));
        }
    }

    fn is_empty(&self) -> bool {
        self.keys == 0
    }

    fn item(&mut self, key: u64, item: Item<'_>) {
        self.add(key, item.bytes());
    }

    fn items<'a>(&mut self, key: u64, items: impl ExactSizeIterator<Item = Item<'a>>) {
        let head = head(count(items.len()));
        self.add(key, head + items.map(Item::bytes).sum::<usize>());
    }

    fn part(&mut self, key: u64, part: Self) {
        self.add(key, part.bytes());
    }

    fn parts<T: Form>(&mut self, key: u64, parts: &[T]) -> Result<(), RecordError> {
        let mut bytes = head(count(parts.len()));
        for part in parts {
            let mut length = Self::default();
            part.put_into(&mut length)?;
            bytes += length.bytes();
        }
        self.add(key, bytes);
        Ok(())
    }
}

impl Length {
    /// The bytes of the whole map.
    pub(crate) fn bytes(&self) -> usize {
        head(count(self.keys)) + self.bytes
    }

    fn add(&mut self, key: u64, bytes: usize) {
        if let Some(at) = self.unknown.iter().position(|(known, _)| *known == key) {
            let (_, replaced) = self.unknown.swap_remove(at);
            self.bytes -= replaced;
        } else {
            self.keys += 1;
            self.bytes += head(key);
        }
        self.bytes += bytes;
    }
}

impl Item<'_> {
    fn bytes(self) -> usize {
        match self {
            Self::Unsigned(n) => head(n),
            Self::Bytes(bytes) => head(count(bytes.len())) + bytes.len(),
            Self::Text(text) => head(count(text.len())) + text.len(),
            Self::Bool(_) => 1,
        }
    }
}

impl From<Item<'_>> for Value {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Unsigned(n) => Self::Unsigned(n),
            Item::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Item::Text(text) => Self::Text(text.to_owned()),
            Item::Bool(truth) => Self::Bool(truth),
        }
    }
}

/// Bytes of the head of an item in its shortest form, RFC 8949 §3.
const fn head(argument: u64) -> usize {
    match argument {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
