//! Asking one peer for what it holds of the own log: as any follower asks, and under its own name.
//!
//! Everything that blocks runs off the reactor. Not here: what is taken of the answers (`tail`, `returned`).

use std::sync::Arc;
use std::time::Duration;

use comity_ledger::AgencyId;
use comity_wire::{ErrorCode, FollowEvent, FollowFrom, v1};
use tokio::time::timeout;
use tonic::Streaming;

use super::returned::Returned;
use super::tail::Tail;
use super::{Recovery, RecoveryError};
use crate::dial::{DialError, answered, dial};
use crate::exchange::HEARTBEAT;
use crate::off_reactor::off_reactor;

/// Within this time a peer that has nothing more says that it lives.
const HEARD_OUT: Duration = HEARTBEAT.saturating_mul(3);

impl Recovery {
    /// Takes the entries that a peer holds beyond those held here.
    pub(super) async fn fetch_entries(&self, agency: &AgencyId) -> Result<(), RecoveryError> {
        let node = Arc::clone(&self.parts.node);
        let (mut tail, from) = blocking(move || {
            let tail = Tail::open(node)?;
            let from = tail.from()?;
            Ok((tail, from))
        })
        .await?;
        let mut stream = self.follow(agency, from).await?;
        loop {
            let Some(event) = next(&mut stream).await? else {
                return Err(DialError::Silent.into());
            };
            let (goes_on, back) = match event {
                FollowEvent::Checkpoint(note) => {
                    blocking(move || Ok((tail.checkpoint(&note)?, tail))).await?
                }
                FollowEvent::Frame(frame) => blocking(move || Ok((!tail.frame(frame)?, tail))).await?,
                // All that was to come has come before.
                FollowEvent::Release(_) | FollowEvent::Heartbeat(_) => (false, tail),
                FollowEvent::FirstQuorum(_) => return Err(RecoveryError::Unasked),
            };
            if !goes_on {
                return Ok(());
            }
            tail = back;
        }
    }

    /// Takes the first quorums and the sections that a peer gives back, until it says that there are no more or says nothing. Says which.
    pub(super) async fn ask_for_sections(&self, agency: &AgencyId) -> Result<bool, RecoveryError> {
        let (node, peers, peer) =
            (Arc::clone(&self.parts.node), Arc::clone(&self.parts.peers), agency.clone());
        let mut returned = blocking(move || Returned::open(node, peers, peer)).await?;
        let mut stream = self.follow(agency, returned.from()).await?;
        loop {
            let event = match next(&mut stream).await {
                Err(RecoveryError::Dial(DialError::Answered { code: ErrorCode::BeyondRelease })) => {
                    // It was put back itself: all is asked for again the next time.
                    let (node, peer) = (Arc::clone(&self.parts.node), agency.clone());
                    let forget = move || node.store().forget_releases(&peer, &node.home().origin());
                    blocking(move || Ok(forget()?)).await?;
                    return Ok(false);
                }
                event => event?,
            };
            match event {
                Some(FollowEvent::Release(frame)) => {
                    returned = blocking(move || {
                        returned.release(frame)?;
                        Ok(returned)
                    })
                    .await?;
                }
                Some(FollowEvent::FirstQuorum(note)) => {
                    returned = blocking(move || {
                        returned.first_quorum(&note)?;
                        Ok(returned)
                    })
                    .await?;
                }
                Some(FollowEvent::Heartbeat(beat)) => {
                    return blocking(move || returned.all_came(beat)).await;
                }
                // What is beyond is gossip's to find.
                Some(FollowEvent::Checkpoint(_) | FollowEvent::Frame(_)) => {}
                None => return Ok(false),
            }
        }
    }

    async fn follow(
        &self,
        agency: &AgencyId,
        from: FollowFrom,
    ) -> Result<Streaming<v1::FollowResponse>, RecoveryError> {
        let mut client = dial(&self.parts, agency).await?;
        Ok(answered(client.follow(v1::FollowRequest::from(&from))).await?)
    }
}

/// The next message; `None` if none came in time.
async fn next(stream: &mut Streaming<v1::FollowResponse>) -> Result<Option<FollowEvent>, RecoveryError> {
    match timeout(HEARD_OUT, stream.message()).await {
        Ok(Ok(Some(message))) => Ok(Some(FollowEvent::try_from(message).map_err(DialError::from)?)),
        Ok(Ok(None)) => Err(DialError::Answered { code: ErrorCode::Stopping }.into()),
        Ok(Err(status)) => Err(DialError::from(status).into()),
        Err(_) => Ok(None),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RecoveryError> + Send + 'static,
) -> Result<T, RecoveryError> {
    off_reactor(work).await.map_err(|_| RecoveryError::Broken)?
}
