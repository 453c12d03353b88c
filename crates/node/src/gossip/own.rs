//! What peers say of this node's own log: whether all of them were heard, and whether one holds more of it than this
//! node does, as after a restore (D25).
//!
//! Not here: what follows from it (`recovery`), and two trees of one size (`convict`).

use std::sync::Arc;

use comity_ledger::{AgencyId, CheckpointKeyError, KeyHistory, Origin, OriginDigest};
use comity_tlog::{SignedCheckpoint, TreeSize, VerifiedCheckpoint};

use super::Gossiping;
use crate::export::head_of;
use crate::{NodeError, Peer, ReadOnlyReason};

/// How often one peer is heard, while a process runs, with a larger own checkpoint of an unknown key: each time costs a
/// moment in which nothing is signed, and one that tells the truth is asked once.
const CLAIMS_MAX: u8 = 3;

impl Gossiping {
    /// Begins to hear what peers say of the own log; where none is called, there is nothing to wait for.
    pub(super) fn begin_comparing(&self) {
        self.node.set_compared(self.called().is_empty());
    }

    /// Notes that a peer was called, and has answered or cannot be reached.
    pub(super) fn has_tried(&self, agency: &AgencyId) {
        let mut state = self.state();
        state.tried.insert(agency.clone());
        let all = self.called().iter().all(|peer| state.tried.contains(peer.agency()));
        drop(state);
        if all {
            self.node.set_compared(true);
        }
    }

    /// The peers that this node calls itself.
    pub(crate) fn called(&self) -> Vec<Arc<Peer>> {
        self.peers.list().into_iter().filter(|peer| peer.reach().via.is_none()).collect()
    }

    /// Acts upon a larger checkpoint of a log than the newest known here: of the own one nothing more is signed until
    /// what lies between is back.
    pub(super) fn own_is_ahead(&self, origin: &Origin, shown: &VerifiedCheckpoint) -> Result<(), NodeError> {
        if *origin != self.node.home().origin() {
            return Ok(());
        }
        // A note is kept before anybody sees it, and known here a moment later.
        let held = self.node.store().newest_note(origin)?.map(|note| head_of(&note)).transpose()?;
        let held = held.map_or(TreeSize::ZERO, |head| head.size);
        let shown = shown.checkpoint().size();
        if shown > held && self.node.read_only().is_none() {
            self.node.set_read_only(Some(ReadOnlyReason::BehindPeers { held, shown }));
        }
        Ok(())
    }

    /// Acts upon a larger checkpoint of the own log that no key known here has signed: it may be signed with one that
    /// followed those that this home knows, as where store and sign-lock are from before a rotation. Nothing more is signed
    /// until the entries that would show that were asked for; a peer that shows none was heard, and not often again.
    pub(super) fn own_is_claimed(
        &self,
        peer: &AgencyId,
        keys: &KeyHistory,
        note: &SignedCheckpoint,
    ) -> Result<(), NodeError> {
        let origin = self.node.home().origin();
        let is_unknown = || matches!(keys.verify(note), Err(CheckpointKeyError::Signature { .. }));
        if *keys.origin() != origin || note.checkpoint().origin() != origin.as_str() || !is_unknown() {
            return Ok(());
        }
        let held = self.node.store().held(&origin)?.size;
        let shown = note.checkpoint().size();
        if shown <= held || self.node.read_only().is_some() {
            return Ok(());
        }
        let mut state = self.state();
        let claims = state.claims.entry(peer.clone()).or_default();
        if *claims < CLAIMS_MAX {
            *claims += 1;
            drop(state);
            tracing::warn!(%peer, %shown, "a peer shows the own log with a signature that is not known here");
            self.node.set_read_only(Some(ReadOnlyReason::BehindPeers { held, shown }));
        }
        Ok(())
    }

    /// Whether the own log is among those that are spoken of already.
    pub(super) fn knows_own(&self) -> bool {
        let own = OriginDigest::of(&self.node.home().origin());
        self.state().gossip.cosigned(&own).is_some()
    }

    /// Whether every peer has said since the start how far it holds the own log, and none beyond `held`, nor a successor of
    /// it. Of those that are reached through a relay too: they may have seen what nobody else has. Those that are called
    /// have said by then whether they know a successor.
    pub(crate) fn nobody_is_beyond(&self, held: TreeSize) -> bool {
        let own = OriginDigest::of(&self.node.home().origin());
        let (peers, called) = (self.peers.list(), self.called());
        if peers.iter().any(|peer| self.names_own_successor(peer.agency())) {
            return false;
        }
        let state = self.state();
        let is_asked = |peer: &Arc<Peer>| state.asked.contains(peer.agency());
        let has_said = |peer: &Arc<Peer>| {
            let said = state.peers.get(peer.agency()).map(|with| with.digests.as_slice()).unwrap_or_default();
            said.iter().any(|digest| digest.origin == own && digest.head.size <= held)
        };
        !peers.is_empty() && peers.iter().all(has_said) && called.iter().all(is_asked)
    }
}
