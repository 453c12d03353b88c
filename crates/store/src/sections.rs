//! Sealed sections in chunks of sixteen entries for each slot, those of own entries and those that came late alike.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use comity_ledger::Slot;

use crate::entries::CHUNK_ENTRIES;
use crate::log_id::LogId;
use crate::rows::Rows;
use crate::{StoreError, pieces};

/// Entries of a chunk.
const POSITIONS: usize = 16;

/// The sealed sections of one slot by the position of their entries in the chunk; none is empty.
type Items = [Vec<u8>; POSITIONS];

/// `log ‖ u64 chunk ‖ u8 slot`; the pieces of the value follow under it.
fn key(log: LogId, chunk: u64, slot: Slot) -> Vec<u8> {
    let mut key = prefix(log, chunk);
    key.push(slot.number());
    key
}

fn prefix(log: LogId, chunk: u64) -> Vec<u8> {
    let mut key = log.as_bytes().to_vec();
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

/// Sealed sections on their way to their chunks.
pub(crate) struct Chunks<'a> {
    tree: &'a sled::Tree,
    log: LogId,
    /// What stands of entries from here on is dropped: a batch that was never signed left it.
    end_kept: u64,
    values: BTreeMap<(u64, Slot), Items>,
}

impl<'a> Chunks<'a> {
    /// For the sections of an own batch that starts at `start`.
    pub(crate) fn from(tree: &'a sled::Tree, log: LogId, start: u64) -> Self {
        Self { tree, log, end_kept: start, values: BTreeMap::new() }
    }

    /// For sections that come late, each to its place among all that are there.
    pub(crate) fn among(tree: &'a sled::Tree, log: LogId) -> Self {
        Self { tree, log, end_kept: u64::MAX, values: BTreeMap::new() }
    }

    /// Adds one sealed section, in place of one that is there.
    pub(crate) fn add(&mut self, index: u64, slot: Slot, sealed: Vec<u8>) -> Result<(), StoreError> {
        let (chunk, position) = (index / CHUNK_ENTRIES, position(index));
        let items = match self.values.entry((chunk, slot)) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => place.insert(begun(self.tree, self.log, chunk, slot, self.end_kept)?),
        };
        if let Some(item) = items.get_mut(position) {
            *item = sealed;
        }
        Ok(())
    }

    /// Puts all that was added into rows, and drops what stands from `start` on in slots that were not.
    pub(crate) fn put(mut self, rows: &mut Rows) -> Result<(), StoreError> {
        for place in self.stale()? {
            let (chunk, slot) = place;
            self.values.insert(place, begun(self.tree, self.log, chunk, slot, self.end_kept)?);
        }
        for ((chunk, slot), items) in &self.values {
            pieces::put(self.tree, rows, &key(self.log, *chunk, *slot), &encode(items)?)?;
        }
        Ok(())
    }

    /// The chunks from the end of what is kept on that have slots which were not added.
    fn stale(&self) -> Result<Vec<(u64, Slot)>, StoreError> {
        let mut stale = Vec::new();
        if self.end_kept == u64::MAX {
            return Ok(stale);
        }
        let first = self.end_kept / CHUNK_ENTRIES;
        for item in self.tree.range(prefix(self.log, first)..) {
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

/// What a chunk holds of the entries before `end`.
fn begun(tree: &sled::Tree, log: LogId, chunk: u64, slot: Slot, end: u64) -> Result<Items, StoreError> {
    let first = chunk.saturating_mul(CHUNK_ENTRIES);
    if first >= end {
        return Ok(Items::default());
    }
    let value = pieces::read(tree, &key(log, chunk, slot))?.unwrap_or_default();
    let places = places(&value).ok_or_else(|| damaged(log, chunk))?;
    let mut items = Items::default();
    for ((item, place), _) in items.iter_mut().zip(places).zip(first..end) {
        *item = value.get(place).unwrap_or_default().to_vec();
    }
    Ok(items)
}

/// The sealed sections of all slots for the entries of a chunk.
#[derive(Debug)]
pub(crate) struct ChunkSections(Vec<SlotSections>);

/// Those of one slot: the value as stored, and where each item lies in it.
#[derive(Debug)]
struct SlotSections {
    slot: Slot,
    value: sled::IVec,
    places: Places,
}

/// Where the items of a chunk lie in it, by position; nowhere if empty.
type Places = [Range<usize>; POSITIONS];

impl ChunkSections {
    /// Whether anything is held of the entry of an index.
    pub(crate) fn any(&self, index: u64) -> bool {
        self.0.iter().any(|held| held.at(index).is_some())
    }

    /// The sealed section of a slot for the entry of an index; `None` if none is held.
    pub(crate) fn sealed(&self, index: u64, slot: Slot) -> Option<&[u8]> {
        self.0.iter().find(|held| held.slot == slot)?.at(index)
    }
}

impl SlotSections {
    fn at(&self, index: u64) -> Option<&[u8]> {
        let place = self.places.get(position(index)).filter(|place| !place.is_empty())?;
        self.value.get(place.clone())
    }
}

/// The first chunk from `chunk` on that holds any section.
pub(crate) fn next_chunk(tree: &sled::Tree, log: LogId, chunk: u64) -> Result<Option<u64>, StoreError> {
    let range = prefix(log, chunk)..=prefix(log, u64::MAX);
    let Some((key, _)) = tree.range(range).next().transpose()? else { return Ok(None) };
    let place = key.get(LogId::LEN..).and_then(<[u8]>::first_chunk);
    place.map(|bytes| u64::from_be_bytes(*bytes)).ok_or_else(|| damaged(log, chunk)).map(Some)
}

/// Reads what is held of some slots for the entries of a chunk.
pub(crate) fn read_chunk(
    tree: &sled::Tree,
    log: LogId,
    chunk: u64,
    slots: &[Slot],
) -> Result<ChunkSections, StoreError> {
    let prefix = prefix(log, chunk);
    let mut values: Vec<(Slot, Vec<sled::IVec>)> = Vec::new();
    for item in tree.scan_prefix(&prefix) {
        let (key, piece) = item?;
        let slot = key.get(prefix.len()).copied().map(Slot::new);
        let Some(slot) = slot.filter(|slot| slots.contains(slot)) else { continue };
        match values.last_mut().filter(|(of, _)| *of == slot) {
            Some((_, pieces)) => pieces.push(piece),
            None => values.push((slot, vec![piece])),
        }
    }
    let split = values.into_iter().map(|(slot, pieces)| {
        let value = match <[sled::IVec; 1]>::try_from(pieces) {
            Ok([whole]) => whole,
            Err(pieces) => pieces.concat().into(),
        };
        let places = places(&value).ok_or_else(|| damaged(log, chunk))?;
        Ok(SlotSections { slot, value, places })
    });
    split.collect::<Result<_, StoreError>>().map(ChunkSections)
}

/// Joins a chunk: each item a position, a u32 length and as many bytes.
fn encode(items: &Items) -> Result<Vec<u8>, StoreError> {
    let mut value = Vec::with_capacity(items.iter().map(|sealed| sealed.len() + 5).sum());
    for (sealed, position) in items.iter().zip(0..).filter(|(sealed, _)| !sealed.is_empty()) {
        let too_long = |_| StoreError::TooLong { what: "sealed section", len: sealed.len() };
        value.push(position);
        value.extend_from_slice(&u32::try_from(sealed.len()).map_err(too_long)?.to_be_bytes());
        value.extend_from_slice(sealed);
    }
    Ok(value)
}

fn places(value: &[u8]) -> Option<Places> {
    let mut places = Places::default();
    let mut at = 0;
    while let Some((position, after)) = value.get(at..)?.split_first() {
        let (len, sealed) = after.split_first_chunk::<4>()?;
        let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
        let start = at.checked_add(5)?;
        at = start.checked_add(len)?;
        sealed.get(..len)?;
        *places.get_mut(usize::from(*position))? = start..at;
    }
    Some(places)
}

fn position(index: u64) -> usize {
    // The remainder is below sixteen.
    usize::try_from(index % CHUNK_ENTRIES).unwrap_or(0)
}

fn damaged(log: LogId, chunk: u64) -> StoreError {
    StoreError::Damaged { what: "a section chunk", log: log.to_string(), place: chunk }
}
