//! Which keys a publication had so far, and where: of one key the first row stands.
//!
//! A list may have a million keys, so that no key is held: a number of 128 bits stands for it, made with two secrets that
//! are drawn anew each time, so that nobody can write two keys of one number. Not for: the keys held by the node (`diff`).

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use comity_watchlist::RecordKey;

/// The keys so far, each with the line on which it stood first.
#[derive(Default)]
pub(crate) struct Seen {
    secrets: [RandomState; 2],
    lines: HashMap<[u64; 2], u64>,
}

impl Seen {
    fn number(&self, key: &RecordKey) -> [u64; 2] {
        self.secrets.each_ref().map(|secret| secret.hash_one(key))
    }

    /// The line on which a key stood first.
    pub(crate) fn get(&self, key: &RecordKey) -> Option<u64> {
        self.lines.get(&self.number(key)).copied()
    }

    /// Notes a key.
    pub(crate) fn insert(&mut self, key: &RecordKey, line: u64) {
        self.lines.insert(self.number(key), line);
    }
}
