//! The certificate of an agency's authority, and the question whether it issued a leaf.
//!
//! Not here: which authorities an agency has (`agency`), and what they revoked (`crl`).

use std::fmt;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, RevocationCheckDepth, RevocationOptions,
    RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::extensions::KeyUsage;
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::identity::CERTIFICATE_BYTES_MAX;
use super::names::AuthorityId;
use super::peers::TrustError;
use super::refusal::Refusal;
use super::suite::SIGNATURES;

/// Which side of a connection a certificate is used on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The certificate of the one who called.
    Client,
    /// The certificate of the one who was called.
    Server,
}

impl Side {
    /// The extended key usage that must be *present*: one without any would be good for both sides.
    fn usage(self) -> webpki::KeyUsage {
        match self {
            // RFC 5280 §4.2.1.12: id-kp-clientAuth 1.3.6.1.5.5.7.3.2, id-kp-serverAuth 1.3.6.1.5.5.7.3.1.
            Self::Client => webpki::KeyUsage::required(&[0x2b, 6, 1, 5, 5, 7, 3, 2]),
            Self::Server => webpki::KeyUsage::required(&[0x2b, 6, 1, 5, 5, 7, 3, 1]),
        }
    }
}

/// The certificate of an agency's authority.
pub struct PeerAuthority {
    certificate: CertificateDer<'static>,
    anchor: TrustAnchor<'static>,
    spki: Vec<u8>,
    id: AuthorityId,
    subject: Vec<u8>,
    not_before_secs: i64,
    not_after_secs: i64,
    signs_lists: bool,
}

impl PeerAuthority {
    /// Reads an authority's certificate in DER. Its validity is judged at each handshake, not here.
    ///
    /// # Errors
    /// When it is not a version 3 certificate of at most 4 KiB, not an authority that may sign certificates, or
    /// its key is not ECDSA P-256.
    pub fn from_der(der: &[u8]) -> Result<Self, TrustError> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(TrustError::Certificate);
        }
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| TrustError::Certificate)?;
        if !rest.is_empty() {
            return Err(TrustError::Certificate);
        }
        let usage = parsed.key_usage().map_err(|_| TrustError::Certificate)?;
        let usage = usage.map(|usage| usage.value);
        if !parsed.is_ca() || !usage.is_some_and(KeyUsage::key_cert_sign) {
            return Err(TrustError::NotAnAuthority);
        }
        let algorithm = &parsed.public_key().algorithm;
        let curve = algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
        if algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY || curve != Some(OID_EC_P256) {
            return Err(TrustError::KeyType);
        }
        let certificate = CertificateDer::from(der.to_vec());
        let anchor =
            webpki::anchor_from_trusted_cert(&certificate).map_err(|_| TrustError::Certificate)?.to_owned();
        Ok(Self {
            anchor,
            id: AuthorityId::of(parsed.public_key().raw),
            spki: parsed.public_key().raw.to_vec(),
            subject: parsed.subject().as_raw().to_vec(),
            not_before_secs: parsed.validity().not_before.timestamp(),
            not_after_secs: parsed.validity().not_after.timestamp(),
            signs_lists: usage.is_some_and(KeyUsage::crl_sign),
            certificate,
        })
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// When there is none, and as [`from_der`](Self::from_der).
    pub fn from_pem(pem: &str) -> Result<Self, TrustError> {
        let certificate =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| TrustError::Certificate)?;
        Self::from_der(&certificate)
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// The public key as a DER `SubjectPublicKeyInfo`: what the fingerprint of a card covers.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// What it is called by.
    pub fn id(&self) -> AuthorityId {
        self.id
    }

    /// The last second of its certificate, seconds since 1970.
    pub fn not_after_secs(&self) -> i64 {
        self.not_after_secs
    }

    /// Whether its own key signed its certificate. A certificate that comes from the other side in a handshake must
    /// be so: its key was announced, and nothing else in it was.
    pub(super) fn is_self_signed(&self) -> bool {
        self.has_issued(&self.certificate)
    }

    /// Whether its key signed this certificate, whatever that says.
    pub(crate) fn has_issued(&self, der: &[u8]) -> bool {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return false;
        }
        let Ok((_, parsed)) = X509Certificate::from_der(der) else { return false };
        self.has_signed(parsed.tbs_certificate.as_ref(), &parsed.signature_value.data)
    }

    /// Whether its key made this signature of these bytes.
    pub(super) fn has_signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        EndEntityCert::try_from(&self.certificate).is_ok_and(|certificate| {
            SIGNATURES.all.iter().any(|kind| certificate.verify_signature(*kind, bytes, signature).is_ok())
        })
    }

    /// Its name in DER, as a revocation list of it must have it.
    pub(super) fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// Whether it may sign revocation lists (RFC 5280 §4.2.1.3, `cRLSign`).
    pub(super) fn signs_lists(&self) -> bool {
        self.signs_lists
    }

    /// Verifies that it issued this certificate for this side, that both hold now, and that its list, if there is one,
    /// is in date and does not name the certificate.
    pub(super) fn verify(
        &self,
        leaf: &EndEntityCert<'_>,
        list: Option<&CertRevocationList<'_>>,
        now: UnixTime,
        side: Side,
    ) -> Result<(), Refusal> {
        let lists: Vec<&CertRevocationList<'_>> = list.into_iter().collect();
        // No intermediates are handed on: every path is leaf and authority, whatever else was sent.
        leaf.verify_for_usage(
            SIGNATURES.all,
            std::slice::from_ref(&self.anchor),
            &[],
            now,
            side.usage(),
            revocation(&lists),
            None,
        )?;
        // webpki takes an anchor as it is and never looks at its dates (RFC 5280 §6.1.1 leaves them to us).
        let now_secs = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now_secs < self.not_before_secs {
            return Err(Refusal::NotYetValid);
        }
        if now_secs > self.not_after_secs {
            return Err(Refusal::Expired);
        }
        Ok(())
    }
}

impl fmt::Debug for PeerAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerAuthority").field("id", &self.id).finish_non_exhaustive()
    }
}

fn revocation<'a>(lists: &'a [&'a CertRevocationList<'a>]) -> Option<RevocationOptions<'a>> {
    let options = RevocationOptionsBuilder::new(lists).ok()?;
    Some(
        options
            .with_depth(RevocationCheckDepth::EndEntity)
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build(),
    )
}
