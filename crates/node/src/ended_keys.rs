//! Keys of cosigners that their agencies have ended, by as much of their logs as is held: which, how, and between which
//! times their lines count.
//!
//! Not here: which keys are in force (`author_keys`), and what an event changes (`comity-ledger`).

use std::ops::RangeInclusive;

use comity_ledger::{AgencyId, Entry, KeyEnd, KeyHistory, KeyRole, KeySpan, Origin};
use comity_store::Store;
use comity_tlog::{TreeSize, VerifierKey};

use crate::author_keys::{held_logs, logs_of_peer};
use crate::{NodeError, Peers};

/// A key of a witness or mirror that has ended.
#[derive(Clone, Debug)]
pub(crate) struct EndedKey {
    /// The agency whose it was.
    pub(crate) agency: AgencyId,
    /// The key.
    pub(crate) key: VerifierKey,
    /// What it was for.
    pub(crate) role: KeyRole,
    /// How it ended.
    pub(crate) end: KeyEnd,
    log: Origin,
    from: TreeSize,
    until: TreeSize,
}

impl EndedKey {
    fn of(log: &KeyHistory, span: &KeySpan) -> Option<Self> {
        let (until, end) = span.until()?;
        let is_cosigner = matches!(span.key().role(), KeyRole::Witness | KeyRole::Mirror);
        let key = span.key().verifier(log.origin()).filter(|_| is_cosigner)?;
        let (agency, role) = (log.origin().agency().clone(), span.key().role());
        Some(Self { agency, key, role, end, log: log.origin().clone(), from: span.from(), until })
    }

    /// The seconds in which it was in force, from what its agency says of the two entries of its log that began and ended
    /// it. It ended no later than the second of them certainly existed (D23), whatever its agency says.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails or is damaged.
    pub(crate) fn in_force(&self, store: &Store) -> Result<RangeInclusive<u64>, NodeError> {
        let began = self.said_by(store, self.from)?.unwrap_or(0);
        let ended = self.said_by(store, self.until)?.unwrap_or(0);
        let last =
            self.until.last_index().map(|index| store.existed_by(&self.log, index)).transpose()?.flatten();
        Ok(began..=last.map_or(ended, |last| ended.min(last.value())))
    }

    /// When the author says that it wrote the last entry under a tree; `None` of the empty one, for keys that only the
    /// card names.
    fn said_by(&self, store: &Store, size: TreeSize) -> Result<Option<u64>, NodeError> {
        let Some(index) = size.last_index() else { return Ok(None) };
        if store.held(&self.log)?.size < size {
            return Ok(None);
        }
        let held = store.entries(&self.log, index.size_before(), size)?;
        held.first().map(|bytes| Ok(Entry::parse(bytes)?.author_time().unix_secs())).transpose()
    }
}

/// All of them, of the peers and of this agency itself.
///
/// # Errors
/// A [`NodeError`] if the store fails or is damaged.
pub(crate) fn ended_keys(store: &Store, peers: &Peers) -> Result<Vec<EndedKey>, NodeError> {
    let mut logs = held_logs(store, peers.own())?;
    for peer in peers.list() {
        logs.extend(logs_of_peer(store, &peer)?);
    }
    Ok(logs.iter().flat_map(|log| log.spans().iter().filter_map(|span| EndedKey::of(log, span))).collect())
}

/// The keys of cosigners that were revoked: what they signed is void for everybody, whoever names them.
///
/// # Errors
/// As [`ended_keys`].
pub(crate) fn revoked_cosigners(store: &Store, peers: &Peers) -> Result<Vec<VerifierKey>, NodeError> {
    let ended = ended_keys(store, peers)?;
    Ok(ended.into_iter().filter(|key| key.end == KeyEnd::Revoked).map(|key| key.key).collect())
}
