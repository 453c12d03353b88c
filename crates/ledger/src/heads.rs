//! What two nodes tell each other of the logs that both know: digests of what each holds, and the news that follow
//! (C13).
//!
//! Not here: how they travel (`comity-wire`), and what is made of them (`gossip`).

use comity_tlog::{ConsistencyProof, Hash, SignatureLine, SignedCheckpoint};

use crate::{Head, Origin};

/// The first 16 bytes of SHA-256 of an origin: the name of a log to those who know it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginDigest([u8; Self::BYTES]);

impl OriginDigest {
    /// Bytes of a digest.
    pub const BYTES: usize = 16;

    /// The digest of an origin.
    pub fn of(origin: &Origin) -> Self {
        Self::of_text(origin.as_str())
    }

    /// The digest of the origin that a checkpoint names.
    pub fn of_text(origin: &str) -> Self {
        let mut bytes = [0; Self::BYTES];
        for (into, from) in bytes.iter_mut().zip(Hash::digest(origin.as_bytes()).as_bytes()) {
            *into = *from;
        }
        Self(bytes)
    }

    /// Takes the bytes of a digest.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

/// A count that a node moves on with every new checkpoint and every new signature line of one log. Two that differ tell
/// that there is something new; which is larger tells nothing, since a node that begins anew counts from anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// Takes a count.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The count.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The count after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// What one side holds of one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadDigest {
    /// The log.
    pub origin: OriginDigest,
    /// Its newest head.
    pub head: Head,
    /// The sender's generation.
    pub generation: Generation,
    /// The receiver's generation that the sender has seen.
    pub seen: Generation,
}

/// SHA-256 over digests, by which both sides know that nothing has changed without sending them again.
pub fn digest_of_digests(digests: &[HeadDigest]) -> Hash {
    let mut bytes = Vec::with_capacity(digests.len().saturating_mul(72));
    for digest in digests {
        bytes.extend_from_slice(digest.origin.as_bytes());
        bytes.extend_from_slice(&digest.head.size.value().to_be_bytes());
        bytes.extend_from_slice(digest.head.root.as_bytes());
        bytes.extend_from_slice(&digest.generation.value().to_be_bytes());
        bytes.extend_from_slice(&digest.seen.value().to_be_bytes());
    }
    Hash::digest(&bytes)
}

/// How a tree begins: a smaller size with its root, and the consistency proof from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The smaller size, and the root that it has within the larger tree.
    pub head: Head,
    /// The proof from there to the larger tree (RFC 6962 §2.1.2).
    pub proof: ConsistencyProof,
}

/// News of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadUpdate {
    /// The log.
    pub origin: OriginDigest,
    /// The sender's generation with this news.
    pub generation: Generation,
    /// The news.
    pub news: HeadNews,
}

/// What is new; unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadNews {
    /// A checkpoint that the receiver lacks, and how its tree begins up to the size that the receiver stated.
    Checkpoint {
        /// The checkpoint with the lines that the sender holds.
        note: SignedCheckpoint,
        /// Not given by a sender that does not hold the entries, or to a receiver that stated nothing.
        beginning: Option<Beginning>,
    },
    /// Lines for the checkpoint that both hold.
    Lines {
        /// The generation that the receiver stated to have seen, after which these came; the default if these are all.
        since: Generation,
        /// The lines; none if there are none to be seen.
        lines: Vec<SignatureLine>,
    },
}
