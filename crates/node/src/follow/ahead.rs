//! What was read of a stream and waits to be kept: bounded in bytes, and taken as much at once as has arrived.
//!
//! The more is kept with one sync the less its waiting counts; but a relay passes on only what was kept, so that of
//! releases, each of which costs as much as several frames, fewer are taken.

use std::sync::Arc;

use comity_wire::FollowEvent;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Bytes that were read and are not kept yet, those being kept included, as they came; what is larger waits for the
/// connection to hold it back.
const BYTES_MAX: usize = 12 << 20;
/// The unit in which they are counted: of small messages, each counts for one.
const UNIT_BYTES: usize = 1 << 10;
/// Messages that wait.
const MESSAGES_MAX: usize = 128;
/// What is kept with one sync: so many frames, or half of that in releases.
const WORK_AT_ONCE_MAX: usize = 64;

/// The end at which what was read is put.
#[derive(Debug)]
pub(super) struct Ahead {
    sender: mpsc::Sender<(FollowEvent, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

/// The end at which it is taken.
#[derive(Debug)]
pub(super) struct Arriving(mpsc::Receiver<(FollowEvent, OwnedSemaphorePermit)>);

/// Reading ahead of one stream.
pub(super) fn read_ahead() -> (Ahead, Arriving) {
    let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
    let room = Arc::new(Semaphore::new(BYTES_MAX / UNIT_BYTES));
    (Ahead { sender, room }, Arriving(receiver))
}

impl Ahead {
    /// Puts a message as soon as there is room; false if nobody takes it any more.
    pub(super) async fn put(&self, event: FollowEvent) -> bool {
        // One larger than all the room goes alone.
        let units = (event.content_bytes() / UNIT_BYTES + 1).min(BYTES_MAX / UNIT_BYTES);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(units).await else { return false };
        self.sender.send((event, room)).await.is_ok()
    }
}

impl Arriving {
    /// Waits for the next messages; `None` when there are no more. Their room is given back by dropping it once they
    /// are kept.
    pub(super) async fn next(&mut self) -> Option<(Vec<FollowEvent>, OwnedSemaphorePermit)> {
        let (first, mut room) = self.0.recv().await?;
        let mut work = work_of(&first);
        let mut events = vec![first];
        while work < WORK_AT_ONCE_MAX {
            let Ok((event, more)) = self.0.try_recv() else { break };
            work += work_of(&event);
            events.push(event);
            room.merge(more);
        }
        Some((events, room))
    }
}

fn work_of(event: &FollowEvent) -> usize {
    match event {
        FollowEvent::Release(_) => 2,
        FollowEvent::Frame(_)
        | FollowEvent::Checkpoint(_)
        | FollowEvent::Heartbeat(_)
        | FollowEvent::FirstQuorum(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use comity_tlog::TreeSize;
    use comity_wire::{Heartbeat, ReleaseNumber};
    use tokio::time::timeout;

    use super::*;

    fn beat(number: u64) -> FollowEvent {
        let (size, next_release) = (TreeSize::ZERO, ReleaseNumber::new(number));
        FollowEvent::Heartbeat(Heartbeat { size, next_release, held_back: false })
    }

    #[tokio::test]
    async fn what_arrived_is_taken_in_its_order_and_not_all_at_once() {
        let (ahead, mut arriving) = read_ahead();
        for number in 0..100 {
            assert!(ahead.put(beat(number)).await);
        }
        let (first, room) = arriving.next().await.unwrap();
        let (second, _) = arriving.next().await.unwrap();
        assert_eq!((first.len(), second.len()), (WORK_AT_ONCE_MAX, 100 - WORK_AT_ONCE_MAX));
        let all: Vec<_> = first.into_iter().chain(second).collect();
        assert_eq!(all, (0..100).map(beat).collect::<Vec<_>>());
        drop((ahead, room));
        assert!(arriving.next().await.is_none());
    }

    #[tokio::test]
    async fn no_more_is_read_while_as_much_as_may_be_held_is_not_kept() {
        let (ahead, mut arriving) = read_ahead();
        let room = ahead.room.available_permits();
        assert!(ahead.put(beat(0)).await && ahead.put(beat(1)).await);
        assert_eq!(ahead.room.available_permits(), room - 2);
        let (taken, held) = arriving.next().await.unwrap();
        assert_eq!((taken.len(), ahead.room.available_permits()), (2, room - 2), "taken, and not kept yet");
        let rest =
            Arc::clone(&ahead.room).acquire_many_owned(u32::try_from(room - 2).unwrap()).await.unwrap();
        assert!(timeout(Duration::from_millis(50), ahead.put(beat(2))).await.is_err());
        drop(held);
        assert!(ahead.put(beat(3)).await);
        drop((rest, arriving));
        assert!(!ahead.put(beat(4)).await, "nobody takes it");
    }
}
