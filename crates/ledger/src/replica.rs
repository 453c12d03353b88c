//! The follower of somebody's log: the state machine that verifies before anything is stored.

use comity_tlog::{
    CheckpointError, Hash, ProofError, RightEdge, SignedCheckpoint, TreeSize, VerifiedCheckpoint,
    VerifierKey, verify_consistency,
};

use crate::batch::{TileHash, append};
use crate::{EntryBytes, EntryError, Frame, Genesis, Head, Origin};

/// A follower of one origin: what it holds, and the author's key as pinned by the card.
#[derive(Clone, Debug)]
pub struct Replica {
    origin: Origin,
    log_key: VerifierKey,
    edge: RightEdge,
    newest: Option<Head>,
    /// Heads seen before the newest whose entries are not all held, sizes ascending: the entries must come to each.
    awaited: Vec<Head>,
}

/// Most heads that are awaited: each new one takes a connection that broke before its entries came. Beyond that the
/// largest is given up.
pub const AWAITED_MAX: usize = 16;

impl Replica {
    /// A follower that holds the entries up to `edge`, and has seen the checkpoint `newest`.
    pub fn new(origin: Origin, log_key: VerifierKey, edge: RightEdge, newest: Option<Head>) -> Self {
        Self { origin, log_key, edge, newest, awaited: Vec::new() }
    }

    /// The same, having seen these heads before the newest.
    #[must_use]
    pub fn awaiting(mut self, heads: impl IntoIterator<Item = Head>) -> Self {
        heads.into_iter().for_each(|head| self.await_head(head));
        self
    }

    /// Heads seen before the newest whose entries are not all held, sizes ascending.
    pub fn awaited(&self) -> &[Head] {
        &self.awaited
    }

    fn await_head(&mut self, head: Head) {
        let known = self.awaited.iter().any(|held| held.size == head.size);
        if head.size > self.edge.size() && !known {
            self.awaited.push(head);
            self.awaited.sort_unstable_by_key(|head| head.size);
            self.awaited.truncate(AWAITED_MAX);
        }
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Entries held: where the next frame must start.
    pub fn size(&self) -> TreeSize {
        self.edge.size()
    }

    /// The newest checkpoint seen.
    pub fn newest(&self) -> Option<Head> {
        self.newest
    }

    /// Verifies a checkpoint of the author against the pinned key and against what was seen before.
    ///
    /// # Errors
    /// A [`Rejection`] if it is of another log or key, smaller than one seen before, of a size seen before with
    /// another root, or contradicts the entries held.
    pub fn verify_note(&self, note: &[u8]) -> Result<VerifiedCheckpoint, Rejection> {
        let signed = SignedCheckpoint::parse(note).map_err(|_| Rejection::Note)?;
        if signed.checkpoint().origin() != self.origin.as_str() {
            return Err(Rejection::OtherOrigin);
        }
        let verified = signed
            .verify(&self.log_key, &[])
            .map_err(|source| Rejection::Signature { source: Box::new(source) })?;
        let head = head_of(&verified);
        let is_second = |seen: &Head| seen.size == head.size && seen.root != head.root;
        #[cfg(comity_planted)]
        let is_second = |seen: &Head| is_second(seen) && !comity_tlog::planted("accept-an-equal-size");
        // Before the sizes are compared: a smaller tree that differs from one seen is no older state of the log.
        if self.awaited.iter().chain(&self.newest).any(is_second) {
            return Err(Rejection::SameSizeOtherRoot { size: head.size });
        }
        if let Some(newest) = self.newest.filter(|newest| head.size < newest.size) {
            return Err(Rejection::Smaller { size: head.size, seen: newest.size });
        }
        let held = Head::from(&self.edge);
        if head.size < held.size || is_second(&held) {
            return Err(Rejection::Contradicts { size: head.size });
        }
        Ok(verified)
    }

    /// Verifies a frame against the entries held and a verified checkpoint: plain RFC 6962 §2.1.4 consistency
    /// of the tree that the frame would make with the tree that the author signed.
    ///
    /// # Errors
    /// A [`Rejection`]; the replica is as it was.
    pub fn verify_frame(
        &self,
        frame: Frame,
        checkpoint: &VerifiedCheckpoint,
    ) -> Result<VerifiedFrame, Rejection> {
        if frame.start() != self.edge.size() {
            return Err(Rejection::Gap { start: frame.start(), held: self.edge.size() });
        }
        self.check_genesis(&frame)?;
        let target = head_of(checkpoint);
        let mut after = self.edge.clone();
        let mut tile_hashes = Vec::with_capacity(frame.entries().len() + 2);
        let (start, mut contradicted) = (self.edge.size(), None);
        let seen = self.awaited.iter().chain(&self.newest).filter(|seen| seen.size > start);
        let mut awaited = seen.peekable();
        for entry in frame.entries() {
            append(&mut after, entry.leaf_hash(), &mut tile_hashes).map_err(|_| Rejection::Full)?;
            if let Some(seen) = awaited.next_if(|seen| seen.size == after.size())
                && seen.root != after.root()
            {
                contradicted = contradicted.or(Some(seen.size));
            }
        }
        verify_consistency(after.size(), &after.root(), target.size, &target.root, frame.proof())
            .map_err(|source| Rejection::Consistency { end: after.size(), source })?;
        // These are the entries under the checkpoint, and the author signed another tree of this size before.
        if let Some(size) = contradicted {
            return Err(Rejection::SameSizeOtherRoot { size });
        }
        Ok(VerifiedFrame { origin: self.origin.clone(), frame, tile_hashes, after })
    }

    /// Takes a checkpoint as the newest seen, once it is stored.
    pub fn saw(&mut self, checkpoint: &VerifiedCheckpoint) {
        let head = head_of(checkpoint);
        if let Some(before) = self.newest.replace(head).filter(|before| before.size < head.size) {
            self.await_head(before);
        }
    }

    /// Takes a frame as held, once it is stored.
    pub fn advance(&mut self, frame: &VerifiedFrame) {
        self.edge = frame.after.clone();
        self.awaited.retain(|head| head.size > self.edge.size());
    }

    fn check_genesis(&self, frame: &Frame) -> Result<(), Rejection> {
        if !frame.start().is_zero() {
            return Ok(());
        }
        let Some(first) = frame.entries().first() else { return Ok(()) };
        let entry = first.parse().map_err(|source| Rejection::Entry { index: 0, source })?;
        let genesis = Genesis::from_entry(&entry).map_err(|source| Rejection::Entry { index: 0, source })?;
        if genesis.agency() == self.origin.agency() && genesis.names_log_key(&self.log_key) {
            Ok(())
        } else {
            Err(Rejection::Genesis)
        }
    }
}

fn head_of(checkpoint: &VerifiedCheckpoint) -> Head {
    let checkpoint = checkpoint.checkpoint();
    Head { size: checkpoint.size(), root: checkpoint.root() }
}

/// Entries that are proved to be in the log that the author signed; the only kind that a store takes.
#[derive(Clone, Debug)]
pub struct VerifiedFrame {
    origin: Origin,
    frame: Frame,
    tile_hashes: Vec<TileHash>,
    after: RightEdge,
}

impl VerifiedFrame {
    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Entries in the log before this frame.
    pub fn start(&self) -> TreeSize {
        self.frame.start()
    }

    /// The entries.
    pub fn entries(&self) -> &[EntryBytes] {
        self.frame.entries()
    }

    /// The hashes that this frame adds to tiles.
    pub fn tile_hashes(&self) -> &[TileHash] {
        &self.tile_hashes
    }

    /// Size and root of what is held with this frame.
    pub fn head(&self) -> Head {
        Head::from(&self.after)
    }

    /// The leaf hash of one of its entries, as `about` and `prev` name it.
    pub fn leaf(&self, position: usize) -> Option<Hash> {
        self.frame.entries().get(position).map(EntryBytes::leaf_hash)
    }
}

/// Why something received is not accepted. Nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Not a signed checkpoint.
    #[error("not a signed checkpoint")]
    Note,
    /// A checkpoint of another log.
    #[error("the checkpoint is of another origin")]
    OtherOrigin,
    /// The author's pinned key did not sign it.
    #[error("the author's pinned key did not sign the checkpoint")]
    Signature {
        /// Why.
        #[source]
        source: Box<CheckpointError>,
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
