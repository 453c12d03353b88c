//! Sealing at rest: what is personal reaches the database only as AES-256-GCM ciphertext.
//!
//! The database never forgets deleted bytes, so erasing means destroying keys, and the keys lie elsewhere
//! (`keyring`).

use std::sync::LazyLock;

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
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce)?;
        let key = self.aead().ok_or(StoreError::Entropy)?;
        let len = plain.iter().map(|part| part.len()).sum();
        // In one place from the beginning: plaintext that was moved would lie about in memory.
        let mut sealed = Vec::with_capacity(NONCE_LEN + len + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        for part in plain {
            sealed.extend_from_slice(part);
        }
        let (_, body) = sealed.split_at_mut(NONCE_LEN);
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), body)
            .map_err(|_| StoreError::TooLong { what: "plaintext", len })?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`Key::seal`] made; `None` if it was not made so, under this key, for this place.
    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut buffer = ciphertext.to_vec();
        let key = self.aead()?;
        let plain =
            key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut buffer).ok()?.len();
        buffer.truncate(plain);
        Some(buffer)
    }

    fn aead(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.0).ok().map(LessSafeKey::new)
    }
}

/// The key of one entry, from which the key of each of its sections is derived.
pub(crate) struct EntrySealer {
    prk: hkdf::Prk,
    /// origin ‖ index: a sealed section cannot be moved to another place.
    place: Vec<u8>,
}

impl EntrySealer {
    pub(crate) fn new(key: &Key, origin: &Origin, index: EntryIndex) -> Self {
        let prk = SEAL_SALT.extract(key.as_bytes());
        let origin = origin.as_str().as_bytes();
        let mut place = Vec::with_capacity(origin.len() + 8 + 1);
        place.extend_from_slice(origin);
        place.extend_from_slice(&index.value().to_be_bytes());
        Self { prk, place }
    }

    /// Seals salt and section of one slot.
    pub(crate) fn seal(
        &mut self,
        slot: Slot,
        opening: &Opening,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, StoreError> {
        let plain: [&[u8]; 2] = [opening.salt().as_bytes(), opening.section()];
        let key = self.section_key(slot)?;
        self.at(slot, |aad| key.seal(aad, &plain, entropy))
    }

    /// Opens one slot; `None` if the bytes are not those sealed for this place.
    pub(crate) fn open(&mut self, slot: Slot, sealed: &[u8]) -> Option<Opening> {
        let key = self.section_key(slot).ok()?;
        let mut plain = self.at(slot, |aad| key.open(aad, sealed))?;
        let salt = Salt::from_bytes(*plain.first_chunk()?);
        plain.drain(..Salt::LEN);
        Opening::new(salt, plain)
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
        self.place.push(slot.number());
        let done = act(&self.place);
        self.place.pop();
        done
    }
}
