//! The roles of the keys that key events speak of, and a key as it stands in one.
//!
//! Not here: what is done to a key (`key_event`), and which are in force (`key_history`).

use std::fmt;

use comity_tlog::{Hash, KeyKind, KeyName, VerifierKey};

use crate::Origin;
use crate::key_finding::KeyFinding;

/// Bytes of a raw public key in a public body: type byte and 32 bytes.
const RAW_KEY_BYTES: usize = 33;
/// Bytes of the SHA-256 of a SubjectPublicKeyInfo.
const SPKI_HASH_BYTES: usize = 32;

/// What a key is for. Each key has one role for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRole {
    /// Signs the checkpoints of the log in which the key event stands.
    Log,
    /// Cosigns what it saw to be append-only.
    Witness,
    /// Cosigns what it holds in full.
    Mirror,
    /// Signs receipts and transcripts.
    Statement,
    /// Issues the TLS certificates of the agency, and signs nothing else.
    TlsAuthority,
}

impl KeyRole {
    /// Each role.
    pub const ALL: [Self; 5] = [Self::Log, Self::Witness, Self::Mirror, Self::Statement, Self::TlsAuthority];

    /// The number in a key event.
    pub const fn code(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Witness => 2,
            Self::Mirror => 3,
            Self::Statement => 4,
            Self::TlsAuthority => 5,
        }
    }

    /// The role of a word; `None` if it is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The role of a number; `None` for one of a later version.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// The word for the role, in commands and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Witness => "witness",
            Self::Mirror => "mirror",
            Self::Statement => "statement",
            Self::TlsAuthority => "tls-authority",
        }
    }

    /// The kind of its keys; an authority has none, since it is named by its certificate's key alone.
    const fn kind(self) -> Option<KeyKind> {
        match self {
            Self::Log | Self::Statement => Some(KeyKind::Ed25519),
            Self::Witness | Self::Mirror => Some(KeyKind::CosignatureV1),
            Self::TlsAuthority => None,
        }
    }
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key with its role, as a key event names it: type ‖ key, or of a TLS authority the SHA-256 of its
/// SubjectPublicKeyInfo.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleKey {
    role: KeyRole,
    bytes: Vec<u8>,
}

impl RoleKey {
    /// A key that signs.
    ///
    /// # Errors
    /// [`KeyFinding::WrongKind`] if no key of this kind serves the role.
    pub fn signing(role: KeyRole, key: &VerifierKey) -> Result<Self, KeyFinding> {
        Self::from_bytes(role, &key.typed_key())
    }

    /// The authority whose SubjectPublicKeyInfo, as DER, has this SHA-256.
    pub fn tls_authority(spki: Hash) -> Self {
        Self { role: KeyRole::TlsAuthority, bytes: spki.as_bytes().to_vec() }
    }

    /// Reads the bytes of a key event.
    ///
    /// # Errors
    /// [`KeyFinding::WrongKind`] if they are not as long as the role demands, or of another type.
    pub fn from_bytes(role: KeyRole, bytes: &[u8]) -> Result<Self, KeyFinding> {
        let fits = match role.kind() {
            Some(kind) => bytes.len() == RAW_KEY_BYTES && bytes.first() == Some(&kind.byte()),
            None => bytes.len() == SPKI_HASH_BYTES,
        };
        if fits { Ok(Self { role, bytes: bytes.to_vec() }) } else { Err(KeyFinding::WrongKind { role }) }
    }

    /// The role.
    pub fn role(&self) -> KeyRole {
        self.role
    }

    /// The bytes that stand in a key event.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key that verifies what it signs, for a log; `None` for a TLS authority, which signs nothing here. The key of
    /// a log is named after its origin, and every other after the agency and its role.
    pub fn verifier(&self, origin: &Origin) -> Option<VerifierKey> {
        self.role.kind()?;
        let name = match self.role {
            KeyRole::Log => origin.to_string(),
            role => format!("{}/{}", origin.agency(), role.name()),
        };
        VerifierKey::from_typed_key(KeyName::new(&name).ok()?, &self.bytes).ok()
    }

    /// Whether both are one public key, in whatever roles.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        // The type byte tells what a key signs, not which it is; an authority is a hash, and no key at all.
        let of = |key: &Self| key.role.kind().and_then(|_| key.bytes.get(1..).map(<[u8]>::to_vec));
        match (of(self), of(other)) {
            (Some(one), Some(two)) => one == two,
            (None, None) => self.bytes == other.bytes,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_their_numbers_map_one_to_one() {
        for code in 0..=u8::MAX {
            let role = KeyRole::from_code(code);
            assert_eq!(role.map(KeyRole::code), role.map(|_| code));
        }
        assert_eq!((1..=5).filter_map(KeyRole::from_code).collect::<Vec<_>>(), KeyRole::ALL);
    }

    #[test]
    fn a_key_fits_the_kind_of_its_role() {
        let key = |kind| VerifierKey::new(KeyName::new("a.example/pub").unwrap(), kind, &[7; 32]).unwrap();
        let origin: Origin = "a.example/pub/2".parse().unwrap();
        for (role, kind, name) in [
            (KeyRole::Log, KeyKind::Ed25519, "a.example/pub/2"),
            (KeyRole::Witness, KeyKind::CosignatureV1, "a.example/witness"),
            (KeyRole::Mirror, KeyKind::CosignatureV1, "a.example/mirror"),
            (KeyRole::Statement, KeyKind::Ed25519, "a.example/statement"),
        ] {
            let named = RoleKey::signing(role, &key(kind)).unwrap();
            assert_eq!(named.verifier(&origin).unwrap().name().as_str(), name);
            let other = match kind {
                KeyKind::Ed25519 => KeyKind::CosignatureV1,
                _ => KeyKind::Ed25519,
            };
            assert_eq!(RoleKey::signing(role, &key(other)), Err(KeyFinding::WrongKind { role }));
            assert!(named.is_same_key(&RoleKey::signing(KeyRole::Log, &key(KeyKind::Ed25519)).unwrap()));
        }
        let authority = RoleKey::tls_authority(Hash::from_bytes([7; 32]));
        assert_eq!(authority.verifier(&origin), None);
        let log = RoleKey::signing(KeyRole::Log, &key(KeyKind::Ed25519)).unwrap();
        assert!(!authority.is_same_key(&log));
    }
}
