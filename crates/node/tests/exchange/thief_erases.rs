//! A thief with the log key alone, who has an agency's peers give back erasures that the agency never ordered: nothing is
//! destroyed at their word, and what the agency did order is.
//!
//! Not here: what else a thief convinces peers of (`thief`), and how entries come back (`recovery`).

use std::path::Path;

use comity_ledger::{Head, erasure};
use comity_node::{NodeError, OpenHome, WaitingErasure, waiting_alarms};
use comity_store::Store;
use comity_tlog::EntryIndex;

use crate::recovery::{Served, add_at_rest, head_of, open};
use crate::successors::succeed_at;
use crate::support::{Agency, Running, copy, free, until};
use crate::thief::Stolen;

fn at(index: u64) -> EntryIndex {
    EntryIndex::new(index).unwrap()
}

fn is_erased(store: &Store, of: &Agency) -> Vec<u64> {
    (1..=5).filter(|index| store.is_erased(&of.origin, at(*index)).unwrap()).collect()
}

fn waiting(open: &OpenHome) -> Vec<u64> {
    open.waiting_erasures().iter().map(|waiting| waiting.index.value()).collect()
}

pub(crate) fn alarm(at_a: &Served) -> Option<String> {
    let standing = at_a.node.alarms().standing();
    standing.into_iter().find(|alarm| alarm.key.code == "erasures").map(|alarm| alarm.message)
}

/// Sections that are held of a log.
fn sections(store: &Store, of: &Agency) -> usize {
    let slots: Vec<_> = (0..=9).map(comity_ledger::Slot::new).collect();
    let size = store.held(&of.origin).unwrap().size;
    let mut count = 0;
    let read = store.each_opening(&of.origin, comity_tlog::TreeSize::ZERO..size, &slots, |_, openings| {
        count += openings.iter().flatten().count();
        Ok::<(), NodeError>(())
    });
    read.unwrap();
    count
}

fn remove_lock(of: &Agency) {
    for file in std::fs::read_dir(of.folder.join("lock")).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("author") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

/// B holds the log of A with an erasure of each of its five records, by a thief; A is at rest, and knows where B is.
pub(crate) async fn announced_by_a_thief(place: &Path) -> (Agency, Running, Head, Head) {
    let Stolen { a, twin, b, at_a, at_b, good } = Stolen::new(place, &[]).await;
    at_a.stop().await;
    let mut at_twin = twin.start().await;
    let void = at_twin.append((1..=5).map(|index| erasure(at(index))).collect());
    at_b.add(&a, Some(at_twin.address), None);
    at_b.reaches(&a.origin, void).await;
    at_twin.stop().await;
    add_at_rest(&a, &b, at_b.address).await;
    (a, at_b, good, void)
}

/// Goal: a thief of the log key alone destroys nothing of the agency, whether its lock stands or is gone; what waits is known
/// after every start, until the operator confirms it, or ends the log before it. Way: the node takes the thief's entries
/// back from a peer as the end of its own log, and goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thief_of_the_log_key_destroys_nothing_by_erasures_that_peers_give_back() {
    for has_lock in [true, false] {
        let place = tempfile::tempdir().unwrap();
        let (a, at_b, good, void) = announced_by_a_thief(place.path()).await;
        let all = sections(open(&a).await.store(), &a);
        if !has_lock {
            remove_lock(&a);
        }
        let at_a = Served::start(&a).await;
        until(|| head_of(at_a.node.store(), &a) == void).await;
        at_a.is_healed_to(&a, void).await;
        until(|| alarm(&at_a).is_some()).await;
        let said = alarm(&at_a).unwrap();
        assert!(said.contains("comity record confirm 6 7 8 9 10"), "{said}");
        at_a.stop().await;
        for _ in 0..2 {
            let open = open(&a).await;
            assert_eq!((waiting(&open), is_erased(open.store(), &a)), (vec![6, 7, 8, 9, 10], vec![]));
            assert_eq!(sections(open.store(), &a), all, "all is there, {has_lock}");
        }
        let mut open = open(&a).await;
        for bad in [&[6, 5][..], &[11], &[6, 0]] {
            let refused = open.confirm_erasures(&a.origin, bad);
            assert!(matches!(refused, Err(NodeError::NotWaiting { .. })), "{bad:?}");
            assert!(is_erased(open.store(), &a).is_empty(), "all or none");
        }
        open.confirm_erasures(&a.origin, &[6, 8]).unwrap();
        assert_eq!((waiting(&open), is_erased(open.store(), &a)), (vec![7, 9, 10], vec![1, 3]));
        drop(open);
        // The rest was not ordered: the log is ended before it.
        let next = succeed_at(&a, Some(good));
        let at_a = Served::start(&a).await;
        assert_eq!((alarm(&at_a), at_a.node.home().origin()), (None, next));
        at_a.stop().await;
        let open = crate::recovery::open(&a).await;
        assert_eq!((waiting(&open), is_erased(open.store(), &a)), (vec![], vec![1, 3]));
        drop(open);
        at_b.stop().await;
    }
}

/// Goal: a database that is put back once more does not make the thief's erasures the agency's own, although the lock stands
/// at their end by then. Way: the database from before the thief came, beside the lock and keyring from after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_goes_on_waiting_after_the_database_was_put_back() {
    let place = tempfile::tempdir().unwrap();
    let (a, at_b, _, void) = announced_by_a_thief(place.path()).await;
    let saved = place.path().join("saved");
    copy(&a.folder.join("store"), &saved);
    for _ in 0..2 {
        let at_a = Served::start(&a).await;
        until(|| head_of(at_a.node.store(), &a) == void).await;
        at_a.is_healed_to(&a, void).await;
        until(|| alarm(&at_a).is_some()).await;
        assert!(is_erased(at_a.node.store(), &a).is_empty());
        at_a.stop().await;
        std::fs::remove_dir_all(a.folder.join("store")).unwrap();
        copy(&saved, &a.folder.join("store"));
    }
    at_b.stop().await;
}

/// Goal: what the agency itself erased is erased again after a restore as far as its lock stands behind it, and waits where
/// the lock went back as well. Way: database and keyring are put back to before the erasure, with the lock and without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_erasures_are_carried_out_again_where_the_lock_stands_behind_them() {
    for has_lock in [true, false] {
        let place = tempfile::tempdir().unwrap();
        let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
        let (mut at_a, at_b) = (a.start().await, b.start().await);
        at_a.add(&b, None, None);
        at_b.add(&a, Some(at_a.address), None);
        at_a.append(free(&a, 5, "record"));
        at_a.stop().await;
        let saved = place.path().join("saved");
        copy(&a.folder, &saved);
        let mut at_a = a.start().await;
        at_b.add(&a, Some(at_a.address), None);
        let head = at_a.append(vec![erasure(at(2))]);
        at_b.reaches(&a.origin, head).await;
        at_a.stop().await;
        let parts = if has_lock { &["store", "keyring"][..] } else { &["store", "keyring", "lock"] };
        for part in parts {
            std::fs::remove_dir_all(a.folder.join(part)).unwrap();
            copy(&saved.join(part), &a.folder.join(part));
        }
        add_at_rest(&a, &b, at_b.address).await;
        let at_a = Served::start(&a).await;
        until(|| head_of(at_a.node.store(), &a) == head).await;
        at_a.is_healed_to(&a, head).await;
        if has_lock {
            assert_eq!((is_erased(at_a.node.store(), &a), alarm(&at_a)), (vec![2], None));
        } else {
            until(|| alarm(&at_a).is_some()).await;
            assert!(is_erased(at_a.node.store(), &a).is_empty());
        }
        at_a.stop().await;
        let open = open(&a).await;
        let expected: &[WaitingErasure] = if has_lock {
            &[]
        } else {
            &[WaitingErasure { origin: a.origin.clone(), index: at(6), of: at(2), behind: None }]
        };
        assert_eq!(open.waiting_erasures(), expected);
        drop(open);
        at_b.stop().await;
    }
}

/// Goal: while the log is held up to less than the sign-lock has, nobody is told to end it for erasures that this home ordered
/// itself; once the rest is back they are carried out. Way: a home that is put back to when its own erasure was signed and
/// nothing destroyed yet, and has lost what it signed after that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_erasure_in_a_home_that_was_put_back_waits_for_the_rest_and_ends_no_log() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    at_a.append(free(&a, 3, "record"));
    at_a.append(vec![erasure(at(1))]);
    at_a.stop().await;
    let saved = place.path().join("saved");
    for folder in ["store", "keyring"] {
        copy(&a.folder.join(folder), &saved.join(folder));
    }
    let mut at_a = a.start().await;
    let head = at_a.append(free(&a, 2, "later"));
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, head).await;
    at_a.stop().await;
    for folder in ["store", "keyring"] {
        std::fs::remove_dir_all(a.folder.join(folder)).unwrap();
        copy(&saved.join(folder), &a.folder.join(folder));
    }
    add_at_rest(&a, &b, at_b.address).await;
    let at_rest = open(&a).await;
    assert_eq!(waiting(&at_rest), [4]);
    let [alarm] = waiting_alarms(at_rest.waiting_erasures()).try_into().unwrap();
    assert!(alarm.message.contains(&format!("which is {}", head.size)), "{}", alarm.message);
    assert!(!alarm.message.contains("comity key"), "{}", alarm.message);
    assert!(is_erased(at_rest.store(), &a).is_empty());
    drop(at_rest);
    let at_a = Served::start(&a).await;
    at_a.is_healed_to(&a, head).await;
    assert_eq!((is_erased(at_a.node.store(), &a), self::alarm(&at_a)), (vec![1], None));
    at_a.stop().await;
    at_b.stop().await;
}
