//! The labels of a listing that begins where a former one ended: whatever bound that binds this one too.
//!
//! Not here: the labels that an operator chooses (`changes`).

use std::collections::BTreeMap;

use comity_ledger::{Kind, Origin, Slot, VerifiedOpening};
use comity_policy::{Label, LabelSet, SlotLabel};
use comity_screening::{LogOrigin, View};
use comity_store::Store;
use comity_watchlist::Op;

use crate::NodeError;
use crate::author_task::Submission;
use crate::sections::all_held_at;

impl Submission {
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
            let (handling, audience) = match former.and_then(|former| together(&former, fresh)) {
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

/// The labels of both.
fn together(former: &LabelSet, fresh: &LabelSet) -> Option<LabelSet> {
    let mut labels = BTreeMap::new();
    for slot in fresh.slots() {
        let (SlotLabel::Understood(old), SlotLabel::Understood(new)) =
            (former.label(slot), fresh.label(slot))
        else {
            return None;
        };
        let mut joined = old.join(new)?.to_draft();
        joined.handling.review_by = new.handling().review_by;
        labels.insert(slot, Label::new(joined).ok()?);
    }
    LabelSet::new(fresh.kind(), labels).ok()
}
