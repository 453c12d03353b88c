//! Key events as an operator makes them: signed here with the root key, which no node ever reads, and then handed to
//! whoever enters them.
//!
//! A new key is in its file, on stable storage, before its event is handed over. Not here: what an event changes
//! (`comity-ledger`), how it is entered (`own_log`), and what the files become then (`key_files`).

use std::fs::File;
use std::path::{Path, PathBuf};

use comity_ledger::{
    CardIdentity, Entropy, Head, KeyAct, KeyEvent, KeyEventSigners, KeyFinding, KeyRole, RoleKey,
    UnsignedKeyEvent,
};
use comity_tlog::{KeyKind, SigningKey};

use crate::home::IDENTITY;
use crate::key_files::KeyFiles;
use crate::key_list::{KeyList, ListedKey, next_authority};
use crate::keys::load_signing_key;
use crate::replace::{OPEN_MODE, ReplaceError, replace, sync_folder};
use crate::{Home, NodeError};

/// The root key and the key files of a home, held by this process against others that would change them too.
#[derive(Debug)]
pub struct KeyHolder {
    home: Home,
    identity: CardIdentity,
    root: SigningKey,
    _held: File,
}

/// What is to happen to a key, signed.
#[derive(Clone, Debug)]
pub struct KeyChange {
    /// The key that it is about: a new one, or one that ends.
    pub key: RoleKey,
    /// The events, to be entered together.
    pub events: Vec<KeyEvent>,
    /// Whether the log is closed by them.
    pub closes: bool,
}

impl KeyHolder {
    /// Takes the key files of a home and reads its root key, which lies elsewhere; a node may run on the home meanwhile.
    ///
    /// # Errors
    /// [`KeyHolderError::Busy`] if another process has them, [`KeyHolderError::OtherRoot`] if the file holds another key
    /// than the root key of the card, else why it cannot be read.
    pub fn take(home: &Home, root: &Path) -> Result<Self, KeyHolderError> {
        let path = home.path("keys");
        let held = File::open(&path).map_err(|source| NodeError::File { action: "open", path, source })?;
        held.try_lock().map_err(|_| KeyHolderError::Busy)?;
        let (identity, _) = home.identity()?;
        let name = identity.root.name().to_string();
        let key = load_signing_key(root, &name, KeyKind::Ed25519)?;
        if *key.verifier() != identity.root {
            return Err(KeyHolderError::OtherRoot { path: root.to_owned() });
        }
        Ok(Self { home: home.clone(), identity, root: key, _held: held })
    }

    /// Lets a new key follow the present one of its role. Two log keys are in force then until the old one is retired;
    /// of the other roles the old one ends at once, and of TLS the next authority is announced.
    ///
    /// # Errors
    /// A [`KeyHolderError`]; no key has changed then.
    pub fn rotate(
        &self,
        role: KeyRole,
        list: &KeyList,
        entropy: &mut dyn Entropy,
    ) -> Result<KeyChange, KeyHolderError> {
        check_open(list)?;
        let in_force = open(list, KeyRole::Log);
        if role == KeyRole::Log && in_force.len() > 1 {
            return Err(KeyFinding::UnendedRotation.into());
        }
        let by = self.author(&in_force)?;
        let author = role_key(KeyRole::Log, &by)?;
        let add = || KeyAct::Add { by: author.clone() };
        let Some(files) = KeyFiles::of_role(&self.home, role) else {
            let key = next_authority(&self.home)?.ok_or(KeyHolderError::NoNextAuthority)?;
            if find(list, &key).is_some() {
                return Err(KeyFinding::KnownKey.into());
            }
            let event = self.sign(list, key.clone(), add(), Some(&by), None)?;
            return Ok(KeyChange { key, events: vec![event], closes: false });
        };
        let next = next_key(role, &files, list, entropy)?;
        let key = role_key(role, &next)?;
        let mut events = vec![self.sign(list, key.clone(), add(), Some(&by), Some(&next))?];
        if role == KeyRole::Log {
            let note = self.identity.sign_again(&self.root, &next).map_err(NodeError::from)?;
            self.home.put_next_identity(&note)?;
        } else {
            for former in open(list, role).into_iter().filter(|former| **former != key) {
                let act = KeyAct::Retire { by: author.clone() };
                events.push(self.sign(list, former.clone(), act, Some(&by), None)?);
            }
        }
        Ok(KeyChange { key, events, closes: false })
    }

    /// Ends a key; what it signed stays good.
    ///
    /// # Errors
    /// A [`KeyHolderError`]; no key has changed then.
    pub fn retire(&self, key: &RoleKey, list: &KeyList) -> Result<KeyChange, KeyHolderError> {
        check_open(list)?;
        check_in_force(key, list)?;
        if open(list, key.role()).len() < 2 {
            return Err(KeyFinding::LastKey.into());
        }
        let others: Vec<&RoleKey> =
            open(list, KeyRole::Log).into_iter().filter(|other| *other != key).collect();
        let by = self.author(&others)?;
        let own = match key.role() {
            KeyRole::Log => Some(self.held(key)?.ok_or(KeyHolderError::KeyNotHeld)?),
            _ => None,
        };
        let act = KeyAct::Retire { by: role_key(KeyRole::Log, &by)? };
        let event = self.sign(list, key.clone(), act, Some(&by), own.as_ref())?;
        Ok(KeyChange { key: key.clone(), events: vec![event], closes: false })
    }

    /// Ends a key; what it signed beyond the last good checkpoint is void. Of a log key that signed beyond it, this
    /// closes the log.
    ///
    /// # Errors
    /// A [`KeyHolderError`]; no key has changed then.
    pub fn revoke(
        &self,
        key: &RoleKey,
        list: &KeyList,
        last_good: Head,
    ) -> Result<KeyChange, KeyHolderError> {
        check_open(list)?;
        let listed = find(list, key).ok_or(KeyFinding::NotInForce)?;
        if matches!(listed.until, Some((_, comity_ledger::KeyEnd::Revoked))) {
            return Err(KeyFinding::NotInForce.into());
        }
        let has_other = open(list, KeyRole::Log).into_iter().any(|other| other != key);
        if key.role() == KeyRole::Log && !has_other {
            return Err(KeyHolderError::NoOtherKey);
        }
        // As `KeyHistory` has it: trees beyond the last good one that the key was in force for.
        let beyond = last_good.size.value().saturating_add(1);
        let spoiled = listed.until.is_none_or(|(until, _)| until.value() > beyond);
        let closes = key.role() == KeyRole::Log && spoiled && last_good.size < list.head.size;
        let event = self.sign(list, key.clone(), KeyAct::Revoke { last_good }, None, None)?;
        Ok(KeyChange { key: key.clone(), events: vec![event], closes })
    }

    /// Signs the identity of the card again, with the newest log key that is in force and whose file is here, as where a
    /// home was restored from before a rotation; durable when this returns.
    ///
    /// # Errors
    /// A [`KeyHolderError`]; the identity is as it was then.
    pub fn sign_identity_again(&self, list: &KeyList) -> Result<(), KeyHolderError> {
        check_open(list)?;
        let mut in_force = open(list, KeyRole::Log);
        in_force.reverse();
        let present = self.author(&in_force)?;
        let note = self.identity.sign_again(&self.root, &present).map_err(NodeError::from)?;
        replace(&self.home.path(IDENTITY), &note, OPEN_MODE)?;
        Ok(sync_folder(&self.home.path(""))?)
    }

    /// The root key, for the genesis of a successor.
    pub(crate) fn root(&self) -> &SigningKey {
        &self.root
    }

    /// The identity of the first card.
    pub(crate) fn identity(&self) -> &CardIdentity {
        &self.identity
    }

    /// The key that stands for the author: one of those in force whose file is here.
    fn author(&self, in_force: &[&RoleKey]) -> Result<SigningKey, KeyHolderError> {
        for key in in_force {
            if let Some(held) = self.held(key)? {
                return Ok(held);
            }
        }
        Err(KeyHolderError::KeyNotHeld)
    }

    fn held(&self, key: &RoleKey) -> Result<Option<SigningKey>, KeyHolderError> {
        let Some(files) = KeyFiles::of_role(&self.home, key.role()) else { return Ok(None) };
        Ok(files.held()?.into_iter().find(|held| held.verifier().typed_key() == key.as_bytes()))
    }

    fn sign(
        &self,
        list: &KeyList,
        key: RoleKey,
        act: KeyAct,
        by: Option<&SigningKey>,
        own: Option<&SigningKey>,
    ) -> Result<KeyEvent, KeyHolderError> {
        let signers = KeyEventSigners { root: &self.root, by, own };
        Ok(UnsignedKeyEvent::new(key, act).sign(&list.origin, signers)?)
    }
}

impl Home {
    /// Puts the identity that names the next log key beside the present one; durable when this returns.
    pub(crate) fn put_next_identity(&self, note: &[u8]) -> Result<(), NodeError> {
        replace(&self.path(crate::home::NEXT_IDENTITY), note, OPEN_MODE)?;
        Ok(sync_folder(&self.path(""))?)
    }
}

fn check_open(list: &KeyList) -> Result<(), KeyHolderError> {
    if list.closed.is_some() { Err(KeyFinding::Closed.into()) } else { Ok(()) }
}

fn check_in_force(key: &RoleKey, list: &KeyList) -> Result<(), KeyHolderError> {
    let listed = find(list, key).filter(|listed| listed.until.is_none());
    listed.map(|_| ()).ok_or_else(|| KeyFinding::NotInForce.into())
}

/// The next key of a role: the one that a rotation which was cut off has left, if no event names it yet.
fn next_key(
    role: KeyRole,
    files: &KeyFiles,
    list: &KeyList,
    entropy: &mut dyn Entropy,
) -> Result<SigningKey, KeyHolderError> {
    if let Some(left) = files.next()? {
        match find(list, &role_key(role, &left)?) {
            None => return Ok(left),
            Some(named) if named.until.is_none() => return Err(KeyFinding::UnendedRotation.into()),
            Some(_) => {}
        }
    }
    Ok(files.make_next(entropy)?)
}

fn role_key(role: KeyRole, key: &SigningKey) -> Result<RoleKey, KeyFinding> {
    RoleKey::signing(role, key.verifier())
}

fn find<'a>(list: &'a KeyList, key: &RoleKey) -> Option<&'a ListedKey> {
    list.keys.iter().find(|listed| listed.key == *key)
}

/// The keys of a role that have not ended, oldest first.
fn open(list: &KeyList, role: KeyRole) -> Vec<&RoleKey> {
    let is_open = |listed: &&ListedKey| listed.key.role() == role && listed.until.is_none();
    list.keys.iter().filter(is_open).map(|listed| &listed.key).collect()
}

/// What was not done to a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyHolderError {
    /// Another process changes the keys.
    #[error("another command is changing the keys of this home; wait until it is done")]
    Busy,
    /// Not the root key of this agency.
    #[error(
        "{path} does not hold the root key of this agency's card; name the file `offline/root.key` that `comity init` \
         wrote, wherever it was moved to",
        path = path.display()
    )]
    OtherRoot {
        /// The file.
        path: PathBuf,
    },
    /// The event would change nothing.
    #[error(transparent)]
    Finding(#[from] KeyFinding),
    /// A log key that must sign is not among the files.
    #[error(
        "a log key that must sign is not under keys/; put its file back, or if it is lost, close the log and make its \
         successor with `comity key succeed --close`"
    )]
    KeyNotHeld,
    /// The log key to be revoked is the only one.
    #[error(
        "it is the only log key in force, so that nobody could sign its revocation; let another one follow it with \
         `comity key rotate log` first, or close the log with `comity key succeed --close`"
    )]
    NoOtherKey,
    /// The log can have no successor.
    #[error("the log can have no successor")]
    NoSuccessor,
    /// There is no next authority to announce.
    #[error("there is no next authority; make it with `comity tls ca new`")]
    NoNextAuthority,
    /// A file.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl From<ReplaceError> for KeyHolderError {
    fn from(error: ReplaceError) -> Self {
        Self::Node(error.into())
    }
}
