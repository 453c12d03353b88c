//! The author's side of the own log: one owner, and one way for every commit and every recovery.
//!
//! stage → keys durable → kept and synced → read back → sign-lock → sign → note kept → acknowledged.

use std::sync::Arc;

use comity_ledger::{
    Author, AuthorTime, BatchError, Draft, DurableBatch, Entropy, Found, Head, Origin, Resume, Role,
    SealedEntry, SignedBatch,
};
use comity_store::{LogRole, ReadError, SignLock, Store};
use comity_tlog::{RightEdge, SignedCheckpoint, SigningKey, TreeSize};

use crate::NodeError;

/// The own log, ready to be appended to. One task owns it.
#[derive(Debug)]
pub struct OwnLog {
    author: Author,
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
    /// Lock and store hold different trees.
    Conflict {
        /// The size in the lock.
        locked: TreeSize,
    },
}

impl ReadOnlyReason {
    /// What to tell an operator.
    pub fn explain(self) -> String {
        match self {
            Self::StoreBehindLock { held, locked } => format!(
                "the store is older than the sign-lock (size {locked}): a backup was restored, or the disk lost what was \
                 last kept; entries {held} to {} are missing here and with the peers that follow; signing now would fork \
                 the log",
                locked.value().saturating_sub(1)
            ),
            Self::LockBehindStore => {
                "the sign-lock is missing or older than the store; signing now could fork the log".to_owned()
            }
            Self::Conflict { locked } => format!(
                "sign-lock and store hold different trees (lock at size {locked}); keep both as evidence"
            ),
        }
    }
}

impl OwnLog {
    /// Makes a new log: its lock, its place in the store, and its first entry, signed.
    ///
    /// # Errors
    /// A [`NodeError`]; nothing is signed then.
    pub fn create(
        parts: OwnLogParts,
        genesis: Draft,
        now: AuthorTime,
        entropy: &mut dyn Entropy,
    ) -> Result<(Self, SignedBatch), NodeError> {
        let OwnLogParts { origin, key, store, lock } = parts;
        store.create_log(&origin, LogRole::Own)?;
        lock.create(Role::Author, &origin)?;
        let author = Author::new(origin, key, RightEdge::empty());
        let mut log = Self { author, store, lock };
        let signed = log.append(vec![genesis], now, entropy)?;
        Ok((log, signed))
    }

    /// Opens the own log: hashes every entry again, compares store and sign-lock, and ends what a crash left.
    ///
    /// # Errors
    /// A [`NodeError`] if the store is damaged or fails. A store that must not be signed is no error but
    /// [`OwnLogState::ReadOnly`].
    pub fn open(parts: OwnLogParts) -> Result<OwnLogState, NodeError> {
        let OwnLogParts { origin, key, store, lock } = parts;
        let note = newest_head(&store, &origin, &key)?;
        let pending = store.pending(&origin)?;
        let signed = note.unwrap_or(Head::EMPTY);
        let held = pending.unwrap_or(signed);
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
        let reason = match found.resume() {
            Resume::Ready => {
                let author = Author::new(origin, key, signed_edge);
                return Ok(OwnLogState::Writable(Box::new(Self { author, store, lock })));
            }
            Resume::Confirm(head) | Resume::Sign(head) => {
                // A killed process may have left the pending entries in the system's memory: the lock must not be
                // durable before them.
                store.sync()?;
                let durable = DurableBatch::recovered(origin.clone(), signed.size, held_edge, head)?;
                let author = Author::new(origin, key, signed_edge);
                let mut log = Self { author, store, lock };
                log.finish(&durable)?;
                return Ok(OwnLogState::Writable(Box::new(log)));
            }
            Resume::StoreBehind { lock } => {
                ReadOnlyReason::StoreBehindLock { held: held.size, locked: lock.size }
            }
            Resume::LockBehind => ReadOnlyReason::LockBehindStore,
            Resume::Conflict { lock } => ReadOnlyReason::Conflict { locked: lock.size },
        };
        Ok(OwnLogState::ReadOnly { reason })
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
        self.finish(&durable)
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
pub struct OwnLogParts {
    /// Its origin.
    pub origin: Origin,
    /// Its key, named after the origin.
    pub key: SigningKey,
    /// Where it is kept.
    pub store: Arc<Store>,
    /// What permits it to sign.
    pub lock: Arc<SignLock>,
}

fn newest_head(store: &Store, origin: &Origin, key: &SigningKey) -> Result<Option<Head>, NodeError> {
    let Some(note) = store.newest_note(origin)? else { return Ok(None) };
    let verified = SignedCheckpoint::parse(&note)
        .and_then(|signed| signed.verify(key.verifier(), &[]))
        .map_err(|source| NodeError::OwnNote { source })?;
    let checkpoint = verified.checkpoint();
    Ok(Some(Head { size: checkpoint.size(), root: checkpoint.root() }))
}
