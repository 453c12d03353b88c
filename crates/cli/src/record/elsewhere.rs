//! What merges and splits said of a record in the chains of others: it stands there too, and is not erased with the record.
//!
//! A merge and a split are signed once for each record that they touch, one behind the other and with the same reasons. Each
//! is a change of its own record, which could not be followed any more without it. So whoever erases one record is told
//! where the others are. Not here: erasing (the node).

use comity_ledger::{Entry, Slot};
use comity_node::NodeError;
use comity_tlog::EntryIndex;
use comity_watchlist::{Change, Handle, Op, RecordKey, Section, SectionsRead};
use comity_wire::v1;
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::plain::plain;
use crate::record::standing::Standing;
use crate::source::Source;

/// The change of another record by which a merge or a split says what it says of both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Elsewhere {
    index: EntryIndex,
    key: RecordKey,
}

impl Elsewhere {
    /// All of them, of a listing of the own log that was not erased yet.
    pub(super) fn of(source: &mut Source, standing: &Standing) -> Result<Vec<Self>, Refusal> {
        let mut found = Vec::new();
        let mut next = Some(standing.newest);
        while let Some(index) = next {
            let (about, change) = read(source, index)?;
            let handles = change.as_ref().map(|change| joined(&change.op)).unwrap_or_default();
            if let Some(at) = handles.iter().position(|handle| *handle == standing.handle) {
                found.extend(others(source, index, at, &handles)?);
            }
            next = about.filter(|about| *about < index);
        }
        found.sort_unstable();
        Ok(found)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "list": self.key.list.as_str(), "reference": self.key.reference.as_str(), "index": self.index.value(),
        })
    }

    /// What is said of all of them to people; nothing if there is none.
    pub(super) fn text(all: &[Self]) -> Option<String> {
        let named = |one: &Self| format!("entry {} of {}", one.index, plain(&one.key.to_string()));
        let named: Vec<String> = all.iter().map(named).collect();
        let message = "what merges and splits said of it together with other records stays with those";
        (!named.is_empty()).then(|| format!("elsewhere {message}: {}", named.join(", ")))
    }
}

/// The records that a merge or a split names, in the order in which it is signed for each.
fn joined(op: &Op) -> Vec<Handle> {
    let (first, others) = match op {
        Op::Merge { into, from, .. } => (into, from),
        Op::Split { from, into, .. } => (from, into),
        _ => return Vec::new(),
    };
    std::iter::once(*first).chain(others.iter().copied()).collect()
}

/// The changes that were signed next to one at `index`, which is that of the record at a place among them; those that were
/// erased say nothing any more.
fn others(
    source: &mut Source,
    index: EntryIndex,
    at: usize,
    handles: &[Handle],
) -> Result<Vec<Elsewhere>, Refusal> {
    let first = u64::try_from(at).ok().and_then(|at| index.value().checked_sub(at));
    let Some(first) = first else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (place, handle) in (first..).zip(handles) {
        let Ok(place) = EntryIndex::new(place) else { continue };
        if place == index {
            continue;
        }
        if let Some(change) = read(source, place)?.1
            && change.handle == *handle
            && joined(&change.op) == handles
        {
            found.push(Elsewhere { index: place, key: change.key().clone() });
        }
    }
    Ok(found)
}

/// The entry that one of the own log is about, and the change that it states, as far as it is opened.
fn read(source: &mut Source, index: EntryIndex) -> Result<(Option<EntryIndex>, Option<Change>), Refusal> {
    let own = source.home().origin();
    let Some(found) = source.entry(&own, index.value())? else { return Ok((None, None)) };
    let entry = Entry::parse(&found.entry).map_err(NodeError::from)?;
    let mut read = SectionsRead::withheld();
    for held in &found.sections {
        let slot = u8::try_from(held.slot).map(Slot::new).ok();
        let section = slot.and_then(|slot| Section::from_slot(slot.number()));
        if let (Some(section), Some(v1::held_section::Content::Opened(content))) = (section, &held.content) {
            read = read.give(section, content);
        }
    }
    Ok((entry.about(), Change::decode(&read).ok().map(|decoded| decoded.change)))
}
