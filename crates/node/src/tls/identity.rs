//! Who a certificate says that its holder is.
//!
//! Not here: whether it may say so (`peers` and `verify`), nor what the holder may then do (the services).

use std::fmt;
use std::str::FromStr;

use comity_ledger::AgencyId;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Largest certificate looked at, in bytes: ours take about 600, and a parser should not be fed the 64 KiB that
/// a TLS message may hold.
pub(super) const CERTIFICATE_BYTES_MAX: usize = 4 * 1024;

/// Name of an officer or a program that operates a node: `[a-z0-9._-]{1,32}`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorName(String);

impl OperatorName {
    /// Longest name accepted, in bytes: it stands in a URI, in a file name and in the audit account.
    pub const LEN_MAX: usize = 32;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OperatorName {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        // The first character keeps `.` and `..` out of paths that are built from the name.
        let well_formed = text.len() <= Self::LEN_MAX
            && text.bytes().next().is_some_and(alphanumeric)
            && text.bytes().all(|b| alphanumeric(b) || matches!(b, b'.' | b'_' | b'-'));
        if well_formed { Ok(Self(text.to_owned())) } else { Err(IdentityError::Path) }
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the holder of a certificate is to its agency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The agency's node: speaks on peer ports.
    Node,
    /// An operator of the agency: speaks on its own agency's admin port only.
    Operator(OperatorName),
}

/// An agency and a role in it, as the SPIFFE name of a certificate: `spiffe://<agency>/node` or
/// `spiffe://<agency>/operator/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    agency: AgencyId,
    role: Role,
}

impl Identity {
    /// The node of an agency.
    pub fn node(agency: AgencyId) -> Self {
        Self { agency, role: Role::Node }
    }

    /// An operator of an agency.
    pub fn operator(agency: AgencyId, name: OperatorName) -> Self {
        Self { agency, role: Role::Operator(name) }
    }

    /// The agency: the trust domain of the name.
    pub fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// The role: the path of the name.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Reads the name out of a DER certificate. This is what the certificate *claims*; only a completed
    /// handshake proves it.
    ///
    /// # Errors
    /// When the certificate cannot be parsed or is over 4 KiB, or when its subject alternative names are
    /// anything but one URI of one of the two forms and, at most, the agency's id as a DNS name. A common name
    /// is never looked at.
    pub fn from_certificate(der: &[u8]) -> Result<Self, IdentityError> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(IdentityError::Certificate);
        }
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| IdentityError::Certificate)?;
        if !rest.is_empty() {
            return Err(IdentityError::Certificate);
        }
        let names = certificate.subject_alternative_name().map_err(|_| IdentityError::Certificate)?;
        let names = names.map_or(&[][..], |extension| extension.value.general_names.as_slice());
        let is_uri = |name: &&GeneralName<'_>| matches!(name, GeneralName::URI(_));
        let (uris, others): (Vec<_>, Vec<_>) = names.iter().partition(is_uri);
        // X509-SVID §2: exactly one URI name.
        let identity: Self = match uris.as_slice() {
            [GeneralName::URI(uri)] => uri.parse()?,
            [] => return Err(IdentityError::NoName),
            _ => return Err(IdentityError::TwoNames { count: uris.len() }),
        };
        // Stock gRPC clients check a server by its DNS name, so the same agency may stand there once more. Any
        // other name is read by nobody here and can only mislead.
        match others.as_slice() {
            [] => Ok(identity),
            [GeneralName::DNSName(name)] if *name == identity.agency.as_str() => Ok(identity),
            _ => Err(IdentityError::OtherName { count: others.len() }),
        }
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(uri: &str) -> Result<Self, IdentityError> {
        // Lower case only: one identity has one spelling, byte for byte.
        let rest = uri.strip_prefix("spiffe://").ok_or(IdentityError::Scheme)?;
        let (domain, path) = rest.split_once('/').ok_or(IdentityError::Path)?;
        if domain.contains('*') {
            return Err(IdentityError::Wildcard);
        }
        let agency = domain.parse().map_err(|_| IdentityError::TrustDomain)?;
        match path.strip_prefix("operator/") {
            Some(name) => Ok(Self::operator(agency, name.parse()?)),
            None if path == "node" => Ok(Self::node(agency)),
            None => Err(IdentityError::Path),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.role {
            Role::Node => write!(f, "spiffe://{}/node", self.agency),
            Role::Operator(name) => write!(f, "spiffe://{}/operator/{name}", self.agency),
        }
    }
}

/// A certificate that names nobody. The message never repeats what a stranger wrote into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not a certificate, or too large to be looked at.
    #[error("not an X.509 certificate of at most {CERTIFICATE_BYTES_MAX} bytes")]
    Certificate,
    /// No URI among the subject alternative names.
    #[error("the certificate has no URI name")]
    NoName,
    /// More than one URI among the subject alternative names.
    #[error("the certificate has {count} URI names instead of one")]
    TwoNames {
        /// How many URI names it has.
        count: usize,
    },
    /// Names beside the URI that are not the agency's id as a DNS name.
    #[error("the certificate has {count} names beside its URI that say something else")]
    OtherName {
        /// How many other names it has.
        count: usize,
    },
    /// The scheme is not `spiffe`.
    #[error("the name is not a spiffe:// URI")]
    Scheme,
    /// The trust domain has a wildcard.
    #[error("the name has a wildcard")]
    Wildcard,
    /// The trust domain is not an agency id.
    #[error("the trust domain of the name is not an agency id")]
    TrustDomain,
    /// The path is neither `/node` nor `/operator/<name>`.
    #[error("the path of the name is neither /node nor /operator/<name>")]
    Path,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_and_written_alike() {
        for uri in ["spiffe://a.example/node", "spiffe://a.example/operator/j.doe-2"] {
            assert_eq!(uri.parse::<Identity>().unwrap().to_string(), uri);
        }
    }

    #[test]
    fn a_name_of_another_form_is_nobody() {
        let check = |uri: &str, expect| assert_eq!(uri.parse::<Identity>(), Err(expect), "{uri:?}");
        check("", IdentityError::Scheme);
        check("https://a.example/node", IdentityError::Scheme);
        check("SPIFFE://a.example/node", IdentityError::Scheme);
        check("spiffe://*.example/node", IdentityError::Wildcard);
        check("spiffe:///node", IdentityError::TrustDomain);
        check("spiffe://A.example/node", IdentityError::TrustDomain);
        check("spiffe://user@a.example/node", IdentityError::TrustDomain);
        check("spiffe://a.example:443/node", IdentityError::TrustDomain);
        check("spiffe://a.example", IdentityError::Path);
        check("spiffe://a.example/", IdentityError::Path);
        check("spiffe://a.example//node", IdentityError::Path);
        check("spiffe://a.example/node/", IdentityError::Path);
        check("spiffe://a.example/node?x", IdentityError::Path);
        check("spiffe://a.example/node\0", IdentityError::Path);
        check("spiffe://a.example/operator", IdentityError::Path);
        check("spiffe://a.example/operator/", IdentityError::Path);
        check("spiffe://a.example/operator/..", IdentityError::Path);
        check("spiffe://a.example/operator/a/b", IdentityError::Path);
        check(&format!("spiffe://a.example/operator/{}", "a".repeat(33)), IdentityError::Path);
    }

    #[test]
    fn bytes_that_are_no_certificate_are_nobody() {
        for bytes in [&[][..], &[0x30, 0x80], &[0xff; 64], &vec![0x30; CERTIFICATE_BYTES_MAX + 1]] {
            assert_eq!(Identity::from_certificate(bytes), Err(IdentityError::Certificate));
        }
    }
}
