//! What is said to an operator of erasures that wait: which record each is of, and nothing of what it says.
//!
//! Not here: what waits (`erasures_due`).

use comity_ledger::Slot;
use comity_store::Store;
use comity_watchlist::{Change, Section, SectionsRead};
use comity_wire::{WAITING_ERASURES_MAX, v1};

use crate::sections::all_held_at;
use crate::{NodeError, WaitingErasure};

/// What waits, with list, reference and kind of subject of what each would erase; at most [`WAITING_ERASURES_MAX`]. Blocking.
///
/// # Errors
/// A [`NodeError`] if the store fails or is damaged.
pub fn waiting_messages(
    store: &Store,
    waiting: &[WaitingErasure],
) -> Result<Vec<v1::WaitingErasure>, NodeError> {
    waiting.iter().take(WAITING_ERASURES_MAX).map(|waiting| waiting_message(store, waiting)).collect()
}

/// One of them.
///
/// # Errors
/// A [`NodeError`] if the store fails or is damaged.
pub fn waiting_message(store: &Store, waiting: &WaitingErasure) -> Result<v1::WaitingErasure, NodeError> {
    let mut message = v1::WaitingErasure {
        origin: waiting.origin.to_string(),
        index: waiting.index.value(),
        of: waiting.of.value(),
        ..v1::WaitingErasure::default()
    };
    let Some(held) = all_held_at(store, &waiting.origin, &[waiting.of])?.pop() else { return Ok(message) };
    let core = held.openings.iter().find(|opening| opening.slot() == Slot::new(Section::Core.slot()));
    let read = core.map(|core| SectionsRead::withheld().give(Section::Core, core.section()));
    if let Some(decoded) = read.and_then(|read| Change::decode(&read).ok()) {
        let key = decoded.change.key();
        key.list.as_str().clone_into(&mut message.list);
        key.reference.as_str().clone_into(&mut message.reference);
        message.kind =
            decoded.change.op.record().map(|record| record.kind.word().to_owned()).unwrap_or_default();
    }
    Ok(message)
}
