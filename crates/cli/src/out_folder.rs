//! A folder that is written whole or not at all.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use comity_node::{NodeError, move_into_place, place_of_new_folder};
use tempfile::TempDir;

use crate::answer::Refusal;
use crate::interruption::Heard;

/// Files on their way to a folder: written beside it, moved there when complete.
#[derive(Debug)]
pub(crate) struct OutFolder {
    folder: PathBuf,
    /// Removed with all that is in it, unless it is finished.
    building: TempDir,
    newest: Option<PathBuf>,
    files: u64,
    /// The permissions of its files.
    mode: u32,
    heard: Heard,
}

impl OutFolder {
    /// Begins a folder that is missing or empty, outside of the home that it is written from.
    ///
    /// # Errors
    /// `not_empty` if something is in it, `place` if it cannot be put there, `file`.
    pub(crate) fn begin(home: &Path, folder: &Path, heard: Heard) -> Result<Self, Refusal> {
        Self::begin_for(home, folder, heard, [0o777, 0o666])
    }

    /// Begins a folder that its owner alone may look into.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) fn begin_private(home: &Path, folder: &Path, heard: Heard) -> Result<Self, Refusal> {
        Self::begin_for(home, folder, heard, [0o700, 0o600])
    }

    fn begin_for(
        home: &Path,
        folder: &Path,
        heard: Heard,
        [of_folder, mode]: [u32; 2],
    ) -> Result<Self, Refusal> {
        let failed = |source| NodeError::File { action: "write", path: folder.to_owned(), source };
        let place = place_of_new_folder(folder).map_err(|error| match error {
            error @ (NodeError::NotEmpty { .. } | NodeError::Place { .. }) => {
                let Refusal { code, message, .. } = error.into();
                Refusal::new(code, format!("--out: {message}"))
            }
            error => error.into(),
        })?;
        if is_within(&place, home).map_err(failed)? {
            let (folder, home) = (folder.display(), home.display());
            let message = format!(
                "--out: {folder} is in the home {home}, where only the node writes; name a folder outside of it"
            );
            return Err(Refusal::new("place", message));
        }
        let name = place.file_name().and_then(|name| name.to_str()).unwrap_or("out");
        let parent = place.parent().unwrap_or(&place);
        std::fs::create_dir_all(parent).map_err(failed)?;
        // A name that nobody has used: what an earlier run left behind is never taken in.
        let building = tempfile::Builder::new()
            .prefix(&format!(".{name}.part-"))
            .permissions(Permissions::from_mode(of_folder))
            .tempdir_in(parent)
            .map_err(failed)?;
        Ok(Self { folder: place, building, newest: None, files: 0, mode, heard })
    }

    /// Writes one file at a relative path, or the next piece of the file written last.
    ///
    /// # Errors
    /// [`NodeError::File`]; [`NodeError::Interrupted`] once a signal came.
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), NodeError> {
        self.go_on()?;
        let path = self.building.path().join(path);
        let further = self.newest.as_ref() == Some(&path);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let mut options = File::options();
        // A file that comes a second time, not in one go, is refused: it would be a mix of two.
        if further {
            options.append(true)
        } else {
            options.write(true).create_new(true).mode(self.mode)
        };
        let written = made.and_then(|()| options.open(&path)?.write_all(bytes));
        written.map_err(|source| NodeError::File { action: "write", path: path.clone(), source })?;
        if !further {
            self.files += 1;
            self.newest = Some(path);
        }
        Ok(())
    }

    /// Drops all that was written: what comes is written from the beginning.
    ///
    /// # Errors
    /// [`NodeError::File`]; [`NodeError::Interrupted`] once a signal came.
    pub(crate) fn start_over(&mut self) -> Result<(), NodeError> {
        self.go_on()?;
        let failed =
            |source| NodeError::File { action: "empty", path: self.building.path().to_owned(), source };
        for entry in std::fs::read_dir(self.building.path()).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_folder = entry.file_type().map_err(failed)?.is_dir();
            let path = entry.path();
            let gone = if is_folder { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
            gone.map_err(failed)?;
        }
        (self.newest, self.files) = (None, 0);
        Ok(())
    }

    /// Files written so far.
    pub(crate) fn count(&self) -> u64 {
        self.files
    }

    fn go_on(&self) -> Result<(), NodeError> {
        if self.heard.is_ended() { Err(NodeError::Interrupted) } else { Ok(()) }
    }

    /// Puts all that was written on stable storage.
    ///
    /// # Errors
    /// [`NodeError::File`]; nothing may be acknowledged then.
    pub(crate) fn sync(&self) -> Result<(), NodeError> {
        let folder = self.building.path();
        synced(folder).map_err(|source| NodeError::File { action: "sync", path: folder.to_owned(), source })
    }

    /// Moves the folder into its place.
    ///
    /// # Errors
    /// As [`move_into_place`]; [`NodeError::Interrupted`] once a signal came.
    pub(crate) fn finish(self) -> Result<(), NodeError> {
        self.go_on()?;
        move_into_place(self.building.path(), &self.folder)?;
        let _moved = self.building.keep();
        Ok(())
    }
}

fn synced(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            synced(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all()
}

/// Whether a path, of which the last parts may be missing, leads into a folder.
pub(crate) fn is_within(path: &Path, folder: &Path) -> std::io::Result<bool> {
    let folder = folder.canonicalize()?;
    let there = path.ancestors().find_map(|part| part.canonicalize().ok());
    Ok(there.is_some_and(|there| there.starts_with(folder)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn what_another_run_is_building_or_left_behind_is_never_merged_in() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("out");
        let home = tempfile::tempdir().unwrap();
        let begin = || OutFolder::begin(home.path(), &out, Heard::default()).unwrap();
        let (mut first, mut second) = (begin(), begin());
        first.file("first", b"1").unwrap();
        second.file("second", b"2").unwrap();
        first.finish().unwrap();
        assert!(second.finish().is_err(), "a folder that was filled meanwhile is not replaced");
        let names = |folder: &Path| -> Vec<_> {
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(names(&out), ["first"]);
        assert_eq!(names(parent.path()), ["out"], "what was not finished is removed");
    }
}
