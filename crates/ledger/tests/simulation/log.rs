//! Which log: whose it is, and which of that agency's, as its origin says it.

use comity_ledger::Origin;

use crate::disk::Who;

/// Set where an author with two histories keeps the second; nobody else has a log of that name.
const SECOND: u8 = 0x80;
/// Set in the name of a successor.
const SUCCESSOR: u8 = 0x40;

/// A log, by its origin. An agency has one, and once that is closed another that goes on from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Log(u8);

impl Log {
    /// Between these two lie all logs there are.
    pub(crate) const FIRST: Self = Self(0);
    pub(crate) const LAST: Self = Self(u8::MAX);

    /// The log with which an agency begins.
    pub(crate) fn of(who: Who) -> Self {
        Self(who.0)
    }

    /// Whose it is.
    pub(crate) fn author(self) -> Who {
        Who(self.0 & !(SECOND | SUCCESSOR))
    }

    /// Where an author with two histories keeps the second.
    pub(crate) fn second(self) -> Self {
        Self(self.0 | SECOND)
    }

    /// The log of which both histories of an author with two are.
    pub(crate) fn shared(self) -> Self {
        Self(self.0 & !SECOND)
    }

    /// The log that goes on where this one is closed. What is simulated of a first successor holds for the next.
    pub(crate) fn successor(self) -> Option<Self> {
        (!self.is_successor()).then_some(Self(self.0 | SUCCESSOR))
    }

    /// The log from which this one goes on.
    pub(crate) fn predecessor(self) -> Option<Self> {
        self.is_successor().then_some(Self(self.0 & !SUCCESSOR))
    }

    pub(crate) fn is_successor(self) -> bool {
        self.0 & SUCCESSOR != 0
    }

    /// Its name in the name of a record.
    pub(crate) fn number(self) -> u8 {
        self.0
    }

    pub(crate) fn origin(self) -> Origin {
        let first: Origin = format!("agency-{}.example/pub", self.author().0).parse().unwrap();
        if self.is_successor() { first.successor().unwrap() } else { first }
    }
}
