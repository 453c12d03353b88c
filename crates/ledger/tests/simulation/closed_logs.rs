//! What must hold of logs that have ended: nothing beyond the last good tree counts for whoever knows of the end, nothing of
//! it is stated or cosigned, and of two successors nobody cosigns anything who holds the evidence.

use comity_ledger::{Head, OriginDigest};
use comity_tlog::SignedCheckpoint;

use crate::disk::{Key, Who};
use crate::heads::Said;
use crate::invariants::{Invariant, Violation, head_of};
use crate::log::Log;
use crate::successor::genesis_of;
use crate::truth::Truth;
use crate::world::World;

impl Truth {
    /// Whether a tree counts for whoever knows where the log has ended: up to there, and where the log says so itself the
    /// tree that has the revocation.
    pub(crate) fn counts(&self, head: Head) -> bool {
        let Some(end) = self.end else { return true };
        let author = &self.branches[0];
        let says_so = author.closed() == Some(end.size.value())
            && !author.keys_at_the_end(head.size.value()).is_empty();
        author.has(head) && (head.size <= end.size || says_so)
    }
}

/// Whether an agency has begun a log's only successor, and so knows where the log has ended.
fn knows(world: &World, who: Who, log: Log) -> bool {
    let Some(next) = log.successor() else { return false };
    let is_one = world.truths.get(next).is_some_and(|truth| !truth.forked);
    is_one && world.agencies[who.at()].disk.get(Key::Begun(next)).is_some()
}

/// Checks what an agency has just written of a log that has ended, or of its successor.
pub(crate) fn check_ended(world: &mut World, who: Who, fresh: &[Key]) -> Result<(), Violation> {
    let Some(log) = world.succession.victim.map(Log::of) else { return Ok(()) };
    let next = log.successor().unwrap();
    let is_of_it = |key: &Key| match key {
        Key::Note(of, _) | Key::Head(of) | Key::Begun(of) | Key::SetAside(of) => *of == log || *of == next,
        _ => false,
    };
    // Of a node that is down nothing is in memory.
    if !fresh.iter().any(is_of_it) || world.agencies[who.at()].is_down() {
        return Ok(());
    }
    check_begun(world, who, next)?;
    if !knows(world, who, log) {
        return Ok(());
    }
    let keys = world.history(who, log);
    let newest = world.agencies[who.at()].disk.range(Key::Note(log, 0)..=Key::Note(log, u64::MAX));
    let newest: Vec<Vec<u8>> = newest.rev().take(4).map(|(_, note)| note.to_vec()).collect();
    for note in newest {
        let is_good = keys.verify(&SignedCheckpoint::parse(&note).unwrap()).is_ok();
        if is_good && !world.truths[log].counts(head_of(&note)) {
            let what = format!("{who:?} takes size {} of {log:?} for good", head_of(&note).size);
            return Err(Violation::of(Invariant::NothingCountsBeyondTheEnd, what));
        }
    }
    Ok(())
}

/// A successor is begun with what its author's root key has signed.
fn check_begun(world: &World, who: Who, next: Log) -> Result<(), Violation> {
    let Some(begun) = world.agencies[who.at()].disk.get(Key::Begun(next)) else { return Ok(()) };
    let truth = world.truths.get(next);
    let signed = truth.into_iter().flat_map(|truth| &truth.branches);
    let signed = signed.filter_map(|branch| branch.entries.first());
    if signed.into_iter().any(|entry| genesis_of(entry) == genesis_of(begun)) {
        return Ok(());
    }
    let what = format!("{who:?} has begun {next:?} with what its author did not sign");
    Err(Violation::of(Invariant::SuccessorsAreTheAuthors, what))
}

/// Checks what an agency says of a log that it knows to have ended.
pub(crate) fn check_said(world: &World, who: Who, said: &Said) -> Result<(), Violation> {
    let Some(log) = world.succession.victim.map(Log::of).filter(|log| knows(world, who, *log)) else {
        return Ok(());
    };
    let name = OriginDigest::of(&log.origin());
    let stated = said.digests.iter().find(|digest| digest.origin == name);
    if let Some(digest) = stated.filter(|digest| !world.truths[log].counts(digest.head)) {
        let what = format!("{who:?} states size {} of {log:?}, which is void", digest.head.size);
        return Err(Violation::of(Invariant::NothingCountsBeyondTheEnd, what));
    }
    Ok(())
}

/// Checks what a cosigner has just decided to state.
pub(crate) fn check_decided(world: &World, who: Who, log: Log, head: Head) -> Result<(), Violation> {
    if knows(world, who, log) && !world.truths[log].counts(head) {
        let what = format!("{who:?} cosigns size {} of {log:?}, which is void", head.size);
        return Err(Violation::of(Invariant::NobodyCosignsBeyondTheEnd, what));
    }
    if world.talk.parties[who.at()].memory.convicted.contains_key(&log) {
        let what = format!("{who:?} cosigns {log:?}, of which it holds evidence");
        return Err(Violation::of(Invariant::TheConvictedAreFrozen, what));
    }
    Ok(())
}
