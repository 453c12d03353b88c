//! The tiles and entry bundles of a log that is held, as bytes for others (c2sp.org/tlog-tiles).
//!
//! Not here: which of them somebody may have (`export`, `http`).

use comity_ledger::Origin;
use comity_store::{Store, StoreError, TreeNodes};
use comity_tlog::{EntryBundle, Hash, TileCoordinate, TileLevel, TreeSize};

use crate::NodeError;

/// The hashes of a tile, one after the other.
///
/// # Errors
/// A [`NodeError`] if the store does not hold all of them.
pub(crate) fn hash_tile(
    nodes: &TreeNodes<'_>,
    level: TileLevel,
    tile: &TileCoordinate,
) -> Result<Vec<u8>, NodeError> {
    let width = tile.width().value();
    let mut bytes = Vec::with_capacity(usize::from(width).saturating_mul(Hash::BYTES));
    for index in tile.first()..tile.first().saturating_add(width.into()) {
        bytes.extend_from_slice(nodes.tile_hash(level.value(), index)?.as_bytes());
    }
    Ok(bytes)
}

/// An entry bundle.
///
/// # Errors
/// A [`NodeError`] if the store does not hold all of its entries.
pub(crate) fn entry_bundle(
    store: &Store,
    origin: &Origin,
    tile: &TileCoordinate,
) -> Result<Vec<u8>, NodeError> {
    let entries = entries_of(store, origin, tile)?;
    let damaged =
        |_| StoreError::Damaged { what: "an entry chunk", log: origin.to_string(), place: tile.index() };
    let bundle = EntryBundle::from_entries(entries.iter().map(Vec::as_slice).collect()).map_err(damaged)?;
    Ok(bundle.to_bytes())
}

/// The entries of a bundle.
///
/// # Errors
/// A [`NodeError`] if the store does not hold all of them.
pub(crate) fn entries_of(
    store: &Store,
    origin: &Origin,
    tile: &TileCoordinate,
) -> Result<Vec<Vec<u8>>, NodeError> {
    let range = range_of(tile)?;
    Ok(store.entries(origin, range.start, range.end)?)
}

/// The places of the entries of a bundle.
///
/// # Errors
/// [`NodeError::Contradiction`] for places that no log can reach.
pub(crate) fn range_of(tile: &TileCoordinate) -> Result<std::ops::Range<TreeSize>, NodeError> {
    let size = |value| {
        TreeSize::new(value).map_err(|_| NodeError::Contradiction { origin: String::new(), size: value })
    };
    Ok(size(tile.first())?..size(tile.first().saturating_add(tile.width().value().into()))?)
}
