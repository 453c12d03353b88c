//! Making a home: keys, certificates, configuration, and the signed first entry.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use comity_ledger::{AgencyId, AuthorTime, CardIdentity, Entropy, Fingerprint, Genesis, Origin};
use comity_store::{SignLock, Store, StorePaths};
use comity_tlog::{KeyKind, SigningKey};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::home::fingerprint;
use crate::key_files::KeyFiles;
use crate::new_folder::{move_into_place, place_of_new_folder};
use crate::own_log::OwnLogParts;
use crate::tls::{Authority, Credential};
use crate::tls_keys::{CA_SECS, LEAF_SECS, validity_from};
use crate::{Config, NodeError, OwnLog, Release, keys};

/// The folders of a home, itself first.
const FOLDERS: [&str; 9] = ["", "keys", "offline", "officers", "store", "keyring", "lock", "peers", "run"];
/// The operator whose certificate every home has.
const OPERATOR: &str = "admin";

/// What `init` is told.
#[derive(Clone, Debug)]
pub struct NewHome {
    /// The folder to make; it must be missing or empty.
    pub folder: PathBuf,
    /// The agency.
    pub agency: AgencyId,
    /// What people call it.
    pub name: String,
    /// Where peers connect, `host:port`.
    pub listen: String,
    /// Where operators connect, `host:port` on loopback.
    pub admin: String,
}

/// What `init` made.
#[derive(Clone, Debug)]
pub struct Initialised {
    /// The publication log.
    pub origin: Origin,
    /// The twelve words to compare with peers.
    pub fingerprint: Fingerprint,
}

impl NewHome {
    /// Makes the home: all of it or nothing. It is built beside the folder and moved there when complete.
    ///
    /// # Errors
    /// [`NodeError::NotEmpty`] if the folder has something in it, [`NodeError::Place`] if a home cannot be put there;
    /// else what failed.
    pub fn create(&self, now: AuthorTime, entropy: &mut dyn Entropy) -> Result<Initialised, NodeError> {
        self.create_unless(now, entropy, &|| false)
    }

    /// The same, unless the asker wants it no more before it is in its place.
    ///
    /// # Errors
    /// As [`create`](Self::create); [`NodeError::Interrupted`], and nothing is left of it then.
    pub fn create_unless(
        &self,
        now: AuthorTime,
        entropy: &mut dyn Entropy,
        is_ended: &dyn Fn() -> bool,
    ) -> Result<Initialised, NodeError> {
        let config = self.config();
        Config::parse(&config.to_text())
            .map_err(|reason| NodeError::Config { path: self.folder.join("comity.toml"), reason })?;
        let place = place_of_new_folder(&self.folder)?;
        if !place.parent().is_some_and(Path::is_dir) {
            let reason = "the folder that it would stand in is missing; make that first";
            return Err(NodeError::Place { path: self.folder.clone(), reason });
        }
        let building = building_place(&place);
        let made = self.build(&building, &config, now, entropy);
        let made = made.and_then(|made| {
            if is_ended() {
                return Err(NodeError::Interrupted);
            }
            move_into_place(&building, &place)?;
            Ok(made)
        });
        if made.is_err() {
            // Best effort: the error that led here is the one to report.
            std::fs::remove_dir_all(&building).unwrap_or_default();
        }
        made
    }

    fn config(&self) -> Config {
        Config {
            agency: self.agency.clone(),
            name: self.name.clone(),
            listen: self.listen.clone(),
            admin: self.admin.clone(),
            release: Release::Peers,
            renew_secs: Config::RENEW_SECS,
            http: None,
        }
    }

    fn build(
        &self,
        folder: &Path,
        config: &Config,
        now: AuthorTime,
        entropy: &mut dyn Entropy,
    ) -> Result<Initialised, NodeError> {
        for name in FOLDERS {
            make_folder(&folder.join(name))?;
        }
        let origin = Origin::publication(&self.agency);
        let keys = RoleKeys::create(folder, &self.agency, &origin, entropy)?;
        let ca = self.create_certificates(folder, now)?;
        let identity = keys.identity(self.agency.clone(), ca);
        write(&folder.join("identity.note"), &identity.sign(&keys.root, &keys.log)?)?;
        write(&folder.join("comity.toml"), config.to_text().as_bytes())?;
        let genesis = Genesis::new(self.agency.clone(), keys.root.verifier(), keys.log.verifier())?;
        let kek = keys::create_kek(&folder.join("keys/kek.key"), entropy)?;
        let paths = StorePaths { database: folder.join("store"), keyring: folder.join("keyring") };
        let store = Arc::new(Store::create(&paths, kek, entropy)?);
        let lock = Arc::new(SignLock::open(&folder.join("lock"))?.beside(&store));
        let files = KeyFiles::of_log(&folder.join("keys"), &origin);
        let parts = OwnLogParts { origin: origin.clone(), keys: files, store, lock };
        OwnLog::create(parts, genesis.draft(), now, entropy)?;
        for name in FOLDERS {
            sync_folder(&folder.join(name))?;
        }
        Ok(Initialised { origin, fingerprint: fingerprint(&identity)? })
    }

    /// Makes CA, node and operator certificates; gives the CA's as DER.
    fn create_certificates(&self, folder: &Path, now: AuthorTime) -> Result<Vec<u8>, NodeError> {
        let refuse = |reason: String| NodeError::Certificate { path: folder.join("keys/tls-ca.pem"), reason };
        let validity = |secs: u64| validity_from(now, secs).map_err(|error| refuse(error.to_string()));
        let failed = |error: crate::tls::AuthorityError| refuse(error.to_string());
        let authority = Authority::generate(&self.agency, validity(CA_SECS)?).map_err(failed)?;
        let operator = OPERATOR.parse().map_err(|_| refuse("operator name".to_owned()))?;
        let node = authority.issue_node(validity(LEAF_SECS)?).map_err(failed)?;
        let operator = authority.issue_operator(&operator, validity(LEAF_SECS)?).map_err(failed)?;
        let ca = authority.credential();
        for (name, credential) in [("tls-ca", &ca), ("tls-node", &node), ("tls-operator", &operator)] {
            write_credential(folder, name, credential)?;
        }
        let der = CertificateDer::from_pem_slice(ca.certificate_pem().as_bytes())
            .map_err(|error| refuse(error.to_string()))?;
        Ok(der.to_vec())
    }
}

/// The signing keys of a new agency, one role each.
struct RoleKeys {
    root: SigningKey,
    log: SigningKey,
    witness: SigningKey,
    mirror: SigningKey,
    statement: SigningKey,
    roster_admins: Vec<SigningKey>,
}

impl RoleKeys {
    fn create(
        folder: &Path,
        agency: &AgencyId,
        origin: &Origin,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, NodeError> {
        let mut make = |file: &str, name: String, kind| {
            keys::create_signing_key(&folder.join(file), &name, kind, entropy)
        };
        let keys = Self {
            root: make("offline/root.key", format!("{agency}/root"), KeyKind::Ed25519)?,
            log: make("keys/log.key", origin.to_string(), KeyKind::Ed25519)?,
            witness: make("keys/witness.key", format!("{agency}/witness"), KeyKind::CosignatureV1)?,
            mirror: make("keys/mirror.key", format!("{agency}/mirror"), KeyKind::CosignatureV1)?,
            statement: make("keys/statement.key", format!("{agency}/statement"), KeyKind::Ed25519)?,
            roster_admins: (1..=2)
                .map(|n| {
                    let name = format!("{agency}/roster-admin-{n}");
                    make(&format!("officers/roster-admin-{n}.key"), name, KeyKind::Ed25519)
                })
                .collect::<Result<_, _>>()?,
        };
        for n in 1..=2 {
            make(&format!("officers/officer-{n}.key"), format!("{agency}/officer-{n}"), KeyKind::Ed25519)?;
        }
        Ok(keys)
    }

    fn identity(&self, agency: AgencyId, ca: Vec<u8>) -> CardIdentity {
        CardIdentity {
            agency,
            root: self.root.verifier().clone(),
            log: self.log.verifier().clone(),
            witness: self.witness.verifier().clone(),
            mirror: self.mirror.verifier().clone(),
            statement: self.statement.verifier().clone(),
            roster_admins: self.roster_admins.iter().map(|key| key.verifier().clone()).collect(),
            ca,
        }
    }
}

fn write_credential(folder: &Path, name: &str, credential: &Credential) -> Result<(), NodeError> {
    write(&folder.join(format!("keys/{name}.pem")), credential.chain_pem().as_bytes())?;
    keys::create_secret(&folder.join(format!("keys/{name}.key")), credential.key_pem().as_bytes())
}

/// Where a home is built: beside its place, so that it can be moved there.
pub(crate) fn building_place(place: &Path) -> PathBuf {
    let name = place.file_name().and_then(|name| name.to_str()).unwrap_or("home");
    place.with_file_name(format!(".{name}.init-{}", std::process::id()))
}

pub(crate) fn sync_folder(path: &Path) -> Result<(), NodeError> {
    let synced = std::fs::File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(|source| NodeError::File { action: "sync", path: path.to_owned(), source })
}

pub(crate) fn make_folder(path: &Path) -> Result<(), NodeError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(path).map_err(|source| NodeError::File {
        action: "make",
        path: path.to_owned(),
        source,
    })
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let written = std::fs::write(path, bytes).and_then(|()| std::fs::File::open(path)?.sync_all());
    written.map_err(|source| NodeError::File { action: "write", path: path.to_owned(), source })
}
