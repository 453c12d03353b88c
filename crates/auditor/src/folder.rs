//! Reading the files of a bundle: bounded, never outside its folder, and nothing but plain files.
//!
//! A bundle comes from somebody else: a link in it would lead to the auditor's own files, and a pipe or a
//! device would never end.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A folder that files are read from by relative path.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Reads a whole file of at most `limit` bytes; says in words why not.
    pub(crate) fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let path = self.below(folder).map_err(|error| error.to_string())?.join(name);
        // Looked at before it is opened: opening a pipe waits for a writer.
        let found = std::fs::symlink_metadata(&path).map_err(|error| error.to_string())?;
        if !found.is_file() {
            return Err("not a plain file".to_owned());
        }
        let file = File::open(&path).map_err(|error| error.to_string())?;
        match read_at_most(file, limit) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(format!("larger than {limit} bytes")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The names in a subfolder, sorted, at most `limit`; none if there is no such folder. Says in words why
    /// a folder that is there cannot be listed.
    pub(crate) fn names(&self, path: &str, limit: usize) -> Result<Vec<String>, String> {
        let folder = match self.below(path) {
            Ok(folder) => folder,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.to_string()),
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|error| error.to_string())? {
            let name = entry.map_err(|error| error.to_string())?.file_name();
            if names.len() == limit {
                return Err(format!("more than {limit} files"));
            }
            names.push(name.into_string().map_err(|_| "a file name is not text".to_owned())?);
        }
        names.sort();
        Ok(names)
    }

    /// A subfolder, each step to it a real folder.
    fn below(&self, path: &str) -> std::io::Result<PathBuf> {
        let mut whole = self.0.clone();
        for step in path.split('/').filter(|step| !step.is_empty()) {
            whole.push(step);
            if !std::fs::symlink_metadata(&whole)?.is_dir() {
                return Err(std::io::Error::new(ErrorKind::NotADirectory, "not a plain folder"));
            }
        }
        Ok(whole)
    }
}

/// Reads to the end, or gives `None` once there are more than `limit` bytes, whatever length was announced.
pub(crate) fn read_at_most(from: impl Read, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(u64::try_from(bytes.len()).is_ok_and(|len| len <= limit).then_some(bytes))
}
