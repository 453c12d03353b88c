//! What a node says that it has seen of a peer's news: what it has taken in, and nothing else.

use comity_ledger::{Generation, Head, HeadDigest, HeadNews, HeadUpdate, OriginDigest};
use comity_node::now;
use comity_tlog::{CosignatureTime, SignatureLine, SignedCheckpoint, SigningKey};
use comity_wire::{Digests, Heads};

use crate::attacks::greeted;
use crate::claims::exchange;
use crate::support::{Agency, Running, until};

/// A line of one agency's witness on the newest checkpoint of a log that a node holds.
pub(crate) fn line(of: &Agency, at: &Running, log: &Agency, secs: u64) -> SignatureLine {
    let note = at.node.store().newest_note(&log.origin).unwrap().unwrap();
    let key = std::fs::read_to_string(of.folder.join("keys/witness.key")).unwrap();
    let key: SigningKey = key.trim().parse().unwrap();
    let signed = SignedCheckpoint::parse(&note).unwrap();
    key.cosign(signed.checkpoint(), CosignatureTime::new(secs).unwrap()).unwrap()
}

/// What B says of A's log: lines that came after a generation, and with which generation.
pub(crate) fn said(a: &Agency, head: Head, since: u64, generation: u64, lines: Vec<SignatureLine>) -> Heads {
    let (origin, generation) = (OriginDigest::of(&a.origin), Generation::new(generation));
    let news = HeadNews::Lines { since: Generation::new(since), lines };
    let stated = HeadDigest { origin, head, generation, seen: Generation::default() };
    let updates = vec![HeadUpdate { origin, generation, news }];
    Heads { digests: Digests::Now(vec![stated]), updates, ..Heads::default() }
}

/// A, which has stated its own log, and what it holds of that.
async fn stated(a: &Agency, peer: &Agency) -> (Running, Head) {
    let at_a = a.start().await;
    at_a.add(peer, None, None);
    until(|| at_a.gossiping.log_states().contains_key(&a.origin)).await;
    let head = at_a.head(&a.origin).unwrap();
    (at_a, head)
}

fn seen(heads: &Heads) -> u64 {
    let Digests::Now(digests) = &heads.digests else { panic!("as before") };
    digests[0].seen.value()
}

/// Goal: a line that came too early is asked for again until its time has come, and not only when it is renewed. Way: B
/// brings a line of its witness whose time lies beyond what A takes, and brings it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_of_the_future_does_not_count_as_seen_until_it_is_taken() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (at_a, head) = stated(&a, &b).await;
    let mut client = greeted(&b, &a, at_a.address).await;
    let early = line(&b, &at_a, &a, now().unix_secs() + 62);
    let answer = exchange(&mut client, said(&a, head, 0, 7, vec![early.clone()])).await;
    assert_eq!(seen(&answer), 0);
    let timely = line(&b, &at_a, &a, now().unix_secs());
    let answer = exchange(&mut client, said(&a, head, 0, 8, vec![timely, early.clone()])).await;
    assert_eq!(seen(&answer), 0, "one of two was taken");
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let answer = exchange(&mut client, said(&a, head, 0, 8, vec![early])).await;
    assert_eq!(seen(&answer), 8);
    at_a.stop().await;
}

/// Goal: whoever lost lines with its process gets them again. Way: B goes on from what the process of A before this one
/// had seen, and leaves unsaid what that one was told; then it says all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_to_the_process_before_does_not_count_as_seen() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (at_a, head) = stated(&a, &b).await;
    let mut client = greeted(&b, &a, at_a.address).await;
    let mut unsaid = said(&a, head, 0, 7, Vec::new());
    unsaid.updates.clear();
    assert_eq!(seen(&exchange(&mut client, unsaid).await), 0, "nothing was said, and nothing seen");
    let line = line(&b, &at_a, &a, now().unix_secs());
    let answer = exchange(&mut client, said(&a, head, 7, 8, vec![line.clone()])).await;
    assert_eq!(seen(&answer), 0, "what came up to 7 was never seen");
    let answer = exchange(&mut client, said(&a, head, 0, 8, vec![line])).await;
    assert_eq!(seen(&answer), 8);
    // From here on, what comes on top is enough.
    let answer = exchange(&mut client, said(&a, head, 8, 9, Vec::new())).await;
    assert_eq!(seen(&answer), 9);
    at_a.stop().await;
}
