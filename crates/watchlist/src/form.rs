//! Reading and writing the fields of a record: the shared grammar of all our maps.
//!
//! One rule gives each content one byte form: an absent value or an empty list has no key, so a key with an empty
//! list is refused. Keys that a type does not know stay in its `unknown` fields and are written again.
//! Not for: which keys a type has, which lives beside the type; CBOR itself, which is in `cbor`.

use crate::cbor::{CborError, Fields, Value};
use crate::error::RecordError;
use crate::length::{Item, Put};
use crate::text::{Prose, Text};

/// A part of a record that has a map of its own.
pub(crate) trait Form: Sized {
    /// The name of the field in errors.
    const FIELD: &'static str;

    /// Writes the map into what was empty, or counts it.
    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError>;

    /// Writes the map.
    fn to_fields(&self) -> Result<Fields, RecordError> {
        let mut fields = Fields::new();
        self.put_into(&mut fields)?;
        Ok(fields)
    }

    /// Reads the map; keys that are not known stay with the value.
    fn from_fields(fields: Fields) -> Result<Self, RecordError>;
}

/// The name of a list field and the most items it may have.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) field: &'static str,
    pub(crate) max: usize,
}

pub(crate) const fn bound(field: &'static str, max: usize) -> Bound {
    Bound { field, max }
}

pub(crate) fn typed<T>(field: &'static str, taken: Result<T, CborError>) -> Result<T, RecordError> {
    taken.map_err(|source| RecordError::Type { field, source })
}

pub(crate) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, RecordError> {
    value.ok_or(RecordError::Missing { field })
}

pub(crate) fn text(field: &'static str, value: String) -> Result<Text, RecordError> {
    Text::new(value).map_err(|source| RecordError::Text { field, source })
}

pub(crate) fn put_text<M: Put>(fields: &mut M, key: u64, value: Option<&Text>) {
    if let Some(text) = value {
        fields.put_text(key, text.as_str());
    }
}

pub(crate) fn take_text(
    fields: &mut Fields,
    key: u64,
    field: &'static str,
) -> Result<Option<Text>, RecordError> {
    typed(field, fields.take_text(key))?.map(|value| text(field, value)).transpose()
}

pub(crate) fn put_prose<M: Put>(fields: &mut M, key: u64, value: Option<&Prose>) {
    if let Some(prose) = value {
        fields.put_text(key, prose.as_str());
    }
}

pub(crate) fn take_prose(
    fields: &mut Fields,
    key: u64,
    field: &'static str,
) -> Result<Option<Prose>, RecordError> {
    let value = typed(field, fields.take_text(key))?;
    value.map(|value| Prose::new(value).map_err(|source| RecordError::Text { field, source })).transpose()
}

/// A truth value is written only when true.
pub(crate) fn put_flag<M: Put>(fields: &mut M, key: u64, value: bool) {
    if value {
        fields.item(key, Item::Bool(true));
    }
}

pub(crate) fn take_flag(fields: &mut Fields, key: u64, field: &'static str) -> Result<bool, RecordError> {
    match typed(field, fields.take_bool(key))? {
        None => Ok(false),
        Some(true) => Ok(true),
        Some(false) => Err(RecordError::Invalid { field }),
    }
}

pub(crate) fn put_form<T: Form, M: Put>(
    fields: &mut M,
    key: u64,
    value: Option<&T>,
) -> Result<(), RecordError> {
    if let Some(form) = value {
        let mut part = M::default();
        form.put_into(&mut part)?;
        fields.part(key, part);
    }
    Ok(())
}

pub(crate) fn take_form<T: Form>(fields: &mut Fields, key: u64) -> Result<Option<T>, RecordError> {
    typed(T::FIELD, fields.take_fields(key))?.map(T::from_fields).transpose()
}

pub(crate) fn put_forms<T: Form, M: Put>(
    fields: &mut M,
    key: u64,
    items: &[T],
    bound: Bound,
) -> Result<(), RecordError> {
    if items.is_empty() {
        return Ok(());
    }
    fields.parts(key, items)?;
    within(items.len(), bound)
}

pub(crate) fn take_forms<T: Form>(
    fields: &mut Fields,
    key: u64,
    bound: Bound,
) -> Result<Vec<T>, RecordError> {
    let read = |value| match value {
        Value::Map(inner) => T::from_fields(inner),
        _ => Err(RecordError::Invalid { field: bound.field }),
    };
    each(take_values(fields, key, bound)?, read)
}

/// Reads each item, into a list with room for just as many: lists of one are the most, and records live long.
fn each<S, T>(items: Vec<S>, read: impl FnMut(S) -> Result<T, RecordError>) -> Result<Vec<T>, RecordError> {
    let mut all = Vec::with_capacity(items.len());
    for item in items.into_iter().map(read) {
        all.push(item?);
    }
    Ok(all)
}

pub(crate) fn put_texts<M: Put>(
    fields: &mut M,
    key: u64,
    items: &[Text],
    bound: Bound,
) -> Result<(), RecordError> {
    put_items(fields, key, items.iter().map(|item| Item::Text(item.as_str())), bound)
}

pub(crate) fn take_texts(fields: &mut Fields, key: u64, bound: Bound) -> Result<Vec<Text>, RecordError> {
    each(take_strings(fields, key, bound)?, |value| text(bound.field, value))
}

pub(crate) fn put_proses<M: Put>(
    fields: &mut M,
    key: u64,
    items: &[Prose],
    bound: Bound,
) -> Result<(), RecordError> {
    put_items(fields, key, items.iter().map(|item| Item::Text(item.as_str())), bound)
}

pub(crate) fn take_proses(fields: &mut Fields, key: u64, bound: Bound) -> Result<Vec<Prose>, RecordError> {
    let prose = |value| Prose::new(value).map_err(|source| RecordError::Text { field: bound.field, source });
    each(take_strings(fields, key, bound)?, prose)
}

fn take_strings(fields: &mut Fields, key: u64, bound: Bound) -> Result<Vec<String>, RecordError> {
    let string = |value| match value {
        Value::Text(string) => Ok(string),
        _ => Err(RecordError::Invalid { field: bound.field }),
    };
    each(take_values(fields, key, bound)?, string)
}

pub(crate) fn put_items<'a, M: Put>(
    fields: &mut M,
    key: u64,
    items: impl ExactSizeIterator<Item = Item<'a>>,
    bound: Bound,
) -> Result<(), RecordError> {
    within(items.len(), bound)?;
    if items.len() > 0 {
        fields.items(key, items);
    }
    Ok(())
}

pub(crate) fn take_values(fields: &mut Fields, key: u64, bound: Bound) -> Result<Vec<Value>, RecordError> {
    let Some(values) = typed(bound.field, fields.take_array(key))? else { return Ok(Vec::new()) };
    if values.is_empty() {
        return Err(RecordError::Empty { field: bound.field });
    }
    within(values.len(), bound)?;
    Ok(values)
}

fn within(count: usize, bound: Bound) -> Result<(), RecordError> {
    if count > bound.max {
        return Err(RecordError::TooMany { field: bound.field, count, max: bound.max });
    }
    Ok(())
}

pub(crate) fn put_array<const N: usize, M: Put>(fields: &mut M, key: u64, value: Option<&[u8; N]>) {
    if let Some(bytes) = value {
        fields.item(key, Item::Bytes(bytes));
    }
}

pub(crate) fn take_array<const N: usize>(
    fields: &mut Fields,
    key: u64,
    field: &'static str,
) -> Result<Option<[u8; N]>, RecordError> {
    typed(field, fields.take_bytes(key))?
        .map(|bytes| <[u8; N]>::try_from(bytes).map_err(|_| RecordError::Invalid { field }))
        .transpose()
}
