//! Whose certificates are trusted: for each agency its own authority, and that authority for nobody else.
//!
//! There is no common pool of roots. The agency that a certificate claims selects the authority, and the path is
//! verified against that one alone; so the authority of one ally cannot mint a certificate of another.
//!
//! Not here: which roles and agencies a port admits (`verify`), and how an authority comes into trust (a card,
//! pinned by its fingerprint).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use comity_ledger::AgencyId;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptions, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::identity::CERTIFICATE_BYTES_MAX;
use super::refusal::Refusal;
use super::suite::SIGNATURES;

/// Most authorities of one agency: the present one, its successor and its predecessor while leaves are renewed.
const AUTHORITIES_MAX: usize = 3;
/// Most revocation lists of one authority.
const CRLS_MAX: usize = 4;
/// Largest revocation list, in bytes: about a thousand revoked certificates, and an agency has a handful.
const CRL_BYTES_MAX: usize = 64 * 1024;

/// Which side of a connection a certificate is used on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The certificate of the one who called.
    Client,
    /// The certificate of the one who was called.
    Server,
}

impl Side {
    /// The extended key usage that must be *present*: one without any would be good for both sides.
    fn usage(self) -> KeyUsage {
        match self {
            // RFC 5280 §4.2.1.12: id-kp-clientAuth 1.3.6.1.5.5.7.3.2, id-kp-serverAuth 1.3.6.1.5.5.7.3.1.
            Self::Client => KeyUsage::required(&[0x2b, 6, 1, 5, 5, 7, 3, 2]),
            Self::Server => KeyUsage::required(&[0x2b, 6, 1, 5, 5, 7, 3, 1]),
        }
    }
}

/// The certificate of an agency's authority, and what that authority has revoked.
pub struct PeerAuthority {
    certificate: CertificateDer<'static>,
    anchor: TrustAnchor<'static>,
    spki: Vec<u8>,
    not_before_secs: i64,
    not_after_secs: i64,
    crls: Vec<CertRevocationList<'static>>,
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
        if !parsed.is_ca() || !usage.is_some_and(|usage| usage.value.key_cert_sign()) {
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
            spki: parsed.public_key().raw.to_vec(),
            not_before_secs: parsed.validity().not_before.timestamp(),
            not_after_secs: parsed.validity().not_after.timestamp(),
            crls: Vec::new(),
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

    /// The same authority with its revocation lists in DER, in place of the former ones. From the first list on
    /// a certificate passes only if a list that is in date says so.
    ///
    /// # Errors
    /// When there are over 4 lists, or one is over 64 KiB or cannot be parsed. Whether this authority signed it
    /// is checked at each handshake, and a list that it did not sign closes the door.
    pub fn with_crls(mut self, crls: &[&[u8]]) -> Result<Self, TrustError> {
        if crls.len() > CRLS_MAX || crls.iter().any(|crl| crl.len() > CRL_BYTES_MAX) {
            return Err(TrustError::RevocationList);
        }
        let parse = |der: &&[u8]| OwnedCertRevocationList::from_der(der).map(CertRevocationList::from);
        self.crls =
            crls.iter().map(parse).collect::<Result<_, _>>().map_err(|_| TrustError::RevocationList)?;
        Ok(self)
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// The public key as a DER `SubjectPublicKeyInfo`: what the fingerprint of a card covers.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    fn verify(&self, leaf: &EndEntityCert<'_>, now: UnixTime, side: Side) -> Result<(), Refusal> {
        let lists: Vec<&CertRevocationList<'_>> = self.crls.iter().collect();
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
        f.debug_struct("PeerAuthority").field("crls", &self.crls.len()).finish_non_exhaustive()
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

/// All that vouches for one agency.
#[derive(Debug)]
pub struct AgencyTrust {
    authorities: Vec<PeerAuthority>,
}

impl AgencyTrust {
    /// Trust in an agency by its authorities; several while one succeeds another.
    ///
    /// # Errors
    /// When there are none or more than 3.
    pub fn new(authorities: Vec<PeerAuthority>) -> Result<Self, TrustError> {
        if (1..=AUTHORITIES_MAX).contains(&authorities.len()) {
            Ok(Self { authorities })
        } else {
            Err(TrustError::AuthorityCount { count: authorities.len() })
        }
    }

    /// Verifies that one of the authorities issued this certificate for this side, and that it holds now.
    pub(super) fn verify(&self, leaf: &CertificateDer<'_>, now: UnixTime, side: Side) -> Result<(), Refusal> {
        let leaf = EndEntityCert::try_from(leaf)?;
        let mut refusal = Refusal::WrongIssuer;
        for authority in &self.authorities {
            match authority.verify(&leaf, now, side) {
                Ok(()) => return Ok(()),
                // The authority that did issue it says more than those that did not.
                Err(Refusal::WrongIssuer) => {}
                Err(other) => refusal = other,
            }
        }
        Err(refusal)
    }
}

/// The agencies in trust. Clones share one register: what is inserted or removed holds for every handshake that
/// begins afterwards, on all ports and connectors, without a restart. Open connections are not touched.
#[derive(Clone, Debug, Default)]
pub struct PeerTrust {
    agencies: Arc<RwLock<BTreeMap<AgencyId, Arc<AgencyTrust>>>>,
}

impl PeerTrust {
    /// An empty register: nobody is trusted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an agency into trust, in place of what stood there for it.
    pub fn insert(&self, agency: AgencyId, trust: AgencyTrust) {
        let mut agencies = self.agencies.write().unwrap_or_else(PoisonError::into_inner);
        agencies.insert(agency, Arc::new(trust));
    }

    /// Takes an agency out of trust; says whether it was in.
    pub fn remove(&self, agency: &AgencyId) -> bool {
        let mut agencies = self.agencies.write().unwrap_or_else(PoisonError::into_inner);
        agencies.remove(agency).is_some()
    }

    /// Whether an agency is in trust.
    pub fn contains(&self, agency: &AgencyId) -> bool {
        self.find(agency).is_some()
    }

    /// What vouches for an agency; shared, so that the lock is not held over the signature checks.
    pub(super) fn find(&self, agency: &AgencyId) -> Option<Arc<AgencyTrust>> {
        let agencies = self.agencies.read().unwrap_or_else(PoisonError::into_inner);
        agencies.get(agency).map(Arc::clone)
    }
}

/// What cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Not a certificate, or too large.
    #[error("not an X.509 certificate of at most {CERTIFICATE_BYTES_MAX} bytes")]
    Certificate,
    /// A certificate that may not sign others.
    #[error("the certificate is not of an authority that may sign certificates")]
    NotAnAuthority,
    /// The key of the authority is of another kind.
    #[error("the key of the authority is not ECDSA P-256")]
    KeyType,
    /// Too many revocation lists, one too large, or one that cannot be parsed.
    #[error("not at most {CRLS_MAX} revocation lists of at most {CRL_BYTES_MAX} bytes")]
    RevocationList,
    /// No authority, or too many.
    #[error("{count} authorities for one agency (1 to {AUTHORITIES_MAX})")]
    AuthorityCount {
        /// How many were given.
        count: usize,
    },
}
