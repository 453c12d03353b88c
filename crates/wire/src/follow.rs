//! Following a log: where to go on, and each step of the stream.
//!
//! Verification of what arrives is `ledger::Replica`'s.

use comity_ledger::{Frame, Origin};
use comity_tlog::{SignedCheckpoint, TreeSize};

use bytes::Bytes;

use crate::v1::follow_response::Event;
use crate::{Disclosure, InvalidMessage, ReleaseFrame, ReleaseNumber, field, v1};

const NEWEST: &str = "follow_request.newest_note";

/// Where a follower wants to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowFrom {
    /// The log.
    pub origin: Origin,
    /// Entries that the follower holds.
    pub next_index: TreeSize,
    /// The first release number that it does not hold.
    pub next_release: ReleaseNumber,
    /// The newest checkpoint that it holds; unverified.
    pub newest: Option<SignedCheckpoint>,
    /// The smallest tree whose checkpoint it takes as it stood with its first quorum; `None` if it takes none.
    pub first_quorum_from: Option<TreeSize>,
    /// Whether it has begun the successor of the log.
    pub knows_successor: bool,
}

impl TryFrom<v1::FollowRequest> for FollowFrom {
    type Error = InvalidMessage;

    fn try_from(message: v1::FollowRequest) -> Result<Self, InvalidMessage> {
        let origin = field::origin("follow_request.origin", &message.origin)?;
        let newest = if message.newest_note.is_empty() {
            None
        } else {
            Some(field::checkpoint(NEWEST, &message.newest_note)?)
        };
        if newest.as_ref().is_some_and(|note| note.checkpoint().origin() != origin.as_str()) {
            return Err(InvalidMessage::Contradicts { field: NEWEST });
        }
        let first_quorum_from = field::size("follow_request.first_quorum_from", message.first_quorum_from)?;
        Ok(Self {
            next_index: field::size("follow_request.next_index", message.next_index)?,
            next_release: ReleaseNumber::new(message.next_release),
            origin,
            newest,
            first_quorum_from: Some(first_quorum_from).filter(|size| !size.is_zero()),
            knows_successor: message.knows_successor,
        })
    }
}

impl From<&FollowFrom> for v1::FollowRequest {
    fn from(from: &FollowFrom) -> Self {
        Self {
            origin: from.origin.to_string(),
            next_index: from.next_index.value(),
            next_release: from.next_release.value(),
            newest_note: from.newest.as_ref().map(note_bytes).unwrap_or_default(),
            first_quorum_from: from.first_quorum_from.map_or(0, TreeSize::value),
            knows_successor: from.knows_successor,
        }
    }
}

/// The note as it is, in a message's bytes.
pub(crate) fn note_bytes(checkpoint: &SignedCheckpoint) -> Bytes {
    Bytes::copy_from_slice(checkpoint.as_bytes())
}

impl From<&SignedCheckpoint> for v1::Checkpoint {
    fn from(checkpoint: &SignedCheckpoint) -> Self {
        Self { note: note_bytes(checkpoint) }
    }
}

/// One step of a followed log, as received: nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowEvent {
    /// A checkpoint, to which the later frames lead up.
    Checkpoint(SignedCheckpoint),
    /// Entries.
    Frame(Frame),
    /// Openings.
    Release(ReleaseFrame),
    /// Nothing new.
    Heartbeat(Heartbeat),
    /// A checkpoint of entries sent before, as it stood with its first quorum.
    FirstQuorum(SignedCheckpoint),
}

impl FollowEvent {
    /// Bytes of what it carries as it travels: of the note, of the entries, of the padded openings. By these whoever
    /// holds many of them knows how much they take.
    pub fn content_bytes(&self) -> usize {
        match self {
            Self::Checkpoint(note) | Self::FirstQuorum(note) => note.as_bytes().len(),
            Self::Frame(frame) => frame.entries().iter().map(|entry| entry.as_bytes().len()).sum(),
            Self::Release(frame) => frame.disclosures().iter().map(Disclosure::content_bytes).sum(),
            Self::Heartbeat(_) => 0,
        }
    }
}

/// How far the sender has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Size of its newest checkpoint.
    pub size: TreeSize,
    /// The number that its next disclosure will get.
    pub next_release: ReleaseNumber,
    /// Whether something of the entries sent is held back for now.
    pub held_back: bool,
}

impl TryFrom<v1::FollowResponse> for FollowEvent {
    type Error = InvalidMessage;

    fn try_from(message: v1::FollowResponse) -> Result<Self, InvalidMessage> {
        match message.event.ok_or(InvalidMessage::Missing { field: "follow_response.event" })? {
            Event::Checkpoint(v1::Checkpoint { note }) => {
                field::checkpoint("checkpoint.note", &note).map(Self::Checkpoint)
            }
            Event::Frame(frame) => frame.try_into().map(Self::Frame),
            Event::Release(release) => release.try_into().map(Self::Release),
            Event::Heartbeat(beat) => Ok(Self::Heartbeat(Heartbeat {
                size: field::size("heartbeat.size", beat.size)?,
                next_release: ReleaseNumber::new(beat.next_release),
                held_back: beat.held_back,
            })),
            Event::FirstQuorum(v1::Checkpoint { note }) => {
                field::checkpoint("first_quorum.note", &note).map(Self::FirstQuorum)
            }
        }
    }
}

/// The step that brings a checkpoint as it stood with its first quorum, byte for byte.
pub fn first_quorum(checkpoint: &SignedCheckpoint) -> v1::FollowResponse {
    v1::FollowResponse { event: Some(Event::FirstQuorum(checkpoint.into())) }
}

impl From<&SignedCheckpoint> for v1::FollowResponse {
    fn from(checkpoint: &SignedCheckpoint) -> Self {
        Self { event: Some(Event::Checkpoint(checkpoint.into())) }
    }
}

impl From<&Frame> for v1::FollowResponse {
    fn from(frame: &Frame) -> Self {
        Self { event: Some(Event::Frame(frame.into())) }
    }
}

impl TryFrom<ReleaseFrame> for v1::FollowResponse {
    type Error = InvalidMessage;

    fn try_from(release: ReleaseFrame) -> Result<Self, InvalidMessage> {
        Ok(Self { event: Some(Event::Release(release.try_into()?)) })
    }
}

impl From<Heartbeat> for v1::FollowResponse {
    fn from(beat: Heartbeat) -> Self {
        let Heartbeat { size, next_release, held_back } = beat;
        let (size, next_release) = (size.value(), next_release.value());
        let beat = v1::Heartbeat { size, next_release, held_back };
        Self { event: Some(Event::Heartbeat(beat)) }
    }
}

#[cfg(test)]
mod tests {
    use comity_tlog::{Checkpoint, Hash, KeyKind, KeyName, SigningKey};

    use super::*;

    fn signed(origin: &str) -> SignedCheckpoint {
        let key = SigningKey::from_seed(KeyName::new(origin).unwrap(), KeyKind::Ed25519, &[1; 32]).unwrap();
        Checkpoint::new(origin, TreeSize::new(5).unwrap(), Hash::from_bytes([2; 32]))
            .unwrap()
            .sign(&key)
            .unwrap()
    }

    fn request() -> v1::FollowRequest {
        v1::FollowRequest {
            origin: "a.example/pub".to_owned(),
            next_index: 5,
            next_release: 3,
            newest_note: note_bytes(&signed("a.example/pub")),
            first_quorum_from: 4,
            knows_successor: true,
        }
    }

    #[test]
    fn a_request_travels_with_and_without_a_note() {
        let without = v1::FollowRequest { newest_note: Bytes::new(), first_quorum_from: 0, ..request() };
        assert_eq!(FollowFrom::try_from(without.clone()).unwrap().first_quorum_from, None);
        for message in [request(), without] {
            let from = FollowFrom::try_from(message.clone()).unwrap();
            assert_eq!(v1::FollowRequest::from(&from), message);
        }
    }

    #[test]
    fn each_field_of_a_request_is_checked() {
        let check = |field: &str, change: &dyn Fn(&mut v1::FollowRequest)| {
            let mut bad = request();
            change(&mut bad);
            assert_eq!(FollowFrom::try_from(bad).unwrap_err().field(), field);
        };
        check("follow_request.origin", &|request| request.origin.clear());
        check("follow_request.next_index", &|request| request.next_index = 1 << 63);
        check("follow_request.first_quorum_from", &|request| request.first_quorum_from = 1 << 63);
        check(NEWEST, &|request| request.newest_note = Bytes::from_static(b"not a note"));
        check(NEWEST, &|request| request.newest_note = note_bytes(&signed("b.example/pub")));
        check(NEWEST, &|request| request.newest_note = Bytes::from(vec![b'a'; 1_000_001]));
    }

    #[test]
    fn events_are_read_as_they_were_sent() {
        let checkpoint = signed("a.example/pub");
        let sent = v1::FollowResponse::from(&checkpoint);
        assert_eq!(FollowEvent::try_from(sent), Ok(FollowEvent::Checkpoint(checkpoint.clone())));
        let sent = first_quorum(&checkpoint);
        assert_eq!(FollowEvent::try_from(sent), Ok(FollowEvent::FirstQuorum(checkpoint)));
        let beat = Heartbeat {
            size: TreeSize::new(7).unwrap(),
            next_release: ReleaseNumber::new(2),
            held_back: true,
        };
        assert_eq!(FollowEvent::try_from(v1::FollowResponse::from(beat)), Ok(FollowEvent::Heartbeat(beat)));
    }

    #[test]
    fn each_event_is_checked() {
        let check = |field: &str, event: Option<Event>| {
            assert_eq!(FollowEvent::try_from(v1::FollowResponse { event }).unwrap_err().field(), field);
        };
        check("follow_response.event", None);
        check("checkpoint.note", Some(Event::Checkpoint(v1::Checkpoint::default())));
        let strange = v1::Checkpoint { note: note_bytes(&signed("sum.example")) };
        check("checkpoint.note", Some(Event::Checkpoint(strange)));
        // What is too long, or has more lines than a note may have, is refused before it is read further.
        let signed = signed("a.example/pub");
        let line = "— w.example/w AAAAAAAAAAA=\n".repeat(10_000);
        let lines = [signed.as_bytes(), line.as_bytes()].concat();
        let long = Bytes::from(vec![b'a'; 1_000_001]);
        let cut = note_bytes(&signed).slice(..signed.as_bytes().len() - 1);
        for note in [Bytes::new(), cut, lines.into(), long] {
            check("first_quorum.note", Some(Event::FirstQuorum(v1::Checkpoint { note })));
        }
        check("frame.entries", Some(Event::Frame(v1::Frame::default())));
        check("release.openings", Some(Event::Release(v1::Release::default())));
        let far = v1::Heartbeat { size: u64::MAX, next_release: 0, held_back: false };
        check("heartbeat.size", Some(Event::Heartbeat(far)));
    }
}
