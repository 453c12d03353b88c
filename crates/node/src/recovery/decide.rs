//! Whether the own log may go on, from what is held, what the sign-lock says, and what peers and operators answer for.
//! Blocking.
//!
//! Not here: fetching what is missing (`tail`), and the rules of a start (`comity_ledger::Found`).

use comity_ledger::{Found, Head, Resume, Role};
use comity_tlog::{TreeSize, root_at};

use super::RecoveryError;
use crate::export::head_of;
use crate::{Gossiping, Node, OwnLogState, ReadOnlyReason};

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Lock and store fit: signing may go on once sections were asked for.
    GoOn,
    /// They fit since an operator answers for it: signing goes on at once.
    Accept,
    /// Something is still missing.
    Wait(ReadOnlyReason),
}

/// Compares once more, and brings a sign-lock that is missing or behind up to what is held where all peers, or an
/// operator, have said that nobody is beyond it.
pub(super) fn decide(
    node: &Node,
    gossiping: &Gossiping,
    accepted: Option<TreeSize>,
) -> Result<Decision, RecoveryError> {
    let (store, lock, origin) = (node.store(), node.lock(), node.home().origin());
    let note = store.newest_note(&origin)?.map(|note| head_of(&note)).transpose()?;
    let (signed, pending) = (note.unwrap_or(Head::EMPTY), store.pending(&origin)?);
    let held = pending.unwrap_or(signed);
    let wanted = store.seen_note(&origin)?.map(|note| head_of(&note)).transpose()?;
    if let Some(wanted) = wanted.filter(|wanted| wanted.size > signed.size) {
        let reason = ReadOnlyReason::BehindPeers { held: held.size, shown: wanted.size };
        return Ok(Decision::Wait(reason));
    }
    let locked = lock.head(Role::Author, &origin, held)?;
    let is_accepted = accepted == Some(held.size);
    match (Found { note, pending, lock: locked }).resume() {
        Resume::Ready | Resume::Confirm(_) | Resume::Sign(_) if is_accepted => Ok(Decision::Accept),
        Resume::Ready | Resume::Confirm(_) | Resume::Sign(_) => Ok(Decision::GoOn),
        Resume::Conflict { lock } => Ok(Decision::Wait(ReadOnlyReason::Conflict { locked: lock.size })),
        Resume::StoreBehind { .. } if is_accepted => {
            tracing::warn!(size = %held.size, "the sign-lock is set aside at the word of an operator");
            lock.set_aside(&origin, signed)?;
            Ok(Decision::Accept)
        }
        Resume::StoreBehind { lock } => {
            let reason = ReadOnlyReason::StoreBehindLock { held: held.size, locked: lock.size };
            Ok(Decision::Wait(reason))
        }
        Resume::LockBehind => {
            if let Some(locked) = locked
                && root_at(&store.nodes(&origin), locked.size)? != locked.root
            {
                return Ok(Decision::Wait(ReadOnlyReason::Conflict { locked: locked.size }));
            }
            if !is_accepted && !gossiping.nobody_is_beyond(signed.size) {
                return Ok(Decision::Wait(ReadOnlyReason::LockBehindStore));
            }
            lock.catch_up(&origin, signed)?;
            Ok(if is_accepted { Decision::Accept } else { Decision::GoOn })
        }
    }
}

/// Opens the own log again; what peers give back of it from now on comes late.
pub(super) fn resume(node: &Node) -> Result<OwnLogState, RecoveryError> {
    let origin = node.home().origin();
    node.store().returned_entries(&origin)?;
    Ok(node.open_own_log()?)
}
