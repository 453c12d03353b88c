//! A folder that is written whole or not at all.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use comity_node::NodeError;
use tempfile::TempDir;

use crate::answer::Refusal;

/// Files on their way to a folder: written beside it, moved there when complete.
#[derive(Debug)]
pub(crate) struct OutFolder {
    folder: PathBuf,
    /// Removed with all that is in it, unless it is finished.
    building: TempDir,
    newest: Option<PathBuf>,
    files: u64,
}

impl OutFolder {
    /// Begins a folder that is missing or empty.
    ///
    /// # Errors
    /// `not_empty` if something is in it, `file`.
    pub(crate) fn begin(folder: &Path) -> Result<Self, Refusal> {
        let failed = |source| NodeError::File { action: "write", path: folder.to_owned(), source };
        let has_something = match std::fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_some(),
            Err(_) => folder.exists(),
        };
        if has_something {
            let message = format!("{} is not empty; --out takes a new or empty folder", folder.display());
            return Err(Refusal::new("not_empty", message));
        }
        let whole = std::path::absolute(folder).map_err(failed)?;
        let name = whole.file_name().and_then(|name| name.to_str()).unwrap_or("out");
        let parent = whole.parent().unwrap_or(&whole);
        std::fs::create_dir_all(parent).map_err(failed)?;
        // A name that nobody has used: what an earlier run left behind is never taken in.
        let building = tempfile::Builder::new()
            .prefix(&format!(".{name}.part-"))
            .permissions(Permissions::from_mode(0o777))
            .tempdir_in(parent)
            .map_err(failed)?;
        Ok(Self { folder: whole, building, newest: None, files: 0 })
    }

    /// Writes one file at a relative path, or the next piece of the file written last.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), NodeError> {
        let path = self.building.path().join(path);
        let further = self.newest.as_ref() == Some(&path);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let mut options = File::options();
        // A file that comes a second time, not in one go, is refused: it would be a mix of two.
        if further {
            options.append(true)
        } else {
            options.write(true).create_new(true)
        };
        let written = made.and_then(|()| options.open(&path)?.write_all(bytes));
        written.map_err(|source| NodeError::File { action: "write", path: path.clone(), source })?;
        if !further {
            self.files += 1;
            self.newest = Some(path);
        }
        Ok(())
    }

    /// Files written so far.
    pub(crate) fn count(&self) -> u64 {
        self.files
    }

    /// Moves the folder into its place.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub(crate) fn finish(self) -> Result<(), NodeError> {
        let moved = std::fs::rename(self.building.path(), &self.folder);
        moved.map_err(|source| NodeError::File { action: "make", path: self.folder, source })?;
        let _moved = self.building.keep();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn what_another_run_is_building_or_left_behind_is_never_merged_in() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("out");
        let (mut first, mut second) = (OutFolder::begin(&out).unwrap(), OutFolder::begin(&out).unwrap());
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
