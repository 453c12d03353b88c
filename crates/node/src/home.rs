//! The home of an agency: one folder with configuration, keys, store and lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use comity_ledger::{Card, CardIdentity, Fingerprint, KeyHistory, KeyRole, KeySpan, Origin, read_identity};
use comity_store::{SignLock, Store, StoreError, StorePaths};
use comity_tlog::{KeyKind, SigningKey, VerifierKey};

use crate::author_keys::own_role_keys;
use crate::erasures_due::{self, WaitingErasure};
use crate::key_files::KeyFiles;
use crate::own_log::OwnLogParts;
use crate::replace::sync_folder;
use crate::{Config, NodeError, OwnLog, OwnLogState, Peers, keys, succeeded};

/// The signed identity of which cards are made.
pub(crate) const IDENTITY: &str = "identity.note";
/// The one that follows it when the next log key is in force.
pub(crate) const NEXT_IDENTITY: &str = "identity-next.note";
/// The file that names the publication log, once it is not the first.
pub(crate) const ORIGIN: &str = "origin";

/// A folder that is a home, with its configuration read and nothing opened yet.
#[derive(Clone, Debug)]
pub struct Home {
    folder: PathBuf,
    config: Config,
    origin: Origin,
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
        let config = Config::load(&path)?;
        let origin = read_origin(&folder.join(ORIGIN), &config)?;
        Ok(Self { folder: folder.to_owned(), config, origin })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The publication log: the first of the agency, or the successor of one that was closed.
    pub fn origin(&self) -> Origin {
        self.origin.clone()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn store_paths(&self) -> StorePaths {
        StorePaths { database: self.path("store"), keyring: self.path("keyring") }
    }

    /// The files of the keys of the publication log.
    pub(crate) fn log_keys(&self) -> KeyFiles {
        KeyFiles::of_log(&self.path("keys"), &self.origin)
    }

    /// The identity of which cards are made, and the log key that signs them.
    pub(crate) fn identity(&self) -> Result<(CardIdentity, VerifierKey), NodeError> {
        Ok(read_identity(&read_note(&self.path(IDENTITY))?)?)
    }

    /// The keys that cosign: witness and mirror.
    pub(crate) fn cosigner_keys(&self) -> Result<[SigningKey; 2], NodeError> {
        let agency = &self.config.agency;
        let load = |role: &str| {
            let (path, name) = (self.path(&format!("keys/{role}.key")), format!("{agency}/{role}"));
            keys::load_signing_key(&path, &name, KeyKind::CosignatureV1)
        };
        Ok([load("witness")?, load("mirror")?])
    }

    /// The public half of the witness key.
    pub(crate) fn witness_verifier(&self) -> Result<VerifierKey, NodeError> {
        let [witness, _] = self.cosigner_keys()?;
        Ok(witness.verifier().clone())
    }

    /// The keys of the own publication log, by the entries that are held of it; where none is left, as of a store that lost
    /// them, by the signed identity.
    ///
    /// # Errors
    /// A [`NodeError`] if the store or the identity is damaged, or names no key of this log.
    pub(crate) fn own_keys(&self, store: &Store) -> Result<KeyHistory, NodeError> {
        let lost = match store.keys(&self.origin) {
            Err(lost @ StoreError::NoSuchLog { .. }) => lost,
            keys => return Ok(keys?),
        };
        let (identity, present) = self.identity()?;
        let first =
            [identity.log, present].into_iter().find(|key| key.name().as_str() == self.origin.as_str());
        let first = first.ok_or(lost)?;
        Ok(KeyHistory::new(self.origin.clone(), first).with_root(identity.root))
    }

    /// Puts each key that its log says is in force in the place of one that has ended, and the identity that names it:
    /// what was cut off in the midst of a rotation is ended so at the next start.
    ///
    /// # Errors
    /// A [`NodeError`] if a file cannot be read or moved; the keys are all there then.
    pub fn settle_keys(&self, store: &Store) -> Result<(), NodeError> {
        let (identity, _) = self.identity()?;
        for (role, first) in [
            (KeyRole::Witness, &identity.witness),
            (KeyRole::Mirror, &identity.mirror),
            (KeyRole::Statement, &identity.statement),
        ] {
            if let Some(files) = KeyFiles::of_role(self, role) {
                files.settle(&own_role_keys(store, &self.origin, role, first)?)?;
            }
        }
        let (next, place) = (self.path(NEXT_IDENTITY), self.path(IDENTITY));
        if next.exists() {
            let (_, names) = read_identity(&read_note(&next)?)?;
            let size = store.held(&self.origin)?.size;
            if self.own_keys(store)?.log_keys(size).contains(&names) {
                let failed = |source| NodeError::File { action: "replace", path: place.clone(), source };
                std::fs::rename(&next, &place).map_err(failed)?;
                sync_folder(&self.folder)?;
            }
        }
        Ok(())
    }

    /// The register of peers, read afresh; nobody is let in by reading it, and what its trust is given is not kept.
    ///
    /// # Errors
    /// [`NodeError::Peers`] if it does not read.
    pub fn peers(&self) -> Result<Peers, NodeError> {
        Peers::look_at(self).map_err(|source| NodeError::Peers { source: Box::new(source) })
    }

    /// The key with which a log held here begins: the one of the own genesis, or the one that was pinned when its replica
    /// began. With which keys it goes on its key events say.
    ///
    /// # Errors
    /// [`comity_store::StoreError::NoSuchLog`] inside [`NodeError::Store`] if no key of the log is known here.
    pub fn log_key_of(&self, store: &Store, origin: &Origin) -> Result<VerifierKey, NodeError> {
        let no_such_log = || StoreError::NoSuchLog { origin: origin.to_string() };
        match store.keys(origin) {
            Ok(keys) => {
                let first = keys.spans().first().and_then(KeySpan::verifier).cloned();
                return Ok(first.ok_or_else(no_such_log)?);
            }
            Err(StoreError::NoSuchLog { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        // A replica that was never followed since replicas have keys of their own.
        let peers = self.peers()?;
        if let Some(peer) = peers.find(origin.agency()).filter(|peer| peer.origin() == *origin) {
            return Ok(peer.card().identity().log.clone());
        }
        Err(no_such_log().into())
    }

    /// The card as it stands now: the signed identity, with contact lines signed afresh.
    ///
    /// # Errors
    /// [`NodeError::OldIdentity`] if the identity was signed for a log key that is not here, which whoever has the root
    /// key signs again ([`crate::KeyHolder::sign_identity_again`]); else a [`NodeError`] if a file is missing or damaged.
    pub fn card(&self) -> Result<Card, NodeError> {
        let note = read_note(&self.path(IDENTITY))?;
        let (_, present) = read_identity(&note)?;
        let held = KeyFiles::of_log(&self.path("keys"), &origin_of(&present)?).held()?;
        let key = held.iter().find(|key| *key.verifier() == present);
        let key = key.ok_or_else(|| NodeError::OldIdentity { name: present.to_string() })?;
        Ok(Card::issue(&note, std::slice::from_ref(&self.config.listen), key)?)
    }

    /// Opens the home for this process alone, and ends what a crash left unfinished.
    ///
    /// # Errors
    /// [`comity_store::StoreError::InUse`] inside [`NodeError::Store`] if another process has it; else a
    /// [`NodeError`] that says what is damaged.
    pub fn open(&self) -> Result<OpenHome, NodeError> {
        let lock = SignLock::open(&self.path("lock"))?;
        let kek = keys::load_kek(&self.path("keys/kek.key"))?;
        let store = Arc::new(Store::open(&self.store_paths(), kek)?);
        let lock = Arc::new(lock.beside(&store));
        let parts = OwnLogParts {
            origin: self.origin(),
            keys: self.log_keys(),
            store: Arc::clone(&store),
            lock: Arc::clone(&lock),
        };
        let own_log = OwnLog::open(parts)?;
        self.settle_keys(&store)?;
        let waiting = erasures_due::carry_out(&store, &lock, &self.origin())?;
        let own_log = succeeded::judge(self, &store, own_log)?;
        Ok(OpenHome { home: self.clone(), store, lock, own_log, waiting })
    }
}

/// A home that this process holds.
#[derive(Debug)]
pub struct OpenHome {
    home: Home,
    store: Arc<Store>,
    lock: Arc<SignLock>,
    own_log: OwnLogState,
    /// What the own logs say is erased, and nobody here is known to have signed.
    waiting: Vec<WaitingErasure>,
}

impl OpenHome {
    /// Home, store and own log apart, for a node that runs.
    pub fn into_parts(self) -> (Home, Arc<Store>, OwnLogState) {
        (self.home, self.store, self.own_log)
    }

    /// The sign-lock.
    pub(crate) fn lock(&self) -> &Arc<SignLock> {
        &self.lock
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

    /// The erasures that wait for an operator's word.
    pub fn waiting_erasures(&self) -> &[WaitingErasure] {
        &self.waiting
    }

    pub(crate) fn set_waiting_erasures(&mut self, waiting: Vec<WaitingErasure>) {
        self.waiting = waiting;
    }

    /// Brings the key files up to what the own log says, after key events.
    ///
    /// # Errors
    /// A [`NodeError`]; the next opening does what is left.
    pub fn settle_keys(&self) -> Result<(), NodeError> {
        self.home.settle_keys(&self.store)
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

/// Which log the agency writes: the first, unless a file says that a successor has taken its place.
fn read_origin(path: &Path, config: &Config) -> Result<Origin, NodeError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Origin::publication(&config.agency));
        }
        Err(source) => return Err(NodeError::File { action: "read", path: path.to_owned(), source }),
    };
    let origin: Origin = text.trim_end().parse()?;
    if origin.agency() == &config.agency && origin.is_publication() {
        return Ok(origin);
    }
    let reason = format!("{origin} is no publication log of {}", config.agency);
    Err(NodeError::Config { path: path.to_owned(), reason })
}

/// The log that a key is named after.
fn origin_of(key: &VerifierKey) -> Result<Origin, NodeError> {
    Ok(key.name().as_str().parse()?)
}

fn read_note(path: &Path) -> Result<Vec<u8>, NodeError> {
    std::fs::read(path).map_err(|source| NodeError::File { action: "read", path: path.to_owned(), source })
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
