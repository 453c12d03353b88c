//! Codes of goods: under which entry of a control list or a customs tariff a good falls, as a scheme and a path.
//!
//! One code covers another if it is the same or the other lies below it: `1C350` covers `1C350.a.12`. Codes of two
//! control lists are never compared, though many numbers mean the same: only the lists themselves say which do.
//! Not for: how a code is read (`parse`), what an entry of a list says, or which entries a list has today.

mod parse;

use std::fmt;

use thiserror::Error;

use crate::limits::{GOODS_CODE_BYTES_MAX, GOODS_DEPTH_MAX};

/// The list or tariff that a code of goods is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GoodsScheme {
    /// Annex I to Regulation (EU) 2021/821, such as `1C350.a.12`.
    EuDualUse,
    /// Export control classification number of the United States (15 CFR 774, supplement 1), such as `3A001.b.2`.
    Eccn,
    /// Dual-use list of the Wassenaar Arrangement, such as `1.C.1.a`.
    WassenaarDualUse,
    /// Common Military List of the European Union, such as `ML1.a`.
    EuMilitary,
    /// Munitions List of the Wassenaar Arrangement, such as `ML1.a`.
    WassenaarMunitions,
    /// Munitions List of the United States (22 CFR 121.1), such as `VIII(h)(1)`.
    Usml,
    /// Harmonized System: chapter, heading or subheading, of 2, 4 or 6 digits.
    Hs,
    /// Combined Nomenclature of the European Union, of 8 digits.
    Cn,
    /// TARIC of the European Union, of 10 digits.
    Taric,
}

// Scheme and the word by which records and commands name it; it stands in records, and so it never changes.
const SCHEMES: [(GoodsScheme, &str); 9] = [
    (GoodsScheme::EuDualUse, "eu"),
    (GoodsScheme::Eccn, "eccn"),
    (GoodsScheme::WassenaarDualUse, "wassenaar"),
    (GoodsScheme::EuMilitary, "eu-ml"),
    (GoodsScheme::WassenaarMunitions, "wassenaar-ml"),
    (GoodsScheme::Usml, "usml"),
    (GoodsScheme::Hs, "hs"),
    (GoodsScheme::Cn, "cn"),
    (GoodsScheme::Taric, "taric"),
];

/// A code of goods: its scheme, and the path from the broadest entry to the one that is meant. Printed, it is the code
/// in its canonical form, without its scheme.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoodsCode {
    scheme: GoodsScheme,
    path: Vec<String>,
}

/// Why a text is no code of goods. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GoodsError {
    /// No scheme, or one that there is not.
    #[error("a code of goods has a scope that names its scheme: {}", Words)]
    Scheme,
    /// Nothing.
    #[error("code of goods is empty")]
    Empty,
    /// Longer than its limit.
    #[error("code of goods of {len} bytes is longer than {max}")]
    TooLong {
        /// Length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// A character that no code has, or that may not stand where it does.
    #[error("code of goods has a character at byte {at} that may not stand there")]
    Character {
        /// Position in bytes.
        at: usize,
    },
    /// More segments than any list has levels.
    #[error("code of goods has {depth} segments, more than {max}")]
    TooDeep {
        /// How many segments.
        depth: usize,
        /// The limit.
        max: usize,
    },
    /// It does not begin as the codes of its scheme do.
    #[error("a code of goods of {scheme} begins with {}", scheme.beginning())]
    Entry {
        /// The scheme.
        scheme: GoodsScheme,
    },
    /// A segment behind the entry that is no paragraph.
    #[error("paragraph {place} of the code of goods is not {}", scheme.paragraph(*place))]
    Paragraph {
        /// The scheme.
        scheme: GoodsScheme,
        /// Which paragraph, from 1.
        place: usize,
    },
    /// An entry that has no paragraphs.
    #[error("EAR99 has no paragraphs")]
    Undivided,
    /// Digits of a tariff, too few or too many for the scheme.
    #[error("a code of goods of {scheme} has {}, not {count}", scheme.beginning())]
    Digits {
        /// The scheme.
        scheme: GoodsScheme,
        /// How many digits there are.
        count: usize,
    },
    /// A chapter of a tariff that there is not.
    #[error("the tariff has no chapter 00")]
    Chapter,
}

/// The words of all schemes, for a person who has to choose one.
struct Words;

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        GoodsScheme::all()
            .try_for_each(|scheme| write!(f, "{}{scheme}", std::mem::replace(&mut between, ", ")))
    }
}

impl GoodsScheme {
    /// The scheme that a word such as `eccn` names.
    pub fn from_word(word: &str) -> Option<Self> {
        SCHEMES.iter().find(|(_, known)| *known == word).map(|(scheme, _)| *scheme)
    }

    /// Every scheme.
    pub fn all() -> impl Iterator<Item = Self> {
        SCHEMES.iter().map(|(scheme, _)| *scheme)
    }

    /// The scheme that stands for all whose codes are compared: those of the customs tariff are one hierarchy.
    #[must_use]
    pub const fn family(self) -> Self {
        match self {
            Self::Cn | Self::Taric => Self::Hs,
            other => other,
        }
    }

    /// What a code begins with, for errors.
    const fn beginning(self) -> &'static str {
        match self {
            Self::EuDualUse => "a category (0 to 9), a group (A to E) and three digits, as 1C350",
            Self::Eccn => "a category (0 to 9), a group (A to E) and three digits, as 3A001, or is EAR99",
            Self::WassenaarDualUse => {
                "a category (1 to 9), a group (A to E) and a number from 1 to 99, as 1.C.1 or 1C001"
            }
            Self::EuMilitary | Self::WassenaarMunitions => "ML and a number from 1 to 22, as ML1",
            Self::Usml => "a category from I to XXI in Roman numerals, as VIII",
            Self::Hs => "2, 4 or 6 digits",
            Self::Cn => "8 digits",
            Self::Taric => "10 digits",
        }
    }

    /// What a paragraph may be, for errors.
    const fn paragraph(self, place: usize) -> &'static str {
        match (self, place) {
            (Self::Usml, 1) => "a letter, as in VIII(h)",
            (Self::Usml, 2) => "a number from 1 to 999, as in VIII(h)(1)",
            (Self::Usml, 3) => "a Roman numeral from i to xcix, as in XI(a)(3)(ii)",
            (Self::Usml, 4) => "a letter, as in XI(a)(3)(ii)(A)",
            (Self::Usml, _) => "one that the list has: it ends with the fourth",
            _ => "a letter (one, or twice the same) or a number from 1 to 999",
        }
    }
}

impl GoodsCode {
    /// Reads a code as people and lists write it. Case, spaces, dots between segments and a dot at the end make no
    /// difference; a paragraph of the munitions list of the United States may stand in brackets.
    ///
    /// # Errors
    /// [`GoodsError`] if it is longer than [`GOODS_CODE_BYTES_MAX`], deeper than [`GOODS_DEPTH_MAX`], or not as the
    /// codes of its scheme are.
    pub fn parse(scheme: GoodsScheme, text: &str) -> Result<Self, GoodsError> {
        if text.len() > GOODS_CODE_BYTES_MAX {
            return Err(GoodsError::TooLong { len: text.len(), max: GOODS_CODE_BYTES_MAX });
        }
        let path = parse::path(scheme, text)?;
        if path.len() > GOODS_DEPTH_MAX {
            return Err(GoodsError::TooDeep { depth: path.len(), max: GOODS_DEPTH_MAX });
        }
        Ok(Self { scheme, path })
    }

    /// The scheme.
    pub const fn scheme(&self) -> GoodsScheme {
        self.scheme
    }

    /// The segments, the broadest first: `1C350`, `a`, `12`; of a tariff, pairs of digits. Never empty.
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// Whether the other is the same or lies below: a prefix by whole segments, in one scheme or in one tariff.
    pub fn covers(&self, other: &Self) -> bool {
        self.scheme.family() == other.scheme.family() && other.path.starts_with(&self.path)
    }
}

impl fmt::Display for GoodsScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEMES.iter().find(|(scheme, _)| scheme == self).map_or("", |(_, word)| word))
    }
}

impl fmt::Display for GoodsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = match self.scheme.family() {
            GoodsScheme::Hs => ("", ""),
            GoodsScheme::Usml => ("(", ")"),
            _ => (".", ""),
        };
        self.path.iter().enumerate().try_for_each(|(at, segment)| {
            if at == 0 { f.write_str(segment) } else { write!(f, "{before}{segment}{after}") }
        })
    }
}
