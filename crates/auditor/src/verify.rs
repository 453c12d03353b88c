//! The order of an audit: contents, keys and signatures of all logs, and then the history of each.

use std::path::Path;

use comity_ledger::Origin;

use crate::TrustedKeys;
use crate::bundle_keys::BundleKeys;
use crate::contents::{check_maker, contents_failure, read_contents};
use crate::evidence::check_folder;
use crate::folder::Folder;
use crate::history::History;
use crate::log_keys::LogKeys;
use crate::report::Report;
use crate::signed::{SignedLog, SignedReading};

/// Checks a bundle. With no keys, each log is checked with the key that the bundle names, and the report says
/// that nothing is trusted.
pub fn verify(bundle: &Path, keys: &TrustedKeys) -> Report {
    SignedBundle::read(bundle, keys).check()
}

/// A bundle of which contents and signatures are checked, and nothing else yet: neither entries nor roots.
#[derive(Debug)]
pub struct SignedBundle {
    folder: Folder,
    logs: Vec<SignedLog>,
    report: Report,
}

impl SignedBundle {
    /// Reads the contents, the keys of each log by its entries, and every checkpoint of a bundle, verifies the
    /// signatures, and judges who witnessed
    /// what, and when.
    pub fn read(bundle: &Path, keys: &TrustedKeys) -> Self {
        let mut signed = Self { folder: Folder::new(bundle), logs: Vec::new(), report: Report::default() };
        let manifest = match read_contents(&signed.folder) {
            Ok(manifest) => manifest,
            Err(detail) => {
                signed.report.fail(contents_failure(detail));
                return signed;
            }
        };
        let known = BundleKeys::read(&signed.folder, &manifest, keys, &mut signed.report);
        check_folder(&signed.folder, keys, &known, &mut signed.report);
        for (log, log_keys) in manifest.logs.iter().zip(known) {
            let Some(log_keys) = log_keys else { continue };
            let reading = SignedReading {
                folder: &signed.folder,
                log,
                maker: &manifest.agency,
                log_keys,
                keys,
                report: &mut signed.report,
            };
            signed.logs.extend(reading.run());
        }
        check_maker(&manifest, &mut signed.report);
        signed
    }

    /// The keys of one of its logs, if it passes its audit whole: where a key event stands is known only then.
    pub(crate) fn keys_of(bundle: &Path, origin: &Origin, keys: &TrustedKeys) -> Result<LogKeys, String> {
        let signed = Self::read(bundle, keys);
        let found = signed.logs.iter().find(|log| log.origin == *origin).map(|log| log.keys.clone());
        if !signed.check().ok {
            return Err("the bundle that was given with it does not pass its audit".to_owned());
        }
        found.ok_or_else(|| format!("the bundle that was given with it has no log {origin}"))
    }

    /// Checks the history under the checkpoints: entries, tiles, roots, proofs, openings.
    pub fn check(mut self) -> Report {
        for log in &self.logs {
            History::new(&self.folder, log, &mut self.report).check();
        }
        self.report.finish()
    }
}
