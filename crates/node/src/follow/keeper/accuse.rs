//! What a follower makes of an author that contradicts itself: evidence, where what is in hand suffices for it (D24).
//!
//! Two roots of one size suffice; two sizes do with a proof that the larger tree begins otherwise than the smaller one
//! states. Such a proof comes out of the entries held, or out of those of a frame and the proof that came with it. Not
//! here: what is rejected (`comity-ledger`), and what follows from evidence (`gossip`).

use comity_ledger::{Beginning, Evidence, Gossiped, Head, Rejection, compare};
use comity_tlog::{
    ProveError, SignedCheckpoint, TreeSize, VerifiedCheckpoint, lengthen_consistency, root_at,
};

use super::super::error::{FORK, FollowError};
use super::super::older;
use super::{Keeper, head_under};

impl Keeper {
    /// Says what it means that a step was rejected, and reports the author if it is convicted by that and by what was
    /// kept. Without evidence nobody is said to have signed two histories.
    pub(super) fn judge_rejected(
        &self,
        error: FollowError,
        note: Option<&SignedCheckpoint>,
    ) -> Result<(), FollowError> {
        let (is_convicted, error) = match (error, note) {
            (FollowError::Rejected(rejection), Some(note)) => {
                let (accused, held) = (self.accuse(note)?, self.store().held(&self.origin)?.size);
                (accused, older::judge(self.store(), (&self.peer, &self.origin), held, note, rejection))
            }
            (FollowError::Rejected(rejection), None) => (self.accuse_by_frame(&rejection)?, rejection.into()),
            // Compared with the entries held already.
            (other @ FollowError::OtherPast { .. }, Some(note)) => (self.accuse(note)?, other),
            (error, _) => return Err(error),
        };
        if error.alarm() == Some(FORK) && !is_convicted {
            return Err(FollowError::Unproven { what: Box::new(error) });
        }
        Err(error)
    }

    /// Looks whether a checkpoint that was rejected and what is known of its author convict it, and reports that.
    fn accuse(&self, note: &SignedCheckpoint) -> Result<bool, FollowError> {
        let Ok(shown) = self.replica.keys().verify(note) else { return Ok(false) };
        for known in self.known()? {
            if let Some(evidence) = self.contradiction(&known, &shown)? {
                self.report_evidence(evidence);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reports an author whose checkpoint covers entries that are not those under another one that it signed before, as
    /// a frame has shown.
    fn accuse_by_frame(&self, rejection: &Rejection) -> Result<bool, FollowError> {
        let Rejection::OtherBeginning { beginning } = rejection else { return Ok(false) };
        let Some(checkpoint) = &self.checkpoint else { return Ok(false) };
        let is_contradicted = |known: &VerifiedCheckpoint| {
            let head = head_under(known);
            head.size == beginning.head.size && head.root != beginning.head.root
        };
        let Some(seen) = self.known()?.into_iter().find(is_contradicted) else { return Ok(false) };
        let evidence = Evidence::new(&seen, checkpoint, Some(beginning.as_ref().clone()));
        Ok(evidence.map(|evidence| self.report_evidence(evidence)).is_ok())
    }

    /// The checkpoints that are kept of the author.
    fn known(&self) -> Result<Vec<VerifiedCheckpoint>, FollowError> {
        let (store, keys) = (self.store(), self.replica.keys());
        let mut notes = store.awaited_notes(&self.origin).collect::<Result<Vec<_>, _>>()?;
        notes.extend(store.seen_note(&self.origin)?);
        notes.extend(store.newest_note(&self.origin)?);
        let end = self.end.or(self.replica.end());
        if let Some(end) = end {
            // What was signed beyond it convicts nobody; what was kept up to it does.
            notes.extend(store.newest_note_up_to(&self.origin, end.size)?);
        }
        let mut known = Vec::with_capacity(notes.len());
        for note in notes {
            known.extend(keys.verify(&SignedCheckpoint::parse(&note)?));
        }
        known.retain(|known| end.is_none_or(|end| known.checkpoint().size() <= end.size));
        Ok(known)
    }

    /// Evidence of one known checkpoint and one that was shown, if they contradict each other and that can be proved.
    fn contradiction(
        &self,
        known: &VerifiedCheckpoint,
        shown: &VerifiedCheckpoint,
    ) -> Result<Option<Evidence>, FollowError> {
        let (known_at, shown_at) = (head_under(known), head_under(shown));
        if shown_at.size == known_at.size || known_at.size <= self.complete {
            return Ok(match compare(known, shown, &self.store().nodes(&self.origin)) {
                Gossiped::Fork(evidence) => Some(*evidence),
                _ => None,
            });
        }
        let Some(beginning) = self.beginning(known, shown_at.size)? else { return Ok(None) };
        Ok(Evidence::new(shown, known, Some(beginning)).ok())
    }

    /// How the tree of a checkpoint begins up to a size, if the entries up to there are held, and came with the proof
    /// that they go on to that checkpoint.
    fn beginning(&self, of: &VerifiedCheckpoint, size: TreeSize) -> Result<Option<Beginning>, FollowError> {
        let Some(on) = &self.goes_on else { return Ok(None) };
        if on.checkpoint != head_under(of) || size > on.held {
            return Ok(None);
        }
        let tree = self.store().nodes(&self.origin);
        let root = root_at(&tree, size)?;
        let to = of.checkpoint().size();
        match lengthen_consistency(&tree, size, on.held, to, &on.proof) {
            Ok(proof) => Ok(Some(Beginning { head: Head { size, root }, proof })),
            Err(error @ ProveError::Read { .. }) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    fn report_evidence(&self, evidence: Evidence) {
        self.node.doubts().report(evidence);
        self.node.tell_news();
    }
}
