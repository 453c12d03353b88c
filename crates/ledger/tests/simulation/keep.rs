//! How a follower keeps a step: written in the order of the store, synced, and only then shown.

use std::rc::Rc;

use comity_ledger::{Doubt, Head};
use comity_tlog::{SignedCheckpoint, VerifiedCheckpoint};

use crate::disk::{Key, Who, section_bytes, size_of, to_sections};
use crate::event::Event;
use crate::follow::{Arrived, Keeper};
use crate::invariants::{Invariant, Violation, head_of};
use crate::log::Log;
use crate::plants::Plant;
use crate::world::World;

impl World {
    /// Writes a step in the order of the store: checkpoints, entries, head, openings, cursor. Says whether anything was
    /// new; an error is a wrong opening, of whose release nothing is written.
    pub(crate) fn write(
        &mut self,
        who: Who,
        log: Log,
        keeper: &mut Keeper,
        arrived: &Arrived,
    ) -> Result<bool, ()> {
        let agency = &mut self.agencies[who.at()];
        // Beyond as many as are awaited, one is given up.
        let (size, awaited) = (keeper.replica.size(), keeper.replica.awaited());
        let is_kept = |head: Head| head.size <= size || awaited.contains(&head);
        for checkpoint in arrived.awaited.iter().filter(|of| is_kept(head_of(of.as_bytes()))) {
            let size = checkpoint.checkpoint().size().value();
            agency.disk.put(Key::Awaited(log, size), checkpoint.as_bytes());
        }
        if let Some(seen) = &arrived.seen {
            // Of those that are complete, but for the newest, nothing else tells whoever is cut off behind the sync.
            let is_earlier = |of: &&VerifiedCheckpoint| of.checkpoint().size() < seen.checkpoint().size();
            for checkpoint in arrived.complete.iter().filter(is_earlier) {
                let size = checkpoint.checkpoint().size().value();
                agency.disk.put(Key::Awaited(log, size), checkpoint.as_bytes());
            }
            agency.disk.put(Key::Seen(log), seen.as_bytes());
        }
        for frame in &arrived.frames {
            let tree = agency.trees.get_mut(&log).unwrap();
            for (entry, index) in frame.entries().iter().zip(frame.start().value()..) {
                agency.disk.put(Key::Entry(log, index), entry.as_bytes());
                tree.append(entry.leaf_hash());
            }
            agency.disk.put_head(Key::Head(log), frame.head());
        }
        let mut gained = arrived.seen.is_some() || !arrived.frames.is_empty();
        if arrived.next_release != keeper.next_release {
            let opened = self.judge(who, log, &arrived.openings)?;
            gained |= !opened.is_empty();
            self.keep_openings(who, log, &opened, arrived.next_release);
            keeper.next_release = arrived.next_release;
        }
        Ok(gained)
    }

    fn keep_openings(&mut self, who: Who, log: Log, opened: &[(u64, u8, Vec<u8>)], next_release: u64) {
        let disk = &mut self.agencies[who.at()].disk;
        let next_release = next_release.to_be_bytes();
        let mut records: Vec<(Key, &[u8])> = Vec::with_capacity(opened.len() + 2);
        for (index, slot, padded) in opened {
            records.push((Key::Opening(log, *index, *slot), padded));
        }
        let mut indexes: Vec<(u64, u8)> = opened.iter().map(|(index, _, _)| (*index, 0)).collect();
        indexes.dedup();
        let arrival = section_bytes(&indexes);
        if !indexes.is_empty() {
            let number = disk.next_number(Key::Arrival(log, 0)..=Key::Arrival(log, u64::MAX));
            records.push((Key::Arrival(log, number), &arrival));
        }
        records.push((Key::Cursor(log), &next_release));
        match self.plant {
            Some(Plant::MovesTheCursorFirst) => {
                records.rotate_right(1);
                for record in records {
                    disk.put_together(&[record]);
                }
            }
            Some(Plant::KeepsOpeningsBeforeTheirArrival) => {
                let (openings, rest) = records.split_at(opened.len());
                disk.put_together(openings);
                disk.put_together(rest);
            }
            _ => disk.put_together(&records),
        }
    }

    /// What was written is synced, and the step ends.
    pub(crate) fn kept(&mut self, who: Who, log: Log, session: u64) -> Result<(), Violation> {
        let agency = &mut self.agencies[who.at()];
        if agency.following[&log].session != session {
            return Ok(());
        }
        agency.disk.sync();
        self.tally.kept += 1;
        if self.crashes_here(who) {
            return Ok(());
        }
        self.finish(who, log, session)
    }

    /// What a step completed is entered, shown, and passed on; then comes the next, or the session ends.
    pub(crate) fn finish(&mut self, who: Who, log: Log, session: u64) -> Result<(), Violation> {
        let following = self.agencies[who.at()].following.get_mut(&log).unwrap();
        let Some(finish) = following.finish.take() else { return Ok(()) };
        if finish.written {
            self.keep_passed(who, log)?;
        }
        for checkpoint in &finish.complete {
            self.keep_checkpoint(who, log, checkpoint)?;
        }
        if finish.written {
            self.wake(who, log);
        }
        let agency = &mut self.agencies[who.at()];
        let following = agency.following.get_mut(&log).unwrap();
        following.busy = false;
        if following.keeper.as_ref().is_some_and(Keeper::is_complete) {
            let doubts = agency.doubts.entry(log).or_default();
            doubts.retain(|doubt| *doubt == Doubt::Fork);
        }
        if let Some(stop) = finish.stop {
            return self.hang_up(who, log, session, stop);
        }
        let following = agency.following.get_mut(&log).unwrap();
        if !following.inbox.is_empty() {
            following.busy = true;
            self.soon(who, 1, Event::Take(who, log, session));
        }
        Ok(())
    }

    /// Checkpoints seen before the newest, whose entries have come by now, are kept as complete: others may need them to
    /// come from one key to the next.
    pub(crate) fn keep_passed(&mut self, who: Who, log: Log) -> Result<(), Violation> {
        let held = self.agencies[who.at()].disk.held(log).size.value();
        let passed = self.agencies[who.at()].disk.range(Key::Awaited(log, 0)..=Key::Awaited(log, held));
        let passed: Vec<(Key, Rc<[u8]>)> = passed.map(|(key, note)| (key, Rc::clone(note))).collect();
        if passed.is_empty() {
            return Ok(());
        }
        let keys = self.history(who, log);
        for (key, note) in passed {
            let head = head_of(&note);
            // Beyond as many as are awaited, one was given up and may be of another history.
            let is_held = self.agencies[who.at()].tree(log).root_at(head.size) == head.root;
            let is_lost = self.plant == Some(Plant::ForgetsWhatWasPassed);
            if let Some(checkpoint) = keys
                .verify_as_then(&SignedCheckpoint::parse(&note).unwrap())
                .ok()
                .filter(|_| is_held && !is_lost)
            {
                self.keep_checkpoint(who, log, &checkpoint)?;
            }
            self.agencies[who.at()].disk.remove(key);
        }
        Ok(())
    }

    /// From now on this is the newest checkpoint that is served; its entries are durable, itself it need not be.
    pub(crate) fn keep_checkpoint(
        &mut self,
        who: Who,
        log: Log,
        checkpoint: &VerifiedCheckpoint,
    ) -> Result<(), Violation> {
        let agency = &mut self.agencies[who.at()];
        let head = head_of(checkpoint.as_bytes());
        if agency.tree(log).root_at(size_of(head.size.value())) != head.root {
            let what = format!("{who:?} completed a checkpoint of {log:?} that its entries do not come to");
            return Err(Violation::of(Invariant::ReplicaIsAPrefix, what));
        }
        agency.disk.put(Key::Note(log, head.size.value()), checkpoint.as_bytes());
        let shown = agency.shown.entry(log).or_default();
        *shown = (*shown).max(head.size.value());
        Ok(())
    }
}

/// The entries of an arrival.
pub(crate) fn arrived_indexes(bytes: &[u8]) -> Vec<u64> {
    to_sections(bytes).into_iter().map(|(index, _)| index).collect()
}
