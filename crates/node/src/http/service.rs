//! From a request to its answer: what is served to whoever asks, what is cosigned, and work where it may block.
//!
//! Not here: connections (`listener`), paths (`route`), headers (`answer`), and what the figures are (`metrics`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use comity_ledger::Origin;
use comity_store::Store;
use comity_tlog::{AddCheckpoint, TileCoordinate, TileKind};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;
use hyper::{Method, Request, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::metrics;
use super::route::Route;
use super::settings::HttpSettings;
use super::slots::{Slot, Slots};
use super::taxii::Taxii;
use crate::export::head_of;
use crate::off_reactor::off_reactor;
use crate::tiles::{entry_bundle, hash_tile};
use crate::{Followers, Gossiping, Node, NodeError, TlsLife};

/// Requests that read the store or cosign at a time, of all callers together: strangers get a share of the machine that
/// the node's own work does not feel. A tile takes a fraction of a millisecond.
const TURNS_MAX: usize = 2;
/// Requests over TAXII that wait for the one turn that they have among them, so that all others have a turn at any time: one
/// may take some tenths of a second.
const TAXII_WAITING_MAX: usize = 16;
/// Longest that a request waits for its turn: beyond that its caller is better told to come again.
const TURN_WAIT_MAX: Duration = Duration::from_secs(5);

/// Most bytes of a request for a cosignature: its proof has 3 KiB, and its note may bring lines of many cosigners, of
/// some hundred bytes each, or 3 KiB for those of ML-DSA. As many are held as there are connections.
const BODY_BYTES_MAX: usize = 128 << 10;
/// Longest that such a body may take to come.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// What the listener tells of.
#[derive(Debug)]
pub(crate) struct HttpParts {
    /// The node, its register of peers, and its witness.
    pub(crate) gossiping: Arc<Gossiping>,
    /// How following each stands.
    pub(crate) followers: Followers,
    /// Certificates and revocation lists.
    pub(crate) tls: Arc<TlsLife>,
}

/// What all connections of the listener share.
#[derive(Debug)]
pub(super) struct HttpService {
    parts: HttpParts,
    settings: HttpSettings,
    slots: Arc<Slots>,
    turns: Arc<Semaphore>,
    taxii: Taxii,
    taxii_turn: TaxiiTurn,
    /// Requests answered, by status code: no more than there are kinds of answers.
    answered: Mutex<BTreeMap<u16, u64>>,
}

impl HttpService {
    pub(super) fn new(parts: HttpParts, settings: HttpSettings, slots: Arc<Slots>) -> Arc<Self> {
        let turns = Arc::new(Semaphore::new(TURNS_MAX));
        let taxii = Taxii::new(&settings.taxii);
        let taxii_turn = TaxiiTurn::new();
        Arc::new(Self { parts, settings, slots, turns, taxii, taxii_turn, answered: Mutex::default() })
    }

    /// Goes through the logs that are served over TAXII as they grow, until `stop`.
    pub(super) async fn keep_up(self: Arc<Self>, stop: CancellationToken) {
        if self.taxii.is_off() {
            return;
        }
        let mut shown = self.node().shown();
        loop {
            shown.mark_unchanged();
            // So that no request waits for this with a turn that it has.
            let Some(Some(turn)) = stop.run_until_cancelled(self.taxii_turn.next()).await else { return };
            let service = Arc::clone(&self);
            let done = off_reactor(move || {
                let _turn = turn;
                service.taxii.catch_up(service.node())
            });
            let done = done.await;
            match done {
                Ok(Ok(true)) if !stop.is_cancelled() => continue,
                Ok(Ok(_)) => {}
                // Each request tries again, and says so.
                Ok(Err(error)) => tracing::error!(%error, "a log cannot be gone through for TAXII"),
                Err(_) => return,
            }
            match stop.run_until_cancelled(shown.changed()).await {
                Some(Ok(())) => {}
                Some(Err(_)) | None => return,
            }
        }
    }

    pub(super) fn parts(&self) -> &HttpParts {
        &self.parts
    }

    pub(super) fn node(&self) -> &Node {
        self.parts.gossiping.node()
    }

    pub(super) fn tls(&self) -> &TlsLife {
        &self.parts.tls
    }

    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Requests answered so far, by status code.
    pub(super) fn answered(&self) -> BTreeMap<u16, u64> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers one request. A body is read of the one call that has one.
    pub(super) async fn answer<B>(self: Arc<Self>, slot: &Arc<Slot>, request: Request<B>) -> Answer
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let answer = Arc::clone(&self).choose(slot, request).await;
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let count = answered.entry(answer.status().as_u16()).or_default();
        *count = count.saturating_add(1);
        answer
    }

    async fn choose<B>(self: Arc<Self>, slot: &Arc<Slot>, request: Request<B>) -> Answer
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (method, uri) = (request.method(), request.uri());
        if self.taxii.has(uri.path()) {
            return self.choose_of_taxii(slot, request).await.into_taxii();
        }
        let HttpSettings { origins, monitored, .. } = &self.settings;
        let route = Route::find(uri.path(), uri.query(), origins, monitored);
        let is_on = |route: &Route| match route {
            Route::Metrics => self.settings.metrics,
            Route::AddCheckpoint => self.settings.witness,
            Route::Checkpoint { .. } | Route::Tile { .. } | Route::Monitored { .. } => true,
        };
        match route.filter(is_on) {
            None => Answer::MISSING,
            Some(Route::AddCheckpoint) if *method == Method::POST => {
                match read_request(request.into_body()).await {
                    Ok(asked) => self.when_in_turn(slot, move |service| service.cosign(&asked)).await,
                    Err(refusal) => refusal,
                }
            }
            Some(Route::AddCheckpoint) => Answer::OtherMethod { allowed: "POST" },
            Some(_) if !matches!(*method, Method::GET | Method::HEAD) => {
                Answer::OtherMethod { allowed: "GET, HEAD" }
            }
            Some(_) if !request.body().is_end_stream() => Answer::BODY_SENT,
            Some(route) => self.when_in_turn(slot, move |service| service.look_up(&route)).await,
        }
    }

    async fn choose_of_taxii<B: Body>(self: Arc<Self>, slot: &Arc<Slot>, request: Request<B>) -> Answer {
        let uri = request.uri();
        match self.taxii.read(request.method(), uri.path(), uri.query(), request.headers()) {
            Err(answer) => answer,
            Ok(_) if !request.body().is_end_stream() => Answer::BODY_SENT,
            Ok(asked) => {
                let look_up = move |service: &Self| {
                    // What is not known to be on stable storage is shown to nobody.
                    if service.node().store().has_failed() {
                        return Err(NodeError::Storage);
                    }
                    service.taxii.look_up(service.node(), asked)
                };
                let _answering = slot.answering();
                // Its own turn first: what waits for it has none of those that tiles and the witness need.
                let Some(own) = self.taxii_turn.take().await else { return Answer::Busy };
                let in_turn = move |service: &Self| {
                    let _own = own;
                    look_up(service)
                };
                self.when_in_turn(slot, in_turn).await
            }
        }
    }

    /// Does what may block, when its turn has come.
    async fn when_in_turn(
        self: Arc<Self>,
        slot: &Arc<Slot>,
        work: impl FnOnce(&Self) -> Result<Answer, NodeError> + Send + 'static,
    ) -> Answer {
        // From here on the connection has to make room for nobody; while a body is still to come it has.
        let _answering = slot.answering();
        let Some(permit) = self.turn().await else { return Answer::Busy };
        let span = tracing::Span::current();
        let done = off_reactor(move || {
            let _permit = permit;
            span.in_scope(|| work(&self))
        });
        match done.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::error!(%error, "a request over HTTP failed");
                Answer::FAILED
            }
            // The task was not cancelled by us, so this is a panic; its message went to the log.
            Err(_) => Answer::FAILED,
        }
    }

    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        timeout(TURN_WAIT_MAX, Arc::clone(&self.turns).acquire_owned()).await.ok()?.ok()
    }

    fn look_up(&self, route: &Route) -> Result<Answer, NodeError> {
        let store = self.node().store();
        match route {
            Route::Metrics => metrics::text(self).map(|text| Answer::Metrics { text }),
            // What is not known to be on stable storage is shown to nobody.
            _ if store.has_failed() => Err(NodeError::Storage),
            Route::Checkpoint { origin } => {
                let note = store.newest_note(origin)?;
                Ok(note.map_or(Answer::MISSING, |note| Answer::Checkpoint { note }))
            }
            Route::Monitored { origin } => {
                let note = self.parts.gossiping.monitored(origin)?;
                Ok(note.map_or(Answer::MISSING, |note| Answer::Checkpoint { note }))
            }
            Route::Tile { origin, tile } => {
                let bytes = tile_of(store, origin, tile)?;
                Ok(bytes.map_or(Answer::MISSING, |bytes| Answer::Tile { bytes }))
            }
            Route::AddCheckpoint => Ok(Answer::MISSING),
        }
    }

    /// Blocking: a cosignature is on stable storage before it leaves.
    fn cosign(&self, asked: &AddCheckpoint) -> Result<Answer, NodeError> {
        self.parts.gossiping.add_checkpoint(asked).map(Answer::from)
    }
}

/// The one turn of requests over TAXII.
#[derive(Debug)]
struct TaxiiTurn {
    turn: Arc<Semaphore>,
    /// Places of those that wait for it.
    waiting: Semaphore,
}

impl TaxiiTurn {
    fn new() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), waiting: Semaphore::new(TAXII_WAITING_MAX) }
    }

    /// The turn of a request; `None` if too many wait, or it has waited too long.
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        let _place = self.waiting.try_acquire().ok()?;
        timeout(TURN_WAIT_MAX, self.next()).await.ok()?
    }

    /// The turn, however long it takes.
    async fn next(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.turn).acquire_owned().await.ok()
    }
}

/// Reads the body of a request for a cosignature.
async fn read_request<B>(body: B) -> Result<AddCheckpoint, Answer>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let unread = |status, words| Answer::Unread { status, words };
    let read = timeout(BODY_TIME_MAX, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    let read = read.map_err(|_| unread(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"))?;
    let bytes = read.map_err(|error| {
        if error.is::<LengthLimitError>() {
            unread(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long")
        } else {
            unread(StatusCode::BAD_REQUEST, "the body broke off")
        }
    })?;
    let malformed = |_| Answer::says(StatusCode::BAD_REQUEST, "this is no add-checkpoint request");
    AddCheckpoint::parse(&bytes.to_bytes()).map_err(malformed)
}

/// A tile as far as the newest checkpoint covers it; `None` for what is beyond it. A narrower tile than the log has
/// there by now is served for ever, so that the checkpoint that it belongs to can always be checked.
fn tile_of(store: &Store, origin: &Origin, tile: &TileCoordinate) -> Result<Option<Vec<u8>>, NodeError> {
    let Some(note) = store.newest_note(origin)? else { return Ok(None) };
    let size = head_of(&note)?.size.value();
    let held = match tile.kind() {
        TileKind::Entries => size,
        TileKind::Hashes(level) => size.checked_shr(u32::from(level.value()) * 8).unwrap_or(0),
    };
    // An index is below 2^56, so that the end of its tile is a number.
    if tile.first().saturating_add(tile.width().value().into()) > held {
        return Ok(None);
    }
    match tile.kind() {
        TileKind::Entries => entry_bundle(store, origin, tile).map(Some),
        TileKind::Hashes(level) => hash_tile(&store.nodes(origin), level, tile).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: however many ask over TAXII, one of them is answered at a time, few wait, and the others are told so at once.
    #[tokio::test]
    async fn requests_over_taxii_have_one_turn_among_them_and_a_short_queue() {
        let turn = Arc::new(TaxiiTurn::new());
        let first = turn.take().await.unwrap();
        let waiting: Vec<_> = (0..TAXII_WAITING_MAX)
            .map(|_| {
                let turn = Arc::clone(&turn);
                tokio::spawn(async move { turn.take().await.is_some() })
            })
            .collect();
        tokio::task::yield_now().await;
        let before = tokio::time::Instant::now();
        assert!(turn.take().await.is_none(), "the queue is full");
        assert!(before.elapsed() < TURN_WAIT_MAX, "said at once");
        drop(first);
        let mut answered = 0;
        for one in waiting {
            answered += usize::from(one.await.unwrap());
        }
        assert_eq!(answered, TAXII_WAITING_MAX);
    }
}
