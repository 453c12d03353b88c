//! What one peer may have is not another's: whatever a caller says it is, and however many there are.
//!
//! Not here: what goes onward (`claims`), and who gets a connection at all (`tests/tls`).

use std::collections::BTreeSet;

use comity_ledger::{Draft, Kind, Slot};
use comity_policy::{Audience, LabelSet, Moment, SlotLabel, defaults};
use comity_tlog::TreeSize;
use comity_wire::{Greeting, PROTOCOL, exchange_client, v1};

use crate::attacks::{channel, is_shut_out};
use crate::support::{Agency, Running, free, until};

/// Number of the next release to a peer, and up to where its sections were looked through.
fn cursor(at_a: &Running, a: &Agency, peer: &Agency) -> (u64, u64) {
    let cursor = at_a.node.store().release_cursor(&peer.id, &a.origin).unwrap();
    (cursor.next, cursor.scanned)
}

/// Goal: no caller gets what another may have by using its name. Way: B says in Hello that it is C, and both are peers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_names_another_agency_in_its_greeting_is_served_as_itself() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    at_a.add(&c, None, None);
    at_a.append(free(&a, 3, "record"));
    let mut client = exchange_client(channel(&b, &a, at_a.address).await.unwrap());
    let hello = Greeting { protocol: PROTOCOL, agency: c.id.clone(), software: "test".parse().unwrap() };
    let answer = client.hello(hello.to_request()).await.unwrap().into_inner();
    assert_eq!(answer.recognised_as, b.id.to_string());
    let request = v1::FollowRequest { origin: a.origin.to_string(), ..Default::default() };
    let mut stream = client.follow(request.clone()).await.unwrap().into_inner();
    // A checkpoint, a frame, and what is released of it.
    for _ in 0..3 {
        stream.message().await.unwrap().unwrap();
    }
    assert_eq!(
        (cursor(&at_a, &a, &b), cursor(&at_a, &a, &c)),
        ((12, 4), (0, 0)),
        "booked for whom it went to"
    );
    assert!(at_a.peers.remove(&b.id).unwrap());
    let refused = client.follow(request).await.unwrap_err();
    assert!(is_shut_out(&refused), "{refused:?}");
    at_a.stop().await;
}

/// A designation of one agency for itself and one other.
fn only_for(agency: &Agency, other: &Agency, text: &str) -> Draft {
    let own = defaults::own_designation(&agency.id, Kind::Record, Moment::from_unix_secs(0)).unwrap();
    let SlotLabel::Understood(label) = own.label(Slot::CORE) else { panic!("{own:?}") };
    let mut draft = label.to_draft();
    draft.audience.releasable_to =
        BTreeSet::from([&agency.id, &other.id].map(|id| Audience::Agency(id.clone())));
    let labels = LabelSet::uniform(Kind::Record, &comity_policy::Label::new(draft).unwrap()).unwrap();
    labels.put_into(Draft::new(Kind::Record, None).with_section(Slot::CORE, text.as_bytes().to_vec()))
}

/// Goal: a section goes to those alone whom its label names. Way: of two peers one is named; the other follows the log
/// to its end, and every section was looked through for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_section_for_one_peer_is_not_opened_to_another() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    for (other, at) in [(&b, &at_b), (&c, &at_c)] {
        at_a.add(other, None, None);
        at.add(&a, Some(at_a.address), None);
    }
    let head = at_a.append(vec![only_for(&a, &b, "for B alone")]);
    assert_eq!(head.size, TreeSize::new(2).unwrap());
    at_c.reaches(&a.origin, head).await;
    // Handling and core: where nothing may be passed on the audience is not told.
    until(|| at_b.sections(&a.origin) == 2).await;
    until(|| cursor(&at_a, &a, &c).1 == 2).await;
    assert_eq!(cursor(&at_a, &a, &c).0, 0, "nothing was opened to C");
    assert_eq!((cursor(&at_a, &a, &b).0, at_c.sections(&a.origin)), (2, 0));
    for at in [at_a, at_b, at_c] {
        at.stop().await;
    }
}
