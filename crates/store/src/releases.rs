//! What was released to whom: the numbers of each peer's stream of each log, durable before their first byte leaves.
//!
//! Not here: what may be released (`policy`), and what a peer released to us (`late`).

use comity_ledger::{AgencyId, Origin, Slot};
use comity_tlog::EntryIndex;

use crate::log_id::LogId;
use crate::{Store, StoreError, flush_watch};

/// Most numbers of one batch: as many as travel in one release frame; 2,304 bytes a value.
pub const RELEASE_BATCH_MAX: usize = 256;

/// `c ‖ log ‖ peer`: the next number and how far was looked.
const CURSOR: u8 = b'c';
/// `r ‖ log ‖ peer ‖ u64 first`: a batch, each number as u64 index and u8 slot.
const BATCH: u8 = b'r';
/// `p ‖ log ‖ peer ‖ u64 index`: an entry that was looked at while nothing of it was told.
const POSTPONED: u8 = b'p';
/// Bytes of one number in a batch.
const ITEM_BYTES: usize = 9;

/// How far the releases of one log to one peer have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReleaseCursor {
    /// The number that the next release gets.
    pub next: u64,
    /// Up to where the log was looked through: of an own log the entries, of a replica the arrivals.
    pub scanned: u64,
}

/// One section that was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disclosed {
    /// The entry.
    pub index: EntryIndex,
    /// The section.
    pub slot: Slot,
}

/// What is booked together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Booking<'a> {
    /// Releases under the next numbers, each batch one release frame.
    pub batches: &'a [Vec<Disclosed>],
    /// Up to where the log was looked through.
    pub scanned: u64,
    /// Entries that were looked at while nothing of them was told: they are looked at again.
    pub postponed: &'a [EntryIndex],
    /// Entries that were postponed, and now were looked at again.
    pub taken_up: &'a [EntryIndex],
}

impl Store {
    /// How far the releases of a log to a peer have come.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn release_cursor(&self, to: &AgencyId, origin: &Origin) -> Result<ReleaseCursor, StoreError> {
        let Some(value) = self.releases.get(key(CURSOR, origin, to, None))? else {
            return Ok(ReleaseCursor::default());
        };
        let (halves, rest) = value.as_chunks::<8>();
        match (halves, rest) {
            ([next, scanned], []) => {
                Ok(ReleaseCursor { next: u64::from_be_bytes(*next), scanned: u64::from_be_bytes(*scanned) })
            }
            _ => Err(damaged(origin, 0)),
        }
    }

    /// Books releases and moves the cursor, and keeps what is postponed, all of it or nothing; synced. Nothing of them may
    /// be sent before this returns.
    ///
    /// # Errors
    /// [`StoreError::CursorMoved`] if the cursor is not the expected one, [`StoreError::TooLong`] for an empty batch
    /// or one over [`RELEASE_BATCH_MAX`]; else as the store fails.
    pub fn assign_releases(
        &self,
        to: &AgencyId,
        origin: &Origin,
        expected: ReleaseCursor,
        booking: &Booking<'_>,
    ) -> Result<ReleaseCursor, StoreError> {
        let _turn = self.turn();
        if self.release_cursor(to, origin)? != expected {
            return Err(StoreError::CursorMoved { origin: origin.to_string() });
        }
        let mut cursor = ReleaseCursor { next: expected.next, scanned: booking.scanned };
        let mut batch = sled::Batch::default();
        for index in booking.taken_up {
            batch.remove(key(POSTPONED, origin, to, Some(index.value())));
        }
        for index in booking.postponed {
            batch.insert(key(POSTPONED, origin, to, Some(index.value())), &[]);
        }
        for releases in booking.batches {
            let len = releases.len();
            let count = u64::try_from(len).ok().filter(|_| (1..=RELEASE_BATCH_MAX).contains(&len));
            let count = count.ok_or(StoreError::TooLong { what: "a batch of releases", len })?;
            let mut value = Vec::with_capacity(len * ITEM_BYTES);
            for Disclosed { index, slot } in releases {
                value.extend_from_slice(&index.value().to_be_bytes());
                value.push(slot.number());
            }
            batch.insert(key(BATCH, origin, to, Some(cursor.next)), value);
            cursor.next = cursor.next.saturating_add(count);
        }
        let value = [cursor.next.to_be_bytes(), cursor.scanned.to_be_bytes()].concat();
        batch.insert(key(CURSOR, origin, to, None), value);
        self.db.writing(|| flush_watch::batch(|| self.releases.apply_batch(batch)))?;
        self.db.sync()?;
        Ok(cursor)
    }

    /// Entries that were postponed, ascending, from an index on, at most as many.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn postponed_releases(
        &self,
        to: &AgencyId,
        origin: &Origin,
        from: u64,
        max: usize,
    ) -> Result<Vec<EntryIndex>, StoreError> {
        let range = key(POSTPONED, origin, to, Some(from))..=key(POSTPONED, origin, to, Some(u64::MAX));
        let mut postponed = Vec::new();
        for item in self.releases.range(range).take(max) {
            let (place, _) = item?;
            let index = place.last_chunk::<8>().copied().map(u64::from_be_bytes);
            let index = index.and_then(|index| EntryIndex::new(index).ok());
            postponed.push(index.ok_or_else(|| damaged(origin, from))?);
        }
        Ok(postponed)
    }

    /// What comes again behind a place, as of a replica that is begun anew, is looked through again and released under
    /// later numbers.
    pub(crate) fn look_again(&self, log: LogId, behind: u64) -> Result<(), StoreError> {
        let _turn = self.turn();
        let prefix = [&[CURSOR], log.as_bytes().as_slice()].concat();
        for item in self.releases.scan_prefix(prefix) {
            let (key, value) = item?;
            let (halves, _) = value.as_chunks::<8>();
            let [next, scanned] = halves else { continue };
            let scanned = u64::from_be_bytes(*scanned).min(behind);
            self.releases.insert(key, [*next, scanned.to_be_bytes()].concat())?;
        }
        Ok(())
    }

    /// What was released under a number and the later numbers of its batch; empty if the number was never given.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn releases_from(
        &self,
        to: &AgencyId,
        origin: &Origin,
        number: u64,
    ) -> Result<Vec<Disclosed>, StoreError> {
        let range = key(BATCH, origin, to, Some(0))..=key(BATCH, origin, to, Some(number));
        let Some((place, value)) = self.releases.range(range).next_back().transpose()? else {
            return Ok(Vec::new());
        };
        let damaged = || damaged(origin, number);
        let first = place.last_chunk::<8>().copied().map(u64::from_be_bytes).ok_or_else(damaged)?;
        let (items, rest) = value.as_chunks::<ITEM_BYTES>();
        if !rest.is_empty() {
            return Err(damaged());
        }
        let skipped = usize::try_from(number.saturating_sub(first)).map_err(|_| damaged())?;
        let read = |[index @ .., slot]: &[u8; ITEM_BYTES]| {
            let index = EntryIndex::new(u64::from_be_bytes(*index)).map_err(|_| damaged())?;
            Ok(Disclosed { index, slot: Slot::new(*slot) })
        };
        items.iter().skip(skipped).map(read).collect()
    }
}

fn key(kind: u8, origin: &Origin, to: &AgencyId, number: Option<u64>) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(LogId::of(origin).as_bytes());
    key.extend_from_slice(LogId::of_agency(to).as_bytes());
    key.extend(number.into_iter().flat_map(u64::to_be_bytes));
    key
}

fn damaged(origin: &Origin, place: u64) -> StoreError {
    StoreError::Damaged { what: "the book of releases", log: origin.to_string(), place }
}
