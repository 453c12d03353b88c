//! What agencies tell each other of the logs that both know, and what each makes of it.
//!
//! As in the node: whatever was said and has not been confirmed is said again. Messages are values here; their bytes are
//! the business of `comity-wire`, which turns every bit of them in tests of its own.

use comity_ledger::{
    Cosigned, Evidence, Generation, Gossiped, HeadDigest, HeadNews, HeadUpdate, OriginDigest, PeerHeads,
    Role, Witness,
};
use comity_tlog::{Hash, SignedCheckpoint};

use crate::closed_logs::check_said;
use crate::cosign::Job;
use crate::disk::{Key, Who};
use crate::invariants::Violation;
use crate::log::Log;
use crate::plants::Plant;
use crate::spoken::check_conviction;
use crate::successor::genesis_of;
use crate::world::World;

/// One side of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) digests: Vec<HeadDigest>,
    pub(crate) updates: Vec<HeadUpdate>,
    pub(crate) evidence: Vec<Vec<u8>>,
    pub(crate) evidence_held: Vec<Hash>,
    /// Successors whose first entries are asked for, and first entries that were.
    pub(crate) asked: Vec<OriginDigest>,
    pub(crate) geneses: Vec<(OriginDigest, Vec<u8>)>,
}

impl World {
    /// Says to a peer what there is to say; `asks` for its side.
    pub(crate) fn tell(&mut self, who: Who, to: Who, asks: bool) -> Result<(), Violation> {
        let said = self.say(who, to);
        check_said(self, who, &said)?;
        self.post(who, to, asks, &said);
        Ok(())
    }

    fn say(&mut self, who: Who, to: Who) -> Said {
        // An author with two histories says nothing of its log that could be compared.
        let hides = self.agencies[who.at()].second.is_some();
        let plant = self.plant;
        let (agency, names) = (&self.agencies[who.at()], &self.talk.names);
        let memory = &mut self.talk.parties[who.at()].memory;
        let with = memory.peers.entry(to).or_default();
        let is_of_interest = |name: &OriginDigest| {
            let log = names[name];
            let is_third = log.author() != who && log.author() != to;
            let is_hidden = hides && log.author() == who;
            !is_hidden && (!is_third || plant != Some(Plant::ComparesNoThirdParties))
        };
        let lacking = memory.gossip.lacking(&with.heads).into_iter().filter(is_of_interest);
        let update = |name: OriginDigest| memory.gossip.update(&name, &with.heads, agency.tree(names[&name]));
        let updates = lacking.filter_map(update).collect();
        let mut digests = memory.gossip.digests(&with.seen);
        digests.retain(|digest| is_of_interest(&digest.origin));
        let lacks = |evidence: &&Evidence| !with.evidence.contains(&evidence.digest());
        let evidence = memory.convicted.values().filter(lacks).map(|of| of.as_bytes().to_vec()).collect();
        let evidence_held = memory.files.iter().map(|digest| Hash::from_bytes(*digest)).collect();
        Said { digests, updates, evidence, evidence_held, ..Said::default() }
    }

    /// Takes in what a peer says; everything in it is unverified.
    pub(crate) fn listen(&mut self, who: Who, from: Who, said: &Said) -> Result<(), Violation> {
        if !self.agencies[who.at()].is_serving() {
            return Ok(());
        }
        self.open_memory(who);
        if !said.asked.is_empty() || !said.geneses.is_empty() {
            return self.compare_geneses(who, from, said);
        }
        let memory = self.talk.memory(who);
        let with = memory.peers.entry(from).or_default();
        with.heads = PeerHeads::new(&said.digests);
        with.evidence.clone_from(&said.evidence_held);
        for file in &said.evidence {
            if self.talk.memory(who).files.insert(*Hash::digest(file).as_bytes())
                && let Ok(evidence) = Evidence::parse(file)
            {
                self.convict(who, &evidence)?;
            }
        }
        for update in &said.updates {
            self.take_update(who, from, update)?;
        }
        if self.plant == Some(Plant::SeesWhatWasNotSaid) {
            self.see_all(who, from, said);
        }
        Ok(())
    }

    /// Gives the first entries that a peer asks for, and compares those that it gives with what is held: two that one root
    /// key signed are evidence.
    fn compare_geneses(&mut self, who: Who, from: Who, said: &Said) -> Result<(), Violation> {
        let given = said.asked.iter().filter_map(|name| {
            let log = self.talk.names.get(name)?;
            Some((*name, self.first_entry(who, *log)?.to_vec()))
        });
        let geneses: Vec<(OriginDigest, Vec<u8>)> = given.collect();
        if !geneses.is_empty() {
            self.post(who, from, false, &Said { geneses, ..Said::default() });
        }
        for (name, theirs) in &said.geneses {
            let log = self.talk.names.get(name).copied();
            let ours = log.and_then(|log| self.first_entry(who, log)).and_then(|entry| genesis_of(entry));
            let (Some(ours), Some(theirs)) = (ours, genesis_of(theirs)) else { continue };
            if let Ok(evidence) = Evidence::of_geneses(&ours, &theirs) {
                self.convict(who, &evidence)?;
            }
        }
        Ok(())
    }

    /// The mistake of [`Plant::SeesWhatWasNotSaid`].
    fn see_all(&mut self, who: Who, from: Who, said: &Said) {
        let memory = &mut self.talk.parties[who.at()].memory;
        let with = memory.peers.entry(from).or_default();
        for HeadDigest { origin, head, generation, .. } in said.digests.iter().copied() {
            if memory.gossip.cosigned(&origin).map(Cosigned::head) == Some(head) {
                let news = HeadNews::Lines { since: Generation::default(), lines: Vec::new() };
                let taken = Gossiped::Lines { new: 0, refused: 0 };
                with.seen.note(&HeadUpdate { origin, generation, news }, &taken);
            }
        }
    }

    fn take_update(&mut self, who: Who, from: Who, update: &HeadUpdate) -> Result<(), Violation> {
        let Some(log) = self.talk.names.get(&update.origin).copied() else { return Ok(()) };
        let now = self.clock(who);
        if self.talk.memory(who).gossip.cosigned(&update.origin).is_none() {
            return Ok(());
        }
        if self.plant == Some(Plant::TakesLinesUnverified) {
            self.keep_unverified(who, log, update);
        }
        let authors = self.history(who, log);
        let tree = self.agencies[who.at()].tree(log);
        let gossip = &mut self.talk.parties[who.at()].memory.gossip;
        let gossiped = gossip.take(update, &authors, &self.talk.known, now, tree);
        self.talk.memory(who).peers.entry(from).or_default().seen.note(update, &gossiped);
        self.witness_ahead(who, log, update, &gossiped);
        match gossiped {
            Gossiped::Nothing | Gossiped::Ahead { .. } | Gossiped::Lines { new: 0, .. } => {}
            Gossiped::Lines { .. } => self.keep_lines(who, log),
            Gossiped::Fork(evidence) => self.convict(who, &evidence)?,
            Gossiped::Unfit => {
                self.tally.refused("unfit gossip");
                if log.is_successor() && self.plant != Some(Plant::OverlooksTwoSuccessors) {
                    // It may begin otherwise there.
                    self.post(who, from, false, &Said { asked: vec![update.origin], ..Said::default() });
                }
                if self.plant == Some(Plant::TakesABadProofForEvidence) {
                    return check_conviction(self, who, log);
                }
            }
        }
        Ok(())
    }

    /// A witness may speak of a checkpoint whose entries it does not hold, by the proof alone.
    fn witness_ahead(&mut self, who: Who, log: Log, update: &HeadUpdate, gossiped: &Gossiped) {
        let HeadNews::Checkpoint { note, beginning } = &update.news else { return };
        let boasts = self.plant == Some(Plant::MirrorsWhatItDoesNotHold);
        let role = if boasts { Role::Mirror } else { Role::Witness };
        let memory = &self.talk.parties[who.at()].memory;
        let Some(last) = memory.witnesses.get(&(log, role)).map(Witness::last) else { return };
        if memory.convicted.contains_key(&log) {
            return;
        }
        if self.plant == Some(Plant::SkipsTheProof) {
            if let Ok(checkpoint) = self.history(who, log).verify(note) {
                self.enter_job(who, Job::new(log, role, checkpoint, None));
            }
            return;
        }
        let (Gossiped::Ahead { checkpoint, proven: true }, Some(beginning)) = (gossiped, beginning) else {
            return;
        };
        if beginning.head == last && self.talk.dice.one_in(2) {
            let proof = Some(beginning.proof.clone());
            self.enter_job(who, Job::new(log, role, checkpoint.as_ref().clone(), proof));
        }
    }

    /// Brings the lines that are known of a log onto the disk; durable with the next sync only.
    pub(crate) fn keep_lines(&mut self, who: Who, log: Log) {
        let name = OriginDigest::of(&self.truths[log].origin);
        let party = &mut self.talk.parties[who.at()];
        let Some(cosigned) = party.memory.gossip.cosigned(&name) else { return };
        let note = cosigned.note().unwrap();
        if party.kept.get(Key::Lines(log)).is_none_or(|kept| **kept != *note.as_bytes()) {
            party.kept.put(Key::Lines(log), note.as_bytes());
        }
    }

    /// The mistake of [`Plant::TakesLinesUnverified`].
    fn keep_unverified(&mut self, who: Who, log: Log, update: &HeadUpdate) {
        let party = &mut self.talk.parties[who.at()];
        let Some(cosigned) = party.memory.gossip.cosigned(&update.origin) else { return };
        let lines = match &update.news {
            HeadNews::Lines { lines, .. } => lines.as_slice(),
            HeadNews::Checkpoint { note, .. } if note.checkpoint() == cosigned.checkpoint().checkpoint() => {
                note.note().lines()
            }
            HeadNews::Checkpoint { .. } => return,
        };
        let mut note = cosigned.note().unwrap().note().clone();
        for line in lines {
            note = note.with_line(line.clone()).unwrap_or(note);
        }
        let note = SignedCheckpoint::from_note(note).unwrap();
        party.kept.put(Key::Lines(log), note.as_bytes());
    }
}
