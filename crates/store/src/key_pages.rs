//! Pages of the keyring on their way to the medium, and the root file that names them.
//!
//! Not here: what is on a page, and which of its two places is the next (`keyring`).

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;

use crate::medium::Medium;
use crate::{StoreError, files};

/// Sealed pages with their offsets in a page file.
#[derive(Debug)]
pub(crate) struct KeyPages {
    /// None where there is nothing to be written.
    pub(crate) file: Option<Arc<File>>,
    pub(crate) path: PathBuf,
    pub(crate) medium: Medium,
    pub(crate) sealed: Vec<(u64, Vec<u8>)>,
    /// The root file that takes the place of the one before once the pages are durable, and its content, where page keys
    /// change.
    pub(crate) root: Option<(PathBuf, Vec<u8>)>,
}

impl KeyPages {
    /// Writes them, and then what names them; returns only when both are durable. A page that the root names was whole
    /// on the medium once, so that a missing one is damage and never a crash.
    pub(crate) fn write(&self) -> Result<(), StoreError> {
        self.write_pages()?;
        match &self.root {
            Some((path, bytes)) => files::replace(&self.medium, path, bytes),
            None => Ok(()),
        }
    }

    fn write_pages(&self) -> Result<(), StoreError> {
        let Some(file) = &self.file else { return Ok(()) };
        for (offset, sealed) in &self.sealed {
            let written = file.write_all_at(sealed, *offset);
            written.map_err(|source| StoreError::File {
                action: "write",
                path: self.path.clone(),
                source,
            })?;
        }
        self.medium.sync(&self.path, || file.sync_data())
    }

    /// Writes them while something else is made, which nobody may rely on before they are durable.
    pub(crate) fn write_while<T>(&self, make: impl FnOnce() -> T) -> (Result<(), StoreError>, T) {
        std::thread::scope(|scope| {
            let writing = Builder::new().name("key-pages".to_owned()).spawn_scoped(scope, || self.write());
            let made = make();
            let written = match writing.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(written)) => written,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                // The system gives no thread.
                Err(_) => self.write(),
            };
            (written, made)
        })
    }
}
