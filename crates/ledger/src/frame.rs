//! Frames: a run of entries on its way, with the proof that joins its end to a checkpoint.

use bytes::Bytes;
use comity_tlog::{ConsistencyProof, TreeSize};

use crate::{EntryBytes, Kind, Rejection};

/// Most entries of one frame: one tile's worth, so that a frame never crosses a 256 boundary.
pub const FRAME_ENTRIES_MAX: usize = 256;

/// Most bytes of the entries of one frame.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// A run of entries as received or about to be sent: well formed, but compared with no checkpoint yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    start: TreeSize,
    end: TreeSize,
    entries: Vec<EntryBytes>,
    proof: ConsistencyProof,
}

impl Frame {
    /// Takes entries that begin where a log of `start` entries ends, and the consistency proof from the end of
    /// the run to the size of the checkpoint that covers it.
    ///
    /// # Errors
    /// A [`Rejection`] if the frame is empty, over a limit, crosses a 256 boundary, or holds what is no entry.
    pub fn new<B: Into<Bytes>>(
        start: TreeSize,
        entries: Vec<B>,
        proof: ConsistencyProof,
    ) -> Result<Self, Rejection> {
        let entries: Vec<Bytes> = entries.into_iter().map(Into::into).collect();
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        if entries.is_empty() || entries.len() > FRAME_ENTRIES_MAX {
            return Err(Rejection::FrameCount { entries: entries.len() });
        }
        let bytes: usize = entries.iter().map(Bytes::len).sum();
        if bytes > FRAME_BYTES_MAX {
            return Err(Rejection::FrameBytes { bytes });
        }
        let end = start.checked_add(count).map_err(|_| Rejection::FrameCount { entries: entries.len() })?;
        let (first, last) = (start.value() / 256, (end.value() - 1) / 256);
        if first != last {
            return Err(Rejection::FrameBoundary { start });
        }
        let mut parsed = Vec::with_capacity(entries.len());
        for (bytes, index) in entries.into_iter().zip(start.value()..) {
            parsed.push(EntryBytes::new(bytes).map_err(|source| Rejection::Entry { index, source })?);
        }
        Ok(Self { start, end, entries: parsed, proof })
    }

    /// Entries in the log before this frame.
    pub fn start(&self) -> TreeSize {
        self.start
    }

    /// Entries in the log with this frame.
    pub fn end(&self) -> TreeSize {
        self.end
    }

    /// The entries.
    pub fn entries(&self) -> &[EntryBytes] {
        &self.entries
    }

    /// Whether it has entries that say that they are key events.
    pub fn has_key_events(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind() == Kind::Key)
    }

    /// The consistency proof from [`Frame::end`] to the size of the checkpoint.
    pub fn proof(&self) -> &ConsistencyProof {
        &self.proof
    }
}
