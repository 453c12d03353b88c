//! Erasing records of the own log: announced in the log first, and destroyed once that is signed.
//!
//! A change that erases a record goes with an erase entry about each earlier entry of the record, and about what this log
//! says of its being about one subject with another. What it says so of another's record that was erased goes with the
//! entry that takes it back. Not here: what a start
//! does about a log that says so (`erasures_due`), how keys are destroyed (`store`), and what peers hold, who are not asked
//! to erase anything yet.

use std::collections::BTreeSet;

use comity_ledger::{Entropy, Origin, Slot, erasure};
use comity_screening::{LogOrigin, View};
use comity_store::Store;
use comity_tlog::EntryIndex;
use comity_watchlist::Op;

use crate::author_task::{AppendError, Appended, Basis, Submission};
use crate::{NodeError, OpenHome, SystemEntropy, now};

impl Basis {
    /// Whether something may be erased with the change: a record, or a statement about one that was erased.
    pub(crate) const fn may_erase(&self) -> bool {
        matches!(self.decoded.change.op, Op::Erase { .. } | Op::Retract { .. })
    }

    /// The entries of the own log that are erased with the change.
    fn erases(&self, log: &LogOrigin, view: &View) -> BTreeSet<EntryIndex> {
        match self.decoded.change.op {
            Op::Erase { .. } => {
                let said = view.statement_entries(log, log, self.handle);
                view.entries_of(log, self.handle).into_iter().chain(said).collect()
            }
            Op::Retract { .. } => view.erased_with(log, self.handle),
            _ => BTreeSet::new(),
        }
    }
}

impl Submission {
    /// Adds an erase entry for each entry that is erased; gives those entries.
    pub(crate) fn announce_erasures(&mut self, origin: &Origin, view: &View) -> Vec<EntryIndex> {
        let (Some(labels), Ok(log)) = (&self.erasures, origin.as_str().parse::<LogOrigin>()) else {
            return Vec::new();
        };
        let erased: BTreeSet<EntryIndex> =
            self.bases.iter().flat_map(|basis| basis.erases(&log, view)).collect();
        let (handling, audience) = (labels.handling_section(), labels.audience_section());
        for index in &erased {
            let mut draft = erasure(*index).with_section(Slot::HANDLING, handling.clone());
            if let Some(audience) = &audience {
                draft = draft.with_section(Slot::AUDIENCE, audience.clone());
            }
            self.drafts.push(draft);
        }
        erased.into_iter().collect()
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
        if !submission.is_labelled_alike() {
            return Err(NodeError::Record { reason: AppendError::MixedPackage.to_string() });
        }
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
