//! Entries in chunks of sixteen: one value per entry would cost three times the work.

use comity_ledger::{ENTRY_BYTES_MAX, EntryBytes};

use crate::StoreError;
use crate::log_id::LogId;
use crate::rows::Rows;

/// Entries that lie together in the store, and are read together: 16 × (440 + 2) B stays below the longest value.
pub const CHUNK_ENTRIES: u64 = 16;

/// `log ‖ u64 chunk`.
pub(crate) fn chunk_key(log: LogId, chunk: u64) -> [u8; LogId::LEN + 8] {
    let mut key = [0; LogId::LEN + 8];
    let (head, tail) = key.split_at_mut(LogId::LEN);
    head.copy_from_slice(log.as_bytes());
    tail.copy_from_slice(&chunk.to_be_bytes());
    key
}

/// Splits a chunk into its entries: each a u16 length and as many bytes.
pub(crate) fn split(chunk: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::with_capacity(16);
    let mut rest = chunk;
    while !rest.is_empty() {
        let (len, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        if entry.len() > ENTRY_BYTES_MAX {
            return None;
        }
        entries.push(entry);
        rest = after;
    }
    Some(entries)
}

/// Adds entries from `start` on to rows; a chunk that has begun is read and continued, and whatever stood
/// behind `start` is dropped.
pub(crate) fn put<'a>(
    tree: &sled::Tree,
    rows: &mut Rows,
    log: LogId,
    start: u64,
    entries: impl Iterator<Item = &'a EntryBytes>,
) -> Result<(), StoreError> {
    let mut index = start;
    let mut value = begun(tree, rows, log, start)?;
    for entry in entries {
        let bytes = entry.as_bytes();
        if value.is_empty() {
            value.reserve(bytes.len().saturating_add(2).saturating_mul(16));
        }
        let len = u16::try_from(bytes.len())
            .map_err(|_| StoreError::TooLong { what: "entry", len: bytes.len() })?;
        value.extend_from_slice(&len.to_be_bytes());
        value.extend_from_slice(bytes);
        index = index.saturating_add(1);
        if index.is_multiple_of(CHUNK_ENTRIES) {
            rows.insert(&chunk_key(log, index / CHUNK_ENTRIES - 1), std::mem::take(&mut value));
        }
    }
    if !value.is_empty() {
        rows.insert(&chunk_key(log, index / CHUNK_ENTRIES), value);
    }
    Ok(())
}

/// The bytes of the entries before `start` in its chunk.
fn begun(tree: &sled::Tree, rows: &Rows, log: LogId, start: u64) -> Result<Vec<u8>, StoreError> {
    let keep = start % CHUNK_ENTRIES;
    if keep == 0 {
        return Ok(Vec::new());
    }
    let chunk = start / CHUNK_ENTRIES;
    let damaged = || StoreError::Damaged { what: "an entry chunk", log: log.to_string(), place: chunk };
    let key = chunk_key(log, chunk);
    let value = match rows.written(&key) {
        Some(value) => value.into(),
        None => tree.get(key)?.ok_or_else(damaged)?,
    };
    let entries = split(&value).ok_or_else(damaged)?;
    let keep = usize::try_from(keep).map_err(|_| damaged())?;
    let kept = entries.get(..keep).ok_or_else(damaged)?;
    let bytes: usize = kept.iter().map(|entry| entry.len() + 2).sum();
    value.get(..bytes).map(<[u8]>::to_vec).ok_or_else(damaged)
}
