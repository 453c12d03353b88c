//! One page of the keyring: what stands on it, and its sealed form.
//!
//! Not here: where pages lie and when they are written (`keyring`, `key_pages`).

use comity_ledger::Entropy;
use zeroize::Zeroizing;

use crate::StoreError;
use crate::log_id::LogId;
use crate::seal::Key;

/// Entry keys of one page.
pub(crate) const PAGE_KEYS: usize = 128;
/// The same, as a count of entries.
pub(crate) const PAGE_ENTRIES: u64 = 128;
/// On a page for an entry without a key.
const NO_KEY: [u8; Key::LEN] = [0; Key::LEN];
/// On a page for an entry whose key was destroyed: 32 random bytes are neither of the two.
const DESTROYED: [u8; Key::LEN] = [0xff; Key::LEN];
/// Plain bytes of a page: a sequence number and the keys.
const PAGE_PLAIN_BYTES: usize = 8 + PAGE_KEYS * Key::LEN;
/// Bytes of a sealed page: nonce, page, tag.
pub(crate) const PAGE_SEALED_BYTES: usize = 12 + PAGE_PLAIN_BYTES + 16;

/// The keys of some entries that follow each other.
pub(crate) struct Page {
    /// Counts its writings.
    pub(crate) sequence: u64,
    pub(crate) keys: Vec<Place>,
}

/// What stands for an entry on its page.
#[derive(Clone)]
pub(crate) enum Place {
    /// There never was a key, or it was lost.
    Empty,
    Held(Key),
    /// The key was destroyed, and there is never another.
    Erased,
}

impl Place {
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Held(key) => Some(key),
            Self::Empty | Self::Erased => None,
        }
    }

    fn from_bytes(bytes: [u8; Key::LEN]) -> Self {
        match bytes {
            NO_KEY => Self::Empty,
            DESTROYED => Self::Erased,
            bytes => Self::Held(Key::from_bytes(bytes)),
        }
    }

    fn as_bytes(&self) -> &[u8; Key::LEN] {
        match self {
            Self::Empty => &NO_KEY,
            Self::Held(key) => key.as_bytes(),
            Self::Erased => &DESTROYED,
        }
    }
}

impl Page {
    /// A page without keys.
    pub(crate) fn empty() -> Self {
        Self { sequence: 0, keys: vec![Place::Empty; PAGE_KEYS] }
    }

    /// The page under its key.
    pub(crate) fn seal(
        &self,
        key: &Key,
        log: LogId,
        page: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, StoreError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(PAGE_PLAIN_BYTES));
        plain.extend_from_slice(&self.sequence.to_be_bytes());
        for place in &self.keys {
            plain.extend_from_slice(place.as_bytes());
        }
        key.seal(&page_aad(log, page), &[&plain], entropy)
    }

    /// The page, if it opens with this key.
    pub(crate) fn open(key: &Key, log: LogId, page: u64, sealed: &[u8]) -> Option<Self> {
        let plain = key.open(&page_aad(log, page), sealed)?;
        let (sequence, keys) = plain.split_first_chunk::<8>()?;
        let (keys, _) = keys.as_chunks::<{ Key::LEN }>();
        let keys = keys.iter().map(|bytes| Place::from_bytes(*bytes)).collect();
        Some(Self { sequence: u64::from_be_bytes(*sequence), keys })
    }
}

fn page_aad(log: LogId, page: u64) -> Vec<u8> {
    let mut aad = log.as_bytes().to_vec();
    aad.extend_from_slice(&page.to_be_bytes());
    aad
}
