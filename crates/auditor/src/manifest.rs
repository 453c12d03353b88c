//! The list of contents of a bundle.

use serde::{Deserialize, Serialize};

/// The only format.
pub const BUNDLE_FORMAT: &str = "comity/audit-bundle/v1";

/// Most logs of one bundle.
pub(crate) const LOGS_MAX: usize = 4_096;

/// `bundle.json`: what lies in the bundle. A hint only: nothing is trusted because it stands here.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`BUNDLE_FORMAT`].
    pub format: String,
    /// The agency that made the bundle.
    pub agency: String,
    /// When it says it did, seconds since 1970-01-01 UTC.
    pub made_at: u64,
    /// The logs.
    pub logs: Vec<ManifestLog>,
}

/// One log of a bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestLog {
    /// The log.
    pub origin: String,
    /// Its folder within the bundle.
    pub folder: String,
    /// Entries under its newest checkpoint.
    pub size: u64,
    /// Root of its newest checkpoint, base64.
    pub root: String,
}
