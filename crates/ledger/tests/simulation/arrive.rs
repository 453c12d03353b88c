//! What a follower checks of each message, before anything of it is written.

use comity_ledger::{EntryBytes, Frame, Older, Opening, Past, Rejection, Slot, VerifiedFrame};
use comity_tlog::{ConsistencyProof, Hash, SignedCheckpoint, TreeSize};

use crate::disk::{Key, Who};
use crate::follow::{Arrived, Keeper};
use crate::invariants::{Invariant, Violation, check_evidence, head_of, is_other_side};
use crate::log::Log;
use crate::message::{Item, Message};
use crate::plants::Plant;
use crate::stop::Stop;
use crate::world::World;

impl World {
    /// Verifies one message behind those that came with it.
    pub(crate) fn arrive(
        &mut self,
        who: Who,
        log: Log,
        keeper: &mut Keeper,
        bytes: &[u8],
        arrived: &mut Arrived,
    ) -> Result<Result<(), Stop>, Violation> {
        Ok(match Message::decode(bytes) {
            None | Some(Message::Follow { .. } | Message::Genesis { .. } | Message::First(_)) => {
                Err(Stop::NotWellFormed)
            }
            Some(Message::Beat) => Ok(()),
            Some(Message::Refused(refusal)) => Err(Stop::Refused(refusal)),
            Some(Message::Note(note)) => return self.arrive_note(who, log, keeper, &note, arrived),
            Some(Message::Frame { start, entries, proof }) => {
                let past = |size: TreeSize| {
                    // Those that came with it are not written yet.
                    let mut tree = self.agencies[who.at()].tree(log).clone();
                    let frames = arrived.frames.iter().flat_map(VerifiedFrame::entries);
                    frames.for_each(|entry| tree.append(entry.leaf_hash()));
                    (size <= tree.head().size).then(|| tree.root_at(size))
                };
                let rejected = arrive_frame(keeper, start, &entries, &proof, &past);
                let rejected = rejected.map(|verified| arrived.frames.push(verified));
                if rejected.as_ref().is_err_and(Stop::is_fork) {
                    check_evidence(self, (who, log), keeper, arrived, None)?;
                }
                if rejected.is_err() && self.plant == Some(Plant::KeepsRejectedFrames) {
                    self.keep_rejected(who, log, &entries);
                }
                rejected
            }
            Some(Message::Release { origin, items }) => {
                if origin == self.truths[log].origin.as_str() {
                    items.into_iter().try_for_each(|item| arrive_item(keeper, item, arrived))
                } else {
                    Err(Stop::OtherLog)
                }
            }
        })
    }

    fn arrive_note(
        &mut self,
        who: Who,
        log: Log,
        keeper: &mut Keeper,
        note: &[u8],
        arrived: &mut Arrived,
    ) -> Result<Result<(), Stop>, Violation> {
        // The tree as written does not have the frames yet that came with this note; the replica does.
        let mut tree = self.agencies[who.at()].tree(log).clone();
        let frames = arrived.frames.iter().flat_map(VerifiedFrame::entries);
        frames.for_each(|entry| tree.append(entry.leaf_hash()));
        let other_side = is_other_side(&self.truths[log], &keeper.replica, &tree, note);
        let verified = match keeper.replica.verify_note(note) {
            Err(Rejection::KeyOutOfForce { .. }) if self.plant == Some(Plant::TakesKeysThatHaveEnded) => {
                Ok(self.truths[log].keys.verify_with_any(note))
            }
            verified => verified,
        };
        let (result, fork) = match verified {
            Ok(verified) => (Ok(verified), false),
            Err(Rejection::Smaller { size, seen }) => {
                let stated = SignedCheckpoint::parse(note).unwrap().checkpoint().root();
                let held = (size <= keeper.replica.size()).then(|| tree.root_at(size));
                match Older::judge(
                    stated,
                    held,
                    self.agencies[who.at()].upstream[&log.author()] == log.author(),
                ) {
                    Older::OtherPast => (Err(Stop::OtherPast), true),
                    Older::Rollback => (Err(Stop::Rejected(Rejection::Smaller { size, seen })), false),
                    Older::RelayBehind => (Err(Stop::RelayBehind), false),
                }
            }
            // No fork is found, whatever comes of it.
            Err(Rejection::SameSizeOtherRoot { .. }) if self.plant == Some(Plant::TakesAnEqualSize) => {
                (Err(Stop::RelayBehind), false)
            }
            Err(rejection) => {
                let fork = matches!(rejection, Rejection::SameSizeOtherRoot { .. });
                (Err(Stop::Rejected(rejection)), fork)
            }
        };
        if fork != (other_side == Some(true)) {
            let what = format!("{who:?} was shown a note of {log:?}: fork {other_side:?}, found {fork}");
            return Err(Violation::of(Invariant::ForksAreNoticed, what));
        }
        if fork {
            check_evidence(self, (who, log), keeper, arrived, Some(note))?;
        }
        Ok(result.map(|verified| {
            if keeper.replica.newest() != Some(head_of(verified.as_bytes())) {
                let held = keeper.replica.size();
                let before = keeper.checkpoint.take().filter(|before| before.checkpoint().size() > held);
                arrived.awaited.extend(before);
                keeper.replica.saw(&verified);
                arrived.seen = Some(verified.clone());
            }
            keeper.checkpoint = Some(verified);
            keeper.confirmed = true;
        }))
    }

    /// The mistake of [`Plant::KeepsRejectedFrames`].
    fn keep_rejected(&mut self, who: Who, log: Log, entries: &[Vec<u8>]) {
        let agency = &mut self.agencies[who.at()];
        let tree = agency.trees.get_mut(&log).unwrap();
        for entry in entries {
            let index = tree.head().size.value();
            agency.disk.put(Key::Entry(log, index), entry);
            tree.append(Hash::leaf(entry));
        }
        agency.disk.put_head(Key::Head(log), tree.head());
    }

    /// Compares openings with their entries, and gives those that were not held before. Of the releases of one step
    /// nothing is given if one of their openings is wrong.
    pub(crate) fn judge(
        &self,
        who: Who,
        log: Log,
        openings: &[(u64, u8, Vec<u8>)],
    ) -> Result<Vec<(u64, u8, Vec<u8>)>, ()> {
        let disk = &self.agencies[who.at()].disk;
        let mut new = Vec::with_capacity(openings.len());
        for (index, slot, padded) in openings {
            let entry = disk.get(Key::Entry(log, *index)).ok_or(())?;
            let entry = EntryBytes::new(entry.to_vec()).and_then(|bytes| bytes.parse()).map_err(|_| ())?;
            let opening = Opening::from_padded(&padded.clone().into()).map_err(|_| ())?;
            let verified = opening.verify(&self.truths[log].origin, &entry, Slot::new(*slot));
            if verified.is_err() && self.plant != Some(Plant::KeepsWrongOpenings) {
                return Err(());
            }
            if disk.get(Key::Opening(log, *index, *slot)).is_none() {
                new.push((*index, *slot, padded.clone()));
            }
        }
        Ok(new)
    }
}

fn arrive_item(keeper: &Keeper, item: Item, arrived: &mut Arrived) -> Result<(), Stop> {
    if item.number != arrived.next_release {
        return Err(Stop::ReleaseOrder);
    }
    if item.index >= keeper.replica.size().value() {
        return Err(Stop::EarlyOpening);
    }
    arrived.next_release += 1;
    if let Some(padded) = item.opening {
        Opening::from_padded(&padded.clone().into()).map_err(|_| Stop::NotWellFormed)?;
        arrived.openings.push((item.index, item.slot, padded));
    }
    Ok(())
}

fn arrive_frame(
    keeper: &mut Keeper,
    start: u64,
    entries: &[Vec<u8>],
    proof: &[[u8; 32]],
    past: &Past<'_>,
) -> Result<VerifiedFrame, Stop> {
    let hashes = proof.iter().map(|hash| Hash::from_bytes(*hash)).collect();
    let proof = ConsistencyProof::new(hashes).map_err(|_| Stop::NotWellFormed)?;
    let start = TreeSize::new(start).map_err(|_| Stop::NotWellFormed)?;
    let frame = Frame::new(start, entries.to_vec(), proof).map_err(Stop::Rejected)?;
    let checkpoint = keeper.checkpoint.as_ref().ok_or(Stop::NoCheckpoint)?;
    let verified = keeper.replica.verify_frame_after(frame, checkpoint, past).map_err(Stop::Rejected)?;
    keeper.replica.advance(&verified);
    Ok(verified)
}
