//! What an audit found: every check counted, every failure named.

use serde::Serialize;

/// Failures listed one by one; further ones are only counted, so that a ruined bundle gives a readable report.
pub const FAILURES_LISTED_MAX: usize = 1_000;

/// The outcome of an audit.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// No check failed.
    pub ok: bool,
    /// Each log was checked with a key that the auditor brought; otherwise the bundle vouches for itself only.
    pub trusted: bool,
    /// The logs of the bundle.
    pub logs: Vec<LogReport>,
    /// How many of each check were made.
    pub checks: Checks,
    /// Failures beyond those listed.
    pub failures_unlisted: u64,
    /// What failed.
    pub failures: Vec<Failure>,
}

/// One log of the bundle.
#[derive(Clone, Debug, Serialize)]
pub struct LogReport {
    /// The log.
    pub origin: String,
    /// Entries under its newest checkpoint.
    pub size: u64,
    /// Root of its newest checkpoint, base64.
    pub root: String,
    /// Signed checkpoints checked, the newest included.
    pub checkpoints: u64,
    /// The key that verified them, as a vkey.
    pub key: String,
    /// Whether the auditor brought that key.
    pub trusted: bool,
}

/// How many checks of each kind were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// Signatures on checkpoints.
    pub signatures: u64,
    /// Hash tiles recomputed and compared.
    pub tiles: u64,
    /// Entry bundles read and hashed.
    pub bundles: u64,
    /// Entries parsed and hashed.
    pub entries: u64,
    /// Roots recomputed and compared with a checkpoint.
    pub roots: u64,
    /// Changes whose previous entry was compared with the log.
    pub changes: u64,
    /// Sections whose opening gave the commitment.
    pub openings_opened: u64,
    /// Sections withheld.
    pub openings_withheld: u64,
    /// Sections erased.
    pub openings_erased: u64,
    /// Sections lost.
    pub openings_lost: u64,
}

/// One failed check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Which check: `manifest`, `key`, `signature`, `checkpoint`, `bundle`, `entry`, `tile`, `root`, `opening`,
    /// `change`.
    pub check: &'static str,
    /// The log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The file, within the bundle.
    pub path: String,
    /// What is wrong.
    pub detail: String,
}

impl Report {
    pub(crate) fn fail(&mut self, failure: Failure) {
        if self.failures.len() < FAILURES_LISTED_MAX {
            self.failures.push(failure);
        } else {
            self.failures_unlisted += 1;
        }
    }

    pub(crate) fn finish(mut self) -> Self {
        self.ok = self.failures.is_empty();
        self.trusted = !self.logs.is_empty() && self.logs.iter().all(|log| log.trusted);
        self
    }

    /// The report as an auditor reads it.
    pub fn to_text(&self) -> String {
        let mut lines = Vec::new();
        for log in &self.logs {
            let standing = if log.trusted { "trusted key" } else { "UNTRUSTED key, from the bundle itself" };
            lines.push(format!(
                "log {}  size {}  root {}  {standing}",
                plain(&log.origin),
                log.size,
                log.root
            ));
        }
        let c = &self.checks;
        lines.push(format!(
            "checked: {} signatures, {} entries in {} bundles, {} tiles, {} roots, {} changes",
            c.signatures, c.entries, c.bundles, c.tiles, c.roots, c.changes
        ));
        lines.push(format!(
            "sections: {} opened and matching, {} withheld, {} erased, {} lost",
            c.openings_opened, c.openings_withheld, c.openings_erased, c.openings_lost
        ));
        for failure in &self.failures {
            let origin = plain(failure.origin.as_deref().unwrap_or("-"));
            let index = failure.index.map_or_else(String::new, |index| format!(" entry {index}"));
            let Failure { check, path, detail, .. } = failure;
            let (path, detail) = (plain(path), plain(detail));
            lines.push(format!("FAILED {check}: {origin}{index} ({path}): {detail}"));
        }
        if self.failures_unlisted > 0 {
            lines.push(format!("and {} more failures", self.failures_unlisted));
        }
        // A log that was not checked at all has its failure; to ask for keys there would mislead.
        if self.logs.iter().any(|log| !log.trusted) {
            lines.push(
                "warning: no key of your own was given for every log (--keys); a bundle signed anew by a \
                 stranger would look the same"
                    .to_owned(),
            );
        }
        lines.push(if self.ok { "ok" } else { "NOT OK" }.to_owned());
        lines.join("\n")
    }
}

/// The text with everything escaped that is not seen when printed: whoever made the bundle chose these words,
/// and a terminal obeys some of them.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => safe.push(c),
            _ => safe.extend(c.escape_debug()),
        }
    }
    safe
}
