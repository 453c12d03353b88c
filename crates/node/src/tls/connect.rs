//! The calling side: a TLS connection to the node of one agency, whatever the address was.
//!
//! Not here: when to call, how often to try again, and what to ask (the follow loops).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use comity_ledger::AgencyId;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::codegen::{BoxFuture, Service};
use tonic::transport::Uri;

use super::accept::TlsError;
use super::live::{Cuttable, Open};
use super::material::TlsMaterial;
use super::network::TcpStream;
use super::peer_authority::Side;
use super::peers::{Begun, PeerTrust};
use super::refusal::Refusal;
use super::suite::{ALPN_H2, HANDSHAKE_TIME_MAX, provider};
use super::verify::CalledCheck;

/// Longest that resolving a name and opening the TCP connection may take.
const DIAL_TIME_MAX: Duration = Duration::from_secs(5);

/// Connects to the node of one agency; for tonic's `Endpoint::connect_with_connector`. Of the URI only host and
/// port are used: write it as `http://host:port`, for tonic must not add a TLS of its own.
#[derive(Clone)]
pub struct PeerConnector {
    connector: TlsConnector,
    trust: PeerTrust,
    time: Arc<dyn TimeProvider>,
    expected: AgencyId,
}

/// A connection that was opened, after its handshake. It ends when the certificate of the other side does not hold any
/// more.
#[derive(Debug)]
pub struct CalledConnection(Cuttable<TlsStream<TcpStream>>);

impl CalledConnection {
    /// The connection below, with what was agreed on in the handshake.
    pub fn stream(&self) -> &TlsStream<TcpStream> {
        self.0.stream()
    }
}

impl PeerConnector {
    /// A connector to `expected` that presents our own certificate. Trust is looked up at each connection.
    ///
    /// # Errors
    /// When rustls refuses the configuration.
    pub fn new(
        material: &TlsMaterial,
        trust: PeerTrust,
        expected: AgencyId,
        time: Arc<dyn TimeProvider>,
    ) -> Result<Self, TlsError> {
        let check = CalledCheck { trust: trust.clone(), expected: expected.clone() };
        let mut config = ClientConfig::builder_with_details(provider(), Arc::clone(&time))
            .with_protocol_versions(&[&TLS13])
            .map_err(|source| TlsError::Config { source })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(check))
            .with_client_cert_resolver(material.resolver());
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        config.resumption = Resumption::disabled();
        // The server name travels in clear and would tell a listener which agency is called.
        config.enable_sni = false;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), trust, time, expected })
    }

    /// The agency that it connects to.
    pub fn expected(&self) -> &AgencyId {
        &self.expected
    }

    /// Opens one connection. That it opened says that the server is the expected agency; whether the server
    /// takes *us* shows with the first bytes, since TLS 1.3 lets the client finish first.
    ///
    /// # Errors
    /// When the host cannot be reached in 5 s, the handshake is not done in another 5 s, the server is not
    /// the node of the expected agency, or does not speak HTTP/2.
    pub async fn connect(&self, host: &str, port: u16) -> Result<CalledConnection, ConnectError> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let dial = timeout(DIAL_TIME_MAX, TcpStream::connect((host, port)));
        let tcp = dial.await.map_err(|_| ConnectError::DialTimeout)?.map_err(dial_failed)?;
        tcp.set_nodelay(true).map_err(dial_failed)?;
        // Only a placeholder for the API: not sent, not checked, and no session is kept under it.
        let remote = tcp.peer_addr().map_err(dial_failed)?;
        let name = ServerName::IpAddress(remote.ip().into());
        let begun = self.trust.begin();
        let stream = timeout(HANDSHAKE_TIME_MAX, self.connector.connect(name, tcp))
            .await
            .map_err(|_| refused(Refusal::Timeout))?
            .map_err(|error| refused(Refusal::from_handshake(&error)))?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN_H2) {
            return Err(refused(Refusal::NoAlpn));
        }
        self.enter(begun, stream, remote).map_err(refused)
    }

    fn enter(
        &self,
        begun: Begun,
        stream: TlsStream<TcpStream>,
        remote: SocketAddr,
    ) -> Result<CalledConnection, Refusal> {
        let sent = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let open = Open::new(&self.expected, sent, Side::Server, remote).ok_or(Refusal::NoCertificate)?;
        let now = self.time.current_time().ok_or(Refusal::Expired)?;
        Ok(CalledConnection(Cuttable::new(stream, self.trust.enter(begun, &open, now)?)))
    }
}

impl std::fmt::Debug for PeerConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerConnector").field("expected", &self.expected).finish_non_exhaustive()
    }
}

impl Service<Uri> for PeerConnector {
    type Response = TokioIo<CalledConnection>;
    type Error = ConnectError;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let (Some(host), Some(port)) = (uri.host(), uri.port_u16()) else {
                return Err(ConnectError::Endpoint);
            };
            connector.connect(host, port).await.map(TokioIo::new)
        })
    }
}

impl AsyncRead for CalledConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for CalledConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

fn dial_failed(source: io::Error) -> ConnectError {
    ConnectError::Dial { source }
}

fn refused(refusal: Refusal) -> ConnectError {
    ConnectError::Refused { source: refusal }
}

/// Why a connection was not opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URI has no host or no port.
    #[error("the endpoint has no host or no port")]
    Endpoint,
    /// The host cannot be reached.
    #[error("cannot reach the host")]
    Dial {
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The host did not answer in time.
    #[error("the host did not answer within {secs} s", secs = DIAL_TIME_MAX.as_secs())]
    DialTimeout,
    /// The host answered, but is not to be trusted with anything.
    #[error("the handshake failed")]
    Refused {
        /// Why.
        #[source]
        source: Refusal,
    },
}
