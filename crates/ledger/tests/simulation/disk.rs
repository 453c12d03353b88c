//! A disk that forgets: what was written is readable at once, and there after a power cut only if it was synced, or if
//! it stands before the cut in the order of writing, as in the log of the real store.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::rc::Rc;

use comity_ledger::Head;
use comity_tlog::{Hash, TreeSize};

use crate::log::Log;

/// An agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Who(pub(crate) u8);

impl Who {
    pub(crate) fn at(self) -> usize {
        usize::from(self.0)
    }
}

/// The name of a record; records of one kind and one log lie in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// An entry, as authored.
    Entry(Log, u64),
    /// Size and root of all entries held.
    Head(Log),
    /// A checkpoint of which all entries are held.
    Note(Log, u64),
    /// The newest checkpoint seen of a replica.
    Seen(Log),
    /// A checkpoint seen before it whose entries are not held.
    Awaited(Log, u64),
    /// An opening in its padded form: log, index, slot.
    Opening(Log, u64, u8),
    /// What its author releases, in order: index and slot.
    Decision(Log, u64),
    /// Entries of which openings arrived, in order.
    Arrival(Log, u64),
    /// The next release number due from the upstream of a replica.
    Cursor(Log),
    /// To whom, which log, from which number on: index and slot of each.
    Booked(Who, Log, u64),
    /// To whom, which log: the next number, and how far was looked.
    Book(Who, Log),
    /// The sign-lock.
    Lock(Log),
    /// The sign-lock of a cosigner, by log and role.
    CosignerLock(Log, u8),
    /// The newest checkpoint of a log with the lines of its cosigners.
    Lines(Log),
    /// What a cosigner of this agency has stated last, by log and role.
    Stated(Log, u8),
    /// Evidence against the author of a log.
    Evidence(Log),
    /// The numbers of the keys in the key files.
    Files(Log),
    /// Written once a home writes the successor of its first log.
    Writes,
    /// Of a replica of a successor: the first entry with which it was begun.
    Begun(Log),
    /// How often a replica was set aside.
    SetAside(Log),
}

/// Records by the packed form of their keys.
#[derive(Clone, Debug, Default)]
struct Records(BTreeMap<u128, (Key, Rc<[u8]>)>);

impl Records {
    fn insert(&mut self, key: Key, value: Rc<[u8]>) {
        self.0.insert(key.packed(), (key, value));
    }

    fn remove(&mut self, key: Key) {
        self.0.remove(&key.packed());
    }

    fn get(&self, key: Key) -> Option<&Rc<[u8]>> {
        self.0.get(&key.packed()).map(|(_, value)| value)
    }

    fn range(&self, keys: RangeInclusive<Key>) -> impl DoubleEndedIterator<Item = (Key, &Rc<[u8]>)> {
        self.0.range(keys.start().packed()..=keys.end().packed()).map(|(_, (key, value))| (*key, value))
    }
}

/// A record written, or removed.
#[derive(Clone, Debug)]
struct Write {
    key: Key,
    value: Option<Rc<[u8]>>,
}

/// A disk with a cache that a power cut empties.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    durable: Records,
    current: Records,
    /// What is written at once survives a power cut together or not at all.
    pending: Vec<Vec<Write>>,
    /// Written since they were last looked at.
    fresh: Vec<Key>,
}

impl Disk {
    pub(crate) fn put(&mut self, key: Key, value: &[u8]) {
        self.put_together(&[(key, value)]);
    }

    pub(crate) fn put_together(&mut self, records: &[(Key, &[u8])]) {
        let mut written = Vec::with_capacity(records.len());
        for (key, value) in records {
            let value: Rc<[u8]> = (*value).into();
            self.current.insert(*key, Rc::clone(&value));
            self.fresh.push(*key);
            written.push(Write { key: *key, value: Some(value) });
        }
        self.pending.push(written);
    }

    /// Removes records and writes one, all together or not at all.
    pub(crate) fn change_together(&mut self, removed: &[Key], (key, value): (Key, &[u8])) {
        let value: Rc<[u8]> = value.into();
        let mut writes: Vec<Write> = removed.iter().map(|key| Write { key: *key, value: None }).collect();
        for key in removed {
            self.current.remove(*key);
        }
        self.current.insert(key, Rc::clone(&value));
        writes.push(Write { key, value: Some(value) });
        self.pending.push(writes);
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.current.remove(key);
        self.pending.push(vec![Write { key, value: None }]);
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Rc<[u8]>> {
        self.current.get(key)
    }

    /// What a power cut at this moment could not take away.
    pub(crate) fn get_durable(&self, key: Key) -> Option<&Rc<[u8]>> {
        self.durable.get(key)
    }

    pub(crate) fn range(
        &self,
        keys: RangeInclusive<Key>,
    ) -> impl DoubleEndedIterator<Item = (Key, &Rc<[u8]>)> {
        self.current.range(keys)
    }

    pub(crate) fn newest_durable(&self, keys: RangeInclusive<Key>) -> Option<Key> {
        self.durable.range(keys).next_back().map(|(key, _)| key)
    }

    pub(crate) fn sync(&mut self) {
        let all = self.pending.len();
        self.settle(all);
    }

    /// How many writes a power cut could undo.
    pub(crate) fn unsynced(&self) -> usize {
        self.pending.len()
    }

    /// The process is killed: what it wrote is in the system's memory, and as lost in a power cut as before.
    pub(crate) fn kill(&mut self) {
        self.fresh = self.current.0.values().map(|(key, _)| *key).collect();
    }

    /// A power cut that only the first `kept` of the unsynced writes survive.
    pub(crate) fn cut(&mut self, kept: usize) {
        self.settle(kept);
        self.current = self.durable.clone();
        self.kill();
    }

    fn settle(&mut self, kept: usize) {
        for Write { key, value } in self.pending.drain(..).take(kept).flatten() {
            match value {
                Some(value) => self.durable.insert(key, value),
                None => self.durable.remove(key),
            }
        }
    }

    /// The keys written since the last call; all of them after a cut.
    pub(crate) fn take_fresh(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.fresh)
    }

    /// What lies on the disk for good, to be put back later.
    pub(crate) fn backup(&self) -> Self {
        Self { durable: self.durable.clone(), ..Self::default() }
    }

    /// Puts a backup in the place of all that is held.
    pub(crate) fn restore(&mut self, backup: &Self) {
        *self = backup.clone();
        self.cut(0);
    }

    pub(crate) fn head(&self, key: Key) -> Option<Head> {
        self.get(key).map(|bytes| to_head(bytes))
    }

    pub(crate) fn put_head(&mut self, key: Key, head: Head) {
        self.put(key, &[&head.size.value().to_be_bytes()[..], head.root.as_bytes()].concat());
    }

    /// Size and root of the entries held.
    pub(crate) fn held(&self, log: Log) -> Head {
        self.head(Key::Head(log)).unwrap_or(Head::EMPTY)
    }

    /// The newest checkpoint of which all entries are held.
    pub(crate) fn newest_note(&self, log: Log) -> Option<(u64, &Rc<[u8]>)> {
        let newest = self.range(Key::Note(log, 0)..=Key::Note(log, u64::MAX)).next_back();
        newest.map(|(key, note)| (key.number(), note))
    }

    /// The number that comes after the last of a kind of records.
    pub(crate) fn next_number(&self, keys: RangeInclusive<Key>) -> u64 {
        self.range(keys).next_back().map_or(0, |(key, _)| key.number() + 1)
    }

    pub(crate) fn number(&self, key: Key) -> u64 {
        self.get(key).map_or(0, |bytes| to_number(bytes))
    }
}

impl Key {
    /// The same order as one number: kind, log, to whom, number, slot.
    fn packed(self) -> u128 {
        let (kind, log, to, number, slot): (u8, Log, Who, u64, u8) = match self {
            Self::Entry(log, number) => (0, log, Who(0), number, 0),
            Self::Head(log) => (1, log, Who(0), 0, 0),
            Self::Note(log, number) => (2, log, Who(0), number, 0),
            Self::Seen(log) => (3, log, Who(0), 0, 0),
            Self::Awaited(log, number) => (4, log, Who(0), number, 0),
            Self::Opening(log, number, slot) => (5, log, Who(0), number, slot),
            Self::Decision(log, number) => (6, log, Who(0), number, 0),
            Self::Arrival(log, number) => (7, log, Who(0), number, 0),
            Self::Cursor(log) => (8, log, Who(0), 0, 0),
            Self::Booked(to, log, number) => (9, log, to, number, 0),
            Self::Book(to, log) => (10, log, to, 0, 0),
            Self::Lock(log) => (11, log, Who(0), 0, 0),
            Self::CosignerLock(log, role) => (12, log, Who(0), 0, role),
            Self::Lines(log) => (13, log, Who(0), 0, 0),
            Self::Stated(log, role) => (14, log, Who(0), 0, role),
            Self::Evidence(log) => (15, log, Who(0), 0, 0),
            Self::Files(log) => (16, log, Who(0), 0, 0),
            Self::Writes => (17, Log::FIRST, Who(0), 0, 0),
            Self::Begun(log) => (18, log, Who(0), 0, 0),
            Self::SetAside(log) => (19, log, Who(0), 0, 0),
        };
        let place = u128::from(kind) << 16 | u128::from(log.number()) << 8 | u128::from(to.0);
        place << 72 | u128::from(number) << 8 | u128::from(slot)
    }

    /// The log of a successor that was begun.
    pub(crate) fn log(self) -> Log {
        match self {
            Self::Begun(log) => log,
            _ => Log::FIRST,
        }
    }

    /// The last number in the name.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Entry(_, number)
            | Self::Note(_, number)
            | Self::Awaited(_, number)
            | Self::Opening(_, number, _)
            | Self::Decision(_, number)
            | Self::Arrival(_, number)
            | Self::Booked(_, _, number) => number,
            _ => 0,
        }
    }
}

pub(crate) fn to_head(bytes: &[u8]) -> Head {
    let (size, root) = bytes.split_first_chunk::<8>().unwrap();
    Head { size: size_of(u64::from_be_bytes(*size)), root: Hash::from_bytes(root.try_into().unwrap()) }
}

pub(crate) fn to_number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes[..8].try_into().unwrap())
}

/// Sections on the disk: index and slot, nine bytes each.
pub(crate) fn to_sections(bytes: &[u8]) -> Vec<(u64, u8)> {
    bytes.as_chunks::<9>().0.iter().map(|item| (to_number(item), item[8])).collect()
}

pub(crate) fn section_bytes(sections: &[(u64, u8)]) -> Vec<u8> {
    sections.iter().flat_map(|(index, slot)| index.to_be_bytes().into_iter().chain([*slot])).collect()
}

pub(crate) fn size_of(entries: u64) -> TreeSize {
    TreeSize::new(entries).unwrap()
}
