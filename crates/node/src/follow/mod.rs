//! Following the logs of peers: one task for each, which connects, verifies, keeps, and begins again after a failure.
//!
//! Not here: what is checked and kept (`keeper`), one connection (`session`), and what is served to others
//! (`exchange`).

mod ahead;
mod announced;
mod error;
mod keeper;
mod older;
mod pinned;
mod session;
mod successor;
mod viewing;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use comity_ledger::{AgencyId, Entropy as _, Origin};
use comity_tlog::TreeSize;
use rustls::time_provider::TimeProvider;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use self::error::FollowError;
pub(crate) use self::error::{DOUBTS, FORK, SUSPECT};
use self::session::Session;
use crate::off_reactor::off_reactor;
use crate::tls::TlsMaterial;
use crate::{Alarm, AlarmKey, Node, Peer, Peers, SystemEntropy, now};

/// Pause after the first failure.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause: a peer that comes back is followed again within this time.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// First time for which the newest log of a peer is followed before one that it goes on from, and of which not all has
/// come, is asked for again.
const TURN_MIN: Duration = Duration::from_secs(1);
/// Longest such time: nobody who could give the rest may be there for days, and each turn costs a call.
const TURN_MAX: Duration = Duration::from_mins(5);

/// What the followers of a node need.
#[derive(Clone)]
pub struct FollowParts {
    /// The node: its store, its view, its news.
    pub node: Arc<Node>,
    /// The register of peers.
    pub peers: Arc<Peers>,
    /// The certificate that is presented to peers.
    pub material: TlsMaterial,
    /// The time by which certificates are judged.
    pub time: Arc<dyn TimeProvider>,
}

impl std::fmt::Debug for FollowParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FollowParts").field("material", &self.material).finish_non_exhaustive()
    }
}

/// How it stands with one followed log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowState {
    /// Whether its stream is open.
    pub connected: bool,
    /// Entries held.
    pub held: TreeSize,
    /// Entries of the newest checkpoint seen.
    pub seen: TreeSize,
    /// Why the last stream ended, without any name from a record; kept until a stream brings something.
    pub last_error: Option<String>,
}

/// The states of all followers, by the agency followed. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Followers {
    states: Arc<Mutex<BTreeMap<AgencyId, FollowState>>>,
}

/// A follower at work.
struct Running {
    peer: Arc<Peer>,
    /// From whom it is fetched: the peer itself, or its relay.
    upstream: Option<Arc<Peer>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Followers {
    /// Follows the publication log of every peer of the register, also of those added later, in tasks of `tasks`
    /// until `stop`. `stop` is cancelled from here if stable storage fails: the process must end then.
    pub fn start(parts: FollowParts, tasks: &TaskTracker, stop: CancellationToken) -> Self {
        let followers = Self::default();
        let (all, spawner) = (followers.clone(), tasks.clone());
        tasks.spawn(async move { all.supervise(&parts, &spawner, &stop).await });
        followers
    }

    /// How it stands with each.
    pub fn states(&self) -> BTreeMap<AgencyId, FollowState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes one state.
    fn update(&self, agency: &AgencyId, change: impl FnOnce(&mut FollowState)) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        change(states.entry(agency.clone()).or_default());
    }

    async fn supervise(&self, parts: &FollowParts, tasks: &TaskTracker, stop: &CancellationToken) {
        let mut changes = parts.peers.changes();
        let mut running: BTreeMap<AgencyId, Running> = BTreeMap::new();
        loop {
            changes.mark_unchanged();
            let wanted = parts.peers.list();
            let upstream_of =
                |peer: &Peer| wanted.iter().find(|other| other.agency() == peer.upstream()).map(Arc::clone);
            let is_wanted = |held: &Running| {
                let known = wanted.iter().any(|peer| Arc::ptr_eq(peer, &held.peer));
                let upstream = upstream_of(&held.peer);
                // A relay that was removed or replaced ends the stream that came through it.
                let same = match (&upstream, &held.upstream) {
                    (Some(now), Some(then)) => Arc::ptr_eq(now, then),
                    (now, then) => now.is_none() && then.is_none(),
                };
                known && same
            };
            let (kept, ended) = running.into_iter().partition(|(_, held)| is_wanted(held));
            running = kept;
            let ended: BTreeMap<AgencyId, Running> = ended;
            for (agency, held) in ended {
                held.stop.cancel();
                // A follower ends between two steps; a panic in it has been logged by its task.
                drop(held.task.await);
                self.states.lock().unwrap_or_else(PoisonError::into_inner).remove(&agency);
            }
            for peer in &wanted {
                let peer = Arc::clone(peer);
                let upstream = upstream_of(&peer);
                running.entry(peer.agency().clone()).or_insert_with(|| {
                    let child = stop.child_token();
                    let follower = Follower {
                        all: self.clone(),
                        parts: parts.clone(),
                        peer: Arc::clone(&peer),
                        stop: child.clone(),
                        process: stop.clone(),
                    };
                    let span = tracing::info_span!("follow", peer = %peer.agency());
                    let task = tasks.spawn(async move { follower.run().await }.instrument(span));
                    Running { peer, upstream, stop: child, task }
                });
            }
            tokio::select! {
                () = stop.cancelled() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// The follower of one peer's publication log.
struct Follower {
    all: Followers,
    parts: FollowParts,
    peer: Arc<Peer>,
    stop: CancellationToken,
    process: CancellationToken,
}

impl Follower {
    async fn run(self) {
        let agency = self.peer.agency().clone();
        let (mut pause, mut catches_up, mut turn) = (PAUSE_MIN, true, TURN_MIN);
        loop {
            let (mut gained, mut asks_again, begun) = (false, false, Instant::now());
            let followed = successor::followed(&self.parts.node, &self.peer, catches_up).await;
            let is_newest = followed.as_ref().is_ok_and(|followed| followed.is_newest);
            let of = followed.as_ref().map_or_else(|_| self.peer.origin(), |of| of.origin.clone());
            let ended = match followed {
                Ok(followed) => {
                    let turn = Some(turn).filter(|_| followed.is_newest && followed.has_unfinished);
                    self.attempt_for(&followed.origin, turn, &mut gained).await
                }
                Err(error) => Err(error),
            };
            let has_paused = ended.is_ok();
            if has_paused {
                self.all.update(&agency, |state| state.connected = false);
            }
            if let Err(error) = ended {
                if matches!(error, FollowError::Stopped) {
                    return;
                }
                let error = if error.is_behind_release() {
                    match self.ask_again(&of).await {
                        Ok(forgot) => {
                            asks_again = forgot;
                            error
                        }
                        Err(error) => error,
                    }
                } else {
                    error
                };
                if error.is_fatal() {
                    tracing::error!(reason = error.explain(), "stable storage failed: the node stops");
                    self.parts.node.store().give_up();
                    self.process.cancel();
                    return;
                }
                let reason = error.explain();
                if let Some(code) = error.alarm() {
                    let key = alarm_key(code, &of);
                    tracing::error!(%reason, code, "the author's history is in doubt");
                    self.parts.node.alarms().raise(Alarm { key, since: now(), message: reason.clone() });
                }
                tracing::warn!(%reason, "following stopped");
                self.all.update(&agency, |state| {
                    state.connected = false;
                    state.last_error = Some(reason);
                });
            }
            // Where what is missing of a closed log does not come, what is new in its successor does not wait for it.
            catches_up = is_newest || (!has_paused && (gained || asks_again));
            if !is_newest {
                turn = if gained { TURN_MIN } else { (turn * 2).min(TURN_MAX) };
            }
            // An attempt that took as long as the longest pause was no call too many, whatever it brought.
            let earned = gained || begun.elapsed() >= PAUSE_MAX;
            pause = if earned { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(jittered(pause)) => {}
            }
        }
    }
}

impl Follower {
    /// Follows a log until that ends, or for one turn at most: what is missing of one before it would else not be asked for
    /// again as long as this stream is open.
    async fn attempt_for(
        &self,
        origin: &Origin,
        turn: Option<Duration>,
        gained: &mut bool,
    ) -> Result<(), FollowError> {
        let stop = self.stop.child_token();
        let attempt = self.attempt(origin, &stop, gained);
        tokio::pin!(attempt);
        let ended = tokio::select! {
            ended = &mut attempt => ended,
            () = over(turn) => {
                stop.cancel();
                attempt.await
            }
        };
        match ended {
            Err(FollowError::Stopped) if !self.stop.is_cancelled() => Ok(()),
            ended => ended,
        }
    }

    /// Follows a log until that ends. At the end of a closed one its successor is begun, and followed with the next
    /// attempt; so it is of one whose author seems to have gone back or to have signed two histories, if the author's
    /// root key says that the log has ended: then what was held against the author may be a thief's.
    async fn attempt(
        &self,
        origin: &Origin,
        stop: &CancellationToken,
        gained: &mut bool,
    ) -> Result<(), FollowError> {
        let knew_successor = successor::is_begun(&self.parts.node, origin).await?;
        let session = Session { all: &self.all, parts: &self.parts, peer: &self.peer, origin, stop };
        match Box::pin(session.run(gained)).await {
            Err(error) if error.is_closed_log() => {
                let begun = self.begin_successor(origin, stop).await;
                *gained |= matches!(begun, Ok(true));
                begun?;
                // Whoever does not know of the successor is told so at once; the rest of the log is asked for beside it.
                if !knew_successor {
                    return Ok(());
                }
                successor::all_came(&self.parts.node, &self.peer, origin).await
            }
            Err(error) if error.may_come_of_an_end() || self.parts.node.is_in_doubt(origin) => {
                match self.begin_successor(origin, stop).await {
                    Ok(true) => {
                        *gained = true;
                        Ok(())
                    }
                    Err(worse) if worse.is_fatal() || matches!(worse, FollowError::Stopped) => Err(worse),
                    Err(FollowError::Successor { source }) => {
                        tracing::warn!(%origin, %source, "what is shown as the successor of the log is none");
                        Err(error)
                    }
                    // There is none, or nobody to ask, or it was begun before all of this log had come.
                    Ok(false) | Err(_) => self.begin_anew(origin, error, gained).await,
                }
            }
            ended => ended,
        }
    }

    /// Begins the successor of a log, if it has one that is not begun yet.
    async fn begin_successor(&self, origin: &Origin, stop: &CancellationToken) -> Result<bool, FollowError> {
        successor::begin(&self.parts, &self.peer, origin.clone(), stop).await
    }

    /// What is held of a log that has ended before all of it had come, and does not go with what comes, is set aside.
    async fn begin_anew(
        &self,
        origin: &Origin,
        error: FollowError,
        gained: &mut bool,
    ) -> Result<(), FollowError> {
        if !error.is_of_another_tree() || !successor::begin_anew(&self.parts.node, &self.peer, origin).await?
        {
            return Err(error);
        }
        *gained = true;
        Ok(())
    }

    /// Whoever releases has forgotten how far it had come: it is asked for all again, of which what is held is passed
    /// over. Says whether that changes what it is asked for.
    async fn ask_again(&self, origin: &Origin) -> Result<bool, FollowError> {
        tracing::warn!("the releases went back: all are asked for again");
        let (node, peer) = (Arc::clone(&self.parts.node), Arc::clone(&self.peer));
        let origin = origin.clone();
        let forget = move || node.store().forget_releases(peer.upstream(), &origin);
        let forgotten = off_reactor(forget).await;
        forgotten.map_err(|_| FollowError::Broken)?.map_err(FollowError::from)
    }
}

/// When a turn is over; never without one.
async fn over(turn: Option<Duration>) {
    match turn {
        Some(turn) => tokio::time::sleep(turn).await,
        None => std::future::pending().await,
    }
}

/// The alarm of a kind about a peer's log.
fn alarm_key(code: &'static str, origin: &Origin) -> AlarmKey {
    AlarmKey { code, origin: origin.to_string(), agency: origin.agency().to_string() }
}

/// Between half of the pause and all of it, so that the followers of a node that comes back do not call at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let mut byte = [u8::MAX];
    // Without random bytes the whole pause is as good.
    SystemEntropy::new().fill(&mut byte).unwrap_or_default();
    pause / 2 + pause.mul_f64(f64::from(u8::from_be_bytes(byte)) / 510.0)
}
