//! Single fields of messages, read once into the types of the domain.
//!
//! A field's name is given by the caller, so that a refusal says which it was; what whole messages mean is in the
//! other modules.

use comity_ledger::{AgencyId, Origin, Slot};
use comity_tlog::{ConsistencyProof, EntryIndex, Hash, NOTE_BYTES_MAX, SignedCheckpoint, TreeSize};

use crate::InvalidMessage;

pub(crate) fn agency(field: &'static str, text: &str) -> Result<AgencyId, InvalidMessage> {
    text.parse().map_err(|_| InvalidMessage::Malformed { field })
}

pub(crate) fn origin(field: &'static str, text: &str) -> Result<Origin, InvalidMessage> {
    text.parse().map_err(|_| InvalidMessage::Malformed { field })
}

pub(crate) fn size(field: &'static str, value: u64) -> Result<TreeSize, InvalidMessage> {
    TreeSize::new(value).map_err(|_| InvalidMessage::Malformed { field })
}

pub(crate) fn index(field: &'static str, value: u64) -> Result<EntryIndex, InvalidMessage> {
    EntryIndex::new(value).map_err(|_| InvalidMessage::Malformed { field })
}

pub(crate) fn slot(field: &'static str, value: u32) -> Result<Slot, InvalidMessage> {
    u8::try_from(value).map(Slot::new).map_err(|_| InvalidMessage::Malformed { field })
}

pub(crate) fn array<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], InvalidMessage> {
    bytes.try_into().map_err(|_| InvalidMessage::Malformed { field })
}

pub(crate) fn hash(field: &'static str, bytes: &[u8]) -> Result<Hash, InvalidMessage> {
    array(field, bytes).map(Hash::from_bytes)
}

/// Reads a signed checkpoint of an origin that this project could have.
pub(crate) fn checkpoint(field: &'static str, note: &[u8]) -> Result<SignedCheckpoint, InvalidMessage> {
    if note.is_empty() {
        return Err(InvalidMessage::Missing { field });
    }
    if note.len() > NOTE_BYTES_MAX {
        return Err(InvalidMessage::TooLong { field, found: note.len(), max: NOTE_BYTES_MAX });
    }
    let signed = SignedCheckpoint::parse(note).map_err(|_| InvalidMessage::Malformed { field })?;
    origin(field, signed.checkpoint().origin()).map(|_| signed)
}

pub(crate) fn proof<B: AsRef<[u8]>>(
    field: &'static str,
    hashes: &[B],
) -> Result<ConsistencyProof, InvalidMessage> {
    count(field, hashes.len(), 0, ConsistencyProof::HASHES_MAX)?;
    let hashes: Result<Vec<_>, _> = hashes.iter().map(|bytes| hash(field, bytes.as_ref())).collect();
    ConsistencyProof::new(hashes?).map_err(|_| InvalidMessage::Malformed { field })
}

/// Refuses a list before anything is allocated for its items.
pub(crate) fn count(field: &'static str, found: usize, min: usize, max: usize) -> Result<(), InvalidMessage> {
    if (min..=max).contains(&found) { Ok(()) } else { Err(InvalidMessage::Count { field, found, min, max }) }
}

/// Refuses items that are together over a limit, before anything is copied.
pub(crate) fn total(
    field: &'static str,
    lengths: impl Iterator<Item = usize>,
    max: usize,
) -> Result<(), InvalidMessage> {
    let found = lengths.fold(0usize, usize::saturating_add);
    if found > max { Err(InvalidMessage::TooLong { field, found, max }) } else { Ok(()) }
}
