//! What can be wrong with the bytes of a log.

use crate::Slot;

/// An entry that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// More bytes than an entry may have.
    #[error("entry of {len} bytes is over the limit of {}", crate::ENTRY_BYTES_MAX)]
    TooLong {
        /// Bytes found.
        len: usize,
    },
    /// The bytes end inside a field.
    #[error("entry ends inside a field")]
    Truncated,
    /// Bytes follow the last field.
    #[error("{bytes} bytes follow the end of the entry")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A version of the envelope that is not known.
    #[error("entry version {version} is not known")]
    Version {
        /// The version byte.
        version: u8,
    },
    /// Slots repeat or descend.
    #[error("slot {slot} repeats or is out of order")]
    SlotOrder {
        /// The offending slot.
        slot: u8,
    },
    /// A known kind without exactly its own slots.
    #[error("a {kind} entry does not commit to exactly its slots")]
    SlotSet {
        /// The kind.
        kind: &'static str,
    },
    /// A public body where none may stand, or none where one must.
    #[error("a {kind} entry has a public body where none may stand, or lacks it")]
    PublicBody {
        /// The kind.
        kind: &'static str,
    },
    /// A target index that no log can have.
    #[error("about field {field} is over the largest index")]
    About {
        /// The field as it stands.
        field: u64,
    },
    /// A section over its limit.
    #[error("section {slot} of {len} bytes is over the limit of {}", crate::SECTION_BYTES_MAX)]
    SectionTooLong {
        /// The slot.
        slot: Slot,
        /// Bytes found.
        len: usize,
    },
    /// A section for a slot that the kind does not have.
    #[error("a {kind} entry has no section {slot}")]
    NoSuchSection {
        /// The kind.
        kind: &'static str,
        /// The slot.
        slot: Slot,
    },
    /// The body of a genesis entry cannot be read.
    #[error("genesis body is not well formed: {reason}")]
    Genesis {
        /// What is wrong.
        reason: &'static str,
    },
    /// An evidence entry that is none.
    #[error("the evidence entry is not well formed: {reason}")]
    Evidence {
        /// What is wrong.
        reason: &'static str,
    },
    /// The system's generator gave no random bytes.
    #[error("no random bytes to be had")]
    Entropy,
}

/// An opening that does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    /// The length is none of the padded sizes.
    #[error("padded opening of {len} bytes is not of a permitted size")]
    PaddedSize {
        /// Bytes found.
        len: usize,
    },
    /// The stated length does not fit the padded size.
    #[error("opening states a length that does not fit its padding")]
    Length,
    /// Padding that is not zero.
    #[error("padding of the opening is not zero")]
    Padding,
    /// The entry has no such slot.
    #[error("the entry has no section {slot}")]
    NoSuchSection {
        /// The slot.
        slot: Slot,
    },
    /// Salt and section do not give the commitment of the entry.
    #[error("section {slot} does not match its commitment")]
    Mismatch {
        /// The slot.
        slot: Slot,
    },
}
