//! A witness answers as it should, and in every other way; the double owns a valid key.

use comity_tlog::{Checkpoint, Hash, HashReader, RightEdge, SigningKey, root_at, verify_consistency};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const ORIGIN: &str = "a.example/pub";

/// A log of numbered entries, all of it in memory.
struct Log;

impl HashReader for Log {
    type Error = std::convert::Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let mut edge = RightEdge::empty();
        for entry in index << level..(index + 1) << level {
            edge.append(Hash::leaf(&entry.to_be_bytes())).unwrap();
        }
        Ok(edge.root())
    }
}

fn size(size: u64) -> TreeSize {
    TreeSize::new(size).unwrap()
}

fn root(of: TreeSize) -> Hash {
    root_at(&Log, of).unwrap()
}

fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(name.parse().unwrap(), kind, &[seed; 32]).unwrap()
}

fn log_key() -> SigningKey {
    key(ORIGIN, KeyKind::Ed25519, 1)
}

fn witness_key() -> SigningKey {
    key("witness.example/w1", KeyKind::CosignatureV1, 2)
}

fn signed(of: TreeSize) -> SignedCheckpoint {
    Checkpoint::new(ORIGIN, of, root(of)).unwrap().sign(&log_key()).unwrap()
}

fn time(seconds: u64) -> CosignatureTime {
    CosignatureTime::new(seconds).unwrap()
}

fn answer(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body.as_bytes()].concat()
}

fn holds(of: u64) -> Vec<u8> {
    answer("409 Conflict", "text/x.tlog.size", &format!("{of}\n"))
}

fn line_by(key: &SigningKey, of: TreeSize, at: u64) -> String {
    let checkpoint = Checkpoint::new(ORIGIN, of, root(of)).unwrap();
    format!("{}\n", key.cosign(&checkpoint, time(at)).unwrap())
}

fn cosigned(body: &str) -> Vec<u8> {
    answer("200 OK", "text/plain; charset=utf-8", body)
}

/// A witness of one's own making: answers each request by what it is given.
async fn witness(mut answers: impl FnMut(AddCheckpoint) -> Vec<u8> + Send + 'static) -> ForeignWitness {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/some/prefix/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let body = loop {
                stream.read_buf(&mut bytes).await.unwrap();
                let text = String::from_utf8(bytes.clone()).unwrap();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                assert!(head.starts_with("POST /some/prefix/add-checkpoint HTTP/1.1\r\n"), "{head}");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    break body.to_owned();
                }
            };
            let said = answers(AddCheckpoint::parse(body.as_bytes()).unwrap());
            stream.write_all(&said).await.unwrap();
        }
    });
    ForeignWitness::new(url.as_bytes(), witness_key().verifier()).unwrap()
}

async fn ask(witness: &ForeignWitness, of: u64) -> Result<SignatureLine, WitnessError> {
    let prove = |from, to| std::future::ready(Ok(prove_consistency(&Log, from, to).unwrap()));
    let other = key("b.example/witness", KeyKind::CosignatureV1, 4);
    let checkpoint = Checkpoint::new(ORIGIN, size(of), root(size(of))).unwrap();
    let known = signed(size(of)).with_line(other.cosign(&checkpoint, time(900)).unwrap()).unwrap();
    witness.cosign(&known, log_key().verifier(), time(1_000), prove).await
}

/// Goal: from whatever size the witness has, it is given the proof that it needs. Way: a double that checks as
/// c2sp.org/tlog-witness says.
#[tokio::test]
async fn a_witness_is_taken_along_from_any_size() {
    for held in [0, 1, 5, 255, 256, 257, 699, 700] {
        let witness = witness(move |request| {
            if request.old_size() != size(held) {
                return holds(held);
            }
            assert_eq!(request.checkpoint().note().lines().len(), 1, "who else cosigns is not told");
            let stated = request.checkpoint().checkpoint();
            verify_consistency(size(held), &root(size(held)), stated.size(), &stated.root(), request.proof())
                .unwrap();
            cosigned(&line_by(&witness_key(), stated.size(), 1_000))
        })
        .await;
        let line = ask(&witness, 700).await.unwrap();
        let with_line = signed(size(700)).with_line(line).unwrap();
        let keys = [witness_key().verifier().clone()];
        let verified = with_line.verify(log_key().verifier(), &keys).unwrap();
        assert_eq!(verified.cosignatures().len(), 1, "from {held}");
    }
}

#[tokio::test]
async fn lines_of_other_keys_are_passed_over() {
    let witness = witness(|_| {
        let other = key("witness.example/w2", KeyKind::CosignatureV1, 3);
        cosigned(&(line_by(&other, size(5), 1_000) + &line_by(&witness_key(), size(5), 900)))
    })
    .await;
    let line = ask(&witness, 5).await.unwrap();
    assert_eq!(line.name(), witness_key().name());
}

#[tokio::test]
async fn a_witness_that_is_ahead_is_told_apart_from_one_that_refuses() {
    let ahead = witness(|_| holds(6)).await;
    assert!(matches!(ask(&ahead, 5).await, Err(WitnessError::Ahead { named, .. }) if named == size(6)));
    for status in [400, 403, 404, 422, 500, 302] {
        let refuses = witness(move |_| answer(&format!("{status} No"), "text/plain", "no\n")).await;
        let refused = ask(&refuses, 5).await;
        assert!(
            matches!(refused, Err(WitnessError::Refused { status: said }) if said == status),
            "{refused:?}"
        );
    }
    // As version 1.0.0 refuses another root of the size that it has.
    let same = witness(|request| holds(request.old_size().value())).await;
    assert!(matches!(ask(&same, 5).await, Err(WitnessError::Refused { status: 409 })));
}

/// Goal: nothing that the witness's key did not sign for this very checkpoint comes into the note.
#[tokio::test]
async fn an_answer_that_lies_is_not_taken() {
    let forged = key("witness.example/w1", KeyKind::CosignatureV1, 9);
    let good = line_by(&witness_key(), size(5), 1_000);
    let (name, blob) = good.trim_end().rsplit_once(' ').unwrap();
    let bent = format!("{name} {}{}\n", &blob[..40], blob[40..].chars().rev().collect::<String>());
    for (what, said) in [
        ("nothing", cosigned("")),
        ("no line", cosigned("thank you\n")),
        ("a line without its end", cosigned(good.trim_end())),
        ("another text before it", cosigned(&format!("\n{good}"))),
        ("the line of another tree", cosigned(&line_by(&witness_key(), size(4), 1_000))),
        ("a bent line", cosigned(&bent)),
        ("another key of the same name", cosigned(&line_by(&forged, size(5), 1_000))),
        ("a time to come", cosigned(&line_by(&witness_key(), size(5), 1_061))),
        ("a size without its type", answer("409 Conflict", "text/plain", "3\n")),
        ("a size that is none", answer("409 Conflict", "text/x.tlog.size", "03\n")),
        ("no HTTP", b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()),
        ("an end within the head", b"HTTP/1.1 200 OK\r\nConte".to_vec()),
        ("too much", cosigned(&good.repeat(400))),
    ] {
        let lies = witness(move |_| said.clone()).await;
        let taken = ask(&lies, 5).await;
        assert!(
            matches!(
                &taken,
                Err(WitnessError::Answer { .. } | WitnessError::Line { .. } | WitnessError::Http { .. })
            ),
            "{what}: {taken:?}"
        );
    }
    let mut named = 0;
    let moves = witness(move |_| {
        named += 1;
        holds(named)
    })
    .await;
    assert!(matches!(ask(&moves, 5).await, Err(WitnessError::Answer { .. })), "another size each time");
}

#[tokio::test]
async fn a_witness_that_does_not_listen_is_said_to() {
    let nobody = ForeignWitness::new(b"http://127.0.0.1:1", witness_key().verifier()).unwrap();
    assert!(matches!(ask(&nobody, 5).await, Err(WitnessError::Unreachable { .. })));
}

#[test]
fn addresses_and_keys_are_read_or_refused() {
    let witness = |url: &str| ForeignWitness::new(url.as_bytes(), witness_key().verifier());
    for (url, authority, prefix) in [
        ("http://127.0.0.1:7380", "127.0.0.1:7380", ""),
        ("http://witness.example/w/", "witness.example:80", "/w"),
        ("http://[::1]:9/a/b", "[::1]:9", "/a/b"),
    ] {
        let read = witness(url).unwrap();
        assert_eq!((read.authority().as_str(), read.prefix.as_str()), (authority, prefix));
    }
    let long = format!("http://a.example/{}", "a".repeat(300));
    for url in [
        "",
        "127.0.0.1:7380",
        "https://witness.example",
        "http://",
        "http://a@b:1",
        "http://a.example/?x",
        &long,
    ] {
        assert!(witness(url).is_err(), "{url}");
    }
    assert!(ForeignWitness::new(b"http://127.0.0.1:1", log_key().verifier()).is_err(), "a key of a log");
}
