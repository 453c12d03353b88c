//! Entries, commitments and openings: what is signed for ever, pinned byte by byte.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(clippy::format_collect, clippy::format_push_string, reason = "a few hundred bytes of hex")]

use std::collections::BTreeSet;

use comity_ledger::{
    AuthorTime, Draft, ENTRY_BYTES_MAX, Entropy, EntropyError, Entry, EntryBytes, EntryError, Genesis, Kind,
    Opening, OpeningError, Origin, Salt, SealedEntry, Slot,
};
use comity_tlog::{EntryIndex, KeyKind, KeyName, SigningKey};

/// Counts upwards, so that the pinned bytes can be computed by hand.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        for byte in buffer {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

fn origin() -> Origin {
    "agency-a.example/pub".parse().unwrap()
}

fn record(about: Option<u64>) -> SealedEntry {
    Draft::new(Kind::Record, about.map(|index| EntryIndex::new(index).unwrap()))
        .with_section(Slot::HANDLING, b"handling".to_vec())
        .with_section(Slot::CORE, b"core".to_vec())
        .seal(&origin(), AuthorTime::from_unix_secs(1_700_000_000), &mut Counting(0))
        .unwrap()
}

fn genesis() -> SealedEntry {
    let key = |name: &str, seed| {
        SigningKey::from_seed(KeyName::new(name).unwrap(), KeyKind::Ed25519, &[seed; 32]).unwrap()
    };
    let root = key("agency-a.example/root", 1);
    let log = key("agency-a.example/pub", 2);
    Genesis::new("agency-a.example".parse().unwrap(), root.verifier(), log.verifier())
        .unwrap()
        .draft()
        .seal(&origin(), AuthorTime::from_unix_secs(1_700_000_000), &mut Counting(9))
        .unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn pinned_bytes_do_not_drift() {
    let expected = include_str!("vectors/entries.txt");
    let mut found = String::new();
    for (name, sealed) in [("genesis", genesis()), ("list", record(None)), ("amend", record(Some(41)))] {
        found += &format!("{name} entry {}\n", hex(sealed.bytes().as_bytes()));
        found += &format!("{name} leaf {}\n", hex(sealed.leaf().as_bytes()));
        for (slot, opening) in sealed.openings() {
            found += &format!("{name} opening {} {}\n", slot.number(), hex(&opening.to_padded()[..64]));
        }
    }
    assert_eq!(found, expected, "the bytes of an entry are signed for ever");
}

#[test]
fn a_commitment_is_the_documented_hmac() {
    // HMAC-SHA256 by its definition (RFC 2104) over SHA-256, so that the vector does not rest on our own code.
    let sealed = record(Some(41));
    let entry = sealed.bytes().parse().unwrap();
    let (slot, opening) = &sealed.openings()[2];
    let mut message = b"comity/commitment/v1".to_vec();
    message.extend_from_slice(&[1, 2, 0, 20]);
    message.extend_from_slice(b"agency-a.example/pub");
    message.extend_from_slice(entry.id().as_bytes());
    message.extend_from_slice(&42u64.to_be_bytes());
    message.push(slot.number());
    message.extend_from_slice(opening.salt().as_bytes());
    message.extend_from_slice(&[0, 0, 0, 4]);
    message.extend_from_slice(b"core");
    let sha256 = |bytes: &[u8]| *comity_tlog::Hash::digest(bytes).as_bytes();
    let key = sha256(b"comity/commitment-key/v1");
    let pad = |with: u8| (0..64).map(|i| key.get(i).unwrap_or(&0) ^ with).collect::<Vec<u8>>();
    let inner = sha256(&[pad(0x36), message].concat());
    let outer = sha256(&[pad(0x5c), inner.to_vec()].concat());
    assert_eq!(entry.commitment(*slot).unwrap().as_bytes(), &outer);
}

#[test]
fn every_opening_opens_its_own_commitment_and_no_other() {
    let sealed = record(None);
    let entry = sealed.bytes().parse().unwrap();
    for (slot, opening) in sealed.openings() {
        opening.clone().verify(&origin(), &entry, *slot).unwrap();
        for (other, _) in sealed.openings().iter().filter(|(other, _)| other != slot) {
            assert_eq!(
                opening.clone().verify(&origin(), &entry, *other),
                Err(OpeningError::Mismatch { slot: *other })
            );
        }
        let elsewhere: Origin = "agency-b.example/pub".parse().unwrap();
        assert!(opening.clone().verify(&elsewhere, &entry, *slot).is_err(), "moved to another log");
    }
    // A thief of commitments puts them into an entry of his own, under another id, another target, another kind.
    let (slot, opening) = &sealed.openings()[0];
    let good = sealed.bytes().as_bytes();
    for (field, byte) in [("id", 2), ("about", 33)] {
        let mut stolen = good.to_vec();
        stolen[byte] ^= 1;
        let entry = Entry::parse(&stolen).unwrap();
        assert_eq!(entry.commitments(), sealed.bytes().parse().unwrap().commitments());
        assert!(opening.clone().verify(&origin(), &entry, *slot).is_err(), "moved to another {field}");
    }
}

/// Goal: whoever is shown one section learns nothing by which another could be guessed. Way: two sections that say the
/// same, in many entries; a generator that never gives the same bytes twice.
#[test]
fn no_two_sections_share_a_salt() {
    struct Numbered(u64);
    impl Entropy for Numbered {
        fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
            self.0 += 1;
            buffer.iter_mut().zip(self.0.to_be_bytes()).for_each(|(byte, drawn)| *byte = drawn);
            Ok(())
        }
    }
    let (mut entropy, mut salts) = (Numbered(0), BTreeSet::new());
    for number in 0..50 {
        let draft = Draft::new(Kind::Record, None)
            .with_section(Slot::REASONS_PUBLIC, b"the same".to_vec())
            .with_section(Slot::REASONS_CLOSED, b"the same".to_vec());
        let sealed = draft.seal(&origin(), AuthorTime::from_unix_secs(0), &mut entropy).unwrap();
        for (slot, opening) in sealed.openings() {
            let is_new = salts.insert(*opening.salt().as_bytes());
            assert!(is_new, "the salt of {slot} in entry {number} hides another section too");
        }
    }
}

#[test]
fn absent_and_withheld_look_alike() {
    let sealed = record(None);
    let entry = sealed.bytes().parse().unwrap();
    let slots: Vec<u8> = entry.commitments().iter().map(|(slot, _)| slot.number()).collect();
    assert_eq!(slots, [0, 1, 2, 3, 4, 5, 6, 7], "a record commits to all of its slots, whatever it says");
    let empty = &sealed.openings()[5].1;
    assert!(empty.section().is_empty());
    let guess = Opening::new(Salt::from_bytes([0; 32]), Vec::new()).unwrap();
    assert!(guess.verify(&origin(), &entry, Slot::REASONS_CLOSED).is_err(), "emptiness cannot be guessed");
}

#[test]
fn every_single_bit_flip_of_an_entry_is_refused_or_changes_its_leaf() {
    for sealed in [genesis(), record(Some(41))] {
        let good = sealed.bytes().as_bytes();
        let (mut refused, mut changed) = (0, 0);
        for bit in 0..good.len() * 8 {
            let mut bad = good.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            match EntryBytes::new(bad) {
                Err(_) => refused += 1,
                Ok(entry) => {
                    assert_ne!(entry.leaf_hash(), sealed.leaf(), "bit {bit}");
                    changed += 1;
                }
            }
        }
        println!("{} bits: {refused} refused, {changed} give another leaf", good.len() * 8);
        assert!(refused > 0 && changed > 0);
    }
}

#[test]
fn entries_cut_short_or_followed_by_bytes_are_refused() {
    for sealed in [genesis(), record(None)] {
        let good = sealed.bytes().as_bytes();
        for len in 0..good.len() {
            assert!(Entry::parse(&good[..len]).is_err(), "cut to {len}");
        }
        let mut long = good.to_vec();
        long.push(0);
        assert_eq!(Entry::parse(&long), Err(EntryError::Trailing { bytes: 1 }));
        assert_eq!(
            Entry::parse(&[0; ENTRY_BYTES_MAX + 1]),
            Err(EntryError::TooLong { len: ENTRY_BYTES_MAX + 1 })
        );
    }
}

#[test]
fn shapes_that_no_author_may_write_are_refused() {
    let seal = |draft: Draft| draft.seal(&origin(), AuthorTime::from_unix_secs(0), &mut Counting(0));
    let tags = Draft::new(Kind::Record, None).with_section(Slot::TAGS, vec![1]);
    assert!(matches!(seal(tags), Err(EntryError::NoSuchSection { .. })));
    let body = Draft::new(Kind::Record, None).with_public_body(vec![1]);
    assert!(matches!(seal(body), Err(EntryError::PublicBody { .. })));
    assert!(matches!(seal(Draft::new(Kind::Genesis, None)), Err(EntryError::PublicBody { .. })));
    let long = Draft::new(Kind::Record, None).with_section(Slot::CORE, vec![0; 65_501]);
    assert!(matches!(seal(long), Err(EntryError::SectionTooLong { .. })));
    let wide = Draft::new(Kind::Key, None).with_public_body(vec![0; 404]);
    assert!(matches!(seal(wide), Err(EntryError::TooLong { .. })));
}

#[test]
fn kinds_of_later_versions_are_kept() {
    // version, kind 77, id, time, about, one commitment to slot 200, no body
    let mut bytes = vec![1, 77];
    bytes.extend_from_slice(&[5; 16]);
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&[1, 200]);
    bytes.extend_from_slice(&[6; 32]);
    bytes.extend_from_slice(&[0, 0]);
    let entry = Entry::parse(&bytes).unwrap();
    assert_eq!(entry.kind(), Kind::Unknown(77));
    assert!(entry.commitment(Slot::new(200)).is_some());
}

#[test]
fn genesis_names_agency_and_keys() {
    let sealed = genesis();
    let read = Genesis::from_entry(&sealed.bytes().parse().unwrap()).unwrap();
    assert_eq!(read.agency().as_str(), "agency-a.example");
    assert!(Genesis::from_entry(&record(None).bytes().parse().unwrap()).is_err());
}
