//! A peer with new keys: what was received stays under the key that signed it, and the new log can be followed.

use std::collections::BTreeMap;

use comity_ledger::Head;
use comity_node::{NodeError, OtherReplica, PeersError, Reach, bundle_of, now};

use crate::support::{Agency, Running, free, until};

/// The files of the bundle that a node makes now.
pub(crate) fn bundled(at: &Running) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let made = bundle_of(at.node.home(), at.node.store(), now(), &mut |path, bytes| {
        files.insert(path.to_owned(), bytes.to_vec());
        Ok::<(), NodeError>(())
    });
    made.unwrap();
    files
}

/// The key that a bundle names for an agency's log; `None` if the log is not in it.
fn bundled_key(files: &BTreeMap<String, Vec<u8>>, of: &Agency) -> Option<String> {
    let lines = files.iter().filter(|(path, _)| path.ends_with("/VKEYS"));
    let mut lines = lines.map(|(_, line)| String::from_utf8(line.clone()).unwrap());
    lines.find(|line| line.starts_with(of.origin.as_str())).map(|line| line.trim_end().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_never_followed_or_bundled_under_another_key_than_its_replica_began_with() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    std::fs::create_dir(place.path().join("anew")).unwrap();
    let anew = Agency::new(&place.path().join("anew"), "aaa");
    let (mut at_a, mut at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let old = at_a.append(free(&a, 3, "of the old log"));
    at_b.reaches(&a.origin, old).await;
    until(|| at_b.sections(&a.origin) == 12).await;
    let old_key = at_b.node.store().pinned_key(&a.origin).unwrap().unwrap();
    assert_eq!(bundled_key(&bundled(&at_b), &a), Some(old_key.to_string()));
    at_a.stop().await;
    at_b.peers.remove(&a.id).unwrap();
    assert_eq!(
        bundled_key(&bundled(&at_b), &a),
        Some(old_key.to_string()),
        "the key did not go with the card"
    );

    let mut at_anew = anew.start().await;
    at_anew.add(&b, None, None);
    let new = at_anew.append(free(&anew, 2, "of the new log"));
    let (card, words) = anew.card();
    let reach = || Reach { endpoint: Some(at_anew.address.to_string()), via: None, policy: None };
    let refused = at_b.peers.add(at_b.node.store(), &card, &words, reach(), OtherReplica::Refuse);
    assert!(matches!(refused, Err(PeersError::OtherReplica { .. })), "{refused:?}");
    assert!(at_b.peers.find(&a.id).is_none() && !at_b.node.trust().contains(&a.id), "nothing was stored");
    // A card with the old key is another matter: what is held is its own.
    at_b.add(&a, None, None);
    at_b.peers.remove(&a.id).unwrap();

    at_b.peers.add(at_b.node.store(), &card, &words, reach(), OtherReplica::SetAside).unwrap();
    at_b.reaches(&a.origin, new).await;
    until(|| at_b.sections(&a.origin) == 8).await;
    for _ in 0..2 {
        let new_key = at_b.node.store().pinned_key(&a.origin).unwrap().unwrap();
        assert_ne!(new_key, old_key);
        let files = bundled(&at_b);
        assert_eq!(bundled_key(&files, &a), Some(new_key.to_string()));
        assert!(!files.keys().any(|path| path.starts_with("logs/002")), "one log of each origin");
        let aside = "aaa.example/aside/1".parse().unwrap();
        assert_eq!(at_b.node.store().pinned_key(&aside).unwrap(), Some(old_key.clone()));
        assert_eq!((at_b.head(&aside), at_b.sections(&aside)), (Some(old), 12), "what was held is kept");
        assert!(!at_b.node.taken_in().contains_key(&aside));
        // After a restart it is the same.
        at_b.stop().await;
        at_b = b.start().await;
        assert_eq!(at_b.node.taken_in().get(&a.origin), Some(&new));
    }
    at_anew.stop().await;
    at_b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_without_a_key_gets_the_one_that_its_checkpoints_verify_with() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let at_b = b.start().await;
    at_b.node.store().create_log(&a.origin, comity_store::LogRole::Replica).unwrap();
    let at_a = a.start().await;
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    until(|| at_b.head(&a.origin).is_some_and(|head| head != Head::EMPTY)).await;
    let key = at_b.node.store().pinned_key(&a.origin).unwrap();
    assert_eq!(key.as_ref(), Some(&at_b.peers.find(&a.id).unwrap().card().identity().log));
    at_a.stop().await;
    at_b.stop().await;
}
