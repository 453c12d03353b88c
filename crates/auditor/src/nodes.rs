//! The nodes of a tree, kept as its entries are hashed: what tiles are compared with and proofs are made of.
//!
//! Every fourth level is kept, which is a fifteenth more than the leaves alone; a node between two of them is
//! hashed anew from at most eight.

use comity_tlog::{Hash, HashReader, TileCoordinate, TileKind};

/// Kept are the levels that this divides; it divides 8, so the levels of tiles are among them.
const KEPT_EVERY: u8 = 4;

/// All complete nodes of the kept levels, from the leaves up.
#[derive(Debug)]
pub(crate) struct Nodes {
    levels: Vec<Vec<Hash>>,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self { levels: vec![Vec::new()] }
    }

    /// Takes the next complete node of a level, in the order in which an edge reports them.
    pub(crate) fn take(&mut self, level: u8, hash: Hash) {
        if !level.is_multiple_of(KEPT_EVERY) {
            return;
        }
        let place = usize::from(level / KEPT_EVERY);
        if self.levels.len() <= place {
            self.levels.resize(place.saturating_add(1), Vec::new());
        }
        if let Some(hashes) = self.levels.get_mut(place) {
            hashes.push(hash);
        }
    }

    /// The leaf hashes.
    pub(crate) fn leaves(&self) -> &[Hash] {
        self.levels.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// The hashes that a tile must hold.
    pub(crate) fn tile(&self, tile: &TileCoordinate) -> Option<&[Hash]> {
        let TileKind::Hashes(level) = tile.kind() else { return None };
        let place = usize::from(level.value()).checked_mul(usize::from(8 / KEPT_EVERY))?;
        let start = usize::try_from(tile.first()).ok()?;
        let end = start.checked_add(usize::from(tile.width().value()))?;
        self.levels.get(place)?.get(start..end)
    }
}

/// A node of which not everything below was hashed.
#[derive(Debug, thiserror::Error)]
#[error("the tree has no such node")]
pub(crate) struct NoSuchNode;

impl HashReader for Nodes {
    type Error = NoSuchNode;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, NoSuchNode> {
        let above = level % KEPT_EVERY;
        let kept = self.levels.get(usize::from(level / KEPT_EVERY)).ok_or(NoSuchNode)?;
        let count = 1_usize << above;
        let start =
            usize::try_from(index).ok().and_then(|index| index.checked_mul(count)).ok_or(NoSuchNode)?;
        let below = start.checked_add(count).and_then(|end| kept.get(start..end)).ok_or(NoSuchNode)?;
        complete_root(below).ok_or(NoSuchNode)
    }
}

/// The root over a power of two of hashes, at most eight.
fn complete_root(hashes: &[Hash]) -> Option<Hash> {
    match hashes {
        [] => None,
        [hash] => Some(*hash),
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            Some(Hash::node(&complete_root(left)?, &complete_root(right)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use comity_tlog::{RightEdge, TreeSize, prove_consistency, root_at, tiles_between, verify_consistency};

    use super::*;

    fn tree(count: u64) -> (Nodes, Vec<Hash>) {
        let (mut nodes, mut edge, mut roots) = (Nodes::new(), RightEdge::empty(), vec![Hash::EMPTY_ROOT]);
        for index in 0..count {
            let leaf = Hash::leaf(&index.to_be_bytes());
            edge.append_reporting(leaf, |level, _, hash| nodes.take(level, hash)).unwrap();
            roots.push(edge.root());
        }
        (nodes, roots)
    }

    #[test]
    fn every_root_and_proof_comes_out_of_the_kept_nodes() {
        let (nodes, roots) = tree(600);
        let size = |value: usize| TreeSize::new(u64::try_from(value).unwrap()).unwrap();
        for (older, root) in roots.iter().enumerate() {
            assert_eq!(root_at(&nodes, size(older)).unwrap(), *root);
            for newer in
                [older, older + 1, older + 7, 256, 257, 600].into_iter().filter(|newer| *newer >= older)
            {
                let Some(newer_root) = roots.get(newer) else { continue };
                let proof = prove_consistency(&nodes, size(older), size(newer)).unwrap();
                assert_eq!(verify_consistency(size(older), root, size(newer), newer_root, &proof), Ok(()));
            }
        }
        assert!(nodes.hash(0, 600).is_err() && nodes.hash(3, 75).is_err() && nodes.hash(40, 0).is_err());
    }

    #[test]
    fn tiles_are_cut_from_the_kept_levels() {
        let (nodes, _) = tree(600);
        let size = TreeSize::new(600).unwrap();
        for tile in tiles_between(TreeSize::ZERO, size) {
            let hashes = nodes.tile(&tile).unwrap();
            assert_eq!(hashes.len(), usize::from(tile.width().value()), "{tile}");
        }
        let beyond: TileCoordinate = "tile/0/003".parse().unwrap();
        assert!(nodes.tile(&beyond).is_none());
    }
}
