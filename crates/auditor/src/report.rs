//! What an audit found: every check counted, every failure named.
//!
//! How it is said to people is in `report_text`.

use serde::Serialize;

use crate::evidence::EvidenceReport;
use crate::key_report::{EndReport, KeyReport};

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
    /// Evidence against authors that the bundle holds: no failure of the bundle, and a reason to doubt their logs.
    pub evidence: Vec<EvidenceReport>,
    /// What is odd, and no failure; at most [`FAILURES_LISTED_MAX`] are listed.
    pub notes: Vec<Note>,
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
    /// The log key that signed the newest, as a vkey.
    pub key: String,
    /// Every key that the log names, and for which sizes it is in force; without its genesis the key that was given.
    pub keys: Vec<KeyReport>,
    /// Where the log ends, if it is closed: nobody knows whose the entries behind are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<EndReport>,
    /// The closed log that it goes on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// Whether the keys that the auditor brought vouch for it.
    pub trusted: bool,
    /// Whose policy says who witnesses the log.
    pub policy: PolicyStanding,
    /// What that policy says of the newest checkpoint.
    pub state: WitnessState,
    /// How many of the checkpoints are witnessed. Earlier ones often are not: the next came first.
    pub witnessed_checkpoints: u64,
    /// The size of the largest checkpoint that is witnessed; 0 if none is.
    pub witnessed_size: u64,
    /// Entries under the newest checkpoint that the bundle lacks.
    pub gaps: Vec<Gap>,
    /// Entries of which the author says that it lost sections: no failure, and nothing that anybody could check here.
    pub lost: Vec<Gap>,
    /// Entries that the author says it erased, and that no later entry here says so of: no failure either, and never passed
    /// over.
    pub unannounced: Vec<Gap>,
}

/// Whose policy a log was judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyStanding {
    /// The auditor's own: what it asks for and is not there is a failure.
    Brought,
    /// The copy in the bundle, which could name anyone: what it asks for is only said.
    Hint,
    /// Nobody's.
    None,
}

/// What a policy says of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WitnessState {
    /// It has the cosignatures that the policy asks for.
    Witnessed,
    /// It has not.
    Unwitnessed,
    /// There is no policy to judge it by.
    Unjudged,
}

impl WitnessState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Witnessed => "witnessed",
            Self::Unwitnessed => "unwitnessed",
            Self::Unjudged => "unjudged",
        }
    }
}

/// A run of entries that are not there, or not whole, from one index to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// How many checks of each kind were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// Signatures on checkpoints.
    pub signatures: u64,
    /// Key events that are signed as they must be, and fit what stands before them.
    pub key_events: u64,
    /// Successors joined to the end of the log that they go on from.
    pub successors: u64,
    /// Hash tiles recomputed and compared.
    pub tiles: u64,
    /// Entry bundles read and hashed.
    pub bundles: u64,
    /// Entries parsed and hashed.
    pub entries: u64,
    /// Roots recomputed and compared with a checkpoint.
    pub roots: u64,
    /// Consistency proofs from one checkpoint to the next, made and verified.
    pub proofs: u64,
    /// Cosignatures of witnesses whom a policy names.
    pub cosignatures: u64,
    /// Checkpoints judged by a policy.
    pub quorums: u64,
    /// Times of a witness compared with those it gave for a smaller size.
    pub clocks: u64,
    /// Runs of entries that are missing; each has a failure, too.
    pub gaps: u64,
    /// Changes whose previous entry was compared with the log.
    pub changes: u64,
    /// Sections whose opening gave the commitment.
    pub openings_opened: u64,
    /// Sections withheld.
    pub openings_withheld: u64,
    /// Sections erased.
    pub openings_erased: u64,
    /// Sections that are said to be lost.
    pub openings_lost: u64,
    /// Evidence files that convict an author.
    pub evidence: u64,
}

/// One failed check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Which check: `manifest`, `key`, `signature`, `checkpoint`, `quorum`, `clock`, `bundle`, `entry`, `tile`,
    /// `root`, `proof`, `opening`, `change`, `evidence`, `key_event`, `successor`.
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

/// Something odd that no check forbids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The log.
    pub origin: String,
    /// The entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The file, within the bundle.
    pub path: String,
    /// What is odd.
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

    pub(crate) fn note(&mut self, note: Note) {
        if self.notes.len() < FAILURES_LISTED_MAX {
            self.notes.push(note);
        }
    }

    pub(crate) fn finish(mut self) -> Self {
        self.ok = self.failures.is_empty();
        self.trusted = !self.logs.is_empty() && self.logs.iter().all(|log| log.trusted);
        self
    }
}
