//! Two first entries of one successor: the root key of the author signed that the log begins with one key and with
//! another, or goes on from one tree and from another, which convicts by itself.
//!
//! Both entries are kept as files of the home, and judged again at each start. Not here: two trees of one log
//! (`other_trees`), and evidence that goes to peers (`convict`).

use std::collections::BTreeMap;
use std::path::Path;

use comity_ledger::{Entry, Genesis, KeyHistory, Origin, Succession};
use comity_tlog::{EntryIndex, Hash, TreeSize};

use super::Gossiping;
use crate::export::hex;
use crate::follow::FORK;
use crate::init::{make_folder, sync_folder, write};
use crate::{Alarm, AlarmKey, NodeError, now};

/// The folder of the home with the first entries, each named by its SHA-256.
const FOLDER: &str = "geneses";
/// Most files that are kept: two of each log that convicts its author so.
const FILES_MAX: usize = 256;
/// Longest file that is read, in bytes: an entry is no longer.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl Gossiping {
    /// Takes in what a peer gives as the first entry of a successor that is held here. Says whether the author stands
    /// convicted by it; what its root key did not sign convicts nobody.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails, or the files cannot be kept.
    pub(super) fn take_genesis(&self, origin: &Origin, entry: &[u8]) -> Result<bool, NodeError> {
        let first = EntryIndex::ZERO.size_through();
        let held = self.node.store().entries(origin, TreeSize::ZERO, first)?;
        let Some(held) = held.first() else { return Ok(false) };
        let (Some(ours), Some(theirs)) = (self.signed_genesis(held)?, self.signed_genesis(entry)?) else {
            return Ok(false);
        };
        if ours.0 != *origin || theirs.0 != *origin || !is_other(origin, &ours.1, &theirs.1) {
            return Ok(false);
        }
        // Kept before anybody is told.
        if !self.node.doubts().convicts(origin) {
            self.keep_geneses([held, entry])?;
        }
        self.convict_by_geneses(origin);
        Ok(true)
    }

    /// Judges the files that were kept.
    ///
    /// # Errors
    /// A [`NodeError`] if they cannot be read.
    pub(super) fn load_geneses(&self) -> Result<(), NodeError> {
        let folder = self.node.home().path(FOLDER);
        let mut signed: BTreeMap<Origin, Genesis> = BTreeMap::new();
        for file in files_of(&folder)? {
            let Some((origin, genesis)) = self.signed_genesis(&file)? else { continue };
            match signed.get(&origin) {
                Some(other) if is_other(&origin, other, &genesis) => self.convict_by_geneses(&origin),
                Some(_) => {}
                None => drop(signed.insert(origin, genesis)),
            }
        }
        Ok(())
    }

    /// The successor of which this is a first entry that the root key of an agency known here signed.
    fn signed_genesis(&self, entry: &[u8]) -> Result<Option<(Origin, Genesis)>, NodeError> {
        let Some(genesis) = Entry::parse(entry).ok().and_then(|entry| Genesis::from_entry(&entry).ok())
        else {
            return Ok(None);
        };
        let Some(closed) = genesis.succession().map(Succession::origin) else { return Ok(None) };
        let Some(root) = self.keys_of(closed)?.and_then(|keys| keys.root_key().cloned()) else {
            return Ok(None);
        };
        let Some(origin) = closed.successor() else { return Ok(None) };
        let Some(key) = genesis.log_key(&origin) else { return Ok(None) };
        let begun = KeyHistory::new(origin.clone(), key).with_root(root).begin(&genesis);
        Ok(begun.is_ok().then_some((origin, genesis)))
    }

    fn keep_geneses(&self, entries: [&[u8]; 2]) -> Result<(), NodeError> {
        let folder = self.node.home().path(FOLDER);
        if !folder.exists() {
            make_folder(&folder)?;
        }
        if files_of(&folder)?.len() >= FILES_MAX {
            return Ok(());
        }
        for entry in entries {
            write(&folder.join(hex(&Hash::digest(entry))), entry)?;
        }
        sync_folder(&folder)
    }

    fn convict_by_geneses(&self, origin: &Origin) {
        if !self.node.doubts().hold_geneses(origin) {
            return;
        }
        let key = AlarmKey { code: FORK, origin: origin.to_string(), agency: origin.agency().to_string() };
        let message = format!(
            "the root key of the author signed two beginnings of this log; both entries are in the folder {FOLDER}"
        );
        tracing::error!(%origin, "an author signed two beginnings of one log");
        self.node.alarms().raise(Alarm { key, since: now(), message });
        self.tell();
    }
}

/// Whether two beginnings of a log are two in what the root key signed; anybody can make another entry around the same.
fn is_other(origin: &Origin, one: &Genesis, other: &Genesis) -> bool {
    let said = |genesis: &Genesis| (genesis.log_key(origin), genesis.succession().map(Succession::last_good));
    said(one) != said(other)
}

fn files_of(folder: &Path) -> Result<Vec<Vec<u8>>, NodeError> {
    let failed = |source| NodeError::File { action: "read", path: folder.to_owned(), source };
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for file in listed.take(FILES_MAX) {
        let file = file.map_err(failed)?;
        if file.metadata().map_err(failed)?.len() <= FILE_BYTES_MAX {
            files.push(std::fs::read(file.path()).map_err(failed)?);
        }
    }
    Ok(files)
}
