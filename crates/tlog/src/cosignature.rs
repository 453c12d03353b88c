//! What cosigners sign, and the blobs in which they say it (c2sp.org/tlog-cosignature).
//!
//! Signing is in `signing`, checking in `note`. ML-DSA-44 is built and measured here but not computed: no
//! vetted implementation is among the crates this project uses, so such lines are carried unverified.

use std::fmt;

use thiserror::Error;

use crate::checkpoint::Checkpoint;
use crate::key::{KeyKind, KeyName};

/// Length of the blob of a 0x04 cosignature: time and Ed25519 signature.
pub const COSIGNATURE_V1_BYTES: usize = 8 + 64;
/// Length of the blob of a 0x06 cosignature: time and ML-DSA-44 signature.
pub const ML_DSA_COSIGNATURE_BYTES: usize = 8 + 2420;

/// Why bytes are no cosignature.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CosignatureError {
    /// A time that is not in the range of the format.
    #[error("cosignature time {seconds} is over 2^63 - 1")]
    Time {
        /// Seconds since 1970.
        seconds: u64,
    },
    /// Not as long as the kind of key demands.
    #[error("cosignature of {found} bytes does not fit its key")]
    Length {
        /// The length found.
        found: usize,
    },
    /// A key that makes no cosignatures.
    #[error("a key of kind {kind:?} makes no cosignatures")]
    Kind {
        /// The kind of the key.
        kind: KeyKind,
    },
}

/// When a cosigner spoke: POSIX seconds, at most 2^63 − 1. A claim of the cosigner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CosignatureTime(u64);

impl CosignatureTime {
    /// The latest time that can be stated.
    pub const MAX: Self = Self(u64::MAX >> 1);

    /// Takes seconds since 1970.
    ///
    /// # Errors
    /// If they are over 2^63 − 1 (c2sp.org/tlog-cosignature).
    pub const fn new(seconds: u64) -> Result<Self, CosignatureError> {
        if seconds >> 63 == 0 { Ok(Self(seconds)) } else { Err(CosignatureError::Time { seconds }) }
    }

    /// Seconds since 1970.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CosignatureTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The blob behind the key ID of a cosignature line, taken apart. Unverified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CosignatureBlob<'a> {
    time: CosignatureTime,
    signature: &'a [u8],
}

impl<'a> CosignatureBlob<'a> {
    /// Takes a blob apart as a key of `kind` would have made it.
    ///
    /// # Errors
    /// If the kind makes no cosignatures, the length is not exact, or the time is out of range.
    pub fn parse(kind: KeyKind, blob: &'a [u8]) -> Result<Self, CosignatureError> {
        let expected = match kind {
            KeyKind::CosignatureV1 => COSIGNATURE_V1_BYTES,
            KeyKind::MlDsa44 => ML_DSA_COSIGNATURE_BYTES,
            KeyKind::Ed25519 => return Err(CosignatureError::Kind { kind }),
        };
        match blob.split_first_chunk() {
            Some((seconds, signature)) if blob.len() == expected => {
                Ok(Self { time: CosignatureTime::new(u64::from_be_bytes(*seconds))?, signature })
            }
            _ => Err(CosignatureError::Length { found: blob.len() }),
        }
    }

    /// When the cosigner says it spoke.
    pub const fn time(&self) -> CosignatureTime {
        self.time
    }

    /// The signature itself.
    pub const fn signature(&self) -> &'a [u8] {
        self.signature
    }
}

/// What a 0x04 key signs: a header, the time, and the whole text of the note with its extension lines and
/// last LF, but without the name of the cosigner.
pub fn cosignature_message(time: CosignatureTime, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// What a 0x06 key signs for a checkpoint: a header, the name of the cosigner, the time, origin, the range
/// from 0 to the size, and the root. Extension lines are not covered. The ML-DSA context string is empty.
pub fn subtree_message(cosigner: &KeyName, time: CosignatureTime, checkpoint: &Checkpoint) -> Vec<u8> {
    let mut message = b"subtree/v1\n\0".to_vec();
    push_short(&mut message, cosigner.as_str());
    message.extend_from_slice(&time.value().to_be_bytes());
    push_short(&mut message, checkpoint.origin());
    message.extend_from_slice(&0u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size().value().to_be_bytes());
    message.extend_from_slice(checkpoint.root().as_bytes());
    message
}

/// A name of at most 255 bytes behind its length; key names and origins are never longer.
fn push_short(message: &mut Vec<u8>, name: &str) {
    message.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    message.extend_from_slice(name.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_have_one_length_for_each_kind() {
        for (kind, bytes) in
            [(KeyKind::CosignatureV1, COSIGNATURE_V1_BYTES), (KeyKind::MlDsa44, ML_DSA_COSIGNATURE_BYTES)]
        {
            let blob = vec![0x01; bytes + 1];
            let parsed = CosignatureBlob::parse(kind, &blob[..bytes]).unwrap();
            assert_eq!(parsed.time().value(), 0x0101_0101_0101_0101);
            assert_eq!(parsed.signature().len(), bytes - 8);
            for found in [0, 7, 8, bytes - 1, bytes + 1] {
                let error = CosignatureBlob::parse(kind, &blob[..found]).unwrap_err();
                assert_eq!(error, CosignatureError::Length { found });
            }
        }
        assert!(CosignatureBlob::parse(KeyKind::Ed25519, &[0; 64]).is_err());
    }

    #[test]
    fn times_over_63_bits_are_refused() {
        assert!(CosignatureTime::new((1 << 63) - 1).is_ok());
        assert!(CosignatureTime::new(1 << 63).is_err());
        assert!(CosignatureBlob::parse(KeyKind::CosignatureV1, &[0x80; COSIGNATURE_V1_BYTES]).is_err());
    }
}
