//! What a section may be used for: the closed list of purposes, and sets of them.
//!
//! Not for: who may ask for which purpose (officers' roles), which comes with the rosters.

use crate::word::Word;

/// One purpose of the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Freezing of assets.
    AssetFreeze,
    /// Licensing of exports.
    ExportLicensing,
    /// Embargoes on arms.
    ArmsEmbargo,
    /// Customs.
    Customs,
    /// Checks at the border.
    BorderCheck,
    /// Investigation of crimes.
    CriminalInvestigation,
    /// Countering terrorism.
    CounterTerrorism,
    /// Analysis by a financial intelligence unit.
    FiuAnalysis,
    /// Defence of networks.
    CyberDefence,
    /// Protection of victims.
    VictimProtection,
    /// Oversight.
    Oversight,
    /// Redress.
    Redress,
    /// Research and statistics.
    ResearchStats,
    /// Exercises.
    Exercise,
}

impl Word for Purpose {
    const WORDS: &'static [(Self, u64, &'static str)] = &[
        (Self::AssetFreeze, 1, "ASSET_FREEZE"),
        (Self::ExportLicensing, 2, "EXPORT_LICENSING"),
        (Self::ArmsEmbargo, 3, "ARMS_EMBARGO"),
        (Self::Customs, 4, "CUSTOMS"),
        (Self::BorderCheck, 5, "BORDER_CHECK"),
        (Self::CriminalInvestigation, 6, "CRIMINAL_INVESTIGATION"),
        (Self::CounterTerrorism, 7, "COUNTER_TERRORISM"),
        (Self::FiuAnalysis, 8, "FIU_ANALYSIS"),
        (Self::CyberDefence, 9, "CYBER_DEFENCE"),
        (Self::VictimProtection, 10, "VICTIM_PROTECTION"),
        (Self::Oversight, 11, "OVERSIGHT"),
        (Self::Redress, 12, "REDRESS"),
        (Self::ResearchStats, 13, "RESEARCH_STATS"),
        (Self::Exercise, 14, "EXERCISE"),
    ];
}

impl Purpose {
    const fn bit(self) -> u16 {
        match self {
            Self::AssetFreeze => 1 << 1,
            Self::ExportLicensing => 1 << 2,
            Self::ArmsEmbargo => 1 << 3,
            Self::Customs => 1 << 4,
            Self::BorderCheck => 1 << 5,
            Self::CriminalInvestigation => 1 << 6,
            Self::CounterTerrorism => 1 << 7,
            Self::FiuAnalysis => 1 << 8,
            Self::CyberDefence => 1 << 9,
            Self::VictimProtection => 1 << 10,
            Self::Oversight => 1 << 11,
            Self::Redress => 1 << 12,
            Self::ResearchStats => 1 << 13,
            Self::Exercise => 1 << 14,
        }
    }
}

/// A set of purposes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Purposes(u16);

impl Purposes {
    /// No purpose: what permits nothing.
    pub const NONE: Self = Self(0);
    /// Every purpose of the closed list.
    pub const ALL: Self = Self(0x7ffe);
    /// Every purpose but exercises: what real data defaults to (C18).
    pub const ALL_BUT_EXERCISE: Self = Self(0x3ffe);
    /// The purposes that protect a subject (E33).
    pub const PROTECTION: Self = Self::of(&[Purpose::VictimProtection]);
    /// The purposes that act against a subject (E33).
    pub const ENFORCEMENT: Self = Self::of(&[
        Purpose::AssetFreeze,
        Purpose::ArmsEmbargo,
        Purpose::Customs,
        Purpose::BorderCheck,
        Purpose::CriminalInvestigation,
        Purpose::CounterTerrorism,
        Purpose::FiuAnalysis,
    ]);

    /// The set of these purposes.
    pub const fn of(mut purposes: &[Purpose]) -> Self {
        let mut bits = 0;
        while let [first, rest @ ..] = purposes {
            bits |= first.bit();
            purposes = rest;
        }
        Self(bits)
    }

    /// Whether the set has no purpose.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the set has this purpose.
    pub const fn contains(self, purpose: Purpose) -> bool {
        self.0 & purpose.bit() != 0
    }

    /// The purposes in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The purposes in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The purposes of this set that the other has not.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The purposes, in the order of their codes.
    pub fn iter(self) -> impl Iterator<Item = Purpose> {
        Purpose::WORDS.iter().map(|(purpose, _, _)| *purpose).filter(move |purpose| self.contains(*purpose))
    }

    /// The set as bits, for the wire: bit n stands for the purpose of code n.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The set of these bits; `None` if one stands for no purpose.
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 { Some(Self(bits)) } else { None }
    }
}

impl FromIterator<Purpose> for Purposes {
    fn from_iter<I: IntoIterator<Item = Purpose>>(purposes: I) -> Self {
        purposes.into_iter().fold(Self::NONE, |set, purpose| set.union(Self::of(&[purpose])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_codes_and_sets_are_as_decided() {
        for purpose in Purposes::ALL.iter() {
            assert_eq!(u64::from(Purposes::of(&[purpose]).bits()), 1 << purpose.code());
        }
        assert_eq!(Purposes::ALL.iter().count(), 14);
        assert_eq!(Purposes::ALL.without(Purposes::ALL_BUT_EXERCISE), Purposes::of(&[Purpose::Exercise]));
        assert_eq!(Purposes::ENFORCEMENT.iter().count(), 7);
        assert_eq!(Purposes::from_bits(1), None);
        assert_eq!(Purposes::from_bits(2), Some(Purposes::of(&[Purpose::AssetFreeze])));
        assert_eq!(Purposes::ALL.iter().collect::<Purposes>(), Purposes::ALL);
    }
}
