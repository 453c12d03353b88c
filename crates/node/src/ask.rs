//! What a store holds, in the messages that tell of it: the same for the services of a running node and for a
//! command that opened the home itself.
//!
//! Not here: the records of a list (`listed`), and screening (`screened`).

use std::collections::BTreeMap;

use bytes::Bytes;
use comity_ledger::{Entry, Head, Origin};
use comity_store::{LogRole, ReadError, Store};
use comity_tlog::{EntryIndex, TreeSize};
use comity_wire::{LogHead, v1};

use crate::export::head_of;
use crate::{LogState, NodeError};

/// The logs of the node, its own first; `states` is how it stands with each.
///
/// # Errors
/// A [`NodeError`] if the store is damaged.
pub fn logs(store: &Store, states: &BTreeMap<Origin, LogState>) -> Result<Vec<v1::Log>, NodeError> {
    let mut logs = Vec::new();
    for (origin, role) in store.logs()? {
        let note = store.newest_note(&origin)?;
        let head = note.map_or(Ok(Head::EMPTY), |note| head_of(&note))?;
        let (place, role) = match role {
            LogRole::Own => (0, v1::LogRole::Own),
            LogRole::Replica => (1, v1::LogRole::Replica),
        };
        let known = states.get(&origin).copied().unwrap_or_default();
        let is_witnessed = head.size > TreeSize::ZERO && known.witnessed >= head.size;
        let state =
            if is_witnessed { v1::CheckpointState::Witnessed } else { v1::CheckpointState::Unwitnessed };
        let log = v1::Log {
            head: Some(v1::LogHead::from(&LogHead { origin, head })),
            role: role.into(),
            state: state.into(),
            witnessed_size: known.witnessed.value(),
            fresh_at: known.fresh_at,
            stale: known.stale,
            in_doubt: known.in_doubt,
            closed_size: known.closed.map(TreeSize::value),
        };
        logs.push((place, log));
    }
    logs.sort_by_key(|(place, _)| *place);
    Ok(logs.into_iter().map(|(_, log)| log).collect())
}

/// One entry under the newest checkpoint; `None` beyond it. The sections of one that is held back are withheld.
///
/// # Errors
/// A [`NodeError`] if there is no such log, or the store is damaged.
pub fn read_entry(
    store: &Store,
    origin: &Origin,
    index: EntryIndex,
) -> Result<Option<v1::ReadEntryResponse>, NodeError> {
    let no_log = || comity_store::StoreError::NoSuchLog { origin: origin.to_string() };
    let note = store.newest_note(origin)?.ok_or_else(no_log)?;
    if !head_of(&note)?.size.contains(index) {
        return Ok(None);
    }
    let range = index.size_before()..index.size_through();
    let Some(bytes) = store.entries(origin, range.start, range.end)?.pop() else { return Ok(None) };
    let slots: Vec<_> = Entry::parse(&bytes)?.commitments().iter().map(|(slot, _)| *slot).collect();
    let is_held_back = store.held_back().holds(origin, index);
    // An author has held all of its sections once.
    let absence = match store.role(origin)? {
        _ if is_held_back => v1::SectionAbsence::Withheld,
        _ if store.is_erased(origin, index)? => v1::SectionAbsence::Erased,
        Some(LogRole::Own) => v1::SectionAbsence::Lost,
        Some(LogRole::Replica) | None => v1::SectionAbsence::Withheld,
    };
    let mut sections = Vec::with_capacity(slots.len());
    let read = store.each_opening(origin, range, &slots, |_, openings| {
        for (slot, opening) in slots.iter().zip(&*openings) {
            let content = match opening {
                Some(opening) if !is_held_back => {
                    v1::held_section::Content::Opened(Bytes::copy_from_slice(opening.section()))
                }
                _ => v1::held_section::Content::Absent(absence.into()),
            };
            sections.push(v1::HeldSection { slot: slot.number().into(), content: Some(content) });
        }
        Ok::<(), NodeError>(())
    });
    read.map_err(|error| match error {
        ReadError::Store(source) => source.into(),
        ReadError::Taker(error) => error,
    })?;
    store.sync_what_was_read()?;
    Ok(Some(v1::ReadEntryResponse { entry: Bytes::from(bytes), sections }))
}
