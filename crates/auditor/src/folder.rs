//! Reading the files of a bundle: bounded, never outside its folder, and nothing but plain files.
//!
//! A bundle comes from somebody else: a link in it would lead to the auditor's own files, and a pipe or a
//! device would never end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A folder that files are read from by relative path.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Subfolders to which each step was looked at: files of one are read one after the other. There are no more
    /// than the audit reads files.
    seen: RefCell<BTreeMap<String, PathBuf>>,
}

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: RefCell::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything at all stands at a path; what it is shows when it is read.
    pub(crate) fn has(&self, path: &str) -> bool {
        std::fs::symlink_metadata(self.path.join(path)).is_ok()
    }

    /// Reads a whole file of at most `limit` bytes; says in words why not.
    pub(crate) fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, String> {
        let mut buffer = Vec::new();
        let len = self.read_over(path, limit, &mut buffer)?.len();
        buffer.truncate(len);
        Ok(buffer)
    }

    /// As [`Folder::read`], over what a buffer held before: of a log there are thousands of files of one size.
    pub(crate) fn read_over<'b>(
        &self,
        path: &str,
        limit: u64,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let path = self.below(folder).map_err(|error| error.to_string())?.join(name);
        // Looked at before it is opened: opening a pipe waits for a writer.
        let found = std::fs::symlink_metadata(&path).map_err(|error| error.to_string())?;
        if !found.is_file() {
            return Err("not a plain file".to_owned());
        }
        let too_large = || format!("larger than {limit} bytes");
        if found.len() > limit {
            return Err(too_large());
        }
        let file = File::open(&path).map_err(|error| error.to_string())?;
        // One byte more than it is to have, so that the end is seen; a file that grows meanwhile is read on.
        let room = usize::try_from(found.len()).map_err(|_| too_large())?.saturating_add(1);
        if buffer.len() < room {
            buffer.resize(room, 0);
        }
        match read_whole(file, limit, buffer) {
            Ok(Some(len)) => Ok(buffer.get(..len).unwrap_or_default()),
            Ok(None) => Err(too_large()),
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
        if let Some(whole) = self.seen.borrow().get(path) {
            return Ok(whole.clone());
        }
        let mut whole = self.path.clone();
        for step in path.split('/').filter(|step| !step.is_empty()) {
            whole.push(step);
            if !std::fs::symlink_metadata(&whole)?.is_dir() {
                return Err(std::io::Error::new(ErrorKind::NotADirectory, "not a plain folder"));
            }
        }
        self.seen.borrow_mut().insert(path.to_owned(), whole.clone());
        Ok(whole)
    }
}

/// Reads to the end, or gives `None` once there are more than `limit` bytes, whatever length was announced.
pub(crate) fn read_at_most(from: impl Read, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(u64::try_from(bytes.len()).is_ok_and(|len| len <= limit).then_some(bytes))
}

/// Reads to the end into a buffer that grows by half if need be; gives the number of bytes, or `None` once there are
/// more than `limit`.
fn read_whole(mut from: impl Read, limit: u64, buffer: &mut Vec<u8>) -> std::io::Result<Option<usize>> {
    let mut len = 0_usize;
    loop {
        if u64::try_from(len).is_ok_and(|len| len > limit) {
            return Ok(None);
        }
        if len == buffer.len() {
            let more = (len / 2).saturating_add(1);
            buffer.resize(len.saturating_add(more), 0);
        }
        match from.read(buffer.get_mut(len..).unwrap_or_default()) {
            Ok(0) => return Ok(Some(len)),
            Ok(count) => len = len.saturating_add(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_over_whatever_the_buffer_held() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        let mut buffer = vec![0xff; 64];
        for len in [0_usize, 1, 63, 64, 65, 100_000, 3] {
            let bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
            std::fs::write(dir.path().join("file"), &bytes).unwrap();
            let limit = u64::try_from(len).unwrap();
            assert_eq!(folder.read_over("file", limit, &mut buffer).unwrap(), bytes);
            assert_eq!(folder.read("file", limit).unwrap(), bytes);
            if len > 0 {
                assert!(folder.read("file", limit - 1).unwrap_err().contains("larger"));
            }
        }
    }

    /// What the system says of a file's length is not believed: those of `/proc` say 0.
    #[test]
    fn a_source_that_gives_more_than_was_announced_is_bounded() {
        let endless = || std::io::repeat(7);
        let mut buffer = Vec::new();
        assert_eq!(read_whole(endless().take(1_000), 1_000, &mut buffer).unwrap(), Some(1_000));
        assert_eq!(read_whole(endless(), 1_000, &mut buffer).unwrap(), None);
        assert!(buffer.len() <= 2_000, "{}", buffer.len());
        assert_eq!(read_at_most(endless().take(9), 9).unwrap().map(|bytes| bytes.len()), Some(9));
        assert_eq!(read_at_most(endless(), 9).unwrap(), None);
    }
}
