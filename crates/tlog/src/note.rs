//! Signed notes: a text and the lines of those who signed it (c2sp.org/signed-note).
//!
//! The verdicts are those of Go's `sumdb/note`, which most logs are read with. What a text means is for
//! `checkpoint` and others to say.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};
use thiserror::Error;

use crate::cosignature::{CosignatureBlob, CosignatureError, CosignatureTime, cosignature_message};
use crate::key::{KeyError, KeyId, KeyKind, KeyName, VerifierKey};
use crate::signing::SigningKey;

/// The longest note that is read, as in Go's `sumdb/note`.
pub const NOTE_BYTES_MAX: usize = 1_000_000;
/// The most signature lines that are read, as in Go's `sumdb/note`.
pub const NOTE_SIGNATURES_MAX: usize = 100;

/// What a signature line begins with: an em dash and a space.
const LINE_PREFIX: &str = "\u{2014} ";

/// Why bytes are no note, or a note is not to be believed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoteError {
    /// Longer than any note that is read.
    #[error("note of {bytes} bytes is over {NOTE_BYTES_MAX}")]
    TooLong {
        /// The length of the note.
        bytes: usize,
    },
    /// Not UTF-8, or with control characters other than line feeds.
    #[error("note is not UTF-8 text without control characters")]
    NotText,
    /// No blank line before the signatures, or no line feed at the end of text or note.
    #[error("note has no blank line before its signatures or does not end in a line feed")]
    Shape,
    /// Something after the last blank line that is no signature line.
    #[error("signature line {line} is malformed")]
    Line {
        /// The line, counted from 0 after the blank line.
        line: usize,
    },
    /// More lines than are read.
    #[error("note has over {NOTE_SIGNATURES_MAX} signature lines")]
    TooManyLines,
    /// A line of a known key that the key did not make.
    #[error("signature of known key {name}+{id} is invalid")]
    BadSignature {
        /// The name of the key.
        name: KeyName,
        /// The ID of the key.
        id: KeyId,
    },
    /// A line of a known cosigner that is no cosignature.
    #[error("cosignature of known key {name}+{id} is malformed")]
    BadCosignature {
        /// The name of the key.
        name: KeyName,
        /// The ID of the key.
        id: KeyId,
        /// What is wrong with it.
        #[source]
        source: CosignatureError,
    },
    /// Two different known keys share name and ID, so no line can be told to be of one of them.
    #[error("two known keys are both {name}+{id}")]
    AmbiguousKey {
        /// The name of both keys.
        name: KeyName,
        /// The ID of both keys.
        id: KeyId,
    },
    /// Nothing that a known key signed.
    #[error("note has no verifiable signature")]
    NoneVerified,
    /// Signatures of another text.
    #[error("signature lines belong to another text")]
    OtherText,
    /// The key cannot sign.
    #[error("key cannot sign the note")]
    Key {
        /// What is wrong with the key.
        #[source]
        source: KeyError,
    },
}

/// One line of a note: who says to have signed, and a signature. Unverified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignatureLine {
    name: KeyName,
    id: KeyId,
    signature: Vec<u8>,
}

impl SignatureLine {
    /// Makes a line; none without a signature (c2sp.org/signed-note: at least five bytes with the ID).
    pub(crate) fn new(name: KeyName, id: KeyId, signature: &[u8]) -> Option<Self> {
        if signature.is_empty() { None } else { Some(Self { name, id, signature: signature.to_vec() }) }
    }

    /// The name of the key said to have signed.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The ID of the key said to have signed.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The signature without the ID; for cosigners led by a time.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Whether both lines are of one key.
    fn same_key(&self, other: &Self) -> bool {
        self.id == other.id && self.name == other.name
    }

    fn is_of(&self, key: &VerifierKey) -> bool {
        self.id == key.id() && self.name == *key.name()
    }
}

/// The line without its line feed.
impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = STANDARD.encode([self.id.as_bytes().as_slice(), &self.signature].concat());
        write!(f, "{LINE_PREFIX}{} {encoded}", self.name)
    }
}

impl FromStr for SignatureLine {
    type Err = NoteError;

    /// Reads one line without its line feed.
    fn from_str(line: &str) -> Result<Self, NoteError> {
        if line.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong { bytes: line.len() });
        }
        parse_line(line).ok_or(NoteError::Line { line: 0 })
    }
}

/// A text with at least one signature line, byte for byte as received. Unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    raw: String,
    text_bytes: usize,
    lines: Vec<SignatureLine>,
}

impl Note {
    /// Takes a note apart.
    ///
    /// # Errors
    /// If it is too long, is not text, or is not of the shape of c2sp.org/signed-note.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong { bytes: bytes.len() });
        }
        let raw = std::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        check_characters(raw)?;
        // The text may itself hold blank lines; only the last one counts.
        let blank = raw.rfind("\n\n").ok_or(NoteError::Shape)?;
        let (text, rest) = raw.split_at_checked(blank + 1).ok_or(NoteError::Shape)?;
        let signatures =
            rest.strip_prefix('\n').and_then(|s| s.strip_suffix('\n')).ok_or(NoteError::Shape)?;
        let mut lines = Vec::new();
        for (number, line) in signatures.split('\n').enumerate() {
            if number >= NOTE_SIGNATURES_MAX {
                return Err(NoteError::TooManyLines);
            }
            lines.push(parse_line(line).ok_or(NoteError::Line { line: number })?);
        }
        Ok(Self { raw: raw.to_owned(), text_bytes: text.len(), lines })
    }

    /// Signs a text that ends in a line feed.
    ///
    /// # Errors
    /// If the text cannot be that of a note or the key is not of kind 0x01.
    pub fn sign(text: &str, key: &SigningKey) -> Result<Self, NoteError> {
        let line = key.sign_text(text).map_err(|source| NoteError::Key { source })?;
        Self::from_parts(text, vec![line])
    }

    /// The whole note as received, or as it is to be kept and sent.
    pub fn as_bytes(&self) -> &[u8] {
        self.raw.as_bytes()
    }

    /// The signed text with its last line feed.
    pub fn text(&self) -> &str {
        self.raw.get(..self.text_bytes).unwrap_or_default()
    }

    /// The signature lines in order.
    pub fn lines(&self) -> &[SignatureLine] {
        &self.lines
    }

    /// The note with one more line. A line of the same key is replaced, so that a renewed cosignature takes
    /// the place of the old one and no key has two lines.
    ///
    /// # Errors
    /// If the note would be too long.
    pub fn with_line(&self, line: SignatureLine) -> Result<Self, NoteError> {
        let mut lines: Vec<SignatureLine> = Vec::with_capacity(self.lines.len() + 1);
        let mut waiting = Some(line);
        for held in &self.lines {
            match &waiting {
                Some(newer) if newer.same_key(held) => lines.extend(waiting.take()),
                _ if lines.iter().any(|kept| kept.same_key(held)) => {}
                _ => lines.push(held.clone()),
            }
        }
        lines.extend(waiting);
        Self::from_parts(self.text(), lines)
    }

    /// The note with those lines of another that are of keys without a line here. The other note's lines are
    /// taken as they are: verify it first, or a forged line of a known key spoils the result.
    ///
    /// # Errors
    /// If the texts differ or the note would be too long.
    pub fn merge(&self, other: &Self) -> Result<Self, NoteError> {
        if self.text() != other.text() {
            return Err(NoteError::OtherText);
        }
        let mut lines: Vec<SignatureLine> = Vec::new();
        for line in self.lines.iter().chain(&other.lines) {
            if !lines.iter().any(|kept| kept.same_key(line)) {
                lines.push(line.clone());
            }
        }
        Self::from_parts(self.text(), lines)
    }

    /// Checks the lines of known keys: each must verify, and there must be one. Lines of unknown keys are
    /// ignored, even where name or ID alone is known; of several lines of one key the first is checked and
    /// the later ones are dropped, as Go does.
    ///
    /// Lines of known ML-DSA-44 keys must have the right shape, and count as unverified.
    ///
    /// # Errors
    /// If a line of a known key is bad, none is of a known key, or two known keys cannot be told apart.
    pub fn verify(&self, known: &[VerifierKey]) -> Result<VerifiedNote, NoteError> {
        let mut signatures: Vec<VerifiedSignature> = Vec::new();
        let mut unverified: Vec<SignatureLine> = Vec::new();
        for (number, line) in self.lines.iter().enumerate() {
            let Some(key) = sole_key(known, line)? else {
                if !unverified.contains(line) {
                    unverified.push(line.clone());
                }
                continue;
            };
            if self.lines.iter().take(number).any(|earlier| earlier.same_key(line)) {
                continue;
            }
            match verify_line(self.text(), line, key)? {
                Some(verified) => signatures.push(verified),
                None => unverified.push(line.clone()),
            }
        }
        if signatures.is_empty() {
            return Err(NoteError::NoneVerified);
        }
        Ok(VerifiedNote { note: self.clone(), signatures, unverified })
    }

    /// Puts text and lines together, under the rules that [`Note::parse`] reads by.
    fn from_parts(text: &str, lines: Vec<SignatureLine>) -> Result<Self, NoteError> {
        check_characters(text)?;
        if !text.ends_with('\n') || lines.is_empty() {
            return Err(NoteError::Shape);
        }
        if lines.len() > NOTE_SIGNATURES_MAX {
            return Err(NoteError::TooManyLines);
        }
        let mut raw = format!("{text}\n");
        for line in &lines {
            // Writing to a String does not fail.
            let _ = writeln!(raw, "{line}");
        }
        if raw.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong { bytes: raw.len() });
        }
        Ok(Self { raw, text_bytes: text.len(), lines })
    }
}

/// A note of which at least one line was made by a known key, and none by someone who only said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedNote {
    note: Note,
    signatures: Vec<VerifiedSignature>,
    unverified: Vec<SignatureLine>,
}

impl VerifiedNote {
    /// The note, unchanged.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The signed text with its last line feed.
    pub fn text(&self) -> &str {
        self.note.text()
    }

    /// The whole note as received.
    pub fn as_bytes(&self) -> &[u8] {
        self.note.as_bytes()
    }

    /// The known keys that signed, in the order of their lines, each once.
    pub fn signatures(&self) -> &[VerifiedSignature] {
        &self.signatures
    }

    /// The lines that were not checked, without repetitions: of unknown keys, and of ML-DSA-44 keys.
    pub fn unverified(&self) -> &[SignatureLine] {
        &self.unverified
    }

    /// The note without the lines that were not checked: what may be passed on without trusting anyone else.
    ///
    /// # Errors
    /// Never for a note that was parsed; the shape is checked all the same.
    pub fn verified_lines_only(&self) -> Result<Note, NoteError> {
        Note::from_parts(
            self.text(),
            self.signatures.iter().map(|signature| signature.line.clone()).collect(),
        )
    }
}

/// A key that made a line of a note, and when it did so if it is a cosigner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSignature {
    key: VerifierKey,
    line: SignatureLine,
    time: Option<CosignatureTime>,
}

impl VerifiedSignature {
    /// The key that signed.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The line it made.
    pub const fn line(&self) -> &SignatureLine {
        &self.line
    }

    /// When a cosigner says it signed; a plain signature has no time.
    pub const fn time(&self) -> Option<CosignatureTime> {
        self.time
    }
}

/// UTF-8 without characters below U+0020 other than LF (c2sp.org/signed-note).
fn check_characters(text: &str) -> Result<(), NoteError> {
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') { Err(NoteError::NotText) } else { Ok(()) }
}

/// U+2014 SP name SP base64(id ‖ signature).
fn parse_line(line: &str) -> Option<SignatureLine> {
    let (name, encoded) = line.strip_prefix(LINE_PREFIX)?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded).ok()?;
    let (id, signature) = decoded.split_first_chunk()?;
    SignatureLine::new(KeyName::new(name).ok()?, KeyId::from_bytes(*id), signature)
}

/// The known key with the name and ID of the line. IDs are short enough to be made to collide.
fn sole_key<'a>(
    known: &'a [VerifierKey],
    line: &SignatureLine,
) -> Result<Option<&'a VerifierKey>, NoteError> {
    let mut named = known.iter().filter(|key| line.is_of(key));
    let first = named.next();
    if named.any(|other| Some(other) != first) {
        return Err(NoteError::AmbiguousKey { name: line.name.clone(), id: line.id });
    }
    Ok(first)
}

/// Checks one line of a known key; nothing comes back for a kind that cannot be verified here.
fn verify_line(
    text: &str,
    line: &SignatureLine,
    key: &VerifierKey,
) -> Result<Option<VerifiedSignature>, NoteError> {
    let cosignature = || {
        CosignatureBlob::parse(key.kind(), &line.signature).map_err(|source| NoteError::BadCosignature {
            name: line.name.clone(),
            id: line.id,
            source,
        })
    };
    let public = UnparsedPublicKey::new(&ED25519, key.public_key());
    let (verdict, time) = match key.kind() {
        KeyKind::Ed25519 => (public.verify(text.as_bytes(), &line.signature), None),
        KeyKind::CosignatureV1 => {
            let blob = cosignature()?;
            let message = cosignature_message(blob.time(), text);
            (public.verify(&message, blob.signature()), Some(blob.time()))
        }
        KeyKind::MlDsa44 => return cosignature().map(|_| None),
    };
    #[cfg(comity_planted)]
    let verdict = verdict.or_else(|bad| if crate::planted("skip-a-signature") { Ok(()) } else { Err(bad) });
    match verdict {
        Ok(()) => Ok(Some(VerifiedSignature { key: key.clone(), line: line.clone(), time })),
        Err(_) => Err(NoteError::BadSignature { name: line.name.clone(), id: line.id }),
    }
}

#[cfg(test)]
mod tests;
