//! The follower's side: calls, verifies what comes, keeps it with one sync, shows it, and begins again after a failure.
//!
//! `Replica` and what it rejects are the real ones; the order of the steps is that of the node's keeper. What one step
//! checks is in `arrive`, and how it is kept in `keep`.

use std::collections::VecDeque;
use std::rc::Rc;

use comity_ledger::{CheckpointKeyError, Head, KeyHistory, Replica, VerifiedFrame};
use comity_tlog::{SignedCheckpoint, VerifiedCheckpoint};

use crate::disk::{Key, Who};
use crate::event::Event;
use crate::invariants::{Invariant, Violation, check_doubt, head_of};
use crate::log::Log;
use crate::message::{Message, Refusal};
use crate::plants::Plant;
use crate::stop::Stop;
use crate::tree::Tree;
use crate::world::World;

/// Pause after the first failure, and the longest, in milliseconds.
const PAUSE_MIN: u64 = 100;
const PAUSE_MAX: u64 = 10_000;
/// A stream that brings nothing for so long is given up.
pub(crate) const SILENCE: u64 = 30_000;
/// Messages kept with one sync.
const MESSAGES_AT_ONCE: usize = 16;

/// How following one log stands.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Following {
    /// The connection; 0 for none.
    pub(crate) session: u64,
    pub(crate) keeper: Option<Keeper>,
    pub(crate) inbox: VecDeque<Rc<[u8]>>,
    /// Whether a step is under way.
    pub(crate) busy: bool,
    pub(crate) finish: Option<Finish>,
    pause: u64,
    heard: u64,
    pub(crate) gained: bool,
    /// Whether it is the successor that is asked for.
    pub(crate) asks: bool,
    /// Whether all that was released of a closed log was sent.
    pub(crate) all_came: bool,
}

impl Default for Following {
    fn default() -> Self {
        let inbox = VecDeque::new();
        Self {
            session: 0,
            keeper: None,
            inbox,
            busy: false,
            finish: None,
            pause: PAUSE_MIN,
            heard: 0,
            gained: false,
            asks: false,
            all_came: false,
        }
    }
}

impl Following {
    /// With a new connection.
    pub(crate) fn call(&self, session: u64, heard: u64) -> Self {
        Self { session, heard, pause: self.pause, all_came: self.all_came, ..Self::default() }
    }
}

/// A replica with how far its stream has come.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) replica: Replica,
    pub(crate) checkpoint: Option<VerifiedCheckpoint>,
    pub(crate) confirmed: bool,
    pub(crate) next_release: u64,
    pub(crate) complete: u64,
}

/// What of a step is done once it is synced.
#[derive(Debug)]
pub(crate) struct Finish {
    pub(crate) complete: Vec<VerifiedCheckpoint>,
    pub(crate) stop: Option<Stop>,
    /// Whether anything was written.
    pub(crate) written: bool,
}

/// Steps that were verified and wait to be kept together.
#[derive(Default)]
pub(crate) struct Arrived {
    pub(crate) seen: Option<VerifiedCheckpoint>,
    pub(crate) awaited: Vec<VerifiedCheckpoint>,
    pub(crate) frames: Vec<VerifiedFrame>,
    pub(crate) complete: Vec<VerifiedCheckpoint>,
    pub(crate) openings: Vec<(u64, u8, Vec<u8>)>,
    pub(crate) next_release: u64,
}

impl Keeper {
    pub(crate) fn is_complete(&self) -> bool {
        self.confirmed && self.replica.newest().is_some_and(|head| head.size == self.replica.size())
    }

    /// The newest checkpoint seen, at the step with which all its entries are held.
    pub(crate) fn completed(&mut self) -> Option<VerifiedCheckpoint> {
        let checkpoint = self.checkpoint.as_ref()?;
        let size = checkpoint.checkpoint().size();
        if size != self.replica.size() || size.value() <= self.complete {
            return None;
        }
        self.complete = size.value();
        Some(checkpoint.clone())
    }
}

impl World {
    /// Calls for a log, if it is not followed at the moment.
    pub(crate) fn dial(&mut self, who: Who, log: Log) -> Result<(), Violation> {
        let agency = &self.agencies[who.at()];
        if !agency.is_serving() || agency.following[&log].session != 0 || self.is_whole(who, log) {
            return Ok(());
        }
        let agency = &self.agencies[who.at()];
        let upstream = agency.upstream[&log.author()];
        let session = self.begin_session();
        if !self.reaches(who, upstream) {
            self.agencies[who.at()].following.get_mut(&log).unwrap().session = session;
            return self.hang_up(who, log, session, Stop::Unreachable);
        }
        let keeper = self.open_keeper(who, log)?;
        let follow = Message::Follow {
            origin: self.truths[log].origin.to_string(),
            next_index: keeper.replica.size().value(),
            next_release: keeper.next_release,
            newest: self.agencies[who.at()].disk.get(Key::Seen(log)).map(|note| note.to_vec()),
        };
        let (heard, keeper) = (self.now, Some(keeper));
        let following = Following { keeper, ..self.agencies[who.at()].following[&log].call(session, heard) };
        self.agencies[who.at()].following.insert(log, following);
        self.send(who, upstream, (session, log), &follow);
        self.soon(who, SILENCE, Event::Silence(who, log, session));
        Ok(())
    }

    fn open_keeper(&mut self, who: Who, log: Log) -> Result<Keeper, Violation> {
        self.agencies[who.at()].trees.entry(log).or_insert_with(Tree::empty);
        let (keys, by_entries) = (self.history(who, log), self.history_by_entries(who, log));
        // Key events before an end that only the successor has set still count.
        let end = keys.closed().filter(|_| by_entries.closed().is_none());
        let agency = &mut self.agencies[who.at()];
        let (held, disk) = (agency.disk.held(log), &agency.disk);
        let tree = agency.trees.entry(log).or_insert_with(Tree::empty);
        if tree.head() != held {
            let what = format!("the head of {log:?} at {who:?} is not that of its entries");
            return Err(Violation::of(Invariant::ReplicaIsAPrefix, what));
        }
        let checkpoint = disk.get(Key::Seen(log)).and_then(|note| verified(&keys, note));
        let awaited = disk.range(Key::Awaited(log, 0)..=Key::Awaited(log, u64::MAX));
        let awaited = awaited.filter_map(|(_, note)| verified(&keys, note));
        let awaited: Vec<Head> = awaited.map(|of| head_of(of.as_bytes())).collect();
        let seen = checkpoint.as_ref().map(|checkpoint| head_of(checkpoint.as_bytes()));
        let edge = tree.edge_at(held.size);
        let replica = Replica::with_keys(by_entries, edge, seen).awaiting(awaited).ending_at(end);
        let complete = disk.newest_note(log).map_or(0, |(size, _)| size);
        let next_release = disk.number(Key::Cursor(log));
        let mut keeper = Keeper { replica, checkpoint, confirmed: false, next_release, complete };
        // What a crash left unfinished.
        if self.agencies[who.at()]
            .disk
            .range(Key::Awaited(log, 0)..=Key::Awaited(log, u64::MAX))
            .next()
            .is_some()
        {
            self.agencies[who.at()].disk.sync();
            self.keep_passed(who, log)?;
        }
        if let Some(checkpoint) = keeper.completed() {
            self.agencies[who.at()].disk.sync();
            self.keep_checkpoint(who, log, &checkpoint)?;
            self.wake(who, log);
        }
        Ok(keeper)
    }

    /// A message of a session has come.
    pub(crate) fn hear(
        &mut self,
        who: Who,
        log: Log,
        session: u64,
        bytes: Rc<[u8]>,
    ) -> Result<(), Violation> {
        let now = self.now;
        let Some(following) = self.agencies[who.at()].following.get_mut(&log) else { return Ok(()) };
        if following.session != session {
            return Ok(());
        }
        if following.asks {
            return self.take_answer(who, log, session, &bytes);
        }
        following.heard = now;
        following.inbox.push_back(bytes);
        if !std::mem::replace(&mut following.busy, true) {
            self.soon(who, 1, Event::Take(who, log, session));
        }
        Ok(())
    }

    pub(crate) fn silence(&mut self, who: Who, log: Log, session: u64) -> Result<(), Violation> {
        let following = &self.agencies[who.at()].following[&log];
        if following.session != session {
            return Ok(());
        }
        let until = following.heard + SILENCE;
        if until <= self.now {
            return self.hang_up(who, log, session, Stop::Silent);
        }
        self.soon(who, until - self.now, Event::Silence(who, log, session));
        Ok(())
    }

    /// Verifies what has come and writes it, not yet synced.
    pub(crate) fn take(&mut self, who: Who, log: Log, session: u64) -> Result<(), Violation> {
        let following = self.agencies[who.at()].following.get_mut(&log).unwrap();
        if following.session != session {
            return Ok(());
        }
        let Some(mut keeper) = following.keeper.take() else { return Ok(()) };
        let count = following.inbox.len().min(MESSAGES_AT_ONCE);
        let messages: Vec<Rc<[u8]>> = following.inbox.drain(..count).collect();
        let mut arrived = Arrived { next_release: keeper.next_release, ..Arrived::default() };
        let mut stop = None;
        let keys = keeper.replica.keys().clone();
        for (place, message) in messages.iter().enumerate() {
            let is_note = matches!(Message::decode(message), Some(Message::Note(_)));
            if is_note && keeper.replica.keys().spans() != keys.spans() {
                // It may be signed with keys that came with frames which are not kept yet.
                let following = self.agencies[who.at()].following.get_mut(&log).unwrap();
                messages[place..].iter().rev().for_each(|later| following.inbox.push_front(Rc::clone(later)));
                break;
            }
            stop = self.arrive(who, log, &mut keeper, message, &mut arrived)?.err();
            if stop.is_some() {
                break;
            }
            arrived.complete.extend(keeper.completed());
        }
        let unsynced = self.agencies[who.at()].disk.unsynced();
        let gained = self.write(who, log, &mut keeper, &arrived);
        let complete = std::mem::take(&mut arrived.complete);
        let stop = stop.or(gained.as_ref().err().map(|()| Stop::WrongOpening));
        if self.plant == Some(Plant::ShowsBeforeTheSync) {
            self.agencies[who.at()].shown.insert(log, keeper.complete);
        }
        let following = self.agencies[who.at()].following.get_mut(&log).unwrap();
        following.gained |= gained.unwrap_or(false);
        following.keeper = Some(keeper);
        let written = !complete.is_empty() || self.agencies[who.at()].disk.unsynced() != unsynced;
        let finish = Some(Finish { complete, stop, written });
        self.agencies[who.at()].following.get_mut(&log).unwrap().finish = finish;
        if !written {
            return self.finish(who, log, session);
        }
        if !self.crashes_here(who) {
            let pause = self.dice.between(1, 6);
            self.soon(who, pause, Event::Kept(who, log, session));
        }
        Ok(())
    }

    /// A session ends, and another is tried after a pause.
    pub(crate) fn hang_up(&mut self, who: Who, log: Log, session: u64, stop: Stop) -> Result<(), Violation> {
        let following = self.agencies[who.at()].following.get_mut(&log).unwrap();
        if following.session != session {
            return Ok(());
        }
        if let Some(finish) = &mut following.finish {
            // A step under way comes to its end.
            finish.stop.get_or_insert(stop);
            return Ok(());
        }
        let pause = if following.gained { PAUSE_MIN } else { (following.pause * 2).min(PAUSE_MAX) };
        *following = Following { pause, all_came: following.all_came, ..Following::default() };
        self.tally.refused(stop.name());
        let agency = &mut self.agencies[who.at()];
        if matches!(stop, Stop::Refused(Refusal::BeyondRelease)) {
            // Whoever releases was put back: all is asked for again.
            agency.disk.remove(Key::Cursor(log));
            agency.disk.sync();
        }
        if let Some(doubt) = stop.doubt() {
            check_doubt(self, who, log, doubt)?;
            self.agencies[who.at()].doubts.entry(log).or_default().insert(doubt);
        }
        if self.plant != Some(Plant::NeverCallsAgain) || !matches!(stop, Stop::Refused(_)) {
            let pause = pause / 2 + self.dice.below(pause / 2 + 1);
            if let Some(next) = self.after(who, log, &stop) {
                self.soon(who, pause, next);
            }
        }
        Ok(())
    }
}

/// A checkpoint that was kept, if by the entries held since its key was in force: what a key event has made void is as
/// if it had never been seen.
fn verified(keys: &KeyHistory, note: &[u8]) -> Option<VerifiedCheckpoint> {
    match keys.verify(&SignedCheckpoint::parse(note).unwrap()) {
        Ok(verified) => Some(verified),
        Err(CheckpointKeyError::OutOfForce { .. }) => None,
        Err(error) => panic!("what was verified before was signed by nobody: {error}"),
    }
}
