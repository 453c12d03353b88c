//! The store of one home: its logs, its sealed sections, its keyring.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use comity_ledger::{Entropy, Head, Origin, SignedBatch, StagedBatch};
use comity_tlog::{Hash, TreeSize};

use crate::db::Db;
use crate::held_back::HoldingBack;
use crate::keyring::{Kek, Keyring};
use crate::keys::KnownKeys;
use crate::log_id::LogId;
use crate::medium::Medium;
use crate::rows::Rows;
use crate::seal::{EntrySealer, Key};
use crate::sections::Chunks;
use crate::tiles::TreeNodes;
use crate::{StoreError, entries, tiles, upgrade};

/// The layout of this program's stores.
pub(crate) const SCHEMA: u32 = 3;

/// Where a store keeps what it keeps.
#[derive(Clone, Debug)]
pub struct StorePaths {
    /// The folder of the database.
    pub database: PathBuf,
    /// The folder of the keyring, outside the database and its backups.
    pub keyring: PathBuf,
}

/// Whose log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRole {
    /// This node's own.
    Own,
    /// A copy of a peer's.
    Replica,
}

/// Logs, sealed sections and keyring of one home, open in this process alone.
///
/// After an error that is [`StoreError::Sync`] the process must stop.
#[derive(Debug)]
pub struct Store {
    pub(crate) entries: sled::Tree,
    pub(crate) tiles: sled::Tree,
    pub(crate) sections: sled::Tree,
    pub(crate) late: sled::Tree,
    pub(crate) releases: sled::Tree,
    pub(crate) seen: sled::Tree,
    pub(crate) heads: sled::Tree,
    pub(crate) notes: sled::Tree,
    pub(crate) logs: sled::Tree,
    pub(crate) pins: sled::Tree,
    pub(crate) cosigned: sled::Tree,
    pub(crate) evidence: sled::Tree,
    pub(crate) keyring: Mutex<Keyring>,
    pub(crate) known_keys: KnownKeys,
    pub(crate) holding_back: HoldingBack,
    /// Held over each reading and moving on of a cursor.
    turn: Mutex<()>,
    medium: Medium,
    /// Last, so that it closes the database.
    pub(crate) db: Db,
}

impl Store {
    /// Makes an empty store; both folders exist and are empty.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn create(paths: &StorePaths, kek: Kek, entropy: &mut dyn Entropy) -> Result<Self, StoreError> {
        let medium = Medium::default();
        let keyring = Keyring::create(&paths.keyring, kek, medium.clone(), entropy)?;
        let db = Db::open(&paths.database, medium.clone())?;
        db.tree("meta")?.insert("schema", &SCHEMA.to_be_bytes())?;
        let store = Self::assemble(db, keyring, medium)?;
        store.db.sync()?;
        Ok(store)
    }

    /// Opens a store.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Keyring`] if the keyring is missing or does not open,
    /// [`StoreError::NewerSchema`], or another [`StoreError`].
    pub fn open(paths: &StorePaths, kek: Kek) -> Result<Self, StoreError> {
        require_database(&paths.database)?;
        let medium = Medium::default();
        let keyring = Keyring::open(&paths.keyring, kek, medium.clone())?;
        let db = Db::open(&paths.database, medium.clone())?;
        let schema = db.tree("meta")?.get("schema")?;
        let found = schema.and_then(|value| value.as_ref().try_into().ok()).map_or(0, u32::from_be_bytes);
        if found > SCHEMA {
            return Err(StoreError::NewerSchema { found, known: SCHEMA });
        }
        if found == 0 {
            return Err(StoreError::Damaged { what: "the schema", log: String::new(), place: 0 });
        }
        let store = Self::assemble(db, keyring, medium)?;
        match found {
            1 => upgrade::late_sections_among_the_others(&store)?,
            2 => upgrade::mark(&store)?,
            _ => {}
        }
        upgrade::remove_old_late_sections(&store)?;
        store.end_clearing()?;
        store.end_beginning()?;
        Ok(store)
    }

    pub(crate) fn assemble(db: Db, keyring: Keyring, medium: Medium) -> Result<Self, StoreError> {
        Ok(Self {
            entries: db.tree("entries")?,
            tiles: db.tree("tiles")?,
            sections: db.tree("sections")?,
            late: db.tree("late")?,
            releases: db.tree("releases")?,
            seen: db.tree("seen")?,
            heads: db.tree("heads")?,
            notes: db.tree("notes")?,
            logs: db.tree("logs")?,
            pins: db.tree("pins")?,
            cosigned: db.tree("cosigned")?,
            evidence: db.tree("evidence")?,
            keyring: Mutex::new(keyring),
            known_keys: KnownKeys::default(),
            holding_back: HoldingBack::default(),
            turn: Mutex::new(()),
            medium,
            db,
        })
    }

    /// Enters a log, with nothing in it.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn create_log(&self, origin: &Origin, role: LogRole) -> Result<(), StoreError> {
        let mut value = vec![match role {
            LogRole::Own => 0,
            LogRole::Replica => 1,
        }];
        value.extend_from_slice(origin.as_str().as_bytes());
        self.logs.insert(LogId::of(origin).as_bytes(), value)?;
        self.db.sync()
    }

    /// The logs, in order of origin.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn logs(&self) -> Result<Vec<(Origin, LogRole)>, StoreError> {
        let mut logs = Vec::new();
        for item in &self.logs {
            let (id, value) = item?;
            let id = LogId::from_bytes(id.as_ref().try_into().unwrap_or_default());
            let damaged = || StoreError::Damaged { what: "the list of logs", log: id.to_string(), place: 0 };
            let (role, origin) = value.split_first().ok_or_else(damaged)?;
            let role = if *role == 0 { LogRole::Own } else { LogRole::Replica };
            let text = std::str::from_utf8(origin).map_err(|_| damaged())?;
            logs.push((text.parse().map_err(|_| damaged())?, role));
        }
        logs.sort_by(|(a, _), (b, _)| Ord::cmp(a, b));
        Ok(logs)
    }

    /// Whose log it is; `None` if the store does not have it.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn role(&self, origin: &Origin) -> Result<Option<LogRole>, StoreError> {
        let value = self.logs.get(LogId::of(origin).as_bytes())?;
        Ok(value.map(|value| if value.first() == Some(&0) { LogRole::Own } else { LogRole::Replica }))
    }

    /// Keeps a staged batch: key pages first, then entries, tiles, sections and the pending head, synced.
    ///
    /// What was pending before and never signed is replaced.
    ///
    /// # Errors
    /// [`StoreError::NotNext`] if the batch does not follow the signed entries; else as the store fails.
    pub fn keep_batch(&self, staged: &StagedBatch, entropy: &mut dyn Entropy) -> Result<(), StoreError> {
        let log = LogId::of(staged.origin());
        let start = staged.start().value();
        let held = self.pending(staged.origin())?.map_or(0, |head| head.size.value());
        if start > held {
            return Err(StoreError::NotNext { given: start, held });
        }
        let with_sections = staged.entries().iter().map(|entry| !entry.openings().is_empty());
        let keys = with_sections
            .map(|any| any.then(|| Key::random(entropy)).transpose())
            .collect::<Result<Vec<Option<Key>>, StoreError>>()?;
        self.keyring().assign(staged.origin(), start, &keys, entropy)?;
        // Sections that come back of older entries lie in the same chunks.
        let turn = self.turn();
        let mut chunks = Chunks::from(&self.sections, log, start);
        for ((entry, key), index) in staged.entries().iter().zip(&keys).zip(start..) {
            let index = comity_tlog::EntryIndex::new(index)
                .map_err(|_| StoreError::NotNext { given: start, held })?;
            let Some(key) = key else { continue };
            let mut sealer = EntrySealer::new(key, staged.origin(), index);
            for (slot, opening) in entry.openings() {
                let len = EntrySealer::sealed_len(opening);
                chunks.add_made(index.value(), *slot, len, |value| {
                    sealer.seal_into(value, *slot, opening, entropy)
                })?;
            }
        }
        let mut rows = Rows::default();
        chunks.put(&mut rows)?;
        rows.put_together(&self.sections)?;
        drop(turn);
        let bytes = staged.entries().iter().map(comity_ledger::SealedEntry::bytes);
        let mut rows = Rows::default();
        entries::put(&self.entries, &mut rows, log, start, bytes)?;
        rows.put(&self.entries)?;
        let mut rows = Rows::default();
        tiles::put(&self.tiles, &mut rows, log, staged.tile_hashes())?;
        rows.put(&self.tiles)?;
        self.put_pending(log, staged.head())?;
        self.db.sync()
    }

    pub(crate) fn put_pending(&self, log: LogId, head: Head) -> Result<(), StoreError> {
        let mut value = head.size.value().to_be_bytes().to_vec();
        value.extend_from_slice(head.root.as_bytes());
        self.heads.insert(log.as_bytes(), value)?;
        Ok(())
    }

    /// Returns only when all that is in the database is on stable storage, also what a killed process left to the
    /// system's memory.
    ///
    /// # Errors
    /// [`StoreError::Sync`].
    pub fn sync(&self) -> Result<(), StoreError> {
        self.db.sync()
    }

    /// Returns only when all that was read of sections and releases before is on stable storage: some may be of a step
    /// that is not finished yet.
    ///
    /// # Errors
    /// [`StoreError::Sync`].
    pub fn sync_what_was_read(&self) -> Result<(), StoreError> {
        if self.db.is_durable() { Ok(()) } else { self.db.sync() }
    }

    /// Whether each write of the database is durable before the next relies on it. Where the file system cannot promise
    /// that, a power cut may lose what was acknowledged long before.
    pub fn is_synchronous(&self) -> bool {
        self.db.is_synchronous()
    }

    /// Whether stable storage failed in this process, for whichever file: then nothing more is confirmed, and it must
    /// stop.
    pub fn has_failed(&self) -> bool {
        self.medium.has_failed()
    }

    pub(crate) fn medium(&self) -> &Medium {
        &self.medium
    }

    /// Says that a sync failed elsewhere in this home, of its register or its keys: from now on nothing is
    /// confirmed here either.
    pub fn give_up(&self) {
        self.medium.give_up();
    }

    /// Size and root of the entries kept, signed or not; `None` before the first.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn pending(&self, origin: &Origin) -> Result<Option<Head>, StoreError> {
        let Some(value) = self.heads.get(LogId::of(origin).as_bytes())? else { return Ok(None) };
        let damaged = || StoreError::Damaged { what: "the head", log: origin.to_string(), place: 0 };
        let (size, root) = value.split_first_chunk::<8>().ok_or_else(damaged)?;
        let size = TreeSize::new(u64::from_be_bytes(*size)).map_err(|_| damaged())?;
        let root = root.try_into().map(Hash::from_bytes).map_err(|_| damaged())?;
        Ok(Some(Head { size, root }))
    }

    /// Keeps the signed note of a batch, synced.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn keep_note(&self, signed: &SignedBatch) -> Result<(), StoreError> {
        self.notes.insert(note_key(LogId::of(signed.origin()), signed.head().size.value()), signed.note())?;
        self.db.sync()
    }

    /// The newest signed note.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn newest_note(&self, origin: &Origin) -> Result<Option<Vec<u8>>, StoreError> {
        let newest = self.notes.scan_prefix(LogId::of(origin).as_bytes()).next_back();
        Ok(newest.transpose()?.map(|(_, note)| note.to_vec()))
    }

    /// The newest signed notes, at most `limit`, largest tree first.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn notes_back(&self, origin: &Origin, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let newest = self.notes.scan_prefix(LogId::of(origin).as_bytes()).values().rev().take(limit);
        newest.map(|note| Ok(note?.to_vec())).collect()
    }

    /// The newest signed note of a tree of at most this size.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn newest_note_up_to(&self, origin: &Origin, size: TreeSize) -> Result<Option<Vec<u8>>, StoreError> {
        let log = LogId::of(origin);
        let newest = self.notes.range(note_key(log, 0)..=note_key(log, size.value())).next_back();
        Ok(newest.transpose()?.map(|(_, note)| note.to_vec()))
    }

    /// Every signed note that was kept, smallest tree first.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn notes(&self, origin: &Origin) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut notes = Vec::new();
        for item in self.notes.scan_prefix(LogId::of(origin).as_bytes()) {
            notes.push(item?.1.to_vec());
        }
        Ok(notes)
    }

    /// Reads the tree of a log.
    pub fn nodes(&self, origin: &Origin) -> TreeNodes<'_> {
        TreeNodes::new(&self.tiles, LogId::of(origin))
    }

    pub(crate) fn turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keyring(&self) -> std::sync::MutexGuard<'_, Keyring> {
        // A panic elsewhere does not spoil the keyring: each page in memory is whole at every step.
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn require_database(folder: &Path) -> Result<(), StoreError> {
    if folder.join("db").is_file() {
        return Ok(());
    }
    let source = std::io::Error::from(std::io::ErrorKind::NotFound);
    Err(StoreError::File { action: "find the database in", path: folder.to_owned(), source })
}

/// `log ‖ u64 size`.
pub(crate) fn note_key(log: LogId, size: u64) -> Vec<u8> {
    let mut key = log.as_bytes().to_vec();
    key.extend_from_slice(&size.to_be_bytes());
    key
}
