//! What an agency knows of checkpoints and of those who cosign them, and its rounds: takes in what was kept, lets its
//! cosigners speak, and speaks to its peers.
//!
//! `Gossip` and `Cosigned` are the real ones and are driven as the node drives them. What is said and heard is in
//! `heads`, the cosigners in `cosign`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use comity_ledger::{
    Evidence, Generation, Gossip, Gossiped, KeyHistory, OriginDigest, PeerHeads, Role, Seen, Witness, compare,
};
use comity_tlog::{CosignatureTime, Hash, SignedCheckpoint, SigningKey, VerifierKey};

use crate::agency::{Agency, cosigner_key};
use crate::cosign::Job;
use crate::dice::Dice;
use crate::disk::{Disk, Key, Who};
use crate::event::Event;
use crate::gossip_plan::GossipPlan;
use crate::heads::Said;
use crate::invariants::Violation;
use crate::log::Log;
use crate::plants::Plant;
use crate::post::Letter;
use crate::spoken::{Spoken, check_conviction};
use crate::world::World;

/// When the clocks of a world begin, in seconds: late enough to be set back.
const BEGUN_SECS: u64 = 1_000_000;
/// Between the rounds of an agency once the faults have ended, in milliseconds.
const ROUND_CALM: u64 = 5_000;

/// All of gossip in one world.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) dice: Dice,
    pub(crate) plan: GossipPlan,
    pub(crate) parties: Vec<Party>,
    pub(crate) names: BTreeMap<OriginDigest, Log>,
    pub(crate) signing: BTreeMap<(Who, Role), SigningKey>,
    /// Those whose lines are of interest.
    pub(crate) known: Vec<VerifierKey>,
    pub(crate) spoken: Spoken,
    /// Authors in whose name a thief has signed.
    pub(crate) stolen: BTreeSet<Log>,
    pub(crate) letters: BTreeMap<u64, Letter>,
    /// From when on everything is stated once more, as a node does once in a while: in milliseconds, once all entries
    /// are with everybody and nobody is down.
    pub(crate) renews_at: Option<u64>,
}

/// What one agency has of gossip.
#[derive(Debug)]
pub(crate) struct Party {
    /// The sign-locks of its cosigners; outside of the database and of backups.
    pub(crate) locks: Disk,
    /// Of its database what is of gossip: lines, what its cosigners have stated, evidence.
    pub(crate) kept: Disk,
    pub(crate) backup: Option<(Disk, Disk)>,
    /// By what its clock is wrong, in seconds.
    pub(crate) clock: i64,
    pub(crate) memory: Memory,
    /// What a liar may say once more.
    pub(crate) heard: Vec<Said>,
    renewed: bool,
}

/// What ends with the process.
#[derive(Debug)]
pub(crate) struct Memory {
    /// The life of the agency to which it belongs.
    life: Option<u64>,
    pub(crate) gossip: Gossip,
    pub(crate) witnesses: BTreeMap<(Log, Role), Witness>,
    /// Cosigners that must not speak, since their lock is not the one that they left.
    pub(crate) blocked: BTreeSet<(Log, Role)>,
    pub(crate) job: Option<Job>,
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) peers: BTreeMap<Who, PeerState>,
    pub(crate) convicted: BTreeMap<Log, Evidence>,
    /// Evidence files that have come, whatever they were.
    pub(crate) files: BTreeSet<[u8; Hash::BYTES]>,
}

/// What one peer has said.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeerState {
    pub(crate) heads: PeerHeads,
    pub(crate) seen: Seen,
    pub(crate) evidence: Vec<Hash>,
}

impl Memory {
    fn new(life: Option<u64>, begun: Generation) -> Self {
        Self {
            life,
            gossip: Gossip::new(begun),
            witnesses: BTreeMap::new(),
            blocked: BTreeSet::new(),
            job: None,
            jobs: VecDeque::new(),
            peers: BTreeMap::new(),
            convicted: BTreeMap::new(),
            files: BTreeSet::new(),
        }
    }
}

impl Talk {
    pub(crate) fn new(seed: u64, agencies: &[Agency]) -> Self {
        let mut dice = Dice::new(!seed);
        let plan = GossipPlan::draw(&mut dice, seed, u8::try_from(agencies.len()).unwrap());
        let party = |_| Party {
            locks: Disk::default(),
            kept: Disk::default(),
            backup: None,
            clock: 0,
            memory: Memory::new(None, Generation::default()),
            heard: Vec::new(),
            renewed: false,
        };
        let signing: BTreeMap<(Who, Role), SigningKey> = agencies
            .iter()
            .flat_map(|agency| [Role::Witness, Role::Mirror].map(|role| (agency.who, role)))
            .map(|(who, role)| ((who, role), cosigner_key(&agencies[who.at()].origin, who, role)))
            .collect();
        Self {
            parties: agencies.iter().map(party).collect(),
            names: agencies.iter().map(|agency| (OriginDigest::of(&agency.origin), agency.writes)).collect(),
            known: signing.values().map(|key| key.verifier().clone()).collect(),
            signing,
            spoken: Spoken::default(),
            stolen: BTreeSet::new(),
            letters: BTreeMap::new(),
            renews_at: None,
            dice,
            plan,
        }
    }

    pub(crate) fn memory(&mut self, who: Who) -> &mut Memory {
        &mut self.parties[who.at()].memory
    }
}

impl World {
    /// The true time, in seconds.
    pub(crate) fn true_secs(&self) -> u64 {
        BEGUN_SECS + self.now / 1_000
    }

    /// When everything is stated once more after the faults, in seconds, once that is known.
    pub(crate) fn renewed_secs(&self) -> Option<u64> {
        self.talk.renews_at.map(|at| BEGUN_SECS + at / 1_000)
    }

    /// The time by an agency's clock.
    pub(crate) fn clock(&self, who: Who) -> CosignatureTime {
        let secs = self.true_secs().saturating_add_signed(self.talk.parties[who.at()].clock);
        CosignatureTime::new(secs).unwrap()
    }

    /// One round of an agency; the next is entered for ever.
    pub(crate) fn round(&mut self, who: Who) -> Result<(), Violation> {
        let calm = self.is_quiet();
        let pause = if calm { ROUND_CALM } else { self.talk.dice.between(1, self.talk.plan.every * 2) };
        self.later(pause, Event::Round(who));
        if !self.agencies[who.at()].is_serving() {
            return Ok(());
        }
        self.open_memory(who);
        self.jump(who);
        if self.talk.dice.one_in(2) {
            self.talk.parties[who.at()].kept.sync();
        }
        self.take_kept(who)?;
        let party = &mut self.talk.parties[who.at()];
        let renew =
            if calm { !party.renewed && self.talk.renews_at.is_some() } else { self.talk.dice.one_in(10) };
        party.renewed |= calm && renew;
        self.wish(who, renew);
        let peers: Vec<Who> = if calm {
            (0..self.plan.agencies).map(Who).filter(|peer| *peer != who).collect()
        } else {
            let peer = self.talk.dice.place(self.agencies.len());
            [self.agencies[peer].who].into_iter().filter(|peer| *peer != who).collect()
        };
        for peer in peers {
            self.tell(who, peer, true)?;
        }
        if !calm {
            self.steal(who);
            self.steal_keys(who);
        }
        Ok(())
    }

    /// Begins anew, from the disk, what ended with the process.
    pub(crate) fn open_memory(&mut self, who: Who) {
        let life = Some(self.agencies[who.at()].life);
        let begun = Generation::new(self.talk.dice.draw() >> 1);
        let party = &mut self.talk.parties[who.at()];
        if party.memory.life == life {
            return;
        }
        party.memory = Memory::new(life, begun);
        let files = party.kept.range(Key::Evidence(Log::FIRST)..=Key::Evidence(Log::LAST));
        for (key, file) in files {
            let (Key::Evidence(log), Ok(evidence)) = (key, Evidence::parse(file)) else { continue };
            party.memory.files.insert(*evidence.digest().as_bytes());
            party.memory.convicted.insert(log, evidence);
        }
    }

    fn jump(&mut self, who: Who) {
        if !self.is_quiet() && self.talk.plan.jumps && self.talk.dice.one_in(10) {
            self.tally.fault("clock jumped");
            let secs = i64::try_from(self.talk.dice.below(600)).unwrap() - 300;
            self.talk.parties[who.at()].clock = if self.talk.dice.one_in(3) { 0 } else { secs };
        }
    }

    /// Takes the newest complete checkpoint of each log from the disk, with the lines that were kept of it.
    fn take_kept(&mut self, who: Who) -> Result<(), Violation> {
        for log in self.logs() {
            if self.agencies[who.at()].disk.newest_note(log).is_none() {
                continue;
            }
            let keys = self.history(who, log);
            self.acquit(who, log, &keys);
            self.forget_void(who, log, &keys);
            let Some((size, note)) = self.newest_good(who, log, &keys) else { continue };
            let (name, now) = (OriginDigest::of(&self.truths[log].origin), self.clock(who));
            let party = &mut self.talk.parties[who.at()];
            let held = party.memory.gossip.cosigned(&name);
            if held.is_some_and(|held| held.head().size.value() >= size) {
                continue;
            }
            let Ok(verified) = keys.verify(&SignedCheckpoint::parse(&note).unwrap()) else { continue };
            let shown = party.memory.gossip.put(verified.clone());
            let kept = party.kept.get(Key::Lines(log)).map(|note| SignedCheckpoint::parse(note).unwrap());
            let kept = kept.filter(|kept| kept.checkpoint() == verified.checkpoint());
            let cosigned = party.memory.gossip.cosigned_mut(&name).unwrap();
            for line in kept.iter().flat_map(|kept| kept.note().lines()) {
                cosigned.take(line, &self.talk.known, now);
            }
            let tree = self.agencies[who.at()].tree(log);
            let compared = shown.map(|shown| compare(&verified, &shown, tree));
            if let Some(Gossiped::Fork(evidence)) = compared {
                self.convict(who, &evidence)?;
            }
        }
        Ok(())
    }

    /// The newest complete checkpoint of a log; of one that is closed the newest that is not void.
    fn newest_good(&self, who: Who, log: Log, keys: &KeyHistory) -> Option<(u64, Rc<[u8]>)> {
        let disk = &self.agencies[who.at()].disk;
        let newest = disk.newest_note(log).map(|(size, note)| (size, Rc::clone(note)));
        let is_good =
            |(_, note): &(u64, Rc<[u8]>)| keys.verify(&SignedCheckpoint::parse(note).unwrap()).is_ok();
        let Some(end) = keys.closed().filter(|_| newest.as_ref().is_some_and(|newest| !is_good(newest)))
        else {
            return newest;
        };
        let good = disk.range(Key::Note(log, 0)..=Key::Note(log, end.size.value())).next_back();
        good.map(|(key, note)| (key.number(), Rc::clone(note)))
    }

    /// Speaks no more of a checkpoint that is void since its log was closed: it is neither stated nor cosigned again.
    pub(crate) fn forget_void(&mut self, who: Who, log: Log, keys: &KeyHistory) {
        if keys.closed().is_none() || self.plant == Some(Plant::SpeaksOfWhatIsVoid) {
            return;
        }
        let name = OriginDigest::of(&self.truths[log].origin);
        let gossip = &mut self.talk.parties[who.at()].memory.gossip;
        let spoken = gossip.cosigned(&name).map(comity_ledger::Cosigned::checkpoint);
        if spoken.is_some_and(|spoken| !keys.still_verifies(spoken)) {
            gossip.forget(&name);
        }
    }

    /// Lets go of evidence that accuses nobody any more: by a key event one of its checkpoints is void.
    fn acquit(&mut self, who: Who, log: Log, keys: &KeyHistory) {
        let party = &mut self.talk.parties[who.at()];
        if party.memory.convicted.get(&log).is_some_and(|evidence| !evidence.is_of_author(keys)) {
            party.memory.convicted.remove(&log);
            self.tally.refused("acquitted");
        }
    }

    /// Acts upon evidence, if it is of the pinned key of the log; one piece against each author is enough.
    pub(crate) fn convict(&mut self, who: Who, evidence: &Evidence) -> Result<(), Violation> {
        let Some(log) = self.talk.names.get(&OriginDigest::of(evidence.origin())).copied() else {
            return Ok(());
        };
        let keys = self.history(who, log);
        let party = &mut self.talk.parties[who.at()];
        party.memory.files.insert(*evidence.digest().as_bytes());
        // An author with two histories keeps quiet about itself.
        let is_own = self.agencies[who.at()].second.is_some() && log.author() == who;
        if !evidence.is_of_author(&keys) {
            if self.keys.change {
                // Perhaps of keys of which nothing is known yet: it is taken when it is offered again.
                party.memory.files.remove(evidence.digest().as_bytes());
            }
            return Ok(());
        }
        if is_own || party.memory.convicted.contains_key(&log) {
            return Ok(());
        }
        party.kept.put(Key::Evidence(log), evidence.as_bytes());
        party.kept.sync();
        party.memory.convicted.insert(log, evidence.clone());
        self.tally.refused("convicted");
        check_conviction(self, who, log)
    }
}
