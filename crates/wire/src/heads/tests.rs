//! Heads travel unchanged, and every field of them is checked.

use comity_tlog::{Checkpoint, KeyKind, KeyName, SigningKey, TreeSize};

use super::*;

const ORIGIN: &str = "a.example/pub";

fn signed() -> SignedCheckpoint {
    let key = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), KeyKind::Ed25519, &[1; 32]).unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, TreeSize::new(5).unwrap(), Hash::from_bytes([2; 32]));
    checkpoint.unwrap().sign(&key).unwrap()
}

fn digest_of(origin: &str) -> OriginDigest {
    OriginDigest::of(&origin.parse().unwrap())
}

fn heads() -> Heads {
    let head = Head { size: TreeSize::new(5).unwrap(), root: Hash::from_bytes([2; 32]) };
    let digest = |origin| HeadDigest {
        origin: digest_of(origin),
        head,
        generation: Generation::new(7),
        seen: Generation::new(3),
    };
    let update = |news| HeadUpdate { origin: digest_of(ORIGIN), generation: Generation::new(7), news };
    let lines = signed().note().lines().to_vec();
    Heads::new(
        vec![digest(ORIGIN), digest("b.example/pub"), digest("c.example/pub")],
        vec![update(HeadNews::Checkpoint(signed())), update(HeadNews::Lines(lines))],
    )
    .unwrap()
}

#[test]
fn heads_travel_both_ways() {
    assert_eq!(Heads::try_from(v1::ExchangeHeadsRequest::from(&heads())), Ok(heads()));
    assert_eq!(Heads::try_from(v1::ExchangeHeadsResponse::from(&heads())), Ok(heads()));
}

/// The note and the line are signed by others: not one byte may change on the way.
#[test]
fn notes_and_lines_are_never_encoded_anew() {
    let message = v1::ExchangeHeadsRequest::from(&heads());
    let Some(Content::Checkpoint(checkpoint)) = &message.updates[0].content else { panic!("no note") };
    assert_eq!(checkpoint.note, signed().as_bytes());
    let Some(Content::Lines(lines)) = &message.updates[1].content else { panic!("no lines") };
    let note = String::from_utf8(signed().as_bytes().to_vec()).unwrap();
    assert_eq!(lines.lines, [note.lines().last().unwrap()]);
}

#[test]
fn each_field_of_heads_is_checked() {
    let check = |field: &str, change: &dyn Fn(&mut v1::ExchangeHeadsRequest)| {
        let mut bad = v1::ExchangeHeadsRequest::from(&heads());
        change(&mut bad);
        assert_eq!(Heads::try_from(bad).unwrap_err().field(), field);
    };
    let lines = |lines: Vec<String>| Some(Content::Lines(v1::SignatureLines { lines }));
    check(DIGESTS, &|heads| heads.digests = vec![v1::HeadDigest::default(); 4_097]);
    check(DIGESTS, &|heads| heads.digests.reverse());
    check(DIGESTS, &|heads| heads.digests[1] = heads.digests[0].clone());
    check(UPDATES, &|heads| heads.updates = vec![v1::HeadUpdate::default(); 65]);
    check(DIGEST, &|heads| heads.digests[0].origin_digest = Bytes::from_static(&[0; 15]));
    check("head_digest.size", &|heads| heads.digests[0].size = u64::MAX);
    check("head_digest.root", &|heads| heads.digests[0].root.clear());
    check("head_update.origin_digest", &|heads| heads.updates[0].origin_digest.clear());
    check("head_update.content", &|heads| heads.updates[0].content = None);
    check("checkpoint.note", &|heads| {
        heads.updates[0].content = Some(Content::Checkpoint(v1::Checkpoint::default()));
    });
    check("checkpoint.note", &|heads| heads.updates[0].origin_digest = Bytes::from_static(&[0; 16]));
    check(LINES, &|heads| heads.updates[1].content = lines(Vec::new()));
    check(LINES, &|heads| heads.updates[1].content = lines(vec![String::new(); 101]));
    check(LINES, &|heads| heads.updates[1].content = lines(vec!["— forged\nline AAAA".to_owned()]));
}

#[test]
fn two_digests_of_one_log_are_refused() {
    let twice = vec![heads().digests()[0]; 2];
    assert_eq!(Heads::new(twice, Vec::new()), Err(InvalidMessage::Contradicts { field: DIGESTS }));
}
