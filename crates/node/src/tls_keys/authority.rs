//! One own authority after another: made and announced, then used, then the one before retired.
//!
//! Whoever stops between any two steps can go on with the same command.

use std::path::Path;

use comity_ledger::AuthorTime;

use super::{CA_SECS, OwnLeaf, RenewedLeaf, TlsKeys, TlsKeysError, text_of, validity_from};
use crate::NodeError;
use crate::keys::read_secret;
use crate::own_tls::{AUTHORITY, FORMER, NEXT, file, own_authorities};
use crate::replace::{OPEN_MODE, SECRET_MODE, replace, sync_folder};
use crate::tls::{Authority, AuthorityId, PeerAuthority};

impl TlsKeys {
    /// Makes the authority that is to follow the present one. It issues nothing before [`use_authority`]; peers must
    /// know it by then.
    ///
    /// # Errors
    /// [`TlsKeysError::NextExists`], or what failed.
    ///
    /// [`use_authority`]: Self::use_authority
    pub fn new_authority(&self, now: AuthorTime) -> Result<AuthorityId, TlsKeysError> {
        if file(&self.home, NEXT, "pem").exists() {
            return Err(TlsKeysError::NextExists);
        }
        let made = Authority::generate(&self.home.config().agency, validity_from(now, CA_SECS)?)?;
        let credential = made.credential();
        // The certificate comes last: it makes the two files an authority.
        replace(&file(&self.home, NEXT, "key"), credential.key_pem().as_bytes(), SECRET_MODE)?;
        replace(&file(&self.home, NEXT, "pem"), credential.certificate_pem().as_bytes(), OPEN_MODE)?;
        sync_folder(&self.home.path("keys"))?;
        Ok(made.id())
    }

    /// Issues by the next authority from now on, the certificates of node and operator first. The one before stays
    /// trusted here until it is retired.
    ///
    /// # Errors
    /// [`TlsKeysError::NoNext`], [`TlsKeysError::FormerExists`], or what failed.
    pub fn use_authority(&self, now: AuthorTime) -> Result<(AuthorityId, RenewedLeaf), TlsKeysError> {
        let next = self.read(NEXT, "pem")?.ok_or(TlsKeysError::NoNext)?;
        let present = self.read(AUTHORITY, "pem")?.unwrap_or_default();
        let id = |pem: &str| PeerAuthority::from_pem(pem).map(|authority| authority.id());
        let next_id = id(&next).map_err(|source| NodeError::Trust { source })?;
        if id(&present).ok() != Some(next_id) {
            self.keep_as_former(&present)?;
            let key = file(&self.home, NEXT, "key");
            let key = text_of(&read_secret(&key)?);
            let agency = &self.home.config().agency;
            Authority::load(agency, &next, &key)?;
            let is_held = |key: &str| Authority::load(agency, &present, key).is_ok();
            self.put_pair(AUTHORITY, &next, &key, is_held)?;
        }
        // What the former one revoked lies beside it now.
        remove(&file(&self.home, AUTHORITY, "crl"))?;
        self.renew(OwnLeaf::Operator, None, now)?;
        let renewed = self.renew(OwnLeaf::Node, None, now)?;
        // Last: whoever stops before it goes on with the same command.
        self.remove(NEXT)?;
        Ok((next_id, renewed))
    }

    /// Takes an own authority away, other than the one that issues: its leaves are refused from the next reload on.
    ///
    /// # Errors
    /// [`TlsKeysError::Present`], [`TlsKeysError::NoSuchAuthority`], or what failed.
    pub fn retire_authority(&self, id: &AuthorityId) -> Result<(), TlsKeysError> {
        let authorities = own_authorities(&self.home)?;
        let found = authorities.iter().find(|(_, authority)| authority.id() == *id);
        match found.map(|(stem, _)| *stem) {
            None => Err(TlsKeysError::NoSuchAuthority { id: *id }),
            Some(AUTHORITY) => Err(TlsKeysError::Present { id: *id }),
            Some(stem) => self.remove(stem),
        }
    }

    /// Copies the present authority beside itself, with its key and list where they are here.
    fn keep_as_former(&self, present: &str) -> Result<(), TlsKeysError> {
        if self.read(FORMER, "pem")?.is_some_and(|former| former != present) {
            return Err(TlsKeysError::FormerExists);
        }
        let key = file(&self.home, AUTHORITY, "key");
        if key.exists() {
            replace(&file(&self.home, FORMER, "key"), &read_secret(&key)?, SECRET_MODE)?;
        }
        if let Some(list) = self.read(AUTHORITY, "crl")? {
            replace(&file(&self.home, FORMER, "crl"), list.as_bytes(), OPEN_MODE)?;
        }
        replace(&file(&self.home, FORMER, "pem"), present.as_bytes(), OPEN_MODE)?;
        Ok(sync_folder(&self.home.path("keys"))?)
    }

    fn read(&self, stem: &str, kind: &str) -> Result<Option<String>, NodeError> {
        let path = file(&self.home, stem, kind);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(NodeError::File { action: "read", path, source }),
        }
    }

    /// Removes an authority. The certificate goes first: without it the others are no authority.
    fn remove(&self, stem: &str) -> Result<(), TlsKeysError> {
        for kind in ["pem", "key", "crl"] {
            remove(&file(&self.home, stem, kind))?;
        }
        Ok(sync_folder(&self.home.path("keys"))?)
    }
}

fn remove(path: &Path) -> Result<(), NodeError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(NodeError::File { action: "remove", path: path.to_owned(), source: error })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
