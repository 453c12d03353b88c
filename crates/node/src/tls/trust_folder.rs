//! Where what vouches for one agency is kept: its authorities beside the first, and their revocation lists.
//!
//! A list lies beside its floor, the number and hash of the newest list that ever was in force: so a list that went
//! missing, was damaged or was put back is told from one that never was. Not here: what that means (`agency`), and the
//! first authority of an agency, which comes from its card.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use comity_tlog::Hash;

use super::crl::{CRL_BYTES_MAX, Crl, CrlNumber};
use super::names::AuthorityId;
use super::peer_authority::PeerAuthority;
use super::peers::TrustError;
use crate::replace::{OPEN_MODE, ReplaceError, replace, sync_folder};

/// Largest file read here, in bytes: three lists as PEM.
const FILE_BYTES_MAX: u64 = 512 << 10;
/// Most authorities remembered as retired: one every few months for ten years.
const RETIRED_MAX: usize = 32;

/// The lists of the own authorities: of the one that issues, its successor and its predecessor.
const OWN_DROPS: [&str; 3] = ["tls-ca.crl", "tls-ca-next.crl", "tls-ca-former.crl"];

/// The authorities of an agency that were announced or retired.
const AUTHORITIES: &str = "authorities";

/// The folder of one agency.
#[derive(Clone, Debug)]
pub(crate) struct TrustFolder {
    folder: PathBuf,
    drops: &'static [&'static str],
    is_kept: bool,
}

/// The newest list that ever was in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Floor {
    pub(super) number: CrlNumber,
    digest: Hash,
}

impl Floor {
    /// The floor that a list in force makes.
    pub(super) fn under(crl: &Crl) -> Self {
        Self { number: crl.number(), digest: *crl.digest() }
    }

    /// Whether a list is that one or a newer one.
    pub(super) fn permits(&self, crl: &Crl) -> bool {
        crl.number() > self.number || *self == Self::under(crl)
    }

    fn to_bytes(self) -> Vec<u8> {
        [&self.number.as_be_bytes()[..], self.digest.as_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, digest) = bytes.split_at_checked(CrlNumber::BYTES)?;
        Some(Self {
            number: CrlNumber::from_be_bytes(number)?,
            digest: Hash::from_bytes(digest.try_into().ok()?),
        })
    }
}

/// What is kept of the list of one authority.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptCrl {
    /// The list, not verified.
    pub(super) der: Option<Vec<u8>>,
    /// The newest that ever was in force.
    pub(super) floor: Option<Floor>,
    /// Whether there is something that cannot be read.
    pub(super) is_damaged: bool,
}

impl TrustFolder {
    /// The folder of a peer in the register of a home; it may be missing.
    pub(crate) fn of_peer(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), drops: &["crl.pem", "crl.der"], is_kept: true }
    }

    /// The folder of the own keys.
    pub(crate) fn of_own_keys(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), drops: &OWN_DROPS, is_kept: true }
    }

    /// The same for whoever only looks: nothing is written, since the folder may be another process's.
    pub(crate) fn only_read(self) -> Self {
        Self { is_kept: false, ..self }
    }

    /// What is kept of the list of an authority.
    pub(super) fn kept_crl(&self, id: &AuthorityId) -> KeptCrl {
        let der = read(&self.list_file(id));
        let floor = read(&self.floor_file(id)).and_then(|bytes| match bytes {
            None => Ok(None),
            Some(bytes) => Floor::from_bytes(&bytes).map(Some).ok_or(io::ErrorKind::InvalidData.into()),
        });
        let is_damaged = der.is_err() || floor.is_err();
        KeptCrl { der: der.unwrap_or_default(), floor: floor.unwrap_or_default(), is_damaged }
    }

    /// Keeps a list and its floor; durable when this returns. The list comes first: whichever is there after a crash,
    /// the list is not below its floor.
    pub(super) fn keep_crl(&self, id: &AuthorityId, crl: &Crl) -> Result<(), ReplaceError> {
        if !self.is_kept {
            return Ok(());
        }
        replace(&self.list_file(id), crl.der(), OPEN_MODE)?;
        sync_folder(&self.folder)?;
        replace(&self.floor_file(id), &Floor::under(crl).to_bytes(), OPEN_MODE)?;
        sync_folder(&self.folder)
    }

    /// The lists that a person has put there: each file with what is in it.
    pub(super) fn dropped(&self) -> Vec<(PathBuf, io::Result<Vec<u8>>)> {
        let files = self.drops.iter().map(|name| self.folder.join(name));
        files.filter_map(|file| read(&file).transpose().map(|read| (file, read))).collect()
    }

    /// The authorities that were announced, and those that were retired.
    pub(super) fn authorities(&self) -> Result<(Vec<AuthorityId>, Vec<AuthorityId>), TrustError> {
        let damaged = || TrustError::Folder { path: self.folder.join(AUTHORITIES) };
        let text = read(&self.folder.join(AUTHORITIES)).map_err(|_| damaged())?.unwrap_or_default();
        let text = std::str::from_utf8(&text).map_err(|_| damaged())?;
        let (mut announced, mut retired) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let (word, id) = line.split_once(' ').ok_or_else(damaged)?;
            let id = id.parse().map_err(|_| damaged())?;
            match word {
                "announced" => announced.push(id),
                "retired" => retired.push(id),
                _ => return Err(damaged()),
            }
        }
        Ok((announced, retired))
    }

    /// Keeps which authorities were announced and retired; durable when this returns.
    pub(super) fn keep_authorities(
        &self,
        announced: &[AuthorityId],
        retired: &[AuthorityId],
    ) -> Result<(), TrustError> {
        if retired.len() > RETIRED_MAX {
            return Err(TrustError::RetiredCount);
        }
        if !self.is_kept {
            return Ok(());
        }
        let lines = |word, ids: &[AuthorityId]| -> Vec<String> {
            ids.iter().map(|id| format!("{word} {id}\n")).collect()
        };
        let text = [lines("announced", announced), lines("retired", retired)].concat().concat();
        replace(&self.folder.join(AUTHORITIES), text.as_bytes(), OPEN_MODE)?;
        Ok(sync_folder(&self.folder)?)
    }

    /// The certificate that is kept of an authority.
    pub(super) fn certificate(&self, id: &AuthorityId) -> Result<Option<PeerAuthority>, TrustError> {
        let path = self.certificate_file(id);
        let Some(der) = read(&path).map_err(|_| TrustError::Folder { path: path.clone() })? else {
            return Ok(None);
        };
        let authority = PeerAuthority::from_der(&der)?;
        if authority.id() == *id { Ok(Some(authority)) } else { Err(TrustError::Folder { path }) }
    }

    /// Keeps the certificate of an authority; durable with the next sync of the folder.
    pub(super) fn keep_certificate(&self, authority: &PeerAuthority) -> Result<(), ReplaceError> {
        if !self.is_kept {
            return Ok(());
        }
        replace(&self.certificate_file(&authority.id()), authority.der(), OPEN_MODE)
    }

    /// Takes the certificate of a retired authority away; that it is gone already is no failure.
    pub(super) fn forget_certificate(&self, id: &AuthorityId) {
        if self.is_kept {
            std::fs::remove_file(self.certificate_file(id)).unwrap_or_default();
        }
    }

    fn certificate_file(&self, id: &AuthorityId) -> PathBuf {
        self.folder.join(format!("ca-{id}.der"))
    }

    fn list_file(&self, id: &AuthorityId) -> PathBuf {
        self.folder.join(format!("crl-{id}.der"))
    }

    fn floor_file(&self, id: &AuthorityId) -> PathBuf {
        self.folder.join(format!("crl-{id}.floor"))
    }
}

/// Reads a file; `None` if there is none. Something that is no plain file, or too large, is an error.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // Looked at before it is opened: to open a pipe would wait for its other end.
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !found.is_file() || found.len() > FILE_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

const _: () = assert!(CRL_BYTES_MAX * 3 * 3 / 2 < 512 << 10, "three lists as PEM fit into a file");
