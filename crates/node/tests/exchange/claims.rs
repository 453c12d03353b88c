//! What following and relaying do.

use std::sync::Arc;
use std::time::Duration;

use comity_ledger::{Generation, HeadDigest, HeadNews, OriginDigest, Slot};
use comity_tlog::{ConsistencyProof, verify_consistency};
use comity_wire::{ConsistencyQuery, Digests, ErrorCode, Heads, v1};

use crate::attacks::{PeerClient, greeted};
use crate::support::{Agency, closed, copy, free, until};

/// Sections sent of a record of `support`: handling, audience, core, identifiers.
pub(crate) const SECTIONS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_reaches_a_follower_and_through_it_another_but_for_what_may_not_go_onward() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    at_a.add(&b, Some(at_b.address), None);
    at_b.add(&a, Some(at_a.address), None);
    at_b.add(&c, Some(at_c.address), None);
    at_c.add(&b, Some(at_b.address), None);
    at_c.add(&a, None, Some(&b));
    let mut drafts = free(&a, 300, "official");
    drafts.insert(7, closed(&a, "own designation"));
    let head = at_a.append(drafts);
    at_b.reaches(&a.origin, head).await;
    at_c.reaches(&a.origin, head).await;
    // Of the own designation the audience is not told either: it may go to nobody.
    until(|| at_b.sections(&a.origin) == 300 * SECTIONS + 3).await;
    until(|| at_c.sections(&a.origin) == 300 * SECTIONS).await;
    let (authored, at_follower, at_relayed) =
        (at_a.openings(&a.origin), at_b.openings(&a.origin), at_c.openings(&a.origin));
    for (index, openings) in at_follower.iter().enumerate() {
        for (slot, opening) in
            openings.iter().enumerate().filter_map(|(slot, held)| Some((slot, held.as_ref()?)))
        {
            assert_eq!(Some(opening), authored[index][slot].as_ref(), "entry {index}, slot {slot}");
        }
        let onward = index != 8;
        let expected = openings.iter().map(|held| held.clone().filter(|_| onward)).collect::<Vec<_>>();
        assert_eq!(at_relayed[index], expected, "entry {index}");
    }
    assert!(at_follower[8][usize::from(Slot::CORE.number())].is_some(), "the follower holds it");
    // The live tail: no stream begins anew.
    let head = at_a.append(free(&a, 1, "later"));
    at_c.reaches(&a.origin, head).await;
    until(|| at_c.sections(&a.origin) == 301 * SECTIONS).await;
    for running in [at_a, at_b, at_c] {
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_goes_on_after_a_restart_at_the_next_entry_and_the_next_release() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let head = at_a.append(free(&a, 20, "first"));
    at_b.reaches(&a.origin, head).await;
    until(|| at_b.sections(&a.origin) == 20 * SECTIONS).await;
    let next = || at_a.node.store().release_cursor(&b.id, &a.origin).unwrap().next;
    assert_eq!(next(), 80);
    at_b.stop().await;
    let before = at_a.append(free(&a, 5, "while it was away"));
    let at_b = b.start().await;
    assert_eq!(at_b.node.store().next_release(&a.id, &a.origin).unwrap(), 80);
    at_b.reaches(&a.origin, before).await;
    until(|| at_b.sections(&a.origin) == 25 * SECTIONS).await;
    let cursor = at_a.node.store().release_cursor(&b.id, &a.origin).unwrap();
    assert_eq!(cursor.next, 100, "nothing was released twice");
    assert_eq!(at_b.node.store().next_release(&a.id, &a.origin).unwrap(), 100);
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: a follower that lost its store gets everything again, under the same numbers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_with_an_older_store_is_sent_the_same_releases_again() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let saved = place.path().join("saved");
    copy(&b.folder, &saved);
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let head = at_a.append(free(&a, 300, "record"));
    at_b.reaches(&a.origin, head).await;
    until(|| at_b.sections(&a.origin) == 300 * SECTIONS).await;
    at_b.stop().await;
    std::fs::remove_dir_all(&b.folder).unwrap();
    copy(&saved, &b.folder);
    let at_b = b.start().await;
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, head).await;
    until(|| at_b.sections(&a.origin) == 300 * SECTIONS).await;
    assert_eq!(at_a.node.store().release_cursor(&b.id, &a.origin).unwrap().next, 1_200);
    at_a.stop().await;
    at_b.stop().await;
}

/// One exchange of heads.
pub(crate) async fn exchange(client: &mut PeerClient, said: Heads) -> Heads {
    let request = v1::ExchangeHeadsRequest::from(&said.checked().unwrap());
    Heads::try_from(client.exchange_heads(request).await.unwrap().into_inner()).unwrap()
}

/// Goal: heads and proofs are answered of what is served, and of nothing else. Way: the answers are verified with
/// the log's own key and against the tree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_and_consistency_proofs_verify() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let small = at_a.append(free(&a, 2, "first"));
    let large = at_a.append(free(&a, 300, "second"));
    let mut client = greeted(&b, &a, at_a.address).await;
    let name = OriginDigest::of(&a.origin);
    let digest = loop {
        let heads = exchange(&mut client, Heads::default()).await;
        assert!(heads.updates.is_empty(), "nobody is told of logs that it did not name");
        match heads.digests {
            Digests::Now(digests) if digests.iter().any(|digest| digest.head == large) => {
                break digests[0];
            }
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert_eq!(digest.origin, name);
    let stated = HeadDigest { head: small, generation: Generation::new(1), ..digest };
    let heads = Heads { digests: Digests::Now(vec![stated]), ..Heads::default() };
    let heads = exchange(&mut client, heads).await;
    let HeadNews::Checkpoint { note, beginning } = &heads.updates[0].news else { panic!("{heads:?}") };
    let card = comity_ledger::Card::parse(&a.card().0).unwrap();
    let identity = card.identity();
    note.verify(&identity.log, std::slice::from_ref(&identity.witness)).unwrap();
    let beginning = beginning.as_ref().unwrap();
    assert_eq!(beginning.head, small);
    let (from, to) = (small.size, large.size);
    verify_consistency(from, &small.root, to, &large.root, &beginning.proof).unwrap();
    let ask = |from, to| {
        let query = ConsistencyQuery::new(a.origin.clone(), from, to).unwrap();
        v1::ConsistencyRequest::from(&query)
    };
    let proof = client.consistency(ask(small.size, large.size)).await.unwrap().into_inner();
    let proof = ConsistencyProof::try_from(proof).unwrap();
    verify_consistency(small.size, &small.root, large.size, &large.root, &proof).unwrap();
    let beyond = client.consistency(ask(small.size, large.size.next().unwrap())).await.unwrap_err();
    assert_eq!(ErrorCode::from_status(&beyond), ErrorCode::BeyondSize);
    let request = v1::ConsistencyRequest { origin: "aaa.example/acct".to_owned(), from: 0, to: 0 };
    let unknown = client.consistency(request).await.unwrap_err();
    assert_eq!(ErrorCode::from_status(&unknown), ErrorCode::UnknownOrigin);
    at_a.stop().await;
}

/// Goal: a relay passes nothing on that it holds under no agreement, and nothing is passed over for that. Way: B has
/// removed the author when C comes to it, and adds it again later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_without_an_agreement_with_the_author_passes_on_no_section_and_passes_over_none() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let head = at_a.append(free(&a, 3, "official"));
    until(|| at_b.sections(&a.origin) == 3 * SECTIONS).await;
    at_b.peers.remove(&a.id).unwrap();
    at_b.add(&c, None, None);
    at_c.add(&b, Some(at_b.address), None);
    at_c.add(&a, None, Some(&b));
    at_c.reaches(&a.origin, head).await;
    for _ in 0..5 {
        at_b.node.tell_news();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let cursor = at_b.node.store().release_cursor(&c.id, &a.origin).unwrap();
    assert_eq!((cursor.next, cursor.scanned), (0, 0), "nothing was looked through");
    assert_eq!(at_c.sections(&a.origin), 0);
    at_b.add(&a, Some(at_a.address), None);
    at_b.node.tell_news();
    until(|| at_c.sections(&a.origin) == 3 * SECTIONS).await;
    at_a.stop().await;
    at_b.stop().await;
    at_c.stop().await;
}

/// Goal: a follower that has ended has nothing under way, and no second one is at the same log before. Way: the view is
/// held by somebody who asks, so that a step cannot end, while the peer is removed and added again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_ends_after_its_last_step_and_the_next_begins_after_that() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    // Said after the step: nothing is under way.
    until(|| at_b.state(&a).held.value() == 1).await;
    // The word that this was all is a step of its own, and two steps may be on their way to be shown.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (node, (asked, answered)) = (Arc::clone(&at_b.node), std::sync::mpsc::channel::<()>());
    let (holds, held) = std::sync::mpsc::channel();
    let asking = std::thread::spawn(move || {
        let _view = node.view();
        holds.send(()).unwrap();
        assert!(answered.recv().is_err());
    });
    held.recv().unwrap();
    let head = at_a.append(free(&a, 3, "record"));
    // Entries and openings are kept, and wait to be shown.
    at_b.reaches(&a.origin, head).await;
    // Openings that came in a step of their own wait for their turn.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let sections = at_b.sections(&a.origin);
    at_b.peers.remove(&a.id).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(at_b.is_followed(&a), "the last step is still being shown");
    at_b.add(&a, Some(at_a.address), None);
    let later = at_a.append(free(&a, 2, "later"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let held = at_b.node.store().held(&a.origin).unwrap();
    assert_eq!((held, at_b.sections(&a.origin)), (head, sections), "nobody else goes on meanwhile");
    drop(asked);
    asking.join().unwrap();
    at_b.reaches(&a.origin, later).await;
    until(|| at_b.sections(&a.origin) == 5 * SECTIONS).await;
    assert_eq!(at_b.state(&a).last_error, None);
    at_b.peers.remove(&a.id).unwrap();
    until(|| !at_b.is_followed(&a)).await;
    at_a.stop().await;
    at_b.stop().await;
}
