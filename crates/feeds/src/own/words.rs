//! The words of the closed lists: kinds, roles, ties and so on.
//!
//! A code that this program does not know has no word: it is refused in writing, and cannot be read.

use comity_watchlist::{
    Checksum, DelistReason, FactKind, Gender, IdKind, NameKind, NameQuality, PartRole, PlaceKind, Relation,
    SubjectKind, Tie,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::OwnError;

/// A value of a closed list.
pub(super) trait Worded: Copy + PartialEq {
    /// What the list is of, for errors.
    const WHAT: &'static str;

    /// Every value with its word.
    fn words() -> Vec<(String, Self)>;
}

/// A value that is read and written as its word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<T>(pub(super) T);

impl<T: Worded> Word<T> {
    /// The value as one that can be written.
    pub(super) fn of(value: T) -> Result<Self, OwnError> {
        let known = T::words().iter().any(|(_, known)| *known == value);
        if known { Ok(Self(value)) } else { Err(OwnError::NoWord { what: T::WHAT }) }
    }
}

impl<'de, T: Worded> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let words = T::words();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| Self(*value));
        found.ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
            D::Error::custom(format!("no {} is called {text:?}; they are {}", T::WHAT, words.join(", ")))
        })
    }
}

impl<T: Worded> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words = T::words();
        let word = words.iter().find(|(_, value)| *value == self.0).map(|(word, _)| word);
        serializer.serialize_str(word.ok_or_else(|| serde::ser::Error::custom("a value without a word"))?)
    }
}

fn owned<T: Copy>(words: &[(&str, T)]) -> Vec<(String, T)> {
    words.iter().map(|(word, value)| ((*word).to_owned(), *value)).collect()
}

impl Worded for SubjectKind {
    const WHAT: &'static str = "kind of subject";

    fn words() -> Vec<(String, Self)> {
        // The codes are without a gap from 1 on.
        let known = (1..=u8::MAX).map(Self::from_code).take_while(|kind| !matches!(kind, Self::Unknown(_)));
        known.map(|kind| (kind.word().to_owned(), kind)).collect()
    }
}

impl Worded for IdKind {
    const WHAT: &'static str = "kind of identifier";

    fn words() -> Vec<(String, Self)> {
        Self::all().map(|kind| (kind.to_string(), kind)).collect()
    }
}

impl Worded for NameKind {
    const WHAT: &'static str = "kind of name";

    fn words() -> Vec<(String, Self)> {
        owned(&[("primary", Self::Primary), ("aka", Self::Aka), ("fka", Self::Fka), ("nka", Self::Nka)])
    }
}

impl Worded for NameQuality {
    const WHAT: &'static str = "quality of a name";

    fn words() -> Vec<(String, Self)> {
        owned(&[("good", Self::Good), ("weak", Self::Weak)])
    }
}

impl Worded for PartRole {
    const WHAT: &'static str = "role of a part of a name";

    fn words() -> Vec<(String, Self)> {
        owned(&[
            ("given", Self::Given),
            ("middle", Self::Middle),
            ("family", Self::Family),
            ("patronymic", Self::Patronymic),
            ("ordered", Self::Ordered),
        ])
    }
}

impl Worded for FactKind {
    const WHAT: &'static str = "kind of fact";

    fn words() -> Vec<(String, Self)> {
        owned(&[
            ("birth", Self::Birth),
            ("death", Self::Death),
            ("founded", Self::Founded),
            ("dissolved", Self::Dissolved),
            ("built", Self::Built),
        ])
    }
}

impl Worded for PlaceKind {
    const WHAT: &'static str = "kind of place";

    fn words() -> Vec<(String, Self)> {
        owned(&[("birth", Self::Birth), ("founded", Self::Founded)])
    }
}

impl Worded for Tie {
    const WHAT: &'static str = "tie to a country";

    fn words() -> Vec<(String, Self)> {
        owned(&[
            ("nationality", Self::Nationality),
            ("citizenship", Self::Citizenship),
            ("residence", Self::Residence),
            ("registration", Self::Registration),
        ])
    }
}

impl Worded for Gender {
    const WHAT: &'static str = "gender";

    fn words() -> Vec<(String, Self)> {
        owned(&[("male", Self::Male), ("female", Self::Female)])
    }
}

impl Worded for Checksum {
    const WHAT: &'static str = "checksum verdict";

    fn words() -> Vec<(String, Self)> {
        owned(&[("valid", Self::Valid), ("invalid", Self::Invalid)])
    }
}

impl Worded for Relation {
    const WHAT: &'static str = "relation";

    fn words() -> Vec<(String, Self)> {
        owned(&[
            ("linked", Self::Linked),
            ("owns", Self::Owns),
            ("owned-by", Self::OwnedBy),
            ("directs", Self::Directs),
            ("family", Self::Family),
            ("acts-for", Self::ActsFor),
        ])
    }
}

/// The grounds on which an agency ends a listing of its own: all but that a source no longer has it.
const GROUNDS: [DelistReason; 5] = [
    DelistReason::Expired,
    DelistReason::Annulled,
    DelistReason::Deceased,
    DelistReason::Mistaken,
    DelistReason::Superseded,
];

/// The words of the grounds on which an agency ends a listing.
pub fn ground_words() -> impl Iterator<Item = &'static str> {
    GROUNDS.into_iter().map(DelistReason::word)
}

/// The ground that a word names.
pub fn ground_of(word: &str) -> Option<DelistReason> {
    GROUNDS.into_iter().find(|ground| ground.word() == word)
}
