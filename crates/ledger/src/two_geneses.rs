//! Two beginnings of one successor that one root key signed: the log begins with one key and with another, or goes on from
//! one tree and from another.
//!
//! What is compared is what the root key signed, the public bodies of the two first entries: anybody can put another entry
//! around the same body. Not here: the file (`evidence`), and whose the root key is.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_tlog::{Hash, VerifierKey};

use crate::evidence::{EvidenceError, Lines, take};
use crate::{Genesis, Head, Origin, Succession};

/// Two geneses of one successor, verified with the root key that both name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoGeneses {
    origin: Origin,
    root: VerifierKey,
    both: [Genesis; 2],
}

impl TwoGeneses {
    /// Of two geneses in any order.
    ///
    /// # Errors
    /// [`EvidenceError::OtherOrigin`], [`EvidenceError::OtherRoot`], [`EvidenceError::Unsigned`], or
    /// [`EvidenceError::NoContradiction`] where both say the same.
    pub(crate) fn new(one: &Genesis, other: &Genesis) -> Result<Self, EvidenceError> {
        let (one_origin, other_origin) = (successor_of(one)?, successor_of(other)?);
        if one_origin != other_origin {
            return Err(EvidenceError::OtherOrigin);
        }
        let origin = one_origin;
        let root = one.root_key().ok_or(EvidenceError::Unsigned)?;
        if !other.names_root_key(&root) {
            return Err(EvidenceError::OtherRoot);
        }
        if !one.is_vouched_for(&origin) || !other.is_vouched_for(&origin) {
            return Err(EvidenceError::Unsigned);
        }
        if said(&origin, one)? == said(&origin, other)? {
            return Err(EvidenceError::NoContradiction);
        }
        let mut both = [one.clone(), other.clone()];
        both.sort_by_key(Genesis::to_body);
        Ok(Self { origin, root, both })
    }

    pub(crate) fn parse(lines: &mut Lines<'_>) -> Result<Self, EvidenceError> {
        let root: VerifierKey =
            take(lines, "root-key")?.parse().map_err(|_| EvidenceError::Field { field: "root-key" })?;
        let (first, second) = (take_genesis(lines, "first")?, take_genesis(lines, "second")?);
        if lines.peek().is_some() {
            return Err(EvidenceError::Field { field: "end" });
        }
        let two = Self::new(&first, &second)?;
        if two.root == root { Ok(two) } else { Err(EvidenceError::OtherRoot) }
    }

    /// The lines behind that of the version.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("root-key {}\n", self.root);
        for (genesis, word) in self.both.iter().zip(["first", "second"]) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{word} {}", STANDARD.encode(genesis.to_body()));
        }
        text
    }

    /// The successor that both begin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The root key that signed both.
    pub fn root_key(&self) -> &VerifierKey {
        &self.root
    }

    /// Of each, the log key that it names and the last good checkpoint from which it goes on; the one whose public body is
    /// the smaller comes first.
    pub fn said(&self) -> Vec<(VerifierKey, Head)> {
        // Both were read when this was made.
        self.both.iter().filter_map(|genesis| said(&self.origin, genesis).ok()).collect()
    }

    /// The SHA-256 of the two public bodies.
    pub(crate) fn digests(&self) -> [Hash; 2] {
        self.both.each_ref().map(|genesis| Hash::digest(&genesis.to_body()))
    }
}

fn successor_of(genesis: &Genesis) -> Result<Origin, EvidenceError> {
    let closed = genesis.succession().map(Succession::origin).ok_or(EvidenceError::NoContradiction)?;
    let successor = closed.successor().filter(|next| next.agency() == genesis.agency());
    successor.ok_or(EvidenceError::OtherOrigin)
}

fn said(origin: &Origin, genesis: &Genesis) -> Result<(VerifierKey, Head), EvidenceError> {
    let key = genesis.log_key(origin).ok_or(EvidenceError::Field { field: "log key" })?;
    let last_good = genesis.succession().map(Succession::last_good).ok_or(EvidenceError::NoContradiction)?;
    Ok((key, last_good))
}

fn take_genesis(lines: &mut Lines<'_>, field: &'static str) -> Result<Genesis, EvidenceError> {
    let malformed = || EvidenceError::Field { field };
    let body = STANDARD.decode(take(lines, field)?).map_err(|_| malformed())?;
    Genesis::from_body(&body).map_err(|_| malformed())
}

#[cfg(test)]
mod tests;
