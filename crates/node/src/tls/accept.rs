//! The accept loop: from a TCP listener to connections whose callers are known.
//!
//! Every handshake runs in a task of its own, under a time limit and within the caps, so that a slow or hostile
//! caller delays nobody. What is refused leaves one log line with the address and the reason.
//!
//! Not here: what is served over a connection. The stream of [`Accepted`] goes to tonic's `serve_with_incoming`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::caps::{Caps, HandshakeSlot, Occupancy};
use super::connection::{Caller, PeerConnection};
use super::identity::Identity;
use super::live::{Cuttable, Open};
use super::material::TlsMaterial;
use super::network::{TcpListener, TcpStream};
use super::pace::HANDSHAKE_UNITS;
use super::peer_authority::Side;
use super::peers::PeerTrust;
use super::refusal::Refusal;
use super::suite::{ALPN_H2, HANDSHAKE_TIME_MAX, provider};
use super::verify::{AcceptedRole, CallerCheck};

/// Connections that wait between their handshake and the server's taking them: it takes them at once, so this
/// only smooths a burst.
const ACCEPTED_QUEUE: usize = 16;

/// Pause after the system could not accept (no file descriptors left): time for some to be closed, and no loop
/// that burns a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening port that lets in only those whom its role and the trust allow.
pub struct PeerListener {
    listener: TcpListener,
    door: Door,
    occupancy: Arc<Occupancy>,
}

/// What every handshake needs.
#[derive(Clone)]
struct Door {
    acceptor: TlsAcceptor,
    trust: PeerTrust,
    time: Arc<dyn TimeProvider>,
}

impl PeerListener {
    /// Binds the port. Callers queue in the kernel until [`start`](Self::start).
    ///
    /// # Errors
    /// When the address cannot be bound, or when rustls refuses the configuration.
    pub async fn bind(
        address: SocketAddr,
        material: &TlsMaterial,
        trust: PeerTrust,
        accepts: AcceptedRole,
        caps: Caps,
        time: Arc<dyn TimeProvider>,
    ) -> Result<Self, TlsError> {
        let check = CallerCheck { trust: trust.clone(), accepts };
        let config = server_config(material, check, Arc::clone(&time))?;
        let listener =
            TcpListener::bind(address).await.map_err(|source| TlsError::Bind { address, source })?;
        let door = Door { acceptor: TlsAcceptor::from(Arc::new(config)), trust, time };
        Ok(Self { listener, door, occupancy: Occupancy::new(caps) })
    }

    /// The address bound, with the port that the system chose if 0 was asked for.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Begins to accept, in tasks of `tasks`, until `stop` or until the stream is dropped. Both end the
    /// handshakes under way; connections already handed out are the server's to end.
    pub fn start(self, tasks: &TaskTracker, stop: CancellationToken) -> Accepted {
        let (sender, receiver) = mpsc::channel(ACCEPTED_QUEUE);
        let (spawner, span) = (tasks.clone(), tracing::info_span!("accept"));
        tasks.spawn(async move { self.run(&spawner, &sender, &stop).await }.instrument(span));
        Accepted { receiver }
    }

    async fn run(self, tasks: &TaskTracker, sender: &mpsc::Sender<PeerConnection>, stop: &CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                () = sender.closed() => return,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, remote)) => match self.occupancy.begin_handshake(remote.ip()) {
                    Ok(slot) => {
                        let handshake = handshake(self.door.clone(), stream, remote, slot);
                        let (sender, stop) = (sender.clone(), stop.clone());
                        let task = async move {
                            tokio::select! {
                                () = stop.cancelled() => {}
                                () = sender.closed() => {}
                                () = deliver(handshake, remote, &sender) => {}
                            }
                        };
                        tasks.spawn(task.in_current_span());
                    }
                    Err(refusal) => refusal.log(remote),
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl std::fmt::Debug for PeerListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerListener").field("listener", &self.listener).finish_non_exhaustive()
    }
}

async fn deliver(
    handshake: impl Future<Output = Result<PeerConnection, Refusal>>,
    remote: SocketAddr,
    sender: &mpsc::Sender<PeerConnection>,
) {
    match handshake.await {
        // Not taken only when the server has gone; then the connection is closed by being dropped.
        Ok(connection) => drop(sender.send(connection).await),
        Err(refusal) => refusal.log(remote),
    }
}

async fn handshake(
    door: Door,
    stream: TcpStream,
    remote: SocketAddr,
    slot: HandshakeSlot,
) -> Result<PeerConnection, Refusal> {
    stream.set_nodelay(true).map_err(|_| Refusal::ClosedEarly)?;
    let begun = door.trust.begin();
    let stream = tokio::time::timeout(HANDSHAKE_TIME_MAX, door.acceptor.accept(stream))
        .await
        .map_err(|_| Refusal::Timeout)?
        .map_err(|error| Refusal::from_handshake(&error))?;
    let (_, session) = stream.get_ref();
    // A client without any ALPN passes the handshake (RFC 7301 §3.1 leaves it to the server).
    if session.alpn_protocol() != Some(ALPN_H2) {
        return Err(Refusal::NoAlpn);
    }
    let sent = session.peer_certificates().unwrap_or_default();
    let identity = Identity::from_certificate(sent.first().ok_or(Refusal::NoCertificate)?)?;
    let open = Open::new(identity.agency(), sent, Side::Client, remote).ok_or(Refusal::NoCertificate)?;
    let allowance = slot.allowance(&identity);
    if let Some(allowance) = &allowance {
        // Its slot is held meanwhile, so that whoever connects without end soon has none left.
        tokio::time::sleep(allowance.spend(HANDSHAKE_UNITS, Instant::now())).await;
    }
    let slot = slot.into_connection(&identity)?;
    let now = door.time.current_time().ok_or(Refusal::Expired)?;
    let stream = Cuttable::new(stream, door.trust.enter(begun, &open, now)?);
    Ok(PeerConnection::new(stream, Caller::new(identity, remote), allowance, slot))
}

fn server_config(
    material: &TlsMaterial,
    check: CallerCheck,
    time: Arc<dyn TimeProvider>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&TLS13])
        .map_err(|source| TlsError::Config { source })?
        .with_client_cert_verifier(Arc::new(check))
        .with_cert_resolver(material.resolver());
    config.alpn_protocols = vec![ALPN_H2.to_vec()];
    config.ignore_client_order = true;
    // Every connection proves its certificate anew: a resumed session would outlive the trust it began with.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// The accepted connections, in the order in which their handshakes end. Dropping it ends the accept loop.
#[derive(Debug)]
pub struct Accepted {
    receiver: mpsc::Receiver<PeerConnection>,
}

impl Accepted {
    /// The next connection; `None` once the loop has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<PeerConnection> {
        self.receiver.recv().await
    }
}

impl Stream for Accepted {
    type Item = Result<PeerConnection, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(cx).map(|connection| connection.map(Ok))
    }
}

/// What keeps a port or a connector from being set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// rustls refuses the configuration.
    #[error("TLS cannot be configured")]
    Config {
        /// Why not.
        #[source]
        source: rustls::Error,
    },
}
