//! The stations of a commit: staged, durable, signed.
//!
//! Each is a type of its own, made only from the one before it, so that nothing can be signed that was not read
//! back from the disk, and nothing acknowledged that was not signed.

use comity_tlog::{EntryIndex, Hash, RightEdge, TreeSize};

use crate::{EntryError, LockedHead, Origin, Role, SealedEntry};

/// Most entries of one batch: an official list in one piece, at about 1.5 KiB an entry in memory.
pub const BATCH_ENTRIES_MAX: usize = 65_536;

/// The size and the root of one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Entries in the tree.
    pub size: TreeSize,
    /// Root of the tree.
    pub root: Hash,
}

impl Head {
    /// The head of the empty tree.
    pub const EMPTY: Self = Self { size: TreeSize::ZERO, root: Hash::EMPTY_ROOT };
}

impl From<&RightEdge> for Head {
    fn from(edge: &RightEdge) -> Self {
        Self { size: edge.size(), root: edge.root() }
    }
}

/// A node of the tree that stands in a hash tile: a leaf, or the root of a full tile of the level below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileHash {
    /// The tile level, 0 for leaf hashes.
    pub level: u8,
    /// The place of the hash among all of its level.
    pub index: u64,
    /// The hash.
    pub hash: Hash,
}

/// Entries that have a place in the log but are not kept yet.
#[derive(Clone, Debug)]
pub struct StagedBatch {
    origin: Origin,
    before: RightEdge,
    entries: Vec<SealedEntry>,
    tile_hashes: Vec<TileHash>,
    after: RightEdge,
}

impl StagedBatch {
    pub(crate) fn new(
        origin: Origin,
        before: RightEdge,
        entries: Vec<SealedEntry>,
    ) -> Result<Self, BatchError> {
        if entries.is_empty() || entries.len() > BATCH_ENTRIES_MAX {
            return Err(BatchError::Count { entries: entries.len() });
        }
        let mut after = before.clone();
        let mut tile_hashes = Vec::with_capacity(entries.len() + entries.len() / 256 + 1);
        for entry in &entries {
            append(&mut after, entry.leaf(), &mut tile_hashes)?;
        }
        Ok(Self { origin, before, entries, tile_hashes, after })
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Entries in the log before this batch; the index of its first entry.
    pub fn start(&self) -> TreeSize {
        self.before.size()
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[SealedEntry] {
        &self.entries
    }

    /// The hashes that this batch adds to tiles, in the order in which they come to stand.
    pub fn tile_hashes(&self) -> &[TileHash] {
        &self.tile_hashes
    }

    /// Size and root with this batch.
    pub fn head(&self) -> Head {
        Head::from(&self.after)
    }

    /// Recomputes the root from the bytes that the store read back after its sync.
    ///
    /// # Errors
    /// [`BatchError::Reread`] if the bytes are not those that were staged: the disk or the store lies, and
    /// nothing may be signed.
    pub fn confirm<B: AsRef<[u8]>>(
        &self,
        reread: impl IntoIterator<Item = B>,
    ) -> Result<DurableBatch, BatchError> {
        let mut edge = self.before.clone();
        for entry in reread {
            edge.append(Hash::leaf(entry.as_ref())).map_err(|_| BatchError::Full)?;
        }
        if Head::from(&edge) != self.head() {
            return Err(BatchError::Reread { size: edge.size() });
        }
        Ok(DurableBatch { origin: self.origin.clone(), first: self.before.size(), edge })
    }
}

pub(crate) fn append(edge: &mut RightEdge, leaf: Hash, into: &mut Vec<TileHash>) -> Result<(), BatchError> {
    edge.append_reporting(leaf, |level, index, hash| {
        // c2sp.org/tlog-tiles: a tile spans eight levels of the tree; the hashes between are recomputed.
        if level % 8 == 0 {
            into.push(TileHash { level: level / 8, index, hash });
        }
    })
    .map(|_| ())
    .map_err(|_| BatchError::Full)
}

/// A tree whose every new entry was read back from stable storage.
#[derive(Clone, Debug)]
pub struct DurableBatch {
    origin: Origin,
    first: TreeSize,
    edge: RightEdge,
}

impl DurableBatch {
    /// The way of recovery: the tree of all entries that the store holds, each read back.
    ///
    /// `signed` is the size of the newest signed checkpoint, up to which the entries are already published.
    ///
    /// # Errors
    /// [`BatchError::Reread`] if the entries do not give the head that was pending.
    pub fn recovered(
        origin: Origin,
        signed: TreeSize,
        edge: RightEdge,
        pending: Head,
    ) -> Result<Self, BatchError> {
        if Head::from(&edge) != pending {
            return Err(BatchError::Reread { size: edge.size() });
        }
        Ok(Self { origin, first: signed, edge })
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        Head::from(&self.edge)
    }

    pub(crate) fn edge(&self) -> &RightEdge {
        &self.edge
    }

    pub(crate) fn check_lock(&self, locked: &LockedHead) -> Result<(), BatchError> {
        let same =
            locked.role() == Role::Author && *locked.origin() == self.origin && locked.head() == self.head();
        if same { Ok(()) } else { Err(BatchError::LockedElsewhere { size: locked.head().size }) }
    }
}

/// A tree with the signed note that publishes it.
#[derive(Clone, Debug)]
pub struct SignedBatch {
    pub(crate) origin: Origin,
    pub(crate) first: TreeSize,
    pub(crate) head: Head,
    pub(crate) note: Vec<u8>,
}

impl SignedBatch {
    pub(crate) fn new(durable: &DurableBatch, note: Vec<u8>) -> Self {
        Self { origin: durable.origin.clone(), first: durable.first, head: durable.head(), note }
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The index of the first entry that this note is the first to cover; none for an empty batch.
    pub fn first(&self) -> Option<EntryIndex> {
        EntryIndex::new(self.first.value()).ok()
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The signed checkpoint, as bytes of a C2SP signed note.
    pub fn note(&self) -> &[u8] {
        &self.note
    }
}

/// A batch that cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// No entries, or too many at once.
    #[error("a batch has 1 to {BATCH_ENTRIES_MAX} entries, not {entries}")]
    Count {
        /// Entries given.
        entries: usize,
    },
    /// The log holds as many entries as a log can.
    #[error("the log is full")]
    Full,
    /// What was read back is not what was written.
    #[error("entries read back up to size {size} do not give the staged root; nothing was signed")]
    Reread {
        /// The size that the entries read back come to.
        size: TreeSize,
    },
    /// The sign-lock holds another head.
    #[error("the sign-lock holds size {size} of another tree; nothing was signed")]
    LockedElsewhere {
        /// The size in the lock.
        size: TreeSize,
    },
    /// An entry is not one.
    #[error("an entry of the batch is not well formed")]
    Entry {
        /// Why.
        #[from]
        source: EntryError,
    },
    /// No key of the log is in force and at hand.
    #[error("no key of the log may sign it any more, or none is at hand; nothing was signed")]
    NoKey,
    /// The note could not be signed.
    #[error("the checkpoint could not be signed")]
    Sign {
        /// Why.
        #[source]
        source: comity_tlog::CheckpointError,
    },
}
