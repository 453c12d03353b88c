//! Twelve words that two people compare by voice before they trust a card.

use std::fmt;
use std::str::FromStr;

use comity_tlog::Hash;

use crate::CardIdentity;

/// Words of a fingerprint: 132 bits, 11 a word.
const WORDS: usize = 12;

/// The fingerprint of an agency's identity.
///
/// The first 132 bits, big-endian, 11 a word of the BIP-39 English list, of SHA-256("comity/card/v1" ‖ and, each
/// behind a u16 length: agency id, root key, log key, SubjectPublicKeyInfo of the CA), keys as type ‖ key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u16; WORDS]);

impl Fingerprint {
    /// The fingerprint of an identity; `ca_spki` is the DER SubjectPublicKeyInfo of its CA certificate.
    pub fn of(identity: &CardIdentity, ca_spki: &[u8]) -> Self {
        let parts = [
            identity.agency.as_str().as_bytes().to_vec(),
            identity.root.typed_key(),
            identity.log.typed_key(),
            ca_spki.to_vec(),
        ];
        let mut input = b"comity/card/v1".to_vec();
        for part in &parts {
            // A card is at most 32 KiB, so each of its parts has a 16-bit length.
            input.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            input.extend_from_slice(part);
        }
        let digest = Hash::digest(&input);
        let mut bits = digest.as_bytes().iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        Self(std::array::from_fn(|_| bits.by_ref().take(11).fold(0, |word, bit| word << 1 | u16::from(bit))))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = bip39::Language::English.word_list();
        let words: Vec<&str> =
            self.0.iter().filter_map(|word| list.get(usize::from(*word))).copied().collect();
        f.write_str(&words.join(" "))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Case, spaces and hyphens are ignored between words.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let lower = text.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| c.is_whitespace() || c == '-').filter(|word| !word.is_empty()).collect();
        let Ok(words) = <[&str; WORDS]>::try_from(words.as_slice()) else {
            return Err(FingerprintError::Count { words: words.len() });
        };
        let mut numbers = [0; WORDS];
        for (number, (word, place)) in numbers.iter_mut().zip(words.iter().zip(1..)) {
            *number = bip39::Language::English.find_word(word).ok_or(FingerprintError::Word { place })?;
        }
        Ok(Self(numbers))
    }
}

/// Words that are no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// Not twelve words.
    #[error("a fingerprint has {WORDS} words, not {words}")]
    Count {
        /// Words found.
        words: usize,
    },
    /// A word that is not on the list.
    #[error("word {place} of the fingerprint is not on the word list; was it misheard?")]
    Word {
        /// Which, from 1.
        place: usize,
    },
}
