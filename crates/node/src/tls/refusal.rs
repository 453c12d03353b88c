//! Why a connection was refused, in one closed list with stable codes.
//!
//! The codes stand in log lines and in metrics; they are added to, never renamed. A refused stranger learns less
//! than the log: every certificate that does not please gets the same alert, because an expired certificate of a
//! known agency must look like one of an unknown agency, or the port would tell anyone who our peers are.
//!
//! Not here: the checks themselves (`verify`, `peers`, `accept`, `connection`).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::{CertificateError, Error as RustlsError, InvalidMessage, OtherError, PeerIncompatible};

use super::identity::IdentityError;

/// Why a connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// TLS 1.3 was not offered.
    #[error("the other side does not speak TLS 1.3")]
    ProtocolVersion,
    /// HTTP/2 was not agreed on by ALPN.
    #[error("the other side did not agree on HTTP/2")]
    NoAlpn,
    /// No cipher suite, group or signature scheme in common.
    #[error("no TLS algorithm in common")]
    Incompatible,
    /// The client sent no certificate.
    #[error("no certificate was presented")]
    NoCertificate,
    /// The certificate, or the proof that its key is held, is malformed or of a kind that we do not take.
    #[error("the certificate or its proof of possession is bad")]
    BadCertificate,
    /// The certificate has no name, or one of another form than ours.
    #[error("the certificate does not name an agency's node or operator")]
    BadName,
    /// The certificate has several names that do not all say the same.
    #[error("the certificate has more than one name")]
    TwoNames,
    /// The role in the name has no business on this port.
    #[error("the role of the certificate is not admitted here")]
    RoleNotAllowed,
    /// The name is of our own agency, and this port is for others.
    #[error("the certificate is of our own agency")]
    OwnAgency,
    /// The name is of another agency than the one that was called, or that the port is for.
    #[error("the certificate is of another agency")]
    WrongAgency,
    /// The name is of an agency that is not in trust.
    #[error("the agency of the certificate is not a peer")]
    UnknownAgency,
    /// The certificate was not issued by the authority of the agency that it names.
    #[error("the certificate was not issued by its agency")]
    WrongIssuer,
    /// The certificate, or the authority behind it, has expired.
    #[error("the certificate has expired")]
    Expired,
    /// The certificate, or the authority behind it, is not valid yet.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The extended key usage does not allow this side of a connection.
    #[error("the certificate is not for this side of a connection")]
    WrongUsage,
    /// The certificate was revoked, or its revocation list cannot tell.
    #[error("the certificate is revoked, or its status cannot be told")]
    Revoked,
    /// The other side ended the handshake with an alert.
    #[error("the other side refused the handshake")]
    RefusedByPeer,
    /// What arrived was not a TLS handshake.
    #[error("the handshake was malformed")]
    BadHandshake,
    /// The connection ended before the handshake did.
    #[error("the connection ended within the handshake")]
    ClosedEarly,
    /// The handshake took too long.
    #[error("the handshake took too long")]
    Timeout,
    /// The HTTP/2 preface took too long.
    #[error("the HTTP/2 preface took too long")]
    PrefaceTimeout,
    /// Too many handshakes under way.
    #[error("too many handshakes are under way")]
    TooManyHandshakes,
    /// Too many handshakes under way from one address.
    #[error("too many handshakes are under way from this address")]
    TooManyFromSource,
    /// Too many connections on this port.
    #[error("too many connections are open")]
    TooManyConnections,
    /// Too many connections of this caller.
    #[error("too many connections of this caller are open")]
    TooManyFromCaller,
}

impl Refusal {
    /// The stable code, as it stands in the `reason` field of the log line.
    pub fn code(self) -> &'static str {
        match self {
            Self::ProtocolVersion => "protocol_version",
            Self::NoAlpn => "no_alpn",
            Self::Incompatible => "incompatible",
            Self::NoCertificate => "no_certificate",
            Self::BadCertificate => "bad_certificate",
            Self::BadName => "bad_name",
            Self::TwoNames => "two_names",
            Self::RoleNotAllowed => "role_not_allowed",
            Self::OwnAgency => "own_agency",
            Self::WrongAgency => "wrong_agency",
            Self::UnknownAgency => "unknown_agency",
            Self::WrongIssuer => "wrong_issuer",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongUsage => "wrong_usage",
            Self::Revoked => "revoked",
            Self::RefusedByPeer => "refused_by_peer",
            Self::BadHandshake => "bad_handshake",
            Self::ClosedEarly => "closed_early",
            Self::Timeout => "timeout",
            Self::PrefaceTimeout => "preface_timeout",
            Self::TooManyHandshakes => "too_many_handshakes",
            Self::TooManyFromSource => "too_many_from_source",
            Self::TooManyConnections => "too_many_connections",
            Self::TooManyFromCaller => "too_many_from_caller",
        }
    }

    /// The one log line of a refused caller: address and reason, nothing out of its certificate.
    pub(super) fn log(self, remote: SocketAddr) {
        tracing::warn!(%remote, reason = self.code(), "connection refused");
    }

    /// The reason inside what a handshake over a socket failed with.
    pub(super) fn from_handshake(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<RustlsError>()) {
            Some(tls) => Self::from(tls),
            None => Self::ClosedEarly,
        }
    }
}

impl From<Refusal> for RustlsError {
    fn from(refusal: Refusal) -> Self {
        // `Other` is answered by the alert `certificate_unknown`, whatever the reason was.
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
    }
}

impl From<&RustlsError> for Refusal {
    fn from(error: &RustlsError) -> Self {
        match error {
            RustlsError::InvalidCertificate(CertificateError::Other(OtherError(reason))) => {
                reason.downcast_ref::<Self>().copied().unwrap_or(Self::BadCertificate)
            }
            RustlsError::InvalidCertificate(_) => Self::BadCertificate,
            RustlsError::NoCertificatesPresented => Self::NoCertificate,
            RustlsError::NoApplicationProtocol => Self::NoAlpn,
            RustlsError::PeerIncompatible(
                PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            )
            | RustlsError::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => Self::ProtocolVersion,
            RustlsError::PeerIncompatible(_) => Self::Incompatible,
            RustlsError::AlertReceived(_) => Self::RefusedByPeer,
            _ => Self::BadHandshake,
        }
    }
}

impl From<IdentityError> for Refusal {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Certificate => Self::BadCertificate,
            IdentityError::TwoNames { .. } | IdentityError::OtherName { .. } => Self::TwoNames,
            IdentityError::NoName
            | IdentityError::Scheme
            | IdentityError::Wildcard
            | IdentityError::TrustDomain
            | IdentityError::Path => Self::BadName,
        }
    }
}

impl From<webpki::Error> for Refusal {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error as E;
        match error {
            E::CertExpired { .. } | E::InvalidCertValidity => Self::Expired,
            E::CertNotValidYet { .. } => Self::NotYetValid,
            E::UnknownIssuer | E::InvalidSignatureForPublicKey => Self::WrongIssuer,
            E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => Self::WrongUsage,
            // A list that is stale, forged or silent about the certificate closes the door: fail closed.
            E::CertRevoked
            | E::UnknownRevocationStatus
            | E::CrlExpired { .. }
            | E::IssuerNotCrlSigner
            | E::InvalidCrlSignatureForPublicKey => Self::Revoked,
            _ => Self::BadCertificate,
        }
    }
}
