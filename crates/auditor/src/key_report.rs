//! How the keys of a log are reported: for which sizes each is in force, and where a closed log ends.

use comity_ledger::{Head, KeyEnd, KeySpan, Origin};
use comity_tlog::Hash;
use serde::Serialize;

use crate::report_text::plain;

/// A key with the sizes of trees for which it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyReport {
    /// What it is for: `log`, `witness`, `mirror`, `statement`, `tls-authority`.
    pub role: String,
    /// The key as a vkey; of a TLS authority the SHA-256 of its SubjectPublicKeyInfo, base64.
    pub key: String,
    /// The smallest size for which it is in force.
    pub from: u64,
    /// The smallest size for which it is in force no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<&'static str>,
}

impl KeyReport {
    pub(crate) fn of(span: &KeySpan, origin: &Origin) -> Self {
        let spki = || {
            span.key()
                .as_bytes()
                .try_into()
                .map_or_else(|_| String::new(), |b| Hash::from_bytes(b).to_base64())
        };
        Self {
            role: span.key().role().to_string(),
            key: span.key().verifier(origin).map_or_else(spki, |key| key.to_string()),
            from: span.from().value(),
            until: span.until().map(|(until, _)| until.value()),
            end: span.until().map(|(_, end)| match end {
                KeyEnd::Retired => "retired",
                KeyEnd::Revoked => "revoked",
                KeyEnd::Closed => "closed",
            }),
        }
    }

    /// The line of it in a report.
    pub(crate) fn to_text(&self) -> String {
        let Self { role, key, from, until, end } = self;
        let upto = match (until, end) {
            (Some(until), Some(end)) => format!("to {}, {end}", until.saturating_sub(1)),
            _ => "on".to_owned(),
        };
        format!("    {role} key {} in force for sizes from {from} {upto}", plain(key))
    }
}

/// Where a closed log ends: its last good checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndReport {
    /// Entries.
    pub size: u64,
    /// Root, base64.
    pub root: String,
}

impl From<Head> for EndReport {
    fn from(head: Head) -> Self {
        Self { size: head.size.value(), root: head.root.to_base64() }
    }
}
