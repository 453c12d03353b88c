//! The signed identity of each version: who signs it, and what it names.

use comity_tlog::KeyName;

use super::*;

fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), kind, &[seed; 32]).unwrap()
}

fn root() -> SigningKey {
    key("a.example/root", KeyKind::Ed25519, 1)
}

fn log(name: &str, seed: u8) -> SigningKey {
    key(name, KeyKind::Ed25519, seed)
}

fn identity() -> CardIdentity {
    CardIdentity {
        agency: "a.example".parse().unwrap(),
        root: root().verifier().clone(),
        log: log("a.example/pub", 2).verifier().clone(),
        witness: key("a.example/witness", KeyKind::CosignatureV1, 3).verifier().clone(),
        mirror: key("a.example/mirror", KeyKind::CosignatureV1, 4).verifier().clone(),
        statement: key("a.example/statement", KeyKind::Ed25519, 5).verifier().clone(),
        roster_admins: Vec::new(),
        ca: vec![7; 32],
    }
}

fn endpoints() -> [String; 1] {
    ["a.example:7443".to_owned()]
}

/// Goal: a rotation leaves the agency the same, and its card able to be made. Way: cards of both versions, and of a
/// successor's key.
#[test]
fn a_card_of_each_version_reads_back_and_names_the_present_log_key() {
    let first = log("a.example/pub", 2);
    let old = Card::issue(&identity().sign(&root(), &first).unwrap(), &endpoints(), &first).unwrap();
    assert_eq!(old.log_now(), first.verifier());
    for now in [log("a.example/pub", 9), log("a.example/pub/2", 9)] {
        let note = identity().sign_again(&root(), &now).unwrap();
        assert_eq!(read_identity(&note).unwrap(), (identity(), now.verifier().clone()));
        let new = Card::issue(&note, &endpoints(), &now).unwrap();
        assert_eq!(Card::parse(new.as_bytes()).unwrap(), new);
        assert_eq!((new.identity(), new.log_now()), (old.identity(), now.verifier()));
        assert!(matches!(Card::issue(&note, &endpoints(), &first), Err(CardError::Note { .. })));
    }
}

/// Goal: nobody but root and present log key together makes an identity. Way: each of the signers replaced, and lines
/// moved between the versions.
#[test]
fn an_identity_with_another_log_key_needs_both_signatures_and_its_own_version() {
    let (first, now) = (log("a.example/pub", 2), log("a.example/pub", 9));
    let text = identity().to_text(Some(now.verifier()));
    for (one, other) in [(&root(), &first), (&now, &first), (&root(), &root()), (&now, &now)] {
        let signed = Note::sign(&text, one).unwrap();
        let signed = if one.verifier() == other.verifier() {
            signed
        } else {
            signed.merge(&Note::sign(&text, other).unwrap()).unwrap()
        };
        let refused = read_identity(signed.as_bytes());
        assert!(matches!(refused, Err(CardError::Unsigned | CardError::Note { .. })), "{refused:?}");
    }
    let sign = |text: &str| read_identity(&sign_text(text, &root(), &now).unwrap());
    assert!(sign(&text).is_ok());
    let without = text.replace(&format!("log-now {}\n", now.verifier()), "");
    assert_eq!(sign(&without).unwrap_err(), CardError::Field { field: "log-now" });
    let as_first = text.replace(IDENTITY_V2, IDENTITY_V1);
    assert_eq!(sign(&as_first).unwrap_err(), CardError::Field { field: "witness" });
    for name in ["b.example/pub", "a.example/acct", "a.example/pub/1"] {
        let other = log(name, 9);
        let note = identity().sign_again(&root(), &other).unwrap();
        assert_eq!(read_identity(&note).unwrap_err(), CardError::Field { field: "log-now" }, "{name}");
    }
    let same = identity().sign_again(&root(), &first).unwrap();
    assert_eq!(read_identity(&same).unwrap_err(), CardError::SharedKey, "no other key has followed");
}
