//! The right edge of a tree: what must be kept to append to it and to know its root.
//!
//! Reading an edge back out of stored nodes is in `prove`; tiles are cut in `tile`.

use thiserror::Error;

use crate::hash::Hash;
use crate::position::{EntryIndex, PositionError, TreeSize};

/// Why hashes are not the right edge of a tree of a size.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EdgeError {
    /// The edge has one hash for each one-bit of the size.
    #[error("an edge of size {size} has {expected} hashes, not {found}")]
    WrongLength {
        /// The size of the tree.
        size: TreeSize,
        /// How many hashes such a tree has at its edge.
        expected: usize,
        /// How many were given.
        found: usize,
    },
}

/// The roots of the complete subtrees that a tree falls into, left (largest) to right.
///
/// One hash per one-bit of the size, so never more than 63. The root of every later tree depends on the
/// entries so far through these alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RightEdge {
    size: TreeSize,
    hashes: Vec<Hash>,
}

impl RightEdge {
    /// The edge of a tree without entries.
    pub const fn empty() -> Self {
        Self { size: TreeSize::ZERO, hashes: Vec::new() }
    }

    /// Takes a kept edge back, largest subtree first.
    ///
    /// # Errors
    /// If the number of hashes is not the number of one-bits of the size.
    pub fn from_hashes(size: TreeSize, hashes: Vec<Hash>) -> Result<Self, EdgeError> {
        let expected = subtrees(size);
        if hashes.len() == expected {
            Ok(Self { size, hashes })
        } else {
            Err(EdgeError::WrongLength { size, expected, found: hashes.len() })
        }
    }

    /// The number of entries so far.
    pub const fn size(&self) -> TreeSize {
        self.size
    }

    /// The kept hashes, largest subtree first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends a leaf and gives its index.
    ///
    /// # Errors
    /// If the tree is full; the edge is then unchanged.
    pub fn append(&mut self, leaf: Hash) -> Result<EntryIndex, PositionError> {
        self.append_reporting(leaf, |_, _, _| {})
    }

    /// Appends a leaf and reports every node that it completes as `(level, index, hash)`, the leaf itself
    /// first, at level 0. Over the life of a tree each complete node is reported once, in the order in which
    /// tiles take them.
    ///
    /// # Errors
    /// If the tree is full; nothing is then reported and the edge is unchanged.
    pub fn append_reporting(
        &mut self,
        leaf: Hash,
        mut completed: impl FnMut(u8, u64, Hash),
    ) -> Result<EntryIndex, PositionError> {
        let position = self.size.next_index()?;
        let (mut level, mut index, mut hash) = (0u8, position.value(), leaf);
        completed(level, index, hash);
        // An odd index is a right child: its left sibling is the last hash of the edge.
        while index & 1 == 1 {
            let Some(left) = self.hashes.pop() else { break };
            hash = Hash::node(&left, &hash);
            level += 1;
            index >>= 1;
            completed(level, index, hash);
        }
        self.hashes.push(hash);
        self.size = position.size_through();
        Ok(position)
    }

    /// The root of the tree, RFC 6962 §2.1: the subtrees joined from the right.
    pub fn root(&self) -> Hash {
        let joined = self.hashes.iter().rev().copied().reduce(|right, left| Hash::node(&left, &right));
        joined.unwrap_or(Hash::EMPTY_ROOT)
    }
}

/// How many complete subtrees a tree falls into.
fn subtrees(size: TreeSize) -> usize {
    // At most 63, which every usize holds.
    usize::try_from(size.value().count_ones()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// RFC 6962 §2.1 as written, to compare with.
    fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::EMPTY_ROOT,
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(split);
                Hash::node(&root_by_definition(left), &root_by_definition(right))
            }
        }
    }

    #[test]
    fn roots_agree_with_the_definition() {
        let leaves: Vec<Hash> = (0..600u32).map(|i| Hash::leaf(&i.to_be_bytes())).collect();
        let mut edge = RightEdge::empty();
        assert_eq!(edge.root(), Hash::EMPTY_ROOT);
        for (count, leaf) in leaves.iter().enumerate() {
            edge.append(*leaf).unwrap();
            assert_eq!(edge.root(), root_by_definition(&leaves[..=count]));
            let kept = RightEdge::from_hashes(edge.size(), edge.hashes().to_vec()).unwrap();
            assert_eq!(kept, edge);
        }
    }

    #[test]
    fn every_complete_node_is_reported_once() {
        let mut edge = RightEdge::empty();
        let mut seen = BTreeMap::new();
        for i in 0..1000u32 {
            let report = |level, index, hash| assert_eq!(seen.insert((level, index), hash), None);
            edge.append_reporting(Hash::leaf(&i.to_be_bytes()), report).unwrap();
        }
        for (level, count) in
            (0u8..).map(|level| (level, 1000u64 >> level)).take_while(|(_, count)| *count > 0)
        {
            for index in 0..count {
                let hash = seen.remove(&(level, index)).unwrap();
                if let (Some(below), true) = (level.checked_sub(1), level > 0) {
                    let leaves: Vec<Hash> = (0..1u32 << level)
                        .map(|i| Hash::leaf(&(u32::try_from(index << level).unwrap() + i).to_be_bytes()))
                        .collect();
                    assert_eq!(hash, root_by_definition(&leaves), "level {below} + 1, index {index}");
                }
            }
        }
        assert!(seen.is_empty());
    }

    #[test]
    fn an_edge_of_the_wrong_length_is_refused() {
        let size = TreeSize::new(5).unwrap();
        for count in [0, 1, 3] {
            assert!(RightEdge::from_hashes(size, vec![Hash::EMPTY_ROOT; count]).is_err());
        }
    }

    #[test]
    fn a_full_tree_takes_no_more() {
        let mut edge = RightEdge::from_hashes(TreeSize::MAX, vec![Hash::EMPTY_ROOT; 63]).unwrap();
        let before = edge.clone();
        assert!(edge.append(Hash::EMPTY_ROOT).is_err());
        assert_eq!(edge, before);
    }
}
