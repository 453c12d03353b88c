//! The author's side of the own log: one owner, and one way for every commit and every recovery.
//!
//! stage → keys durable → kept and synced → read back → sign-lock → sign → note kept → acknowledged.

use std::sync::Arc;

use comity_ledger::{
    Author, AuthorTime, BatchError, Draft, DurableBatch, Entropy, Entry, Found, Head, KeyEvent, KeyHistory,
    Kind, Origin, Resume, Role, SealedEntry, SignedBatch,
};
use comity_store::{LogRole, ReadError, SignLock, Store, StoreError};
use comity_tlog::{EntryIndex, RightEdge, SignedCheckpoint, SigningKey, TreeSize, root_at};

use crate::NodeError;
use crate::key_files::KeyFiles;

/// The own log, ready to be appended to. One task owns it.
#[derive(Debug)]
pub struct OwnLog {
    author: Author,
    keys: KeyFiles,
    store: Arc<Store>,
    lock: Arc<SignLock>,
}

/// What a start found of the own log.
#[derive(Debug)]
pub enum OwnLogState {
    /// It can be appended to.
    Writable(Box<OwnLog>),
    /// It must not be signed any further; what it holds can be read.
    ReadOnly {
        /// Why, for status and operators.
        reason: ReadOnlyReason,
    },
}

/// Why the own log is read only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnlyReason {
    /// The sign-lock has permitted a larger tree than the store holds: a backup was restored, or the disk lost the end
    /// of the database.
    StoreBehindLock {
        /// The size that the store holds: entries from this index on are missing.
        held: TreeSize,
        /// The size in the lock.
        locked: TreeSize,
    },
    /// The sign-lock is missing or older than the store.
    LockBehindStore,
    /// A peer holds a larger checkpoint under the own key: both store and sign-lock are older.
    BehindPeers {
        /// The size that the store holds.
        held: TreeSize,
        /// The size that a peer has shown.
        shown: TreeSize,
    },
    /// Entries came back after a restore, and it is not known yet which of their sections do.
    Returning {
        /// The first entry that was lost.
        from: TreeSize,
    },
    /// Lock and store hold different trees.
    Conflict {
        /// The size in the lock.
        locked: TreeSize,
    },
    /// A key was revoked that had signed beyond the last good checkpoint: the log has ended for ever.
    Closed {
        /// Size of the last good checkpoint.
        last_good: TreeSize,
    },
    /// The log has a successor, which this home does not know: it is from before that.
    Succeeded {
        /// Size of the checkpoint from which the successor goes on.
        last_good: TreeSize,
    },
    /// No file of the home holds a log key that is in force.
    NoKey {
        /// The size that is held.
        held: TreeSize,
    },
}

impl ReadOnlyReason {
    /// The size that it is about: what is held, or of a conflict what the lock holds.
    pub(crate) const fn size(self) -> TreeSize {
        match self {
            Self::StoreBehindLock { held, .. } | Self::BehindPeers { held, .. } | Self::NoKey { held } => {
                held
            }
            Self::Conflict { locked } => locked,
            Self::Returning { from } => from,
            Self::Closed { last_good } | Self::Succeeded { last_good } => last_good,
            Self::LockBehindStore => TreeSize::ZERO,
        }
    }

    /// Whether an operator may name the size at which the log goes on: not where the own signature is known under
    /// another tree, or a larger one.
    pub(crate) const fn can_be_answered_for(self) -> bool {
        match self {
            Self::StoreBehindLock { .. } | Self::LockBehindStore | Self::Returning { .. } => true,
            Self::Conflict { .. }
            | Self::BehindPeers { .. }
            | Self::Closed { .. }
            | Self::Succeeded { .. }
            | Self::NoKey { .. } => false,
        }
    }

    /// Whether nothing that peers give back changes it.
    pub(crate) const fn is_final(self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::Closed { .. } | Self::Succeeded { .. })
    }

    /// What to tell an operator.
    pub fn explain(self) -> String {
        match self {
            Self::StoreBehindLock { held, locked } => format!(
                "the store is older than the sign-lock (size {locked}): a backup was restored, or the disk lost what was \
                 last kept; entries {held} to {} are missing here; signing before they are back would fork the log",
                locked.value().saturating_sub(1)
            ),
            Self::LockBehindStore => {
                "the sign-lock is missing or older than the store; signing now could fork the log until every peer has \
                 said how far it goes, or an operator answers for it"
                    .to_owned()
            }
            Self::BehindPeers { held, shown } => format!(
                "a peer holds the own log up to size {shown}, and {held} is held here: a backup was restored; the end is \
                 fetched back before anything is signed"
            ),
            Self::Returning { from } => {
                format!("entries from {from} on came back from peers, and their sections are being asked for")
            }
            Self::Conflict { locked } => format!(
                "sign-lock and store hold different trees (lock at size {locked}); keep both as evidence"
            ),
            Self::Closed { last_good } => format!(
                "the log is closed for ever at size {last_good}, the last good checkpoint before a key was revoked; \
                 make its successor with `comity key succeed --root FILE`, and enter there what was entered after that"
            ),
            Self::Succeeded { last_good } => format!(
                "the log was closed at size {last_good} and its successor goes on, which this home is too old to know: put \
                 the newest home files back; what is signed here would reach nobody"
            ),
            Self::NoKey { held } => format!(
                "no file under keys/ holds a log key that is in force at size {held}; put the newest key files back, or \
                 if the key is lost, close the log and make its successor with `comity key succeed --close --root FILE`"
            ),
        }
    }
}

impl OwnLog {
    /// Makes a new log: its lock, its place in the store, and its first entry, signed.
    ///
    /// # Errors
    /// A [`NodeError`]; nothing is signed then.
    pub(crate) fn create(
        parts: OwnLogParts,
        genesis: Draft,
        now: AuthorTime,
        entropy: &mut dyn Entropy,
    ) -> Result<(Self, SignedBatch), NodeError> {
        let OwnLogParts { origin, keys, store, lock } = parts;
        store.create_log(&origin, LogRole::Own)?;
        match lock.create(Role::Author, &origin) {
            // Whoever was cut off before the first entry has made it.
            Err(StoreError::Locked { .. })
                if lock.head(Role::Author, &origin, Head::EMPTY)? == Some(Head::EMPTY) => {}
            made => drop(made?),
        }
        let author = Author::with_keys(origin, keys.present()?.into_iter().collect(), RightEdge::empty());
        let mut log = Self { author, keys, store, lock };
        let signed = log.append(vec![genesis], now, entropy)?;
        Ok((log, signed))
    }

    /// Opens the own log: hashes every entry again, compares store and sign-lock, and ends what a crash left.
    ///
    /// # Errors
    /// A [`NodeError`] if the store is damaged or fails. A store that must not be signed is no error but
    /// [`OwnLogState::ReadOnly`].
    pub(crate) fn open(parts: OwnLogParts) -> Result<OwnLogState, NodeError> {
        let OwnLogParts { origin, keys, store, lock } = parts;
        let note = newest_head(&store, &origin)?;
        let pending = store.pending(&origin)?;
        let signed = note.unwrap_or(Head::EMPTY);
        let held = pending.unwrap_or(signed);
        let wanted = wanted_head(&store, &origin)?;
        let found = Found { note, pending, lock: lock.head(Role::Author, &origin, held)? };
        #[cfg(comity_planted)]
        let found =
            if comity_tlog::planted("forget-the-lock") { Found { lock: pending, ..found } } else { found };
        let edges = store.scrub(&origin, &[signed.size, held.size])?.edges;
        let [signed_edge, held_edge] = <[RightEdge; 2]>::try_from(edges)
            .map_err(|_| NodeError::Contradiction { origin: origin.to_string(), size: held.size.value() })?;
        if Head::from(&signed_edge) != signed {
            return Err(NodeError::Contradiction { origin: origin.to_string(), size: signed.size.value() });
        }
        let returning = store.returning(&origin)?.filter(|returning| !returning.is_signing);
        if let Some(shown) = wanted.filter(|wanted| wanted.size > signed.size) {
            // Entries of a checkpoint that a peer has shown are on their way back.
            let reason = ReadOnlyReason::BehindPeers { held: held.size, shown: shown.size };
            return Ok(OwnLogState::ReadOnly { reason });
        }
        let reason = match (found.resume(), returning) {
            (Resume::Ready, Some(returning)) => ReadOnlyReason::Returning { from: returning.from },
            (Resume::Ready, None) => {
                let author = Author::with_keys(origin, Vec::new(), signed_edge);
                return Self { author, keys, store, lock }.begin(None);
            }
            (Resume::Confirm(head) | Resume::Sign(head), _) => {
                // A killed process may have left the pending entries in the system's memory: the lock must not be
                // durable before them.
                store.sync()?;
                let durable = DurableBatch::recovered(origin.clone(), signed.size, held_edge, head)?;
                let author = Author::with_keys(origin, Vec::new(), signed_edge);
                return Self { author, keys, store, lock }.begin(Some(&durable));
            }
            (Resume::StoreBehind { lock }, _) => {
                ReadOnlyReason::StoreBehindLock { held: held.size, locked: lock.size }
            }
            (Resume::LockBehind, _) => ReadOnlyReason::LockBehindStore,
            (Resume::Conflict { lock }, _) => ReadOnlyReason::Conflict { locked: lock.size },
        };
        Ok(OwnLogState::ReadOnly { reason })
    }

    /// Takes up the keys that are in force, with them ends what a crash left of a commit, and of a change of key files.
    fn begin(mut self, unfinished: Option<&DurableBatch>) -> Result<OwnLogState, NodeError> {
        let history = self.store.keys(self.origin())?;
        let head = unfinished.map_or_else(|| self.head(), DurableBatch::head);
        let signers = signers(&history, self.keys.held()?, head.size);
        let is_signed_to_the_end = unfinished.is_none() && history.closed().is_some();
        if signers.is_empty() && !is_signed_to_the_end {
            return Ok(OwnLogState::ReadOnly { reason: ReadOnlyReason::NoKey { held: head.size } });
        }
        self.author.change_keys(signers);
        if let Some(durable) = unfinished {
            self.finish(durable)?;
        }
        if let Some(last_good) = history.closed() {
            return Ok(OwnLogState::ReadOnly {
                reason: ReadOnlyReason::Closed { last_good: last_good.size },
            });
        }
        self.keys.settle(&history.log_keys(head.size))?;
        Ok(OwnLogState::Writable(Box::new(self)))
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        self.author.origin()
    }

    /// Size and root of what is signed.
    pub fn head(&self) -> Head {
        self.author.head()
    }

    /// Seals drafts, gives them their places, makes them durable and signs the tree: all or none.
    ///
    /// # Errors
    /// A [`NodeError`]; then nothing of the batch is acknowledged. After an error of the store the process must
    /// stop: the next start ends or drops what was begun.
    pub fn append(
        &mut self,
        drafts: Vec<Draft>,
        now: AuthorTime,
        entropy: &mut dyn Entropy,
    ) -> Result<SignedBatch, NodeError> {
        let sealed = self.seal(drafts, now, entropy)?;
        self.commit(sealed, entropy)
    }

    /// Seals drafts for this log. Nothing is kept: what comes out may be dropped.
    ///
    /// # Errors
    /// [`NodeError::Batch`] if a draft is no entry, for example because a section is too long.
    pub fn seal(
        &self,
        drafts: Vec<Draft>,
        now: AuthorTime,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<SealedEntry>, NodeError> {
        let origin = self.author.origin();
        let sealed = drafts.into_iter().map(|draft| draft.seal(origin, now, entropy));
        Ok(sealed.map(|entry| entry.map_err(BatchError::from)).collect::<Result<_, BatchError>>()?)
    }

    /// Gives sealed entries their places, makes them durable and signs the tree: all or none.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn commit(
        &mut self,
        sealed: Vec<SealedEntry>,
        entropy: &mut dyn Entropy,
    ) -> Result<SignedBatch, NodeError> {
        let staged = self.author.stage(sealed)?;
        #[cfg(comity_planted)]
        if comity_tlog::planted("sign-before-durable") {
            let signed =
                self.finish(&staged.confirm(staged.entries().iter().map(|entry| entry.bytes().as_bytes()))?)?;
            self.store.keep_batch(&staged, entropy)?;
            return Ok(signed);
        }
        self.store.keep_batch(&staged, entropy)?;
        let durable = self.store.confirm(&staged).map_err(|error| match error {
            ReadError::Store(source) => NodeError::from(source),
            ReadError::Taker(source) => NodeError::from(source),
        })?;
        if staged.entries().iter().any(|entry| entry.bytes().kind() == Kind::Key) {
            let history = self.store.keys(self.author.origin())?;
            self.author.change_keys(signers(&history, self.keys.held()?, durable.head().size));
        }
        self.finish(&durable)
    }

    /// Enters key events, as one batch of their own. The new keys are in their files already; those that have ended are
    /// replaced by them when this returns. Gives the keys of the log then.
    ///
    /// # Errors
    /// [`NodeError::KeyEvent`] if an event changes nothing, [`NodeError::NoSigner`] if no file would hold a key that can
    /// sign the tree with them: nothing is entered then. Else as [`append`](Self::append).
    pub fn enter_key_events(
        &mut self,
        events: &[KeyEvent],
        now: AuthorTime,
        entropy: &mut dyn Entropy,
    ) -> Result<(SignedBatch, KeyHistory), NodeError> {
        let sealed = self.seal(events.iter().map(KeyEvent::draft).collect(), now, entropy)?;
        self.check_key_events(&sealed)?;
        let signed = self.commit(sealed, entropy)?;
        let history = self.store.keys(self.author.origin())?;
        if history.closed().is_none() {
            // That it is in force is in the log by now: whoever stops here does this at the next start.
            self.keys.settle(&history.log_keys(signed.head().size))?;
        }
        Ok((signed, history))
    }

    /// Whether sealed key events would count here, and somebody could sign the tree with them.
    fn check_key_events(&self, sealed: &[SealedEntry]) -> Result<(), NodeError> {
        let (mut history, head) = (self.store.keys(self.author.origin())?, self.head());
        let past = |size: TreeSize| {
            let held = (size <= head.size).then(|| root_at(&self.store.nodes(self.author.origin()), size));
            held.and_then(Result::ok)
        };
        let mut size = head.size;
        for entry in sealed {
            let full = |_| NodeError::Batch(BatchError::Full);
            let (index, after) =
                (EntryIndex::new(size.value()).map_err(full)?, size.checked_add(1).map_err(full)?);
            let entry = Entry::parse(entry.bytes().as_bytes())?;
            history.take(index, &entry, &past).map_err(|source| NodeError::KeyEvent { source })?;
            size = after;
        }
        if signers(&history, self.keys.held()?, size).is_empty() {
            return Err(NodeError::NoSigner { size: size.value() });
        }
        Ok(())
    }

    /// The end of every commit, of a normal one and of one that a crash interrupted.
    fn finish(&mut self, durable: &DurableBatch) -> Result<SignedBatch, NodeError> {
        let locked = self.lock.advance(Role::Author, durable.origin(), durable.head(), None);
        let locked = locked.inspect_err(|error| {
            if error.is_of_the_medium() {
                self.store.give_up();
            }
        })?;
        let signed = self.author.sign(durable, &locked)?;
        self.store.keep_note(&signed)?;
        Ok(signed)
    }
}

/// What an own log is made of.
#[derive(Debug)]
pub(crate) struct OwnLogParts {
    /// Its origin.
    pub(crate) origin: Origin,
    /// The files of its keys.
    pub(crate) keys: KeyFiles,
    /// Where it is kept.
    pub(crate) store: Arc<Store>,
    /// What permits it to sign.
    pub(crate) lock: Arc<SignLock>,
}

/// Those of the keys held that are in force for a tree of this size, in the order in which they came into force.
fn signers(history: &KeyHistory, held: Vec<SigningKey>, size: TreeSize) -> Vec<SigningKey> {
    let in_force = history.log_keys(size);
    let place = |key: &SigningKey| in_force.iter().position(|of| of == key.verifier());
    let mut signers: Vec<SigningKey> = held.into_iter().filter(|key| place(key).is_some()).collect();
    signers.sort_by_key(place);
    signers
}

/// The head of an own checkpoint whose entries are on their way back, if there is one.
fn wanted_head(store: &Store, origin: &Origin) -> Result<Option<Head>, NodeError> {
    let Some(note) = store.seen_note(origin)? else { return Ok(None) };
    verified_head(store, origin, &note).map(Some)
}

fn newest_head(store: &Store, origin: &Origin) -> Result<Option<Head>, NodeError> {
    let Some(note) = store.newest_note(origin)? else { return Ok(None) };
    verified_head(store, origin, &note).map(Some)
}

fn verified_head(store: &Store, origin: &Origin, note: &[u8]) -> Result<Head, NodeError> {
    let signed = SignedCheckpoint::parse(note).map_err(|source| NodeError::OwnNote { source })?;
    // What a successor has made void was signed by this home all the same: whoever was cut off while it was made goes on.
    let keys = store.keys_by_entries(origin)?;
    let verified = keys.verify(&signed).map_err(|source| NodeError::OwnKey { source })?;
    let checkpoint = verified.checkpoint();
    Ok(Head { size: checkpoint.size(), root: checkpoint.root() })
}
