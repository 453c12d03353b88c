//! A folder that is built beside its place and moved there when complete: where that can be, and the move.
//!
//! The move is a rename, which replaces an empty folder but nothing else: what it cannot replace is told before the
//! work begins. Not here: what is written into the folder.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::NodeError;

const LINK: &str = "it is a link; name the folder that it leads to, or a new one";
const FILE: &str = "it is there and no folder; name a new one";
const MOUNT: &str = "it is a mount point, which cannot be replaced; name a new folder in it";
const CURRENT: &str = "it is the current folder, which would be replaced; call this from another one";

/// The absolute path of a folder that is new or empty, and that a finished folder can be moved to.
///
/// # Errors
/// [`NodeError::NotEmpty`], [`NodeError::Place`] with the reason, [`NodeError::File`] if it cannot be looked at.
pub fn place_of_new_folder(folder: &Path) -> Result<PathBuf, NodeError> {
    let failed = |source| NodeError::File { action: "look into", path: folder.to_owned(), source };
    let refuse = |reason| NodeError::Place { path: folder.to_owned(), reason };
    // Without a slash at the end, which would lead through a link.
    let place: PathBuf = std::path::absolute(folder).map_err(failed)?.components().collect();
    let found = match std::fs::symlink_metadata(&place) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(place),
        Err(error) => return Err(failed(error)),
    };
    if found.is_symlink() {
        return Err(refuse(LINK));
    }
    if !found.is_dir() {
        return Err(refuse(FILE));
    }
    if std::fs::read_dir(&place).map_err(failed)?.next().is_some() {
        return Err(NodeError::NotEmpty { path: folder.to_owned() });
    }
    let around = place.parent().map(std::fs::metadata).transpose().map_err(failed)?;
    if around.is_none_or(|around| around.dev() != found.dev()) {
        return Err(refuse(MOUNT));
    }
    let current = std::env::current_dir().and_then(std::fs::metadata).map_err(failed)?;
    if (current.dev(), current.ino()) == (found.dev(), found.ino()) {
        return Err(refuse(CURRENT));
    }
    Ok(place)
}

/// Moves a finished folder to its place; the move is on stable storage then, what is in the folder if whoever wrote it has
/// synced it. After an error nothing is there.
///
/// # Errors
/// [`NodeError::NotEmpty`] if the place was filled meanwhile, [`NodeError::Place`], [`NodeError::File`].
pub fn move_into_place(building: &Path, place: &Path) -> Result<(), NodeError> {
    let path = || place.to_owned();
    let failed = |source| NodeError::File { action: "make", path: path(), source };
    std::fs::rename(building, place).map_err(|error| match error.kind() {
        ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => NodeError::NotEmpty { path: path() },
        // A folder of the same medium mounted over itself looks like any other, and only the rename finds it.
        ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => {
            NodeError::Place { path: path(), reason: MOUNT }
        }
        _ => failed(error),
    })?;
    let synced = place.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all());
    // Whoever hears of the failure finds nothing there, as after any other.
    synced.map_err(|source| {
        drop(std::fs::remove_dir_all(place));
        failed(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_folder_replaces_nothing_but_an_empty_folder() {
        let around = tempfile::tempdir().unwrap();
        let at = |name: &str| around.path().join(name);
        for name in ["empty", "full", "inner", "full/of"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        std::fs::write(at("file"), "mine").unwrap();
        std::os::unix::fs::symlink(at("empty"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("dangling")).unwrap();
        for name in ["empty", "new", "empty/", "new/deeper"] {
            assert!(place_of_new_folder(&at(name)).is_ok(), "{name}");
        }
        for name in ["link", "link/", "dangling", "file"] {
            let refused = place_of_new_folder(&at(name)).unwrap_err();
            assert!(matches!(refused, NodeError::Place { .. }), "{name}: {refused:?}");
        }
        assert!(matches!(place_of_new_folder(&at("full")), Err(NodeError::NotEmpty { .. })));
        assert!(matches!(place_of_new_folder(&at("file/in")), Err(NodeError::File { .. })));
        assert!(matches!(move_into_place(&at("inner"), &at("full")), Err(NodeError::NotEmpty { .. })));
        move_into_place(&at("inner"), &at("empty")).unwrap();
    }
}
