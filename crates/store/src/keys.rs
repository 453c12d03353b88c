//! The keys of each log by the entries that are kept of it: read once, and then led on as entries come.
//!
//! They are derived and in memory alone; the truth is the entries. Not here: which key begins a replica (`pins`), and
//! what a key event changes (`comity-ledger`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use comity_ledger::{Entry, Genesis, KeyHistory, Kind, Origin, Succession};
use comity_tlog::{EntryIndex, TreeSize, VerifierKey, root_at};

use crate::log_id::LogId;
use crate::{ReadError, Store, StoreError};

/// What was read of each log.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys(Mutex<BTreeMap<LogId, Known>>);

#[derive(Debug)]
struct Known {
    /// Entries taken in.
    upto: TreeSize,
    keys: KeyHistory,
}

impl KnownKeys {
    /// Forgets what was read of a log that is begun anew.
    pub(crate) fn forget(&self, log: LogId) {
        self.lock().remove(&log);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<LogId, Known>> {
        // A panic elsewhere leaves a history that has taken in fewer entries than it says at most; such a process has
        // shown that it is broken, and the next start reads them anew.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// The keys of a log, by all entries kept of it, signed or not.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if neither a pinned key nor a genesis says with which key it begins; else as the store
    /// fails.
    pub fn keys(&self, origin: &Origin) -> Result<KeyHistory, StoreError> {
        let keys = self.keys_by_entries(origin)?;
        self.closed_by_successor(origin, keys)
    }

    /// The same by the entries of the log alone, whatever its successor says of its end: with these entries go on.
    ///
    /// # Errors
    /// As [`keys`](Self::keys).
    pub fn keys_by_entries(&self, origin: &Origin) -> Result<KeyHistory, StoreError> {
        let (log, held) = (LogId::of(origin), self.held(origin)?.size);
        let mut all = self.known_keys.lock();
        let known = match all.remove(&log).filter(|known| known.upto <= held) {
            Some(known) => known,
            None => Known { upto: TreeSize::ZERO, keys: self.first_key(origin)? },
        };
        let known = all.entry(log).or_insert(known);
        let start = known.upto;
        let read = self.each_entry(origin, start, held, |index, bytes| {
            if index.value() == 0 || bytes.get(1) == Some(&Kind::Key.code()) {
                let damaged = || damaged(origin, index.value());
                let entry = Entry::parse(bytes).map_err(|_| damaged())?;
                if index.value() == 0 {
                    let genesis = Genesis::from_entry(&entry).map_err(|_| damaged())?;
                    known.keys.begin(&genesis).map_err(|_| damaged())?;
                }
                let past = |size| root_at(&self.nodes(origin), size).ok();
                // What changes nothing was found by whoever took the entry in; it is kept like every other.
                known.keys.take(index, &entry, &past).unwrap_or_default();
            }
            known.upto = index.size_through();
            Ok(())
        });
        match read {
            Ok(()) => Ok(known.keys.clone()),
            Err(ReadError::Store(error) | ReadError::Taker(error)) => {
                all.remove(&log);
                Err(error)
            }
        }
    }

    /// Closes the log where its successor says so, if one is held that does and nothing in the log itself did.
    fn closed_by_successor(&self, origin: &Origin, mut keys: KeyHistory) -> Result<KeyHistory, StoreError> {
        let Some(successor) = origin.successor().filter(|_| keys.closed().is_none()) else { return Ok(keys) };
        let held = self.held(origin)?.size;
        let begun_with = self.begun_with(&successor)?;
        // The card's root key signed what a replica was begun with.
        if let (Some(begun), None) = (&begun_with, keys.root_key())
            && let Some(root) = begun.root_key()
        {
            keys = keys.with_root(root);
        }
        let genesis = match begun_with {
            Some(genesis) => genesis,
            None if self.held(&successor)?.size.is_zero() => return Ok(keys),
            None => self.first_genesis(&successor)?,
        };
        // Of entries that have not come nobody here can say otherwise than the root key does.
        let end = genesis.succession().map(Succession::last_good);
        let past = |size| match end.filter(|_| size > held) {
            Some(end) => Some(end.root),
            None => root_at(&self.nodes(origin), size).ok(),
        };
        // One that goes on from another tree closes nothing here: whoever began it has found it to be the successor.
        keys.close(&successor, &genesis, &past).unwrap_or_default();
        Ok(keys)
    }

    /// The history that nothing was taken into: of the key that a replica was begun with, or that the genesis names.
    fn first_key(&self, origin: &Origin) -> Result<KeyHistory, StoreError> {
        let key = match self.pinned_key(origin)? {
            Some(pinned) => pinned,
            None => self.genesis_key(origin)?,
        };
        // A replica that was set aside stands under another name than the log that it is of.
        let named = key.name().as_str().parse().map_err(|_| damaged(origin, 0))?;
        Ok(KeyHistory::new(named, key))
    }

    fn genesis_key(&self, origin: &Origin) -> Result<VerifierKey, StoreError> {
        if self.held(origin)?.size.is_zero() {
            return Err(StoreError::NoSuchLog { origin: origin.to_string() });
        }
        self.first_genesis(origin)?.log_key(origin).ok_or_else(|| damaged(origin, 0))
    }

    fn first_genesis(&self, origin: &Origin) -> Result<Genesis, StoreError> {
        let entries = self.entries(origin, TreeSize::ZERO, EntryIndex::ZERO.size_through())?;
        let entry = entries.first().and_then(|bytes| Entry::parse(bytes).ok());
        let genesis = entry.and_then(|entry| Genesis::from_entry(&entry).ok());
        genesis.ok_or_else(|| damaged(origin, 0))
    }
}

fn damaged(origin: &Origin, place: u64) -> StoreError {
    StoreError::Damaged { what: "a genesis or key entry", log: origin.to_string(), place }
}
