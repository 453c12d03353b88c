//! A change in a package is told to others only if they may be told all of it.
//!
//! Authors here label the changes of a package alike (`packages`); a peer's log may hold others. Not here: whether a package
//! is whole, which the view says.

use comity_ledger::{Kind, Origin, Slot};
use comity_policy::{LabelSet, SlotLabel};
use comity_store::Store;
use comity_tlog::EntryIndex;
use comity_watchlist::{PackagePlace, Section};

use super::MayTell;
use crate::NodeError;
use crate::sections::{HeldEntry, chunks_of, held_at};

/// Whether the other changes of the package of an entry may be told; what is erased has nothing left to tell. Blocking.
///
/// # Errors
/// A [`NodeError`] of the store.
pub(super) fn is_told(
    store: &Store,
    origin: &Origin,
    index: EntryIndex,
    place: Option<PackagePlace>,
    may: &MayTell<'_>,
) -> Result<bool, NodeError> {
    let Some(place) = place else { return Ok(true) };
    let first = index.value().saturating_sub(u64::from(place.place()).saturating_sub(1));
    let members = first..first.saturating_add(place.count().into());
    let members = members.filter_map(|member| EntryIndex::new(member).ok());
    let others: Vec<EntryIndex> = members.filter(|member| *member != index).collect();
    for chunk in chunks_of(&others) {
        for other in held_at(store, origin, chunk)? {
            if !may_tell(&other, may) && !store.is_erased(origin, other.index)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn may_tell(held: &HeldEntry, may: &MayTell<'_>) -> bool {
    let section = |slot| {
        let opening = held.openings.iter().find(|opening| opening.slot() == slot);
        opening.map(comity_ledger::VerifiedOpening::section)
    };
    let core = Slot::new(Section::Core.slot());
    let Some(handling) = section(Slot::HANDLING).filter(|_| section(core).is_some()) else { return false };
    let labels = LabelSet::from_sections(Kind::Record, handling, section(Slot::AUDIENCE));
    labels.is_ok_and(|labels| match labels.label(core) {
        SlotLabel::Understood(label) => may(label),
        _ => false,
    })
}
