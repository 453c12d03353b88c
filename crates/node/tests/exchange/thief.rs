//! A thief with the log key of an author: what followers took of it is void once the author's root key says where the log
//! ended, and nobody stays in doubt.
//!
//! Not here: a thief who comes after the revocation (`rotation`), and one who bent the log before its end (`bent`).

use comity_ledger::{Genesis, Head, KeyRole, Origin};
use comity_node::{SystemEntropy, now};
use comity_tlog::{KeyKind, SigningKey};

use crate::claims::SECTIONS;
use crate::played::{Played, recorded};
use crate::rotation::holder;
use crate::successors::succeed_at;
use crate::support::{Agency, Running, copy, free, until};

/// An author, a twin of its home that a thief has, and a follower.
pub(crate) struct Stolen {
    pub(crate) a: Agency,
    pub(crate) twin: Agency,
    pub(crate) b: Agency,
    pub(crate) at_a: Running,
    pub(crate) at_b: Running,
    /// The last tree that was the author's alone.
    pub(crate) good: Head,
}

impl Stolen {
    /// B holds A's log up to the last good checkpoint, and the thief has all of A's home.
    pub(crate) async fn new(place: &std::path::Path, others: &[&Agency]) -> Self {
        let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place, name));
        let twin = Agency { folder: place.join("twin"), id: a.id.clone(), origin: a.origin.clone() };
        let (mut at_a, at_b) = (a.start().await, b.start().await);
        for other in [&b].iter().chain(others) {
            at_a.add(other, None, None);
        }
        at_b.add(&a, Some(at_a.address), None);
        let good = at_a.append(free(&a, 5, "good"));
        at_b.reaches(&a.origin, good).await;
        at_a.stop().await;
        copy(&a.folder, &twin.folder);
        let at_a = a.start().await;
        Self { a, twin, b, at_a, at_b, good }
    }

    /// B takes what the thief signs in the author's name.
    pub(crate) async fn fool(&self, entries: usize) -> Head {
        let mut at_twin = self.twin.start().await;
        let void = at_twin.append(free(&self.twin, entries, "by the thief"));
        self.at_b.add(&self.a, Some(at_twin.address), None);
        self.at_b.reaches(&self.a.origin, void).await;
        at_twin.stop().await;
        void
    }

    /// What B tells its operators of how A's first log ended.
    fn closed(&self) -> Option<String> {
        let standing = self.at_b.node.alarms().standing();
        let of = |alarm: &&comity_node::Alarm| {
            alarm.key.code == "closed" && alarm.key.origin == self.a.origin.as_str()
        };
        standing.iter().find(of).map(|alarm| alarm.message.clone())
    }

    /// That B holds the log that has ended as its author signed it, with what was released of its records, is in no doubt,
    /// and follows the successor.
    pub(crate) async fn comes_to_its_end(&self, next: &Origin, head: Head, records: usize) {
        self.holds_its_end(next, head, records).await;
        until(|| !self.at_b.node.is_in_doubt(&self.a.origin)).await;
        assert!(!self.at_b.has_alarm("fork"), "{:?}", self.at_b.node.alarms().standing());
    }

    /// The same but for a doubt that evidence gives rise to.
    pub(crate) async fn holds_its_end(&self, next: &Origin, head: Head, records: usize) {
        let at_b = &self.at_b;
        at_b.reaches(&self.a.origin, self.good).await;
        at_b.reaches(next, head).await;
        assert_eq!(at_b.node.store().held(&self.a.origin).unwrap(), self.good);
        assert_eq!(at_b.node.store().keys(&self.a.origin).unwrap().closed(), Some(self.good));
        until(|| at_b.node.taken_in().get(&self.a.origin) == Some(&self.good)).await;
        // What its author releases of it has come as well, and until then nobody is cleared by it.
        until(|| at_b.sections(&self.a.origin) == records * SECTIONS).await;
        until(|| at_b.gossiping.log_states().get(&self.a.origin).is_some_and(|state| !state.stale)).await;
        for code in ["rollback", "suspect"] {
            assert!(!at_b.has_alarm(code), "{code}: {:?}", at_b.node.alarms().standing());
        }
    }

    /// That B is in no doubt any more, lost nothing, and follows the successor up to a head.
    async fn is_over(&self, next: &Origin, head: Head, void: Head) {
        let at_b = &self.at_b;
        at_b.reaches(next, head).await;
        until(|| !at_b.node.is_in_doubt(&self.a.origin)).await;
        let beyond = void.size.value() - self.good.size.value();
        until(|| self.closed().is_some_and(|said| said.contains(&format!("{beyond} entries")))).await;
        assert_eq!(at_b.node.store().keys(&self.a.origin).unwrap().closed(), Some(self.good));
        for code in ["fork", "rollback", "suspect"] {
            assert!(!at_b.has_alarm(code), "{code}: {:?}", at_b.node.alarms().standing());
        }
        assert_eq!(at_b.node.store().held(&self.a.origin).unwrap(), void, "nothing is dropped");
        // An answer stands on the last good checkpoint, and no void one is spoken of.
        assert_eq!(at_b.node.taken_in().get(&self.a.origin), Some(&self.good));
        let witnessed = || at_b.gossiping.log_states().get(&self.a.origin).map(|state| state.witnessed);
        assert!(witnessed().is_none_or(|size| size <= self.good.size));
        assert_eq!(at_b.state(&self.a).last_error, None);
    }
}

/// Goal: a follower that took a thief's larger checkpoint comes out of its doubt by the author's successor, whether the
/// author revoked the key in its log before that or only made the successor. Way: B holds the thief's entries and takes
/// the author for one that went back; then the successor is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thiefs_larger_checkpoint_is_void_once_the_successor_of_the_log_is_there() {
    for by_revocation in [false, true] {
        let place = tempfile::tempdir().unwrap();
        let [c, d] = ["ccc", "ddd"].map(|name| Agency::new(place.path(), name));
        let mut all = Stolen::new(place.path(), &[&c]).await;
        let void = all.fool(9).await;
        all.at_b.add(&d, None, None);
        if by_revocation {
            // Another key follows, and the stolen one is void from the last good checkpoint on.
            all.at_a.rotate(&all.a, KeyRole::Log);
            let (stolen, list) = (all.at_a.log_keys().remove(0), all.at_a.key_list(Some(all.good.size)));
            let change = holder(&all.a).revoke(&stolen, &list, list.checkpoint.unwrap()).unwrap();
            assert!(change.closes);
            all.at_a.enter(&change);
        }
        all.at_b.add(&all.a, Some(all.at_a.address), None);
        // By the one it takes the author for one that went back, by the other for somebody else: it lacks the key event.
        let other = |error: String| error.contains("did not sign");
        until(|| {
            if by_revocation {
                all.at_b.state(&all.a).last_error.is_some_and(other)
            } else {
                all.at_b.node.is_in_doubt(&all.a.origin)
            }
        })
        .await;
        let Stolen { a, at_a, .. } = all;
        at_a.stop().await;
        let next = succeed_at(&a, Some(all.good));
        let mut at_a = a.start().await;
        let head = at_a.append(free(&a, 3, "goes on"));
        let all = Stolen { a, at_a, ..all };
        all.at_b.add(&all.a, Some(all.at_a.address), None);
        all.is_over(&next, head, void).await;

        // Whoever comes later, to the author or through B, comes to the same end.
        let (at_c, at_d) = (c.start().await, d.start().await);
        at_c.add(&all.a, Some(all.at_a.address), None);
        at_d.add(&all.b, Some(all.at_b.address), None);
        at_d.add(&all.a, None, Some(&all.b));
        for at in [&at_c, &at_d] {
            at.reaches(&next, head).await;
            assert_eq!(at.node.store().keys(&all.a.origin).unwrap().closed(), Some(all.good));
            assert!(!at.node.is_in_doubt(&all.a.origin));
        }
        assert_eq!(
            at_d.node.store().held(&all.a.origin).unwrap(),
            all.good,
            "B gives nothing on that is void"
        );
        let Stolen { a, twin, b, at_a, at_b, good } = all;
        // And B knows it after a restart too.
        at_b.stop().await;
        let at_b = b.start().await;
        let all = Stolen { a, twin, b, at_a, at_b, good };
        all.is_over(&next, head, void).await;
        for at in [all.at_a, all.at_b, at_c, at_d] {
            at.stop().await;
        }
    }
}

/// Goal: evidence that a thief's checkpoint is half of convicts nobody any more once the successor says where the log
/// ended, and its file stays. Way: the author goes on otherwise than the thief did, so that B holds proof of a fork.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conviction_by_a_thiefs_checkpoint_ends_with_the_log() {
    let place = tempfile::tempdir().unwrap();
    let mut all = Stolen::new(place.path(), &[]).await;
    let void = all.fool(3).await;
    all.at_a.append(free(&all.a, 7, "by the author"));
    all.at_b.add(&all.a, Some(all.at_a.address), None);
    let files = |all: &Stolen| all.at_b.node.store().evidence_files().unwrap();
    until(|| all.at_b.has_alarm("fork") && files(&all).len() == 1).await;
    let Stolen { a, at_a, .. } = all;
    at_a.stop().await;
    let next = succeed_at(&a, Some(all.good));
    let mut at_a = a.start().await;
    let head = at_a.append(free(&a, 3, "goes on"));
    let all = Stolen { a, at_a, ..all };
    all.at_b.add(&all.a, Some(all.at_a.address), None);
    all.is_over(&next, head, void).await;
    assert_eq!(files(&all).len(), 1);
    for at in [all.at_a, all.at_b] {
        at.stop().await;
    }
}

/// Goal: a follower that has seen a thief's checkpoint and not all entries up to the last good one fetches those first, key
/// events among them, and then goes on. Way: B sees the checkpoint alone, and the author rotates its key meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_up_to_the_last_good_checkpoint_comes_before_the_successor() {
    let place = tempfile::tempdir().unwrap();
    let mut all = Stolen::new(place.path(), &[]).await;
    let mut at_twin = all.twin.start().await;
    let void = at_twin.append(free(&all.twin, 20, "by the thief"));
    let seen = recorded(&all.twin, &all.b, &at_twin, 0).await.swap_remove(0);
    at_twin.stop().await;
    let played = Played::by(&all.a, &all.b).await;
    played.say(vec![seen]);
    all.at_b.add(&all.a, Some(played.address), None);
    until(|| all.at_b.state(&all.a).seen == void.size).await;
    all.at_a.append(free(&all.a, 2, "by the author"));
    all.at_a.rotate(&all.a, KeyRole::Log);
    all.at_a.retire_oldest(&all.a);
    let end = all.at_a.append(free(&all.a, 1, "with another key"));
    let Stolen { a, at_a, .. } = all;
    at_a.stop().await;
    let next = succeed_at(&a, Some(end));
    let mut at_a = a.start().await;
    let head = at_a.append(free(&a, 3, "goes on"));
    let all = Stolen { a, at_a, good: end, ..all };
    all.at_b.add(&all.a, Some(all.at_a.address), None);
    all.comes_to_its_end(&next, head, 8).await;
    assert_eq!(all.at_b.node.store().keys(&all.a.origin).unwrap().spans().len(), 2, "the rotation counts");
    for at in [all.at_a, all.at_b] {
        at.stop().await;
    }
}

/// Goal: nobody but the root key of the card ends a log: whoever shows a successor of its own making is passed over, and
/// the doubt stays. Way: a double with the author's certificate and log key gives a genesis that another root key signed,
/// and one that the right root key signed for another log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thief_without_the_root_key_ends_no_log() {
    let place = tempfile::tempdir().unwrap();
    let all = Stolen::new(place.path(), &[]).await;
    let said = recorded(&all.a, &all.b, &all.at_a, 0).await;
    all.fool(9).await;
    let played = Played::by(&all.a, &all.b).await;
    let next = all.a.origin.successor().unwrap();
    let genesis = |closed: &Origin, root: &SigningKey| {
        let key = SigningKey::from_seed(next.as_str().parse().unwrap(), KeyKind::Ed25519, &[5; 32]).unwrap();
        let genesis = Genesis::succeeding(closed, all.good, root, key.verifier()).unwrap();
        let sealed = genesis.draft().seal(&next, now(), &mut SystemEntropy::new()).unwrap();
        sealed.bytes().as_bytes().to_vec()
    };
    let name = format!("{}/root", all.a.id).parse().unwrap();
    let other = SigningKey::from_seed(name, KeyKind::Ed25519, &[6; 32]).unwrap();
    let root = std::fs::read_to_string(all.a.folder.join("offline/root.key")).unwrap();
    let root: SigningKey = root.trim_end().parse().unwrap();
    for forged in [genesis(&all.a.origin, &other), genesis(&next, &root)] {
        played.begins(forged);
        played.say(said.clone());
        all.at_b.add(&all.a, Some(played.address), None);
        let before = played.was_asked_for_the_genesis(&next);
        until(|| played.was_asked_for_the_genesis(&next) >= before + 2).await;
        assert!(all.at_b.node.is_in_doubt(&all.a.origin));
        assert_eq!(all.at_b.node.store().pinned_key(&next).unwrap(), None);
        assert_eq!(all.at_b.node.store().keys(&all.a.origin).unwrap().closed(), None);
    }
    for at in [all.at_a, all.at_b] {
        at.stop().await;
    }
}
