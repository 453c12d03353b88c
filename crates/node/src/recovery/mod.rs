//! The own log after a restore: nothing is signed until what was lost is back from peers and the sign-lock fits, or an
//! operator answers for the size (D25). Sections that come later are taken while the log goes on.
//!
//! Not here: how a start finds that something is lost (`own_log`), what peers say meanwhile (`gossip`), and what one peer
//! gives back (`tail`, `returned`, `ask`).

mod ask;
mod decide;
mod error;
mod returned;
mod tail;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use comity_ledger::AgencyId;
use comity_tlog::TreeSize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use self::decide::{Decision, decide, resume};
use self::error::RecoveryError;
use self::tail::Tail;
use crate::off_reactor::off_reactor;
use crate::{
    AuthorTask, FollowParts, Gossiping, Node, NodeError, OwnLogState, Peer, ReadOnlyReason, jittered,
};

/// Pause between two rounds over the peers while something is lost.
const PAUSE: Duration = Duration::from_secs(2);

/// The recovery of the own log of one node.
#[derive(Debug)]
pub(crate) struct Recovery {
    parts: FollowParts,
    gossiping: Arc<Gossiping>,
    author: AuthorTask,
    /// The size that an operator answers for.
    accepted: Option<TreeSize>,
    /// Peers that have given back all that they will.
    asked: BTreeSet<AgencyId>,
    stop: CancellationToken,
}

impl Recovery {
    /// Starts the task that recovers whenever there is something to recover, a task of `tasks` until `stop`.
    pub(crate) fn start(
        parts: FollowParts,
        gossiping: Arc<Gossiping>,
        author: AuthorTask,
        accepted: Option<TreeSize>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let recovery =
            Self { parts, gossiping, author, accepted, asked: BTreeSet::new(), stop: stop.clone() };
        tasks.spawn(async move { recovery.run().await }.instrument(tracing::info_span!("recover")));
    }

    async fn run(mut self) {
        let stop = self.stop.clone();
        let (mut closed, mut peers) = (self.node().watch_read_only(), self.parts.peers.changes());
        loop {
            closed.mark_unchanged();
            peers.mark_unchanged();
            let Some(done) = stop.run_until_cancelled(self.round()).await else { return };
            let again = match done {
                Ok(again) => again,
                Err(error) if error.is_of_the_medium() => {
                    tracing::error!(%error, "stable storage failed: the own log cannot be recovered");
                    self.node().store().give_up();
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "the own log cannot be recovered for now");
                    true
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                changed = closed.changed() => if changed.is_err() { return },
                changed = peers.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(jittered(PAUSE)), if again => {}
            }
        }
    }

    fn node(&self) -> &Arc<Node> {
        &self.parts.node
    }

    /// One round over the peers, if there is anything to ask for. Says whether there will be another.
    async fn round(&mut self) -> Result<bool, RecoveryError> {
        match self.node().read_only() {
            _ if self.node().is_halted() => Ok(false),
            Some(reason) if reason.is_final() => Ok(false),
            Some(reason) => {
                if !matches!(reason, ReadOnlyReason::Returning { .. }) {
                    // What was asked for before was asked by a smaller log.
                    self.asked.clear();
                }
                self.author.pause().await;
                self.recover().await.map(|()| self.node().read_only().is_some())
            }
            None => self.take_late().await,
        }
    }

    /// Fetches entries, then what their sections are, and goes on if that is permitted.
    async fn recover(&mut self) -> Result<(), RecoveryError> {
        // Nobody has to be asked for what only waits to be kept.
        let node = Arc::clone(self.node());
        off_reactor(move || Tail::open(node)).await.map_err(|_| RecoveryError::Broken)??;
        for peer in self.gossiping.called() {
            if let Err(error) = self.fetch_entries(peer.agency()).await {
                self.judge(&peer, error)?;
            }
        }
        if self.node().is_halted() {
            return Ok(());
        }
        let (node, gossiping, accepted) =
            (Arc::clone(self.node()), Arc::clone(&self.gossiping), self.accepted);
        let decided = off_reactor(move || decide(&node, &gossiping, accepted)).await;
        match decided.map_err(|_| RecoveryError::Broken)?? {
            Decision::Wait(reason) => {
                self.node().set_read_only(Some(reason));
                return Ok(());
            }
            Decision::Accept => tracing::warn!("the own log goes on at the word of an operator"),
            // Somebody who is up has said all before anything new is compared with what there is.
            Decision::GoOn => {
                if let Some(from) = self.returning().await?
                    && !self.fetch_sections().await?
                {
                    self.node().set_read_only(Some(ReadOnlyReason::Returning { from }));
                    return Ok(());
                }
            }
        }
        let node = Arc::clone(self.node());
        let opened = off_reactor(move || resume(&node)).await.map_err(|_| RecoveryError::Broken)??;
        match opened {
            OwnLogState::Writable(log) => {
                tracing::info!(size = %log.head().size, "the own log goes on");
                self.accepted = None;
                self.author.resume(log).await;
                self.node().set_read_only(None);
                self.node().tell_news();
            }
            OwnLogState::ReadOnly { reason } => self.node().set_read_only(Some(reason)),
        }
        Ok(())
    }

    /// Takes sections of those who were not there before. Says whether somebody is still to be asked.
    async fn take_late(&mut self) -> Result<bool, RecoveryError> {
        if self.returning().await?.is_none() {
            return Ok(false);
        }
        let _heard: bool = self.fetch_sections().await?;
        if self.parts.peers.list().iter().any(|peer| !self.asked.contains(peer.agency())) {
            return Ok(true);
        }
        let node = Arc::clone(self.node());
        let ended = off_reactor(move || node.store().end_recovery(&node.home().origin())).await;
        ended.map_err(|_| RecoveryError::Broken)??;
        tracing::info!("every peer has given back what it has of the own sections; what is missing is lost");
        Ok(false)
    }

    /// Takes the sections that peers give back. Says whether one of them has said that it has no more.
    async fn fetch_sections(&mut self) -> Result<bool, RecoveryError> {
        for peer in self.gossiping.called() {
            if self.asked.contains(peer.agency()) {
                continue;
            }
            match self.ask_for_sections(peer.agency()).await {
                Ok(true) => drop(self.asked.insert(peer.agency().clone())),
                Ok(false) => {}
                Err(error) => self.judge(&peer, error)?,
            }
        }
        Ok(!self.asked.is_empty())
    }

    /// The first entry whose sections are asked back, if any are.
    async fn returning(&self) -> Result<Option<TreeSize>, RecoveryError> {
        let node = Arc::clone(self.node());
        let read = off_reactor(move || node.store().returning(&node.home().origin())).await;
        Ok(read.map_err(|_| RecoveryError::Broken)??.map(|returning| returning.from))
    }

    /// What one peer did is no failure of the recovery, unless the own store failed or two trees are known.
    fn judge(&self, peer: &Peer, error: RecoveryError) -> Result<(), RecoveryError> {
        let agency = peer.agency();
        if error.is_conflict() {
            tracing::error!(%agency, %error, "a peer holds another tree under the own key");
            let size = self.node().read_only().map_or(TreeSize::ZERO, ReadOnlyReason::size);
            self.node().set_read_only(Some(ReadOnlyReason::Conflict { locked: size }));
            self.node().halt();
            return Ok(());
        }
        if matches!(error, RecoveryError::Node(NodeError::Store(_)) | RecoveryError::Broken) {
            return Err(error);
        }
        tracing::warn!(%agency, reason = error.explain(), "a peer gives nothing back for now");
        Ok(())
    }
}
