//! Evidence against an author, checked with nothing but the file itself, and with the auditor's keys for whose it is.
//!
//! What evidence is, is `ledger`'s.

use std::path::Path;

use comity_ledger::{Evidence, Head};
use comity_tlog::VerifierKey;
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
    /// Two checkpoints that contradict each other were signed with the keys named here.
    pub ok: bool,
    /// The auditor's own keys say that these are the log's.
    pub trusted: bool,
    /// SHA-256 of the file, base64.
    pub digest: String,
    /// The log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The keys that signed the smaller and the larger checkpoint, as vkeys.
    pub keys: Vec<String>,
    /// Sizes and roots of the two, base64.
    pub heads: Vec<SignedHead>,
    /// The root that the smaller size has within the larger tree, base64; none for two of one size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<String>,
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

/// Checks an evidence file.
pub fn verify_evidence(file: &[u8], keys: &TrustedKeys) -> EvidenceReport {
    let digest = comity_tlog::Hash::digest(file).to_base64();
    match Evidence::parse(file) {
        Ok(evidence) => {
            let trusted = keys.named(evidence.origin().as_str());
            EvidenceReport {
                ok: true,
                trusted: evidence.keys().into_iter().all(|key| trusted.contains(key)),
                digest,
                origin: Some(evidence.origin().to_string()),
                keys: evidence.keys().map(ToString::to_string).to_vec(),
                heads: evidence
                    .heads()
                    .map(|head| SignedHead { size: head.size.value(), root: head.root.to_base64() })
                    .to_vec(),
                joined: evidence.joined().map(|beginning| beginning.head.root.to_base64()),
                failure: None,
                doubt: None,
            }
        }
        Err(error) => EvidenceReport {
            ok: false,
            trusted: false,
            digest,
            origin: None,
            keys: Vec::new(),
            heads: Vec::new(),
            joined: None,
            failure: Some(crate::signed::in_words(&error)),
            doubt: None,
        },
    }
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
    /// The key events of a log say whose its keys were when they signed: a thief of a key that was revoked or retired
    /// convicts nobody with it.
    fn judge(&mut self, evidence: &Evidence, log: &LogKeys) {
        let in_force = |(key, head): (&VerifierKey, Head)| log.history.log_keys(head.size).contains(key);
        let theirs = evidence.keys().into_iter().zip(evidence.heads()).all(in_force);
        self.trusted = log.trusted && theirs;
        self.doubt = (!theirs).then(|| {
            "a key signed it that was not in force in this log for that size: it convicts whoever held it"
                .to_owned()
        });
    }

    /// The report as an auditor reads it.
    pub fn to_text(&self) -> String {
        let Some(origin) = &self.origin else {
            let why = self.failure.as_deref().unwrap_or_default();
            return format!("NOT OK: this accuses nobody: {}", plain(why));
        };
        let mut lines = vec![format!("the author of {} signed two histories:", plain(origin))];
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
