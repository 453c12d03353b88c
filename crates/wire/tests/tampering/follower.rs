//! What a follower makes of a message: read as by the node's own client, verified, kept in memory.
//!
//! The order of the checks is that of the node's keeper; its store, its view and its alarms are not here.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Ready, ready};

use comity_ledger::{EntryBytes, Head, Opening, Replica};
use comity_tlog::{Hash, RightEdge, SignedCheckpoint, VerifiedCheckpoint};
use comity_wire::v1::exchange_service_client::ExchangeServiceClient;
use comity_wire::{Disclosure, DisclosureContent, FollowEvent, v1};
use http_body_util::Full;
use prost::Message as _;
use prost::bytes::{BufMut as _, Bytes, BytesMut};
use tokio::runtime::{Builder, Runtime};
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{Context, Poll, Service};

use crate::log::Log;

/// All that a follower holds of a log. Of a note only the text and the lines of known keys: the others prove nothing, and
/// are carried as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) head: Option<Head>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) notes: BTreeMap<u64, Vec<u8>>,
    /// Checkpoints as they stood with their first quorum.
    pub(crate) first_quorums: BTreeMap<u64, Vec<u8>>,
    pub(crate) openings: BTreeMap<(u64, u8), Vec<u8>>,
    pub(crate) next_release: u64,
}

impl Kept {
    /// Whether nothing is held that the other does not hold, byte for byte.
    pub(crate) fn is_part_of(&self, whole: &Self) -> bool {
        let is_all = self.entries.len() == whole.entries.len();
        (!is_all || self.head == whole.head)
            && whole.entries.starts_with(&self.entries)
            && self.notes.iter().all(|(size, note)| whole.notes.get(size) == Some(note))
            && self.first_quorums.iter().all(|(size, note)| whole.first_quorums.get(size) == Some(note))
            && self.openings.iter().all(|(place, opening)| whole.openings.get(place) == Some(opening))
            && self.next_release <= whole.next_release
    }
}

/// Where a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is no message, or a field of it is not one.
    Decoding,
    /// It is not what the author signed, or not what comes next.
    Verification,
}

/// A follower of one log that begins with nothing.
#[derive(Clone)]
pub(crate) struct Follower {
    replica: Replica,
    checkpoint: Option<VerifiedCheckpoint>,
    kept: Kept,
}

impl Follower {
    pub(crate) fn of(log: &Log) -> Self {
        let key = log.log_key().clone();
        let replica = Replica::new(log.origin().clone(), key, RightEdge::empty(), None);
        Self { replica, checkpoint: None, kept: Kept::default() }
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Whether both hold the same and would judge what comes next by the same heads.
    pub(crate) fn stands_as(&self, other: &Self) -> bool {
        let stated = |follower: &Self| follower.checkpoint.as_ref().map(|found| found.checkpoint().clone());
        self.kept == other.kept
            && stated(self) == stated(other)
            && self.replica.size() == other.replica.size()
            && self.replica.newest() == other.replica.newest()
    }

    /// Takes one message; after a refusal all is as it was.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let message = v1::FollowResponse::decode(bytes).map_err(|_| Refused::Decoding)?;
        match FollowEvent::try_from(message).map_err(|_| Refused::Decoding)? {
            FollowEvent::Checkpoint(note) => self.take_note(note.as_bytes()),
            FollowEvent::Frame(frame) => {
                let checkpoint = self.checkpoint.as_ref().ok_or(Refused::Verification)?;
                let verified =
                    self.replica.verify_frame(frame, checkpoint).map_err(|_| Refused::Verification)?;
                self.replica.advance(&verified);
                self.kept.entries.extend(verified.entries().iter().map(|entry| entry.as_bytes().to_vec()));
                self.kept.head = Some(verified.head());
                Ok(())
            }
            FollowEvent::Release(frame) => {
                // Nothing of a release is kept if one of its openings is wrong.
                let mut kept = self.kept.clone();
                frame.into_disclosures().into_iter().try_for_each(|step| self.disclose(step, &mut kept))?;
                self.kept = kept;
                Ok(())
            }
            FollowEvent::Heartbeat(_) => Ok(()),
            FollowEvent::FirstQuorum(note) => self.take_first_quorum(&note),
        }
    }

    /// Of entries that are held alone, each once, and smaller trees first.
    fn take_first_quorum(&mut self, note: &SignedCheckpoint) -> Result<(), Refused> {
        let verified = self.replica.keys().verify(note).map_err(|_| Refused::Verification)?;
        let (stated, size) = (verified.checkpoint(), verified.checkpoint().size().value());
        let is_due = self.kept.first_quorums.last_key_value().is_none_or(|(before, _)| *before < size);
        let entries = usize::try_from(size).ok().and_then(|size| self.kept.entries.get(..size));
        let root = entries.and_then(|entries| {
            let mut edge = RightEdge::empty();
            entries.iter().try_for_each(|entry| edge.append(Hash::leaf(entry)).map(drop)).ok()?;
            Some(edge.root())
        });
        if !is_due || root != Some(stated.root()) {
            return Err(Refused::Verification);
        }
        let known = verified.note().verified_lines_only().unwrap();
        self.kept.first_quorums.insert(size, known.as_bytes().to_vec());
        Ok(())
    }

    fn take_note(&mut self, note: &[u8]) -> Result<(), Refused> {
        let verified = self.replica.verify_note(note).map_err(|_| Refused::Verification)?;
        let size = verified.checkpoint().size().value();
        let known = verified.note().verified_lines_only().unwrap();
        self.kept.notes.insert(size, known.as_bytes().to_vec());
        self.replica.saw(&verified);
        self.checkpoint = Some(verified);
        Ok(())
    }

    fn disclose(&self, step: Disclosure, kept: &mut Kept) -> Result<(), Refused> {
        let in_order = step.number.value() == kept.next_release;
        if step.origin != *self.replica.origin() || !in_order || !self.replica.size().contains(step.index) {
            return Err(Refused::Verification);
        }
        kept.next_release += 1;
        let DisclosureContent::Given(opening) = step.content else { return Ok(()) };
        let place = usize::try_from(step.index.value()).unwrap();
        let entry = EntryBytes::new(self.kept.entries[place].clone()).unwrap().parse().unwrap();
        let verified = opening.verify(&step.origin, &entry, step.slot).map_err(|_| Refused::Verification)?;
        let padded = Opening::to_padded(verified.opening());
        kept.openings.insert((step.index.value(), step.slot.number()), padded);
        Ok(())
    }
}

/// The client of the node, whose codec counts lists before anything is decoded; what it reads comes from here.
pub(crate) struct Client(Runtime);

impl Client {
    pub(crate) fn new() -> Self {
        Self(Builder::new_current_thread().build().unwrap())
    }

    /// What the client reads out of these bytes.
    pub(crate) fn read(&self, bytes: &[u8]) -> Option<v1::FollowResponse> {
        let mut framed = BytesMut::new();
        framed.put_u8(0);
        framed.put_u32(u32::try_from(bytes.len()).unwrap());
        framed.put_slice(bytes);
        let mut client = ExchangeServiceClient::new(Answering(framed.freeze()));
        self.0.block_on(async {
            let answer = client.follow(v1::FollowRequest::default()).await.ok()?;
            answer.into_inner().message().await.ok().flatten()
        })
    }
}

/// A server that answers every call with the same bytes.
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
        ready(Ok(Response::new(Body::new(Full::new(self.0.clone())))))
    }
}
