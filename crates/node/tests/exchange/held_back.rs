//! What an erasure that waits for an operator's word holds back goes to no peer, and to every peer once it is void.
//!
//! Not here: how an erasure comes to wait (`thief_erases`), and other doors (`tests/serve/held_back.rs`).

use comity_ledger::Origin;
use comity_store::HeldBack;
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
