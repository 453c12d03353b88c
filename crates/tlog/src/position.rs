//! Sizes of trees and indexes of entries: two counters that must not be mistaken for one another.
//!
//! Positions of inner nodes and tiles are in `prove` and `tile_path`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Why a number is no position in a log.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PositionError {
    /// More entries than a log may have.
    #[error("tree size {value} is over {}", TreeSize::MAX)]
    SizeTooLarge {
        /// What was asked for.
        value: u64,
    },
    /// An index no log can reach.
    #[error("entry index {value} is over {}", EntryIndex::MAX)]
    IndexTooLarge {
        /// What was asked for.
        value: u64,
    },
    /// A step that leaves the range.
    #[error("{value} plus {step} is over the largest position")]
    StepTooLarge {
        /// Where the step began.
        value: u64,
        /// How far it went.
        step: u64,
    },
    /// A text that is not a plain decimal number in range.
    #[error("not a decimal number without sign, spaces and leading zeros")]
    NotDecimal,
}

/// The number of entries of a tree, at most 2^63 − 1.
///
/// The cap is ours: some implementations count in signed integers, and a log nobody else can read is no log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeSize(u64);

impl TreeSize {
    /// A tree without entries.
    pub const ZERO: Self = Self(0);
    /// The largest tree, 2^63 − 1 entries.
    pub const MAX: Self = Self((1 << 63) - 1);

    /// Takes a number of entries.
    ///
    /// # Errors
    /// If it is over 2^63 − 1.
    pub const fn new(value: u64) -> Result<Self, PositionError> {
        if value > Self::MAX.0 { Err(PositionError::SizeTooLarge { value }) } else { Ok(Self(value)) }
    }

    /// The number of entries.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Whether there are no entries.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether the tree holds the entry.
    pub const fn contains(self, index: EntryIndex) -> bool {
        index.0 < self.0
    }

    /// The size after `step` more entries.
    ///
    /// # Errors
    /// If that is over 2^63 − 1.
    pub const fn checked_add(self, step: u64) -> Result<Self, PositionError> {
        match self.0.checked_add(step) {
            Some(value) if value <= Self::MAX.0 => Ok(Self(value)),
            _ => Err(PositionError::StepTooLarge { value: self.0, step }),
        }
    }

    /// The size after one more entry.
    ///
    /// # Errors
    /// If that is over 2^63 − 1.
    pub const fn next(self) -> Result<Self, PositionError> {
        self.checked_add(1)
    }

    /// The index that the next entry gets.
    ///
    /// # Errors
    /// If the tree is full.
    pub const fn next_index(self) -> Result<EntryIndex, PositionError> {
        EntryIndex::new(self.0)
    }

    /// The index of the newest entry, if there is one.
    pub fn last_index(self) -> Option<EntryIndex> {
        self.0.checked_sub(1).map(EntryIndex)
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TreeSize {
    type Err = PositionError;

    /// Reads ASCII decimal without sign, space or leading zero (c2sp.org/tlog-checkpoint).
    fn from_str(text: &str) -> Result<Self, PositionError> {
        Self::new(parse_decimal(text)?)
    }
}

impl TryFrom<u64> for TreeSize {
    type Error = PositionError;

    fn try_from(value: u64) -> Result<Self, PositionError> {
        Self::new(value)
    }
}

impl From<TreeSize> for u64 {
    fn from(size: TreeSize) -> Self {
        size.0
    }
}

/// The place of an entry, counted from 0, at most 2^63 − 2 so that the tree it completes has a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryIndex(u64);

impl EntryIndex {
    /// The first entry, which is the genesis of every log.
    pub const ZERO: Self = Self(0);
    /// The last index a log can reach.
    pub const MAX: Self = Self(TreeSize::MAX.0 - 1);

    /// Takes an index.
    ///
    /// # Errors
    /// If it is over 2^63 − 2.
    pub const fn new(value: u64) -> Result<Self, PositionError> {
        if value > Self::MAX.0 { Err(PositionError::IndexTooLarge { value }) } else { Ok(Self(value)) }
    }

    /// The index as a number.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The index `step` entries later.
    ///
    /// # Errors
    /// If that is over 2^63 − 2.
    pub const fn checked_add(self, step: u64) -> Result<Self, PositionError> {
        match self.0.checked_add(step) {
            Some(value) if value <= Self::MAX.0 => Ok(Self(value)),
            _ => Err(PositionError::StepTooLarge { value: self.0, step }),
        }
    }

    /// The index of the entry after this one.
    ///
    /// # Errors
    /// If that is over 2^63 − 2.
    pub const fn next(self) -> Result<Self, PositionError> {
        self.checked_add(1)
    }

    /// The size of the tree whose newest entry this is.
    pub const fn size_through(self) -> TreeSize {
        // An index is at most 2^63 − 2.
        TreeSize(self.0 + 1)
    }

    /// The size of the tree of all entries before this one.
    pub const fn size_before(self) -> TreeSize {
        TreeSize(self.0)
    }
}

impl fmt::Display for EntryIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EntryIndex {
    type Err = PositionError;

    /// Reads ASCII decimal without sign, space or leading zero.
    fn from_str(text: &str) -> Result<Self, PositionError> {
        Self::new(parse_decimal(text)?)
    }
}

impl TryFrom<u64> for EntryIndex {
    type Error = PositionError;

    fn try_from(value: u64) -> Result<Self, PositionError> {
        Self::new(value)
    }
}

impl From<EntryIndex> for u64 {
    fn from(index: EntryIndex) -> Self {
        index.0
    }
}

/// ASCII decimal in its one spelling; `u64::from_str` would take `+1` and `01` as well.
pub(crate) fn parse_decimal(text: &str) -> Result<u64, PositionError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().map_err(|_| PositionError::NotDecimal) } else { Err(PositionError::NotDecimal) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: u64 = (1 << 63) - 1;

    #[test]
    fn ends_of_the_range_hold() {
        assert_eq!(TreeSize::new(TOP).map(TreeSize::value), Ok(TOP));
        assert!(TreeSize::new(TOP + 1).is_err());
        assert!(EntryIndex::new(TOP - 1).is_ok());
        assert!(EntryIndex::new(TOP).is_err());
        assert_eq!(EntryIndex::MAX.size_through(), TreeSize::MAX);
        assert!(TreeSize::MAX.next().is_err());
        assert!(TreeSize::MAX.next_index().is_err());
        assert!(EntryIndex::MAX.next().is_err());
        assert!(EntryIndex::ZERO.checked_add(u64::MAX).is_err());
        assert_eq!(TreeSize::ZERO.last_index(), None);
        assert_eq!(TreeSize::MAX.last_index(), Some(EntryIndex::MAX));
        assert!(!TreeSize::ZERO.contains(EntryIndex::ZERO));
    }

    #[test]
    fn decimal_has_one_spelling() {
        assert_eq!("0".parse(), Ok(TreeSize::ZERO));
        assert_eq!("9223372036854775807".parse(), Ok(TreeSize::MAX));
        for bad in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1_0",
            "٣",
            "9223372036854775808",
            "99999999999999999999",
        ] {
            assert!(bad.parse::<TreeSize>().is_err(), "{bad:?}");
            assert!(bad.parse::<EntryIndex>().is_err(), "{bad:?}");
        }
    }
}
