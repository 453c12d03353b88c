//! What was looked at while nothing of it was told: looked at again once it may be, and released under later numbers.
//!
//! Not here: what is held back (`comity-store`), and why (`erasures_due`).

use std::sync::Arc;

use comity_store::{Booking, HeldBack, LogRole, ReleaseCursor};
use comity_tlog::{EntryIndex, TreeSize};
use comity_wire::v1;

use super::batches::Batches;
use super::{Releaser, Way};
use crate::NodeError;
use crate::exchange::error::ServeError;
use crate::sections::{chunks_of, held_at};

/// Entries looked at again at once: a chunk of the store, if they lie beside each other.
const AGAIN_MAX: usize = 16;

/// How far the postponed entries of a log were looked through since what is held back has last changed: nothing else
/// sets one free.
#[derive(Debug, Default)]
pub(super) struct Postponed {
    seen: Option<Arc<HeldBack>>,
    /// The index to go on from; `None` when all were.
    from: Option<u64>,
}

impl Releaser {
    /// Looks again at what was postponed and is not held back any more, books what may go of it, and gives it to be sent;
    /// what was erased meanwhile is given up. `None` when there is nothing more.
    pub(super) fn take_up(
        &mut self,
        at: TreeSize,
        cursor: ReleaseCursor,
        way: &Way,
    ) -> Result<Option<Vec<v1::FollowResponse>>, ServeError> {
        if self.role != LogRole::Own {
            return Ok(None);
        }
        let held_back = self.node.store().held_back();
        if !self.postponed.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &held_back)) {
            self.postponed = Postponed { seen: Some(Arc::clone(&held_back)), from: Some(0) };
        }
        let Some(from) = self.postponed.from else { return Ok(None) };
        let found = self.node.store().postponed_releases(&self.to, &self.origin, from, AGAIN_MAX);
        let mut found = found.map_err(NodeError::from)?;
        self.postponed.from = found.last().map(|last| last.value().saturating_add(1));
        if found.is_empty() {
            return Ok(None);
        }
        found.retain(|index| at.contains(*index) && !held_back.holds(&self.origin, *index));
        let (mut batches, mut taken_up): (_, Vec<EntryIndex>) = (Batches::default(), Vec::new());
        for chunk in chunks_of(&found) {
            for held in held_at(self.node.store(), &self.origin, chunk)? {
                // It may have been held back again in between.
                if !held.held_back {
                    taken_up.push(held.index);
                    batches.add(held.index, self.cut(held, way));
                }
            }
        }
        if !taken_up.is_empty() {
            let (booked, scanned) = (&batches.booked(), cursor.scanned);
            self.book(cursor, &Booking { batches: booked, scanned, postponed: &[], taken_up: &taken_up })?;
        }
        self.messages(batches).map(Some)
    }
}
