//! All of a home hashed, opened and read again, whoever will ever ask for it (`comity log scrub`).
//!
//! A start hashes all entries, and opens what is shown of records; this opens the rest too, and begins anew what a peer can
//! give again. Not here: the start (`heal`), and who fetches a replica (`follow`).

use std::io::ErrorKind;

use comity_ledger::{Head, Origin, Role};
use comity_store::{LogRole, Store, StoreError, is_set_aside};
use comity_tlog::{ProveError, root_at};

use crate::backup::check;
use crate::export::head_of;
use crate::{NodeError, OpenHome, SystemEntropy};

/// What a scrub found of one log.
#[derive(Debug)]
pub struct ScrubbedLog {
    /// The log.
    pub origin: Origin,
    /// Whose it is.
    pub role: LogRole,
    /// What was damaged first, if anything was.
    pub damage: Option<NodeError>,
    /// Whether it was begun anew, so that the next node that runs fetches it from its peers. What is damaged of an own log,
    /// of one that was set aside, and of one that no peer gives any more, stays as it is.
    pub begun_anew: bool,
}

/// What a scrub found.
#[derive(Debug)]
pub struct Scrubbed {
    /// Each log.
    pub logs: Vec<ScrubbedLog>,
    /// What is damaged of no log or cannot be told of which: rows of the database, sign-locks, keys, cards.
    pub others: Vec<NodeError>,
}

impl Scrubbed {
    /// Whether nothing was damaged.
    pub fn is_whole(&self) -> bool {
        self.others.is_empty() && self.logs.iter().all(|log| log.damage.is_none())
    }
}

impl OpenHome {
    /// Hashes every entry and tile again, opens every section, and reads every checkpoint, every row of the database, the
    /// sign-locks of author and cosigners, and the files that a node needs. Damaged replicas are begun anew.
    ///
    /// # Errors
    /// A [`NodeError`] if the medium fails; damage is no error.
    pub fn scrub(&self) -> Result<Scrubbed, NodeError> {
        let (mut logs, mut others) = (Vec::new(), Vec::new());
        for (origin, role) in self.store().logs()? {
            logs.push(self.scrub_log(origin, role)?);
        }
        for log in &logs {
            for role in [Role::Author, Role::Witness, Role::Mirror] {
                others.extend(found(self.lock().check(role, &log.origin))?);
            }
        }
        // After what is begun anew: rows that are nobody's any more accuse nobody.
        others.extend(found(self.store().check_rows())?);
        others.extend(found(self.home().identity())?);
        others.extend(found(self.home().cosigner_keys())?);
        others.extend(found(self.home().peers())?);
        Ok(Scrubbed { logs, others })
    }

    fn scrub_log(&self, origin: Origin, role: LogRole) -> Result<ScrubbedLog, NodeError> {
        let damage = found(self.check_log(&origin, role))?;
        let begun_anew = damage.is_some()
            && role == LogRole::Replica
            && !is_set_aside(&origin)
            && self.is_fetched(&origin);
        if begun_anew {
            self.store().begin_anew(&origin, &mut SystemEntropy::new())?;
        }
        Ok(ScrubbedLog { origin, role, damage, begun_anew })
    }

    /// Whether there is a peer from whom a log is fetched: what nobody gives again stays as it is.
    fn is_fetched(&self, origin: &Origin) -> bool {
        let Ok(peers) = self.home().peers() else { return false };
        let upstream = peers.find(origin.agency()).map(|author| author.upstream().clone());
        upstream.is_some_and(|upstream| peers.find(&upstream).is_some())
    }

    fn check_log(&self, origin: &Origin, role: LogRole) -> Result<(), NodeError> {
        let store = self.store();
        if role == LogRole::Replica {
            store.check_replica(origin)?;
        }
        check(store, origin)?;
        let held = store.held(origin)?;
        for note in store.notes(origin)? {
            let head = head_of(&note)?;
            if head.size > held.size || !stands_in(store, origin, head)? {
                let (what, log) = ("a checkpoint", origin.to_string());
                return Err(StoreError::Damaged { what, log, place: head.size.value() }.into());
            }
        }
        Ok(())
    }
}

/// Whether the entries held begin with a tree.
///
/// # Errors
/// A [`NodeError`] if they cannot be read: a failure of the medium says nothing of the tree.
pub(crate) fn stands_in(store: &Store, origin: &Origin, head: Head) -> Result<bool, NodeError> {
    match root_at(&store.nodes(origin), head.size) {
        Ok(root) => Ok(root == head.root),
        Err(ProveError::Read { source, .. }) => Err(source.into()),
        Err(ProveError::Position { .. } | ProveError::Edge { .. }) => Ok(false),
    }
}

/// The damage that was found. A failure of the store is none, and no more is a file that is there and cannot be read now: for
/// want of file descriptors, or of permission.
fn found<T, E: Into<NodeError>>(checked: Result<T, E>) -> Result<Option<NodeError>, NodeError> {
    match checked.map_err(Into::into) {
        Ok(_) => Ok(None),
        Err(NodeError::Store(error)) if !error.is_damage() => Err(error.into()),
        Err(NodeError::File { action, path, source }) if source.kind() != ErrorKind::NotFound => {
            Err(NodeError::File { action, path, source })
        }
        Err(damage) => Ok(Some(damage)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what cannot be read for the moment accuses no file.
    #[test]
    fn a_file_that_is_there_and_cannot_be_opened_is_no_damage() {
        let file =
            |kind: ErrorKind| NodeError::File { action: "read", path: "keys".into(), source: kind.into() };
        assert!(matches!(found::<(), _>(Err(file(ErrorKind::NotFound))), Ok(Some(_))));
        assert!(found::<(), _>(Err(file(ErrorKind::PermissionDenied))).is_err());
        // EMFILE
        let none_left = std::io::Error::from_raw_os_error(24);
        let none_left = NodeError::File { action: "read", path: "keys".into(), source: none_left };
        assert!(found::<(), _>(Err(none_left)).is_err());
    }
}
