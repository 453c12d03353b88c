//! A double of a peer: a node with a valid certificate that says what it was given, and counts what it is asked.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comity_ledger::{AgencyId, Origin};
use comity_node::tls::{AcceptedRole, Caps, PeerListener};
use comity_tlog::TreeSize;
use comity_wire::v1::exchange_service_server::ExchangeService as ExchangeRpc;
use comity_wire::{ErrorCode, Greeting, Heads, Heartbeat, PROTOCOL, ReleaseNumber, exchange_server, v1};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::attacks::{greeted, trust_in};
use crate::support::{Agency, Running, time};

/// A node with the certificate of A that plays back what it was given.
#[derive(Clone)]
struct Playback {
    agency: AgencyId,
    messages: Arc<Mutex<Vec<v1::FollowResponse>>>,
    /// What it says in place of that of one log; nothing stands for that it is busy.
    of: Arc<Mutex<BTreeMap<String, Vec<v1::FollowResponse>>>>,
    /// Whether it says again and again that it lives, behind the last message of a stream that stays.
    beats: Arc<AtomicBool>,
    /// What it says in place of that to whoever asks from an entry on.
    from: Arc<Mutex<BTreeMap<u64, Vec<v1::FollowResponse>>>>,
    /// Between one message and the next.
    pause: Arc<Mutex<Duration>>,
    /// Whether the stream stays open behind the last message.
    stays: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    geneses: Arc<Geneses>,
    stated: Arc<Stated>,
}

/// What it states of the logs that it holds, and what it was asked and sent then.
#[derive(Default)]
struct Stated {
    heads: Mutex<Option<v1::ExchangeHeadsResponse>>,
    exchanged: AtomicUsize,
    /// How often it was sent evidence with that.
    accused: AtomicUsize,
    /// For which logs it was called.
    followed: Mutex<Vec<String>>,
}

/// The first entry that it gives of whatever log it is asked for, and of which it was asked.
#[derive(Default)]
struct Geneses {
    entry: Mutex<Option<Vec<u8>>>,
    asked: Mutex<Vec<String>>,
}

#[tonic::async_trait]
impl ExchangeRpc for Playback {
    type FollowStream = ReceiverStream<Result<v1::FollowResponse, Status>>;

    async fn hello(&self, request: Request<v1::HelloRequest>) -> Result<Response<v1::HelloResponse>, Status> {
        let theirs = Greeting::try_from(request.into_inner())?;
        let own = Greeting { protocol: PROTOCOL, agency: self.agency.clone(), software: theirs.software };
        Ok(Response::new(own.to_response(&theirs.agency)))
    }

    async fn follow(
        &self,
        request: Request<v1::FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let request = request.into_inner();
        let from = self.from.lock().unwrap().get(&request.next_index).cloned();
        let of = self.of.lock().unwrap().get(&request.origin).cloned();
        self.stated.followed.lock().unwrap().push(request.origin);
        if of.as_ref().is_some_and(Vec::is_empty) {
            return Err(ErrorCode::Busy.to_status());
        }
        let messages = from.or(of).unwrap_or_else(|| self.messages.lock().unwrap().clone());
        let beats = Arc::clone(&self.beats);
        let pause = *self.pause.lock().unwrap();
        let stays = self.stays.load(Ordering::SeqCst);
        let (sender, receiver) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move {
            for message in messages {
                if sender.send(Ok(message)).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
            while stays && beats.load(Ordering::SeqCst) {
                let (size, next_release) = (TreeSize::ZERO, ReleaseNumber::new(u64::MAX));
                let beat = Heartbeat { size, next_release, held_back: false };
                if sender.send(Ok(beat.into())).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            if stays {
                sender.closed().await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn exchange_heads(
        &self,
        request: Request<v1::ExchangeHeadsRequest>,
    ) -> Result<Response<v1::ExchangeHeadsResponse>, Status> {
        let is_accused = !request.get_ref().evidence.is_empty();
        self.stated.accused.fetch_add(is_accused.into(), Ordering::SeqCst);
        self.stated.exchanged.fetch_add(1, Ordering::SeqCst);
        let heads = self.stated.heads.lock().unwrap().clone();
        heads.map(Response::new).ok_or_else(|| Status::unimplemented(""))
    }

    async fn genesis(
        &self,
        request: Request<v1::GenesisRequest>,
    ) -> Result<Response<v1::GenesisResponse>, Status> {
        self.geneses.asked.lock().unwrap().push(request.into_inner().origin);
        match self.geneses.entry.lock().unwrap().clone() {
            Some(entry) => Ok(Response::new(v1::GenesisResponse { entry: entry.into() })),
            None => Err(ErrorCode::UnknownOrigin.to_status()),
        }
    }

    async fn consistency(
        &self,
        _: Request<v1::ConsistencyRequest>,
    ) -> Result<Response<v1::ConsistencyResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// A running playback; it ends when this is dropped.
pub(crate) struct Played {
    pub(crate) messages: Arc<Mutex<Vec<v1::FollowResponse>>>,
    of: Arc<Mutex<BTreeMap<String, Vec<v1::FollowResponse>>>>,
    pub(crate) beats: Arc<AtomicBool>,
    from: Arc<Mutex<BTreeMap<u64, Vec<v1::FollowResponse>>>>,
    pub(crate) pause: Arc<Mutex<Duration>>,
    pub(crate) stays: Arc<AtomicBool>,
    pub(crate) calls: Arc<AtomicUsize>,
    geneses: Arc<Geneses>,
    stated: Arc<Stated>,
    pub(crate) address: SocketAddr,
    _stop: DropGuard,
}

impl Played {
    /// What it says from the next call on.
    pub(crate) fn say(&self, messages: Vec<v1::FollowResponse>) {
        *self.messages.lock().unwrap() = messages;
    }

    /// What it says of one log from the next call on; nothing stands for that it is busy.
    pub(crate) fn say_of(&self, origin: &Origin, messages: Vec<v1::FollowResponse>) {
        self.of.lock().unwrap().insert(origin.to_string(), messages);
    }

    /// What it says from the next call on to whoever holds so many entries.
    pub(crate) fn say_from(&self, start: TreeSize, messages: Vec<v1::FollowResponse>) {
        self.from.lock().unwrap().insert(start.value(), messages);
    }

    /// What it gives as the first entry of whatever log it is asked for.
    pub(crate) fn begins(&self, entry: Vec<u8>) {
        *self.geneses.entry.lock().unwrap() = Some(entry);
    }

    /// What it says of the logs that it holds.
    pub(crate) fn states(&self, heads: &Heads) {
        *self.stated.heads.lock().unwrap() = Some(heads.into());
    }

    /// How often it was asked what it holds.
    pub(crate) fn exchanged(&self) -> usize {
        self.stated.exchanged.load(Ordering::SeqCst)
    }

    /// How often it was sent evidence.
    pub(crate) fn accused(&self) -> usize {
        self.stated.accused.load(Ordering::SeqCst)
    }

    /// How often it was called for the entries of a log.
    pub(crate) fn followed(&self, origin: &Origin) -> usize {
        self.stated.followed.lock().unwrap().iter().filter(|of| *of == origin.as_str()).count()
    }

    /// How often it was asked for the first entry of a log.
    pub(crate) fn was_asked_for_the_genesis(&self, of: &Origin) -> usize {
        self.geneses.asked.lock().unwrap().iter().filter(|asked| *asked == of.as_str()).count()
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// A node with the certificate of one agency that takes calls of another.
    pub(crate) async fn by(agency: &Agency, to: &Agency) -> Self {
        let messages = Arc::new(Mutex::new(Vec::new()));
        let from = Arc::<Mutex<BTreeMap<u64, Vec<v1::FollowResponse>>>>::default();
        let of = Arc::<Mutex<BTreeMap<String, Vec<v1::FollowResponse>>>>::default();
        let beats = Arc::<AtomicBool>::default();
        let (pause, calls) = (Arc::<Mutex<Duration>>::default(), Arc::<AtomicUsize>::default());
        let (stays, geneses) = (Arc::<AtomicBool>::default(), Arc::<Geneses>::default());
        let stated = Arc::<Stated>::default();
        let playback = Playback {
            agency: agency.id.clone(),
            messages: Arc::clone(&messages),
            of: Arc::clone(&of),
            beats: Arc::clone(&beats),
            from: Arc::clone(&from),
            pause: Arc::clone(&pause),
            stays: Arc::clone(&stays),
            calls: Arc::clone(&calls),
            geneses: Arc::clone(&geneses),
            stated: Arc::clone(&stated),
        };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let accepts = AcceptedRole::Nodes { except: None };
        let (any, material) = ((Ipv4Addr::LOCALHOST, 0).into(), agency.material());
        let bind = PeerListener::bind(any, &material, trust_in(to), accepts, Caps::PEER_PORT, time());
        let listener = bind.await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Server::builder().add_service(exchange_server(playback));
        let (accepted, ended) = (listener.start(&tasks, stop.clone()), stop.clone());
        tasks.spawn(
            async move { router.serve_with_incoming_shutdown(accepted, ended.cancelled_owned()).await },
        );
        Self {
            messages,
            of,
            beats,
            from,
            pause,
            stays,
            calls,
            geneses,
            stated,
            address,
            _stop: stop.drop_guard(),
        }
    }
}

/// Records what A sends to B for its whole log.
pub(crate) async fn recorded(
    a: &Agency,
    b: &Agency,
    at_a: &Running,
    releases: usize,
) -> Vec<v1::FollowResponse> {
    recorded_from(a, b, at_a, (&a.origin, TreeSize::ZERO), releases).await
}

/// Records what A sends to B for one of its logs from an entry on: a checkpoint, one frame, and these releases.
pub(crate) async fn recorded_from(
    a: &Agency,
    b: &Agency,
    at_a: &Running,
    (origin, next): (&Origin, TreeSize),
    releases: usize,
) -> Vec<v1::FollowResponse> {
    let mut client = greeted(b, a, at_a.address).await;
    let (origin, next_index) = (origin.to_string(), next.value());
    let request = v1::FollowRequest { origin, next_index, ..Default::default() };
    let mut stream = client.follow(request).await.unwrap().into_inner();
    let mut messages = Vec::new();
    while messages.len() < 2 + releases {
        messages.push(stream.message().await.unwrap().unwrap());
    }
    messages
}
