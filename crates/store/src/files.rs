//! Small files that must survive a power cut: written to a fresh place, synced, renamed, folder synced.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::StoreError;
use crate::medium::Medium;

/// Replaces a file so that after a crash either the old or the new content stands, whole.
///
/// The file is readable by its owner alone.
///
/// # Errors
/// [`StoreError::File`], or [`StoreError::Sync`] if the medium did not confirm.
pub(crate) fn replace(medium: &Medium, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let fresh = path.with_extension("fresh");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(|source| StoreError::File { action: "create", path: fresh.clone(), source })?;
    file.write_all(bytes).map_err(|source| StoreError::File {
        action: "write",
        path: fresh.clone(),
        source,
    })?;
    medium.sync(&fresh, || file.sync_all())?;
    std::fs::rename(&fresh, path).map_err(|source| StoreError::File {
        action: "rename to",
        path: path.to_owned(),
        source,
    })?;
    sync_folder_of(medium, path)
}

/// Syncs the folder that holds a file, so that its name survives a power cut.
///
/// # Errors
/// [`StoreError::Sync`].
pub(crate) fn sync_folder_of(medium: &Medium, path: &Path) -> Result<(), StoreError> {
    path.parent().map_or(Ok(()), |folder| sync_folder(medium, folder))
}

/// Syncs the folder of a file that was found there: whoever put it in its place may have been killed before its name
/// was durable. On a medium that nobody can write to nothing waits to be synced.
///
/// # Errors
/// [`StoreError::Sync`].
pub(crate) fn sync_name_of(medium: &Medium, path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    medium.sync(folder, || match File::open(folder)?.sync_all() {
        Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => Ok(()),
        synced => synced,
    })
}

/// Syncs a folder.
///
/// # Errors
/// [`StoreError::Sync`].
pub(crate) fn sync_folder(medium: &Medium, folder: &Path) -> Result<(), StoreError> {
    medium.sync(folder, || File::open(folder)?.sync_all())
}

/// Reads a whole small file; `None` if there is none.
///
/// # Errors
/// [`StoreError::File`], also for one over `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::File { action: "open", path: path.to_owned(), source }),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|source| StoreError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= limit) {
        Ok(Some(bytes))
    } else {
        let source = std::io::Error::other("larger than such a file can be");
        Err(StoreError::File { action: "read", path: path.to_owned(), source })
    }
}
