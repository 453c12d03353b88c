//! That the own log has a successor which this home does not know, as one that was put back to a day before it: a genesis
//! that the own root key signed is proof, is kept in the home, and ends signing for good.
//!
//! A home that writes that very successor is not touched by it. Blocking. Not here: asking peers for the genesis (`gossip`), and making a successor (`succession`).

use std::io::ErrorKind;

use comity_ledger::{Entry, Genesis, Head, Succession};
use comity_store::Store;

use crate::replace::{OPEN_MODE, replace, sync_folder};
use crate::{Home, NodeError, OwnLogState, ReadOnlyReason};

/// The genesis of a successor that a peer has shown, as its entry.
const SUCCESSOR: &str = "successor.entry";

/// Keeps the first entry of the successor of the own log, if it is that. Gives the checkpoint from which it goes on.
///
/// # Errors
/// A [`NodeError`] if the own keys cannot be read or the file cannot be kept.
pub(crate) fn keep(home: &Home, store: &Store, entry: &[u8]) -> Result<Option<Head>, NodeError> {
    let last_good = last_good(home, store, entry)?;
    if last_good.is_some() {
        replace(&home.path(SUCCESSOR), entry, OPEN_MODE)?;
        sync_folder(&home.path(""))?;
    }
    Ok(last_good)
}

/// What a start found of the own log, which is read only where a successor of it was shown.
///
/// # Errors
/// A [`NodeError`] if the own keys or the file cannot be read.
pub(crate) fn judge(home: &Home, store: &Store, found: OwnLogState) -> Result<OwnLogState, NodeError> {
    let path = home.path(SUCCESSOR);
    let entry = match std::fs::read(&path) {
        Ok(entry) => entry,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(source) => return Err(NodeError::File { action: "read", path, source }),
    };
    Ok(match last_good(home, store, &entry)? {
        Some(head) => OwnLogState::ReadOnly { reason: ReadOnlyReason::Succeeded { last_good: head.size } },
        // Of the log that this home wrote before.
        None => found,
    })
}

/// Where the own log ends by the first entry of its successor; `None` if it is no such entry, or another root key signed it.
fn last_good(home: &Home, store: &Store, entry: &[u8]) -> Result<Option<Head>, NodeError> {
    let Some(successor) = home.origin().successor() else { return Ok(None) };
    let genesis = Entry::parse(entry).ok().and_then(|entry| Genesis::from_entry(&entry).ok());
    let Some(genesis) = genesis else { return Ok(None) };
    let Some(last_good) = genesis.succession().map(Succession::last_good) else { return Ok(None) };
    // The root key says what tree it is, also where not as much is held here.
    let closed = home.own_keys(store)?.close(&successor, &genesis, &|_| Some(last_good.root));
    Ok(closed.ok().map(|()| last_good))
}
