//! What was done to the agencies, counted by kind.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

/// Counts of one seed or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) seeds: u64,
    pub(crate) events: u64,
    pub(crate) simulated_ms: u64,
    /// Trees that were signed.
    pub(crate) signed: u64,
    /// Lines that cosigners made.
    pub(crate) cosigned: u64,
    /// Sessions in which anything was kept.
    pub(crate) kept: u64,
    pub(crate) faults: BTreeMap<&'static str, u64>,
    /// What followers refused, and what they then doubted.
    pub(crate) refused: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    pub(crate) fn refused(&mut self, what: &'static str) {
        *self.refused.entry(what).or_default() += 1;
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.events += other.events;
        self.simulated_ms += other.simulated_ms;
        self.signed += other.signed;
        self.cosigned += other.cosigned;
        self.kept += other.kept;
        for (mine, theirs) in [(&mut self.faults, other.faults), (&mut self.refused, other.refused)] {
            for (kind, count) in theirs {
                *mine.entry(kind).or_default() += count;
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.simulated_ms / 3_600_000;
        let (faults, refusals) = (self.faults.values().sum::<u64>(), self.refused.values().sum::<u64>());
        write!(f, "{} seeds, {} events, {hours} simulated hours, ", self.seeds, self.events)?;
        write!(f, "{} trees signed, {} lines of cosigners, ", self.signed, self.cosigned)?;
        write!(f, "{} steps kept, {faults} faults:", self.kept)?;
        for (kind, count) in &self.faults {
            write!(f, " {kind} {count},")?;
        }
        write!(f, " {refusals} refusals:")?;
        let kinds: Vec<String> = self.refused.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        write!(f, " {}", kinds.join(", "))
    }
}
