//! One connection to a peer, from the handshake until it breaks.
//!
//! Everything that blocks runs off the reactor; what is read ahead is bounded. Not here: what steps mean (`keeper`).

use std::sync::Arc;

use comity_ledger::Origin;
use comity_wire::{ErrorCode, FollowEvent, v1};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::ahead::{Ahead, Arriving, read_ahead};
use super::error::{FollowError, PASSING_ALARMS};
use super::keeper::Keeper;
use super::viewing::{is_little, show};
use super::{FollowParts, Followers, alarm_key};
use crate::Peer;
use crate::dial::{DialError, answered, dial};
use crate::exchange::HEARTBEAT;
use crate::off_reactor::off_reactor;

/// One attempt to follow one peer's log.
pub(super) struct Session<'a> {
    pub(super) all: &'a Followers,
    pub(super) parts: &'a FollowParts,
    pub(super) peer: &'a Arc<Peer>,
    pub(super) origin: &'a Origin,
    pub(super) stop: &'a CancellationToken,
}

/// What the view takes in at the moment.
type Showing = Option<JoinHandle<Result<(), FollowError>>>;

impl Session<'_> {
    /// Follows until something fails or the follower is told to stop; `gained` says whether anything new was verified
    /// and kept. It must be run to its end: only what waits for the other side is given up at a stop, and a step of the
    /// keeper never, since the next follower of the log may begin as soon as this one has ended.
    pub(super) async fn run(&self, gained: &mut bool) -> Result<(), FollowError> {
        let keeper = self.open().await?;
        self.report(&keeper, |_| {});
        let request = v1::FollowRequest::from(&keeper.from()?);
        let mut stream = self.unless_stopped(self.call(request)).await??;
        self.report(&keeper, |state| state.connected = true);
        tracing::info!("following");
        // While some are being kept, the next are read.
        let (ahead, arriving) = read_ahead();
        let reading = self.unless_stopped(read(&mut stream, ahead));
        let keeping = self.keep(keeper, arriving, gained);
        tokio::pin!(reading, keeping);
        tokio::select! {
            kept = &mut keeping => kept,
            // What has arrived by then is still kept, and a step under way is awaited.
            ended = &mut reading => keeping.await.and(Err(ended.unwrap_or_else(|stopped| stopped))),
        }
    }

    /// Keeps what arrives, as much of it at once as has arrived, until the stream ends, and shows it meanwhile.
    async fn keep(&self, keeper: Keeper, arriving: Arriving, gained: &mut bool) -> Result<(), FollowError> {
        let mut showing = None;
        let kept = self.keep_on(keeper, arriving, gained, &mut showing).await;
        graver(kept, ended(&mut showing).await)
    }

    /// `showing` is what the view takes in at the moment: one step, while the next is kept.
    async fn keep_on(
        &self,
        mut keeper: Keeper,
        mut arriving: Arriving,
        gained: &mut bool,
        showing: &mut Showing,
    ) -> Result<(), FollowError> {
        loop {
            let next = tokio::select! {
                biased;
                shown = ended(showing), if showing.is_some() => {
                    shown?;
                    continue;
                }
                next = self.unless_stopped(arriving.next()) => next?,
            };
            let Some((events, room)) = next else { return Ok(()) };
            let (node, origin) = (Arc::clone(&self.parts.node), self.origin.clone());
            let is_first = showing.is_none();
            let taken = off_reactor(move || {
                let (mut unseen, mut taken) = keeper.take(events);
                // Nothing is gained by another thread for what is shown sooner than that begins.
                if is_first && is_little(&node, &origin, &unseen) {
                    taken = graver(taken, show(&node, &origin, std::mem::take(&mut unseen)));
                }
                (unseen, taken, keeper)
            });
            let (unseen, taken, back) = taken.await.map_err(|_| FollowError::Broken)?;
            drop(room);
            keeper = back;
            *gained = keeper.has_gained();
            let before = ended(showing).await;
            if !unseen.is_empty() {
                let (node, origin) = (Arc::clone(&self.parts.node), self.origin.clone());
                *showing = Some(off_reactor(move || show(&node, &origin, unseen)));
            }
            graver(taken, before)?;
            if keeper.is_complete() {
                self.end_alarms();
            }
            self.report(&keeper, |state| state.last_error = None);
            if keeper.is_at_its_end() {
                return Ok(());
            }
        }
    }

    async fn unless_stopped<T>(&self, waiting: impl Future<Output = T>) -> Result<T, FollowError> {
        self.stop.run_until_cancelled(waiting).await.ok_or(FollowError::Stopped)
    }

    async fn call(&self, request: v1::FollowRequest) -> Result<Streaming<v1::FollowResponse>, FollowError> {
        let upstream = self.peer.upstream();
        let mut client = dial(self.parts, upstream).await.map_err(|error| match error {
            DialError::NoPeer { agency } => FollowError::NoRelay { agency },
            other => other.into(),
        })?;
        Ok(answered(client.follow(request)).await?)
    }

    async fn open(&self) -> Result<Keeper, FollowError> {
        let (node, peers) = (Arc::clone(&self.parts.node), Arc::clone(&self.parts.peers));
        let (peer, origin) = (Arc::clone(self.peer), self.origin.clone());
        let opened = off_reactor(move || Keeper::open(node, peers, peer, origin)).await;
        opened.map_err(|_| FollowError::Broken)?
    }

    /// What was doubted is dispelled: the log goes on from what is held.
    fn end_alarms(&self) {
        for code in PASSING_ALARMS {
            self.parts.node.alarms().end(&alarm_key(code, self.origin));
        }
    }

    fn report(&self, keeper: &Keeper, change: impl FnOnce(&mut super::FollowState)) {
        self.all.update(self.peer.agency(), |state| {
            (state.held, state.seen) = keeper.sizes();
            change(state);
        });
    }
}

/// Waits for what is being shown.
async fn ended(showing: &mut Showing) -> Result<(), FollowError> {
    let Some(task) = showing else { return Ok(()) };
    let shown = task.await;
    *showing = None;
    shown.map_err(|_| FollowError::Broken)?
}

/// Of two failures the one at which the process must stop, or else the first.
fn graver(first: Result<(), FollowError>, second: Result<(), FollowError>) -> Result<(), FollowError> {
    match (first, second) {
        (Err(first), Err(second)) if second.is_fatal() && !first.is_fatal() => Err(second),
        (Err(first), _) => Err(first),
        (Ok(()), second) => second,
    }
}

/// Reads messages until the stream ends or brings none; gives why.
async fn read(stream: &mut Streaming<v1::FollowResponse>, ahead: Ahead) -> FollowError {
    loop {
        let message = match timeout(HEARTBEAT * 3, stream.message()).await {
            Ok(Ok(Some(message))) => message,
            Ok(Ok(None)) => return DialError::Answered { code: ErrorCode::Stopping }.into(),
            Ok(Err(status)) => return DialError::from(status).into(),
            Err(_) => return DialError::Silent.into(),
        };
        match FollowEvent::try_from(message) {
            Ok(event) => {
                if !ahead.put(event).await {
                    return FollowError::Broken;
                }
            }
            Err(invalid) => return DialError::from(invalid).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use comity_store::StoreError;

    use super::*;
    use crate::NodeError;

    fn medium() -> FollowError {
        let source = std::io::Error::other("gone");
        NodeError::from(StoreError::Sync { path: "store/db".into(), source }).into()
    }

    /// Goal: a medium that failed at one step is not hidden by what the step beside it met.
    #[test]
    fn of_two_failures_the_one_is_told_at_which_the_process_must_stop() {
        let lesser = || Err(FollowError::NoCheckpoint);
        for (first, second) in [(lesser(), Err(medium())), (Err(medium()), lesser())] {
            assert!(graver(first, second).unwrap_err().is_fatal());
        }
        for (first, second) in [(Ok(()), Err(medium())), (Err(medium()), Ok(()))] {
            assert!(graver(first, second).unwrap_err().is_fatal());
        }
        assert!(matches!(graver(lesser(), Err(FollowError::Broken)), Err(FollowError::NoCheckpoint)));
        assert!(graver(Ok(()), Ok(())).is_ok());
    }
}
