//! Hash tiles in halves of 128 hashes, 4,096 bytes a value, and the reading of tree nodes out of them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use comity_ledger::TileHash;
use comity_tlog::{Hash, HashReader};

use crate::log_id::LogId;
use crate::rows::Rows;
use crate::{StoreError, passing};

/// Hashes of one half.
pub(crate) const HALF_HASHES: u64 = 128;
/// Levels of the tree that one tile level spans.
const TILE_HEIGHT: u8 = 8;
/// Halves that a reader keeps: a proof touches two of each level, neighbours share them.
const KEPT_HALVES_MAX: usize = 64;
/// Nodes between tile levels that a reader keeps: proofs of one step share all but the lowest.
const KEPT_NODES_MAX: usize = 1_024;

/// `log ‖ u8 level ‖ u64 half`.
fn half_key(log: LogId, level: u8, half: u64) -> [u8; LogId::LEN + 9] {
    let mut key = [0; LogId::LEN + 9];
    let (head, tail) = key.split_at_mut(LogId::LEN);
    head.copy_from_slice(log.as_bytes());
    if let Some((first, rest)) = tail.split_first_mut() {
        *first = level;
        rest.copy_from_slice(&half.to_be_bytes());
    }
    key
}

/// Adds hashes, given in order of index within each level; a half that has begun is read and continued.
pub(crate) fn put(
    tree: &sled::Tree,
    rows: &mut Rows,
    log: LogId,
    hashes: &[TileHash],
) -> Result<(), StoreError> {
    let mut halves: BTreeMap<(u8, u64), Vec<u8>> = BTreeMap::new();
    for TileHash { level, index, hash } in hashes {
        let half = index / HALF_HASHES;
        let value = match halves.entry((*level, half)) {
            std::collections::btree_map::Entry::Occupied(held) => held.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(begun(tree, rows, log, *level, *index)?)
            }
        };
        value.extend_from_slice(hash.as_bytes());
    }
    for ((level, half), value) in halves {
        rows.insert(&half_key(log, level, half), value);
    }
    Ok(())
}

/// The hashes before `index` in its half.
fn begun(tree: &sled::Tree, rows: &Rows, log: LogId, level: u8, index: u64) -> Result<Vec<u8>, StoreError> {
    let keep = index % HALF_HASHES;
    if keep == 0 {
        return Ok(Vec::with_capacity(4_096));
    }
    let half = index / HALF_HASHES;
    let damaged = || StoreError::Damaged { what: "a hash tile", log: log.to_string(), place: half };
    let key = half_key(log, level, half);
    let value = match rows.written(&key) {
        Some(value) => value.into(),
        None => tree.get(key)?.ok_or_else(damaged)?,
    };
    let bytes = usize::try_from(keep).map_err(|_| damaged())? * Hash::BYTES;
    value.get(..bytes).map(<[u8]>::to_vec).ok_or_else(damaged)
}

/// Reads nodes of one log's tree.
#[derive(Debug)]
pub struct TreeNodes<'a> {
    tree: &'a sled::Tree,
    log: LogId,
    kept: RefCell<BTreeMap<(u8, u64), sled::IVec>>,
    /// Nodes of other levels than those of tiles.
    hashed: RefCell<BTreeMap<(u8, u64), Hash>>,
}

impl<'a> TreeNodes<'a> {
    pub(crate) fn new(tree: &'a sled::Tree, log: LogId) -> Self {
        Self { tree, log, kept: RefCell::default(), hashed: RefCell::default() }
    }

    /// The hash at a place of a tile level: a leaf hash, or the root of a full tile of the level below.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it is not there.
    pub fn tile_hash(&self, level: u8, index: u64) -> Result<Hash, StoreError> {
        let half = index / HALF_HASHES;
        let damaged = || StoreError::Damaged { what: "a hash tile", log: self.log.to_string(), place: half };
        let mut kept = self.kept.borrow_mut();
        if !kept.contains_key(&(level, half)) {
            let value = passing::get(self.tree, &half_key(self.log, level, half))?.ok_or_else(damaged)?;
            if kept.len() >= KEPT_HALVES_MAX {
                kept.clear();
            }
            kept.insert((level, half), value);
        }
        let value = kept.get(&(level, half)).ok_or_else(damaged)?;
        let position = usize::try_from(index % HALF_HASHES).map_err(|_| damaged())?;
        let (hashes, _) = value.as_chunks::<{ Hash::BYTES }>();
        hashes.get(position).map(|bytes| Hash::from_bytes(*bytes)).ok_or_else(damaged)
    }
}

impl HashReader for TreeNodes<'_> {
    type Error = StoreError;

    /// A node between tile levels is hashed up from the tile below it.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, StoreError> {
        let above = level % TILE_HEIGHT;
        if above > 0
            && let Some(kept) = self.hashed.borrow().get(&(level, index))
        {
            return Ok(*kept);
        }
        let first = index << above;
        let mut hashes = Vec::with_capacity(1 << above);
        for place in first..first + (1 << above) {
            hashes.push(self.tile_hash(level / TILE_HEIGHT, place)?);
        }
        while hashes.len() > 1 {
            let (pairs, _) = hashes.as_chunks::<2>();
            hashes = pairs.iter().map(|[left, right]| Hash::node(left, right)).collect();
        }
        let place = index;
        let missing = || StoreError::Damaged { what: "a hash tile", log: self.log.to_string(), place };
        let hash = hashes.pop().ok_or_else(missing)?;
        if above > 0 {
            let mut kept = self.hashed.borrow_mut();
            if kept.len() >= KEPT_NODES_MAX {
                kept.clear();
            }
            kept.insert((level, index), hash);
        }
        Ok(hash)
    }
}
