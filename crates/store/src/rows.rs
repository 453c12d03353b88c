//! Rows that enter one tree of the database together.
//!
//! sled writes a whole leaf anew when it splits, which rows in order make it do after every eighth, and with every
//! tenth change: rows put one after the other, each with its value, are written more than four times. So the keys come
//! first, without values, and split what has to be split; then each value comes to its place, and is written once.

use std::collections::BTreeMap;

use sled::IVec;

use crate::StoreError;

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

    /// Makes places for those that are new to the tree, and gives all of them, to be applied in one piece.
    pub(crate) fn placed(self, tree: &sled::Tree) -> Result<sled::Batch, StoreError> {
        let mut batch = sled::Batch::default();
        let with_places = self.0.len() >= ROWS_WITH_PLACES_MIN;
        for (key, value) in self.0 {
            let Some(value) = value else {
                batch.remove(key);
                continue;
            };
            if with_places {
                // A row that is there stays as it is.
                drop(tree.compare_and_swap(&key, None::<IVec>, Some(IVec::default()))?);
            }
            batch.insert(key, value);
        }
        Ok(batch)
    }

    /// Writes all of them in one piece.
    pub(crate) fn put(self, tree: &sled::Tree) -> Result<(), StoreError> {
        let batch = self.placed(tree)?;
        Ok(tree.apply_batch(batch)?)
    }
}
