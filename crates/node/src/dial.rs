//! Calling a peer: the first endpoint at which a node of that agency answers, and the greeting.
//!
//! Not here: what is asked of it (`follow`, `gossip`), and who may connect (`tls`).

use std::sync::Arc;
use std::time::Duration;

use comity_ledger::AgencyId;
use comity_wire::v1::exchange_service_client::ExchangeServiceClient;
use comity_wire::{
    CONNECTION_WINDOW_BYTES, ErrorCode, Greeting, Guarded, InvalidMessage, PROTOCOL, STREAM_WINDOW_BYTES,
    exchange_client,
};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};

use crate::exchange::{HEARTBEAT, SOFTWARE};
use crate::tls::{PeerConnector, TlsError};
use crate::{FollowParts, NodeError};

/// Longest that a call may take until it is answered.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// A connection to a node of a peer that was greeted.
pub(crate) type PeerClient = ExchangeServiceClient<Guarded<Channel>>;

/// Why a peer could not be asked, or did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// The agency is not in the register.
    #[error("{agency} is no peer")]
    NoPeer {
        /// The agency.
        agency: AgencyId,
    },
    /// Nowhere to connect to.
    #[error("no endpoint is known")]
    NoEndpoint,
    /// The connector could not be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] TlsError),
    /// No connection.
    #[error("cannot connect")]
    Connect(#[from] tonic::transport::Error),
    /// The other side refused, or the connection broke.
    #[error("the other side ended it: {} ({code})", code.meaning())]
    Answered {
        /// What it said.
        code: ErrorCode,
    },
    /// The other side speaks no version that we speak.
    #[error("no common protocol version")]
    Protocol,
    /// Nothing came, not even a heartbeat.
    #[error("the stream was silent for too long")]
    Silent,
    /// A message that is none.
    #[error("a message is not well formed")]
    Message(#[from] InvalidMessage),
    /// The own side failed while it took in or made what is exchanged.
    #[error("the own side failed")]
    Own {
        /// Why.
        #[source]
        source: Box<NodeError>,
    },
    /// A step that did not end.
    #[error("a step broke off")]
    Broken,
}

impl From<Status> for DialError {
    fn from(status: Status) -> Self {
        Self::Answered { code: ErrorCode::from_status(&status) }
    }
}

/// Connects to an agency of the register, at the first endpoint that answers as that agency, and says Hello.
///
/// # Errors
/// A [`DialError`]; of several endpoints that of the last.
pub(crate) async fn dial(parts: &FollowParts, agency: &AgencyId) -> Result<PeerClient, DialError> {
    let called = parts.peers.find(agency).ok_or_else(|| DialError::NoPeer { agency: agency.clone() })?;
    let mut failed = DialError::NoEndpoint;
    for endpoint in called.endpoints() {
        match greet(parts, agency, endpoint).await {
            Ok(client) => return Ok(client),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

async fn greet(parts: &FollowParts, agency: &AgencyId, endpoint: &str) -> Result<PeerClient, DialError> {
    let trust = parts.node.trust().clone();
    let connector = PeerConnector::new(&parts.material, trust, agency.clone(), Arc::clone(&parts.time))?;
    let channel = Endpoint::from_shared(format!("http://{endpoint}"))?
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keep_alive_interval(HEARTBEAT)
        .keep_alive_timeout(HEARTBEAT)
        .connect_with_connector(connector)
        .await?;
    let mut client = exchange_client(channel);
    let own = parts.peers.own().clone();
    let hello = Greeting { protocol: PROTOCOL, agency: own, software: SOFTWARE.parse()? }.to_request();
    let (theirs, _) = Greeting::from_response(answered(client.hello(hello)).await?)?;
    theirs.protocol.newest_common(PROTOCOL).ok_or(DialError::Protocol)?;
    Ok(client)
}

/// Waits for the answer of one call, no longer than [`ANSWER_TIME_MAX`].
///
/// # Errors
/// [`DialError::Silent`] or [`DialError::Answered`].
pub(crate) async fn answered<T>(
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, DialError> {
    let answer = timeout(ANSWER_TIME_MAX, call).await.map_err(|_| DialError::Silent)?;
    Ok(answer?.into_inner())
}
