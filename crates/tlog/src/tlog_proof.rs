//! Proofs in one document: an index, its audit path and a cosigned checkpoint (c2sp.org/tlog-proof).
//!
//! How many witnesses are enough, and which, is for `ledger` to say.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;

use crate::checkpoint::{CheckpointError, SignedCheckpoint, VerifiedCheckpoint};
use crate::hash::{Hash, HashError};
use crate::key::VerifierKey;
use crate::note::NOTE_BYTES_MAX;
use crate::position::{EntryIndex, PositionError};
use crate::proof::{InclusionProof, ProofError, verify_inclusion};

/// The first line of the document.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The most that is read of what an author may add; it is not authenticated.
pub const TLOG_PROOF_EXTRA_BYTES_MAX: usize = 65_536;
/// The longest document that is read: extra as base64, the lines of the path, and a note.
pub const TLOG_PROOF_BYTES_MAX: usize =
    TLOG_PROOF_EXTRA_BYTES_MAX / 3 * 4 + 4 + 45 * InclusionProof::HASHES_MAX + 128 + NOTE_BYTES_MAX;

/// Why a document proves nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TlogProofError {
    /// Longer than any that is read.
    #[error("tlog-proof of {bytes} bytes is over {TLOG_PROOF_BYTES_MAX}")]
    TooLong {
        /// The length of the document.
        bytes: usize,
    },
    /// Not text, or without the lines that must be there.
    #[error("tlog-proof lacks its header, its index line or its blank line")]
    Shape,
    /// The extra line is no base64 or too long.
    #[error("tlog-proof has a malformed extra line or over {TLOG_PROOF_EXTRA_BYTES_MAX} bytes in it")]
    Extra,
    /// The index line holds no index.
    #[error("tlog-proof has no valid index")]
    Index {
        /// What is wrong with it.
        #[source]
        source: PositionError,
    },
    /// A line of the path is no hash.
    #[error("tlog-proof has a malformed hash")]
    Hash {
        /// What is wrong with it.
        #[source]
        source: HashError,
    },
    /// The path is too long, or does not lead to the root.
    #[error("tlog-proof does not prove the entry")]
    Proof {
        /// What is wrong with it.
        #[source]
        source: ProofError,
    },
    /// The checkpoint is malformed or refused.
    #[error("checkpoint of the tlog-proof is refused")]
    Checkpoint {
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
}

/// A parsed document. Unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: EntryIndex,
    proof: InclusionProof,
    checkpoint: SignedCheckpoint,
}

impl TlogProof {
    /// Puts a proof together, without an extra line.
    pub const fn new(index: EntryIndex, proof: InclusionProof, checkpoint: SignedCheckpoint) -> Self {
        Self { extra: None, index, proof, checkpoint }
    }

    /// Adds bytes that nothing authenticates.
    ///
    /// # Errors
    /// If there are more than [`TLOG_PROOF_EXTRA_BYTES_MAX`].
    pub fn with_extra(self, extra: &[u8]) -> Result<Self, TlogProofError> {
        if extra.len() > TLOG_PROOF_EXTRA_BYTES_MAX {
            return Err(TlogProofError::Extra);
        }
        Ok(Self { extra: Some(extra.to_vec()), ..self })
    }

    /// Reads a document.
    ///
    /// # Errors
    /// If it is too long or not of the shape of c2sp.org/tlog-proof.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        if bytes.len() > TLOG_PROOF_BYTES_MAX {
            return Err(TlogProofError::TooLong { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| TlogProofError::Shape)?;
        let (head, note) = text.split_once("\n\n").ok_or(TlogProofError::Shape)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(TlogProofError::Shape);
        }
        let mut line = lines.next().ok_or(TlogProofError::Shape)?;
        let extra = match line.strip_prefix("extra ") {
            None => None,
            Some(encoded) => {
                line = lines.next().ok_or(TlogProofError::Shape)?;
                Some(parse_extra(encoded)?)
            }
        };
        let index = line.strip_prefix("index ").ok_or(TlogProofError::Shape)?;
        let index = index.parse().map_err(|source| TlogProofError::Index { source })?;
        let hashes = lines
            // One more than may be, so that too long a path is noticed without reading all of it.
            .take(InclusionProof::HASHES_MAX + 1)
            .map(Hash::parse_base64)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| TlogProofError::Hash { source })?;
        let proof = InclusionProof::new(hashes).map_err(|source| TlogProofError::Proof { source })?;
        let checkpoint = SignedCheckpoint::parse(note.as_bytes())
            .map_err(|source| TlogProofError::Checkpoint { source })?;
        Ok(Self { extra, index, proof, checkpoint })
    }

    /// The document as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            // Writing to a String does not fail.
            let _ = writeln!(head, "extra {}", STANDARD.encode(extra));
        }
        let _ = writeln!(head, "index {}", self.index);
        for hash in self.proof.hashes() {
            let _ = writeln!(head, "{hash}");
        }
        head.push('\n');
        [head.as_bytes(), self.checkpoint.as_bytes()].concat()
    }

    /// What the author added. Not authenticated by anything.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// The entry that is spoken of.
    pub const fn index(&self) -> EntryIndex {
        self.index
    }

    /// The path from it to the root.
    pub const fn proof(&self) -> &InclusionProof {
        &self.proof
    }

    /// The checkpoint with that root.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Checks that the log signed, that every line of a known witness is good, and that the leaf is in the
    /// tree. The caller asks the result how many witnesses there are.
    ///
    /// # Errors
    /// If the checkpoint is not to be believed or the path does not lead from the leaf to its root.
    pub fn verify(
        &self,
        leaf: &Hash,
        log: &VerifierKey,
        witnesses: &[VerifierKey],
    ) -> Result<VerifiedInclusion, TlogProofError> {
        let verified = self.checkpoint.verify(log, witnesses);
        let checkpoint = verified.map_err(|source| TlogProofError::Checkpoint { source })?;
        let tree = checkpoint.checkpoint();
        verify_inclusion(leaf, self.index, tree.size(), &self.proof, &tree.root())
            .map_err(|source| TlogProofError::Proof { source })?;
        Ok(VerifiedInclusion { leaf: *leaf, index: self.index, checkpoint })
    }
}

/// A leaf that is in a log, by a checkpoint that the log signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedInclusion {
    leaf: Hash,
    index: EntryIndex,
    checkpoint: VerifiedCheckpoint,
}

impl VerifiedInclusion {
    /// The leaf.
    pub const fn leaf(&self) -> &Hash {
        &self.leaf
    }

    /// Its place.
    pub const fn index(&self) -> EntryIndex {
        self.index
    }

    /// The checkpoint that covers it, with its cosignatures.
    pub const fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }

    /// How many of the witnesses handed in cosigned that checkpoint, each public key counted once.
    pub fn witnesses(&self) -> usize {
        self.checkpoint.cosignatures().len()
    }
}

fn parse_extra(encoded: &str) -> Result<Vec<u8>, TlogProofError> {
    let extra = STANDARD.decode(encoded).map_err(|_| TlogProofError::Extra)?;
    if extra.len() > TLOG_PROOF_EXTRA_BYTES_MAX { Err(TlogProofError::Extra) } else { Ok(extra) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::key::{KeyKind, KeyName};
    use crate::position::TreeSize;
    use crate::signing::SigningKey;

    fn log() -> SigningKey {
        SigningKey::from_seed(KeyName::new("a.example/pub").unwrap(), KeyKind::Ed25519, &[1; 32]).unwrap()
    }

    /// A proof of the second of two entries.
    fn proof() -> TlogProof {
        let leaves = [Hash::leaf(b"a"), Hash::leaf(b"b")];
        let root = Hash::node(&leaves[0], &leaves[1]);
        let checkpoint = Checkpoint::new("a.example/pub", TreeSize::new(2).unwrap(), root).unwrap();
        let path = InclusionProof::new(vec![leaves[0]]).unwrap();
        TlogProof::new(EntryIndex::new(1).unwrap(), path, checkpoint.sign(&log()).unwrap())
    }

    #[test]
    fn documents_round_trip_with_and_without_extra() {
        for document in [proof(), proof().with_extra(b"").unwrap(), proof().with_extra(b"more\n\n").unwrap()]
        {
            assert_eq!(TlogProof::parse(&document.to_bytes()), Ok(document.clone()));
            let verified = document.verify(&Hash::leaf(b"b"), log().verifier(), &[]).unwrap();
            assert_eq!((verified.index().value(), verified.witnesses()), (1, 0));
            assert!(document.verify(&Hash::leaf(b"a"), log().verifier(), &[]).is_err());
        }
        assert!(proof().with_extra(&vec![0; TLOG_PROOF_EXTRA_BYTES_MAX]).is_ok());
        assert!(proof().with_extra(&vec![0; TLOG_PROOF_EXTRA_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn documents_of_another_shape_are_refused() {
        let good = String::from_utf8(proof().to_bytes()).unwrap();
        let hash = Hash::leaf(b"a").to_base64();
        let check = |bad: &str| assert!(TlogProof::parse(bad.as_bytes()).is_err(), "{bad}");
        check("");
        check(&good.replace("@v1", "@v2"));
        check(&good.replace("index 1\n", ""));
        check(&good.replace("index 1", "index 01"));
        check(&good.replace("index 1", "index -1"));
        check(&good.replace("index 1", "index 9223372036854775807"));
        check(&good.replace("index 1", "extra !\nindex 1"));
        check(&good.replace("index 1", "extra AA==\nextra AA==\nindex 1"));
        check(&good.replace("index 1", "index 1\nextra AA=="));
        check(&good.replacen(&hash, "AAAA", 1));
        check(&good.replacen(&format!("{hash}\n"), &format!("{hash}\n").repeat(64), 1));
        check(&good.replacen("\n\n", "\n", 1));
        check(good.trim_end());
        assert!(TlogProof::parse(&vec![b'x'; TLOG_PROOF_BYTES_MAX + 1]).is_err());
        assert!(TlogProof::parse(b"\xff").is_err());
    }
}
