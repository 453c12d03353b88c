//! From a log that is closed to the one that goes on from it: its first entry is asked for, verified with the pinned root
//! key against what is held of the closed log, and followed from then on.
//!
//! `Genesis` and `KeyHistory::close` are the real ones; the steps are those of the node's follower, but that the closed log
//! and its successor are followed beside each other. Not here: how a successor is made (`succession`).

use std::rc::Rc;

use comity_ledger::{Doubt, Entry, Genesis, Head, OriginDigest, Succession};

use crate::agency::Agency;
use crate::disk::{Key, Who};
use crate::event::Event;
use crate::follow::{Following, SILENCE};
use crate::invariants::Violation;
use crate::log::Log;
use crate::message::{Message, Refusal};
use crate::plants::Plant;
use crate::stop::Stop;
use crate::world::World;

/// How often a replica is set aside because of what whoever sends it says, which nothing proves.
const SET_ASIDE_MAX: u64 = 2;

pub(crate) fn genesis_of(entry: &[u8]) -> Option<Genesis> {
    Genesis::from_entry(&Entry::parse(entry).ok()?).ok()
}

impl World {
    /// The first entry of a successor: that with which it was begun here, or the author's own.
    pub(crate) fn first_entry(&self, who: Who, log: Log) -> Option<&Rc<[u8]>> {
        let disk = &self.agencies[who.at()].disk;
        let own = disk.get(Key::Entry(log, 0)).filter(|_| log.author() == who);
        disk.get(Key::Begun(log)).or(own)
    }

    /// Whether a follower has begun the successor of a log.
    fn has_begun(&self, who: Who, closed: Log) -> bool {
        let disk = &self.agencies[who.at()].disk;
        closed.successor().is_some_and(|next| disk.get(Key::Begun(next)).is_some())
    }

    /// Where a log ends whose successor is begun, and the tree that is held of it.
    fn end_and_held(&mut self, who: Who, log: Log) -> Option<(Head, Head)> {
        let end = self.has_begun(who, log).then(|| self.history(who, log).closed()).flatten()?;
        Some((end, self.agencies[who.at()].disk.held(log)))
    }

    /// Whether all is held of a log that has ended, as far as anybody can be asked for it.
    pub(crate) fn is_whole(&mut self, who: Who, log: Log) -> bool {
        let all_came = self.agencies[who.at()].following.get(&log).is_some_and(|of| of.all_came);
        let found = self.end_and_held(who, log);
        found.is_some_and(|(end, held)| held.size > end.size || (held.size == end.size && all_came))
    }

    /// What comes after a session of a log that may have ended: nothing, a call for its successor, or another call for it.
    pub(crate) fn after(&mut self, who: Who, log: Log, stop: &Stop) -> Option<Event> {
        if log.is_successor() || self.succession.victim != Some(log.author()) {
            return Some(Event::Dial(who, log));
        }
        let is_over = matches!(stop, Stop::Refused(Refusal::LogClosed));
        if is_over && self.end_and_held(who, log).is_some_and(|(end, held)| held.size >= end.size) {
            self.agencies[who.at()].following.get_mut(&log).unwrap().all_came = true;
        }
        if self.is_whole(who, log) {
            return None;
        }
        let is_in_doubt = self.agencies[who.at()].doubts.get(&log).is_some_and(|doubts| !doubts.is_empty());
        let may_have_ended = is_over || stop.may_come_of_an_end() || is_in_doubt;
        if self.has_begun(who, log) {
            if stop.is_of_another_tree() {
                self.begin_anew(who, log);
            }
        } else if may_have_ended
            && !matches!(stop, Stop::Asked)
            && self.plant != Some(Plant::NeverAsksForASuccessor)
        {
            return Some(Event::Ask(who, log));
        }
        Some(Event::Dial(who, log))
    }

    /// Asks whoever a log is fetched from for the first entry of its successor.
    pub(crate) fn ask_for_successor(&mut self, who: Who, log: Log) -> Result<(), Violation> {
        let agency = &self.agencies[who.at()];
        let Some(successor) = log.successor() else { return Ok(()) };
        if !agency.is_serving() || agency.following[&log].session != 0 {
            return Ok(());
        }
        let upstream = agency.upstream[&log.author()];
        let session = self.begin_session();
        let heard = self.now;
        let following = self.agencies[who.at()].following.get_mut(&log).unwrap();
        *following = following.call(session, heard);
        following.asks = true;
        if !self.reaches(who, upstream) {
            return self.hang_up(who, log, session, Stop::Unreachable);
        }
        let origin = successor.origin().to_string();
        self.send(who, upstream, (session, log), &Message::Genesis { origin });
        self.soon(who, SILENCE, Event::Silence(who, log, session));
        Ok(())
    }

    /// Gives the first entry of a successor, if one is held whose author has signed it.
    pub(crate) fn answer_genesis(&mut self, who: Who, to: Who, (session, log): (u64, Log), origin: &str) {
        let next = log.successor().filter(|next| next.origin().as_str() == origin);
        let entry = next.and_then(|next| {
            let disk = &self.agencies[who.at()].disk;
            let place = self.agencies[who.at()].place(to, next);
            let own = disk.newest_note(place).and_then(|_| disk.get(Key::Entry(place, 0)));
            disk.get(Key::Begun(next)).or(own.filter(|_| next.author() == who)).map(|entry| entry.to_vec())
        });
        let forged = next.and_then(|next| self.forged_genesis(who, next));
        let message = match forged.or(entry) {
            Some(entry) => Message::First(entry),
            None => Message::Refused(Refusal::Unknown),
        };
        self.send(who, to, (session, log), &message);
    }

    /// The answer has come, whatever it is.
    pub(crate) fn take_answer(
        &mut self,
        who: Who,
        log: Log,
        session: u64,
        bytes: &[u8],
    ) -> Result<(), Violation> {
        if let Some(Message::First(entry)) = Message::decode(bytes)
            && self.begin_successor(who, log, &entry).is_some()
        {
            self.agencies[who.at()].following.get_mut(&log).unwrap().gained = true;
        }
        self.hang_up(who, log, session, Stop::Asked)
    }

    /// Begins the replica of a successor, which closes the log before it; `None` if it is not that.
    fn begin_successor(&mut self, who: Who, closed: Log, entry: &[u8]) -> Option<()> {
        let next = closed.successor().filter(|_| !self.has_begun(who, closed))?;
        let genesis = genesis_of(entry)?;
        let mut keys = self.history(who, closed);
        let ended = keys.closed();
        let last_good = genesis.succession().map(Succession::last_good)?;
        // The root key says what tree it is; whether it is the one that is held is seen below.
        let is_successor = keys.close(&next.origin(), &genesis, &|_| Some(last_good.root)).is_ok();
        if !is_successor && self.plant != Some(Plant::TakesAnySuccessor) {
            return None;
        }
        if ended.is_some_and(|ended| ended != last_good) {
            return None;
        }
        genesis.log_key(&next.origin())?;
        let held = self.agencies[who.at()].disk.held(closed);
        let is_other = last_good.size <= held.size
            && self.agencies[who.at()].tree(closed).root_at(last_good.size) != last_good.root;
        if is_other && self.plant != Some(Plant::KeepsAThiefsTree) {
            self.set_aside(who, closed);
        }
        let agency = &mut self.agencies[who.at()];
        agency.disk.put(Key::Begun(next), entry);
        agency.disk.sync();
        agency.following.insert(next, Following::default());
        agency.doubts.remove(&closed);
        self.tally.fault("successor begun");
        let keys = self.history(who, closed);
        self.forget_void(who, closed, &keys);
        self.soon(who, 1, Event::Dial(who, next));
        Some(())
    }

    /// What is held of a log that has ended and is shorter than its end does not go with what comes: it is set aside.
    fn begin_anew(&mut self, who: Who, log: Log) {
        let times = self.agencies[who.at()].disk.number(Key::SetAside(log));
        let found = self.end_and_held(who, log);
        if times < SET_ASIDE_MAX
            && found.is_some_and(|(end, held)| held.size < end.size && !held.size.is_zero())
        {
            self.set_aside(who, log);
        }
    }

    /// Nothing of what is held of a log counts any more.
    fn set_aside(&mut self, who: Who, log: Log) {
        self.tally.fault("replica set aside");
        let agency = &mut self.agencies[who.at()];
        let times = agency.disk.number(Key::SetAside(log)) + 1;
        let kinds = [
            Key::Entry(log, 0)..=Key::Entry(log, u64::MAX),
            Key::Head(log)..=Key::Head(log),
            Key::Note(log, 0)..=Key::Note(log, u64::MAX),
            Key::Seen(log)..=Key::Seen(log),
            Key::Awaited(log, 0)..=Key::Awaited(log, u64::MAX),
            Key::Opening(log, 0, 0)..=Key::Opening(log, u64::MAX, u8::MAX),
            Key::Arrival(log, 0)..=Key::Arrival(log, u64::MAX),
            Key::Cursor(log)..=Key::Cursor(log),
        ];
        let mut keys: Vec<Key> = kinds
            .into_iter()
            .flat_map(|kind| agency.disk.range(kind).map(|(key, _)| key).collect::<Vec<_>>())
            .collect();
        for to in (0..self.plan.agencies).map(Who) {
            let booked = Key::Booked(to, log, 0)..=Key::Booked(to, log, u64::MAX);
            keys.extend(agency.disk.range(booked).map(|(key, _)| key));
            keys.push(Key::Book(to, log));
        }
        agency.disk.change_together(&keys, (Key::SetAside(log), &times.to_be_bytes()));
        agency.disk.sync();
        agency.trees.remove(&log);
        agency.histories.remove(&log);
        agency.shown.remove(&log);
        agency.doubts.remove(&log);
        agency.streams.retain(|(_, of), _| *of != log);
        let name = OriginDigest::of(&log.origin());
        self.talk.memory(who).gossip.forget(&name);
    }

    /// What of a closed log is still missing somewhere, once the faults have ended; `None` if nothing is.
    pub(crate) fn unended(&mut self) -> Option<String> {
        if !self.succession.done {
            return Some("a log is still to be succeeded".to_owned());
        }
        if self.agencies.iter().any(Agency::is_down) {
            return Some("somebody is down".to_owned());
        }
        for log in self.logs() {
            let Some(end) = self.truths[log].end else { continue };
            if log.successor().is_some_and(|next| self.truths[next].forked) {
                continue;
            }
            for who in (0..self.plan.agencies).map(Who).filter(|who| *who != log.author()) {
                if self.history(who, log).closed() != Some(end) {
                    return Some(format!("{who:?} does not know where {log:?} has ended"));
                }
                let agency = &self.agencies[who.at()];
                let held = agency.disk.held(log);
                if held.size < end.size || agency.tree(log).root_at(end.size) != end.root {
                    return Some(format!("{who:?} does not hold {log:?} up to its end"));
                }
                let doubts = agency.doubts.get(&log);
                if doubts.is_some_and(|doubts| doubts.contains(&Doubt::Fork)) {
                    return Some(format!("{who:?} still doubts {log:?}, which has ended"));
                }
            }
        }
        None
    }
}
