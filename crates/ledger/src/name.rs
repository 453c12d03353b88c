//! Names of agencies and of their logs, parsed once at the door.
//!
//! Not here: how a name is proved (certificates are `node`'s, keys are `tlog`'s).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An agency's identifier: its SPIFFE trust domain, `[a-z0-9.-]{3,63}`. Clones share the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgencyId(Arc<str>);

impl AgencyId {
    /// Shortest identifier accepted, in bytes.
    pub const LEN_MIN: usize = 3;
    /// Longest identifier accepted, in bytes: one DNS label's worth, so that it fits a SAN and a file name.
    pub const LEN_MAX: usize = 63;

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AgencyId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let well_formed = (Self::LEN_MIN..=Self::LEN_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-');
        if well_formed { Ok(Self(text.into())) } else { Err(NameError::Agency { text: text.to_owned() }) }
    }
}

impl fmt::Display for AgencyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of one log: `<agency id>/<log>`, for example `a.example/pub` or `a.example/exercise/0f3a`. Clones share
/// the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    text: Arc<str>,
    agency: AgencyId,
}

impl Origin {
    /// Longest origin accepted, in bytes: it stands in every commitment behind a 16-bit length and names files.
    pub const LEN_MAX: usize = 127;

    /// The publication log of an agency: `<agency id>/pub`.
    pub fn publication(agency: &AgencyId) -> Self {
        Self { text: format!("{agency}/pub").into(), agency: agency.clone() }
    }

    /// The agency whose log it is: the part before the first `/`.
    pub fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// The origin as it stands in the first line of a checkpoint.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Origin {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refuse = || NameError::Origin { text: text.to_owned() };
        let (agency, log) = text.split_once('/').ok_or_else(refuse)?;
        let agency: AgencyId = agency.parse().map_err(|_| refuse())?;
        let well_formed = text.len() <= Self::LEN_MAX
            && log.split('/').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            });
        if well_formed { Ok(Self { text: text.into(), agency }) } else { Err(refuse()) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A name that is not well formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not an agency identifier.
    #[error("not an agency id: {text:?} (3 to 63 of a-z, 0-9, '.', '-')")]
    Agency {
        /// What was given.
        text: String,
    },
    /// Not an origin.
    #[error("not an origin: {text:?} (an agency id, '/', and a log name of a-z, 0-9, '-', '/')")]
    Origin {
        /// What was given.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agency_id_is_a_trust_domain() {
        for good in ["abc", "agency-a.example", "0.0"] {
            assert_eq!(good.parse::<AgencyId>().unwrap().as_str(), good);
        }
        for bad in ["", "ab", "Agency", "a b c", "a/b", "ä.example", &"a".repeat(64)] {
            assert!(bad.parse::<AgencyId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_origin_names_its_agency() {
        for good in ["a.example/pub", "a.example/acct", "a.example/exercise/0f3a", "a.example/pub/2"] {
            let origin: Origin = good.parse().unwrap();
            assert_eq!(origin.to_string(), good);
            assert_eq!(origin.agency().as_str(), "a.example");
        }
        for bad in ["a.example", "a.example/", "/pub", "a.example//pub", "a.example/pub/", "a.example/Pub"] {
            assert!(bad.parse::<Origin>().is_err(), "{bad:?}");
        }
    }
}
