//! Secret keys of logs and cosigners.
//!
//! Seeds are drawn and kept elsewhere (`node`, `store`); one key serves one role, which `ledger` sees to: a
//! `cosignature/v1` does not name its cosigner, so a key shared by two roles would speak for both.

use std::fmt;
use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

use crate::checkpoint::Checkpoint;
use crate::cosignature::{CosignatureTime, cosignature_message};
use crate::key::{KeyError, KeyKind, KeyName, VerifierKey};
use crate::note::SignatureLine;

/// What Go's tools put before a secret key.
const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";
/// The prefix, the longest name, the ID, the base64 of type and seed, two `+`.
const PRIVATE_TEXT_BYTES_MAX: usize = PRIVATE_PREFIX.len() + KeyName::BYTES_MAX + 1 + 8 + 1 + 44;

/// An Ed25519 key that signs notes (0x01) or cosigns checkpoints (0x04), never both.
///
/// The seed is wiped when the key is dropped; the expanded key that ring holds is not, as ring offers no way.
pub struct SigningKey {
    verifier: VerifierKey,
    seed: Zeroizing<[u8; SigningKey::SEED_BYTES]>,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// Length of an Ed25519 seed (RFC 8032 §5.1.5).
    pub const SEED_BYTES: usize = 32;

    /// Takes a seed from the system's generator or from where a key is kept.
    ///
    /// # Errors
    /// If the kind is not one of the two that sign with Ed25519.
    pub fn from_seed(name: KeyName, kind: KeyKind, seed: &[u8; Self::SEED_BYTES]) -> Result<Self, KeyError> {
        if kind == KeyKind::MlDsa44 {
            return Err(KeyError::WrongKind { kind });
        }
        // The only refusal of ring is a seed of another length.
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Length)?;
        let verifier = VerifierKey::new(name, kind, pair.public_key().as_ref())?;
        Ok(Self { verifier, seed: Zeroizing::new(*seed), pair })
    }

    /// The public half.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The name that its lines carry.
    pub const fn name(&self) -> &KeyName {
        self.verifier.name()
    }

    /// What it signs.
    pub const fn kind(&self) -> KeyKind {
        self.verifier.kind()
    }

    /// The key as Go's tools write it, `PRIVATE+KEY+name+hex8(id)+base64(type ‖ seed)`. A secret.
    pub fn to_private_text(&self) -> Zeroizing<String> {
        let mut typed = Zeroizing::new([self.kind().byte(); 1 + Self::SEED_BYTES]);
        for (into, from) in typed.iter_mut().skip(1).zip(self.seed.iter()) {
            *into = *from;
        }
        let encoded = Zeroizing::new(STANDARD.encode(typed.as_slice()));
        let (name, id) = (self.name(), self.verifier.id());
        Zeroizing::new(format!("{PRIVATE_PREFIX}{name}+{id}+{}", encoded.as_str()))
    }

    /// Signs the text of a note, which `Note::sign` has found fit to be one.
    pub(crate) fn sign_text(&self, text: &str) -> Result<SignatureLine, KeyError> {
        match self.kind() {
            KeyKind::Ed25519 => self.line(self.pair.sign(text.as_bytes()).as_ref()),
            kind => Err(KeyError::WrongKind { kind }),
        }
    }

    /// States that the checkpoint's tree is the largest consistent one seen for its origin at `time`
    /// (c2sp.org/tlog-cosignature). To be called only after that has been checked and made durable.
    ///
    /// # Errors
    /// If this key is not of kind 0x04.
    pub fn cosign(&self, checkpoint: &Checkpoint, time: CosignatureTime) -> Result<SignatureLine, KeyError> {
        if self.kind() != KeyKind::CosignatureV1 {
            return Err(KeyError::WrongKind { kind: self.kind() });
        }
        let signature = self.pair.sign(&cosignature_message(time, &checkpoint.to_text()));
        self.line(&[&time.value().to_be_bytes(), signature.as_ref()].concat())
    }

    /// Signs bytes that are no text of a note, as `statement` sees to.
    pub(crate) fn sign_bytes(&self, bytes: &[u8]) -> [u8; 64] {
        // RFC 8032 §5.1.6: an Ed25519 signature has 64 bytes; another would verify nowhere.
        self.pair.sign(bytes).as_ref().first_chunk().copied().unwrap_or([0; 64])
    }

    fn line(&self, signature: &[u8]) -> Result<SignatureLine, KeyError> {
        SignatureLine::new(self.name().clone(), self.verifier.id(), signature).ok_or(KeyError::Length)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("verifier", &self.verifier.to_string()).finish_non_exhaustive()
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    /// Reads what [`SigningKey::to_private_text`] writes.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() > PRIVATE_TEXT_BYTES_MAX {
            return Err(KeyError::Malformed);
        }
        let mut fields = text.strip_prefix(PRIVATE_PREFIX).ok_or(KeyError::Malformed)?.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(KeyError::Malformed);
        };
        let typed = Zeroizing::new(STANDARD.decode(key).map_err(|_| KeyError::Malformed)?);
        let (kind, seed) = typed.split_first().ok_or(KeyError::Length)?;
        let seed = <&[u8; Self::SEED_BYTES]>::try_from(seed).map_err(|_| KeyError::Length)?;
        let parsed = Self::from_seed(name.parse()?, KeyKind::from_byte(*kind)?, seed)?;
        let (found, expected) = (id.parse()?, parsed.verifier.id());
        if found == expected { Ok(parsed) } else { Err(KeyError::IdMismatch { found, expected }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash;
    use crate::note::{Note, NoteError};
    use crate::position::TreeSize;

    fn key(kind: KeyKind) -> SigningKey {
        SigningKey::from_seed(KeyName::new("agency.example/pub").unwrap(), kind, &[9; 32]).unwrap()
    }

    #[test]
    fn a_private_text_round_trips() {
        for kind in [KeyKind::Ed25519, KeyKind::CosignatureV1] {
            let text = key(kind).to_private_text();
            let again: SigningKey = text.parse().unwrap();
            assert_eq!(again.verifier(), key(kind).verifier());
            assert_eq!(again.to_private_text(), text);
        }
    }

    #[test]
    fn private_texts_that_are_not_themselves_are_refused() {
        let text = key(KeyKind::Ed25519).to_private_text();
        let (id, encoded) =
            (key(KeyKind::Ed25519).verifier().id().to_string(), text.rsplit('+').next().unwrap());
        let bad = [
            String::new(),
            text.replace("PRIVATE", "PUBLIC"),
            text.replace(&id, "00000000"),
            text.replace("agency", "agencz"),
            text[..text.len() - 4].to_owned(),
            text.replace(encoded, ""),
            format!("{}{}", text.as_str(), "A".repeat(1000)),
        ];
        for text in bad {
            assert!(text.parse::<SigningKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_seed_is_not_shown() {
        let shown = format!("{:?}", key(KeyKind::Ed25519));
        let secret = key(KeyKind::Ed25519).to_private_text();
        assert!(!shown.contains(secret.rsplit('+').next().unwrap()) && !shown.contains("9, 9"), "{shown}");
    }

    #[test]
    fn a_key_signs_in_its_own_role_only() {
        let checkpoint = Checkpoint::new("agency.example/pub", TreeSize::ZERO, Hash::EMPTY_ROOT).unwrap();
        let time = CosignatureTime::new(1).unwrap();
        let wrong = |kind| KeyError::WrongKind { kind };
        assert_eq!(key(KeyKind::Ed25519).cosign(&checkpoint, time), Err(wrong(KeyKind::Ed25519)));
        let refused = Note::sign(&checkpoint.to_text(), &key(KeyKind::CosignatureV1));
        assert_eq!(refused, Err(NoteError::Key { source: wrong(KeyKind::CosignatureV1) }));
        let name = KeyName::new("agency.example/pub").unwrap();
        assert_eq!(
            SigningKey::from_seed(name, KeyKind::MlDsa44, &[9; 32]).unwrap_err(),
            wrong(KeyKind::MlDsa44)
        );
    }
}
