//! Entry bundles: up to 256 entries, each led by its length (c2sp.org/tlog-tiles, "Log entries").
//!
//! What an entry means is none of this crate's business.

use crate::tile_path::{TileError, TileWidth};

/// The longest entry that a u16 length can lead.
pub const BUNDLE_ENTRY_BYTES_MAX: usize = 65_535;

/// A full bundle of the longest entries.
pub const BUNDLE_BYTES_MAX: usize = 256 * (2 + BUNDLE_ENTRY_BYTES_MAX);

/// The entries of a bundle, borrowed from its bytes. Unverified until their leaf hashes meet a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryBundle<'a> {
    entries: Vec<&'a [u8]>,
    width: TileWidth,
}

impl<'a> EntryBundle<'a> {
    /// Takes entries in order.
    ///
    /// # Errors
    /// If there are none or more than 256, or one is too long for its length prefix.
    pub fn from_entries(entries: Vec<&'a [u8]>) -> Result<Self, TileError> {
        let width = TileWidth::new(u16::try_from(entries.len()).unwrap_or(u16::MAX))?;
        match entries.iter().find(|entry| entry.len() > BUNDLE_ENTRY_BYTES_MAX) {
            Some(entry) => Err(TileError::EntryTooLong { bytes: entry.len() }),
            None => Ok(Self { entries, width }),
        }
    }

    /// Reads a bundle of exactly `width` entries.
    ///
    /// # Errors
    /// If the bytes end within an entry or go on after the last.
    pub fn parse(bytes: &'a [u8], width: TileWidth) -> Result<Self, TileError> {
        let (bundle, rest) = Self::parse_prefix(bytes, width)?;
        if rest.is_empty() { Ok(bundle) } else { Err(TileError::BundleTooLong { width: width.value() }) }
    }

    /// Reads the first `width` entries and gives the bytes after them: for a full bundle that stands in for a
    /// partial one.
    ///
    /// # Errors
    /// If the bytes end within an entry.
    pub fn parse_prefix(bytes: &'a [u8], width: TileWidth) -> Result<(Self, &'a [u8]), TileError> {
        let mut rest = bytes;
        let mut entries = Vec::with_capacity(width.value().into());
        for entry in 0..width.value() {
            let (taken, after) = split_entry(rest).ok_or(TileError::BundleTruncated { entry })?;
            entries.push(taken);
            rest = after;
        }
        Ok((Self { entries, width }, rest))
    }

    /// The entries in order.
    pub fn entries(&self) -> &[&'a [u8]] {
        &self.entries
    }

    /// How many entries there are.
    pub const fn width(&self) -> TileWidth {
        self.width
    }

    /// The bytes to be kept or served.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.entries.iter().map(|entry| 2 + entry.len()).sum());
        for entry in &self.entries {
            // The constructors let no entry pass that is longer.
            bytes.extend_from_slice(&u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        bytes
    }
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn width(width: u16) -> TileWidth {
        TileWidth::new(width).unwrap()
    }

    #[test]
    fn bundles_round_trip_with_empty_and_longest_entries() {
        let longest = vec![7; BUNDLE_ENTRY_BYTES_MAX];
        let entries: Vec<&[u8]> = vec![b"", b"x", &longest];
        let bytes = EntryBundle::from_entries(entries.clone()).unwrap().to_bytes();
        assert_eq!(EntryBundle::parse(&bytes, width(3)).unwrap().entries(), entries);
        let too_long = vec![7; BUNDLE_ENTRY_BYTES_MAX + 1];
        assert!(EntryBundle::from_entries(vec![&too_long]).is_err());
        assert!(EntryBundle::from_entries(Vec::new()).is_err());
        assert!(EntryBundle::from_entries(vec![b""; 257]).is_err());
        assert_eq!(
            EntryBundle::from_entries(vec![&longest; 256]).unwrap().to_bytes().len(),
            BUNDLE_BYTES_MAX
        );
    }

    #[test]
    fn a_cut_or_padded_bundle_is_refused() {
        let bytes = EntryBundle::from_entries(vec![b"one", b"two"]).unwrap().to_bytes();
        for end in 0..bytes.len() {
            let error = EntryBundle::parse(&bytes[..end], width(2)).unwrap_err();
            assert!(matches!(error, TileError::BundleTruncated { .. }), "{end}");
        }
        assert_eq!(EntryBundle::parse(&bytes, width(1)), Err(TileError::BundleTooLong { width: 1 }));
        let (first, rest) = EntryBundle::parse_prefix(&bytes, width(1)).unwrap();
        assert_eq!((first.entries(), rest), (&[&b"one"[..]][..], &b"\0\x03two"[..]));
    }
}
