//! The port: HTTP/1.1 without TLS, for metrics and for what anybody may read.
//!
//! Plain on purpose: what is served is public or stays on this machine, and a proxy can put TLS before it. Nobody is
//! known here, so every caller is held to the same bounds. Not here: what is answered (`service`).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::service::{HttpParts, HttpService};
use super::settings::HttpSettings;
use super::slots::{Slot, Slots};
use crate::NodeError;
use crate::tls::TlsError;
use crate::tls::network::{TcpListener, TcpStream};

/// Longest that the head of a request may take to come, from the first byte of a connection or from the end of the
/// answer before; so also how long a connection may be idle, and how long an answer may take to be read. A monitor
/// asks the next thing at once.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Most bytes of the head of a request: the longest path has some 200, and a proxy adds a few headers.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// Most headers of a request; a browser behind two proxies sends some 30.
const HEADERS_MAX: usize = 64;
/// Most bytes that are read ahead or written at once: twice a head.
const BUFFER_BYTES_MAX: usize = 2 * HEAD_BYTES_MAX;
/// Longest that an answer under way may take when the node stops: less than its calls get.
const LAST_ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
/// Pause after the system could not accept (no file descriptors left): time for some to be closed, and no loop that
/// burns a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound port. Callers queue in the kernel until it is started.
#[derive(Debug)]
pub(crate) struct HttpListener {
    listener: TcpListener,
    settings: HttpSettings,
    address: SocketAddr,
}

impl HttpListener {
    /// Binds the port.
    ///
    /// # Errors
    /// [`NodeError::Listen`] if it cannot be bound.
    pub(crate) async fn bind(settings: &HttpSettings) -> Result<Self, NodeError> {
        let address = settings.listen;
        let failed = |source| NodeError::Listen {
            address: address.to_string(),
            source: TlsError::Bind { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, settings: settings.clone(), address })
    }

    /// The address bound, with the port that the system chose if 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to serve, in tasks of `tasks`, until `stop`.
    pub(crate) fn start(self, parts: HttpParts, tasks: &TaskTracker, stop: &CancellationToken) {
        let slots = Arc::new(Slots::default());
        let service = HttpService::new(parts, self.settings, Arc::clone(&slots));
        let keep_up = Arc::clone(&service).keep_up(stop.clone());
        tasks.spawn(keep_up.instrument(tracing::info_span!("taxii")));
        let (spawner, stop) = (tasks.clone(), stop.clone());
        let accept = accept(self.listener, slots, service, spawner, stop);
        tasks.spawn(accept.instrument(tracing::info_span!("listener", part = "http")));
    }
}

async fn accept(
    listener: TcpListener,
    slots: Arc<Slots>,
    service: Arc<HttpService>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Where there is no place the connection is closed by being dropped; the metrics count it.
                if let Some(slot) = slots.take() {
                    let connection = serve(stream, Arc::new(slot), Arc::clone(&service), stop.clone());
                    tasks.spawn(connection.in_current_span());
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, slot: Arc<Slot>, service: Arc<HttpService>, stop: CancellationToken) {
    if stream.set_nodelay(true).is_err() {
        // It was closed already.
        return;
    }
    let answering = service_fn(|request: Request<Incoming>| {
        let (slot, service) = (Arc::clone(&slot), Arc::clone(&service));
        async move {
            let answer = service.answer(&slot, request).await;
            tracing::debug!(status = answer.status().as_u16(), "answered");
            Ok::<_, Infallible>(answer.into_response())
        }
    });
    let mut connection = pin!(protocol().serve_connection(TokioIo::new(stream), answering));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = slot.leave().cancelled() => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_ANSWER_TIME_MAX, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        // A caller that is slow, or speaks something else, has been told so where HTTP can say it.
        tracing::debug!(%error, "a connection ended");
    }
}

fn protocol() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(BUFFER_BYTES_MAX);
    protocol
}
