//! Keys that follow each other, end and are stolen, between nodes: what the log says holds at once for everybody.

use comity_ledger::{
    Card, Generation, Head, HeadDigest, HeadNews, HeadUpdate, KeyRole, OriginDigest, Role, RoleKey,
};
use comity_node::{
    Home, KeyChange, KeyHolder, KeyList, ListedKey, OtherReplica, OwnLogState, Reach, SystemEntropy,
    fingerprint, key_list, now, policy_alarms,
};
use comity_tlog::{Checkpoint, Hash, KeyKind, Policy, SignedCheckpoint, SigningKey, TreeSize, VerifierKey};
use comity_wire::{Digests, Heads};

use crate::attacks::greeted;
use crate::claims::exchange;
use crate::support::{Agency, Running, copy, free, until};

impl Running {
    pub(crate) fn key_list(&self, asked: Option<TreeSize>) -> KeyList {
        let states = self.gossiping.log_states();
        let witnessed = states.get(&self.node.home().origin()).map_or(TreeSize::ZERO, |log| log.witnessed);
        key_list(self.node.home(), self.node.store(), witnessed, asked).unwrap()
    }

    /// Enters what an operator has signed, as the task of the own log does.
    pub(crate) fn enter(&mut self, change: &KeyChange) -> Head {
        let OwnLogState::Writable(log) = &mut self.own_log else { panic!("read only") };
        let (signed, _) = log.enter_key_events(&change.events, now(), &mut SystemEntropy::new()).unwrap();
        self.node.home().settle_keys(self.node.store()).unwrap();
        self.node.tell_news();
        signed.head()
    }

    pub(crate) fn rotate(&mut self, of: &Agency, role: KeyRole) -> Head {
        let change = holder(of).rotate(role, &self.key_list(None), &mut SystemEntropy::new()).unwrap();
        self.enter(&change)
    }

    pub(crate) fn retire_oldest(&mut self, of: &Agency) -> Head {
        let key = self.log_keys().remove(0);
        let change = holder(of).retire(&key, &self.key_list(None)).unwrap();
        self.enter(&change)
    }

    /// The log keys in force, oldest first.
    pub(crate) fn log_keys(&self) -> Vec<RoleKey> {
        let list = self.key_list(None);
        let open = list.keys.iter().filter(|key| key.key.role() == KeyRole::Log && key.until.is_none());
        open.map(|key| key.key.clone()).collect()
    }

    pub(crate) fn has_alarm(&self, code: &str) -> bool {
        self.node.alarms().standing().iter().any(|alarm| alarm.key.code == code)
    }
}

pub(crate) fn holder(of: &Agency) -> KeyHolder {
    KeyHolder::take(&Home::find(&of.folder).unwrap(), &of.folder.join("offline/root.key")).unwrap()
}

/// Goal: followers, direct and through a relay, and witnesses go along with a rotation without a break. Way: entries
/// before, between and after its two events, over one stream.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_in_the_middle_of_a_stream_goes_on_without_a_break() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    at_a.add(&b, Some(at_b.address), None);
    at_b.add(&a, Some(at_a.address), None);
    at_b.add(&c, None, None);
    at_c.add(&b, Some(at_b.address), None);
    at_c.add(&a, None, Some(&b));
    let mut records = 0;
    for round in 0..3 {
        at_a.append(free(&a, 5, &format!("before {round}")));
        at_a.rotate(&a, KeyRole::Log);
        at_a.append(free(&a, 5, &format!("in the overlap {round}")));
        at_a.retire_oldest(&a);
        let head = at_a.append(free(&a, 5, &format!("after {round}")));
        records += 15;
        for at in [&at_b, &at_c] {
            at.reaches(&a.origin, head).await;
            until(|| at.sections(&a.origin) == records * 4).await;
            assert_eq!(at.state(&a).last_error, None);
        }
        // The witness goes along: what the new key signs is cosigned, and the author learns of it.
        let states = || at_a.gossiping.log_states().get(&a.origin).map(|state| state.witnessed);
        until(|| states() == Some(head.size)).await;
        assert_eq!(at_a.log_keys().len(), 1);
    }
    assert!(at_b.node.alarms().standing().iter().all(|alarm| alarm.key.code != "suspect"));
    for at in [at_a, at_b, at_c] {
        at.stop().await;
    }
}

/// Goal: whoever was away comes through, step by step, from the last key that it knows. Way: two rotations while the
/// follower is down, the whole of them on disk before it is up again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_was_away_for_two_rotations_comes_through_them() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_a.add(&c, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let before = at_a.append(free(&a, 300, "before"));
    at_b.reaches(&a.origin, before).await;
    at_b.stop().await;
    for round in 0..2 {
        at_a.rotate(&a, KeyRole::Log);
        at_a.append(free(&a, 280, &format!("away {round}")));
        at_a.retire_oldest(&a);
    }
    let head = at_a.append(free(&a, 2, "after"));
    let (at_b, at_c) = (b.start().await, c.start().await);
    // One that begins from nothing comes through them as well.
    at_c.add(&a, Some(at_a.address), None);
    for at in [&at_b, &at_c] {
        at.reaches(&a.origin, head).await;
        assert_eq!(at.node.store().keys(&a.origin).unwrap(), at_a.node.store().keys(&a.origin).unwrap());
    }
    for at in [at_a, at_b, at_c] {
        at.stop().await;
    }
}

/// Goal: a thief who signs with a key that was revoked gets nothing in anywhere, is seen, and convicts nobody. Way: a
/// twin of the home from before the revocation serves what it signs after, and says of it what gossip says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thief_who_signs_after_revocation_gets_nothing_in_and_is_seen() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let twin = Agency { folder: place.path().join("twin"), id: a.id.clone(), origin: a.origin.clone() };
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, Some(at_b.address), None);
    at_b.add(&a, Some(at_a.address), None);
    at_b.add(&c, None, None);
    at_a.append(free(&a, 5, "good"));
    let good = at_a.rotate(&a, KeyRole::Log);
    let witnessed = || at_a.key_list(None).witnessed == Some(good);
    until(witnessed).await;
    // The thief has the old key, and the tree as it was.
    at_a.stop().await;
    copy(&a.folder, &twin.folder);
    std::fs::remove_file(twin.folder.join("keys/log-next.key")).unwrap();
    let mut at_a = a.start().await;
    let stolen = at_a.log_keys().remove(0);
    let list = at_a.key_list(Some(good.size));
    let change = holder(&a).revoke(&stolen, &list, list.checkpoint.unwrap()).unwrap();
    assert!(!change.closes, "nothing was signed beyond the last good checkpoint");
    at_a.enter(&change);
    let head = at_a.append(free(&a, 3, "after the revocation"));
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, head).await;
    let mut at_twin = twin.start().await;
    let void = at_twin.append(free(&twin, 9, "by the thief"));
    let note = at_twin.node.store().newest_note(&a.origin).unwrap().unwrap();

    // Told by somebody whom B knows.
    let mut client = greeted(&c, &b, at_b.address).await;
    let news = HeadNews::Checkpoint { note: SignedCheckpoint::parse(&note).unwrap(), beginning: None };
    let origin = OriginDigest::of(&a.origin);
    let generation = Generation::new(1);
    let said = Heads {
        digests: Digests::Now(Vec::new()),
        updates: vec![HeadUpdate { origin, generation, news }],
        ..Heads::default()
    };
    exchange(&mut client, said).await;
    until(|| at_b.has_alarm("void_checkpoint")).await;
    assert!(!at_b.node.is_in_doubt(&a.origin), "the author is accused of nothing");
    assert_eq!(at_b.node.store().evidence_files().unwrap().len(), 0);

    // And served by the thief itself, in the place of the author.
    at_b.add(&a, Some(at_twin.address), None);
    at_b.fails(&a, "is signed by a key that is not in force").await;
    assert_eq!(at_b.head(&a.origin), Some(head), "nothing of it was taken");
    let held = at_b.node.store().newest_note(&a.origin).unwrap().unwrap();
    assert_ne!(held, note);
    let cosigned = at_b.gossiping.log_states().get(&a.origin).map(|state| state.witnessed);
    assert!(cosigned.is_none_or(|size| size <= head.size && size != void.size));
    // With the author back, all goes on, and what was suspected is dispelled.
    at_b.add(&a, Some(at_a.address), None);
    let later = at_a.append(free(&a, 1, "later"));
    at_b.reaches(&a.origin, later).await;
    until(|| !at_b.has_alarm("suspect")).await;
    for at in [at_a, at_b, at_twin] {
        at.stop().await;
    }
}

/// Goal: whoever says a checkpoint of a key that has ended, or that the log never named, gets no cosignature for it. Way: C
/// says to B what a twin with A's retired key signed, and what a key of its own did; then it asks what B has cosigned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_retired_or_unannounced_key_signed_is_cosigned_for_nobody_who_says_it() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let twin = Agency { folder: place.path().join("twin"), id: a.id.clone(), origin: a.origin.clone() };
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&c, None, None);
    at_a.rotate(&a, KeyRole::Log);
    at_a.stop().await;
    copy(&a.folder, &twin.folder);
    std::fs::remove_file(twin.folder.join("keys/log-next.key")).unwrap();
    let (mut at_a, mut at_twin) = (a.start().await, twin.start().await);
    at_a.retire_oldest(&a);
    let head = at_a.append(free(&a, 3, "after"));
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, head).await;
    let witness = Home::find(&b.folder).unwrap().card().unwrap().identity().witness.clone();
    let has_line = |note: &[u8]| {
        let note = SignedCheckpoint::parse(note).unwrap();
        note.note().lines().iter().any(|line| line.id() == witness.id() && line.name() == witness.name())
    };
    until(|| has_line(&at_b.node.store().newest_note(&a.origin).unwrap().unwrap())).await;

    at_twin.append(free(&twin, 9, "by whoever has the retired key"));
    let retired = at_twin.node.store().newest_note(&a.origin).unwrap().unwrap();
    let key = SigningKey::from_seed(a.origin.as_str().parse().unwrap(), KeyKind::Ed25519, &[9; 32]).unwrap();
    let made_up =
        Checkpoint::new(a.origin.as_str(), TreeSize::new(50).unwrap(), Hash::leaf(b"none")).unwrap();
    let unannounced = made_up.sign(&key).unwrap().as_bytes().to_vec();
    let mut client = greeted(&c, &b, at_b.address).await;
    let origin = OriginDigest::of(&a.origin);
    for (number, note) in [retired, unannounced].iter().enumerate() {
        let news = HeadNews::Checkpoint { note: SignedCheckpoint::parse(note).unwrap(), beginning: None };
        let generation = Generation::new(u64::try_from(number).unwrap() + 1);
        let seen = Generation::default();
        let nothing = HeadDigest { origin, head: Head::EMPTY, generation, seen };
        let said = Heads {
            digests: Digests::Now(vec![nothing]),
            updates: vec![HeadUpdate { origin, generation, news }],
            ..Heads::default()
        };
        let answer = exchange(&mut client, said).await;
        let [update] = answer.updates.as_slice() else { panic!("{answer:?}") };
        let HeadNews::Checkpoint { note, .. } = &update.news else { panic!("{update:?}") };
        assert_eq!((note.checkpoint().size(), note.checkpoint().root()), (head.size, head.root));
        assert!(has_line(note.as_bytes()));
    }
    assert!(at_b.has_alarm("void_checkpoint") && !at_b.node.is_in_doubt(&a.origin));
    assert!(at_b.node.store().evidence_files().unwrap().is_empty());
    for at in [at_a, at_b, at_twin] {
        at.stop().await;
    }
}

/// Goal: a fork that a thief signed convicts the author only until the key is revoked. Way: the evidence comes first,
/// the revocation after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_that_a_revocation_makes_void_is_let_go() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let twin = Agency { folder: place.path().join("twin"), id: a.id.clone(), origin: a.origin.clone() };
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    at_a.append(free(&a, 5, "good"));
    let good = at_a.rotate(&a, KeyRole::Log);
    at_a.stop().await;
    copy(&a.folder, &twin.folder);
    std::fs::remove_file(twin.folder.join("keys/log-next.key")).unwrap();
    let (mut at_a, mut at_twin, at_b) = (a.start().await, twin.start().await, b.start().await);
    let theirs = at_twin.append(free(&twin, 1, "by the thief"));
    at_b.add(&a, Some(at_a.address), None);
    // The revocation is the entry of that size, and B learns of both trees before it has read it.
    let stolen = at_a.log_keys().remove(0);
    let list = at_a.key_list(Some(good.size));
    at_b.reaches(&a.origin, good).await;
    let change = holder(&a).revoke(&stolen, &list, list.checkpoint.unwrap()).unwrap();
    let ours = at_a.enter(&change);
    assert_eq!(ours.size, theirs.size);
    at_b.reaches(&a.origin, ours).await;
    let note = |at: &Running| at.node.store().newest_note(&a.origin).unwrap().unwrap();
    let keys = at_twin.node.store().keys(&a.origin).unwrap();
    let verified = |note: &[u8]| keys.verify(&SignedCheckpoint::parse(note).unwrap()).unwrap();
    let evidence =
        comity_ledger::Evidence::new(&verified(&note(&at_a)), &verified(&note(&at_twin)), None).unwrap();
    // As if it had come before the revocation.
    at_b.node.store().put_evidence(&evidence, &|_| true).unwrap();
    at_b.stop().await;
    let at_b = b.start().await;
    let later = at_a.append(free(&a, 1, "later"));
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, later).await;
    assert!(!at_b.node.is_in_doubt(&a.origin) && !at_b.has_alarm("fork"));
    for at in [at_a, at_twin, at_b] {
        at.stop().await;
    }
}

/// Goal: where entries stand behind the last good checkpoint, a revocation ends the log, for its author and for all. Way:
/// the author signs two more, then revokes; a new follower and an old one come to the same end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_behind_which_entries_stand_closes_the_log_for_everybody() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    at_a.add(&b, None, None);
    at_a.add(&c, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let good = at_a.rotate(&a, KeyRole::Log);
    at_a.append(free(&a, 2, "whose"));
    let stolen = at_a.log_keys().remove(0);
    let list = at_a.key_list(Some(good.size));
    let change = holder(&a).revoke(&stolen, &list, list.checkpoint.unwrap()).unwrap();
    assert!(change.closes);
    let end = at_a.enter(&change);
    at_c.add(&a, Some(at_a.address), None);
    for at in [&at_b, &at_c] {
        at.reaches(&a.origin, end).await;
        assert_eq!(at.node.store().keys(&a.origin).unwrap().closed(), Some(good));
    }
    // The author itself, after a restart too, signs nothing any more; and no answer stands on what is void.
    for at in [&at_b, &at_c] {
        until(|| at.node.taken_in().get(&a.origin) == Some(&good)).await;
    }
    at_a.stop().await;
    at_b.stop().await;
    let (at_a, at_b) = (a.start().await, b.start().await);
    for at in [&at_a, &at_b] {
        assert_eq!(at.node.taken_in().get(&a.origin), Some(&good));
    }
    at_b.add(&a, Some(at_a.address), None);
    until(|| at_b.state(&a).connected).await;
    assert_eq!(at_b.node.taken_in().get(&a.origin), Some(&good), "nor when it is followed again");
    let OwnLogState::ReadOnly { reason } = &at_a.own_log else { panic!("a closed log is written to") };
    assert!(reason.explain().contains("closed for ever"), "{}", reason.explain());
    for at in [at_a, at_b, at_c] {
        at.stop().await;
    }
}

/// Goal: another witness key counts as soon as it is in the log, and the old one does no more. Way: the only witness of a
/// log rotates between two checkpoints.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_rotates_its_key_goes_on_cosigning() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, mut at_b) = (a.start().await, b.start().await);
    at_a.add(&b, Some(at_b.address), None);
    at_b.add(&a, Some(at_a.address), None);
    let first = at_a.append(free(&a, 3, "first"));
    let witnessed = |at: &Running, head: Head| {
        at.gossiping.log_states().get(&a.origin).is_some_and(|state| state.witnessed == head.size)
    };
    until(|| witnessed(&at_a, first)).await;
    let old = std::fs::read(b.folder.join("keys/witness.key")).unwrap();
    let rotated = at_b.rotate(&b, KeyRole::Witness);
    assert_ne!(std::fs::read(b.folder.join("keys/witness.key")).unwrap(), old, "the new key is in its place");
    assert!(!b.folder.join("keys/witness-next.key").exists());
    at_a.reaches(&b.origin, rotated).await;
    let second = at_a.append(free(&a, 3, "second"));
    until(|| witnessed(&at_a, second)).await;
    let now_in_force = Home::find(&b.folder).unwrap();
    let list = at_b.key_list(None);
    let key = list.keys.iter().find(|key| key.key.role() == KeyRole::Witness && key.until.is_none()).unwrap();
    let key = key.key.verifier(&now_in_force.origin()).unwrap();
    let note = at_a.node.store().newest_note(&a.origin).unwrap().unwrap();
    let note = SignedCheckpoint::parse(&note).unwrap();
    assert!(note.note().lines().iter().any(|line| line.id() == key.id() && line.name() == key.name()));
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: a policy that is pinned and names a witness key that has ended is told of, with the key, how it ended, and the one to
/// pin in its place; another policy ends that. Way: B pins C's witness for A's log; C puts another key in its place, and
/// then revokes the old one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pinned_policy_that_names_an_ended_witness_key_raises_an_alarm() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (at_a, at_b, mut at_c) = (a.start().await, b.start().await, c.start().await);
    at_c.add(&b, None, None);
    let pin = |key: &VerifierKey| {
        let policy = Policy::threshold(vec![key.clone()], 1).unwrap().to_text();
        let reach = Reach {
            endpoint: Some(at_a.address.to_string()),
            via: None,
            policy: Some(String::from_utf8(policy).unwrap()),
        };
        let (card, words) = a.card();
        at_b.peers.add(at_b.node.store(), &card, &words, reach, OtherReplica::Refuse).unwrap();
        at_b.node.tell_news();
    };
    let said = || {
        let standing = at_b.node.alarms().standing();
        standing.into_iter().find(|alarm| alarm.key.code == "policy")
    };
    let old = Home::find(&c.folder).unwrap().card().unwrap().identity().witness.clone();
    pin(&old);
    at_b.add(&c, Some(at_c.address), None);
    at_b.reaches(&c.origin, at_c.head(&c.origin).unwrap()).await;
    assert_eq!(said(), None, "the key is in force");
    let rotated = at_c.rotate(&c, KeyRole::Witness);
    let list = at_c.key_list(Some(rotated.size));
    let of_witness = |ended: bool| {
        let is_it = |key: &&ListedKey| key.key.role() == KeyRole::Witness && key.until.is_some() == ended;
        list.keys.iter().find(is_it).unwrap().key.clone()
    };
    let new = of_witness(false).verifier(&c.origin).unwrap();
    until(|| said().is_some_and(|alarm| alarm.message.contains("has retired"))).await;
    let alarm = said().unwrap();
    assert_eq!((alarm.key.origin, alarm.key.agency), (a.origin.to_string(), a.id.to_string()));
    for named in [&old, &new] {
        assert!(alarm.message.contains(&named.to_string()), "{}", alarm.message);
    }
    assert!(alarm.message.contains("comity peer add CARD --fingerprint WORDS --policy FILE"));
    at_c.enter(&holder(&c).revoke(&of_witness(true), &list, rotated).unwrap());
    until(|| said().is_some_and(|alarm| alarm.message.contains("has revoked"))).await;
    let at_rest = policy_alarms(at_b.node.store(), at_b.node.home()).unwrap();
    assert_eq!(at_rest.into_iter().map(|alarm| alarm.message).collect::<Vec<_>>(), [said().unwrap().message]);
    pin(&new);
    until(|| said().is_none()).await;
    for at in [at_a, at_b, at_c] {
        at.stop().await;
    }
}

/// Goal: the new key is used however the two steps of a rotation fall: first the log says so, and then the file of the key
/// is put in its place. Way: the witness states a tree between the two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_speaks_amid_its_rotation_uses_the_new_key_as_soon_as_it_is_there() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, mut at_b) = (a.start().await, b.start().await);
    at_a.add(&b, Some(at_b.address), None);
    at_b.add(&a, Some(at_a.address), None);
    let change =
        holder(&b).rotate(KeyRole::Witness, &at_b.key_list(None), &mut SystemEntropy::new()).unwrap();
    let OwnLogState::Writable(log) = &mut at_b.own_log else { panic!("read only") };
    let (signed, _) = log.enter_key_events(&change.events, now(), &mut SystemEntropy::new()).unwrap();
    at_b.node.tell_news();
    at_a.reaches(&b.origin, signed.head()).await;
    let amid = at_a.append(free(&a, 3, "amid"));
    until(|| at_b.node.store().stated(Role::Witness, &a.origin).unwrap() == Some(amid)).await;
    assert!(b.folder.join("keys/witness-next.key").exists(), "the new key is not in its place yet");
    at_b.node.home().settle_keys(at_b.node.store()).unwrap();
    at_b.node.tell_news();
    let after = at_a.append(free(&a, 3, "after"));
    let witnessed = |head: Head| {
        at_a.gossiping.log_states().get(&a.origin).is_some_and(|state| state.witnessed == head.size)
    };
    until(|| witnessed(after)).await;
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: a card made before a rotation and one made after it lead to the same log under the same words. Way: two new
/// peers, one with each, long after the first key has gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_card_and_a_new_one_follow_the_same_rotated_log() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    at_a.add(&b, None, None);
    at_a.add(&c, None, None);
    let (old, words) = a.card();
    at_a.append(free(&a, 3, "under the first key"));
    at_a.rotate(&a, KeyRole::Log);
    at_a.retire_oldest(&a);
    let mut newest = at_a.append(free(&a, 3, "under the second"));
    let (new, again) = a.card();
    assert_eq!(words, again, "the same words");
    let [old_card, new_card] = [&old, &new].map(|card| Card::parse(card).unwrap());
    assert_eq!(fingerprint(old_card.identity()).unwrap(), fingerprint(new_card.identity()).unwrap());
    assert_eq!(old_card.identity(), new_card.identity());
    assert_ne!(old_card.log_now(), new_card.log_now());
    assert!(std::str::from_utf8(&new).unwrap().contains("\nlog-now aaa.example/pub+"));
    for (at, card) in [(&at_b, &old), (&at_c, &new)] {
        let reach = Reach { endpoint: Some(at_a.address.to_string()), via: None, policy: None };
        at.peers.add(at.node.store(), card, &words, reach, OtherReplica::Refuse).unwrap();
        at.reaches(&a.origin, newest).await;
        // The other card of the same agency is no other agency.
        let other = if card == &old { &new } else { &old };
        let reach = Reach { endpoint: Some(at_a.address.to_string()), via: None, policy: None };
        at.peers.add(at.node.store(), other, &words, reach, OtherReplica::Refuse).unwrap();
        newest = at_a.append(free(&a, 1, "later"));
        at.reaches(&a.origin, newest).await;
        assert_eq!(at.state(&a).last_error, None);
    }
    for at in [at_a, at_b, at_c] {
        at.stop().await;
    }
}
