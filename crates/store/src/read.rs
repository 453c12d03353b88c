//! Reading back: entries, openings, and the scrub that trusts neither.

use bytes::Bytes;
use comity_ledger::{Head, Opening, Origin, Slot};
use comity_tlog::{EntryIndex, Hash, RightEdge, TreeSize};

use crate::entries::{CHUNK_ENTRIES, chunk_key, split};
use crate::log_id::LogId;
use crate::seal::{EntrySealer, opened};
use crate::{Store, StoreError, passing, sections};

/// What a scrub found whole.
#[derive(Clone, Debug)]
pub struct Scrubbed {
    /// The edge of the tree at each size that was asked for, in that order.
    pub edges: Vec<RightEdge>,
}

/// Why a reader stopped.
#[derive(Debug)]
pub enum ReadError<E> {
    /// The store failed.
    Store(StoreError),
    /// Whoever took the entries gave up.
    Taker(E),
}

impl<E> From<StoreError> for ReadError<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Store {
    /// Gives the entries of `start..end` to `take`, in order, as written by their author.
    ///
    /// # Errors
    /// [`ReadError::Store`] with [`StoreError::Damaged`] at the first that is missing, or whatever `take` says.
    pub fn each_entry<E>(
        &self,
        origin: &Origin,
        start: TreeSize,
        end: TreeSize,
        mut take: impl FnMut(EntryIndex, &[u8]) -> Result<(), E>,
    ) -> Result<(), ReadError<E>> {
        let log = LogId::of(origin);
        let mut index = start.value();
        while index < end.value() {
            let chunk = index / CHUNK_ENTRIES;
            let damaged =
                || StoreError::Damaged { what: "an entry chunk", log: origin.to_string(), place: chunk };
            let read = passing::get(&self.entries, &chunk_key(log, chunk))?;
            let value = read.ok_or_else(damaged)?;
            let entries = split(&value).ok_or_else(damaged)?;
            let stop = end.value().min((chunk + 1) * CHUNK_ENTRIES);
            while index < stop {
                let position = usize::try_from(index % CHUNK_ENTRIES).map_err(|_| damaged())?;
                let entry = entries.get(position).ok_or_else(damaged)?;
                let place = EntryIndex::new(index).map_err(|_| damaged())?;
                take(place, entry).map_err(ReadError::Taker)?;
                index += 1;
            }
        }
        Ok(())
    }

    /// The entries of `start..end` in memory.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn entries(
        &self,
        origin: &Origin,
        start: TreeSize,
        end: TreeSize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut entries = Vec::new();
        let taken = self.each_entry(origin, start, end, |_, entry| {
            entries.push(entry.to_vec());
            Ok::<(), std::convert::Infallible>(())
        });
        match taken {
            Ok(()) => Ok(entries),
            Err(ReadError::Store(error)) => Err(error),
            Err(ReadError::Taker(never)) => match never {},
        }
    }

    /// The entries of `start..end` in one piece of memory that they share; the caller keeps the range small.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn shared_entries(
        &self,
        origin: &Origin,
        start: TreeSize,
        end: TreeSize,
    ) -> Result<Vec<Bytes>, StoreError> {
        let count = usize::try_from(end.value().saturating_sub(start.value())).unwrap_or(0);
        let (mut joined, mut lengths) = (Vec::new(), Vec::with_capacity(count));
        let taken = self.each_entry(origin, start, end, |_, entry| {
            if joined.is_empty() {
                // The entries of a log are mostly of one length.
                joined.reserve(entry.len().saturating_mul(count));
            }
            joined.extend_from_slice(entry);
            lengths.push(entry.len());
            Ok::<(), std::convert::Infallible>(())
        });
        match taken {
            Ok(()) => {
                let mut rest = Bytes::from(joined);
                Ok(lengths.into_iter().map(|len| rest.split_to(len.min(rest.len()))).collect())
            }
            Err(ReadError::Store(error)) => Err(error),
            Err(ReadError::Taker(never)) => match never {},
        }
    }

    /// Opens what is held of some slots, for each entry of `start..end`: `take` gets the index and, for each
    /// slot asked for, the opening or `None`; it may move them out.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the keyring lost the key for sealed bytes, or they do not open with it;
    /// [`ReadError::Taker`] with whatever `take` says.
    pub fn each_opening<E>(
        &self,
        origin: &Origin,
        range: std::ops::Range<TreeSize>,
        slots: &[Slot],
        mut take: impl FnMut(EntryIndex, &mut [Option<Opening>]) -> Result<(), E>,
    ) -> Result<(), ReadError<E>> {
        let (log, end) = (LogId::of(origin), range.end.value());
        let mut start = range.start.value();
        let mut openings = vec![None; slots.len()];
        while start < end {
            let chunk = start / CHUNK_ENTRIES;
            let stop = end.min((chunk + 1) * CHUNK_ENTRIES);
            let mut held = sections::read_chunk(&self.sections, log, chunk, slots)?;
            self.open_in_place(origin, log, start..stop, &mut held)?;
            let held = held.shared();
            for index in start..stop {
                for (opening, slot) in openings.iter_mut().zip(slots) {
                    *opening = match held.section(index, *slot) {
                        Some(section) => Some(opened(&section).ok_or_else(|| no_section(origin, index))?),
                        None => None,
                    };
                }
                let place = EntryIndex::new(index).map_err(|_| no_section(origin, index))?;
                take(place, &mut openings).map_err(ReadError::Taker)?;
            }
            start = stop;
        }
        Ok(())
    }

    /// Opens all that was read of some entries of a chunk, where it stands.
    fn open_in_place(
        &self,
        origin: &Origin,
        log: LogId,
        indexes: std::ops::Range<u64>,
        held: &mut sections::ChunkSections,
    ) -> Result<(), StoreError> {
        let Some(first) = indexes.clone().find(|index| held.any(*index)) else { return Ok(()) };
        let mut keys = self.keyring().keys(log, first..indexes.end)?.into_iter();
        for index in first..indexes.end {
            let key = keys.next().flatten();
            if !held.any(index) {
                continue;
            }
            if key.is_none() && self.keyring().is_erased(log, index)? {
                // A backup from before the erasure brought them back, or they are about to go.
                held.forget(index);
                continue;
            }
            // Sealed bytes whose key is gone were lost, not withheld: nothing may go on as if they had never been.
            let key = key.ok_or_else(|| StoreError::Damaged {
                what: "the keyring: the key of an entry",
                log: origin.to_string(),
                place: index,
            })?;
            let place = EntryIndex::new(index).map_err(|_| no_section(origin, index))?;
            let mut sealer = EntrySealer::new(&key, origin, place);
            if !held.each_sealed(index, |slot, sealed| sealer.open_in_place(slot, sealed)) {
                return Err(no_section(origin, index));
            }
        }
        Ok(())
    }

    /// The first entry from `from` on whose chunk holds any section; `None` if no later chunk does.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn next_sections(&self, origin: &Origin, from: TreeSize) -> Result<Option<u64>, StoreError> {
        let chunk = from.value() / CHUNK_ENTRIES;
        let found = sections::next_chunk(&self.sections, LogId::of(origin), chunk)?;
        Ok(found.map(|chunk| chunk.saturating_mul(CHUNK_ENTRIES).max(from.value())))
    }

    /// Hashes every entry again, compares every hash tile, and gives the edge of the tree at each of `sizes`
    /// (ascending).
    ///
    /// # Errors
    /// [`StoreError::Damaged`] that names the first entry or tile that is not what the tree says.
    pub fn scrub(&self, origin: &Origin, sizes: &[TreeSize]) -> Result<Scrubbed, StoreError> {
        let nodes = self.nodes(origin);
        let mut edge = RightEdge::empty();
        let mut edges = Vec::with_capacity(sizes.len());
        let mut wanted = sizes.iter().peekable();
        let end = sizes.last().copied().unwrap_or(TreeSize::ZERO);
        while wanted.next_if(|size| size.is_zero()).is_some() {
            edges.push(edge.clone());
        }
        let scrubbed = self.each_entry(origin, TreeSize::ZERO, end, |index, entry| {
            let damaged = |what, place| StoreError::Damaged { what, log: origin.to_string(), place };
            let mut nodes_agree = Ok(());
            edge.append_reporting(Hash::leaf(entry), |level, place, hash| {
                if level % 8 == 0 && nodes_agree.is_ok() {
                    nodes_agree = match nodes.tile_hash(level / 8, place) {
                        Ok(held) if held == hash => Ok(()),
                        Ok(_) => Err(damaged("an entry or its hash tile", index.value())),
                        Err(error) => Err(error),
                    };
                }
            })
            .map_err(|_| damaged("an entry", index.value()))?;
            nodes_agree?;
            while wanted.next_if(|size| **size == edge.size()).is_some() {
                edges.push(edge.clone());
            }
            Ok(())
        });
        match scrubbed {
            Ok(()) => Ok(Scrubbed { edges }),
            Err(ReadError::Store(error) | ReadError::Taker(error)) => Err(error),
        }
    }

    /// Reads the entries of a staged batch back and recomputes its root from them.
    ///
    /// # Errors
    /// A [`comity_ledger::BatchError`] inside [`ReadError::Taker`] if they are not what was staged.
    pub fn confirm(
        &self,
        staged: &comity_ledger::StagedBatch,
    ) -> Result<comity_ledger::DurableBatch, ReadError<comity_ledger::BatchError>> {
        let head: Head = staged.head();
        let reread = self.entries(staged.origin(), staged.start(), head.size)?;
        staged.confirm(&reread).map_err(ReadError::Taker)
    }
}

fn no_section(origin: &Origin, index: u64) -> StoreError {
    StoreError::Damaged { what: "a sealed section", log: origin.to_string(), place: index }
}
