//! Each step of a followed log, verified after those that arrived with it: nothing is stored here.
//!
//! Not here: what is kept of them together (`keeper`), and what convicts an author (`accuse`).

use comity_ledger::Rejection;
use comity_store::GoesOn;
use comity_tlog::{SignedCheckpoint, root_at};
use comity_wire::{AbsenceCause, Disclosure, DisclosureContent, FollowEvent, Heartbeat};

use super::super::error::FollowError;
use super::{Arrived, Keeper, head_under, held_log};
use crate::proved_times::FirstQuorumError;

impl Keeper {
    /// Verifies one step after those that arrived with it, as far as that needs no entry of the store.
    pub(super) fn check(&mut self, event: FollowEvent, arrived: &mut Arrived) -> Result<(), FollowError> {
        match event {
            // Entries beyond the end count for nothing, and neither does who has signed them.
            FollowEvent::Frame(_) if self.beyond().is_some() => {}
            FollowEvent::Checkpoint(note) if self.beyond().is_some() => {
                self.check_end(note, arrived)?;
            }
            FollowEvent::Checkpoint(note) => {
                let verified = match self.replica.verify_note(note.as_bytes()) {
                    Ok(verified) => verified,
                    Err(rejection) => {
                        arrived.rejected = Some(note);
                        return Err(rejection.into());
                    }
                };
                // The same head again, as each connection begins, is nothing to be kept.
                if self.replica.newest() != Some(head_under(&verified)) {
                    let held = self.replica.size();
                    let before = self.checkpoint.take().filter(|before| before.checkpoint().size() > held);
                    arrived.awaited.extend(before);
                    self.replica.saw(&verified);
                    arrived.seen = Some(verified.clone());
                }
                self.checkpoint = Some(verified);
                self.confirmed = true;
            }
            FollowEvent::Frame(frame) => {
                let checkpoint = self.checkpoint.as_ref().ok_or(FollowError::NoCheckpoint)?;
                let nodes = self.store().nodes(&self.origin);
                let past = |size| root_at(&nodes, size).ok();
                let verified = self.replica.verify_frame_after(frame, checkpoint, &past)?;
                for (index, finding) in verified.key_findings() {
                    tracing::warn!(%index, %finding, "an entry says that it is a key event, and changes nothing");
                }
                let (held, proof) = (verified.head().size, verified.proof().clone());
                self.goes_on = Some(GoesOn { held, checkpoint: head_under(checkpoint), proof });
                self.replica.advance(&verified);
                arrived.frames.push(verified);
            }
            FollowEvent::Release(frame) => {
                arrived.openings.reserve(frame.disclosures().len());
                for disclosure in frame.into_disclosures() {
                    self.check_release(disclosure, arrived)?;
                }
            }
            FollowEvent::Heartbeat(beat) => self.check_heartbeat(beat, arrived),
            FollowEvent::FirstQuorum(note) => self.check_first_quorum(note, arrived)?,
        }
        arrived.complete.extend(self.completed());
        Ok(())
    }

    /// Compares a checkpoint with the end of the log, beyond which entries are held. Any other says nothing.
    fn check_end(&self, note: SignedCheckpoint, arrived: &mut Arrived) -> Result<(), FollowError> {
        let (Some(end), stated) = (self.beyond(), note.checkpoint()) else { return Ok(()) };
        if stated.origin() != self.origin.as_str() {
            return Err(Rejection::OtherOrigin.into());
        }
        if stated.size() != end.size {
            return Ok(());
        }
        self.replica.keys().verify(&note).map_err(Rejection::from)?;
        if stated.root() != end.root {
            arrived.rejected = Some(note);
            return Err(FollowError::OtherPast { size: end.size });
        }
        Ok(())
    }

    /// Verifies a first quorum against the entries that are kept.
    fn check_first_quorum(
        &mut self,
        note: SignedCheckpoint,
        arrived: &mut Arrived,
    ) -> Result<(), FollowError> {
        let of = held_log(&self.node, &self.peers, &self.replica);
        match self.wanted.check(of, &note, &mut arrived.judged_by) {
            Ok(it) => arrived.first_quorums.extend(it),
            Err(error) => {
                if matches!(error, FirstQuorumError::OtherPast { .. }) {
                    arrived.rejected = Some(note);
                }
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn check_release(&self, disclosure: Disclosure, arrived: &mut Arrived) -> Result<(), FollowError> {
        if disclosure.origin != self.origin {
            return Err(FollowError::OtherOrigin { origin: disclosure.origin });
        }
        if disclosure.number.value() != arrived.next_release {
            let found = disclosure.number.value();
            return Err(FollowError::ReleaseOrder { expected: arrived.next_release, found });
        }
        let is_beyond_end = disclosure.content == DisclosureContent::Absent(AbsenceCause::BeyondEnd);
        if !self.replica.size().contains(disclosure.index) && !is_beyond_end {
            return Err(FollowError::EarlyOpening { index: disclosure.index });
        }
        arrived.next_release = arrived.next_release.saturating_add(1);
        if let DisclosureContent::Given(opening) = disclosure.content {
            arrived.openings.push((disclosure.index, disclosure.slot, opening));
        }
        Ok(())
    }

    /// Takes note that all that there is was sent. Of a log that has ended that is all that will ever come, if the sender
    /// holds it up to its end and nothing of it back.
    fn check_heartbeat(&self, beat: Heartbeat, arrived: &mut Arrived) {
        self.wanted.all_came(&self.node, &self.origin);
        let Some(end) = self.end else { return };
        let is_last = beat.next_release.value() == arrived.next_release && !beat.held_back;
        arrived.paused = true;
        arrived.ended = is_last && end.size <= beat.size && end.size <= self.complete;
    }
}
