//! For which trees of a log one key is in force.
//!
//! Not here: what begins and ends it (`key_history`).

use comity_tlog::{TreeSize, VerifierKey};

use crate::{KeyRole, RoleKey};

/// How a key ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEnd {
    /// What it signed stays good.
    Retired,
    /// What it signed beyond the last good checkpoint is void.
    Revoked,
    /// The log was closed, and the key with it.
    Closed,
}

impl KeyEnd {
    /// The word for it, in commands and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retired => "retired",
            Self::Revoked => "revoked",
            Self::Closed => "closed",
        }
    }
}

/// A key with the sizes for which it is in force: from `from` on, and below `until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpan {
    key: RoleKey,
    verifier: Option<VerifierKey>,
    from: TreeSize,
    pub(crate) until: Option<(TreeSize, KeyEnd)>,
    /// Once it has ended: the largest tree that it can have signed for whoever has not read the entry that says so; where
    /// only the successor of the log does, the last good one.
    pub(crate) known_until: Option<TreeSize>,
}

impl KeySpan {
    pub(crate) fn new(key: RoleKey, verifier: Option<VerifierKey>, from: TreeSize) -> Self {
        Self { key, verifier, from, until: None, known_until: None }
    }

    /// The key.
    pub fn key(&self) -> &RoleKey {
        &self.key
    }

    /// The key to verify with; `None` of a TLS authority.
    pub fn verifier(&self) -> Option<&VerifierKey> {
        self.verifier.as_ref()
    }

    /// The smallest tree for which it is in force.
    pub fn from(&self) -> TreeSize {
        self.from
    }

    /// The smallest tree for which it is in force no more, and how it ended.
    pub fn until(&self) -> Option<(TreeSize, KeyEnd)> {
        self.until
    }

    pub(crate) fn is_in_force(&self, size: TreeSize) -> bool {
        self.from <= size && self.until.is_none_or(|(until, _)| size < until)
    }

    pub(crate) fn is_open_log_key(&self) -> bool {
        self.key.role() == KeyRole::Log && self.until.is_none()
    }
}
