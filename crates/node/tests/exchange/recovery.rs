//! A home that was put back, and peers that lie, lag, or are cut off: nothing but the very tree that was signed comes
//! back, from whatever step a crash leaves.
//!
//! Not here: whole programs, and the fates of the lock (`tests/recovery.rs`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use comity_ledger::{Frame, Head, Replica, Role};
use comity_node::{
    Home, Node, NodeError, OpenHome, OtherReplica, OwnLogState, Reach, ReadOnlyReason, Serving,
};
use comity_store::{Store, StoreError};
use comity_tlog::{SignedCheckpoint, TreeSize, prove_consistency, right_edge};
use comity_wire::v1;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::attacks::greeted;
use crate::played::Played;
use crate::support::{Agency, closed, copy, free, until};

/// A home that is served as the program does it.
pub(crate) struct Served {
    pub(crate) node: Arc<Node>,
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<Result<(), NodeError>>,
}

impl Served {
    pub(crate) async fn start(agency: &Agency) -> Self {
        let config = agency.folder.join("comity.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replace(":7443", ":0").replace(":7444", ":0")).unwrap();
        let serving = Serving::bind(open(agency).await).await.unwrap();
        let (node, stop) = (Arc::clone(serving.node()), CancellationToken::new());
        let address = serving.addresses().peer_addr;
        Self { node, address, task: tokio::spawn(serving.run(stop.clone())), stop }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        let store = Arc::downgrade(self.node.store());
        drop(self.node);
        until(|| store.upgrade().is_none()).await;
    }

    pub(crate) async fn is_healed_to(&self, agency: &Agency, head: Head) {
        until(|| self.node.read_only().is_none()).await;
        assert_eq!(head_of(self.node.store(), agency), head);
        assert!(!self.node.is_halted());
    }
}

/// Opens a home at rest; a node that has just stopped may still be letting go of it.
pub(crate) async fn open(agency: &Agency) -> OpenHome {
    let home = Home::find(&agency.folder).unwrap();
    for _ in 0..200 {
        match home.open() {
            Err(NodeError::Store(StoreError::InUse { .. })) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            opened => return opened.unwrap(),
        }
    }
    panic!("the home is in use");
}

pub(crate) fn head_of(store: &Store, agency: &Agency) -> Head {
    let note = SignedCheckpoint::parse(&store.newest_note(&agency.origin).unwrap().unwrap()).unwrap();
    Head { size: note.checkpoint().size(), root: note.checkpoint().root() }
}

/// Tells the home of an agency, at rest, where a peer is.
pub(crate) async fn add_at_rest(of: &Agency, other: &Agency, at: SocketAddr) {
    let open = open(of).await;
    let home = open.home();
    let (card, words) = other.card();
    let reach = Reach { endpoint: Some(at.to_string()), via: None, policy: None };
    let peers = home.peers().unwrap();
    peers.add(open.store(), &card, &words, reach, OtherReplica::Refuse).unwrap();
}

/// A whose log B mirrors up to `count` records beyond the state that A's store was put back to.
pub(crate) async fn put_back(a: &Agency, b: &Agency, saved: &std::path::Path, count: usize) -> Head {
    let at_a = a.start().await;
    at_a.add(b, None, None);
    at_a.stop().await;
    copy(&a.folder.join("store"), &saved.join("store"));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_b.add(a, Some(at_a.address), None);
    let mut drafts = free(a, count - 1, "record");
    drafts.push(closed(a, "own designation"));
    let head = at_a.append(drafts);
    at_b.reaches(&a.origin, head).await;
    until(|| at_b.sections(&a.origin) == 4 * (count - 1) + 3).await;
    at_a.stop().await;
    at_b.stop().await;
    restore(a, saved);
    head
}

fn restore(a: &Agency, saved: &std::path::Path) {
    std::fs::remove_dir_all(a.folder.join("store")).unwrap();
    copy(&saved.join("store"), &a.folder.join("store"));
}

/// Goal: a forged end is never kept, and a mirror that tells the truth heals. Way: a node with C's own certificate plays
/// back what B said with one byte changed: in an entry, in the checkpoint, in an opening; then B is there too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_that_forges_the_end_of_the_own_log_gives_back_nothing() {
    use v1::follow_response::Event;
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let head = put_back(&a, &b, &place.path().join("saved"), 5).await;
    let at_b = b.start().await;
    let mut client = greeted(&a, &b, at_b.address).await;
    let request = v1::FollowRequest { origin: a.origin.to_string(), next_index: 1, ..Default::default() };
    let mut stream = client.follow(request).await.unwrap().into_inner();
    let mut good = Vec::new();
    while good.len() < 3 {
        good.push(stream.message().await.unwrap().unwrap());
    }
    drop((stream, client));
    let played = Played::by(&c, &a).await;
    add_at_rest(&a, &c, played.address).await;
    let flip = |bytes: &bytes::Bytes, at: usize| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        bytes::Bytes::from(changed)
    };
    for place in [0, 1] {
        let mut bad = good.clone();
        match bad[place].event.as_mut().unwrap() {
            Event::Checkpoint(checkpoint) => {
                // In the root, behind two lines; the lines of cosigners are nobody's but theirs.
                let text = checkpoint.note.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
                let at = text.map(|(at, _)| at).nth(1).unwrap() + 5;
                checkpoint.note = flip(&checkpoint.note, at);
            }
            Event::Frame(frame) => frame.entries[2] = flip(&frame.entries[2], 5),
            other => panic!("{other:?}"),
        }
        let calls = played.calls();
        played.say(bad);
        let at_a = Served::start(&a).await;
        until(|| played.calls() > calls + 1).await;
        assert!(at_a.node.read_only().is_some(), "nothing is signed");
        assert_eq!(at_a.node.store().held(&a.origin).unwrap().size.value(), 1, "nothing is kept");
        at_a.stop().await;
    }
    // The entries are true and an opening is not: the entries count, and the true opening comes from another.
    let Some(Event::Release(release)) = good[2].event.as_mut() else { panic!("no release") };
    match release.openings[1].content.as_mut().unwrap() {
        v1::opening::Content::Padded(padded) => *padded = flip(padded, 3),
        v1::opening::Content::Absence(_) => panic!("no opening"),
    }
    played.say(good);
    add_at_rest(&a, &b, at_b.address).await;
    let at_a = Served::start(&a).await;
    at_a.is_healed_to(&a, head).await;
    until(|| sections(at_a.node.store(), &a) == 4 * 4 + 3).await;
    assert!(at_a.node.store().evidence_files().unwrap().is_empty());
    at_a.stop().await;
    at_b.stop().await;
}

fn sections(store: &Store, of: &Agency) -> usize {
    let slots: Vec<_> = (0..=9).map(comity_ledger::Slot::new).collect();
    let size = store.held(&of.origin).unwrap().size;
    let mut count = 0;
    let read = store.each_opening(&of.origin, TreeSize::ZERO..size, &slots, |_, openings| {
        count += openings.iter().flatten().count();
        Ok::<(), std::convert::Infallible>(())
    });
    assert!(read.is_ok());
    count
}

/// Goal: what a mirror that is behind has is taken, and nothing is signed before the rest is back. Way: B has the first of
/// two imports, C has both and comes later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_that_is_behind_gives_what_it_has_and_the_rest_is_waited_for() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let saved = place.path().join("saved");
    let at_a = a.start().await;
    at_a.add(&b, None, None);
    at_a.add(&c, None, None);
    at_a.stop().await;
    copy(&a.folder.join("store"), &saved.join("store"));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    at_b.add(&a, Some(at_a.address), None);
    at_c.add(&a, Some(at_a.address), None);
    let half = at_a.append(free(&a, 3, "first"));
    at_b.reaches(&a.origin, half).await;
    at_b.stop().await;
    let whole = at_a.append(free(&a, 4, "second"));
    at_c.reaches(&a.origin, whole).await;
    at_c.stop().await;
    at_a.stop().await;
    restore(&a, &saved);
    let at_b = b.start().await;
    add_at_rest(&a, &b, at_b.address).await;
    let at_a = Served::start(&a).await;
    until(|| head_of(at_a.node.store(), &a) == half).await;
    let missing = ReadOnlyReason::StoreBehindLock { held: half.size, locked: whole.size };
    until(|| at_a.node.read_only() == Some(missing)).await;
    at_a.stop().await;
    let at_c = c.start().await;
    add_at_rest(&a, &c, at_c.address).await;
    let at_a = Served::start(&a).await;
    at_a.is_healed_to(&a, whole).await;
    for at in [at_b, at_c] {
        at.stop().await;
    }
    at_a.stop().await;
}

/// Steps of a recovery, each of which a crash may leave as the last.
const STEPS: usize = 5;

/// Does the first steps of a recovery on a home at rest, with what a mirror holds.
async fn recover_in_part(a: &Agency, mirror: &Store, steps: usize) {
    let open = open(a).await;
    let (store, origin) = (open.store(), &a.origin);
    let signed = head_of(store, a);
    let note = SignedCheckpoint::parse(&mirror.newest_note(origin).unwrap().unwrap()).unwrap();
    let key = comity_ledger::Card::parse(&a.card().0).unwrap().identity().log.clone();
    let checkpoint = note.verify(&key, &[]).unwrap();
    let size = checkpoint.checkpoint().size();
    let edge = right_edge(&store.nodes(origin), signed.size).unwrap();
    let mut replica = Replica::new(origin.clone(), key, edge, Some(signed));
    for step in 0..steps {
        match step {
            0 => store.begin_recovery(origin, signed).unwrap(),
            1 => {
                let mut step = store.recovery_step(origin).unwrap();
                step.seen(&checkpoint).unwrap();
                step.finish().unwrap();
            }
            2 | 3 => {
                let end = if step == 2 { TreeSize::new(256).unwrap() } else { size };
                let proof = prove_consistency(&mirror.nodes(origin), end, size).unwrap();
                let entries = mirror.entries(origin, replica.size(), end).unwrap();
                let frame = Frame::new(replica.size(), entries, proof).unwrap();
                let frame = replica.verify_frame(frame, &checkpoint).unwrap();
                let mut step = store.recovery_step(origin).unwrap();
                step.frames(std::slice::from_ref(&frame)).unwrap();
                step.finish().unwrap();
                replica.advance(&frame);
            }
            4 => store.keep_recovered(origin, &checkpoint).unwrap(),
            _ => {}
        }
    }
}

/// Goal: whatever step of a recovery is the last before a crash, the next start signs nothing and ends in the same tree,
/// with the sections that a peer has. Way: each step is done alone on a home at rest, with the lock ahead and with none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_after_any_step_of_a_recovery_ends_in_the_same_tree() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let saved = place.path().join("saved");
    let head = put_back(&a, &b, &saved, 300).await;
    copy(&a.folder.join("lock"), &saved.join("lock"));
    copy(&a.folder.join("keyring"), &saved.join("keyring"));
    let at_b = b.start().await;
    add_at_rest(&a, &b, at_b.address).await;
    for has_lock in [true, false] {
        // Without a lock no step differs, but that peers are heard before it is made.
        for steps in (0..=STEPS).filter(|steps| has_lock || steps % 4 == 0) {
            restore(&a, &saved);
            for part in ["lock", "keyring"] {
                std::fs::remove_dir_all(a.folder.join(part)).unwrap();
                copy(&saved.join(part), &a.folder.join(part));
            }
            if !has_lock {
                let folder = a.folder.join("lock");
                for file in std::fs::read_dir(&folder).unwrap() {
                    let path = file.unwrap().path();
                    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                    if name.starts_with(Role::Author.name()) {
                        std::fs::remove_file(path).unwrap();
                    }
                }
            }
            recover_in_part(&a, at_b.node.store(), steps).await;
            let open = open(&a).await;
            let OwnLogState::ReadOnly { reason } = open.own_log() else { panic!("step {steps}: it signs") };
            assert!(!matches!(reason, ReadOnlyReason::Conflict { .. }), "step {steps}: {reason:?}");
            drop(open);
            let at_a = Served::start(&a).await;
            at_a.is_healed_to(&a, head).await;
            until(|| sections(at_a.node.store(), &a) == 4 * 299 + 3).await;
            assert!(at_a.node.store().evidence_files().unwrap().is_empty());
            at_a.stop().await;
        }
    }
    at_b.stop().await;
}
