//! Chance from a seed: that of the simulated federations, and times.

#[allow(dead_code, reason = "federations draw in more ways")]
#[path = "../../../crates/ledger/tests/simulation/dice.rs"]
mod chance;

use std::time::Duration;

pub(crate) use self::chance::Dice;

impl Dice {
    /// One of those, which are not none.
    pub(crate) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.draw()).unwrap() % all.len()]
    }

    /// A time between two, more often short than long.
    pub(crate) fn time(&mut self, low_millis: u64, high_millis: u64) -> Duration {
        let high = self.between(low_millis, high_millis);
        Duration::from_millis(self.between(low_millis, high))
    }
}
