//! Who may be told, for what, until when: handling labels and the one rule of release.
//!
//! In scope: the [`Label`] of each section, coherent or refused, and its byte form in slots 0 and 1 of an entry
//! ([`LabelSet`], described in `docs/handling.cddl`); the labels of first light ([`defaults`]); the [`Agreement`] of
//! two agencies; [`may_release`], pure and total; and [`cut`], which alone makes a [`Released`] opening.
//!
//! Out of scope: what a section says (`watchlist`), commitments and openings (`ledger`), how anything travels
//! (`wire`). Nothing here reads a clock, a file or randomness.

mod agreement;
mod audience;
mod clause;
mod cut;
pub mod defaults;
mod error;
mod everybody;
mod label;
mod label_form;
mod label_set;
mod marking;
mod purpose;
mod rule;
mod word;

pub use agreement::{Agreement, AgreementError, Terms};
pub use audience::{Audience, AudienceError, CommunityId, Membership, Peer, StateCode};
pub use clause::{
    Ask, Circumstances, Consent, Matter, Query, RecordState, Side, bound_purposes, may_release,
};
pub use cut::{Cut, Holding, Released, Withheld, cut};
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
pub use rule::RuleId;
pub use word::Word;
