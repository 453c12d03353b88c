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

    /// The log that goes on when this publication log is closed: `<agency id>/pub/2` after `<agency id>/pub`, and so on;
    /// `None` of any other log.
    pub fn successor(&self) -> Option<Self> {
        let next = self.publication_number()?.checked_add(1)?;
        format!("{}/pub/{next}", self.agency).parse().ok()
    }

    /// The publication log that this one goes on from; `None` of the first, and of any other log.
    pub fn predecessor(&self) -> Option<Self> {
        match self.publication_number()?.checked_sub(1)? {
            0 => None,
            1 => Some(Self::publication(&self.agency)),
            before => format!("{}/pub/{before}", self.agency).parse().ok(),
        }
    }

    /// Whether it is a publication log: the first of its agency, or a successor.
    pub fn is_publication(&self) -> bool {
        self.publication_number().is_some()
    }

    /// 1 of `pub`, n of `pub/n`.
    fn publication_number(&self) -> Option<u32> {
        let log = self.text.strip_prefix(self.agency.as_str())?.strip_prefix("/pub")?;
        if log.is_empty() {
            return Some(1);
        }
        let digits = log.strip_prefix('/')?;
        let number = digits.parse().ok()?;
        // One name for each: no leading zero, and none for the first.
        (number >= 2 && digits.starts_with(|c: char| ('1'..='9').contains(&c))).then_some(number)
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
    #[test]
    fn publication_logs_have_one_successor_each() {
        let mut origin: Origin = "a.example/pub".parse().unwrap();
        for next in ["a.example/pub/2", "a.example/pub/3"] {
            let successor = origin.successor().unwrap();
            assert_eq!(successor.as_str(), next);
            assert_eq!(successor.predecessor(), Some(origin));
            assert!(successor.is_publication());
            origin = successor;
        }
        for other in
            ["a.example/acct", "a.example/pub/1", "a.example/pub/02", "a.example/pub/x", "a.example/pub2"]
        {
            let origin: Origin = other.parse().unwrap();
            assert!(origin.successor().is_none() && origin.predecessor().is_none(), "{other}");
        }
        let last: Origin = "a.example/pub/4294967295".parse().unwrap();
        assert!(last.successor().is_none() && last.predecessor().is_some());
    }
}
