//! Making proofs, roots and edges out of stored nodes: RFC 6962 §2.1.1 and §2.1.2.
//!
//! Where the nodes are kept is the reader's affair; checking proofs is in `proof`.

use std::ops::Range;

use thiserror::Error;

use crate::edge::{EdgeError, RightEdge};
use crate::hash::Hash;
use crate::position::{EntryIndex, TreeSize};
use crate::proof::{ConsistencyProof, InclusionProof, ProofError};

/// Reads complete subtrees of a log that is kept somewhere.
pub trait HashReader {
    /// Why a node could not be read.
    type Error: std::error::Error + 'static;

    /// The root of the complete subtree over the entries `index * 2^level .. (index + 1) * 2^level`; at level
    /// 0 the leaf hash of entry `index`.
    ///
    /// # Errors
    /// If the node is not there or cannot be read.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Why a proof could not be made.
#[derive(Debug, Error)]
pub enum ProveError<E: std::error::Error + 'static> {
    /// The position is not in the tree, or the sizes are the wrong way round.
    #[error("no such proof")]
    Position {
        /// What is wrong with the position.
        #[source]
        source: ProofError,
    },
    /// A node could not be read.
    #[error("cannot read the node at level {level}, index {index}")]
    Read {
        /// The level of the node, 0 for leaves.
        level: u8,
        /// The index of the node within its level.
        index: u64,
        /// What the reader said.
        #[source]
        source: E,
    },
    /// The nodes that were read do not make an edge.
    #[error("nodes read do not make a right edge")]
    Edge {
        /// What is wrong with them.
        #[source]
        source: EdgeError,
    },
}

/// The audit path of an entry in the tree of `size`, PATH(m, D\[n\]) of RFC 6962 §2.1.1.
///
/// # Errors
/// If the entry is not in the tree or a node cannot be read.
pub fn prove_inclusion<R: HashReader>(
    reader: &R,
    index: EntryIndex,
    size: TreeSize,
) -> Result<InclusionProof, ProveError<R::Error>> {
    if !size.contains(index) {
        return Err(ProveError::Position { source: ProofError::IndexBeyondSize { index, size } });
    }
    let mut within = 0..size.value();
    let mut siblings = Vec::new();
    while within.end - within.start > 1 {
        let split = within.start + split_at(&within);
        if index.value() < split {
            siblings.push(range_root(reader, split..within.end)?);
            within.end = split;
        } else {
            siblings.push(range_root(reader, within.start..split)?);
            within.start = split;
        }
    }
    siblings.reverse();
    InclusionProof::new(siblings).map_err(|source| ProveError::Position { source })
}

/// The proof that the tree of `newer` begins with the tree of `older`, PROOF(m, D\[n\]) of RFC 6962 §2.1.2;
/// empty if `older` is empty or equal to `newer`.
///
/// # Errors
/// If `newer` is smaller or a node cannot be read.
pub fn prove_consistency<R: HashReader>(
    reader: &R,
    older: TreeSize,
    newer: TreeSize,
) -> Result<ConsistencyProof, ProveError<R::Error>> {
    if older > newer {
        return Err(ProveError::Position { source: ProofError::Shrunk { older, newer } });
    }
    if older.is_zero() || older == newer {
        return Ok(ConsistencyProof::default());
    }
    let mut within = 0..newer.value();
    let mut hashes = Vec::new();
    // The older root itself is known to the verifier, and left out as long as the walk stays at the left.
    let mut is_older_root = true;
    while within.end != older.value() {
        let split = within.start + split_at(&within);
        if older.value() <= split {
            hashes.push(range_root(reader, split..within.end)?);
            within.end = split;
        } else {
            hashes.push(range_root(reader, within.start..split)?);
            within.start = split;
            is_older_root = false;
        }
    }
    if !is_older_root {
        hashes.push(range_root(reader, within)?);
    }
    hashes.reverse();
    ConsistencyProof::new(hashes).map_err(|source| ProveError::Position { source })
}

/// The root of the tree of `size`.
///
/// # Errors
/// If a node cannot be read.
pub fn root_at<R: HashReader>(reader: &R, size: TreeSize) -> Result<Hash, ProveError<R::Error>> {
    range_root(reader, 0..size.value())
}

/// The right edge of the tree of `size`, to go on appending from there.
///
/// # Errors
/// If a node cannot be read.
pub fn right_edge<R: HashReader>(reader: &R, size: TreeSize) -> Result<RightEdge, ProveError<R::Error>> {
    let hashes = complete_subtrees(0..size.value())
        .map(|(level, index)| read(reader, level, index))
        .collect::<Result<Vec<_>, _>>()?;
    RightEdge::from_hashes(size, hashes).map_err(|source| ProveError::Edge { source })
}

/// The root over a range that RFC 6962 splits off: its start is a multiple of the largest power of two not
/// above its length.
pub(crate) fn range_root<R: HashReader>(reader: &R, range: Range<u64>) -> Result<Hash, ProveError<R::Error>> {
    let hashes = complete_subtrees(range)
        .map(|(level, index)| read(reader, level, index))
        .collect::<Result<Vec<_>, _>>()?;
    let joined = hashes.into_iter().rev().reduce(|right, left| Hash::node(&left, &right));
    Ok(joined.unwrap_or(Hash::EMPTY_ROOT))
}

/// The complete subtrees, largest first, of a range such as `range_root` takes.
fn complete_subtrees(range: Range<u64>) -> impl Iterator<Item = (u8, u64)> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        let level = range.end.checked_sub(start).and_then(u64::checked_ilog2)?;
        let index = start >> level;
        start += 1 << level;
        Some((u8::try_from(level).ok()?, index))
    })
}

/// The largest power of two below the length of a range of at least two (RFC 6962 §2.1).
pub(crate) fn split_at(range: &Range<u64>) -> u64 {
    1 << (range.end - range.start - 1).ilog2()
}

fn read<R: HashReader>(reader: &R, level: u8, index: u64) -> Result<Hash, ProveError<R::Error>> {
    reader.hash(level, index).map_err(|source| ProveError::Read { level, index, source })
}
