//! Peers that lie: what an agency under somebody's control makes of the messages that its program would send.

use std::rc::Rc;

use comity_tlog::Checkpoint;

use crate::disk::{Who, size_of};
use crate::drafts::other_root;
use crate::log::Log;
use crate::message::Message;
use crate::world::World;

/// Messages that a liar remembers.
const HEARD_MAX: usize = 24;

impl World {
    /// What really goes out in the place of a message.
    pub(crate) fn bend(&mut self, from: Who, log: Log, bytes: Rc<[u8]>) -> Vec<Rc<[u8]>> {
        let agency = &mut self.agencies[from.at()];
        if !agency.lies || self.now >= self.plan.quiet_at {
            return vec![bytes];
        }
        if agency.heard.len() >= HEARD_MAX {
            let place = self.dice.place(HEARD_MAX);
            agency.heard.swap_remove(place);
        }
        agency.heard.push(Rc::clone(&bytes));
        if !self.dice.one_in(4) {
            return vec![bytes];
        }
        let (kind, bent) = self.bent(from, log, &bytes);
        self.tally.fault(kind);
        bent.into_iter().map(Into::into).collect()
    }

    fn bent(&mut self, from: Who, log: Log, bytes: &[u8]) -> (&'static str, Vec<Vec<u8>>) {
        let mut bent = bytes.to_vec();
        match self.dice.below(9) {
            0 => {
                let place = self.dice.place(bent.len());
                bent[place] ^= 1 << self.dice.below(8);
                ("bit turned", vec![bent])
            }
            1 => {
                bent.truncate(self.dice.place(bent.len()));
                ("cut short", vec![bent])
            }
            2 => {
                let more = self.dice.between(1, 40);
                bent.extend(self.dice.bytes(more));
                ("extended", vec![bent])
            }
            3 => {
                // Of whatever log and connection.
                let heard = &self.agencies[from.at()].heard;
                let again = heard[self.dice.place(heard.len())].to_vec();
                ("replayed", vec![again, bent])
            }
            4 => ("withheld", Vec::new()),
            5 => ("forged note", vec![self.forged_note(from, log), bent]),
            6 => {
                // From here on a right beginning, for ever.
                let newest = self.agencies[from.at()].newest_shown(log);
                let size = newest.map_or(u64::MAX, |(size, _)| size);
                if log.author() != from {
                    self.agencies[from.at()].frozen.insert(log, size);
                }
                ("frozen", vec![bent])
            }
            _ => match Message::decode(bytes) {
                Some(Message::Frame { start, entries, proof }) => {
                    ("bent frame", vec![self.bent_frame(start, entries, proof)])
                }
                Some(Message::Release { origin, items }) if !items.is_empty() => {
                    let mut items = items;
                    let (one, other) = (self.dice.place(items.len()), self.dice.place(items.len()));
                    if one == other {
                        items[one].slot ^= 1;
                    } else {
                        let opening = items[one].opening.take();
                        items[one].opening = std::mem::replace(&mut items[other].opening, opening);
                    }
                    ("swapped openings", vec![Message::Release { origin, items }.encode()])
                }
                _ => ("withheld", Vec::new()),
            },
        }
    }

    /// A checkpoint of somebody's log, signed with the liar's own key.
    fn forged_note(&mut self, from: Who, log: Log) -> Vec<u8> {
        let origin = self.truths[log].origin.clone();
        let size = size_of(self.dice.between(1, 40));
        let checkpoint = Checkpoint::new(origin.as_str(), size, other_root(&mut self.dice)).unwrap();
        // An author could sign that of its own log, but then it has two histories.
        let signer = &self.agencies[(from.at() + usize::from(from == log.author())) % self.agencies.len()];
        Message::Note(checkpoint.sign(&signer.key()).unwrap().as_bytes().to_vec()).encode()
    }

    fn bent_frame(&mut self, start: u64, mut entries: Vec<Vec<u8>>, proof: Vec<[u8; 32]>) -> Vec<u8> {
        let (mut start, place) = (start, self.dice.place(entries.len()));
        match self.dice.below(5) {
            0 => start += 1,
            1 => drop(entries.remove(place)),
            2 => entries.push(entries[place].clone()),
            3 => entries.swap(0, place),
            _ => {
                let byte = self.dice.place(entries[place].len());
                entries[place][byte] ^= 1 << self.dice.below(8);
            }
        }
        Message::Frame { start, entries, proof }.encode()
    }
}
