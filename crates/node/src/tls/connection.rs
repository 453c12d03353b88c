//! One accepted connection: bytes, who is at the other end, and a watch on the first of them.
//!
//! Not here: the handshake (`accept`) and HTTP/2 itself, which the gRPC server speaks over this.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::caps::ConnectionSlot;
use super::identity::Identity;
use super::live::Cuttable;
use super::network::TcpStream;
use super::pace::{Allowance, FrameCount};
use super::refusal::Refusal;
use super::suite::PREFACE_TIME_MAX;

/// Length of the client's connection preface, in bytes (RFC 9113 §3.4: `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`).
const PREFACE_BYTES: usize = 24;

/// Who called, as its certificate proved: an extension of every request that comes over the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    identity: Identity,
    remote: SocketAddr,
}

impl Caller {
    pub(super) fn new(identity: Identity, remote: SocketAddr) -> Self {
        Self { identity, remote }
    }

    /// The agency and the role, proved by the handshake.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The address that it called from: for log lines, never for a decision.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }
}

/// An accepted connection after its handshake. It counts against the caps until it is dropped.
#[derive(Debug)]
pub struct PeerConnection {
    stream: Cuttable<TlsStream<TcpStream>>,
    caller: Caller,
    preface: Option<PrefaceWatch>,
    paced: Option<Paced>,
    _slot: ConnectionSlot,
}

/// How much of the preface is still to come, and until when.
#[derive(Debug)]
struct PrefaceWatch {
    missing_bytes: usize,
    deadline: Pin<Box<Sleep>>,
}

/// What the caller may cause, and the pause that it is in.
#[derive(Debug)]
struct Paced {
    allowance: Arc<Allowance>,
    frames: FrameCount,
    pause: Option<Pin<Box<Sleep>>>,
}

impl PeerConnection {
    /// Must be called within a tokio runtime: the time for the preface begins here.
    pub(super) fn new(
        stream: Cuttable<TlsStream<TcpStream>>,
        caller: Caller,
        allowance: Option<Arc<Allowance>>,
        slot: ConnectionSlot,
    ) -> Self {
        let deadline = Box::pin(tokio::time::sleep(PREFACE_TIME_MAX));
        let preface = Some(PrefaceWatch { missing_bytes: PREFACE_BYTES, deadline });
        let frames = FrameCount::after(PREFACE_BYTES);
        let paced = allowance.map(|allowance| Paced { allowance, frames, pause: None });
        Self { stream, caller, preface, paced, _slot: slot }
    }

    /// Who is at the other end.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    fn count_preface(&mut self, read_bytes: usize) {
        if let Some(watch) = &mut self.preface {
            watch.missing_bytes = watch.missing_bytes.saturating_sub(read_bytes);
            if watch.missing_bytes == 0 {
                self.preface = None;
            }
        }
    }

    fn poll_preface_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(watch) = &mut self.preface else { return Poll::Pending };
        watch.deadline.as_mut().poll(cx).map(|()| {
            Refusal::PrefaceTimeout.log(self.caller.remote);
            self.preface = None;
            io::Error::new(io::ErrorKind::TimedOut, Refusal::PrefaceTimeout)
        })
    }
}

impl Paced {
    /// Whether the caller is still made to wait.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }

    fn count(&mut self, read: &[u8]) {
        let wait = self.allowance.spend(self.frames.count(read), Instant::now());
        self.pause = (!wait.is_zero()).then(|| Box::pin(tokio::time::sleep(wait)));
    }
}

impl Connected for PeerConnection {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller.clone()
    }
}

impl AsyncRead for PeerConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Also while the caller is made to wait.
        if let Poll::Ready(error) = self.stream.poll_cut(cx) {
            return Poll::Ready(Err(error));
        }
        if let Some(paced) = &mut self.paced {
            std::task::ready!(paced.poll_pause(cx));
        }
        let filled = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                let read = buffer.filled().get(filled..).unwrap_or_default();
                self.count_preface(read.len());
                if let Some(paced) = &mut self.paced {
                    paced.count(read);
                }
                Poll::Ready(result)
            }
            Poll::Pending => self.poll_preface_deadline(cx).map(Err),
        }
    }
}

impl AsyncWrite for PeerConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
