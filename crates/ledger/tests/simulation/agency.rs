//! One agency: its disk, its lock, and what it has in memory while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use comity_ledger::{Author, Doubt, Origin, Role};
use comity_tlog::{KeyKind, KeyName, SigningKey};

use crate::author::Commit;
use crate::disk::{Disk, Key, Who};
use crate::follow::Following;
use crate::keys::KnownKeys;
use crate::log::Log;
use crate::serve::Stream;
use crate::tree::Tree;

/// How an agency stands to its own log.
#[derive(Debug)]
pub(crate) enum Own {
    /// It does not run.
    Down,
    /// It can append, once what a crash left is ended.
    Writable(Box<Author>),
    /// It must not sign.
    ReadOnly,
    /// Its log has ended for ever.
    Closed,
}

/// A second history of a log: of an author that has two, or of a thief.
#[derive(Debug)]
pub(crate) struct Second {
    pub(crate) log: Log,
    pub(crate) author: Author,
    /// Who is shown it.
    pub(crate) shown_to: BTreeSet<Who>,
}

/// An agency.
#[derive(Debug)]
pub(crate) struct Agency {
    pub(crate) who: Who,
    /// The log that it writes, and its origin.
    pub(crate) writes: Log,
    pub(crate) origin: Origin,
    pub(crate) disk: Disk,
    /// Outside of the database and of backups.
    pub(crate) lock: Disk,
    /// Its key files.
    pub(crate) files: Disk,
    /// How many keys were ever made to follow the first, whatever became of them.
    pub(crate) keys_made: u8,
    /// The keys of each log by its entries, as far as they were read.
    pub(crate) histories: BTreeMap<Log, KnownKeys>,
    /// Counted up with each crash: what was due before is void.
    pub(crate) life: u64,
    pub(crate) own: Own,
    pub(crate) commit: Option<Commit>,
    /// Whether a crash left something that must be ended before anybody is served.
    pub(crate) recovering: bool,
    pub(crate) trees: BTreeMap<Log, Tree>,
    /// From whom each log is fetched: its author, or a relay.
    pub(crate) upstream: BTreeMap<Who, Who>,
    pub(crate) following: BTreeMap<Log, Following>,
    /// By whom it goes to, and the log.
    pub(crate) streams: BTreeMap<(Who, Log), Stream>,
    /// Up to where each replica was shown to anybody.
    pub(crate) shown: BTreeMap<Log, u64>,
    pub(crate) doubts: BTreeMap<Log, BTreeSet<Doubt>>,
    /// Disk and lock as they once were.
    pub(crate) backup: Option<(Disk, Disk)>,
    /// By what its times are multiplied.
    pub(crate) slow: u64,
    pub(crate) lies: bool,
    /// Up to where a lying relay serves a log, for ever.
    pub(crate) frozen: BTreeMap<Log, u64>,
    /// What a lying relay may send once more.
    pub(crate) heard: Vec<Rc<[u8]>>,
    pub(crate) second: Option<Second>,
}

impl Agency {
    pub(crate) fn new(who: Who) -> Self {
        Self {
            who,
            writes: Log::of(who),
            origin: Log::of(who).origin(),
            disk: Disk::default(),
            lock: Disk::default(),
            files: Disk::default(),
            keys_made: 0,
            histories: BTreeMap::new(),
            life: 0,
            own: Own::Down,
            commit: None,
            recovering: false,
            trees: BTreeMap::new(),
            upstream: BTreeMap::new(),
            following: BTreeMap::new(),
            streams: BTreeMap::new(),
            shown: BTreeMap::new(),
            doubts: BTreeMap::new(),
            backup: None,
            slow: 1,
            lies: false,
            frozen: BTreeMap::new(),
            heard: Vec::new(),
            second: None,
        }
    }

    /// The first key of its log.
    pub(crate) fn key(&self) -> SigningKey {
        self.numbered_key(0)
    }

    /// From now on the home writes this log, and reads its key files.
    pub(crate) fn write_as(&mut self, log: Log) {
        self.writes = log;
        self.origin = log.origin();
    }

    /// The log that it writes by what stands in the home.
    pub(crate) fn find_home(&mut self) {
        let successor = Log::of(self.who).successor().filter(|_| self.files.get(Key::Writes).is_some());
        self.write_as(successor.unwrap_or(Log::of(self.who)));
    }

    /// A key of its log; the first has number 0.
    pub(crate) fn numbered_key(&self, number: u8) -> SigningKey {
        let mut seed = [self.who.0 + 1; 32];
        if number > 0 {
            seed[0] = 0x80 | number;
        }
        seed[1] ^= self.writes.number() & !self.who.0;
        signing_key(self.origin.as_str(), seed)
    }

    pub(crate) fn root_key(&self) -> SigningKey {
        signing_key(&format!("{}/root", self.origin.agency()), [self.who.0 + 0x41; 32])
    }

    pub(crate) fn is_down(&self) -> bool {
        matches!(self.own, Own::Down)
    }

    /// Whether it answers and calls: not before what a crash left is ended.
    pub(crate) fn is_serving(&self) -> bool {
        !self.is_down() && !self.recovering
    }

    /// Where it reads the log that it shows to a caller.
    pub(crate) fn place(&self, to: Who, log: Log) -> Log {
        let second = self.second.as_ref().filter(|second| second.log == log);
        if second.is_some_and(|second| second.shown_to.contains(&to)) { log.second() } else { log }
    }

    /// The newest checkpoint that it shows of a log: one of which it holds all entries.
    pub(crate) fn newest_shown(&self, place: Log) -> Option<(u64, Rc<[u8]>)> {
        self.newest_shown_up_to(place, u64::MAX)
    }

    /// The same, of at most this size.
    pub(crate) fn newest_shown_up_to(&self, place: Log, size: u64) -> Option<(u64, Rc<[u8]>)> {
        let limit = self.frozen.get(&place).copied().unwrap_or(u64::MAX).min(size);
        let newest = self.disk.range(Key::Note(place, 0)..=Key::Note(place, limit)).next_back();
        newest.map(|(key, note)| (key.number(), Rc::clone(note)))
    }

    /// Hashes what is held of each log again.
    pub(crate) fn read_trees(&mut self) {
        let heads: Vec<Log> = self
            .disk
            .range(Key::Head(Log::FIRST)..=Key::Head(Log::LAST))
            .map(|(key, _)| match key {
                Key::Head(log) => log,
                _ => self.writes,
            })
            .collect();
        for log in heads {
            let size = self.disk.held(log).size;
            // What a lost entry leaves is found by whoever compares root and head.
            self.trees.insert(log, Tree::read(&self.disk, log, size).unwrap_or_else(Tree::empty));
        }
    }

    /// Follows the successors that were begun, and no others.
    pub(crate) fn find_followed(&mut self) {
        let begun = self.disk.range(Key::Begun(Log::FIRST)..=Key::Begun(Log::LAST));
        let begun: Vec<Log> = begun.map(|(key, _)| key.log()).collect();
        self.following.retain(|log, _| !log.is_successor() || begun.contains(log));
        for log in begun {
            self.following.entry(log).or_default();
        }
    }

    pub(crate) fn tree(&self, log: Log) -> &Tree {
        &self.trees[&log]
    }

    /// What is in memory ends with the process.
    pub(crate) fn forget(&mut self) {
        self.life += 1;
        self.own = Own::Down;
        self.commit = None;
        self.recovering = false;
        self.trees.clear();
        self.histories.clear();
        self.streams.clear();
        self.doubts.clear();
        self.following.values_mut().for_each(|following| *following = Following::default());
    }
}

/// The key of an agency's witness, or of its mirror.
pub(crate) fn cosigner_key(origin: &Origin, who: Who, role: Role) -> SigningKey {
    let name = KeyName::new(&format!("{}/{role}", origin.agency())).unwrap();
    let seed = if role == Role::Mirror { 0xC1 } else { 0x81 };
    SigningKey::from_seed(name, KeyKind::CosignatureV1, &[who.0 + seed; 32]).unwrap()
}

fn signing_key(name: &str, seed: [u8; 32]) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), KeyKind::Ed25519, &seed).unwrap()
}
