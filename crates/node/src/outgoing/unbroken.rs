//! A listing as it is told to whom nobody knows: nothing of it unless every entry from its newest back to its newest whole
//! version may be told, and no time of an entry that may not.
//!
//! Not here: which labels are for everybody (`comity_policy`), and exports (`outgoing`).

use comity_feeds::out::Outgoing;
use comity_ledger::Origin;
use comity_screening::Status;
use comity_store::Store;

use super::{Gathered, MayTell, STEPS_BACK_MAX, Wanted, made, take_in};
use crate::NodeError;
use crate::sections::{HeldEntry, held_at};

/// What was found of a listing.
#[derive(Debug)]
pub(crate) struct Unbroken {
    /// The listing, created at the first entry of the run that may be told and ends with its newest.
    pub(crate) listing: Outgoing,
    /// Entries that were read for it.
    pub(crate) looked: usize,
}

/// A listing as its entry `newest` leaves it; `None` if it may not be told, ended or not. Of one that is erased there is
/// no whole version left, and so nothing. Blocking.
///
/// # Errors
/// A [`NodeError`] of the store.
pub(crate) fn read(
    store: &Store,
    origin: &Origin,
    wanted: &Wanted,
    newest: HeldEntry,
    may: &MayTell<'_>,
) -> Result<Option<Unbroken>, NodeError> {
    let (mut found, mut looked, mut next) = (Gathered::default(), 0, Some(newest));
    while let Some(held) = next.take().filter(|_| looked < STEPS_BACK_MAX) {
        looked += 1;
        if found.record.is_none() {
            if !take_in(&held, &mut found, may) {
                return Ok(None);
            }
        } else {
            let mut earlier = Gathered::default();
            if !take_in(&held, &mut earlier, may) {
                break;
            }
            found.suspends |= earlier.suspends;
        }
        found.times.push(held.entry.author_time().unix_secs());
        if let Some(about) = held.entry.about() {
            next = held_at(store, origin, &[about])?.pop();
        }
    }
    // That it is suspended may be told only if what suspended it may be.
    if found.record.is_none() || (wanted.status == Status::Suspended && !found.suspends) {
        return Ok(None);
    }
    Ok(made(origin, wanted, found).map(|listing| Unbroken { listing, looked }))
}
