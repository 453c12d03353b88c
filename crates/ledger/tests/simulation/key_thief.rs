//! A thief who gets every key of an author as soon as it has ended, and signs with it.
//!
//! To whoever has read that the key has ended, the thief shows a tree that goes on from what is held there, by a proof
//! that holds: nothing but the key is wrong with it. To whoever has not, it can show another history, which convicts the
//! author until the end of the key is read.

use comity_ledger::{Beginning, Head, HeadNews, HeadUpdate, OriginDigest};
use comity_tlog::{Checkpoint, Hash, SignedCheckpoint};

use crate::disk::{Who, size_of};
use crate::drafts::other_root;
use crate::heads::Said;
use crate::log::Log;
use crate::message::Message;
use crate::world::World;

impl World {
    /// Whether a thief has the keys of a log that have ended.
    pub(crate) fn is_stolen_from(&self, log: Log) -> bool {
        self.keys.change && self.keys.thief.is_some_and(|(_, victim)| victim == log.author())
    }

    /// Whether a thief may have shown an agency trees of an author that it cannot yet tell from the author's own.
    pub(crate) fn may_be_deceived(&self, who: Who, log: Log) -> bool {
        let truth = &self.truths[log];
        let known = truth.branches[0].ended_keys(self.agencies[who.at()].disk.held(log).size.value());
        let ended = truth.branches[0].ended_keys(u64::MAX);
        self.is_stolen_from(log) && ended.iter().any(|number| !known.contains(number))
    }

    /// What a thief slips into a stream of the log whose keys it has, in the place of whoever serves it.
    pub(crate) fn slipped_in(&mut self, from: Who, to: Who, log: Log) -> Option<Message> {
        let is_theirs = self.is_stolen_from(log) && !self.is_quiet();
        let is_served = self.agencies[to.at()].upstream.get(&log.author()) == Some(&from);
        if !is_theirs || !is_served || !self.keys.dice.one_in(12) {
            return None;
        }
        let (note, _) = self.void_note(to, log)?;
        self.tally.fault("void note in a stream");
        Some(Message::Note(note.as_bytes().to_vec()))
    }

    /// A thief tells somebody of a log whose keys it has.
    pub(crate) fn steal_keys(&mut self, who: Who) {
        let Some((_, victim)) = self.keys.thief.filter(|(thief, _)| *thief == who && self.keys.change) else {
            return;
        };
        let place = self.keys.dice.place(self.agencies.len());
        let peer = self.agencies[place].who;
        let is_late = self.keys.dice.one_in(2);
        let shown = self.void_note(peer, Log::of(victim)).map(|(note, beginning)| (note, Some(beginning)));
        let shown = shown.or_else(|| is_late.then(|| self.other_note(Log::of(victim))).flatten());
        let Some((note, beginning)) = shown else { return };
        self.tally.fault("void note told");
        let origin = OriginDigest::of(&self.truths[Log::of(victim)].origin);
        let news = HeadNews::Checkpoint { note, beginning };
        let generation = comity_ledger::Generation::default();
        let updates = vec![HeadUpdate { origin, generation, news }];
        self.post(who, peer, false, &Said { updates, ..Said::default() });
    }

    /// A tree that goes on from what a peer holds, signed with a key of which that peer has read the end.
    fn void_note(&mut self, peer: Who, log: Log) -> Option<(SignedCheckpoint, Beginning)> {
        let held = self.agencies[peer.at()].disk.held(log);
        let branch = &self.truths[log].branches[0];
        let ended = branch.ended_keys(held.size.value());
        if ended.is_empty() || !branch.has(held) {
            return None;
        }
        let number = ended[self.keys.dice.place(ended.len())];
        let mut tree = self.agencies[peer.at()].trees.get(&log)?.clone();
        for _ in 0..self.keys.dice.below(3) {
            tree.append(Hash::leaf(&self.keys.dice.bytes(40)));
        }
        let (head, size) = (tree.head(), held.size.value());
        let beginning = Beginning { head: held, proof: tree.proof(size, head.size.value()) };
        Some((self.signed_by(log, number, head), beginning))
    }

    /// A tree of another history, signed with a key that has ended somewhere.
    fn other_note(&mut self, log: Log) -> Option<(SignedCheckpoint, Option<Beginning>)> {
        let branch = &self.truths[log].branches[0];
        let ended = branch.ended_keys(u64::MAX);
        let number = *ended.first()?;
        // One that the key may not sign, by what the author has entered.
        let sizes = 2..=self.truths[log].size() + 2;
        let from = sizes.clone().find(|size| !branch.keys_in_force(*size).contains(&number))?;
        let size = self.keys.dice.between(from, *sizes.end());
        let head = Head { size: size_of(size), root: other_root(&mut self.keys.dice) };
        let is_in_force = self.truths[log].branches[0].keys_in_force(size).contains(&number);
        (!is_in_force).then(|| (self.signed_by(log, number, head), None))
    }

    fn signed_by(&self, log: Log, number: u8, head: Head) -> SignedCheckpoint {
        let origin = self.truths[log].origin.as_str();
        let checkpoint = Checkpoint::new(origin, head.size, head.root).unwrap();
        checkpoint.sign(&self.agencies[log.author().at()].numbered_key(number)).unwrap()
    }
}
