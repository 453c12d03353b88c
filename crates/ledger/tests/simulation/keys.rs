//! How authors let their log keys follow each other and end: decided by an operator, prepared in the key files, entered
//! as events of the log, in steps with a crash between any two of them.
//!
//! `KeyHistory`, key events and `Author::change_keys` are the real ones and are driven as a node drives them; the key
//! files lie on a disk that is modelled. Changes of keys have a chance of their own, and in every other pair of
//! seeds there are none, so that all else of such a seed is what it is without them. What was really in force is in `key_truth`, and
//! who steals keys in `key_thief`.

use std::rc::Rc;

use comity_ledger::{
    Entry, Genesis, Head, KeyAct, KeyEvent, KeyEventSigners, KeyHistory, KeyRole, Kind, RoleKey, Succession,
    UnsignedKeyEvent,
};
use comity_tlog::{EntryIndex, SigningKey, TreeSize};

use crate::agency::{Agency, Own};
use crate::dice::Dice;
use crate::disk::{Key, Who, size_of};
use crate::event::Event;
use crate::key_truth::Act;
use crate::log::Log;
use crate::plan::PutBack;
use crate::plants::Plant;
use crate::successor::genesis_of;
use crate::world::World;

/// Between two tries of an operator whose node is at work, in milliseconds.
const TRY_AGAIN: u64 = 20;

/// What a seed decides of keys.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) dice: Dice,
    /// Whether any change.
    pub(crate) change: bool,
    /// Mean time between the changes of one author, in milliseconds.
    every: u64,
    /// Who gets every key of whom, as soon as it has ended.
    pub(crate) thief: Option<(Who, Who)>,
}

impl Keys {
    pub(crate) fn draw(seed: u64, agencies: u8) -> Self {
        let mut dice = Dice::new(seed ^ 0x6B65_7973);
        let every = dice.between(8_000, 30_000);
        let one = dice.below(u64::from(agencies));
        let other = (one + dice.between(1, u64::from(agencies) - 1)) % u64::from(agencies);
        let who = |number| Who(u8::try_from(number).unwrap());
        let thief = dice.one_in(2).then(|| (who(one), who(other)));
        Self { dice, change: matches!(seed % 4, 0 | 3), every, thief }
    }
}

/// The key files of an author, by the numbers of the keys: the present one, and the one that is made to follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyFiles {
    pub(crate) present: u8,
    pub(crate) next: Option<u8>,
}

impl KeyFiles {
    fn bytes(self) -> Vec<u8> {
        [Some(self.present), self.next].into_iter().flatten().collect()
    }

    fn of(bytes: &[u8]) -> Self {
        Self { present: bytes[0], next: bytes.get(1).copied() }
    }

    pub(crate) fn held(self) -> impl Iterator<Item = u8> {
        [Some(self.present), self.next].into_iter().flatten()
    }
}

/// The keys of a log by as many of its entries as were read.
#[derive(Clone, Debug)]
pub(crate) struct KnownKeys {
    upto: u64,
    keys: KeyHistory,
    /// The same, closed by a successor: by which first entry, with how many entries held.
    ended: Option<(Rc<[u8]>, u64, KeyHistory)>,
}

impl Agency {
    pub(crate) fn key_files(&self) -> KeyFiles {
        self.files
            .get(Key::Files(self.writes))
            .map_or(KeyFiles { present: 0, next: None }, |bytes| KeyFiles::of(bytes))
    }

    /// What of them a power cut could not take away.
    pub(crate) fn durable_key_files(&self) -> KeyFiles {
        let durable = self.files.get_durable(Key::Files(self.writes));
        durable.map_or(KeyFiles { present: 0, next: None }, |bytes| KeyFiles::of(bytes))
    }

    fn put_key_files(&mut self, files: KeyFiles) {
        self.files.put(Key::Files(self.writes), &files.bytes());
    }

    /// Those of its keys that are in force for a tree of this size, as a node takes them up.
    pub(crate) fn signers(&self, history: &KeyHistory, size: TreeSize) -> Vec<SigningKey> {
        let in_force = history.log_keys(size);
        let held: Vec<SigningKey> = self.key_files().held().map(|number| self.numbered_key(number)).collect();
        let place = |key: &SigningKey| in_force.iter().position(|of| of == key.verifier());
        let mut signers: Vec<SigningKey> = held.into_iter().filter(|key| place(key).is_some()).collect();
        signers.sort_by_key(place);
        signers
    }

    /// Puts the next key in the place of the present one, if that has ended and the next one is in force.
    pub(crate) fn settle_keys(&mut self, history: &KeyHistory, size: TreeSize) {
        let (files, in_force) = (self.key_files(), history.log_keys(size));
        let is_in_force = |number: u8| in_force.contains(self.numbered_key(number).verifier());
        if let Some(next) = files.next.filter(|next| is_in_force(*next) && !is_in_force(files.present)) {
            self.put_key_files(KeyFiles { present: next, next: None });
        }
    }
}

impl World {
    /// The keys of the log that an agency writes, by its entries.
    pub(crate) fn own_history(&mut self, who: Who) -> KeyHistory {
        self.history(who, self.agencies[who.at()].writes)
    }

    /// The keys of a log by the entries that an agency has of it, and by its successor, if nothing in the log has closed it.
    pub(crate) fn history(&mut self, who: Who, log: Log) -> KeyHistory {
        let mut keys = self.history_by_entries(who, log);
        let Some(next) = log.successor().filter(|_| keys.closed().is_none()) else { return keys };
        let Some(first) = self.first_entry(who, next).map(Rc::clone) else { return keys };
        let held = self.agencies[who.at()].disk.held(log).size;
        let known = self.agencies[who.at()].histories[&log].ended.as_ref();
        if let Some((_, _, ended)) = known.filter(|(of, at, _)| Rc::ptr_eq(of, &first) && *at == held.value())
        {
            return ended.clone();
        }
        let genesis = genesis_of(&first).unwrap();
        let end = genesis.succession().map(Succession::last_good).unwrap();
        let tree = self.agencies[who.at()].trees.get(&log);
        // Of entries that have not come nobody here can say otherwise than the root key does.
        let past = |size| if size > held { Some(end.root) } else { tree.map(|tree| tree.root_at(size)) };
        keys.close(&next.origin(), &genesis, &past).unwrap_or_default();
        let known = self.agencies[who.at()].histories.get_mut(&log).unwrap();
        known.ended = Some((first, held.value(), keys.clone()));
        keys
    }

    /// The keys of a log by the entries that an agency has of it; those of a successor begin with the key that its first
    /// entry names.
    pub(crate) fn history_by_entries(&mut self, who: Who, log: Log) -> KeyHistory {
        let origin = self.truths[log].origin.clone();
        let first = self.agencies[who.at()].disk.get(Key::Begun(log)).and_then(|entry| genesis_of(entry));
        let key = first.and_then(|genesis| genesis.log_key(&origin));
        let root = &self.agencies[log.author().at()];
        let (truth, agency) = (&self.truths[log], &self.agencies[who.at()]);
        let held = agency.disk.held(log).size.value();
        let is_known = agency.histories.get(&log).is_some_and(|known| known.upto <= held);
        let root = (!is_known).then(|| root.root_key().verifier().clone());
        let begun = || {
            let keys = KeyHistory::new(origin, key.unwrap_or_else(|| truth.key.clone()));
            let keys = root.into_iter().fold(keys, KeyHistory::with_root);
            KnownKeys { upto: 0, keys, ended: None }
        };
        let agency = &mut self.agencies[who.at()];
        let mut known =
            agency.histories.remove(&log).filter(|known| known.upto <= held).unwrap_or_else(begun);
        for index in known.upto..held {
            // What a lost entry leaves is found by whoever compares root and head.
            let Some(bytes) = agency.disk.get(Key::Entry(log, index)) else { break };
            known.upto = index + 1;
            if index > 0 && bytes[1] != Kind::Key.code() {
                continue;
            }
            let Ok(entry) = Entry::parse(bytes) else { continue };
            if let Some(genesis) = (index == 0).then(|| Genesis::from_entry(&entry)) {
                known.keys.begin(&genesis.unwrap()).unwrap();
            }
            let tree = &agency.trees[&log];
            let past = |size| (size <= tree.head().size).then(|| tree.root_at(size));
            known.keys.take(EntryIndex::new(index).unwrap(), &entry, &past).unwrap_or_default();
        }
        agency.histories.entry(log).or_insert(known).keys.clone()
    }

    /// An author that comes to have two histories changes no keys: whoever has read one of them could not tell who signed
    /// the other.
    pub(crate) fn begin_key_changes(&mut self) {
        for who in (0..self.plan.agencies).map(Who) {
            let has_two = self.plan.forker == Some(who) || self.plan.put_back == Some((who, PutBack::Both));
            if self.keys.change && !has_two {
                let pause = self.keys.dice.below(self.keys.every * 2);
                self.later(pause, Event::ChangeKeys(who));
            }
        }
    }

    /// An operator changes something about the keys of a log, if its node can take it.
    pub(crate) fn change_keys(&mut self, who: Who) {
        let pause = self.keys.dice.between(1, self.keys.every * 2);
        if self.now + pause < self.plan.quiet_at {
            self.later(pause, Event::ChangeKeys(who));
        }
        if !self.takes_key_events(who) || self.succession.is_stolen_from(who) {
            return;
        }
        match self.numbers_in_force(who)[..] {
            [only] => self.make_next_key(who, only),
            [old, new] => self.end_key(who, old, new),
            // A home that was put back may lack the key of a rotation: that has to end first, and cannot.
            _ => {}
        }
    }

    fn takes_key_events(&self, who: Who) -> bool {
        let agency = &self.agencies[who.at()];
        agency.is_serving() && agency.commit.is_none() && matches!(agency.own, Own::Writable(_))
    }

    /// The keys that are in force by an author's own log; none if the file of one of them is not there.
    pub(crate) fn numbers_in_force(&mut self, who: Who) -> Vec<u8> {
        let history = self.own_history(who);
        let agency = &self.agencies[who.at()];
        let in_force = history.log_keys(agency.disk.held(agency.writes).size);
        let number = |key| agency.key_files().held().find(|of| agency.numbered_key(*of).verifier() == key);
        in_force.iter().map(number).collect::<Option<_>>().unwrap_or_default()
    }

    /// The next key comes into its file: the one that a rotation which was cut off has left, or a new one.
    fn make_next_key(&mut self, who: Who, present: u8) {
        let history = self.own_history(who);
        if self.keys.dice.one_in(8) && self.revoke_one_that_ended(who, &history) {
            return;
        }
        let agency = &mut self.agencies[who.at()];
        let is_named = |number: u8| {
            let key = agency.numbered_key(number);
            history.spans().iter().any(|span| span.verifier() == Some(key.verifier()))
        };
        if agency.key_files().next.is_none_or(is_named) {
            agency.keys_made += 1;
            let next = Some(agency.keys_made);
            agency.put_key_files(KeyFiles { present, next });
            self.tally.fault("next key made");
        }
        if !self.crashes_here(who) {
            self.soon(who, 1, Event::EnterKey(who));
        }
    }

    /// The file is synced, and then the log is told.
    pub(crate) fn enter_key(&mut self, who: Who) {
        if self.plant != Some(Plant::EntersAKeyBeforeItsFile) {
            self.agencies[who.at()].files.sync();
        }
        if self.crashes_here(who) {
            return;
        }
        if !self.takes_key_events(who) {
            // The node is at work, or must not sign any more.
            if matches!(self.agencies[who.at()].own, Own::Writable(_)) {
                self.soon(who, TRY_AGAIN, Event::EnterKey(who));
            }
            return;
        }
        let ([present], Some(next)) =
            (&self.numbers_in_force(who)[..], self.agencies[who.at()].key_files().next)
        else {
            return;
        };
        let agency = &self.agencies[who.at()];
        let (old, new) = (agency.numbered_key(*present), agency.numbered_key(next));
        let event = agency.key_event(&new, KeyAct::Add { by: named(&old) }, Some(&old));
        self.enter_key_event(who, &event, Act::Add(next));
    }

    /// Of two keys in force one ends: as a rule the older one, and it is retired.
    fn end_key(&mut self, who: Who, old: u8, new: u8) {
        let (ends, stays) = if self.keys.dice.one_in(6) { (new, old) } else { (old, new) };
        let agency = &self.agencies[who.at()];
        let (key, by) = (agency.numbered_key(ends), agency.numbered_key(stays));
        let held = agency.disk.held(agency.writes);
        let (event, act) = match self.keys.dice.below(8) {
            0..5 => {
                let event = agency.key_event(&key, KeyAct::Retire { by: named(&by) }, Some(&by));
                (event, Act::Retire(ends))
            }
            5 | 6 => {
                let event = agency.key_event(&key, KeyAct::Revoke { last_good: held }, None);
                (event, Act::Revoke(ends, held.size.value()))
            }
            _ => {
                let last_good = self.some_tree(who);
                let event = self.agencies[who.at()].key_event(&key, KeyAct::Revoke { last_good }, None);
                (event, Act::Revoke(ends, last_good.size.value()))
            }
        };
        self.enter_key_event(who, &event, act);
    }

    /// A key that was retired turns out to have been stolen before that.
    fn revoke_one_that_ended(&mut self, who: Who, history: &KeyHistory) -> bool {
        let retired = |span: &&comity_ledger::KeySpan| {
            matches!(span.until(), Some((_, comity_ledger::KeyEnd::Retired)))
        };
        let Some(span) = history.spans().iter().find(retired) else { return false };
        let agency = &self.agencies[who.at()];
        let number = (0..=agency.keys_made)
            .find(|number| Some(agency.numbered_key(*number).verifier()) == span.verifier());
        let (number, last_good) = (number.unwrap(), self.some_tree(who));
        let agency = &self.agencies[who.at()];
        let event = agency.key_event(&agency.numbered_key(number), KeyAct::Revoke { last_good }, None);
        self.enter_key_event(who, &event, Act::Revoke(number, last_good.size.value()));
        true
    }

    /// One of the trees that an author has signed.
    pub(crate) fn some_tree(&mut self, who: Who) -> Head {
        let agency = &self.agencies[who.at()];
        let log = agency.writes;
        let notes = agency.disk.range(Key::Note(log, 0)..=Key::Note(log, u64::MAX));
        let sizes: Vec<u64> = notes.map(|(key, _)| key.number()).collect();
        let size = size_of(sizes[self.keys.dice.place(sizes.len())]);
        Head { size, root: self.agencies[who.at()].tree(log).root_at(size) }
    }

    /// Stages a key event, in a batch of its own.
    pub(crate) fn enter_key_event(&mut self, who: Who, event: &KeyEvent, act: Act) {
        self.tally.fault(act.name());
        self.stage(who, vec![event.draft()]);
        let Some(commit) = &mut self.agencies[who.at()].commit else { return };
        commit.of_keys = true;
        let entry = commit.only_entry();
        let agency = &self.agencies[who.at()];
        self.truths[agency.writes].keys.enters(entry.unwrap(), act, agency);
        self.soon(who, 1, Event::Station(who));
    }
}

impl Agency {
    pub(crate) fn key_event(&self, key: &SigningKey, act: KeyAct, by: Option<&SigningKey>) -> KeyEvent {
        let signers = KeyEventSigners { root: &self.root_key(), by, own: Some(key) };
        UnsignedKeyEvent::new(named(key), act).sign(&self.origin, signers).unwrap()
    }
}

pub(crate) fn named(key: &SigningKey) -> RoleKey {
    RoleKey::signing(KeyRole::Log, key.verifier()).unwrap()
}
