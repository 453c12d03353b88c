//! Sealed sections in chunks of sixteen entries for each slot.

use std::collections::BTreeMap;

use comity_ledger::{Slot, StagedBatch};

use crate::entries::CHUNK_ENTRIES;
use crate::log_id::LogId;
use crate::{StoreError, pieces};

/// `log ‖ u64 chunk ‖ u8 slot`; the pieces of the value follow under it.
fn key(log: LogId, chunk: u64, slot: Slot) -> Vec<u8> {
    let mut key = log.as_bytes().to_vec();
    key.extend_from_slice(&chunk.to_be_bytes());
    key.push(slot.number());
    key
}

/// The sealed sections of a batch on their way to their chunks.
pub(crate) struct Chunks<'a> {
    tree: &'a sled::Tree,
    log: LogId,
    start: u64,
    values: BTreeMap<(u64, Slot), Vec<u8>>,
}

impl<'a> Chunks<'a> {
    pub(crate) fn new(tree: &'a sled::Tree, log: LogId, staged: &StagedBatch) -> Self {
        Self { tree, log, start: staged.start().value(), values: BTreeMap::new() }
    }

    /// Adds one sealed section; indexes ascend within each slot.
    pub(crate) fn add(&mut self, index: u64, slot: Slot, sealed: &[u8]) -> Result<(), StoreError> {
        let chunk = index / CHUNK_ENTRIES;
        let value = match self.values.entry((chunk, slot)) {
            std::collections::btree_map::Entry::Occupied(held) => held.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(begun(self.tree, self.log, chunk, slot, self.start)?)
            }
        };
        let too_long = || StoreError::TooLong { what: "sealed section", len: sealed.len() };
        value.push(u8::try_from(index % CHUNK_ENTRIES).map_err(|_| too_long())?);
        value.extend_from_slice(&u32::try_from(sealed.len()).map_err(|_| too_long())?.to_be_bytes());
        value.extend_from_slice(sealed);
        Ok(())
    }

    /// Puts all that was added into a batch, and drops what stands behind `start` in slots that were not.
    pub(crate) fn put(mut self, batch: &mut sled::Batch) -> Result<(), StoreError> {
        for place in self.stale()? {
            let (chunk, slot) = place;
            self.values.insert(place, begun(self.tree, self.log, chunk, slot, self.start)?);
        }
        for ((chunk, slot), value) in &self.values {
            pieces::put(self.tree, batch, &key(self.log, *chunk, *slot), value)?;
        }
        Ok(())
    }
}

impl Chunks<'_> {
    /// The chunks from `start` on that a batch which was never signed left in slots that this batch does not have.
    fn stale(&self) -> Result<Vec<(u64, Slot)>, StoreError> {
        let first = self.start / CHUNK_ENTRIES;
        let mut stale = Vec::new();
        for item in self.tree.range(key(self.log, first, Slot::new(0))..) {
            let (found, _) = item?;
            let Some(rest) = found.strip_prefix(self.log.as_bytes()) else { break };
            let damaged = || damaged(self.log, first);
            let (chunk, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
            let slot = rest.first().copied().map(Slot::new).ok_or_else(damaged)?;
            let place = (u64::from_be_bytes(*chunk), slot);
            if !self.values.contains_key(&place) && stale.last() != Some(&place) {
                stale.push(place);
            }
        }
        Ok(stale)
    }
}

/// What a chunk holds of the entries before `start`; sections of a batch that was never signed are dropped.
fn begun(tree: &sled::Tree, log: LogId, chunk: u64, slot: Slot, start: u64) -> Result<Vec<u8>, StoreError> {
    let first = chunk.saturating_mul(CHUNK_ENTRIES);
    if first >= start {
        return Ok(Vec::new());
    }
    let value = pieces::read(tree, &key(log, chunk, slot))?.unwrap_or_default();
    let mut kept = Vec::with_capacity(value.len());
    for (position, sealed) in items(&value).ok_or_else(|| damaged(log, chunk))? {
        if first.saturating_add(u64::from(position)) < start {
            kept.push(position);
            let len = u32::try_from(sealed.len()).map_err(|_| damaged(log, chunk))?;
            kept.extend_from_slice(&len.to_be_bytes());
            kept.extend_from_slice(sealed);
        }
    }
    Ok(kept)
}

/// The sealed sections of one slot for all entries of a chunk, by position.
pub(crate) fn read_chunk(
    tree: &sled::Tree,
    log: LogId,
    chunk: u64,
    slot: Slot,
) -> Result<BTreeMap<u8, Vec<u8>>, StoreError> {
    let Some(value) = pieces::read(tree, &key(log, chunk, slot))? else { return Ok(BTreeMap::new()) };
    let items = items(&value).ok_or_else(|| damaged(log, chunk))?;
    Ok(items.into_iter().map(|(position, sealed)| (position, sealed.to_vec())).collect())
}

/// Splits a chunk: each item a position, a u32 length and as many bytes.
fn items(value: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut items = Vec::with_capacity(16);
    let mut rest = value;
    while let Some((position, after)) = rest.split_first() {
        let (len, after) = after.split_first_chunk::<4>()?;
        let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
        let (sealed, after) = after.split_at_checked(len)?;
        items.push((*position, sealed));
        rest = after;
    }
    Some(items)
}

fn damaged(log: LogId, chunk: u64) -> StoreError {
    StoreError::Damaged { what: "a section chunk", log: log.to_string(), place: chunk }
}
