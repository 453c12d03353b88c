//! Salted commitments: what a leaf says of a section that it does not show.
//!
//! A commitment is an HMAC under a published key, as in key transparency (draft-ietf-keytrans-protocol): the
//! HMAC binds, and hiding rests on the 32 random bytes of salt alone.

use std::sync::LazyLock;

use ring::hmac;

use crate::{EntryId, Kind, Origin, Slot};

/// SHA-256("comity/commitment-key/v1"): the published key of every commitment.
const COMMITMENT_KEY: [u8; 32] = [
    0xff, 0x84, 0x23, 0x2f, 0x36, 0xa7, 0xc5, 0xed, 0x80, 0x81, 0x43, 0x16, 0x88, 0x68, 0x22, 0x05, 0x92,
    0xc5, 0x71, 0x66, 0x4f, 0x2f, 0x3d, 0x1c, 0x45, 0xc0, 0x2a, 0x1b, 0xbc, 0xd9, 0x5d, 0x60,
];

/// The same, hashed once.
static MAC_KEY: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, &COMMITMENT_KEY));

const DOMAIN: &[u8] = b"comity/commitment/v1";

/// Bytes before the section, at most: domain, version, kind, origin with its length, id, about, slot, salt, length.
const HEAD_BYTES_MAX: usize = DOMAIN.len() + 2 + 2 + Origin::LEN_MAX + EntryId::LEN + 8 + 1 + Salt::LEN + 4;

/// Most bytes of one section: 64 KiB less the salt and the length that travel with it.
pub const SECTION_BYTES_MAX: usize = 65_500;

/// The random bytes that hide one section; drawn afresh for each, never derived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; Salt::LEN]);

impl Salt {
    /// Bytes of a salt.
    pub const LEN: usize = 32;

    /// A salt of these bytes, which the caller drew from the system's generator or received.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be sealed at rest or sent with the section.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl std::fmt::Debug for Salt {
    /// A salt is as secret as the section that it hides.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// A commitment to one section of one entry of one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Commitment([u8; Commitment::LEN]);

impl Commitment {
    /// Bytes of a commitment.
    pub const LEN: usize = 32;

    /// A commitment as it stands in an entry.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes that stand in the entry.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

/// What every commitment of one entry is bound to, so that none can be moved to another entry or log.
#[derive(Clone, Copy, Debug)]
pub struct CommitmentContext<'a> {
    /// The log that holds the entry.
    pub origin: &'a Origin,
    /// The version byte of the entry.
    pub version: u8,
    /// The kind of the entry.
    pub kind: Kind,
    /// The random identifier of the entry.
    pub id: EntryId,
    /// The `about` field of the entry as it stands in the envelope: target index + 1, 0 for none.
    pub about: u64,
}

impl CommitmentContext<'_> {
    /// The commitment to a section under a salt.
    ///
    /// `HMAC-SHA256(Kc, "comity/commitment/v1" ‖ u8 version ‖ u8 kind ‖ u16 len ‖ origin ‖ entry_id ‖ u64 about
    /// ‖ u8 slot ‖ salt ‖ u32 len ‖ section)`, integers big-endian. A section longer than [`SECTION_BYTES_MAX`]
    /// has none.
    pub fn commit(&self, slot: Slot, salt: &Salt, section: &[u8]) -> Option<Commitment> {
        if section.len() > SECTION_BYTES_MAX {
            return None;
        }
        let origin = self.origin.as_str().as_bytes();
        let origin_len = u16::try_from(origin.len()).ok()?;
        let section_len = u32::try_from(section.len()).ok()?;
        let about = self.about;
        #[cfg(comity_planted)]
        let about = if comity_tlog::planted("ignore-about") { 0 } else { about };
        // In one piece: each update of the hash costs as much as a third of a block.
        let parts: [&[u8]; 9] = [
            DOMAIN,
            &[self.version, self.kind.code()],
            &origin_len.to_be_bytes(),
            origin,
            self.id.as_bytes(),
            &about.to_be_bytes(),
            &[slot.number()],
            salt.as_bytes(),
            &section_len.to_be_bytes(),
        ];
        let mut head = [0; HEAD_BYTES_MAX];
        let mut len = 0;
        for part in parts {
            let end = len + part.len();
            head.get_mut(len..end)?.copy_from_slice(part);
            len = end;
        }
        let mut mac = hmac::Context::with_key(&MAC_KEY);
        mac.update(head.get(..len)?);
        mac.update(section);
        let tag = mac.sign();
        tag.as_ref().try_into().ok().map(Commitment)
    }
}
