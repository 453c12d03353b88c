//! A thief who gets the key of an author while it is in force, and goes on with the log behind one of its trees: with
//! entries of its own, signed, and shown to some of those that fetch the log from it. And what else is made in an author's
//! name: a successor that its root key did not sign, and a second one that it did.

use std::collections::BTreeSet;

use comity_ledger::{Author, AuthorTime, Draft, Genesis, Head, LockedHead, Role};
use comity_tlog::{RightEdge, SigningKey};

use crate::agency::Second;
use crate::disk::{Key, Who, size_of};
use crate::drafts::seal;
use crate::event::Event;
use crate::invariants::Violation;
use crate::log::Log;
use crate::second::in_second;
use crate::tree::Tree;
use crate::world::World;

/// The number of the key that a second successor begins with.
const SECOND_SUCCESSOR: u8 = 0x7F;

impl World {
    /// A thief gets the key of the log that a seed ends, and begins behind one of the trees that it holds.
    pub(crate) fn steal_log(&mut self, thief: Who) {
        let Some(victim) = self.succession.victim.filter(|_| !self.succession.done) else { return };
        let log = self.agencies[victim.at()].writes;
        let agency = &self.agencies[thief.at()];
        let notes = agency.disk.range(Key::Note(log, 1)..=Key::Note(log, u64::MAX));
        let sizes: Vec<u64> = notes.map(|(key, _)| key.number()).collect();
        let is_open = self.truths[log].branches[0].closed().is_none();
        if log.is_successor() || sizes.is_empty() || !is_open || !agency.is_serving() {
            return;
        }
        let size = sizes[self.succession.dice.place(sizes.len())];
        let in_force = self.truths[log].branches[0].keys_in_force(size);
        let Some(number) = in_force.first() else { return };
        let key = self.agencies[victim.at()].numbered_key(*number);
        let agency = &mut self.agencies[thief.at()];
        let entries = agency.disk.range(Key::Entry(log, 0)..=Key::Note(log, size));
        let copied: Vec<(Key, Vec<u8>)> =
            entries.filter_map(|(key, value)| Some((in_second(key, log, size)?, value.to_vec()))).collect();
        for (key, value) in copied {
            agency.disk.put(key, &value);
        }
        let tree = Tree::read(&agency.disk, log, size_of(size)).unwrap();
        agency.disk.put_head(Key::Head(log.second()), tree.head());
        agency.disk.sync();
        let author = Author::new(log.origin(), key, tree.edge_at(size_of(size)));
        agency.trees.insert(log.second(), tree);
        let victims = (0..self.plan.agencies).map(Who).filter(|_| self.succession.dice.one_in(2)).collect();
        let agency = &mut self.agencies[thief.at()];
        agency.second = Some(Second { log, author, shown_to: victims });
        self.succession.stolen_at = Some(size);
        self.tally.fault("log key stolen");
        self.later(1, Event::Second(thief));
    }

    /// Two beginnings of one successor, each signed by the root key: from then on some are shown the second.
    pub(crate) fn begin_second_successor(
        &mut self,
        who: Who,
        (closed, successor): (Log, Log),
        last_good: Head,
    ) -> Result<(), Violation> {
        let agency = &self.agencies[who.at()];
        let (key, root) = (agency.numbered_key(SECOND_SUCCESSOR), agency.root_key());
        let genesis = Genesis::succeeding(&closed.origin(), last_good, &root, key.verifier()).unwrap();
        let author = Author::new(successor.origin(), key, RightEdge::empty());
        let shown_to: BTreeSet<Who> =
            (0..self.plan.agencies).map(Who).filter(|_| self.succession.dice.one_in(2)).collect();
        self.truths[successor].forked = true;
        self.tally.fault("two successors");
        let second = Second { log: successor, author, shown_to };
        self.sign_second(who, second, vec![genesis.draft()])?;
        self.again(self.plan.append_every, Event::Second(who));
        Ok(())
    }

    /// Entries of a second history are signed and kept.
    fn sign_second(&mut self, who: Who, mut second: Second, drafts: Vec<Draft>) -> Result<(), Violation> {
        let (log, place) = (second.log, second.log.second());
        let sealed = seal(&mut self.succession.dice, &log.origin(), drafts, self.now);
        let staged = second.author.stage(sealed).unwrap();
        self.write_entries(who, place, &staged);
        let durable = staged.confirm(staged.entries().iter().map(|entry| entry.bytes().as_bytes())).unwrap();
        let locked = LockedHead::synced(Role::Author, log.origin(), durable.head(), None);
        let signed = second.author.sign(&durable, &locked).unwrap();
        let agency = &mut self.agencies[who.at()];
        agency.disk.put(Key::Note(place, signed.head().size.value()), signed.note());
        agency.disk.sync();
        agency.second = Some(second);
        self.truths[log].signed(signed.head(), &self.agencies[who.at()].disk, place)?;
        self.truths[log].keys.signed(signed.note());
        Ok(())
    }

    /// What a thief answers to whoever asks for a successor, as long as it can: one that its own root key has signed.
    pub(crate) fn forged_genesis(&mut self, who: Who, successor: Log) -> Option<Vec<u8>> {
        let is_theirs = self.succession.thief == Some(who) && !self.is_quiet();
        if !is_theirs || !self.succession.dice.one_in(3) {
            return None;
        }
        self.tally.fault("forged successor");
        let closed = successor.predecessor().unwrap();
        let root = self.agencies[who.at()].root_key();
        let key = forger(successor);
        let last_good = self.agencies[who.at()].disk.held(closed);
        let genesis = Genesis::succeeding(&closed.origin(), last_good, &root, key.verifier()).ok()?;
        let time = AuthorTime::from_unix_secs(self.now / 1_000);
        let sealed = genesis.draft().seal(&successor.origin(), time, &mut self.succession.dice).unwrap();
        Some(sealed.bytes().as_bytes().to_vec())
    }
}

fn forger(successor: Log) -> SigningKey {
    let name = comity_tlog::KeyName::new(successor.origin().as_str()).unwrap();
    SigningKey::from_seed(name, comity_tlog::KeyKind::Ed25519, &[0xEE; 32]).unwrap()
}
