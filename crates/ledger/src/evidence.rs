//! Evidence of equivocation: two checkpoints that one author signed and that cannot both be of one log (D24), or two
//! beginnings of one successor that one root key signed.
//!
//! The file holds all that a verifier needs: both notes, the keys that signed them, and, where the sizes differ, a proof
//! that joins another root of the smaller size to the larger tree; or both geneses with the root key. That the keys are the
//! agency's is for the verifier's own pins to say. Not here: a proof that only does not fit, which accuses nobody (`doubt`), and what follows from
//! evidence (`comity-node`).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_tlog::{
    CheckpointError, ConsistencyProof, EntryIndex, Hash, ProofError, SignedCheckpoint, TreeSize,
    VerifiedCheckpoint, VerifierKey, verify_consistency,
};

use crate::evidence_entry::EvidenceEntry;
use crate::two_geneses::TwoGeneses;
use crate::{Beginning, Draft, Genesis, Head, KeyHistory, Origin};

const VERSION: &str = "comity/evidence/v1";
const VERSION_GENESES: &str = "comity/evidence/geneses/v1";

/// Longest evidence file, in bytes: two notes of one line each, two keys, and a proof of 64 hashes take under 6 KiB; one
/// value of a store holds as much.
pub const EVIDENCE_BYTES_MAX: usize = 7_400;

/// What one author signed and cannot both stand, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    origin: Origin,
    shown: Contradiction,
    bytes: Vec<u8>,
}

/// What evidence shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// Two checkpoints that cannot both be of one log.
    Trees(TwoTrees),
    /// Two beginnings of one successor.
    Geneses(TwoGeneses),
}

/// Two checkpoints of one author that contradict each other, the smaller one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoTrees {
    first: VerifiedCheckpoint,
    second: VerifiedCheckpoint,
    joined: Option<Beginning>,
}

impl TwoTrees {
    /// The keys that signed the smaller and the larger checkpoint.
    pub fn keys(&self) -> [&VerifierKey; 2] {
        [self.first.log_key(), self.second.log_key()]
    }

    /// The heads of the smaller and of the larger checkpoint.
    pub fn heads(&self) -> [Head; 2] {
        [head_of(&self.first), head_of(&self.second)]
    }

    /// How the larger tree begins, which is not as the smaller one states; none for two of one size.
    pub fn joined(&self) -> Option<&Beginning> {
        self.joined.as_ref()
    }
}

impl Evidence {
    /// Puts evidence together of two checkpoints in any order; `joined` for those of different sizes.
    ///
    /// # Errors
    /// An [`EvidenceError`] if they do not contradict each other.
    pub fn new(
        one: &VerifiedCheckpoint,
        other: &VerifiedCheckpoint,
        joined: Option<Beginning>,
    ) -> Result<Self, EvidenceError> {
        let (one, other) = (alone(one)?, alone(other)?);
        // One order for two of one size too, so that whoever finds the same two makes the same file.
        let place = |checkpoint: &VerifiedCheckpoint| {
            (checkpoint.checkpoint().size(), checkpoint.checkpoint().root().to_base64())
        };
        let (first, second) = if place(&one) <= place(&other) { (one, other) } else { (other, one) };
        let origin =
            first.checkpoint().origin().parse().map_err(|_| EvidenceError::Field { field: "origin" })?;
        check(&first, &second, joined.as_ref())?;
        let text = to_text(&first, &second, joined.as_ref());
        Self::of(origin, Contradiction::Trees(TwoTrees { first, second, joined }), text)
    }

    /// Puts evidence together of two geneses of one successor, in any order, whatever entries they stand in.
    ///
    /// # Errors
    /// An [`EvidenceError`] if no root key signed both, or both say the same.
    pub fn of_geneses(one: &Genesis, other: &Genesis) -> Result<Self, EvidenceError> {
        Self::of_two(TwoGeneses::new(one, other)?)
    }

    fn of_two(two: TwoGeneses) -> Result<Self, EvidenceError> {
        let (origin, text) = (two.origin().clone(), format!("{VERSION_GENESES}\n{}", two.to_text()));
        Self::of(origin, Contradiction::Geneses(two), text)
    }

    fn of(origin: Origin, shown: Contradiction, text: String) -> Result<Self, EvidenceError> {
        let bytes = text.into_bytes();
        if bytes.len() > EVIDENCE_BYTES_MAX {
            return Err(EvidenceError::TooLong { len: bytes.len() });
        }
        Ok(Self { origin, shown, bytes })
    }

    /// Reads an evidence file and verifies all that it says.
    ///
    /// # Errors
    /// An [`EvidenceError`] that names what is wrong: then it accuses nobody.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        if bytes.len() > EVIDENCE_BYTES_MAX {
            return Err(EvidenceError::TooLong { len: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| EvidenceError::Field { field: "text" })?;
        let mut lines = text.lines().peekable();
        let evidence = match lines.next() {
            Some(VERSION) => Self::parse_trees(&mut lines)?,
            Some(VERSION_GENESES) => Self::of_two(TwoGeneses::parse(&mut lines)?)?,
            _ => return Err(EvidenceError::Field { field: "version" }),
        };
        // One spelling only: the digest of the file names it.
        if evidence.bytes == bytes { Ok(evidence) } else { Err(EvidenceError::Field { field: "spelling" }) }
    }

    fn parse_trees(lines: &mut Lines<'_>) -> Result<Self, EvidenceError> {
        let first = take_checkpoint(lines, "first-key", "first")?;
        let second = take_checkpoint(lines, "second-key", "second")?;
        if lines.peek().is_none() {
            return Self::new(&first, &second, None);
        }
        let root = take(lines, "joined")?;
        let root = Hash::parse_base64(root).map_err(|_| EvidenceError::Field { field: "joined" })?;
        let mut hashes = Vec::new();
        while lines.peek().is_some() {
            let hash = take(lines, "proof")?;
            hashes.push(Hash::parse_base64(hash).map_err(|_| EvidenceError::Field { field: "proof" })?);
        }
        let proof = ConsistencyProof::new(hashes).map_err(|_| EvidenceError::Field { field: "proof" })?;
        let head = Head { size: first.checkpoint().size(), root };
        Self::new(&first, &second, Some(Beginning { head, proof }))
    }

    /// The log whose author stands convicted.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What cannot both stand.
    pub fn shown(&self) -> &Contradiction {
        &self.shown
    }

    /// The two checkpoints; `None` of two beginnings.
    pub fn trees(&self) -> Option<&TwoTrees> {
        match &self.shown {
            Contradiction::Trees(trees) => Some(trees),
            Contradiction::Geneses(_) => None,
        }
    }

    /// How many entries of the log it takes to contradict oneself so: a log that is closed before that makes it void. Of two
    /// beginnings it is the first one, and nothing makes them void.
    pub fn end(&self) -> TreeSize {
        match &self.shown {
            Contradiction::Trees(trees) => trees.second.checkpoint().size(),
            Contradiction::Geneses(_) => EntryIndex::ZERO.size_through(),
        }
    }

    /// Whether the author of a log signed it: each checkpoint with a key that is in force for its size by the keys of that
    /// very log, or both beginnings with the root key, as any log of the agency knows it. What a revoked key signed beyond the
    /// last good checkpoint is nobody's, and convicts nobody.
    pub fn is_of_author(&self, keys: &KeyHistory) -> bool {
        match &self.shown {
            Contradiction::Trees(trees) => {
                let mut signed = trees.keys().into_iter().zip(trees.heads());
                self.origin == *keys.origin()
                    && signed.all(|(key, head)| keys.log_keys(head.size).contains(key))
            }
            Contradiction::Geneses(two) => {
                self.origin.agency() == keys.origin().agency() && keys.root_key() == Some(two.root_key())
            }
        }
    }

    /// The file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the file, by which it is named.
    pub fn digest(&self) -> Hash {
        Hash::digest(&self.bytes)
    }

    /// The draft of the entry by which a finder states it in its own log.
    pub fn draft(&self) -> Draft {
        EvidenceEntry::of(self).draft()
    }
}

/// The checkpoint with the line of its author alone: what cosigners say is no part of the accusation.
fn alone(checkpoint: &VerifiedCheckpoint) -> Result<VerifiedCheckpoint, EvidenceError> {
    let key = checkpoint.log_key().clone();
    let parsed = SignedCheckpoint::parse(checkpoint.as_bytes())?.verify(&key, &[])?;
    let note = parsed.note().verified_lines_only().map_err(|source| CheckpointError::Note { source })?;
    Ok(SignedCheckpoint::from_note(note)?.verify(&key, &[])?)
}

fn check(
    first: &VerifiedCheckpoint,
    second: &VerifiedCheckpoint,
    joined: Option<&Beginning>,
) -> Result<(), EvidenceError> {
    let (smaller, larger) = (first.checkpoint(), second.checkpoint());
    if smaller.origin() != larger.origin() {
        return Err(EvidenceError::OtherOrigin);
    }
    match joined {
        None if smaller.size() == larger.size() && smaller.root() != larger.root() => Ok(()),
        Some(Beginning { head, proof })
            if smaller.size() < larger.size()
                && head.size == smaller.size()
                && head.root != smaller.root() =>
        {
            // RFC 6962 §2.1.2: the larger tree begins with that other root.
            verify_consistency(head.size, &head.root, larger.size(), &larger.root(), proof)
                .map_err(|source| EvidenceError::Proof { source })
        }
        _ => Err(EvidenceError::NoContradiction),
    }
}

fn head_of(checkpoint: &VerifiedCheckpoint) -> Head {
    Head { size: checkpoint.checkpoint().size(), root: checkpoint.checkpoint().root() }
}

fn to_text(first: &VerifiedCheckpoint, second: &VerifiedCheckpoint, joined: Option<&Beginning>) -> String {
    let mut text = format!("{VERSION}\n");
    for (checkpoint, word) in [(first, "first"), (second, "second")] {
        let note = STANDARD.encode(checkpoint.as_bytes());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{word}-key {}\n{word} {note}", checkpoint.log_key());
    }
    if let Some(Beginning { head, proof }) = joined {
        let _ = writeln!(text, "joined {}", head.root);
        for hash in proof.hashes() {
            let _ = writeln!(text, "proof {hash}");
        }
    }
    text
}

pub(crate) type Lines<'a> = std::iter::Peekable<std::str::Lines<'a>>;

pub(crate) fn take<'a>(lines: &mut Lines<'a>, field: &'static str) -> Result<&'a str, EvidenceError> {
    let line = lines.next().and_then(|line| line.strip_prefix(field)?.strip_prefix(' '));
    line.ok_or(EvidenceError::Field { field })
}

fn take_checkpoint(
    lines: &mut Lines<'_>,
    key_field: &'static str,
    field: &'static str,
) -> Result<VerifiedCheckpoint, EvidenceError> {
    let key: VerifierKey =
        take(lines, key_field)?.parse().map_err(|_| EvidenceError::Field { field: key_field })?;
    let note = STANDARD.decode(take(lines, field)?).map_err(|_| EvidenceError::Field { field })?;
    Ok(SignedCheckpoint::parse(&note)?.verify(&key, &[])?)
}

/// Why bytes are no evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Longer than any evidence.
    #[error("evidence of {len} bytes is over {EVIDENCE_BYTES_MAX}")]
    TooLong {
        /// Its length.
        len: usize,
    },
    /// A line that is missing, or not what must stand there.
    #[error("the evidence is malformed at {field}")]
    Field {
        /// Which.
        field: &'static str,
    },
    /// A checkpoint that its key did not sign.
    #[error("a checkpoint of the evidence does not verify")]
    Checkpoint(#[from] CheckpointError),
    /// Checkpoints or beginnings of two logs.
    #[error("it is of two origins")]
    OtherOrigin,
    /// Both may be of one log.
    #[error("the checkpoints or beginnings do not contradict each other")]
    NoContradiction,
    /// Beginnings that name two root keys, or another one than the file.
    #[error("the beginnings are not of one root key")]
    OtherRoot,
    /// A beginning that its root key did not sign for this successor.
    #[error("a beginning is not signed by its root key")]
    Unsigned,
    /// The proof does not join the other root to the larger tree.
    #[error("the proof does not show another beginning of the larger tree")]
    Proof {
        /// Why.
        #[source]
        source: ProofError,
    },
}

#[cfg(test)]
mod tests;
