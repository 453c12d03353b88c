//! The key by which each replica is verified, kept with the replica itself.
//!
//! A card can be removed and another one added; what was received stays what its author signed. Not here: which key
//! may be pinned (the register of peers of `comity-node`).

use comity_ledger::Origin;
use comity_tlog::VerifierKey;

use crate::log_id::LogId;
use crate::{LogRole, Store, StoreError};

/// `k ‖ log`: the verifier key as its line of text.
const KEY: u8 = b'k';

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
    let mut place = vec![KEY];
    place.extend_from_slice(log.as_bytes());
    place
}
