//! How the store names a log: 16 bytes of the origin's hash, a fixed length for keys and file names.

use std::fmt;

use comity_ledger::{AgencyId, Origin};
use comity_tlog::Hash as Digest;

/// The first 16 bytes of SHA-256(origin).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LogId([u8; LogId::LEN]);

impl LogId {
    pub(crate) const LEN: usize = 16;

    pub(crate) fn of(origin: &Origin) -> Self {
        Self::of_text(origin.as_str())
    }

    /// The same for a peer: an agency id has no `/`, so it is never the name of a log.
    pub(crate) fn of_agency(agency: &AgencyId) -> Self {
        Self::of_text(agency.as_str())
    }

    fn of_text(text: &str) -> Self {
        let digest = Digest::digest(text.as_bytes());
        let mut id = [0; Self::LEN];
        for (to, from) in id.iter_mut().zip(digest.as_bytes()) {
            *to = *from;
        }
        Self(id)
    }

    pub(crate) const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
