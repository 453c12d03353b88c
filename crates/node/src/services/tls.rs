//! Certificates and revocation lists as operators see them, and as they change them while the node runs.
//!
//! Not here: what is taken and why not (`tls`), and the operator's own files (`tls_keys`).

use std::time::Duration;

use comity_ledger::{AgencyId, AuthorTime};
use comity_wire::{EXPIRIES_MAX, ErrorCode, TLS_PROBLEMS_MAX, v1};
use rustls::pki_types::UnixTime;
use tonic::Status;

use crate::tls::{AuthorityId, CrlError, Expiring, Expiry, PeerAuthority, PeerTrust, TrustError};
use crate::{Node, Reloaded};

/// What expires when, in messages; as many as an answer holds.
pub fn expiry_messages(expiries: &[Expiry]) -> Vec<v1::Expiry> {
    let message = |expiry: &Expiry| v1::Expiry {
        agency: expiry.agency.to_string(),
        what: match expiry.what {
            Expiring::Node => v1::Expiring::Node,
            Expiring::Operator => v1::Expiring::Operator,
            Expiring::Authority => v1::Expiring::Authority,
            Expiring::RevocationList => v1::Expiring::RevocationList,
        }
        .into(),
        name: expiry.name.clone(),
        at: expiry.at_secs,
    };
    expiries.iter().take(EXPIRIES_MAX).map(message).collect()
}

pub(super) fn reloaded_message(reloaded: Reloaded) -> v1::ReloadTlsResponse {
    let problems = reloaded.problems.into_iter().take(TLS_PROBLEMS_MAX);
    let problem =
        |(agency, message): (AgencyId, String)| v1::TlsProblem { agency: agency.to_string(), message };
    v1::ReloadTlsResponse {
        serial: reloaded.presented.as_ref().map(|facts| facts.serial.to_string()).unwrap_or_default(),
        not_after: reloaded.presented.map(|facts| facts.not_after_secs).unwrap_or_default(),
        renewed: reloaded.is_other,
        cut: count(reloaded.cut),
        problems: problems.map(problem).collect(),
    }
}

/// Takes the list of a request. Blocking.
///
/// # Errors
/// A [`TlsRefusal`]; what was in force stays so.
pub fn put_crl(
    trust: &PeerTrust,
    request: &v1::PutCrlRequest,
    now: AuthorTime,
) -> Result<v1::PutCrlResponse, TlsRefusal> {
    let agency: AgencyId = parsed(&request.agency, "put_crl_request.agency")?;
    let taken = trust.put_crl(&agency, &request.crl, at(now))?;
    Ok(v1::PutCrlResponse {
        authority: taken.authority.to_string(),
        number: taken.number.to_string(),
        next_update: taken.next_update_secs,
        revoked: count(taken.revoked),
        cut: count(taken.cut),
    })
}

/// Takes the authority of a request. Blocking.
///
/// # Errors
/// A [`TlsRefusal`]; nothing is trusted that was not.
pub fn add_authority(
    trust: &PeerTrust,
    request: &v1::AddAuthorityRequest,
) -> Result<v1::AddAuthorityResponse, TlsRefusal> {
    let agency: AgencyId = parsed(&request.agency, "add_authority_request.agency")?;
    let authority = PeerAuthority::from_der(&request.certificate)?;
    let id = authority.id();
    trust.add_authority(&agency, authority)?;
    Ok(v1::AddAuthorityResponse { authority: id.to_string() })
}

/// Retires the authority of a request. Blocking.
///
/// # Errors
/// A [`TlsRefusal`]; the authority is trusted as before.
pub fn retire_authority(
    trust: &PeerTrust,
    request: &v1::RetireAuthorityRequest,
    now: AuthorTime,
) -> Result<v1::RetireAuthorityResponse, TlsRefusal> {
    let agency: AgencyId = parsed(&request.agency, "retire_authority_request.agency")?;
    let id: AuthorityId = parsed(&request.authority, "retire_authority_request.authority")?;
    Ok(v1::RetireAuthorityResponse { cut: count(trust.retire_authority(&agency, &id, at(now))?) })
}

/// A change of what is trusted that was not made.
#[derive(Debug, thiserror::Error)]
pub enum TlsRefusal {
    /// A field of the request cannot be read.
    #[error("{field} cannot be read")]
    Field {
        /// Which.
        field: &'static str,
    },
    /// The list is not taken.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// The authority is not taken, or not retired.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl TlsRefusal {
    /// What a caller is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Field { .. }
            | Self::Crl(CrlError::Malformed)
            | Self::Trust(TrustError::Certificate | TrustError::NotAnAuthority | TrustError::KeyType) => {
                ErrorCode::Malformed
            }
            Self::Crl(CrlError::TooLarge) => ErrorCode::TooLarge,
            Self::Crl(CrlError::UnknownAgency) | Self::Trust(TrustError::UnknownAgency) => {
                ErrorCode::UnknownPeer
            }
            Self::Crl(
                CrlError::OtherIssuer
                | CrlError::Older { .. }
                | CrlError::SameNumber { .. }
                | CrlError::Expired
                | CrlError::NotYet
                | CrlError::NoFloor,
            )
            | Self::Trust(
                TrustError::AuthorityCount { .. } | TrustError::Retired { .. } | TrustError::RetiredCount,
            ) => ErrorCode::TrustRefused,
            Self::Crl(CrlError::Keep(_)) | Self::Trust(TrustError::Folder { .. } | TrustError::Keep(_)) => {
                ErrorCode::Internal
            }
        }
    }

    /// The field at fault, if one is.
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Field { field } => Some(field),
            Self::Crl(CrlError::Malformed) => Some("put_crl_request.crl"),
            Self::Trust(TrustError::Certificate | TrustError::NotAnAuthority | TrustError::KeyType) => {
                Some("add_authority_request.certificate")
            }
            Self::Crl(_) | Self::Trust(_) => None,
        }
    }

    /// Whether stable storage did not confirm a change: nothing more may be acknowledged then.
    fn is_unsynced(&self) -> bool {
        match self {
            Self::Crl(CrlError::Keep(error)) | Self::Trust(TrustError::Keep(error)) => error.is_unsynced(),
            _ => false,
        }
    }
}

/// The answer to a change that was not made; the node stops if it was not confirmed to be kept.
pub(super) fn status_of_tls(node: &Node, refusal: &TlsRefusal) -> Status {
    if refusal.is_unsynced() {
        node.store().give_up();
    }
    let code = refusal.code();
    if code == ErrorCode::Internal {
        tracing::error!(%refusal, "what is trusted could not be changed");
    }
    refusal.field().map_or_else(|| code.to_status(), |field| code.to_status_about(field))
}

fn parsed<T: std::str::FromStr>(text: &str, field: &'static str) -> Result<T, TlsRefusal> {
    text.parse().map_err(|_| TlsRefusal::Field { field })
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn at(now: AuthorTime) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(now.unix_secs()))
}
