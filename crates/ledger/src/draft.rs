//! Sealing: sections become commitments in an entry, and openings beside it.

use comity_tlog::{EntryIndex, Hash};

use crate::commitment::{CommitmentContext, SECTION_BYTES_MAX, Salt};
use crate::entry::{AuthorTime, ENTRY_VERSION, EntryBytes, EntryId};
use crate::{Entropy, Entry, EntryError, Kind, Opening, Origin, Slot};

/// An entry to be: its content, before anything random is drawn or any place in a log is known.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    kind: Kind,
    about: Option<EntryIndex>,
    sections: Vec<(Slot, Vec<u8>)>,
    public_body: Vec<u8>,
}

impl Draft {
    /// An empty draft; `about` is the earlier entry that it changes or acts upon.
    pub fn new(kind: Kind, about: Option<EntryIndex>) -> Self {
        Self { kind, about, sections: Vec::new(), public_body: Vec::new() }
    }

    /// Puts content into a section; sections that are never given are sealed as absent.
    #[must_use]
    pub fn with_section(mut self, slot: Slot, section: Vec<u8>) -> Self {
        self.sections.retain(|(s, _)| *s != slot);
        self.sections.push((slot, section));
        self
    }

    /// The content of a section, if it was given.
    pub fn section(&self, slot: Slot) -> Option<&[u8]> {
        self.sections.iter().find(|(known, _)| *known == slot).map(|(_, section)| section.as_slice())
    }

    /// Sets the bytes that everyone may read.
    #[must_use]
    pub fn with_public_body(mut self, public_body: Vec<u8>) -> Self {
        self.public_body = public_body;
        self
    }

    /// Draws the identifier and one salt for each slot of the kind, and commits.
    ///
    /// # Errors
    /// An [`EntryError`] if a section is too long or not of this kind, the entry would be too long, or no
    /// random bytes are to be had.
    pub fn seal(
        mut self,
        origin: &Origin,
        author_time: AuthorTime,
        entropy: &mut dyn Entropy,
    ) -> Result<SealedEntry, EntryError> {
        let slots = self.kind.slots().unwrap_or_default();
        if let Some((slot, _)) = self.sections.iter().find(|(slot, _)| !slots.contains(slot)) {
            return Err(EntryError::NoSuchSection { kind: self.kind.name(), slot: *slot });
        }
        let mut id = [0; EntryId::LEN];
        entropy.fill(&mut id).map_err(|_| EntryError::Entropy)?;
        let id = EntryId::from_bytes(id);
        let about = self.about.map_or(0, |index| index.value().saturating_add(1));
        let context = CommitmentContext { origin, version: ENTRY_VERSION, kind: self.kind, id, about };
        let mut commitments = Vec::with_capacity(slots.len());
        let mut openings = Vec::with_capacity(slots.len());
        for &slot in slots {
            let given = self.sections.iter_mut().find(|(s, _)| *s == slot);
            let section = given.map(|(_, section)| std::mem::take(section)).unwrap_or_default();
            let mut salt = [0; Salt::LEN];
            entropy.fill(&mut salt).map_err(|_| EntryError::Entropy)?;
            let salt = Salt::from_bytes(salt);
            #[cfg(comity_planted)]
            let salt = match openings.first() {
                Some((_, first)) if comity_tlog::planted("reuse-a-salt") => *Opening::salt(first),
                _ => salt,
            };
            let len = section.len();
            let too_long = EntryError::SectionTooLong { slot, len };
            if len > SECTION_BYTES_MAX {
                return Err(too_long);
            }
            let Some(commitment) = context.commit(slot, &salt, &section) else { return Err(too_long) };
            commitments.push((slot, commitment));
            let Some(opening) = Opening::new(salt, section) else { return Err(too_long) };
            openings.push((slot, opening));
        }
        let entry = Entry {
            kind: self.kind,
            id,
            author_time,
            about: self.about,
            commitments,
            public_body: self.public_body,
        };
        entry.check_shape()?;
        let bytes = entry.encode()?;
        Ok(SealedEntry { leaf: bytes.leaf_hash(), bytes, openings })
    }
}

impl std::fmt::Debug for Draft {
    /// Sections may be personal: only kind and slots are shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slots: Vec<_> = self.sections.iter().map(|(slot, _)| slot.name()).collect();
        write!(f, "Draft({} {slots:?})", self.kind.name())
    }
}

/// An entry with the openings of all its commitments, not yet in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedEntry {
    bytes: EntryBytes,
    leaf: Hash,
    openings: Vec<(Slot, Opening)>,
}

impl SealedEntry {
    /// The entry.
    pub fn bytes(&self) -> &EntryBytes {
        &self.bytes
    }

    /// The leaf hash of the entry.
    pub fn leaf(&self) -> Hash {
        self.leaf
    }

    /// Salt and section for every slot of the kind, slots ascending.
    pub fn openings(&self) -> &[(Slot, Opening)] {
        &self.openings
    }
}
