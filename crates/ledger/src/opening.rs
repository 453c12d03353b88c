//! Openings: the salt and the section behind one commitment, and the padded form in which they travel.

use bytes::Bytes;

use crate::commitment::{SECTION_BYTES_MAX, Salt};
use crate::{Entry, OpeningError, Origin, Slot};

/// The padded sizes, in bytes: salt, length, section and zeros fill the smallest that holds them.
const PADDED_SIZES: [usize; 5] = [256, 1 << 10, 4 << 10, 16 << 10, 64 << 10];

/// Bytes before the section: the salt and a 32-bit length.
const HEAD_BYTES: usize = Salt::LEN + 4;

/// One section with the salt that hides it; not yet compared with any entry. The section may share the memory in which it
/// came with others: whoever keeps it for long copies it.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    salt: Salt,
    section: Bytes,
}

impl Opening {
    /// An opening of these parts; `None` if the section is over [`SECTION_BYTES_MAX`].
    pub fn new(salt: Salt, section: impl Into<Bytes>) -> Option<Self> {
        let section = section.into();
        (section.len() <= SECTION_BYTES_MAX).then_some(Self { salt, section })
    }

    /// The salt.
    pub fn salt(&self) -> &Salt {
        &self.salt
    }

    /// The section; empty where the entry has none of this slot.
    pub fn section(&self) -> &[u8] {
        &self.section
    }

    /// Bytes of the padded form.
    pub fn padded_len(&self) -> usize {
        let bare = HEAD_BYTES + self.section.len();
        PADDED_SIZES.into_iter().find(|size| bare <= *size).unwrap_or(bare)
    }

    /// `salt ‖ u32 len ‖ section ‖ zeros`, up to 256 B, 1, 4, 16 or 64 KiB: an observer learns only the size class.
    pub fn to_padded(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.padded_len());
        self.pad_into(&mut bytes);
        bytes
    }

    /// Appends the padded form.
    pub fn pad_into(&self, bytes: &mut Vec<u8>) {
        let end = bytes.len() + self.padded_len();
        bytes.extend_from_slice(self.salt.as_bytes());
        bytes.extend_from_slice(&u32::try_from(self.section.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(&self.section);
        bytes.resize(end, 0);
    }

    /// Reads the padded form, and shares its memory.
    ///
    /// # Errors
    /// An [`OpeningError`] if the size is not the smallest permitted one for the content, or the padding is not
    /// zero: a second form of the same opening would be a channel that nothing covers.
    pub fn from_padded(bytes: &Bytes) -> Result<Self, OpeningError> {
        if !PADDED_SIZES.contains(&bytes.len()) {
            return Err(OpeningError::PaddedSize { len: bytes.len() });
        }
        let (salt, rest) = bytes.split_first_chunk::<{ Salt::LEN }>().ok_or(OpeningError::Length)?;
        let (len, rest) = rest.split_first_chunk::<4>().ok_or(OpeningError::Length)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| OpeningError::Length)?;
        let (section, padding) = rest.split_at_checked(len).ok_or(OpeningError::Length)?;
        let smallest = PADDED_SIZES.into_iter().find(|size| HEAD_BYTES + len <= *size);
        if len > SECTION_BYTES_MAX || smallest != Some(bytes.len()) {
            return Err(OpeningError::Length);
        }
        // All at once: most of a padded form is padding.
        if padding.iter().fold(0, |all, byte| all | byte) != 0 {
            return Err(OpeningError::Padding);
        }
        let (salt, end) = (Salt::from_bytes(*salt), HEAD_BYTES + section.len());
        Ok(Self { salt, section: bytes.slice(HEAD_BYTES..end) })
    }

    /// Compares the opening with the commitment of an entry.
    ///
    /// # Errors
    /// [`OpeningError::NoSuchSection`] or [`OpeningError::Mismatch`].
    pub fn verify(self, origin: &Origin, entry: &Entry, slot: Slot) -> Result<VerifiedOpening, OpeningError> {
        let expected = entry.commitment(slot).ok_or(OpeningError::NoSuchSection { slot })?;
        let found = entry.commitment_context(origin).commit(slot, &self.salt, &self.section);
        // Not in constant time: commitment, salt and section are all known to whoever verifies.
        if found == Some(expected) {
            Ok(VerifiedOpening { slot, opening: self })
        } else {
            Err(OpeningError::Mismatch { slot })
        }
    }
}

impl std::fmt::Debug for Opening {
    /// Sections may be personal: only their length is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opening({} bytes)", self.section.len())
    }
}

/// An opening that gave the commitment of its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedOpening {
    slot: Slot,
    opening: Opening,
}

impl VerifiedOpening {
    /// The opening, to be given on.
    pub fn into_opening(self) -> Opening {
        self.opening
    }

    /// The slot that it opens.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Salt and section.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// The section; empty where the entry has none of this slot.
    pub fn section(&self) -> &[u8] {
        self.opening.section()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(len: usize) -> Opening {
        Opening::new(Salt::from_bytes([7; 32]), vec![9; len]).unwrap()
    }

    #[test]
    fn padding_shows_only_the_size_class() {
        for (len, padded) in [
            (0, 256),
            (220, 256),
            (221, 1024),
            (988, 1024),
            (989, 4096),
            (16_348, 16_384),
            (16_349, 65_536),
            (65_500, 65_536),
        ] {
            let bytes = opening(len).to_padded();
            assert_eq!(bytes.len(), padded, "section of {len}");
            assert_eq!(Opening::from_padded(&bytes.into()).unwrap(), opening(len));
        }
        assert!(Opening::new(Salt::from_bytes([0; 32]), vec![0; SECTION_BYTES_MAX + 1]).is_none());
    }

    #[test]
    fn non_zero_padding_and_a_larger_class_than_needed_are_refused() {
        let mut bytes = opening(10).to_padded();
        *bytes.last_mut().unwrap() = 1;
        assert_eq!(Opening::from_padded(&bytes.into()), Err(OpeningError::Padding));
        let mut wide = opening(10).to_padded();
        wide.resize(1024, 0);
        assert_eq!(Opening::from_padded(&wide.into()), Err(OpeningError::Length));
        let mut long = opening(10).to_padded();
        long[32..36].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(Opening::from_padded(&long.into()), Err(OpeningError::Length));
        assert_eq!(
            Opening::from_padded(&Bytes::from_static(&[0; 257])),
            Err(OpeningError::PaddedSize { len: 257 })
        );
    }
}
