//! What lies in a bundle by its own account: `bundle.json`, which is a hint and is checked for its shape.
//!
//! What the logs hold is checked elsewhere, whatever stands here.

use comity_ledger::{BUNDLE_FORMAT, BUNDLE_LOGS_MAX, Manifest, Origin};

use crate::folder::Folder;
use crate::report::{Failure, Report};

/// The file that makes a folder an audit bundle.
pub(crate) const CONTENTS: &str = "bundle.json";
/// Most bytes of `bundle.json`.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// Reads the contents of a bundle; says in words why there are none to go by.
pub(crate) fn read_contents(folder: &Folder) -> Result<Manifest, String> {
    if !folder.path().is_dir() {
        return Err(format!("{} is no folder", folder.path().display()));
    }
    if !folder.has(CONTENTS) {
        return Err(format!("{} has no such file, and so is no audit bundle", folder.path().display()));
    }
    let bytes = folder.read(CONTENTS, MANIFEST_BYTES_MAX)?;
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

/// Whoever made a bundle is named in it, and has a log in it.
pub(crate) fn check_maker(manifest: &Manifest, report: &mut Report) {
    if manifest.logs.is_empty() {
        report.fail(contents_failure("the bundle has no logs".to_owned()));
    } else if !manifest.logs.iter().any(|log| is_of(&log.origin, &manifest.agency)) {
        let detail =
            format!("{:?} is to have made the bundle, and none of its logs is of it", manifest.agency);
        report.fail(contents_failure(detail));
    }
}

pub(crate) fn contents_failure(detail: String) -> Failure {
    Failure { check: "manifest", origin: None, index: None, path: CONTENTS.to_owned(), detail }
}

/// Whether a log is of an agency. A home always gives its own log with those of its peers.
fn is_of(origin: &str, agency: &str) -> bool {
    origin.parse::<Origin>().is_ok_and(|origin| origin.agency().as_str() == agency)
}
