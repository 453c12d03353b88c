//! Evidence that this node holds against authors, and such as was found and waits to be acted upon.
//!
//! Not here: what follows from evidence (`gossip`), and the files (`comity-store`).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use comity_ledger::{Evidence, KeyHistory, Origin};
use comity_store::Store;
use comity_tlog::{Hash, TreeSize};

use crate::NodeError;

/// Most pieces of evidence that wait: each follower finds one at a time and then pauses.
const FOUND_MAX: usize = 64;

/// Who stands convicted, by which evidence.
#[derive(Debug)]
pub(crate) struct Doubts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    held: BTreeMap<[u8; Hash::BYTES], Evidence>,
    found: Vec<Evidence>,
}

impl Doubts {
    /// Those of the evidence that a store keeps.
    pub(crate) fn load(store: &Store) -> Result<Self, NodeError> {
        let read = |file: Vec<u8>| Evidence::parse(&file).map_err(|source| NodeError::Evidence { source });
        // All of them, however many: what the store keeps is bounded there.
        let found = store.evidence_files()?.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self(Mutex::new(State { found, ..State::default() })))
    }

    /// Takes evidence that was found, for the next round to act upon.
    pub(crate) fn report(&self, evidence: Evidence) {
        let mut state = self.state();
        if state.found.len() < FOUND_MAX {
            state.found.push(evidence);
        }
    }

    /// Whether what was found names a log, by keys that are in force for what they signed.
    pub(crate) fn names(&self, keys: &KeyHistory) -> bool {
        self.state().found.iter().any(|evidence| is_of_author(evidence, keys))
    }

    /// What was found since the last round.
    pub(crate) fn take_found(&self) -> Vec<Evidence> {
        std::mem::take(&mut self.state().found)
    }

    /// Takes note that an author is convicted.
    pub(crate) fn hold(&self, evidence: &Evidence) {
        self.state().held.insert(*evidence.digest().as_bytes(), evidence.clone());
    }

    /// Whether the author of a log is convicted.
    pub(crate) fn convicts(&self, origin: &Origin) -> bool {
        self.state().held.values().any(|held| held.origin() == origin)
    }

    /// Where each piece of the evidence ends that convicts the author of a log.
    pub(crate) fn sizes(&self, origin: &Origin) -> Vec<TreeSize> {
        let state = self.state();
        let of_author = state.held.values().filter(|held| held.origin() == origin);
        of_author.map(Evidence::end).collect()
    }

    /// Whether an author is convicted by this very evidence.
    pub(crate) fn holds(&self, evidence: &Evidence) -> bool {
        self.state().held.contains_key(evidence.digest().as_bytes())
    }

    /// The evidence by which authors are convicted.
    pub(crate) fn held(&self) -> Vec<Evidence> {
        self.state().held.values().cloned().collect()
    }

    /// Convicts nobody by this evidence any more.
    pub(crate) fn let_go(&self, evidence: &Hash) {
        self.state().held.remove(evidence.as_bytes());
    }

    /// The evidence files held, ascending, at most `limit`.
    pub(crate) fn digests(&self, limit: usize) -> Vec<Hash> {
        self.state().held.keys().take(limit).map(|digest| Hash::from_bytes(*digest)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether evidence convicts the author of the log of which these are the keys.
pub(crate) fn is_of_author(evidence: &Evidence, keys: &KeyHistory) -> bool {
    evidence.origin() == keys.origin() && evidence.is_of_author(keys)
}
