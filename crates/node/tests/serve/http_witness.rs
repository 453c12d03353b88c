//! This node's witness, asked over HTTP by strangers (c2sp.org/tlog-witness): whatever is shown to it, it cosigns one
//! history of each log, and says what the protocol says.
//!
//! The author of the log is a double that owns the valid key of a peer.

use std::net::SocketAddr;

use comity_node::{Home, fingerprint};
use comity_tlog::{
    AddCheckpoint, Checkpoint, ConsistencyProof, Hash, HashReader, Note, RightEdge, SignedCheckpoint,
    SigningKey, TreeSize, VerifierKey, prove_consistency, root_at,
};
use tokio::io::AsyncWriteExt as _;

use crate::http_client::{Answer, answer_of, ask, connect, ends, get, send};
use crate::support::{ORIGIN, Place, Running, make_home};

pub(crate) const HTTP: &str =
    "[http]\nlisten = \"127.0.0.1:0\"\nwitness = true\nmonitored = [\"agency-b.example/pub\"]\n";
pub(crate) const AUTHOR: &str = "agency-b.example/pub";

/// A log of numbered entries; from `bent` on they are those of another history.
#[derive(Clone, Copy)]
struct Log {
    bent: u64,
}

const TRUE: Log = Log { bent: u64::MAX };

impl HashReader for Log {
    type Error = std::convert::Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let mut edge = RightEdge::empty();
        for entry in index << level..(index + 1) << level {
            let of_other = [u8::from(entry >= self.bent)];
            edge.append(Hash::leaf(&[&entry.to_be_bytes()[..], &of_other].concat())).unwrap();
        }
        Ok(edge.root())
    }
}

fn size(size: u64) -> TreeSize {
    TreeSize::new(size).unwrap()
}

/// A node with a peer whose log key is at hand.
struct Witnessing {
    place: Place,
    node: Running,
    author: SigningKey,
}

impl Witnessing {
    async fn begin() -> Self {
        let place = Place::make_with(HTTP);
        let author = place.folder.path().join("b");
        make_home(&author, "agency-b.example");
        let key = std::fs::read_to_string(author.join("keys/log.key")).unwrap();
        let node = place.serve().await;
        add(&node, &Home::find(&author).unwrap(), "127.0.0.1:1").await;
        Self { place, node, author: key.trim_end().parse().unwrap() }
    }

    fn to(&self) -> SocketAddr {
        self.node.http.unwrap()
    }

    fn witness_key(&self) -> VerifierKey {
        self.place.home().card().unwrap().identity().witness.clone()
    }

    fn signed(&self, log: Log, of: u64) -> SignedCheckpoint {
        let root = root_at(&log, size(of)).unwrap();
        Checkpoint::new(AUTHOR, size(of), root).unwrap().sign(&self.author).unwrap()
    }

    fn request(&self, log: Log, old: u64, new: u64) -> Vec<u8> {
        let proof = prove_consistency(&log, size(old), size(new)).unwrap();
        AddCheckpoint::new(size(old), proof, self.signed(log, new)).unwrap().to_bytes()
    }

    async fn show(&self, log: Log, old: u64, new: u64) -> Answer {
        post(self.to(), &self.request(log, old, new)).await
    }

    /// The answer's line is that of this node's witness on this very checkpoint.
    fn assert_cosigned(&self, answer: &Answer, log: Log, of: u64) {
        assert_eq!(answer.status, 200, "{answer:?}");
        let signed = self.signed(log, of);
        let note = [signed.note().text().as_bytes(), b"\n", &answer.body].concat();
        let note = Note::parse(&note).unwrap();
        let [line] = note.lines() else { panic!("{answer:?}") };
        let (cosigned, key) = (signed.with_line(line.clone()).unwrap(), self.witness_key());
        let verified = cosigned.verify(self.author.verifier(), std::slice::from_ref(&key)).unwrap();
        assert_eq!(verified.cosignatures()[0].key(), &key);
    }
}

impl Witnessing {
    /// A checkpoint of this size with the lines of the author and of this node's witness.
    fn assert_shown(&self, answer: &Answer, of: u64) {
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
        let (note, key) = (SignedCheckpoint::parse(&answer.body).unwrap(), self.witness_key());
        let verified = note.verify(self.author.verifier(), std::slice::from_ref(&key)).unwrap();
        assert_eq!(verified.checkpoint(), self.signed(TRUE, of).checkpoint());
        assert_eq!(verified.cosignatures().len(), 1, "{answer:?}");
    }
}

/// Adds the agency of a home as a peer.
pub(crate) async fn add(node: &Running, other: &Home, endpoint: &str) {
    let card = other.card().unwrap();
    let request = comity_wire::v1::AddPeerRequest {
        card: bytes::Bytes::copy_from_slice(card.as_bytes()),
        fingerprint: fingerprint(card.identity()).unwrap().to_string(),
        endpoint: endpoint.to_owned(),
        ..Default::default()
    };
    node.operator().await.add_peer(request).await.unwrap();
}

pub(crate) async fn until_in_metrics(to: SocketAddr, line: &str) {
    let begun = std::time::Instant::now();
    loop {
        let metrics = get(to, "/metrics").await;
        if metrics.text().contains(line) {
            return;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{line} is not in\n{}", metrics.text());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

pub(crate) async fn post(to: SocketAddr, body: &[u8]) -> Answer {
    let head = format!(
        "POST /witness/add-checkpoint HTTP/1.1\r\nHost: {to}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    send(to, &[head.as_bytes(), body].concat()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_goes_on_is_cosigned_from_size_to_size_and_after_a_restart() {
    let mut witnessing = Witnessing::begin().await;
    let mut old = 0;
    for new in [1, 1, 5, 255, 256, 257, 700] {
        let answer = witnessing.show(TRUE, old, new).await;
        witnessing.assert_cosigned(&answer, TRUE, new);
        old = new;
    }
    let Witnessing { place, node, author } = witnessing;
    node.stop().await.unwrap();
    let node = place.serve().await;
    witnessing = Witnessing { place, node, author };
    let behind = witnessing.show(TRUE, 0, 701).await;
    assert_eq!((behind.status, behind.text()), (409, "700\n"));
    witnessing.assert_cosigned(&witnessing.show(TRUE, 700, 701).await, TRUE, 701);
    witnessing.node.stop().await.unwrap();
}

/// Goal: a monitor that asks nobody but the witness sees what it cosigned last, with both signatures (c2sp.org/tlog-witness,
/// "Monitor Retrieval Mechanism"). Way: ask before anything was cosigned, after each size, and after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn monitors_are_shown_the_checkpoint_that_was_cosigned_last() {
    let mut witnessing = Witnessing::begin().await;
    let path = format!("/witness/{}/checkpoint", hash_of(AUTHOR));
    assert_eq!(get(witnessing.to(), &path).await.status, 404, "never cosigned");
    let mut old = 0;
    for new in [1, 255, 256, 257] {
        witnessing.assert_cosigned(&witnessing.show(TRUE, old, new).await, TRUE, new);
        witnessing.assert_shown(&get(witnessing.to(), &path).await, new);
        // What is refused changes nothing.
        assert_eq!(witnessing.show(TRUE, new + 1, new + 2).await.status, 409);
        witnessing.assert_shown(&get(witnessing.to(), &path).await, new);
        old = new;
    }
    for other in [hash_of("agency-c.example/pub"), hash_of(ORIGIN), AUTHOR.to_owned()] {
        assert_eq!(
            get(witnessing.to(), &format!("/witness/{other}/checkpoint")).await.status,
            404,
            "{other}"
        );
    }
    assert_eq!(ask(witnessing.to(), "POST", &path).await.status, 405);
    let Witnessing { place, node, author } = witnessing;
    node.stop().await.unwrap();
    let node = place.serve().await;
    witnessing = Witnessing { place, node, author };
    witnessing.assert_shown(&get(witnessing.to(), &path).await, 257);
    witnessing.node.stop().await.unwrap();
}

/// SHA-256 of an origin, lower hex.
pub(crate) fn hash_of(origin: &str) -> String {
    Hash::digest(origin.as_bytes())
        .as_bytes()
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Goal: each request that is wrong gets the status of the protocol, and is cosigned by nobody.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_gets_the_status_of_the_protocol() {
    let witnessing = Witnessing::begin().await;
    witnessing.assert_cosigned(&witnessing.show(TRUE, 0, 300).await, TRUE, 300);
    let good = String::from_utf8(witnessing.request(TRUE, 300, 400)).unwrap();
    let other = Log { bent: 250 };
    let stranger = SigningKey::from_seed(AUTHOR.parse().unwrap(), comity_tlog::KeyKind::Ed25519, &[7; 32]);
    let by_stranger = Checkpoint::new(AUTHOR, size(400), root_at(&TRUE, size(400)).unwrap()).unwrap();
    let by_stranger = by_stranger.sign(&stranger.unwrap()).unwrap();
    let proof = |old, new| prove_consistency(&TRUE, size(old), size(new)).unwrap();
    let of = |old, proof: ConsistencyProof, signed: SignedCheckpoint| {
        AddCheckpoint::new(size(old), proof, signed).unwrap().to_bytes()
    };
    let signed = |log, new| witnessing.signed(log, new);
    let empty = || ConsistencyProof::new(Vec::new()).unwrap();
    let no_empty_root = Checkpoint::new(AUTHOR, TreeSize::ZERO, Hash::leaf(b"x")).unwrap();
    let no_empty_root = no_empty_root.sign(&witnessing.author).unwrap();
    for (what, body, status) in [
        ("nothing", Vec::new(), 400),
        ("noise", vec![0xff; 300], 400),
        ("no old size", good.replace("old 300\n", "").into_bytes(), 400),
        ("an old size beyond the new one", of(401, empty(), signed(TRUE, 400)), 400),
        ("a log of nobody", good.replace(AUTHOR, "agency-c.example/pub").into_bytes(), 404),
        ("another log of the agency", good.replace(AUTHOR, "agency-b.example/acct").into_bytes(), 404),
        ("the own log", good.replace(AUTHOR, ORIGIN).into_bytes(), 404),
        ("no origin of ours", good.replacen(AUTHOR, "go.sum database tree", 1).into_bytes(), 404),
        ("another key of the same name", of(300, proof(300, 400), by_stranger), 403),
        ("a text that was not signed", good.replace("\n400\n", "\n401\n").into_bytes(), 403),
        ("an old size that is not the last", of(299, proof(299, 400), signed(TRUE, 400)), 409),
        ("a proof from nothing", of(0, empty(), signed(TRUE, 400)), 409),
        ("a smaller tree", of(0, empty(), signed(TRUE, 200)), 409),
        ("no proof", of(300, empty(), signed(TRUE, 400)), 422),
        ("the proof of another size", of(300, proof(299, 400), signed(TRUE, 400)), 422),
        ("another root of the same size", of(300, empty(), signed(other, 300)), 422),
        ("a proof to the same size", of(300, proof(299, 300), signed(TRUE, 300)), 422),
        (
            "another history",
            of(300, prove_consistency(&other, size(300), size(400)).unwrap(), signed(other, 400)),
            422,
        ),
        ("an empty tree of another root", of(0, empty(), no_empty_root), 409),
    ] {
        let answer = post(witnessing.to(), &body).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        if status == 409 {
            assert_eq!(answer.header("content-type"), Some("text/x.tlog.size"), "{what}");
            assert_eq!(answer.text(), "300\n", "{what}");
        }
    }
    witnessing.assert_cosigned(&post(witnessing.to(), good.as_bytes()).await, TRUE, 400);
    witnessing.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_tree_has_one_root_and_its_proof_is_empty() {
    let witnessing = Witnessing::begin().await;
    let wrong = Checkpoint::new(AUTHOR, TreeSize::ZERO, Hash::leaf(b"x")).unwrap().sign(&witnessing.author);
    let empty = ConsistencyProof::new(Vec::new()).unwrap();
    let wrong = AddCheckpoint::new(TreeSize::ZERO, empty, wrong.unwrap()).unwrap().to_bytes();
    assert_eq!(post(witnessing.to(), &wrong).await.status, 422);
    let proof = prove_consistency(&TRUE, size(3), size(7)).unwrap();
    let proved = AddCheckpoint::new(TreeSize::ZERO, proof, witnessing.signed(TRUE, 7)).unwrap().to_bytes();
    assert_eq!(post(witnessing.to(), &proved).await.status, 422, "from nothing there is nothing to prove");
    witnessing.assert_cosigned(&witnessing.show(TRUE, 0, 0).await, TRUE, 0);
    witnessing.assert_cosigned(&witnessing.show(TRUE, 0, 7).await, TRUE, 7);
    witnessing.node.stop().await.unwrap();
}

/// Goal: who brings what an author signed elsewhere convicts it. Way: an author that is followed, and a checkpoint of
/// the size that is held, with another root, under its valid key.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_contradicts_what_is_held_convicts_its_author() {
    let witnessing = Witnessing::begin().await;
    let author = Place { folder: tempfile::tempdir().unwrap() };
    std::fs::rename(witnessing.place.folder.path().join("b"), author.path()).unwrap();
    let authors = author.serve().await;
    add(&authors, &witnessing.place.home(), "127.0.0.1:1").await;
    add(&witnessing.node, &author.home(), &authors.peers.to_string()).await;
    let held = "comity_log_entries{origin=\"agency-b.example/pub\",role=\"replica\"} 1\n";
    until_in_metrics(witnessing.to(), held).await;
    // The own witness may have spoken of it already, or not yet.
    let forged = witnessing.show(TRUE, 0, 1).await;
    assert_eq!(forged.status, 422, "{forged:?}");
    until_in_metrics(witnessing.to(), "comity_alarms{code=\"fork\"} 1\n").await;
    let again = witnessing.show(TRUE, 1, 2).await;
    assert_eq!(again.status, 403, "nothing of the author is cosigned any more: {again:?}");
    authors.stop().await.unwrap();
    witnessing.node.stop().await.unwrap();
}

/// Goal: of two histories that are shown at once only one is ever cosigned. Way: many requests at a time, half of each.
#[tokio::test(flavor = "multi_thread")]
async fn two_histories_at_once_are_never_both_cosigned() {
    let witnessing = Witnessing::begin().await;
    witnessing.assert_cosigned(&witnessing.show(TRUE, 0, 10).await, TRUE, 10);
    let faces = [TRUE, Log { bent: 10 }];
    let requests: Vec<(usize, Vec<u8>)> =
        (0..40).map(|n| (n % 2, witnessing.request(faces[n % 2], 10, 20))).collect();
    let to = witnessing.to();
    let asked =
        requests.into_iter().map(|(face, body)| tokio::spawn(async move { (face, post(to, &body).await) }));
    let mut cosigned = [0, 0];
    for answer in asked.collect::<Vec<_>>() {
        let (face, answer) = answer.await.unwrap();
        assert!(matches!(answer.status, 200 | 409 | 422), "{answer:?}");
        cosigned[face] += usize::from(answer.status == 200);
    }
    assert!(cosigned.iter().sum::<usize>() >= 1 && cosigned.contains(&0), "{cosigned:?}");
    witnessing.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_bounded_in_length_and_time() {
    let witnessing = Witnessing::begin().await;
    let to = witnessing.to();
    assert_eq!(post(to, &vec![b'a'; 200 << 10]).await.status, 413);
    let mut slow = connect(to).await;
    slow.write_all(b"POST /witness/add-checkpoint HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nold")
        .await
        .unwrap();
    let mut broken = connect(to).await;
    broken
        .write_all(b"POST /witness/add-checkpoint HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nold")
        .await
        .unwrap();
    broken.shutdown().await.unwrap();
    ends(&mut broken).await;
    assert_eq!(answer_of(&mut slow, false).await.unwrap().status, 408);
    ends(&mut slow).await;
    assert_eq!(ask(to, "GET", "/witness/add-checkpoint").await.header("allow"), Some("POST"));
    witnessing.node.stop().await.unwrap();
}

/// Goal: those who begin to ask and never end keep nobody out either.
#[tokio::test(flavor = "multi_thread")]
async fn unfinished_requests_keep_nobody_out() {
    let witnessing = Witnessing::begin().await;
    let to = witnessing.to();
    let mut open = Vec::new();
    for _ in 0..300 {
        let mut stream = connect(to).await;
        stream
            .write_all(b"POST /witness/add-checkpoint HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nold")
            .await
            .unwrap_or_default();
        open.push(stream);
    }
    let begun = std::time::Instant::now();
    witnessing.assert_cosigned(&witnessing.show(TRUE, 0, 5).await, TRUE, 5);
    assert_eq!(get(to, "/metrics").await.status, 200);
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    witnessing.node.stop().await.unwrap();
}
