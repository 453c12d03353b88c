//! The one task that owns the own log: others hand it drafts and wait until they are durable and signed.
//!
//! It runs in a thread of its own, since the store blocks. What waits is committed together, so that many small
//! appends cost one sync. After a failure of the store it never tries again: it stops, and the node with it.
//! Not here: how a commit goes (`own_log`), and what the drafts say (`changes`, and whoever hands them over).

mod group;
mod held_back;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use comity_ledger::{BATCH_ENTRIES_MAX, BatchError, Draft, Head, KeyEvent, KeyFinding, SignedBatch};
use comity_policy::LabelSet;
use comity_screening::LogOrigin;
use comity_tlog::{EntryIndex, TreeSize};
use comity_watchlist::{Decoded, EntryRef, Handle, Op, RecordKey};
use comity_wire::ListBasis;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::group::{Group, Joined};
use crate::erasures;
use crate::off_reactor::in_own_thread;
use crate::records::ViewStep;
use crate::{Node, NodeError, OwnLog, ReadOnlyReason, SystemEntropy, now, statements, vocabularies};

/// Drafts beyond which no further append joins a batch: a sync costs some milliseconds, and as long as this many
/// take to seal. A larger append is a batch of its own.
const GROUP_DRAFTS: usize = 4_096;

/// Appends that wait for their turn; more callers wait at the door.
const WAITING_MAX: usize = 256;

/// Pause in which callers who were just answered may come again, and the most of them before a commit: half a
/// millisecond, and only while fewer have come than were answered last. One caller alone never waits for others.
const GATHER_PAUSE: Duration = Duration::from_micros(50);
const GATHER_PAUSES_MAX: u32 = 10;

/// Longest that the first append after a start waits for what peers say of the own log: one that answers does so in a
/// fraction of it, and one that is down must not keep anybody from signing.
const FIRST_WORD_WAIT: Duration = Duration::from_secs(1);

/// What a change relies on: refused if it no longer holds when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The listing that the change is of.
    pub handle: Handle,
    /// List and reference as the change has them.
    pub key: RecordKey,
    /// The newest entry of the listing, by index and leaf hash; `None` for a change that begins a listing.
    pub follows: Option<(EntryIndex, EntryRef)>,
    /// The change as its sections read.
    pub decoded: Decoded,
}

/// Drafts of one caller: all of them are appended next to each other, or none.
#[derive(Debug)]
pub struct Submission {
    /// The drafts, at least one.
    pub drafts: Vec<Draft>,
    /// What those that change records rely on, in the order of the drafts.
    pub bases: Vec<Basis>,
    /// The labels of the drafts that change records; they bind a listing that begins anew together with those of the former
    /// one. `None` if it goes under its own alone.
    pub labels: Option<LabelSet>,
    /// The labels of the erase entries that go with the drafts, if something may be erased with any of them.
    pub erasures: Option<LabelSet>,
    /// The list that the changes were found by comparing with: refused if it stands otherwise when their turn comes, since
    /// what was not changed depends on it too.
    pub list: Option<ListBasis>,
}

/// Where drafts went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The first of the new entries.
    pub first: EntryIndex,
    /// The last of them.
    pub last: EntryIndex,
    /// The signed head that covers them; others may have been appended with them.
    pub head: Head,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A record was changed after the caller had read it.
    #[error("a record was changed in the meantime; nothing was appended")]
    BaseChanged,
    /// An erasure of a record waits for an operator's word: until then nothing of it is changed.
    #[error("an erasure of a record waits for an operator's word; nothing was appended")]
    HeldBack,
    /// The changes of a package would go under several labels, so that somebody could read half of it.
    #[error("the changes of a package would go under several labels; nothing was appended")]
    MixedPackage,
    /// The drafts are no entries.
    #[error("the drafts cannot be entered; nothing was appended")]
    Refused {
        /// Why.
        #[source]
        source: BatchError,
    },
    /// A key event would count for nothing.
    #[error("the key event would count for nothing; nothing was appended")]
    KeyEvent {
        /// Why.
        #[source]
        source: KeyFinding,
    },
    /// No key file of the home would be in force for the tree with the key events.
    #[error("no key of the home could sign the log with that; nothing was appended")]
    NoSigner,
    /// The own log is not signed for now; status says why.
    #[error("the own log is read only for now; nothing was appended")]
    ReadOnly,
    /// Two trees of the own log are known: it is never signed again.
    #[error("two trees of the own log are known; nothing is appended any more")]
    Halted,
    /// The disk is full, and the node is ending. The next start tells whether the entries are there.
    #[error("the disk is full; the node appends nothing any more")]
    DiskFull,
    /// The node is ending, or its store failed. After a failure the next start tells whether the entries are there.
    #[error("the node appends nothing any more")]
    Stopped,
}

type Answer = oneshot::Sender<Result<Appended, AppendError>>;

enum Request {
    Append(Box<Submission>, Answer),
    /// Enters key events in a batch of their own.
    KeyEvents(Vec<KeyEvent>, Answer),
    /// Lets go of the log, and says so.
    Pause(oneshot::Sender<()>),
    /// Goes on with the log.
    Resume(Box<OwnLog>),
    Stop,
}

/// The way to the author's task; clones share it.
#[derive(Clone, Debug)]
pub struct AuthorTask {
    sender: mpsc::Sender<Request>,
}

impl AuthorTask {
    /// Begins the thread that owns the log, or will once it can be signed; must be called within a tokio runtime. It ends when told to, or by
    /// cancelling `stop` when the store fails; the receiver then gets how it ended.
    ///
    /// # Errors
    /// [`NodeError::Thread`] if the system gives no thread.
    pub fn start(
        log: Option<OwnLog>,
        node: Arc<Node>,
        stop: CancellationToken,
    ) -> Result<(Self, oneshot::Receiver<Result<(), NodeError>>), NodeError> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let (ended, end) = oneshot::channel();
        let run = async move {
            let mut author = AuthorLoop { log, node, entropy: SystemEntropy::new() };
            let result = author.run(receiver).await;
            if let Err(error) = &result {
                tracing::error!(%error, "the own log cannot go on; the node stops");
                stop.cancel();
            }
            // Nobody may be left to hear it.
            ended.send(result).unwrap_or_default();
        };
        in_own_thread("author", run).map_err(|source| NodeError::Thread { source })?;
        Ok((Self { sender }, end))
    }

    /// Appends drafts; the answer comes when they are durable, signed, and in the view.
    ///
    /// # Errors
    /// An [`AppendError`].
    pub async fn append(&self, submission: Submission) -> Result<Appended, AppendError> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Append(Box::new(submission), answer);
        self.sender.send(request).await.map_err(|_| AppendError::Stopped)?;
        answered.await.unwrap_or(Err(AppendError::Stopped))
    }

    /// Enters key events, next to each other and with nothing else; the answer comes when they are durable and signed,
    /// and the files of the keys are those that are in force.
    ///
    /// # Errors
    /// An [`AppendError`].
    pub async fn enter_key_events(&self, events: Vec<KeyEvent>) -> Result<Appended, AppendError> {
        let (answer, answered) = oneshot::channel();
        let request = Request::KeyEvents(events, answer);
        self.sender.send(request).await.map_err(|_| AppendError::Stopped)?;
        answered.await.unwrap_or(Err(AppendError::Stopped))
    }

    /// Has the log let go of: nothing is appended after this returns, until [`resume`](Self::resume).
    pub(crate) async fn pause(&self) {
        let (done, paused) = oneshot::channel();
        // If it cannot be told, it has ended and appends nothing either.
        self.sender.send(Request::Pause(done)).await.unwrap_or_default();
        paused.await.unwrap_or_default();
    }

    /// Goes on with the own log, opened again.
    pub(crate) async fn resume(&self, log: Box<OwnLog>) {
        self.sender.send(Request::Resume(log)).await.unwrap_or_default();
    }

    /// Ends the task after what waits already.
    pub async fn stop(&self) {
        // If it cannot be told, it has ended.
        self.sender.send(Request::Stop).await.unwrap_or_default();
    }
}

/// The thread's side.
struct AuthorLoop {
    /// Not there while it may not be signed.
    log: Option<OwnLog>,
    node: Arc<Node>,
    entropy: SystemEntropy,
}

impl AuthorLoop {
    async fn run(&mut self, mut receiver: mpsc::Receiver<Request>) -> Result<(), NodeError> {
        let (mut held, mut answered) = (None, 0);
        loop {
            let first = match held.take() {
                Some(held) => Some(held),
                None => receiver.recv().await,
            };
            let (submission, answer) = match first {
                Some(Request::Append(submission, answer)) => (submission, answer),
                Some(Request::KeyEvents(events, answer)) => {
                    self.first_word().await;
                    self.enter(&events, answer)?;
                    continue;
                }
                Some(Request::Pause(done)) => {
                    self.log = None;
                    // Whoever asked may have gone.
                    done.send(()).unwrap_or_default();
                    continue;
                }
                Some(Request::Resume(log)) => {
                    self.log = Some(*log);
                    continue;
                }
                Some(Request::Stop) | None => return Ok(()),
            };
            self.first_word().await;
            let mut group = Group::default();
            self.join(&mut group, *submission, answer);
            let mut pauses = 0;
            while group.sealed.len() < GROUP_DRAFTS {
                match receiver.try_recv() {
                    Ok(Request::Append(submission, answer)) if group.takes(&submission) => {
                        self.join(&mut group, *submission, answer);
                    }
                    Ok(other) => {
                        held = Some(other);
                        break;
                    }
                    Err(TryRecvError::Empty)
                        if group.joined.len() < answered && pauses < GATHER_PAUSES_MAX =>
                    {
                        pauses += 1;
                        std::thread::sleep(GATHER_PAUSE);
                    }
                    Err(_) => break,
                }
            }
            answered = group.joined.len();
            if !group.joined.is_empty() {
                self.commit(group)?;
            }
        }
    }

    /// Waits a moment for what peers say of the own log, where nothing was signed yet since the start.
    async fn first_word(&self) {
        let mut compared = self.node.watch_compared();
        let said = compared.wait_for(|compared| *compared);
        if tokio::time::timeout(FIRST_WORD_WAIT, said).await.is_err() {
            // Those who say nothing now are heard whenever they do.
            self.node.set_compared(true);
        }
    }

    /// Seals one append into the batch, or refuses it alone.
    fn join(&mut self, group: &mut Group, mut submission: Submission, answer: Answer) {
        if self.node.is_halted() {
            return refuse(answer, AppendError::Halted);
        }
        let Some(log) = self.log.as_ref().filter(|_| self.node.read_only().is_none()) else {
            return refuse(answer, AppendError::ReadOnly);
        };
        if !self.holds(&submission.bases) || !self.stands(submission.list.as_ref()) {
            return refuse(answer, AppendError::BaseChanged);
        }
        if self.is_held_back(log.origin(), &submission.bases) {
            return refuse(answer, AppendError::HeldBack);
        }
        if let Err(error) = submission.keep_labels(self.node.store(), log.origin(), &self.node.view()) {
            tracing::error!(%error, "the labels of a former listing could not be read");
            return refuse(answer, AppendError::Stopped);
        }
        if !submission.is_labelled_alike() {
            return refuse(answer, AppendError::MixedPackage);
        }
        let erased = submission.announce_erasures(log.origin(), &self.node.view());
        let Submission { drafts, bases, .. } = submission;
        let entries = drafts.len();
        if entries == 0 || entries > BATCH_ENTRIES_MAX {
            return refuse(answer, AppendError::Refused { source: BatchError::Count { entries } });
        }
        match log.seal(drafts, now(), &mut self.entropy) {
            Ok(sealed) => {
                group.sealed.extend(sealed);
                group.erased.extend(erased);
                group.joined.push(Joined { entries, answer });
                group.note(bases);
            }
            Err(NodeError::Batch(source)) => refuse(answer, AppendError::Refused { source }),
            Err(error) => {
                tracing::error!(%error, "an append could not be sealed");
                refuse(answer, AppendError::Stopped);
            }
        }
    }

    /// Whether every change still follows the newest entry of its listing, and no listing begins twice.
    fn holds(&self, bases: &[Basis]) -> bool {
        let Ok(log) = self.node.home().origin().as_str().parse::<LogOrigin>() else {
            return bases.is_empty();
        };
        let view = self.node.view();
        if !vocabularies::hold(&view, &log, bases) {
            return false;
        }
        let (mut seen, mut begun) = (BTreeSet::new(), BTreeSet::new());
        bases.iter().filter(|basis| basis.decoded.change.op.vocabulary().is_none()).all(|basis| {
            // A key is taken by what begins under it and by what goes on under it.
            let takes = match &basis.decoded.change.op {
                Op::Rekey { to, .. } => Some(to),
                Op::SameAs { .. } => None,
                _ => Some(&basis.key).filter(|_| basis.follows.is_none()),
            };
            if takes.is_some_and(|key| !begun.insert(key) || view.live_by_key(&log, key).next().is_some()) {
                return false;
            }
            let as_it_was = match basis.follows {
                _ if basis.decoded.change.op.is_of_statement() => statements::holds(&view, &log, basis),
                Some(follows) => view.newest_of(&log, basis.handle).is_some_and(|(index, leaf, status)| {
                    // What has ended can still be taken back and erased, and nothing else.
                    let takes_back =
                        matches!(basis.decoded.change.op, Op::Withdraw { .. } | Op::Erase { .. });
                    (index, leaf) == follows && (takes_back || !status.is_ended())
                }),
                None => view.live_of(&log, basis.handle).is_none(),
            };
            as_it_was && seen.insert(basis.handle)
        })
    }

    /// Whether the list that an append was compared with stands as it stood then.
    fn stands(&self, list: Option<&ListBasis>) -> bool {
        let Some(ListBasis { list, listings, newest }) = list else { return true };
        let log = self.node.home().origin().as_str().parse::<LogOrigin>();
        log.is_ok_and(|log| self.node.view().extent_of(&log, list) == (*listings, *newest))
    }

    fn commit(&mut self, mut group: Group) -> Result<(), NodeError> {
        let span = tracing::info_span!("batch", entries = group.sealed.len(), appends = group.joined.len());
        let _entered = span.enter();
        let may_sign = self.node.read_only().is_none() && !self.node.is_halted();
        let Some(log) = self.log.as_mut().filter(|_| may_sign) else {
            // It was learnt while the batch was gathered.
            group.joined.into_iter().for_each(|joined| refuse(joined.answer, AppendError::ReadOnly));
            return Ok(());
        };
        let (before, steps) = (log.head().size, group.steps(log));
        let committed = log.commit(group.sealed, &mut self.entropy).and_then(|signed| {
            // Announced by now: whoever stops here does it at the next start.
            erasures::destroy(self.node.store(), log.origin(), &group.erased, &mut self.entropy)?;
            Ok(signed)
        });
        let signed = match committed {
            Ok(signed) => signed,
            Err(error) => {
                let is_full = error.is_disk_full();
                for Joined { answer, .. } in group.joined {
                    refuse(answer, if is_full { AppendError::DiskFull } else { AppendError::Stopped });
                }
                return Err(error);
            }
        };
        let result = self.publish(before, &signed, steps);
        self.node.forget_statements(signed.origin(), &group.erased);
        let mut next = before.value();
        for Joined { entries, answer } in group.joined {
            let first = next;
            next = next.saturating_add(u64::try_from(entries).unwrap_or(u64::MAX));
            let places = (EntryIndex::new(first), EntryIndex::new(next.saturating_sub(1)));
            // A caller that has gone needs no answer; what was signed stays.
            if let (Ok(first), Ok(last)) = places {
                answer.send(Ok(Appended { first, last, head: signed.head() })).unwrap_or_default();
            }
        }
        result
    }

    /// Enters key events; after one that closes the log nothing more is appended.
    fn enter(&mut self, events: &[KeyEvent], answer: Answer) -> Result<(), NodeError> {
        if self.node.is_halted() {
            refuse(answer, AppendError::Halted);
            return Ok(());
        }
        let Some(log) = self.log.as_mut().filter(|_| self.node.read_only().is_none()) else {
            refuse(answer, AppendError::ReadOnly);
            return Ok(());
        };
        let before = log.head().size;
        let (signed, history) = match log.enter_key_events(events, now(), &mut self.entropy) {
            Ok(entered) => entered,
            Err(NodeError::KeyEvent { source }) => {
                refuse(answer, AppendError::KeyEvent { source });
                return Ok(());
            }
            Err(NodeError::NoSigner { .. }) => {
                refuse(answer, AppendError::NoSigner);
                return Ok(());
            }
            Err(NodeError::Batch(source)) => {
                refuse(answer, AppendError::Refused { source });
                return Ok(());
            }
            Err(error) => {
                refuse(
                    answer,
                    if error.is_disk_full() { AppendError::DiskFull } else { AppendError::Stopped },
                );
                return Err(error);
            }
        };
        // What is left undone in the files is done at the next start; the log says which keys are in force.
        if let Err(error) = self.node.home().settle_keys(self.node.store()) {
            tracing::error!(%error, "the key files could not be brought up to what the log says");
        }
        if let Some(last_good) = history.closed() {
            self.log = None;
            self.node.set_read_only(Some(ReadOnlyReason::Closed { last_good: last_good.size }));
        }
        let mut result = self.publish(before, &signed, None);
        if history.closed().is_some() {
            // What was shown before of what is void now changes nothing any more.
            result = result.and_then(|()| self.node.rebuild_view());
            // What waited beyond the end is never done.
            result = result.and_then(|()| self.node.look_at_erasures());
        }
        let places =
            (EntryIndex::new(before.value()), EntryIndex::new(signed.head().size.value().saturating_sub(1)));
        if let (Ok(first), Ok(last)) = places {
            answer.send(Ok(Appended { first, last, head: signed.head() })).unwrap_or_default();
        }
        result
    }

    /// What was signed becomes visible: those who follow can begin while it is taken into the view.
    fn publish(
        &self,
        before: TreeSize,
        signed: &SignedBatch,
        steps: Option<Vec<ViewStep>>,
    ) -> Result<(), NodeError> {
        let head = signed.head();
        self.node.tell_news();
        match steps {
            Some(steps) => self.node.show(signed.origin(), steps, Some(head))?,
            None => self.node.take_in(signed.origin(), before..head.size, Some(head))?,
        }
        tracing::info!(size = %head.size, "signed");
        Ok(())
    }
}

fn refuse(answer: Answer, error: AppendError) {
    // A caller that has gone needs no answer.
    answer.send(Err(error)).unwrap_or_default();
}
