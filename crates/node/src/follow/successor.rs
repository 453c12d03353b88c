//! From a log that is closed to the one that goes on from it: its genesis is asked for, verified with the pinned root key
//! against what is held of the closed log, and followed from then on.
//!
//! The same genesis says where the closed log ends. Whoever took a thief's larger checkpoint for the author's, and the
//! author for one that went back or signed two histories, learns by it that the checkpoint is void.
//!
//! Not here: what closes a log (`comity-ledger`), and following itself (`session`).

use std::sync::Arc;

use bytes::Bytes;
use comity_ledger::{Entry, Genesis, KeyFinding, Origin, Succession};
use comity_store::Store;
use comity_tlog::{EntryIndex, TreeSize, root_at};
use comity_wire::v1;
use tokio_util::sync::CancellationToken;

use super::error::{DOUBTS, FORK, FollowError};
use super::{FollowParts, alarm_key};
use crate::author_keys::{keys_of_peer, newest_origin, unfinished_origin};
use crate::dial::{answered, dial};
use crate::off_reactor::off_reactor;
use crate::{Node, NodeError, Peer, SystemEntropy};

/// How often a replica of one log may have been set aside for another to be begun because whoever sends it says that it is
/// not the log: nothing proves that, and whoever lies costs no more than that all of it is fetched again.
const SET_ASIDE_MAX: u32 = 2;

/// The log of a peer that is followed next.
pub(super) struct Followed {
    pub(super) origin: Origin,
    /// Whether it is the newest that was begun here.
    pub(super) is_newest: bool,
    /// Whether one before the newest was closed by its successor, and not all of it is held.
    pub(super) has_unfinished: bool,
}

/// The newest log of a peer that was begun here; with `catches_up` one before it is first, of which not all is held up to
/// where its successor has closed it.
pub(super) async fn followed(
    node: &Arc<Node>,
    peer: &Arc<Peer>,
    catches_up: bool,
) -> Result<Followed, FollowError> {
    let (node, peer) = (Arc::clone(node), Arc::clone(peer));
    let find = move || {
        let unfinished = unfinished_origin(node.store(), &peer)?;
        let has_unfinished = unfinished.is_some();
        let (origin, is_newest) = match unfinished.filter(|_| catches_up) {
            Some(origin) => (origin, false),
            None => (newest_origin(node.store(), &peer)?, true),
        };
        Ok(Followed { origin, is_newest, has_unfinished })
    };
    let found: Result<_, NodeError> = off_reactor(find).await.map_err(|_| FollowError::Broken)?;
    Ok(found?)
}

/// Whether the successor of a log was begun here.
pub(super) async fn is_begun(node: &Arc<Node>, closed: &Origin) -> Result<bool, FollowError> {
    let Some(successor) = closed.successor() else { return Ok(false) };
    let node = Arc::clone(node);
    let pinned = off_reactor(move || node.store().pinned_key(&successor));
    Ok(pinned.await.map_err(|_| FollowError::Broken)?.map_err(NodeError::from)?.is_some())
}

/// Asks for the genesis of the successor of a log, and begins its replica: the log is closed by that, where nothing in it
/// has closed it. Says whether it was begun now. A stop ends the waiting for the other side alone: what is done to the
/// replicas is awaited, since the next follower of the log may begin as soon as this one has ended.
///
/// # Errors
/// [`FollowError::Successor`] if the genesis is not that of the successor of what is held here, and
/// [`FollowError::Stopped`] if it did not come before the stop; nothing is begun then.
pub(super) async fn begin(
    parts: &FollowParts,
    peer: &Arc<Peer>,
    closed: Origin,
    stop: &CancellationToken,
) -> Result<bool, FollowError> {
    let Some(successor) = closed.successor() else { return Ok(false) };
    let asking = genesis_of(parts, peer, &successor);
    let entry = stop.run_until_cancelled(asking).await.ok_or(FollowError::Stopped)??;
    let (node, peer) = (Arc::clone(&parts.node), Arc::clone(peer));
    let begun = off_reactor(move || begin_replica(&node, &peer, &closed, &successor, &entry)).await;
    begun.map_err(|_| FollowError::Broken)?
}

/// Asks whoever a peer is fetched from for the first entry of a log.
async fn genesis_of(parts: &FollowParts, peer: &Peer, successor: &Origin) -> Result<Bytes, FollowError> {
    let mut client = dial(parts, peer.upstream()).await?;
    let request = v1::GenesisRequest { origin: successor.to_string() };
    Ok(answered(client.genesis(request)).await?.entry)
}

/// Notes that all of a closed log has come, if its entries are held up to its end.
pub(super) async fn all_came(node: &Arc<Node>, peer: &Arc<Peer>, closed: &Origin) -> Result<(), FollowError> {
    let (node, peer, closed) = (Arc::clone(node), Arc::clone(peer), closed.clone());
    let note = move || {
        let store = node.store();
        let end = keys_of_peer(store, &peer, &closed)?.and_then(|keys| keys.closed());
        if end.is_some_and(|end| store.held(&closed).is_ok_and(|held| held.size >= end.size)) {
            store.put_all_came(&closed)?;
            node.tell_news();
        }
        Ok::<(), NodeError>(())
    };
    Ok(off_reactor(note).await.map_err(|_| FollowError::Broken)??)
}

fn begin_replica(
    node: &Node,
    peer: &Peer,
    closed: &Origin,
    successor: &Origin,
    entry: &[u8],
) -> Result<bool, FollowError> {
    let store = node.store();
    if store.pinned_key(successor)?.is_some() {
        return Ok(false);
    }
    let refuse = |source| FollowError::Successor { source };
    let not_one = || refuse(KeyFinding::NotTheSuccessor);
    let parsed = Entry::parse(entry).map_err(|_| not_one())?;
    let genesis = Genesis::from_entry(&parsed).map_err(|_| not_one())?;
    let mut keys = keys_of_peer(store, peer, closed)?.ok_or_else(not_one)?;
    let (ended, held) = (keys.closed(), store.held(closed)?.size);
    let last_good = genesis.succession().map(Succession::last_good).ok_or_else(not_one)?;
    // The root key says what tree it is; whether it is the one that is held is seen below.
    keys.close(successor, &genesis, &|_| Some(last_good.root)).map_err(refuse)?;
    // Where the log itself says at which tree it ended, its successor goes on from there and from nowhere else.
    if ended.is_some_and(|ended| ended != last_good) {
        return Err(not_one());
    }
    let key = genesis.log_key(successor).ok_or_else(not_one)?;
    if last_good.size <= held && root_at(&store.nodes(closed), last_good.size)? != last_good.root {
        begin_otherwise(store, closed)?;
    }
    store.begin_successor(successor, &key, entry)?;
    tracing::warn!(%successor, %closed, "a log is closed for ever, and its successor is followed");
    if ended.is_none() {
        // What was shown of what is void now changes nothing any more.
        node.rebuild_view()?;
    }
    end_doubts(node, closed);
    node.tell_news();
    Ok(true)
}

/// Sets aside what is held of a log that ended in another tree by the word of its root key, and begins it anew: what is
/// held of it is somebody else's.
fn begin_otherwise(store: &Store, closed: &Origin) -> Result<(), FollowError> {
    let key = store.pinned_key(closed)?.ok_or(FollowError::Broken)?;
    let first = store.entries(closed, TreeSize::ZERO, EntryIndex::ZERO.size_through())?;
    let place = store.set_aside(closed, &mut SystemEntropy::new())?;
    tracing::error!(%closed, %place, "what was held of the log is not what its author signed; it is set aside");
    match (closed.predecessor(), first.first()) {
        (Some(_), Some(first)) => store.begin_successor(closed, &key, first)?,
        _ => store.begin_replica(closed, &key)?,
    }
    Ok(())
}

/// Sets aside what is held of a log whose end is known by its successor and has not come, after what came of it was of
/// another tree: what is held may be a thief's, bent before the last good checkpoint and shorter. Says whether it did; not
/// beyond [`SET_ASIDE_MAX`] times.
pub(super) async fn begin_anew(
    node: &Arc<Node>,
    peer: &Arc<Peer>,
    closed: &Origin,
) -> Result<bool, FollowError> {
    let (node, peer, closed) = (Arc::clone(node), Arc::clone(peer), closed.clone());
    let begun = off_reactor(move || set_aside_unended(&node, &peer, &closed)).await;
    begun.map_err(|_| FollowError::Broken)?
}

fn set_aside_unended(node: &Node, peer: &Peer, closed: &Origin) -> Result<bool, FollowError> {
    let store = node.store();
    let successor = closed.successor().map(|next| store.pinned_key(&next)).transpose()?.flatten();
    let end = keys_of_peer(store, peer, closed)?.and_then(|keys| keys.closed());
    let held = store.held(closed)?.size;
    let is_unended = successor.is_some() && end.is_some_and(|end| held < end.size);
    if !is_unended || held.is_zero() || store.times_set_aside(closed)? >= SET_ASIDE_MAX {
        return Ok(false);
    }
    begin_otherwise(store, closed)?;
    node.rebuild_view()?;
    end_doubts(node, closed);
    node.tell_news();
    Ok(true)
}

/// Ends the alarms about a log that has ended. A conviction is judged anew, with the keys that were in force (`gossip`).
fn end_doubts(node: &Node, closed: &Origin) {
    for code in DOUBTS {
        if code != FORK || !node.doubts().convicts(closed) {
            node.alarms().end(&alarm_key(code, closed));
        }
    }
}
