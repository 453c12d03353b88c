//! How large a message may be, and clients and servers that hold to it.
//!
//! Limits of fields stand beside the conversions; caps on connections, streams and time are the node's. Compression
//! stays off everywhere: sealed and random bytes do not shrink, and lengths of compressed secrets tell of them.

use tonic::transport::Channel;

use crate::guard::Guarded;
use crate::v1::admin_service_client::AdminServiceClient;
use crate::v1::admin_service_server::{AdminService, AdminServiceServer};
use crate::v1::exchange_service_client::ExchangeServiceClient;
use crate::v1::exchange_service_server::{ExchangeService, ExchangeServiceServer};
use crate::v1::screening_service_client::ScreeningServiceClient;
use crate::v1::screening_service_server::{ScreeningService, ScreeningServiceServer};

/// Most bytes of a message between nodes: a frame of 1 MiB with room, and an exchange of some notes.
pub const EXCHANGE_MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Most bytes of a message between an operator and the node. Imports and exports are streams of smaller messages.
pub const ADMIN_MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Most bytes of any other message: a question or its answer, of which many may come at a time.
pub const CALL_MESSAGE_BYTES_MAX: usize = 64 << 10;

/// Bytes of a message as it is sent.
pub fn message_bytes(message: &impl prost::Message) -> usize {
    message.encoded_len()
}

/// HTTP/2 window of one stream, in bytes: four frames, enough for 400 Mbit/s over 80 ms.
pub const STREAM_WINDOW_BYTES: u32 = 4 << 20;

/// HTTP/2 window of one connection, in bytes: what a peer can make this node hold before anything is read.
pub const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;

/// A client of a peer.
pub fn exchange_client(channel: Channel) -> ExchangeServiceClient<Guarded<Channel>> {
    ExchangeServiceClient::new(Guarded::new(channel))
        .max_decoding_message_size(EXCHANGE_MESSAGE_BYTES_MAX)
        .max_encoding_message_size(EXCHANGE_MESSAGE_BYTES_MAX)
}

/// The service for peers.
pub fn exchange_server<S: ExchangeService>(service: S) -> ExchangeServiceServer<S> {
    ExchangeServiceServer::new(service)
        .max_decoding_message_size(EXCHANGE_MESSAGE_BYTES_MAX)
        .max_encoding_message_size(EXCHANGE_MESSAGE_BYTES_MAX)
}

/// A client of the own node.
pub fn admin_client(channel: Channel) -> AdminServiceClient<Guarded<Channel>> {
    AdminServiceClient::new(Guarded::new(channel))
        .max_decoding_message_size(ADMIN_MESSAGE_BYTES_MAX)
        .max_encoding_message_size(ADMIN_MESSAGE_BYTES_MAX)
}

/// The service for operators.
pub fn admin_server<S: AdminService>(service: S) -> AdminServiceServer<S> {
    AdminServiceServer::new(service)
        .max_decoding_message_size(ADMIN_MESSAGE_BYTES_MAX)
        .max_encoding_message_size(ADMIN_MESSAGE_BYTES_MAX)
}

/// A client that screens.
pub fn screening_client(channel: Channel) -> ScreeningServiceClient<Guarded<Channel>> {
    ScreeningServiceClient::new(Guarded::new(channel))
        .max_decoding_message_size(CALL_MESSAGE_BYTES_MAX)
        .max_encoding_message_size(CALL_MESSAGE_BYTES_MAX)
}

/// The service that screens.
pub fn screening_server<S: ScreeningService>(service: S) -> ScreeningServiceServer<S> {
    ScreeningServiceServer::new(service)
        .max_decoding_message_size(CALL_MESSAGE_BYTES_MAX)
        .max_encoding_message_size(CALL_MESSAGE_BYTES_MAX)
}
