//! Sockets that a simulation brings, with as much of the face of tokio's as a node needs.
//!
//! Not here: the network itself (`tests/turmoil`), which is not in the tree of what is shipped.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, Join, ReadBuf};
use tokio::sync::{Mutex, mpsc};
use tonic::codegen::BoxFuture;

static NETWORK: OnceLock<Network> = OnceLock::new();

/// How sockets are had; both are called on the host that asks.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Opens a connection to a host and port.
    pub connect: fn(&str, u16) -> BoxFuture<TcpStream, io::Error>,
    /// Listens on an address.
    pub bind: fn(SocketAddr) -> BoxFuture<TcpListener, io::Error>,
}

/// Sets the network of all nodes of this process.
///
/// # Errors
/// The network, if there is one already.
pub fn simulate(network: Network) -> Result<(), Network> {
    NETWORK.set(network)
}

fn network() -> io::Result<Network> {
    NETWORK
        .get()
        .copied()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NetworkDown, "no network is simulated"))
}

/// A port that listens.
pub struct TcpListener {
    local: SocketAddr,
    accepted: Mutex<mpsc::Receiver<(TcpStream, SocketAddr)>>,
}

impl TcpListener {
    /// A port at which these arrive.
    pub fn new(local: SocketAddr, accepted: mpsc::Receiver<(TcpStream, SocketAddr)>) -> Self {
        Self { local, accepted: Mutex::new(accepted) }
    }

    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        (network()?.bind)(address).await
    }

    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let next = self.accepted.lock().await.recv().await;
        next.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("local", &self.local).finish_non_exhaustive()
    }
}

/// The two directions of a connection.
type Ways = Join<Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>>;

/// An open connection.
pub struct TcpStream {
    remote: SocketAddr,
    ways: Ways,
}

impl TcpStream {
    /// A connection to an address, by its two directions.
    pub fn new(
        remote: SocketAddr,
        reader: Box<dyn AsyncRead + Send + Unpin>,
        writer: Box<dyn AsyncWrite + Send + Unpin>,
    ) -> Self {
        Self { remote, ways: tokio::io::join(reader, writer) }
    }

    pub(crate) async fn connect((host, port): (&str, u16)) -> io::Result<Self> {
        (network()?.connect)(host, port).await
    }

    /// Nothing is delayed in any case.
    pub(crate) fn set_nodelay(&self, _nodelay: bool) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.remote)
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream").field("remote", &self.remote).finish_non_exhaustive()
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.ways).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.ways).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.ways).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.ways).poll_shutdown(cx)
    }
}
