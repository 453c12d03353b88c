//! Whether all that can be read of replicas is durable.
//!
//! Sections are put among those that are there, and can be read from then on, but only a sync makes them durable. Whoever
//! shows what was read makes sure of one first. Not here: the sync itself (`db`).

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what was put. At the beginning there may be what a killed process put and did not make durable.
#[derive(Debug)]
pub(crate) struct Writes {
    begun: AtomicU64,
    ended: AtomicU64,
    /// How many are durable: a number that was begun and had ended at the beginning of a sync.
    durable: AtomicU64,
}

impl Default for Writes {
    fn default() -> Self {
        Self { begun: AtomicU64::new(1), ended: AtomicU64::new(1), durable: AtomicU64::new(0) }
    }
}

impl Writes {
    /// Puts something.
    pub(crate) fn during<T>(&self, put: impl FnOnce() -> T) -> T {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let done = put();
        self.ended.fetch_add(1, Ordering::SeqCst);
        done
    }

    /// Makes durable what was put by now.
    pub(crate) fn synced<E>(&self, sync: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        // In this order: if as many have ended as begun later, none is under way.
        let ended = self.ended.load(Ordering::SeqCst);
        let begun = self.begun.load(Ordering::SeqCst);
        sync()?;
        if ended == begun {
            self.durable.fetch_max(begun, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Whether there is nothing that can be read and may be lost.
    pub(crate) fn are_durable(&self) -> bool {
        self.durable.load(Ordering::SeqCst) == self.begun.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::convert::Infallible;

    use super::*;

    #[test]
    fn what_is_put_while_a_sync_runs_is_not_taken_for_durable() {
        let writes = Writes::default();
        let sync = || writes.synced(|| Ok::<(), Infallible>(()));
        assert!(!writes.are_durable(), "whatever was there before");
        sync().unwrap();
        assert!(writes.are_durable());
        writes.during(|| assert!(!writes.are_durable()));
        assert!(!writes.are_durable());
        sync().unwrap();
        assert!(writes.are_durable());
        let amid = || {
            writes.during(|| ());
            Ok::<(), Infallible>(())
        };
        writes.synced(amid).unwrap();
        assert!(!writes.are_durable(), "put after the sync had begun");
        writes.during(|| sync().unwrap());
        assert!(!writes.are_durable(), "the sync began amid a put");
        sync().unwrap();
        assert!(writes.are_durable());
        assert_eq!(writes.synced(|| Err("the medium failed")), Err("the medium failed"));
        writes.during(|| ());
        assert_eq!(writes.synced(|| Err("the medium failed")), Err("the medium failed"));
        assert!(!writes.are_durable());
    }
}
