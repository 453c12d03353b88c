//! The sections held of entries, and what of them two agencies may exchange: the same rule at both ends.
//!
//! Not here: the rule itself (`policy`), nor who is at the other end of a connection (`tls`).

use std::ops::Range;

use bytes::Bytes;
use comity_ledger::{AgencyId, Entry, Kind, Origin, Slot, VerifiedOpening};
use comity_policy::{
    Agreement, Ask, Circumstances, Cut, Holding, LabelSet, Matter, Moment, Peer, Purposes, RecordState, Side,
    SlotLabel, bound_purposes, cut,
};
use comity_store::{CHUNK_ENTRIES, ReadError, Store, StoreError};
use comity_tlog::{EntryIndex, TreeSize};

use crate::NodeError;

/// One entry with the sections held of it, each compared with its commitment.
#[derive(Debug)]
pub(crate) struct HeldEntry {
    pub(crate) index: EntryIndex,
    /// As the author wrote it.
    pub(crate) bytes: Bytes,
    pub(crate) entry: Entry,
    /// None of one that is held back, for whoever tells of it.
    pub(crate) openings: Vec<VerifiedOpening>,
    /// Whether nothing of it is told for now.
    pub(crate) held_back: bool,
}

/// Reads entries of a range with what is held of them and may be told: of one that is held back, nothing. The caller
/// keeps the range small: an entry may hold 512 KiB.
pub(crate) fn held_entries(
    store: &Store,
    origin: &Origin,
    range: Range<TreeSize>,
) -> Result<Vec<HeldEntry>, NodeError> {
    // Before the sections are read: what is held back from then on is told at most as it was then.
    let held_back = store.held_back();
    let mut held = all_held(store, origin, range)?;
    for one in held.iter_mut().filter(|one| held_back.holds(origin, one.index)) {
        one.openings.clear();
        one.held_back = true;
    }
    Ok(held)
}

/// Reads entries of a range with all that is held of them, for this node alone.
fn all_held(store: &Store, origin: &Origin, range: Range<TreeSize>) -> Result<Vec<HeldEntry>, NodeError> {
    let slots: Vec<Slot> = (0..=Slot::TAGS.number()).map(Slot::new).collect();
    let bytes = store.shared_entries(origin, range.start, range.end)?;
    let mut held = Vec::with_capacity(bytes.len());
    let mut bytes = bytes.into_iter();
    let read = store.each_opening(origin, range, &slots, |index, found| {
        let damaged = |what| StoreError::Damaged { what, log: origin.to_string(), place: index.value() };
        let bytes = bytes.next().ok_or_else(|| damaged("an entry"))?;
        let entry = Entry::parse(&bytes)?;
        let mut openings = Vec::new();
        for (slot, opening) in slots.iter().zip(found) {
            let Some(opening) = opening.take() else { continue };
            let verified = opening.verify(origin, &entry, *slot);
            openings.push(verified.map_err(|_| damaged("a section that gives another commitment"))?);
        }
        held.push(HeldEntry { index, bytes, entry, openings, held_back: false });
        Ok::<(), NodeError>(())
    });
    match read {
        Ok(()) => Ok(held),
        Err(ReadError::Store(source)) => Err(source.into()),
        Err(ReadError::Taker(error)) => Err(error),
    }
}

/// As [`held_entries`], the entries of some places, ascending. All of them lie in one chunk of the store: see
/// [`chunks_of`].
pub(crate) fn held_at(
    store: &Store,
    origin: &Origin,
    indexes: &[EntryIndex],
) -> Result<Vec<HeldEntry>, NodeError> {
    let Some(range) = around(indexes) else { return Ok(Vec::new()) };
    let mut held = held_entries(store, origin, range)?;
    held.retain(|held| indexes.binary_search(&held.index).is_ok());
    Ok(held)
}

/// As [`held_at`], with what is held back, for this node alone.
pub(crate) fn all_held_at(
    store: &Store,
    origin: &Origin,
    indexes: &[EntryIndex],
) -> Result<Vec<HeldEntry>, NodeError> {
    let Some(range) = around(indexes) else { return Ok(Vec::new()) };
    let mut held = all_held(store, origin, range)?;
    held.retain(|held| indexes.binary_search(&held.index).is_ok());
    Ok(held)
}

fn around(indexes: &[EntryIndex]) -> Option<Range<TreeSize>> {
    Some(indexes.first()?.size_before()..indexes.last()?.size_through())
}

/// Splits ascending places by the chunks of the store, so that each is read once.
pub(crate) fn chunks_of(indexes: &[EntryIndex]) -> impl Iterator<Item = &[EntryIndex]> {
    indexes.chunk_by(|a, b| a.value() / CHUNK_ENTRIES == b.value() / CHUNK_ENTRIES)
}

/// Who gives sections to whom, and under which agreement.
#[derive(Clone, Debug)]
pub(crate) struct Parties {
    pub(crate) side: Side,
    pub(crate) sender: AgencyId,
    pub(crate) peer: Peer,
    pub(crate) agreement: Option<Agreement>,
    /// The time by which labels and agreements are judged.
    pub(crate) now: Moment,
}

impl Parties {
    /// What may go of an entry, by the labels that came with it; nothing without labels. `received` is how the
    /// sections came to the sender, for those of another agency's log.
    pub(crate) fn cut(
        &self,
        entry: &Entry,
        openings: Vec<VerifiedOpening>,
        received: Option<&Self>,
        read: &mut LabelsRead,
    ) -> Option<Cut> {
        let labels = read.of(entry, &openings)?;
        let at = self.circumstances();
        let holdings = openings
            .into_iter()
            .map(|opening| {
                let slot = opening.slot();
                let bound = received.map(|parties| parties.purposes(entry, slot, labels));
                Holding { opening, bound }
            })
            .collect();
        Some(cut(entry, holdings, labels, &at))
    }

    /// The purposes with which a section came.
    fn purposes(&self, entry: &Entry, slot: Slot, labels: &LabelSet) -> Purposes {
        let SlotLabel::Understood(label) = labels.label(slot) else { return Purposes::NONE };
        let matter = Matter { kind: entry.kind(), slot, commitment: entry.commitment(slot), bound: None };
        bound_purposes(label, &matter, Ask::Replicate, &self.circumstances())
    }

    fn circumstances(&self) -> Circumstances<'_> {
        Circumstances {
            side: self.side,
            sender: &self.sender,
            peer: &self.peer,
            agreement: self.agreement.as_ref(),
            consents: &[],
            // Relief travels like everything else; what is erased or held as evidence only is not held here at all.
            state: RecordState::Active,
            now: self.now,
            drill: None,
        }
    }
}

/// The labels read last: neighbours in a log mostly have the same, and reading them is the dearest step of a cut.
#[derive(Debug, Default)]
pub(crate) struct LabelsRead {
    last: Option<ReadFrom>,
}

/// Labels with the kind and the sections that they were read from.
#[derive(Debug)]
struct ReadFrom {
    kind: Kind,
    handling: Vec<u8>,
    audience: Option<Vec<u8>>,
    labels: LabelSet,
}

impl LabelsRead {
    fn of(&mut self, entry: &Entry, openings: &[VerifiedOpening]) -> Option<&LabelSet> {
        let section = |slot| openings.iter().find(|held| held.slot() == slot).map(VerifiedOpening::section);
        let (kind, handling, audience) = (entry.kind(), section(Slot::HANDLING)?, section(Slot::AUDIENCE));
        let same = self.last.as_ref().is_some_and(|last| {
            last.kind == kind && last.handling == handling && last.audience.as_deref() == audience
        });
        if !same {
            let labels = LabelSet::from_sections(kind, handling, audience).ok()?;
            let (handling, audience) = (handling.to_vec(), audience.map(<[u8]>::to_vec));
            self.last = Some(ReadFrom { kind, handling, audience, labels });
        }
        self.last.as_ref().map(|last| &last.labels)
    }
}
