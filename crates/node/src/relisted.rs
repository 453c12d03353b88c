//! The labels of a listing that begins where a former one ended: whatever bound that binds this one too.
//!
//! Not here: the labels that an operator chooses (`changes`).

use std::collections::BTreeMap;

use comity_ledger::{Kind, Origin, Slot, VerifiedOpening};
use comity_policy::{Label, LabelSet, Moment, Onward, SlotLabel, Tlp, defaults};
use comity_screening::{LogOrigin, View};
use comity_store::Store;
use comity_watchlist::Op;

use crate::NodeError;
use crate::author_task::Submission;
use crate::sections::all_held_at;

impl Submission {
    /// Has each change that lists a record again go under its own labels alone, at an operator's word.
    pub fn label_anew(&mut self) {
        self.labels = None;
    }

    /// Has each change that lists a record again go under its labels and those of the newest entry of the former listing
    /// together: nothing is permitted that either forbids (G-1), but for the day of the review, which is the new one's.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails or is damaged.
    pub(crate) fn keep_labels(
        &mut self,
        store: &Store,
        origin: &Origin,
        view: &View,
    ) -> Result<(), NodeError> {
        let (Some(fresh), Ok(log)) = (&self.labels, origin.as_str().parse::<LogOrigin>()) else {
            return Ok(());
        };
        for (draft, basis) in self.drafts.iter_mut().zip(&self.bases) {
            let Op::Relist { relist_of, .. } = &basis.decoded.change.op else { continue };
            let Some((newest, ..)) = view.newest_of(&log, *relist_of) else { continue };
            let Some(held) = all_held_at(store, origin, &[newest])?.pop() else { continue };
            let section =
                |slot| held.openings.iter().find(|held| held.slot() == slot).map(VerifiedOpening::section);
            let Some(handling) = section(Slot::HANDLING) else { continue };
            let former = LabelSet::from_sections(Kind::Record, handling, section(Slot::AUDIENCE)).ok();
            let (handling, audience) = match former.and_then(|former| together(&former, fresh, origin)) {
                Some(labels) => (labels.handling_section(), labels.audience_section()),
                // What this version does not understand goes on as it was.
                None => (handling.to_vec(), section(Slot::AUDIENCE).map(<[u8]>::to_vec)),
            };
            let mut kept = draft.clone().with_section(Slot::HANDLING, handling);
            if let Some(audience) = audience {
                kept = kept.with_section(Slot::AUDIENCE, audience);
            }
            *draft = kept;
        }
        Ok(())
    }
}

/// The labels of both; those under which nothing leaves where the two permit nothing together, as where one names an
/// audience and the other another. `None` if the former ones are not understood.
fn together(former: &LabelSet, fresh: &LabelSet, origin: &Origin) -> Option<LabelSet> {
    let mut labels = BTreeMap::new();
    for slot in fresh.slots() {
        let (SlotLabel::Understood(old), SlotLabel::Understood(new)) =
            (former.label(slot), fresh.label(slot))
        else {
            return None;
        };
        let Some(label) = of_both(old, new) else {
            return defaults::kept_home(origin.agency(), fresh.kind()).ok();
        };
        labels.insert(slot, label);
    }
    LabelSet::new(fresh.kind(), labels).ok()
}

/// Whether nothing under a label leaves the agency.
fn is_kept_home(label: &Label) -> bool {
    label.handling().tlp == Tlp::Red && label.handling().onward == Onward::None
}

/// A label that permits what both do.
fn of_both(old: &Label, new: &Label) -> Option<Label> {
    // What is for everybody binds nobody, and has no audience to be joined.
    let at_review = Moment::from_unix_secs(0);
    if old.is_for_everybody(at_review) || is_kept_home(new) {
        return Some(new.clone());
    }
    let joined = if new.is_for_everybody(at_review) { Some(old.clone()) } else { old.join(new) };
    let mut joined = joined?.to_draft();
    joined.handling.review_by = new.handling().review_by;
    Label::new(joined).ok()
}

#[cfg(test)]
mod tests {
    use comity_ledger::AgencyId;

    use super::*;

    fn label(set: &LabelSet) -> Label {
        let SlotLabel::Understood(label) = set.label(Slot::CORE) else { panic!("no label") };
        label.clone()
    }

    #[test]
    fn a_listing_that_begins_again_goes_under_the_stricter_of_two_labels_whichever_is_the_former() {
        let agency: AgencyId = "agency-a.example".parse().unwrap();
        let public = label(&defaults::imported_official_list(&agency, Kind::Record).unwrap());
        let own =
            label(&defaults::own_designation(&agency, Kind::Record, Moment::from_unix_secs(1)).unwrap());
        let home = label(&defaults::kept_home(&agency, Kind::Record).unwrap());
        for (one, other, tlp) in [(&public, &own, Tlp::Amber), (&public, &home, Tlp::Red)] {
            for (old, new) in [(one, other), (other, one)] {
                assert_eq!(of_both(old, new).unwrap().handling().tlp, tlp);
            }
        }
        assert!(is_kept_home(&of_both(&own, &home).unwrap()));
        assert!(of_both(&home, &own).is_none_or(|both| both.handling().tlp == Tlp::Red));
    }
}
