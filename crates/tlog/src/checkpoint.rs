//! Checkpoints: the signed statement of how long a log is and what it holds (c2sp.org/tlog-checkpoint).
//!
//! Who must have signed for whom is for `ledger` to say; here a checkpoint is only as good as the keys handed
//! in.

use thiserror::Error;

use crate::cosignature::CosignatureTime;
use crate::hash::{Hash, HashError};
use crate::key::{KeyKind, VerifierKey};
use crate::note::{Note, NoteError, SignatureLine, VerifiedNote};
use crate::position::{PositionError, TreeSize};
use crate::proof::{ConsistencyProof, ProofError, verify_consistency};
use crate::signing::SigningKey;

/// The longest origin that a `subtree/v1` cosignature can carry (c2sp.org/tlog-cosignature).
const ORIGIN_BYTES_MAX: usize = 255;
/// Extension lines are discouraged by the format; this many are read so that foreign logs can be.
const EXTENSION_LINES_MAX: usize = 64;

/// Why a text is no checkpoint, or a checkpoint is not to be believed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CheckpointError {
    /// Empty, too long, or with control characters.
    #[error("origin is empty, over {ORIGIN_BYTES_MAX} bytes, or has control characters")]
    Origin,
    /// Fewer than three lines, or no line feed at the end.
    #[error("checkpoint is not three lines, each ended by a line feed")]
    Shape,
    /// The second line is no size.
    #[error("checkpoint has no valid size")]
    Size {
        /// What is wrong with it.
        #[source]
        source: PositionError,
    },
    /// The third line is no root.
    #[error("checkpoint has no valid root")]
    Root {
        /// What is wrong with it.
        #[source]
        source: HashError,
    },
    /// An empty extension line, or too many.
    #[error("checkpoint has an empty extension line or over {EXTENSION_LINES_MAX}")]
    Extension,
    /// Not a note, or not one to believe.
    #[error("note of the checkpoint is refused")]
    Note {
        /// What is wrong with it.
        #[source]
        source: NoteError,
    },
    /// A checkpoint of another log.
    #[error("checkpoint is of another origin than expected")]
    OtherOrigin,
    /// The key given for the log is not of the kind that logs sign with.
    #[error("a key of kind {kind:?} is no log key")]
    NotALogKey {
        /// The kind of the key.
        kind: KeyKind,
    },
    /// Signed by cosigners, but not by the log.
    #[error("checkpoint is not signed by the log")]
    NotSignedByLog,
    /// The later checkpoint does not continue the earlier one.
    #[error("checkpoint does not extend the earlier one")]
    NotAnExtension {
        /// What is wrong with the proof.
        #[source]
        source: ProofError,
    },
}

/// What a log states: its origin, size and root. Unsigned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    origin: String,
    size: TreeSize,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// States size and root of a log, without extension lines.
    ///
    /// # Errors
    /// If the origin is empty, over 255 bytes, or has control characters.
    pub fn new(origin: &str, size: TreeSize, root: Hash) -> Result<Self, CheckpointError> {
        // Spaces are allowed: `go.sum database tree` is the origin of a log in use.
        if origin.is_empty() || origin.len() > ORIGIN_BYTES_MAX || origin.bytes().any(|byte| byte < b' ') {
            return Err(CheckpointError::Origin);
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// Reads the text of a note as a checkpoint, strictly: one spelling for each size and root, no empty
    /// extension lines, a line feed at the end.
    ///
    /// # Errors
    /// If anything else stands there.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Shape)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Shape);
        };
        let size = size.parse().map_err(|source| CheckpointError::Size { source })?;
        let root = Hash::parse_base64(root).map_err(|source| CheckpointError::Root { source })?;
        let mut parsed = Self::new(origin, size, root)?;
        for line in lines {
            let refused = line.is_empty() || line.bytes().any(|byte| byte < b' ');
            if refused || parsed.extensions.len() == EXTENSION_LINES_MAX {
                return Err(CheckpointError::Extension);
            }
            parsed.extensions.push(line.to_owned());
        }
        Ok(parsed)
    }

    /// The text that is signed.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Which log speaks.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries it has.
    pub const fn size(&self) -> TreeSize {
        self.size
    }

    /// The root over them.
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// Further lines, which no one here interprets.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Whether both state the same tree of the same log.
    pub fn same_tree(&self, other: &Self) -> bool {
        self.origin == other.origin && self.size == other.size && self.root == other.root
    }

    /// Checks that this tree begins with the whole of the older one, so that nothing was taken back.
    ///
    /// # Errors
    /// If the origins differ, or the proof is not one of RFC 6962 §2.1.2 between the two trees.
    pub fn verify_extends(&self, older: &Self, proof: &ConsistencyProof) -> Result<(), CheckpointError> {
        if self.origin != older.origin {
            return Err(CheckpointError::OtherOrigin);
        }
        verify_consistency(older.size, &older.root, self.size, &self.root, proof)
            .map_err(|source| CheckpointError::NotAnExtension { source })
    }

    /// Signs the checkpoint with the log's key.
    ///
    /// # Errors
    /// If the key is not of kind 0x01.
    pub fn sign(self, key: &SigningKey) -> Result<SignedCheckpoint, CheckpointError> {
        let note = Note::sign(&self.to_text(), key).map_err(|source| CheckpointError::Note { source })?;
        Ok(SignedCheckpoint { checkpoint: self, note })
    }
}

/// A checkpoint in its note, byte for byte as received. Unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Reads a note whose text is a checkpoint.
    ///
    /// # Errors
    /// If it is no note, or its text is no checkpoint.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        Self::from_note(Note::parse(bytes).map_err(|source| CheckpointError::Note { source })?)
    }

    /// Takes a note whose text is a checkpoint.
    ///
    /// # Errors
    /// If its text is no checkpoint.
    pub fn from_note(note: Note) -> Result<Self, CheckpointError> {
        Ok(Self { checkpoint: Checkpoint::parse(note.text())?, note })
    }

    /// What is said, whoever says it.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The note as received, or as it is to be kept and sent.
    pub fn as_bytes(&self) -> &[u8] {
        self.note.as_bytes()
    }

    /// The checkpoint with one more signature line, or a newer one of the same key.
    ///
    /// # Errors
    /// If the note would be too long.
    pub fn with_line(&self, line: SignatureLine) -> Result<Self, CheckpointError> {
        let note = self.note.with_line(line).map_err(|source| CheckpointError::Note { source })?;
        Ok(Self { checkpoint: self.checkpoint.clone(), note })
    }

    /// Checks the log's signature and those of the known cosigners, for a log whose key is named by its
    /// origin, as ours are (c2sp.org/tlog-checkpoint: SHOULD).
    ///
    /// # Errors
    /// If the origin is not the name of the key, the log did not sign, or a known key's line is bad.
    pub fn verify(
        &self,
        log: &VerifierKey,
        cosigners: &[VerifierKey],
    ) -> Result<VerifiedCheckpoint, CheckpointError> {
        self.verify_as(log.name().as_str(), log, cosigners)
    }

    /// Checks as [`SignedCheckpoint::verify`] does, for a log whose origin is not the name of its key.
    ///
    /// # Errors
    /// If the origin is not the one given, the log did not sign, or a known key's line is bad.
    pub fn verify_as(
        &self,
        origin: &str,
        log: &VerifierKey,
        cosigners: &[VerifierKey],
    ) -> Result<VerifiedCheckpoint, CheckpointError> {
        if log.kind() != KeyKind::Ed25519 {
            return Err(CheckpointError::NotALogKey { kind: log.kind() });
        }
        if self.checkpoint.origin != origin {
            return Err(CheckpointError::OtherOrigin);
        }
        let known: Vec<VerifierKey> = std::iter::once(log).chain(cosigners).cloned().collect();
        let note = match self.note.verify(&known) {
            Ok(note) => note,
            Err(NoteError::NoneVerified) => return Err(CheckpointError::NotSignedByLog),
            Err(source) => return Err(CheckpointError::Note { source }),
        };
        if !note.signatures().iter().any(|signature| signature.key() == log) {
            return Err(CheckpointError::NotSignedByLog);
        }
        Ok(VerifiedCheckpoint { checkpoint: self.checkpoint.clone(), log: log.clone(), note })
    }
}

/// A checkpoint that the log's own key signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    log: VerifierKey,
    note: VerifiedNote,
}

impl VerifiedCheckpoint {
    /// What the log states.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The key that signed for the log.
    pub const fn log_key(&self) -> &VerifierKey {
        &self.log
    }

    /// The note with its verified lines.
    pub const fn note(&self) -> &VerifiedNote {
        &self.note
    }

    /// The note as received.
    pub fn as_bytes(&self) -> &[u8] {
        self.note.as_bytes()
    }

    /// The verified cosignatures, at most one a cosigner key. Different names on one public key are one
    /// cosigner, since 0x04 does not bind the name; and the log's own key is none.
    pub fn cosignatures(&self) -> Vec<Cosignature> {
        let mut found: Vec<Cosignature> = Vec::new();
        for signature in self.note.signatures() {
            let Some(time) = signature.time() else { continue };
            let public = signature.key().public_key();
            if public != self.log.public_key() && !found.iter().any(|other| other.key.public_key() == public)
            {
                found.push(Cosignature { key: signature.key().clone(), time });
            }
        }
        found
    }
}

/// A verified statement of a cosigner about a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    key: VerifierKey,
    time: CosignatureTime,
}

impl Cosignature {
    /// The cosigner.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// When it says it saw the checkpoint as the largest of its origin.
    pub const fn time(&self) -> CosignatureTime {
        self.time
    }
}

#[cfg(test)]
mod tests;
