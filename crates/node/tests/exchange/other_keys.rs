//! Authors that show two faces of a log under keys that followed each other in one face alone, so that nobody can verify
//! the newest note of the other face.
//!
//! Not here: two faces under one key (`gossip`), and what one follower sees alone (`lying_authors`).

use comity_ledger::{Entry, Evidence, Generation, Genesis, Head, HeadDigest, KeyRole, Origin, OriginDigest};
use comity_node::{SystemEntropy, now};
use comity_tlog::{Checkpoint, EntryIndex, Hash, KeyKind, SigningKey, TreeSize};
use comity_wire::{Digests, Heads, v1};

use crate::attacks::greeted;
use crate::convictions::{say, two_trees};
use crate::played::Played;
use crate::rotation::holder;
use crate::successors::succeed_at;
use crate::support::{Agency, Running, copy, free, until};

/// An author with a twin of its home, and those who are shown one face each.
struct Faces {
    a: Agency,
    twin: Agency,
    b: Agency,
    c: Agency,
}

impl Faces {
    async fn new(place: &std::path::Path) -> Self {
        let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place, name));
        let twin = Agency { folder: place.join("twin"), id: a.id.clone(), origin: a.origin.clone() };
        let at_a = a.start().await;
        at_a.add(&b, None, None);
        at_a.add(&c, None, None);
        at_a.stop().await;
        copy(&a.folder, &twin.folder);
        Self { a, twin, b, c }
    }

    /// B, which is shown the face of A, and C, which is shown that of the twin; they do not know each other.
    async fn shown(&self, at_a: &Running, at_twin: &Running) -> [Running; 2] {
        let (at_b, at_c) = (self.b.start().await, self.c.start().await);
        at_b.add(&self.a, Some(at_a.address), None);
        at_c.add(&self.a, Some(at_twin.address), None);
        [at_b, at_c]
    }

    fn meet(&self, at_b: &Running, at_c: &Running) {
        at_b.add(&self.c, Some(at_c.address), None);
        at_c.add(&self.b, Some(at_b.address), None);
    }
}

/// What a peer says that holds this tree of a log, and no other log.
fn holding(origin: &Origin, head: Head) -> Heads {
    let (origin, generation, seen) = (OriginDigest::of(origin), Generation::new(1), Generation::default());
    let digests = Digests::Now(vec![HeadDigest { origin, head, generation, seen }]);
    Heads { digests, ..Heads::default() }
}

async fn convicted_by(at: &Running, of: &Agency) -> Evidence {
    let files = || at.node.store().evidence_files().unwrap();
    until(|| at.has_alarm("fork") && !files().is_empty()).await;
    assert!(at.node.is_in_doubt(&of.origin));
    Evidence::parse(&files()[0]).unwrap()
}

/// Goal: two faces are found whose newest notes are of other keys, by the notes that lead up to these, of one size and of
/// two. Way: in each face a key of its own follows, and the common one is retired; one face may go on after that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_view_under_other_log_keys_is_found_by_the_notes_that_lead_up_to_them() {
    for later in [0, 5] {
        let place = tempfile::tempdir().unwrap();
        let faces = Faces::new(place.path()).await;
        let (mut at_a, mut at_twin) = (faces.a.start().await, faces.twin.start().await);
        let mut heads = Vec::new();
        for (at, of) in [(&mut at_a, &faces.a), (&mut at_twin, &faces.twin)] {
            at.rotate(of, KeyRole::Log);
            heads.push(at.retire_oldest(of));
        }
        if later > 0 {
            heads[1] = at_twin.append(free(&faces.twin, later, "later"));
        }
        let [at_b, at_c] = faces.shown(&at_a, &at_twin).await;
        at_b.reaches(&faces.a.origin, heads[0]).await;
        at_c.reaches(&faces.a.origin, heads[1]).await;
        assert!(!at_b.node.is_in_doubt(&faces.a.origin) && !at_c.node.is_in_doubt(&faces.a.origin));
        faces.meet(&at_b, &at_c);
        for at in [&at_b, &at_c] {
            let evidence = convicted_by(at, &faces.a).await;
            assert_eq!(
                evidence.trees().unwrap().heads().map(|head| head.size.value()),
                [2, 2],
                "the notes of the common key"
            );
        }
        for at in [at_a, at_twin, at_b, at_c] {
            at.stop().await;
        }
    }
}

/// Goal: where the note of a common key is of a size for which that key has ended by the other face, who holds that face is
/// in doubt, and stays so while the author goes on; whoever holds the face in which the key was in force has the proof.
/// Way: one face retires the common key at once, the other later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_history_signed_by_a_key_that_has_ended_puts_a_log_in_doubt() {
    let place = tempfile::tempdir().unwrap();
    let faces = Faces::new(place.path()).await;
    let (mut at_a, mut at_twin) = (faces.a.start().await, faces.twin.start().await);
    at_a.rotate(&faces.a, KeyRole::Log);
    at_a.retire_oldest(&faces.a);
    let long = at_a.append(free(&faces.a, 20, "shown to B"));
    at_twin.append(free(&faces.twin, 7, "shown to C"));
    at_twin.rotate(&faces.twin, KeyRole::Log);
    let short = at_twin.retire_oldest(&faces.twin);
    let [at_b, at_c] = faces.shown(&at_a, &at_twin).await;
    at_b.reaches(&faces.a.origin, long).await;
    at_c.reaches(&faces.a.origin, short).await;
    faces.meet(&at_b, &at_c);
    until(|| at_b.has_alarm("suspect") && at_b.node.is_in_doubt(&faces.a.origin)).await;
    assert_eq!(
        convicted_by(&at_c, &faces.a).await.trees().unwrap().heads().map(|head| head.size.value()),
        [2, 9]
    );
    assert!(at_b.node.store().evidence_files().unwrap().is_empty(), "to B the key was not in force");
    // The author's own stream goes on, and takes nothing back.
    let later = at_a.append(free(&faces.a, 1, "later"));
    at_b.reaches(&faces.a.origin, later).await;
    until(|| at_b.state(&faces.a).last_error.is_none()).await;
    assert!(at_b.has_alarm("suspect"));
    // The doubt was C's word, and ends with it.
    assert!(at_b.peers.remove(&faces.c.id).unwrap());
    until(|| !at_b.node.is_in_doubt(&faces.a.origin)).await;
    for at in [at_a, at_twin, at_b, at_c] {
        at.stop().await;
    }
}

/// Goal: a peer that only says that it holds another tree puts nobody in doubt, and is asked once for each tree that it
/// makes up. Way: C states trees of A's log, and shows notes of them that no key of A's signed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_that_a_peer_makes_up_puts_no_author_in_doubt() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let head = at_a.append(free(&a, 5, "record"));
    at_b.reaches(&a.origin, head).await;
    let key = SigningKey::from_seed(a.origin.as_str().parse().unwrap(), KeyKind::Ed25519, &[7; 32]).unwrap();
    let played = Played::by(&c, &b).await;
    for (number, size) in [3, 6].into_iter().enumerate() {
        let (size, root) = (TreeSize::new(size).unwrap(), Hash::digest(b"made up"));
        let checkpoint = Checkpoint::new(a.origin.as_str(), size, root).unwrap();
        played.say(vec![v1::FollowResponse::from(&checkpoint.sign(&key).unwrap())]);
        played.states(&holding(&a.origin, Head { size, root }));
        // Added once: a peer that is added again is asked again.
        if number == 0 {
            at_b.add(&c, Some(played.address), None);
        }
        until(|| played.followed(&a.origin) == number + 1).await;
        let before = played.exchanged();
        until(|| played.exchanged() >= before + 2).await;
        assert_eq!(played.followed(&a.origin), number + 1, "once for each tree");
        assert!(!at_b.node.is_in_doubt(&a.origin) && !at_b.has_alarm("suspect"));
    }
    for at in [at_a, at_b] {
        at.stop().await;
    }
}

/// Goal: a peer that never confirms what it was told keeps this node busy with nothing. Way: one that states the same again
/// and again, whatever it is told; without a pause there would be hundreds of exchanges in a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_confirms_nothing_is_not_spoken_to_without_a_pause() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let head = at_a.append(free(&a, 5, "record"));
    at_b.reaches(&a.origin, head).await;
    let played = Played::by(&c, &b).await;
    played.states(&holding(&a.origin, head));
    at_b.add(&c, Some(played.address), None);
    until(|| played.exchanged() >= 2).await;
    let before = played.exchanged();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let more = played.exchanged() - before;
    assert!(more <= 40, "{more} exchanges in a second");
    for at in [at_a, at_b] {
        at.stop().await;
    }
}

/// Goal: evidence that a peer refuses is not sent with all that is said to it. Way: C confirms nothing and never holds it,
/// so that B speaks to it four times in each round, of which the first says all anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_that_a_peer_refuses_is_sent_to_it_once_in_a_round() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let head = at_a.append(free(&a, 5, "record"));
    at_b.reaches(&a.origin, head).await;
    let mut client = greeted(&a, &b, at_b.address).await;
    say(&mut client, &[two_trees(&a, 9)]).await;
    assert_eq!(at_b.node.store().evidence_files().unwrap().len(), 1);
    let played = Played::by(&c, &b).await;
    played.states(&holding(&a.origin, head));
    at_b.add(&c, Some(played.address), None);
    until(|| played.exchanged() >= 12).await;
    let (exchanged, accused) = (played.exchanged(), played.accused());
    assert!(accused > 0 && accused * 2 <= exchanged, "evidence was sent with {accused} of {exchanged}");
    for at in [at_a, at_b] {
        at.stop().await;
    }
}

/// Goal: what a thief signed with a key that its author has revoked puts nobody in doubt who has read of that. Way: C was
/// shown the thief's tree, and B the author's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_that_a_revoked_key_signed_puts_no_author_in_doubt() {
    let place = tempfile::tempdir().unwrap();
    let faces = Faces::new(place.path()).await;
    let mut at_a = faces.a.start().await;
    let good = at_a.rotate(&faces.a, KeyRole::Log);
    at_a.stop().await;
    std::fs::remove_dir_all(&faces.twin.folder).unwrap();
    copy(&faces.a.folder, &faces.twin.folder);
    std::fs::remove_file(faces.twin.folder.join("keys/log-next.key")).unwrap();
    let (mut at_a, mut at_thief) = (faces.a.start().await, faces.twin.start().await);
    let (stolen, list) = (at_a.log_keys().remove(0), at_a.key_list(Some(good.size)));
    at_a.enter(&holder(&faces.a).revoke(&stolen, &list, list.checkpoint.unwrap()).unwrap());
    let head = at_a.append(free(&faces.a, 9, "by the author"));
    let void = at_thief.append(free(&faces.twin, 3, "by the thief"));
    let [at_b, at_c] = faces.shown(&at_a, &at_thief).await;
    at_b.reaches(&faces.a.origin, head).await;
    at_c.reaches(&faces.a.origin, void).await;
    faces.meet(&at_b, &at_c);
    until(|| at_b.has_alarm("void_checkpoint")).await;
    assert!(!at_b.node.is_in_doubt(&faces.a.origin), "the author is accused of nothing");
    assert!(at_b.node.store().evidence_files().unwrap().is_empty());
    for at in [at_a, at_thief, at_b, at_c] {
        at.stop().await;
    }
}

/// Goal: a first entry convicts nobody that the root key did not sign, or that says no more than the one held. Way: C gives
/// one that another root key signed, and the author's own in another entry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_entry_that_a_peer_makes_up_convicts_no_author() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let last_good = at_a.append(free(&a, 2, "the last"));
    at_a.stop().await;
    let next = succeed_at(&a, Some(last_good));
    let (at_a, at_b) = (a.start().await, b.start().await);
    at_b.add(&a, Some(at_a.address), None);
    until(|| at_b.head(&next).is_some()).await;
    let first = EntryIndex::ZERO.size_through();
    let held = at_b.node.store().entries(&next, TreeSize::ZERO, first).unwrap().remove(0);
    let own = Genesis::from_entry(&Entry::parse(&held).unwrap()).unwrap();
    let key = |name: &str, seed: u8| {
        SigningKey::from_seed(name.parse().unwrap(), KeyKind::Ed25519, &[seed; 32]).unwrap()
    };
    let (root, log) = (key(&format!("{}/root", a.id), 6), key(next.as_str(), 7));
    let forged = Genesis::succeeding(&a.origin, last_good, &root, log.verifier()).unwrap();
    let played = Played::by(&c, &b).await;
    for (number, genesis) in [forged, own].into_iter().enumerate() {
        let sealed = genesis.draft().seal(&next, now(), &mut SystemEntropy::new()).unwrap();
        let entry = sealed.bytes().as_bytes().to_vec();
        assert_ne!(entry, held);
        let (size, root) = (first, Hash::leaf(&entry));
        played.begins(entry);
        let checkpoint = Checkpoint::new(next.as_str(), size, root).unwrap();
        played.say(vec![v1::FollowResponse::from(&checkpoint.sign(&log).unwrap())]);
        played.states(&holding(&next, Head { size, root }));
        // Added once: a peer that is added again is asked again.
        if number == 0 {
            at_b.add(&c, Some(played.address), None);
        }
        // The entries are asked for where the first one told nothing.
        until(|| played.followed(&next) == number + 1).await;
        assert!(played.was_asked_for_the_genesis(&next) > number);
        let before = played.exchanged();
        until(|| played.exchanged() >= before + 2).await;
        assert!(!at_b.node.is_in_doubt(&next) && !b.folder.join("geneses").exists());
    }
    for at in [at_a, at_b] {
        at.stop().await;
    }
}
