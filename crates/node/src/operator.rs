//! The operator's side of the admin port: a channel to the running node of a home, with the operator's certificate.
//!
//! Not here: what is asked over it (the commands), and the port itself (`serve`).

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::time_provider::DefaultTimeProvider;
use tonic::transport::{Channel, Endpoint};

use comity_wire::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};

use crate::tls::{AgencyTrust, PeerAuthority, PeerConnector, PeerTrust, TlsMaterial};
use crate::{Home, NodeError};

/// Trust in the agency's own authority and in no other.
pub(crate) fn own_trust(home: &Home) -> Result<PeerTrust, NodeError> {
    let path = home.path("keys/tls-ca.pem");
    let pem = std::fs::read_to_string(&path);
    let pem = pem.map_err(|source| NodeError::File { action: "read", path, source })?;
    let refuse = |source| NodeError::Trust { source };
    let authority = PeerAuthority::from_pem(&pem).map_err(refuse)?;
    let trust = PeerTrust::new();
    trust.insert(home.config().agency.clone(), AgencyTrust::new(vec![authority]).map_err(refuse)?);
    Ok(trust)
}

pub(crate) fn material(home: &Home, name: &str) -> Result<TlsMaterial, NodeError> {
    let (certificate, key) = (home.path(&format!("keys/{name}.pem")), home.path(&format!("keys/{name}.key")));
    TlsMaterial::load(&certificate, &key).map_err(|source| NodeError::Material { source })
}

/// Connects to the admin port of the home's running node, as its operator.
///
/// # Errors
/// [`NodeError::Unreachable`] if nobody answers there, or somebody else than the agency's node does; another
/// [`NodeError`] if the operator's certificate or the authority cannot be read.
pub async fn operator_channel(home: &Home, address: SocketAddr) -> Result<Channel, NodeError> {
    let fail = |source: Box<dyn std::error::Error + Send + Sync>| NodeError::Unreachable {
        address: address.to_string(),
        source,
    };
    let agency = home.config().agency.clone();
    let time = Arc::new(DefaultTimeProvider);
    let connector = PeerConnector::new(&material(home, "tls-operator")?, own_trust(home)?, agency, time)
        .map_err(|source| fail(source.into()))?;
    Endpoint::try_from(format!("http://{address}"))
        .map_err(|source| fail(source.into()))?
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .connect_with_connector(connector)
        .await
        .map_err(|source| fail(source.into()))
}
