//! Running a home: its listeners, its services, its author, from the first bound port to the last word at the end.
//!
//! Not here: what the services answer (`services`), who may connect (`tls`), commits (`author_task`).

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use comity_tlog::TreeSize;
use comity_wire::{
    CONNECTION_WINDOW_BYTES, DESCRIPTORS, STREAM_WINDOW_BYTES, admin_server, exchange_server,
    screening_server,
};
use rustls::time_provider::DefaultTimeProvider;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic::transport::Server;
use tracing::Instrument as _;

use crate::author_task::AuthorTask;
use crate::exchange::Bounded;
use crate::http::{HttpListener, HttpParts, start_feeder};
use crate::off_reactor::off_reactor;
use crate::recovery::Recovery;
use crate::services::{Admin, AdminParts, Screening, Watched};
use crate::tls::{AcceptedRole, Caps, PeerListener, PeerTrust, TlsMaterial};
use crate::{
    ExchangeService, FollowParts, Followers, Gossiping, Node, NodeError, OpenHome, OwnLogState, Peers,
    RunFile, TlsLife,
};

/// Longest that calls under way may take to end after the node was told to stop: a commit takes a fraction of a
/// second, an export that takes longer is begun anew.
const GRACE: Duration = Duration::from_secs(10);

/// Longest that what waits for the own log may take after that, however long the calls took: a commit takes a fraction
/// of a second.
const COMMIT_GRACE: Duration = Duration::from_secs(2);

/// How often the state of stable storage is looked at; nothing is acknowledged after a failure in any case.
const STORAGE_LOOK: Duration = Duration::from_millis(200);

/// Calls at a time over one connection: an operator's program asks a few, and no peer needs more than one for each
/// origin that it follows.
const STREAMS_MAX: u32 = 128;

/// Most bytes of the headers of a call: gRPC's own take a few hundred.
const HEADER_BYTES_MAX: u32 = 16 << 10;

/// A silent connection is asked for a sign of life after this time, and closed if none comes in the next: so a
/// machine that went away holds its slot no longer.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// A node whose ports are bound and that answers as soon as it is run.
#[derive(Debug)]
pub struct Serving {
    node: Arc<Node>,
    own_log: OwnLogState,
    register: Arc<Peers>,
    tls: Arc<TlsLife>,
    peers: PeerListener,
    operators: PeerListener,
    http: Option<HttpListener>,
    addresses: RunFile,
    accepted: Option<TreeSize>,
}

/// Serves a home until told to stop.
///
/// # Errors
/// As [`Serving::bind`] and [`Serving::run`].
pub async fn serve(open: OpenHome, shutdown: CancellationToken) -> Result<(), NodeError> {
    Serving::bind(open).await?.run(shutdown).await
}

impl Serving {
    /// Builds the view, binds the ports, and writes `run/node.json`. Callers wait until [`run`](Self::run).
    ///
    /// # Errors
    /// A [`NodeError`] if a certificate cannot be used, an address cannot be bound, or the store is damaged.
    pub async fn bind(open: OpenHome) -> Result<Self, NodeError> {
        let trust = PeerTrust::new();
        let start = move || {
            let register = Peers::load(open.home(), trust.clone())
                .map_err(|source| NodeError::Peers { source: Box::new(source) })?;
            let (node, own_log) = Node::start(open, trust)?;
            let tls = TlsLife::begin(&node)?;
            Ok::<_, NodeError>((node, own_log, Arc::new(register), tls))
        };
        let started = off_reactor(start).await;
        let (node, own_log, register, tls) = started.map_err(|_| NodeError::Lost { part: "start" })??;
        let own = node.home().config().agency.clone();
        let to_peers = AcceptedRole::Nodes { except: Some(own.clone()) };
        let (config, presented) = (node.home().config(), tls.presented());
        let peers = listen(&config.listen, presented, node.trust(), to_peers, Caps::PEER_PORT).await?;
        let to_operators = AcceptedRole::Operators { of: own };
        let operators =
            listen(&config.admin, presented, tls.operators(), to_operators, Caps::ADMIN_PORT).await?;
        let http = match &config.http {
            Some(settings) => Some(HttpListener::bind(settings).await?),
            None => None,
        };
        let addresses = RunFile {
            pid: std::process::id(),
            peer_addr: address_of(&peers)?,
            admin_addr: address_of(&operators)?,
            http_addr: http.as_ref().map(HttpListener::address),
        };
        addresses.write(node.home())?;
        Ok(Self { node, own_log, register, tls, peers, operators, http, addresses, accepted: None })
    }

    /// Has the own log go on at a size that an operator answers for, if no peer gives back more than that.
    ///
    /// # Errors
    /// [`NodeError::Risk`] if there is nothing to answer for, or something else is held: nothing was changed.
    pub fn accept_the_risk(&mut self, size: TreeSize) -> Result<(), NodeError> {
        let refuse = |reason: String| {
            RunFile::remove(self.node.home());
            Err(NodeError::Risk { reason })
        };
        let held = self.node.store().held(&self.node.home().origin())?.size;
        match &self.own_log {
            OwnLogState::Writable(_) => refuse("the own log can be signed as it is".to_owned()),
            OwnLogState::ReadOnly { reason } if !reason.can_be_answered_for() => refuse(reason.explain()),
            OwnLogState::ReadOnly { .. } if size != held => {
                refuse(format!("the size that is held is {held}, not {size}"))
            }
            OwnLogState::ReadOnly { .. } => {
                self.accepted = Some(size);
                Ok(())
            }
        }
    }

    /// The certificates and revocation lists, to be read again when the operator says so.
    pub fn tls(&self) -> &Arc<TlsLife> {
        &self.tls
    }

    /// The node.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Where the node listens.
    pub fn addresses(&self) -> &RunFile {
        &self.addresses
    }

    /// Serves until `shutdown`, or until the store fails. Then no call begins any more, those under way get 10 s, and
    /// what waited for the own log is committed.
    ///
    /// # Errors
    /// The [`NodeError`] that made the node stop, if it was not told to.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), NodeError> {
        let stop = shutdown.child_token();
        let tasks = TaskTracker::new();
        let author = start_author(&self.node, self.own_log, &stop)?;
        let (task, ended) = author;
        let follow = FollowParts {
            node: Arc::clone(&self.node),
            peers: Arc::clone(&self.register),
            material: self.tls.presented().clone(),
            time: Arc::new(DefaultTimeProvider),
        };
        let gossiping = Gossiping::new(Arc::clone(&self.node), Arc::clone(&self.register))?;
        gossiping.start(&follow, Some(task.clone()), &tasks, &stop);
        let (parts, own) = (follow.clone(), Arc::clone(&gossiping));
        Recovery::start(parts, own, task.clone(), self.accepted, &tasks, &stop);
        let followers = Followers::start(follow, &tasks, stop.clone());
        if let Some(http) = self.http {
            let (gossiping, followers) = (Arc::clone(&gossiping), followers.clone());
            let tls = Arc::clone(&self.tls);
            http.start(HttpParts { gossiping, followers, tls }, &tasks, &stop);
        }
        start_feeder(&gossiping, &tasks, &stop);
        tasks.spawn(Arc::clone(&self.tls).watch(stop.clone()));
        let parts = AdminParts {
            node: Arc::clone(&self.node),
            author: task.clone(),
            peers: Arc::clone(&self.register),
            gossiping: Arc::clone(&gossiping),
            followers,
            tls: self.tls,
            stop: stop.clone(),
        };
        let admin = admin_services(parts).await;
        let exchange = peer_services(gossiping, &tasks, &stop);
        let running = vec![
            Running::start("admin", self.operators, admin, &tasks, &stop),
            Running::start("peer", self.peers, exchange, &tasks, &stop),
        ];
        tracing::info!(peers = %self.addresses.peer_addr, admin = %self.addresses.admin_addr, http = ?self.addresses.http_addr, "serving");
        tokio::select! {
            () = stop.cancelled() => {}
            () = storage_failed(&self.node) => stop.cancel(),
        }
        tracing::info!("stopping");
        RunFile::remove(self.node.home());
        let deadline = Instant::now() + GRACE;
        let mut result = Ok(());
        for part in running {
            result = result.and(part.end(deadline).await);
        }
        tasks.close();
        if timeout_at(deadline, tasks.wait()).await.is_err() {
            tracing::warn!(late = tasks.len(), "handshakes, streams or followers did not end in time");
        }
        // A call whose peer cannot be reached any more takes all the time of the calls.
        let deadline = deadline.max(Instant::now() + COMMIT_GRACE);
        result = end_author(&task, ended, deadline).await.and(result);
        // What was promised is durable; what was not, as a replica's newest checkpoint beside the one seen, is now too.
        let node = Arc::clone(&self.node);
        let synced = off_reactor(move || node.store().sync()).await;
        tracing::info!("stopped");
        if self.node.store().has_failed() || !matches!(synced, Ok(Ok(()))) {
            // Whoever it was that noticed: the process ends as failed, so that it is started again.
            return result.and(Err(NodeError::Storage));
        }
        result
    }
}

/// Ends when stable storage has failed, whoever was writing.
async fn storage_failed(node: &Node) {
    while !node.store().has_failed() {
        tokio::time::sleep(STORAGE_LOOK).await;
    }
    tracing::error!("stable storage failed: the node stops");
}

/// What peers are served.
fn peer_services(gossiping: Arc<Gossiping>, tasks: &TaskTracker, stop: &CancellationToken) -> Routes {
    let exchange = ExchangeService::new(gossiping, tasks.clone(), stop.clone());
    Routes::new(Watched(Bounded::new(exchange_server(exchange))))
}

/// What operators are served.
async fn admin_services(parts: AdminParts) -> Routes {
    let stop = parts.stop.clone();
    let screening = screening_server(Screening(Arc::clone(&parts.gossiping)));
    let admin = admin_server(Admin::new(parts));
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("comity.v1.AdminService", tonic_health::ServingStatus::Serving).await;
    reporter.set_service_status("comity.v1.ScreeningService", tonic_health::ServingStatus::Serving).await;
    let stopping = stop.clone();
    tokio::spawn(async move {
        stopping.cancelled().await;
        for service in ["", "comity.v1.AdminService", "comity.v1.ScreeningService"] {
            reporter.set_service_status(service, tonic_health::ServingStatus::NotServing).await;
        }
    });
    let mut routes = Routes::builder();
    routes.add_service(Watched(admin)).add_service(Watched(screening)).add_service(Watched(health));
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    match reflection {
        Ok(reflection) => drop(routes.add_service(Watched(reflection))),
        Err(error) => tracing::warn!(%error, "reflection is not served"),
    }
    routes.routes()
}

async fn listen(
    address: &str,
    presented: &TlsMaterial,
    trust: &PeerTrust,
    accepts: AcceptedRole,
    caps: Caps,
) -> Result<PeerListener, NodeError> {
    let nowhere = || NodeError::Address { address: address.to_owned() };
    let resolved = address.to_socket_addrs().map_err(|_| nowhere())?.next().ok_or_else(nowhere)?;
    PeerListener::bind(resolved, presented, trust.clone(), accepts, caps, Arc::new(DefaultTimeProvider))
        .await
        .map_err(|source| NodeError::Listen { address: address.to_owned(), source })
}

fn address_of(listener: &PeerListener) -> Result<SocketAddr, NodeError> {
    listener.local_addr().map_err(|error| NodeError::Address { address: error.to_string() })
}

type Ended = oneshot::Receiver<Result<(), NodeError>>;

/// Starts the task of the own log; of a log that must not be signed yet operators are told why.
fn start_author(
    node: &Arc<Node>,
    own_log: OwnLogState,
    stop: &CancellationToken,
) -> Result<(AuthorTask, Ended), NodeError> {
    let log = match own_log {
        OwnLogState::Writable(log) => Some(*log),
        OwnLogState::ReadOnly { reason } => {
            tracing::error!(reason = reason.explain(), "the own log is read only");
            node.set_read_only(Some(reason));
            None
        }
    };
    AuthorTask::start(log, Arc::clone(node), stop.clone())
}

async fn end_author(task: &AuthorTask, ended: Ended, deadline: Instant) -> Result<(), NodeError> {
    let end = async {
        task.stop().await;
        ended.await
    };
    match timeout_at(deadline, end).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(NodeError::Lost { part: "task of the own log" }),
        Err(_) => {
            tracing::warn!(late = "own log", "did not end in time; the next start ends what it began");
            Ok(())
        }
    }
}

/// One listener with its services, under way.
struct Running {
    part: &'static str,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Running {
    fn start(
        part: &'static str,
        listener: PeerListener,
        routes: Routes,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let accepted = listener.start(tasks, stop.clone());
        let router = Server::builder()
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_concurrent_streams(STREAMS_MAX)
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE))
            .add_routes(routes);
        let (stopping, ended) = (stop.clone().cancelled_owned(), stop.clone());
        let serving = async move {
            let result = router.serve_with_incoming_shutdown(accepted, stopping).await;
            // If it ended by itself, the node ends with it.
            ended.cancel();
            result
        };
        Self { part, server: tokio::spawn(serving.instrument(tracing::info_span!("listener", part))) }
    }

    async fn end(mut self, deadline: Instant) -> Result<(), NodeError> {
        let part = self.part;
        match timeout_at(deadline, &mut self.server).await {
            Ok(Ok(result)) => result.map_err(|source| NodeError::Server { part, source }),
            Ok(Err(_)) => Err(NodeError::Lost { part }),
            Err(_) => {
                tracing::warn!(late = part, "calls did not end in time and are cut off");
                self.server.abort();
                Ok(())
            }
        }
    }
}
