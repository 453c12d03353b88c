//! The one hash of a log: SHA-256 with the domain separation of RFC 6962 §2.1.
//!
//! Not for hashing anything that is no tree node: commitments and fingerprints live in `ledger`.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{Context, SHA256, digest};
use thiserror::Error;

/// Length of the base64 text of a hash, padding included.
const BASE64_BYTES: usize = 44;

/// Why a text is not a hash.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HashError {
    /// The text is not the padded, canonical base64 of 32 bytes.
    #[error("hash is not the standard base64 of 32 bytes")]
    NotBase64Of32,
}

/// A node of the tree: 32 bytes of SHA-256.
///
/// Ordered by bytes; compared without regard to timing, since every hash here is public.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; Hash::BYTES]);

impl Hash {
    /// Length of a hash in bytes.
    pub const BYTES: usize = 32;

    /// The root of a tree without entries, SHA-256 of the empty string (RFC 6962 §2.1).
    pub const EMPTY_ROOT: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// Takes 32 bytes that are already a hash.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Plain SHA-256 of some bytes, for names and files; never of an entry or a node.
    pub fn digest(bytes: &[u8]) -> Self {
        Self::from_digest(&digest(&SHA256, bytes))
    }

    /// SHA-256 of bytes that come in pieces: `each` hands them over one after another.
    ///
    /// # Errors
    /// That of `each`.
    pub fn digest_of<E>(each: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<(), E>) -> Result<Self, E> {
        let mut context = Context::new(&SHA256);
        each(&mut |piece| context.update(piece))?;
        Ok(Self::from_digest(&context.finish()))
    }

    /// The hash of an entry as a leaf: SHA-256(0x00 ‖ entry), RFC 6962 §2.1.
    pub fn leaf(entry: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&[0x00]);
        context.update(entry);
        Self::from_digest(&context.finish())
    }

    /// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1.
    pub fn node(left: &Self, right: &Self) -> Self {
        let mut preimage = [0x01; 1 + 2 * Self::BYTES];
        let (_, children) = preimage.split_at_mut(1);
        children.copy_from_slice([left.0, right.0].as_flattened());
        Self::from_digest(&digest(&SHA256, &preimage))
    }

    /// The standard base64 with padding, 44 characters.
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads what [`Hash::to_base64`] writes and nothing else.
    ///
    /// # Errors
    /// If the text is not the canonical, padded base64 of 32 bytes.
    pub fn parse_base64(text: &str) -> Result<Self, HashError> {
        if text.len() != BASE64_BYTES {
            return Err(HashError::NotBase64Of32);
        }
        // The decoder wants room for three bytes a group, one more than the padding leaves.
        let mut decoded = [0u8; Self::BYTES + 1];
        match STANDARD.decode_slice(text, &mut decoded) {
            Ok(Self::BYTES) => Self::from_slice(&decoded).ok_or(HashError::NotBase64Of32),
            _ => Err(HashError::NotBase64Of32),
        }
    }

    /// The first 32 bytes of a slice, if it has that many.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().copied().map(Self)
    }

    fn from_digest(digest: &ring::digest::Digest) -> Self {
        let mut bytes = [0u8; Self::BYTES];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_root_is_the_digest_of_nothing() {
        assert_eq!(Hash::EMPTY_ROOT.as_bytes(), digest(&SHA256, b"").as_ref());
    }

    #[test]
    fn leaf_and_node_are_separated() {
        // A leaf that spells an inner node's preimage must not get that node's hash (RFC 6962 §2.1).
        let (left, right) = (Hash::leaf(b"l"), Hash::leaf(b"r"));
        let spelled = [left.as_bytes().as_slice(), right.as_bytes()].concat();
        assert_ne!(Hash::node(&left, &right), Hash::leaf(&spelled));
        let preimage = [&[1u8][..], &spelled].concat();
        assert_eq!(Hash::node(&left, &right).as_bytes(), digest(&SHA256, &preimage).as_ref());
    }

    #[test]
    fn base64_round_trips_and_is_canonical() {
        let hash = Hash::leaf(b"x");
        let text = hash.to_base64();
        assert_eq!(Hash::parse_base64(&text), Ok(hash));
        // The last character before the padding carries two bits that must be zero.
        let unpadded = text.trim_end_matches('=');
        let last = unpadded.chars().last().unwrap();
        let next = char::from_u32(u32::from(last) + 1).unwrap();
        let loose = format!("{}{next}=", &unpadded[..unpadded.len() - 1]);
        for bad in ["", unpadded, "AAAA", loose.as_str(), &format!("{text}\n"), &text.replace('=', "A")] {
            assert_eq!(Hash::parse_base64(bad), Err(HashError::NotBase64Of32), "{bad}");
        }
    }
}
