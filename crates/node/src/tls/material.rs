//! The node's own certificate and key, from files that nobody else may read, and their exchange under open connections.
//!
//! Certificate and key lie in two files that cannot be replaced at one instant. So while they are, the key file holds
//! both keys, and the certificate says which of them counts. Not here: how they are made (`authority`), nor the keys
//! that sign logs (`store`'s keyring and `tlog`).

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::identity::{Identity, IdentityError};
use super::suite;

/// Largest certificate or key file, in bytes: a leaf and its authority in PEM take about 2 KiB.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Permission bits that a key file must not have: any for its group, any for others.
const FOREIGN_MODE: u32 = 0o077;

/// Most keys in a key file: the present one and the one before.
const KEYS_MAX: usize = 2;

/// The certificate that this side presents, with its key. Clones share it: what [`renew`](Self::renew) puts in its place
/// is presented by all from the next handshake on.
#[derive(Clone)]
pub struct TlsMaterial {
    identity: Identity,
    presented: Arc<Presented>,
}

/// What is presented, to whoever asks for whatever.
#[derive(Debug)]
pub(super) struct Presented(RwLock<Arc<CertifiedKey>>);

impl TlsMaterial {
    /// Reads the certificate chain (leaf first) and the key from PEM files.
    ///
    /// # Errors
    /// When a file cannot be read, is no plain file or is over 64 KiB; when the key file can be read by its
    /// group or by others; and as [`from_pem`](Self::from_pem).
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, MaterialError> {
        let certificate_pem = read(certificate, Secrecy::Open)?;
        let key_pem = read(key, Secrecy::Secret)?;
        Self::from_pem(&certificate_pem, &key_pem)
    }

    /// Takes the certificate chain (leaf first) and the key from PEM text; of two keys the one that is the leaf's.
    ///
    /// # Errors
    /// When either has none or cannot be parsed, when no key is the leaf's, or when the leaf names nobody.
    pub fn from_pem(certificate_pem: &[u8], key_pem: &[u8]) -> Result<Self, MaterialError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate_pem)
            .collect::<Result<_, _>>()
            .map_err(|_| MaterialError::CertificatePem)?;
        let leaf = chain.first().ok_or(MaterialError::CertificatePem)?;
        let identity =
            Identity::from_certificate(leaf).map_err(|source| MaterialError::Identity { source })?;
        let mut certified = Err(MaterialError::KeyPem);
        for key in PrivateKeyDer::pem_slice_iter(key_pem).take(KEYS_MAX) {
            let key = key.map_err(|_| MaterialError::KeyPem)?;
            certified = CertifiedKey::from_der(chain.clone(), key, &suite::provider())
                .map_err(|source| MaterialError::Pair { source });
            if certified.is_ok() {
                break;
            }
        }
        let presented = Presented(RwLock::new(Arc::new(certified?)));
        Ok(Self { identity, presented: Arc::new(presented) })
    }

    /// Who the certificate says that we are.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The certificates that are presented, the leaf first.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.presented.now().cert.clone()
    }

    /// Presents another certificate of the same holder from the next handshake on; connections that are open go on.
    /// Says whether it is another one.
    ///
    /// # Errors
    /// [`MaterialError::OtherHolder`] if it names somebody else; what was presented stays so.
    pub fn renew(&self, fresh: &Self) -> Result<bool, MaterialError> {
        if fresh.identity != self.identity {
            return Err(MaterialError::OtherHolder);
        }
        let certified = fresh.presented.now();
        let mut held = self.presented.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_other = held.cert != certified.cert;
        *held = certified;
        Ok(is_other)
    }

    /// The same certificate for every connection, whatever the other side asks for.
    pub(super) fn resolver(&self) -> Arc<Presented> {
        Arc::clone(&self.presented)
    }
}

impl Presented {
    fn now(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

impl ResolvesClientCert for Presented {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsMaterial").field("identity", &self.identity).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Open,
    Secret,
}

fn read(path: &Path, secrecy: Secrecy) -> Result<Zeroizing<Vec<u8>>, MaterialError> {
    let fail = |source| MaterialError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(fail)?;
    // The opened file is judged, not the path: it cannot be exchanged in between.
    let metadata = file.metadata().map_err(fail)?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(MaterialError::Size { path: path.to_owned() });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if secrecy == Secrecy::Secret && mode & FOREIGN_MODE != 0 {
        return Err(MaterialError::KeyMode { path: path.to_owned(), mode });
    }
    // Room for all of it at once: a growing buffer would leave copies of the key behind.
    let room = usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// A file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Not a plain file, or too large.
    #[error("{path} is not a plain file of at most {FILE_BYTES_MAX} bytes", path = path.display())]
    Size {
        /// The file.
        path: PathBuf,
    },
    /// The key file is open to others than its owner.
    #[error("key file {path} has mode {mode:04o}: only its owner may read it (0600 or 0400)", path = path.display())]
    KeyMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// No certificate in PEM.
    #[error("no PEM certificate, or a broken one")]
    CertificatePem,
    /// No private key in PEM.
    #[error("no PEM private key, or a broken one")]
    KeyPem,
    /// The certificate names nobody.
    #[error("our own certificate names nobody")]
    Identity {
        /// Why not.
        #[source]
        source: IdentityError,
    },
    /// The certificate is of somebody else than the one that is presented.
    #[error("the certificate names somebody else than the one in use")]
    OtherHolder,
    /// The key cannot be used, or is not the certificate's.
    #[error("the key is not usable or not the one of the certificate")]
    Pair {
        /// Why not.
        #[source]
        source: rustls::Error,
    },
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::time::Duration;

    use rustls::pki_types::UnixTime;

    use super::*;
    use crate::tls::{Authority, Credential, Validity};

    fn credential() -> Credential {
        let at = |secs| UnixTime::since_unix_epoch(Duration::from_secs(secs));
        let validity = Validity::new(at(1_000), at(2_000)).unwrap();
        Authority::generate(&"a.example".parse().unwrap(), validity).unwrap().issue_node(validity).unwrap()
    }

    fn written(folder: &tempfile::TempDir, key_mode: u32) -> (PathBuf, PathBuf) {
        let made = credential();
        let (certificate, key) = (folder.path().join("node.pem"), folder.path().join("node.key"));
        fs::write(&certificate, made.certificate_pem()).unwrap();
        fs::write(&key, made.key_pem()).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(key_mode)).unwrap();
        (certificate, key)
    }

    #[test]
    fn a_key_of_its_owner_alone_is_loaded() {
        for mode in [0o600, 0o400] {
            let folder = tempfile::tempdir().unwrap();
            let (certificate, key) = written(&folder, mode);
            let material = TlsMaterial::load(&certificate, &key).unwrap();
            assert_eq!(material.identity().to_string(), "spiffe://a.example/node");
            assert!(!format!("{material:?}").contains("key"));
        }
    }

    #[test]
    fn a_certificate_is_exchanged_for_one_of_the_same_holder_only() {
        let load = |made: &Credential| {
            TlsMaterial::from_pem(made.certificate_pem().as_bytes(), made.key_pem().as_bytes()).unwrap()
        };
        let (old, new) = (load(&credential()), load(&credential()));
        let shared = old.clone();
        assert!(old.renew(&new).unwrap() && !old.renew(&new).unwrap());
        assert_eq!(shared.chain(), new.chain());
        let at = |secs| UnixTime::since_unix_epoch(Duration::from_secs(secs));
        let validity = Validity::new(at(1_000), at(2_000)).unwrap();
        let stranger = Authority::generate(&"b.example".parse().unwrap(), validity).unwrap();
        let stranger = load(&stranger.issue_node(validity).unwrap());
        assert!(matches!(old.renew(&stranger), Err(MaterialError::OtherHolder)));
        assert_eq!(shared.chain(), new.chain());
    }

    #[test]
    fn a_key_open_to_others_is_refused_with_path_and_mode() {
        for mode in [0o644, 0o640, 0o604, 0o620, 0o601] {
            let folder = tempfile::tempdir().unwrap();
            let (certificate, key) = written(&folder, mode);
            let message = TlsMaterial::load(&certificate, &key).unwrap_err().to_string();
            assert!(message.contains(&key.display().to_string()), "{message}");
            assert!(message.contains(&format!("{mode:04o}")), "{message}");
        }
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = written(&folder, 0o600);
        let check = |result: Result<TlsMaterial, MaterialError>, size: bool| match result.unwrap_err() {
            MaterialError::Size { .. } => assert!(size),
            MaterialError::Read { .. } => assert!(!size),
            other => panic!("{other}"),
        };
        check(TlsMaterial::load(folder.path(), &key), true);
        check(TlsMaterial::load(&folder.path().join("absent"), &key), false);
        let large = folder.path().join("large");
        fs::write(&large, vec![b'\n'; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]).unwrap();
        check(TlsMaterial::load(&large, &key), true);
        TlsMaterial::load(&certificate, &key).unwrap();
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, other) = (credential(), credential());
        let load =
            |certificate: &str, key: &str| TlsMaterial::from_pem(certificate.as_bytes(), key.as_bytes());
        assert!(matches!(load(one.certificate_pem(), other.key_pem()), Err(MaterialError::Pair { .. })));
        let both = [other.key_pem(), one.key_pem()].concat();
        load(one.certificate_pem(), &both).unwrap();
        load(other.certificate_pem(), &both).unwrap();
        assert!(matches!(load("", one.key_pem()), Err(MaterialError::CertificatePem)));
        assert!(matches!(load(one.certificate_pem(), ""), Err(MaterialError::KeyPem)));
    }
}
