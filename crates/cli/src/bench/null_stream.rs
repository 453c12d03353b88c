//! The reference of whatever travels: equal messages over the same mutual TLS and HTTP/2, sent from memory and thrown
//! away where they arrive.
//!
//! Both ends run in this process. Nothing is read, verified or kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comity_ledger::Origin;
use comity_node::tls::{AcceptedRole, Caps, PeerListener, system_time};
use comity_wire::v1::exchange_service_server::ExchangeService;
use comity_wire::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, exchange_server, v1};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::content::Sample;

use super::party::{Party, follow_from};
use super::{failed, runtime};
use crate::answer::Refusal;

/// Sends a sample from one agency to the other until `entries` have arrived at least; gives how many did, and how
/// long that took.
pub(super) fn run(
    from: Party<'_>,
    to: Party<'_>,
    sample: Sample,
    entries: u64,
) -> Result<(u64, Duration), Refusal> {
    let runtime = runtime()?;
    let times = entries.div_ceil(sample.entries.max(1));
    let arrived = times.saturating_mul(sample.entries);
    let messages: Arc<[v1::FollowResponse]> = sample.messages.into();
    let left = usize::try_from(times).map_err(failed)?.saturating_mul(messages.len());
    let expected = left;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let endpoint = serve(from, to, NullExchange { messages, left }, &stop).await?;
        let mut client = to.connect(from, &endpoint).await?;
        let begun = Instant::now();
        let request = follow_from(Origin::publication(from.agency));
        let mut stream = client.follow(request).await.map_err(failed)?.into_inner();
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

async fn serve(
    own: Party<'_>,
    other: Party<'_>,
    service: NullExchange,
    stop: &CancellationToken,
) -> Result<String, Refusal> {
    let accepts = AcceptedRole::Nodes { except: None };
    let any = ([127, 0, 0, 1], 0).into();
    let own = own.material()?;
    let listener = PeerListener::bind(any, &own, other.trust()?, accepts, Caps::PEER_PORT, system_time());
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

    async fn genesis(&self, _: Request<v1::GenesisRequest>) -> Result<Response<v1::GenesisResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn consistency(
        &self,
        _: Request<v1::ConsistencyRequest>,
    ) -> Result<Response<v1::ConsistencyResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
