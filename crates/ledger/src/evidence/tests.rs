//! Evidence convicts whoever signed two faces, and nobody else.

use comity_tlog::prove_consistency;

use super::*;
use crate::test_log::{TestLog, author, size};
use crate::{AuthorTime, Entropy, EntropyError};

fn beginning(log: &TestLog, from: u64, to: u64) -> Beginning {
    Beginning { head: log.head(from), proof: prove_consistency(log, size(from), size(to)).unwrap() }
}

fn faces() -> [TestLog; 2] {
    [TestLog::new(300, 300), TestLog::new(300, 6)]
}

#[test]
fn two_roots_of_one_size_convict_in_whichever_order_they_are_found() {
    let [one, other] = faces();
    let evidence = Evidence::new(&one.checkpoint(9), &other.checkpoint(9), None).unwrap();
    let turned = Evidence::new(&other.checkpoint(9), &one.checkpoint(9), None).unwrap();
    assert_eq!(evidence, turned);
    assert_eq!(Evidence::parse(evidence.as_bytes()), Ok(evidence.clone()));
    assert_eq!(evidence.trees().unwrap().keys(), [author().verifier(); 2]);
    let same = Evidence::new(&one.checkpoint(5), &other.checkpoint(5), None);
    assert_eq!(same, Err(EvidenceError::NoContradiction), "the faces part after 6 entries");
}

/// Sizes of both kinds: of a power of two the proof does not hold the smaller root itself.
#[test]
fn two_sizes_convict_by_a_proof_that_joins_another_root() {
    let [one, other] = faces();
    for (smaller, larger) in [(7, 9), (8, 9), (9, 256), (256, 257), (255, 300)] {
        let (first, second) = (one.checkpoint(smaller), other.checkpoint(larger));
        let evidence = Evidence::new(&second, &first, Some(beginning(&other, smaller, larger))).unwrap();
        assert_eq!(evidence.trees().unwrap().heads(), [one.head(smaller), other.head(larger)]);
        assert_eq!(Evidence::parse(evidence.as_bytes()), Ok(evidence));
        let honest = Evidence::new(&first, &one.checkpoint(larger), Some(beginning(&one, smaller, larger)));
        assert_eq!(honest, Err(EvidenceError::NoContradiction), "{smaller} {larger}");
        let forged = Evidence::new(&first, &one.checkpoint(larger), Some(beginning(&other, smaller, larger)));
        assert!(matches!(forged, Err(EvidenceError::Proof { .. })), "{smaller} {larger}");
        assert!(Evidence::new(&first, &second, None).is_err(), "without a proof");
    }
}

#[test]
fn every_changed_byte_of_evidence_acquits() {
    let [one, other] = faces();
    let files = [
        Evidence::new(&one.checkpoint(9), &other.checkpoint(9), None).unwrap(),
        Evidence::new(&one.checkpoint(7), &other.checkpoint(9), Some(beginning(&other, 7, 9))).unwrap(),
    ];
    for evidence in files {
        let good = evidence.as_bytes();
        for place in 0..good.len() {
            for change in [1, 0x20] {
                let mut bad = good.to_vec();
                bad[place] ^= change;
                assert!(Evidence::parse(&bad).is_err(), "byte {place}");
            }
            assert!(Evidence::parse(&good[..place]).is_err(), "the first {place} bytes");
        }
        assert!(Evidence::parse(&[good, b"\n"].concat()).is_err());
        assert!(Evidence::parse(&vec![b'x'; EVIDENCE_BYTES_MAX + 1]).is_err());
    }
}

#[test]
fn lines_of_cosigners_are_no_part_of_the_accusation() {
    let [one, other] = faces();
    let (first, second) = (one.checkpoint(9), other.checkpoint(9));
    let line = crate::test_log::line('w', &first, 7);
    let cosigned = one.signed(9).with_line(line).unwrap().verify(author().verifier(), &[]).unwrap();
    assert_eq!(Evidence::new(&cosigned, &second, None), Evidence::new(&first, &second, None));
}

#[test]
fn the_entry_of_a_finder_names_the_file_and_fits_an_entry() {
    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
            bytes.fill(0);
            Ok(())
        }
    }
    let [one, other] = faces();
    let evidence =
        Evidence::new(&one.checkpoint(8), &other.checkpoint(9), Some(beginning(&other, 8, 9))).unwrap();
    let finder = "b.example/pub".parse().unwrap();
    let sealed = evidence.draft().seal(&finder, AuthorTime::from_unix_secs(1), &mut Zeros).unwrap();
    let entry = sealed.bytes().parse().unwrap();
    let stated = EvidenceEntry::from_entry(&entry).unwrap();
    assert_eq!(stated, EvidenceEntry::of(&evidence));
    assert_eq!(stated.digest, Hash::digest(evidence.as_bytes()));
}
