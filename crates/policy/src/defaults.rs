//! The handling that a node gives what it publishes, unless an officer says otherwise (C18).
//!
//! Not for: which of them applies to an act, which the node decides; nor the terms of an agreement (`agreement`).

use std::collections::BTreeSet;

use comity_ledger::{AgencyId, Kind};

use crate::audience::Audience;
use crate::error::LabelError;
use crate::label::{AudienceTerms, HandlingTerms, Label, LabelDraft};
use crate::label_set::LabelSet;
use crate::marking::{
    Actions, Assertion, Attribution, Caveats, DataClass, Moment, Notify, Onward, Retention, SubjectCategory,
    Tlp,
};
use crate::purpose::Purposes;

/// How long an own designation stands before it must have been reviewed, in seconds: three years of 365 days.
/// Europol and the dual-use regulation review within three years.
pub const REVIEW_SECS: u64 = 3 * 365 * 86_400;

/// An imported official list, and what controls or erases its records: TLP:CLEAR, onward FREE, every purpose but
/// EXERCISE, so that a relay may pass it on.
///
/// # Errors
/// [`LabelError::NoHandling`] if the kind has no sections.
pub fn imported_official_list(agency: &AgencyId, kind: Kind) -> Result<LabelSet, LabelError> {
    let mut handling = terms(agency, Tlp::Clear, Onward::Free);
    handling.subject_categories = BTreeSet::from([SubjectCategory::Listed]);
    LabelSet::uniform(kind, &Label::new(LabelDraft { handling, audience: AudienceTerms::default() })?)
}

/// What the agency designates itself: AMBER, onward NONE, releasable to its peers, every purpose but EXERCISE, to
/// be reviewed within [`REVIEW_SECS`] of `authored`.
///
/// # Errors
/// [`LabelError::NoHandling`] if the kind has no sections.
pub fn own_designation(agency: &AgencyId, kind: Kind, authored: Moment) -> Result<LabelSet, LabelError> {
    let mut handling = terms(agency, Tlp::Amber, Onward::None);
    handling.subject_categories = BTreeSet::from([SubjectCategory::Listed]);
    handling.retention = Retention::ThreeYears;
    handling.review_by = Some(authored.plus_secs(REVIEW_SECS));
    let releasable_to = BTreeSet::from([Audience::Agency(agency.clone()), Audience::PeersOf(agency.clone())]);
    let audience = AudienceTerms { releasable_to, ..AudienceTerms::default() };
    LabelSet::uniform(kind, &Label::new(LabelDraft { handling, audience })?)
}

/// Rosters, agreements, communities and list policies: as open as an official list, since whoever holds a record,
/// through a relay too, must be able to check who approved it and under which rules.
///
/// # Errors
/// [`LabelError::NoHandling`] if the kind has no sections.
pub fn governance(agency: &AgencyId) -> Result<LabelSet, LabelError> {
    let handling = terms(agency, Tlp::Clear, Onward::Free);
    let label = Label::new(LabelDraft { handling, audience: AudienceTerms::default() })?;
    LabelSet::uniform(Kind::Governance, &label)
}

/// What never leaves the agency but to its auditors, such as account and bind entries: RED, onward NONE, for
/// oversight and redress.
///
/// # Errors
/// [`LabelError::NoHandling`] if the kind has no sections.
pub fn kept_home(agency: &AgencyId, kind: Kind) -> Result<LabelSet, LabelError> {
    let mut handling = terms(agency, Tlp::Red, Onward::None);
    handling.purposes = Purposes::of(&[crate::Purpose::Oversight, crate::Purpose::Redress]);
    handling.retention = Retention::ThreeYears;
    let releasable_to = BTreeSet::from([Audience::Agency(agency.clone())]);
    let audience = AudienceTerms { releasable_to, ..AudienceTerms::default() };
    LabelSet::uniform(kind, &Label::new(LabelDraft { handling, audience })?)
}

fn terms(agency: &AgencyId, tlp: Tlp, onward: Onward) -> HandlingTerms {
    HandlingTerms {
        tlp,
        originators: BTreeSet::from([agency.clone()]),
        onward,
        display_only: false,
        caveats: Caveats::default(),
        attribution: Attribution::May,
        obfuscate_subject: false,
        purposes: Purposes::ALL_BUT_EXERCISE,
        actions: Actions::Overt,
        notify_subject: Notify::May,
        bases: BTreeSet::new(),
        subject_categories: BTreeSet::new(),
        data_class: DataClass::Personal,
        assertion: Assertion::Fact,
        grade: None,
        retention: Retention::WhileListed,
        depersonalise_after: None,
        review_by: None,
        expires_at: None,
        legal_hold: false,
        exercise: None,
        national_markings: BTreeSet::new(),
    }
}
