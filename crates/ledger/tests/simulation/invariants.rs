//! What must hold after every event, and at the end.

use std::fmt;

use comity_ledger::{Doubt, Head, Replica};
use comity_tlog::SignedCheckpoint;

use crate::agency::{Agency, Own};
use crate::closed_logs::check_ended;
use crate::disk::{Key, Who, to_head, to_sections};
use crate::follow::{Arrived, Keeper};
use crate::key_truth::check_held;
use crate::log::Log;
use crate::spoken::check_kept;
use crate::tree::Tree;
use crate::truth::{Truth, Truths};
use crate::world::World;

/// The claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    /// An honest author signs one history, whatever crashes.
    OneRootPerSize,
    /// What was acknowledged is on the disk for good.
    AcknowledgedStays,
    /// What a follower has shown is on its disk for good.
    ShownStays,
    /// A replica is a beginning of one history that its author signed.
    ReplicaIsAPrefix,
    /// An opening is the author's own, of that entry and slot, and released.
    OpeningsAreTheAuthors,
    /// Whoever sees both sides of a fork says so, holds both notes, and takes nothing of the other side.
    ForksAreNoticed,
    /// Nobody doubts a history that is in order.
    NobodyIsAccusedFalsely,
    /// A cosigner states one history of a log, which its author signed: no second root of one size, and no tree that
    /// does not go on from what it stated before.
    CosignersStateOneHistory,
    /// A cosigner never states a smaller tree than before, whatever crashes.
    CosignersNeverGoBack,
    /// Nor an earlier time, whatever its clock does.
    TimesNeverGoBack,
    /// A mirror has every entry of what it states on its disk for good.
    MirrorsHoldWhatTheyState,
    /// Every line that is kept was made by its key, for a checkpoint that the author signed.
    LinesAreOfTheirKeys,
    /// Evidence that is kept is verified from nothing but itself and the pinned key.
    EvidenceStandsByItself,
    /// Nobody is convicted who has not signed two histories, and in whose name no thief has.
    NoHonestAuthorIsConvicted,
    /// Two histories of which two agencies hold one each, and any that one agency knows of, are known to all in the end.
    SplitViewsAreFound,
    /// A checkpoint is signed, followed and kept with keys alone that are in force for its size, by what stands in the
    /// log; so is every key history.
    KeysGoByTheLog,
    /// An author has every key for good that its log names as being in force.
    NamedKeysAreHeld,
    /// Of a log that has ended whoever knows it holds nothing beyond the last good tree for good, and states nothing of it.
    NothingCountsBeyondTheEnd,
    /// Nor does its cosigner state anything of it.
    NobodyCosignsBeyondTheEnd,
    /// A successor is begun with what the author's root key has signed, and with nothing else.
    SuccessorsAreTheAuthors,
    /// Whoever holds evidence against an author cosigns nothing of that log any more.
    TheConvictedAreFrozen,
    /// Once the faults end, everybody holds everything, in bounded time.
    EverythingConverges,
    /// No peer, and no disk, makes it panic.
    NothingPanics,
}

/// A claim that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) invariant: Invariant,
    pub(crate) what: String,
}

impl Violation {
    pub(crate) fn of(invariant: Invariant, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// Checks all that an event may have changed at one agency.
pub(crate) fn check(world: &mut World, who: Who) -> Result<(), Violation> {
    let fresh = world.agencies[who.at()].disk.take_fresh();
    let (agency, truths) = (&world.agencies[who.at()], &world.truths);
    for key in &fresh {
        check_record(agency, truths, *key)?;
    }
    // A log that was closed stays as it was.
    for log in [Some(Log::of(who)), Log::of(who).successor()].into_iter().flatten() {
        let Some(own) = truths.get(log) else { continue };
        let durable = agency.disk.newest_durable(Key::Note(log, 0)..=Key::Note(log, u64::MAX));
        let durable = durable.map_or(0, Key::number).min(durable_size(agency, log));
        if durable < own.acknowledged {
            let what = format!("{who:?} acknowledged {} and has {durable} for good", own.acknowledged);
            return Err(Violation::of(Invariant::AcknowledgedStays, what));
        }
    }
    let entries = durable_size(agency, agency.writes);
    check_shown(agency)?;
    check_held(world, who, entries)?;
    check_ended(world, who, &fresh)?;
    check_kept(world, who)
}

/// What was shown is durable.
fn check_shown(agency: &Agency) -> Result<(), Violation> {
    let who = agency.who;
    for (log, shown) in &agency.shown {
        let durable = durable_size(agency, *log);
        if durable < *shown {
            let what = format!("{who:?} has shown {shown} of {log:?} and has {durable} for good");
            return Err(Violation::of(Invariant::ShownStays, what));
        }
    }
    Ok(())
}

fn durable_size(agency: &Agency, log: Log) -> u64 {
    agency.disk.get_durable(Key::Head(log)).map_or(0, |head| to_head(head).size.value())
}

/// Checks a record that an honest program has written, whoever told it what stands there.
fn check_record(agency: &Agency, truths: &Truths, key: Key) -> Result<(), Violation> {
    let (log, index) = match key {
        Key::Entry(log, index) | Key::Opening(log, index, _) => (log, index),
        Key::Head(log) | Key::Seen(log) | Key::Note(log, _) | Key::Awaited(log, _) => (log, 0),
        _ => return Ok(()),
    };
    let (Some(truth), Some(bytes)) = (truths.get(log), agency.disk.get(key)) else { return Ok(()) };
    let place = usize::try_from(index).unwrap();
    let (ok, invariant) = match key {
        // What the author itself has not signed yet is nobody's business.
        Key::Head(_) | Key::Entry(..) | Key::Opening(..) if log.author() == agency.who => return Ok(()),
        Key::Entry(..) => {
            let ok = truth.histories().any(|branch| branch.entries.get(place) == Some(bytes));
            (ok, Invariant::ReplicaIsAPrefix)
        }
        Key::Opening(_, _, slot) => {
            let is = truth.histories().any(|branch| branch.openings.get(&(index, slot)) == Some(bytes));
            (is && truth.released.contains(&(index, slot)), Invariant::OpeningsAreTheAuthors)
        }
        Key::Head(_) => (is_prefix(agency, truth, log, to_head(bytes)), Invariant::ReplicaIsAPrefix),
        _ => {
            let head = head_of(bytes);
            if !truth.keys.is_of_author(bytes) {
                let what = format!("{:?} takes {key:?}, which no key in force has signed", agency.who);
                return Err(Violation::of(Invariant::KeysGoByTheLog, what));
            }
            let held = !matches!(key, Key::Note(..)) || agency.disk.held(log).size >= head.size;
            (held && truth.has_signed(head), Invariant::ReplicaIsAPrefix)
        }
    };
    let violation = || Violation::of(invariant, format!("{:?} holds a wrong {key:?}", agency.who));
    if ok { Ok(()) } else { Err(violation()) }
}

/// Whether the entries held are those of one history. Of an author with one history each entry was compared when it was
/// written.
fn is_prefix(agency: &Agency, truth: &Truth, log: Log, head: Head) -> bool {
    let Some(branch) = truth.branch_of(head) else { return false };
    let held = |(entry, index)| agency.disk.get(Key::Entry(log, index)) == Some(entry);
    truth.histories().count() == 1 || branch.entries.iter().zip(0..head.size.value()).all(held)
}

/// Size and root of a note as it stands.
pub(crate) fn head_of(note: &[u8]) -> Head {
    let signed = SignedCheckpoint::parse(note).unwrap();
    Head { size: signed.checkpoint().size(), root: signed.checkpoint().root() }
}

/// Whether a follower holds a tree of the same size as a note that its author has signed, with another root: its own
/// disk and the note convict the author. `None` if the author did not sign it.
pub(crate) fn is_other_side(truth: &Truth, replica: &Replica, tree: &Tree, note: &[u8]) -> Option<bool> {
    let signed = SignedCheckpoint::parse(note).ok()?;
    let checkpoint = signed.checkpoint().clone();
    let size = checkpoint.size();
    if checkpoint.origin() != truth.origin.as_str()
        || !truth.has_signed(Head { size, root: checkpoint.root() })
    {
        return None;
    }
    let held = (size <= replica.size()).then(|| tree.root_at(size));
    let seen = replica.awaited().iter().copied().chain(replica.newest());
    let seen = seen.filter(|head| head.size == size).map(|head| head.root);
    let differs = held.into_iter().chain(seen).any(|root| root != checkpoint.root());
    // What the author signed may come with a signature that it did not make.
    Some(differs && replica.keys().verify(&signed).is_ok())
}

/// Whether whoever has found a fork holds the two notes that convict the author, one of them perhaps just shown.
pub(crate) fn check_evidence(
    world: &World,
    (who, log): (Who, Log),
    keeper: &Keeper,
    arrived: &Arrived,
    shown: Option<&[u8]>,
) -> Result<(), Violation> {
    let (disk, truth) = (&world.agencies[who.at()].disk, &world.truths[log]);
    let complete = disk.range(Key::Note(log, 0)..=Key::Note(log, u64::MAX));
    let kept = complete.chain(disk.range(Key::Awaited(log, 0)..=Key::Awaited(log, u64::MAX)));
    let kept = kept.map(|(_, note)| note).chain(disk.get(Key::Seen(log)));
    let mut heads: Vec<Head> = kept.map(|note| head_of(note)).chain(shown.map(head_of)).collect();
    let in_memory = keeper.checkpoint.iter().chain(&arrived.awaited);
    heads.extend(in_memory.map(|checkpoint| head_of(checkpoint.as_bytes())));
    let agree = |one, other| truth.histories().any(|branch| branch.has(one) && branch.has(other));
    if heads.iter().any(|one| heads.iter().any(|other| !agree(*one, *other))) {
        return Ok(());
    }
    let what = format!("{who:?} has found a fork of {log:?} and does not hold both notes");
    Err(Violation::of(Invariant::ForksAreNoticed, what))
}

/// Whether a doubt that arises is in place.
pub(crate) fn check_doubt(world: &World, who: Who, log: Log, doubt: Doubt) -> Result<(), Violation> {
    let truth = &world.truths[log];
    let innocent = !truth.forked && !truth.restored && truth.thefts.is_empty();
    // Beyond a fork, only a connection that keeps the order, and relays that do not lie, let a doubt weigh anything.
    let has_ended = log.successor().is_some_and(|next| world.truths.get(next).is_some());
    let is_orderly =
        world.plan.ordered && !has_ended && world.is_honest_way(who, log) && !world.is_stolen_from(log);
    let weighs = doubt == Doubt::Fork || is_orderly;
    if innocent && weighs {
        let what = format!("{who:?} has a doubt about {log:?}: {doubt:?}");
        return Err(Violation::of(Invariant::NobodyIsAccusedFalsely, what));
    }
    Ok(())
}

/// What is still missing somewhere, once the faults have ended; `None` if nothing is.
pub(crate) fn missing(world: &World) -> Option<String> {
    for author in &world.agencies {
        let (log, truth) = (author.writes, &world.truths[author.writes]);
        if truth.forked || truth.restored {
            continue;
        }
        let is_ready = match author.own {
            Own::Writable(_) => truth.branches[0].closed().is_none(),
            Own::Closed => truth.branches[0].closed().is_some(),
            _ => false,
        };
        if !is_ready || author.commit.is_some() {
            return Some(format!("{log:?} is not ready to append"));
        }
        for agency in world.agencies.iter().filter(|agency| agency.who != log.author()) {
            let held = agency.disk.newest_note(log).map_or(0, |(size, _)| size);
            if held != truth.size() {
                return Some(format!("{:?} holds {held} of {} of {log:?}", agency.who, truth.size()));
            }
            // What a liar called a release has its number, whatever it was.
            let whole = world.is_honest_way(agency.who, log);
            let decided = author.disk.range(Key::Decision(log, 0)..=Key::Decision(log, u64::MAX));
            let mut decided = decided.flat_map(|(_, sections)| to_sections(sections));
            let closed =
                decided.find(|(index, slot)| agency.disk.get(Key::Opening(log, *index, *slot)).is_none());
            if let Some((index, slot)) = closed.filter(|_| whole) {
                return Some(format!("{:?} has no opening {slot} of entry {index} of {log:?}", agency.who));
            }
            if agency.doubts.get(&log).is_some_and(|doubts| !doubts.is_empty()) {
                return Some(format!("{:?} still doubts {log:?}", agency.who));
            }
        }
    }
    None
}
