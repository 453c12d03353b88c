//! No bytes of a peer make a conversion panic.

use bytes::Bytes;
use comity_ledger::Frame;
use comity_tlog::ConsistencyProof;
use comity_wire::{
    AppendStep, ConsistencyQuery, FilePart, FollowEvent, FollowFrom, Greeting, Heads, ListedRecord, LogHead,
    ReleaseFrame, ScreenQuery, sanitize, v1,
};
use proptest::prelude::*;
use prost::Message;

/// Decodes bytes as a message and converts it; true if both went well.
fn accepted<M, D>(bytes: &[u8]) -> bool
where
    M: Message + Default,
    D: TryFrom<M>,
{
    M::decode(bytes).is_ok_and(|message| D::try_from(message).is_ok())
}

/// Every conversion over the same bytes; how many accepted them.
fn convert_all(bytes: &[u8]) -> usize {
    let greeted = v1::HelloResponse::decode(bytes).is_ok_and(|hello| Greeting::from_response(hello).is_ok());
    [
        greeted,
        accepted::<v1::HelloRequest, Greeting>(bytes),
        accepted::<v1::FollowRequest, FollowFrom>(bytes),
        accepted::<v1::FollowResponse, FollowEvent>(bytes),
        accepted::<v1::Frame, Frame>(bytes),
        accepted::<v1::Release, ReleaseFrame>(bytes),
        accepted::<v1::ExchangeHeadsRequest, Heads>(bytes),
        accepted::<v1::ExchangeHeadsResponse, Heads>(bytes),
        accepted::<v1::ConsistencyRequest, ConsistencyQuery>(bytes),
        accepted::<v1::ConsistencyResponse, ConsistencyProof>(bytes),
        accepted::<v1::LogHead, LogHead>(bytes),
        accepted::<v1::AppendRequest, AppendStep>(bytes),
        accepted::<v1::CurrentRecord, ListedRecord>(bytes),
        accepted::<v1::FilePart, FilePart>(bytes),
        accepted::<v1::ScreenRequest, ScreenQuery>(bytes),
    ]
    .into_iter()
    .filter(|accepted| *accepted)
    .count()
}

fn some_bytes(max: usize) -> impl Strategy<Value = Bytes> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..max).prop_map(Bytes::from),
        Just(Bytes::from_static(&[1; 32])),
    ]
}

/// Positions near the ends of their range, where additions would overflow.
fn position() -> impl Strategy<Value = u64> {
    prop_oneof![0..600u64, (u64::MAX - 300)..=u64::MAX, ((1 << 63) - 300)..=(1u64 << 63)]
}

prop_compose! {
    fn frame()(
        start in position(),
        entries in proptest::collection::vec(some_bytes(500), 0..300),
        consistency in proptest::collection::vec(some_bytes(40), 0..70),
    ) -> v1::Frame {
        v1::Frame { start, entries, consistency }
    }
}

prop_compose! {
    fn opening()(
        release_number in position(),
        origin in "[a-c.]{0,4}/?(pub)?",
        index in position(),
        slot in 0..300u32,
        content in proptest::option::of(prop_oneof![
            proptest::collection::vec(any::<u8>(), 256).prop_map(|bytes| v1::opening::Content::Padded(bytes.into())),
            some_bytes(300).prop_map(v1::opening::Content::Padded),
            (-1..5i32).prop_map(v1::opening::Content::Absence),
        ]),
    ) -> v1::Opening {
        v1::Opening { release_number, origin, index, slot, content }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        convert_all(&bytes);
    }

    #[test]
    fn random_frames_never_panic(frame in frame()) {
        convert_all(&v1::FollowResponse { event: Some(v1::follow_response::Event::Frame(frame.clone())) }.encode_to_vec());
        if let Ok(read) = Frame::try_from(frame.clone()) {
            prop_assert_eq!(v1::Frame::from(&read), frame);
        }
    }

    #[test]
    fn random_releases_never_panic(openings in proptest::collection::vec(opening(), 0..5)) {
        let release = v1::Release { openings };
        if let Ok(read) = ReleaseFrame::try_from(release.clone()) {
            prop_assert_eq!(v1::Release::try_from(read).unwrap(), release);
        }
    }

    #[test]
    fn random_statuses_never_pass_their_words(code in 0..20i32, words in "(malformed|internal|busy)?(: )?.{0,80}") {
        let clean = sanitize(&tonic::Status::new(tonic::Code::from(code), words));
        let reason = clean.message().split(": ").next().unwrap_or_default();
        prop_assert!(comity_wire::ErrorCode::from_reason(reason).is_some());
        prop_assert!(clean.message().len() < 100 && clean.message().is_ascii());
    }
}

/// Goal: a flipped bit of an accepted message is refused or read, never a panic.
/// Way: flip every bit of a request with a note; the note is unverified here, so that many stay readable.
#[test]
fn every_bit_flip_of_a_request_is_refused_or_read() {
    let note =
        "a.example/pub\n5\nAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n\n— a.example/pub AAAAAAAAAAA=\n";
    let request = v1::FollowRequest {
        origin: "a.example/pub".to_owned(),
        next_index: 5,
        next_release: 300,
        newest_note: Bytes::from_static(note.as_bytes()),
        first_quorum_from: 4,
        knows_successor: true,
    };
    let bytes = request.encode_to_vec();
    assert!(accepted::<v1::FollowRequest, FollowFrom>(&bytes));
    let mut refused = 0usize;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        convert_all(&flipped);
        refused += usize::from(!accepted::<v1::FollowRequest, FollowFrom>(&flipped));
    }
    assert!(refused > bytes.len() * 4, "only {refused} of {} flips were refused", bytes.len() * 8);
}
