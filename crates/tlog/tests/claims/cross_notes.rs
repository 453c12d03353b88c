//! A note implementation no one here wrote must agree about notes, sound and damaged.

use comity_tlog::{KeyKind, KeyName, Note, SigningKey};
use proptest::prelude::*;
use signed_note::{Signer as _, StandardSigner, StandardVerifier, VerifierList};

const TEXT: &str = "agency.example/pub\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), KeyKind::Ed25519, &[seed; 32]).unwrap()
}

/// What the other side makes of a note: how many lines verified and how many did not.
fn their_verdict(bytes: &[u8], known: &[&SigningKey]) -> Option<(usize, usize)> {
    let boxed = |key: &&SigningKey| -> Box<dyn signed_note::Verifier> {
        Box::new(StandardVerifier::new(&key.verifier().to_string()).unwrap())
    };
    let list = VerifierList::new(known.iter().map(boxed).collect());
    let (verified, unverified) = signed_note::Note::from_bytes(bytes).ok()?.verify(&list).ok()?;
    Some((verified.len(), unverified.len()))
}

fn our_verdict(bytes: &[u8], known: &[&SigningKey]) -> Option<(usize, usize)> {
    let known: Vec<_> = known.iter().map(|key| key.verifier().clone()).collect();
    let note = Note::parse(bytes).ok()?.verify(&known).ok()?;
    Some((note.signatures().len(), note.unverified().len()))
}

#[test]
fn signed_note_opens_our_notes_and_we_open_its() {
    let key = key("agency.example/pub", 5);
    let our_note = Note::sign(TEXT, &key).unwrap();
    assert_eq!(their_verdict(our_note.as_bytes(), &[&key]), Some((1, 0)));

    let signer = StandardSigner::new(&key.to_private_text()).unwrap();
    assert_eq!(signer.name(), "agency.example/pub");
    let mut their_note = signed_note::Note::new(TEXT.as_bytes(), &[]).unwrap();
    their_note.add_sigs(&[&signer]).unwrap();
    assert_eq!(our_verdict(&their_note.to_bytes(), &[&key]), Some((1, 0)));
    // Ed25519 is deterministic, so both sides write the same bytes.
    assert_eq!(their_note.to_bytes(), our_note.as_bytes());
}

/// A note with a line of a known key, one of another known key, and one of a stranger.
fn three_lines() -> (Note, [SigningKey; 2]) {
    let known = [key("agency.example/pub", 5), key("agency.example/root", 6)];
    let stranger = key("stranger.example/log", 7);
    let line = |key: &SigningKey| Note::sign(TEXT, key).unwrap().lines()[0].clone();
    let note = Note::sign(TEXT, &known[0]).unwrap();
    let note = note.with_line(line(&known[1])).unwrap().with_line(line(&stranger)).unwrap();
    (note, known)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_notes_get_the_same_verdict_on_both_sides(
        at in any::<prop::sample::Index>(), edit in 0u8..5, byte in any::<u8>(), line in 0usize..3,
    ) {
        let (note, known) = three_lines();
        let mut bytes = note.as_bytes().to_vec();
        let at = at.index(bytes.len());
        match edit {
            0 => bytes[at] ^= 1 << (byte % 8),
            1 => bytes.insert(at, byte),
            2 => { bytes.remove(at); }
            3 => bytes.truncate(at),
            _ => bytes.extend(format!("{}\n", note.lines()[line]).into_bytes()),
        }
        let known = [&known[0], &known[1]];
        prop_assert_eq!(our_verdict(&bytes, &known), their_verdict(&bytes, &known));
    }
}
