//! The hashes of one log in memory, as the tiles of the real store hold them.

use std::convert::Infallible;

use comity_ledger::Head;
use comity_tlog::{
    ConsistencyProof, Hash, HashReader, RightEdge, TreeSize, prove_consistency, right_edge, root_at,
};

use crate::disk::{Disk, Key, size_of};
use crate::log::Log;

/// Every complete node of a tree, by level.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    edge: RightEdge,
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    pub(crate) fn empty() -> Self {
        Self { edge: RightEdge::empty(), levels: Vec::new() }
    }

    /// Hashes the first entries of a log again.
    pub(crate) fn read(disk: &Disk, log: Log, size: TreeSize) -> Option<Self> {
        let mut tree = Self::empty();
        for index in 0..size.value() {
            tree.append(Hash::leaf(disk.get(Key::Entry(log, index))?));
        }
        Some(tree)
    }

    pub(crate) fn append(&mut self, leaf: Hash) {
        let levels = &mut self.levels;
        let report = |level: u8, _, hash| {
            let level = usize::from(level);
            if levels.len() <= level {
                levels.push(Vec::new());
            }
            levels[level].push(hash);
        };
        self.edge.append_reporting(leaf, report).unwrap();
    }

    pub(crate) fn head(&self) -> Head {
        Head::from(&self.edge)
    }

    pub(crate) fn edge_at(&self, size: TreeSize) -> RightEdge {
        right_edge(self, size).unwrap()
    }

    pub(crate) fn root_at(&self, size: TreeSize) -> Hash {
        root_at(self, size).unwrap()
    }

    pub(crate) fn proof(&self, from: u64, to: u64) -> ConsistencyProof {
        prove_consistency(self, size_of(from), size_of(to)).unwrap()
    }
}

impl HashReader for Tree {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.levels[usize::from(level)][usize::try_from(index).unwrap()])
    }
}
