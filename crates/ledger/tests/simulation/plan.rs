//! What a seed decides before anything happens: who takes part, who follows whom through whom, and what goes wrong.

use std::collections::BTreeMap;

use crate::dice::Dice;
use crate::disk::Who;

/// What is put back to an earlier state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PutBack {
    /// The database, as a backup holds it; the lock stays.
    Database,
    /// The lock alone.
    Lock,
    /// Both, as with the image of a whole machine: nothing at home can tell.
    Both,
}

/// A world to be.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) agencies: u8,
    /// From whom each agency fetches each log: its author, or one that fetches it itself.
    pub(crate) upstream: BTreeMap<(Who, Who), Who>,
    /// Whether connections keep the order of messages.
    pub(crate) ordered: bool,
    /// Messages lost, doubled, out of order: of a thousand each.
    pub(crate) loss: u64,
    pub(crate) disorder: u64,
    /// Longest time of a message on its way, in milliseconds.
    pub(crate) latency: u64,
    /// Crashes right behind a step: of a thousand.
    pub(crate) crashes: u64,
    /// Mean time between faults of whole nodes and ways, in milliseconds.
    pub(crate) fault_every: u64,
    /// Mean time between the appends of one author, in milliseconds.
    pub(crate) append_every: u64,
    /// Whether some batches are larger than a frame.
    pub(crate) large: bool,
    pub(crate) liar: Option<Who>,
    pub(crate) forker: Option<Who>,
    pub(crate) put_back: Option<(Who, PutBack)>,
    /// When faults, lies and appends end.
    pub(crate) quiet_at: u64,
}

impl Plan {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let agencies = u8::try_from(dice.between(3, 6)).unwrap();
        let ordered = dice.one_in(2);
        let anyone = |dice: &mut Dice| Who(u8::try_from(dice.below(u64::from(agencies))).unwrap());
        let some = |dice: &mut Dice, many| dice.one_in(many).then(|| anyone(dice));
        let kinds = [PutBack::Database, PutBack::Database, PutBack::Lock, PutBack::Both];
        let put_back = some(dice, 4).map(|who| (who, kinds[dice.place(kinds.len())]));
        Self {
            agencies,
            upstream: ways(dice, agencies),
            ordered,
            loss: if dice.one_in(3) { 0 } else { dice.between(1, if ordered { 10 } else { 80 }) },
            disorder: if ordered || dice.one_in(4) { 0 } else { dice.between(1, 80) },
            latency: dice.between(5, 200),
            crashes: if dice.one_in(3) { 0 } else { dice.between(1, 12) },
            fault_every: dice.between(3_000, 30_000),
            append_every: dice.between(4_000, 20_000),
            large: dice.one_in(4),
            liar: some(dice, 3),
            forker: some(dice, 4),
            put_back,
            quiet_at: dice.between(40_000, 120_000),
        }
    }
}

/// For each log a tree of followers, whose root is its author.
fn ways(dice: &mut Dice, agencies: u8) -> BTreeMap<(Who, Who), Who> {
    let mut upstream = BTreeMap::new();
    for log in (0..agencies).map(Who) {
        let mut reached = vec![log];
        let mut others: Vec<Who> = (0..agencies).map(Who).filter(|who| *who != log).collect();
        while !others.is_empty() {
            let who = others.swap_remove(dice.place(others.len()));
            let from = if dice.one_in(2) { log } else { reached[dice.place(reached.len())] };
            upstream.insert((who, log), from);
            reached.push(who);
        }
    }
    upstream
}
