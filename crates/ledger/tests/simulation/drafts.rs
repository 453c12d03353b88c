//! What authors write and release: content of invented subjects, drawn from the seed.

use comity_ledger::{AuthorTime, Draft, Kind, Origin, SealedEntry, Slot, StagedBatch};
use comity_tlog::Hash;

use crate::dice::Dice;

/// Seals drafts at a time in milliseconds.
pub(crate) fn seal(dice: &mut Dice, origin: &Origin, drafts: Vec<Draft>, now: u64) -> Vec<SealedEntry> {
    let time = AuthorTime::from_unix_secs(now / 1_000);
    drafts.into_iter().map(|draft| draft.seal(origin, time, dice).unwrap()).collect()
}

/// What somebody hands to an author at once.
pub(crate) fn drafts(dice: &mut Dice, large: bool) -> Vec<Draft> {
    // Now and then more than a frame holds.
    let count = if large && dice.one_in(12) { dice.between(200, 300) } else { dice.between(1, 4) };
    (0..count).map(|_| draft(dice, count > 4)).collect()
}

fn draft(dice: &mut Dice, plain: bool) -> Draft {
    if plain || dice.one_in(3) {
        return Draft::new(Kind::Key, None).with_public_body(dice.bytes(33));
    }
    let len = if dice.one_in(8) { dice.between(200, 1_200) } else { dice.between(0, 60) };
    let section = dice.bytes(len);
    if dice.one_in(3) {
        Draft::new(Kind::Record, None).with_section(Slot::CORE, section)
    } else {
        Draft::new(Kind::Control, None).with_section(Slot::CONTROL, section)
    }
}

/// Which sections of a batch may leave at once.
pub(crate) fn decide(dice: &mut Dice, staged: &StagedBatch) -> Vec<(u64, u8)> {
    let mut released = Vec::new();
    for (entry, index) in staged.entries().iter().zip(staged.start().value()..) {
        for (slot, _) in entry.openings() {
            if dice.one_in(2) {
                released.push((index, slot.number()));
            }
        }
    }
    released
}

/// A root that nobody signed.
pub(crate) fn other_root(dice: &mut Dice) -> Hash {
    Hash::digest(&dice.bytes(32))
}
