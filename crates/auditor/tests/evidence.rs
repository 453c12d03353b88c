//! `comity-audit evidence` and the evidence of a bundle: what two faces of an author show, and what shows nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

use std::path::Path;
use std::process::{Command, Output};

use comity_ledger::{Evidence, Genesis, Head, Origin};
use comity_tlog::{Checkpoint, Hash, KeyKind, KeyName, RightEdge, SigningKey, TreeSize, VerifiedCheckpoint};
use serde_json::Value;

const ORIGIN: &str = "two-faced.example/pub";

fn author(seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), KeyKind::Ed25519, &[seed; 32]).unwrap()
}

fn face(key: &SigningKey, name: &str) -> VerifiedCheckpoint {
    let mut edge = RightEdge::empty();
    for entry in 0..9 {
        edge.append(Hash::leaf(format!("{name} {entry}").as_bytes())).unwrap();
    }
    let checkpoint = Checkpoint::new(ORIGIN, TreeSize::new(9).unwrap(), edge.root()).unwrap();
    checkpoint.sign(key).unwrap().verify(key.verifier(), &[]).unwrap()
}

fn audit(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_comity-audit")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn two_faces_convict_by_the_file_alone_and_by_name_with_a_key_of_ones_own() {
    let place = tempfile::tempdir().unwrap();
    let (file, keys) = (place.path().join("evidence"), place.path().join("keys"));
    let key = author(1);
    let evidence = Evidence::new(&face(&key, "one"), &face(&key, "other"), None).unwrap();
    std::fs::write(&file, evidence.as_bytes()).unwrap();
    std::fs::write(&keys, format!("{}\n", key.verifier())).unwrap();
    let alone = audit(&["evidence", text(&file), "--json"]);
    let found = said(&alone);
    assert!(alone.status.success() && found["ok"] == true && found["trusted"] == false, "{found}");
    assert_eq!((&found["origin"], found["heads"].as_array().unwrap().len()), (&ORIGIN.into(), 2));
    let with_key = said(&audit(&["evidence", text(&file), "--keys", text(&keys), "--json"]));
    assert_eq!(with_key["trusted"], true);
    let words = String::from_utf8(audit(&["evidence", text(&file)]).stdout).unwrap();
    assert!(words.contains("signed two histories") && words.contains("warning"), "{words}");
}

#[test]
fn a_thief_without_the_key_a_changed_byte_and_a_strangers_file_accuse_nobody() {
    let place = tempfile::tempdir().unwrap();
    let (file, keys) = (place.path().join("evidence"), place.path().join("keys"));
    std::fs::write(&keys, format!("{}\n", author(1).verifier())).unwrap();
    // A stranger signs in the author's name with a key of its own: it convicts that key, and not the author.
    let stranger = author(2);
    let forged = Evidence::new(&face(&stranger, "one"), &face(&stranger, "other"), None).unwrap();
    std::fs::write(&file, forged.as_bytes()).unwrap();
    let found = said(&audit(&["evidence", text(&file), "--keys", text(&keys), "--json"]));
    assert!(found["ok"] == true && found["trusted"] == false, "{found}");
    let mut changed = forged.as_bytes().to_vec();
    changed[100] ^= 1;
    for bad in [changed, b"no evidence\n".to_vec(), vec![b'x'; 100_000]] {
        std::fs::write(&file, bad).unwrap();
        let refused = audit(&["evidence", text(&file), "--json"]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = said(&refused);
        assert!(said["ok"] == false || said["error"]["code"] == "file", "{said}");
    }
}

/// Goal: two beginnings that a root key signed convict by the file alone, and what is no such file accuses nobody. Way: the
/// program on the file, and on one whose second beginning was signed for another log.
#[test]
fn two_beginnings_convict_by_the_file_alone() {
    let (place, closed): (_, Origin) = (tempfile::tempdir().unwrap(), ORIGIN.parse().unwrap());
    let root = SigningKey::from_seed("two-faced.example/root".parse().unwrap(), KeyKind::Ed25519, &[9; 32]);
    let (root, next) = (root.unwrap(), closed.successor().unwrap());
    let begun = |closed: &Origin, seed| {
        let next = closed.successor().unwrap();
        let key =
            SigningKey::from_seed(next.as_str().parse().unwrap(), KeyKind::Ed25519, &[seed; 32]).unwrap();
        Genesis::succeeding(closed, Head::EMPTY, &root, key.verifier()).unwrap()
    };
    let good = Evidence::of_geneses(&begun(&closed, 1), &begun(&closed, 2)).unwrap();
    let other = Evidence::of_geneses(&begun(&next, 1), &begun(&next, 2)).unwrap();
    let file = place.path().join("evidence");
    std::fs::write(&file, good.as_bytes()).unwrap();
    let output = audit(&["evidence", text(&file), "--json"]);
    let found = said(&output);
    assert!(output.status.success() && found["ok"] == true && found["trusted"] == false, "{found}");
    assert_eq!(
        (&found["origin"], &found["keys"][0]),
        (&next.as_str().into(), &root.verifier().to_string().into())
    );
    assert_eq!((found["geneses"].as_array().unwrap().len(), &found["heads"]), (2, &serde_json::json!([])));
    let words = String::from_utf8(audit(&["evidence", text(&file)]).stdout).unwrap();
    assert!(words.contains("two beginnings") && words.contains("warning"), "{words}");
    // The second line of one and the last of the other.
    let [good, other] =
        [&good, &other].map(|evidence| String::from_utf8(evidence.as_bytes().to_vec()).unwrap());
    let (begin, _) = good.rsplit_once("second ").unwrap();
    let (_, end) = other.rsplit_once("second ").unwrap();
    std::fs::write(&file, format!("{begin}second {end}")).unwrap();
    let output = audit(&["evidence", text(&file), "--json"]);
    let found = said(&output);
    assert!(output.status.code() == Some(1) && found["ok"] == false, "{found}");
    assert_eq!(found["failure"], "it is of two origins");
}
