//! One side of an exchange with one peer: what this node says of the logs that both know, and what it makes of what the
//! peer says (C13, C20).
//!
//! Nothing that has not changed is sent: unchanged digests are named by their hash, a note or line goes to a peer once.
//! Blocking. Not here: when peers speak (`run`), and the comparison itself (`comity_ledger::Gossip`).

use std::collections::BTreeMap;

use comity_ledger::{
    AgencyId, Cosigned, Generation, Gossip, Gossiped, Head, HeadDigest, HeadNews, HeadUpdate, Origin,
    OriginDigest, PeerHeads, Seen, digest_of_digests,
};
use comity_store::LogRole;
use comity_tlog::{Hash, SignedCheckpoint};
use comity_wire::{Digests, EVIDENCE_FILES_MAX, EVIDENCE_HELD_MAX, HEAD_UPDATES_MAX, Heads, ListDigest};

use super::{Gossiping, Spoken, clock};
use crate::NodeError;

/// What one peer has said, and what it was told.
#[derive(Debug, Default)]
pub(super) struct PeerState {
    pub(super) digests: Vec<HeadDigest>,
    /// Its news of each log that were taken in whole.
    pub(super) seen: Seen,
    /// The own generation with which the peer was sent its news of each log.
    told: BTreeMap<OriginDigest, Generation>,
    /// Evidence that it holds.
    evidence: Vec<Hash>,
    /// Revocation lists that it holds.
    pub(super) lists: Vec<ListDigest>,
    /// Evidence and revocation lists that it was sent, and may refuse.
    pub(super) sent: Vec<Hash>,
    /// The SHA-256 of the own digests that it has.
    knows: Option<Hash>,
    /// The tree of each log that it stated and that was compared with the one held here, or asked about.
    pub(super) compared: BTreeMap<OriginDigest, Head>,
    /// The newest note of each log of which it has shown one that no key known here signed.
    pub(super) unknown: BTreeMap<OriginDigest, SignedCheckpoint>,
}

impl PeerState {
    fn heads(&self) -> PeerHeads {
        PeerHeads::new(&self.digests)
    }

    /// What this node states to the peer.
    fn own_digests(&self, gossip: &Gossip) -> Vec<HeadDigest> {
        gossip.digests(&self.seen)
    }
}

impl Gossiping {
    /// What there is to say to a peer now. With `anew`, what it was told before and has not confirmed is said again.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails.
    pub(crate) fn say(&self, peer: &AgencyId, anew: bool) -> Result<Heads, NodeError> {
        if anew {
            let mut state = self.state();
            let with = state.peers.entry(peer.clone()).or_default();
            with.told.clear();
            with.sent.clear();
        }
        let (files, lists_held) = (self.evidence_for(peer)?, self.lists_held());
        let mut state = self.state();
        let state = &mut *state;
        let with = state.peers.entry(peer.clone()).or_default();
        let lists = self.lists_for(peer, with);
        let heads = with.heads();
        let mut updates = Vec::new();
        for name in state.gossip.lacking(&heads) {
            let Some(cosigned) = state.gossip.cosigned(&name) else { continue };
            let generation = cosigned.generation();
            if with.told.get(&name) == Some(&generation) || updates.len() >= HEAD_UPDATES_MAX {
                continue;
            }
            let Ok(origin) = cosigned.checkpoint().checkpoint().origin().parse() else { continue };
            let tree = self.node.store().nodes(&origin);
            updates.extend(state.gossip.update(&name, &heads, &tree));
            with.told.insert(name, generation);
        }
        let digests = with.own_digests(&state.gossip);
        let now = digest_of_digests(&digests);
        let digests = if with.knows == Some(now) { Digests::AsBefore(now) } else { Digests::Now(digests) };
        let known = (!with.digests.is_empty()).then(|| digest_of_digests(&with.digests));
        with.sent
            .extend(files.iter().map(|file| Hash::digest(file)).chain(lists.iter().map(|(hash, _)| *hash)));
        let evidence_held = self.node.doubts().digests(EVIDENCE_HELD_MAX);
        let evidence = files.into_iter().map(Into::into).collect();
        let lists = lists.into_iter().map(|(_, list)| list).collect();
        Ok(Heads { digests, known, updates, evidence, evidence_held, lists, lists_held })
    }

    /// Whether there is anything that a peer is not known to have.
    pub(super) fn has_news_for(&self, peer: &AgencyId) -> Result<bool, NodeError> {
        if !self.evidence_for(peer)?.is_empty() {
            return Ok(true);
        }
        let state = self.state();
        // Whoever has said nothing yet is to be asked.
        let Some(with) = state.peers.get(peer).filter(|with| !with.digests.is_empty()) else {
            return Ok(true);
        };
        if !self.lists_for(peer, with).is_empty() {
            return Ok(true);
        }
        // What it does not know to be held here it compares with nothing.
        if with.knows != Some(digest_of_digests(&with.own_digests(&state.gossip))) {
            return Ok(true);
        }
        let is_untold = |name: &OriginDigest| {
            let generation = state.gossip.cosigned(name).map(Cosigned::generation);
            generation.is_some() && with.told.get(name).copied() != generation
        };
        Ok(state.gossip.lacking(&with.heads()).iter().any(is_untold))
    }

    /// Takes in what a peer says; everything in it is unverified. Says whether anything was new.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails.
    pub(crate) fn hear(&self, peer: &AgencyId, heads: Heads) -> Result<bool, NodeError> {
        {
            let mut state = self.state();
            let with = state.peers.entry(peer.clone()).or_default();
            with.knows = heads.known;
            with.evidence = heads.evidence_held;
            with.lists = heads.lists_held;
            if let Digests::Now(digests) = heads.digests {
                // What was said to a head that the peer has left behind may not have been taken: it is said again.
                let (told, before) = (&mut with.told, &with.digests);
                told.retain(|name, _| {
                    let of = |digests: &[HeadDigest]| digests.iter().find(|of| of.origin == *name).copied();
                    of(before) == of(&digests)
                });
                with.digests = digests;
            }
        }
        let mut news = false;
        for file in &heads.evidence {
            news |= self.take_evidence_file(peer, file)?;
        }
        let mut revoked = false;
        for list in &heads.lists {
            revoked |= self.take_list(peer, list)?;
        }
        if revoked {
            self.tell();
        }
        let keys = if heads.updates.is_empty() { Vec::new() } else { self.cosigner_keys()? };
        for update in &heads.updates {
            news |= self.take_update(peer, update, &keys)?;
        }
        Ok(news | revoked)
    }

    fn take_update(
        &self,
        peer: &AgencyId,
        update: &HeadUpdate,
        keys: &[comity_tlog::VerifierKey],
    ) -> Result<bool, NodeError> {
        let Some(origin) = self.origin_of(&update.origin) else { return Ok(false) };
        let Some(authors) = self.keys_of(&origin)? else { return Ok(false) };
        if let HeadNews::Checkpoint { note, .. } = &update.news {
            self.look_for_thief(&authors, note);
            if authors.verify(note).is_err()
                && let Some(with) = self.state().peers.get_mut(peer)
            {
                with.unknown.insert(update.origin, note.clone());
            }
        }
        // Whoever speaks of what was kept a moment ago speaks of nothing unknown.
        let role = LogRole::Replica;
        if self.take_kept(&Spoken { origin: origin.clone(), role, keys: authors.clone() }, keys)? {
            self.settle(&origin)?;
            self.tell();
        }
        let mut state = self.state();
        let tree = self.node.store().nodes(&origin);
        let gossiped = state.gossip.take(update, &authors, keys, clock(), &tree);
        if let Some(with) = state.peers.get_mut(peer) {
            with.seen.note(update, &gossiped);
        }
        drop(state);
        match gossiped {
            Gossiped::Nothing | Gossiped::Lines { new: 0, .. } => Ok(false),
            Gossiped::Ahead { checkpoint, .. } => {
                self.own_is_ahead(&origin, &checkpoint)?;
                Ok(false)
            }
            Gossiped::Lines { new, refused } => {
                tracing::debug!(%peer, %origin, new, refused, "cosignatures came");
                self.settle(&origin)?;
                self.tell();
                Ok(true)
            }
            Gossiped::Fork(evidence) => self.convict(&evidence),
            Gossiped::Unfit => {
                tracing::warn!(%peer, %origin, "what the peer says of this log does not fit");
                if let HeadNews::Checkpoint { note, .. } = &update.news {
                    self.own_is_claimed(peer, &authors, note)?;
                }
                Ok(false)
            }
        }
    }

    fn origin_of(&self, name: &OriginDigest) -> Option<Origin> {
        self.state().gossip.cosigned(name)?.checkpoint().checkpoint().origin().parse().ok()
    }

    /// Whether a peer has stated less of a log than it was told: what it was told may not have been taken.
    pub(super) fn lags(&self, peer: &AgencyId) -> bool {
        let state = self.state();
        state.peers.get(peer).is_some_and(|with| !state.gossip.lacking(&with.heads()).is_empty())
    }

    /// Evidence files that a peer does not hold and was not sent, about agencies that it may know.
    fn evidence_for(&self, peer: &AgencyId) -> Result<Vec<Vec<u8>>, NodeError> {
        let held = |with: &PeerState| [with.evidence.as_slice(), with.sent.as_slice()].concat();
        let held = self.state().peers.get(peer).map(held).unwrap_or_default();
        if self.node.doubts().digests(EVIDENCE_HELD_MAX).iter().all(|digest| held.contains(digest)) {
            return Ok(Vec::new());
        }
        let files = self.node.store().evidence_files()?.into_iter();
        Ok(files.filter(|file| !held.contains(&Hash::digest(file))).take(EVIDENCE_FILES_MAX).collect())
    }
}
