//! An author with two histories: both signed with its key, each shown to some.

use std::collections::BTreeSet;

use comity_ledger::{Author, LockedHead, Role};

use crate::agency::Second;
use crate::disk::{Key, Who, size_of};
use crate::drafts::{decide, drafts, seal};
use crate::invariants::Violation;
use crate::log::Log;
use crate::tree::Tree;
use crate::world::World;

impl World {
    /// An author begins a second history behind one of its checkpoints, and shows it to some.
    pub(crate) fn fork(&mut self, who: Who) {
        let log = self.agencies[who.at()].writes;
        let second = log.second();
        let agency = &mut self.agencies[who.at()];
        let notes: Vec<u64> = agency
            .disk
            .range(Key::Note(log, 0)..=Key::Note(log, u64::MAX))
            .map(|(key, _)| key.number())
            .collect();
        let size = notes[self.dice.place(notes.len())];
        let copied: Vec<(Key, Vec<u8>)> = agency
            .disk
            .range(Key::Entry(log, 0)..=Key::Decision(log, u64::MAX))
            .filter_map(|(key, value)| Some((in_second(key, log, size)?, value.to_vec())))
            .collect();
        for (key, value) in copied {
            agency.disk.put(key, &value);
        }
        let tree = Tree::read(&agency.disk, log, size_of(size)).unwrap();
        agency.disk.put_head(Key::Head(second), tree.head());
        agency.disk.sync();
        let author = Author::new(agency.origin.clone(), agency.key(), tree.edge_at(size_of(size)));
        agency.trees.insert(second, tree);
        agency.second = Some(Second { log, author, shown_to: BTreeSet::new() });
        self.truths[log].forked = true;
    }

    /// The second history goes on, and perhaps others are shown it from now on.
    pub(crate) fn append_second(&mut self, who: Who) -> Result<(), Violation> {
        let agency = &self.agencies[who.at()];
        let log = agency.second.as_ref().map_or(agency.writes, |second| second.log);
        let peer = self.dice.place(self.agencies.len());
        let peer = self.agencies[peer].who;
        let drafts = drafts(&mut self.dice, false);
        let sealed = seal(&mut self.dice, &self.truths[log].origin.clone(), drafts, self.now);
        let Some(mut second) = self.agencies[who.at()].second.take() else { return Ok(()) };
        if !self.agencies[who.at()].is_serving() {
            self.agencies[who.at()].second = Some(second);
            return Ok(());
        }
        let staged = second.author.stage(sealed).unwrap();
        let released = decide(&mut self.dice, &staged);
        self.write_entries(who, log.second(), &staged);
        let is_theft = log.author() != who;
        if !is_theft {
            self.release(who, log.second(), &released);
        }
        let bytes = staged.entries().iter().map(|entry| entry.bytes().as_bytes());
        let durable = staged.confirm(bytes).unwrap();
        let agency = &mut self.agencies[who.at()];
        let locked = LockedHead::synced(Role::Author, self.truths[log].origin.clone(), durable.head(), None);
        let signed = second.author.sign(&durable, &locked).unwrap();
        agency.disk.put(Key::Note(log.second(), signed.head().size.value()), signed.note());
        agency.disk.sync();
        if !second.shown_to.remove(&peer) {
            second.shown_to.insert(peer);
        }
        agency.second = Some(second);
        let (truth, disk) = (&mut self.truths[log], &self.agencies[who.at()].disk);
        if is_theft {
            truth.stolen(signed.head(), disk, log.second());
            truth.keys.stolen(signed.note());
        } else {
            truth.signed(signed.head(), disk, log.second())?;
            truth.keys.signed(signed.note());
        }
        self.tally.fault(if is_theft { "theft went on" } else { "second history" });
        self.wake(who, log);
        Ok(())
    }
}

/// The name that a record of a log gets in its second history, if it is about the entries that both have.
pub(crate) fn in_second(key: Key, log: Log, size: u64) -> Option<Key> {
    let second = log.second();
    Some(match key {
        Key::Entry(of, index) if of == log && index < size => Key::Entry(second, index),
        Key::Note(of, at) if of == log && at <= size => Key::Note(second, at),
        Key::Opening(of, index, slot) if of == log && index < size => Key::Opening(second, index, slot),
        _ => return None,
    })
}
