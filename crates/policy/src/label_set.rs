//! The labels of all slots of one entry, and the two sections that carry them.
//!
//! The handling section (slot 0) says what a recipient must obey, the audience section (slot 1) who may be told.
//! Each is a table of distinct labels and an index for every slot of the kind, absent sections included, so that
//! neither tells which sections are there.
//! Not for: the fields of one label (`label_form`); whether a section is opened (`cut`).

use std::collections::BTreeMap;

use comity_ledger::{Draft, Kind, SECTION_BYTES_MAX, Slot};
use comity_watchlist::cbor::{Fields, Value};

use crate::error::LabelError;
use crate::label::{Label, Reach};
use crate::label_form::{Unread, read_audience, read_handling, write_audience, write_handling};

/// The version of both sections.
const VERSION: u64 = 1;

const KEY_VERSION: u64 = 0;
const KEY_TABLE: u64 = 1;
const KEY_SLOTS: u64 = 2;

/// Most slots of one entry: their number is a byte.
const SLOTS_MAX: usize = 256;

/// The label of one slot, as far as it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotLabel<'a> {
    /// A label that this version understands in full.
    Understood(&'a Label),
    /// A label with a key or a word of a later version: it permits nothing (G-2).
    Foreign,
    /// No label: it permits nothing (G-2).
    Missing,
}

/// The labels of every slot of one kind of entry.
///
/// The labels of slots 0 and 1 are those of the two sections themselves. Nothing of an entry can be released to
/// whom the label of slot 0 denies, since content never goes without its handling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSet {
    kind: Kind,
    table: Vec<Stored>,
    slots: Vec<(Slot, usize)>,
    /// Keys of a later version beside table and slots, in either section.
    extra: [Fields; 2],
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stored {
    // Boxed: a label is some hundred bytes, and tables are cloned with their set.
    Understood(Box<Label>),
    Foreign { handling: Fields, audience: Option<Fields> },
}

impl LabelSet {
    /// One label for each slot of a kind, 0 and 1 included.
    ///
    /// # Errors
    /// [`LabelError::NoHandling`] if the kind has no sections; [`LabelError::SlotSet`] if the slots are not those
    /// of the kind; [`LabelError::AudienceUnknown`] or a rule of coherence if a label may not be written;
    /// [`LabelError::SectionTooLong`].
    pub fn new(kind: Kind, labels: BTreeMap<Slot, Label>) -> Result<Self, LabelError> {
        let expected = slots_of(kind)?;
        let missing = expected.iter().find(|slot| !labels.contains_key(slot));
        if let Some(slot) = missing.or_else(|| labels.keys().find(|slot| !expected.contains(slot))) {
            return Err(LabelError::SlotSet { kind: kind.name(), slot: *slot });
        }
        let mut set = Self { kind, table: Vec::new(), slots: Vec::new(), extra: Default::default() };
        for (slot, label) in labels {
            if label.reach() != Reach::Known {
                return Err(LabelError::AudienceUnknown { slot });
            }
            // A joined label may have lost its coherence, though never its restrictions.
            label.check()?;
            set.push(slot, Stored::Understood(Box::new(label)));
        }
        let sections = [
            Some((Slot::HANDLING, set.handling_section())),
            set.audience_section().map(|bytes| (Slot::AUDIENCE, bytes)),
        ];
        for (slot, bytes) in sections.into_iter().flatten() {
            if bytes.len() > SECTION_BYTES_MAX {
                return Err(LabelError::SectionTooLong { slot, len: bytes.len() });
            }
        }
        Ok(set)
    }

    /// The same label for every slot of a kind.
    ///
    /// # Errors
    /// As [`LabelSet::new`].
    pub fn uniform(kind: Kind, label: &Label) -> Result<Self, LabelError> {
        Self::new(kind, slots_of(kind)?.iter().map(|slot| (*slot, label.clone())).collect())
    }

    /// Reads the labels of an entry of this kind from its opened sections; `audience` is `None` where that
    /// section was not opened, and then nobody can pass anything on.
    ///
    /// # Errors
    /// A [`LabelError`] if a section is malformed, of another version, not in its only form, lacks a slot of the
    /// kind, or holds a label that is not coherent (G-3). A caller without labels releases nothing (G-2).
    pub fn from_sections(kind: Kind, handling: &[u8], audience: Option<&[u8]>) -> Result<Self, LabelError> {
        let handling = Table::read(kind, Slot::HANDLING, handling)?;
        let audience = audience.map(|bytes| Table::read(kind, Slot::AUDIENCE, bytes)).transpose()?;
        let mut set = Self { kind, table: Vec::new(), slots: Vec::new(), extra: Default::default() };
        if audience.as_ref().is_some_and(|table| !table.slots.keys().eq(handling.slots.keys())) {
            return Err(LabelError::SectionsDiffer);
        }
        for slot in handling.slots.keys() {
            let terms = handling.label_of(*slot)?;
            let words = audience.as_ref().map(|table| table.label_of(*slot)).transpose()?;
            set.push(*slot, read_label(terms, words)?);
        }
        set.extra = [handling.extra, audience.map(|table| table.extra).unwrap_or_default()];
        Ok(set)
    }

    /// The kind of entry that the labels are for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The label of a slot.
    pub fn label(&self, slot: Slot) -> SlotLabel<'_> {
        if self.extra.iter().any(|extra| !extra.is_empty()) {
            return SlotLabel::Foreign;
        }
        let place = self.slots.iter().find(|(held, _)| *held == slot).map(|(_, place)| *place);
        match place.and_then(|place| self.table.get(place)) {
            Some(Stored::Understood(label)) => SlotLabel::Understood(label),
            Some(Stored::Foreign { .. }) => SlotLabel::Foreign,
            None => SlotLabel::Missing,
        }
    }

    /// The slots that have a label, ascending.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.slots.iter().map(|(slot, _)| *slot)
    }

    /// The bytes of the handling section (slot 0).
    #[must_use]
    pub fn handling_section(&self) -> Vec<u8> {
        self.section(0, |stored| match stored {
            Stored::Understood(label) => Some(write_handling(label.handling())),
            Stored::Foreign { handling, .. } => Some(handling.clone()),
        })
        .unwrap_or_default()
    }

    /// The bytes of the audience section (slot 1); `None` where the kind has none or it was not opened.
    #[must_use]
    pub fn audience_section(&self) -> Option<Vec<u8>> {
        if self.kind.slots().is_some_and(|slots| !slots.contains(&Slot::AUDIENCE)) {
            return None;
        }
        self.section(1, |stored| match stored {
            Stored::Understood(label) if label.reach() == Reach::Known => {
                Some(write_audience(label.audience()))
            }
            Stored::Understood(_) => None,
            Stored::Foreign { audience, .. } => audience.clone(),
        })
    }

    /// Puts both sections into a draft of the same kind.
    #[must_use]
    pub fn put_into(&self, draft: Draft) -> Draft {
        let draft = draft.with_section(Slot::HANDLING, self.handling_section());
        match self.audience_section() {
            Some(audience) => draft.with_section(Slot::AUDIENCE, audience),
            None => draft,
        }
    }

    fn push(&mut self, slot: Slot, stored: Stored) {
        let place = self.table.iter().position(|held| *held == stored).unwrap_or_else(|| {
            self.table.push(stored);
            self.table.len() - 1
        });
        self.slots.push((slot, place));
    }

    fn section(&self, which: usize, half: impl Fn(&Stored) -> Option<Fields>) -> Option<Vec<u8>> {
        let mut table: Vec<Value> = Vec::new();
        let mut slots = Fields::new();
        for (slot, place) in &self.slots {
            let label = Value::Map(half(self.table.get(*place)?)?);
            let index = table.iter().position(|held| *held == label).unwrap_or_else(|| {
                table.push(label);
                table.len() - 1
            });
            slots.put_unsigned(u64::from(slot.number()), u64::try_from(index).ok()?);
        }
        let mut section = self.extra.get(which)?.clone();
        section.put_unsigned(KEY_VERSION, VERSION);
        section.put(KEY_TABLE, Value::Array(table));
        section.put(KEY_SLOTS, Value::Map(slots));
        Some(section.encode())
    }
}

fn slots_of(kind: Kind) -> Result<&'static [Slot], LabelError> {
    match kind.slots() {
        Some(slots) if !slots.is_empty() => Ok(slots),
        _ => Err(LabelError::NoHandling { kind: kind.name() }),
    }
}

fn read_label(handling: &Fields, audience: Option<&Fields>) -> Result<Stored, LabelError> {
    let foreign = || Stored::Foreign { handling: handling.clone(), audience: audience.cloned() };
    let terms = match read_handling(handling.clone()) {
        Ok(terms) => terms,
        Err(Unread::Foreign) => return Ok(foreign()),
        Err(Unread::Bad(error)) => return Err(error),
    };
    let Some(words) = audience else { return Label::withheld(terms).map(Box::new).map(Stored::Understood) };
    match read_audience(words.clone()) {
        Ok(audience) => {
            let draft = crate::label::LabelDraft { handling: terms, audience };
            Label::new(draft).map(Box::new).map(Stored::Understood)
        }
        Err(Unread::Foreign) => Ok(foreign()),
        Err(Unread::Bad(error)) => Err(error),
    }
}

/// One section, taken apart but for its labels.
struct Table {
    section: Slot,
    labels: Vec<Fields>,
    slots: BTreeMap<Slot, usize>,
    extra: Fields,
}

impl Table {
    fn read(kind: Kind, section: Slot, bytes: &[u8]) -> Result<Self, LabelError> {
        let mut fields =
            Fields::decode(bytes).map_err(|source| LabelError::Cbor { slot: section, source })?;
        let bad = |field| LabelError::Field { slot: section, field };
        if fields.take_unsigned(KEY_VERSION) != Ok(Some(VERSION)) {
            return Err(LabelError::Version { slot: section });
        }
        let labels = fields.take_array(KEY_TABLE).ok().flatten().ok_or(bad("labels"))?;
        if labels.len() > SLOTS_MAX {
            return Err(bad("labels"));
        }
        let labels = labels.into_iter().map(|value| match value {
            Value::Map(label) => Ok(label),
            _ => Err(bad("labels")),
        });
        let labels = labels.collect::<Result<Vec<_>, _>>()?;
        let index = fields.take_fields(KEY_SLOTS).ok().flatten().ok_or(bad("slots"))?;
        let mut slots = BTreeMap::new();
        // Labels stand in the order of their first use, each once, and all are used: one form for one content.
        let mut used = 0;
        for (number, place) in index.iter() {
            let slot = Slot::new(u8::try_from(number).map_err(|_| bad("slots"))?);
            let Value::Unsigned(place) = place else { return Err(bad("slots")) };
            let place = usize::try_from(*place).map_err(|_| bad("slots"))?;
            if place > used || place >= labels.len() {
                return Err(bad("slots"));
            }
            used = used.max(place.saturating_add(1));
            slots.insert(slot, place);
        }
        let repeated =
            labels.iter().enumerate().any(|(at, label)| labels.iter().take(at).any(|l| l == label));
        if used != labels.len() || repeated {
            return Err(bad("labels"));
        }
        check_slots(kind, &slots)?;
        Ok(Self { section, labels, slots, extra: fields })
    }

    fn label_of(&self, slot: Slot) -> Result<&Fields, LabelError> {
        let label = self.slots.get(&slot).and_then(|place| self.labels.get(*place));
        label.ok_or(LabelError::Field { slot: self.section, field: "slots" })
    }
}

/// Each slot of a known kind must have its label; only slots that no kind of this version has may stand beside.
fn check_slots(kind: Kind, slots: &BTreeMap<Slot, usize>) -> Result<(), LabelError> {
    let Some(expected) = kind.slots() else { return Ok(()) };
    if expected.is_empty() {
        return Err(LabelError::NoHandling { kind: kind.name() });
    }
    let missing = expected.iter().find(|slot| !slots.contains_key(slot));
    let stray = || slots.keys().find(|slot| **slot <= Slot::TAGS && !expected.contains(slot));
    match missing.or_else(stray) {
        Some(slot) => Err(LabelError::SlotSet { kind: kind.name(), slot: *slot }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
