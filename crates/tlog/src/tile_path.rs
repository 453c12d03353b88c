//! Where the nodes and entries of a log lie in its tiles, and how tiles are named (c2sp.org/tlog-tiles).
//!
//! The bytes of tiles are in `tile`, those of entry bundles in `bundle`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::position::{TreeSize, parse_decimal};

/// Length of the longest path: level 63, seven index groups, width 255.
const PATH_BYTES_MAX: usize = 64;

/// Why something is no tile, bundle, or place in one.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TileError {
    /// A level that no tile has.
    #[error("tile level {level} is over 63")]
    LevelTooLarge {
        /// The level asked for.
        level: u64,
    },
    /// A width that no tile has.
    #[error("tile width {width} is not between 1 and 256")]
    WidthOutOfRange {
        /// The width asked for.
        width: u64,
    },
    /// An index that no log can reach.
    #[error("tile index is out of range")]
    IndexTooLarge,
    /// Not a path of c2sp.org/tlog-tiles.
    #[error("not the path of a tile or entry bundle")]
    NotAPath,
    /// A node that the tree does not hold complete.
    #[error("a tree of size {size} has no complete node at level {level}, index {index}")]
    NoSuchNode {
        /// The level of the node, 0 for leaves.
        level: u8,
        /// The index of the node in its level.
        index: u64,
        /// The size of the tree.
        size: TreeSize,
    },
    /// The bytes are not as long as the width says.
    #[error("{found} bytes are not {width} hashes")]
    WrongLength {
        /// The width expected.
        width: u16,
        /// The number of bytes given.
        found: usize,
    },
    /// The tile is too narrow for the node.
    #[error("tile of width {width} does not cover the node")]
    OutsideTile {
        /// The width of the tile.
        width: u16,
    },
    /// A bundle ends in the middle of an entry.
    #[error("entry bundle ends within entry {entry}")]
    BundleTruncated {
        /// The entry, counted from the start of the bundle.
        entry: u16,
    },
    /// A bundle goes on after its last entry.
    #[error("entry bundle of {width} entries has bytes after the last")]
    BundleTooLong {
        /// The number of entries expected.
        width: u16,
    },
    /// An entry is longer than its length prefix can say.
    #[error("entry of {bytes} bytes does not fit an entry bundle")]
    EntryTooLong {
        /// The length of the entry.
        bytes: usize,
    },
}

/// The level of a hash tile, 0 to 63: tile level `l` holds tree level `8 * l`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileLevel(u8);

impl TileLevel {
    /// The tiles of leaf hashes.
    pub const LEAVES: Self = Self(0);

    /// Takes a tile level.
    ///
    /// # Errors
    /// If it is over 63.
    pub fn new(level: u8) -> Result<Self, TileError> {
        if level > 63 { Err(TileError::LevelTooLarge { level: level.into() }) } else { Ok(Self(level)) }
    }

    /// The level as a number.
    pub const fn value(self) -> u8 {
        self.0
    }

    /// How many nodes a tree of `size` has complete at this level.
    fn nodes(self, size: TreeSize) -> u64 {
        size.value().checked_shr(8 * u32::from(self.0)).unwrap_or(0)
    }
}

/// How many hashes or entries a tile holds, 1 to 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileWidth(u16);

impl TileWidth {
    /// A full tile, which never changes again.
    pub const FULL: Self = Self(256);

    /// Takes a number of hashes or entries.
    ///
    /// # Errors
    /// If it is 0 or over 256: empty tiles are never served (c2sp.org/tlog-tiles).
    pub fn new(width: u16) -> Result<Self, TileError> {
        if (1..=256).contains(&width) {
            Ok(Self(width))
        } else {
            Err(TileError::WidthOutOfRange { width: width.into() })
        }
    }

    /// The width as a number, 1 to 256.
    pub const fn value(self) -> u16 {
        self.0
    }

    /// Whether nothing more fits.
    pub fn is_full(self) -> bool {
        self == Self::FULL
    }
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of a level.
    Hashes(TileLevel),
    /// The entries themselves.
    Entries,
}

/// The place of a tile or entry bundle, which is also its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileCoordinate {
    kind: TileKind,
    index: u64,
    width: TileWidth,
}

impl TileCoordinate {
    /// Names a tile.
    ///
    /// # Errors
    /// If the index is over 2^56 − 1: the place of its last entry would not be a 64-bit number.
    pub fn new(kind: TileKind, index: u64, width: TileWidth) -> Result<Self, TileError> {
        if index > u64::MAX >> 8 {
            return Err(TileError::IndexTooLarge);
        }
        Ok(Self { kind, index, width })
    }

    /// What it holds.
    pub const fn kind(self) -> TileKind {
        self.kind
    }

    /// Its index within its kind.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How much it holds.
    pub const fn width(self) -> TileWidth {
        self.width
    }

    /// The full tile at the same place, to which readers fall back once a partial one is gone.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: TileWidth::FULL, ..self }
    }

    /// The place in the tree of the tile's first hash or entry, within its level.
    pub const fn first(self) -> u64 {
        // The index is below 2^56.
        self.index << 8
    }
}

impl fmt::Display for TileCoordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{}/", level.value())?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = [0u64; 7];
        let mut rest = self.index;
        let mut used = 0;
        for group in &mut groups {
            *group = rest % 1000;
            rest /= 1000;
            used += 1;
            if rest == 0 {
                break;
            }
        }
        for (place, group) in groups.iter().enumerate().take(used).rev() {
            if place == 0 { write!(f, "{group:03}")? } else { write!(f, "x{group:03}/")? }
        }
        if self.width.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width.value()) }
    }
}

impl FromStr for TileCoordinate {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        if path.len() > PATH_BYTES_MAX {
            return Err(TileError::NotAPath);
        }
        let rest = path.strip_prefix("tile/").ok_or(TileError::NotAPath)?;
        let (kind, rest) = rest.split_once('/').ok_or(TileError::NotAPath)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => {
                let level = parse_decimal(level).map_err(|_| TileError::NotAPath)?;
                let narrow = u8::try_from(level).map_err(|_| TileError::LevelTooLarge { level })?;
                TileKind::Hashes(TileLevel::new(narrow)?)
            }
        };
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, TileWidth::FULL),
            Some((index, width)) => {
                let width = parse_decimal(width).map_err(|_| TileError::NotAPath)?;
                let narrow = u16::try_from(width).map_err(|_| TileError::WidthOutOfRange { width })?;
                match TileWidth::new(narrow)? {
                    // A full tile has no width in its path.
                    TileWidth::FULL => return Err(TileError::WidthOutOfRange { width }),
                    partial => (index, partial),
                }
            }
        };
        let coordinate = Self::new(kind, parse_index(index)?, width)?;
        // Each tile has one path: this refuses more groups than are needed.
        if coordinate.to_string() == path { Ok(coordinate) } else { Err(TileError::NotAPath) }
    }
}

/// Groups of three digits, all but the last led by an `x`.
fn parse_index(text: &str) -> Result<u64, TileError> {
    let (head, last) = text.rsplit_once('/').map_or((None, text), |(head, last)| (Some(head), last));
    let mut index = 0u64;
    let led = head.into_iter().flat_map(|head| head.split('/')).map(|group| group.strip_prefix('x'));
    for group in led.chain([Some(last)]) {
        let digits =
            group.filter(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()));
        let value: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or(TileError::NotAPath)?;
        index = index
            .checked_mul(1000)
            .and_then(|index| index.checked_add(value))
            .ok_or(TileError::IndexTooLarge)?;
    }
    Ok(index)
}

/// Where a node of the tree is found in the hash tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeInTile {
    tile: TileCoordinate,
    depth: u8,
    offset: u8,
}

impl NodeInTile {
    /// Finds a complete node of the tree of `size`: tree level `8 * l + depth` lies in tile level `l`, where
    /// it spans `2^depth` hashes.
    ///
    /// # Errors
    /// If the tree has no such complete node.
    pub fn locate(level: u8, index: u64, size: TreeSize) -> Result<Self, TileError> {
        let missing = TileError::NoSuchNode { level, index, size };
        if index >= size.value().checked_shr(level.into()).unwrap_or(0) {
            return Err(missing);
        }
        let (tile_level, depth) = (TileLevel::new(level / 8)?, level % 8);
        // The node is in the tree, so its first leaf is, and the shifted index stays below 2^63.
        let first = index << depth;
        let tile = tile_of(tile_level, first >> 8, size).ok_or(missing)?;
        let offset = u8::try_from((first & 0xff) >> depth).map_err(|_| missing)?;
        Ok(Self { tile, depth, offset })
    }

    /// The tile that a tree of the given size has there; a wider one serves as well.
    pub const fn tile(self) -> TileCoordinate {
        self.tile
    }

    /// How many levels above the tile's hashes the node stands, 0 to 7.
    pub const fn depth(self) -> u8 {
        self.depth
    }

    /// The index of the node among those of its depth in the tile.
    pub const fn offset(self) -> u8 {
        self.offset
    }
}

/// The hash tiles that a tree of `newer` has and one of `older` has not, by level and index. All tiles of a
/// tree are those since [`TreeSize::ZERO`].
pub fn tiles_between(older: TreeSize, newer: TreeSize) -> impl Iterator<Item = TileCoordinate> {
    (0..8)
        .map(TileLevel)
        .flat_map(move |level| grown(TileKind::Hashes(level), level.nodes(older), level.nodes(newer)))
}

/// The entry bundles that a tree of `newer` has and one of `older` has not, by index.
pub fn bundles_between(older: TreeSize, newer: TreeSize) -> impl Iterator<Item = TileCoordinate> {
    grown(TileKind::Entries, older.value(), newer.value())
}

/// The tiles of one kind that change when its hashes or entries go from `before` to `after`.
fn grown(kind: TileKind, before: u64, after: u64) -> impl Iterator<Item = TileCoordinate> {
    let full = (before >> 8..after >> 8).map(move |index| (index, TileWidth::FULL));
    let width = u16::try_from(after & 0xff).unwrap_or(0);
    let partial = (after > before && width > 0).then_some((after >> 8, TileWidth(width)));
    full.chain(partial).map(move |(index, width)| TileCoordinate { kind, index, width })
}

/// The tile of that level and index in a tree of `size`, if it is not empty.
fn tile_of(level: TileLevel, index: u64, size: TreeSize) -> Option<TileCoordinate> {
    let held = level.nodes(size).checked_sub(index << 8)?.min(256);
    let width = TileWidth::new(u16::try_from(held).ok()?).ok()?;
    Some(TileCoordinate { kind: TileKind::Hashes(level), index, width })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tile_has_one_path() {
        for path in ["tile/0/000", "tile/63/000.p/255", "tile/entries/x001/x234/067.p/1", "tile/1/x999/999"] {
            assert_eq!(path.parse::<TileCoordinate>().unwrap().to_string(), path);
        }
        for bad in [
            "",
            "tile",
            "tile/",
            "tile//000",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile/64/000",
            "tile/256/000",
            "tile/00/000",
            "tile/+1/000",
            "tile/0/x000/001",
            "tile/0/x001",
            "tile/0/001/x234",
            "tile/0/x001/1234",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/+1",
            "tile/0/000.p/1.p/1",
            "tile/data/000",
            "tile/8/0/000",
            "tile/entries/00\u{0663}",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
            "tile/0/x072/x057/x594/x037/x927/936",
            "TILE/0/000",
        ] {
            assert!(bad.parse::<TileCoordinate>().is_err(), "{bad:?}");
        }
        assert!(format!("tile/0/{}000", "x001/".repeat(100_000)).parse::<TileCoordinate>().is_err());
    }

    #[test]
    fn empty_tiles_are_never_named() {
        let names = |older, newer| -> Vec<String> {
            let (older, newer) = (TreeSize::new(older).unwrap(), TreeSize::new(newer).unwrap());
            tiles_between(older, newer)
                .chain(bundles_between(older, newer))
                .map(|tile| tile.to_string())
                .collect()
        };
        assert!(names(0, 0).is_empty());
        assert!(names(300, 300).is_empty());
        assert_eq!(names(0, 256), ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
        assert_eq!(names(256, 257), ["tile/0/001.p/1", "tile/entries/001.p/1"]);
        assert_eq!(names(255, 256), names(0, 256));
    }

    #[test]
    fn the_largest_tree_is_named_without_overflow() {
        let older = TreeSize::new(TreeSize::MAX.value() - 1).unwrap();
        let last = tiles_between(older, TreeSize::MAX).last().unwrap();
        assert_eq!(last.to_string(), "tile/0/x036/x028/x797/x018/x963/967.p/255");
        let top = NodeInTile::locate(62, 0, TreeSize::MAX).unwrap();
        assert_eq!((top.tile().to_string(), top.depth(), top.offset()), ("tile/7/000.p/127".into(), 6, 0));
        for level in [63, 64, 255] {
            assert!(NodeInTile::locate(level, 0, TreeSize::MAX).is_err());
        }
        assert!(NodeInTile::locate(0, u64::MAX, TreeSize::MAX).is_err());
    }
}
