//! A log held in memory: the second reader of nodes beside those of the store.

use std::convert::Infallible;

use comity_tlog::{Hash, HashReader, HashTile, RightEdge, TileCoordinate, TileKind, TreeSize};

/// All complete nodes of a tree, by level, filled from what the right edge reports.
pub(crate) struct Tree {
    pub(crate) edge: RightEdge,
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    pub(crate) fn new(leaves: impl IntoIterator<Item = Hash>) -> Self {
        let mut tree = Self { edge: RightEdge::empty(), levels: Vec::new() };
        for leaf in leaves {
            tree.append(leaf);
        }
        tree
    }

    /// The log of the vectors: entry i is its number in words and a line feed.
    pub(crate) fn of_vector_entries(count: u64) -> Self {
        Self::new((0..count).map(|index| Hash::leaf(&vector_entry(index))))
    }

    pub(crate) fn append(&mut self, leaf: Hash) {
        let levels = &mut self.levels;
        let keep = |level: u8, index: u64, hash| {
            if levels.len() == usize::from(level) {
                levels.push(Vec::new());
            }
            let row = &mut levels[usize::from(level)];
            assert_eq!(u64::try_from(row.len()), Ok(index), "nodes of a level come in order");
            row.push(hash);
        };
        self.edge.append_reporting(leaf, keep).unwrap();
    }

    pub(crate) fn size(&self) -> TreeSize {
        self.edge.size()
    }

    pub(crate) fn node(&self, level: u8, index: u64) -> Hash {
        self.levels[usize::from(level)][usize::try_from(index).unwrap()]
    }

    /// The hash tile at a place, cut from the nodes.
    pub(crate) fn tile(&self, place: TileCoordinate) -> HashTile {
        let TileKind::Hashes(level) = place.kind() else { panic!("not a hash tile: {place}") };
        let last = place.first() + u64::from(place.width().value());
        let hashes = (place.first()..last).map(|index| self.node(8 * level.value(), index)).collect();
        HashTile::from_hashes(hashes).unwrap()
    }
}

impl HashReader for Tree {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.node(level, index))
    }
}

pub(crate) fn vector_entry(index: u64) -> Vec<u8> {
    format!("entry-{index}\n").into_bytes()
}

pub(crate) fn size(value: u64) -> TreeSize {
    TreeSize::new(value).unwrap()
}
