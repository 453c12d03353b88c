//! What stands around every service: a span for the call, and statuses that say nothing but the closed table.

use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{BoxFuture, Context, Poll, Service};
use tonic::server::NamedService;
use tracing::Instrument as _;

use comity_wire::sanitize_response;

/// Longest method name that a log line repeats: those of `comity.v1` are shorter.
const METHOD_BYTES_MAX: usize = 32;

/// A service whose calls are traced and whose refusals are sanitized.
#[derive(Clone, Debug)]
pub(crate) struct Watched<S>(pub(crate) S);

impl<S: NamedService> NamedService for Watched<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Watched<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + NamedService,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let span = tracing::info_span!("call", service = S::NAME, method = method(request.uri().path()));
        let answer = span.in_scope(|| self.0.call(request));
        let answer = async move {
            let answer = answer.await.map(sanitize_response);
            tracing::debug!("answered");
            answer
        };
        Box::pin(answer.instrument(span))
    }
}

/// The method of a path. A stranger's text never comes into the log: only what can be a name of ours.
fn method(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or_default();
    let named = last.len() <= METHOD_BYTES_MAX && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    if named { last } else { "?" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_brings_only_a_name_into_the_log() {
        assert_eq!(method("/comity.v1.AdminService/Status"), "Status");
        for odd in ["/comity.v1.AdminService/%4A%20Doe", &format!("/x/{}", "a".repeat(33))] {
            assert_eq!(method(odd), "?");
        }
    }
}
