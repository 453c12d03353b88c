//! Two beginnings that one root key signed convict, and no forged variant of their file accuses anybody.

use comity_tlog::{KeyKind, KeyName, SigningKey, TreeSize};

use super::*;
use crate::{AgencyId, Contradiction, Evidence, EvidenceEntry, KeyHistory, Signed};

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), KeyKind::Ed25519, &[seed; 32]).unwrap()
}

fn root(agency: &str) -> SigningKey {
    key(&format!("{agency}/root"), 1)
}

fn head(size: u64, of: &[u8]) -> Head {
    Head { size: TreeSize::new(size).unwrap(), root: Hash::digest(of) }
}

/// The genesis of the successor of `closed`, with a log key and a last good tree of `size`.
fn genesis(closed: &str, seed: u8, size: u64) -> Genesis {
    let closed: Origin = closed.parse().unwrap();
    let next = closed.successor().unwrap();
    let log = key(next.as_str(), seed);
    Genesis::succeeding(&closed, head(size, b"tree"), &root(closed.agency().as_str()), log.verifier())
        .unwrap()
}

/// The file as somebody writes it who checks nothing.
fn file(root: &SigningKey, first: &[u8], second: &[u8]) -> String {
    let [first, second] = [first, second].map(|body| STANDARD.encode(body));
    format!("comity/evidence/geneses/v1\nroot-key {}\nfirst {first}\nsecond {second}\n", root.verifier())
}

const CLOSED: &str = "a.example/pub";

fn evidence() -> Evidence {
    Evidence::of_geneses(&genesis(CLOSED, 2, 5), &genesis(CLOSED, 3, 5)).unwrap()
}

#[test]
fn two_beginnings_convict_in_whichever_order_they_are_found() {
    let (one, other, later) = (genesis(CLOSED, 2, 5), genesis(CLOSED, 3, 5), genesis(CLOSED, 2, 4));
    for (one, other) in [(&one, &other), (&one, &later), (&other, &later)] {
        let found = Evidence::of_geneses(one, other).unwrap();
        assert_eq!(Evidence::of_geneses(other, one), Ok(found.clone()));
        assert_eq!(Evidence::parse(found.as_bytes()), Ok(found.clone()));
        assert_eq!((found.origin().as_str(), found.end().value()), ("a.example/pub/2", 1));
        let Contradiction::Geneses(two) = found.shown() else { panic!("{found:?}") };
        assert_eq!((two.said().len(), two.root_key()), (2, root("a.example").verifier()));
    }
}

/// Goal: no variant of the file accuses anybody. Way: each of them by itself.
#[test]
fn every_forged_variant_of_two_beginnings_acquits() {
    let (first, second) = (genesis(CLOSED, 2, 5), genesis(CLOSED, 3, 5));
    let (mine, bodies) = (root("a.example"), [first.to_body(), second.to_body()]);
    let refused = |root: &SigningKey, first: &[u8], second: &[u8], why: &EvidenceError| {
        // In either order: which comes first is no excuse.
        for (first, second) in [(first, second), (second, first)] {
            assert_eq!(Evidence::parse(file(root, first, second).as_bytes()).as_ref(), Err(why));
        }
    };
    let stranger = key("a.example/root", 9);
    refused(&stranger, &bodies[0], &bodies[1], &EvidenceError::OtherRoot);
    refused(&mine, &bodies[0], &bodies[0], &EvidenceError::NoContradiction);
    let mut unsigned = bodies[1].clone();
    *unsigned.last_mut().unwrap() ^= 1;
    refused(&mine, &bodies[0], &unsigned, &EvidenceError::Unsigned);
    // Signed for another number of the same agency, and by another agency.
    refused(&mine, &bodies[0], &genesis("a.example/pub/2", 3, 5).to_body(), &EvidenceError::OtherOrigin);
    refused(&mine, &bodies[0], &genesis("b.example/pub", 3, 5).to_body(), &EvidenceError::OtherOrigin);
    let agency: AgencyId = "a.example".parse().unwrap();
    let begun = Genesis::new(agency, mine.verifier(), key(CLOSED, 4).verifier()).unwrap();
    refused(&mine, &bodies[0], &begun.to_body(), &EvidenceError::NoContradiction);
    // By the root key of somebody else who names this agency.
    let closed: Origin = CLOSED.parse().unwrap();
    let theirs =
        Genesis::succeeding(&closed, head(5, b"tree"), &stranger, key("a.example/pub/2", 3).verifier());
    refused(&mine, &bodies[0], &theirs.unwrap().to_body(), &EvidenceError::OtherRoot);
    let good = Evidence::of_geneses(&first, &second).unwrap();
    for place in 0..good.as_bytes().len() {
        let mut bad = good.as_bytes().to_vec();
        for change in [1, 0x20] {
            bad[place] ^= change;
            assert!(Evidence::parse(&bad).is_err(), "byte {place}");
        }
        assert!(Evidence::parse(&good.as_bytes()[..place]).is_err(), "the first {place} bytes");
    }
    assert!(Evidence::parse(&[good.as_bytes(), b"\n"].concat()).is_err());
}

#[test]
fn beginnings_are_those_of_the_agency_with_that_root_key() {
    let closed: Origin = CLOSED.parse().unwrap();
    let keys = |root: &SigningKey| {
        KeyHistory::new(closed.clone(), key(CLOSED, 4).verifier().clone()).with_root(root.verifier().clone())
    };
    assert!(evidence().is_of_author(&keys(&root("a.example"))));
    assert!(!evidence().is_of_author(&keys(&key("a.example/root", 9))));
    let unknown = KeyHistory::new(closed.clone(), key(CLOSED, 4).verifier().clone());
    assert!(!evidence().is_of_author(&unknown), "no root key is known");
}

#[test]
fn the_entry_of_a_finder_names_both_beginnings() {
    struct Zeros;
    impl crate::Entropy for Zeros {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), crate::EntropyError> {
            bytes.fill(0);
            Ok(())
        }
    }
    let (evidence, finder) = (evidence(), "b.example/pub".parse().unwrap());
    let sealed = evidence.draft().seal(&finder, crate::AuthorTime::from_unix_secs(1), &mut Zeros).unwrap();
    let stated = EvidenceEntry::from_entry(&sealed.bytes().parse().unwrap()).unwrap();
    assert_eq!(stated, EvidenceEntry::of(&evidence));
    assert!(matches!(stated.signed, Signed::Geneses([one, other]) if one != other));
}
