//! Sealing at rest: what is personal reaches the database only as AES-256-GCM ciphertext.
//!
//! The database never forgets deleted bytes, so erasing means destroying keys, and the keys lie elsewhere
//! (`keyring`).

use std::sync::LazyLock;

use bytes::Bytes;
use comity_ledger::{Entropy, Opening, Origin, Salt, Slot};
use comity_tlog::EntryIndex;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::StoreError;

/// HKDF salt of every section key; hashed once.
static SEAL_SALT: LazyLock<hkdf::Salt> =
    LazyLock::new(|| hkdf::Salt::new(hkdf::HKDF_SHA256, b"comity/seal/v1"));

/// A 256-bit key that is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key([u8; Key::LEN]);

impl Key {
    pub(crate) const LEN: usize = 32;

    pub(crate) const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    pub(crate) fn random(entropy: &mut dyn Entropy) -> Result<Self, StoreError> {
        let mut bytes = [0; Self::LEN];
        entropy.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// AES-256-GCM with a random nonce: `nonce[12] ‖ ciphertext ‖ tag[16]`. The plaintext is given in parts.
    pub(crate) fn seal(
        &self,
        aad: &[u8],
        plain: &[&[u8]],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, StoreError> {
        let mut sealed = Vec::new();
        self.seal_into(&mut sealed, aad, plain, entropy)?;
        Ok(sealed)
    }

    /// The same, appended to what stands there.
    fn seal_into(
        &self,
        sealed: &mut Vec<u8>,
        aad: &[u8],
        plain: &[&[u8]],
        entropy: &mut dyn Entropy,
    ) -> Result<(), StoreError> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce)?;
        let key = self.aead().ok_or(StoreError::Entropy)?;
        let len = plain.iter().map(|part| part.len()).sum();
        // In one place from the beginning: plaintext that was moved would lie about in memory.
        sealed.reserve(NONCE_LEN + len + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        let start = sealed.len();
        for part in plain {
            sealed.extend_from_slice(part);
        }
        let body = sealed.get_mut(start..).unwrap_or_default();
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), body)
            .map_err(|_| StoreError::TooLong { what: "plaintext", len })?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens what [`Key::seal`] made; `None` if it was not made so, under this key, for this place.
    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut plain = sealed.to_vec();
        let len = self.open_in_place(aad, &mut plain)?.len();
        plain.drain(..NONCE_LEN);
        plain.truncate(len);
        Some(plain)
    }

    /// The same, where it stands.
    fn open_in_place<'a>(&self, aad: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (nonce, ciphertext) = sealed.split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.aead()?.open_in_place(nonce, Aad::from(aad), ciphertext).ok()
    }

    fn aead(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.0).ok().map(LessSafeKey::new)
    }
}

/// Reads what was opened where it stands.
pub(crate) fn opened(bytes: &Bytes) -> Option<Opening> {
    let end = bytes.len().checked_sub(AES_256_GCM.tag_len())?;
    let salt = bytes.get(NONCE_LEN..end)?.first_chunk()?;
    Opening::new(Salt::from_bytes(*salt), bytes.slice(NONCE_LEN + Salt::LEN..end))
}

/// Longest place: origin ‖ u64 index ‖ u8 slot.
const PLACE_BYTES_MAX: usize = Origin::LEN_MAX + 8 + 1;

/// The key of one entry, from which the key of each of its sections is derived.
pub(crate) struct EntrySealer {
    prk: hkdf::Prk,
    /// origin ‖ index ‖ slot, the last not set yet: a sealed section cannot be moved to another place.
    place: [u8; PLACE_BYTES_MAX],
    /// Bytes of it before the slot.
    len: usize,
}

impl EntrySealer {
    pub(crate) fn new(key: &Key, origin: &Origin, index: EntryIndex) -> Self {
        let prk = SEAL_SALT.extract(key.as_bytes());
        let (mut place, mut len) = ([0; PLACE_BYTES_MAX], 0);
        for (to, from) in place.iter_mut().zip(origin.as_str().bytes().chain(index.value().to_be_bytes())) {
            *to = from;
            len += 1;
        }
        Self { prk, place, len }
    }

    /// Bytes of an opening that is sealed.
    pub(crate) fn sealed_len(opening: &Opening) -> usize {
        NONCE_LEN + Salt::LEN + opening.section().len() + AES_256_GCM.tag_len()
    }

    /// Seals salt and section of one slot, and appends them.
    pub(crate) fn seal_into(
        &mut self,
        sealed: &mut Vec<u8>,
        slot: Slot,
        opening: &Opening,
        entropy: &mut dyn Entropy,
    ) -> Result<(), StoreError> {
        let plain: [&[u8]; 2] = [opening.salt().as_bytes(), opening.section()];
        let key = self.section_key(slot)?;
        self.at(slot, |aad| key.seal_into(sealed, aad, &plain, entropy))
    }

    /// Opens one slot where it stands, as [`opened`] reads it then; false if the bytes are not those sealed for this
    /// place.
    pub(crate) fn open_in_place(&mut self, slot: Slot, sealed: &mut [u8]) -> bool {
        let Ok(key) = self.section_key(slot) else { return false };
        self.at(slot, |aad| key.open_in_place(aad, sealed).is_some())
    }

    /// HKDF-SHA256(salt = "comity/seal/v1", ikm = entry key, info = u8 slot), RFC 5869.
    fn section_key(&self, slot: Slot) -> Result<Key, StoreError> {
        let mut bytes = [0; Key::LEN];
        self.prk
            .expand(&[&[slot.number()]], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut bytes))
            .map_err(|_| StoreError::TooLong { what: "derived key", len: Key::LEN })?;
        Ok(Key(bytes))
    }

    /// What is authenticated with a section: origin ‖ index ‖ slot.
    fn at<T>(&mut self, slot: Slot, act: impl FnOnce(&[u8]) -> T) -> T {
        if let Some(last) = self.place.get_mut(self.len) {
            *last = slot.number();
        }
        act(self.place.get(..=self.len).unwrap_or_default())
    }
}
