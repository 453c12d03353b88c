//! The agency's own certificate authority: makes itself, the node's certificate and those of the operators.
//!
//! Not here: where the files lie and who may read them (`material`), and whose authorities are trusted (`peers`).

use std::fmt;
use std::time::Duration;

use comity_ledger::AgencyId;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PublicKeyData, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{DnsName, PrivateKeyDer, UnixTime};
use zeroize::Zeroizing;

use super::crl::{CrlNumber, Revoked};
use super::identity::{Identity, OperatorName};
use super::names::AuthorityId;

/// The last second of the year 9999, seconds since 1970: RFC 5280 §4.1.2.5 has no later date.
const LAST_SECS: u64 = 253_402_300_799;

/// Most keys in a key file: the present one and the one before.
const KEYS_MAX: usize = 2;

/// From when until when a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    not_before: Duration,
    not_after: Duration,
}

impl Validity {
    /// A validity of whole seconds, both ends included. Whoever makes one for now should begin it a little
    /// earlier, for peers whose clocks are behind.
    ///
    /// # Errors
    /// When it ends before it begins, or after the year 9999.
    pub fn new(not_before: UnixTime, not_after: UnixTime) -> Result<Self, AuthorityError> {
        let (from, to) = (not_before.as_secs(), not_after.as_secs());
        if from > to || to > LAST_SECS {
            return Err(AuthorityError::Validity { not_before_secs: from, not_after_secs: to });
        }
        Ok(Self { not_before: Duration::from_secs(from), not_after: Duration::from_secs(to) })
    }

    /// The same, but ending no later than a second since 1970: no certificate outlives its authority.
    #[must_use]
    pub fn until_at_most(self, secs: u64) -> Self {
        let not_after = self.not_after.min(Duration::from_secs(secs)).max(self.not_before);
        Self { not_after, ..self }
    }

    fn apply(self, params: &mut CertificateParams) {
        let epoch = date_time_ymd(1970, 1, 1);
        // Cannot overflow: both are at most the last second of 9999, which the date type holds.
        params.not_before = epoch + self.not_before;
        params.not_after = epoch + self.not_after;
    }
}

/// A certificate and its private key, both PEM. The key is wiped from memory when this is dropped.
pub struct Credential {
    certificate: String,
    /// That of its authority; empty for an authority.
    issuer: String,
    key: Zeroizing<String>,
}

impl Credential {
    /// The certificate in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// The certificate in PEM, followed by that of its authority: so a peer that knows the authority by an announced
    /// name sees its certificate with the first leaf.
    pub fn chain_pem(&self) -> String {
        format!("{}{}", self.certificate, self.issuer)
    }

    /// The private key in PEM (PKCS #8). Must be written only to a file that nobody else may read.
    pub fn key_pem(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

/// A revocation list that was signed, in both of its forms.
#[derive(Clone, Debug)]
pub struct SignedCrl {
    /// In DER.
    pub der: Vec<u8>,
    /// In PEM.
    pub pem: String,
}

/// An agency's certificate authority with its key.
pub struct Authority {
    agency: AgencyId,
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    not_after_secs: u64,
}

impl Authority {
    /// Makes a new authority with a fresh ECDSA P-256 key from the system's generator.
    ///
    /// # Errors
    /// When the key or the certificate cannot be made.
    pub fn generate(agency: &AgencyId, validity: Validity) -> Result<Self, AuthorityError> {
        let key = fresh_key()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(agency.as_str());
        // Leaves only: an intermediate authority would be one more key to lose.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        validity.apply(&mut params);
        let certificate =
            params.self_signed(&key).map_err(|source| AuthorityError::Make { what: "authority", source })?;
        Ok(Self {
            agency: agency.clone(),
            certificate_pem: certificate.pem(),
            issuer: Issuer::new(params, key),
            not_after_secs: validity.not_after.as_secs(),
        })
    }

    /// Takes up an authority that was made before, from its two PEM texts; of two keys the certificate's counts.
    ///
    /// # Errors
    /// When either cannot be read, or when no key is the certificate's.
    pub fn load(agency: &AgencyId, certificate_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let load = |source| AuthorityError::Load { source };
        let certificate = super::PeerAuthority::from_pem(certificate_pem)
            .map_err(|source| AuthorityError::Certificate { source })?;
        let mut found = Err(load(rcgen::Error::CouldNotParseKeyPair));
        for key in PrivateKeyDer::pem_slice_iter(key_pem.as_bytes()).take(KEYS_MAX) {
            let key = key.map_err(|_| load(rcgen::Error::CouldNotParseKeyPair))?;
            let key = KeyPair::try_from(&key).map_err(load)?;
            if certificate.spki_der() == key.subject_public_key_info() {
                found = Ok(key);
                break;
            }
            found = Err(AuthorityError::OtherKey);
        }
        let issuer = Issuer::from_ca_cert_pem(certificate_pem, found?).map_err(load)?;
        let not_after_secs = u64::try_from(certificate.not_after_secs()).unwrap_or_default();
        let certificate_pem = certificate_pem.to_owned();
        Ok(Self { agency: agency.clone(), issuer, certificate_pem, not_after_secs })
    }

    /// The agency whose authority it is.
    pub fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// What it is called by.
    pub fn id(&self) -> AuthorityId {
        AuthorityId::of(&self.issuer.key().subject_public_key_info())
    }

    /// The last second of its certificate, seconds since 1970.
    pub fn not_after_secs(&self) -> u64 {
        self.not_after_secs
    }

    /// Its certificate and key, to be written away. The key belongs on the machine that issues, not on the
    /// production node.
    pub fn credential(&self) -> Credential {
        Credential {
            certificate: self.certificate_pem.clone(),
            issuer: String::new(),
            key: key_pem(self.issuer.key()),
        }
    }

    /// Issues the certificate of the agency's node, for both sides of a connection. Beside its URI it has the
    /// agency's id as a DNS name, for clients that know no other kind.
    ///
    /// # Errors
    /// When the key or the certificate cannot be made.
    pub fn issue_node(&self, validity: Validity) -> Result<Credential, AuthorityError> {
        let both = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let mut params = leaf(&Identity::node(self.agency.clone()), both, validity)?;
        // gRPC clients other than ours (BoringSSL: tried with Python's grpcio) accept a server by a DNS name
        // only, and a URI cannot be sent as a server name. Not every agency id can be a DNS name.
        if DnsName::try_from(self.agency.as_str()).is_ok() {
            params.subject_alt_names.push(SanType::DnsName(ia5(self.agency.as_str())?));
        }
        self.issue(&params)
    }

    /// Issues the certificate of an operator, for the calling side only.
    ///
    /// # Errors
    /// When the key or the certificate cannot be made.
    pub fn issue_operator(
        &self,
        name: &OperatorName,
        validity: Validity,
    ) -> Result<Credential, AuthorityError> {
        let identity = Identity::operator(self.agency.clone(), name.clone());
        self.issue(&leaf(&identity, vec![ExtendedKeyUsagePurpose::ClientAuth], validity)?)
    }

    /// Signs a revocation list: all that it ever revoked and that has not expired since.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn issue_crl(
        &self,
        revoked: &[Revoked],
        number: CrlNumber,
        validity: Validity,
    ) -> Result<SignedCrl, AuthorityError> {
        let epoch = date_time_ymd(1970, 1, 1);
        let revoked = revoked.iter().map(|revoked| RevokedCertParams {
            serial_number: SerialNumber::from_slice(revoked.serial.as_be_bytes()),
            // No later than the year 9999, as every date of a list that was read.
            revocation_time: epoch + Duration::from_secs(u64::try_from(revoked.at_secs).unwrap_or_default()),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: epoch + validity.not_before,
            next_update: epoch + validity.not_after,
            crl_number: SerialNumber::from_slice(number.digits()),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let failed = |source| AuthorityError::Make { what: "revocation list", source };
        let signed = params.signed_by(&self.issuer).map_err(failed)?;
        Ok(SignedCrl { pem: signed.pem().map_err(failed)?, der: signed.der().to_vec() })
    }

    fn issue(&self, params: &CertificateParams) -> Result<Credential, AuthorityError> {
        let key = fresh_key()?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(|source| AuthorityError::Make { what: "leaf", source })?;
        let (certificate, issuer) = (certificate.pem(), self.certificate_pem.clone());
        Ok(Credential { certificate, issuer, key: key_pem(&key) })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("agency", &self.agency).finish_non_exhaustive()
    }
}

fn leaf(
    identity: &Identity,
    usages: Vec<ExtendedKeyUsagePurpose>,
    validity: Validity,
) -> Result<CertificateParams, AuthorityError> {
    let uri = identity.to_string();
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&uri);
    params.subject_alt_names = vec![SanType::URI(ia5(&uri)?)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = usages;
    params.use_authority_key_identifier_extension = true;
    validity.apply(&mut params);
    Ok(params)
}

fn ia5(text: &str) -> Result<Ia5String, AuthorityError> {
    Ia5String::try_from(text).map_err(|source| AuthorityError::Make { what: "name", source })
}

fn fresh_key() -> Result<KeyPair, AuthorityError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
        .map_err(|source| AuthorityError::Make { what: "key", source })
}

fn key_pem(key: &KeyPair) -> Zeroizing<String> {
    Zeroizing::new(key.serialize_pem())
}

fn common_name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

/// What kept an authority from being made, taken up or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A validity that is none.
    #[error("a validity from {not_before_secs} to {not_after_secs} (seconds since 1970) is none")]
    Validity {
        /// Where it would begin, seconds since 1970.
        not_before_secs: u64,
        /// Where it would end, seconds since 1970.
        not_after_secs: u64,
    },
    /// A key or a certificate could not be made.
    #[error("the {what} cannot be made")]
    Make {
        /// What was being made.
        what: &'static str,
        /// Why not.
        #[source]
        source: rcgen::Error,
    },
    /// The key or the certificate of an authority cannot be read.
    #[error("the authority's key or certificate cannot be read")]
    Load {
        /// Why not.
        #[source]
        source: rcgen::Error,
    },
    /// The certificate is not of an authority.
    #[error("the certificate is not of an authority")]
    Certificate {
        /// Why not.
        #[source]
        source: super::TrustError,
    },
    /// The key is not the one in the certificate.
    #[error("the key is not the one in the authority's certificate")]
    OtherKey,
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer, X509Certificate};

    use super::*;
    use crate::tls::PeerAuthority;

    fn at(secs: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(secs))
    }

    fn authority() -> Authority {
        let validity = Validity::new(at(1_000), at(2_000)).unwrap();
        Authority::generate(&"a.example".parse().unwrap(), validity).unwrap()
    }

    fn check_leaf(credential: &Credential, uri: &str, server: bool) {
        use x509_parser::extensions::GeneralName;

        let (_, pem) = x509_parser::pem::parse_x509_pem(credential.certificate_pem().as_bytes()).unwrap();
        let (_, leaf) = X509Certificate::from_der(&pem.contents).unwrap();
        assert_eq!(Identity::from_certificate(&pem.contents).unwrap().to_string(), uri);
        let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
        let expected = [GeneralName::URI(uri), GeneralName::DNSName("a.example")];
        assert_eq!(names.as_slice(), if server { &expected[..] } else { &expected[..1] });
        let usage = leaf.extended_key_usage().unwrap().unwrap().value;
        assert_eq!((usage.client_auth, usage.server_auth, usage.any), (true, server, false));
        assert!(!leaf.is_ca());
        assert_eq!(leaf.validity().not_before.timestamp(), 1_100);
        assert_eq!(leaf.validity().not_after.timestamp(), 1_900);
        assert_eq!(leaf.issuer().to_string(), "CN=a.example");
    }

    #[test]
    fn an_authority_signs_leaves_only() {
        let (_, pem) =
            x509_parser::pem::parse_x509_pem(authority().credential().certificate_pem().as_bytes()).unwrap();
        let (_, parsed) = X509Certificate::from_der(&pem.contents).unwrap();
        let constraints = parsed.basic_constraints().unwrap().unwrap();
        assert!(constraints.critical && constraints.value.ca);
        assert_eq!(constraints.value.path_len_constraint, Some(0));
        let usage = parsed.key_usage().unwrap().unwrap().value;
        assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
        assert_eq!(parsed.subject().to_string(), "CN=a.example");
        PeerAuthority::from_der(&pem.contents).unwrap();
    }

    #[test]
    fn a_node_serves_and_calls_an_operator_only_calls() {
        let validity = Validity::new(at(1_100), at(1_900)).unwrap();
        let name = "j.doe".parse().unwrap();
        let authority = authority();
        check_leaf(&authority.issue_node(validity).unwrap(), "spiffe://a.example/node", true);
        let operator = authority.issue_operator(&name, validity).unwrap();
        check_leaf(&operator, "spiffe://a.example/operator/j.doe", false);
    }

    #[test]
    fn an_authority_taken_up_again_issues_as_before() {
        let kept = authority().credential();
        let agency = "a.example".parse().unwrap();
        let again = Authority::load(&agency, kept.certificate_pem(), kept.key_pem()).unwrap();
        let validity = Validity::new(at(1_100), at(1_900)).unwrap();
        check_leaf(&again.issue_node(validity).unwrap(), "spiffe://a.example/node", true);

        let other = authority().credential();
        let mixed = Authority::load(&agency, kept.certificate_pem(), other.key_pem());
        assert!(matches!(mixed, Err(AuthorityError::OtherKey)));
        let leaf = again.issue_node(validity).unwrap();
        let no_authority = Authority::load(&agency, leaf.certificate_pem(), leaf.key_pem());
        assert!(matches!(no_authority, Err(AuthorityError::Certificate { .. })));
    }

    #[test]
    fn an_agency_id_that_is_no_dns_name_has_a_node_all_the_same() {
        let validity = Validity::new(at(1_000), at(2_000)).unwrap();
        for id in ["-a-.example", "a..example"] {
            let node = Authority::generate(&id.parse().unwrap(), validity).unwrap().issue_node(validity);
            let node = crate::tls::TlsMaterial::from_pem(
                node.as_ref().unwrap().certificate_pem().as_bytes(),
                node.as_ref().unwrap().key_pem().as_bytes(),
            );
            assert_eq!(node.unwrap().identity().agency().as_str(), id);
        }
    }

    #[test]
    fn a_validity_has_an_order_and_an_end() {
        assert!(Validity::new(at(2), at(1)).is_err());
        assert!(Validity::new(at(1), at(LAST_SECS + 1)).is_err());
        let whole = Validity::new(at(0), at(LAST_SECS)).unwrap();
        Authority::generate(&"a.example".parse().unwrap(), whole).unwrap();
    }

    #[test]
    fn a_key_is_never_printed() {
        let authority = authority();
        let shown = format!("{authority:?} {:?}", authority.credential());
        assert!(!shown.contains("PRIVATE"), "{shown}");
    }
}
