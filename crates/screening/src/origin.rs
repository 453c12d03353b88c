//! Which log a change comes from, and where it stands there.
//!
//! Not for: how an origin is proved (`ledger`, `tlog`).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::OriginName;
use comity_watchlist::limits::ORIGIN_BYTES_MAX;
use thiserror::Error;

/// The name of one log, `<agency id>/<log>`. Clones share their text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogOrigin(Arc<str>);

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OriginError {
    /// Longer than an origin may be.
    #[error("origin of {len} bytes is longer than {max}")]
    TooLong {
        /// Length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// Not an agency id, a slash and the name of a log.
    #[error("not an origin: an agency id, '/', and a log name of a-z, 0-9, '.', '-', '/'")]
    Form,
}

/// Where one entry stands: its log, its place there, its leaf hash, and the entry that it names in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The log.
    pub origin: LogOrigin,
    /// The place of the entry in it.
    pub index: EntryIndex,
    /// The RFC 6962 leaf hash of the entry.
    pub leaf: Hash,
    /// The earlier entry that the entry's envelope says it changes; `None` for one that begins a listing.
    pub about: Option<EntryIndex>,
}

impl LogOrigin {
    /// The log of a name that a record or a statement has.
    pub fn of(name: &OriginName) -> Self {
        Self(name.as_str().into())
    }

    /// The origin as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The agency whose log it is: the part before the first `/`.
    pub fn agency(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(agency, _)| agency)
    }
}

impl FromStr for LogOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text.len() > ORIGIN_BYTES_MAX {
            return Err(OriginError::TooLong { len: text.len(), max: ORIGIN_BYTES_MAX });
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
        let parts_plain = text.split('/').all(|part| !part.is_empty() && part.bytes().all(plain));
        if parts_plain && text.contains('/') { Ok(Self(text.into())) } else { Err(OriginError::Form) }
    }
}

impl fmt::Display for LogOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_names_its_agency() {
        let origin: LogOrigin = "a.example/exercise/0f3a".parse().unwrap();
        assert_eq!(origin.agency(), "a.example");
        assert_eq!(origin.to_string(), "a.example/exercise/0f3a");
        for bad in ["", "a.example", "/pub", "a.example/", "a.example//pub", "A/pub", "a b/pub"] {
            assert_eq!(bad.parse::<LogOrigin>(), Err(OriginError::Form), "{bad:?}");
        }
        let long = format!("a.example/{}", "x".repeat(ORIGIN_BYTES_MAX));
        assert!(matches!(long.parse::<LogOrigin>(), Err(OriginError::TooLong { .. })));
    }
}
