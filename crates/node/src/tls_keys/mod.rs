//! The own certificates made anew, and revoked: what an operator does under `keys/` while the node goes on.
//!
//! Each file is replaced whole, and whatever is there after a crash is good. Nothing here reaches a running node: it
//! reads the files when it is told to (`tls_life`). Not here: one authority after another (`authority`).

mod authority;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use comity_ledger::AuthorTime;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use zeroize::Zeroizing;

use crate::keys::read_secret;
use crate::own_tls::{AUTHORITY, NODE, OPERATOR, file, material, own_agency, own_authorities, own_folder};
use crate::replace::{OPEN_MODE, ReplaceError, SECRET_MODE, replace, sync_folder};
use crate::tls::{
    Authority, AuthorityError, AuthorityId, CertificateFacts, Credential, Crl, CrlError, CrlNumber, Revoked,
    Role, Serial, TlsMaterial, Validity,
};
use crate::{Home, NodeError};

/// How long the agency's CA is valid: ten years.
pub(crate) const CA_SECS: u64 = 10 * 365 * DAY_SECS;
/// How long a leaf certificate is valid: one year.
pub(crate) const LEAF_SECS: u64 = 365 * DAY_SECS;
/// How far before now certificates begin: a peer's clock may be behind.
const BACKDATE_SECS: u64 = 3_600;
/// Seconds of a day.
const DAY_SECS: u64 = 86_400;

/// A validity from now on, which begins a little earlier.
pub(crate) fn validity_from(now: AuthorTime, secs: u64) -> Result<Validity, AuthorityError> {
    let at = |secs| UnixTime::since_unix_epoch(Duration::from_secs(secs));
    let begin = now.unix_secs().saturating_sub(BACKDATE_SECS);
    Validity::new(at(begin), at(now.unix_secs().saturating_add(secs)))
}

/// The own keys of TLS, held by this process against others that would change them too.
#[derive(Debug)]
pub struct TlsKeys {
    home: Home,
    _held: File,
}

/// Which certificate of the home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnLeaf {
    /// The one that the node presents.
    Node,
    /// The one by which commands reach the node.
    Operator,
}

impl OwnLeaf {
    fn stem(self) -> &'static str {
        match self {
            Self::Node => NODE,
            Self::Operator => OPERATOR,
        }
    }
}

/// A certificate that was made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewedLeaf {
    /// The new one.
    pub facts: CertificateFacts,
    /// The number of the one before, by which it can be revoked.
    pub former: Option<Serial>,
}

/// What is to be revoked.
#[derive(Clone, Debug)]
pub enum Revokee {
    /// A certificate of the authority that issues now, by its number.
    Serial(Serial),
    /// A certificate of any own authority, PEM or DER.
    Leaf(Vec<u8>),
}

/// A revocation list that was made.
#[derive(Clone, Debug)]
pub struct IssuedCrl {
    /// Whose it is.
    pub authority: AuthorityId,
    /// Its number.
    pub number: CrlNumber,
    /// When it must have been replaced, seconds since 1970.
    pub next_update_secs: i64,
    /// How many certificates it revokes.
    pub revoked: usize,
    /// The file, to be handed to peers.
    pub path: PathBuf,
}

impl TlsKeys {
    /// How many days a list holds if nothing else is said: long enough that a person who makes it anew by hand is told
    /// in time.
    pub const CRL_DAYS: u32 = 90;

    /// Takes the keys of a home; a node may run on it meanwhile.
    ///
    /// # Errors
    /// [`TlsKeysError::Busy`] if another process has them.
    pub fn take(home: &Home) -> Result<Self, TlsKeysError> {
        let path = home.path("keys");
        let held = File::open(&path).map_err(|source| NodeError::File { action: "open", path, source })?;
        held.try_lock().map_err(|_| TlsKeysError::Busy)?;
        Ok(Self { home: home.clone(), _held: held })
    }

    /// Issues a certificate anew, with a fresh key, and puts both in the place of the former ones. `ca_key` is the key
    /// of the authority, if it does not lie under `keys/`.
    ///
    /// # Errors
    /// A [`TlsKeysError`]; what was there is then still good.
    pub fn renew(
        &self,
        leaf: OwnLeaf,
        ca_key: Option<&Path>,
        now: AuthorTime,
    ) -> Result<RenewedLeaf, TlsKeysError> {
        let authority = self.authority(AUTHORITY, ca_key)?;
        let held = material(&self.home, leaf.stem())?;
        let former = held.chain().first().and_then(|leaf| CertificateFacts::read(leaf));
        if authority.not_after_secs() <= now.unix_secs() {
            return Err(TlsKeysError::AuthorityExpired);
        }
        let validity = validity_from(now, LEAF_SECS)?.until_at_most(authority.not_after_secs());
        let made = match held.identity().role() {
            Role::Node => authority.issue_node(validity)?,
            Role::Operator(name) => authority.issue_operator(name, validity)?,
        };
        let facts = self.facts_of(&made)?;
        let pem = std::fs::read(file(&self.home, leaf.stem(), "pem")).unwrap_or_default();
        let is_held = |key: &str| TlsMaterial::from_pem(&pem, key.as_bytes()).is_ok();
        self.put_pair(leaf.stem(), &made.chain_pem(), made.key_pem(), is_held)?;
        Ok(RenewedLeaf { facts, former: former.map(|former| former.serial) })
    }

    /// Signs the next revocation list of an own authority, with one certificate more in it, and keeps it.
    ///
    /// # Errors
    /// [`TlsKeysError::InUse`] for a certificate that this home presents, [`TlsKeysError::Revoked`] for one that is
    /// revoked, [`TlsKeysError::NotOurs`] for one of another authority, else what failed.
    pub fn revoke(
        &self,
        what: &Revokee,
        ca_key: Option<&Path>,
        days: u32,
        now: AuthorTime,
    ) -> Result<IssuedCrl, TlsKeysError> {
        let (stem, serial) = self.find(what)?;
        for leaf in [OwnLeaf::Node, OwnLeaf::Operator] {
            let held = material(&self.home, leaf.stem())?.chain();
            let held = held.first().and_then(|leaf| CertificateFacts::read(leaf));
            if held.is_some_and(|held| held.serial == serial) {
                return Err(TlsKeysError::InUse { serial });
            }
        }
        let authority = self.authority(stem, ca_key)?;
        let held = self.crl_of(&authority)?;
        let mut revoked = held.as_deref().map(|crl| crl.revoked().to_vec()).unwrap_or_default();
        if revoked.iter().any(|revoked| revoked.serial == serial) {
            return Err(TlsKeysError::Revoked { serial });
        }
        let at_secs = i64::try_from(now.unix_secs()).unwrap_or(i64::MAX);
        revoked.push(Revoked { serial, at_secs });
        self.sign(stem, &authority, &revoked, (days, now))
    }

    /// Signs the next revocation list of the authority that issues, with the same certificates in it, and keeps it.
    ///
    /// # Errors
    /// A [`TlsKeysError`]; the list before is then still in force.
    pub fn renew_crl(
        &self,
        ca_key: Option<&Path>,
        days: u32,
        now: AuthorTime,
    ) -> Result<IssuedCrl, TlsKeysError> {
        let authority = self.authority(AUTHORITY, ca_key)?;
        let held = self.crl_of(&authority)?;
        let revoked = held.as_deref().map(|crl| crl.revoked().to_vec()).unwrap_or_default();
        self.sign(AUTHORITY, &authority, &revoked, (days, now))
    }

    fn sign(
        &self,
        stem: &str,
        authority: &Authority,
        revoked: &[Revoked],
        (days, now): (u32, AuthorTime),
    ) -> Result<IssuedCrl, TlsKeysError> {
        let held = self.crl_of(authority)?;
        let number = held.map_or(Some(CrlNumber::FIRST), |held| held.number().next());
        let number = number.ok_or(CrlError::Malformed)?;
        let validity = validity_from(now, u64::from(days).saturating_mul(DAY_SECS))?;
        let signed = authority.issue_crl(revoked, number, validity)?;
        let agency = own_agency(&self.home, own_folder(&self.home), None)?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(now.unix_secs()));
        let (_, taken) = agency.with_crl(Crl::from_der(&signed.der)?, Some(at))?;
        let path = file(&self.home, stem, "crl");
        replace(&path, signed.pem.as_bytes(), OPEN_MODE)?;
        sync_folder(&self.home.path("keys"))?;
        let (number, next_update_secs, revoked) = (taken.number, taken.next_update_secs, taken.revoked);
        Ok(IssuedCrl { authority: taken.authority, number, next_update_secs, revoked, path })
    }

    fn crl_of(&self, authority: &Authority) -> Result<Option<std::sync::Arc<Crl>>, TlsKeysError> {
        let agency = own_agency(&self.home, own_folder(&self.home), None)?;
        Ok(agency.crl_of(&authority.id())?)
    }

    /// The authority that a certificate is of, and its number.
    fn find(&self, what: &Revokee) -> Result<(&'static str, Serial), TlsKeysError> {
        let leaf = match what {
            Revokee::Serial(serial) => return Ok((AUTHORITY, serial.clone())),
            Revokee::Leaf(bytes) => match CertificateDer::from_pem_slice(bytes) {
                Ok(leaf) => leaf,
                Err(_) => CertificateDer::from(bytes.as_slice()),
            },
        };
        let serial = CertificateFacts::read(&leaf).map(|facts| facts.serial).ok_or(TlsKeysError::NotOurs)?;
        let authorities = own_authorities(&self.home)?;
        let issuer = authorities.iter().find(|(_, authority)| authority.has_issued(&leaf));
        issuer.map(|(stem, _)| (*stem, serial)).ok_or(TlsKeysError::NotOurs)
    }

    fn authority(&self, stem: &str, ca_key: Option<&Path>) -> Result<Authority, TlsKeysError> {
        let own = file(&self.home, stem, "key");
        let path = ca_key.unwrap_or(&own);
        if !path.exists() {
            return Err(TlsKeysError::NoKey { path: path.to_owned() });
        }
        let certificate = file(&self.home, stem, "pem");
        let certificate = std::fs::read_to_string(&certificate).map_err(|source| NodeError::File {
            action: "read",
            path: certificate,
            source,
        })?;
        let key = text_of(&read_secret(path)?);
        Ok(Authority::load(&self.home.config().agency, &certificate, &key)?)
    }

    fn facts_of(&self, made: &Credential) -> Result<CertificateFacts, TlsKeysError> {
        let der = CertificateDer::from_pem_slice(made.certificate_pem().as_bytes()).ok();
        der.and_then(|der| CertificateFacts::read(&der)).ok_or_else(|| {
            let path = self.home.path("keys");
            NodeError::Certificate { path, reason: "what was made does not read".to_owned() }.into()
        })
    }

    /// Puts a certificate and its key in the place of others. The two files cannot be replaced at one instant: while
    /// they are, the key file has both keys, and the certificate says which of them counts.
    fn put_pair(
        &self,
        stem: &str,
        certificate: &str,
        key: &str,
        is_held: impl Fn(&str) -> bool,
    ) -> Result<(), TlsKeysError> {
        let (folder, key_file) = (self.home.path("keys"), file(&self.home, stem, "key"));
        let held = if key_file.exists() { text_of(&read_secret(&key_file)?) } else { Zeroizing::default() };
        let held = pem_blocks(&held).find(|block| is_held(block)).unwrap_or_default();
        let both = Zeroizing::new(format!("{key}{held}"));
        replace(&key_file, both.as_bytes(), SECRET_MODE)?;
        sync_folder(&folder)?;
        replace(&file(&self.home, stem, "pem"), certificate.as_bytes(), OPEN_MODE)?;
        sync_folder(&folder)?;
        replace(&key_file, key.as_bytes(), SECRET_MODE)?;
        Ok(sync_folder(&folder)?)
    }
}

fn text_of(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(bytes).into_owned())
}

/// The blocks of a PEM text, each with its first and last line.
fn pem_blocks(text: &str) -> impl Iterator<Item = &str> {
    const BEGIN: &str = "-----BEGIN";
    text.match_indices(BEGIN).filter_map(|(start, _)| {
        let rest = text.get(start..)?;
        let next = rest.get(BEGIN.len()..)?.find(BEGIN);
        rest.get(..next.map_or(rest.len(), |next| next.saturating_add(BEGIN.len())))
    })
}

/// What was not done with the own keys of TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsKeysError {
    /// Another process changes them.
    #[error("another command is changing the certificates of this home")]
    Busy,
    /// The key of the authority is not here.
    #[error("the key of the authority is not at {path}; name it with --ca-key", path = path.display())]
    NoKey {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The authority cannot issue any more.
    #[error("the certificate of the authority has expired; make a new authority")]
    AuthorityExpired,
    /// The certificate is the one that this home presents.
    #[error("the certificate {serial} is the one in use here; renew it first, then revoke it")]
    InUse {
        /// Its number.
        serial: Serial,
    },
    /// It is revoked.
    #[error("the certificate {serial} is revoked already")]
    Revoked {
        /// Its number.
        serial: Serial,
    },
    /// Not a certificate of an own authority.
    #[error("not a certificate of an authority of this home")]
    NotOurs,
    /// There is a successor already.
    #[error("there is a next authority already: use it, or retire it")]
    NextExists,
    /// There is no successor.
    #[error("there is no next authority; make one first, and announce it")]
    NoNext,
    /// The predecessor has not been retired.
    #[error("the authority before the present one is still trusted; retire it first")]
    FormerExists,
    /// The authority issues at present.
    #[error("the authority {id} is the one that issues; another one must be in use before it is retired")]
    Present {
        /// Which.
        id: AuthorityId,
    },
    /// No such authority.
    #[error("{id} is no authority of this home")]
    NoSuchAuthority {
        /// Which.
        id: AuthorityId,
    },
    /// Something cannot be made.
    #[error("the certificate or revocation list cannot be made")]
    Make(#[from] AuthorityError),
    /// The list.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// A file.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl From<ReplaceError> for TlsKeysError {
    fn from(error: ReplaceError) -> Self {
        Self::Node(error.into())
    }
}
