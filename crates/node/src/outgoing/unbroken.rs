//! A listing as it is told to whom nobody knows: nothing of it unless every entry from its newest back to its newest whole
//! version may be told, and no time of an entry that may not.
//!
//! Not here: which labels are for everybody (`comity_policy`), and exports (`outgoing`).

use comity_feeds::out::Outgoing;
use comity_ledger::Origin;
use comity_store::Store;

use super::{MayTell, Wanted, gather, made};
use crate::NodeError;
use crate::sections::HeldEntry;

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
    let (found, looked) = gather(store, origin, newest, may)?;
    if found.record.is_none() {
        return Ok(None);
    }
    Ok(made(origin, wanted, found).map(|listing| Unbroken { listing, looked }))
}
