//! The successor of a publication log that is closed: made by an operator with the root key, while no node runs.
//!
//! Each step is durable before the next, and the file that names the log of the home comes last: whoever is cut off goes
//! on with the same command. Not here: what a genesis commits to (`comity-ledger`), and how others come to follow the
//! successor (`follow`).

use std::sync::Arc;

use comity_ledger::{AuthorTime, Entropy, Genesis, Head, Origin};

use crate::home::ORIGIN;
use crate::key_files::KeyFiles;
use crate::own_log::OwnLogParts;
use crate::replace::{OPEN_MODE, replace, sync_folder};
use crate::{Home, KeyHolder, KeyHolderError, NodeError, OpenHome, OwnLog, OwnLogState, ReadOnlyReason};

/// A successor that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succeeded {
    /// The log that has ended.
    pub closed: Origin,
    /// Its last good checkpoint.
    pub last_good: Head,
    /// The log that goes on.
    pub origin: Origin,
    /// How it stands.
    pub head: Head,
}

/// Makes the successor of the own log and has the home write it from now on. The own log ends at `last_good` by that, if
/// no revocation has closed it there already. Blocking.
///
/// # Errors
/// [`KeyHolderError::NoSuccessor`] if there can be none, else what failed: the home writes the log that it wrote before.
pub fn succeed(
    open: &OpenHome,
    holder: &KeyHolder,
    last_good: Head,
    now: AuthorTime,
    entropy: &mut dyn Entropy,
) -> Result<Succeeded, KeyHolderError> {
    if let OwnLogState::ReadOnly { reason: reason @ ReadOnlyReason::Succeeded { .. } } = open.own_log() {
        // A second one would be another history under its name.
        return Err(NodeError::ReadOnly { reason: reason.explain() }.into());
    }
    let (home, store) = (open.home(), open.store());
    let closed = home.origin();
    let origin = closed.successor().ok_or(KeyHolderError::NoSuccessor)?;
    let keys = KeyFiles::of_log(&home.path("keys"), &origin);
    let key = keys.present_or_new(entropy)?;
    let note = holder.identity().sign_again(holder.root(), &key).map_err(NodeError::from)?;
    home.put_next_identity(&note)?;
    let (store, lock) = (Arc::clone(store), Arc::clone(open.lock()));
    let parts = OwnLogParts { origin: origin.clone(), keys, store: Arc::clone(&store), lock };
    let head = if store.held(&origin).map_err(NodeError::from)?.size.is_zero() {
        let genesis = Genesis::succeeding(&closed, last_good, holder.root(), key.verifier());
        let genesis = genesis.map_err(NodeError::from)?;
        let (log, _) = OwnLog::create(parts, genesis.draft(), now, entropy)?;
        log.head()
    } else {
        // What was cut off goes on.
        match OwnLog::open(parts)? {
            OwnLogState::Writable(log) => log.head(),
            OwnLogState::ReadOnly { reason } => {
                return Err(NodeError::ReadOnly { reason: reason.explain() }.into());
            }
        }
    };
    replace(&home.path(ORIGIN), format!("{origin}\n").as_bytes(), OPEN_MODE)?;
    sync_folder(&home.path(""))?;
    Home::find(&home.path(""))?.settle_keys(&store)?;
    tracing::info!(%origin, %closed, "the successor of the closed log goes on");
    Ok(Succeeded { closed, last_good, origin, head })
}
