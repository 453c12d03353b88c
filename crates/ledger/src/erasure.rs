//! The announcement of an erasure: an entry about the entry whose sections are destroyed (B6, kind 7).
//!
//! An auditor takes a section for erased only if a later entry of the log says so. Not here: why something is erased, which
//! is said where it is ordered, and the destroying (`comity-store`).

use comity_tlog::EntryIndex;

use crate::{Draft, Entry, Kind};

/// `{0: 1}`, deterministic CBOR (RFC 8949 §4.2.1): form 1, which says that all sections of the entry are erased.
const BODY: [u8; 3] = [0xa1, 0x00, 0x01];

/// The draft of an entry that announces the erasure of an earlier one; handling and audience are the caller's.
pub fn erasure(of: EntryIndex) -> Draft {
    Draft::new(Kind::Erase, Some(of)).with_public_body(BODY.to_vec())
}

/// The entry whose sections the entry at `index` announces to be destroyed; `None` if it announces nothing of this form,
/// byte for byte, or of an entry that is not before it: what another form means is not known here.
pub fn erased_by(index: EntryIndex, entry: &Entry) -> Option<EntryIndex> {
    let announces = entry.kind() == Kind::Erase && entry.public_body() == BODY;
    entry.about().filter(|of| announces && *of < index)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::{AuthorTime, Entropy, EntropyError};

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
            buffer.fill(7);
            Ok(())
        }
    }

    #[test]
    fn an_erasure_of_another_form_or_of_what_is_not_before_it_erases_nothing() {
        let at = |index| EntryIndex::new(index).unwrap();
        let erased = |draft: Draft, index: u64| {
            let origin = "agency-a.example/pub".parse().unwrap();
            let sealed = draft.seal(&origin, AuthorTime::from_unix_secs(1), &mut Sevens).unwrap();
            erased_by(at(index), &sealed.bytes().parse().unwrap())
        };
        assert_eq!(erased(erasure(at(2)), 3), Some(at(2)));
        assert_eq!(erased(erasure(at(2)), 2), None);
        assert_eq!(erased(erasure(at(9)), 3), None);
        // Longer, another form, the same map less briefly written, and with one key more.
        for body in [vec![0xa1, 0, 1, 0], vec![0xa1, 0, 2], vec![0xa1, 0x18, 0, 1], vec![0xa2, 0, 1, 1, 1]] {
            let other = Draft::new(Kind::Erase, Some(at(2))).with_public_body(body.clone());
            assert_eq!(erased(other, 3), None, "{body:?}");
        }
        assert_eq!(erased(Draft::new(Kind::Record, Some(at(2))), 3), None);
        assert_eq!(erased(Draft::new(Kind::Control, Some(at(2))), 3), None);
    }
}
