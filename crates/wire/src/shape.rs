//! How many items each list of each message may hold, counted over the encoded bytes.
//!
//! Only what costs memory is looked at: lists, and the messages on the way to them. Whether a message is a good one
//! is the decoder's and the conversions' business.

use comity_ledger::{FRAME_ENTRIES_MAX, KEYS_MAX};
use comity_tlog::{ConsistencyProof, NOTE_SIGNATURES_MAX};
use comity_watchlist::Section;
use comity_watchlist::limits::{HANDLES_MAX, VOCABULARY_PARTS_MAX};
use prost::encoding::{WireType, decode_key, decode_varint};

use crate::ErrorCode;
use crate::append::CHANGES_PER_MESSAGE_MAX;
use crate::heads::{EVIDENCE_FILES_MAX, EVIDENCE_HELD_MAX, HEAD_DIGESTS_MAX, HEAD_UPDATES_MAX};
use crate::release::RELEASE_OPENINGS_MAX;
use crate::revocations::{REVOCATION_LISTS_HELD_MAX, REVOCATION_LISTS_MAX};
use crate::screen::HITS_MAX;

/// Most logs of which a node speaks in one message: as many as it may pin.
const LOGS_MAX: usize = HEAD_DIGESTS_MAX;

/// Most peers of one node: each could bring 64 origins, but few do.
const PEERS_MAX: usize = 1_024;

/// Most standing alarms that one answer holds: one for each peer, or far fewer of another kind.
const ALARMS_MAX: usize = 1_024;

/// Most dates of certificates and revocation lists in one answer: each of 64 peers has some ten of them.
pub const EXPIRIES_MAX: usize = 1_024;

/// Most problems with certificates and lists in one answer: each of 64 peers can have as many as it has authorities, and
/// two more.
pub const TLS_PROBLEMS_MAX: usize = 512;

/// Most keys in one answer: as many as a log may have in its life, and those that the first card names.
const KEYS_LISTED_MAX: usize = KEYS_MAX + 16;

/// Most key events that are entered at a time: one key follows another with two of them.
pub const KEY_EVENTS_MAX: usize = 4;

/// Most sections of one entry: a slot is one byte.
const SLOTS_MAX: usize = 256;

/// Most erasures that wait in an answer: the first of them; `comity record confirm` lists all.
pub const WAITING_ERASURES_MAX: usize = 1_024;

/// Most same-as statements about one listing in an answer: as many as the view gives.
pub const STATEMENTS_MAX: usize = 256;

/// Most agencies whose view of a subject an answer tells.
pub const SUBJECTS_MAX: usize = 64;

/// Most listings of one subject in an answer: as many as the view gives. With the longest names all lists of an answer
/// stay under half of an admin message.
pub const SUBJECT_LISTINGS_MAX: usize = 64;

/// Most editions of vocabularies in an answer.
pub const VOCABULARIES_MAX: usize = 1_024;

/// Most editions in a status that records were written against and that are old.
pub const OLD_CODES_MAX: usize = 256;

/// A field that may stand at most `max` times, and the lists within each of its messages.
struct List {
    field: u32,
    max: usize,
    within: &'static [List],
    /// Whether its messages hold nothing but those lists.
    is_closed: bool,
}

const fn list(field: u32, max: usize) -> List {
    list_of(field, max, &[])
}

const fn list_of(field: u32, max: usize, within: &'static [List]) -> List {
    List { field, max, within, is_closed: false }
}

/// A single message that holds lists. Said twice, protobuf would join its lists, so it must not be.
const fn one(field: u32, within: &'static [List]) -> List {
    list_of(field, 1, within)
}

/// The same, of which nothing may be skipped as unknown: an item under another number would be missed by nobody.
const fn one_closed(field: u32, within: &'static [List]) -> List {
    List { is_closed: true, ..one(field, within) }
}

const FOLLOW: &[List] = &[
    // What the proof of a frame does not cover is no entry; the openings of a release have nothing that counts them.
    one(2, &[list(2, FRAME_ENTRIES_MAX), list(3, ConsistencyProof::HASHES_MAX)]),
    one_closed(3, &[list(1, RELEASE_OPENINGS_MAX)]),
];
const UPDATE: &[List] =
    &[one(4, &[list(1, NOTE_SIGNATURES_MAX)]), one(5, &[list(3, ConsistencyProof::HASHES_MAX)])];
const HEADS: &[List] = &[
    list(1, HEAD_DIGESTS_MAX),
    list_of(2, HEAD_UPDATES_MAX, UPDATE),
    list(5, EVIDENCE_FILES_MAX),
    list(6, EVIDENCE_HELD_MAX),
    list(7, REVOCATION_LISTS_MAX),
    list(8, REVOCATION_LISTS_HELD_MAX),
];
const APPEND: &[List] = &[one(2, &[list_of(1, CHANGES_PER_MESSAGE_MAX, &[list(2, Section::ALL.len())])])];
const RECORDS: &[List] =
    &[list_of(1, CHANGES_PER_MESSAGE_MAX, &[list(5, Section::ALL.len()), list(9, HANDLES_MAX)])];
const STATEMENTS: &[List] =
    &[list(1, STATEMENTS_MAX), list_of(2, SUBJECTS_MAX, &[list(2, SUBJECT_LISTINGS_MAX)])];
const VOCABULARIES: &[List] = &[list_of(1, VOCABULARIES_MAX, &[list(10, VOCABULARY_PARTS_MAX)])];
const STATUS: &[List] = &[
    list(4, LOGS_MAX),
    list(5, PEERS_MAX),
    list(6, ALARMS_MAX),
    list(7, LOGS_MAX),
    list(9, EXPIRIES_MAX),
    list(11, WAITING_ERASURES_MAX),
    list(12, OLD_CODES_MAX),
];
const SCREEN: &[List] = &[list(2, LOGS_MAX), list(3, HITS_MAX), list(5, LOGS_MAX)];

/// Every request and response that holds lists.
const MESSAGES: [(&str, &[List]); 16] = [
    ("FollowResponse", FOLLOW),
    ("ExchangeHeadsRequest", HEADS),
    ("ExchangeHeadsResponse", HEADS),
    ("ConsistencyResponse", &[list(1, ConsistencyProof::HASHES_MAX)]),
    ("AppendRequest", APPEND),
    ("ListRecordsResponse", RECORDS),
    ("ListStatementsResponse", STATEMENTS),
    ("ListVocabulariesResponse", VOCABULARIES),
    ("ReadEntryResponse", &[list(2, SLOTS_MAX)]),
    ("StatusResponse", STATUS),
    ("ListLogsResponse", &[list(1, LOGS_MAX)]),
    ("ListPeersResponse", &[list(1, PEERS_MAX)]),
    ("ScreenResponse", SCREEN),
    ("ListKeysResponse", &[list(2, KEYS_LISTED_MAX)]),
    ("EnterKeyEventsRequest", &[list(1, KEY_EVENTS_MAX)]),
    ("ReloadTlsResponse", &[list(5, TLS_PROBLEMS_MAX)]),
];

/// Checks the lists of an encoded message of `comity.v1`.
///
/// # Errors
/// [`ErrorCode::TooLarge`] if a list is over its limit, [`ErrorCode::Malformed`] if the bytes are no message, or a
/// release holds anything but openings.
pub(crate) fn check(message: &str, bytes: &[u8]) -> Result<(), ErrorCode> {
    let known = MESSAGES.iter().find(|(name, _)| *name == message);
    known.map_or(Ok(()), |(_, lists)| walk(bytes, lists, false))
}

/// Walks the fields of one message; as deep as the tables above, at most four messages.
fn walk(mut bytes: &[u8], lists: &[List], is_closed: bool) -> Result<(), ErrorCode> {
    let mut counts = vec![0usize; lists.len()];
    while !bytes.is_empty() {
        let (field, wire_type) = decode_key(&mut bytes).map_err(|_| ErrorCode::Malformed)?;
        let content = value(&mut bytes, wire_type).ok_or(ErrorCode::Malformed)?;
        if is_closed && lists.iter().all(|list| list.field != field) {
            return Err(ErrorCode::Malformed);
        }
        for (list, count) in lists.iter().zip(&mut counts).filter(|(list, _)| list.field == field) {
            *count += 1;
            if *count > list.max {
                return Err(ErrorCode::TooLarge);
            }
            if !list.within.is_empty() {
                walk(content, list.within, list.is_closed)?;
            }
        }
    }
    Ok(())
}

/// Splits the value of a field off; `None` if there is none, or of the groups that proto3 does not have.
fn value<'a>(bytes: &mut &'a [u8], wire_type: WireType) -> Option<&'a [u8]> {
    let len = match wire_type {
        WireType::Varint => {
            decode_varint(bytes).ok()?;
            0
        }
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::LengthDelimited => usize::try_from(decode_varint(bytes).ok()?).ok()?,
        WireType::StartGroup | WireType::EndGroup => return None,
    };
    let (content, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(content)
}

#[cfg(test)]
mod tests {
    use protox::prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

    use super::*;

    /// Goal: a list that is added to a message later is not forgotten here.
    /// Way: compare the tables with the descriptors, message by message, from every request and response on.
    #[test]
    fn every_list_of_every_message_has_a_limit() {
        let pool = DescriptorPool::decode(crate::DESCRIPTORS).unwrap();
        let mut compared = 0;
        for service in pool.services() {
            for method in service.methods() {
                for message in [method.input(), method.output()] {
                    let lists = MESSAGES.iter().find(|(name, _)| *name == message.name());
                    compare(&message, lists.map_or(&[], |(_, lists)| lists));
                    compared += 1;
                }
            }
        }
        assert_eq!(compared, 54);
    }

    fn compare(message: &MessageDescriptor, lists: &[List]) {
        for field in message.fields() {
            let listed = lists.iter().find(|list| list.field == field.number());
            let inner = match field.kind() {
                Kind::Message(inner) if holds_lists(&inner) => Some(inner),
                _ => None,
            };
            let expected = field.is_list() || inner.is_some();
            assert_eq!(listed.is_some(), expected, "{}", field.full_name());
            if let Some(listed) = listed {
                assert!(field.is_list() || listed.max == 1, "{} is single", field.full_name());
                match inner {
                    Some(inner) => compare(&inner, listed.within),
                    None => assert!(listed.within.is_empty(), "{}", field.full_name()),
                }
            }
        }
        let known = |list: &List| message.get_field(list.field).is_some();
        assert!(lists.iter().all(known), "{} has no such field", message.name());
    }

    fn holds_lists(message: &MessageDescriptor) -> bool {
        message.fields().any(|field| {
            field.is_list() || matches!(field.kind(), Kind::Message(inner) if holds_lists(&inner))
        })
    }

    #[test]
    fn a_list_within_a_list_is_counted_for_each() {
        // Two records with the most sections each, then one with one more.
        let record = |sections: usize| {
            [vec![0x0a, u8::try_from(2 * sections).unwrap()], [0x2a, 0].repeat(sections)].concat()
        };
        let good = [record(6), record(6)].concat();
        assert_eq!(check("ListRecordsResponse", &good), Ok(()));
        let bad = [record(6), record(7)].concat();
        assert_eq!(check("ListRecordsResponse", &bad), Err(ErrorCode::TooLarge));
    }

    /// Goal: an opening whose key was changed does not vanish from its release as an unknown field.
    /// Way: the second of two openings stands under each other number that fits one byte of key.
    #[test]
    fn a_release_holds_nothing_but_openings() {
        let release = |key: u8| [0x1a, 0x04, 0x0a, 0x00, key, 0x00];
        assert_eq!(check("FollowResponse", &release(0x0a)), Ok(()));
        for number in 2..16 {
            assert_eq!(check("FollowResponse", &release(number << 3 | 2)), Err(ErrorCode::Malformed));
        }
        let later_event = [0x32, 0x00];
        assert_eq!(check("FollowResponse", &later_event), Ok(()), "elsewhere unknown fields are skipped");
    }

    #[test]
    fn a_single_message_that_is_said_twice_is_refused() {
        let frame = [0x12, 0x02, 0x12, 0x00];
        assert_eq!(check("FollowResponse", &frame), Ok(()));
        assert_eq!(check("FollowResponse", &frame.repeat(2)), Err(ErrorCode::TooLarge));
    }
}
