//! The log that goes on from one that was closed, between nodes: who follows it, and from where.
//!
//! Not here: how a log comes to be closed (`rotation`), and whose key was stolen before (`thief`).

use std::path::Path;
use std::sync::atomic::Ordering;

use comity_ledger::{Entry, Genesis, Head, KeyRole, Origin};
use comity_node::{Home, SystemEntropy, now, succeed};
use comity_tlog::{Checkpoint, EntryIndex, Hash, TreeSize};

use crate::claims::SECTIONS;
use crate::played::{Played, recorded, recorded_from};
use crate::rotation::holder;
use crate::support::{Agency, Running, free, until};

/// Makes the successor of a log, while no node runs on the home; gives its origin.
pub(crate) fn succeed_at(a: &Agency, last_good: Option<Head>) -> Origin {
    let home = Home::find(&a.folder).unwrap();
    let (open, holder) = (home.open().unwrap(), holder(a));
    let closed = open.store().keys(&home.origin()).unwrap().closed();
    let last_good = closed.or(last_good).unwrap();
    succeed(&open, &holder, last_good, now(), &mut SystemEntropy::new()).unwrap().origin
}

/// A, and B that follows its log.
async fn followed(place: &Path) -> (Agency, Agency, Running, Running) {
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place, name));
    let (at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    (a, b, at_a, at_b)
}

/// Goal: who followed a log that was closed follows its successor, without being told by a person; so does one that
/// comes later, through a relay too. Way: closed by a revocation, and by the successor alone where no key is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_successor_of_a_closed_log_is_followed_by_all() {
    for by_revocation in [true, false] {
        let place = tempfile::tempdir().unwrap();
        let [a, b, c, d] = ["aaa", "bbb", "ccc", "ddd"].map(|name| Agency::new(place.path(), name));
        let (mut at_a, at_b) = (a.start().await, b.start().await);
        for other in [&b, &c, &d] {
            at_a.add(other, None, None);
        }
        at_b.add(&d, None, None);
        at_b.add(&a, Some(at_a.address), None);
        let good = at_a.rotate(&a, KeyRole::Log);
        let end = if by_revocation {
            at_a.append(free(&a, 2, "whose"));
            let (stolen, list) = (at_a.log_keys().remove(0), at_a.key_list(Some(good.size)));
            at_a.enter(&holder(&a).revoke(&stolen, &list, list.checkpoint.unwrap()).unwrap())
        } else {
            at_a.append(free(&a, 2, "whose"))
        };
        at_b.reaches(&a.origin, end).await;
        at_a.stop().await;
        if !by_revocation {
            for name in ["log.key", "log-next.key"] {
                std::fs::remove_file(a.folder.join("keys").join(name)).unwrap();
            }
        }
        let next = succeed_at(&a, Some(good));
        assert_eq!(next.as_str(), "aaa.example/pub/2");
        let mut at_a = a.start().await;
        let head = at_a.append(free(&a, 3, "goes on"));
        assert_eq!(at_a.node.home().origin(), next);
        let (at_c, at_d) = (c.start().await, d.start().await);
        // B as it was, C with the new card, and D through B.
        at_b.add(&a, Some(at_a.address), None);
        at_c.add(&a, Some(at_a.address), None);
        at_d.add(&b, Some(at_b.address), None);
        at_d.add(&a, None, Some(&b));
        for at in [&at_b, &at_c, &at_d] {
            at.reaches(&next, head).await;
            assert_eq!(at.node.store().keys(&a.origin).unwrap().closed(), Some(good), "{by_revocation}");
            assert!(!at.node.is_in_doubt(&next) && !at.node.is_in_doubt(&a.origin));
        }
        // It goes on as every other log, and its keys follow each other too.
        at_a.rotate(&a, KeyRole::Log);
        let later = at_a.append(free(&a, 1, "later"));
        at_d.reaches(&next, later).await;
        for at in [at_a, at_b, at_c, at_d] {
            at.stop().await;
        }
    }
}

/// Goal: a log that was closed twice is followed to the newest by whoever knew the first alone, by a newcomer, and through a
/// relay, and all that was released of each comes to all of them. Way: B is away for the second; C and D come after the third
/// was begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_closed_twice_is_followed_to_the_newest_and_held_whole() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c, d] = ["aaa", "bbb", "ccc", "ddd"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    for other in [&b, &c, &d] {
        at_a.add(other, None, None);
    }
    at_b.add(&d, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let mut head = at_a.append(free(&a, 3, "first"));
    at_b.reaches(&a.origin, head).await;
    at_b.stop().await;
    let mut origins = vec![a.origin.clone()];
    for (count, text) in [(2, "second"), (1, "third")] {
        at_a.stop().await;
        origins.push(succeed_at(&a, Some(head)));
        at_a = a.start().await;
        head = at_a.append(free(&a, count, text));
    }
    assert_eq!(origins[2].as_str(), "aaa.example/pub/3");
    let (at_b, at_c, at_d) = (b.start().await, c.start().await, d.start().await);
    at_b.add(&a, Some(at_a.address), None);
    at_c.add(&a, Some(at_a.address), None);
    at_d.add(&b, Some(at_b.address), None);
    at_d.add(&a, None, Some(&b));
    for at in [&at_b, &at_c, &at_d] {
        at.reaches(&origins[2], head).await;
        let all_came = |origin| at.node.store().has_all_come(origin).unwrap();
        until(|| all_came(&origins[0]) && all_came(&origins[1])).await;
        until(|| at.sections(&origins[2]) == SECTIONS).await;
        assert_eq!(
            [&origins[0], &origins[1]].map(|origin| at.sections(origin)),
            [3 * SECTIONS, 2 * SECTIONS]
        );
        assert!(origins.iter().all(|origin| !at.node.is_in_doubt(origin)));
    }
    for at in [at_a, at_b, at_c, at_d] {
        at.stop().await;
    }
}

/// Goal: an author that signed another tree at the very end of its log is convicted, also by whoever holds entries beyond
/// that end, and compares nothing else any more. Way: B holds such entries and knows the successor; A's node shows a second
/// tree of the last good size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tree_at_the_end_of_a_closed_log_convicts_its_author() {
    let place = tempfile::tempdir().unwrap();
    let (a, b, mut at_a, at_b) = followed(place.path()).await;
    let good = at_a.append(free(&a, 3, "good"));
    at_b.reaches(&a.origin, good).await;
    let end = at_a.append(free(&a, 2, "whose"));
    at_b.reaches(&a.origin, end).await;
    at_b.stop().await;
    at_a.stop().await;
    let key = a.key("log");
    let (_, at_a, at_b) = goes_on(&a, &b, Some(good)).await;
    let played = Played::by(&a, &b).await;
    played.stays.store(true, Ordering::SeqCst);
    let other = Checkpoint::new(a.origin.as_str(), good.size, Hash::leaf(b"other")).unwrap();
    played.say_of(&a.origin, vec![(&other.sign(&key).unwrap()).into()]);
    at_b.add(&a, Some(played.address), None);
    until(|| at_b.has_alarm("fork") && at_b.node.is_in_doubt(&a.origin)).await;
    until(|| at_b.node.store().evidence_files().unwrap().len() == 1).await;
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: who has begun the successor before the rest of the closed log came still gets that, though what comes beyond it is
/// signed by a key in force. Way: the log is closed by a revocation while B is away, and B begins the successor first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_a_closed_log_comes_after_its_successor_was_begun() {
    let place = tempfile::tempdir().unwrap();
    let (a, b, mut at_a, at_b) = followed(place.path()).await;
    let early = at_a.append(free(&a, 1, "early"));
    at_b.reaches(&a.origin, early).await;
    at_b.stop().await;
    at_a.rotate(&a, KeyRole::Log);
    let good = at_a.append(free(&a, 3, "good"));
    at_a.append(free(&a, 2, "whose"));
    let (stolen, list) = (at_a.log_keys().remove(0), at_a.key_list(Some(good.size)));
    at_a.enter(&holder(&a).revoke(&stolen, &list, list.checkpoint.unwrap()).unwrap());
    at_a.stop().await;
    let (next, at_a, at_b) = goes_on(&a, &b, None).await;
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, good).await;
    at_b.reaches(&next, at_a.head(&next).unwrap()).await;
    until(|| at_b.node.store().has_all_come(&a.origin).unwrap()).await;
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: who was away while the log keys followed each other twice, and then the log was closed, comes to its end though
/// nothing but its successor goes on: it is shown checkpoints that it can verify. Way: closed by a revocation, and by the
/// successor alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_two_rotations_before_the_end_of_a_closed_log_comes_through_them() {
    for by_revocation in [true, false] {
        let place = tempfile::tempdir().unwrap();
        let (a, b, mut at_a, at_b) = followed(place.path()).await;
        let early = at_a.append(free(&a, 1, "early"));
        at_b.reaches(&a.origin, early).await;
        at_b.stop().await;
        for _ in 0..2 {
            at_a.rotate(&a, KeyRole::Log);
            at_a.retire_oldest(&a);
        }
        let good = at_a.rotate(&a, KeyRole::Log);
        at_a.append(free(&a, 2, "whose"));
        if by_revocation {
            let (stolen, list) = (at_a.log_keys().remove(0), at_a.key_list(Some(good.size)));
            at_a.enter(&holder(&a).revoke(&stolen, &list, list.checkpoint.unwrap()).unwrap());
        }
        at_a.stop().await;
        let next = succeed_at(&a, Some(good));
        let mut at_a = a.start().await;
        let head = at_a.append(free(&a, 2, "goes on"));
        let at_b = b.start().await;
        at_b.add(&a, Some(at_a.address), None);
        at_b.reaches(&next, head).await;
        until(|| at_b.node.store().has_all_come(&a.origin).unwrap()).await;
        assert!(at_b.node.store().held(&a.origin).unwrap().size >= good.size, "{by_revocation}");
        assert!(!at_b.node.is_in_doubt(&a.origin), "{by_revocation}");
        at_a.stop().await;
        at_b.stop().await;
    }
}

/// Ends A's log and begins its successor, which B knows before it has all of that log.
async fn goes_on(a: &Agency, b: &Agency, last_good: Option<Head>) -> (Origin, Running, Running) {
    let next = succeed_at(a, last_good);
    let at_a = a.start().await;
    let at_b = knows_successor(b, &at_a, &next).await;
    (next, at_a, at_b)
}

/// Has B know the successor of A's log before it has all of that log, as whoever heard of it from others does.
async fn knows_successor(b: &Agency, at_a: &Running, next: &Origin) -> Running {
    let first = EntryIndex::ZERO.size_through();
    let genesis = at_a.node.store().entries(next, TreeSize::ZERO, first).unwrap().remove(0);
    let named = Genesis::from_entry(&Entry::parse(&genesis).unwrap()).unwrap();
    let at_b = b.start().await;
    at_b.node.store().begin_successor(next, &named.log_key(next).unwrap(), &genesis).unwrap();
    at_b
}

/// Goal: what was released of a log before its end still comes to whoever holds entries beyond the end. Way: B has the
/// entries from somebody who releases nothing, and then begins the successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_released_before_the_end_comes_though_more_is_held_than_belongs_to_the_log() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let good = at_a.append(free(&a, 3, "good"));
    let end = at_a.append(free(&a, 2, "whose"));
    let (played, at_b) = (Played::by(&a, &b).await, b.start().await);
    played.stays.store(true, Ordering::SeqCst);
    played.say(recorded(&a, &b, &at_a, 0).await);
    at_b.add(&a, Some(played.address), None);
    at_b.reaches(&a.origin, end).await;
    assert_eq!(at_b.sections(&a.origin), 0);
    at_b.stop().await;
    at_a.stop().await;
    let (next, at_a, at_b) = goes_on(&a, &b, Some(good)).await;
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&next, at_a.head(&next).unwrap()).await;
    until(|| at_b.node.store().has_all_come(&a.origin).unwrap()).await;
    assert!(at_b.sections(&a.origin) >= 3 * 4, "{}", at_b.sections(&a.origin));
    assert_eq!(at_b.node.store().held(&a.origin).unwrap().size, end.size);
    assert!(!at_b.node.is_in_doubt(&a.origin));
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: what is missing of a closed log is asked for again while its successor is followed over a stream that never ends.
/// Way: somebody with A's certificate is busy for the closed log until B follows the successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_a_closed_log_is_asked_for_while_the_stream_of_its_successor_is_open() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let early = at_a.append(free(&a, 1, "early"));
    let begun = recorded(&a, &b, &at_a, 0).await;
    let good = at_a.append(free(&a, 3, "good"));
    let rest = recorded_from(&a, &b, &at_a, (&a.origin, early.size), 0).await;
    let (played, at_b) = (Played::by(&a, &b).await, b.start().await);
    for flag in [&played.stays, &played.beats] {
        flag.store(true, Ordering::SeqCst);
    }
    played.say(begun);
    at_b.add(&a, Some(played.address), None);
    at_b.reaches(&a.origin, early).await;
    at_b.stop().await;
    at_a.stop().await;
    let next = succeed_at(&a, Some(good));
    let at_a = a.start().await;
    played.say_of(&a.origin, Vec::new());
    played.say_of(&next, recorded_from(&a, &b, &at_a, (&next, TreeSize::ZERO), 0).await);
    let at_b = knows_successor(&b, &at_a, &next).await;
    at_b.add(&a, Some(played.address), None);
    at_b.reaches(&next, at_a.head(&next).unwrap()).await;
    played.say_of(&a.origin, rest);
    at_b.reaches(&a.origin, good).await;
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: a successor goes on from the tree that the revocation names, and from no other. Way: one that the root key has
/// signed for an earlier tree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_that_goes_on_from_another_tree_is_not_followed() {
    let place = tempfile::tempdir().unwrap();
    let (a, _, mut at_a, at_b) = followed(place.path()).await;
    let early = at_a.append(free(&a, 1, "early"));
    let good = at_a.rotate(&a, KeyRole::Log);
    at_a.append(free(&a, 2, "whose"));
    let (stolen, list) = (at_a.log_keys().remove(0), at_a.key_list(Some(good.size)));
    let end = at_a.enter(&holder(&a).revoke(&stolen, &list, list.checkpoint.unwrap()).unwrap());
    at_b.reaches(&a.origin, end).await;
    at_a.stop().await;
    let home = Home::find(&a.folder).unwrap();
    let made = succeed(&home.open().unwrap(), &holder(&a), early, now(), &mut SystemEntropy::new());
    made.unwrap();
    let at_a = a.start().await;
    at_b.add(&a, Some(at_a.address), None);
    at_b.fails(&a, "does not go on from the closed log").await;
    let next: Origin = "aaa.example/pub/2".parse().unwrap();
    assert_eq!(at_b.head(&next), None);
    assert_eq!(at_b.node.store().pinned_key(&next).unwrap(), None);
    at_a.stop().await;
    at_b.stop().await;
}
