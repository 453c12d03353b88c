//! A flush that waits for a write which has failed is told so.
//!
//! sled 0.34 notes the error of a write that one of its own threads makes, but does not always wake whoever waits for
//! that write in `flush`, who then waits for ever. Whoever writes next finds the error noted, and wakes all. So while a
//! flush takes long, something is written. Not here: what a failed flush means (`medium`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::StoreError;

/// A flush that is under way at two looks takes long; one takes some milliseconds.
const LOOK: Duration = Duration::from_millis(250);
/// What is written: the key means nothing.
const KEY: &str = "flushing";

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
