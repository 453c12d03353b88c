//! Comparing what others hold of a log with what is held here: the state machine of gossip, with no network, no disk
//! and no clock of its own.
//!
//! A split view is found only where two that were shown different faces meet: so every log that both sides know is
//! compared, third parties' too (C20). Not here: when peers speak to each other, and what follows from evidence
//! (`comity-node`).

use std::collections::BTreeMap;

use comity_tlog::{
    CosignatureTime, HashReader, VerifiedCheckpoint, VerifierKey, prove_consistency, root_at,
    verify_consistency,
};

use crate::{
    Beginning, Cosigned, Evidence, Generation, Head, HeadDigest, HeadNews, HeadUpdate, KeyHistory, LineTaken,
    OriginDigest, Seen,
};

/// The logs that a node knows, each with its newest checkpoint and the lines of its cosigners.
#[derive(Clone, Debug)]
pub struct Gossip {
    logs: BTreeMap<OriginDigest, Known>,
    begun: Generation,
}

#[derive(Clone, Debug)]
struct Known {
    cosigned: Cosigned,
    /// A larger checkpoint that somebody has shown and whose entries have not come.
    ahead: Option<VerifiedCheckpoint>,
}

/// What one peer stated last of the logs that it knows.
#[derive(Clone, Debug, Default)]
pub struct PeerHeads {
    stated: BTreeMap<OriginDigest, HeadDigest>,
}

impl PeerHeads {
    /// What a peer states now; what it stated before is forgotten.
    pub fn new(digests: &[HeadDigest]) -> Self {
        Self { stated: digests.iter().map(|digest| (digest.origin, *digest)).collect() }
    }
}

/// What one piece of news comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gossiped {
    /// Nothing that was not held.
    Nothing,
    /// Lines for the head that is held.
    Lines {
        /// How many of them were not held.
        new: usize,
        /// How many were not taken: of the future, for now, or not of their key. They have not been seen.
        refused: usize,
    },
    /// A larger checkpoint, shown to go on from the newest held here, or said to without proof.
    Ahead {
        /// The checkpoint.
        checkpoint: Box<VerifiedCheckpoint>,
        /// Whether it is shown to go on from the newest held here.
        proven: bool,
    },
    /// The author signed two trees that contradict each other.
    Fork(Box<Evidence>),
    /// Something that does not fit and accuses nobody but whoever sent it.
    Unfit,
}

impl Gossip {
    /// Nothing known yet. `begun` is a generation that this node never used before.
    pub fn new(begun: Generation) -> Self {
        Self { logs: BTreeMap::new(), begun }
    }

    /// Takes the newest checkpoint of a log of which every entry is held; an older one than the one known changes
    /// nothing. Gives a checkpoint that others have shown before and that the entries have now come to: `compare` it.
    pub fn put(&mut self, checkpoint: VerifiedCheckpoint) -> Option<VerifiedCheckpoint> {
        let name = OriginDigest::of_text(checkpoint.checkpoint().origin());
        let size = checkpoint.checkpoint().size();
        let begun = self.begun.next();
        let Some(known) = self.logs.get_mut(&name) else {
            self.logs.insert(name, Known { cosigned: Cosigned::new(checkpoint, begun), ahead: None });
            return None;
        };
        if size > known.cosigned.head().size {
            known.cosigned.advance(checkpoint);
        }
        known.ahead.take_if(|ahead| ahead.checkpoint().size() <= size)
    }

    /// Forgets a log, as when its replica is set aside.
    pub fn forget(&mut self, origin: &OriginDigest) {
        if let Some(known) = self.logs.remove(origin) {
            // Never the same generation for another checkpoint.
            self.begun = self.begun.max(known.cosigned.generation());
        }
    }

    /// A log's newest checkpoint with its cosigners.
    pub fn cosigned(&self, origin: &OriginDigest) -> Option<&Cosigned> {
        self.logs.get(origin).map(|known| &known.cosigned)
    }

    /// The same, to take lines in.
    pub fn cosigned_mut(&mut self, origin: &OriginDigest) -> Option<&mut Cosigned> {
        self.logs.get_mut(origin).map(|known| &mut known.cosigned)
    }

    /// What this node states to a peer of which it has seen so much, ascending by origin digest.
    pub fn digests(&self, seen: &Seen) -> Vec<HeadDigest> {
        let digest = |(name, known): (&OriginDigest, &Known)| HeadDigest {
            origin: *name,
            head: known.cosigned.head(),
            generation: known.cosigned.generation(),
            seen: seen.of(name),
        };
        self.logs.iter().map(digest).collect()
    }

    /// The logs of which a peer lacks something by what it stated: its head is smaller or another one of this size,
    /// or it has not seen the newest lines. Logs that it did not name are none of its business.
    pub fn lacking(&self, peer: &PeerHeads) -> Vec<OriginDigest> {
        let lacks = |name: &OriginDigest, known: &Known| {
            let Some(stated) = peer.stated.get(name) else { return false };
            let (ours, theirs) = (known.cosigned.head(), stated.head);
            theirs.size < ours.size
                || (theirs.size == ours.size
                    && (theirs.root != ours.root || stated.seen != known.cosigned.generation()))
        };
        self.logs.iter().filter(|(name, known)| lacks(name, known)).map(|(name, _)| *name).collect()
    }

    /// News of one log for a peer that lacks it; `tree` is that of the log. `None` if there is nothing to say. Where all
    /// that there is to say is that there are no lines, the peer can say that it has seen them.
    pub fn update<R: HashReader>(
        &self,
        origin: &OriginDigest,
        peer: &PeerHeads,
        tree: &R,
    ) -> Option<HeadUpdate> {
        let known = self.logs.get(origin)?;
        let (ours, stated) = (known.cosigned.head(), peer.stated.get(origin)?);
        let generation = known.cosigned.generation();
        let news = if stated.head == ours {
            // Of a generation that this process did not give, nothing is known to have been seen.
            let seen = if stated.seen > generation { Generation::default() } else { stated.seen };
            if seen == generation {
                return None;
            }
            HeadNews::Lines { since: seen, lines: known.cosigned.lines_since(seen) }
        } else {
            let beginning =
                (stated.head.size <= ours.size).then(|| beginning(tree, stated.head, ours)).flatten();
            HeadNews::Checkpoint { note: known.cosigned.note().ok()?, beginning }
        };
        Some(HeadUpdate { origin: *origin, generation, news })
    }

    /// Takes news of one log in. `keys` are its author's, `cosigners` those whose lines are of interest, `tree` what is
    /// held of the log.
    pub fn take<R: HashReader>(
        &mut self,
        update: &HeadUpdate,
        keys: &KeyHistory,
        cosigners: &[VerifierKey],
        now: CosignatureTime,
        tree: &R,
    ) -> Gossiped {
        let Some(known) = self.logs.get_mut(&update.origin) else { return Gossiped::Nothing };
        match &update.news {
            HeadNews::Lines { lines, .. } => take_lines(&mut known.cosigned, lines, cosigners, now),
            HeadNews::Checkpoint { note, beginning } => {
                let Ok(checkpoint) = keys.verify(note) else { return Gossiped::Unfit };
                let ours = known.cosigned.head();
                if head_of(&checkpoint) == ours {
                    return take_lines(&mut known.cosigned, note.note().lines(), cosigners, now);
                }
                let newest = known.cosigned.checkpoint();
                if checkpoint.checkpoint().size() <= ours.size {
                    return compare(newest, &checkpoint, tree);
                }
                let judged = judge_larger(newest, checkpoint, beginning.as_ref());
                if let Gossiped::Ahead { checkpoint, proven: true } = &judged {
                    let larger = |held: &VerifiedCheckpoint| {
                        held.checkpoint().size() >= checkpoint.checkpoint().size()
                    };
                    if !known.ahead.as_ref().is_some_and(larger) {
                        known.ahead = Some(checkpoint.as_ref().clone());
                    }
                }
                judged
            }
        }
    }
}

/// Compares a checkpoint of an author with the larger or equal one up to which the entries are held: whether it is the
/// beginning of that tree.
pub fn compare<R: HashReader>(newest: &VerifiedCheckpoint, older: &VerifiedCheckpoint, tree: &R) -> Gossiped {
    let (ours, theirs) = (head_of(newest), head_of(older));
    if ours.size == theirs.size {
        return if ours.root == theirs.root { Gossiped::Nothing } else { fork(newest, older, None) };
    }
    match beginning(tree, theirs, ours) {
        Some(beginning) if beginning.head.root == theirs.root => Gossiped::Nothing,
        Some(beginning) => fork(newest, older, Some(beginning)),
        None => Gossiped::Unfit,
    }
}

fn judge_larger(
    newest: &VerifiedCheckpoint,
    larger: VerifiedCheckpoint,
    beginning: Option<&Beginning>,
) -> Gossiped {
    let (ours, theirs) = (head_of(newest), head_of(&larger));
    let Some(beginning) = beginning.filter(|beginning| beginning.head.size == ours.size) else {
        return Gossiped::Ahead { checkpoint: Box::new(larger), proven: false };
    };
    let joined =
        verify_consistency(ours.size, &beginning.head.root, theirs.size, &theirs.root, &beginning.proof);
    match joined {
        Ok(()) if beginning.head.root == ours.root => {
            Gossiped::Ahead { checkpoint: Box::new(larger), proven: true }
        }
        Ok(()) => fork(newest, &larger, Some(beginning.clone())),
        Err(_) => Gossiped::Unfit,
    }
}

fn fork(one: &VerifiedCheckpoint, other: &VerifiedCheckpoint, joined: Option<Beginning>) -> Gossiped {
    match Evidence::new(one, other, joined) {
        Ok(evidence) => Gossiped::Fork(Box::new(evidence)),
        Err(_) => Gossiped::Unfit,
    }
}

fn take_lines(
    cosigned: &mut Cosigned,
    lines: &[comity_tlog::SignatureLine],
    cosigners: &[VerifierKey],
    now: CosignatureTime,
) -> Gossiped {
    let (mut new, mut refused) = (0_usize, 0_usize);
    for line in lines {
        match cosigned.take(line, cosigners, now) {
            LineTaken::New => new = new.saturating_add(1),
            LineTaken::Held | LineTaken::Unknown => {}
            LineTaken::Bad | LineTaken::Future => refused = refused.saturating_add(1),
        }
    }
    Gossiped::Lines { new, refused }
}

/// How the tree of `to` begins up to the size of `from`; `None` if it cannot be read.
fn beginning<R: HashReader>(tree: &R, from: Head, to: Head) -> Option<Beginning> {
    let root = root_at(tree, from.size).ok()?;
    let proof = prove_consistency(tree, from.size, to.size).ok()?;
    Some(Beginning { head: Head { size: from.size, root }, proof })
}

fn head_of(checkpoint: &VerifiedCheckpoint) -> Head {
    Head { size: checkpoint.checkpoint().size(), root: checkpoint.checkpoint().root() }
}

#[cfg(test)]
mod tests;
