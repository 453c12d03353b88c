//! One damaged bit in a cosigned checkpoint: refused, or in bytes that no one's signature covers.

use comity_tlog::{
    Checkpoint, CosignatureTime, Hash, KeyKind, KeyName, SignedCheckpoint, SigningKey, TreeSize,
    VerifiedCheckpoint,
};

fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), kind, &[seed; 32]).unwrap()
}

#[test]
fn no_bit_flip_changes_what_is_believed() {
    let log = key("agency.example/pub", KeyKind::Ed25519, 1);
    let witness = key("other.example/witness", KeyKind::CosignatureV1, 2);
    let stranger = key("stranger.example/witness", KeyKind::CosignatureV1, 3);
    let said = Checkpoint::new("agency.example/pub", TreeSize::new(1234).unwrap(), Hash::leaf(b"x")).unwrap();
    let time = CosignatureTime::new(1_800_000_000).unwrap();
    let signed = said.clone().sign(&log).unwrap();
    let signed = signed.with_line(witness.cosign(&said, time).unwrap()).unwrap();
    let signed = signed.with_line(stranger.cosign(&said, time).unwrap()).unwrap();
    let verify = |bytes: &[u8]| -> Option<VerifiedCheckpoint> {
        SignedCheckpoint::parse(bytes).ok()?.verify(log.verifier(), &[witness.verifier().clone()]).ok()
    };
    let whole = signed.as_bytes().to_vec();
    assert_eq!(verify(&whole).unwrap().cosignatures().len(), 1);

    let start_of = |name: &str| {
        let line = format!("\u{2014} {name} ");
        whole.windows(line.len()).position(|window| window == line.as_bytes()).unwrap()
    };
    let (witness_line, stranger_line) =
        (start_of("other.example/witness"), start_of("stranger.example/witness"));
    // The line begins with dash and space, then name, space, and the ID in the first six base64 digits.
    let witness_signature = witness_line + "\u{2014} other.example/witness ".len() + 6;

    let (mut refused, mut line_lost, mut stranger_changed) = (0, 0, 0);
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            let Some(verified) = verify(&damaged) else {
                refused += 1;
                continue;
            };
            // Whatever is believed is what the log said.
            assert_eq!(verified.checkpoint(), &said, "byte {at}, bit {bit}");
            if verified.cosignatures().is_empty() {
                // The line of the witness became that of an unknown key: it can be lost, not forged.
                assert!((witness_line..witness_signature).contains(&at), "byte {at}, bit {bit}");
                line_lost += 1;
            } else {
                assert!(at >= stranger_line, "byte {at}, bit {bit}");
                assert_eq!(verified.cosignatures()[0].time(), time);
                stranger_changed += 1;
            }
        }
    }
    eprintln!(
        "bit flips: {refused} refused, {line_lost} lost a line, {stranger_changed} in a stranger's line"
    );
    assert_eq!(refused + line_lost + stranger_changed, 8 * whole.len());
    assert!(
        refused > 8 * witness_line,
        "every flip before the cosigners' lines is refused, and some in them"
    );
    assert!(line_lost > 0 && stranger_changed > 0);
}
