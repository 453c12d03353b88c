//! The first call: versions, and who each side says it is.
//!
//! Who the other side *is* comes from its certificate (`node`); what it says here is for diagnosis only.

use std::str::FromStr;

use comity_ledger::AgencyId;

use crate::{InvalidMessage, field, v1};

/// Longest name and version of a program, in bytes: it stands in log lines.
pub const SOFTWARE_BYTES_MAX: usize = 64;

/// What this program speaks.
pub const PROTOCOL: ProtocolRange = ProtocolRange { min: 1, max: 1 };

/// A range of protocol versions, never empty, beginning at 1 or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProtocolRange {
    min: u32,
    max: u32,
}

impl ProtocolRange {
    /// A range; `None` if it is empty or holds 0.
    pub fn new(min: u32, max: u32) -> Option<Self> {
        (1..=max).contains(&min).then_some(Self { min, max })
    }

    /// The newest version that both speak.
    pub fn newest_common(self, other: Self) -> Option<u32> {
        let newest = self.max.min(other.max);
        (newest >= self.min.max(other.min)).then_some(newest)
    }
}

/// Name and version of a program: 1 to [`SOFTWARE_BYTES_MAX`] printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Software(String);

impl Software {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Software {
    type Err = InvalidMessage;

    fn from_str(text: &str) -> Result<Self, InvalidMessage> {
        let field = "hello.software";
        if text.len() > SOFTWARE_BYTES_MAX {
            return Err(InvalidMessage::TooLong { field, found: text.len(), max: SOFTWARE_BYTES_MAX });
        }
        // Nothing that could forge a line of a log.
        if text.is_empty() || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(InvalidMessage::Malformed { field });
        }
        Ok(Self(text.to_owned()))
    }
}

/// What one side says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// What it speaks.
    pub protocol: ProtocolRange,
    /// Who it says it is.
    pub agency: AgencyId,
    /// Its program.
    pub software: Software,
}

impl Greeting {
    /// The caller's side.
    pub fn to_request(&self) -> v1::HelloRequest {
        v1::HelloRequest {
            protocol: Some(self.protocol.into()),
            agency: self.agency.to_string(),
            software: self.software.0.clone(),
        }
    }

    /// The answering side, with the agency that was read from the caller's certificate.
    pub fn to_response(&self, recognised_as: &AgencyId) -> v1::HelloResponse {
        v1::HelloResponse {
            protocol: Some(self.protocol.into()),
            agency: self.agency.to_string(),
            software: self.software.0.clone(),
            recognised_as: recognised_as.to_string(),
        }
    }

    /// Reads the answer: the other side's greeting, and whom it took the caller for.
    ///
    /// # Errors
    /// An [`InvalidMessage`] that names the field.
    pub fn from_response(message: v1::HelloResponse) -> Result<(Self, AgencyId), InvalidMessage> {
        let recognised_as = field::agency("hello.recognised_as", &message.recognised_as)?;
        let greeting = v1::HelloRequest {
            protocol: message.protocol,
            agency: message.agency,
            software: message.software,
        };
        Ok((greeting.try_into()?, recognised_as))
    }
}

impl TryFrom<v1::HelloRequest> for Greeting {
    type Error = InvalidMessage;

    fn try_from(message: v1::HelloRequest) -> Result<Self, InvalidMessage> {
        let field = "hello.protocol";
        let range = message.protocol.ok_or(InvalidMessage::Missing { field })?;
        Ok(Self {
            protocol: ProtocolRange::new(range.min, range.max).ok_or(InvalidMessage::Malformed { field })?,
            agency: field::agency("hello.agency", &message.agency)?,
            software: message.software.parse()?,
        })
    }
}

impl From<ProtocolRange> for v1::ProtocolRange {
    fn from(range: ProtocolRange) -> Self {
        Self { min: range.min, max: range.max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting() -> Greeting {
        Greeting {
            protocol: ProtocolRange::new(1, 3).unwrap(),
            agency: "a.example".parse().unwrap(),
            software: "comity 0.1.0".parse().unwrap(),
        }
    }

    #[test]
    fn greetings_travel_both_ways() {
        assert_eq!(Greeting::try_from(greeting().to_request()), Ok(greeting()));
        let caller: AgencyId = "b.example".parse().unwrap();
        assert_eq!(Greeting::from_response(greeting().to_response(&caller)), Ok((greeting(), caller)));
    }

    #[test]
    fn the_newest_common_version_is_spoken() {
        let range = |min, max| ProtocolRange::new(min, max).unwrap();
        assert_eq!(range(1, 3).newest_common(range(2, 5)), Some(3));
        assert_eq!(range(2, 5).newest_common(range(1, 3)), Some(3));
        assert_eq!(range(1, 1).newest_common(range(2, 2)), None);
        assert_eq!(ProtocolRange::new(0, 1), None);
        assert_eq!(ProtocolRange::new(2, 1), None);
    }

    #[test]
    fn each_field_of_a_greeting_is_checked() {
        let check = |field: &str, change: &dyn Fn(&mut v1::HelloResponse)| {
            let mut bad = greeting().to_response(&greeting().agency);
            change(&mut bad);
            assert_eq!(Greeting::from_response(bad).unwrap_err().field(), field);
        };
        check("hello.protocol", &|hello| hello.protocol = None);
        check("hello.protocol", &|hello| hello.protocol = Some(v1::ProtocolRange { min: 2, max: 1 }));
        check("hello.agency", &|hello| hello.agency = "A".to_owned());
        check("hello.software", &|hello| hello.software = "x\ny".to_owned());
        check("hello.software", &|hello| hello.software = "x".repeat(65));
        check("hello.software", &|hello| hello.software.clear());
        check("hello.recognised_as", &|hello| hello.recognised_as.clear());
    }
}
