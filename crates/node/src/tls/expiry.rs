//! What expires when, and when a person is told of it: 30, 14, 7 and 1 days before.
//!
//! Not here: who tells (the node's alarms and figures), and what is refused once it has expired (handshakes).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use comity_ledger::AgencyId;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

use super::agency::Revocation;
use super::identity::CERTIFICATE_BYTES_MAX;
use super::material::TlsMaterial;
use super::names::Serial;
use super::peers::PeerTrust;

/// How many days before its end a person is told, the last first: time enough to find who holds the key of the
/// authority, and one last call.
const NOTICE_DAYS: [u32; 4] = [1, 7, 14, 30];
/// Seconds of a day.
const DAY_SECS: i64 = 86_400;

/// What of a certificate an operator is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Its number.
    pub serial: Serial,
    /// Its last second, seconds since 1970.
    pub not_after_secs: i64,
}

impl CertificateFacts {
    /// Reads a certificate in DER; `None` if it is none.
    pub fn read(der: &[u8]) -> Option<Self> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return None;
        }
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let serial = Serial::from_be_bytes(parsed.raw_serial())?;
        Some(Self { serial, not_after_secs: parsed.validity().not_after.timestamp() })
    }
}

/// What can expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expiring {
    /// The certificate of a node.
    Node,
    /// The certificate of an operator.
    Operator,
    /// The certificate of an authority.
    Authority,
    /// A revocation list: the day by which it must have been replaced.
    RevocationList,
}

impl Expiring {
    /// A stable word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Operator => "operator",
            Self::Authority => "authority",
            Self::RevocationList => "crl",
        }
    }
}

impl fmt::Display for Expiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "certificate of the node",
            Self::Operator => "certificate of an operator",
            Self::Authority => "certificate of the authority",
            Self::RevocationList => "revocation list",
        })
    }
}

/// When something expires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    /// Whose it is.
    pub agency: AgencyId,
    /// What.
    pub what: Expiring,
    /// Which: the serial number of a certificate; the id of an authority, of a list that of its authority.
    pub name: String,
    /// Its last second, seconds since 1970.
    pub at_secs: i64,
}

/// How near an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// It is over.
    Over,
    /// Within so many days: 1, 7, 14 or 30.
    Days(u32),
}

impl Expiry {
    /// When a leaf expires; `None` if it is none.
    fn of_leaf(agency: &AgencyId, what: Expiring, leaf: &CertificateDer<'_>) -> Option<Self> {
        let facts = CertificateFacts::read(leaf)?;
        let (agency, name) = (agency.clone(), facts.serial.to_string());
        Some(Self { agency, what, name, at_secs: facts.not_after_secs })
    }

    /// When what is presented here expires.
    pub(crate) fn of_presented(agency: &AgencyId, what: Expiring, held: &TlsMaterial) -> Option<Self> {
        Self::of_leaf(agency, what, held.chain().first()?)
    }

    /// Whether a person is to be told at a time, seconds since 1970.
    pub fn due(&self, now_secs: i64) -> Option<Due> {
        if now_secs > self.at_secs {
            return Some(Due::Over);
        }
        let left_secs = self.at_secs.saturating_sub(now_secs);
        let within = |days: &&u32| left_secs <= i64::from(**days).saturating_mul(DAY_SECS);
        NOTICE_DAYS.iter().find(within).map(|days| Due::Days(*days))
    }

    fn notice(&self, due: Due) -> String {
        let (what, name, day) = (self.what, &self.name, day_of(self.at_secs));
        match due {
            Due::Over => format!("the {what} ({name}) has expired on {day}"),
            Due::Days(1) => format!("the {what} ({name}) expires on {day}, within a day"),
            Due::Days(days) => format!("the {what} ({name}) expires on {day}, within {days} days"),
        }
    }
}

/// One sentence for each agency of which something expires soon or has expired. It stays the same until the next of the
/// days is come, so that a person is told once for each.
pub fn notices(expiries: &[Expiry], now_secs: i64) -> BTreeMap<AgencyId, String> {
    let mut notices: BTreeMap<AgencyId, String> = BTreeMap::new();
    for expiry in expiries {
        let Some(due) = expiry.due(now_secs) else { continue };
        let notice = notices.entry(expiry.agency.clone()).or_default();
        if !notice.is_empty() {
            notice.push_str("; ");
        }
        notice.push_str(&expiry.notice(due));
    }
    notices
}

/// The day, as ISO 8601 has it.
fn day_of(secs: i64) -> String {
    let time = ASN1Time::from_timestamp(secs);
    time.map_or_else(|_| format!("second {secs}"), |time| time.to_datetime().date().to_string())
}

impl PeerTrust {
    /// When the authorities of the agencies in trust expire, their lists, and the leaves of those that are connected.
    pub fn expiries(&self) -> Vec<Expiry> {
        let mut found = BTreeSet::new();
        for (agency, trust) in self.all() {
            for member in &trust.members {
                let name = member.authority.id().to_string();
                let expiry =
                    |what, at_secs| Expiry { agency: agency.clone(), what, name: name.clone(), at_secs };
                found.insert(expiry(Expiring::Authority, member.authority.not_after_secs()));
                if let Revocation::List(crl) = &member.revocation {
                    found.insert(expiry(Expiring::RevocationList, crl.next_update_secs()));
                }
            }
        }
        let is_node = |leaf: &CertificateDer<'_>| {
            super::Identity::from_certificate(leaf)
                .is_ok_and(|identity| *identity.role() == super::Role::Node)
        };
        for open in self.open() {
            let what = if is_node(&open.leaf) { Expiring::Node } else { Expiring::Operator };
            found.extend(Expiry::of_leaf(&open.agency, what, &open.leaf));
        }
        found.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(agency: &str, what: Expiring) -> Expiry {
        // The last second of 2027.
        Expiry { agency: agency.parse().unwrap(), what, name: "07".to_owned(), at_secs: 1_830_297_599 }
    }

    #[test]
    fn a_person_is_told_thirty_fourteen_seven_and_one_days_before() {
        let expiry = expiry("a.example", Expiring::Node);
        let left = |secs: i64| expiry.due(expiry.at_secs - secs);
        assert_eq!(left(30 * DAY_SECS + 1), None);
        assert_eq!(left(30 * DAY_SECS), Some(Due::Days(30)));
        assert_eq!(left(14 * DAY_SECS + 1), Some(Due::Days(30)));
        assert_eq!(left(14 * DAY_SECS), Some(Due::Days(14)));
        assert_eq!(left(7 * DAY_SECS), Some(Due::Days(7)));
        assert_eq!(left(DAY_SECS), Some(Due::Days(1)));
        assert_eq!(left(0), Some(Due::Days(1)));
        assert_eq!(left(-1), Some(Due::Over));
        assert_eq!((expiry.due(i64::MIN), expiry.due(i64::MAX)), (None, Some(Due::Over)));
    }

    #[test]
    fn a_notice_names_what_and_when_and_changes_only_from_step_to_step() {
        let (node, list) =
            (expiry("a.example", Expiring::Node), expiry("a.example", Expiring::RevocationList));
        let all = [node, list, expiry("b.example", Expiring::Authority)];
        let at = |left: i64| notices(&all, 1_830_297_599 - left);
        assert!(at(31 * DAY_SECS).is_empty());
        assert_eq!(at(20 * DAY_SECS), at(15 * DAY_SECS));
        assert_ne!(at(20 * DAY_SECS), at(14 * DAY_SECS));
        let said = at(DAY_SECS);
        let of_a = said.get(&"a.example".parse().unwrap()).unwrap();
        assert_eq!(
            of_a,
            "the certificate of the node (07) expires on 2027-12-31, within a day; \
             the revocation list (07) expires on 2027-12-31, within a day"
        );
        assert_eq!(said.len(), 2);
    }
}
