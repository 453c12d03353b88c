//! A side of a connection that a bench makes itself: with the certificate of a home, as the home's own node would.
//!
//! Not here: nodes in processes of their own (`crate::stage`).

use std::path::Path;

use comity_ledger::{AgencyId, Origin};
use comity_node::tls::{AgencyTrust, PeerAuthority, PeerConnector, PeerTrust, TlsMaterial, system_time};
use comity_tlog::TreeSize;
use comity_wire::v1::exchange_service_client::ExchangeServiceClient;
use comity_wire::{
    CONNECTION_WINDOW_BYTES, FollowFrom, Greeting, Guarded, InvalidMessage, PROTOCOL, ReleaseNumber,
    STREAM_WINDOW_BYTES, exchange_client, v1,
};
use tonic::transport::{Channel, Endpoint};

use super::failed;
use crate::answer::Refusal;

/// A client of a peer port.
pub(super) type Client = ExchangeServiceClient<Guarded<Channel>>;

/// An agency and its home.
#[derive(Clone, Copy)]
pub(super) struct Party<'a> {
    pub(super) agency: &'a AgencyId,
    pub(super) home: &'a Path,
}

impl Party<'_> {
    /// The certificate and key of its node.
    pub(super) fn material(self) -> Result<TlsMaterial, Refusal> {
        let keys = self.home.join("keys");
        TlsMaterial::load(&keys.join("tls-node.pem"), &keys.join("tls-node.key")).map_err(failed)
    }

    /// Trust in this agency alone.
    pub(super) fn trust(self) -> Result<PeerTrust, Refusal> {
        let pem = std::fs::read_to_string(self.home.join("keys/tls-ca.pem")).map_err(failed)?;
        let authority = PeerAuthority::from_pem(&pem).map_err(failed)?;
        let trust = PeerTrust::new();
        trust.insert(self.agency.clone(), AgencyTrust::new(vec![authority]).map_err(failed)?);
        Ok(trust)
    }

    /// Connects to the node of another agency.
    pub(super) async fn connect(self, other: Party<'_>, endpoint: &str) -> Result<Client, Refusal> {
        let (material, trust) = (self.material()?, other.trust()?);
        let connector = PeerConnector::new(&material, trust, other.agency.clone(), system_time());
        let channel = Endpoint::from_shared(format!("http://{endpoint}"))
            .map_err(failed)?
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .connect_with_connector(connector.map_err(failed)?)
            .await;
        Ok(exchange_client(channel.map_err(failed)?))
    }

    /// Says Hello on a new connection.
    pub(super) async fn greet(self, client: &mut Client) -> Result<(), Refusal> {
        let software = "comity-bench".parse().map_err(|error: InvalidMessage| failed(error))?;
        let hello = Greeting { protocol: PROTOCOL, agency: self.agency.clone(), software };
        client.hello(hello.to_request()).await.map(drop).map_err(failed)
    }
}

/// Everything of a log, from its beginning.
pub(super) fn follow_from(origin: Origin) -> v1::FollowRequest {
    let next_release = ReleaseNumber::new(0);
    let (next_index, newest, first_quorum_from) = (TreeSize::ZERO, None, None);
    let knows_successor = false;
    v1::FollowRequest::from(&FollowFrom {
        origin,
        next_index,
        next_release,
        newest,
        first_quorum_from,
        knows_successor,
    })
}
