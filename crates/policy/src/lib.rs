//! Who may be told, for what, until when: handling labels and the one rule of release.
//!
//! In scope: the [`Label`] of each section, coherent or refused, and its byte form in slots 0 and 1 of an entry
//! ([`LabelSet`], described in `docs/handling.cddl`); the labels of first light ([`defaults`]).
//!
//! Out of scope: what a section says (`watchlist`), commitments and openings (`ledger`), how anything travels
//! (`wire`). Nothing here reads a clock, a file or randomness.

mod audience;
pub mod defaults;
mod error;
mod label;
mod label_form;
mod label_set;
mod marking;
mod purpose;
mod word;

pub use audience::{Audience, AudienceError, CommunityId, Membership, Peer, StateCode};
pub use error::LabelError;
pub use label::{
    AUDIENCE_MAX, AudienceTerms, HandlingTerms, Label, LabelDraft, ORIGINATORS_MAX, Reach, TEXTS_MAX,
};
pub use label_set::{LabelSet, SlotLabel};
pub use marking::{
    Actions, Assertion, Attribution, Basis, Caveats, DataClass, ExerciseId, Grade, InformationGrade, Moment,
    Notify, Onward, Retention, SourceGrade, SubjectCategory, Tlp,
};
pub use purpose::{Purpose, Purposes};
pub use word::Word;
