//! The world of one seed: a queue of events in simulated time, and nothing that is not drawn from the seed.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use comity_ledger::OriginDigest;
use comity_tlog::VerifierKey;

use crate::agency::Agency;
use crate::dice::Dice;
use crate::disk::Who;
use crate::event::Event;
use crate::follow::Following;
use crate::gossip::Talk;
use crate::invariants::{Invariant, Violation, check, missing};
use crate::key_truth::uneven_keys;
use crate::keys::Keys;
use crate::log::Log;
use crate::network::{Network, Packet};
use crate::plan::Plan;
use crate::plants::Plant;
use crate::spoken::{missing_lines, uneven_lines, unfound};
use crate::stop::Stop;
use crate::succession::Succession;
use crate::tally::Tally;
use crate::truth::Truths;

/// Within this time after the last fault everybody holds everything, in milliseconds.
const CONVERGENCE: u64 = 180_000;

/// An event that is due, and the life of the agency in which alone it still means anything.
#[derive(Debug)]
struct Due {
    life: Option<(Who, u64)>,
    event: Event,
}

/// One seed's agencies, network, truth and future.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) plant: Option<Plant>,
    pub(crate) dice: Dice,
    pub(crate) now: u64,
    pub(crate) agencies: Vec<Agency>,
    pub(crate) truths: Truths,
    pub(crate) network: Network,
    pub(crate) talk: Talk,
    pub(crate) keys: Keys,
    pub(crate) succession: Succession,
    pub(crate) tally: Tally,
    /// By time and order.
    queue: BTreeMap<(u64, u64), Due>,
    entered: u64,
    /// Agencies whose disks an event may have changed.
    pub(crate) touched: Vec<Who>,
    digest: DefaultHasher,
    done: bool,
}

/// How a seed ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// Of every event in its order and time, and of what all agencies hold at the end.
    pub(crate) digest: u64,
    pub(crate) violation: Option<Violation>,
}

/// Plays a seed to its end, or until a claim does not hold.
pub(crate) fn play(seed: u64, plant: Option<Plant>, trace: &mut dyn FnMut(u64, &Event)) -> Outcome {
    let mut world = World::new(seed, plant);
    let played = world.begin().and_then(|()| world.play(trace));
    world.tally.seeds = 1;
    world.tally.simulated_ms = world.now;
    for agency in &world.agencies {
        for log in world.logs() {
            agency.disk.held(log).root.as_bytes().hash(&mut world.digest);
        }
    }
    let digest = world.digest.finish();
    Outcome { tally: world.tally, digest, violation: played.err() }
}

impl World {
    fn new(seed: u64, plant: Option<Plant>) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::draw(&mut dice);
        let agencies: Vec<Agency> = (0..plan.agencies).map(|who| Agency::new(Who(who))).collect();
        let mut truths = Truths::default();
        for agency in &agencies {
            truths.begin(agency.writes, agency.key().verifier().clone());
        }
        let talk = Talk::new(seed, &agencies);
        let keys = Keys::draw(seed, plan.agencies);
        let succession = Succession::draw(seed, &plan, &talk);
        Self {
            plan,
            plant,
            dice,
            now: 0,
            agencies,
            truths,
            network: Network::default(),
            talk,
            keys,
            succession,
            tally: Tally::default(),
            queue: BTreeMap::new(),
            entered: 0,
            touched: Vec::new(),
            digest: DefaultHasher::new(),
            done: false,
        }
    }

    /// Every home is made, and everything that does not follow from something else is entered.
    fn begin(&mut self) -> Result<(), Violation> {
        for ((who, author), from) in self.plan.upstream.clone() {
            let agency = &mut self.agencies[who.at()];
            agency.upstream.insert(author, from);
            agency.following.insert(Log::of(author), Following::default());
        }
        for who in (0..self.plan.agencies).map(Who) {
            self.found(who)?;
            self.call_all(who);
            self.later(0, Event::Append(who));
            self.later(self.plan.append_every, Event::Release(who));
            if self.gossips() {
                self.later(1_000, Event::Round(who));
            }
        }
        if let Some(who) = self.plan.liar {
            self.agencies[who.at()].lies = true;
        }
        if let Some((who, _)) = self.plan.put_back {
            let (backed, back) = self.two_times();
            self.later(backed, Event::BackUp(who));
            self.later(back, Event::PutBack(who));
        }
        if let Some(who) = self.plan.forker {
            let (at, _) = self.two_times();
            self.later(at, Event::Fork(who));
        }
        self.begin_key_changes();
        self.begin_succession();
        self.later(self.plan.fault_every, Event::Fault);
        self.later(self.plan.quiet_at, Event::Quiet);
        Ok(())
    }

    /// Every log that there is by now.
    pub(crate) fn logs(&self) -> Vec<Log> {
        self.truths.logs().collect()
    }

    /// A log begins: from now on it is spoken of.
    pub(crate) fn begin_log(&mut self, log: Log, key: VerifierKey) {
        self.truths.begin(log, key);
        self.talk.names.insert(OriginDigest::of(&log.origin()), log);
    }

    /// Two times before the faults end, the earlier one first.
    fn two_times(&mut self) -> (u64, u64) {
        let (one, other) = (self.dice.below(self.plan.quiet_at), self.dice.below(self.plan.quiet_at));
        (one.min(other), one.max(other))
    }

    fn play(&mut self, trace: &mut dyn FnMut(u64, &Event)) -> Result<(), Violation> {
        while let Some(((time, _), Due { life, event })) = self.queue.pop_first() {
            self.now = time;
            if life.is_some_and(|(who, life)| self.agencies[who.at()].life != life) {
                continue;
            }
            (time, &event).hash(&mut self.digest);
            self.tally.events += 1;
            trace(time, &event);
            self.happen(event)?;
            for who in std::mem::take(&mut self.touched) {
                check(self, who)?;
            }
            if self.done {
                break;
            }
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        self.touched.extend(event.who());
        match event {
            Event::Append(who) => {
                self.append(who);
                self.again(self.plan.append_every, Event::Append(who));
            }
            Event::Release(who) => {
                self.release_later(who);
                self.again(self.plan.append_every * 2, Event::Release(who));
            }
            Event::Station(who) => self.station(who)?,
            Event::Dial(who, log) => self.dial(who, log)?,
            Event::HangUp(who, log, session) => self.hang_up(who, log, session, Stop::Broken)?,
            Event::Silence(who, log, session) => self.silence(who, log, session)?,
            Event::Deliver(packet) => self.deliver(packet)?,
            Event::Take(who, log, session) => self.take(who, log, session)?,
            Event::Kept(who, log, session) => self.kept(who, log, session)?,
            Event::Serve(who, to, log) => self.serve(who, to, log),
            Event::Beat(who, to, log, session) => self.beat(who, to, log, session),
            Event::Fault => {
                self.fault();
                self.again(self.plan.fault_every, Event::Fault);
            }
            Event::Mend(from, to) => self.mend(from, to),
            Event::Quicken(who) => self.agencies[who.at()].slow = 1,
            Event::Restart(who) => self.restart(who),
            Event::BackUp(who) => self.back_up(who),
            Event::PutBack(who) => self.put_back(who),
            Event::Fork(who) => {
                self.fork(who);
                self.again(self.plan.append_every, Event::Second(who));
            }
            Event::Second(who) => {
                self.append_second(who)?;
                self.again(self.plan.append_every, Event::Second(who));
            }
            Event::Steal(who) => self.steal_log(who),
            Event::Succeed(who) => self.succeed(who)?,
            Event::Ask(who, log) => self.ask_for_successor(who, log)?,
            Event::ChangeKeys(who) => self.change_keys(who),
            Event::EnterKey(who) => self.enter_key(who),
            Event::Round(who) => self.round(who)?,
            Event::Speak(who) => self.speak(who)?,
            Event::Letter(who, number) => self.read(who, number)?,
            Event::Quiet => self.quiet(),
            Event::Look => self.look()?,
        }
        Ok(())
    }

    fn deliver(&mut self, packet: Packet) -> Result<(), Violation> {
        let Packet { from, to, session, log, bytes } = packet;
        // A call goes to whom the log is fetched from; everything else goes to the follower.
        if self.agencies[from.at()].upstream.get(&log.author()) == Some(&to)
            && self.is_open(from, log, session)
        {
            self.answer(to, from, log, session, &bytes);
            Ok(())
        } else {
            self.hear(to, log, session, bytes)
        }
    }

    /// The faults end: all ways are open, nobody is slow, clocks are right, what was down comes up, and a liar begins anew with a program
    /// that does not lie: what it left out of a stream is not made good in that stream.
    fn quiet(&mut self) {
        self.mend_all();
        self.talk.parties.iter_mut().for_each(|party| party.clock = 0);
        if let Some(who) = self.plan.liar {
            self.crash(who);
        }
        for who in (0..self.plan.agencies).map(Who) {
            let agency = &mut self.agencies[who.at()];
            agency.slow = 1;
            agency.frozen.clear();
            if self.succession.thief == Some(who) {
                agency.second = None;
            }
            for log in self.truths.logs().collect::<Vec<_>>() {
                self.wake(who, log);
            }
        }
        self.later(1_000, Event::Look);
    }

    fn look(&mut self) -> Result<(), Violation> {
        let converged = missing(self).or_else(|| self.unended()).or_else(|| uneven_keys(self));
        let converged = converged.or_else(|| uneven_lines(self).filter(|_| self.gossips()));
        if converged.is_none() && self.agencies.iter().all(Agency::is_serving) {
            self.talk.renews_at.get_or_insert(self.now);
        }
        let converged = converged.or_else(|| missing_lines(self).filter(|_| self.gossips()));
        let waits = match converged {
            Some(what) => Some(Violation::of(Invariant::EverythingConverges, what)),
            None => unfound(self)
                .filter(|_| self.gossips())
                .map(|what| Violation::of(Invariant::SplitViewsAreFound, what)),
        };
        match waits {
            None => self.done = true,
            Some(violation) if self.now > self.plan.quiet_at + CONVERGENCE => return Err(violation),
            Some(_) => self.later(1_000, Event::Look),
        }
        Ok(())
    }

    /// Whether agencies speak to each other: for a mistake that shows in following they need not.
    fn gossips(&self) -> bool {
        self.plant.is_none_or(Plant::is_of_gossip)
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.now >= self.plan.quiet_at
    }

    /// Whether nobody on the way of a log to a follower lies.
    pub(crate) fn is_honest_way(&self, who: Who, log: Log) -> bool {
        let mut at = who;
        while at != log.author() {
            at = self.agencies[at.at()].upstream[&log.author()];
            if self.agencies[at.at()].lies {
                return false;
            }
        }
        true
    }

    /// An agency calls for every log that it follows.
    pub(crate) fn call_all(&mut self, who: Who) {
        let logs: Vec<Log> = self.agencies[who.at()].following.keys().copied().collect();
        for log in logs {
            let pause = self.dice.between(1, 200);
            self.soon(who, pause, Event::Dial(who, log));
        }
    }

    /// Enters an event that happens whatever becomes of anybody.
    pub(crate) fn later(&mut self, pause: u64, event: Event) {
        self.enter(pause, None, event);
    }

    /// Enters an event that a crash of the agency makes void.
    pub(crate) fn soon(&mut self, who: Who, pause: u64, event: Event) {
        let life = self.agencies[who.at()].life;
        self.enter(pause, Some((who, life)), event);
    }

    /// Enters it again, some time from now, while the faults last.
    pub(crate) fn again(&mut self, mean: u64, event: Event) {
        let pause = self.dice.between(1, mean * 2);
        if self.now + pause < self.plan.quiet_at {
            self.later(pause, event);
        }
    }

    fn enter(&mut self, pause: u64, life: Option<(Who, u64)>, event: Event) {
        self.entered += 1;
        self.queue.insert((self.now + pause, self.entered), Due { life, event });
    }
}
