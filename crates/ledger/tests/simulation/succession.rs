//! How a log comes to its end and its author goes on: the key is stolen, the operator learns of it, the log is closed at a
//! tree from before the theft, and its successor is made, in steps with a crash between any two of them (D26).
//!
//! `Genesis` and the commit of its entry are the real ones and are driven as a node drives them; which log a home writes
//! stands in a file that is written last. Successions have a chance of their own and come in a quarter of all seeds, so
//! that all else of the others is what it is without them. Not here: what followers make of it (`successor`).

use comity_ledger::{Genesis, Head, KeyAct};

use crate::agency::Own;
use crate::dice::Dice;
use crate::disk::{Key, Who};
use crate::event::Event;
use crate::gossip::Talk;
use crate::invariants::Violation;
use crate::key_truth::Act;
use crate::log::Log;
use crate::plan::Plan;
use crate::plants::Plant;
use crate::tree::Tree;
use crate::world::World;

/// Between two tries of an operator whose node is at work or down, in milliseconds.
const TRY_AGAIN: u64 = 700;

/// What a seed decides of the end of a log.
#[derive(Debug)]
pub(crate) struct Succession {
    pub(crate) dice: Dice,
    /// Whose log ends, and who steals its key before that.
    pub(crate) victim: Option<Who>,
    pub(crate) thief: Option<Who>,
    /// Whether the author makes two successors.
    pub(crate) two: bool,
    /// Up to where the thief's tree is the author's.
    pub(crate) stolen_at: Option<u64>,
    /// The last good checkpoint, once the operator has decided.
    last_good: Option<Head>,
    /// Whether it is over, or cannot be.
    pub(crate) done: bool,
}

impl Succession {
    /// An author that lies otherwise, has two histories, is put back or is stolen from by others has none.
    pub(crate) fn draw(seed: u64, plan: &Plan, talk: &Talk) -> Self {
        let mut dice = Dice::new(seed ^ 0x7375_6363_6573_7321);
        let who = |number: u64| Who(u8::try_from(number).unwrap());
        let agencies = u64::from(plan.agencies);
        let one = dice.below(agencies);
        let other = (one + dice.between(1, agencies - 1)) % agencies;
        let one = who(one);
        let is_free = plan.liar != Some(one)
            && plan.forker != Some(one)
            && plan.put_back.is_none_or(|(back, _)| back != one)
            && talk.plan.log_thief.is_none_or(|(_, victim)| victim != one);
        let victim = Some(one).filter(|_| is_free && matches!(seed % 8, 2 | 3));
        // A thief that has two histories of its own shows those.
        let thief = Some(who(other)).filter(|_| !dice.one_in(4));
        let thief = thief.filter(|thief| victim.is_some() && plan.forker != Some(*thief));
        let two = victim.is_some() && dice.one_in(4);
        Self { dice, victim, thief, two, stolen_at: None, last_good: None, done: victim.is_none() }
    }

    /// Whether an author's keys change no more: its operator is busy with a theft.
    pub(crate) fn is_stolen_from(&self, who: Who) -> bool {
        self.victim == Some(who) && self.stolen_at.is_some()
    }
}

impl World {
    pub(crate) fn begin_succession(&mut self) {
        let Some(victim) = self.succession.victim else { return };
        let dice = &mut self.succession.dice;
        let (one, other) = (dice.below(self.plan.quiet_at), dice.below(self.plan.quiet_at));
        if let Some(thief) = self.succession.thief {
            self.later(one.min(other), Event::Steal(thief));
        }
        self.later(one.max(other), Event::Succeed(victim));
    }

    /// An operator closes the log and makes its successor, if the node can take it; a stopped node is started again.
    pub(crate) fn succeed(&mut self, who: Who) -> Result<(), Violation> {
        if self.succession.done {
            return Ok(());
        }
        let agency = &self.agencies[who.at()];
        if matches!(agency.own, Own::ReadOnly) {
            // Without a key in force there is nothing to be signed, and the log cannot be told to be whole.
            self.succession.done = true;
            return Ok(());
        }
        if !agency.is_serving() || agency.commit.is_some() {
            self.later(TRY_AGAIN, Event::Succeed(who));
            return Ok(());
        }
        let last_good = self.last_good(who);
        if self.revokes_first(who, last_good) {
            self.later(TRY_AGAIN, Event::Succeed(who));
            return Ok(());
        }
        self.make_successor(who, last_good)
    }

    /// The tree at which a log has ended or is to end: decided once, from before the theft.
    fn last_good(&mut self, who: Who) -> Head {
        if let Some(closed) = self.own_history(who).closed() {
            return closed;
        }
        if let Some(decided) = self.succession.last_good {
            return decided;
        }
        let log = self.agencies[who.at()].writes;
        let limit = self.succession.stolen_at.unwrap_or(u64::MAX);
        let disk = &self.agencies[who.at()].disk;
        let notes = disk.range(Key::Note(log, 0)..=Key::Note(log, limit));
        let sizes: Vec<u64> = notes.map(|(key, _)| key.number()).collect();
        // As a rule the newest from before.
        let place = if self.succession.dice.one_in(3) {
            self.succession.dice.place(sizes.len())
        } else {
            sizes.len() - 1
        };
        let size = crate::disk::size_of(sizes[place]);
        let head = Head { size, root: self.agencies[who.at()].tree(log).root_at(size) };
        self.succession.last_good = Some(head);
        head
    }

    /// Where two keys are in force, one can sign that the other is revoked: the log says by itself then that it is closed.
    fn revokes_first(&mut self, who: Who, last_good: Head) -> bool {
        if matches!(self.agencies[who.at()].own, Own::Closed) || !self.succession.dice.one_in(2) {
            return false;
        }
        let [old, _] = self.numbers_in_force(who)[..] else { return false };
        let agency = &self.agencies[who.at()];
        let log = agency.writes;
        // The tree before the revocation closes nothing.
        if last_good.size == agency.disk.held(log).size {
            return false;
        }
        let key = agency.numbered_key(old);
        let event = agency.key_event(&key, KeyAct::Revoke { last_good }, None);
        self.enter_key_event(who, &event, Act::Revoke(old, last_good.size.value()));
        true
    }

    /// With the node stopped: the key comes into its file, the first entry is committed, and last of all the home is told
    /// which log it writes. Whoever is cut off goes on with the same command.
    fn make_successor(&mut self, who: Who, last_good: Head) -> Result<(), Violation> {
        let closed = self.agencies[who.at()].writes;
        let Some(successor) = closed.successor() else { return Ok(()) };
        self.stop(who);
        let agency = &mut self.agencies[who.at()];
        agency.write_as(successor);
        agency.files.put(Key::Files(successor), &[0]);
        agency.files.sync();
        if self.truths.get(successor).is_none() {
            let key = self.agencies[who.at()].key().verifier().clone();
            self.begin_log(successor, key);
        }
        let agency = &mut self.agencies[who.at()];
        agency.read_trees();
        let is_begun = agency.disk.held(successor).size.value() > 0;
        let anew = self.plant == Some(Plant::BeginsTheSuccessorAnew);
        if !is_begun || anew {
            if anew || agency.lock.head(Key::Lock(successor)).is_none() {
                agency.lock.put_head(Key::Lock(successor), Head::EMPTY);
                agency.lock.sync();
            }
            agency.trees.insert(successor, Tree::empty());
            let (key, root) = (agency.key(), agency.root_key());
            let genesis = Genesis::succeeding(&closed.origin(), last_good, &root, key.verifier()).unwrap();
            self.begin_author(who, key, genesis.draft());
        } else {
            self.start(who);
        }
        self.truths[closed].end.get_or_insert(last_good);
        while self.agencies[who.at()].commit.is_some() {
            self.pass(who)?;
            if !self.is_quiet() && self.succession.dice.one_in(40) {
                self.tally.fault("succession cut off");
                self.agencies[who.at()].write_as(closed);
                self.crash(who);
                self.later(TRY_AGAIN, Event::Succeed(who));
                return Ok(());
            }
        }
        let agency = &mut self.agencies[who.at()];
        agency.files.put(Key::Writes, &[successor.number()]);
        agency.files.sync();
        self.tally.fault("log succeeded");
        self.succession.done = true;
        self.stop(who);
        self.later(1, Event::Restart(who));
        if self.succession.two {
            self.begin_second_successor(who, (closed, successor), last_good)?;
        }
        Ok(())
    }

    /// A node ends as it should: nothing is lost.
    fn stop(&mut self, who: Who) {
        let agency = &mut self.agencies[who.at()];
        agency.disk.sync();
        agency.lock.sync();
        agency.files.sync();
        agency.forget();
    }

    /// Whether the log that a seed ends has a thief's trees beyond its end, or may get them.
    pub(crate) fn is_stolen(&self, log: Log) -> bool {
        !self.truths[log].thefts.is_empty()
    }
}
