//! The keys of agencies by what is kept of their logs, and, where nothing of a log is kept yet, by their cards.
//!
//! Not here: what an event changes (`comity-ledger`), and the entries that were read of each log (`comity-store`).

use comity_ledger::{AgencyId, KeyHistory, KeyRole, Origin};
use comity_store::{Store, StoreError};
use comity_tlog::VerifierKey;

use crate::{NodeError, Peer, Peers};

/// The keys of a log that is held here, or may be: the own one, and those of the agencies of the register. `None` of any
/// other log.
///
/// # Errors
/// A [`NodeError`] if the store fails or is damaged.
pub(crate) fn keys_of(
    store: &Store,
    peers: &Peers,
    origin: &Origin,
) -> Result<Option<KeyHistory>, NodeError> {
    if origin.agency() == peers.own() {
        return held_keys(store, origin);
    }
    let Some(peer) = peers.find(origin.agency()) else { return Ok(None) };
    keys_of_peer(store, &peer, origin)
}

/// The same of a log of one peer: those of its first log begin with the key on its card, and those of a successor with
/// the key that its genesis named when it was begun here.
///
/// # Errors
/// As [`keys_of`].
pub(crate) fn keys_of_peer(
    store: &Store,
    peer: &Peer,
    origin: &Origin,
) -> Result<Option<KeyHistory>, NodeError> {
    let identity = peer.card().identity();
    if origin.agency() != peer.agency() || !origin.is_publication() {
        return Ok(None);
    }
    let pinned = store.pinned_key(origin)?;
    let begins_otherwise = pinned.as_ref() != Some(&identity.log);
    let held = match pinned {
        Some(_) => held_keys(store, origin)?,
        None => None,
    };
    let keys = match (held, origin.predecessor()) {
        (None, Some(_)) => return Ok(None),
        (held, None) if held.is_none() || begins_otherwise => {
            Some(KeyHistory::new(origin.clone(), identity.log.clone()))
        }
        (held, _) => held,
    };
    Ok(keys.map(|keys| keys.with_root(identity.root.clone())))
}

/// The keys of a log by the entries that are kept of it; `None` where nothing says with which key it begins.
///
/// # Errors
/// As [`keys_of`].
pub(crate) fn held_keys(store: &Store, origin: &Origin) -> Result<Option<KeyHistory>, NodeError> {
    match store.keys(origin) {
        Ok(keys) => Ok(Some(keys)),
        Err(StoreError::NoSuchLog { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The keys of another role of a peer that are in force by as much of its logs as is held, oldest first.
///
/// # Errors
/// As [`keys_of`].
pub(crate) fn role_keys_of(store: &Store, peer: &Peer, role: KeyRole) -> Result<Vec<VerifierKey>, NodeError> {
    let identity = peer.card().identity();
    let first = match role {
        KeyRole::Witness => &identity.witness,
        KeyRole::Mirror => &identity.mirror,
        KeyRole::Statement => &identity.statement,
        KeyRole::Log | KeyRole::TlsAuthority => return Ok(Vec::new()),
    };
    in_force(store, &logs_of_peer(store, peer)?, role, first)
}

/// The keys of another role of the own agency that are in force, by its logs up to `origin`; `first` is the key that the first card names.
///
/// # Errors
/// As [`keys_of`].
pub(crate) fn own_role_keys(
    store: &Store,
    origin: &Origin,
    role: KeyRole,
    first: &VerifierKey,
) -> Result<Vec<VerifierKey>, NodeError> {
    let (mut logs, mut next) = (Vec::new(), Some(origin.clone()));
    while let Some(origin) = next {
        logs.extend(held_keys(store, &origin)?);
        next = origin.predecessor();
    }
    logs.reverse();
    in_force(store, &logs, role, first)
}

/// The keys of a role go on from one log of an agency to its successor, and end in whichever says so.
fn in_force(
    store: &Store,
    logs: &[KeyHistory],
    role: KeyRole,
    first: &VerifierKey,
) -> Result<Vec<VerifierKey>, NodeError> {
    let mut keys = vec![first.clone()];
    for log in logs {
        let size = store.held(log.origin())?.size;
        keys.retain(|key| log.verifiers(role, key, size).contains(key));
        for key in log.in_force(role, size).filter_map(|key| key.verifier(log.origin())) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    Ok(keys)
}

/// The publication logs of this agency itself that are held, oldest first.
///
/// # Errors
/// As [`keys_of`].
pub(crate) fn held_logs(store: &Store, own: &AgencyId) -> Result<Vec<KeyHistory>, NodeError> {
    let (mut logs, mut next) = (Vec::new(), Some(Origin::publication(own)));
    while let Some(origin) = next {
        let Some(keys) = held_keys(store, &origin)? else { break };
        logs.push(keys);
        next = origin.successor();
    }
    Ok(logs)
}

/// The publication logs of a peer that were begun here, oldest first, or its first by the card alone.
///
/// # Errors
/// As [`keys_of`].
pub(crate) fn logs_of_peer(store: &Store, peer: &Peer) -> Result<Vec<KeyHistory>, NodeError> {
    let (mut logs, mut origin) = (Vec::new(), peer.origin());
    while let Some(keys) = keys_of_peer(store, peer, &origin)? {
        logs.push(keys);
        match origin.successor() {
            Some(next) if store.pinned_key(&next)?.is_some() => origin = next,
            _ => break,
        }
    }
    Ok(logs)
}

/// The newest publication log of a peer that was begun here, or its first.
///
/// # Errors
/// As [`keys_of`].
pub(crate) fn newest_origin(store: &Store, peer: &Peer) -> Result<Origin, NodeError> {
    let newest = logs_of_peer(store, peer)?.pop();
    Ok(newest.map_or_else(|| peer.origin(), |keys| keys.origin().clone()))
}

/// The first publication log of a peer that its successor has closed and of which not all is held: entries up to its end, or
/// what was released of them.
///
/// # Errors
/// As [`keys_of`].
pub(crate) fn unfinished_origin(store: &Store, peer: &Peer) -> Result<Option<Origin>, NodeError> {
    let mut logs = logs_of_peer(store, peer)?;
    // Nothing is begun that goes on from the newest.
    logs.pop();
    for keys in logs {
        if !is_whole(store, &keys)? {
            return Ok(Some(keys.origin().clone()));
        }
    }
    Ok(None)
}

/// Whether all is held of a log that has ended: every entry up to its end, and what was released of them. Entries that are
/// held beyond the end are nobody's, and say nothing of that.
///
/// # Errors
/// As [`keys_of`].
pub(crate) fn is_whole(store: &Store, keys: &KeyHistory) -> Result<bool, NodeError> {
    let Some(end) = keys.closed() else { return Ok(true) };
    Ok(store.held(keys.origin())?.size >= end.size && store.has_all_come(keys.origin())?)
}
