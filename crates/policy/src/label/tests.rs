//! Which labels may be written, and how they join.

use super::*;
use crate::defaults;
use comity_ledger::{Kind, Slot};

fn agency(name: &str) -> AgencyId {
    name.parse().unwrap()
}

fn draft() -> LabelDraft {
    let set =
        defaults::own_designation(&agency("a.example"), Kind::Record, Moment::from_unix_secs(0)).unwrap();
    let crate::SlotLabel::Understood(label) = set.label(Slot::CORE) else { panic!("no label") };
    label.to_draft()
}

#[track_caller]
fn refused(change: impl FnOnce(&mut LabelDraft)) -> LabelError {
    let mut draft = draft();
    change(&mut draft);
    Label::new(draft).unwrap_err()
}

#[test]
fn an_incoherent_label_is_refused_by_name() {
    assert!(Label::new(draft()).is_ok());
    let france: StateCode = "FRA".parse().unwrap();
    for tlp in [Tlp::AmberStrict, Tlp::Red] {
        for onward in [Onward::Free, Onward::WithinRel, Onward::Consent] {
            let error = refused(|d| (d.handling.tlp, d.handling.onward) = (tlp, onward));
            assert_eq!(error, LabelError::StrictYetOnward { tlp, onward });
        }
    }
    for onward in [Onward::Free, Onward::WithinRel] {
        let error = refused(|d| (d.handling.caveats.h2, d.handling.onward) = (true, onward));
        assert_eq!(error, LabelError::H2YetOnward { onward });
    }
    assert_eq!(refused(|d| d.handling.originators.clear()), LabelError::NoOriginator);
    assert_eq!(refused(|d| d.handling.purposes = Purposes::NONE), LabelError::NoPurpose);
    let soon = Some(Moment::from_unix_secs(1));
    assert_eq!(refused(|d| d.handling.expires_at = soon), LabelError::ExpiresBeforeReview);
    let originator = agency("a.example");
    assert_eq!(
        refused(|d| d.audience.releasable_to.clear()),
        LabelError::OriginatorNotReleasable { originator: originator.clone() }
    );
    let word = Audience::Agency(originator.clone());
    assert_eq!(
        refused(|d| assert!(d.audience.not_releasable_to.insert(word))),
        LabelError::OriginatorExcluded { originator: originator.clone() }
    );
    assert_eq!(
        refused(|d| assert!(d.audience.protection_states.insert(france))),
        LabelError::ProtectionStateReleasable { state: france }
    );
    let word = Audience::PeersOf(originator);
    assert_eq!(refused(|d| assert!(d.audience.not_releasable_to.insert(word))), LabelError::PeersExcluded);
    let many = (0..=ORIGINATORS_MAX).map(|n| agency(&format!("a{n:03}"))).collect();
    assert_eq!(
        refused(|d| d.handling.originators = many),
        LabelError::TooMany { field: "originators", count: ORIGINATORS_MAX + 1, max: ORIGINATORS_MAX }
    );
}

#[test]
fn a_public_label_needs_no_audience_but_a_lesser_one_does() {
    let mut draft = draft();
    draft.audience.releasable_to.clear();
    (draft.handling.tlp, draft.handling.onward) = (Tlp::Clear, Onward::Free);
    assert!(Label::new(draft.clone()).is_ok());
    draft.handling.onward = Onward::WithinRel;
    assert!(Label::new(draft).is_err());
}

#[test]
fn a_joined_label_that_lost_its_coherence_cannot_be_written() {
    let mut other = draft();
    other.handling.originators = [agency("b.example")].into();
    other.audience.releasable_to = [Audience::Agency(agency("b.example"))].into();
    let joined = Label::new(draft()).unwrap().join(&Label::new(other).unwrap()).unwrap();
    assert!(joined.audience().releasable_to.is_empty());
    assert!(matches!(
        crate::LabelSet::uniform(Kind::Record, &joined),
        Err(LabelError::OriginatorNotReleasable { .. })
    ));
}

#[test]
fn exercise_and_real_data_do_not_join() {
    let mut drill = draft();
    drill.handling.exercise = ExerciseId::new("0f3a");
    let (real, drill) = (Label::new(draft()).unwrap(), Label::new(drill).unwrap());
    assert_eq!(real.join(&drill), None);
    assert_eq!(drill.join(&drill), Some(drill));
}
