//! What follows from evidence against an author: it is kept, stated in the own log, told to peers, and nothing of the
//! author is cosigned any more. What was received of it before is still served.
//!
//! Blocking. Not here: what evidence is (`comity-ledger`).

use std::sync::PoisonError;

use comity_ledger::{AgencyId, Contradiction, Evidence, KeyHistory, Origin};
use comity_store::{EvidenceKept, has_place};
use comity_tlog::Hash;

use super::Gossiping;
use crate::follow::FORK;
use crate::{Alarm, AlarmKey, NodeError, now};

/// Most entries of the own log that state evidence against the author of one log: the first files that are kept of it, and
/// none that takes the place of one of those.
const ENTERED_MAX: usize = 4;

impl Gossiping {
    /// Takes an evidence file of a peer: it convicts on its own merits, whoever brings it. Says whether it was new.
    pub(super) fn take_evidence_file(&self, peer: &AgencyId, file: &[u8]) -> Result<bool, NodeError> {
        match Evidence::parse(file) {
            Ok(evidence) => self.convict(&evidence),
            Err(error) => {
                tracing::warn!(%peer, %error, "evidence came that is none");
                Ok(false)
            }
        }
    }

    /// Acts upon evidence, if it is of the author by the keys that are known here, and is not more of what its author stands
    /// convicted of often enough. Says whether it was new.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails.
    pub(super) fn convict(&self, evidence: &Evidence) -> Result<bool, NodeError> {
        let origin = evidence.origin();
        // Else it is of an agency that is not known here, or signed by somebody else in its name.
        let keys = self.keys_for(origin)?.filter(|keys| evidence.is_of_author(keys));
        let Some(keys) = keys else { return Ok(false) };
        // One at a time: nobody keeps a file beside what was counted a moment ago.
        let _turn = self.convicting.lock().unwrap_or_else(PoisonError::into_inner);
        let (doubts, store) = (self.node.doubts(), self.node.store());
        let sizes = doubts.sizes(origin);
        // What is kept is read only for what may come beside it.
        if !doubts.holds(evidence) && !has_place(evidence, &sizes, store.held(origin)?.size) {
            return Ok(false);
        }
        let still_convicts = |held: &Evidence| held.is_of_author(&keys);
        let kept = store.put_evidence(evidence, &still_convicts)?;
        if kept == EvidenceKept::PassedOver && !sizes.is_empty() {
            return Ok(false);
        }
        doubts.hold(evidence);
        if let EvidenceKept::New { instead_of: Some(other) } = &kept {
            doubts.let_go(other);
        }
        if *origin == self.node.home().origin() {
            self.node.halt();
        }
        self.alarm(origin, evidence);
        let is_new = matches!(kept, EvidenceKept::New { .. });
        if is_new {
            tracing::error!(%origin, file = %evidence.digest(), "an author contradicted itself");
            self.tell();
            // It is to be stated in the own log as well, and at once.
            self.node.tell_news();
        }
        Ok(is_new)
    }

    /// The keys of a log, or, where it is the successor of one that is held and was not begun here, those of that one: its
    /// root key says whose the beginnings of the successor are. Of no later one, of which a root key could sign as many as
    /// it likes.
    fn keys_for(&self, origin: &Origin) -> Result<Option<KeyHistory>, NodeError> {
        let keys = self.keys_of(origin)?;
        match (keys, origin.predecessor()) {
            (None, Some(closed)) => self.keys_of(&closed),
            (keys, _) => Ok(keys),
        }
    }

    /// Evidence against others that the own log does not state yet: of one author no more than shows what it did.
    pub(super) fn evidence_to_enter(&self) -> Result<Vec<Evidence>, NodeError> {
        let (store, own) = (self.node.store(), &self.node.home().config().agency);
        let mut waiting = Vec::new();
        for file in store.evidence_files()? {
            if store.is_evidence_entered(&Hash::digest(&file))? {
                continue;
            }
            let evidence = Evidence::parse(&file).map_err(|source| NodeError::Evidence { source })?;
            let origin = evidence.origin();
            let before = waiting.iter().filter(|other: &&Evidence| other.origin() == origin).count();
            // Against itself nobody goes on signing.
            if origin.agency() != own && store.evidence_entered_of(origin)? + before < ENTERED_MAX {
                waiting.push(evidence);
            }
        }
        Ok(waiting)
    }

    fn alarm(&self, origin: &Origin, evidence: &Evidence) {
        let key = AlarmKey { code: FORK, origin: origin.to_string(), agency: origin.agency().to_string() };
        let what = match evidence.shown() {
            Contradiction::Trees(trees) => {
                let [first, second] = trees.heads().map(|head| head.size);
                format!("the author signed two histories (sizes {first} and {second})")
            }
            Contradiction::Geneses(_) => {
                "the root key of the author signed two beginnings of this log".to_owned()
            }
        };
        let message = format!("{what}; the evidence is file {}", evidence.digest());
        self.node.alarms().raise(Alarm { key, since: now(), message });
    }

    /// Whether the author of a log is convicted or suspect: nothing of it is cosigned then, and nothing cleared by it.
    pub(super) fn is_in_doubt(&self, origin: &Origin) -> bool {
        self.node.is_in_doubt(origin)
    }
}
