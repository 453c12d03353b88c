//! Lines of strangers and of kinds to come: carried everywhere up to a bound, and believed nowhere.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use comity_tlog::{
    AddCheckpoint, Checkpoint, CheckpointError, ConsistencyProof, CosignatureTime, EntryIndex, Hash,
    InclusionProof, KeyKind, KeyName, NOTE_SIGNATURES_MAX, Note, NoteError, Policy, SignedCheckpoint,
    SigningKey, TlogProof, TlogProofError, TreeSize, VerifierKey,
};

/// Bytes of the blob behind the ID in a 0x06 line: a time and the signature.
const ML_DSA_BLOB_BYTES: usize = 2_428;

fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), kind, &[seed; 32]).unwrap()
}

fn log() -> SigningKey {
    key("agency.example/pub", KeyKind::Ed25519, 1)
}

/// A checkpoint of a log of one entry.
fn signed() -> SignedCheckpoint {
    let one = TreeSize::new(1).unwrap();
    Checkpoint::new("agency.example/pub", one, Hash::leaf(b"x")).unwrap().sign(&log()).unwrap()
}

/// The line of a key of which nobody knows more than name, ID and length.
fn stranger(name: &str, bytes: usize) -> String {
    let blob = STANDARD.encode(vec![7; bytes]);
    format!("\u{2014} {name} {blob}\n")
}

fn with_lines(lines: &[String]) -> Vec<u8> {
    [signed().as_bytes(), lines.concat().as_bytes()].concat()
}

fn proof_over(note: &[u8]) -> Result<TlogProof, TlogProofError> {
    let head = b"c2sp.org/tlog-proof@v1\nindex 0\n\n";
    TlogProof::parse(&[head.as_slice(), note].concat())
}

#[test]
fn strangers_fill_a_note_up_to_its_bound_and_are_believed_nowhere() {
    let strangers: Vec<String> =
        (1..NOTE_SIGNATURES_MAX).map(|number| stranger(&format!("s{number}.example"), 76)).collect();
    let note = with_lines(&strangers);
    let verified = SignedCheckpoint::parse(&note).unwrap().verify(log().verifier(), &[]).unwrap();
    assert_eq!(verified.as_bytes(), note, "carried byte for byte");
    assert_eq!(verified.note().unverified().len(), strangers.len());
    assert!(verified.cosignatures().is_empty());
    let proof = proof_over(&note).unwrap();
    let included = proof.verify(&Hash::leaf(b"x"), log().verifier(), &[]).unwrap();
    assert_eq!((included.witnesses(), proof.checkpoint().as_bytes()), (0, note.as_slice()));
    let request = AddCheckpoint::new(TreeSize::ZERO, ConsistencyProof::default(), proof.checkpoint().clone());
    assert_eq!(AddCheckpoint::parse(&request.unwrap().to_bytes()).unwrap().checkpoint().as_bytes(), note);
}

#[test]
fn a_note_of_ten_thousand_lines_is_refused_in_every_document() {
    for bytes in [5, 68, 76] {
        let note = with_lines(&vec![stranger("s.example", bytes); 10_000]);
        let refused = |error: CheckpointError| match error {
            CheckpointError::Note { source } => {
                let over = matches!(source, NoteError::TooManyLines | NoteError::TooLong { .. });
                assert!(over, "{source}");
            }
            other => panic!("{other}"),
        };
        refused(SignedCheckpoint::parse(&note).unwrap_err());
        match proof_over(&note).unwrap_err() {
            TlogProofError::Checkpoint { source } => refused(source),
            TlogProofError::TooLong { .. } => {}
            other => panic!("{other}"),
        }
        assert!(AddCheckpoint::parse(&[b"old 0\n\n".as_slice(), &note].concat()).is_err());
    }
}

#[test]
fn lines_of_kind_0x06_are_carried_in_every_document_and_make_no_quorum() {
    let witness = key("b.example/witness", KeyKind::CosignatureV1, 2);
    let name = KeyName::new("c.example/witness").unwrap();
    let post_quantum = VerifierKey::new(name.clone(), KeyKind::MlDsa44, &[3; 1312]).unwrap();
    let cosigned = signed();
    let time = CosignatureTime::new(1_800_000_000).unwrap();
    let cosigned = cosigned.with_line(witness.cosign(cosigned.checkpoint(), time).unwrap()).unwrap();
    let blob = [post_quantum.id().as_bytes().as_slice(), &[7; ML_DSA_BLOB_BYTES]].concat();
    let line = format!("\u{2014} {name} {}\n", STANDARD.encode(blob));
    let note = [cosigned.as_bytes(), line.as_bytes()].concat();
    let text = format!(
        "log {}\nwitness B {}\nwitness C {post_quantum}\ngroup both all B C\ngroup one any both\nquorum one\n",
        log().verifier(),
        witness.verifier(),
    );
    let both = Policy::parse(&text).unwrap();
    let known: Vec<VerifierKey> = both.witnesses().cloned().collect();
    let verified = SignedCheckpoint::parse(&note).unwrap().verify(log().verifier(), &known).unwrap();
    assert_eq!(verified.as_bytes(), note);
    assert_eq!((verified.cosignatures().len(), verified.note().unverified().len()), (1, 1));
    assert!(!both.is_met_on(&verified), "a line that nobody verified made a quorum");
    let either = Policy::parse(text.replace("both all", "both any")).unwrap();
    assert!(either.is_met_on(&verified));
    let included = proof_over(&note).unwrap().verify(&Hash::leaf(b"x"), log().verifier(), &known).unwrap();
    assert!(either.is_met_on(included.checkpoint()) && !both.is_met_on(included.checkpoint()));
    let reread = Note::parse(&note).unwrap();
    assert_eq!(reread.as_bytes(), note);
    let beyond =
        TlogProof::new(EntryIndex::ZERO, InclusionProof::default(), SignedCheckpoint::parse(&note).unwrap());
    assert_eq!(beyond.to_bytes(), [b"c2sp.org/tlog-proof@v1\nindex 0\n\n".as_slice(), &note].concat());
}
