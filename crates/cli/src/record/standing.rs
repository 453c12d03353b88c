//! A listing as it stands, for whoever makes the next change of it or says something about it.

use comity_ledger::{Kind, Origin, Slot};
use comity_policy::{Label, LabelSet, SlotLabel, Tlp};
use comity_tlog::EntryIndex;
use comity_watchlist::{Change, EntryRef, Handle, Record, RecordKey, Sections, SectionsRead};
use comity_wire::v1::RecordState;
use comity_wire::{HandlingChoice, ListedRecord, v1};
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::log::hex;
use crate::record::{LIVING, NOTHING};
use crate::records::state_word;
use crate::source::Source;

/// A listing.
pub(super) struct Standing {
    pub(super) key: RecordKey,
    pub(super) handle: Handle,
    /// Its newest entry, and the leaf hash of that.
    pub(super) newest: EntryIndex,
    pub(super) leaf: EntryRef,
    pub(super) state: RecordState,
    pub(super) version: u64,
    /// What it says; none once it is erased, or has ended and cannot be read any more.
    pub(super) record: Option<Record>,
    /// The record that it is merged into, and those that it is split into.
    pub(super) merged_into: Option<RecordKey>,
    pub(super) split_into: Vec<RecordKey>,
}

/// The listing of a key in the own log: the living one, else the one that ended last.
pub(super) fn find(source: &mut Source, key: &RecordKey) -> Result<Option<Standing>, Refusal> {
    Ok(find_all(source, key)?.pop())
}

/// All listings of a key in the own log, by the place of their newest entries, the living one last.
pub(super) fn find_all(source: &mut Source, key: &RecordKey) -> Result<Vec<Standing>, Refusal> {
    let own = source.home().origin();
    find_all_in(source, &own, key)
}

/// The listing of a key in a log that is held: the living one, else the one that ended last.
pub(super) fn find_in(
    source: &mut Source,
    origin: &Origin,
    key: &RecordKey,
) -> Result<Option<Standing>, Refusal> {
    Ok(find_all_in(source, origin, key)?.pop())
}

pub(super) fn find_all_in(
    source: &mut Source,
    origin: &Origin,
    key: &RecordKey,
) -> Result<Vec<Standing>, Refusal> {
    let mut found = Vec::new();
    for listed in source.records(origin, &key.list)? {
        if listed.reference == key.reference {
            if listed.state == RecordState::HeldBack {
                let message = format!(
                    "an erasure of what {key} says waits for an operator's word, and until then nothing of it is told or \
                     changed: `comity record confirm` lists what waits{NOTHING}"
                );
                return Err(Refusal::new("held_back", message));
            }
            found.push(Standing::read(listed, key)?);
        }
    }
    // They come by the place of their newest entry.
    found.sort_by_key(|standing| LIVING.contains(&standing.state));
    Ok(found)
}

impl Standing {
    fn read(listed: ListedRecord, key: &RecordKey) -> Result<Self, Refusal> {
        let ListedRecord { handle, newest, leaf, state, sections, version, merged_into, split_into, .. } =
            listed;
        let is_unread = sections == Sections::default() && !LIVING.contains(&state);
        let record = if state == RecordState::Erased || is_unread {
            None
        } else {
            let change = Change::decode(&SectionsRead::from(&sections)).ok();
            let record = change.as_ref().and_then(|decoded| decoded.change.op.record()).cloned();
            let unread = || Refusal::new("damaged", format!("entry {newest} of the log does not read"));
            let mut record = record.ok_or_else(unread)?;
            // A rekeying says the key, and not the record again.
            record.key = key.clone();
            Some(record)
        };
        Ok(Self { key: key.clone(), handle, newest, leaf, state, version, record, merged_into, split_into })
    }

    /// Whether the record is in one of these states.
    pub(super) fn must_be(&self, states: &[RecordState], why: &str) -> Result<(), Refusal> {
        if states.contains(&self.state) { Ok(()) } else { Err(self.refused(why)) }
    }

    /// Whether the record is in any other state.
    pub(super) fn must_not_be(&self, state: RecordState, why: &str) -> Result<(), Refusal> {
        if self.state == state { Err(self.refused(why)) } else { Ok(()) }
    }

    /// Whether it is the listing that was looked at: versions of what was listed again are counted anew.
    pub(super) fn must_be_listing(&self, handle: Handle) -> Result<(), Refusal> {
        if self.handle == handle {
            return Ok(());
        }
        let message = format!(
            "{} was listed again since (entry {}), and the change was made from another listing of it: look at it again with \
             `comity record show`{NOTHING}",
            self.key, self.newest
        );
        Err(Refusal::new("base_changed", message))
    }

    /// Whether the record has not changed since it was looked at.
    pub(super) fn must_have(&self, version: u64) -> Result<(), Refusal> {
        if self.version == version {
            return Ok(());
        }
        let message = format!(
            "{} has version {} (entry {}), and the change was made from version {version}: look at it again with `comity \
             record show`{NOTHING}",
            self.key, self.version, self.newest
        );
        Err(Refusal::new("base_changed", message))
    }

    pub(super) fn refused(&self, why: &str) -> Refusal {
        Refusal::new("state", format!("{} is {}: {why}{NOTHING}", self.key, state_word(self.state)))
    }

    /// The handling under which a change of it goes: that of what it changes.
    pub(super) fn handling(&self, source: &mut Source) -> Result<HandlingChoice, Refusal> {
        handling_behind(source, self.newest)
    }

    /// What is said of it in an answer.
    pub(super) fn json(&self) -> Value {
        listing_json(&self.key, self.handle, self.state, self.version, self.newest)
    }
}

/// What every answer says of a listing.
pub(super) fn listing_json(
    key: &RecordKey,
    handle: Handle,
    state: RecordState,
    version: u64,
    newest: EntryIndex,
) -> Value {
    json!({
        "list": key.list.as_str(),
        "reference": key.reference.as_str(),
        "handle": hex(handle.as_bytes()),
        "state": state_word(state),
        "version": version,
        "index": newest.value(),
    })
}

/// The handling of what follows an own entry: that of the entry.
pub(super) fn handling_behind(source: &mut Source, index: EntryIndex) -> Result<HandlingChoice, Refusal> {
    Ok(match label_of(source, index)?.map(|label| label.handling().tlp) {
        Some(Tlp::Clear) => HandlingChoice::OfficialList,
        // What was kept home stays there.
        Some(Tlp::Red) => HandlingChoice::KeptHome,
        _ => HandlingChoice::OwnDesignation,
    })
}

/// The label of the core of an own entry; none where it is not understood, or was erased.
pub(crate) fn label_of(source: &mut Source, index: EntryIndex) -> Result<Option<Label>, Refusal> {
    let own = source.home().origin();
    label_in(source, &own, index)
}

/// The label of the core of an entry of a log that is held.
pub(super) fn label_in(
    source: &mut Source,
    origin: &Origin,
    index: EntryIndex,
) -> Result<Option<Label>, Refusal> {
    let Some(entry) = source.entry(origin, index.value())? else { return Ok(None) };
    let opened = |slot: Slot| {
        let held = entry.sections.iter().find(|held| held.slot == u32::from(slot.number()))?;
        match &held.content {
            Some(v1::held_section::Content::Opened(content)) => Some(content.as_ref()),
            _ => None,
        }
    };
    let Some(handling) = opened(Slot::HANDLING) else { return Ok(None) };
    let labels = LabelSet::from_sections(Kind::Record, handling, opened(Slot::AUDIENCE));
    Ok(labels.ok().and_then(|labels| match labels.label(Slot::CORE) {
        SlotLabel::Understood(label) => Some(label.clone()),
        _ => None,
    }))
}
