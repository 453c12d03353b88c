//! The home of an agency: one folder with configuration, keys, store and lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use comity_ledger::{Card, CardIdentity, Fingerprint, Origin};
use comity_store::{SignLock, Store, StoreError, StorePaths};
use comity_tlog::{KeyKind, SigningKey, VerifierKey};

use crate::tls::PeerTrust;
use crate::{Config, NodeError, OwnLog, OwnLogParts, OwnLogState, Peers, keys};

/// A folder that is a home, with its configuration read and nothing opened yet.
#[derive(Clone, Debug)]
pub struct Home {
    folder: PathBuf,
    config: Config,
}

impl Home {
    /// Looks at a folder.
    ///
    /// # Errors
    /// [`NodeError::NotAHome`] if there is no configuration, [`NodeError::Config`] if it does not read.
    pub fn find(folder: &Path) -> Result<Self, NodeError> {
        let path = folder.join("comity.toml");
        if !path.is_file() {
            return Err(NodeError::NotAHome { path: folder.to_owned() });
        }
        Ok(Self { folder: folder.to_owned(), config: Config::load(&path)? })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The publication log.
    pub fn origin(&self) -> Origin {
        Origin::publication(&self.config.agency)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn store_paths(&self) -> StorePaths {
        StorePaths { database: self.path("store"), keyring: self.path("keyring") }
    }

    /// The key of the publication log.
    pub(crate) fn log_key(&self) -> Result<SigningKey, NodeError> {
        let name = self.origin().to_string();
        keys::load_signing_key(&self.path("keys/log.key"), &name, KeyKind::Ed25519)
    }

    /// The register of peers, read afresh; nobody is trusted by reading it.
    ///
    /// # Errors
    /// [`NodeError::Peers`] if it does not read.
    pub fn peers(&self) -> Result<Peers, NodeError> {
        Peers::load(self, PeerTrust::new()).map_err(|source| NodeError::Peers { source: Box::new(source) })
    }

    /// The key that a log held here is verified with: the own, or the one that was pinned when its replica began.
    ///
    /// # Errors
    /// [`comity_store::StoreError::NoSuchLog`] inside [`NodeError::Store`] if no key of the log is known here.
    pub fn log_key_of(&self, store: &Store, origin: &Origin) -> Result<VerifierKey, NodeError> {
        if *origin == self.origin() {
            return Ok(self.log_key()?.verifier().clone());
        }
        if let Some(pinned) = store.pinned_key(origin)? {
            return Ok(pinned);
        }
        // A replica that was never followed since replicas have keys of their own.
        let peers = self.peers()?;
        if let Some(peer) = peers.find(origin.agency()).filter(|peer| peer.origin() == *origin) {
            return Ok(peer.card().identity().log.clone());
        }
        Err(StoreError::NoSuchLog { origin: origin.to_string() }.into())
    }

    /// The card as it stands now: the signed identity, with contact lines signed afresh.
    ///
    /// # Errors
    /// A [`NodeError`] if the log key or the signed identity is missing or damaged.
    pub fn card(&self) -> Result<Card, NodeError> {
        let path = self.path("identity.note");
        let note = std::fs::read(&path).map_err(|source| NodeError::File {
            action: "read",
            path: path.clone(),
            source,
        })?;
        Ok(Card::issue(&note, std::slice::from_ref(&self.config.listen), &self.log_key()?)?)
    }

    /// Opens the home for this process alone, and ends what a crash left unfinished.
    ///
    /// # Errors
    /// [`comity_store::StoreError::InUse`] inside [`NodeError::Store`] if another process has it; else a
    /// [`NodeError`] that says what is damaged.
    pub fn open(&self) -> Result<OpenHome, NodeError> {
        let lock = Arc::new(SignLock::open(&self.path("lock"))?);
        let kek = keys::load_kek(&self.path("keys/kek.key"))?;
        let store = Arc::new(Store::open(&self.store_paths(), kek)?);
        let parts = OwnLogParts {
            origin: self.origin(),
            key: self.log_key()?,
            store: Arc::clone(&store),
            lock: Arc::clone(&lock),
        };
        let own_log = OwnLog::open(parts)?;
        Ok(OpenHome { home: self.clone(), store, own_log })
    }
}

/// A home that this process holds.
#[derive(Debug)]
pub struct OpenHome {
    home: Home,
    store: Arc<Store>,
    own_log: OwnLogState,
}

impl OpenHome {
    /// Home, store and own log apart, for a node that runs.
    pub fn into_parts(self) -> (Home, Arc<Store>, OwnLogState) {
        (self.home, self.store, self.own_log)
    }

    /// Folder and configuration.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The own log, or why it is read only.
    pub fn own_log(&self) -> &OwnLogState {
        &self.own_log
    }

    /// The own log, to append to.
    ///
    /// # Errors
    /// [`NodeError::ReadOnly`] with the reason.
    pub fn writable(&mut self) -> Result<&mut OwnLog, NodeError> {
        match &mut self.own_log {
            OwnLogState::Writable(log) => Ok(log),
            OwnLogState::ReadOnly { reason } => Err(NodeError::ReadOnly { reason: reason.explain() }),
        }
    }
}

/// The twelve words of an identity.
///
/// # Errors
/// [`NodeError::Certificate`] if the CA certificate of the card does not read.
pub fn fingerprint(identity: &CardIdentity) -> Result<Fingerprint, NodeError> {
    use x509_parser::prelude::{FromDer, X509Certificate};
    let refuse = |reason: String| NodeError::Certificate { path: PathBuf::from("the card's CA"), reason };
    let (rest, certificate) =
        X509Certificate::from_der(&identity.ca).map_err(|error| refuse(error.to_string()))?;
    if !rest.is_empty() {
        return Err(refuse("bytes follow the certificate".to_owned()));
    }
    Ok(Fingerprint::of(identity, certificate.public_key().raw))
}
