//! What an erasure that waits for an operator's word holds back goes to no peer, and to every peer once it is void.
//!
//! Not here: how an erasure comes to wait (`thief_erases`), and other doors (`tests/serve/held_back.rs`).

use comity_ledger::{Origin, Slot};
use comity_store::{Booking, Disclosed, HeldBack, ReleaseCursor};
use comity_tlog::EntryIndex;
use comity_wire::v1;

use crate::claims::SECTIONS;
use crate::recovery::{Served, add_at_rest, head_of};
use crate::successors::succeed_at;
use crate::support::{Agency, free, until};
use crate::thief_erases::{alarm, announced_by_a_thief};

fn at(index: u64) -> EntryIndex {
    EntryIndex::new(index).unwrap()
}

fn entries(origin: &Origin, indexes: &[u64]) -> HeldBack {
    indexes.iter().map(|index| (origin.clone(), at(*index))).collect()
}

/// Goal: while a thief's erasures wait nothing of the records is released to a peer that comes by, and all else is; once
/// they are void the peer gets all. Way: C follows A that has taken the thief's erasures back, and A's log is ended before
/// them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_waiting_erasure_holds_back_goes_to_peers_once_it_is_void() {
    let place = tempfile::tempdir().unwrap();
    let (a, at_b, good, void) = announced_by_a_thief(place.path()).await;
    let at_a = Served::start(&a).await;
    until(|| head_of(at_a.node.store(), &a) == void).await;
    at_a.is_healed_to(&a, void).await;
    until(|| alarm(&at_a).is_some()).await;
    at_a.stop().await;
    let c = Agency::new(place.path(), "ccc");
    let at_c = c.start().await;
    add_at_rest(&a, &c, at_c.address).await;
    let at_a = Served::start(&a).await;
    assert!(alarm(&at_a).is_some());
    at_c.add(&a, Some(at_a.address), None);
    at_c.reaches(&a.origin, void).await;
    let store = std::sync::Arc::clone(at_a.node.store());
    let looked_at = || store.release_cursor(&c.id, &a.origin).unwrap().scanned >= void.size.value();
    until(looked_at).await;
    let records: Vec<EntryIndex> = (1..=5).map(at).collect();
    assert_eq!(store.postponed_releases(&c.id, &a.origin, 0, 99).unwrap(), records);
    assert_eq!(at_c.sections(&a.origin), 0);
    drop(store);
    at_a.stop().await;
    succeed_at(&a, Some(good));
    let at_a = Served::start(&a).await;
    at_c.add(&a, Some(at_a.address), None);
    until(|| at_c.sections(&a.origin) == 5 * SECTIONS).await;
    assert_eq!(at_a.node.store().postponed_releases(&c.id, &a.origin, 0, 99).unwrap(), []);
    at_a.stop().await;
    at_b.stop().await;
    at_c.stop().await;
}

/// The next sections of a stream of releases, as index and whether they came with content.
async fn next_of(stream: &mut tonic::Streaming<v1::FollowResponse>, count: usize) -> Vec<(u64, u64, bool)> {
    use v1::follow_response::Event;
    let mut released = Vec::new();
    while released.len() < count {
        let message = stream.message().await.unwrap().unwrap();
        if let Some(Event::Release(release)) = message.event {
            released.extend(release.openings.into_iter().map(|opening| {
                let is_given = matches!(opening.content, Some(v1::opening::Content::Padded(_)));
                (opening.release_number, opening.index, is_given)
            }));
        }
    }
    released
}

/// Goal: a number that was given before an erasure came to wait is sent empty, and what it was of comes under a later
/// number when the erasure is void, in the same stream; what is released behind it is not held up. Way: B asks from the
/// first number on, before, while and after entry 2 is held back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_of_what_is_held_back_is_sent_empty_and_its_content_later() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    at_a.append(free(&a, 3, "record"));
    let mut client = crate::attacks::greeted(&b, &a, at_a.address).await;
    let request = || v1::FollowRequest { origin: a.origin.to_string(), ..Default::default() };
    let (all, one) = (3 * SECTIONS, SECTIONS);
    let mut stream = client.follow(request()).await.unwrap().into_inner();
    let first = next_of(&mut stream, all).await;
    assert!(first.iter().all(|(_, _, is_given)| *is_given));
    drop(stream);

    assert!(at_a.node.store().hold_back(entries(&a.origin, &[2])));
    let mut stream = client.follow(request()).await.unwrap().into_inner();
    let again = next_of(&mut stream, all).await;
    assert!(again.iter().all(|(_, index, is_given)| *is_given == (*index != 2)), "{again:?}");
    at_a.append(free(&a, 1, "later"));
    let later = next_of(&mut stream, one).await;
    assert!(later.iter().all(|(_, index, is_given)| *is_given && *index == 4), "{later:?}");

    assert!(at_a.node.store().hold_back(HeldBack::default()));
    at_a.node.tell_news();
    let freed = next_of(&mut stream, one).await;
    assert!(freed.iter().all(|(_, index, is_given)| *is_given && *index == 2), "{freed:?}");
    let numbers: Vec<u64> = first.iter().chain(&later).chain(&freed).map(|(number, _, _)| *number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert_eq!(at_a.node.store().postponed_releases(&b.id, &a.origin, 0, 9).unwrap(), []);
    drop((stream, client));
    at_a.stop().await;
}

/// Goal: of a closed log everything comes that was released of it, though numbers before it were given to entries beyond the
/// end, and of those nothing comes. Way: what A booked for B last is of an earlier entry, as of one that was held back; then
/// A's log is ended before the entry that was booked first, and B comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_of_entries_beyond_the_end_of_a_log_hold_up_none_of_the_others() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let good = at_a.append(free(&a, 3, "good"));
    let void = at_a.append(free(&a, 2, "void"));
    let held = at_a.openings(&a.origin).remove(2);
    let slots: Vec<Slot> =
        (0..).zip(&held).filter(|(_, held)| held.is_some()).map(|(slot, _)| Slot::new(slot)).collect();
    let of = |index: u64| slots.iter().map(|slot| Disclosed { index: at(index), slot: *slot }).collect();
    let (batches, scanned) = (&[of(5), of(2)], void.size.value());
    let booking = Booking { batches, scanned, ..Booking::default() };
    at_a.node.store().assign_releases(&b.id, &a.origin, ReleaseCursor::default(), &booking).unwrap();
    at_a.stop().await;
    succeed_at(&a, Some(good));
    let (at_a, at_b) = (Served::start(&a).await, b.start().await);
    at_b.add(&a, Some(at_a.address), None);
    until(|| at_b.node.store().has_all_come(&a.origin).unwrap()).await;
    let opened = at_b.openings(&a.origin).iter().map(|of| of.iter().flatten().count()).collect::<Vec<_>>();
    assert_eq!(opened, [0, 0, SECTIONS, 0]);
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: a relay passes on what came to it of the entries that count, though others from beyond the end came before. Way: the
/// first entries of A's log are held back while the later ones go to B; A's log is ended before these, and C follows it
/// through B.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_passes_on_what_came_after_entries_beyond_the_end_of_a_log() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let good = at_a.append(free(&a, 3, "good"));
    assert!(at_a.node.store().hold_back(entries(&a.origin, &[1, 2, 3])));
    let at_b = b.start().await;
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, good).await;
    at_a.append(free(&a, 2, "void"));
    until(|| at_b.sections(&a.origin) == 2 * SECTIONS).await;
    assert!(at_a.node.store().hold_back(HeldBack::default()));
    at_a.node.tell_news();
    until(|| at_b.sections(&a.origin) == 5 * SECTIONS).await;
    at_a.stop().await;
    succeed_at(&a, Some(good));
    let (at_a, at_c) = (Served::start(&a).await, c.start().await);
    at_b.add(&a, Some(at_a.address), None);
    at_b.add(&c, None, None);
    let successor = a.origin.successor().unwrap();
    until(|| at_b.head(&successor).is_some()).await;
    at_c.add(&b, Some(at_b.address), None);
    at_c.add(&a, None, Some(&b));
    until(|| at_c.node.store().has_all_come(&a.origin).unwrap()).await;
    assert_eq!((at_c.head(&a.origin), at_c.sections(&a.origin)), (Some(good), 3 * SECTIONS));
    at_a.stop().await;
    at_b.stop().await;
    at_c.stop().await;
}

/// Goal: what is held back of a closed log comes once it is void, though its follower is at the successor by then. Way: an
/// erasure of entry 2 waits at A, whose log is ended; B comes, and goes on to the successor; then the erasure is void.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_back_of_a_closed_log_comes_later_beside_its_successor() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let good = at_a.append(free(&a, 3, "good"));
    at_a.stop().await;
    succeed_at(&a, Some(good));
    let (at_a, at_b) = (Served::start(&a).await, b.start().await);
    let successor = a.origin.successor().unwrap();
    until(|| at_a.node.store().newest_note(&successor).unwrap().is_some()).await;
    assert!(at_a.node.store().hold_back(entries(&a.origin, &[2])));
    at_b.add(&a, Some(at_a.address), None);
    until(|| at_b.head(&successor).is_some() && at_b.sections(&a.origin) == 2 * SECTIONS).await;
    // Longer than a stream takes to say that it has nothing more.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(!at_b.node.store().has_all_come(&a.origin).unwrap());
    assert!(at_a.node.store().hold_back(HeldBack::default()));
    at_a.node.tell_news();
    until(|| at_b.node.store().has_all_come(&a.origin).unwrap()).await;
    assert_eq!(at_b.sections(&a.origin), 3 * SECTIONS);
    at_a.stop().await;
    at_b.stop().await;
}
