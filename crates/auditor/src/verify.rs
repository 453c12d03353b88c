//! The order of an audit: contents, keys, signatures, entries, tiles, roots, openings.

use std::path::Path;

use comity_ledger::{BUNDLE_FORMAT, BUNDLE_LOGS_MAX, Manifest, ManifestLog, Origin};
use comity_tlog::{NOTE_BYTES_MAX, SignedCheckpoint, VerifiedCheckpoint, VerifierKey};

use crate::folder::Folder;
use crate::history::{History, LogKeys};
use crate::report::{Failure, LogReport, Report};
use crate::{KEY_FILE_BYTES_MAX, TrustedKeys};

/// Most bytes of `bundle.json`.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;
/// Most retained checkpoints of one log: one a minute for ten years.
const CHECKPOINTS_MAX: usize = 5_300_000;

/// Checks a bundle. With no keys, each log is checked with the key that the bundle names, and the report says
/// that nothing is trusted.
pub fn verify(bundle: &Path, keys: &TrustedKeys) -> Report {
    let mut report = Report::default();
    let folder = Folder::new(bundle);
    match read_manifest(bundle, &folder) {
        Ok(manifest) => {
            for log in &manifest.logs {
                match log.origin.parse::<Origin>() {
                    Ok(origin) => {
                        LogAudit { folder: &folder, log, origin, keys, report: &mut report }.run();
                    }
                    Err(_) => {
                        report.fail(manifest_failure(format!("{:?} is not an origin", log.origin)));
                    }
                }
            }
            if manifest.logs.is_empty() {
                report.fail(manifest_failure("the bundle has no logs".to_owned()));
            } else if !manifest.logs.iter().any(|log| is_of(&log.origin, &manifest.agency)) {
                let detail = format!(
                    "{:?} is to have made the bundle, and none of its logs is of it",
                    manifest.agency
                );
                report.fail(manifest_failure(detail));
            }
        }
        Err(detail) => report.fail(manifest_failure(detail)),
    }
    report.finish()
}

/// Whether a log is of an agency. A home always gives its own log with those of its peers.
fn is_of(origin: &str, agency: &str) -> bool {
    origin.parse::<Origin>().is_ok_and(|origin| origin.agency().as_str() == agency)
}

fn manifest_failure(detail: String) -> Failure {
    Failure { check: "manifest", origin: None, index: None, path: "bundle.json".to_owned(), detail }
}

fn read_manifest(bundle: &Path, folder: &Folder) -> Result<Manifest, String> {
    if !bundle.is_dir() {
        return Err(format!("{} is no folder", bundle.display()));
    }
    if std::fs::symlink_metadata(bundle.join("bundle.json")).is_err() {
        return Err(format!("{} has no such file, and so is no audit bundle", bundle.display()));
    }
    let bytes = folder.read("bundle.json", MANIFEST_BYTES_MAX)?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if manifest.format != BUNDLE_FORMAT {
        return Err(format!("format {:?} is not {BUNDLE_FORMAT:?}", manifest.format));
    }
    if manifest.logs.len() > BUNDLE_LOGS_MAX {
        return Err(format!("more than {BUNDLE_LOGS_MAX} logs"));
    }
    let mut origins: Vec<&str> = manifest.logs.iter().map(|log| log.origin.as_str()).collect();
    origins.sort_unstable();
    if origins.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err("one origin stands twice".to_owned());
    }
    for log in &manifest.logs {
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
        if !log.folder.split('/').all(plain) {
            return Err(format!("folder {:?} is not a plain path within the bundle", log.folder));
        }
    }
    Ok(manifest)
}

/// The audit of one log.
struct LogAudit<'a> {
    folder: &'a Folder,
    log: &'a ManifestLog,
    origin: Origin,
    keys: &'a TrustedKeys,
    report: &'a mut Report,
}

impl LogAudit<'_> {
    fn run(mut self) {
        let Some((keys, trusted)) = self.named_keys() else { return };
        let Some(newest) = self.newest(&keys) else { return };
        let key = newest.log_key().clone();
        let retained = self.retained(&key);
        let checkpoint = newest.checkpoint();
        let (size, root) = (checkpoint.size(), checkpoint.root());
        if size.value() != self.log.size || root.to_base64() != self.log.root {
            self.fail(
                "manifest",
                "bundle.json",
                "size or root differ from those of the newest checkpoint".to_owned(),
            );
        }
        self.report.logs.push(LogReport {
            origin: self.origin.to_string(),
            size: size.value(),
            root: root.to_base64(),
            checkpoints: u64::try_from(retained.len()).unwrap_or(u64::MAX).saturating_add(1),
            key: key.to_string(),
            trusted,
        });
        let mut checkpoints = retained;
        checkpoints.push(("checkpoint".to_owned(), newest));
        checkpoints.sort_by_key(|(_, checkpoint)| checkpoint.checkpoint().size());
        let folder = self.log.folder.as_str();
        let roots = self.keys.roots_beside(&key);
        let keys = LogKeys { log: &key, roots: &roots };
        History::new(self.folder, folder, &self.origin, keys, self.report).check(size, &checkpoints);
    }

    /// The keys that may have signed, at least one, and whether the auditor brought them.
    fn named_keys(&mut self) -> Option<(Vec<VerifierKey>, bool)> {
        if !self.keys.is_empty() {
            let keys = self.keys.named(self.origin.as_str());
            if !keys.is_empty() {
                return Some((keys, true));
            }
            let detail = "none of the keys given is named after this origin".to_owned();
            self.fail("key", "VKEYS", detail);
            return None;
        }
        let hint = self.read("VKEYS", KEY_FILE_BYTES_MAX)?;
        let mut hints = TrustedKeys::none();
        if let Err(error) = hints.add_file(&hint) {
            self.fail("key", "VKEYS", error.to_string());
            return None;
        }
        let hints = hints.named(self.origin.as_str());
        if hints.is_empty() {
            self.fail("key", "VKEYS", "no key named after this origin".to_owned());
            return None;
        }
        Some((hints, false))
    }

    /// The newest checkpoint, with the one of these keys that signed it.
    fn newest(&mut self, keys: &[VerifierKey]) -> Option<VerifiedCheckpoint> {
        let bytes = self.read("checkpoint", limit(NOTE_BYTES_MAX))?;
        self.verify_note("checkpoint", &bytes, keys)
    }

    /// The earlier checkpoints that the bundle retains.
    fn retained(&mut self, key: &VerifierKey) -> Vec<(String, VerifiedCheckpoint)> {
        let mut retained = Vec::new();
        let names = match self.folder.names(&format!("{}/checkpoints", self.log.folder), CHECKPOINTS_MAX) {
            Ok(names) => names,
            Err(detail) => {
                self.fail("checkpoint", "checkpoints", detail);
                return retained;
            }
        };
        for name in names {
            let path = format!("checkpoints/{name}");
            let Some(bytes) = self.read(&path, limit(NOTE_BYTES_MAX)) else { continue };
            let Some(checkpoint) = self.verify_note(&path, &bytes, std::slice::from_ref(key)) else {
                continue;
            };
            if checkpoint.checkpoint().size().to_string() == name {
                retained.push((path, checkpoint));
            } else {
                self.fail("checkpoint", &path, "the file is not named after its size".to_owned());
            }
        }
        retained
    }

    fn verify_note(&mut self, path: &str, bytes: &[u8], keys: &[VerifierKey]) -> Option<VerifiedCheckpoint> {
        let signed = match SignedCheckpoint::parse(bytes) {
            Ok(signed) => signed,
            Err(error) => {
                self.fail("signature", path, error.to_string());
                return None;
            }
        };
        let mut refused = None;
        for key in keys {
            match signed.verify(key, &[]) {
                Ok(checkpoint) => {
                    self.report.checks.signatures += 1;
                    return Some(checkpoint);
                }
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        let detail = refused.map_or_else(|| "no key to verify it".to_owned(), |error| error.to_string());
        self.fail("signature", path, detail);
        None
    }

    fn read(&mut self, path: &str, limit: u64) -> Option<Vec<u8>> {
        let read = self.folder.read(&format!("{}/{path}", self.log.folder), limit);
        read.map_err(|detail| self.fail("checkpoint", path, detail)).ok()
    }

    fn fail(&mut self, check: &'static str, path: &str, detail: String) {
        let path =
            if path == "bundle.json" { path.to_owned() } else { format!("{}/{path}", self.log.folder) };
        self.report.fail(Failure { check, origin: Some(self.origin.to_string()), index: None, path, detail });
    }
}

fn limit(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
