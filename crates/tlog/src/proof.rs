//! Checking that an entry is in a tree and that one tree grew out of another: RFC 6962 §2.1.1 and §2.1.2,
//! by the algorithms of RFC 9162 §2.1.3.2 and §2.1.4.2.
//!
//! Making proofs is in `prove`.

use thiserror::Error;

use crate::hash::Hash;
use crate::position::{EntryIndex, TreeSize};

/// Why a proof shows nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    /// More hashes than a proof in the largest tree can have.
    #[error("proof has {found} hashes, at most {limit} are possible")]
    TooLong {
        /// How many were given.
        found: usize,
        /// How many are possible.
        limit: usize,
    },
    /// The tree does not reach that far.
    #[error("entry {index} is not in a tree of size {size}")]
    IndexBeyondSize {
        /// The entry asked for.
        index: EntryIndex,
        /// The size of the tree.
        size: TreeSize,
    },
    /// The later tree is the smaller one.
    #[error("tree of size {newer} cannot extend one of size {older}")]
    Shrunk {
        /// The size said to be earlier.
        older: TreeSize,
        /// The size said to be later.
        newer: TreeSize,
    },
    /// The number of hashes does not fit the position.
    #[error("proof of {found} hashes does not fit the sizes")]
    WrongLength {
        /// How many were given.
        found: usize,
    },
    /// The proof leads to another root.
    #[error("proof does not lead to the root of size {size}")]
    RootMismatch {
        /// The tree whose root was missed.
        size: TreeSize,
    },
}

/// An audit path of RFC 6962 §2.1.1, from the leaf upwards. Unverified until it meets a root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InclusionProof(Vec<Hash>);

impl InclusionProof {
    /// A tree of at most 2^63 − 1 entries is at most 63 levels deep.
    pub const HASHES_MAX: usize = 63;

    /// Takes hashes in the order of the path.
    ///
    /// # Errors
    /// If there are more than [`Self::HASHES_MAX`].
    pub fn new(hashes: Vec<Hash>) -> Result<Self, ProofError> {
        bounded(hashes, Self::HASHES_MAX).map(Self)
    }

    /// The hashes from the leaf upwards.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }
}

/// A consistency proof of RFC 6962 §2.1.2. Unverified until it meets two roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsistencyProof(Vec<Hash>);

impl ConsistencyProof {
    /// The depth of the largest tree and one hash to start from.
    pub const HASHES_MAX: usize = 64;

    /// Takes hashes in the order of RFC 6962 §2.1.2.
    ///
    /// # Errors
    /// If there are more than [`Self::HASHES_MAX`].
    pub fn new(hashes: Vec<Hash>) -> Result<Self, ProofError> {
        bounded(hashes, Self::HASHES_MAX).map(Self)
    }

    /// The hashes in the order of RFC 6962 §2.1.2.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }
}

/// Checks that the leaf stands at `index` in the tree of `size` with `root` (RFC 9162 §2.1.3.2).
///
/// # Errors
/// If the index is not in the tree, the length is not exactly that of the path, or the path misses the root.
pub fn verify_inclusion(
    leaf: &Hash,
    index: EntryIndex,
    size: TreeSize,
    proof: &InclusionProof,
    root: &Hash,
) -> Result<(), ProofError> {
    let last = match size.last_index() {
        Some(last) if index <= last => last.value(),
        _ => return Err(ProofError::IndexBeyondSize { index, size }),
    };
    let wrong_length = ProofError::WrongLength { found: proof.0.len() };
    let (mut node, mut end, mut hash) = (index.value(), last, *leaf);
    for sibling in &proof.0 {
        if end == 0 {
            return Err(wrong_length);
        }
        if node & 1 == 1 || node == end {
            hash = Hash::node(sibling, &hash);
            climb_to_right_child(&mut node, &mut end);
        } else {
            hash = Hash::node(&hash, sibling);
        }
        node >>= 1;
        end >>= 1;
    }
    match (end, hash == *root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::RootMismatch { size }),
        _ => Err(wrong_length),
    }
}

/// Checks that the tree of `newer` with `newer_root` begins with the tree of `older` with `older_root`
/// (RFC 9162 §2.1.4.2).
///
/// From the empty tree every tree grows, with an empty proof; between equal sizes the proof is empty and the
/// roots are the same.
///
/// # Errors
/// If `newer` is smaller, an empty tree has another root than the empty one, the length is not exact, or a
/// root is missed.
pub fn verify_consistency(
    older: TreeSize,
    older_root: &Hash,
    newer: TreeSize,
    newer_root: &Hash,
    proof: &ConsistencyProof,
) -> Result<(), ProofError> {
    if older > newer {
        return Err(ProofError::Shrunk { older, newer });
    }
    let wrong_length = ProofError::WrongLength { found: proof.0.len() };
    if older.is_zero() || older == newer {
        if !proof.0.is_empty() {
            return Err(wrong_length);
        }
        if older.is_zero() && *older_root != Hash::EMPTY_ROOT {
            return Err(ProofError::RootMismatch { size: older });
        }
        if older == newer && older_root != newer_root {
            return Err(ProofError::RootMismatch { size: newer });
        }
        return Ok(());
    }
    let (Some(older_last), Some(newer_last)) = (older.last_index(), newer.last_index()) else {
        return Err(wrong_length);
    };
    let (mut node, mut end) = (older_last.value(), newer_last.value());
    // The older tree's last complete subtree: where the walk starts.
    let whole = node.trailing_ones();
    node >>= whole;
    end >>= whole;
    let (start, rest) = if older.value().is_power_of_two() {
        // The older tree is itself that subtree, so its root is not sent.
        (*older_root, proof.0.as_slice())
    } else {
        let (first, rest) = proof.0.split_first().ok_or(wrong_length)?;
        (*first, rest)
    };
    let (mut old_hash, mut new_hash) = (start, start);
    for sibling in rest {
        if end == 0 {
            return Err(wrong_length);
        }
        if node & 1 == 1 || node == end {
            old_hash = Hash::node(sibling, &old_hash);
            new_hash = Hash::node(sibling, &new_hash);
            climb_to_right_child(&mut node, &mut end);
        } else {
            new_hash = Hash::node(&new_hash, sibling);
        }
        node >>= 1;
        end >>= 1;
    }
    if end != 0 {
        return Err(wrong_length);
    }
    if old_hash != *older_root {
        return Err(ProofError::RootMismatch { size: older });
    }
    if new_hash != *newer_root {
        return Err(ProofError::RootMismatch { size: newer });
    }
    Ok(())
}

/// At the ragged right edge a node without a sibling rises unchanged; skip those levels (RFC 9162
/// §2.1.3.2, step 4.2.2). The node is odd or the non-zero end, so it has a one-bit to climb to.
fn climb_to_right_child(node: &mut u64, end: &mut u64) {
    let skipped = node.trailing_zeros();
    *node = node.checked_shr(skipped).unwrap_or(0);
    *end = end.checked_shr(skipped).unwrap_or(0);
}

fn bounded(hashes: Vec<Hash>, limit: usize) -> Result<Vec<Hash>, ProofError> {
    if hashes.len() > limit { Err(ProofError::TooLong { found: hashes.len(), limit }) } else { Ok(hashes) }
}
