//! What the unfinished questions of one peer may hold of this node's memory.
//!
//! A peer may have hundreds of calls open, and each may bring a message of megabytes whose end never comes. So the
//! bytes that have come and are not yet a whole message are counted over all calls of the peer. Not here: how fast
//! they may come (`tls::Caps`), and the size of one message (`wire`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use comity_ledger::AgencyId;
use comity_wire::{EXCHANGE_MESSAGE_BYTES_MAX, ErrorCode};
use http_body_util::{BodyStream, StreamBody};
use tokio_stream::StreamExt as _;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{Context, Poll, Service};
use tonic::server::NamedService;

use crate::tls::Caller;

/// Most bytes of the unfinished messages of one peer: two of the largest, where a peer has one under way.
const UNFINISHED_BYTES_MAX: usize = 2 * EXCHANGE_MESSAGE_BYTES_MAX;

/// A service whose callers cannot make it hold more than their share.
#[derive(Clone, Debug)]
pub(crate) struct Bounded<S> {
    service: S,
    unfinished: Arc<Unfinished>,
}

impl<S> Bounded<S> {
    pub(crate) fn new(service: S) -> Self {
        Self { service, unfinished: Arc::default() }
    }
}

impl<S: NamedService> NamedService for Bounded<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Service<Request<Body>, Response = Response<Body>>> Service<Request<Body>> for Bounded<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let caller = request.extensions().get::<Caller>();
        // Without a caller the service refuses before it reads anything of the body.
        let Some(agency) = caller.map(|caller| caller.identity().agency().clone()) else {
            return self.service.call(request);
        };
        let mut question = Question { agency, unfinished: Arc::clone(&self.unfinished), bytes: 0 };
        self.service.call(request.map(|body| {
            let frames = BodyStream::new(body).map(move |frame| {
                let frame = frame?;
                question.grow(frame.data_ref().map_or(0, Bytes::len))?;
                Ok::<_, Status>(frame)
            });
            Body::new(StreamBody::new(frames))
        }))
    }
}

/// Bytes held for each peer that has unfinished questions.
#[derive(Debug, Default)]
struct Unfinished(Mutex<BTreeMap<AgencyId, usize>>);

impl Unfinished {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<AgencyId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room for more bytes; gives whether there was any.
    fn take(&self, agency: &AgencyId, bytes: usize) -> bool {
        let mut held = self.lock();
        let before = held.get(agency).copied().unwrap_or(0);
        let after = before.saturating_add(bytes);
        let has_room = after <= UNFINISHED_BYTES_MAX;
        if has_room && bytes > 0 {
            held.insert(agency.clone(), after);
        }
        has_room
    }

    fn give_back(&self, agency: &AgencyId, bytes: usize) {
        let mut held = self.lock();
        match held.get_mut(agency) {
            Some(before) if *before > bytes => *before -= bytes,
            _ => {
                held.remove(agency);
            }
        }
    }
}

/// What has come of one question; given back when its message is whole or the call ends.
#[derive(Debug)]
struct Question {
    agency: AgencyId,
    unfinished: Arc<Unfinished>,
    bytes: usize,
}

impl Question {
    fn grow(&mut self, more: usize) -> Result<(), Status> {
        if !self.unfinished.take(&self.agency, more) {
            tracing::info!(peer = %self.agency, "too much of unfinished questions");
            return Err(ErrorCode::Busy.to_status());
        }
        self.bytes = self.bytes.saturating_add(more);
        Ok(())
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.unfinished.give_back(&self.agency, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_peer_holds_leaves_room_for_the_others_and_is_given_back() {
        let (unfinished, [one, other]) =
            (Unfinished::default(), ["a.example", "b.example"].map(|id| id.parse().unwrap()));
        assert!(unfinished.take(&one, UNFINISHED_BYTES_MAX));
        assert!(!unfinished.take(&one, 1) && unfinished.take(&one, 0));
        assert!(unfinished.take(&other, UNFINISHED_BYTES_MAX));
        unfinished.give_back(&one, 1);
        assert!(unfinished.take(&one, 1) && !unfinished.take(&one, 1));
        unfinished.give_back(&one, UNFINISHED_BYTES_MAX);
        unfinished.give_back(&other, UNFINISHED_BYTES_MAX);
        assert!(unfinished.lock().is_empty());
    }
}
