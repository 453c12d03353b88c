//! Which keys of a log were really in force for which of its trees, as no agency knows it: by what the author meant, and
//! not by what the product makes of the entries.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use comity_ledger::KeyHistory;
use comity_tlog::{SignatureLine, SignedCheckpoint, VerifiedCheckpoint, VerifierKey};

use crate::agency::Agency;
use crate::disk::Who;
use crate::invariants::{Invariant, Violation};
use crate::truth::Branch;
use crate::world::World;

/// What an entry does to a key, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Add(u8),
    Retire(u8),
    /// With the size of the last good checkpoint.
    Revoke(u8, u64),
}

impl Act {
    /// What it is counted as.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Add(_) => "key added",
            Self::Retire(_) => "key retired",
            Self::Revoke(..) => "key revoked",
        }
    }
}

/// A key with the sizes for which it may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    number: u8,
    from: u64,
    until: u64,
}

/// The keys of an author.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyTruth {
    /// Entries that change keys, by their bytes.
    meant: BTreeMap<Rc<[u8]>, Act>,
    verifiers: BTreeMap<u8, VerifierKey>,
    /// Every line that the author itself made.
    lines: BTreeSet<String>,
    /// And every one that a thief made with a key that was in force.
    stolen: BTreeSet<String>,
}

impl KeyTruth {
    pub(crate) fn new(first: VerifierKey) -> Self {
        Self { verifiers: BTreeMap::from([(0, first)]), ..Self::default() }
    }

    /// Takes note of an entry that is about to be made.
    pub(crate) fn enters(&mut self, entry: Rc<[u8]>, act: Act, author: &Agency) {
        if let Act::Add(number) = act {
            self.verifiers.insert(number, author.numbered_key(number).verifier().clone());
        }
        self.meant.insert(entry, act);
    }

    pub(crate) fn act_of(&self, entry: &Rc<[u8]>) -> Option<Act> {
        self.meant.get(entry).copied()
    }

    /// Takes note of a checkpoint that the author has signed.
    pub(crate) fn signed(&mut self, note: &[u8]) {
        let note = SignedCheckpoint::parse(note).unwrap();
        self.lines.extend(note.note().lines().iter().map(ToString::to_string));
    }

    /// Takes note of what a thief has signed with a key that was in force.
    pub(crate) fn stolen(&mut self, note: &[u8]) {
        let note = SignedCheckpoint::parse(note).unwrap();
        self.stolen.extend(note.note().lines().iter().map(ToString::to_string));
    }

    /// Whether the author made a line, or a thief with a key that was in force.
    pub(crate) fn made(&self, line: &SignatureLine) -> bool {
        let line = line.to_string();
        self.lines.contains(&line) || self.stolen.contains(&line)
    }

    /// Whether the author itself signed a checkpoint, as it alone does with keys that are in force.
    pub(crate) fn is_of_author(&self, note: &[u8]) -> bool {
        let note = SignedCheckpoint::parse(note).unwrap();
        note.note().lines().iter().any(|line| self.made(line))
    }

    /// The mistake of [`Plant::TakesKeysThatHaveEnded`](crate::plants::Plant).
    pub(crate) fn verify_with_any(&self, note: &[u8]) -> VerifiedCheckpoint {
        let note = SignedCheckpoint::parse(note).unwrap();
        self.verifiers.values().find_map(|key| note.verify(key, &[]).ok()).unwrap()
    }

    /// Whether it is a key that the author has, or once had.
    pub(crate) fn knows(&self, key: &VerifierKey) -> bool {
        self.verifiers.values().any(|known| known == key)
    }
}

/// The spans by what stands in the first `size` entries of a history, and where it is closed.
fn spans(branch: &Branch, size: u64) -> (Vec<Span>, Option<u64>) {
    let (mut spans, mut closed) = (vec![Span { number: 0, from: 0, until: u64::MAX }], None);
    for (index, act) in branch.acts.iter().filter(|(index, _)| *index < size) {
        match *act {
            Act::Add(number) => spans.push(Span { number, from: index + 1, until: u64::MAX }),
            Act::Retire(number) => {
                spans.iter_mut().filter(|span| span.number == number).for_each(|span| span.until = index + 1);
            }
            Act::Revoke(number, good) => {
                let span = spans.iter_mut().find(|span| span.number == number).unwrap();
                let signed_beyond = span.until > good + 1 && good < *index;
                span.until = span.until.min(good + 1);
                if signed_beyond {
                    closed = Some(good);
                    let open = spans.iter_mut().filter(|span| span.until == u64::MAX);
                    open.for_each(|span| span.until = index + 2);
                }
            }
        }
    }
    (spans, closed)
}

impl Branch {
    /// The numbers of the keys that may sign the tree of this size, by what stands in it.
    pub(crate) fn keys_in_force(&self, size: u64) -> Vec<u8> {
        let (spans, _) = spans(self, size);
        spans.iter().filter(|of| of.from <= size && size < of.until).map(|span| span.number).collect()
    }

    /// The same by all that stands in the log, whatever its size.
    pub(crate) fn keys_at_the_end(&self, size: u64) -> Vec<u8> {
        let (spans, _) = spans(self, u64::MAX);
        spans.iter().filter(|of| of.from <= size && size < of.until).map(|span| span.number).collect()
    }

    /// The last good tree of a log that is closed.
    pub(crate) fn closed(&self) -> Option<u64> {
        spans(self, u64::MAX).1
    }

    /// The keys that have ended by what stands in the first `size` entries.
    pub(crate) fn ended_keys(&self, size: u64) -> Vec<u8> {
        let (spans, _) = spans(self, size);
        spans
            .iter()
            .filter(|span| span.until != u64::MAX && span.until <= size)
            .map(|span| span.number)
            .collect()
    }
}

impl World {
    /// What an author signs is signed by exactly those of its keys that are in force, as far as it holds them.
    pub(crate) fn check_signers(&mut self, who: Who, size: u64, note: &[u8]) -> Result<(), Violation> {
        let (agency, truth) = (&self.agencies[who.at()], &mut self.truths[self.agencies[who.at()].writes]);
        let branch = truth.branches.iter().rev().find(|branch| branch.has_note(note)).unwrap();
        let held: Vec<u8> = agency.key_files().held().collect();
        let due = branch.keys_in_force(size);
        let due: Vec<String> = due
            .iter()
            .filter(|of| held.contains(of))
            .map(|of| truth.keys.verifiers[of].id().to_string())
            .collect();
        let lines = SignedCheckpoint::parse(note).unwrap();
        let signed: Vec<String> = lines.note().lines().iter().map(|line| line.id().to_string()).collect();
        if signed != due {
            let what = format!("{who:?} signs size {size} with {signed:?}, and {due:?} are in force");
            return Err(Violation::of(Invariant::KeysGoByTheLog, what));
        }
        truth.keys.signed(note);
        Ok(())
    }
}

/// Whether the author has, for good, every key that is in force by what its log has for good.
pub(crate) fn check_held(world: &World, who: Who, durable: u64) -> Result<(), Violation> {
    let (truth, agency) = (&world.truths[world.agencies[who.at()].writes], &world.agencies[who.at()]);
    // Of a database that was put back, the keys went on.
    if truth.restored || truth.forked {
        return Ok(());
    }
    let held: Vec<u8> = agency.durable_key_files().held().collect();
    let lost = truth.branches[0].keys_in_force(durable).into_iter().find(|number| !held.contains(number));
    if let Some(lost) = lost {
        let what = format!("{who:?} has lost its key {lost}, which is in force for {durable} entries");
        return Err(Violation::of(Invariant::NamedKeysAreHeld, what));
    }
    Ok(())
}

/// Somebody who has read other keys out of a log than its author meant, once everybody holds everything; `None` if nobody
/// has.
pub(crate) fn uneven_keys(world: &mut World) -> Option<String> {
    if world.agencies.iter().any(Agency::is_down) {
        return Some("somebody is down".to_owned());
    }
    for log in world.logs() {
        let truth = &world.truths[log];
        if truth.forked || truth.restored || truth.end.is_some() {
            continue;
        }
        for who in (0..world.plan.agencies).map(Who) {
            let history = world.history(who, log);
            let truth = &world.truths[log];
            if !is_meant(&history, truth.size(), &truth.branches[0], &truth.keys) {
                return Some(format!("{who:?} reads other keys out of {log:?} than its author meant"));
            }
        }
    }
    None
}

fn is_meant(history: &KeyHistory, size: u64, branch: &Branch, keys: &KeyTruth) -> bool {
    let (meant, closed) = spans(branch, size);
    let read = history.spans();
    let is_same = |(span, meant): (&comity_ledger::KeySpan, &Span)| {
        let until = span.until().map_or(u64::MAX, |(until, _)| until.value());
        span.verifier() == keys.verifiers.get(&meant.number)
            && (span.from().value(), until) == (meant.from, meant.until)
    };
    read.len() == meant.len()
        && read.iter().zip(&meant).all(is_same)
        && history.closed().map(|head| head.size.value()) == closed
}
