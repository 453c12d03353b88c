//! The key by which each replica is verified, kept with the replica itself.
//!
//! A card can be removed and another one added; what was received stays what its author signed. Not here: which key
//! may be pinned (the register of peers of `comity-node`).

use comity_ledger::{Entry, Genesis, Origin};
use comity_tlog::VerifierKey;

use crate::log_id::LogId;
use crate::{LogRole, Store, StoreError};

/// `k ‖ log`: the verifier key as its line of text.
const KEY: u8 = b'k';
/// `g ‖ log`: the first entry of a successor, by which the log before it is closed.
const GENESIS: u8 = b'g';

impl Store {
    /// Enters the replica of a log with the key that it is verified with from its first entry on; synced.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn begin_replica(&self, origin: &Origin, key: &VerifierKey) -> Result<(), StoreError> {
        // Before the log: a replica that is there has its key, whatever crashes.
        self.put_pin(origin, key)?;
        self.create_log(origin, LogRole::Replica)
    }

    /// Enters the replica of a successor, as [`begin_replica`](Self::begin_replica) does, with its first entry: the log
    /// before it is closed by that from now on, before anything of the successor has come. The caller has verified that
    /// the root key of the agency signed it, and that it goes on from what is held; synced.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn begin_successor(
        &self,
        origin: &Origin,
        key: &VerifierKey,
        entry: &[u8],
    ) -> Result<(), StoreError> {
        self.pins.insert(genesis_place(LogId::of(origin)), entry)?;
        self.begin_replica(origin, key)
    }

    /// The genesis with which the replica of a successor was begun; `None` of every other log.
    pub(crate) fn begun_with(&self, origin: &Origin) -> Result<Option<Genesis>, StoreError> {
        let Some(bytes) = self.pins.get(genesis_place(LogId::of(origin)))? else { return Ok(None) };
        let genesis = Entry::parse(&bytes).ok().and_then(|entry| Genesis::from_entry(&entry).ok());
        let damaged =
            || StoreError::Damaged { what: "the genesis of a successor", log: origin.to_string(), place: 0 };
        genesis.map(Some).ok_or_else(damaged)
    }

    /// Enters the replicas of successors that a crash left with their genesis and key alone: by those each is the newest log
    /// of its agency, and nothing could be added to it. That of a first log is begun again by whoever follows it.
    pub(crate) fn end_beginning(&self) -> Result<(), StoreError> {
        for place in self.pins.scan_prefix([GENESIS]).keys() {
            let place = place?;
            let Some(id) = place.last_chunk::<{ LogId::LEN }>() else { continue };
            let log = LogId::from_bytes(*id);
            if self.logs.contains_key(log.as_bytes())? {
                continue;
            }
            // Without its key it was not begun: its genesis is asked for again.
            let Some(line) = self.pins.get(pin_place(log))? else { continue };
            let name = std::str::from_utf8(&line).ok().and_then(|line| line.parse::<VerifierKey>().ok());
            let origin = name.and_then(|key| key.name().as_str().parse().ok());
            let damaged = || StoreError::Damaged { what: "the pinned key", log: log.to_string(), place: 0 };
            self.create_log(&origin.ok_or_else(damaged)?, LogRole::Replica)?;
        }
        Ok(())
    }

    /// Pins the key of a replica that was begun without one, synced. The caller has verified its checkpoints with it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if this is no replica here, [`StoreError::Pinned`] if another key is pinned; else as
    /// the store fails.
    pub fn pin_key(&self, origin: &Origin, key: &VerifierKey) -> Result<(), StoreError> {
        self.require_replica(origin)?;
        match self.pinned_key(origin)? {
            Some(pinned) if pinned == *key => return Ok(()),
            Some(_) => return Err(StoreError::Pinned { origin: origin.to_string() }),
            None => {}
        }
        self.put_pin(origin, key)?;
        self.sync()
    }

    /// The key that a replica is verified with; `None` if there is no such replica, or it has no key yet.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn pinned_key(&self, origin: &Origin) -> Result<Option<VerifierKey>, StoreError> {
        let Some(line) = self.pins.get(pin_place(LogId::of(origin)))? else { return Ok(None) };
        let damaged = || StoreError::Damaged { what: "the pinned key", log: origin.to_string(), place: 0 };
        let text = std::str::from_utf8(&line).map_err(|_| damaged())?;
        text.parse().map(Some).map_err(|_| damaged())
    }

    pub(crate) fn put_pin(&self, origin: &Origin, key: &VerifierKey) -> Result<(), StoreError> {
        self.pins.insert(pin_place(LogId::of(origin)), key.to_string().as_bytes())?;
        Ok(())
    }
}

pub(crate) fn pin_place(log: LogId) -> Vec<u8> {
    place(KEY, log)
}

pub(crate) fn genesis_place(log: LogId) -> Vec<u8> {
    place(GENESIS, log)
}

fn place(kind: u8, log: LogId) -> Vec<u8> {
    let mut place = vec![kind];
    place.extend_from_slice(log.as_bytes());
    place
}

#[cfg(test)]
mod tests {
    use comity_ledger::{AuthorTime, Entropy, EntropyError, Head};
    use comity_tlog::{KeyKind, KeyName, SigningKey};

    use super::*;
    use crate::{Kek, StorePaths};

    struct Ones;

    impl Entropy for Ones {
        fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
            buffer.fill(1);
            Ok(())
        }
    }

    /// Goal: a successor that was being begun at a crash is followed after it. Way: its rows as each instant of the
    /// beginning leaves them, and the store is opened again.
    #[test]
    fn a_successor_that_a_crash_left_half_begun_is_a_replica_or_is_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        let paths = StorePaths { database: dir.path().join("store"), keyring: dir.path().join("keyring") };
        std::fs::create_dir(&paths.database).unwrap();
        std::fs::create_dir(&paths.keyring).unwrap();
        let kek = || Kek::from_bytes([1; 32]);
        let key = |name: &str| {
            SigningKey::from_seed(KeyName::new(name).unwrap(), KeyKind::Ed25519, &[7; 32]).unwrap()
        };
        let closed: Origin = "a.example/pub".parse().unwrap();
        let next = closed.successor().unwrap();
        let (root, log_key) = (key("a.example/root"), key(next.as_str()));
        let genesis = Genesis::succeeding(&closed, Head::EMPTY, &root, log_key.verifier()).unwrap();
        let sealed = genesis.draft().seal(&next, AuthorTime::from_unix_secs(1), &mut Ones).unwrap();
        let entry = sealed.bytes().as_bytes().to_vec();
        let mut store = Store::create(&paths, kek(), &mut Ones).unwrap();
        for is_pinned in [false, true] {
            store.pins.insert(genesis_place(LogId::of(&next)), entry.as_slice()).unwrap();
            if is_pinned {
                store.put_pin(&next, log_key.verifier()).unwrap();
            }
            store.sync().unwrap();
            drop(store);
            store = Store::open(&paths, kek()).unwrap();
            assert_eq!(store.pinned_key(&next).unwrap().is_some(), is_pinned);
            assert_eq!(store.role(&next).unwrap().is_some(), is_pinned, "whoever has its key is a replica");
            assert_eq!(store.replica_step(&next).is_ok(), is_pinned);
        }
        drop(store);
        store = Store::open(&paths, kek()).unwrap();
        store.begin_successor(&next, log_key.verifier(), &entry).unwrap();
        assert_eq!(store.role(&next).unwrap(), Some(LogRole::Replica));
        assert_eq!(store.logs().unwrap().len(), 1);
    }
}
