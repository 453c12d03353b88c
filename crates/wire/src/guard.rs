//! What a client must not take from a server: status details.
//!
//! tonic 0.14 decodes the header `grpc-status-details-bin` of every answer with `expect`, so that a server could
//! make its clients panic. This project sends no details and wants none: they are taken out before tonic looks.
//! What a server must not send is in `sanitize`.

use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{BoxFuture, Context, Poll, Service};

/// The header or trailer of the details of a status.
pub(crate) const STATUS_DETAILS: &str = "grpc-status-details-bin";

/// A channel whose answers carry no status details.
#[derive(Clone, Debug)]
pub struct Guarded<S>(S);

impl<S> Guarded<S> {
    /// Guards a channel.
    pub const fn new(channel: S) -> Self {
        Self(channel)
    }
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move { answer.await.map(without_details) })
    }
}

fn without_details(response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    head.headers.remove(STATUS_DETAILS);
    let body = body.map_frame(|mut frame| {
        if let Some(trailers) = frame.trailers_mut() {
            trailers.remove(STATUS_DETAILS);
        }
        frame
    });
    Response::from_parts(head, Body::new(body))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};

    use bytes::Bytes;
    use http_body_util::Empty;
    use tonic::codegen::http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::v1;
    use crate::v1::exchange_service_client::ExchangeServiceClient;

    /// A server that answers every call with a status whose details are not base64.
    #[derive(Clone)]
    struct Hostile {
        in_trailers: bool,
    }

    impl Service<Request<Body>> for Hostile {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            let mut status = HeaderMap::new();
            status.insert("grpc-status", HeaderValue::from_static("5"));
            status.insert("grpc-message", HeaderValue::from_static("unknown_origin"));
            status.insert(STATUS_DETAILS, HeaderValue::from_static("!!"));
            let mut response = Response::new(Body::empty());
            if self.in_trailers {
                let body = Empty::<Bytes>::new().with_trailers(ready(Some(Ok(status))));
                *response.body_mut() = Body::new(body);
            } else {
                *response.headers_mut() = status;
            }
            ready(Ok(response))
        }
    }

    /// Goal: details that are not base64 are no way to make a follower panic.
    /// Way: a hostile server, once in headers and once in trailers; without the guard tonic panics.
    #[tokio::test]
    async fn status_details_of_a_hostile_server_do_not_panic() {
        for in_trailers in [false, true] {
            let mut client = ExchangeServiceClient::new(Guarded::new(Hostile { in_trailers }));
            let refused = client.follow(v1::FollowRequest::default()).await;
            let status = match refused {
                Err(status) => status,
                Ok(answer) => answer.into_inner().message().await.unwrap_err(),
            };
            assert_eq!(crate::ErrorCode::from_status(&status), crate::ErrorCode::UnknownOrigin);
            assert!(status.details().is_empty());
        }
    }
}
