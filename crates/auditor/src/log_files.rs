//! The files of one log, in a bundle or in an exported folder: tiles, entries, checkpoints, each read as it is asked for.
//!
//! Whether they fit each other is for whoever asks.

use comity_tlog::{
    BUNDLE_BYTES_MAX, EntryBundle, EntryIndex, Hash, HashReader, HashTile, NOTE_BYTES_MAX, NodeInTile,
    SignedCheckpoint, TILE_BYTES_MAX, TileCoordinate, TileKind, TileWidth, TreeSize,
};

use crate::folder::Folder;
use crate::prove::NoProof;
use crate::signed::CHECKPOINTS_MAX;

/// The files of one log.
#[derive(Clone, Debug)]
pub(crate) struct LogFiles<'a> {
    pub(crate) folder: &'a Folder,
    /// What stands before the path of each file.
    pub(crate) prefix: String,
    /// The size up to which there are tiles.
    pub(crate) size: TreeSize,
}

impl LogFiles<'_> {
    /// The sizes of the earlier checkpoints, smallest first.
    pub(crate) fn retained_sizes(&self) -> Result<Vec<TreeSize>, NoProof> {
        let path = format!("{}checkpoints", self.prefix);
        let names = self.folder.names(&path, CHECKPOINTS_MAX);
        let names = names.map_err(|detail| NoProof::File { path, detail })?;
        let mut sizes: Vec<TreeSize> = names.iter().filter_map(|name| name.parse().ok()).collect();
        sizes.sort_unstable();
        Ok(sizes)
    }

    /// A note, which nobody has verified yet.
    pub(crate) fn checkpoint(&self, path: &str) -> Result<SignedCheckpoint, NoProof> {
        let bytes = self.read(path, NOTE_BYTES_MAX)?;
        SignedCheckpoint::parse(&bytes).map_err(|error| self.refused(path, &error.to_string()))
    }

    /// One entry.
    pub(crate) fn entry(&self, index: EntryIndex) -> Result<Vec<u8>, NoProof> {
        let damaged = NoProof::Damaged { what: "entry bundles" };
        let place = NodeInTile::locate(0, index.value(), self.size).map_err(|_| damaged)?;
        let kind = TileKind::Entries;
        let coordinate = TileCoordinate::new(kind, place.tile().index(), place.tile().width())
            .map_err(|_| NoProof::Damaged { what: "entry bundles" })?;
        let (bytes, path) = self.tile(coordinate, BUNDLE_BYTES_MAX)?;
        let bundle = EntryBundle::parse_prefix(&bytes, coordinate.width())
            .map_err(|error| self.refused(&path, &error.to_string()))?;
        let entry = bundle.0.entries().get(usize::from(place.offset()));
        entry.map(|entry| entry.to_vec()).ok_or(NoProof::Damaged { what: "entry bundles" })
    }

    /// Whether anything stands at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.folder.has(&format!("{}{path}", self.prefix))
    }

    /// A tile, or the full one that took its place (c2sp.org/tlog-tiles, "Partial Tiles"), and its path.
    pub(crate) fn tile(
        &self,
        coordinate: TileCoordinate,
        limit: usize,
    ) -> Result<(Vec<u8>, String), NoProof> {
        let (path, full) = (coordinate.to_string(), coordinate.full().to_string());
        let path = if !self.has(&path) && self.has(&full) { full } else { path };
        Ok((self.read(&path, limit)?, path))
    }

    /// A whole file of at most `limit` bytes.
    pub(crate) fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, NoProof> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let read = self.folder.read(&format!("{}{path}", self.prefix), limit);
        read.map_err(|detail| self.refused(path, &detail))
    }

    /// A file that cannot be used.
    pub(crate) fn refused(&self, path: &str, detail: &str) -> NoProof {
        NoProof::File { path: format!("{}{path}", self.prefix), detail: detail.to_owned() }
    }
}

impl HashReader for LogFiles<'_> {
    type Error = NoProof;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, NoProof> {
        let damaged = |_| NoProof::Damaged { what: "hash tiles" };
        let place = NodeInTile::locate(level, index, self.size).map_err(damaged)?;
        let (bytes, path) = self.tile(place.tile(), TILE_BYTES_MAX)?;
        let width = u16::try_from(bytes.len() / Hash::BYTES).unwrap_or(u16::MAX);
        let parsed = TileWidth::new(width).and_then(|width| HashTile::parse(&bytes, width));
        let tile = parsed.and_then(|tile| tile.truncated(place.tile().width()));
        tile.and_then(|tile| tile.node(place)).map_err(|error| self.refused(&path, &error.to_string()))
    }
}
