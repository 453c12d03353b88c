//! A node that follows in this process, so that the moment at which something is there needs no asking.
//!
//! It is made of the parts of a node: store, view, register, followers, cosigners. It has no ports and writes nothing of
//! its own log.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use comity_ledger::{Head, Origin};
use comity_node::tls::{PeerTrust, system_time};
use comity_node::{FollowParts, Followers, Gossiping, Home, Node, Peers};
use comity_tlog::SignedCheckpoint;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::party::Party;
use super::{failed, runtime};
use crate::answer::Refusal;

/// Longest wait for something to come.
const PATIENCE: Duration = Duration::from_mins(1);

/// The follower of one log.
pub(super) struct Follower {
    node: Arc<Node>,
    origin: Origin,
    seen: Receiver<Seen>,
    last: Seen,
    stop: CancellationToken,
    followers: Followers,
    _runtime: Runtime,
}

/// What was there at some moment.
#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    /// Entries under a complete checkpoint, verified and durable.
    size: u64,
    /// Records that can be found.
    records: usize,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Follower {
    /// Opens the home of a party and follows its peers.
    pub(super) fn start(party: Party<'_>, origin: Origin) -> Result<Self, Refusal> {
        let open = Home::find(party.home)?.open()?;
        let trust = PeerTrust::new();
        let peers = Arc::new(Peers::load(open.home(), trust.clone()).map_err(failed)?);
        let (node, _) = Node::start(open, trust)?;
        let runtime = runtime()?;
        let (stop, (tell, seen)) = (CancellationToken::new(), channel());
        let gossiping = Gossiping::new(Arc::clone(&node), Arc::clone(&peers))?;
        let parts =
            FollowParts { node: Arc::clone(&node), peers, material: party.material()?, time: system_time() };
        // From before anything can come.
        let (watched, of, shown) = (Arc::clone(&node), origin.clone(), node.shown());
        let followers = runtime.block_on(async {
            tokio::spawn(async move { watch(&watched, shown, &of, &tell).await });
            gossiping.start(&parts, None, &TaskTracker::new(), &stop);
            Followers::start(parts, &TaskTracker::new(), stop.clone())
        });
        let last = Seen { at: Instant::now(), size: 0, records: 0 };
        Ok(Self { node, origin, seen, last, stop, followers, _runtime: runtime })
    }

    /// When the log had that many entries here.
    pub(super) fn when_size(&mut self, size: u64) -> Result<Instant, Refusal> {
        self.when(|seen| seen.size >= size)
    }

    /// When that many records could be found here.
    pub(super) fn when_records(&mut self, records: usize) -> Result<Instant, Refusal> {
        self.when(|seen| seen.records >= records)
    }

    /// The head of the log here.
    pub(super) fn head(&self) -> Result<Head, Refusal> {
        let note = self.node.store().newest_note(&self.origin)?.ok_or_else(|| self.in_vain())?;
        let note = SignedCheckpoint::parse(&note).map_err(failed)?;
        Ok(Head { size: note.checkpoint().size(), root: note.checkpoint().root() })
    }

    /// What the followers say of why nothing came.
    fn in_vain(&self) -> Refusal {
        let errors = self.followers.states().into_values().filter_map(|state| state.last_error);
        failed(format!("waited in vain for B: {}", errors.collect::<Vec<_>>().join("; ")))
    }

    fn when(&mut self, is_so: impl Fn(&Seen) -> bool) -> Result<Instant, Refusal> {
        let begun = Instant::now();
        while !is_so(&self.last) {
            self.last = self.seen.recv_timeout(PATIENCE).map_err(|_| self.in_vain())?;
            if begun.elapsed() > PATIENCE {
                return Err(self.in_vain());
            }
        }
        Ok(self.last.at)
    }
}

/// Tells what is there each time that the view has taken something in.
async fn watch(node: &Node, mut shown: watch::Receiver<u64>, origin: &Origin, tell: &Sender<Seen>) {
    while shown.changed().await.is_ok() {
        let at = Instant::now();
        let records = node.view().screenable_count();
        let size = node.taken_in().get(origin).map_or(0, |head| head.size.value());
        if tell.send(Seen { at, size, records }).is_err() {
            return;
        }
    }
}
