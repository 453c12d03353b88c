//! The way of what agencies tell each other: letters that arrive late, twice, in another order, or never, over the same
//! cuts and as slowly as everything else.

use std::rc::Rc;

use crate::disk::Who;
use crate::event::Event;
use crate::heads::Said;
use crate::invariants::Violation;
use crate::world::World;

/// A letter on its way.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    from: Who,
    /// Whether the other side is asked for its own.
    asks: bool,
    said: Rc<Said>,
}

impl World {
    /// Sends what is said, or what a liar makes of it.
    pub(crate) fn post(&mut self, from: Who, to: Who, asks: bool, said: &Said) {
        for said in self.slander(from, said) {
            self.carry_letter(to, Letter { from, asks, said: Rc::new(said) });
        }
    }

    fn carry_letter(&mut self, to: Who, letter: Letter) {
        let (calm, from) = (self.is_quiet(), letter.from);
        if self.is_cut(from, to) || (!calm && self.talk.dice.per_mille(self.plan.loss)) {
            self.tally.fault("letter lost");
            return;
        }
        let slow = self.agencies[from.at()].slow.max(self.agencies[to.at()].slow);
        let mut delay = self.talk.dice.between(2, self.plan.latency) * slow;
        let number = u64::try_from(self.talk.letters.len()).unwrap();
        self.talk.letters.insert(number, letter);
        if !calm {
            if self.talk.dice.per_mille(self.plan.disorder * 2) {
                self.tally.fault("letter late");
                delay += self.talk.dice.below(20_000);
            }
            if self.talk.dice.per_mille(self.plan.disorder * 2) {
                self.tally.fault("letter doubled");
                let later = delay + self.talk.dice.below(20_000);
                self.later(later, Event::Letter(to, number));
            }
        }
        self.later(delay, Event::Letter(to, number));
    }

    /// A letter has come.
    pub(crate) fn read(&mut self, who: Who, number: u64) -> Result<(), Violation> {
        let Letter { from, asks, said } = self.talk.letters[&number].clone();
        self.listen(who, from, &said)?;
        if asks && self.agencies[who.at()].is_serving() {
            self.tell(who, from, false)?;
        }
        Ok(())
    }
}
