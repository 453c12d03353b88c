//! The cosigners of an agency, each statement in three steps with a crash between any two of them: decided and written
//! into the sign-lock, locked for good, signed.
//!
//! `Witness` is the real one; the lock is compared and set as the store does it, on a disk that is modelled.

use comity_ledger::{CosignIntent, Head, HeldHead, LockedHead, OriginDigest, Role, Witness};
use comity_tlog::{ConsistencyProof, CosignatureTime, SignedCheckpoint, VerifiedCheckpoint};

use crate::closed_logs::check_decided;
use crate::disk::{Key, Who, to_head, to_number};
use crate::event::Event;
use crate::invariants::{Violation, head_of};
use crate::log::Log;
use crate::plants::Plant;
use crate::spoken::By;
use crate::world::World;

/// A statement under way.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    log: Log,
    role: Role,
    checkpoint: VerifiedCheckpoint,
    /// Of a checkpoint whose entries are not held: how it goes on from what was stated last.
    ahead: Option<ConsistencyProof>,
    intent: Option<CosignIntent>,
    locked: Option<LockedHead>,
}

impl Job {
    pub(crate) fn new(
        log: Log,
        role: Role,
        checkpoint: VerifiedCheckpoint,
        ahead: Option<ConsistencyProof>,
    ) -> Self {
        Self { log, role, checkpoint, ahead, intent: None, locked: None }
    }
}

impl World {
    /// Enters what the cosigners of an agency have to state of what it holds.
    pub(crate) fn wish(&mut self, who: Who, renew: bool) {
        for (_, log, role) in self.cosigners().into_iter().filter(|(of, ..)| *of == who) {
            let name = OriginDigest::of(&self.truths[log].origin);
            let memory = &self.talk.parties[who.at()].memory;
            let Some(cosigned) = memory.gossip.cosigned(&name) else { continue };
            let is_stated = cosigned.time_of(self.talk.signing[&(who, role)].verifier()).is_some();
            let in_doubt =
                memory.convicted.contains_key(&log) && self.plant != Some(Plant::CosignsForTheConvicted);
            if in_doubt || memory.blocked.contains(&(log, role)) || (is_stated && !renew) {
                continue;
            }
            let mut checkpoint = cosigned.checkpoint().clone();
            if self.plant == Some(Plant::CosignsWhatIsVoid) {
                checkpoint = self.newest_by_entries(who, log).unwrap_or(checkpoint);
            }
            self.enter_job(who, Job::new(log, role, checkpoint, None));
        }
    }

    /// The mistake of [`Plant::CosignsWhatIsVoid`].
    fn newest_by_entries(&mut self, who: Who, log: Log) -> Option<VerifiedCheckpoint> {
        let keys = self.history_by_entries(who, log);
        let (_, note) = self.agencies[who.at()].disk.newest_note(log)?;
        keys.verify(&SignedCheckpoint::parse(note).unwrap()).ok()
    }

    /// Who cosigns which log in which role: of an agency's successor whoever cosigned the log before.
    pub(crate) fn cosigners(&self) -> Vec<(Who, Log, Role)> {
        let of_logs = |(of, author, role): &(Who, Who, Role)| {
            let logs = self.truths.logs().filter(|log| log.author() == *author);
            logs.map(|log| (*of, log, *role)).collect::<Vec<_>>()
        };
        self.talk.plan.cosigners.iter().flat_map(of_logs).collect()
    }

    pub(crate) fn enter_job(&mut self, who: Who, job: Job) {
        let memory = self.talk.memory(who);
        let is_idle = memory.job.is_none() && memory.jobs.is_empty();
        memory.jobs.push_back(job);
        if is_idle {
            self.soon(who, 1, Event::Speak(who));
        }
    }

    /// One step of one statement; a crash may come right behind it.
    pub(crate) fn speak(&mut self, who: Who) -> Result<(), Violation> {
        let memory = self.talk.memory(who);
        let Some(mut job) = memory.job.take().or_else(|| memory.jobs.pop_front()) else { return Ok(()) };
        match (&job.intent, &job.locked) {
            (None, _) => {
                job.intent = self.decide_statement(who, &job);
                if let Some(intent) = &job.intent {
                    check_decided(self, who, job.log, intent.head())?;
                }
                self.talk.memory(who).job = job.intent.is_some().then_some(job);
            }
            (Some(intent), None) => {
                if self.plant != Some(Plant::CosignsBeforeTheLock) {
                    self.talk.parties[who.at()].locks.sync();
                }
                let origin = self.truths[job.log].origin.clone();
                let locked = LockedHead::synced(job.role, origin, intent.head(), Some(intent.time()));
                job.locked = Some(locked);
                self.talk.memory(who).job = Some(job);
            }
            (Some(intent), Some(locked)) => self.state(who, (job.log, job.role), intent, locked)?,
        }
        if !self.is_quiet() && self.talk.dice.per_mille(self.talk.plan.crashes) {
            self.tally.fault("crash of a cosigner");
            self.crash(who);
            return Ok(());
        }
        let memory = self.talk.memory(who);
        if memory.job.is_some() || !memory.jobs.is_empty() {
            let pause = self.talk.dice.between(1, 6);
            self.soon(who, pause, Event::Speak(who));
        }
        Ok(())
    }

    /// Whether it may be stated; then it stands in the lock, not yet for good.
    fn decide_statement(&mut self, who: Who, job: &Job) -> Option<CosignIntent> {
        let (log, role) = (job.log, job.role);
        let (head, now) = (head_of(job.checkpoint.as_bytes()), self.clock(who));
        let is_convicted = self.talk.memory(who).convicted.contains_key(&log);
        if is_convicted && self.plant != Some(Plant::CosignsForTheConvicted) {
            return None;
        }
        // Since it was entered, the log may have come to its end.
        let keys = self.history(who, log);
        let is_void = keys.closed().is_some() && !keys.still_verifies(&job.checkpoint);
        if is_void && self.plant != Some(Plant::CosignsWhatIsVoid) {
            return None;
        }
        self.open_cosigner(who, log, role);
        let (agency, origin) = (&self.agencies[who.at()], self.truths[log].origin.clone());
        let memory = self.talk.memory(who);
        let witness = memory.witnesses.get_mut(&(log, role))?;
        let checks = |head: Head, time| Witness::new(&LockedHead::synced(role, origin.clone(), head, time));
        let mut proof = job.ahead.clone();
        match self.plant {
            Some(Plant::StatesWhatTheClockSays) => *witness = checks(witness.last(), None),
            // Of the very head it has stated an empty proof is enough.
            Some(Plant::SkipsTheProof) if head.size > witness.last().size => {
                *witness = checks(head, witness.time());
                proof = Some(ConsistencyProof::default());
            }
            _ => {}
        }
        let from = witness.last().size;
        if head.size < from {
            return None;
        }
        let proof = proof.unwrap_or_else(|| agency.tree(log).proof(from.value(), head.size.value()));
        let intent = if role == Role::Mirror {
            let newest = agency.disk.newest_note(log).map_or(Head::EMPTY, |(_, note)| head_of(note));
            let boasts = self.plant == Some(Plant::MirrorsWhatItDoesNotHold);
            let held = HeldHead::synced(origin, if boasts { head } else { newest });
            witness.check_held(&job.checkpoint, &held, &proof, now)
        } else {
            witness.check(&job.checkpoint, &proof, now)
        };
        self.advance_lock(who, log, role, intent.ok()?)
    }

    /// Compares and sets, as the sign-lock does it.
    fn advance_lock(&mut self, who: Who, log: Log, role: Role, intent: CosignIntent) -> Option<CosignIntent> {
        let locks = &mut self.talk.parties[who.at()].locks;
        let key = Key::CosignerLock(log, place_of(role));
        let (held, time) = to_locked(locks.get(key)?);
        let goes_on = intent.head() == held || intent.head().size > held.size;
        let forgets_time = self.plant == Some(Plant::StatesWhatTheClockSays);
        if !goes_on || (Some(intent.time()) < time && !forgets_time) {
            return None;
        }
        locks.put(key, &locked_bytes(intent.head(), intent.time().value()));
        Some(intent)
    }

    /// The lock of a cosigner, made at the empty tree for a log that it never cosigned.
    fn open_cosigner(&mut self, who: Who, log: Log, role: Role) {
        let origin = self.truths[log].origin.clone();
        let party = &mut self.talk.parties[who.at()];
        if party.memory.witnesses.contains_key(&(log, role)) {
            return;
        }
        let key = Key::CosignerLock(log, place_of(role));
        let stated = party.kept.get(Key::Stated(log, place_of(role))).map(|head| to_head(head));
        let mut found = party.locks.get(key).map(|bytes| to_locked(bytes));
        if found.is_none() && stated.is_none() || self.plant == Some(Plant::ForgetsTheLockOfACosigner) {
            party.locks.put(key, &locked_bytes(Head::EMPTY, 0));
            party.locks.sync();
            found = Some((Head::EMPTY, None));
        }
        match found.filter(|(held, _)| stated.is_none_or(|stated| goes_with(*held, stated))) {
            Some((head, time)) => {
                let witness = Witness::new(&LockedHead::synced(role, origin, head, time));
                party.memory.witnesses.insert((log, role), witness);
            }
            None if self.plant == Some(Plant::ForgetsTheLockOfACosigner) => {
                let witness = Witness::new(&LockedHead::synced(role, origin, Head::EMPTY, None));
                party.memory.witnesses.insert((log, role), witness);
            }
            None => drop(party.memory.blocked.insert((log, role))),
        }
    }

    fn state(
        &mut self,
        who: Who,
        (log, role): (Log, Role),
        intent: &CosignIntent,
        locked: &LockedHead,
    ) -> Result<(), Violation> {
        let now = self.clock(who);
        let name = OriginDigest::of(&self.truths[log].origin);
        let party = &mut self.talk.parties[who.at()];
        let witness = party.memory.witnesses.get_mut(&(log, role)).unwrap();
        let line = witness.sign(intent, locked, &self.talk.signing[&(who, role)]).unwrap();
        self.tally.cosigned += 1;
        let head = locked_bytes(intent.head(), 0);
        party.kept.put(Key::Stated(log, place_of(role)), &head[..40]);
        if let Some(cosigned) =
            party.memory.gossip.cosigned_mut(&name).filter(|of| of.head() == intent.head())
        {
            cosigned.take(&line, &self.talk.known, now);
        }
        self.keep_lines(who, log);
        let by = By { who, role, log };
        let (truth, disk) = (&self.truths[log], &self.agencies[who.at()].disk);
        self.talk.spoken.speaks(by, (intent.head(), intent.time()), &line, truth, disk)
    }

    /// A lock is put back. Where nothing at home tells so, it may state once more what it has stated.
    pub(crate) fn locks_put_back(&mut self, who: Who) {
        for (_, log, role) in self.cosigners().into_iter().filter(|(of, ..)| *of == who) {
            let party = &self.talk.parties[who.at()];
            let place = place_of(role);
            let stated = party.kept.get(Key::Stated(log, place)).map(|head| to_head(head));
            let found = party.locks.get(Key::CosignerLock(log, place)).map(|bytes| to_locked(bytes));
            let is_noticed = match found {
                Some((held, _)) => stated.is_some_and(|stated| !goes_with(held, stated)),
                None => stated.is_some(),
            };
            if !is_noticed {
                self.talk.spoken.restored(By { who, role, log });
            }
        }
    }
}

/// Whether a lock is one that a cosigner may have left that is known to have stated this.
fn goes_with(held: Head, stated: Head) -> bool {
    held == stated || held.size > stated.size
}

pub(crate) fn place_of(role: Role) -> u8 {
    u8::from(role == Role::Mirror)
}

fn locked_bytes(head: Head, secs: u64) -> Vec<u8> {
    [&head.size.value().to_be_bytes()[..], head.root.as_bytes(), &secs.to_be_bytes()[..]].concat()
}

fn to_locked(bytes: &[u8]) -> (Head, Option<CosignatureTime>) {
    let (head, secs) = bytes.split_at(40);
    let secs = to_number(secs);
    (to_head(head), (secs > 0).then(|| CosignatureTime::new(secs).unwrap()))
}
