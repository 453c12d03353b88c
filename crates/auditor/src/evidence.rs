//! Evidence against an author, checked with nothing but the file itself, and with the auditor's keys for whose it is.
//!
//! What evidence is, is `ledger`'s.

use std::path::Path;

use comity_ledger::{Contradiction, Evidence, Head};
use serde::Serialize;

use crate::TrustedKeys;
use crate::folder::Folder;
use crate::log_keys::LogKeys;
use crate::report::{Failure, Note, Report};
use crate::report_text::plain;
use crate::verify::SignedBundle;

/// Where evidence lies in a bundle.
const FOLDER: &str = "evidence";
/// Most files of evidence that are read: as many as a node keeps.
const FILES_MAX: usize = 256;

/// What an evidence file shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvidenceReport {
    /// What contradicts itself was signed with the keys named here.
    pub ok: bool,
    /// The auditor's own keys say that these are the log's.
    pub trusted: bool,
    /// SHA-256 of the file, base64.
    pub digest: String,
    /// The log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The keys that signed the smaller and the larger checkpoint, or the root key that signed two beginnings, as vkeys.
    pub keys: Vec<String>,
    /// Sizes and roots of the two checkpoints, base64; none of two beginnings.
    pub heads: Vec<SignedHead>,
    /// The root that the smaller size has within the larger tree, base64; none for two of one size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<String>,
    /// Two beginnings of the log, if these convict its author.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub geneses: Vec<SignedGenesis>,
    /// Why it shows nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Why the log's own key events do not make it a case against the author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// Size and root that an author signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedHead {
    /// Entries.
    pub size: u64,
    /// Root, base64.
    pub root: String,
}

/// How a root key said that a successor begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedGenesis {
    /// The log key that it begins with, as a vkey.
    pub log_key: String,
    /// The last good checkpoint of the log before it.
    pub last_good: SignedHead,
}

impl From<Head> for SignedHead {
    fn from(head: Head) -> Self {
        Self { size: head.size.value(), root: head.root.to_base64() }
    }
}

/// Checks an evidence file.
pub fn verify_evidence(file: &[u8], keys: &TrustedKeys) -> EvidenceReport {
    let mut found = EvidenceReport {
        ok: false,
        trusted: false,
        digest: comity_tlog::Hash::digest(file).to_base64(),
        origin: None,
        keys: Vec::new(),
        heads: Vec::new(),
        joined: None,
        geneses: Vec::new(),
        failure: None,
        doubt: None,
    };
    match Evidence::parse(file) {
        Ok(evidence) => found.show(&evidence, keys),
        Err(error) => found.failure = Some(crate::signed::in_words(&error)),
    }
    found
}

/// The same, with what the log's own key events in a bundle say of whose the keys were. The bundle must pass its audit.
///
/// # Errors
/// In words why the bundle says nothing of it.
pub fn verify_evidence_beside(
    file: &[u8],
    keys: &TrustedKeys,
    bundle: &Path,
) -> Result<EvidenceReport, String> {
    let mut found = verify_evidence(file, keys);
    if let Ok(evidence) = Evidence::parse(file) {
        let log = SignedBundle::keys_of(bundle, evidence.origin(), keys)?;
        found.judge(&evidence, &log);
    }
    Ok(found)
}

impl EvidenceReport {
    fn show(&mut self, evidence: &Evidence, keys: &TrustedKeys) {
        (self.ok, self.origin) = (true, Some(evidence.origin().to_string()));
        match evidence.shown() {
            Contradiction::Trees(trees) => {
                let trusted = keys.named(evidence.origin().as_str());
                self.trusted = trees.keys().into_iter().all(|key| trusted.contains(key));
                self.keys = trees.keys().map(ToString::to_string).to_vec();
                self.heads = trees.heads().map(SignedHead::from).to_vec();
                self.joined = trees.joined().map(|beginning| beginning.head.root.to_base64());
            }
            Contradiction::Geneses(two) => {
                self.trusted = keys.pins(evidence.origin()).roots().contains(two.root_key());
                self.keys = vec![two.root_key().to_string()];
                let said = two.said().into_iter();
                let genesis = |(log_key, last_good): (comity_tlog::VerifierKey, Head)| SignedGenesis {
                    log_key: log_key.to_string(),
                    last_good: last_good.into(),
                };
                self.geneses = said.map(genesis).collect();
            }
        }
    }

    /// What the author did.
    pub(crate) fn deed(&self) -> &'static str {
        if self.geneses.is_empty() {
            "signed two histories"
        } else {
            "signed two beginnings with its root key"
        }
    }

    /// The key events of a log say whose its keys were when they signed: a thief of a key that was revoked or retired
    /// convicts nobody with it.
    fn judge(&mut self, evidence: &Evidence, log: &LogKeys) {
        let theirs = evidence.is_of_author(&log.history);
        self.trusted = log.trusted && theirs;
        let doubt = match evidence.shown() {
            Contradiction::Trees(_) => {
                "a key signed it that was not in force in this log for that size: it convicts whoever held it"
            }
            Contradiction::Geneses(_) => {
                "another root key signed it than that of this log: it convicts whoever holds it"
            }
        };
        self.doubt = (!theirs).then(|| doubt.to_owned());
    }

    /// The report as an auditor reads it.
    pub fn to_text(&self) -> String {
        let Some(origin) = &self.origin else {
            let why = self.failure.as_deref().unwrap_or_default();
            return format!("NOT OK: this accuses nobody: {}", plain(why));
        };
        let mut lines = vec![format!("the author of {} {}:", plain(origin), self.deed())];
        for SignedGenesis { log_key, last_good } in &self.geneses {
            lines.push(format!(
                "  with {}, after size {}  root {}",
                plain(log_key),
                last_good.size,
                last_good.root
            ));
        }
        for (head, key) in self.heads.iter().zip(&self.keys) {
            lines.push(format!("  size {}  root {}  by {}", head.size, head.root, plain(key)));
        }
        if let Some(root) = &self.joined {
            lines.push(format!("  in the larger one the smaller size has root {root}"));
        }
        if let Some(doubt) = &self.doubt {
            lines.push(format!("warning: {}", plain(doubt)));
        }
        lines.push(if self.trusted {
            "the keys are those that you gave".to_owned()
        } else {
            "warning: none of your own keys says whose these are (--keys); anybody can sign in any name with a key \
             of its own"
                .to_owned()
        });
        lines.push("ok".to_owned());
        lines.join("\n")
    }
}

/// Checks the evidence that lies in a bundle, and what it says of the logs there.
pub(crate) fn check_folder(
    folder: &Folder,
    keys: &TrustedKeys,
    known: &[Option<LogKeys>],
    report: &mut Report,
) {
    let names = match folder.names(FOLDER, FILES_MAX) {
        Ok(names) => names,
        Err(detail) => return report.fail(failure(FOLDER, detail)),
    };
    for name in names {
        let path = format!("{FOLDER}/{name}");
        let limit = u64::try_from(comity_ledger::EVIDENCE_BYTES_MAX).unwrap_or(u64::MAX);
        let bytes = match folder.read(&path, limit) {
            Ok(bytes) => bytes,
            Err(detail) => {
                report.fail(failure(&path, detail));
                continue;
            }
        };
        let mut found = verify_evidence(&bytes, keys);
        judge_by_log(&mut found, &bytes, &path, known, report);
        if let Some(detail) = &found.failure {
            report.fail(failure(&path, detail.clone()));
        } else {
            report.checks.evidence += 1;
            report.evidence.push(found);
        }
    }
}

/// Judges it by the log itself, where that is here.
fn judge_by_log(
    found: &mut EvidenceReport,
    bytes: &[u8],
    path: &str,
    known: &[Option<LogKeys>],
    report: &mut Report,
) {
    let Ok(evidence) = Evidence::parse(bytes) else { return };
    let Some(log) = known.iter().flatten().find(|log| log.origin == *evidence.origin()) else { return };
    found.judge(&evidence, log);
    if let Some(detail) = found.doubt.clone() {
        report.note(Note { origin: log.origin.to_string(), index: None, path: path.to_owned(), detail });
    }
}

fn failure(path: &str, detail: String) -> Failure {
    Failure { check: "evidence", origin: None, index: None, path: path.to_owned(), detail }
}
