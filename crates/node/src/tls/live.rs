//! The connections that are open, each with the certificate that it began with, so that one whose certificate does not
//! hold any more can be cut.
//!
//! Not here: when they are looked at (`peers`), and the bytes that go over them.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use comity_ledger::AgencyId;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::agency::SENT_MAX;
use super::peer_authority::Side;
use super::refusal::Refusal;

/// What is known of an open connection.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) agency: AgencyId,
    /// The certificate of the other side.
    pub(super) leaf: CertificateDer<'static>,
    /// What came with it, as far as anybody looks at it.
    pub(super) others: Vec<CertificateDer<'static>>,
    pub(super) side: Side,
    remote: SocketAddr,
    cut: CancellationToken,
}

impl Open {
    /// A connection to an agency, by the certificates that the other side sent.
    pub(super) fn new(
        agency: &AgencyId,
        sent: &[CertificateDer<'_>],
        side: Side,
        remote: SocketAddr,
    ) -> Option<Self> {
        let (leaf, others) = sent.split_first()?;
        let others = others.iter().take(SENT_MAX).map(|other| other.clone().into_owned()).collect();
        let (agency, leaf) = (agency.clone(), leaf.clone().into_owned());
        Some(Self { agency, leaf, others, side, remote, cut: CancellationToken::new() })
    }

    /// Ends the connection. Its log line says why, and nothing out of the certificate.
    pub(super) fn cut(&self, why: Refusal) {
        tracing::warn!(remote = %self.remote, reason = why.code(), "connection cut");
        self.cut.cancel();
    }
}

/// The open connections. The caps of the ports bound them.
#[derive(Debug, Default)]
pub(super) struct Live {
    open: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    begun: u64,
    open: BTreeMap<u64, Open>,
}

impl Live {
    /// Enters a connection, until what is given is dropped.
    pub(super) fn enter(self: &Arc<Self>, open: Open) -> Lease {
        let cut = open.cut.clone();
        let mut book = self.lock();
        book.begun = book.begun.wrapping_add(1);
        let number = book.begun;
        book.open.insert(number, open);
        Lease { live: Arc::clone(self), number, cut }
    }

    /// The connections of one agency, or of all, that were not cut.
    pub(super) fn of(&self, agency: Option<&AgencyId>) -> Vec<Open> {
        let book = self.lock();
        // One that was cut stays in the book until its stream is dropped.
        let wanted =
            |open: &&Open| !open.cut.is_cancelled() && agency.is_none_or(|agency| open.agency == *agency);
        book.open.values().filter(wanted).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place in the book; given back when dropped.
#[derive(Debug)]
pub(super) struct Lease {
    live: Arc<Live>,
    number: u64,
    cut: CancellationToken,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.live.lock().open.remove(&self.number);
    }
}

/// A stream that ends with an error, in both directions, as soon as it is cut.
#[derive(Debug)]
pub(super) struct Cuttable<S> {
    stream: S,
    // One for each direction: they may be polled by two tasks.
    reading: Pin<Box<WaitForCancellationFutureOwned>>,
    writing: Pin<Box<WaitForCancellationFutureOwned>>,
    _lease: Lease,
}

impl<S> Cuttable<S> {
    pub(super) fn new(stream: S, lease: Lease) -> Self {
        let cut = || Box::pin(lease.cut.clone().cancelled_owned());
        Self { reading: cut(), writing: cut(), stream, _lease: lease }
    }

    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// Ready with an error once the connection is cut; a reader that waits for something else is woken by it.
    pub(super) fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.reading.as_mut().poll(cx).map(|()| cut_off())
    }

    fn poll_cut_of_writer(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.writing.as_mut().poll(cx).map(|()| cut_off())
    }
}

fn cut_off() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the certificate of the other side does not hold any more",
    )
}

impl<S: AsyncRead + Unpin> AsyncRead for Cuttable<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(error) = self.poll_cut(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cuttable<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(error) = self.poll_cut_of_writer(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(error) = self.poll_cut_of_writer(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(error) = self.poll_cut_of_writer(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(error) = self.poll_cut_of_writer(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
