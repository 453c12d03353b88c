//! Erasing records of the own log: announced in the log first, and destroyed once that is signed.
//!
//! A change that erases a record goes with an erase entry about each earlier entry of the record. Not here: what a start
//! does about a log that says so (`erasures_due`), how keys are destroyed (`store`), and what peers hold, who are not asked
//! to erase anything yet.

use comity_ledger::{Entropy, Origin, Slot, erasure};
use comity_screening::{LogOrigin, View};
use comity_store::Store;
use comity_tlog::EntryIndex;
use comity_watchlist::Op;

use crate::author_task::{Appended, Basis, Submission};
use crate::{NodeError, OpenHome, SystemEntropy, now};

impl Basis {
    /// Whether the change erases the record.
    pub(crate) const fn erases(&self) -> bool {
        matches!(self.decoded.change.op, Op::Erase { .. })
    }
}

impl Submission {
    /// Adds an erase entry for each entry of the records that are erased; gives those entries.
    pub(crate) fn announce_erasures(&mut self, origin: &Origin, view: &View) -> Vec<EntryIndex> {
        let (Some(labels), Ok(log)) = (&self.erasures, origin.as_str().parse::<LogOrigin>()) else {
            return Vec::new();
        };
        let records = self.bases.iter().filter(|basis| basis.erases());
        let erased: Vec<EntryIndex> = records.flat_map(|basis| view.entries_of(&log, basis.handle)).collect();
        let (handling, audience) = (labels.handling_section(), labels.audience_section());
        for index in &erased {
            let mut draft = erasure(*index).with_section(Slot::HANDLING, handling.clone());
            if let Some(audience) = &audience {
                draft = draft.with_section(Slot::AUDIENCE, audience.clone());
            }
            self.drafts.push(draft);
        }
        erased
    }
}

impl OpenHome {
    /// Appends drafts to the own log of a home that nobody serves, all or none, and destroys what they erase. `view` is
    /// what the log says so far.
    ///
    /// # Errors
    /// A [`NodeError`]; after one of the store the next opening tells whether the entries are there.
    pub fn append(&mut self, mut submission: Submission, view: &View) -> Result<Appended, NodeError> {
        let (origin, mut entropy) = (self.home().origin(), SystemEntropy::new());
        submission.keep_labels(self.store(), &origin, view)?;
        let erased = submission.announce_erasures(&origin, view);
        let log = self.writable()?;
        let first = log.head().size;
        let head = log.append(submission.drafts, now(), &mut entropy)?.head();
        destroy(self.store(), &origin, &erased, &mut entropy)?;
        let place = |size: u64| {
            let reason = || NodeError::Record { reason: "the log is full".to_owned() };
            EntryIndex::new(size).map_err(|_| reason())
        };
        let (first, last) = (place(first.value())?, place(head.size.value().saturating_sub(1))?);
        Ok(Appended { first, last, head })
    }
}

/// Destroys what is held of some entries.
///
/// # Errors
/// A [`NodeError`] of the store.
pub(crate) fn destroy(
    store: &Store,
    origin: &Origin,
    entries: &[EntryIndex],
    entropy: &mut dyn Entropy,
) -> Result<(), NodeError> {
    if entries.is_empty() {
        return Ok(());
    }
    store.erase(origin, entries, entropy)?;
    tracing::info!(%origin, entries = entries.len(), "erased");
    Ok(())
}
