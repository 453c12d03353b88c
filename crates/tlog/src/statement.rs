//! Signatures over statements that are no notes: a domain, a zero byte, and what is stated.
//!
//! No text of a note holds a zero byte (c2sp.org/signed-note), and no message of a cosignature begins with a domain
//! of ours: so no key that signs statements can be made to sign a checkpoint by them, or the other way round. Not here:
//! what is stated, and by whom (`ledger`).

use ring::signature::{ED25519, UnparsedPublicKey};

use crate::key::{KeyKind, VerifierKey};
use crate::signing::SigningKey;

/// What is signed as a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement(Vec<u8>);

impl Statement {
    /// Bytes of a signature of a statement (RFC 8032 §5.1.6).
    pub const SIGNATURE_BYTES: usize = 64;

    /// A statement of a domain, such as `comity/key/v1`. What is stated must say for itself what it is about.
    pub fn new(domain: &'static str, stated: &[u8]) -> Self {
        Self([domain.as_bytes(), &[0], stated].concat())
    }

    /// The signature of a key, of whichever of the two kinds that sign with Ed25519.
    pub fn sign(&self, key: &SigningKey) -> [u8; Self::SIGNATURE_BYTES] {
        key.sign_bytes(&self.0)
    }

    /// Whether a key made this signature of the statement.
    pub fn is_signed_by(&self, key: &VerifierKey, signature: &[u8]) -> bool {
        match key.kind() {
            KeyKind::Ed25519 | KeyKind::CosignatureV1 => {
                UnparsedPublicKey::new(&ED25519, key.public_key()).verify(&self.0, signature).is_ok()
            }
            KeyKind::MlDsa44 => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyName;
    use crate::note::Note;

    fn key(kind: KeyKind, seed: u8) -> SigningKey {
        SigningKey::from_seed(KeyName::new("agency.example/pub").unwrap(), kind, &[seed; 32]).unwrap()
    }

    #[test]
    fn a_statement_is_signed_by_its_signer_in_its_domain_alone() {
        let stated = Statement::new("comity/test/v1", b"one");
        for kind in [KeyKind::Ed25519, KeyKind::CosignatureV1] {
            let signature = stated.sign(&key(kind, 1));
            assert!(stated.is_signed_by(key(kind, 1).verifier(), &signature));
            assert!(!stated.is_signed_by(key(kind, 2).verifier(), &signature));
            assert!(!stated.is_signed_by(key(kind, 1).verifier(), &signature[..63]));
            for other in [Statement::new("comity/test/v2", b"one"), Statement::new("comity/test/v1", b"two")]
            {
                assert!(!other.is_signed_by(key(kind, 1).verifier(), &signature));
            }
        }
        let post_quantum =
            VerifierKey::new(KeyName::new("a").unwrap(), KeyKind::MlDsa44, &[0; 1312]).unwrap();
        assert!(!stated.is_signed_by(&post_quantum, &[0; 64]));
    }

    #[test]
    fn no_text_of_a_note_is_a_statement() {
        let stated = Statement::new("comity/test/v1", b"agency.example/pub\n");
        let text = String::from_utf8(stated.0).unwrap();
        assert!(Note::sign(&text, &key(KeyKind::Ed25519, 1)).is_err(), "a zero byte is no text");
    }
}
