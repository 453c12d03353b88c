//! What following refuses, and that nothing is stored then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use comity_ledger::Head;
use comity_node::tls::{AgencyTrust, PeerAuthority, PeerConnector, PeerTrust};
use comity_node::{OtherReplica, PeersError, Reach};
use comity_wire::v1::exchange_service_client::ExchangeServiceClient;
use comity_wire::{ErrorCode, Greeting, Guarded, PROTOCOL, exchange_client, v1};
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use crate::played::{Played, recorded};
use crate::support::{Agency, closed, copy, free, time, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_that_went_back_is_noticed() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_a.stop().await;
    let saved = place.path().join("saved");
    copy(&a.folder.join("store"), &saved);
    let mut at_a = a.start().await;
    at_b.add(&a, Some(at_a.address), None);
    let head = at_a.append(free(&a, 3, "lost with the disk"));
    at_b.reaches(&a.origin, head).await;
    until(|| at_b.sections(&a.origin) == 12).await;
    at_a.stop().await;
    std::fs::remove_dir_all(a.folder.join("store")).unwrap();
    copy(&saved, &a.folder.join("store"));
    let at_a = a.start().await;
    at_b.add(&a, Some(at_a.address), None);
    at_b.fails(&a, "has size 1, but 4 was seen before").await;
    assert_eq!(at_b.head(&a.origin), Some(head), "what was held is held");
    let standing = at_b.node.alarms().standing();
    let alarm = standing.iter().find(|alarm| alarm.key.code == "rollback").unwrap();
    assert_eq!(alarm.key.origin, a.origin.to_string());
    at_a.stop().await;
    at_b.stop().await;
}

pub(crate) fn trust_in(agency: &Agency) -> PeerTrust {
    let ca = std::fs::read_to_string(agency.folder.join("keys/tls-ca.pem")).unwrap();
    let authority = PeerAuthority::from_pem(&ca).unwrap();
    let trust = PeerTrust::new();
    trust.insert(agency.id.clone(), AgencyTrust::new(vec![authority]).unwrap());
    trust
}

pub(crate) async fn channel(from: &Agency, to: &Agency, address: SocketAddr) -> Result<Channel, String> {
    let connector = PeerConnector::new(&from.material(), trust_in(to), to.id.clone(), time()).unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect_with_connector(connector).await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_that_was_not_added_gets_nothing() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.append(free(&a, 3, "record"));
    at_b.add(&a, Some(at_a.address), None);
    until(|| at_b.state(&a).last_error.is_some()).await;
    assert_eq!(at_b.head(&a.origin), None);
    assert_eq!(at_b.node.store().held(&a.origin).unwrap(), Head::EMPTY);
    // Once added, and no sooner: the first call is Hello.
    at_a.add(&b, None, None);
    until(|| at_b.sections(&a.origin) == 12).await;
    let mut client = exchange_client(channel(&b, &a, at_a.address).await.unwrap());
    let request = v1::FollowRequest { origin: a.origin.to_string(), ..Default::default() };
    let refused = client.follow(request.clone()).await.unwrap_err();
    assert_eq!(ErrorCode::from_status(&refused), ErrorCode::HelloFirst);
    // Removed again: an open connection ends with nothing more either.
    let hello = Greeting { protocol: PROTOCOL, agency: a.id.clone(), software: "test".parse().unwrap() };
    client.hello(hello.to_request()).await.unwrap();
    assert!(at_a.peers.remove(&b.id).unwrap());
    let refused = client.follow(request).await.unwrap_err();
    assert!(is_shut_out(&refused), "{refused:?}");
    at_a.stop().await;
    at_b.stop().await;
}

/// Whether a call of an agency that is no peer any more was refused: by an answer, or by the end of its connection.
pub(crate) fn is_shut_out(refused: &Status) -> bool {
    let code = ErrorCode::from_status(refused);
    matches!(code, ErrorCode::NoAgreement | ErrorCode::Unreachable | ErrorCode::Timeout)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_with_other_words_is_not_added() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let at_b = b.start().await;
    let ((card, words), (own_card, own_words)) = (a.card(), b.card());
    let add = |card: &[u8], words: &str| {
        at_b.peers.add(at_b.node.store(), card, words, Reach::default(), OtherReplica::Refuse)
    };
    let other = add(&card, &own_words);
    assert!(matches!(other, Err(PeersError::OtherFingerprint { .. })), "{other:?}");
    let own = add(&own_card, &own_words);
    assert!(matches!(own, Err(PeersError::Own)), "{own:?}");
    let mut forged = card.clone();
    forged[40] ^= 1;
    assert!(matches!(add(&forged, &words), Err(PeersError::Card(_))));
    assert!(at_b.peers.list().is_empty() && !at_b.node.trust().contains(&a.id));
    assert_eq!(std::fs::read_dir(b.folder.join("peers")).unwrap().count(), 0, "nothing was stored");
    add(&card, &words).unwrap();
    at_b.stop().await;
    let at_b = b.start().await;
    assert_eq!(at_b.peers.list().len(), 1, "a peer is there after a restart");
    assert!(at_b.node.trust().contains(&a.id));
    at_b.stop().await;
}

/// A connection to a node that was greeted.
pub(crate) type PeerClient = ExchangeServiceClient<Guarded<Channel>>;

pub(crate) async fn greeted(from: &Agency, to: &Agency, address: SocketAddr) -> PeerClient {
    let mut client = exchange_client(channel(from, to, address).await.unwrap());
    let hello = Greeting { protocol: PROTOCOL, agency: from.id.clone(), software: "test".parse().unwrap() };
    client.hello(hello.to_request()).await.unwrap();
    client
}

/// Goal: a flipped bit in a frame or an opening is rejected and leaves no trace. Way: a node with A's own
/// certificate plays back a true recording with one byte changed, then the true one, which is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_a_frame_or_an_opening_is_rejected_and_nothing_is_stored() {
    use v1::follow_response::Event;
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let head = at_a.append(free(&a, 3, "record"));
    let good = recorded(&a, &b, &at_a, 1).await;
    at_a.stop().await;
    let played = Played::by(&a, &b).await;
    let flipped = |bytes: &bytes::Bytes, at: usize| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        bytes::Bytes::from(changed)
    };
    let at_b = b.start().await;
    // In the random id of an entry, in the root of the checkpoint, in the salt of an opening.
    for (place, words) in
        [(1, "not consistent"), (0, "did not sign"), (2, "is not what the entry commits to")]
    {
        let mut bad = good.clone();
        match bad[place].event.as_mut().unwrap() {
            Event::Checkpoint(checkpoint) => {
                // The author's line is the first; those of cosigners say nothing here.
                let text = std::str::from_utf8(&checkpoint.note).unwrap();
                let line = text.find("\n\n").unwrap() + 2;
                let at = line + text[line..].find('\n').unwrap() - 10;
                checkpoint.note = flipped(&checkpoint.note, at);
            }
            Event::Frame(frame) => frame.entries[2] = flipped(&frame.entries[2], 5),
            Event::Release(release) => match release.openings[5].content.as_mut().unwrap() {
                v1::opening::Content::Padded(padded) => *padded = flipped(padded, 3),
                v1::opening::Content::Absence(_) => unreachable!(),
            },
            Event::Heartbeat(_) | Event::FirstQuorum(_) => unreachable!(),
        }
        *played.messages.lock().unwrap() = bad;
        at_b.add(&a, Some(played.address), None);
        if place == 0 {
            // Which error it is depends on what the flipped character is: in each case nothing is taken.
            until(|| at_b.state(&a).last_error.is_some_and(|error| !error.contains("consistent"))).await;
        } else {
            at_b.fails(&a, words).await;
        }
        let held = at_b.node.store().held(&a.origin).unwrap();
        assert_eq!(held == Head::EMPTY, place != 2, "{words}");
        assert_eq!(at_b.sections(&a.origin), 0, "{words}");
    }
    *played.messages.lock().unwrap() = vec![good[0].clone(), good[2].clone()];
    until(|| at_b.sections(&a.origin) == 12).await;
    assert_eq!(at_b.head(&a.origin), Some(head));
    at_b.stop().await;
}

/// Goal: a relay cannot hand on what its author closed. Way: a node with B's own certificate plays back to C, word for
/// word, what A told B.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_relay_should_not_have_passed_on_is_dropped() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let mut drafts = free(&a, 2, "official");
    drafts.push(closed(&a, "own designation"));
    let head = at_a.append(drafts);
    let told = recorded(&a, &b, &at_a, 1).await;
    at_a.stop().await;
    let played = Played::by(&b, &c).await;
    *played.messages.lock().unwrap() = told;
    let at_c = c.start().await;
    at_c.add(&b, Some(played.address), None);
    at_c.add(&a, None, Some(&b));
    at_c.reaches(&a.origin, head).await;
    // All eleven numbers were taken, the three of the own designation without their sections.
    until(|| at_c.node.store().next_release(&b.id, &a.origin).unwrap() == 11).await;
    let held = at_c.openings(&a.origin);
    assert!(held[3].iter().all(Option::is_none), "the own designation");
    assert_eq!(at_c.sections(&a.origin), 8, "the official records");
    at_c.stop().await;
}

/// Goal: whoever says much and gives nothing is not called again and again. Way: a node with A's own certificate says
/// what B holds already, openings under new numbers too, and then what is not so; the calls of three seconds are counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_gives_nothing_new_does_not_keep_its_follower_busy() {
    use v1::follow_response::Event;
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    at_a.append(free(&a, 3, "record"));
    let good = recorded(&a, &b, &at_a, 1).await;
    at_a.stop().await;
    let played = Played::by(&a, &b).await;
    let at_b = b.start().await;
    *played.messages.lock().unwrap() = good.clone();
    at_b.add(&a, Some(played.address), None);
    until(|| at_b.sections(&a.origin) == 12).await;
    // The same sections under the numbers that are due at the first of these calls, then a frame that is held.
    let mut again = good[2].clone();
    if let Some(Event::Release(release)) = again.event.as_mut() {
        release.openings.iter_mut().zip(12..).for_each(|(opening, number)| opening.release_number = number);
    }
    // Each message is taken by itself, so that what comes before the bad one does end well.
    *played.pause.lock().unwrap() = Duration::from_millis(20);
    let beat = v1::Heartbeat { size: 4, next_release: 24, held_back: false };
    let beat = v1::FollowResponse { event: Some(Event::Heartbeat(beat)) };
    *played.messages.lock().unwrap() = vec![beat, good[0].clone(), again, good[1].clone()];
    until(|| at_b.node.store().next_release(&a.id, &a.origin).unwrap() == 24).await;
    let before = played.calls.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let calls = played.calls.load(Ordering::SeqCst) - before;
    assert!(calls <= 8, "called {calls} times in three seconds");
    at_b.stop().await;
}

/// Goal: checkpoints that were completed while an earlier step was being kept end nothing. Way: the true stream of
/// twelve appends, as fast as it can be read; the follower must take it in one call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_that_arrive_together_are_all_kept_in_one_call() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let mut client = greeted(&b, &a, at_a.address).await;
    let request = v1::FollowRequest { origin: a.origin.to_string(), ..Default::default() };
    let mut stream = client.follow(request).await.unwrap().into_inner();
    // The genesis alone: a checkpoint and a frame.
    let (mut messages, mut head) = (Vec::new(), Head::EMPTY);
    for number in 0..=12 {
        let due = if number == 0 { 2 } else { messages.len() + 3 };
        if number > 0 {
            head = at_a.append(free(&a, 1, &format!("record {number}")));
        }
        while messages.len() < due {
            let message = stream.message().await.unwrap().unwrap();
            // That this is all is said once, at some time in between.
            if !matches!(message.event, Some(v1::follow_response::Event::Heartbeat(_))) {
                messages.push(message);
            }
        }
    }
    drop((stream, client));
    at_a.stop().await;
    let played = Played::by(&a, &b).await;
    played.stays.store(true, Ordering::SeqCst);
    *played.messages.lock().unwrap() = messages;
    let at_b = b.start().await;
    at_b.add(&a, Some(played.address), None);
    at_b.reaches(&a.origin, head).await;
    until(|| at_b.sections(&a.origin) == 48).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(at_b.state(&a).last_error, None);
    assert_eq!(played.calls.load(Ordering::SeqCst), 1, "the stream was true and never ended");
    at_b.stop().await;
}

/// Goal: a follower hears at once that it has all, and a log in which nothing happens is not taken for dead because other
/// logs are busy. Way: a follower that holds all of it listens for thirteen seconds more, while the node has other news
/// every half second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_log_says_that_it_lives_while_other_logs_are_busy() {
    use v1::follow_response::Event;
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let at_a = a.start().await;
    at_a.add(&b, None, None);
    let mut client = greeted(&b, &a, at_a.address).await;
    let request = v1::FollowRequest { origin: a.origin.to_string(), ..Default::default() };
    let mut stream = client.follow(request).await.unwrap().into_inner();
    let node = Arc::clone(&at_a.node);
    let busy = tokio::spawn(async move {
        for _ in 0..26 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            node.tell_news();
        }
    });
    let begun = std::time::Instant::now();
    let mut beats = Vec::new();
    while let Ok(message) = tokio::time::timeout(Duration::from_secs(13), stream.message()).await {
        let message = message.unwrap().unwrap();
        if matches!(message.event, Some(Event::Heartbeat(_))) {
            beats.push(begun.elapsed());
            if beats.len() == 2 {
                break;
            }
        }
    }
    busy.abort();
    drop(busy.await);
    assert_eq!(beats.len(), 2, "thirteen seconds without a word; a follower gives up after thirty");
    assert!(beats[0] < Duration::from_secs(5), "that this is all is said at once: {beats:?}");
    assert!(
        beats[1].saturating_sub(beats[0]) > Duration::from_secs(5),
        "and then only now and again: {beats:?}"
    );
    drop((stream, client));
    at_a.stop().await;
}

/// Goal: what is held already is not stored and passed on again because somebody says it again. Way: a node with A's
/// own certificate sends the same release under the next numbers; the order of arrivals, from which relays release,
/// must not grow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sections_that_are_said_again_do_not_arrive_again() {
    use v1::follow_response::Event;
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    at_a.append(free(&a, 3, "record"));
    let good = recorded(&a, &b, &at_a, 1).await;
    at_a.stop().await;
    let played = Played::by(&a, &b).await;
    let mut messages = good.clone();
    for round in 1..20 {
        let mut again = good[2].clone();
        if let Some(Event::Release(release)) = again.event.as_mut() {
            let due = round * 12..;
            release
                .openings
                .iter_mut()
                .zip(due)
                .for_each(|(opening, number)| opening.release_number = number);
        }
        messages.push(again);
    }
    *played.pause.lock().unwrap() = Duration::from_millis(20);
    *played.messages.lock().unwrap() = messages;
    let at_b = b.start().await;
    at_b.add(&a, Some(played.address), None);
    until(|| at_b.node.store().next_release(&a.id, &a.origin).unwrap() == 240).await;
    assert!(at_b.node.store().arrival(&a.origin, 0).unwrap().is_some());
    assert_eq!(at_b.node.store().arrival(&a.origin, 1).unwrap(), None, "the same twelve sections");
    at_b.stop().await;
}
