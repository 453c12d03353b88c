//! Sealed sections in chunks of sixteen entries, those of own entries and those that came late alike: short ones of all
//! slots in one row, long ones in a row for each slot.
//!
//! Not here: what stands in a row (`chunk_value`). Layout 2 had a row for each slot whatever the length, and such rows
//! stay: a section of it moves only when another comes in its place.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use comity_ledger::Slot;

use crate::chunk_value::{Items, JOINT, POSITIONS, Value, row_of};
use crate::entries::CHUNK_ENTRIES;
use crate::log_id::LogId;
use crate::rows::Rows;
use crate::{StoreError, passing, pieces};

/// `log ‖ u64 chunk ‖ u8 row`, the row a slot or [`JOINT`]; the pieces of the value follow under it.
fn key(log: LogId, chunk: u64, row: Slot) -> Vec<u8> {
    let mut key = prefix(log, chunk);
    key.push(row.number());
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
    values: BTreeMap<u64, Vec<(Slot, Value)>>,
    /// The chunk that was added to last, which is not among the values meanwhile.
    open: (u64, Vec<(Slot, Value)>),
    /// The chunk that was read last, by rows: what is added mostly goes through one chunk after the other.
    read: Option<(u64, RowValues)>,
}

/// The values of a chunk, by their rows.
type RowValues = Vec<(Slot, Vec<u8>)>;

impl<'a> Chunks<'a> {
    /// For the sections of an own batch that starts at `start`.
    pub(crate) fn from(tree: &'a sled::Tree, log: LogId, start: u64) -> Self {
        Self { end_kept: start, ..Self::among(tree, log) }
    }

    /// For sections that come late, each to its place among all that are there.
    pub(crate) fn among(tree: &'a sled::Tree, log: LogId) -> Self {
        Self {
            tree,
            log,
            end_kept: u64::MAX,
            values: BTreeMap::new(),
            open: (u64::MAX, Vec::new()),
            read: None,
        }
    }

    /// Adds one sealed section, in place of one that is there.
    pub(crate) fn add(&mut self, index: u64, slot: Slot, sealed: &[u8]) -> Result<(), StoreError> {
        self.add_made(index, slot, sealed.len(), |value| {
            value.extend_from_slice(sealed);
            Ok(())
        })
    }

    /// Adds one section of `len` bytes that is sealed at its place: `make` appends it.
    pub(crate) fn add_made(
        &mut self,
        index: u64,
        slot: Slot,
        len: usize,
        make: impl FnOnce(&mut Vec<u8>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (chunk, position, row) = (index / CHUNK_ENTRIES, position(index), row_of(slot, len));
        let log = self.log;
        let damaged = || damaged(log, chunk);
        self.go_to(chunk);
        // One of another length may lie in the other row.
        let other = if row == JOINT { slot } else { JOINT };
        if other != row && self.is_there(chunk, other)? {
            self.row(chunk, other)?.remove(position, slot).ok_or_else(damaged)?;
        }
        let value = self.row(chunk, row)?;
        value.set_aside(position, len);
        value.add(position, slot, make).ok_or_else(damaged)?
    }

    /// Takes out all that is held of an entry; where nothing is, no row is written.
    pub(crate) fn forget(&mut self, index: u64) -> Result<(), StoreError> {
        let (log, chunk, position) = (self.log, index / CHUNK_ENTRIES, position(index));
        self.go_to(chunk);
        let has_some = |row: Slot, value: &[u8]| {
            Items::of(row, value).any(|item| item.is_none_or(|item| item.position == position))
        };
        let stored = self.stored(chunk)?.iter().filter(|(row, value)| has_some(*row, value));
        let rows: Vec<Slot> = stored.map(|(row, _)| *row).collect();
        for row in rows {
            self.row(chunk, row)?.forget(position).ok_or_else(|| damaged(log, chunk))?;
        }
        Ok(())
    }

    /// Puts all that was added into rows, and drops what stands from `start` on in rows that were not.
    pub(crate) fn put(mut self, rows: &mut Rows) -> Result<(), StoreError> {
        self.go_to(u64::MAX);
        for (chunk, row) in self.stale()? {
            let kept = self.begun(chunk, row)?;
            self.values.entry(chunk).or_default().push((row, kept));
        }
        for (chunk, values) in &self.values {
            for (row, value) in values {
                pieces::put(self.tree, rows, &key(self.log, *chunk, *row), &value.bytes, value.replaces)?;
            }
        }
        Ok(())
    }

    /// Makes a chunk the one that is added to.
    fn go_to(&mut self, chunk: u64) {
        if self.open.0 == chunk {
            return;
        }
        let next = self.values.remove(&chunk).unwrap_or_default();
        let (before, values) = std::mem::replace(&mut self.open, (chunk, next));
        if !values.is_empty() {
            self.values.insert(before, values);
        }
    }

    /// The value of a row of the chunk that is added to, begun if it was not.
    fn row(&mut self, chunk: u64, row: Slot) -> Result<&mut Value, StoreError> {
        let found = self.open.1.iter().position(|(held, _)| *held == row);
        let at = if let Some(at) = found {
            at
        } else {
            let begun = self.begun(chunk, row)?;
            self.open.1.push((row, begun));
            self.open.1.len().saturating_sub(1)
        };
        let value = self.open.1.get_mut(at).map(|(_, value)| value);
        value.ok_or_else(|| damaged(self.log, chunk))
    }

    /// Whether a row of the chunk that is added to was begun, or stands with what is kept.
    fn is_there(&mut self, chunk: u64, row: Slot) -> Result<bool, StoreError> {
        if self.open.1.iter().any(|(held, _)| *held == row) {
            return Ok(true);
        }
        Ok(self.stored(chunk)?.iter().any(|(held, _)| *held == row))
    }

    /// The rows that stand of a chunk with entries before the end of what is kept.
    fn stored(&mut self, chunk: u64) -> Result<&[(Slot, Vec<u8>)], StoreError> {
        if chunk.saturating_mul(CHUNK_ENTRIES) >= self.end_kept {
            return Ok(&[]);
        }
        if self.read.as_ref().is_none_or(|(read, _)| *read != chunk) {
            self.read = Some((chunk, row_values(self.tree, self.log, chunk, |_| true)?));
        }
        Ok(self.read.as_ref().map(|(_, values)| values.as_slice()).unwrap_or_default())
    }

    /// What a row holds of the entries before the end of what is kept.
    fn begun(&mut self, chunk: u64, row: Slot) -> Result<Value, StoreError> {
        let (log, first) = (self.log, chunk.saturating_mul(CHUNK_ENTRIES));
        if first >= self.end_kept {
            return Ok(Value::new(row, true));
        }
        let kept = usize::try_from(self.end_kept - first).unwrap_or(usize::MAX);
        let stored = self.stored(chunk)?.iter().find(|(held, _)| *held == row);
        let Some((_, stored)) = stored else { return Ok(Value::new(row, false)) };
        Value::kept(row, stored, |item| item.position < kept).ok_or_else(|| damaged(log, chunk))
    }

    /// The rows from the end of what is kept on that were not added to.
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
            let row = rest.first().copied().map(Slot::new).ok_or_else(damaged)?;
            let place = (u64::from_be_bytes(*chunk), row);
            let added = self.values.get(&place.0).is_some_and(|held| held.iter().any(|(of, _)| *of == row));
            if !added && stale.last() != Some(&place) {
                stale.push(place);
            }
        }
        Ok(stale)
    }
}

/// The sections of some slots for the entries of a chunk, sealed, or opened where they stand.
#[derive(Debug)]
pub(crate) struct ChunkSections<V = Vec<u8>> {
    /// The values of the rows.
    values: Vec<V>,
    slots: Vec<SlotSections>,
}

/// Those of one slot in one value.
#[derive(Debug)]
struct SlotSections {
    slot: Slot,
    /// Which of the values.
    value: usize,
    /// Where the sections stand in it, by position; nowhere if empty.
    places: [Range<usize>; POSITIONS],
}

impl ChunkSections {
    /// Whether anything is held of the entry of an index.
    pub(crate) fn any(&self, index: u64) -> bool {
        self.slots.iter().any(|held| held.place(index).is_some())
    }

    /// Gives the sealed sections of the entry of an index to `open`, to be opened where they stand; false once it says
    /// so.
    pub(crate) fn each_sealed(&mut self, index: u64, mut open: impl FnMut(Slot, &mut [u8]) -> bool) -> bool {
        let values = &mut self.values;
        self.slots.iter().all(|held| {
            let Some(place) = held.place(index) else { return true };
            let sealed = values.get_mut(held.value).and_then(|value| value.get_mut(place));
            sealed.is_some_and(|sealed| open(held.slot, sealed))
        })
    }

    /// Lets go of all that is held of the entry of an index.
    pub(crate) fn forget(&mut self, index: u64) {
        for held in &mut self.slots {
            if let Some(place) = held.places.get_mut(position(index)) {
                *place = 0..0;
            }
        }
    }

    /// The same sections, to be shared out.
    pub(crate) fn shared(self) -> ChunkSections<Bytes> {
        let values = self.values.into_iter().map(Bytes::from).collect();
        ChunkSections { values, slots: self.slots }
    }

    /// Adds what a row holds of some slots; `None` if it does not read.
    fn add(&mut self, row: Slot, value: Vec<u8>, slots: &[Slot]) -> Option<()> {
        let at = self.values.len();
        for item in Items::of(row, &value) {
            let item = item?;
            if !slots.contains(&item.slot) {
                continue;
            }
            let is_it = |held: &SlotSections| held.slot == item.slot && held.value == at;
            let held = if let Some(found) = self.slots.iter().position(is_it) {
                self.slots.get_mut(found)?
            } else {
                let places = <[Range<usize>; POSITIONS]>::default();
                self.slots.push(SlotSections { slot: item.slot, value: at, places });
                self.slots.last_mut()?
            };
            *held.places.get_mut(item.position)? = item.place;
        }
        self.values.push(value);
        Some(())
    }
}

impl ChunkSections<Bytes> {
    /// The section of a slot for the entry of an index; `None` if none is held.
    pub(crate) fn section(&self, index: u64, slot: Slot) -> Option<Bytes> {
        let mut of_slot = self.slots.iter().filter(|held| held.slot == slot);
        let (value, place) = of_slot.find_map(|held| Some((held.value, held.place(index)?)))?;
        self.values.get(value).map(|value| value.slice(place))
    }
}

impl SlotSections {
    fn place(&self, index: u64) -> Option<Range<usize>> {
        self.places.get(position(index)).filter(|place| !place.is_empty()).cloned()
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
    let values = row_values(tree, log, chunk, |row| row == JOINT || slots.contains(&row))?;
    let mut sections = ChunkSections { values: Vec::with_capacity(values.len()), slots: Vec::new() };
    for (row, value) in values {
        sections.add(row, value, slots).ok_or_else(|| damaged(log, chunk))?;
    }
    Ok(sections)
}

/// Reads the values of a chunk, each whole.
fn row_values(
    tree: &sled::Tree,
    log: LogId,
    chunk: u64,
    is_wanted: impl Fn(Slot) -> bool,
) -> Result<RowValues, StoreError> {
    let prefix = prefix(log, chunk);
    let mut values = RowValues::new();
    for item in tree.scan_prefix(&prefix) {
        let (key, piece) = item?;
        let row = key.get(prefix.len()).copied().map(Slot::new);
        let Some(row) = row.filter(|row| is_wanted(*row)) else { continue };
        passing::passed(tree, &key)?;
        if let Some((_, value)) = values.last_mut().filter(|(of, _)| *of == row) {
            value.extend_from_slice(&piece);
        } else {
            // A long piece has others behind it, mostly one.
            let mut value = Vec::with_capacity(piece.len().saturating_mul(2));
            value.extend_from_slice(&piece);
            values.push((row, value));
        }
    }
    Ok(values)
}

fn position(index: u64) -> usize {
    // The remainder is below sixteen.
    usize::try_from(index % CHUNK_ENTRIES).unwrap_or(0)
}

fn damaged(log: LogId, chunk: u64) -> StoreError {
    StoreError::Damaged { what: "a section chunk", log: log.to_string(), place: chunk }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

    use super::*;

    /// Goal: whatever order sections come in, each lies at its position and the newest counts, also among those that
    /// layout 2 left, which had a row for each slot whatever the length.
    /// Way: rounds of sections at places drawn by a fixed rule, beside a map; those of a round longer or shorter than
    /// what they replace, some of them so that they move to another row, some over more than one piece.
    #[test]
    fn sections_in_any_order_are_held_as_a_map_would() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let log = LogId::of(&"a.example/pub".parse().unwrap());
        let slots = [Slot::HANDLING, Slot::CORE, JOINT];
        let mut model: BTreeMap<(u64, Slot), Vec<u8>> = BTreeMap::new();
        let mut rows = Rows::default();
        for (chunk, slot) in (0..3).flat_map(|chunk| [(chunk, Slot::HANDLING), (chunk, Slot::CORE)]) {
            let mut value = Value::new(slot, false);
            for position in (0..16).filter(|position| position % 3 > 0) {
                let sealed = vec![slot.number(); 90 + usize::from(slot.number())];
                let make = |bytes: &mut Vec<u8>| {
                    bytes.extend_from_slice(&sealed);
                    Ok(())
                };
                value.add(position, slot, make).unwrap().unwrap();
                model.insert((chunk * 16 + u64::try_from(position).unwrap(), slot), sealed);
            }
            pieces::put(&db, &mut rows, &key(log, chunk, slot), &value.bytes, false).unwrap();
        }
        rows.put(&db).unwrap();
        sections_come(&db, log, slots, model);
    }

    fn sections_come(
        db: &sled::Tree,
        log: LogId,
        slots: [Slot; 3],
        mut model: BTreeMap<(u64, Slot), Vec<u8>>,
    ) {
        let mut drawn = 1_u64;
        for round in 0..60 {
            let mut chunks = Chunks::among(db, log);
            for _ in 0..25 {
                drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let (index, slot) = ((drawn >> 33) % 48, slots[usize::try_from((drawn >> 40) % 3).unwrap()]);
                let len = usize::try_from((drawn >> 45) % 2_000 + 1).unwrap();
                let sealed = vec![round; len];
                chunks.add(index, slot, &sealed).unwrap();
                model.insert((index, slot), sealed);
            }
            let mut rows = Rows::default();
            chunks.put(&mut rows).unwrap();
            rows.put(db).unwrap();
            for index in 0..48 {
                let held = read_chunk(db, log, index / CHUNK_ENTRIES, &slots).unwrap().shared();
                for slot in slots {
                    let expected = model.get(&(index, slot)).map(Vec::as_slice);
                    let found = held.section(index, slot);
                    assert_eq!(found.as_deref(), expected, "round {round}, entry {index}, {slot}");
                }
            }
        }
    }

    /// Goal: a batch begun anew leaves nothing of what stood from its start on, in whichever row. Way: short and long
    /// sections of sixty entries, then a batch from the middle of a chunk on that has sections of one entry alone.
    #[test]
    fn what_stands_behind_the_start_of_an_own_batch_goes_in_every_row() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let log = LogId::of(&"a.example/pub".parse().unwrap());
        let slots = [Slot::HANDLING, Slot::CORE];
        let put = |chunks: Chunks<'_>| {
            let mut rows = Rows::default();
            chunks.put(&mut rows).unwrap();
            rows.put(&db).unwrap();
        };
        let mut chunks = Chunks::from(&db, log, 0);
        for index in 0..60 {
            chunks.add(index, Slot::HANDLING, &[1; 100]).unwrap();
            chunks.add(index, Slot::CORE, &[2; 3_000]).unwrap();
        }
        put(chunks);
        let mut chunks = Chunks::from(&db, log, 20);
        chunks.add(21, Slot::CORE, &[3; 200]).unwrap();
        put(chunks);
        for index in 0..64 {
            let held = read_chunk(&db, log, index / 16, &slots).unwrap().shared();
            let [handling, core] = slots.map(|slot| held.section(index, slot).map(|section| section.len()));
            let expected = match index {
                0..=19 => (Some(100), Some(3_000)),
                21 => (None, Some(200)),
                _ => (None, None),
            };
            assert_eq!((handling, core), expected, "entry {index}");
        }
        let last = db.iter().keys().next_back().unwrap().unwrap();
        assert_eq!(last[16..24], 1_u64.to_be_bytes(), "no row is left of a later chunk");
    }
}
