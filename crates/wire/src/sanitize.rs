//! What leaves the node as a status: the reasons of the table and nothing else.
//!
//! tonic answers by itself what it cannot take, such as a message over its limit, in words of its own and at times
//! as a fault of the server. The node puts [`sanitize_response`] around its services, and [`sanitize`] where a handler reads a client's stream. What
//! a client must not take from a server is in `guard`.

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::Response;

use crate::ErrorCode;
use crate::guard::STATUS_DETAILS;

/// The status with its words replaced by the reason of the nearest code; one of ours passes as it is.
#[must_use]
pub fn sanitize(status: &Status) -> Status {
    match ErrorCode::listed(status) {
        Some((code, Some(_))) => Status::new(code.grpc_code(), status.message()),
        Some((code, None)) => code.to_status(),
        None => ErrorCode::from_status(status).to_status(),
    }
}

/// A response whose headers already end the call, as they do where a request cannot be decoded, with its status
/// sanitized; any other response as it is.
#[must_use]
pub fn sanitize_response(mut response: Response<Body>) -> Response<Body> {
    // tonic's reader of a status panics on details that are not base64.
    response.headers_mut().remove(STATUS_DETAILS);
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != tonic::Code::Ok => sanitize(&status).into_http(),
        _ => response,
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn words_of_the_decoder_never_reach_a_peer() {
        let status =
            sanitize(&Status::internal("failed to decode: FollowRequest.origin: invalid string value"));
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "malformed"));
        let status = sanitize(&Status::unavailable("stale /var/lib/comity/db"));
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "unreachable"));
    }

    #[test]
    fn a_status_of_the_table_passes_without_what_else_it_carries() {
        let ours = ErrorCode::Malformed.to_status_about("frame.entries");
        let mut loaded =
            Status::with_details(ours.code(), ours.message(), bytes::Bytes::from_static(b"secret"));
        loaded.metadata_mut().insert("path", "secret".parse().unwrap());
        let clean = sanitize(&loaded);
        assert_eq!((clean.code(), clean.message()), (ours.code(), "malformed: frame.entries"));
        assert!(clean.details().is_empty() && clean.metadata().is_empty());
    }

    #[test]
    fn only_responses_that_end_in_their_headers_are_changed() {
        let refused: Response<Body> = Status::internal("invalid wire type: 7").into_http();
        let refused = sanitize_response(refused);
        assert_eq!(refused.headers()["grpc-status"], "3");
        assert_eq!(refused.headers()["grpc-message"], "malformed");
        let mut begun = Response::new(Body::empty());
        begun.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        assert_eq!(sanitize_response(begun).headers().len(), 1);
    }
}
