//! The list of contents of an audit bundle, shared by whoever makes one and whoever checks it.

use comity_tlog::TileCoordinate;
use serde::{Deserialize, Serialize};

/// The only format.
pub const BUNDLE_FORMAT: &str = "comity/audit-bundle/v1";

/// Most logs of one bundle.
pub const BUNDLE_LOGS_MAX: usize = 4_096;

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

/// Where the openings of one bundle of entries stand within a log's folder, from the path of that bundle.
pub fn openings_path(entries: &TileCoordinate) -> String {
    entries.to_string().replacen("tile/entries/", "openings/", 1)
}
