//! Byte strings of any length as values of bounded length.
//!
//! A value over 7,400 bytes would, sixteen to a page, make sled write a file of its own for the page.

use crate::StoreError;
use crate::rows::Rows;

/// Longest value, in bytes.
pub(crate) const VALUE_BYTES_MAX: usize = 7_400;

/// Writes a byte string under `key ‖ u8 piece`; one that may stand there, as `replaces` says, is replaced whole, even if
/// it is longer.
pub(crate) fn put(
    tree: &sled::Tree,
    rows: &mut Rows,
    key: &[u8],
    bytes: &[u8],
    replaces: bool,
) -> Result<(), StoreError> {
    let mut pieces = bytes.chunks(VALUE_BYTES_MAX);
    for number in 0..=u8::MAX {
        let place = piece_key(key, number);
        match pieces.next() {
            Some(piece) => rows.insert(place, piece),
            None if replaces && tree.contains_key(&place)? => rows.remove(place),
            None => return Ok(()),
        }
    }
    Err(StoreError::TooLong { what: "content", len: bytes.len() })
}

fn piece_key(key: &[u8], piece: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + 1);
    bytes.extend_from_slice(key);
    bytes.push(piece);
    bytes
}
