//! One followed log on its way to one peer: checkpoint, frames, first quorums, releases, and then whatever comes.
//!
//! Memory of a stream is bounded by one step of releases and the queue to the connection. Not here: what may be
//! released (`releaser`).

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use comity_ledger::{AgencyId, Frame, KeyHistory};
use comity_store::{LogRole, TreeNodes};
use comity_tlog::{SignedCheckpoint, TreeSize, prove_consistency, root_at};
use comity_wire::{ErrorCode, FollowFrom, Heartbeat, first_quorum, v1};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::Status;

use super::callers::StreamTurn;
use super::error::ServeError;
use super::releaser::{Releaser, Sent};
use crate::author_keys::held_keys;
use crate::off_reactor::off_reactor;
use crate::{Node, NodeError, Peers};

/// How often a quiet stream says that it lives; a follower gives up after three of them.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(10);

/// Longest that a message waits for a peer that takes nothing: as long as a follower waits for one.
const TAKE_TIME_MAX: Duration = Duration::from_secs(30);

/// Messages of one stream that are made and not yet taken by the connection, at most 1 MiB each.
const STREAM_QUEUE: usize = 8;

/// Checkpoints with their first quorum that are read in one step: with the lines of all cosigners there may be, 1 MiB.
const FIRST_QUORUMS_AT_ONCE: usize = 32;

/// Frames read in one step: about half a megabyte of the usual entries, at most 1 MiB each.
const FRAMES_AT_ONCE: usize = 8;

type Message = Result<v1::FollowResponse, Status>;

/// What a stream has made and the connection takes. HTTP/2 keeps the answer of a call for as long as the peer opens no
/// window for it, so the messages in it can be taken out from the other end as well.
#[derive(Debug)]
pub struct Answers(Arc<Mutex<mpsc::Receiver<Message>>>);

impl Stream for Answers {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_recv(context)
    }
}

/// The stream of one log to one peer.
#[derive(Debug)]
pub(super) struct FollowStream {
    node: Arc<Node>,
    from: FollowFrom,
    releaser: Releaser,
    sender: mpsc::Sender<Message>,
    made: Weak<Mutex<mpsc::Receiver<Message>>>,
    at: TreeSize,
    sent: Option<TreeSize>,
    checked: bool,
}

/// What a stream does next.
enum Next {
    /// Sends these.
    Send(Vec<v1::FollowResponse>),
    /// Has sent all that there is, but for what is held back for now.
    Wait {
        /// Whether anything is.
        held_back: bool,
    },
}

impl FollowStream {
    /// The stream, which is to be run, and what comes out of it.
    pub(super) fn new(
        parts: (Arc<Node>, Arc<Peers>),
        to: AgencyId,
        role: LogRole,
        from: FollowFrom,
    ) -> (Self, Answers) {
        let node = Arc::clone(&parts.0);
        let releaser = Releaser::new(parts, to, from.origin.clone(), role, from.next_release.value());
        let (sender, receiver) = mpsc::channel(STREAM_QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        let made = Arc::downgrade(&receiver);
        let stream =
            Self { node, at: from.next_index, from, releaser, sender, made, sent: None, checked: false };
        (stream, Answers(receiver))
    }

    /// Runs until the peer goes, a newer stream takes its place, the node stops, or something fails.
    pub(super) async fn run(mut self, turn: StreamTurn) {
        let mut news = self.node.news();
        // News of other logs must not put it off.
        let mut quiet_since = Instant::now();
        // Who asks for what was lost waits for the word that this was all.
        let mut has_said_all = false;
        loop {
            news.mark_unchanged();
            let sender = self.sender.clone();
            let Some(permit) = turn.read().await else { return self.stop() };
            let step = move || {
                let next = self.step();
                drop(permit);
                (next, self)
            };
            let held_back = match off_reactor(step).await {
                Ok((Ok(next), stream)) => {
                    self = stream;
                    match next {
                        Next::Send(messages) => {
                            quiet_since = Instant::now();
                            for message in messages {
                                tokio::select! {
                                    () = turn.ended().cancelled() => return self.stop(),
                                    sent = sender.send(Ok(message)) => if sent.is_err() { return },
                                    () = tokio::time::sleep(TAKE_TIME_MAX) => {
                                        tracing::info!("stream ended: the peer takes nothing");
                                        return self.stop();
                                    }
                                }
                            }
                            continue;
                        }
                        Next::Wait { held_back } => held_back,
                    }
                }
                Ok((Err(error), stream)) => {
                    tracing::info!(reason = %error, "stream ended");
                    if error.is_of_the_medium() {
                        stream.node.store().give_up();
                    }
                    tokio::select! {
                        () = turn.ended().cancelled() => return stream.stop(),
                        () = tokio::time::sleep(TAKE_TIME_MAX) => return stream.stop(),
                        // The peer may have gone already.
                        _ = stream.sender.send(Err(error.to_status())) => return,
                    }
                }
                Err(_) => return,
            };
            let due = if has_said_all { quiet_since + HEARTBEAT } else { quiet_since };
            tokio::select! {
                () = turn.ended().cancelled() => return self.stop(),
                () = sender.closed() => return,
                changed = news.changed() => if changed.is_err() { return },
                () = tokio::time::sleep_until(due) => {
                    (quiet_since, has_said_all) = (Instant::now(), true);
                    let size = self.sent.unwrap_or(TreeSize::ZERO);
                    let beat = Heartbeat { size, next_release: self.releaser.next(), held_back };
                    if sender.send(Ok(beat.into())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Lets go of what the peer has not taken, and says why, if it still listens.
    fn stop(self) {
        if let Some(made) = self.made.upgrade() {
            let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
            while made.try_recv().is_ok() {}
        }
        drop(self.sender.try_send(Err(ErrorCode::Stopping.to_status())));
    }

    /// Reads what goes next.
    fn step(&mut self) -> Result<Next, ServeError> {
        // Without an agreement not even an envelope goes (C18).
        self.releaser.agreement()?;
        // What is in memory may be on no medium.
        if self.node.store().has_failed() {
            return Err(ServeError::Refused { code: ErrorCode::Stopping });
        }
        if let Some(size) = self.sent {
            if !self.checked {
                self.check(size)?;
                self.checked = true;
            }
            // Entries before their openings: the sooner a log is complete, the sooner a relay can pass it on.
            if self.at < size {
                return self.frames(size).map(Next::Send);
            }
            let first_quorums = self.first_quorums()?;
            if !first_quorums.is_empty() {
                return Ok(Next::Send(first_quorums));
            }
            let sent = Sent { at: self.at, is_end: self.is_at_the_end()? };
            if let Some(messages) = self.releaser.step(sent)? {
                return Ok(Next::Send(messages));
            }
        }
        let Some(newest) = self.next_checkpoint()? else { return Ok(Next::Wait { held_back: true }) };
        let size = newest.checkpoint().size();
        if self.sent == Some(size) {
            // Whoever does not know the successor begins it, and asks for the rest of this log beside it.
            let held_back = self.releaser.holds_back(self.at)?;
            return if self.has_successor()? && !(self.from.knows_successor && held_back) {
                Err(ServeError::Refused { code: ErrorCode::LogClosed })
            } else {
                Ok(Next::Wait { held_back })
            };
        }
        self.sent = Some(size);
        let mut messages = vec![(&newest).into()];
        // What goes with it goes at once, so that the peer keeps both with one sync; but what the peer holds is compared
        // only after it has the first checkpoint.
        if self.checked {
            messages.extend(self.frames(size)?);
        }
        Ok(Next::Send(messages))
    }

    /// The newest checkpoint that the peer can verify by the entries that it will hold: where log keys have followed each
    /// other beyond that, one that leads up to the key event that it lacks. Of a log whose successor is held it is the last good
    /// one: a peer that has begun the successor before the rest of the log came takes nothing beyond that, the revocation
    /// that says the same included. Whoever kept none of that size gives the one that is void: a peer that does not hold the
    /// successor can still verify it, and comes to the successor by that.
    fn next_checkpoint(&self) -> Result<Option<SignedCheckpoint>, ServeError> {
        let (store, origin) = (self.node.store(), &self.from.origin);
        let Some(newest) = super::newest(&self.node, origin)? else { return Ok(None) };
        let Some(keys) = held_keys(store, origin)? else { return Ok(Some(newest)) };
        if let Some(end) = keys.closed().filter(|end| self.at <= end.size)
            && self.can_verify(&keys, end.size)
            && (keys.verify(&newest).is_err() || self.has_successor()?)
            && let Some(note) = store.newest_note_up_to(origin, end.size).map_err(NodeError::from)?
        {
            let good = SignedCheckpoint::parse(&note).map_err(|source| NodeError::OwnNote { source })?;
            if good.checkpoint().size() == end.size {
                return Ok(Some(good));
            }
        }
        let Some(limit) = keys.verifiable_from(self.at).filter(|limit| *limit < newest.checkpoint().size())
        else {
            return Ok(Some(newest));
        };
        let Some(note) = store.newest_note_up_to(origin, limit).map_err(NodeError::from)? else {
            return Ok(Some(newest));
        };
        let step = SignedCheckpoint::parse(&note).map_err(|source| NodeError::OwnNote { source })?;
        // One that leads nowhere helps nobody: then the peer is told what there is.
        let leads_on = step.checkpoint().size() > self.at;
        Ok(Some(if leads_on { step } else { newest }))
    }

    /// Whether the peer can verify a checkpoint of this size by the entries that it holds.
    fn can_verify(&self, keys: &KeyHistory, size: TreeSize) -> bool {
        keys.verifiable_from(self.at).is_none_or(|limit| size <= limit)
    }

    /// Whether all entries up to the end of a closed log were sent, and no others.
    fn is_at_the_end(&self) -> Result<bool, ServeError> {
        let closed = held_keys(self.node.store(), &self.from.origin)?.and_then(|keys| keys.closed());
        Ok(closed.is_some_and(|end| end.size == self.at && self.sent == Some(end.size)))
    }

    /// Whether the log is closed, and the one that goes on from it is held here: nothing more is to come in this one.
    fn has_successor(&self) -> Result<bool, ServeError> {
        let (store, origin) = (self.node.store(), &self.from.origin);
        let Some(successor) = origin.successor() else { return Ok(false) };
        let is_held = store.newest_note(&successor).map_err(NodeError::from)?.is_some();
        Ok(is_held && store.keys(origin).map_err(NodeError::from)?.closed().is_some())
    }

    /// Compares what the peer holds with what is served. The checkpoint has been sent by then, so that after a
    /// refusal both sides have both notes.
    fn check(&self, size: TreeSize) -> Result<(), ServeError> {
        if self.from.next_index > size {
            return Err(beyond());
        }
        self.releaser.check()?;
        match super::newest(&self.node, &self.from.origin)? {
            Some(newest) => self.check_held(&newest),
            None => Ok(()),
        }
    }

    /// Compares the checkpoint that the peer holds with the tree that is served.
    fn check_held(&self, newest: &SignedCheckpoint) -> Result<(), ServeError> {
        let Some(held) = &self.from.newest else { return Ok(()) };
        let (held, newest) = (held.checkpoint(), newest.checkpoint());
        // A larger one is judged by the peer, who is sent ours.
        if held.size() > newest.size() {
            return Ok(());
        }
        let root = root_at(&self.node.store().nodes(&self.from.origin), held.size())?;
        if root == held.root() { Ok(()) } else { Err(ServeError::Refused { code: ErrorCode::NoteConflict }) }
    }

    fn frames(&mut self, size: TreeSize) -> Result<Vec<v1::FollowResponse>, ServeError> {
        let node = Arc::clone(&self.node);
        // One reader for all of them: their proofs share most of what is hashed for them.
        let nodes = node.store().nodes(&self.from.origin);
        let mut frames = Vec::with_capacity(FRAMES_AT_ONCE);
        while self.at < size && frames.len() < FRAMES_AT_ONCE {
            frames.push(self.frame(size, &nodes)?);
        }
        Ok(frames)
    }

    /// The checkpoints of entries that were sent, as they stood with their first quorum, that the peer asked for and has
    /// not been sent: bytes as they are held.
    fn first_quorums(&mut self) -> Result<Vec<v1::FollowResponse>, ServeError> {
        let mut messages = Vec::new();
        while let Some(from) = self.from.first_quorum_from.filter(|_| messages.len() < FIRST_QUORUMS_AT_ONCE)
        {
            let held = self.node.store().first_quorum_from(&self.from.origin, from);
            let Some(held) = held.map_err(NodeError::from)? else { break };
            let note = SignedCheckpoint::parse(&held).map_err(|source| NodeError::OwnNote { source })?;
            let size = note.checkpoint().size();
            if size > self.at {
                break;
            }
            messages.push(first_quorum(&note));
            self.from.first_quorum_from = size.next().ok();
        }
        Ok(messages)
    }

    fn frame(&mut self, size: TreeSize, nodes: &TreeNodes<'_>) -> Result<v1::FollowResponse, ServeError> {
        let start = self.at;
        let boundary = (start.value() / 256).saturating_add(1).saturating_mul(256);
        let end = TreeSize::new(boundary.min(size.value())).map_err(|_| beyond())?;
        let entries = self.node.store().shared_entries(&self.from.origin, start, end);
        let proof = prove_consistency(nodes, end, size)?;
        let entries = entries.map_err(NodeError::from)?;
        let frame = Frame::new(start, entries, proof)?;
        self.at = end;
        Ok((&frame).into())
    }
}

fn beyond() -> ServeError {
    ServeError::Refused { code: ErrorCode::BeyondSize }
}
