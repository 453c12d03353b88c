//! Bytes to messages: how many items a message holds is counted before anything is allocated for them.
//!
//! prost makes a value of some 90 bytes out of an empty item of 2 bytes, so that a message of 4 MiB could take
//! 200 MiB. The limits themselves stand in `shape`, the limit of bytes in `limits`.

use std::marker::PhantomData;

use bytes::Buf as _;
use prost::{Message, Name};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::{ErrorCode, shape};

/// The codec of all services; the generated code names it.
#[derive(Clone, Debug)]
pub(crate) struct BoundedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for BoundedCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = SizedEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        SizedEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder(PhantomData)
    }
}

/// Encodes messages, each into memory of its size: a buffer that grows would be copied at every doubling.
#[derive(Clone, Debug)]
pub(crate) struct SizedEncoder<T>(PhantomData<T>);

impl<T: Message> Encoder for SizedEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.reserve(message.encoded_len());
        message.encode(buf).map_err(|_| ErrorCode::Internal.to_status())
    }
}

/// Decodes messages whose items are within their limits.
#[derive(Clone, Debug)]
pub(crate) struct BoundedDecoder<U>(PhantomData<U>);

impl<U: Message + Name + Default> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // Splits the received buffer without copying it; fields of bytes then share it.
        let bytes = buf.copy_to_bytes(buf.remaining());
        shape::check(U::NAME, &bytes).map_err(ErrorCode::to_status)?;
        U::decode(bytes).map(Some).map_err(|_| ErrorCode::Malformed.to_status())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};

    use bytes::{BufMut as _, Bytes, BytesMut};
    use http_body_util::Full;
    use tonic::body::Body;
    use tonic::codegen::http::{Request, Response};
    use tonic::codegen::{Context, Poll, Service};

    use super::*;
    use crate::v1;
    use crate::v1::exchange_service_client::ExchangeServiceClient;

    /// A server that answers every call with one message.
    #[derive(Clone)]
    struct Answering(Bytes);

    impl Service<Request<Body>> for Answering {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            let mut framed = BytesMut::new();
            framed.put_u8(0);
            framed.put_u32(u32::try_from(self.0.len()).unwrap());
            framed.put_slice(&self.0);
            ready(Ok(Response::new(Body::new(Full::new(framed.freeze())))))
        }
    }

    async fn first(message: Vec<u8>) -> Result<v1::FollowResponse, Status> {
        let mut client = ExchangeServiceClient::new(Answering(message.into()));
        let mut stream = client.follow(v1::FollowRequest::default()).await?.into_inner();
        stream.message().await.map(Option::unwrap)
    }

    /// Goal: a message of empty items is no way to make a follower allocate fifty times its size.
    /// Way: a release of two million openings of two bytes each.
    #[tokio::test]
    async fn a_message_of_empty_items_is_refused_before_it_is_decoded() {
        let openings = [0x0a, 0x00].repeat(2_000_000 / 2);
        let mut message = vec![0x1a];
        prost::encoding::encode_varint(u64::try_from(openings.len()).unwrap(), &mut message);
        message.extend(openings);
        let status = first(message).await.unwrap_err();
        assert_eq!(ErrorCode::from_status(&status), ErrorCode::TooLarge);
    }

    #[tokio::test]
    async fn what_is_no_message_is_malformed_without_the_decoders_words() {
        for bytes in [vec![0x1a, 0xff], vec![0x0a, 0x02, 0x0a], vec![0x08, 0x01], vec![0x0b], vec![0xff; 12]]
        {
            let status = first(bytes).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (tonic::Code::InvalidArgument, "malformed"));
        }
    }

    #[tokio::test]
    async fn a_frame_passes() {
        let entries = vec![Bytes::from_static(b"entry"); 256];
        let frame = v1::Frame { start: 0, entries, consistency: vec![Bytes::from_static(&[1; 32]); 64] };
        let sent = v1::FollowResponse { event: Some(v1::follow_response::Event::Frame(frame)) };
        assert_eq!(first(sent.encode_to_vec()).await.unwrap(), sent);
    }
}
