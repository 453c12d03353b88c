//! Who has said Hello, and which stream is a peer's present one.
//!
//! Not here: how many connections there may be (`tls::Caps`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comity_ledger::{AgencyId, Origin};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::tls::Caller;

/// Callers remembered: four times the connections of a full peer port, so that none that is open is forgotten.
const GREETED_MAX: usize = 1_024;
/// Streams of one peer: as many as it may pin origins.
const STREAMS_PER_PEER_MAX: usize = 64;
/// Reads of the store for one peer at a time, its calls and the steps of its streams together: so that many calls take
/// no more of this machine than two.
const READS_PER_PEER_MAX: usize = 2;

/// A peer's stream of one log: a newer one takes its place.
type Place = (AgencyId, Origin);

/// The callers of one peer port.
#[derive(Debug, Default)]
pub(super) struct Callers {
    greeted: Mutex<VecDeque<Caller>>,
    streams: Mutex<Streams>,
    /// One for each agency that ever was a peer and asked something.
    reads: Mutex<BTreeMap<AgencyId, Arc<Semaphore>>>,
    /// Whom the last greeting named as its sender.
    #[cfg(comity_planted)]
    pub(super) named: Mutex<Option<AgencyId>>,
}

#[derive(Debug, Default)]
struct Streams {
    begun: u64,
    present: BTreeMap<Place, (u64, CancellationToken)>,
}

impl Callers {
    /// Takes note of a greeting. A caller is one connection: its address and port stand in it.
    pub(super) fn greet(&self, caller: Caller) {
        let mut greeted = self.greeted.lock().unwrap_or_else(PoisonError::into_inner);
        if greeted.contains(&caller) {
            return;
        }
        if greeted.len() >= GREETED_MAX {
            greeted.pop_front();
        }
        greeted.push_back(caller);
    }

    /// Whether the connection began with a greeting.
    pub(super) fn has_greeted(&self, caller: &Caller) -> bool {
        self.greeted.lock().unwrap_or_else(PoisonError::into_inner).contains(caller)
    }

    /// Begins a stream and ends the one that the peer had of the same log: it may have died without our knowing.
    /// `None` if the peer has too many.
    pub(super) fn begin_stream(
        self: &Arc<Self>,
        agency: &AgencyId,
        origin: &Origin,
        stop: &CancellationToken,
    ) -> Option<StreamTurn> {
        let place = (agency.clone(), origin.clone());
        let mut streams = self.lock();
        let of_peer = streams.present.keys().filter(|(held, _)| held == agency).count();
        if of_peer >= STREAMS_PER_PEER_MAX && !streams.present.contains_key(&place) {
            return None;
        }
        streams.begun = streams.begun.wrapping_add(1);
        let (number, ended) = (streams.begun, stop.child_token());
        if let Some((_, former)) = streams.present.insert(place.clone(), (number, ended.clone())) {
            former.cancel();
        }
        Some(StreamTurn { callers: Arc::clone(self), place, number, ended })
    }

    /// Waits until the store may be read for a peer; it is read until this is dropped. `None` never comes: the
    /// semaphores are not closed.
    pub(super) async fn read(&self, agency: &AgencyId) -> Option<OwnedSemaphorePermit> {
        let reads = {
            let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
            let of_peer = reads.entry(agency.clone());
            Arc::clone(of_peer.or_insert_with(|| Arc::new(Semaphore::new(READS_PER_PEER_MAX))))
        };
        reads.acquire_owned().await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream's place in the books; given back when dropped.
#[derive(Debug)]
pub(super) struct StreamTurn {
    callers: Arc<Callers>,
    place: Place,
    number: u64,
    ended: CancellationToken,
}

impl StreamTurn {
    /// Waits until a step may read the store; `None` once the stream is to end.
    pub(super) async fn read(&self) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = self.ended.cancelled() => None,
            permit = self.callers.read(&self.place.0) => permit,
        }
    }

    /// Cancelled when the node stops or a newer stream takes this one's place.
    pub(super) fn ended(&self) -> &CancellationToken {
        &self.ended
    }
}

impl Drop for StreamTurn {
    fn drop(&mut self) {
        let mut streams = self.callers.lock();
        if streams.present.get(&self.place).is_some_and(|(number, _)| *number == self.number) {
            streams.present.remove(&self.place);
        }
    }
}
