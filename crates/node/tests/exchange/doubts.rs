//! When a log that looks wrong is an accusation, when it is only late, and when an alarm is over.

use comity_ledger::Head;

use crate::support::{Agency, Running, copy, free, until};

fn alarms(at: &Running) -> Vec<&'static str> {
    at.node.alarms().standing().iter().map(|alarm| alarm.key.code).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_behind_accuses_nobody_and_is_followed_again() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    for other in [&b, &c] {
        at_a.add(other, None, None);
    }
    at_b.add(&a, Some(at_a.address), None);
    at_b.add(&c, None, None);
    let first = at_a.head(&a.origin).unwrap();
    at_b.reaches(&a.origin, first).await;
    at_b.peers.remove(&a.id).unwrap();
    let head = at_a.append(free(&a, 3, "record"));
    at_c.add(&a, Some(at_a.address), None);
    at_c.reaches(&a.origin, head).await;
    at_c.add(&b, Some(at_b.address), None);
    at_c.add(&a, None, Some(&b));
    at_c.fails(&a, "the relay is behind: its checkpoint has size 1, but 4 was seen before").await;
    assert_eq!((alarms(&at_c), at_c.head(&a.origin)), (vec![], Some(head)));
    // Once the relay has come as far, what is new comes through it.
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, head).await;
    let later = at_a.append(free(&a, 2, "later"));
    at_c.reaches(&a.origin, later).await;
    assert_eq!(alarms(&at_c), Vec::<&str>::new());
    at_a.stop().await;
    at_b.stop().await;
    at_c.stop().await;
}

/// Goal: an older tree that is not the beginning of what is held is the author's own contradiction, also when a relay
/// brings it, and stays one. Way: a twin of A's home signs another history, which B relays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_histories_of_one_author_are_a_fork_whoever_brings_them_and_the_alarm_stays() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let twin = Agency { folder: place.path().join("twin"), id: a.id.clone(), origin: a.origin.clone() };
    let at_a = a.start().await;
    for other in [&b, &c] {
        at_a.add(other, None, None);
    }
    at_a.stop().await;
    copy(&a.folder, &twin.folder);
    let (mut at_a, mut at_twin) = (a.start().await, twin.start().await);
    let (at_b, at_c) = (b.start().await, c.start().await);
    let told_to_c = at_a.append(free(&a, 3, "told to C"));
    at_c.add(&a, Some(at_a.address), None);
    at_c.reaches(&a.origin, told_to_c).await;
    let told_to_b = at_twin.append(free(&a, 1, "told to B"));
    at_b.add(&a, Some(at_twin.address), None);
    at_b.add(&c, None, None);
    at_b.reaches(&a.origin, told_to_b).await;
    at_c.add(&b, Some(at_b.address), None);
    at_c.add(&a, None, Some(&b));
    at_c.fails(&a, "the checkpoint of size 2 is of another history than the entries held").await;
    assert_eq!((alarms(&at_c), at_c.head(&a.origin)), (vec!["fork"], Some(told_to_c)));
    // From the author itself all goes well again: what it signed twice stays signed.
    at_c.add(&a, Some(at_a.address), None);
    let later = at_a.append(free(&a, 1, "later"));
    at_c.reaches(&a.origin, later).await;
    until(|| at_c.state(&a).last_error.is_none()).await;
    assert_eq!(alarms(&at_c), ["fork"]);
    for at in [at_a, at_twin, at_b, at_c] {
        at.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_about_an_author_that_went_back_ends_when_its_log_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (older, newer) = (place.path().join("older"), place.path().join("newer"));
    let at_a = a.start().await;
    at_a.add(&b, None, None);
    at_a.stop().await;
    copy(&a.folder.join("store"), &older);
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_b.add(&a, Some(at_a.address), None);
    let head: Head = at_a.append(free(&a, 3, "record"));
    at_b.reaches(&a.origin, head).await;
    at_a.stop().await;
    copy(&a.folder.join("store"), &newer);
    for (store, standing) in [(&older, vec!["rollback"]), (&newer, vec![])] {
        std::fs::remove_dir_all(a.folder.join("store")).unwrap();
        copy(store, &a.folder.join("store"));
        let at_a = a.start().await;
        at_b.add(&a, Some(at_a.address), None);
        until(|| alarms(&at_b) == standing).await;
        at_a.stop().await;
    }
    at_b.stop().await;
}

/// Goal: a relay that was restored from a backup does not shut its followers out for ever. Way: the follower has come
/// further with the relay's releases than the relay knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_whose_releases_went_back_is_asked_for_all_of_them_again() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    at_b.add(&c, None, None);
    at_c.add(&b, Some(at_b.address), None);
    at_c.add(&a, None, Some(&b));
    at_a.append(free(&a, 3, "record"));
    until(|| at_c.sections(&a.origin) == 12).await;
    at_c.peers.remove(&a.id).unwrap();
    until(|| !at_c.is_followed(&a)).await;
    let mut step = at_c.node.store().replica_step(&a.origin).unwrap();
    step.release(&b.id, &[], 1_000, &mut comity_node::SystemEntropy::new()).unwrap();
    step.finish().unwrap();
    let head = at_a.append(free(&a, 2, "later"));
    at_c.add(&a, None, Some(&b));
    at_c.reaches(&a.origin, head).await;
    until(|| at_c.sections(&a.origin) == 20).await;
    assert_eq!(at_c.node.store().arrival(&a.origin, 2).unwrap(), None, "what was held arrived once");
    at_a.stop().await;
    at_b.stop().await;
    at_c.stop().await;
}
