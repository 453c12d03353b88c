//! What can be wrong with a label or with the sections that hold labels.

use comity_ledger::{AgencyId, Slot};
use comity_watchlist::cbor::CborError;

use crate::audience::StateCode;
use crate::marking::{Onward, Tlp};
use crate::word::Word;

/// A label that may not be written, or sections that hold none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// Nobody said it.
    #[error("label has no originator")]
    NoOriginator,
    /// Nothing may be done with it.
    #[error("label has no purpose")]
    NoPurpose,
    /// AMBER+STRICT and RED are for the recipient's organisation only.
    #[error("TLP:{} asks for onward NONE, not {}", tlp.name(), onward.name())]
    StrictYetOnward {
        /// The TLP word.
        tlp: Tlp,
        /// The onward word.
        onward: Onward,
    },
    /// H2 asks for permission before dissemination.
    #[error("caveat H2 asks for onward CONSENT or NONE, not {}", onward.name())]
    H2YetOnward {
        /// The onward word.
        onward: Onward,
    },
    /// It would end before its review.
    #[error("label expires before its review")]
    ExpiresBeforeReview,
    /// An originator must stand in its own releasable-to list.
    #[error("originator {originator} is not in releasable_to")]
    OriginatorNotReleasable {
        /// The originator.
        originator: AgencyId,
    },
    /// An originator may not stand in its own not-releasable-to list.
    #[error("originator {originator} is in not_releasable_to")]
    OriginatorExcluded {
        /// The originator.
        originator: AgencyId,
    },
    /// G-6: a protection state must be in the not-releasable-to list.
    #[error("protection state {state} is not in not_releasable_to")]
    ProtectionStateReleasable {
        /// The state.
        state: StateCode,
    },
    /// Whose peer a recipient is, is not known to every sender, so nobody can be excluded by it.
    #[error("peers of an agency cannot be excluded in not_releasable_to")]
    PeersExcluded,
    /// A list over its limit.
    #[error("{field} has {count} items, over the limit of {max}")]
    TooMany {
        /// The list.
        field: &'static str,
        /// Items found.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// The kind of entry has no handling section.
    #[error("{kind} entries have no handling")]
    NoHandling {
        /// The kind.
        kind: &'static str,
    },
    /// The labels are not exactly one for each slot of the kind.
    #[error("section {slot} of a {kind} entry has no label, or one too many")]
    SlotSet {
        /// The kind.
        kind: &'static str,
        /// The slot.
        slot: Slot,
    },
    /// A label whose audience is not known in full cannot be written.
    #[error("the audience of section {slot} is not known, so it cannot be written")]
    AudienceUnknown {
        /// The slot.
        slot: Slot,
    },
    /// The section would be over its limit.
    #[error("section {slot} of {len} bytes is over the limit of {}", comity_ledger::SECTION_BYTES_MAX)]
    SectionTooLong {
        /// The slot.
        slot: Slot,
        /// Bytes it would have.
        len: usize,
    },
    /// The section is not deterministic CBOR.
    #[error("section {slot} is not readable")]
    Cbor {
        /// The slot.
        slot: Slot,
        /// What is wrong.
        #[source]
        source: CborError,
    },
    /// A version of the section that is not known: it permits nothing.
    #[error("section {slot} is of a version that is not known")]
    Version {
        /// The slot.
        slot: Slot,
    },
    /// A field that is missing or does not hold what it must, or not in its only form.
    #[error("{field} is missing or not well formed in section {slot}")]
    Field {
        /// The section.
        slot: Slot,
        /// The field.
        field: &'static str,
    },
    /// The handling and the audience section speak of different slots.
    #[error("handling and audience sections do not cover the same slots")]
    SectionsDiffer,
}
