//! What monitors are shown of the logs that this node's witness cosigns (c2sp.org/tlog-witness, "Monitor Retrieval
//! Mechanism"): the newest checkpoint with its line, so that nobody can show them another history than its readers.
//!
//! Blocking. Not here: which logs are shown to whom (`http`).

use comity_ledger::Origin;
use comity_tlog::{SignatureLine, SignedCheckpoint, VerifiedCheckpoint};

use super::Gossiping;
use crate::NodeError;

/// Newest notes of a log among which one with the own line is looked for: a newer one gets its line in a moment.
const NOTES_MAX: usize = 16;

impl Gossiping {
    /// The newest checkpoint of a log that this node's witness has cosigned, with the author's line and its own; `None`
    /// if it has cosigned none.
    ///
    /// # Errors
    /// A [`NodeError`] of the store.
    pub(crate) fn monitored(&self, origin: &Origin) -> Result<Option<Vec<u8>>, NodeError> {
        let store = self.node.store();
        let kept =
            store.notes_back(origin, NOTES_MAX)?.into_iter().find_map(|note| self.with_own_line(&note));
        let shown = store.shown(origin)?.and_then(|note| self.with_own_line(&note));
        let newest = kept.into_iter().chain(shown).max_by_key(|note| note.checkpoint().size());
        Ok(newest.map(|note| note.as_bytes().to_vec()))
    }

    /// A note, if it has a line of this node's witness.
    fn with_own_line(&self, note: &[u8]) -> Option<SignedCheckpoint> {
        let [witness, _] = self.cosigners.keys();
        let signed = SignedCheckpoint::parse(note).ok()?;
        let mut lines = signed.note().lines().iter();
        let has = lines.any(|line| line.id() == witness.id() && line.name() == witness.name());
        has.then_some(signed)
    }

    /// Keeps what was cosigned for somebody who showed it.
    ///
    /// # Errors
    /// A [`NodeError`] of the store.
    pub(super) fn keep_shown(
        &self,
        origin: &Origin,
        checkpoint: &VerifiedCheckpoint,
        line: &SignatureLine,
    ) -> Result<(), NodeError> {
        let refused = |source| NodeError::OwnNote { source };
        let note = checkpoint.note().verified_lines_only();
        let note = note.map_err(|source| refused(comity_tlog::CheckpointError::Note { source }))?;
        let cosigned = SignedCheckpoint::from_note(note).and_then(|note| note.with_line(line.clone()));
        Ok(self.node.store().put_shown(origin, &cosigned.map_err(refused)?)?)
    }
}
