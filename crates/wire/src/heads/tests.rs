//! Heads travel unchanged, and every field of them is checked.

use comity_tlog::{Checkpoint, ConsistencyProof, KeyKind, KeyName, SignedCheckpoint, SigningKey, TreeSize};

use super::*;

const ORIGIN: &str = "a.example/pub";

fn signed() -> SignedCheckpoint {
    let key = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), KeyKind::Ed25519, &[1; 32]).unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, TreeSize::new(5).unwrap(), Hash::from_bytes([2; 32]));
    checkpoint.unwrap().sign(&key).unwrap()
}

fn named(origin: &str) -> OriginDigest {
    OriginDigest::of(&origin.parse().unwrap())
}

fn heads() -> Heads {
    let head = Head { size: TreeSize::new(5).unwrap(), root: Hash::from_bytes([2; 32]) };
    let digest = |origin| HeadDigest {
        origin: named(origin),
        head,
        generation: Generation::new(7),
        seen: Generation::new(3),
    };
    let update = |news| HeadUpdate { origin: named(ORIGIN), generation: Generation::new(7), news };
    let lines = signed().note().lines().to_vec();
    let proof = ConsistencyProof::new(vec![Hash::from_bytes([3; 32])]).unwrap();
    let beginning = Some(Beginning { head, proof });
    let heads = Heads {
        digests: Digests::Now(vec![digest(ORIGIN), digest("b.example/pub"), digest("c.example/pub")]),
        known: Some(Hash::from_bytes([4; 32])),
        updates: vec![
            update(HeadNews::Checkpoint { note: signed(), beginning }),
            update(HeadNews::Lines { since: Generation::new(3), lines }),
        ],
        evidence: vec![Bytes::from_static(b"a file")],
        evidence_held: vec![Hash::from_bytes([6; 32]), Hash::from_bytes([5; 32])],
        lists: vec![RevocationList {
            agency: "b.example".parse().unwrap(),
            list: Bytes::from_static(b"a list"),
        }],
        lists_held: [&b"one"[..], b"two"].map(ListDigest::of).to_vec(),
    };
    heads.checked().unwrap()
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
    let lines = |lines: Vec<String>| Some(Content::Lines(v1::SignatureLines { lines, since_generation: 0 }));
    check(DIGESTS, &|heads| heads.digests = vec![v1::HeadDigest::default(); 4_097]);
    check(DIGESTS, &|heads| heads.digests.reverse());
    check(DIGESTS, &|heads| heads.digests[1] = heads.digests[0].clone());
    check(UPDATES, &|heads| heads.updates = vec![v1::HeadUpdate::default(); 65]);
    check("head_digest.origin_digest", &|heads| {
        heads.digests[0].origin_digest = Bytes::from_static(&[0; 15]);
    });
    check("head_digest.size", &|heads| heads.digests[0].size = u64::MAX);
    check("head_digest.root", &|heads| heads.digests[0].root.clear());
    check("head_update.origin_digest", &|heads| heads.updates[0].origin_digest.clear());
    check("head_update.content", &|heads| heads.updates[0].content = None);
    check("checkpoint.note", &|heads| {
        heads.updates[0].content = Some(Content::Checkpoint(v1::Checkpoint::default()));
    });
    check("checkpoint.note", &|heads| heads.updates[0].origin_digest = Bytes::from_static(&[0; 16]));
    check("beginning.root", &|heads| heads.updates[0].beginning.as_mut().unwrap().root.clear());
    check("head_update.beginning", &|heads| heads.updates[1].beginning = heads.updates[0].beginning.clone());
    check("exchange_heads.as_before", &|heads| heads.as_before = heads.known.clone());
    check("exchange_heads.known", &|heads| heads.known = Bytes::from_static(&[0; 31]));
    check(EVIDENCE, &|heads| heads.evidence = vec![Bytes::from_static(b"x"); EVIDENCE_FILES_MAX + 1]);
    check(EVIDENCE, &|heads| heads.evidence = vec![Bytes::from(vec![0; EVIDENCE_BYTES_MAX + 1])]);
    check(HELD, &|heads| heads.evidence_held.reverse());
    check(LISTS, &|heads| heads.revocation_lists = vec![heads.revocation_lists[0].clone(); 17]);
    check(LISTS, &|heads| heads.revocation_lists[0].list.clear());
    check(LISTS, &|heads| heads.revocation_lists[0].list = Bytes::from(vec![0x30; 65_537]));
    check("revocation_list.agency", &|heads| heads.revocation_lists[0].agency = "No Agency".to_owned());
    check(LISTS_HELD, &|heads| heads.revocation_lists_held = vec![Bytes::from(vec![0; 16]); 257]);
    check(LISTS_HELD, &|heads| heads.revocation_lists_held[0] = Bytes::from(vec![0; 15]));
    check(LISTS_HELD, &|heads| heads.revocation_lists_held.reverse());
    check(LISTS_HELD, &|heads| heads.revocation_lists_held[0] = heads.revocation_lists_held[1].clone());
    check(LINES, &|heads| heads.updates[1].content = lines(vec![String::new(); 101]));
    check(LINES, &|heads| heads.updates[1].content = lines(vec!["— forged\nline AAAA".to_owned()]));
}

#[test]
fn digests_that_stay_as_they_were_are_not_sent_again() {
    let before = Heads { digests: Digests::AsBefore(Hash::from_bytes([7; 32])), ..heads() };
    let message = v1::ExchangeHeadsRequest::from(&before);
    assert!(message.digests.is_empty());
    assert_eq!(Heads::try_from(message), Ok(before));
}

#[test]
fn two_digests_of_one_log_are_refused() {
    let Digests::Now(digests) = heads().digests else { panic!("no digests") };
    let twice = Heads { digests: Digests::Now(vec![digests[0]; 2]), ..Heads::default() };
    assert_eq!(twice.checked(), Err(InvalidMessage::Contradicts { field: DIGESTS }));
}
