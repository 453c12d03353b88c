//! What names a record: the list and the authority's reference, our own handle, and the entry before.
//!
//! Not for: agency ids, and whether a log of a name exists, which live in `ledger`.

use std::fmt;

use thiserror::Error;

use crate::limits::{LIST_ID_BYTES_MAX, ORIGIN_BYTES_MAX, REFERENCE_BYTES_MAX};

/// A list, such as `us-ofac-sdn`: lower-case letters, digits, `.`, `-` and `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(String);

/// The authority's own reference of a subject on its list, such as `QDi.001` or an OFAC uid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(String);

/// List and reference: what an authority calls a record. A key may outlive a handle (relisting).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The list.
    pub list: ListId,
    /// The reference on it.
    pub reference: Reference,
}

/// The name of a log, `<agency id>/<log>`: parts of `a`–`z`, `0`–`9`, `.` and `-` with a `/` between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginName(String);

/// Our name of one listing from its start to its end: 16 random bytes, handed in by whoever lists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle([u8; 16]);

/// The RFC 6962 leaf hash of the entry that a change follows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryRef([u8; 32]);

/// SHA-256 of a source file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileHash([u8; 32]);

/// Why a string is no list id or reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Empty.
    #[error("key part is empty")]
    Empty,
    /// Longer than its limit.
    #[error("key part of {len} bytes is longer than {max}")]
    TooLong {
        /// Length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// A character that its alphabet does not have.
    #[error("key part holds a character that is not allowed at byte {at}")]
    Character {
        /// Position in bytes.
        at: usize,
    },
    /// An origin without a log, or with an empty part.
    #[error("key part is not an agency id, '/' and the name of a log")]
    NoLog,
}

impl ListId {
    /// Parses a list id.
    ///
    /// # Errors
    /// [`KeyError`] if it is empty, longer than [`LIST_ID_BYTES_MAX`], or outside its alphabet.
    pub fn parse(value: &str) -> Result<Self, KeyError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '/');
        checked(value, LIST_ID_BYTES_MAX, allowed).map(Self)
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Reference {
    /// Parses a reference.
    ///
    /// # Errors
    /// [`KeyError`] if it is empty, longer than [`REFERENCE_BYTES_MAX`], or holds a control character.
    pub fn parse(value: &str) -> Result<Self, KeyError> {
        checked(value, REFERENCE_BYTES_MAX, |c| !c.is_control()).map(Self)
    }

    /// The reference as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OriginName {
    /// Parses the name of a log.
    ///
    /// # Errors
    /// [`KeyError`] if it is empty, longer than [`ORIGIN_BYTES_MAX`], outside its alphabet, or of fewer than two parts.
    pub fn parse(value: &str) -> Result<Self, KeyError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '/');
        let name = checked(value, ORIGIN_BYTES_MAX, allowed)?;
        if !name.contains('/') || name.split('/').any(str::is_empty) {
            return Err(KeyError::NoLog);
        }
        Ok(Self(name))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RecordKey {
    /// Joins a list and a reference.
    pub fn new(list: ListId, reference: Reference) -> Self {
        Self { list, reference }
    }
}

impl Handle {
    /// Takes 16 random bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl EntryRef {
    /// Takes a leaf hash.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FileHash {
    /// Takes a SHA-256 digest.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn checked(value: &str, max: usize, allowed: impl Fn(char) -> bool) -> Result<String, KeyError> {
    if value.is_empty() {
        return Err(KeyError::Empty);
    }
    if value.len() > max {
        return Err(KeyError::TooLong { len: value.len(), max });
    }
    match value.find(|c: char| !allowed(c)) {
        Some(at) => Err(KeyError::Character { at }),
        None => Ok(value.to_owned()),
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OriginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.list, self.reference)
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for EntryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for EntryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_id_has_a_small_alphabet() {
        assert_eq!(ListId::parse("us-ofac-sdn").unwrap().as_str(), "us-ofac-sdn");
        assert_eq!(ListId::parse(""), Err(KeyError::Empty));
        assert_eq!(ListId::parse("us ofac"), Err(KeyError::Character { at: 2 }));
        assert!(ListId::parse(&"a".repeat(65)).is_err());
    }

    #[test]
    fn a_reference_holds_no_line_end() {
        assert_eq!(Reference::parse("QDi.001\n"), Err(KeyError::Character { at: 7 }));
        assert_eq!(Reference::parse("QDi.001").unwrap().to_string(), "QDi.001");
    }
}
