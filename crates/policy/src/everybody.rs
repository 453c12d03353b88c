//! Whether a label is for everybody: the one clause by which anything may be told to whom nobody knows.
//!
//! Stricter than [`crate::may_release`], since nobody is there to be bound: whatever a recipient would have to obey,
//! and is not told, bars it. Not for: peers (`clause`), or where such readers come from.

use crate::label::{Label, Reach};
use crate::marking::{Actions, Attribution, DataClass, Moment, Notify, Retention};
use crate::purpose::Purposes;

impl Label {
    /// Whether anybody at all may be told at a time, and need obey nothing: TLP:CLEAR with onward FREE, its audience
    /// known and narrowed by nobody, no end come, and no duty that a stranger would have to be bound by.
    pub fn is_for_everybody(&self, now: Moment) -> bool {
        CLAUSES.iter().all(|clause| clause(self, now))
    }
}

/// What must be met, all of it.
const CLAUSES: &[fn(&Label, Moment) -> bool] = &[
    |label, _| label.is_public(),
    |label, _| label.reach() == Reach::Known,
    // Who is named as an audience was meant, and others were not.
    |label, _| label.audience().releasable_to.is_empty(),
    |label, _| label.audience().not_releasable_to.is_empty(),
    |label, _| label.audience().protection_states.is_empty(),
    |label, _| !label.handling().display_only,
    |label, _| {
        let caveats = &label.handling().caveats;
        !caveats.h1 && !caveats.h2 && caveats.h3.is_empty()
    },
    |label, _| !label.handling().obfuscate_subject,
    |label, _| label.handling().notify_subject == Notify::May,
    // What is told names its author.
    |label, _| label.handling().attribution != Attribution::MustNot,
    |label, _| label.handling().actions == Actions::Overt,
    |label, _| label.handling().retention == Retention::WhileListed,
    |label, _| label.handling().national_markings.is_empty(),
    |label, _| label.handling().exercise.is_none(),
    // Whoever reads may be anybody, enforcement too, and may use it for anything.
    |label, _| Purposes::ALL_BUT_EXERCISE.without(label.handling().purposes).is_empty(),
    // Who reads is bound by no law on such data.
    |label, _| !matches!(label.handling().data_class, DataClass::Special | DataClass::Minor),
    |label, _| !label.handling().subject_categories.iter().any(|category| category.is_protected()),
    |label, now| {
        let terms = label.handling();
        let ends = [terms.expires_at, terms.review_by, terms.depersonalise_after];
        ends.into_iter().flatten().all(|end| now < end)
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use comity_ledger::{AgencyId, Kind, Slot};

    use super::*;
    use crate::audience::Audience;
    use crate::label::LabelDraft;
    use crate::label_set::SlotLabel;
    use crate::marking::{Caveats, ExerciseId, Onward, SubjectCategory, Tlp};
    use crate::purpose::Purpose;
    use crate::{LabelSet, defaults};

    const NOW: Moment = Moment::from_unix_secs(100);

    fn agency() -> AgencyId {
        "a.example".parse().unwrap()
    }

    fn open() -> LabelDraft {
        let set = defaults::imported_official_list(&agency(), Kind::Record).unwrap();
        let SlotLabel::Understood(label) = set.label(Slot::CORE) else { panic!("no label") };
        label.to_draft()
    }

    type Change = fn(&mut LabelDraft);

    fn judged(draft: LabelDraft) -> bool {
        Label::new(draft).unwrap().is_for_everybody(NOW)
    }

    /// Goal: each limit that a label can have keeps it from strangers by itself. Way: an open label with one change.
    #[test]
    fn one_limit_of_any_kind_keeps_a_label_from_strangers() {
        assert!(judged(open()));
        let mine = || BTreeSet::from([Audience::Agency("a.example".parse().unwrap())]);
        let changes: &[(&str, Change)] = &[
            ("display only", |d| d.handling.display_only = true),
            ("h1", |d| d.handling.caveats.h1 = true),
            ("h3", |d| {
                let h3 = BTreeSet::from([comity_watchlist::Text::new("ask first").unwrap()]);
                d.handling.caveats = Caveats { h3, ..Caveats::default() };
            }),
            ("obfuscated", |d| d.handling.obfuscate_subject = true),
            ("not to be told", |d| d.handling.notify_subject = Notify::MustNot),
            ("not to be named", |d| d.handling.attribution = Attribution::MustNot),
            ("passive", |d| d.handling.actions = Actions::Passive),
            ("one year", |d| d.handling.retention = Retention::OneYear),
            ("national", |d| {
                d.handling.national_markings = [comity_watchlist::Text::new("INTERN").unwrap()].into();
            }),
            ("drill", |d| d.handling.exercise = ExerciseId::new("0f")),
            ("one purpose", |d| d.handling.purposes = Purposes::of(&[Purpose::Customs])),
            ("all purposes but one", |d| {
                d.handling.purposes =
                    Purposes::ALL_BUT_EXERCISE.without(Purposes::of(&[Purpose::ResearchStats]));
            }),
            ("special data", |d| d.handling.data_class = DataClass::Special),
            ("data of a minor", |d| d.handling.data_class = DataClass::Minor),
            ("victim", |d| d.handling.subject_categories = [SubjectCategory::Victim].into()),
            ("expired", |d| d.handling.expires_at = Some(NOW)),
            ("not reviewed", |d| d.handling.review_by = Some(NOW)),
            ("to be depersonalised", |d| d.handling.depersonalise_after = Some(Moment::from_unix_secs(1))),
            ("a state is barred", |d| {
                d.audience.not_releasable_to = [Audience::State("FRA".parse().unwrap())].into();
            }),
            ("protection", |d| {
                d.audience.not_releasable_to = [Audience::State("FRA".parse().unwrap())].into();
                d.audience.protection_states = ["FRA".parse().unwrap()].into();
            }),
        ];
        for (what, change) in changes {
            let mut draft = open();
            change(&mut draft);
            assert!(!judged(draft), "{what}");
        }
        let mut named = open();
        named.audience.releasable_to = mine();
        assert!(!judged(named), "an audience is named");
        for tlp in [Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red] {
            let mut draft = open();
            (draft.handling.tlp, draft.handling.onward, draft.audience.releasable_to) =
                (tlp, Onward::None, mine());
            assert!(!judged(draft), "{tlp:?}");
        }
        for onward in [Onward::WithinRel, Onward::Consent, Onward::None] {
            let mut draft = open();
            (draft.handling.onward, draft.audience.releasable_to) = (onward, mine());
            assert!(!judged(draft), "{onward:?}");
        }
    }

    #[test]
    fn an_end_to_come_and_a_must_that_is_kept_bar_nothing() {
        let mut draft = open();
        let later = Some(Moment::from_unix_secs(101));
        (draft.handling.expires_at, draft.handling.review_by) = (later, later);
        draft.handling.attribution = Attribution::Must;
        draft.handling.legal_hold = true;
        let label = Label::new(draft).unwrap();
        assert!(label.is_for_everybody(NOW));
        assert!(!label.is_for_everybody(Moment::from_unix_secs(101)));
    }

    #[test]
    fn who_does_not_know_the_audience_tells_nobody() {
        let set = defaults::imported_official_list(&agency(), Kind::Record).unwrap();
        let bytes = set.handling_section();
        let withheld = LabelSet::from_sections(Kind::Record, &bytes, None).unwrap();
        let SlotLabel::Understood(label) = withheld.label(Slot::CORE) else { panic!("no label") };
        assert_eq!(label.reach(), Reach::Withheld);
        assert!(!label.is_for_everybody(NOW));
        let known = set.audience_section();
        let known = LabelSet::from_sections(Kind::Record, &bytes, known.as_deref()).unwrap();
        let SlotLabel::Understood(label) = known.label(Slot::CORE) else { panic!("no label") };
        assert!(label.is_for_everybody(NOW));
        let joined = withheld.label(Slot::CORE);
        let SlotLabel::Understood(other) = joined else { panic!("no label") };
        assert!(!label.join(other).unwrap().is_for_everybody(NOW), "partly known");
    }
}
