//! The keys that the auditor brings, obtained by another way than the bundle.

use std::fs::File;
use std::path::Path;

use comity_ledger::{Card, CardIdentity};
use comity_tlog::VerifierKey;

use crate::folder::read_at_most;

/// Most bytes of a key file.
pub const KEY_FILE_BYTES_MAX: u64 = 1 << 20;

/// Keys that the auditor trusts.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys(Vec<TrustedKey>);

/// The key of a log, and the root key that stands beside it where a card gave both.
#[derive(Clone, Debug)]
struct TrustedKey {
    log: VerifierKey,
    root: Option<VerifierKey>,
}

impl TrustedKeys {
    /// No keys: nothing is trusted.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds the keys of the file at this path, as [`TrustedKeys::add_file`] does; at most
    /// [`KEY_FILE_BYTES_MAX`] are read.
    ///
    /// # Errors
    /// [`KeyFileError`] if it cannot be read, is too large, or is no key file.
    pub fn add_path(&mut self, path: &Path) -> Result<(), KeyFileError> {
        let read = File::open(path).and_then(|file| read_at_most(file, KEY_FILE_BYTES_MAX));
        let bytes = read.map_err(|source| KeyFileError::Unreadable { source })?;
        self.add_file(&bytes.ok_or(KeyFileError::TooLarge)?)
    }

    /// Adds the keys of a file: a card, or one vkey a line, `#` beginning a comment.
    ///
    /// # Errors
    /// [`KeyFileError`] if it is neither, or names no key.
    pub fn add_file(&mut self, bytes: &[u8]) -> Result<(), KeyFileError> {
        if let Ok(card) = Card::parse(bytes) {
            let CardIdentity { log, root, .. } = card.identity();
            self.0.push(TrustedKey { log: log.clone(), root: Some(root.clone()) });
            return Ok(());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| KeyFileError::NotText)?;
        let before = self.0.len();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                let log = line.parse().map_err(|_| KeyFileError::Line { line: number })?;
                self.0.push(TrustedKey { log, root: None });
            }
        }
        if self.0.len() == before { Err(KeyFileError::Empty) } else { Ok(()) }
    }

    /// Whether any key was brought.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All keys of this name: a name may have had several.
    pub(crate) fn named(&self, name: &str) -> Vec<VerifierKey> {
        self.0.iter().map(|key| &key.log).filter(|log| log.name().as_str() == name).cloned().collect()
    }

    /// The root keys on the cards that give this key of a log.
    pub(crate) fn roots_beside(&self, log: &VerifierKey) -> Vec<VerifierKey> {
        self.0.iter().filter(|key| key.log == *log).filter_map(|key| key.root.clone()).collect()
    }
}

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("{source}")]
    Unreadable {
        /// Why.
        source: std::io::Error,
    },
    /// More than [`KEY_FILE_BYTES_MAX`].
    #[error("larger than {KEY_FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// Neither a card nor text.
    #[error("neither a card nor a text file of keys")]
    NotText,
    /// A line is not a key.
    #[error("line {line} is not a key, and the file is not a card with valid signatures")]
    Line {
        /// The line, from 1.
        line: usize,
    },
    /// No key in it.
    #[error("no key in the file")]
    Empty,
}
