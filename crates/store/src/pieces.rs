//! Byte strings of any length as values of bounded length.
//!
//! A value over 7,400 bytes would, sixteen to a page, make sled write a file of its own for the page.

use crate::StoreError;
use crate::rows::Rows;

/// Longest value, in bytes.
pub(crate) const VALUE_BYTES_MAX: usize = 7_400;

/// Writes a byte string under `key ‖ u8 piece`; a longer one that stood there before is replaced whole.
pub(crate) fn put(tree: &sled::Tree, rows: &mut Rows, key: &[u8], bytes: &[u8]) -> Result<(), StoreError> {
    let mut pieces = bytes.chunks(VALUE_BYTES_MAX);
    for number in 0..=u8::MAX {
        let place = piece_key(key, number);
        match pieces.next() {
            Some(piece) => rows.insert(place, piece),
            None if tree.contains_key(&place)? => rows.remove(place),
            None => return Ok(()),
        }
    }
    Err(StoreError::TooLong { what: "content", len: bytes.len() })
}

/// Reads a byte string back; `None` if there is none.
pub(crate) fn read(tree: &sled::Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let mut whole: Option<Vec<u8>> = None;
    for piece in tree.scan_prefix(key) {
        let (_, piece) = piece?;
        whole.get_or_insert_default().extend_from_slice(&piece);
    }
    Ok(whole)
}

fn piece_key(key: &[u8], piece: u8) -> Vec<u8> {
    let mut bytes = key.to_vec();
    bytes.push(piece);
    bytes
}
