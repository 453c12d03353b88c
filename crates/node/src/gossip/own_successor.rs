//! Whether a peer knows a successor of the own log: asked before it is heard of the own log, since a peer that holds all of
//! a log that has ended is not beyond it.
//!
//! Not here: what follows (`succeeded`), and how others come to a successor (`follow`).

use std::sync::Arc;

use comity_ledger::{AgencyId, OriginDigest};
use comity_wire::{ErrorCode, v1};

use super::Gossiping;
use super::other_trees::blocking;
use crate::dial::{DialError, PeerClient, answered};
use crate::{NodeError, ReadOnlyReason, succeeded};

impl Gossiping {
    /// Asks a peer for the genesis of the successor of the own log; if there is one, nothing is signed any more.
    ///
    /// # Errors
    /// A [`DialError`] if it has not answered, or the own side failed.
    pub(super) async fn ask_for_own_successor(
        self: &Arc<Self>,
        client: &mut PeerClient,
        agency: &AgencyId,
    ) -> Result<(), DialError> {
        let Some(successor) = self.node.home().origin().successor() else { return Ok(()) };
        let request = v1::GenesisRequest { origin: successor.to_string() };
        match answered(client.genesis(request)).await {
            Ok(answer) => {
                let peer = agency.clone();
                blocking(self, move |all| all.take_own_successor(&peer, &answer.entry)).await?;
            }
            // It knows of none.
            Err(DialError::Answered { code: ErrorCode::UnknownOrigin }) => {}
            Err(error) => return Err(error),
        }
        let peer = agency.clone();
        blocking(self, move |all| {
            all.state().asked.insert(peer);
            Ok(())
        })
        .await
    }

    /// Ends signing for good if this is the genesis of the successor of the own log.
    fn take_own_successor(&self, peer: &AgencyId, entry: &[u8]) -> Result<(), NodeError> {
        match succeeded::keep(self.node.home(), self.node.store(), entry)? {
            Some(head) => {
                self.node.set_read_only(Some(ReadOnlyReason::Succeeded { last_good: head.size }));
            }
            None => {
                tracing::warn!(%peer, "a successor of the own log was shown that the own root key did not sign");
            }
        }
        Ok(())
    }

    /// Whether a peer says that it holds a successor of the own log. That is unverified: it is to be asked for.
    pub(super) fn names_own_successor(&self, agency: &AgencyId) -> bool {
        let Some(successor) = self.node.home().origin().successor() else { return false };
        let successor = OriginDigest::of(&successor);
        let state = self.state();
        let said = state.peers.get(agency).map(|with| with.digests.as_slice()).unwrap_or_default();
        said.iter().any(|digest| digest.origin == successor)
    }
}
