//! A home that was put back to a day before its log key rotated: it comes to the keys that it has now, and signs with no
//! other; where a key is missing, it says so. One from before its log was closed signs nothing.
//!
//! Not here: a home whose keys never changed (`recovery`).

use std::path::{Path, PathBuf};

use comity_ledger::{Generation, Genesis, Head, HeadNews, HeadUpdate, KeyRole, Origin, OriginDigest, Role};
use comity_node::{Home, NodeError, ReadOnlyReason, SystemEntropy, fingerprint, key_list, succeed};
use comity_tlog::{Checkpoint, Hash, KeyKind, SigningKey, TreeSize};
use comity_wire::{Digests, Heads};

use crate::attacks::greeted;
use crate::claims::exchange;
use crate::played::Played;
use crate::recovery::{Served, add_at_rest, head_of, open};
use crate::rotation::holder;
use crate::successors::succeed_at;
use crate::support::{Agency, Running, copy, free, until};

/// A, which rotated its log key since the state that was saved, and B, which has followed all of it.
struct Rotated {
    a: Agency,
    b: Agency,
    at_b: Running,
    /// A's home before the rotation.
    saved: PathBuf,
    /// A's home now.
    now: PathBuf,
    /// A's newest tree.
    head: Head,
}

impl Rotated {
    async fn new(place: &Path) -> Self {
        let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place, name));
        let (saved, now) = (place.join("saved"), place.join("now"));
        let (mut at_a, at_b) = (a.start().await, b.start().await);
        at_a.add(&b, Some(at_b.address), None);
        at_b.add(&a, Some(at_a.address), None);
        let early = at_a.append(free(&a, 3, "early"));
        at_b.reaches(&a.origin, early).await;
        at_a.stop().await;
        copy(&a.folder, &saved);
        let mut at_a = a.start().await;
        at_b.add(&a, Some(at_a.address), None);
        at_a.append(free(&a, 2, "before"));
        at_a.rotate(&a, KeyRole::Log);
        at_a.append(free(&a, 2, "in the overlap"));
        at_a.retire_oldest(&a);
        let head = at_a.append(free(&a, 2, "after"));
        at_b.reaches(&a.origin, head).await;
        until(|| at_b.sections(&a.origin) == 9 * 4).await;
        at_a.stop().await;
        copy(&a.folder, &now);
        add_at_rest(&a, &b, at_b.address).await;
        Self { a, b, at_b, saved, now, head }
    }

    /// Puts parts of A's home in the place of what it has.
    fn put(&self, from: &Path, parts: &[&str]) {
        for part in parts {
            let (from, to) = (from.join(part), self.a.folder.join(part));
            if from.is_dir() {
                std::fs::remove_dir_all(&to).unwrap();
                copy(&from, &to);
            } else {
                std::fs::copy(from, to).unwrap();
            }
        }
    }

    /// That A has all of its log and its keys again, and goes on signing, which B follows.
    async fn goes_on(&self) {
        let at_a = Served::start(&self.a).await;
        at_a.is_healed_to(&self.a, self.head).await;
        let keys = |of: &comity_node::Node| of.store().keys(&self.a.origin).unwrap();
        assert_eq!(keys(&at_a.node), keys(&self.at_b.node));
        at_a.stop().await;
        let mut at_a = self.a.start().await;
        assert_eq!(at_a.log_keys().len(), 1);
        let later = at_a.append(free(&self.a, 1, "later"));
        self.at_b.add(&self.a, Some(at_a.address), None);
        self.at_b.reaches(&self.a.origin, later).await;
        assert!(!self.at_b.node.is_in_doubt(&self.a.origin) && !self.at_b.has_alarm("void_checkpoint"));
        at_a.stop().await;
    }
}

/// Goal: a store from before a rotation comes back to the log as it is, key events and all, and the key that is in force
/// signs on. Way: the store alone put back, with the sign-lock that there is and with none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_from_before_a_rotation_comes_through_it_and_signs_with_the_new_key() {
    for has_lock in [true, false] {
        let place = tempfile::tempdir().unwrap();
        let rotated = Rotated::new(place.path()).await;
        rotated.put(&rotated.saved, &["store"]);
        if !has_lock {
            forget_what_was_signed(&rotated.a);
        }
        rotated.goes_on().await;
        rotated.at_b.stop().await;
    }
}

/// Goal: a whole home from before a rotation signs nothing with the key that has ended, and says what is missing; with the
/// newest key files it goes on. Way: store, sign-lock, keys and identity put back; then the keys as they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_home_from_before_a_rotation_signs_nothing_until_its_newest_keys_are_back() {
    let place = tempfile::tempdir().unwrap();
    let rotated = Rotated::new(place.path()).await;
    rotated.put(&rotated.saved, &["store", "lock", "keys", "identity.note"]);
    let at_a = Served::start(&rotated.a).await;
    let missing = ReadOnlyReason::NoKey { held: rotated.head.size };
    until(|| at_a.node.read_only() == Some(missing)).await;
    assert_eq!(head_of(at_a.node.store(), &rotated.a), rotated.head, "all of it is back");
    assert!(missing.explain().contains("put the newest key files back"));
    at_a.stop().await;
    rotated.put(&rotated.now, &["keys"]);
    // The identity still names the key that has ended: whoever has the root key signs it again.
    let home = Home::find(&rotated.a.folder).unwrap();
    assert!(matches!(home.card(), Err(NodeError::OldIdentity { .. })));
    let open = open(&rotated.a).await;
    let list = key_list(&home, open.store(), TreeSize::ZERO, None).unwrap();
    holder(&rotated.a).sign_identity_again(&list).unwrap();
    drop(open);
    let card = home.card().unwrap();
    let now = rotated.at_b.node.store().keys(&rotated.a.origin).unwrap().log_keys(rotated.head.size);
    assert_eq!(std::slice::from_ref(card.log_now()), now);
    let before = Home::find(&rotated.saved).unwrap().card().unwrap();
    let words = [&card, &before].map(|card| fingerprint(card.identity()).unwrap());
    assert_eq!(words[0], words[1], "the same words");
    rotated.goes_on().await;
    let Rotated { b, at_b, .. } = rotated;
    assert!(at_b.node.store().evidence_files().unwrap().is_empty(), "nobody is accused at {}", b.id);
    at_b.stop().await;
}

/// Goal: a home from before its log was closed and its successor made signs nothing, says what to do, and remembers it when
/// nobody is there. Way: the whole home put back, with its sign-lock and with none; B holds just what it holds of the
/// closed log, and the successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_home_from_before_its_successor_signs_nothing_and_says_so_for_good() {
    for has_lock in [true, false] {
        let place = tempfile::tempdir().unwrap();
        let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
        let (saved, now) = (place.path().join("saved"), place.path().join("now"));
        let (mut at_a, at_b) = (a.start().await, b.start().await);
        at_a.add(&b, Some(at_b.address), None);
        at_b.add(&a, Some(at_a.address), None);
        let good = at_a.append(free(&a, 3, "before"));
        at_b.reaches(&a.origin, good).await;
        at_a.stop().await;
        copy(&a.folder, &saved);
        let next = succeed_at(&a, Some(good));
        let mut at_a = a.start().await;
        at_b.add(&a, Some(at_a.address), None);
        let head = at_a.append(free(&a, 2, "in the successor"));
        at_b.reaches(&next, head).await;
        at_a.stop().await;
        std::fs::rename(&a.folder, &now).unwrap();
        copy(&saved, &a.folder);
        if !has_lock {
            forget_what_was_signed(&a);
        }
        let at_a = Served::start(&a).await;
        let over = ReadOnlyReason::Succeeded { last_good: good.size };
        until(|| at_a.node.read_only() == Some(over)).await;
        assert!(over.explain().contains("put the newest home files back"));
        at_b.add(&a, Some(at_a.address), None);
        at_a.stop().await;
        at_b.stop().await;
        // Nobody has to say it again.
        let mut at_rest = open(&a).await;
        let refused = at_rest.writable().unwrap_err();
        assert!(matches!(&refused, NodeError::ReadOnly { reason } if *reason == over.explain()), "{refused}");
        assert_eq!(head_of(at_rest.store(), &a), good, "nothing was signed");
        let again = succeed(&at_rest, &holder(&a), good, comity_node::now(), &mut SystemEntropy::new());
        assert!(
            again.is_err_and(|error| error.to_string().contains("too old to know")),
            "no second successor"
        );
        drop(at_rest);
        // With the newest files in its place the agency goes on.
        std::fs::copy(a.folder.join("successor.entry"), now.join("successor.entry")).unwrap();
        std::fs::remove_dir_all(&a.folder).unwrap();
        std::fs::rename(&now, &a.folder).unwrap();
        let mut at_rest = open(&a).await;
        assert_eq!(at_rest.writable().unwrap().head(), head);
    }
}

/// Goal: nobody but the own root key ends the own log. Way: a peer shows a successor that another root key signed, and one
/// that the right root key signed for another log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_makes_up_a_successor_of_the_own_log_does_not_end_signing() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let next = a.origin.successor().unwrap();
    let genesis = |closed: &Origin, root: &SigningKey| {
        let key = SigningKey::from_seed(next.as_str().parse().unwrap(), KeyKind::Ed25519, &[5; 32]).unwrap();
        let genesis = Genesis::succeeding(closed, Head::EMPTY, root, key.verifier()).unwrap();
        let sealed = genesis.draft().seal(&next, comity_node::now(), &mut SystemEntropy::new()).unwrap();
        sealed.bytes().as_bytes().to_vec()
    };
    let name = format!("{}/root", a.id).parse().unwrap();
    let other = SigningKey::from_seed(name, KeyKind::Ed25519, &[6; 32]).unwrap();
    let root = std::fs::read_to_string(a.folder.join("offline/root.key")).unwrap();
    let root: SigningKey = root.trim_end().parse().unwrap();
    let played = Played::by(&b, &a).await;
    add_at_rest(&a, &b, played.address).await;
    let at_a = Served::start(&a).await;
    for forged in [genesis(&a.origin, &other), genesis(&next, &root), b"none".to_vec()] {
        played.begins(forged);
        let before = played.was_asked_for_the_genesis(&next);
        until(|| played.was_asked_for_the_genesis(&next) >= before + 3).await;
        assert_eq!(at_a.node.read_only(), None);
    }
    at_a.stop().await;
    assert!(open(&a).await.writable().is_ok());
}

/// Removes the author's files of the sign-lock.
fn forget_what_was_signed(of: &Agency) {
    for file in std::fs::read_dir(of.folder.join("lock")).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with(Role::Author.name()) {
            std::fs::remove_file(path).unwrap();
        }
    }
}

/// Goal: a peer that shows a larger own checkpoint of a key that nobody knows holds signing up for a moment, a few times, and
/// no longer. Way: B says so ten times over, with another checkpoint each time, and gives no entries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_claims_more_of_the_own_log_under_an_unknown_key_does_not_end_signing() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let at_b = b.start().await;
    add_at_rest(&a, &b, at_b.address).await;
    let at_a = Served::start(&a).await;
    until(|| at_a.node.read_only().is_none()).await;
    let key = SigningKey::from_seed(a.origin.as_str().parse().unwrap(), KeyKind::Ed25519, &[9; 32]).unwrap();
    let mut client = greeted(&b, &a, at_a.address).await;
    for size in 10..20 {
        let checkpoint =
            Checkpoint::new(a.origin.as_str(), TreeSize::new(size).unwrap(), Hash::leaf(b"none"));
        let note = checkpoint.unwrap().sign(&key).unwrap();
        let (origin, generation) = (OriginDigest::of(&a.origin), Generation::new(size));
        let news = HeadNews::Checkpoint { note, beginning: None };
        let updates = vec![HeadUpdate { origin, generation, news }];
        exchange(&mut client, Heads { digests: Digests::Now(Vec::new()), updates, ..Heads::default() }).await;
    }
    until(|| at_a.node.read_only().is_none()).await;
    assert_eq!(head_of(at_a.node.store(), &a).size.value(), 1);
    drop(client);
    at_a.stop().await;
    at_b.stop().await;
}
