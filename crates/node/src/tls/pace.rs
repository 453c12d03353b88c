//! How much a caller may make this side work: a pace of frames, whatever its connections are.
//!
//! Each frame of HTTP/2 costs its receiver about the same, be it a PING of 17 bytes, and a peer's questions are few.
//! So whoever floods is read more slowly, and its own TCP connections hold the flood back; nobody else waits.
//! Not here: how many connections a caller may have (`caps`), and what one call may hold (the services).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of payload that cost as much as a frame.
const UNIT_BYTES: usize = 1 << 10;

/// The same where the payload is headers, a byte of which may stand for a whole header (RFC 7541 §6.1).
const HEADER_UNIT_BYTES: usize = 16;

/// The frames that carry headers: HEADERS and CONTINUATION (RFC 9113 §6.2, §6.10).
const WITH_HEADERS: [u8; 2] = [1, 9];

/// What a handshake costs, in units: its signatures and certificates take 0.7 ms of a core, a frame some µs.
pub(super) const HANDSHAKE_UNITS: u32 = 200;

/// Length of the head of a frame, in bytes (RFC 9113 §4.1).
const HEAD_BYTES: usize = 9;

/// Units of work that a caller may cause; a unit is one frame, or one KiB of its payload, or 16 bytes of headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// What a unit adds to the time that the caller has used up.
    pub unit: Duration,
    /// How much it may use up ahead of time.
    pub burst: Duration,
}

/// What one caller has used up, over all its connections and from one to the next.
#[derive(Debug)]
pub(super) struct Allowance {
    pace: Pace,
    /// Until when the caller has used up its time; past if it was idle.
    used_up_to: Mutex<Instant>,
}

impl Allowance {
    pub(super) fn new(pace: Pace, now: Instant) -> Self {
        Self { pace, used_up_to: Mutex::new(now) }
    }

    /// Takes note of work that was caused; gives how long the caller must wait before it may cause more.
    pub(super) fn spend(&self, units: u32, now: Instant) -> Duration {
        let mut used_up_to = self.used_up_to.lock().unwrap_or_else(PoisonError::into_inner);
        *used_up_to = (*used_up_to).max(now) + self.pace.unit.saturating_mul(units);
        used_up_to.saturating_duration_since(now).saturating_sub(self.pace.burst)
    }

    /// Whether all is as if the caller had never come.
    pub(super) fn is_whole(&self, now: Instant) -> bool {
        *self.used_up_to.lock().unwrap_or_else(PoisonError::into_inner) <= now
    }
}

/// Counts the frames in the bytes that come over one connection, however they are cut.
#[derive(Debug)]
pub(super) struct FrameCount {
    /// Bytes of the present payload still to come.
    payload: usize,
    /// The head under way.
    head: Vec<u8>,
}

impl FrameCount {
    /// Begins before the client's preface, whose length is given in bytes.
    pub(super) fn after(preface: usize) -> Self {
        Self { payload: preface, head: Vec::with_capacity(HEAD_BYTES) }
    }

    /// The units in the next bytes: each frame when its head is complete, with all of its payload.
    pub(super) fn count(&mut self, mut bytes: &[u8]) -> u32 {
        let mut units: u32 = 0;
        while !bytes.is_empty() {
            if self.payload > 0 {
                let skipped = self.payload.min(bytes.len());
                self.payload -= skipped;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            let wanted = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
            let (head, rest) = bytes.split_at(wanted);
            self.head.extend_from_slice(head);
            bytes = rest;
            if let [high, middle, low, kind, _, _, _, _, _] = *self.head {
                let length = u32::from_be_bytes([0, high, middle, low]);
                self.payload = usize::try_from(length).unwrap_or(usize::MAX);
                let unit = if WITH_HEADERS.contains(&kind) { HEADER_UNIT_BYTES } else { UNIT_BYTES };
                let more = u32::try_from(self.payload / unit).unwrap_or(u32::MAX);
                units = units.saturating_add(1).saturating_add(more);
                self.head.clear();
            }
        }
        units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { unit: Duration::from_millis(1), burst: Duration::from_millis(100) };

    #[test]
    fn a_caller_waits_for_what_it_spent_beyond_its_burst() {
        let begun = Instant::now();
        let after = |millis| begun + Duration::from_millis(millis);
        let allowance = Allowance::new(PACE, begun);
        assert_eq!(allowance.spend(100, begun), Duration::ZERO);
        assert_eq!(allowance.spend(30, begun), Duration::from_millis(30));
        assert_eq!(allowance.spend(50, after(80)), Duration::ZERO);
        assert!(!allowance.is_whole(after(179)) && allowance.is_whole(after(180)));
        assert_eq!(allowance.spend(101, after(9_000)), Duration::from_millis(1), "idle time is not saved up");
    }

    #[test]
    fn frames_are_counted_however_their_bytes_are_cut() {
        let frame = |kind: u8, length: u32| {
            let head = [&length.to_be_bytes()[1..], &[kind], &[0; 5]].concat();
            [head, vec![0xff; usize::try_from(length).unwrap()]].concat()
        };
        let bytes = [vec![0xff; 24], frame(0, 0), frame(6, 8), frame(0, 5_000), frame(1, 40), frame(9, 16)];
        let bytes = bytes.concat();
        for cut in [1, 2, 8, 9, 10, 23, 24, 25, 1_000, bytes.len()] {
            let mut count = FrameCount::after(24);
            let units: u32 = bytes.chunks(cut).map(|piece| count.count(piece)).sum();
            assert_eq!(units, 5 + 4 + 2 + 1, "cut every {cut} bytes");
        }
    }
}
