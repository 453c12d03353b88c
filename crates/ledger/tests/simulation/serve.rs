//! The serving side: one stream for each caller and log, in the order checkpoint, frames, releases.
//!
//! The order and the checks are those of the node's stream; what may be released is decided by the author alone here,
//! since the rule of release is tested in `comity-policy`.

use std::rc::Rc;

use comity_ledger::Frame;
use comity_tlog::{SignedCheckpoint, TreeSize};

use crate::disk::{Key, Who, section_bytes, size_of, to_number, to_sections};
use crate::event::Event;
use crate::keep::arrived_indexes;
use crate::log::Log;
use crate::message::{Item, Message, Refusal};
use crate::plants::Plant;
use crate::world::World;

/// How often a quiet stream says that it lives, in milliseconds.
const HEARTBEAT: u64 = 10_000;
/// Most frames of one step, and most openings of one release.
const FRAMES_AT_ONCE: usize = 8;
const RELEASE_ITEMS: usize = 256;

/// A stream of one log to one caller.
#[derive(Debug)]
pub(crate) struct Stream {
    session: u64,
    /// Where the log lies that this caller is shown.
    place: Log,
    at: u64,
    next_release: u64,
    newest: Option<Vec<u8>>,
    sent: Option<u64>,
    checked: bool,
    /// Whether its next step is due.
    due: bool,
    quiet_since: u64,
}

/// What a stream does next.
enum Next {
    Send(Vec<Message>),
    Wait,
    End(Refusal),
}

impl World {
    /// A caller asks for a log.
    pub(crate) fn answer(&mut self, who: Who, to: Who, log: Log, session: u64, bytes: &[u8]) {
        let (origin, next_index, next_release, newest) = match Message::decode(bytes) {
            Some(Message::Follow { origin, next_index, next_release, newest }) => {
                (origin, next_index, next_release, newest)
            }
            Some(Message::Genesis { origin }) if self.agencies[who.at()].is_serving() => {
                return self.answer_genesis(who, to, (session, log), &origin);
            }
            _ => return,
        };
        let agency = &mut self.agencies[who.at()];
        // A call of a connection that is gone, or a second one of the same, opens nothing.
        let is_known = agency.streams.get(&(to, log)).is_some_and(|stream| stream.session == session);
        if !agency.is_serving() || is_known || !self.is_open(to, log, session) {
            return;
        }
        if origin != self.truths[log].origin.as_str() {
            self.send(who, to, (session, log), &Message::Refused(Refusal::Unknown));
            return;
        }
        let (place, quiet_since) = (self.agencies[who.at()].place(to, log), self.now);
        let (sent, checked, due, at) = (None, false, false, next_index);
        let stream = Stream { session, place, at, next_release, newest, sent, checked, due, quiet_since };
        self.agencies[who.at()].streams.insert((to, log), stream);
        self.serve_soon(who, to, log);
        self.soon(who, HEARTBEAT, Event::Beat(who, to, log, session));
    }

    fn serve_soon(&mut self, who: Who, to: Who, log: Log) {
        let Some(stream) = self.agencies[who.at()].streams.get_mut(&(to, log)) else { return };
        if !std::mem::replace(&mut stream.due, true) {
            let pause = self.dice.between(1, 4);
            self.soon(who, pause, Event::Serve(who, to, log));
        }
    }

    /// There is news of a log: whoever waits for it is served.
    pub(crate) fn wake(&mut self, who: Who, log: Log) {
        // At its end a log is told of as soon as its successor is there.
        let before = log.predecessor();
        let waiting: Vec<(Who, Log)> = self.agencies[who.at()]
            .streams
            .keys()
            .filter(|(_, of)| *of == log || Some(*of) == before)
            .copied()
            .collect();
        for (to, log) in waiting {
            self.serve_soon(who, to, log);
        }
    }

    /// One step of a stream.
    pub(crate) fn serve(&mut self, who: Who, to: Who, log: Log) {
        let Some(mut stream) = self.agencies[who.at()].streams.remove(&(to, log)) else { return };
        stream.due = false;
        if !self.is_open(to, log, stream.session) {
            return;
        }
        let to_caller = (stream.session, log);
        let next = self.step(who, to, log, &mut stream);
        match next {
            Next::Send(messages) => {
                stream.quiet_since = self.now;
                self.agencies[who.at()].streams.insert((to, log), stream);
                for message in messages {
                    self.send(who, to, to_caller, &message);
                }
                if !self.crashes_here(who) {
                    self.serve_soon(who, to, log);
                }
            }
            Next::Wait => drop(self.agencies[who.at()].streams.insert((to, log), stream)),
            Next::End(refusal) => self.send(who, to, to_caller, &Message::Refused(refusal)),
        }
    }

    pub(crate) fn beat(&mut self, who: Who, to: Who, log: Log, session: u64) {
        if !self.is_open(to, log, session) {
            self.agencies[who.at()].streams.retain(|_, stream| stream.session != session);
            return;
        }
        let Some(stream) = self.agencies[who.at()].streams.get_mut(&(to, log)) else { return };
        if stream.session != session {
            return;
        }
        if stream.quiet_since + HEARTBEAT <= self.now {
            stream.quiet_since = self.now;
            self.send(who, to, (session, log), &Message::Beat);
        }
        self.soon(who, HEARTBEAT, Event::Beat(who, to, log, session));
    }

    fn step(&mut self, who: Who, to: Who, log: Log, stream: &mut Stream) -> Next {
        let place = self.agencies[who.at()].place(to, log);
        if place != stream.place {
            // A liar that now shows another history ends the stream first.
            return Next::End(Refusal::Unknown);
        }
        if let Some(size) = stream.sent {
            if !stream.checked {
                if let Some(refusal) = self.check_caller(who, to, size, stream) {
                    return Next::End(refusal);
                }
                stream.checked = true;
            }
            if stream.at < size {
                return Next::Send(self.frames(who, size, stream));
            }
            if let Some(messages) = self.releases(who, to, log, stream) {
                return Next::Send(messages);
            }
        }
        match self.next_note(who, log, stream) {
            Some((size, note)) if stream.sent.is_none_or(|sent| sent != size) => {
                stream.sent = Some(size);
                Next::Send(vec![Message::Note(note.to_vec())])
            }
            Some(_) if self.is_over(who, log) => Next::End(Refusal::LogClosed),
            _ => Next::Wait,
        }
    }

    /// The newest checkpoint that the caller can verify by the entries that it will hold: where log keys have followed each
    /// other beyond that, one that leads up to the key event that it lacks.
    fn next_note(&mut self, who: Who, log: Log, stream: &Stream) -> Option<(u64, Rc<[u8]>)> {
        let (newest, note) = self.agencies[who.at()].newest_shown(stream.place)?;
        let at = TreeSize::new(stream.at).ok().filter(|_| stream.place == log);
        // Of a log that has ended the last good one, if it is kept: void ones lead others to the successor alone. Whoever has
        // begun the successor takes nothing beyond that, a revocation that says the same included.
        let keys = self.history(who, log);
        let reached = at.and_then(|at| keys.verifiable_from(at)).map(TreeSize::value);
        let can_verify = |size| reached.is_none_or(|reached| size <= reached);
        let end =
            keys.closed().map(|end| end.size.value()).filter(|end| stream.place == log && stream.at <= *end);
        if let Some(end) = end
            && (keys.verify(&SignedCheckpoint::parse(&note).unwrap()).is_err()
                || (can_verify(end) && self.is_over(who, log)))
            && let Some(good) = self.agencies[who.at()].newest_shown_up_to(log, end)
            && good.0 == end
        {
            return Some(good);
        }
        let limit = reached.filter(|limit| *limit < newest && self.plant != Some(Plant::LeadsNobodyThrough));
        let step = limit.and_then(|limit| self.agencies[who.at()].newest_shown_up_to(stream.place, limit));
        // One that leads nowhere helps nobody.
        Some(step.filter(|(size, _)| *size > stream.at).unwrap_or((newest, note)))
    }

    /// Whether a log is closed, and the one that goes on from it is held here.
    fn is_over(&mut self, who: Who, log: Log) -> bool {
        let next = log.successor().filter(|next| self.agencies[who.at()].disk.newest_note(*next).is_some());
        next.is_some() && self.history(who, log).closed().is_some()
    }

    /// Compares what the caller holds with what it is served, once it has been sent the checkpoint.
    fn check_caller(&self, who: Who, to: Who, size: u64, stream: &Stream) -> Option<Refusal> {
        let agency = &self.agencies[who.at()];
        if stream.at > size {
            return Some(Refusal::BeyondSize);
        }
        if stream.next_release > booked(agency.disk.get(Key::Book(to, stream.place)).map(AsRef::as_ref)).0 {
            return Some(Refusal::BeyondRelease);
        }
        let newest = SignedCheckpoint::parse(stream.newest.as_deref()?).ok()?;
        let held = newest.checkpoint();
        let is_other =
            held.size().value() <= size && agency.tree(stream.place).root_at(held.size()) != held.root();
        is_other.then_some(Refusal::NoteConflict)
    }

    fn frames(&mut self, who: Who, size: u64, stream: &mut Stream) -> Vec<Message> {
        let mut frames = Vec::new();
        while stream.at < size && frames.len() < FRAMES_AT_ONCE {
            let start = stream.at;
            let mut end = ((start / 256 + 1) * 256).min(size);
            // Another program may cut its frames shorter: each end is a place to go on from.
            if self.dice.one_in(3) {
                end = self.dice.between(start + 1, end);
            }
            let agency = &self.agencies[who.at()];
            let entry = |index| agency.disk.get(Key::Entry(stream.place, index)).unwrap().to_vec();
            let entries: Vec<Vec<u8>> = (start..end).map(entry).collect();
            let proof = agency.tree(stream.place).proof(end, size);
            let frame = Frame::new(size_of(start), entries.clone(), proof).unwrap();
            let proof = frame.proof().hashes().iter().map(|hash| *hash.as_bytes()).collect();
            frames.push(Message::Frame { start, entries, proof });
            stream.at = end;
        }
        frames
    }

    /// What is released next about the entries that were sent: what was booked before, or what is booked now.
    fn releases(&mut self, who: Who, to: Who, log: Log, stream: &mut Stream) -> Option<Vec<Message>> {
        let (place, at) = (stream.place, stream.at);
        let disk = &mut self.agencies[who.at()].disk;
        let (next, scanned) = booked(disk.get(Key::Book(to, place)).map(AsRef::as_ref));
        let sections = if stream.next_release < next {
            let range = Key::Booked(to, place, 0)..=Key::Booked(to, place, stream.next_release);
            let (key, sections) = disk.range(range).next_back()?;
            let skipped = usize::try_from(stream.next_release - key.number()).unwrap();
            let sections = to_sections(sections).split_off(skipped);
            if sections.iter().any(|(index, _)| *index >= at) {
                return None;
            }
            sections
        } else {
            let (sections, looked) = if log.author() == who {
                decided(disk, place, scanned, at)
            } else {
                arrived(disk, place, scanned, at)
            };
            if looked == scanned {
                return None;
            }
            if !sections.is_empty() {
                disk.put(Key::Booked(to, place, next), &section_bytes(&sections));
            }
            let after = next + u64::try_from(sections.len()).unwrap();
            disk.put(Key::Book(to, place), &[after.to_be_bytes(), looked.to_be_bytes()].concat());
            // Booked for good before the first byte leaves.
            disk.sync();
            sections
        };
        let items: Vec<Item> = sections
            .iter()
            .zip(stream.next_release..)
            .map(|((index, slot), number)| {
                let opening = disk.get(Key::Opening(place, *index, *slot)).map(|padded| padded.to_vec());
                Item { number, index: *index, slot: *slot, opening }
            })
            .collect();
        if items.is_empty() {
            return Some(Vec::new());
        }
        stream.next_release += u64::try_from(items.len()).unwrap();
        Some(vec![Message::Release { origin: self.truths[log].origin.to_string(), items }])
    }
}

/// The next number and how far was looked.
fn booked(book: Option<&[u8]>) -> (u64, u64) {
    book.map_or((0, 0), |book| (to_number(book), to_number(&book[8..])))
}

/// What an author releases next, in the order of its decisions.
fn decided(disk: &crate::disk::Disk, place: Log, scanned: u64, at: u64) -> (Vec<(u64, u8)>, u64) {
    let (mut sections, mut looked) = (Vec::new(), scanned);
    for (key, section) in disk.range(Key::Decision(place, scanned)..=Key::Decision(place, u64::MAX)) {
        let section = to_sections(section);
        if sections.len() >= RELEASE_ITEMS || section.iter().any(|(index, _)| *index >= at) {
            break;
        }
        sections.extend(section);
        looked = key.number() + 1;
    }
    (sections, looked)
}

/// What a relay passes on next, in the order of arrival: all that it holds of each entry.
fn arrived(disk: &crate::disk::Disk, place: Log, scanned: u64, at: u64) -> (Vec<(u64, u8)>, u64) {
    let Some(arrival) = disk.get(Key::Arrival(place, scanned)) else { return (Vec::new(), scanned) };
    let indexes = arrived_indexes(arrival);
    if indexes.iter().any(|index| *index >= at) {
        return (Vec::new(), scanned);
    }
    let mut sections = Vec::new();
    for index in indexes {
        for (key, _) in disk.range(Key::Opening(place, index, 0)..=Key::Opening(place, index, u8::MAX)) {
            let Key::Opening(_, index, slot) = key else { continue };
            sections.push((index, slot));
        }
    }
    (sections, scanned + 1)
}
