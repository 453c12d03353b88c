//! Bounded texts: the only strings that a record holds.
//!
//! Values are kept as the authority wrote them. Marks that could deceive a reader (bidirectional overrides,
//! zero-width characters) are therefore kept too: whoever shows them escapes them, and `screening` normalises.

use std::fmt;

use thiserror::Error;

use crate::limits::{PROSE_BYTES_MAX, TEXT_BYTES_MAX};

/// A non-empty value of at most [`TEXT_BYTES_MAX`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

/// A non-empty running text of at most [`PROSE_BYTES_MAX`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prose(String);

/// Why a string cannot stand in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextError {
    /// The string is empty; an absent value is left out instead.
    #[error("text is empty")]
    Empty,
    /// The string is longer than its kind allows.
    #[error("text of {len} bytes is longer than {max}")]
    TooLong {
        /// Length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The string holds a control character other than tab and line ends.
    #[error("text holds a control character at byte {at}")]
    Control {
        /// Position in bytes.
        at: usize,
    },
}

impl Text {
    /// Takes a string as it is.
    ///
    /// # Errors
    /// [`TextError`] if it is empty, too long, or holds a control character.
    pub fn new(value: impl Into<String>) -> Result<Self, TextError> {
        checked(value.into(), TEXT_BYTES_MAX).map(Self)
    }

    /// The string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Prose {
    /// Takes a string as it is.
    ///
    /// # Errors
    /// [`TextError`] if it is empty, too long, or holds a control character.
    pub fn new(value: impl Into<String>) -> Result<Self, TextError> {
        checked(value.into(), PROSE_BYTES_MAX).map(Self)
    }

    /// The string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(value: String, max: usize) -> Result<String, TextError> {
    if value.is_empty() {
        return Err(TextError::Empty);
    }
    if value.len() > max {
        return Err(TextError::TooLong { len: value.len(), max });
    }
    // Control characters of ASCII are bytes of their own in UTF-8.
    let control = |byte: u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Looked at all together first, which takes many bytes at once: hardly any text holds one.
    if !value.bytes().fold(false, |found, byte| found | control(byte)) {
        return Ok(value);
    }
    let at = value.bytes().position(control).unwrap_or_default();
    Err(TextError::Control { at })
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Debug for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl From<Text> for Prose {
    // Every Text is a Prose, since its limit is the smaller one.
    fn from(text: Text) -> Self {
        Self(text.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_neither_empty_nor_oversized_nor_controlling() {
        assert_eq!(Text::new(""), Err(TextError::Empty));
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        assert_eq!(Text::new(long.clone()), Err(TextError::TooLong { len: 2_001, max: 2_000 }));
        assert!(Prose::new(long).is_ok());
        assert!(Prose::new("x".repeat(PROSE_BYTES_MAX + 1)).is_err());
        assert_eq!(Text::new("a\0b"), Err(TextError::Control { at: 1 }));
        assert_eq!(Text::new("a\r\n\tb").unwrap().as_str(), "a\r\n\tb");
    }
}
