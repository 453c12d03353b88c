//! Following the logs of peers: one task for each, which connects, verifies, keeps, and begins again after a failure.
//!
//! Not here: what is checked and kept (`keeper`), one connection (`session`), and what is served to others
//! (`exchange`).

mod ahead;
mod error;
mod keeper;
mod older;
mod pinned;
mod session;
mod viewing;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use comity_ledger::{AgencyId, Entropy as _};
use comity_tlog::TreeSize;
use rustls::time_provider::TimeProvider;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use self::error::FollowError;
use self::session::Session;
use crate::off_reactor::off_reactor;
use crate::tls::TlsMaterial;
use crate::{Alarm, AlarmKey, Node, Peer, Peers, SystemEntropy, now};

/// Pause after the first failure.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause: a peer that comes back is followed again within this time.
const PAUSE_MAX: Duration = Duration::from_secs(10);

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
        let mut pause = PAUSE_MIN;
        loop {
            let session = Session { all: &self.all, parts: &self.parts, peer: &self.peer, stop: &self.stop };
            let (mut gained, begun) = (false, Instant::now());
            let ended = Box::pin(session.run(&mut gained)).await;
            if let Err(error) = ended {
                if matches!(error, FollowError::Stopped) {
                    return;
                }
                let error = if error.is_behind_release() {
                    self.ask_again().await.err().unwrap_or(error)
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
                    let key = alarm_key(code, &self.peer);
                    tracing::error!(%reason, code, "the author's history is in doubt");
                    self.parts.node.alarms().raise(Alarm { key, since: now(), message: reason.clone() });
                }
                tracing::warn!(%reason, "following stopped");
                self.all.update(&agency, |state| {
                    state.connected = false;
                    state.last_error = Some(reason);
                });
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
    /// Whoever releases has forgotten how far it had come: it is asked for all again, of which what is held is passed
    /// over.
    async fn ask_again(&self) -> Result<(), FollowError> {
        tracing::warn!("the releases went back: all are asked for again");
        let (node, peer) = (Arc::clone(&self.parts.node), Arc::clone(&self.peer));
        let forget = move || node.store().forget_releases(peer.upstream(), &peer.origin());
        let forgotten = off_reactor(forget).await;
        forgotten.map_err(|_| FollowError::Broken)?.map_err(FollowError::from)
    }
}

/// The alarm of a kind about a peer's log.
fn alarm_key(code: &'static str, peer: &Peer) -> AlarmKey {
    AlarmKey { code, origin: peer.origin().to_string(), agency: peer.agency().to_string() }
}

/// Between half of the pause and all of it, so that the followers of a node that comes back do not call at once.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [u8::MAX];
    // Without random bytes the whole pause is as good.
    SystemEntropy::new().fill(&mut byte).unwrap_or_default();
    pause / 2 + pause.mul_f64(f64::from(u8::from_be_bytes(byte)) / 510.0)
}
