//! Replacing a small file: all of it or nothing, and on stable storage when that is said.
//!
//! Not here: what is written (whoever calls), and files of the database (`store`).

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use comity_store::StoreError;

use crate::NodeError;

/// Permissions of a file that is no secret; the folders of a home are closed to others in any case.
pub(crate) const OPEN_MODE: u32 = 0o644;
/// Permissions of a key.
pub(crate) const SECRET_MODE: u32 = 0o600;

/// Writes a file in a fresh place beside its own, syncs it and moves it there; after a crash either of the two is there
/// whole. The folder is not synced.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ReplaceError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| ReplaceError::Write { action, path, source }
    };
    let fresh = path.with_extension("fresh");
    // A leftover of a crash may have other permissions than this one is to have.
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove", &fresh)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&fresh)
        .map_err(failed("create", &fresh))?;
    file.write_all(bytes).map_err(failed("write", &fresh))?;
    file.sync_all().map_err(|source| ReplaceError::Sync { path: fresh.clone(), source })?;
    std::fs::rename(&fresh, path).map_err(failed("rename to", path))
}

/// Makes what was created, renamed or removed in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), ReplaceError> {
    let synced = File::open(folder).and_then(|file| file.sync_all());
    synced.map_err(|source| ReplaceError::Sync { path: folder.to_owned(), source })
}

/// A file that was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The system refused.
    #[error("cannot {action} {path}", path = path.display())]
    Write {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Stable storage did not confirm it: nothing more may be acknowledged by this process.
    #[error("{path} was not confirmed to be on stable storage", path = path.display())]
    Sync {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ReplaceError {
    /// Whether stable storage did not confirm it.
    pub fn is_unsynced(&self) -> bool {
        matches!(self, Self::Sync { .. })
    }
}

impl From<ReplaceError> for NodeError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Write { action, path, source } => Self::File { action, path, source },
            ReplaceError::Sync { path, source } => Self::Store(StoreError::Sync { path, source }),
        }
    }
}
