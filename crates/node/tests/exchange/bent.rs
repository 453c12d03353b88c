//! A thief with the log key of an author who bent the log before the last good checkpoint: what followers hold of that is
//! set aside, once the author's root key says what the log is, and the author's is fetched in its place.
//!
//! Not here: a thief whose entries all come after the last good checkpoint (`thief`).

use comity_ledger::{Frame, KeyRole, Origin};
use comity_tlog::{ConsistencyProof, TreeSize};
use comity_wire::v1;

use crate::played::{Played, recorded};
use crate::successors::succeed_at;
use crate::support::{free, until};
use crate::thief::Stolen;

/// Goal: a follower that took a log for the author's which the thief had bent before the last good checkpoint comes to the
/// author's, and keeps what it held. Way: the author goes on while B believes the thief; the successor names a tree of which
/// B holds another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_a_thief_bent_before_its_end_is_set_aside_and_fetched_as_the_author_signed_it() {
    let place = tempfile::tempdir().unwrap();
    let mut all = Stolen::new(place.path(), &[]).await;
    let void = all.fool(9).await;
    all.at_a.append(free(&all.a, 2, "by the author"));
    let end = all.at_a.rotate(&all.a, KeyRole::Log);
    let Stolen { a, at_a, .. } = all;
    at_a.stop().await;
    let next = succeed_at(&a, Some(end));
    let mut at_a = a.start().await;
    let head = at_a.append(free(&a, 3, "goes on"));
    let all = Stolen { a, at_a, good: end, ..all };
    all.at_b.add(&all.a, Some(all.at_a.address), None);
    all.comes_to_its_end(&next, head, 7).await;
    let aside: Origin = "aaa.example/aside/1".parse().unwrap();
    assert_eq!(all.at_b.node.store().held(&aside).unwrap(), void, "nothing is dropped");
    for at in [all.at_a, all.at_b] {
        at.stop().await;
    }
}

/// Goal: a replica is never set aside by one follower while the next of the same log is at work. Way: B sets aside what a
/// thief bent, of which there is much, and is told another address of A amid that: once nobody follows A at the old address,
/// all of it is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_is_ended_while_it_sets_a_replica_aside_ends_after_that() {
    let place = tempfile::tempdir().unwrap();
    let mut all = Stolen::new(place.path(), &[]).await;
    let mut at_twin = all.twin.start().await;
    let void = at_twin.append(free(&all.twin, 1500, "by the thief"));
    all.at_b.add(&all.a, Some(at_twin.address), None);
    all.at_b.reaches(&all.a.origin, void).await;
    // Of each record, and none of the genesis.
    let sections = 4 * (usize::try_from(void.size.value()).unwrap() - 1);
    until(|| all.at_b.sections(&all.a.origin) == sections).await;
    at_twin.stop().await;
    all.at_a.append(free(&all.a, 2, "by the author"));
    let end = all.at_a.rotate(&all.a, KeyRole::Log);
    let Stolen { a, at_a, at_b, .. } = all;
    at_a.stop().await;
    let next = succeed_at(&a, Some(end));
    let at_a = a.start().await;
    at_b.add(&a, Some(at_a.address), None);
    let (store, aside) = (at_b.node.store(), "aaa.example/aside/1".parse::<Origin>().unwrap());
    until(|| store.role(&aside).unwrap().is_some()).await;
    // Nobody listens there.
    at_b.add(&a, Some((std::net::Ipv4Addr::LOCALHOST, 9).into()), None);
    until(|| !at_b.state(&a).connected).await;
    assert!(store.pinned_key(&next).unwrap().is_some(), "the follower was said to have ended amid its work");
    assert_eq!(at_b.sections(&aside), sections, "nothing is dropped");
    for at in [at_a, at_b] {
        at.stop().await;
    }
}

/// Goal: so it is also where the thief's tree is shorter than the last good one, of which nobody can say that it is not the
/// log's until more of that comes. What convicts the author then is evidence alone: its key signed both within the log. Way:
/// B takes a few entries of the thief, and the author goes on far beyond them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thiefs_shorter_tree_is_set_aside_when_the_authors_does_not_go_on_from_it() {
    let place = tempfile::tempdir().unwrap();
    let mut all = Stolen::new(place.path(), &[]).await;
    let void = all.fool(2).await;
    all.at_a.append(free(&all.a, 20, "by the author"));
    let end = all.at_a.rotate(&all.a, KeyRole::Log);
    let Stolen { a, at_a, .. } = all;
    at_a.stop().await;
    let next = succeed_at(&a, Some(end));
    let mut at_a = a.start().await;
    let head = at_a.append(free(&a, 3, "goes on"));
    let all = Stolen { a, at_a, good: end, ..all };
    all.at_b.add(&all.a, Some(all.at_a.address), None);
    all.holds_its_end(&next, head, 25).await;
    let aside: Origin = "aaa.example/aside/1".parse().unwrap();
    let store = all.at_b.node.store();
    assert_eq!(store.held(&aside).unwrap(), void, "nothing is dropped");
    assert_eq!(store.times_set_aside(&all.a.origin).unwrap(), 1);
    assert_eq!(all.at_b.state(&all.a).last_error, None);
    let is_convicted = !store.evidence_files().unwrap().is_empty();
    assert!(is_convicted || !all.at_b.node.is_in_doubt(&all.a.origin));
    for at in [all.at_a, all.at_b] {
        at.stop().await;
    }
}

/// Goal: whoever says over and over that what is held is not the log has it set aside twice, and then no more. Way: a
/// double with the author's certificate gives the thief's entries to whoever holds none of them, and then the author's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_bent_over_and_over_is_set_aside_twice_and_no_more() {
    let place = tempfile::tempdir().unwrap();
    let mut all = Stolen::new(place.path(), &[]).await;
    let mut at_twin = all.twin.start().await;
    let void = at_twin.append(free(&all.twin, 2, "by the thief"));
    let bent = recorded(&all.twin, &all.b, &at_twin, 0).await;
    at_twin.stop().await;
    let end = all.at_a.append(free(&all.a, 20, "by the author"));
    let checkpoint = recorded(&all.a, &all.b, &all.at_a, 0).await.swap_remove(0);
    let entries = all.at_a.node.store().shared_entries(&all.a.origin, void.size, end.size).unwrap();
    let frame = Frame::new(void.size, entries, ConsistencyProof::new(Vec::new()).unwrap()).unwrap();
    let straight: Vec<v1::FollowResponse> = vec![checkpoint, (&frame).into()];
    let Stolen { a, at_a, .. } = all;
    at_a.stop().await;
    let next = succeed_at(&a, Some(end));
    let at_a = a.start().await;
    let genesis = at_a.node.store().entries(&next, TreeSize::ZERO, TreeSize::new(1).unwrap()).unwrap();
    let all = Stolen { a, at_a, ..all };
    let played = Played::by(&all.a, &all.b).await;
    played.begins(genesis[0].clone());
    let (store, of) = (all.at_b.node.store(), &all.a.origin);
    // The last good entries are held, and the thief's come behind them.
    for start in [TreeSize::ZERO, all.good.size] {
        played.say_from(start, vec![bent[0].clone(), without(&bent[1], start)]);
    }
    played.say_from(void.size, straight);
    all.at_b.add(&all.a, Some(played.address), None);
    until(|| store.times_set_aside(of).unwrap() == 2 && store.held(of).unwrap() == void).await;
    assert!(store.pinned_key(&next).unwrap().is_some());
    let calls = played.calls();
    until(|| played.calls() >= calls + 4).await;
    assert_eq!((store.times_set_aside(of).unwrap(), store.held(of).unwrap()), (2, void));
    assert!(all.at_b.node.is_in_doubt(of));
    for at in [all.at_a, all.at_b] {
        at.stop().await;
    }
}

/// A frame that begins a log, without the entries before `start`.
fn without(said: &v1::FollowResponse, start: TreeSize) -> v1::FollowResponse {
    let Some(v1::follow_response::Event::Frame(mut frame)) = said.event.clone() else { panic!("no frame") };
    frame.entries.drain(..usize::try_from(start.value()).unwrap());
    frame.start = start.value();
    v1::FollowResponse { event: Some(v1::follow_response::Event::Frame(frame)) }
}
