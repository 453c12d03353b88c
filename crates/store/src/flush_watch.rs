//! A flush that waits for a write which has failed is told so.
//!
//! sled 0.34 notes the error of a write that one of its own threads makes, but does not always wake whoever waits for
//! that write in `flush`, who then waits for ever. Whoever writes next finds the error noted, and wakes all. So while a
//! flush takes long, something is written. sled lets nobody write while a batch waits for a flush to end, so that batches
//! wait here instead. Not here: what a failed flush means (`medium`).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::StoreError;

/// A flush that is under way at two looks takes long; one takes some milliseconds.
const LOOK: Duration = Duration::from_millis(250);
/// What is written: the key means nothing.
const KEY: &str = "flushing";

/// Held by each flush, and by each batch alone; for the whole process, as the lock of sled is.
static BATCHES: RwLock<()> = RwLock::new(());

/// Writes a batch or a transaction of sled, while no flush is under way.
pub(crate) fn batch<T>(write: impl FnOnce() -> T) -> T {
    let _alone = BATCHES.write().unwrap_or_else(PoisonError::into_inner);
    write()
}

#[derive(Debug)]
pub(crate) struct FlushWatch {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    under_way: AtomicUsize,
    ended: AtomicBool,
}

impl FlushWatch {
    /// Begins to watch; `tree` is written to.
    pub(crate) fn start(tree: sled::Tree) -> Result<Self, StoreError> {
        let state = Arc::new(State::default());
        let watched = Arc::clone(&state);
        let run = move || {
            let mut was_under_way = false;
            while !watched.ended.load(Ordering::SeqCst) {
                std::thread::park_timeout(LOOK);
                let is_under_way = watched.under_way.load(Ordering::SeqCst) > 0;
                if was_under_way && is_under_way {
                    // Its failure is that of the flush, who reports it.
                    tree.insert(KEY, &[]).map(drop).unwrap_or_default();
                }
                was_under_way = is_under_way;
            }
        };
        let thread = std::thread::Builder::new().name("flush-watch".to_owned()).spawn(run);
        let thread = thread.map_err(|source| StoreError::DatabaseIo { source })?;
        Ok(Self { state, thread: Some(thread) })
    }

    /// Flushes under watch.
    pub(crate) fn flush(&self, sled: &sled::Db) -> std::io::Result<()> {
        let _no_batch = BATCHES.read().unwrap_or_else(PoisonError::into_inner);
        self.state.under_way.fetch_add(1, Ordering::SeqCst);
        let flushed = sled.flush();
        self.state.under_way.fetch_sub(1, Ordering::SeqCst);
        flushed.map(drop).map_err(std::io::Error::from)
    }
}

impl Drop for FlushWatch {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // Until it has ended it holds the database open; as the last that does, it closes it. sled syncs once more
            // then, and panics if that fails, here where it harms nobody: all that was confirmed was synced before.
            thread.join().unwrap_or_default();
        }
    }
}
