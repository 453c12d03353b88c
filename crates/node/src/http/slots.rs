//! How many connections are open at a time, and which of them makes room for a newcomer.
//!
//! Whoever only holds a connection open has to go when all places are taken: a thousand idle connections keep nobody
//! out. Not here: what is said over a connection (`listener`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Connections at a time: a few monitors with several each, and a proxy that keeps a pool. Each may hold its buffer
/// and one answer, some 130 KB, or a page of TAXII of some 300 KB, so that all of them hold no more than a few
/// exports do.
const CONNECTIONS_MAX: usize = 128;
/// Connections that were told to make room and still have their socket: they end when their task runs next, and this
/// is how far a burst may be ahead of that.
const LEAVING_MAX: usize = 32;

/// The connections of a listener.
#[derive(Debug, Default)]
pub(super) struct Slots(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    /// Counts up with each connection, and whenever one begins to wait.
    turns: u64,
    open: BTreeMap<u64, Open>,
    refused: u64,
}

#[derive(Debug)]
struct Open {
    /// Since which turn it waits for a request; nothing while one is answered.
    waits_since: Option<u64>,
    leave: CancellationToken,
}

/// How full a listener is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occupied {
    /// Connections that are open.
    pub(super) open: usize,
    /// Connections that were closed at once, as all others were being answered.
    pub(super) refused: u64,
}

impl Slots {
    /// A place for a connection. If all are taken, the one that has waited longest for a request is told to go; `None`
    /// if none waits.
    pub(super) fn take(self: &Arc<Self>) -> Option<Slot> {
        let mut books = self.lock();
        let staying = || books.open.values().filter(|open| !open.leave.is_cancelled());
        let full = staying().count() >= CONNECTIONS_MAX;
        let longest = staying().filter(|open| open.waits_since.is_some()).min_by_key(|open| open.waits_since);
        let leaving = longest.map(|open| open.leave.clone()).filter(|_| full);
        if (full && leaving.is_none()) || books.open.len() >= CONNECTIONS_MAX.saturating_add(LEAVING_MAX) {
            books.refused = books.refused.saturating_add(1);
            return None;
        }
        if let Some(leaving) = leaving {
            leaving.cancel();
        }
        let number = books.next_turn();
        let leave = CancellationToken::new();
        books.open.insert(number, Open { waits_since: Some(number), leave: leave.clone() });
        Some(Slot { slots: Arc::clone(self), number, leave })
    }

    pub(super) fn occupied(&self) -> Occupied {
        let books = self.lock();
        Occupied { open: books.open.len(), refused: books.refused }
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        // Every change of the books is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn next_turn(&mut self) -> u64 {
        self.turns = self.turns.wrapping_add(1);
        self.turns
    }
}

/// The place of one connection; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    number: u64,
    leave: CancellationToken,
}

impl Slot {
    /// Cancelled when the connection has to make room.
    pub(super) fn leave(&self) -> &CancellationToken {
        &self.leave
    }

    /// Says that a request is being answered, until what is given back is dropped.
    pub(super) fn answering(self: &Arc<Self>) -> Answering {
        self.set(|_| None);
        Answering(Arc::clone(self))
    }

    fn set(&self, waits: impl FnOnce(&mut Books) -> Option<u64>) {
        let mut books = self.slots.lock();
        let waits_since = waits(&mut books);
        if let Some(open) = books.open.get_mut(&self.number) {
            open.waits_since = waits_since;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.lock().open.remove(&self.number);
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Answering(Arc<Slot>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.set(|books| Some(books.next_turn()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(slots: &Arc<Slots>) -> Vec<Arc<Slot>> {
        (0..CONNECTIONS_MAX).map(|_| Arc::new(slots.take().unwrap())).collect()
    }

    #[test]
    fn who_has_waited_longest_makes_room() {
        let slots = Arc::new(Slots::default());
        let mut open = fill(&slots);
        // The first asks, and waits again from now on; the second is being answered.
        drop(open[0].answering());
        let _answering = open[1].answering();
        let newcomer = slots.take().unwrap();
        let told: Vec<usize> =
            (0..CONNECTIONS_MAX).filter(|place| open[*place].leave().is_cancelled()).collect();
        assert_eq!(told, [2]);
        assert!(!newcomer.leave().is_cancelled());
        open.remove(2);
        assert_eq!(slots.occupied(), Occupied { open: CONNECTIONS_MAX, refused: 0 });
    }

    #[test]
    fn nobody_who_is_being_answered_makes_room() {
        let slots = Arc::new(Slots::default());
        let open = fill(&slots);
        let answering: Vec<Answering> = open.iter().map(Slot::answering).collect();
        assert!(slots.take().is_none());
        assert_eq!(slots.occupied().refused, 1);
        drop(answering);
        assert!(slots.take().is_some());
    }

    #[test]
    fn a_burst_holds_no_more_than_the_bound() {
        let slots = Arc::new(Slots::default());
        let held: Vec<Option<Slot>> = (0..1_000).map(|_| slots.take()).collect();
        assert_eq!(slots.occupied().open, CONNECTIONS_MAX + LEAVING_MAX);
        drop(held);
        assert_eq!(slots.occupied().open, 0);
    }
}
