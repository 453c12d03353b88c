//! Which log key may have signed what is shown to this node's witness: one that is in force for the size, by as much of the
//! log as the node holds, and no other, however well it signs.
//!
//! Not here: what else is asked of a request (`http_witness`).

use std::net::SocketAddr;

use comity_ledger::{Draft, Kind, Origin, RoleKey, Slot};
use comity_node::{KeyChange, KeyHolder, KeyList, OpenHome, SystemEntropy, key_list, now};
use comity_tlog::{
    AddCheckpoint, Checkpoint, SignedCheckpoint, SigningKey, TreeSize, prove_consistency, root_at,
};

use crate::http_client::{Answer, get};
use crate::http_witness::{AUTHOR, HTTP, add, hash_of, post, until_in_metrics};
use crate::support::{Place, Running, make_home};

/// A node with a witness, and an author that it follows whenever the author is up.
struct Rotating {
    place: Place,
    node: Running,
    author: Place,
}

fn size(size: u64) -> TreeSize {
    TreeSize::new(size).unwrap()
}

fn origin() -> Origin {
    AUTHOR.parse().unwrap()
}

impl Rotating {
    async fn begin() -> Self {
        let (place, author) = (Place::make_with(HTTP), Place { folder: tempfile::tempdir().unwrap() });
        make_home(&author.path(), "agency-b.example");
        Self { node: place.serve().await, place, author }
    }

    fn to(&self) -> SocketAddr {
        self.node.http.unwrap()
    }

    /// One of the author's log keys, from its file.
    fn key(&self, file: &str) -> SigningKey {
        let key = std::fs::read_to_string(self.author.path().join("keys").join(file)).unwrap();
        key.trim_end().parse().unwrap()
    }

    /// The author signs one more record, at rest.
    async fn append(&self) {
        let mut open = self.author.open().await;
        let draft = Draft::new(Kind::Record, None).with_section(Slot::CORE, b"invented".to_vec());
        open.writable().unwrap().append(vec![draft], now(), &mut SystemEntropy::new()).unwrap();
    }

    /// The author changes a key, at rest.
    async fn change(&self, asked: u64, change: impl FnOnce(&KeyHolder, &KeyList) -> KeyChange) {
        let (home, mut open) = (self.author.home(), self.author.open().await);
        let holder = KeyHolder::take(&home, &self.author.path().join("offline/root.key")).unwrap();
        let list = key_list(&home, open.store(), TreeSize::ZERO, Some(size(asked))).unwrap();
        let events = change(&holder, &list).events;
        open.writable().unwrap().enter_key_events(&events, now(), &mut SystemEntropy::new()).unwrap();
        open.settle_keys().unwrap();
    }

    async fn rotate(&self) {
        let role = comity_ledger::KeyRole::Log;
        self.change(1, |holder, list| holder.rotate(role, list, &mut SystemEntropy::new()).unwrap()).await;
    }

    /// Follows the author until its log is held up to this size and cosigned there, as what peers say is.
    async fn follows(&self, upto: u64) {
        let authors = self.author.serve().await;
        add(&authors, &self.place.home(), "127.0.0.1:1").await;
        add(&self.node, &self.author.home(), &authors.peers.to_string()).await;
        let held = format!("comity_log_entries{{origin=\"{AUTHOR}\",role=\"replica\"}} {upto}\n");
        until_in_metrics(self.to(), &held).await;
        self.has_cosigned(upto).await;
        authors.stop().await.unwrap();
    }

    /// Waits until the last that the witness cosigned has this size.
    async fn has_cosigned(&self, upto: u64) {
        let path = format!("/witness/{}/checkpoint", hash_of(AUTHOR));
        let begun = std::time::Instant::now();
        loop {
            let answer = get(self.to(), &path).await;
            let shown =
                SignedCheckpoint::parse(&answer.body).ok().map(|note| note.checkpoint().size().value());
            if shown == Some(upto) {
                return;
            }
            assert!(begun.elapsed() < std::time::Duration::from_mins(1), "{shown:?} and not {upto}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Shows the tree of the author's log of a size, with the proof from an old one, signed by a key alone.
    async fn show(&self, old: u64, new: u64, by: &SigningKey) -> Answer {
        let request = {
            let open: OpenHome = self.author.open().await;
            let nodes = open.store().nodes(&origin());
            let root = root_at(&nodes, size(new)).unwrap();
            let proof = prove_consistency(&nodes, size(old), size(new)).unwrap();
            let signed = Checkpoint::new(AUTHOR, size(new), root).unwrap().sign(by).unwrap();
            AddCheckpoint::new(size(old), proof, signed).unwrap().to_bytes()
        };
        post(self.to(), &request).await
    }

    /// That each of these keys is refused, and changes nothing of what was cosigned last.
    async fn refuses(&self, old: u64, new: u64, keys: &[(&str, &SigningKey)]) {
        for (what, key) in keys {
            let answer = self.show(old, new, key).await;
            assert_eq!(answer.status, 403, "{what} key, size {new}: {answer:?}");
            self.has_cosigned(old).await;
        }
    }

    async fn takes(&self, old: u64, new: u64, by: &SigningKey) {
        let answer = self.show(old, new, by).await;
        assert_eq!(answer.status, 200, "size {new}: {answer:?}");
        self.has_cosigned(new).await;
    }
}

/// Goal: a checkpoint of a key that is retired, revoked, not announced, or not in force yet for its size is forbidden
/// (c2sp.org/tlog-witness, `add-checkpoint`: 403 if no signature is of a trusted key), and the key that is in force is taken
/// from its position on. Way: an author that rotates twice, retires one key and revokes another, with all keys at hand; in
/// between the node follows it, and what comes so is cosigned too.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_in_force_gets_no_cosignature_and_one_that_is_gets_it_from_its_position_on() {
    let all = Rotating::begin().await;
    let first = all.key("log.key");
    all.append().await;
    all.rotate().await;
    let second = all.key("log-next.key");
    all.follows(3).await;
    // In the overlap either is as good.
    all.append().await;
    all.takes(3, 4, &first).await;
    all.append().await;
    all.takes(4, 5, &second).await;
    // Entry 5 retires the first; what it signed before stands.
    let retired = RoleKey::signing(comity_ledger::KeyRole::Log, first.verifier()).unwrap();
    all.change(1, |holder, list| holder.retire(&retired, list).unwrap()).await;
    all.follows(6).await;
    all.append().await;
    all.refuses(6, 7, &[("the retired", &first)]).await;
    until_in_metrics(all.to(), "comity_alarms{code=\"void_checkpoint\"} 1\n").await;
    all.takes(6, 7, &second).await;

    // Entry 7 announces the third, which the node has not read yet, and which signs no smaller tree ever.
    all.rotate().await;
    let third = all.key("log-next.key");
    all.refuses(7, 8, &[("the unannounced", &third)]).await;
    all.takes(7, 8, &second).await;
    all.follows(8).await;
    let early = all.show(0, 7, &third).await;
    assert_eq!(early.status, 403, "not in force for this size yet: {early:?}");
    let late = all.show(0, 7, &second).await;
    assert_eq!((late.status, late.text()), (409, "8\n"), "in force for it, and behind");

    // Entry 8 revokes the second, whose last good checkpoint is of size 8.
    let revoked = RoleKey::signing(comity_ledger::KeyRole::Log, second.verifier()).unwrap();
    let revoke =
        |holder: &KeyHolder, list: &KeyList| holder.revoke(&revoked, list, list.checkpoint.unwrap()).unwrap();
    all.change(8, revoke).await;
    all.follows(9).await;
    all.append().await;
    all.refuses(9, 10, &[("the retired", &first), ("the revoked", &second)]).await;
    let good = all.show(0, 8, &second).await;
    assert_eq!(good.status, 409, "what it signed up to there stands: {good:?}");
    all.takes(9, 10, &third).await;
    all.node.stop().await.unwrap();
}
