//! A frame of a followed log: a replica takes entries of its author, at their places, and no others.
//!
//! The input is start (8 bytes), count (1), each entry after its length (2), and the hashes of the proof (32 each).
#![no_main]

use std::sync::LazyLock;

use comity_fuzz::{SAMPLE, root_of, size};
use comity_ledger::{Frame, Head, Replica};
use comity_tlog::{ConsistencyProof, Hash, RightEdge, TreeSize, VerifiedCheckpoint};

/// Verified once: what is tried here are frames.
static CHECKPOINT: LazyLock<VerifiedCheckpoint> =
    LazyLock::new(|| SAMPLE.checkpoint.verify(SAMPLE.log.verifier(), &[]).unwrap());

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(frame) = read(input) else { return };
    let whole = size(SAMPLE.entries.len());
    for held in [0, 1, 4, 8] {
        let mut edge = RightEdge::empty();
        for entry in &SAMPLE.entries[..held] {
            edge.append(entry.leaf()).unwrap();
        }
        let head = Head { size: whole, root: root_of(&SAMPLE.entries) };
        let log = SAMPLE.log.verifier().clone();
        let mut replica = Replica::new(SAMPLE.origin.clone(), log, edge, Some(head));
        let Ok(taken) = replica.verify_frame(frame.clone(), &CHECKPOINT) else {
            assert_eq!(replica.size(), size(held), "a refused frame changes nothing");
            continue;
        };
        assert_eq!(taken.start(), size(held));
        for (entry, own) in taken.entries().iter().zip(&SAMPLE.entries[held..]) {
            assert_eq!(entry, own.bytes(), "the author never wrote this");
        }
        replica.advance(&taken);
        let end = held + taken.entries().len();
        assert_eq!(taken.head(), Head { size: size(end), root: root_of(&SAMPLE.entries[..end]) });
        assert_eq!(replica.size(), size(end));
    }
});

fn read(input: &[u8]) -> Option<Frame> {
    let (start, rest) = input.split_first_chunk::<8>()?;
    let (count, mut rest) = rest.split_first()?;
    let mut entries = Vec::new();
    for _ in 0..*count {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry.to_vec());
        rest = after;
    }
    let hashes = rest.as_chunks::<32>().0.iter().map(|bytes| Hash::from_bytes(*bytes)).collect();
    let proof = ConsistencyProof::new(hashes).ok()?;
    let start = TreeSize::new(u64::from_be_bytes(*start)).ok()?;
    let frame = Frame::new(start, entries.clone(), proof).ok()?;
    assert!(frame.entries().iter().map(|entry| entry.as_bytes()).eq(entries), "entries pass as they came");
    assert_eq!(frame.end().value() - frame.start().value(), u64::from(*count));
    Some(frame)
}
