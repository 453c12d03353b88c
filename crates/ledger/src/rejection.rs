//! Why a checkpoint or a frame is not accepted.
//!
//! Not here: what is checked (`replica`), and whom a rejection puts in doubt (`doubt`).

use comity_tlog::{CheckpointError, ProofError, TreeSize};

use crate::{Beginning, CheckpointKeyError, EntryError};

/// Why something received is not accepted. Nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Not a signed checkpoint.
    #[error("not a signed checkpoint")]
    Note,
    /// A checkpoint of another log.
    #[error("the checkpoint is of another origin")]
    OtherOrigin,
    /// No key of the author that may sign a tree of this size did.
    #[error("the author's key did not sign the checkpoint")]
    Signature {
        /// Why.
        #[source]
        source: Box<CheckpointError>,
    },
    /// Signed by a key alone that has ended before this size, or begins after it: by whoever holds it.
    #[error("the checkpoint of size {size} is signed by a key that is not in force for it")]
    KeyOutOfForce {
        /// Its size.
        size: TreeSize,
    },
    /// The author went back.
    #[error("the checkpoint has size {size}, but {seen} was seen before")]
    Smaller {
        /// Its size.
        size: TreeSize,
        /// The size seen before.
        seen: TreeSize,
    },
    /// Two trees of one size: equivocation.
    #[error("two checkpoints of size {size} have different roots")]
    SameSizeOtherRoot {
        /// The size.
        size: TreeSize,
    },
    /// The entries under the checkpoint are not those under another one seen before: equivocation.
    #[error("the entries under this checkpoint are not those under the one of size {} seen before", .beginning.head.size)]
    OtherBeginning {
        /// How the tree of this checkpoint begins, up to the size of the one seen before.
        beginning: Box<Beginning>,
    },
    /// The checkpoint does not cover the entries held.
    #[error("the checkpoint of size {size} contradicts the entries held")]
    Contradicts {
        /// Its size.
        size: TreeSize,
    },
    /// No entries, or too many.
    #[error("a frame has 1 to {} entries, not {entries}", crate::FRAME_ENTRIES_MAX)]
    FrameCount {
        /// Entries found.
        entries: usize,
    },
    /// Too many bytes.
    #[error("a frame of {bytes} bytes is over the limit of {}", crate::FRAME_BYTES_MAX)]
    FrameBytes {
        /// Bytes found.
        bytes: usize,
    },
    /// The frame crosses a tile boundary.
    #[error("the frame at {start} crosses a boundary of 256 entries")]
    FrameBoundary {
        /// Where it starts.
        start: TreeSize,
    },
    /// An entry is not one.
    #[error("entry {index} is not well formed")]
    Entry {
        /// Its index.
        index: u64,
        /// Why.
        #[source]
        source: EntryError,
    },
    /// The frame does not start where the held entries end.
    #[error("the frame starts at {start}, but {held} entries are held")]
    Gap {
        /// Where it starts.
        start: TreeSize,
        /// Entries held.
        held: TreeSize,
    },
    /// Entry 0 names another agency or key.
    #[error("the genesis entry names another agency or log key than the pinned card")]
    Genesis,
    /// The entries are not those under the checkpoint.
    #[error("entries up to {end} are not consistent with the checkpoint")]
    Consistency {
        /// The end of the frame.
        end: TreeSize,
        /// Why.
        #[source]
        source: ProofError,
    },
    /// The log holds as many entries as a log can.
    #[error("the log is full")]
    Full,
}

impl From<CheckpointKeyError> for Rejection {
    fn from(error: CheckpointKeyError) -> Self {
        match error {
            CheckpointKeyError::OutOfForce { size } => Self::KeyOutOfForce { size },
            CheckpointKeyError::Signature { source } => Self::Signature { source },
        }
    }
}
