//! The two questions that rustls asks: may this client in, and is this server the one I called?
//!
//! Both are answered in the same order: who does the certificate claim to be, has that one any business here, do
//! we know its agency, and did that agency's own authority issue it for this use and this time.
//!
//! Not here: path verification and the register of agencies (`peers`).

use comity_ledger::AgencyId;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::verify_tls13_signature;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, SignatureScheme};

use super::identity::{Identity, Role};
use super::peer_authority::Side;
use super::peers::PeerTrust;
use super::refusal::Refusal;
use super::suite::SIGNATURES;

/// Whom a port is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptedRole {
    /// A peer port: nodes of the agencies in trust.
    Nodes {
        /// The agency that is refused although it may be in trust: our own, unless its nodes shall be peers of
        /// each other.
        except: Option<AgencyId>,
    },
    /// An admin port: operators of one agency, our own.
    Operators {
        /// That agency.
        of: AgencyId,
    },
}

impl AcceptedRole {
    fn admit(&self, identity: &Identity) -> Result<(), Refusal> {
        match (self, identity.role()) {
            (Self::Nodes { except }, Role::Node) if except.as_ref() == Some(identity.agency()) => {
                Err(Refusal::OwnAgency)
            }
            (Self::Operators { of }, Role::Operator(_)) if of != identity.agency() => {
                Err(Refusal::WrongAgency)
            }
            (Self::Nodes { .. }, Role::Node) | (Self::Operators { .. }, Role::Operator(_)) => Ok(()),
            (Self::Nodes { .. }, Role::Operator(_)) | (Self::Operators { .. }, Role::Node) => {
                Err(Refusal::RoleNotAllowed)
            }
        }
    }
}

/// Checks the certificate of whoever calls a port.
#[derive(Debug)]
pub(super) struct CallerCheck {
    pub(super) trust: PeerTrust,
    pub(super) accepts: AcceptedRole,
}

impl ClientCertVerifier for CallerCheck {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // No hints: they would tell every stranger the names of our peers' authorities.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let identity = Identity::from_certificate(end_entity).map_err(Refusal::from)?;
        self.accepts.admit(&identity)?;
        self.trust.verify(identity.agency(), end_entity, others, now, Side::Client)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::SupportedVersionsExtensionRequired))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &SIGNATURES)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SIGNATURES.supported_schemes()
    }
}

/// Checks that a called server is the node of one agency and of no other.
#[derive(Debug)]
pub(super) struct CalledCheck {
    pub(super) trust: PeerTrust,
    pub(super) expected: AgencyId,
}

impl ServerCertVerifier for CalledCheck {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        // The address that was dialled proves nothing and is not looked at: the agency is the name.
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let identity = Identity::from_certificate(end_entity).map_err(Refusal::from)?;
        if *identity.role() != Role::Node {
            return Err(Refusal::RoleNotAllowed.into());
        }
        if *identity.agency() != self.expected {
            return Err(Refusal::WrongAgency.into());
        }
        self.trust.verify(&self.expected, end_entity, others, now, Side::Server)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &SIGNATURES)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SIGNATURES.supported_schemes()
    }
}
