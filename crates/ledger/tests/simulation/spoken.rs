//! What really was cosigned, as no agency knows it, and what must hold of it.

use std::collections::{BTreeMap, BTreeSet};

use comity_ledger::{Contradiction, Cosigned, Evidence, Head, OriginDigest, Role, Witness};
use comity_tlog::{CosignatureTime, SignatureLine, SignedCheckpoint};

use crate::disk::{Disk, Key, Who, to_head};
use crate::gossip::Party;
use crate::invariants::{Invariant, Violation, head_of};
use crate::log::Log;
use crate::truth::Truth;
use crate::world::World;

/// A cosigner: whose, in which role, of which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct By {
    pub(crate) who: Who,
    pub(crate) role: Role,
    pub(crate) log: Log,
}

/// All lines that were ever made.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    /// What each cosigner stated last. As each statement goes on from the one before, all of them go together.
    last: BTreeMap<By, (Head, CosignatureTime)>,
    /// Every line of a known key, a thief's too.
    lines: BTreeSet<String>,
    /// Whose lock was put back in a way that nothing at home tells of.
    restored: BTreeSet<By>,
}

impl Spoken {
    /// Takes note of a line that a cosigner makes, over what its agency holds at that moment.
    pub(crate) fn speaks(
        &mut self,
        by: By,
        (head, time): (Head, CosignatureTime),
        line: &SignatureLine,
        truth: &Truth,
        disk: &Disk,
    ) -> Result<(), Violation> {
        self.lines.insert(line.to_string());
        let before = self.last.insert(by, (head, time));
        let wrong = |invariant, what: &str| {
            let size = head.size;
            Err(Violation::of(invariant, format!("{by:?} states size {size} at {time} {what} {before:?}")))
        };
        if let Some((last, at)) = before.filter(|_| !self.restored.remove(&by)) {
            if head.size < last.size {
                return wrong(Invariant::CosignersNeverGoBack, "after");
            }
            if !truth.histories().any(|branch| branch.has(last) && branch.has(head)) {
                return wrong(Invariant::CosignersStateOneHistory, "which does not go on from");
            }
            if time < at {
                return wrong(Invariant::TimesNeverGoBack, "after");
            }
        }
        if !truth.has_signed(head) {
            return wrong(Invariant::CosignersStateOneHistory, "which its author did not sign, after");
        }
        if by.role == Role::Mirror && !holds(disk, by.log, head, truth) {
            return wrong(Invariant::MirrorsHoldWhatTheyState, "and does not hold it for good, after");
        }
        Ok(())
    }

    /// A line that a thief has made with the key of a cosigner.
    pub(crate) fn stolen(&mut self, line: &SignatureLine) {
        self.lines.insert(line.to_string());
    }

    pub(crate) fn restored(&mut self, by: By) {
        self.restored.insert(by);
    }
}

/// Whether every entry of a tree is on the disk for good.
fn holds(disk: &Disk, log: Log, head: Head, truth: &Truth) -> bool {
    let Some(branch) = truth.branch_of(head) else { return false };
    let durable = disk.get_durable(Key::Head(log)).map_or(Head::EMPTY, |head| to_head(head));
    let mut entries = branch.entries.iter().zip(0..head.size.value());
    durable.size >= head.size
        && entries.all(|(entry, index)| disk.get_durable(Key::Entry(log, index)) == Some(entry))
}

/// Whether an author that an agency takes for convicted has signed two histories, or a thief in its name, and whether
/// the evidence kept says so by itself.
pub(crate) fn check_conviction(world: &World, who: Who, log: Log) -> Result<(), Violation> {
    let is_guilty = world.truths[log].forked || world.talk.stolen.contains(&log) || world.is_stolen(log);
    if !is_guilty && !world.may_be_deceived(who, log) {
        let what = format!("{who:?} takes {log:?} for convicted");
        return Err(Violation::of(Invariant::NoHonestAuthorIsConvicted, what));
    }
    Ok(())
}

/// Checks what an event may have changed in what an agency keeps of gossip.
pub(crate) fn check_kept(world: &mut World, who: Who) -> Result<(), Violation> {
    for key in world.talk.parties[who.at()].kept.take_fresh() {
        let Some(bytes) = world.talk.parties[who.at()].kept.get(key) else { continue };
        match key {
            Key::Lines(log) => {
                let (truth, note) = (&world.truths[log], SignedCheckpoint::parse(bytes).unwrap());
                let is_real = |line: &SignatureLine| {
                    truth.keys.made(line) || world.talk.spoken.lines.contains(&line.to_string())
                };
                if !truth.has_signed(head_of(bytes)) || !note.note().lines().iter().all(is_real) {
                    let what = format!("{who:?} keeps a line of {log:?} that nobody known has made");
                    return Err(Violation::of(Invariant::LinesAreOfTheirKeys, what));
                }
            }
            Key::Evidence(log) => {
                let evidence = Evidence::parse(bytes);
                let keys = &world.truths[log].keys;
                let root = world.agencies[log.author().at()].root_key();
                let is_theirs = |evidence: &Evidence| match evidence.shown() {
                    Contradiction::Trees(trees) => trees.keys().into_iter().all(|key| keys.knows(key)),
                    Contradiction::Geneses(two) => two.root_key() == root.verifier(),
                };
                if !evidence.is_ok_and(|evidence| is_theirs(&evidence)) {
                    let what = format!("{who:?} keeps evidence against {log:?} that proves nothing");
                    return Err(Violation::of(Invariant::EvidenceStandsByItself, what));
                }
                check_conviction(world, who, log)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A line that somebody holds and somebody else does not, although nobody has stated anything anew since the faults
/// ended; `None` if there is none.
pub(crate) fn uneven_lines(world: &World) -> Option<String> {
    if world.renewed_secs().is_some() {
        return None;
    }
    for (of, log, role) in world.cosigners() {
        let truth = &world.truths[log];
        if truth.forked || truth.restored || truth.end.is_some() || world.talk.stolen.contains(&log) {
            continue;
        }
        let (name, key) = (OriginDigest::of(&truth.origin), world.talk.signing[&(of, role)].verifier());
        let held = |party: &Party| party.memory.gossip.cosigned(&name).and_then(|held| held.time_of(key));
        let newest = world.talk.parties.iter().filter_map(held).max();
        // Before its time has come nobody takes it.
        if newest.is_none_or(|time| time.value() > world.true_secs()) {
            continue;
        }
        let lacks = world.talk.parties.iter().zip(&world.agencies).find(|(party, _)| held(party) != newest);
        if let Some((_, agency)) = lacks {
            return Some(format!("{:?} lacks a line of the {role} of {of:?} for {log:?}", agency.who));
        }
    }
    None
}

/// What of cosignatures is still missing somewhere, once the faults have ended; `None` if nothing is.
pub(crate) fn missing_lines(world: &World) -> Option<String> {
    let Some(renewed) = world.renewed_secs() else { return Some("somebody is down".to_owned()) };
    for (of, log, role) in world.cosigners() {
        let (truth, memory) = (&world.truths[log], &world.talk.parties[of.at()].memory);
        let guilty =
            truth.forked || truth.end.is_some() || truth.restored || world.talk.stolen.contains(&log);
        if guilty || memory.blocked.contains(&(log, role)) {
            continue;
        }
        let time = memory.witnesses.get(&(log, role)).and_then(Witness::time);
        let Some(time) = time.filter(|time| time.value() >= renewed) else {
            return Some(format!("the {role} of {of:?} has not spoken of {log:?} again"));
        };
        // Of a cosigner whose clock once was ahead nobody takes a line before its time has come.
        if time.value() > world.true_secs() {
            continue;
        }
        let (name, key) = (OriginDigest::of(&truth.origin), world.talk.signing[&(of, role)].verifier());
        let lacks = world.talk.parties.iter().zip(&world.agencies).find(|(party, _)| {
            let cosigned = party.memory.gossip.cosigned(&name);
            !cosigned.is_some_and(|held| {
                held.head().size.value() == truth.size() && held.time_of(key) == Some(time)
            })
        });
        if let Some((_, agency)) = lacks {
            return Some(format!("{:?} has no line of the {role} of {of:?} for {log:?}", agency.who));
        }
    }
    None
}

/// A split view that somebody has not been told of, or evidence that has not reached everybody, once the faults have
/// ended; `None` if there is none.
pub(crate) fn unfound(world: &World) -> Option<String> {
    for log in world.logs() {
        let truth = &world.truths[log];
        let name = OriginDigest::of(&truth.origin);
        let others = || {
            world.talk.parties.iter().zip(&world.agencies).filter(|(_, agency)| agency.who != log.author())
        };
        let cosigned = others().filter_map(|(party, _)| party.memory.gossip.cosigned(&name));
        let heads: Vec<Head> = cosigned.map(Cosigned::head).collect();
        let agree = |one, other| truth.histories().any(|branch| branch.has(one) && branch.has(other));
        let is_split = heads.iter().any(|one| heads.iter().any(|other| !agree(*one, *other)));
        let is_known = others().any(|(party, _)| party.memory.convicted.contains_key(&log));
        let untold = others().find(|(party, _)| !party.memory.convicted.contains_key(&log));
        if let Some((_, agency)) = untold.filter(|_| is_split || is_known) {
            return Some(format!("{:?} does not know that {log:?} has two histories", agency.who));
        }
    }
    None
}
