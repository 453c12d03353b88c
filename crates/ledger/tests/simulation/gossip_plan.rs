//! What a seed decides of gossip before anything happens: who cosigns which log, how often agencies speak to each
//! other, whose keys are stolen.
//!
//! It has a chance of its own, so that all else of a seed is what it is without gossip.

use std::collections::BTreeSet;

use comity_ledger::Role;

use crate::dice::Dice;
use crate::disk::Who;

/// In every so many seeds an agency may crash behind each step of a cosignature.
const CRASHES_EVERY: u64 = 3;

/// Gossip to be.
#[derive(Clone, Debug)]
pub(crate) struct GossipPlan {
    /// Agency, log and role; some of all, since signatures are most of what a seed costs.
    pub(crate) cosigners: BTreeSet<(Who, Who, Role)>,
    /// Mean time between the rounds of one agency, in milliseconds.
    pub(crate) every: u64,
    /// Crashes right behind a step of a cosignature: of a thousand.
    pub(crate) crashes: u64,
    /// Whether clocks jump.
    pub(crate) jumps: bool,
    /// Who has stolen the cosigning keys of whom.
    pub(crate) cosigner_thief: Option<(Who, Who)>,
    /// Who has stolen the key of whose log.
    pub(crate) log_thief: Option<(Who, Who)>,
}

impl GossipPlan {
    pub(crate) fn draw(dice: &mut Dice, seed: u64, agencies: u8) -> Self {
        let mut cosigners = BTreeSet::new();
        for who in (0..agencies).map(Who) {
            for log in (0..agencies).map(Who) {
                if dice.one_in(4) {
                    cosigners.insert((who, log, Role::Witness));
                }
                if dice.one_in(6) && who != log {
                    cosigners.insert((who, log, Role::Mirror));
                }
            }
        }
        let two = |dice: &mut Dice| {
            let one = dice.below(u64::from(agencies));
            let other = (one + dice.between(1, u64::from(agencies) - 1)) % u64::from(agencies);
            (Who(u8::try_from(one).unwrap()), Who(u8::try_from(other).unwrap()))
        };
        let every = dice.between(5_000, 15_000);
        let crashes = if seed.is_multiple_of(CRASHES_EVERY) { dice.between(1, 60) } else { 0 };
        let jumps = dice.one_in(2);
        let cosigner_thief = dice.one_in(4).then(|| two(dice));
        let log_thief = dice.one_in(8).then(|| two(dice));
        Self { cosigners, every, crashes, jumps, cosigner_thief, log_thief }
    }
}
