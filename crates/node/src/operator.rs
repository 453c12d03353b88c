//! The operator's side of the admin port: a channel to the running node of a home, with the operator's certificate.
//!
//! Not here: what is asked over it (the commands), and the port itself (`serve`).

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::time_provider::DefaultTimeProvider;
use tonic::transport::{Channel, Endpoint};

use comity_wire::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};

use crate::own_tls::{OPERATOR, material, own_trust};
use crate::tls::PeerConnector;
use crate::{Home, NodeError};

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
    let connector = PeerConnector::new(&material(home, OPERATOR)?, own_trust(home)?, agency, time)
        .map_err(|source| fail(source.into()))?;
    Endpoint::try_from(format!("http://{address}"))
        .map_err(|source| fail(source.into()))?
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .connect_with_connector(connector)
        .await
        .map_err(|source| fail(source.into()))
}
