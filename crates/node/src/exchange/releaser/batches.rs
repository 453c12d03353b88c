//! Released sections of entries, gathered into batches of which each is one release frame.

use comity_ledger::Opening;
use comity_policy::Released;
use comity_store::{Disclosed, RELEASE_BATCH_MAX};
use comity_tlog::EntryIndex;
use comity_wire::RELEASE_BYTES_MAX;

/// Batches on their way into the book.
#[derive(Default)]
pub(super) struct Batches {
    pub(super) made: Vec<Vec<(Disclosed, Opening)>>,
    bytes_last: usize,
    /// Bytes of all of them.
    pub(super) bytes: usize,
}

impl Batches {
    /// What is booked of them.
    pub(super) fn booked(&self) -> Vec<Vec<Disclosed>> {
        self.made.iter().map(|batch| batch.iter().map(|(disclosed, _)| *disclosed).collect()).collect()
    }

    /// Adds the released sections of one entry, all to the same batch.
    pub(super) fn add(&mut self, index: EntryIndex, released: Vec<Released>) {
        if released.is_empty() {
            return;
        }
        let bytes: usize = released.iter().map(|one| one.opening().opening().padded_len()).sum();
        let fits = self.made.last().is_some_and(|batch| {
            batch.len() + released.len() <= RELEASE_BATCH_MAX && self.bytes_last + bytes <= RELEASE_BYTES_MAX
        });
        if !fits {
            self.made.push(Vec::new());
            self.bytes_last = 0;
        }
        self.bytes_last += bytes;
        self.bytes += bytes;
        if let Some(batch) = self.made.last_mut() {
            batch.extend(released.into_iter().map(|one| {
                let disclosed = Disclosed { index, slot: one.slot() };
                (disclosed, one.into_opening().into_opening())
            }));
        }
    }
}
