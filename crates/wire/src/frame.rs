//! Frames of entries. Whether one fits a log is `ledger::Replica`'s question.

use bytes::Bytes;
use comity_ledger::{ENTRY_BYTES_MAX, EntryBytes, FRAME_BYTES_MAX, FRAME_ENTRIES_MAX, Frame};
use comity_tlog::ConsistencyProof;

use crate::{InvalidMessage, field, v1};

const ENTRIES: &str = "frame.entries";

impl TryFrom<v1::Frame> for Frame {
    type Error = InvalidMessage;

    fn try_from(message: v1::Frame) -> Result<Self, InvalidMessage> {
        let start = field::size("frame.start", message.start)?;
        field::count(ENTRIES, message.entries.len(), 1, FRAME_ENTRIES_MAX)?;
        if let Some(entry) = message.entries.iter().find(|entry| entry.len() > ENTRY_BYTES_MAX) {
            return Err(InvalidMessage::TooLong { field: ENTRIES, found: entry.len(), max: ENTRY_BYTES_MAX });
        }
        field::total(ENTRIES, message.entries.iter().map(Bytes::len), FRAME_BYTES_MAX)?;
        let proof = field::proof("frame.consistency", &message.consistency)?;
        Self::new(start, message.entries, proof)
            .map_err(|source| InvalidMessage::Frame { field: "frame", source })
    }
}

impl From<&Frame> for v1::Frame {
    fn from(frame: &Frame) -> Self {
        let entries = frame.entries().iter().map(EntryBytes::to_shared).collect();
        Self { start: frame.start().value(), entries, consistency: hashes(frame.proof()) }
    }
}

/// The hashes of a proof, in one allocation.
pub(crate) fn hashes(proof: &ConsistencyProof) -> Vec<Bytes> {
    joined(proof.hashes().iter().map(|hash| hash.as_bytes().as_slice()))
}

/// Slices of one buffer instead of an allocation for each item.
fn joined<'a>(items: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<Bytes> {
    let lengths: Vec<usize> = items.clone().map(<[u8]>::len).collect();
    let mut rest = Bytes::from(items.collect::<Vec<_>>().concat());
    lengths.into_iter().map(|len| rest.split_to(len.min(rest.len()))).collect()
}

#[cfg(test)]
mod tests {
    use comity_ledger::{AuthorTime, Draft, Entropy, EntropyError, Kind, Origin};

    use super::*;

    struct Counting(u8);

    impl Entropy for Counting {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
            self.0 = self.0.wrapping_add(1);
            bytes.fill(self.0);
            Ok(())
        }
    }

    fn message(entries: usize) -> v1::Frame {
        let origin: Origin = "a.example/pub".parse().unwrap();
        let mut entropy = Counting(0);
        let time = AuthorTime::from_unix_secs(1_700_000_000);
        let mut seal =
            || Draft::new(Kind::Record, None).seal(&origin, time, &mut entropy).unwrap().bytes().clone();
        v1::Frame {
            start: 512,
            entries: (0..entries).map(|_| Bytes::copy_from_slice(seal().as_bytes())).collect(),
            consistency: vec![Bytes::from_static(&[7; 32]); 3],
        }
    }

    #[test]
    fn a_frame_travels_byte_for_byte() {
        for entries in [1, 2, 256] {
            let message = message(entries);
            let frame = Frame::try_from(message.clone()).unwrap();
            assert_eq!(frame.end().value(), 512 + u64::try_from(entries).unwrap());
            assert_eq!(v1::Frame::from(&frame), message);
        }
    }

    #[test]
    fn each_field_of_a_frame_is_checked() {
        let check = |field: &str, change: &dyn Fn(&mut v1::Frame)| {
            let mut bad = message(2);
            change(&mut bad);
            assert_eq!(Frame::try_from(bad).unwrap_err().field(), field);
        };
        check("frame.start", &|frame| frame.start = u64::MAX);
        check("frame.entries", &|frame| frame.entries.clear());
        check("frame.entries", &|frame| frame.entries = vec![Bytes::new(); 257]);
        check("frame.entries", &|frame| frame.entries[1] = Bytes::from(vec![0; ENTRY_BYTES_MAX + 1]));
        check("frame.consistency", &|frame| frame.consistency[2] = Bytes::from_static(&[0; 31]));
        check("frame.consistency", &|frame| frame.consistency = vec![Bytes::from_static(&[0; 32]); 65]);
        check("frame", &|frame| frame.start = 511);
        check("frame", &|frame| frame.entries[0] = Bytes::from_static(b"no entry"));
        check("frame", &|frame| frame.entries[0] = Bytes::new());
    }
}
