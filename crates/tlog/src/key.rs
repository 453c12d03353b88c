//! Names and public keys that signature lines are checked against (c2sp.org/signed-note, "Verifier keys").
//!
//! Secret keys are in `signing`; checking the lines of a note is in `note`.

use std::fmt;
use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{Context, SHA256};
use thiserror::Error;

/// Length of an Ed25519 public key.
const ED25519_KEY_BYTES: usize = 32;
/// Length of an ML-DSA-44 public key (FIPS 204, table 2).
const ML_DSA_44_KEY_BYTES: usize = 1312;
/// The longest name, the ID, the base64 of the longest key with its type, two `+`.
const VERIFIER_TEXT_BYTES_MAX: usize = KeyName::BYTES_MAX + 1 + 8 + 1 + 1752;

/// Why something is no key, or cannot do what is asked of it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// Empty, too long, or with spaces, control characters or `+`.
    #[error(
        "key name is empty, over {} bytes, or has a space, control character or plus sign",
        KeyName::BYTES_MAX
    )]
    Name,
    /// Not three fields joined by `+`, bad hex, or bad base64.
    #[error("key text is malformed")]
    Malformed,
    /// The ID in the text is not that of the key.
    #[error("key id {found} does not belong to the key, whose id is {expected}")]
    IdMismatch {
        /// The ID in the text.
        found: KeyId,
        /// The ID of this name and key.
        expected: KeyId,
    },
    /// A key type that is not known here.
    #[error("key type {kind:#04x} is not known")]
    UnknownKind {
        /// The type byte.
        kind: u8,
    },
    /// A key of the wrong length for its type.
    #[error("key is not as long as its type demands")]
    Length,
    /// A key that cannot make the signature asked for.
    #[error("a key of kind {kind:?} cannot do this")]
    WrongKind {
        /// The kind of the key.
        kind: KeyKind,
    },
}

/// The name of a key: 1 to 255 bytes without Unicode spaces, control characters and `+`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The longest name that a `subtree/v1` cosignature can carry (c2sp.org/tlog-cosignature).
    pub const BYTES_MAX: usize = 255;

    /// Takes a name.
    ///
    /// # Errors
    /// If it is empty, too long, or has a character that a signature line could not carry.
    pub fn new(name: &str) -> Result<Self, KeyError> {
        // c2sp.org/signed-note: non-empty, no Unicode spaces, no plus; control characters no note can hold.
        let refused = |c: char| c == '+' || c.is_whitespace() || c < ' ';
        if name.is_empty() || name.len() > Self::BYTES_MAX || name.contains(refused) {
            return Err(KeyError::Name);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        Self::new(name)
    }
}

/// The first four bytes of a hash over name and key: a hint which key to try, never a proof of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// Takes the four bytes that lead a signature.
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    /// SHA-256(name ‖ LF ‖ type ‖ key)\[:4\] (c2sp.org/signed-note, "Signatures").
    fn compute(name: &KeyName, kind: KeyKind, key: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(name.as_str().as_bytes());
        context.update(&[b'\n', kind.byte()]);
        context.update(key);
        Self(context.finish().as_ref().first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    /// Eight lower-case hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !plain {
            return Err(KeyError::Malformed);
        }
        u32::from_str_radix(text, 16).map(|id| Self(id.to_be_bytes())).map_err(|_| KeyError::Malformed)
    }
}

/// What a key signs, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// 0x01: Ed25519 over the text of a note.
    Ed25519,
    /// 0x04: Ed25519 over a time and the text, `cosignature/v1`.
    CosignatureV1,
    /// 0x06: ML-DSA-44 over a time and the tree, `subtree/v1`. Such keys are held and their lines are
    /// carried; this crate does not verify them.
    MlDsa44,
}

impl KeyKind {
    /// The type byte of the kind (c2sp.org/signed-note, "Signature types").
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
            Self::MlDsa44 => 0x06,
        }
    }

    /// The kind with a type byte.
    ///
    /// # Errors
    /// If the byte stands for no kind known here.
    pub const fn from_byte(kind: u8) -> Result<Self, KeyError> {
        match kind {
            0x01 => Ok(Self::Ed25519),
            0x04 => Ok(Self::CosignatureV1),
            0x06 => Ok(Self::MlDsa44),
            _ => Err(KeyError::UnknownKind { kind }),
        }
    }

    const fn key_bytes(self) -> usize {
        match self {
            Self::Ed25519 | Self::CosignatureV1 => ED25519_KEY_BYTES,
            Self::MlDsa44 => ML_DSA_44_KEY_BYTES,
        }
    }
}

/// A public key with its name: what a signature line is checked against.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    kind: KeyKind,
    key: Vec<u8>,
}

impl VerifierKey {
    /// Takes a raw public key.
    ///
    /// # Errors
    /// If the key is not as long as its kind demands.
    pub fn new(name: KeyName, kind: KeyKind, key: &[u8]) -> Result<Self, KeyError> {
        if key.len() != kind.key_bytes() {
            return Err(KeyError::Length);
        }
        Ok(Self { id: KeyId::compute(&name, kind, key), name, kind, key: key.to_vec() })
    }

    /// Takes what [`VerifierKey::typed_key`] gives.
    ///
    /// # Errors
    /// If the type is not known or the length does not fit it.
    pub fn from_typed_key(name: KeyName, typed_key: &[u8]) -> Result<Self, KeyError> {
        let (kind, key) = typed_key.split_first().ok_or(KeyError::Length)?;
        Self::new(name, KeyKind::from_byte(*kind)?, key)
    }

    /// The name that its lines carry.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The ID that its lines carry.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// What it signs.
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The raw public key, without type.
    pub fn public_key(&self) -> &[u8] {
        &self.key
    }

    /// The type byte and the raw public key.
    pub fn typed_key(&self) -> Vec<u8> {
        [&[self.kind.byte()], self.key.as_slice()].concat()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, self.id, STANDARD.encode(self.typed_key()))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    /// Reads `name+hex8(id)+base64(type ‖ key)`.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() > VERIFIER_TEXT_BYTES_MAX {
            return Err(KeyError::Malformed);
        }
        // Base64 may hold further plus signs.
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(KeyError::Malformed);
        };
        let (name, found): (KeyName, KeyId) = (name.parse()?, id.parse()?);
        let typed_key = STANDARD.decode(key).map_err(|_| KeyError::Malformed)?;
        let parsed = Self::from_typed_key(name, &typed_key)?;
        if parsed.id == found { Ok(parsed) } else { Err(KeyError::IdMismatch { found, expected: parsed.id }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn a_verifier_key_round_trips() {
        let key: VerifierKey = VKEY.parse().unwrap();
        assert_eq!(key.to_string(), VKEY);
        assert_eq!((key.name().as_str(), key.id().to_string()), ("example.com/foo", "530d903a".to_owned()));
        assert_eq!(key.kind(), KeyKind::Ed25519);
        assert_eq!(VerifierKey::new(key.name().clone(), key.kind(), key.public_key()), Ok(key));
    }

    #[test]
    fn keys_that_are_not_themselves_are_refused() {
        let check = |text: &str, expected: &dyn Fn(&KeyError) -> bool| {
            let error = text.parse::<VerifierKey>().unwrap_err();
            assert!(expected(&error), "{text}: {error:?}");
        };
        check("", &|error| *error == KeyError::Malformed);
        check("example.com/foo+530d903a", &|error| *error == KeyError::Malformed);
        check(&VKEY.replace("530d903a", "530d903b"), &|error| matches!(error, KeyError::IdMismatch { .. }));
        check(&VKEY.replace("530d903a", "530D903A"), &|error| *error == KeyError::Malformed);
        check(&VKEY.replace("530d903a", "+30d903a"), &|error| *error == KeyError::Malformed);
        check(&VKEY.replace("example.com/foo", ""), &|error| *error == KeyError::Name);
        check(&VKEY.replace("example.com/foo", "example.com/fo"), &|error| {
            matches!(error, KeyError::IdMismatch { .. })
        });
        check(&VKEY.replace("+Ae", "+Ze"), &|error| *error == KeyError::UnknownKind { kind: 0x65 });
        check(&VKEY.replace("+Ae", "+Be"), &|error| *error == KeyError::UnknownKind { kind: 0x05 });
        check(&VKEY[..VKEY.len() - 4], &|error| *error == KeyError::Length);
        check(&format!("{VKEY}AAAA"), &|error| *error == KeyError::Length);
        check(&format!("{VKEY}="), &|error| *error == KeyError::Malformed);
        check(&format!("{}+530d903a+Aeky", "x".repeat(4096)), &|error| *error == KeyError::Malformed);
    }

    #[test]
    fn names_hold_no_space_plus_or_control_character() {
        for bad in
            ["", "a b", "a+b", "a\nb", "a\tb", "a\0b", "a\u{a0}b", "a\u{2003}b", "a\u{85}b", &"x".repeat(256)]
        {
            assert_eq!(KeyName::new(bad), Err(KeyError::Name), "{bad:?}");
        }
        for good in ["a", "sum.golang.org", "agence.example/été", &"x".repeat(255)] {
            assert_eq!(KeyName::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn the_id_binds_name_and_kind() {
        let of =
            |name: &str, kind| VerifierKey::new(KeyName::new(name).unwrap(), kind, &[7; 32]).unwrap().id();
        assert_ne!(of("a", KeyKind::Ed25519), of("b", KeyKind::Ed25519));
        assert_ne!(of("a", KeyKind::Ed25519), of("a", KeyKind::CosignatureV1));
    }
}
