//! Rows that enter one tree of the database together.
//!
//! sled writes a whole leaf anew when it splits, which rows in order make it do after every eighth, and with every
//! tenth change: rows put one after the other, each with its value, are written more than four times. So the keys come
//! first, without values, and split what has to be split; then each value comes to its place, and is written once.

use std::collections::BTreeMap;

use sled::IVec;

use crate::{StoreError, flush_watch};

/// Fewer rows enter a leaf as they are: what a split writes again is no more than places for them would cost.
const ROWS_WITH_PLACES_MIN: usize = 8;

/// Rows to be written or removed, in the order of their keys.
///
/// After a crash there may be rows without a value: they hold nothing, and are read as if they were not there.
#[derive(Debug, Default)]
pub(crate) struct Rows(BTreeMap<IVec, Option<IVec>>);

impl Rows {
    /// Writes a row, in place of one that is there.
    pub(crate) fn insert(&mut self, key: impl Into<IVec>, value: impl Into<IVec>) {
        self.0.insert(key.into(), Some(value.into()));
    }

    /// What was written to a key here.
    pub(crate) fn written(&self, key: &[u8]) -> Option<&[u8]> {
        self.0.get(key)?.as_deref()
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, key: impl Into<IVec>) {
        self.0.insert(key.into(), None);
    }

    /// Writes them in one piece: after a crash all of them are there, or none.
    pub(crate) fn put_together(self, tree: &sled::Tree) -> Result<(), StoreError> {
        let batch = self.placed(tree)?;
        Ok(flush_watch::batch(|| tree.apply_batch(batch))?)
    }

    /// Makes places for those that are new to the tree, and gives all of them, to be applied in one piece.
    pub(crate) fn placed(self, tree: &sled::Tree) -> Result<sled::Batch, StoreError> {
        self.make_places(tree)?;
        let mut batch = sled::Batch::default();
        for (key, value) in self.0 {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        Ok(batch)
    }

    /// Writes them one after the other, for rows on which nobody relies before a later one is there. In one piece they
    /// would be written out in three, each with a sync of its own.
    pub(crate) fn put(self, tree: &sled::Tree) -> Result<(), StoreError> {
        self.make_places(tree)?;
        for (key, value) in self.0 {
            match value {
                Some(value) => drop(tree.insert(key, value)?),
                None => drop(tree.remove(key)?),
            }
        }
        Ok(())
    }

    fn make_places(&self, tree: &sled::Tree) -> Result<(), StoreError> {
        if self.0.len() < ROWS_WITH_PLACES_MIN {
            return Ok(());
        }
        for (key, _) in self.0.iter().filter(|(_, value)| value.is_some()) {
            // A row that is there stays as it is.
            drop(tree.compare_and_swap(key, None::<IVec>, Some(IVec::default()))?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use comity_ledger::Slot;

    use super::*;
    use crate::log_id::LogId;
    use crate::sections::{Chunks, read_chunk};

    const ROWS: u64 = 600;
    const VALUE_BYTES: u64 = 4_000;

    fn rows() -> Rows {
        let mut rows = Rows::default();
        for number in 0..ROWS {
            rows.insert(&number.to_be_bytes(), vec![7; usize::try_from(VALUE_BYTES).unwrap()]);
        }
        rows
    }

    /// Goal: rows that enter together are written about once. Way: what the database takes on disk, with its unused
    /// segments, beside the bytes of the values; rows put one after the other, in their order, take more than twice.
    #[test]
    fn rows_that_enter_together_take_little_more_than_their_values() {
        let taken = |put: &dyn Fn(&sled::Tree)| {
            let dir = tempfile::tempdir().unwrap();
            let db = sled::Config::new().path(dir.path()).flush_every_ms(None).open().unwrap();
            put(&db);
            db.flush().unwrap();
            db.size_on_disk().unwrap()
        };
        let together = taken(&|tree| rows().put(tree).unwrap());
        let one_by_one = taken(&|tree| {
            for (key, value) in rows().0 {
                tree.insert(key, value.unwrap()).unwrap();
            }
        });
        assert!(together < ROWS * VALUE_BYTES * 3 / 2, "{together} bytes");
        assert!(one_by_one > together, "{one_by_one} bytes one by one, {together} together");
    }

    #[test]
    fn places_that_a_crash_left_without_values_hold_nothing() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let log = LogId::of(&"a.example/pub".parse().unwrap());
        let put = |sealed: &[u8]| {
            let mut chunks = Chunks::among(&db, log);
            for index in 0..256 {
                chunks.add(index, Slot::CORE, sealed).unwrap();
            }
            let mut rows = Rows::default();
            chunks.put(&mut rows).unwrap();
            rows
        };
        drop(put(b"lost with the crash").placed(&db).unwrap());
        assert_eq!(db.len(), 16);
        assert!(!(0..256).any(|index| read_chunk(&db, log, index / 16, &[Slot::CORE]).unwrap().any(index)));
        put(b"here").put(&db).unwrap();
        for index in 0..256 {
            let held = read_chunk(&db, log, index / 16, &[Slot::CORE]).unwrap().shared();
            assert_eq!(held.section(index, Slot::CORE).as_deref(), Some(b"here".as_slice()));
        }
    }
}
