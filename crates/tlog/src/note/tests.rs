//! Which notes are read and which lines are believed; the vectors and a foreign reader are in `tests/claims`.

use super::*;
use crate::checkpoint::Checkpoint;
use crate::cosignature::COSIGNATURE_V1_BYTES;
use crate::hash::Hash;
use crate::position::TreeSize;

const TEXT: &str = "some text\n\nwith a blank line\n";

fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), kind, &[seed; 32]).unwrap()
}

fn log() -> SigningKey {
    key("agency.example/pub", KeyKind::Ed25519, 1)
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new("agency.example/pub", TreeSize::new(3).unwrap(), Hash::leaf(b"x")).unwrap()
}

fn cosigned(by: &SigningKey, seconds: u64) -> SignatureLine {
    by.cosign(&checkpoint(), CosignatureTime::new(seconds).unwrap()).unwrap()
}

fn note_with(lines: &[String]) -> Result<Note, NoteError> {
    Note::parse(format!("{TEXT}\n{}\n", lines.join("\n")).as_bytes())
}

#[test]
fn a_note_splits_at_its_last_blank_line() {
    let note = Note::sign(TEXT, &log()).unwrap();
    assert_eq!(note.text(), TEXT);
    assert_eq!(Note::parse(note.as_bytes()), Ok(note.clone()));
    // A text that itself ends in a blank line.
    let odd = Note::sign("x\n\n", &log()).unwrap();
    assert_eq!(Note::parse(odd.as_bytes()).unwrap().text(), "x\n\n");
    assert!(odd.verify(&[log().verifier().clone()]).is_ok());
    // A text that looks like a note is a text.
    let nested = std::str::from_utf8(note.as_bytes()).unwrap().to_owned();
    let outer = Note::sign(&nested, &log()).unwrap();
    assert_eq!(Note::parse(outer.as_bytes()).unwrap().text(), nested);
}

#[test]
fn notes_of_another_shape_are_refused() {
    let good = String::from_utf8(Note::sign(TEXT, &log()).unwrap().as_bytes().to_vec()).unwrap();
    let line = good.lines().last().unwrap().to_owned();
    let check = |raw: &str| assert!(Note::parse(raw.as_bytes()).is_err(), "{raw:?}");
    check("");
    check("\n");
    check("\n\n");
    check(&format!("{TEXT}\n"));
    check(good.trim_end());
    check(&format!("{good}\n"));
    check(&format!("\n{line}\n"));
    check(&good.replace('\u{2014}', "-"));
    check(&good.replace("\u{2014} ", "\u{2014}  "));
    check(&good.replace("\u{2014} ", "\u{2014}"));
    check(&good.replace("agency.example/pub ", ""));
    check(&good.replace("agency", "agen+cy"));
    check(&good.replace("agency", "agen\u{2003}cy"));
    check(&good.replace("some", "so\rme"));
    check(&good.replace("some", "so\tme"));
    check(&good.replace("some", "so\0me"));
    check(&format!("{TEXT}\n\u{2014} agency.example/pub AAAA\n"));
    check(&format!("{TEXT}\n\u{2014} agency.example/pub AAAAAA==\n"));
    assert!(Note::parse(format!("{TEXT}\n\u{2014} agency.example/pub AAAAAAA=\n").as_bytes()).is_ok());
    assert_eq!(Note::parse(b"\xff\n\n\n"), Err(NoteError::NotText));
    assert!(Note::sign("no line feed", &log()).is_err());
    assert!(Note::sign("a\tb\n", &log()).is_err());
    assert!(Note::sign("", &log()).is_err());
}

#[test]
fn notes_and_their_lines_are_bounded() {
    let line = Note::sign(TEXT, &log()).unwrap().lines()[0].to_string();
    assert!(note_with(&vec![line.clone(); NOTE_SIGNATURES_MAX]).is_ok());
    assert_eq!(note_with(&vec![line; NOTE_SIGNATURES_MAX + 1]), Err(NoteError::TooManyLines));
    let long = "x".repeat(NOTE_BYTES_MAX + 1);
    assert!(matches!(Note::parse(long.as_bytes()), Err(NoteError::TooLong { .. })));
    assert!(matches!(Note::sign(&format!("{long}\n"), &log()), Err(NoteError::TooLong { .. })));
    let mut full = Note::sign(TEXT, &log()).unwrap();
    for seed in 0..99u8 {
        let other = key(&format!("k{seed}"), KeyKind::Ed25519, seed);
        full = full.merge(&Note::sign(TEXT, &other).unwrap()).unwrap();
    }
    let other = Note::sign(TEXT, &key("one.more", KeyKind::Ed25519, 1)).unwrap();
    assert_eq!(full.merge(&other), Err(NoteError::TooManyLines));
}

#[test]
fn name_or_id_alone_does_not_make_a_line_known() {
    let note = Note::sign(TEXT, &log()).unwrap();
    let same_name = key("agency.example/pub", KeyKind::Ed25519, 2);
    let same_key = key("agency.example/other", KeyKind::Ed25519, 1);
    for other in [&same_name, &same_key] {
        assert_eq!(note.verify(&[other.verifier().clone()]), Err(NoteError::NoneVerified));
        let both = note.verify(&[other.verifier().clone(), log().verifier().clone()]).unwrap();
        assert_eq!(both.signatures().len(), 1);
    }
    assert_eq!(note.verify(&[]), Err(NoteError::NoneVerified));
}

#[test]
fn one_forged_line_of_a_known_key_rejects_the_note() {
    let other = key("other.example/pub", KeyKind::Ed25519, 2);
    let forged = SignatureLine::new(other.name().clone(), other.verifier().id(), &[0; 64]).unwrap();
    let note = Note::sign(TEXT, &log()).unwrap().with_line(forged.clone()).unwrap();
    let known = [log().verifier().clone(), other.verifier().clone()];
    assert!(matches!(note.verify(&known), Err(NoteError::BadSignature { .. })));
    // To whom the other key is unknown the line is nothing.
    let verified = note.verify(&known[..1]).unwrap();
    assert_eq!(verified.unverified(), [forged]);
    assert_eq!(verified.verified_lines_only().unwrap(), Note::sign(TEXT, &log()).unwrap());
}

#[test]
fn of_two_lines_of_one_key_the_first_is_judged() {
    let good = Note::sign(TEXT, &log()).unwrap().lines()[0].to_string();
    let bad = SignatureLine::new(log().name().clone(), log().verifier().id(), &[0; 64]).unwrap().to_string();
    let known = [log().verifier().clone()];
    let verified = note_with(&[good.clone(), bad.clone()]).unwrap().verify(&known).unwrap();
    assert_eq!((verified.signatures().len(), verified.unverified().len()), (1, 0));
    assert!(note_with(&[bad, good]).unwrap().verify(&known).is_err());
}

#[test]
fn two_known_keys_of_one_id_are_not_guessed_between() {
    let line = Note::sign(TEXT, &log()).unwrap().lines()[0].clone();
    let twin = log().verifier().clone();
    assert!(sole_key(&[twin.clone(), twin.clone()], &line).is_ok_and(|key| key == Some(&twin)));
    // An ID has four bytes, so trying some hundred thousand keys finds two that share one.
    let mut seen = std::collections::HashMap::new();
    let pair = (0u32..400_000).find_map(|number| {
        let mut public = [0; 32];
        public[..4].copy_from_slice(&number.to_be_bytes());
        let key = VerifierKey::new(KeyName::new("k").unwrap(), KeyKind::Ed25519, &public).unwrap();
        seen.insert(key.id(), key.clone()).map(|earlier| [earlier, key])
    });
    let pair = pair.unwrap();
    let line = SignatureLine::new(pair[0].name().clone(), pair[0].id(), &[0; 64]).unwrap();
    assert!(matches!(sole_key(&pair, &line), Err(NoteError::AmbiguousKey { .. })));
}

#[test]
fn cosignatures_tell_their_time_and_bind_it() {
    let witness = key("other.example/witness", KeyKind::CosignatureV1, 3);
    let note =
        Note::sign(&checkpoint().to_text(), &log()).unwrap().with_line(cosigned(&witness, 77)).unwrap();
    let known = [log().verifier().clone(), witness.verifier().clone()];
    let verified = note.verify(&known).unwrap();
    let times: Vec<_> = verified.signatures().iter().map(VerifiedSignature::time).collect();
    assert_eq!(times, [None, Some(CosignatureTime::new(77).unwrap())]);

    let redated = |seconds: u64| {
        let mut blob = cosigned(&witness, 77).signature().to_vec();
        blob[..8].copy_from_slice(&seconds.to_be_bytes());
        let line = SignatureLine::new(witness.name().clone(), witness.verifier().id(), &blob).unwrap();
        note.with_line(line).unwrap().verify(&known)
    };
    assert!(redated(77).is_ok());
    assert!(matches!(redated(78), Err(NoteError::BadSignature { .. })));
    assert!(matches!(redated(77 + (1 << 63)), Err(NoteError::BadCosignature { .. })));
    for length in [1, COSIGNATURE_V1_BYTES - 1, COSIGNATURE_V1_BYTES + 1] {
        let line =
            SignatureLine::new(witness.name().clone(), witness.verifier().id(), &vec![1; length]).unwrap();
        let refused = note.with_line(line).unwrap().verify(&known);
        assert!(matches!(refused, Err(NoteError::BadCosignature { .. })), "{length}");
    }
}

#[test]
fn a_post_quantum_line_is_measured_and_counts_for_nothing() {
    let name = KeyName::new("pq.example/witness").unwrap();
    let post_quantum = VerifierKey::new(name.clone(), KeyKind::MlDsa44, &[1; 1312]).unwrap();
    let known = [log().verifier().clone(), post_quantum.clone()];
    let verify = |blob: &[u8]| {
        let line = SignatureLine::new(name.clone(), post_quantum.id(), blob).unwrap();
        Note::sign(TEXT, &log()).unwrap().with_line(line).unwrap().verify(&known)
    };
    let verified = verify(&[1; 2428]).unwrap();
    assert_eq!((verified.signatures().len(), verified.unverified().len()), (1, 1));
    assert!(verify(&[1; 2427]).is_err() && verify(&[0xff; 2428]).is_err());
}

#[test]
fn a_renewed_line_takes_the_place_of_the_old_one() {
    let witness = key("other.example/witness", KeyKind::CosignatureV1, 3);
    let third = key("third.example/witness", KeyKind::CosignatureV1, 4);
    let note = Note::sign(&checkpoint().to_text(), &log()).unwrap();
    let note = note.with_line(cosigned(&witness, 1)).unwrap().with_line(cosigned(&third, 1)).unwrap();
    let renewed = note.with_line(cosigned(&witness, 61)).unwrap();
    assert_eq!(renewed.lines()[1], cosigned(&witness, 61));
    assert_eq!(renewed.lines().len(), 3);
    assert_eq!(Note::parse(renewed.as_bytes()), Ok(renewed.clone()));
    // A merge adds who is missing and changes no one's line.
    let bare =
        Note::sign(&checkpoint().to_text(), &log()).unwrap().with_line(cosigned(&witness, 61)).unwrap();
    assert_eq!(bare.merge(&note).unwrap().lines(), renewed.lines());
    assert_eq!(bare.merge(&Note::sign(TEXT, &log()).unwrap()), Err(NoteError::OtherText));
    // Lines that came twice are written once.
    let line = cosigned(&witness, 1).to_string();
    let twice = Note::parse(format!("{}\n{line}\n{line}\n", checkpoint().to_text()).as_bytes()).unwrap();
    assert_eq!(twice.with_line(cosigned(&witness, 2)).unwrap().lines(), [cosigned(&witness, 2)]);
    assert_eq!(twice.merge(&twice).unwrap().lines().len(), 1);
}

#[test]
fn a_line_travels_alone() {
    let line = Note::sign(TEXT, &log()).unwrap().lines()[0].clone();
    assert_eq!(line.to_string().parse(), Ok(line.clone()));
    assert!(format!("{line}\n").parse::<SignatureLine>().is_err());
    assert!("x".repeat(NOTE_BYTES_MAX + 1).parse::<SignatureLine>().is_err());
}
