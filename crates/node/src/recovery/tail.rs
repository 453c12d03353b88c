//! The entries of the own log that were lost, as one peer gives them back: verified against the own signature, the entries
//! held and the sign-lock before anything is stored. Blocking, with no network.
//!
//! Not here: whom to ask (`recovery`), and sections (`returned`).

use std::sync::Arc;

use comity_ledger::{Frame, Head, KeyHistory, Origin, Rejection, Replica, Role};
use comity_tlog::{SignedCheckpoint, TreeSize, VerifiedCheckpoint, right_edge, root_at};
use comity_wire::{FollowFrom, ReleaseNumber};

use super::RecoveryError;
use crate::erasures_due::hold_back_at_first;
use crate::export::head_of;
use crate::{Node, NodeError};

/// The end of the own log while it comes back.
#[derive(Debug)]
pub(super) struct Tail {
    node: Arc<Node>,
    origin: Origin,
    replica: Replica,
    checkpoint: Option<VerifiedCheckpoint>,
    /// The largest own checkpoint that a peer has shown and whose entries are not all back.
    wanted: Option<TreeSize>,
}

impl Tail {
    /// Where the own log stands: behind its newest checkpoint, or amid entries on their way back. What a crash left
    /// undone where all of them are back is done.
    pub(super) fn open(node: Arc<Node>) -> Result<Self, RecoveryError> {
        let (store, origin) = (Arc::clone(node.store()), node.home().origin());
        let signed = store.newest_note(&origin)?.map(|note| head_of(&note)).transpose()?;
        let signed = signed.unwrap_or(Head::EMPTY);
        let seen = store.seen_note(&origin)?;
        let keys = node.own_keys()?;
        let seen = seen.map(|note| verified(&keys, &note)).transpose()?;
        let wanted = seen.filter(|seen| seen.checkpoint().size() > signed.size);
        let held = if wanted.is_some() { store.held(&origin)? } else { signed };
        let edge = right_edge(&store.nodes(&origin), held.size)?;
        if Head::from(&edge) != held {
            return Err(
                NodeError::Contradiction { origin: origin.to_string(), size: held.size.value() }.into()
            );
        }
        let newest = wanted.as_ref().map_or(signed, head_under);
        // What the lock permitted was signed, or may have been: the entries must come to it.
        let locked = node.lock().head(Role::Author, &origin, store.held(&origin)?)?;
        let replica = Replica::with_keys(keys, edge, Some(newest)).awaiting(locked);
        let size = wanted.as_ref().map(|wanted| wanted.checkpoint().size());
        let mut tail = Self { node, origin, replica, checkpoint: wanted, wanted: size };
        if size == Some(held.size) {
            // A crash came before the last step.
            tail.complete()?;
        }
        Ok(tail)
    }

    /// Where a peer is to go on.
    pub(super) fn from(&self) -> Result<FollowFrom, RecoveryError> {
        let newest = match &self.checkpoint {
            Some(wanted) => Some(wanted.as_bytes().to_vec()),
            None => self.node.store().newest_note(&self.origin)?,
        };
        Ok(FollowFrom {
            origin: self.origin.clone(),
            next_index: self.replica.size(),
            next_release: ReleaseNumber::new(0),
            newest: newest.map(|note| SignedCheckpoint::parse(&note)).transpose()?,
            first_quorum_from: None,
            knows_successor: false,
        })
    }

    /// Takes a checkpoint that a peer holds. Says whether more than is held stands under it.
    ///
    /// # Errors
    /// [`RecoveryError::Rejected`] if it is not the own, or not of this history; a smaller one is no error.
    pub(super) fn checkpoint(&mut self, note: &SignedCheckpoint) -> Result<bool, RecoveryError> {
        let verified = match self.replica.verify_note(note.as_bytes()) {
            Ok(verified) => verified,
            // A mirror that has not come as far as another: what it has of the way there is taken all the same.
            Err(Rejection::Smaller { .. }) => self.replica.keys().verify(note).map_err(Rejection::from)?,
            Err(rejection) => return Err(rejection.into()),
        };
        if verified.checkpoint().size() <= self.replica.size() {
            return Ok(false);
        }
        if self.wanted.is_none() {
            // What was kept and never signed here goes first.
            self.node.store().begin_recovery(&self.origin, self.replica.held())?;
        }
        let size = verified.checkpoint().size();
        if self.wanted.is_none_or(|wanted| wanted < size) {
            let mut step = self.node.store().recovery_step(&self.origin)?;
            step.seen(&verified)?;
            step.finish()?;
            self.replica.saw(&verified);
            self.wanted = Some(size);
        }
        self.checkpoint = Some(verified);
        Ok(true)
    }

    /// Takes entries. Says whether all under the checkpoint are back: it is the newest of the own log then.
    ///
    /// # Errors
    /// [`RecoveryError::Rejected`], and nothing of them is stored; else as the store fails.
    pub(super) fn frame(&mut self, frame: Frame) -> Result<bool, RecoveryError> {
        let checkpoint = self.checkpoint.as_ref().ok_or(RecoveryError::NoCheckpoint)?;
        let nodes = self.node.store().nodes(&self.origin);
        let past = |size| root_at(&nodes, size).ok();
        let verified = self.replica.verify_frame_after(frame, checkpoint, &past)?;
        let (store, before) = (self.node.store(), self.replica.size());
        let mut step = store.recovery_step(&self.origin)?;
        step.frames(std::slice::from_ref(&verified))?;
        step.finish()?;
        self.replica.advance(&verified);
        tracing::info!(from = %before, to = %self.replica.size(), "entries of the own log came back");
        if self.replica.size() < checkpoint.checkpoint().size() {
            return Ok(false);
        }
        self.complete()?;
        Ok(true)
    }

    /// Keeps the checkpoint to which all entries are back, and shows them.
    fn complete(&mut self) -> Result<(), RecoveryError> {
        let Some(checkpoint) = self.checkpoint.take() else { return Ok(()) };
        let (store, size) = (self.node.store(), checkpoint.checkpoint().size());
        let before = store.newest_note(&self.origin)?.map_or(Ok(Head::EMPTY), |note| head_of(&note))?;
        hold_back_at_first(store, &self.origin, before.size..size)?;
        store.keep_recovered(&self.origin, &checkpoint)?;
        self.wanted = self.wanted.filter(|wanted| *wanted > checkpoint.checkpoint().size());
        let head = head_under(&checkpoint);
        let shown = self.node.taken_in().get(&self.origin).map_or(Head::EMPTY, |shown| *shown);
        self.node.take_in(&self.origin, shown.size..head.size, Some(head))?;
        self.node.tell_news();
        Ok(())
    }
}

fn head_under(checkpoint: &VerifiedCheckpoint) -> Head {
    let checkpoint = checkpoint.checkpoint();
    Head { size: checkpoint.size(), root: checkpoint.root() }
}

fn verified(keys: &KeyHistory, note: &[u8]) -> Result<VerifiedCheckpoint, RecoveryError> {
    let signed = SignedCheckpoint::parse(note)?;
    Ok(keys.verify(&signed).map_err(|source| NodeError::OwnKey { source })?)
}
