//! What a broken publication looks like beside the records held: too much of it is gone.
//!
//! A download that stopped, a file left out or a lost quote must never be signed as the will of the publisher. Not
//! for: finding the changes (`diff`).

use std::fmt;

use comity_watchlist::{Address, ListId, Record};
use thiserror::Error;

use crate::snapshot::RejectedRow;

/// Losses beyond this count are refused without leave: the busiest real publication removed fewer for cause, and a
/// truncated download loses more. Counts records, and each kind of detail of the records that stay.
pub const REMOVALS_MAX: usize = 50;

/// Losses beyond this share of what is held are refused without leave, in percent.
pub const REMOVALS_PERCENT_MAX: usize = 5;

/// Losses below this count are never refused by share: one of ten records may well end.
pub const REMOVALS_BY_SHARE_MIN: usize = 2;

/// Why a publication changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The publication has no record. Refused even if removals are accepted.
    #[error("the publication of {list} has no record")]
    Empty {
        /// The list.
        list: ListId,
    },
    /// Too many records would end at once, as a broken download looks.
    #[error("{removed} of {held} records would be removed; accept removals if that is meant")]
    Removals {
        /// How many would end.
        removed: usize,
        /// How many are held.
        held: usize,
    },
    /// Records would end while rows that cannot be read may be theirs.
    #[error(
        "{removed} records would be removed, but {rows} rows cannot be read and may be theirs; accept removals if \
         that is meant"
    )]
    Uncertain {
        /// How many would end.
        removed: usize,
        /// How many rows may hide a record.
        rows: usize,
    },
    /// Records that stay would lose too many details of one kind, as a broken or missing file looks.
    #[error("{lost} of {held} {detail} of records that stay would be lost; accept removals if that is meant")]
    Details {
        /// The kind.
        detail: Detail,
        /// How many would be lost, record by record.
        lost: usize,
        /// How many the records have as they are held.
        held: usize,
    },
    /// The publication is of another list than the records held.
    #[error("the publication is of {found}, the records held are of {held}")]
    OtherList {
        /// The list of the publication.
        found: ListId,
        /// The list held.
        held: ListId,
    },
}

/// A kind of detail that a record may have many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Names other than the first.
    Aliases,
    /// Addresses.
    Addresses,
    /// Numbers of documents and the like.
    Identifiers,
}

impl Detail {
    const ALL: [Self; 3] = [Self::Aliases, Self::Addresses, Self::Identifiers];

    fn count(self, record: &Record) -> usize {
        match self {
            Self::Aliases => record.names.len().saturating_sub(1),
            Self::Addresses => record.addresses.iter().filter(|address| tells(address)).count(),
            Self::Identifiers => record.identifiers.len(),
        }
    }
}

/// True if an address tells more than its number: OFAC's tables have rows of nothing else, which its XML leaves out.
fn tells(address: &Address) -> bool {
    let words = [&address.verbatim, &address.street, &address.city, &address.region];
    let more = [&address.postal_code, &address.locality, &address.note];
    words.into_iter().chain(more).any(Option::is_some) || address.country.is_some()
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aliases => "aliases",
            Self::Addresses => "addresses",
            Self::Identifiers => "identifiers",
        })
    }
}

/// Refuses the end of too many records at once.
pub(crate) fn removals(removed: usize, held: usize) -> Result<(), Refusal> {
    if too_many(removed, held) { Err(Refusal::Removals { removed, held }) } else { Ok(()) }
}

/// Refuses any end while a row may be, or may have swallowed, that of a record that seems absent.
pub(crate) fn certainty(removed: usize, rejected: &[RejectedRow], more: u64) -> Result<(), Refusal> {
    let hiding = rejected.iter().filter(|row| row.may_hide_others).count();
    // Of rows that were only counted it is not known whose they are.
    let rows = hiding.saturating_add(usize::try_from(more).unwrap_or(usize::MAX));
    if removed > 0 && rows > 0 { Err(Refusal::Uncertain { removed, rows }) } else { Ok(()) }
}

/// The details of the records that stay, each told as it is held and as it is published. What one record gains does not make
/// up for what another loses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Staying {
    /// Of each kind: how many are held, and how many of them are lost.
    counts: [(usize, usize); Detail::ALL.len()],
}

impl Staying {
    pub(crate) fn add(&mut self, held: &Record, new: &Record) {
        for (detail, (count, lost)) in Detail::ALL.into_iter().zip(&mut self.counts) {
            let before = detail.count(held);
            *count += before;
            *lost += before.saturating_sub(detail.count(new));
        }
    }

    /// Refuses a mass loss.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        for (detail, (held, lost)) in Detail::ALL.into_iter().zip(self.counts) {
            if too_many(lost, held) {
                return Err(Refusal::Details { detail, lost, held });
            }
        }
        Ok(())
    }
}

const fn too_many(lost: usize, held: usize) -> bool {
    let by_share =
        lost >= REMOVALS_BY_SHARE_MIN && lost.saturating_mul(100) > held.saturating_mul(REMOVALS_PERCENT_MAX);
    by_share || lost > REMOVALS_MAX
}
