//! The keys that the auditor brings, obtained by another way than the bundle.

use std::fs::File;
use std::path::Path;

use comity_ledger::{AgencyId, Card, CardIdentity, Origin};
use comity_tlog::{Policy, PolicyError, VerifierKey};

use crate::folder::read_at_most;
use crate::signed::in_words;

/// Most bytes of a key file.
pub const KEY_FILE_BYTES_MAX: u64 = 1 << 20;

/// Keys that the auditor trusts, and the policies by which he counts witnesses.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys {
    keys: Vec<TrustedKey>,
    policies: Vec<Policy>,
}

/// The key of a log, and the card that gave it.
#[derive(Clone, Debug)]
struct TrustedKey {
    log: VerifierKey,
    card: Option<CardKeys>,
}

/// What vouches for one log.
#[derive(Clone, Debug)]
pub(crate) struct Pins {
    /// Keys that are named after it.
    pub(crate) keys: Vec<VerifierKey>,
    /// Root keys of its agency, each with the log key on the same card.
    pub(crate) cards: Vec<(VerifierKey, VerifierKey)>,
    /// Whether the auditor brought them; otherwise they are a hint of the bundle.
    pub(crate) brought: bool,
}

impl Pins {
    /// The root keys.
    pub(crate) fn roots(&self) -> Vec<VerifierKey> {
        self.cards.iter().map(|(root, _)| root.clone()).collect()
    }
}

/// What else of a card has a part in an audit.
#[derive(Clone, Debug)]
struct CardKeys {
    agency: AgencyId,
    root: VerifierKey,
    witness: VerifierKey,
    mirror: VerifierKey,
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
            let CardIdentity { agency, log, root, witness, mirror, .. } = card.identity().clone();
            let card = Some(CardKeys { agency, root, witness, mirror });
            self.keys.push(TrustedKey { log, card });
            return Ok(());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| KeyFileError::NotText)?;
        let before = self.keys.len();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                let log = line.parse().map_err(|_| KeyFileError::Line { line: number })?;
                self.keys.push(TrustedKey { log, card: None });
            }
        }
        if self.keys.len() == before { Err(KeyFileError::Empty) } else { Ok(()) }
    }

    /// Adds the policy in the file at this path, as [`TrustedKeys::add_policy`] does; at most
    /// [`KEY_FILE_BYTES_MAX`] are read.
    ///
    /// # Errors
    /// [`KeyFileError`] if it cannot be read, is too large, or is no policy.
    pub fn add_policy_path(&mut self, path: &Path) -> Result<(), KeyFileError> {
        let read = File::open(path).and_then(|file| read_at_most(file, KEY_FILE_BYTES_MAX));
        let bytes = read.map_err(|source| KeyFileError::Unreadable { source })?;
        self.add_policy(&bytes.ok_or(KeyFileError::TooLarge)?)
    }

    /// Adds a policy (c2sp.org/tlog-policy). The logs that it names are trusted as if their keys had been added;
    /// one that names none is for every log that no other policy names.
    ///
    /// # Errors
    /// [`KeyFileError::Policy`] if it breaks a rule of the format.
    pub fn add_policy(&mut self, bytes: &[u8]) -> Result<(), KeyFileError> {
        let policy = Policy::parse(bytes).map_err(|source| KeyFileError::Policy { source })?;
        self.policies.push(policy);
        Ok(())
    }

    /// Whether no key was brought, in no key file and in no policy.
    pub fn is_empty(&self) -> bool {
        self.log_keys().next().is_none()
    }

    /// All keys of this name: a name may have had several.
    pub(crate) fn named(&self, name: &str) -> Vec<VerifierKey> {
        let mut named: Vec<VerifierKey> = Vec::new();
        for key in self.log_keys().filter(|key| key.name().as_str() == name) {
            if !named.contains(key) {
                named.push(key.clone());
            }
        }
        named
    }

    /// The policy for a log: the first that names it, or else the first that names no log at all.
    pub(crate) fn policy_for(&self, origin: &str) -> Option<&Policy> {
        let named =
            self.policies.iter().find(|policy| policy.logs().any(|log| log.name().as_str() == origin));
        named.or_else(|| self.policies.iter().find(|policy| policy.logs().next().is_none()))
    }

    /// What was brought for a log: the keys that are named after it, and the root keys on cards of its agency.
    pub(crate) fn pins(&self, origin: &Origin) -> Pins {
        let cards = self.keys.iter().filter_map(|key| Some((key.card.as_ref()?, &key.log)));
        let own = cards.filter(|(card, _)| card.agency == *origin.agency());
        Pins {
            keys: self.named(origin.as_str()),
            cards: own.map(|(card, log)| (card.root.clone(), log.clone())).collect(),
            brought: true,
        }
    }

    /// The keys with which an agency cosigns for others, as its cards give them.
    pub(crate) fn own_cosigners(&self, agency: &str) -> Vec<VerifierKey> {
        let cards = self.keys.iter().filter_map(|key| key.card.as_ref());
        let own = cards.filter(|card| card.agency.as_str() == agency);
        own.flat_map(|card| [card.witness.clone(), card.mirror.clone()]).collect()
    }

    fn log_keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.keys.iter().map(|key| &key.log).chain(self.policies.iter().flat_map(Policy::logs))
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
    /// Not a policy.
    #[error("not a policy: {}", in_words(source))]
    Policy {
        /// What is wrong with it.
        source: PolicyError,
    },
}
