//! The author's side: the stations of a commit (B12), each an event of its own, and the start after a crash.
//!
//! Author, batches, lock and `Found::resume` are the real ones; disk and lock file are modelled.

use std::rc::Rc;

use comity_ledger::{
    Author, Draft, DurableBatch, Found, Genesis, Head, LockedHead, Resume, Role, SignedBatch, StagedBatch,
};
use comity_tlog::{SignedCheckpoint, SigningKey, TreeSize};

use crate::agency::Own;
use crate::disk::{Key, Who, section_bytes, size_of};
use crate::drafts::{decide, drafts, seal};
use crate::event::Event;
use crate::invariants::{Violation, head_of};
use crate::log::Log;
use crate::plants::Plant;
use crate::tree::Tree;
use crate::world::World;

/// Where a commit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Station {
    Write,
    Sync,
    Confirm,
    WriteLock,
    SyncLock,
    Sign,
    WriteNote,
    SyncNote,
    /// The key files are brought up to what the log says.
    Settle,
    SyncFiles,
    Publish,
}

/// A commit under way, or the end of one that a crash interrupted: that one has nothing staged.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) station: Station,
    staged: Option<StagedBatch>,
    durable: Option<DurableBatch>,
    locked: Option<LockedHead>,
    signed: Option<SignedBatch>,
    head: Head,
    /// Whether it may have changed the keys.
    pub(crate) of_keys: bool,
}

impl Commit {
    /// The entry that is staged alone.
    pub(crate) fn only_entry(&self) -> Option<Rc<[u8]>> {
        let [entry] = self.staged.as_ref()?.entries() else { return None };
        Some(entry.bytes().as_bytes().into())
    }
}

impl World {
    /// The first entry of each log; a home is made apart and moved into its place, so no crash falls into it.
    pub(crate) fn found(&mut self, who: Who) -> Result<(), Violation> {
        let agency = &mut self.agencies[who.at()];
        agency.lock.put_head(Key::Lock(agency.writes), Head::EMPTY);
        agency.lock.sync();
        agency.trees.insert(agency.writes, Tree::empty());
        let key = agency.key();
        let (id, root) = (agency.origin.agency().clone(), agency.root_key());
        let genesis = Genesis::new(id, root.verifier(), key.verifier()).unwrap().draft();
        self.begin_author(who, key, genesis);
        while self.agencies[who.at()].commit.is_some() {
            self.pass(who)?;
        }
        Ok(())
    }

    /// An author of a log of which nothing is held stages its first entry.
    pub(crate) fn begin_author(&mut self, who: Who, key: SigningKey, genesis: Draft) {
        let author =
            Author::new(self.agencies[who.at()].origin.clone(), key, self.trees_edge(who, TreeSize::ZERO));
        self.agencies[who.at()].own = Own::Writable(Box::new(author));
        self.stage(who, vec![genesis]);
    }

    fn trees_edge(&self, who: Who, size: TreeSize) -> comity_tlog::RightEdge {
        self.agencies[who.at()].tree(self.agencies[who.at()].writes).edge_at(size)
    }

    /// Somebody hands drafts to the author, if it can take them.
    pub(crate) fn append(&mut self, who: Who) {
        let agency = &self.agencies[who.at()];
        if agency.is_serving() && agency.commit.is_none() && matches!(agency.own, Own::Writable(_)) {
            let drafts = drafts(&mut self.dice, self.plan.large);
            self.stage(who, drafts);
            self.soon(who, 1, Event::Station(who));
        }
    }

    pub(crate) fn stage(&mut self, who: Who, drafts: Vec<Draft>) {
        let sealed = seal(&mut self.dice, &self.agencies[who.at()].origin, drafts, self.now);
        let agency = &mut self.agencies[who.at()];
        let Own::Writable(author) = &agency.own else { return };
        let staged = author.stage(sealed).unwrap();
        let (station, head) = (Station::Write, staged.head());
        let (durable, locked, signed, of_keys) = (None, None, None, false);
        agency.commit =
            Some(Commit { station, staged: Some(staged), durable, locked, signed, head, of_keys });
    }

    /// One station of a commit; a crash may come right behind it.
    pub(crate) fn station(&mut self, who: Who) -> Result<(), Violation> {
        self.pass(who)?;
        if self.crashes_here(who) {
            return Ok(());
        }
        if self.agencies[who.at()].commit.is_some() {
            let pause = self.dice.between(1, 6);
            self.soon(who, pause, Event::Station(who));
        }
        Ok(())
    }

    pub(crate) fn pass(&mut self, who: Who) -> Result<(), Violation> {
        let Some(mut commit) = self.agencies[who.at()].commit.take() else { return Ok(()) };
        let early = self.plant == Some(Plant::SignsBeforeTheSync);
        commit.station = match commit.station {
            Station::Write => {
                self.write_batch(who, &commit);
                if early { Station::Confirm } else { Station::Sync }
            }
            Station::Sync => {
                self.agencies[who.at()].disk.sync();
                Station::Confirm
            }
            Station::Confirm => {
                commit.durable = Some(self.confirm(who, &commit));
                Station::WriteLock
            }
            Station::WriteLock => {
                if !self.write_lock(who, commit.head) {
                    self.agencies[who.at()].own = Own::ReadOnly;
                    self.recovered(who);
                    return Ok(());
                }
                Station::SyncLock
            }
            Station::SyncLock => {
                let agency = &mut self.agencies[who.at()];
                agency.lock.sync();
                let origin = agency.origin.clone();
                commit.locked = Some(LockedHead::synced(Role::Author, origin, commit.head, None));
                Station::Sign
            }
            Station::Sign => {
                commit.signed = Some(self.sign(who, &commit)?);
                Station::WriteNote
            }
            Station::WriteNote => {
                let note = commit.signed.as_ref().unwrap().note();
                let key = Key::Note(self.agencies[who.at()].writes, commit.head.size.value());
                self.agencies[who.at()].disk.put(key, note);
                if early { Station::Publish } else { Station::SyncNote }
            }
            Station::SyncNote => {
                self.agencies[who.at()].disk.sync();
                if commit.of_keys { Station::Settle } else { Station::Publish }
            }
            Station::Settle => {
                let history = self.own_history(who);
                self.agencies[who.at()].settle_keys(&history, commit.head.size);
                Station::SyncFiles
            }
            Station::SyncFiles => {
                self.agencies[who.at()].files.sync();
                Station::Publish
            }
            Station::Publish => {
                if commit.of_keys && self.own_history(who).closed().is_some() {
                    self.agencies[who.at()].own = Own::Closed;
                }
                let log = self.agencies[who.at()].writes;
                let truth = &mut self.truths[log];
                truth.acknowledged = truth.acknowledged.max(commit.head.size.value());
                self.wake(who, log);
                self.recovered(who);
                return Ok(());
            }
        };
        self.agencies[who.at()].commit = Some(commit);
        Ok(())
    }

    fn write_batch(&mut self, who: Who, commit: &Commit) {
        let Some(staged) = &commit.staged else { return };
        let released = decide(&mut self.dice, staged);
        let log = self.agencies[who.at()].writes;
        self.write_entries(who, log, staged);
        self.release(who, log, &released);
    }

    pub(crate) fn write_entries(&mut self, who: Who, place: Log, staged: &StagedBatch) {
        let agency = &mut self.agencies[who.at()];
        if self.plant != Some(Plant::LeavesWhatWasNeverSigned) {
            let start = staged.start().value();
            let left = Key::Opening(place, start, 0)..=Key::Opening(place, u64::MAX, u8::MAX);
            let left: Vec<Key> = agency.disk.range(left).map(|(key, _)| key).collect();
            for key in left {
                agency.disk.remove(key);
            }
        }
        let tree = agency.trees.entry(place).or_insert_with(Tree::empty);
        for (entry, index) in staged.entries().iter().zip(staged.start().value()..) {
            for (slot, opening) in entry.openings() {
                agency.disk.put(Key::Opening(place, index, slot.number()), &opening.to_padded());
            }
            agency.disk.put(Key::Entry(place, index), entry.bytes().as_bytes());
            tree.append(entry.leaf());
        }
        agency.disk.put_head(Key::Head(place), staged.head());
    }

    /// Enters what may leave, behind all that was entered before.
    pub(crate) fn release(&mut self, who: Who, place: Log, sections: &[(u64, u8)]) {
        let disk = &mut self.agencies[who.at()].disk;
        let next = disk.next_number(Key::Decision(place, 0)..=Key::Decision(place, u64::MAX));
        for (section, number) in sections.iter().zip(next..) {
            disk.put(Key::Decision(place, number), &section_bytes(&[*section]));
            self.truths[place.shared()].released.insert(*section);
        }
    }

    /// A label changes, and a section of an earlier entry may leave.
    pub(crate) fn release_later(&mut self, who: Who) {
        let log = self.agencies[who.at()].writes;
        let agency = &self.agencies[who.at()];
        let size = agency.disk.newest_note(log).map_or(0, |(size, _)| size);
        if !agency.is_serving() || !matches!(agency.own, Own::Writable(_)) || agency.commit.is_some() {
            return;
        }
        let index = self.dice.below(size);
        let openings = agency.disk.range(Key::Opening(log, index, 0)..=Key::Opening(log, index, u8::MAX));
        let slots: Vec<u8> = openings
            .filter_map(|(key, _)| match key {
                Key::Opening(_, _, slot) => Some(slot),
                _ => None,
            })
            .filter(|slot| !self.truths[log].released.contains(&(index, *slot)))
            .collect();
        if !slots.is_empty() {
            let slot = slots[self.dice.place(slots.len())];
            self.release(who, log, &[(index, slot)]);
            self.agencies[who.at()].disk.sync();
            self.wake(who, log);
        }
    }

    /// Reads the entries back and computes the root again.
    fn confirm(&self, who: Who, commit: &Commit) -> DurableBatch {
        let agency = &self.agencies[who.at()];
        let log = agency.writes;
        if let Some(staged) = &commit.staged {
            let range = staged.start().value()..commit.head.size.value();
            return staged
                .confirm(range.map(|index| agency.disk.get(Key::Entry(log, index)).unwrap()))
                .unwrap();
        }
        let signed = agency.disk.newest_note(log).map_or(0, |(size, _)| size);
        let edge = Tree::read(&agency.disk, log, commit.head.size).unwrap().edge_at(commit.head.size);
        DurableBatch::recovered(agency.origin.clone(), size_of(signed), edge, commit.head).unwrap()
    }

    /// Compare and set, as the sign-lock does it.
    fn write_lock(&mut self, who: Who, head: Head) -> bool {
        let agency = &mut self.agencies[who.at()];
        let key = Key::Lock(agency.writes);
        let held = agency.lock.head(key);
        let permitted = held.is_some_and(|held| head == held || head.size > held.size);
        if permitted {
            agency.lock.put_head(key, head);
        }
        permitted
    }

    fn sign(&mut self, who: Who, commit: &Commit) -> Result<SignedBatch, Violation> {
        if commit.of_keys && self.plant != Some(Plant::SignsWithTheFirstFileAlone) {
            let history = self.own_history(who);
            let signers = self.agencies[who.at()].signers(&history, commit.head.size);
            let Own::Writable(author) = &mut self.agencies[who.at()].own else {
                unreachable!("it can write")
            };
            author.change_keys(signers);
        }
        let agency = &mut self.agencies[who.at()];
        let Own::Writable(author) = &mut agency.own else { unreachable!("an author that signs can write") };
        let signed = author.sign(commit.durable.as_ref().unwrap(), commit.locked.as_ref().unwrap()).unwrap();
        self.tally.signed += 1;
        let log = agency.writes;
        self.truths[log].signed(signed.head(), &agency.disk, log)?;
        self.check_signers(who, signed.head().size.value(), signed.note())?;
        Ok(signed)
    }

    /// What a crash left is ended: now others are served and called.
    fn recovered(&mut self, who: Who) {
        if std::mem::take(&mut self.agencies[who.at()].recovering) {
            self.call_all(who);
        }
    }

    /// Begins to run: compares note, pending and lock, and ends what a crash left.
    pub(crate) fn start(&mut self, who: Who) {
        let plant = self.plant;
        let agency = &mut self.agencies[who.at()];
        let log = agency.writes;
        agency.read_trees();
        agency.find_followed();
        // What a successor has made void was signed here all the same.
        let (history, by_entries) = (self.own_history(who), self.history_by_entries(who, log));
        let agency = &mut self.agencies[who.at()];
        let note = agency.disk.newest_note(log).map(|(_, note)| {
            by_entries.verify(&SignedCheckpoint::parse(note).unwrap()).unwrap();
            head_of(note)
        });
        let pending = agency.disk.head(Key::Head(log));
        if plant == Some(Plant::ForgetsTheLock) {
            agency.lock.put_head(Key::Lock(log), pending.unwrap_or(Head::EMPTY));
            agency.lock.sync();
        }
        let found = Found { note, pending, lock: agency.lock.head(Key::Lock(log)) };
        let mut resume = found.resume();
        let signed = note.unwrap_or(Head::EMPTY);
        if plant == Some(Plant::DropsWhatIsPending) && matches!(resume, Resume::Sign(_)) {
            agency.disk.put_head(Key::Head(log), signed);
            agency.read_trees();
            resume = Resume::Ready;
        }
        let (edge, is_unfinished) = (agency.tree(log).edge_at(signed.size), !matches!(resume, Resume::Ready));
        let held = pending.unwrap_or(signed);
        match resume {
            Resume::Ready if history.closed().is_some() => {
                agency.own = Own::Closed;
                self.call_all(who);
            }
            Resume::Ready | Resume::Confirm(_) | Resume::Sign(_) => {
                let signers = if plant == Some(Plant::SignsWithTheFirstFileAlone) {
                    vec![agency.numbered_key(agency.key_files().present)]
                } else {
                    agency.signers(&history, held.size)
                };
                if signers.is_empty() {
                    // No file has a key that is in force, as where keys went on and the database was put back.
                    agency.own = Own::ReadOnly;
                    return self.call_all(who);
                }
                let author = Author::with_keys(agency.origin.clone(), signers, edge);
                agency.own = Own::Writable(Box::new(author));
                if is_unfinished {
                    agency.recovering = true;
                    let (station, head, of_keys) = (Station::Sync, held, self.keys.change);
                    let (staged, durable, locked, signed) = (None, None, None, None);
                    agency.commit = Some(Commit { station, staged, durable, locked, signed, head, of_keys });
                    self.soon(who, 1, Event::Station(who));
                } else {
                    agency.settle_keys(&history, held.size);
                    agency.files.sync();
                    self.call_all(who);
                }
            }
            Resume::StoreBehind { .. } | Resume::LockBehind | Resume::Conflict { .. } => {
                agency.own = Own::ReadOnly;
                self.call_all(who);
            }
        }
    }
}
