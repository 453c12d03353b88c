//! Which first quorums are kept, and whose lines on them count: of entries that need one, of keys that have ended since, and
//! in a home that was put back.
//!
//! Not here: what is refused of them, and how they come to a follower (`first_quorum`).

use std::sync::atomic::Ordering;

use comity_ledger::{Contradiction, Evidence, Head, KeyRole};
use comity_node::{ListedKey, now};
use comity_tlog::{Checkpoint, CosignatureTime, Hash, SignedCheckpoint, TreeSize};
use comity_wire::{first_quorum, v1};

use crate::attacks::greeted;
use crate::first_quorum::{Author, Stage, dated, existed, kept, witness};
use crate::played::Played;
use crate::recovery::{Served, add_at_rest, put_back};
use crate::rotation::holder;
use crate::support::{Agency, Running, copy, free, until};

/// Goal: of first quorums as many are kept as there are entries that need one, whatever an author has signed; one that proves
/// nothing takes the place of none, and the first that proves something lets those behind it go. Way: an author that states
/// every size of its log, in any order, with entries 3 and 6 of those that need one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_first_quorums_are_kept_than_entries_need_one() {
    let place = tempfile::tempdir().unwrap();
    let stage = Stage::new(place.path()).await;
    let it = &stage.it;
    let said = |size: u64, times: &[i64]| first_quorum(&it.cosigned(&it.of_size(size), times));
    let sizes = || {
        let store = stage.at_b.node.store();
        let is_kept = |size: &u64| {
            let size = TreeSize::new(*size).unwrap();
            store.first_quorum_of(&it.author.a.origin, size).unwrap().is_some()
        };
        (1..=7).filter(is_kept).collect::<Vec<u64>>()
    };
    let [(early, early_words), (strange, strange_words)] = it.two_hostile();
    // A relay may show what nobody has cosigned; what proves something is kept all the same, and the first of those alone.
    let bare = vec![said(4, &[]), said(5, &[-9, -8]), said(6, &[-7, -6]), said(7, &[-5, -4]), early.clone()];
    stage.told(bare, early_words).await;
    assert_eq!((sizes(), stage.times()), (vec![4, 5, 7], [Some(-9), Some(-5)]));
    // Sizes that cover no such entry, the first with the earliest of all times.
    let idle = vec![said(1, &[-50, -50]), said(2, &[-50]), said(3, &[]), said(6, &[-1]), strange.clone()];
    stage.told(idle, strange_words).await;
    assert_eq!((sizes(), stage.times()), (vec![4, 5, 7], [Some(-9), Some(-5)]));
    // With its lines the smaller tree is the first to prove it, and the larger one is needed no more.
    stage.told(vec![said(4, &[-20, -10]), early], early_words).await;
    assert_eq!((sizes(), stage.times()), (vec![4, 7], [Some(-20), Some(-5)]));
    stage.told(vec![said(5, &[-9, -8]), said(6, &[-7, -6]), strange], strange_words).await;
    assert_eq!((sizes(), stage.times()), (vec![4, 7], [Some(-20), Some(-5)]));
    assert!(!stage.has_alarm("fork") && !stage.has_alarm("suspect"));
    stage.stop().await;
}

/// Goal: whoever comes first with a part of the lines of a checkpoint, and with lines of the author beside them, which is no
/// witness of itself, keeps out none of the others; and a larger tree is kept for a witness that the smaller one lacks,
/// whose line others may need. Way: parts of the lines on one checkpoint, by one stream after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_the_lines_on_a_first_quorum_keeps_out_none_of_the_others() {
    let place = tempfile::tempdir().unwrap();
    let stage = Stage::new(place.path()).await;
    let it = &stage.it;
    let [c, d] = &it.author.witnesses;
    let by = |size: u64, of: &[(&Agency, i64)]| first_quorum(&it.cosigned_by(&it.of_size(size), of));
    let sizes = || {
        let of_size = |size: u64| it.of_size(size).checkpoint().size();
        let store = stage.at_b.node.store();
        let is_kept =
            |size: &u64| store.first_quorum_of(&it.author.a.origin, of_size(*size)).unwrap().is_some();
        (1..=7).filter(is_kept).collect::<Vec<u64>>()
    };
    let [(early, early_words), (strange, strange_words)] = it.two_hostile();
    let author = &it.author.a;
    stage.told(vec![by(4, &[(author, -30), (c, -20)]), early.clone()], early_words).await;
    assert_eq!((sizes(), stage.times()), (vec![4], [None, None]));
    stage.told(vec![by(5, &[(author, -40), (c, -20)]), strange.clone()], strange_words).await;
    assert_eq!(sizes(), [4], "the author's own line makes a larger tree no better");
    stage.told(vec![by(5, &[(d, -9)]), early.clone()], early_words).await;
    assert_eq!((sizes(), stage.times()), (vec![4, 5], [None, None]));
    // Together the lines on the smaller tree are a quorum, and nothing else is needed.
    stage.told(vec![by(4, &[(d, -10)]), strange], strange_words).await;
    assert_eq!((sizes(), stage.times()), (vec![4], [Some(-20), None]));
    // Of each witness the earliest line is kept: renewed ones prove less.
    stage.told(vec![by(4, &[(c, 10), (d, -30)]), early], early_words).await;
    assert_eq!((sizes(), stage.times()), (vec![4], [Some(-30), None]));
    stage.stop().await;
}

/// Goal: what a witness signed while its key was in force counts at those who come when it has retired the key, and is kept for
/// others; what the old key signed after that does not, and of a revoked key nothing does. Way: C and D cosign A's log; then
/// C puts another key in the place of the first, and B comes; whoever has the first goes on with it; then C revokes it, and
/// E comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_of_a_witness_key_that_was_retired_since_counts_at_newcomers_and_of_a_revoked_one_nowhere() {
    let place = tempfile::tempdir().unwrap();
    let [b, e] = ["bbb", "eee"].map(|name| Agency::new(place.path(), name));
    let mut author = Author::new(place.path(), &[&b, &e]).await;
    let first = author.at_a.append(vec![dated()]);
    author.cosigned(first, [-50, -40]).await;
    let file = author.witnesses[0].folder.join("keys/witness.key");
    let old = std::fs::read(&file).unwrap();
    let mut at_c = author.witnesses[0].start().await;
    for newcomer in [&b, &e] {
        at_c.add(newcomer, None, None);
    }
    let rotated = at_c.rotate(&author.witnesses[0], KeyRole::Witness);
    let present = std::fs::read(&file).unwrap();
    assert_ne!(present, old);
    std::fs::write(&file, &old).unwrap();
    let late = now().unix_secs() + 30 - author.begun;
    let second = author.at_a.append(vec![dated()]);
    author.cosigned(second, [late.try_into().unwrap(), 2]).await;
    assert!(kept(&author.at_a, &author.a, second).is_some(), "A knows nothing of C's log");
    std::fs::write(&file, present).unwrap();

    let note = kept(&author.at_a, &author.a, first);
    let by = [0, 1].map(|number: usize| witness(&author.witnesses[number]));
    // Of C, by the key that it has retired, and of D.
    let lines = |note: Option<Vec<u8>>| {
        let note = SignedCheckpoint::parse(&note.unwrap()).unwrap();
        by.each_ref().map(|key| {
            note.note().lines().iter().any(|line| line.id() == key.id() && line.name() == key.name())
        })
    };
    let comes = async |of: &Agency, at_c: &Running, head: Head| {
        let at = of.start().await;
        at.add(&author.witnesses[0], Some(at_c.address), None);
        at.add(&author.witnesses[1], None, None);
        at.reaches(&author.witnesses[0].origin, head).await;
        at.add(&author.a, Some(author.at_a.address), None);
        until(|| kept(&at, &author.a, second).is_some()).await;
        at
    };
    // By all witnesses that B knows, and by none of C's keys as a policy names it.
    let at_b = comes(&b, &at_c, rotated).await;
    assert_eq!(existed(&at_b, &author.a, first), Some(author.at(-50)));
    assert_eq!(kept(&at_b, &author.a, first), note, "byte for byte");
    assert_eq!(lines(kept(&at_b, &author.a, second)), [false, true]);

    let list = at_c.key_list(Some(rotated.size));
    let is_old = |key: &&ListedKey| key.key.role() == KeyRole::Witness && key.until.is_some();
    let key = list.keys.iter().find(is_old).unwrap().key.clone();
    let revoked = at_c.enter(&holder(&author.witnesses[0]).revoke(&key, &list, rotated).unwrap());
    let at_e = comes(&e, &at_c, revoked).await;
    // Of this very tree: E cosigns the larger one itself, and with D's line that is a quorum at any moment.
    assert_eq!(at_e.node.store().existed_at(&author.a.origin, first.size).unwrap(), None);
    assert_eq!(lines(kept(&at_e, &author.a, first)), [false, true]);
    for at in [author.at_a, at_b, at_c, at_e] {
        at.stop().await;
    }
}

/// Goal: a home that was put back has from its peers by when its own entries existed, and what proves it: its cosigners have
/// renewed their lines, and nobody else knows. Way: A's store is put back to before an entry that C and D have cosigned; B
/// gives it back, with the note, while C and D are away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healed_home_has_its_own_first_quorums_back() {
    let place = tempfile::tempdir().unwrap();
    let b = Agency::new(place.path(), "bbb");
    let mut author = Author::new(place.path(), &[&b]).await;
    author.at_a.stop().await;
    let saved = place.path().join("saved");
    copy(&author.a.folder.join("store"), &saved);
    author.at_a = author.a.start().await;
    let head = author.at_a.append(vec![dated()]);
    author.cosigned(head, [-50, -40]).await;
    let last = author.at_a.append(free(&author.a, 3, "later"));
    let note = kept(&author.at_a, &author.a, head);
    let at_b = b.start().await;
    for witness in &author.witnesses {
        at_b.add(witness, None, None);
    }
    author.added_at(&at_b, Some(author.at_a.address.to_string()), None);
    at_b.reaches(&author.a.origin, last).await;
    until(|| kept(&at_b, &author.a, head) == note).await;
    author.at_a.stop().await;
    std::fs::remove_dir_all(author.a.folder.join("store")).unwrap();
    copy(&saved, &author.a.folder.join("store"));
    add_at_rest(&author.a, &b, at_b.address).await;
    let at_a = Served::start(&author.a).await;
    at_a.is_healed_to(&author.a, last).await;
    let store = at_a.node.store();
    assert_eq!(store.first_quorum_of(&author.a.origin, head.size).unwrap(), note);
    let time = store.existed_at(&author.a.origin, head.size).unwrap().map(CosignatureTime::value);
    assert_eq!(time, Some(author.begun - 50));
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: an agency that was put back, and is given back a first quorum of another tree that its own key signed, halts with
/// evidence, and a restart forgets nothing of it. Way: a node with C's certificate plays back what B holds, and beside it a
/// second tree of A's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_tree_among_the_own_first_quorums_halts_its_author_with_evidence() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let head = put_back(&a, &b, &place.path().join("saved"), 5).await;
    let at_b = b.start().await;
    let request = v1::FollowRequest { origin: a.origin.to_string(), next_index: 1, ..Default::default() };
    let mut stream = greeted(&a, &b, at_b.address).await.follow(request).await.unwrap().into_inner();
    let mut said = Vec::new();
    while said.len() < 2 {
        said.push(stream.message().await.unwrap().unwrap());
    }
    at_b.stop().await;
    let key = a.key("log");
    let other = Checkpoint::new(a.origin.as_str(), TreeSize::new(3).unwrap(), Hash::leaf(b"other")).unwrap();
    said.push(first_quorum(&other.sign(&key).unwrap()));
    let played = Played::by(&c, &a).await;
    played.stays.store(true, Ordering::SeqCst);
    played.say(said);
    add_at_rest(&a, &c, played.address).await;
    let at_a = Served::start(&a).await;
    until(|| at_a.node.is_halted() && at_a.node.store().evidence_files().unwrap().len() == 1).await;
    let file = at_a.node.store().evidence_files().unwrap().remove(0);
    let shown = Evidence::parse(&file).unwrap();
    assert_eq!(*shown.origin(), a.origin);
    let Contradiction::Trees(trees) = shown.shown() else { panic!("{shown:?}") };
    assert!(trees.heads().contains(&head), "beside the tree that came back");
    at_a.stop().await;
    let at_a = Served::start(&a).await;
    assert!(at_a.node.is_halted() && at_a.node.read_only().is_some(), "a start forgets nothing");
    at_a.stop().await;
}

/// Goal: a witness key that its agency revoked counts nowhere any more, also where a policy names it. Way: C's key is stolen,
/// replaced and revoked; then its thief cosigns A's log, whose policy asks for that key and D's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_witness_key_counts_nowhere_though_a_policy_names_it() {
    let place = tempfile::tempdir().unwrap();
    let mut author = Author::new(place.path(), &[]).await;
    let first = author.at_a.append(free(&author.a, 3, "first"));
    author.cosigned(first, [-9, -8]).await;
    assert_eq!(existed(&author.at_a, &author.a, first), Some(author.at(-9)), "the key counts before");
    let [c, _] = &author.witnesses;
    let file = c.folder.join("keys/witness.key");
    let stolen = std::fs::read(&file).unwrap();
    let mut at_c = c.start().await;
    at_c.add(&author.a, None, None);
    at_c.rotate(c, KeyRole::Witness);
    let head = at_c.head(&c.origin).unwrap();
    let list = at_c.key_list(Some(head.size));
    let is_old = |key: &&ListedKey| key.key.role() == KeyRole::Witness && key.until.is_some();
    let old = list.keys.iter().find(is_old).unwrap().key.clone();
    let revoked = at_c.enter(&holder(c).revoke(&old, &list, head).unwrap());
    author.at_a.add(c, Some(at_c.address), None);
    author.at_a.reaches(&c.origin, revoked).await;
    at_c.stop().await;
    std::fs::write(&file, stolen).unwrap();

    let second = author.at_a.append(free(&author.a, 3, "second"));
    author.cosigned(second, [-50, -40]).await;
    assert_eq!(existed(&author.at_a, &author.a, second), None);
    assert_eq!(existed(&author.at_a, &author.a, first), Some(author.at(-9)), "what was known before stays");
    let state = author.at_a.gossiping.log_states().remove(&author.a.origin).unwrap();
    assert!(state.witnessed <= first.size);
    author.at_a.stop().await;
}
