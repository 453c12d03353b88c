//! What this node tells the nodes of peered agencies: `ExchangeService`.
//!
//! Who asks is read from the certificate of the connection and never from a message; entries and openings go to
//! those alone with whom there is an agreement. Not here: what this node asks of others (`follow`).

mod callers;
mod error;
mod heads;
mod questions;
mod releaser;
mod stream;

use std::sync::Arc;

use comity_ledger::{AgencyId, Origin};
use comity_store::LogRole;
use comity_tlog::{EntryIndex, SignedCheckpoint, TreeSize, prove_consistency};
use comity_wire::v1::exchange_service_server::ExchangeService as ExchangeRpc;
use comity_wire::{ConsistencyQuery, ErrorCode, FollowFrom, Greeting, Heads, InvalidMessage, PROTOCOL, v1};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use self::callers::Callers;
use self::error::ServeError;
pub(crate) use self::questions::Bounded;
pub(crate) use self::releaser::received;
pub(crate) use self::stream::HEARTBEAT;
use self::stream::{Answers, FollowStream};
use crate::off_reactor::off_reactor;
use crate::tls::{Caller, Role};
use crate::{Gossiping, Node, NodeError, Peers};

/// Name and version of this program, as said in `Hello`.
pub(crate) const SOFTWARE: &str = concat!("comity/", env!("CARGO_PKG_VERSION"));

/// The service for peers. Clones of it serve the same node.
#[derive(Clone, Debug)]
pub struct ExchangeService {
    gossiping: Arc<Gossiping>,
    node: Arc<Node>,
    peers: Arc<Peers>,
    callers: Arc<Callers>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl ExchangeService {
    /// The service of a node. Its streams are tasks of `tasks` and end at `stop`.
    pub fn new(gossiping: Arc<Gossiping>, tasks: TaskTracker, stop: CancellationToken) -> Self {
        let (node, peers) = (Arc::clone(gossiping.node()), Arc::clone(gossiping.peers()));
        Self { gossiping, node, peers, callers: Arc::default(), tasks, stop }
    }

    /// The agency of a caller that is a peer and has said Hello.
    fn peer<T>(&self, request: &Request<T>) -> Result<AgencyId, Status> {
        let caller = caller(request)?;
        let agency = caller.identity().agency();
        #[cfg(comity_planted)]
        let named = self.callers.named.lock().ok().and_then(|named| named.clone());
        #[cfg(comity_planted)]
        let agency =
            named.as_ref().filter(|_| comity_tlog::planted("trust-the-messages-agency")).unwrap_or(agency);
        if self.peers.find(agency).is_none() {
            return Err(ErrorCode::NoAgreement.to_status());
        }
        if !self.callers.has_greeted(caller) {
            return Err(ErrorCode::HelloFirst.to_status());
        }
        Ok(agency.clone())
    }

    /// Runs what reads the store where it delays no other call, and no more of it than the peer may have at a time.
    async fn off_reactor<T: Send + 'static>(
        &self,
        agency: &AgencyId,
        work: impl FnOnce() -> Result<T, ServeError> + Send + 'static,
    ) -> Result<T, Status> {
        let permit = self.callers.read(agency).await;
        let work = move || {
            let result = work();
            drop(permit);
            result
        };
        match off_reactor(work).await {
            Ok(result) => result.map_err(|error| error.to_status()),
            Err(_) => Err(ErrorCode::Internal.to_status()),
        }
    }

    fn role(&self, origin: &Origin) -> Result<LogRole, ServeError> {
        let role = self.node.store().role(origin).map_err(NodeError::from)?;
        role.filter(|_| is_served(origin)).ok_or(ServeError::Refused { code: ErrorCode::UnknownOrigin })
    }

    /// The first entry of a log that is served.
    fn first_entry(&self, origin: &Origin) -> Result<Vec<u8>, ServeError> {
        let unknown = || ServeError::Refused { code: ErrorCode::UnknownOrigin };
        self.role(origin)?;
        newest(&self.node, origin)?.ok_or_else(unknown)?;
        let end = EntryIndex::ZERO.size_through();
        let entries = self.node.store().entries(origin, TreeSize::ZERO, end).map_err(NodeError::from)?;
        entries.into_iter().next().ok_or_else(unknown)
    }

    fn prove(&self, query: &ConsistencyQuery) -> Result<v1::ConsistencyResponse, ServeError> {
        self.role(query.origin())?;
        let newest = newest(&self.node, query.origin())?;
        let newest = newest.ok_or(ServeError::Refused { code: ErrorCode::UnknownOrigin })?;
        if query.to() > newest.checkpoint().size() {
            return Err(ServeError::Refused { code: ErrorCode::BeyondSize });
        }
        let nodes = self.node.store().nodes(query.origin());
        let proof = prove_consistency(&nodes, query.from(), query.to())?;
        Ok(v1::ConsistencyResponse::from(&proof))
    }
}

/// Publication logs alone go to every peer, closed ones too; an account or an exercise is for its parties.
pub(crate) fn is_served(origin: &Origin) -> bool {
    origin.is_publication()
}

/// The newest checkpoint of which all entries are held.
fn newest(node: &Node, origin: &Origin) -> Result<Option<SignedCheckpoint>, ServeError> {
    let note = node.store().newest_note(origin).map_err(NodeError::from)?;
    let parsed = note.map(|note| SignedCheckpoint::parse(&note)).transpose();
    parsed.map_err(|source| NodeError::OwnNote { source }.into())
}

fn caller<T>(request: &Request<T>) -> Result<&Caller, Status> {
    let caller = request.extensions().get::<Caller>();
    let node = caller.filter(|caller| *caller.identity().role() == Role::Node);
    node.ok_or_else(|| ErrorCode::UnauthenticatedRole.to_status())
}

#[tonic::async_trait]
impl ExchangeRpc for ExchangeService {
    type FollowStream = Answers;

    async fn hello(&self, request: Request<v1::HelloRequest>) -> Result<Response<v1::HelloResponse>, Status> {
        let caller = caller(&request)?.clone();
        let agency = caller.identity().agency().clone();
        let greeting = Greeting::try_from(request.into_inner())?;
        if greeting.protocol.newest_common(PROTOCOL).is_none() {
            return Err(ErrorCode::ProtocolRange.to_status());
        }
        #[cfg(comity_planted)]
        if let Ok(mut named) = self.callers.named.lock() {
            *named = Some(greeting.agency);
        }
        self.callers.greet(caller);
        let software = SOFTWARE.parse().map_err(|error: InvalidMessage| Status::from(error))?;
        let own = Greeting { protocol: PROTOCOL, agency: self.peers.own().clone(), software };
        Ok(Response::new(own.to_response(&agency)))
    }

    async fn follow(
        &self,
        request: Request<v1::FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let agency = self.peer(&request)?;
        let from = FollowFrom::try_from(request.into_inner())?;
        let (service, origin) = (self.clone(), from.origin.clone());
        let role = self.off_reactor(&agency, move || service.role(&origin)).await?;
        let turn = self.callers.begin_stream(&agency, &from.origin, &self.stop);
        let turn = turn.ok_or_else(|| ErrorCode::Busy.to_status())?;
        let span = tracing::info_span!("serve", peer = %agency, origin = %from.origin);
        let parts = (Arc::clone(&self.node), Arc::clone(&self.peers));
        let (stream, answers) = FollowStream::new(parts, agency, role, from);
        self.tasks.spawn(async move { stream.run(turn).await }.instrument(span));
        Ok(Response::new(answers))
    }

    async fn exchange_heads(
        &self,
        request: Request<v1::ExchangeHeadsRequest>,
    ) -> Result<Response<v1::ExchangeHeadsResponse>, Status> {
        let agency = self.peer(&request)?;
        let theirs = Heads::try_from(request.into_inner())?;
        let (gossiping, caller) = (Arc::clone(&self.gossiping), agency.clone());
        let ours = self.off_reactor(&agency, move || heads::answer(&gossiping, &caller, theirs)).await?;
        Ok(Response::new(v1::ExchangeHeadsResponse::from(&ours)))
    }

    async fn genesis(
        &self,
        request: Request<v1::GenesisRequest>,
    ) -> Result<Response<v1::GenesisResponse>, Status> {
        let agency = self.peer(&request)?;
        let origin = request.into_inner().origin.parse();
        let origin: Origin =
            origin.map_err(|_| ErrorCode::Malformed.to_status_about("genesis_request.origin"))?;
        let service = self.clone();
        let entry = self.off_reactor(&agency, move || service.first_entry(&origin)).await?;
        Ok(Response::new(v1::GenesisResponse { entry: entry.into() }))
    }

    async fn consistency(
        &self,
        request: Request<v1::ConsistencyRequest>,
    ) -> Result<Response<v1::ConsistencyResponse>, Status> {
        let agency = self.peer(&request)?;
        let query = ConsistencyQuery::try_from(request.into_inner())?;
        let service = self.clone();
        self.off_reactor(&agency, move || service.prove(&query)).await.map(Response::new)
    }
}
