//! The reference of whatever travels: equal messages over the same mutual TLS and HTTP/2, sent from memory and thrown
//! away where they arrive.
//!
//! Both ends run in this process. Nothing is read, verified or kept.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use comity_ledger::{AgencyId, Origin};
use comity_node::tls::{
    AcceptedRole, AgencyTrust, Caps, PeerAuthority, PeerConnector, PeerListener, PeerTrust, TlsMaterial,
    system_time,
};
use comity_wire::v1::exchange_service_client::ExchangeServiceClient;
use comity_wire::v1::exchange_service_server::ExchangeService;
use comity_wire::{
    CONNECTION_WINDOW_BYTES, FollowFrom, Guarded, ReleaseNumber, STREAM_WINDOW_BYTES, exchange_client,
    exchange_server, v1,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

use super::content::Sample;
use super::failed;
use crate::answer::Refusal;

/// An agency of a bench: its name and its home.
#[derive(Clone, Copy)]
pub(super) struct Party<'a> {
    pub(super) agency: &'a AgencyId,
    pub(super) home: &'a Path,
}

/// Sends a sample from one agency to the other until `entries` have arrived at least; gives how many did, and how
/// long that took.
pub(super) fn run(
    from: Party<'_>,
    to: Party<'_>,
    sample: Sample,
    entries: u64,
) -> Result<(u64, Duration), Refusal> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let times = entries.div_ceil(sample.entries.max(1));
    let arrived = times.saturating_mul(sample.entries);
    let messages: Arc<[v1::FollowResponse]> = sample.messages.into();
    let left = usize::try_from(times).map_err(failed)?.saturating_mul(messages.len());
    let expected = left;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let endpoint = serve(from, to, NullExchange { messages, left }, &stop).await?;
        let mut client = connect(to, from, &endpoint).await?;
        let begun = Instant::now();
        let origin = Origin::publication(from.agency);
        let request = follow_from(origin);
        let mut stream = client.follow(v1::FollowRequest::from(&request)).await.map_err(failed)?.into_inner();
        let mut got = 0;
        while stream.message().await.map_err(failed)?.is_some() {
            got += 1;
        }
        let took = begun.elapsed();
        stop.cancel();
        if got != expected {
            return Err(failed(format!("{got} of {expected} messages arrived")));
        }
        Ok((arrived, took))
    })
}

/// Everything of a log, from its beginning.
pub(super) fn follow_from(origin: Origin) -> FollowFrom {
    FollowFrom {
        origin,
        next_index: comity_tlog::TreeSize::ZERO,
        next_release: ReleaseNumber::new(0),
        newest: None,
    }
}

/// A client with the certificate of one agency, connected to the node of another.
pub(super) async fn connect(
    own: Party<'_>,
    other: Party<'_>,
    endpoint: &str,
) -> Result<ExchangeServiceClient<Guarded<Channel>>, Refusal> {
    let connector = PeerConnector::new(&material(own)?, trust(other)?, other.agency.clone(), system_time());
    let channel = Endpoint::from_shared(format!("http://{endpoint}"))
        .map_err(failed)?
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .connect_with_connector(connector.map_err(failed)?)
        .await;
    Ok(exchange_client(channel.map_err(failed)?))
}

async fn serve(
    own: Party<'_>,
    other: Party<'_>,
    service: NullExchange,
    stop: &CancellationToken,
) -> Result<String, Refusal> {
    let accepts = AcceptedRole::Nodes { except: None };
    let any = ([127, 0, 0, 1], 0).into();
    let own = material(own)?;
    let listener = PeerListener::bind(any, &own, trust(other)?, accepts, Caps::PEER_PORT, system_time());
    let listener = listener.await.map_err(failed)?;
    let endpoint = listener.local_addr().map_err(failed)?.to_string();
    let accepted = listener.start(&TaskTracker::new(), stop.clone());
    let server = Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .add_routes(Routes::new(exchange_server(service)));
    tokio::spawn(server.serve_with_incoming_shutdown(accepted, stop.clone().cancelled_owned()));
    Ok(endpoint)
}

fn material(party: Party<'_>) -> Result<TlsMaterial, Refusal> {
    let keys = party.home.join("keys");
    TlsMaterial::load(&keys.join("tls-node.pem"), &keys.join("tls-node.key")).map_err(failed)
}

fn trust(party: Party<'_>) -> Result<PeerTrust, Refusal> {
    let pem = std::fs::read_to_string(party.home.join("keys/tls-ca.pem")).map_err(failed)?;
    let authority = PeerAuthority::from_pem(&pem).map_err(failed)?;
    let trust = PeerTrust::new();
    trust.insert(party.agency.clone(), AgencyTrust::new(vec![authority]).map_err(failed)?);
    Ok(trust)
}

/// The messages of a sample again and again.
#[derive(Clone)]
struct NullExchange {
    messages: Arc<[v1::FollowResponse]>,
    left: usize,
}

impl Iterator for NullExchange {
    type Item = Result<v1::FollowResponse, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        self.messages.get(self.left % self.messages.len()).cloned().map(Ok)
    }
}

#[tonic::async_trait]
impl ExchangeService for NullExchange {
    type FollowStream = tokio_stream::Iter<NullExchange>;

    async fn follow(&self, _: Request<v1::FollowRequest>) -> Result<Response<Self::FollowStream>, Status> {
        Ok(Response::new(tokio_stream::iter(self.clone())))
    }

    async fn hello(&self, _: Request<v1::HelloRequest>) -> Result<Response<v1::HelloResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn exchange_heads(
        &self,
        _: Request<v1::ExchangeHeadsRequest>,
    ) -> Result<Response<v1::ExchangeHeadsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn consistency(
        &self,
        _: Request<v1::ConsistencyRequest>,
    ) -> Result<Response<v1::ConsistencyResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
