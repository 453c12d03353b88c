//! What a liar makes of what its program would say of checkpoints, and what thieves say with the keys of others.

use comity_ledger::{Beginning, Evidence, Head, HeadNews, HeadUpdate, OriginDigest, Role};
use comity_tlog::{
    Checkpoint, ConsistencyProof, CosignatureTime, KeyKind, KeyName, SignedCheckpoint, SigningKey,
};

use crate::disk::{Key, Who, size_of};
use crate::drafts::other_root;
use crate::heads::Said;
use crate::world::World;

/// Letters that a liar remembers.
const HEARD_MAX: usize = 12;

impl World {
    /// What really goes out in the place of what is said.
    pub(crate) fn slander(&mut self, from: Who, said: &Said) -> Vec<Said> {
        if !self.agencies[from.at()].lies || self.is_quiet() {
            return vec![said.clone()];
        }
        let heard = &mut self.talk.parties[from.at()].heard;
        if heard.len() >= HEARD_MAX {
            heard.swap_remove(self.talk.dice.place(HEARD_MAX));
        }
        heard.push(said.clone());
        if self.talk.dice.one_in(3) {
            return vec![said.clone()];
        }
        let again = heard[self.talk.dice.place(heard.len())].clone();
        let mut bent = said.clone();
        if bent.updates.is_empty() {
            bent.updates.extend(self.unasked(from));
        }
        let (kind, bent) = match self.talk.dice.below(10) {
            0 => ("letter withheld", Vec::new()),
            1 => ("letter replayed", vec![said.clone(), again]),
            2 => ("forged lines", vec![self.with_each(bent, Self::forge_lines)]),
            3 => ("bad proof", vec![self.with_each(bent, Self::spoil_proof)]),
            4 => ("wrong beginning", vec![self.with_each(bent, Self::spoil_beginning)]),
            5 => ("old note", vec![self.with_each(bent, |world, update| world.put_old_note(from, update))]),
            6 => ("forged checkpoint", vec![self.with_each(bent, Self::forge_note)]),
            7 => {
                bent.evidence = vec![self.no_evidence(from, said)];
                ("evidence that is none", vec![bent])
            }
            8 => ("wrong digests", vec![self.spoil_digests(bent)]),
            _ => {
                // As if it held all evidence, and had seen all lines.
                bent.digests.iter_mut().for_each(|digest| digest.seen = digest.generation);
                bent.updates.clear();
                ("news kept back", vec![bent])
            }
        };
        self.tally.fault(kind);
        bent
    }

    fn with_each(&mut self, mut said: Said, change: impl Fn(&mut Self, &mut HeadUpdate)) -> Said {
        said.updates.iter_mut().for_each(|update| change(self, update));
        said
    }

    /// News of some log that nobody lacks.
    fn unasked(&mut self, from: Who) -> Option<HeadUpdate> {
        let logs = self.logs();
        let log = logs[self.talk.dice.place(logs.len())];
        let origin = OriginDigest::of(&self.truths[log].origin);
        let cosigned = self.talk.parties[from.at()].memory.gossip.cosigned(&origin)?;
        let (generation, note) = (cosigned.generation(), cosigned.note().unwrap());
        let (head, proof) = (cosigned.head(), ConsistencyProof::default());
        let news = HeadNews::Checkpoint { note, beginning: Some(Beginning { head, proof }) };
        Some(HeadUpdate { origin, generation, news })
    }

    /// A line of a known key over another tree, and one under a known name with another key.
    fn forge_lines(&mut self, update: &mut HeadUpdate) {
        let signers: Vec<&SigningKey> = self.talk.signing.values().collect();
        let signer = signers[self.talk.dice.place(signers.len())];
        let log = self.talk.names[&update.origin];
        let checkpoint = match &update.news {
            HeadNews::Checkpoint { note, .. } => note.checkpoint().clone(),
            HeadNews::Lines { .. } => {
                Checkpoint::new(self.truths[log].origin.as_str(), size_of(1), other_root(&mut self.talk.dice))
                    .unwrap()
            }
        };
        let other = Checkpoint::new(checkpoint.origin(), checkpoint.size(), other_root(&mut self.talk.dice));
        let time = CosignatureTime::new(self.true_secs()).unwrap();
        let thief =
            SigningKey::from_seed(signer.verifier().name().clone(), KeyKind::CosignatureV1, &[0xEE; 32]);
        let forged = [signer.cosign(&other.unwrap(), time), thief.unwrap().cosign(&checkpoint, time)];
        match &mut update.news {
            HeadNews::Checkpoint { note, .. } => {
                for line in forged {
                    *note = note.with_line(line.unwrap()).unwrap();
                }
            }
            HeadNews::Lines { lines, .. } => lines.extend(forged.map(Result::unwrap)),
        }
    }

    fn spoil_proof(&mut self, update: &mut HeadUpdate) {
        let HeadNews::Checkpoint { beginning: Some(beginning), .. } = &mut update.news else { return };
        let mut hashes = beginning.proof.hashes().to_vec();
        match self.talk.dice.below(3) {
            0 => drop(hashes.pop()),
            1 => hashes.push(other_root(&mut self.talk.dice)),
            _ if hashes.is_empty() => {}
            _ => {
                let place = self.talk.dice.place(hashes.len());
                hashes[place] = other_root(&mut self.talk.dice);
            }
        }
        beginning.proof = ConsistencyProof::new(hashes).unwrap_or_default();
    }

    fn spoil_beginning(&mut self, update: &mut HeadUpdate) {
        let HeadNews::Checkpoint { beginning: Some(beginning), .. } = &mut update.news else { return };
        if self.talk.dice.one_in(3) {
            beginning.head.size = size_of(self.talk.dice.between(1, beginning.head.size.value() + 1));
        } else {
            beginning.head.root = other_root(&mut self.talk.dice);
        }
    }

    /// A checkpoint that the author signed before, as it stands, under the same proof.
    fn put_old_note(&mut self, from: Who, update: &mut HeadUpdate) {
        let log = self.talk.names[&update.origin];
        let notes = self.agencies[from.at()].disk.range(Key::Note(log, 0)..=Key::Note(log, u64::MAX));
        let notes: Vec<SignedCheckpoint> =
            notes.map(|(_, note)| SignedCheckpoint::parse(note).unwrap()).collect();
        if let HeadNews::Checkpoint { note, .. } = &mut update.news
            && !notes.is_empty()
        {
            *note = notes[self.talk.dice.place(notes.len())].clone();
        }
    }

    /// A checkpoint that its author did not sign, under its name.
    fn forge_note(&mut self, update: &mut HeadUpdate) {
        let HeadNews::Checkpoint { note, .. } = &mut update.news else { return };
        let (size, root) = (note.checkpoint().size(), other_root(&mut self.talk.dice));
        let forged = Checkpoint::new(note.checkpoint().origin(), size, root).unwrap();
        *note = forged.sign(&impostor(note.checkpoint().origin())).unwrap();
    }

    /// Two checkpoints that contradict each other and that somebody else signed; a file of one real fork with something
    /// changed; or noise.
    fn no_evidence(&mut self, from: Who, said: &Said) -> Vec<u8> {
        let logs = self.logs();
        let origin = self.truths[logs[self.talk.dice.place(logs.len())]].origin.as_str();
        let held = self.talk.parties[from.at()].memory.convicted.values().next();
        let held =
            held.map(|evidence| evidence.as_bytes().to_vec()).or_else(|| said.evidence.first().cloned());
        match (self.talk.dice.below(3), held) {
            (0, _) => self.talk.dice.bytes(300),
            (1, Some(mut file)) => {
                let place = self.talk.dice.place(file.len());
                file[place] ^= 1 << self.talk.dice.below(7);
                file
            }
            _ => {
                let key = impostor(origin);
                let size = size_of(self.talk.dice.between(1, 40));
                let [one, other] = [(), ()].map(|()| {
                    let checkpoint = Checkpoint::new(origin, size, other_root(&mut self.talk.dice)).unwrap();
                    checkpoint.sign(&key).unwrap().verify(key.verifier(), &[]).unwrap()
                });
                Evidence::new(&one, &other, None).unwrap().as_bytes().to_vec()
            }
        }
    }

    fn spoil_digests(&mut self, mut said: Said) -> Said {
        let dice = &mut self.talk.dice;
        for digest in &mut said.digests {
            match dice.below(4) {
                0 => digest.head.root = other_root(dice),
                1 => digest.head = Head { size: size_of(dice.below(1 << 40)), root: other_root(dice) },
                2 => digest.generation = comity_ledger::Generation::new(dice.draw()),
                _ => digest.seen = comity_ledger::Generation::new(dice.draw()),
            }
        }
        said
    }

    /// A thief speaks with the keys of somebody else.
    pub(crate) fn steal(&mut self, who: Who) {
        let peer = self.talk.dice.place(self.agencies.len());
        let peer = self.agencies[peer].who;
        if let Some((_, victim)) = self.talk.plan.cosigner_thief.filter(|(thief, _)| *thief == who)
            && let Some(mut update) = self.unasked(who)
            && let HeadNews::Checkpoint { note, .. } = &mut update.news
        {
            self.tally.fault("stolen cosigner");
            let roles = [Role::Witness, Role::Mirror];
            let key = &self.talk.signing[&(victim, roles[self.talk.dice.place(2)])];
            let secs = self.true_secs() - self.talk.dice.below(100);
            let line = key.cosign(note.checkpoint(), CosignatureTime::new(secs).unwrap()).unwrap();
            self.talk.spoken.stolen(&line);
            *note = note.with_line(line).unwrap();
            self.post(who, peer, false, &Said { updates: vec![update], ..Said::default() });
        }
        if let Some((_, victim)) = self.talk.plan.log_thief.filter(|(thief, _)| *thief == who)
            && self.talk.dice.one_in(4)
        {
            self.tally.fault("stolen log key");
            let log = self.agencies[victim.at()].writes;
            let size = size_of(self.talk.dice.between(1, self.truths[log].size() + 2));
            let origin = &self.truths[log].origin;
            let checkpoint = Checkpoint::new(origin.as_str(), size, other_root(&mut self.talk.dice)).unwrap();
            let author = &self.agencies[victim.at()];
            let note = checkpoint.sign(&author.numbered_key(author.key_files().present)).unwrap();
            let (origin, generation) = (OriginDigest::of(origin), comity_ledger::Generation::default());
            self.talk.stolen.insert(log);
            let news = HeadNews::Checkpoint { note, beginning: None };
            let updates = vec![HeadUpdate { origin, generation, news }];
            self.post(who, peer, false, &Said { updates, ..Said::default() });
        }
    }
}

/// A key of nobody, under the name of a log.
fn impostor(origin: &str) -> SigningKey {
    SigningKey::from_seed(KeyName::new(origin).unwrap(), KeyKind::Ed25519, &[0xEE; 32]).unwrap()
}
