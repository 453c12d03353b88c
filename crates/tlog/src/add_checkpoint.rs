//! The body of a witness's add-checkpoint request (c2sp.org/tlog-witness).
//!
//! Whether to cosign, and what to answer, is the witness's affair (`ledger`); HTTP is `node`'s.

use thiserror::Error;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::hash::{Hash, HashError};
use crate::note::NOTE_BYTES_MAX;
use crate::position::{PositionError, TreeSize};
use crate::proof::{ConsistencyProof, ProofError};

/// The most hashes a request carries (c2sp.org/tlog-witness).
pub const ADD_CHECKPOINT_HASHES_MAX: usize = 63;
/// The longest request: the old size, the hashes, and a note.
pub const ADD_CHECKPOINT_BYTES_MAX: usize = 64 + 45 * ADD_CHECKPOINT_HASHES_MAX + NOTE_BYTES_MAX;

/// Why bytes are no add-checkpoint request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddCheckpointError {
    /// Longer than any that is read.
    #[error("add-checkpoint request of {bytes} bytes is over {ADD_CHECKPOINT_BYTES_MAX}")]
    TooLong {
        /// The length of the request.
        bytes: usize,
    },
    /// Not text, or without the lines that must be there.
    #[error("add-checkpoint request lacks its old size or its blank line")]
    Shape,
    /// The first line holds no size.
    #[error("add-checkpoint request has no valid old size")]
    OldSize {
        /// What is wrong with it.
        #[source]
        source: PositionError,
    },
    /// A line of the proof is no hash.
    #[error("add-checkpoint request has a malformed hash")]
    Hash {
        /// What is wrong with it.
        #[source]
        source: HashError,
    },
    /// The proof is too long.
    #[error("add-checkpoint request has too long a proof")]
    Proof {
        /// What is wrong with it.
        #[source]
        source: ProofError,
    },
    /// The checkpoint is malformed.
    #[error("add-checkpoint request has a malformed checkpoint")]
    Checkpoint {
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
}

/// What a log asks of a witness: to go from a size it cosigned to a checkpoint. Nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: TreeSize,
    proof: ConsistencyProof,
    checkpoint: SignedCheckpoint,
}

impl AddCheckpoint {
    /// Puts a request together.
    ///
    /// # Errors
    /// If the proof has more hashes than a request carries.
    pub fn new(
        old_size: TreeSize,
        proof: ConsistencyProof,
        checkpoint: SignedCheckpoint,
    ) -> Result<Self, AddCheckpointError> {
        let (found, limit) = (proof.hashes().len(), ADD_CHECKPOINT_HASHES_MAX);
        if found > limit {
            return Err(AddCheckpointError::Proof { source: ProofError::TooLong { found, limit } });
        }
        Ok(Self { old_size, proof, checkpoint })
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// If it is too long or not of the shape of c2sp.org/tlog-witness.
    pub fn parse(body: &[u8]) -> Result<Self, AddCheckpointError> {
        if body.len() > ADD_CHECKPOINT_BYTES_MAX {
            return Err(AddCheckpointError::TooLong { bytes: body.len() });
        }
        let text = std::str::from_utf8(body).map_err(|_| AddCheckpointError::Shape)?;
        let (head, note) = text.split_once("\n\n").ok_or(AddCheckpointError::Shape)?;
        let mut lines = head.split('\n');
        let old_size =
            lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(AddCheckpointError::Shape)?;
        let old_size = old_size.parse().map_err(|source| AddCheckpointError::OldSize { source })?;
        let hashes = lines
            // One more than may be, so that too long a proof is noticed without reading all of it.
            .take(ADD_CHECKPOINT_HASHES_MAX + 1)
            .map(Hash::parse_base64)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| AddCheckpointError::Hash { source })?;
        let proof = ConsistencyProof::new(hashes).map_err(|source| AddCheckpointError::Proof { source })?;
        let checkpoint = SignedCheckpoint::parse(note.as_bytes())
            .map_err(|source| AddCheckpointError::Checkpoint { source })?;
        Self::new(old_size, proof, checkpoint)
    }

    /// The body as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("old {}\n", self.old_size);
        for hash in self.proof.hashes() {
            head.push_str(&hash.to_base64());
            head.push('\n');
        }
        head.push('\n');
        [head.as_bytes(), self.checkpoint.as_bytes()].concat()
    }

    /// The size that the log believes the witness cosigned last.
    pub const fn old_size(&self) -> TreeSize {
        self.old_size
    }

    /// The proof from there.
    pub const fn proof(&self) -> &ConsistencyProof {
        &self.proof
    }

    /// The checkpoint to be cosigned.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::key::{KeyKind, KeyName};
    use crate::signing::SigningKey;

    fn request(hashes: usize) -> Result<AddCheckpoint, AddCheckpointError> {
        let name = KeyName::new("a.example/pub").unwrap();
        let log = SigningKey::from_seed(name, KeyKind::Ed25519, &[1; 32]).unwrap();
        let checkpoint =
            Checkpoint::new("a.example/pub", TreeSize::new(9).unwrap(), Hash::leaf(b"x")).unwrap();
        let proof = ConsistencyProof::new(vec![Hash::leaf(b"y"); hashes]).unwrap();
        AddCheckpoint::new(TreeSize::new(5).unwrap(), proof, checkpoint.sign(&log).unwrap())
    }

    #[test]
    fn requests_round_trip_up_to_63_hashes() {
        for hashes in [0, 1, 63] {
            let made = request(hashes).unwrap();
            assert_eq!(AddCheckpoint::parse(&made.to_bytes()), Ok(made));
        }
        assert!(request(64).is_err());
    }

    #[test]
    fn requests_of_another_shape_are_refused() {
        let good = String::from_utf8(request(63).unwrap().to_bytes()).unwrap();
        let hash = Hash::leaf(b"y").to_base64();
        let check = |bad: &str| assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{bad}");
        check("");
        check(&good.replace("old 5", "old 05"));
        check(&good.replace("old 5", "old"));
        check(&good.replace("old 5", "old 9223372036854775808"));
        check(&good.replace("old 5\n", ""));
        check(&good.replace("old 5\n", &format!("old 5\n{hash}\n")));
        check(&good.replacen(&hash, "AAAA", 1));
        check(&good.replacen("\n\n", "\n", 1));
        check(good.trim_end());
        assert!(AddCheckpoint::parse(&vec![b'x'; ADD_CHECKPOINT_BYTES_MAX + 1]).is_err());
        assert!(AddCheckpoint::parse(b"\xff").is_err());
    }
}
