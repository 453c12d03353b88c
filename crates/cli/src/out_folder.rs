//! A folder that is written whole or not at all.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use comity_node::NodeError;

/// Files on their way to a folder: written beside it, moved there when complete.
#[derive(Debug)]
pub(crate) struct OutFolder {
    folder: PathBuf,
    building: PathBuf,
    newest: Option<PathBuf>,
    files: u64,
}

impl OutFolder {
    /// Begins a folder that is missing or empty.
    ///
    /// # Errors
    /// [`NodeError::NotEmpty`] if something is in it, [`NodeError::File`].
    pub(crate) fn begin(folder: &Path) -> Result<Self, NodeError> {
        let failed = |source| NodeError::File { action: "write", path: folder.to_owned(), source };
        let has_something = match std::fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_some(),
            Err(_) => folder.exists(),
        };
        if has_something {
            return Err(NodeError::NotEmpty { path: folder.to_owned() });
        }
        let whole = std::path::absolute(folder).map_err(failed)?;
        let name = whole.file_name().and_then(|name| name.to_str()).unwrap_or("out");
        let building = whole.with_file_name(format!(".{name}.part-{}", std::process::id()));
        std::fs::create_dir_all(&building).map_err(failed)?;
        Ok(Self { folder: whole, building, newest: None, files: 0 })
    }

    /// Writes one file at a relative path, or the next piece of the file written last.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), NodeError> {
        let path = self.building.join(path);
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
        std::fs::rename(&self.building, &self.folder).map_err(|source| NodeError::File {
            action: "make",
            path: self.folder.clone(),
            source,
        })
    }
}

impl Drop for OutFolder {
    /// What was not finished is removed; after `finish` there is nothing left to remove.
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.building).unwrap_or_default();
    }
}
