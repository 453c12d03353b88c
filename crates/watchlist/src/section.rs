//! The six sections that a change is split over, and what a receiver was given of them.
//!
//! Not for: handling (slot 0), audience (slot 1), salts and commitments, which live in `policy` and `ledger`.

use std::fmt;

/// One of the six parts of a change that can be released apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Who is listed, under what, and what this change does.
    Core,
    /// Documents, registration numbers, phones, wallets.
    Identifiers,
    /// Reasons that may be published.
    ReasonsPublic,
    /// Reasons that may not.
    ReasonsClosed,
    /// Where it was read, and source fields that no other field takes.
    Sources,
    /// Where the subject was seen.
    Sightings,
}

impl Section {
    /// All sections in slot order.
    pub const ALL: [Self; 6] = [
        Self::Core,
        Self::Identifiers,
        Self::ReasonsPublic,
        Self::ReasonsClosed,
        Self::Sources,
        Self::Sightings,
    ];

    /// The slot of a record entry that commits to this section (2 to 7).
    pub const fn slot(self) -> u8 {
        match self {
            Self::Core => 2,
            Self::Identifiers => 3,
            Self::ReasonsPublic => 4,
            Self::ReasonsClosed => 5,
            Self::Sources => 6,
            Self::Sightings => 7,
        }
    }

    /// The section of a slot, if it is one of ours.
    pub fn from_slot(slot: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.slot() == slot)
    }

    /// The name used in documents and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Identifiers => "identifiers",
            Self::ReasonsPublic => "reasons_public",
            Self::ReasonsClosed => "reasons_closed",
            Self::Sources => "sources",
            Self::Sightings => "sightings",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The bytes of every section of one change; an absent section is the empty string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    core: Vec<u8>,
    identifiers: Vec<u8>,
    reasons_public: Vec<u8>,
    reasons_closed: Vec<u8>,
    sources: Vec<u8>,
    sightings: Vec<u8>,
}

impl Sections {
    /// The bytes of a section.
    pub fn bytes(&self, section: Section) -> &[u8] {
        match section {
            Section::Core => &self.core,
            Section::Identifiers => &self.identifiers,
            Section::ReasonsPublic => &self.reasons_public,
            Section::ReasonsClosed => &self.reasons_closed,
            Section::Sources => &self.sources,
            Section::Sightings => &self.sightings,
        }
    }

    /// All sections with their bytes, in slot order.
    pub fn iter(&self) -> impl Iterator<Item = (Section, &[u8])> {
        Section::ALL.into_iter().map(|section| (section, self.bytes(section)))
    }

    /// Replaces the bytes of a section.
    pub fn set(&mut self, section: Section, bytes: Vec<u8>) {
        match section {
            Section::Core => self.core = bytes,
            Section::Identifiers => self.identifiers = bytes,
            Section::ReasonsPublic => self.reasons_public = bytes,
            Section::ReasonsClosed => self.reasons_closed = bytes,
            Section::Sources => self.sources = bytes,
            Section::Sightings => self.sightings = bytes,
        }
    }
}

/// What a receiver holds of a change: for each section its bytes, or nothing because it is withheld, erased or lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SectionsRead<'a> {
    given: [Option<&'a [u8]>; 6],
}

impl<'a> SectionsRead<'a> {
    /// Nothing is given.
    #[must_use]
    pub const fn withheld() -> Self {
        Self { given: [None; 6] }
    }

    /// Gives one section; the empty string says that the section is absent.
    #[must_use]
    pub fn give(mut self, section: Section, bytes: &'a [u8]) -> Self {
        if let Some(place) = self.given.get_mut(usize::from(section.slot() - Section::Core.slot())) {
            *place = Some(bytes);
        }
        self
    }

    /// The bytes of a section, or `None` if it is withheld.
    pub fn bytes(&self, section: Section) -> Option<&'a [u8]> {
        self.given.get(usize::from(section.slot() - Section::Core.slot())).copied().flatten()
    }
}

impl<'a> From<&'a Sections> for SectionsRead<'a> {
    fn from(sections: &'a Sections) -> Self {
        sections.iter().fold(Self::withheld(), |read, (section, bytes)| read.give(section, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_two_to_seven() {
        let slots: Vec<u8> = Section::ALL.iter().map(|section| section.slot()).collect();
        assert_eq!(slots, [2, 3, 4, 5, 6, 7]);
        assert!(Section::ALL.into_iter().all(|section| Section::from_slot(section.slot()) == Some(section)));
        assert_eq!(Section::from_slot(0), None);
    }
}
