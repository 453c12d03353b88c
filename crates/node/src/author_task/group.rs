//! The batch at hand: appends that are committed with one sync.
//!
//! Not here: who seals and commits it (`author_task`).

use std::collections::BTreeSet;

use comity_ledger::{BATCH_ENTRIES_MAX, SealedEntry};
use comity_screening::{LogOrigin, Provenance};
use comity_tlog::EntryIndex;
use comity_watchlist::{Decoded, Handle, Op, RecordKey};

use super::{Answer, Basis, Submission};
use crate::OwnLog;
use crate::records::ViewStep;

/// An append that is part of the batch at hand.
pub(super) struct Joined {
    pub(super) entries: usize,
    pub(super) answer: Answer,
}

/// The batch at hand, and the append that had to wait for the next.
#[derive(Default)]
pub(super) struct Group {
    pub(super) sealed: Vec<SealedEntry>,
    pub(super) joined: Vec<Joined>,
    pub(super) handles: BTreeSet<Handle>,
    pub(super) keys: BTreeSet<RecordKey>,
    /// The changes of the sealed entries, while every one of them is a change.
    pub(super) changes: Vec<Decoded>,
    /// The entries that are erased by it.
    pub(super) erased: Vec<EntryIndex>,
}

impl Group {
    /// Whether an append can join: it fits, and touches nothing that the batch already changes.
    pub(super) fn takes(&self, submission: &Submission) -> bool {
        let fits = self.sealed.len().saturating_add(submission.drafts.len()) <= BATCH_ENTRIES_MAX;
        let touches = |basis: &Basis| {
            let takes = match &basis.decoded.change.op {
                Op::Rekey { to, .. } => self.keys.contains(to),
                // What is said of a record goes with it when it is erased.
                Op::SameAs { pair, .. } => pair.listings().iter().any(|named| self.keys.contains(&named.key)),
                _ => false,
            };
            takes || self.handles.contains(&basis.handle) || self.keys.contains(&basis.key)
        };
        let compared = |key: &RecordKey| submission.list.as_ref().is_some_and(|basis| basis.list == key.list);
        fits && !submission.bases.iter().any(touches) && !self.keys.iter().any(compared)
    }

    /// Takes note of what changes that joined it touch.
    pub(super) fn note(&mut self, bases: Vec<Basis>) {
        for Basis { handle, key, decoded, .. } in bases {
            self.handles.insert(handle);
            self.keys.insert(key);
            match &decoded.change.op {
                Op::Rekey { to, .. } => {
                    self.keys.insert(to.clone());
                }
                Op::SameAs { pair, .. } => {
                    self.keys.extend(pair.listings().iter().map(|named| named.key.clone()));
                }
                _ => {}
            }
            self.changes.push(decoded);
        }
    }

    /// What the view learns from a batch of changes alone; `None` if it must be read back from the store.
    pub(super) fn steps(&mut self, log: &OwnLog) -> Option<Vec<ViewStep>> {
        if self.changes.len() != self.sealed.len() {
            return None;
        }
        let origin: LogOrigin = log.origin().as_str().parse().ok()?;
        let mut steps = Vec::with_capacity(self.sealed.len());
        for ((sealed, decoded), index) in
            self.sealed.iter().zip(self.changes.drain(..)).zip(log.head().size.value()..)
        {
            let about = sealed.bytes().parse().ok()?.about();
            let index = EntryIndex::new(index).ok()?;
            let at = Provenance { origin: origin.clone(), index, leaf: sealed.leaf(), about };
            steps.push(ViewStep::own(at, decoded));
        }
        Some(steps)
    }
}
