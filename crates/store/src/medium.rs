//! Whether stable storage may still be believed: after one failed sync nothing is confirmed in this process any more.
//!
//! The system tells of a lost write once, and a second sync of the same file would succeed without it. Not here: what
//! is synced and when (`db`, `files`, `keyring`), and how the process ends (`comity-node`).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::StoreError;

/// What all parts of a store know about the medium they lie on; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Medium {
    failed: Arc<AtomicBool>,
}

impl Medium {
    /// Syncs once, and never again after a failure, whoever asks.
    ///
    /// # Errors
    /// [`StoreError::Sync`].
    pub(crate) fn sync(
        &self,
        path: &Path,
        sync: impl FnOnce() -> std::io::Result<()>,
    ) -> Result<(), StoreError> {
        self.check(path)?;
        sync().map_err(|source| {
            self.give_up();
            StoreError::Sync { path: path.to_owned(), source }
        })?;
        // One that failed beside this one may have been about the same bytes.
        self.check(path)
    }

    /// Whether something may be written yet that a sync is to confirm.
    ///
    /// # Errors
    /// [`StoreError::Sync`] after a failed one.
    pub(crate) fn check(&self, path: &Path) -> Result<(), StoreError> {
        if !self.has_failed() {
            return Ok(());
        }
        Err(StoreError::Sync {
            path: path.to_owned(),
            source: std::io::Error::other("an earlier sync failed"),
        })
    }

    /// Nothing is confirmed from now on.
    pub(crate) fn give_up(&self) {
        self.failed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failed_sync_no_other_is_tried() {
        let (medium, path) = (Medium::default(), Path::new("db"));
        medium.sync(path, || Ok(())).unwrap();
        let failed = medium.clone().sync(path, || Err(std::io::Error::other("gone")));
        assert!(matches!(failed, Err(StoreError::Sync { .. })));
        let mut tried = false;
        let again = medium.sync(path, || {
            tried = true;
            Ok(())
        });
        assert!(matches!(again, Err(StoreError::Sync { .. })) && !tried && medium.has_failed());
    }
}
