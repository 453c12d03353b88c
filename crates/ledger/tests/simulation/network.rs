//! The network: what is sent arrives late, twice, in another order, or never.
//!
//! In an orderly world a connection keeps the order of its messages and breaks where one is lost, as TCP does; in a
//! disorderly one each message goes its own way, which no follower may suffer from either.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::disk::Who;
use crate::event::Event;
use crate::log::Log;
use crate::message::Message;
use crate::world::World;

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Packet {
    pub(crate) from: Who,
    pub(crate) to: Who,
    /// The connection, and the log that it is about.
    pub(crate) session: u64,
    pub(crate) log: Log,
    pub(crate) bytes: Rc<[u8]>,
}

/// Which ways are open, and which connections broke.
#[derive(Debug, Default)]
pub(crate) struct Network {
    sessions: u64,
    /// One way each: a cut may go in one direction only.
    cut: BTreeMap<(Who, Who), u64>,
    broken: BTreeSet<u64>,
    /// When the last message of a connection arrives.
    last: BTreeMap<(u64, Who), u64>,
}

impl World {
    pub(crate) fn begin_session(&mut self) -> u64 {
        self.network.sessions += 1;
        self.network.sessions
    }

    /// Whether a follower still has this connection: what a handshake would show.
    pub(crate) fn is_open(&self, follower: Who, log: Log, session: u64) -> bool {
        self.agencies[follower.at()].following.get(&log).is_some_and(|following| following.session == session)
    }

    /// Whether a call can come through.
    pub(crate) fn reaches(&self, from: Who, to: Who) -> bool {
        let open = |way| !self.network.cut.contains_key(&way);
        self.agencies[to.at()].is_serving() && open((from, to)) && open((to, from))
    }

    /// Whether nothing comes through in one direction.
    pub(crate) fn is_cut(&self, from: Who, to: Who) -> bool {
        self.network.cut.contains_key(&(from, to))
    }

    /// Closes one way; it counts how often, so that two cuts need two mendings.
    pub(crate) fn cut(&mut self, from: Who, to: Who) {
        *self.network.cut.entry((from, to)).or_default() += 1;
    }

    pub(crate) fn mend(&mut self, from: Who, to: Who) {
        if let Some(count) = self.network.cut.get_mut(&(from, to)) {
            *count -= 1;
            if *count == 0 {
                self.network.cut.remove(&(from, to));
            }
        }
    }

    pub(crate) fn mend_all(&mut self) {
        self.network.cut.clear();
    }

    /// Sends a message, or what a liar makes of it.
    pub(crate) fn send(&mut self, from: Who, to: Who, (session, log): (u64, Log), message: &Message) {
        if let Some(void) = self.slipped_in(from, to, log) {
            self.carry(Packet { from, to, session, log, bytes: void.encode().into() });
        }
        let bytes: Rc<[u8]> = message.encode().into();
        for bytes in self.bend(from, log, bytes) {
            self.carry(Packet { from, to, session, log, bytes });
        }
    }

    fn carry(&mut self, packet: Packet) {
        let Packet { from, to, session, .. } = packet;
        let calm = self.is_quiet();
        let cut = self.network.cut.contains_key(&(from, to));
        if cut || (!calm && self.dice.per_mille(self.plan.loss)) {
            self.tally.fault(if cut { "cut off" } else { "lost" });
            self.lose(&packet);
            return;
        }
        if self.plan.ordered && self.network.broken.contains(&session) {
            return;
        }
        let slow = self.agencies[from.at()].slow.max(self.agencies[to.at()].slow);
        let mut delay = self.dice.between(2, self.plan.latency) * slow;
        if self.plan.ordered || calm {
            // Never before what was sent before on the same connection.
            let last = self.network.last.entry((session, to)).or_default();
            *last = (*last + 1).max(self.now + delay);
            delay = *last - self.now;
        } else {
            if self.dice.per_mille(self.plan.disorder) {
                self.tally.fault("reordered");
                delay += self.dice.below(2_000);
            }
            if self.dice.per_mille(self.plan.disorder) {
                self.tally.fault("doubled");
                let later = delay + self.dice.below(3_000);
                self.later(later, Event::Deliver(packet.clone()));
            }
        }
        self.later(delay, Event::Deliver(packet));
    }

    /// A connection that lost a message ends, sooner or later.
    fn lose(&mut self, packet: &Packet) {
        let Packet { from, to, session, log, .. } = *packet;
        if self.network.broken.insert(session) {
            let follower = if self.is_open(to, log, session) { to } else { from };
            let pause = self.dice.between(1_000, 30_000);
            self.soon(follower, pause, Event::HangUp(follower, log, session));
        }
    }
}
