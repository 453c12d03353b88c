//! The place of a change in a package: a set of changes that takes effect whole or not at all.
//!
//! The members of a package stand next to each other in one log, each of another listing, and each says which of how many
//! it is. Not for: when a package is whole, and what becomes of one that never is (`screening`); under which labels it may
//! stand (`node`).

use crate::cbor::{Fields, Value};
use crate::change::Change;
use crate::error::RecordError;
use crate::form::{self, Bound, bound};
use crate::length::{Item, Put};
use crate::limits::PACKAGE_MEMBERS_MAX;

const FIELD: &str = "package";
/// Place and count.
const PAIR_BOUND: Bound = bound(FIELD, 2);

/// Which of how many changes of its package a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackagePlace {
    place: u16,
    count: u16,
}

impl PackagePlace {
    /// The `place`th, from 1, of `count` changes; `None` unless there are 2 to [`PACKAGE_MEMBERS_MAX`] and it is one of
    /// them.
    pub const fn new(place: u16, count: u16) -> Option<Self> {
        if count >= 2 && count <= PACKAGE_MEMBERS_MAX && place >= 1 && place <= count {
            Some(Self { place, count })
        } else {
            None
        }
    }

    /// The places of a package of so many changes, in order; none if a package cannot have so many.
    pub fn all(count: usize) -> impl Iterator<Item = Self> {
        let count = u16::try_from(count).unwrap_or(0);
        (1..=count).filter_map(move |place| Self::new(place, count))
    }

    /// Its number, from 1.
    pub const fn place(self) -> u16 {
        self.place
    }

    /// How many changes the package has.
    pub const fn count(self) -> u16 {
        self.count
    }

    pub(crate) fn put<M: Put>(self, fields: &mut M, key: u64) {
        let pair = [self.place, self.count].map(|number| Item::Unsigned(number.into()));
        fields.items(key, pair.into_iter());
    }

    /// Reads the place of a change; statements change no listing, and are members of none.
    pub(crate) fn take(fields: &mut Fields, key: u64) -> Result<Self, RecordError> {
        let invalid = || RecordError::Invalid { field: FIELD };
        match form::take_values(fields, key, PAIR_BOUND)?.as_slice() {
            [] => Err(RecordError::Missing { field: FIELD }),
            [Value::Unsigned(place), Value::Unsigned(count)] => {
                let place = u16::try_from(*place).map_err(|_| invalid())?;
                let count = u16::try_from(*count).map_err(|_| invalid())?;
                Self::new(place, count).ok_or_else(invalid)
            }
            _ => Err(invalid()),
        }
    }

    /// Refuses a change that can be no member of a package.
    pub(crate) fn check(change: &Change) -> Result<(), RecordError> {
        if change.op.is_of_statement() { Err(RecordError::Invalid { field: FIELD }) } else { Ok(()) }
    }
}
