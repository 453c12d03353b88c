//! The handling label of one section: coherent by construction, and joined as a lattice.
//!
//! Not for: its bytes (`label_form`, `label_set`), or what it permits (`clause`).

use std::collections::BTreeSet;

use comity_ledger::AgencyId;
use comity_watchlist::Text;

use crate::audience::{Audience, StateCode};
use crate::error::LabelError;
use crate::marking::{
    Actions, Assertion, Attribution, Basis, Caveats, DataClass, ExerciseId, Grade, Moment, Notify, Onward,
    Retention, SubjectCategory, Tlp,
};
use crate::purpose::Purposes;

/// Most originators of one section: a product of more agencies than this is merged data, not a section.
pub const ORIGINATORS_MAX: usize = 64;
/// Most words of a releasable-to, not-releasable-to or protection list: every state there is, and agencies.
pub const AUDIENCE_MAX: usize = 500;
/// Most texts of one kind in a label (H3, national markings, decisions) and most legal bases.
pub const TEXTS_MAX: usize = 16;

/// What a recipient must obey: the part of a label that stands in the handling section (slot 0).
///
/// Every combination of values is a value; which of them go together is checked by [`Label::new`].
/// Resale is never permitted and therefore no field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlingTerms {
    /// How open.
    pub tlp: Tlp,
    /// The agencies that said it first; at least one.
    pub originators: BTreeSet<AgencyId>,
    /// What a recipient may do towards third parties.
    pub onward: Onward,
    /// Shown on request only, never replicated.
    pub display_only: bool,
    /// Handling codes H1 to H3.
    pub caveats: Caveats,
    /// Whether the originator may be named.
    pub attribution: Attribution,
    /// Whether the subject is to be made unrecognisable in products.
    pub obfuscate_subject: bool,
    /// What it may be used for; at least one.
    pub purposes: Purposes,
    /// What may be done on its strength.
    pub actions: Actions,
    /// Whether the subject may be told.
    pub notify_subject: Notify,
    /// The law that it rests on. An author names at most one for most sections; a joined label keeps all.
    pub bases: BTreeSet<Basis>,
    /// In what roles subjects appear.
    pub subject_categories: BTreeSet<SubjectCategory>,
    /// How sensitive its personal data is.
    pub data_class: DataClass,
    /// Whether it states facts.
    pub assertion: Assertion,
    /// The 4×4 grade, where given.
    pub grade: Option<Grade>,
    /// How long it may be kept at most.
    pub retention: Retention,
    /// From when it may be kept only without what identifies a person.
    pub depersonalise_after: Option<Moment>,
    /// When it must have been reviewed, or it ends.
    pub review_by: Option<Moment>,
    /// When it ends.
    pub expires_at: Option<Moment>,
    /// Whether it is kept as evidence beyond its end.
    pub legal_hold: bool,
    /// The exercise it belongs to; `None` for real data.
    pub exercise: Option<ExerciseId>,
    /// Markings of national law, carried and shown but not interpreted.
    pub national_markings: BTreeSet<Text>,
}

/// Who may be told: the part of a label that stands in the audience section (slot 1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudienceTerms {
    /// To whom it may be released. Needed for all but TLP:CLEAR with onward FREE.
    pub releasable_to: BTreeSet<Audience>,
    /// To whom never; wins over `releasable_to`.
    pub not_releasable_to: BTreeSet<Audience>,
    /// States that endanger the subject; each also stands in `not_releasable_to`.
    pub protection_states: BTreeSet<StateCode>,
    /// References of the decisions it rests on.
    pub decision_refs: BTreeSet<Text>,
}

/// A label as somebody proposes it; nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelDraft {
    /// What a recipient must obey.
    pub handling: HandlingTerms,
    /// Who may be told.
    pub audience: AudienceTerms,
}

/// How much of the audience a holder of the label knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of it.
    Known,
    /// That of some of the labels it was joined from.
    Partly,
    /// None: the audience section was not opened.
    Withheld,
}

/// The handling label of one section.
///
/// Coherent (G-3), or the join of labels that are. A joined label may be narrower than any that can be written
/// (no purpose left, an originator outside the audience); [`crate::LabelSet::new`] refuses to put such a one
/// into a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    handling: HandlingTerms,
    audience: AudienceTerms,
    reach: Reach,
}

impl Label {
    /// The label of a draft.
    ///
    /// # Errors
    /// The [`LabelError`] that names the first rule of coherence broken.
    pub fn new(draft: LabelDraft) -> Result<Self, LabelError> {
        let label = Self { handling: draft.handling, audience: draft.audience, reach: Reach::Known };
        label.check()?;
        Ok(label)
    }

    /// The label as known to whom its audience is withheld.
    pub(crate) fn withheld(handling: HandlingTerms) -> Result<Self, LabelError> {
        let label = Self { handling, audience: AudienceTerms::default(), reach: Reach::Withheld };
        label.check()?;
        Ok(label)
    }

    /// What a recipient must obey.
    pub fn handling(&self) -> &HandlingTerms {
        &self.handling
    }

    /// Who may be told, as far as [`Label::reach`] says that it is known.
    pub fn audience(&self) -> &AudienceTerms {
        &self.audience
    }

    /// How much of the audience is known.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The label as a draft, for instance to tighten it.
    #[must_use]
    pub fn to_draft(&self) -> LabelDraft {
        LabelDraft { handling: self.handling.clone(), audience: self.audience.clone() }
    }

    /// The label of what is made of both: nothing is permitted that either forbids (G-1).
    ///
    /// `None` if one belongs to an exercise and the other does not, or to another one (G-51).
    #[must_use]
    pub fn join(&self, other: &Self) -> Option<Self> {
        let (a, b) = (&self.handling, &other.handling);
        if a.exercise != b.exercise {
            return None;
        }
        let handling = HandlingTerms {
            tlp: a.tlp.max(b.tlp),
            originators: &a.originators | &b.originators,
            onward: a.onward.max(b.onward),
            display_only: a.display_only || b.display_only,
            caveats: Caveats {
                h1: a.caveats.h1 || b.caveats.h1,
                h2: a.caveats.h2 || b.caveats.h2,
                h3: &a.caveats.h3 | &b.caveats.h3,
            },
            attribution: a.attribution.max(b.attribution),
            obfuscate_subject: a.obfuscate_subject || b.obfuscate_subject,
            purposes: a.purposes.intersection(b.purposes),
            actions: a.actions.max(b.actions),
            notify_subject: a.notify_subject.max(b.notify_subject),
            bases: &a.bases | &b.bases,
            subject_categories: &a.subject_categories | &b.subject_categories,
            data_class: a.data_class.max(b.data_class),
            assertion: a.assertion.max(b.assertion),
            // What holds an ungraded part cannot be graded.
            grade: a.grade.zip(b.grade).map(|(one, two)| one.join(two)),
            retention: a.retention.max(b.retention),
            depersonalise_after: earlier(a.depersonalise_after, b.depersonalise_after),
            review_by: earlier(a.review_by, b.review_by),
            expires_at: earlier(a.expires_at, b.expires_at),
            legal_hold: a.legal_hold || b.legal_hold,
            exercise: a.exercise.clone(),
            national_markings: &a.national_markings | &b.national_markings,
        };
        let (reach, releasable_to) = match (self.reach, other.reach) {
            (Reach::Withheld, Reach::Withheld) => (Reach::Withheld, BTreeSet::new()),
            // An unknown list narrows nothing by itself: the reach alone then denies.
            (Reach::Withheld, _) => (Reach::Partly, other.audience.releasable_to.clone()),
            (_, Reach::Withheld) => (Reach::Partly, self.audience.releasable_to.clone()),
            (one, two) => (
                if one == two { one } else { Reach::Partly },
                &self.audience.releasable_to & &other.audience.releasable_to,
            ),
        };
        let audience = AudienceTerms {
            releasable_to,
            not_releasable_to: &self.audience.not_releasable_to | &other.audience.not_releasable_to,
            protection_states: &self.audience.protection_states | &other.audience.protection_states,
            decision_refs: &self.audience.decision_refs | &other.audience.decision_refs,
        };
        Some(Self { handling, audience, reach })
    }

    /// Whether anyone at all may be told: TLP:CLEAR with onward FREE, the only label without an audience list.
    pub(crate) fn is_public(&self) -> bool {
        self.handling.tlp == Tlp::Clear && self.handling.onward == Onward::Free
    }

    /// Whether a section may be shown to strangers: public, with no end that has come, and with nothing that a reader whom
    /// nobody knows would have to obey.
    pub fn is_for_everybody(&self, now: Moment) -> bool {
        let terms = &self.handling;
        let ended = [terms.expires_at, terms.review_by].into_iter().flatten().any(|end| end <= now);
        let bound = terms.display_only
            || terms.caveats != Caveats::default()
            || terms.attribution == Attribution::MustNot
            || terms.obfuscate_subject
            || terms.notify_subject != Notify::May
            || terms.exercise.is_some();
        let barred =
            !self.audience.not_releasable_to.is_empty() || !self.audience.protection_states.is_empty();
        self.is_public() && self.reach == Reach::Known && !ended && !bound && !barred
    }

    /// G-3 and E28.
    pub(crate) fn check(&self) -> Result<(), LabelError> {
        self.check_limits()?;
        let terms = &self.handling;
        if terms.originators.is_empty() {
            return Err(LabelError::NoOriginator);
        }
        if terms.purposes.is_empty() {
            return Err(LabelError::NoPurpose);
        }
        if terms.tlp >= Tlp::AmberStrict && terms.onward != Onward::None {
            return Err(LabelError::StrictYetOnward { tlp: terms.tlp, onward: terms.onward });
        }
        if terms.caveats.h2 && terms.onward < Onward::Consent {
            return Err(LabelError::H2YetOnward { onward: terms.onward });
        }
        if let (Some(review_by), Some(expires_at)) = (terms.review_by, terms.expires_at)
            && expires_at < review_by
        {
            return Err(LabelError::ExpiresBeforeReview);
        }
        if self.reach == Reach::Known { self.check_audience() } else { Ok(()) }
    }

    fn check_audience(&self) -> Result<(), LabelError> {
        let audience = &self.audience;
        for originator in &self.handling.originators {
            let word = Audience::Agency(originator.clone());
            if !self.is_public() && !audience.releasable_to.contains(&word) {
                return Err(LabelError::OriginatorNotReleasable { originator: originator.clone() });
            }
            if audience.not_releasable_to.contains(&word) {
                return Err(LabelError::OriginatorExcluded { originator: originator.clone() });
            }
        }
        for state in &audience.protection_states {
            if !audience.not_releasable_to.contains(&Audience::State(*state)) {
                return Err(LabelError::ProtectionStateReleasable { state: *state });
            }
        }
        if audience.not_releasable_to.iter().any(|word| matches!(word, Audience::PeersOf(_))) {
            return Err(LabelError::PeersExcluded);
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), LabelError> {
        let (terms, audience) = (&self.handling, &self.audience);
        let lists = [
            ("originators", terms.originators.len(), ORIGINATORS_MAX),
            ("caveats.h3", terms.caveats.h3.len(), TEXTS_MAX),
            ("bases", terms.bases.len(), TEXTS_MAX),
            ("national_markings", terms.national_markings.len(), TEXTS_MAX),
            ("releasable_to", audience.releasable_to.len(), AUDIENCE_MAX),
            ("not_releasable_to", audience.not_releasable_to.len(), AUDIENCE_MAX),
            ("protection_states", audience.protection_states.len(), AUDIENCE_MAX),
            ("decision_refs", audience.decision_refs.len(), TEXTS_MAX),
        ];
        match lists.into_iter().find(|(_, count, max)| count > max) {
            Some((field, count, max)) => Err(LabelError::TooMany { field, count, max }),
            None => Ok(()),
        }
    }
}

/// The earlier of two times, where `None` is never.
fn earlier(one: Option<Moment>, other: Option<Moment>) -> Option<Moment> {
    match (one, other) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests;
