//! How old what is held may be: whoever hears nothing of an author for too long clears nobody by its log.

use std::time::Duration;

use comity_ledger::Origin;

use crate::support::{Agency, Running, free, until};

/// An agency that renews what it says every second, and calls stale what is older than two.
fn brisk(place: &std::path::Path, name: &str) -> Agency {
    let agency = Agency::new(place, name);
    let path = agency.folder.join("comity.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}\n[freshness]\nrenew_secs = 1\n")).unwrap();
    agency
}

fn is_stale(at: &Running, origin: &Origin) -> bool {
    at.gossiping.log_states().get(origin).is_none_or(|state| state.stale)
}

/// Goal: a log is fresh as long as its author renews what it says, through a relay as well, without growing; an author
/// that has gone, and a relay that holds one back, are noticed. Way: C follows A through B alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_holds_an_author_back_and_an_author_that_has_gone_are_noticed() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| brisk(place.path(), name));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    at_a.add(&b, Some(at_b.address), None);
    at_b.add(&a, Some(at_a.address), None);
    at_b.add(&c, Some(at_c.address), None);
    at_c.add(&b, Some(at_b.address), None);
    at_c.add(&a, None, Some(&b));
    let head = at_a.append(free(&a, 3, "record"));
    at_c.reaches(&a.origin, head).await;
    until(|| !is_stale(&at_b, &a.origin) && !is_stale(&at_c, &a.origin)).await;
    // Longer than anything may be old: the log stands still, and stays fresh.
    for _ in 0..25 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!is_stale(&at_b, &a.origin) && !is_stale(&at_c, &a.origin));
        assert!(!is_stale(&at_a, &a.origin), "nobody's own log is stale");
    }
    assert_eq!(at_c.head(&a.origin), Some(head), "nothing was appended for it");
    // The relay does not hear of the author any more; the author goes on.
    at_b.peers.remove(&a.id).unwrap();
    at_a.append(free(&a, 1, "held back"));
    until(|| is_stale(&at_c, &a.origin)).await;
    assert_eq!(at_c.head(&a.origin), Some(head));
    at_b.add(&a, Some(at_a.address), None);
    until(|| !is_stale(&at_c, &a.origin)).await;
    at_a.stop().await;
    until(|| is_stale(&at_b, &a.origin) && is_stale(&at_c, &a.origin)).await;
    at_b.stop().await;
    at_c.stop().await;
}

/// Goal: what was said before a restart counts after it, and no more than that. Way: B is started again while A is away,
/// at once and later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_makes_nothing_fresher_than_it_was() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| brisk(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, Some(at_b.address), None);
    at_b.add(&a, Some(at_a.address), None);
    let head = at_a.append(free(&a, 3, "record"));
    at_b.reaches(&a.origin, head).await;
    until(|| !is_stale(&at_b, &a.origin)).await;
    let fresh_at = |at: &Running| at.gossiping.log_states().get(&a.origin).map_or(0, |state| state.fresh_at);
    at_a.stop().await;
    let before = fresh_at(&at_b);
    at_b.stop().await;
    let at_b = b.start().await;
    until(|| at_b.gossiping.log_states().contains_key(&a.origin)).await;
    assert_eq!(fresh_at(&at_b), before);
    until(|| is_stale(&at_b, &a.origin)).await;
    at_b.stop().await;
}

/// Goal: whoever comes anew need not wait for the next renewal to know that a log still stands. Way: renewals are a minute
/// apart, A appends right after what it stated at its start, and B comes when all that is long done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_comes_between_two_renewals_is_not_stale_until_the_next() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    let fresh_at = |at: &Running| at.gossiping.log_states().get(&a.origin).map_or(0, |state| state.fresh_at);
    until(|| fresh_at(&at_a) > 0).await;
    let stated = fresh_at(&at_a);
    let head = at_a.append(free(&a, 3, "record"));
    until(|| fresh_at(&at_a) > stated).await;
    at_a.add(&b, Some(at_b.address), None);
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, head).await;
    until(|| !is_stale(&at_b, &a.origin)).await;
    assert_eq!(fresh_at(&at_b), fresh_at(&at_a), "nothing was renewed for B");
    at_a.stop().await;
    at_b.stop().await;
}
