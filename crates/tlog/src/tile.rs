//! Hash tiles: up to 256 hashes of one level, and the nodes above them (c2sp.org/tlog-tiles).
//!
//! Their names and places are in `tile_path`; entry bundles in `bundle`.

use crate::hash::Hash;
use crate::tile_path::{NodeInTile, TileError, TileWidth};

/// A full tile: 256 hashes of 32 bytes.
pub const TILE_BYTES_MAX: usize = 256 * Hash::BYTES;

/// The hashes of one tile, 1 to 256 of them. Unverified until a root is computed from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashTile {
    hashes: Vec<Hash>,
    width: TileWidth,
}

impl HashTile {
    /// Takes the hashes of a tile from the left.
    ///
    /// # Errors
    /// If there are none or more than 256.
    pub fn from_hashes(hashes: Vec<Hash>) -> Result<Self, TileError> {
        let found = u16::try_from(hashes.len()).unwrap_or(u16::MAX);
        Ok(Self { width: TileWidth::new(found)?, hashes })
    }

    /// Reads a tile of a known width.
    ///
    /// # Errors
    /// If the bytes are not exactly that many hashes.
    pub fn parse(bytes: &[u8], width: TileWidth) -> Result<Self, TileError> {
        if bytes.len() != usize::from(width.value()) * Hash::BYTES {
            return Err(TileError::WrongLength { width: width.value(), found: bytes.len() });
        }
        Ok(Self { hashes: bytes.chunks_exact(Hash::BYTES).filter_map(Hash::from_slice).collect(), width })
    }

    /// How many hashes it holds.
    pub const fn width(&self) -> TileWidth {
        self.width
    }

    /// The hashes from the left.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The bytes to be kept or served.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
    }

    /// The tile as it was when it held fewer hashes: what a full tile stands in for.
    ///
    /// # Errors
    /// If it never was that wide.
    pub fn truncated(mut self, width: TileWidth) -> Result<Self, TileError> {
        if width > self.width {
            return Err(TileError::OutsideTile { width: self.width.value() });
        }
        self.hashes.truncate(width.value().into());
        self.width = width;
        Ok(self)
    }

    /// The node at a place found by [`NodeInTile::locate`], hashed up from the tile's own hashes.
    ///
    /// # Errors
    /// If the tile does not hold every hash below the node.
    pub fn node(&self, place: NodeInTile) -> Result<Hash, TileError> {
        let span = 1usize << place.depth();
        let first = usize::from(place.offset()) * span;
        let below = self.hashes.get(first..first + span);
        below.and_then(complete_root).ok_or(TileError::OutsideTile { width: self.width.value() })
    }

    /// The root of a full tile: the hash that stands for it one tile level up.
    pub fn full_root(&self) -> Option<Hash> {
        if self.width.is_full() { complete_root(&self.hashes) } else { None }
    }
}

/// The root over a power of two of hashes.
fn complete_root(hashes: &[Hash]) -> Option<Hash> {
    let mut row: Vec<Hash> = hashes.to_vec();
    while row.len() > 1 {
        row = row.as_chunks::<2>().0.iter().map(|[left, right]| Hash::node(left, right)).collect();
    }
    row.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::TreeSize;

    #[test]
    fn bytes_are_as_long_as_the_width_says() {
        let width = TileWidth::new(3).unwrap();
        let tile = HashTile::parse(&[5; 96], width).unwrap();
        assert_eq!((tile.hashes().len(), tile.to_bytes()), (3, vec![5; 96]));
        for found in [0, 64, 95, 97, 128] {
            assert_eq!(
                HashTile::parse(&vec![5; found], width),
                Err(TileError::WrongLength { width: 3, found })
            );
        }
        assert!(HashTile::from_hashes(Vec::new()).is_err());
        assert!(HashTile::from_hashes(vec![Hash::EMPTY_ROOT; 257]).is_err());
        assert_eq!(
            HashTile::from_hashes(vec![Hash::EMPTY_ROOT; 256]).unwrap().to_bytes().len(),
            TILE_BYTES_MAX
        );
    }

    #[test]
    fn a_narrow_tile_gives_no_node_it_does_not_cover() {
        let place = NodeInTile::locate(1, 1, TreeSize::new(4).unwrap()).unwrap();
        let hashes: Vec<Hash> = (0..4u8).map(|byte| Hash::leaf(&[byte])).collect();
        let tile = HashTile::from_hashes(hashes.clone()).unwrap();
        assert_eq!(tile.node(place), Ok(Hash::node(&hashes[2], &hashes[3])));
        let narrow = tile.truncated(TileWidth::new(3).unwrap()).unwrap();
        assert_eq!(narrow.node(place), Err(TileError::OutsideTile { width: 3 }));
        assert_eq!(narrow.full_root(), None);
    }
}
