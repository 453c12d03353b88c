//! Kinds of entries and the sections each kind commits to.
//!
//! Not here: what a section says (`watchlist`, `policy`).

use std::fmt;

/// One section of an entry, named by its number in the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u8);

impl Slot {
    /// The handling of every slot of the entry; what a recipient must obey.
    pub const HANDLING: Self = Self(0);
    /// Releasable-to, not-releasable-to and protection states; opened only where onward sharing is permitted.
    pub const AUDIENCE: Self = Self(1);
    /// What is designated: handle, key, names, dates, measures.
    pub const CORE: Self = Self(2);
    /// Documents, numbers, contacts.
    pub const IDENTIFIERS: Self = Self(3);
    /// Reasons fit for publication.
    pub const REASONS_PUBLIC: Self = Self(4);
    /// Reasons that are not.
    pub const REASONS_CLOSED: Self = Self(5);
    /// Where the record came from.
    pub const SOURCES: Self = Self(6);
    /// Sightings.
    pub const SIGHTINGS: Self = Self(7);
    /// The body of control, governance, erase, bind and account entries.
    pub const CONTROL: Self = Self(8);
    /// Hashed indicators.
    pub const TAGS: Self = Self(9);

    /// The slot of a number; numbers that no version knows yet are slots too.
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number in the envelope.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The word for the slot in documents and reports.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "handling",
            1 => "audience",
            2 => "core",
            3 => "identifiers",
            4 => "reasons_public",
            5 => "reasons_closed",
            6 => "sources",
            7 => "sightings",
            8 => "control",
            9 => "tags",
            _ => "unknown",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

/// What an entry is, coarsely: the envelope is read by those who may not read the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Entry 0 of every origin.
    Genesis,
    /// A change to one watchlist record.
    Record,
    /// An act upon earlier entries: approval, relabel, suspension.
    Control,
    /// Agreements, rosters, communities, list policies.
    Governance,
    /// Hashed indicators.
    Tags,
    /// The binding of another origin's checkpoint.
    Bind,
    /// The announcement of an erasure.
    Erase,
    /// A key event.
    Key,
    /// Evidence of another author's equivocation.
    Evidence,
    /// One line of the accountability log.
    Account,
    /// A kind that this version does not know: kept and relayed, not shown.
    Unknown(u8),
}

impl Kind {
    /// The kind of a code; total, since codes of later versions are kept.
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Genesis,
            2 => Self::Record,
            3 => Self::Control,
            4 => Self::Governance,
            5 => Self::Tags,
            6 => Self::Bind,
            7 => Self::Erase,
            8 => Self::Key,
            9 => Self::Evidence,
            10 => Self::Account,
            other => Self::Unknown(other),
        }
    }

    /// The code in the envelope.
    pub const fn code(self) -> u8 {
        match self {
            Self::Genesis => 1,
            Self::Record => 2,
            Self::Control => 3,
            Self::Governance => 4,
            Self::Tags => 5,
            Self::Bind => 6,
            Self::Erase => 7,
            Self::Key => 8,
            Self::Evidence => 9,
            Self::Account => 10,
            Self::Unknown(code) => code,
        }
    }

    /// The word for the kind in documents and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Genesis => "genesis",
            Self::Record => "record",
            Self::Control => "control",
            Self::Governance => "governance",
            Self::Tags => "tags",
            Self::Bind => "bind",
            Self::Erase => "erase",
            Self::Key => "key",
            Self::Evidence => "evidence",
            Self::Account => "account",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The slots that every entry of this kind commits to, ascending; `None` for an unknown kind.
    ///
    /// The set is always complete: an absent section is a commitment to the empty string, so that absent and
    /// withheld look alike.
    pub const fn slots(self) -> Option<&'static [Slot]> {
        match self {
            Self::Genesis | Self::Key | Self::Evidence => Some(&[]),
            Self::Record => Some(&[
                Slot::HANDLING,
                Slot::AUDIENCE,
                Slot::CORE,
                Slot::IDENTIFIERS,
                Slot::REASONS_PUBLIC,
                Slot::REASONS_CLOSED,
                Slot::SOURCES,
                Slot::SIGHTINGS,
            ]),
            Self::Control | Self::Governance | Self::Erase => {
                Some(&[Slot::HANDLING, Slot::AUDIENCE, Slot::CONTROL])
            }
            Self::Tags => Some(&[Slot::HANDLING, Slot::AUDIENCE, Slot::TAGS]),
            Self::Bind | Self::Account => Some(&[Slot::HANDLING, Slot::CONTROL]),
            Self::Unknown(_) => None,
        }
    }

    /// Whether entries of this kind carry a public body; the others must leave it empty.
    pub const fn has_public_body(self) -> bool {
        matches!(self, Self::Genesis | Self::Key | Self::Erase | Self::Evidence | Self::Unknown(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_kinds_map_one_to_one() {
        for code in 0..=u8::MAX {
            assert_eq!(Kind::from_code(code).code(), code);
        }
    }

    #[test]
    fn slot_sets_ascend() {
        for code in 1..=10 {
            let slots = Kind::from_code(code).slots().unwrap();
            assert!(slots.windows(2).all(|pair| pair[0] < pair[1]), "kind {code}");
        }
    }
}
