//! Changes on their way to the own log, and the records that they are compared with.
//!
//! What a change means is `watchlist`'s; handling labels are `policy`'s. The sections pass as bytes.

use bytes::Bytes;
use comity_ledger::BATCH_ENTRIES_MAX;
use comity_tlog::EntryIndex;
use comity_watchlist::limits::HANDLES_MAX;
use comity_watchlist::{EntryRef, Handle, ListId, RecordKey, Reference, Section, Sections};

use crate::v1::append_request::Step;
use crate::{InvalidMessage, field, v1};

/// Most changes of one append: they become one batch, all or none.
pub const APPEND_CHANGES_MAX: u64 = 65_536;

/// Most changes or records of one message: at some hundred bytes each, a message is about a frame long.
pub const CHANGES_PER_MESSAGE_MAX: usize = 1_024;

/// Most bytes of the sections of one message; one change of six full sections fits.
pub const SECTION_BYTES_PER_MESSAGE_MAX: usize = 1 << 20;

/// The one limit is the other in another type; this does not compile if they part.
const _: () = assert!(BATCH_ENTRIES_MAX == 65_536);

const CHANGES: &str = "append_changes.changes";
const SECTIONS: &str = "section.slot";
const CONTENT: &str = "section.content";

/// The handling that the node signs with a change, by its release policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandlingChoice {
    /// A record of an official public list.
    OfficialList,
    /// A designation by this agency.
    OwnDesignation,
    /// What leaves the home for nobody.
    KeptHome,
}

/// How a list of the own log stands: another after each change of it, since each change is a newer entry of a listing, or
/// takes one away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListBasis {
    /// The list.
    pub list: ListId,
    /// How many listings it has, living and ended.
    pub listings: u64,
    /// The newest of their newest entries; `None` if it has no listing.
    pub newest: Option<EntryIndex>,
}

/// What follows in an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendHeader {
    changes: u64,
    handling: HandlingChoice,
    basis: Option<ListBasis>,
    label_anew: bool,
}

impl AppendHeader {
    /// A header; `None` for no changes or more than [`APPEND_CHANGES_MAX`].
    pub fn new(changes: u64, handling: HandlingChoice) -> Option<Self> {
        let header = Self { changes, handling, basis: None, label_anew: false };
        (1..=APPEND_CHANGES_MAX).contains(&changes).then_some(header)
    }

    /// The same for changes that were found by comparing with a list.
    #[must_use]
    pub fn over(mut self, basis: Option<ListBasis>) -> Self {
        self.basis = basis;
        self
    }

    /// The same with listings under their own labels alone, or together with those of the former ones.
    #[must_use]
    pub fn labelled(mut self, label_anew: bool) -> Self {
        self.label_anew = label_anew;
        self
    }

    /// Whether a listing that begins where a former one ended goes under its own labels alone.
    pub fn label_anew(&self) -> bool {
        self.label_anew
    }

    /// How many changes follow.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The handling of all of them.
    pub fn handling(&self) -> HandlingChoice {
        self.handling
    }

    /// The list that they were found by comparing with, if they were.
    pub fn into_basis(self) -> Option<ListBasis> {
        self.basis
    }
}

/// One change, not yet sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct DraftChange {
    about: Option<EntryIndex>,
    sections: Sections,
}

impl DraftChange {
    /// A change that follows an entry, or begins a listing; `None` without a core section.
    pub fn new(about: Option<EntryIndex>, sections: Sections) -> Option<Self> {
        (!sections.bytes(Section::Core).is_empty()).then_some(Self { about, sections })
    }

    /// The entry that the change follows.
    pub fn about(&self) -> Option<EntryIndex> {
        self.about
    }

    /// The sections; core is never empty.
    pub fn sections(&self) -> &Sections {
        &self.sections
    }

    /// The change as a message.
    pub fn to_message(&self) -> v1::ChangeDraft {
        v1::ChangeDraft { about: self.about.map(EntryIndex::value), sections: write(&self.sections) }
    }
}

impl std::fmt::Debug for DraftChange {
    /// Sections may be personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DraftChange").field("about", &self.about).finish_non_exhaustive()
    }
}

/// A step of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendStep {
    /// What follows; first and only once.
    Header(AppendHeader),
    /// Changes.
    Changes(Vec<DraftChange>),
}

impl AppendStep {
    /// The changes of one append as messages, each under its limits.
    pub fn pack(changes: &[DraftChange]) -> Vec<v1::AppendRequest> {
        let mut messages = Vec::new();
        let mut packed = Vec::new();
        let mut bytes = 0usize;
        for change in changes {
            let more: usize = change.sections.iter().map(|(_, content)| content.len()).sum();
            let full = packed.len() == CHANGES_PER_MESSAGE_MAX
                || bytes.saturating_add(more) > SECTION_BYTES_PER_MESSAGE_MAX;
            if full && !packed.is_empty() {
                messages
                    .push(request(Step::Changes(v1::AppendChanges { changes: std::mem::take(&mut packed) })));
                bytes = 0;
            }
            bytes = bytes.saturating_add(more);
            packed.push(change.to_message());
        }
        if !packed.is_empty() {
            messages.push(request(Step::Changes(v1::AppendChanges { changes: packed })));
        }
        messages
    }
}

fn request(step: Step) -> v1::AppendRequest {
    v1::AppendRequest { step: Some(step) }
}

impl From<AppendHeader> for v1::AppendRequest {
    fn from(header: AppendHeader) -> Self {
        let handling = match header.handling {
            HandlingChoice::OfficialList => v1::HandlingChoice::OfficialList,
            HandlingChoice::OwnDesignation => v1::HandlingChoice::OwnDesignation,
            HandlingChoice::KeptHome => v1::HandlingChoice::KeptHome,
        };
        let AppendHeader { changes, basis, label_anew, .. } = header;
        let basis = basis.map(v1::ListBasis::from);
        request(Step::Header(v1::AppendHeader { changes, handling: handling.into(), basis, label_anew }))
    }
}

impl From<ListBasis> for v1::ListBasis {
    fn from(basis: ListBasis) -> Self {
        let ListBasis { list, listings, newest } = basis;
        Self { list: list.as_str().to_owned(), listings, newest_index: newest.map(EntryIndex::value) }
    }
}

impl TryFrom<v1::ListBasis> for ListBasis {
    type Error = InvalidMessage;

    fn try_from(message: v1::ListBasis) -> Result<Self, InvalidMessage> {
        let list = ListId::parse(&message.list)
            .map_err(|_| InvalidMessage::Malformed { field: "list_basis.list" })?;
        let newest = message.newest_index.map(|index| field::index("list_basis.newest_index", index));
        let newest = newest.transpose()?;
        // A list without listings has no entry, and one with listings has.
        if newest.is_some() != (message.listings > 0) {
            return Err(InvalidMessage::Malformed { field: "list_basis.listings" });
        }
        Ok(Self { list, listings: message.listings, newest })
    }
}

impl TryFrom<v1::AppendRequest> for AppendStep {
    type Error = InvalidMessage;

    fn try_from(message: v1::AppendRequest) -> Result<Self, InvalidMessage> {
        match message.step.ok_or(InvalidMessage::Missing { field: "append_request.step" })? {
            Step::Header(header) => AppendHeader::try_from(header).map(Self::Header),
            Step::Changes(v1::AppendChanges { changes }) => {
                field::count(CHANGES, changes.len(), 1, CHANGES_PER_MESSAGE_MAX)?;
                let sections = changes.iter().flat_map(|change| &change.sections);
                field::total(CHANGES, sections.map(|one| one.content.len()), SECTION_BYTES_PER_MESSAGE_MAX)?;
                changes.into_iter().map(DraftChange::try_from).collect::<Result<_, _>>().map(Self::Changes)
            }
        }
    }
}

impl TryFrom<v1::AppendHeader> for AppendHeader {
    type Error = InvalidMessage;

    fn try_from(message: v1::AppendHeader) -> Result<Self, InvalidMessage> {
        let handling = match v1::HandlingChoice::try_from(message.handling) {
            Ok(v1::HandlingChoice::OfficialList) => HandlingChoice::OfficialList,
            Ok(v1::HandlingChoice::OwnDesignation) => HandlingChoice::OwnDesignation,
            Ok(v1::HandlingChoice::KeptHome) => HandlingChoice::KeptHome,
            Ok(v1::HandlingChoice::Unspecified) | Err(_) => {
                return Err(InvalidMessage::Malformed { field: "append_header.handling" });
            }
        };
        let basis = message.basis.map(ListBasis::try_from).transpose()?;
        let header = Self::new(message.changes, handling);
        let header = header.ok_or(InvalidMessage::Malformed { field: "append_header.changes" })?;
        Ok(header.over(basis).labelled(message.label_anew))
    }
}

impl TryFrom<v1::ChangeDraft> for DraftChange {
    type Error = InvalidMessage;

    fn try_from(message: v1::ChangeDraft) -> Result<Self, InvalidMessage> {
        let about = message.about.map(|index| field::index("change_draft.about", index)).transpose()?;
        Self::new(about, read(message.sections)?)
            .ok_or(InvalidMessage::Missing { field: "change_draft.sections" })
    }
}

/// A record of an own list as it stands, and what the next change of it follows.
#[derive(Clone, PartialEq, Eq)]
pub struct ListedRecord {
    /// The listing.
    pub handle: Handle,
    /// The newest entry of the listing.
    pub newest: EntryIndex,
    /// Its leaf hash: `prev` of the next change.
    pub leaf: EntryRef,
    /// Where the listing stands.
    pub state: v1::RecordState,
    /// The newest change that carries the whole record; nothing of a listing that was erased.
    pub sections: Sections,
    /// How many changes there have been of the listing; 0 from a node that does not say it.
    pub version: u64,
    /// The reference that the record has now.
    pub reference: Reference,
    /// The record that it is merged into.
    pub merged_into: Option<RecordKey>,
    /// The records that it is split into, beside itself; at most [`HANDLES_MAX`].
    pub split_into: Vec<RecordKey>,
}

/// List and reference as a message.
pub fn record_name(key: &RecordKey) -> v1::RecordName {
    v1::RecordName { list: key.list.as_str().to_owned(), reference: key.reference.as_str().to_owned() }
}

fn key_of(name: &v1::RecordName) -> Result<RecordKey, InvalidMessage> {
    let malformed = |_| InvalidMessage::Malformed { field: "record_name" };
    let list = ListId::parse(&name.list).map_err(malformed)?;
    Ok(RecordKey::new(list, Reference::parse(&name.reference).map_err(malformed)?))
}

impl std::fmt::Debug for ListedRecord {
    /// Sections may be personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListedRecord").field("newest", &self.newest).finish_non_exhaustive()
    }
}

impl TryFrom<v1::CurrentRecord> for ListedRecord {
    type Error = InvalidMessage;

    fn try_from(message: v1::CurrentRecord) -> Result<Self, InvalidMessage> {
        let state = v1::RecordState::try_from(message.state)
            .map_err(|_| InvalidMessage::Malformed { field: "current_record.state" })?;
        Ok(Self {
            handle: Handle::new(field::array("current_record.handle", &message.handle)?),
            newest: field::index("current_record.newest_index", message.newest_index)?,
            leaf: EntryRef::new(field::array("current_record.newest_leaf", &message.newest_leaf)?),
            state,
            sections: read(message.sections)?,
            version: message.version,
            reference: Reference::parse(&message.reference)
                .map_err(|_| InvalidMessage::Malformed { field: "current_record.reference" })?,
            merged_into: message.merged_into.as_ref().map(key_of).transpose()?,
            split_into: {
                field::count("current_record.split_into", message.split_into.len(), 0, HANDLES_MAX)?;
                message.split_into.iter().map(key_of).collect::<Result<_, _>>()?
            },
        })
    }
}

impl From<&ListedRecord> for v1::CurrentRecord {
    fn from(record: &ListedRecord) -> Self {
        Self {
            handle: Bytes::copy_from_slice(record.handle.as_bytes()),
            newest_index: record.newest.value(),
            newest_leaf: Bytes::copy_from_slice(record.leaf.as_bytes()),
            state: record.state.into(),
            sections: write(&record.sections),
            version: record.version,
            reference: record.reference.as_str().to_owned(),
            merged_into: record.merged_into.as_ref().map(record_name),
            split_into: record.split_into.iter().map(record_name).collect(),
        }
    }
}

/// Reads sections with slots that ascend; empty ones must be left out, so that there is one form of each set.
fn read(messages: Vec<v1::Section>) -> Result<Sections, InvalidMessage> {
    field::count("sections", messages.len(), 0, Section::ALL.len())?;
    let mut sections = Sections::default();
    let mut last = None;
    for message in messages {
        let slot = field::slot(SECTIONS, message.slot)?.number();
        let section = Section::from_slot(slot).filter(|section| last.is_none_or(|last| last < *section));
        let section = section.ok_or(InvalidMessage::Malformed { field: SECTIONS })?;
        if message.content.is_empty() {
            return Err(InvalidMessage::Missing { field: CONTENT });
        }
        let max = comity_watchlist::limits::SECTION_BYTES_MAX;
        field::total(CONTENT, std::iter::once(message.content.len()), max)?;
        sections.set(section, Vec::from(message.content));
        last = Some(section);
    }
    Ok(sections)
}

fn write(sections: &Sections) -> Vec<v1::Section> {
    let given = sections.iter().filter(|(_, content)| !content.is_empty());
    given
        .map(|(section, content)| v1::Section {
            slot: section.slot().into(),
            content: Bytes::copy_from_slice(content),
        })
        .collect()
}

#[cfg(test)]
mod tests;
