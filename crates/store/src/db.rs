//! The database file, guarded: opened with care, and synced by us.
//!
//! sled 0.34's `flush` calls `sync_file_range`, which promises nothing across a power cut, so every flush here
//! is followed by a sync of the files themselves; between two of them `synchronous` keeps its writes in order.
//! A snapshot file that a crash left half written makes sled refuse to open for ever; it is only a cache of the log and
//! can be rebuilt from it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::flush_watch::FlushWatch;
use crate::medium::Medium;
use crate::writes::Writes;
use crate::{StoreError, files, passing, reserve, synchronous};

/// Cache of pages in memory, in bytes: sled may hold more (`passing`). Logs are written and read in order, so that more
/// was no faster.
const CACHE_BYTES: u64 = 16 << 20;
/// How often a held lock is tried again: a killed process can hold it for a moment longer.
const OPEN_TRIES: u32 = 40;
/// Time between tries.
const OPEN_PAUSE: Duration = Duration::from_millis(100);
/// Tries on a full disk: what sled cuts off in one makes space for the next.
const FULL_TRIES: u32 = 3;

#[derive(Debug)]
pub(crate) struct Db {
    sled: sled::Db,
    folder: PathBuf,
    file: File,
    medium: Medium,
    writes: Writes,
    synchronous: bool,
    /// The last to let go of the database.
    watch: FlushWatch,
}

impl Db {
    /// Opens the database of a folder, making it if there is none.
    pub(crate) fn open(folder: &Path, medium: Medium) -> Result<Self, StoreError> {
        let path = folder.join("db");
        let fresh = !path.exists();
        // Before sled writes to it; one that sled makes now has nothing that a write could harm.
        synchronous::mark(&path);
        remove_half_written_snapshots(folder)?;
        let sled = open_with_reserve(folder).or_else(|error| match error {
            sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) => {
                set_snapshots_aside(folder)?;
                open_with_reserve(folder).map_err(|error| refuse(folder, error))
            }
            other => Err(refuse(folder, other)),
        })?;
        let synchronous = synchronous::mark(&path);
        let file = File::open(&path).map_err(|source| StoreError::File {
            action: "open",
            path: path.clone(),
            source,
        })?;
        let watch = FlushWatch::start(sled.open_tree("meta")?)?;
        let writes = Writes::default();
        let db = Self { sled, folder: folder.to_owned(), file, medium, writes, synchronous, watch };
        if fresh {
            db.sync_all_files()?;
        }
        reserve::keep(folder);
        Ok(db)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether each write is durable before the next relies on it.
    pub(crate) fn is_synchronous(&self) -> bool {
        self.synchronous
    }

    pub(crate) fn tree(&self, name: &str) -> Result<sled::Tree, StoreError> {
        Ok(self.sled.open_tree(name)?)
    }

    /// Reads every row there is: the database compares each page that it reads with its checksum.
    pub(crate) fn read_all(&self) -> Result<(), StoreError> {
        for name in self.sled.tree_names() {
            let tree = self.sled.open_tree(name)?;
            for item in &tree {
                let (key, _) = item?;
                passing::passed(&tree, &key)?;
            }
        }
        Ok(())
    }

    /// Returns only when all that was written before is on stable storage. After one failure it never does again,
    /// whoever asks: the process must stop.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.writes.synced(|| self.sync_files())
    }

    /// Puts what can be read before it is durable.
    pub(crate) fn writing<T>(&self, put: impl FnOnce() -> T) -> T {
        self.writes.during(put)
    }

    /// Whether all that was put so is durable.
    pub(crate) fn is_durable(&self) -> bool {
        self.writes.are_durable()
    }

    fn sync_files(&self) -> Result<(), StoreError> {
        self.medium.sync(&self.folder.join("db"), || {
            self.watch.flush(&self.sled)?;
            #[cfg(comity_planted)]
            if comity_tlog::planted("skip-the-sync") {
                return Ok(());
            }
            self.file.sync_data()
        })?;
        // Values stay below the size at which sled makes a file for each; should one appear, it is synced too.
        let blobs = self.folder.join("blobs");
        if std::fs::read_dir(&blobs).is_ok_and(|mut entries| entries.next().is_some()) {
            self.sync_all_files()?;
        }
        Ok(())
    }

    fn sync_all_files(&self) -> Result<(), StoreError> {
        for folder in [self.folder.clone(), self.folder.join("blobs")] {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                if path.is_file() {
                    self.medium.sync(&path, || File::open(&path)?.sync_all())?;
                }
            }
            files::sync_folder(&self.medium, &folder)?;
        }
        files::sync_folder_of(&self.medium, &self.folder)
    }
}

/// Where the disk is full, in the space that was kept back.
fn open_with_reserve(folder: &Path) -> Result<sled::Db, sled::Error> {
    let mut opened = open_patiently(folder);
    for _ in 1..FULL_TRIES {
        if !matches!(&opened, Err(sled::Error::Io(error)) if error.kind() == std::io::ErrorKind::StorageFull)
        {
            break;
        }
        reserve::give_up(folder);
        opened = open_patiently(folder);
    }
    opened
}

fn open_patiently(folder: &Path) -> Result<sled::Db, sled::Error> {
    let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(None);
    let mut tries = 1;
    loop {
        // At some damage sled panics.
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| config.open()));
        let bug = |_| Err(sled::Error::ReportableBug("it does not read".to_owned()));
        match opened.unwrap_or_else(bug) {
            Err(error) if is_held(&error) && tries < OPEN_TRIES => {
                tries += 1;
                std::thread::sleep(OPEN_PAUSE);
            }
            result => return result,
        }
    }
}

/// sled reports a lock held elsewhere as an I/O error with this word in its text only.
fn is_held(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(io) if io.to_string().contains("WouldBlock") || io.kind() == std::io::ErrorKind::WouldBlock)
}

fn refuse(folder: &Path, error: sled::Error) -> StoreError {
    match error {
        held if is_held(&held) => StoreError::InUse { path: folder.to_owned() },
        sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) => {
            StoreError::DatabaseDamaged { path: folder.to_owned() }
        }
        other => other.into(),
    }
}

fn snapshots(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let named_snap = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("snap."))
    };
    entries.flatten().map(|entry| entry.path()).filter(named_snap).collect()
}

fn remove_half_written_snapshots(folder: &Path) -> Result<(), StoreError> {
    for path in snapshots(folder) {
        if path.extension().is_some_and(|extension| extension == "generating") {
            std::fs::remove_file(&path).map_err(|source| StoreError::File {
                action: "remove",
                path,
                source,
            })?;
        }
    }
    Ok(())
}

fn set_snapshots_aside(folder: &Path) -> Result<(), StoreError> {
    for path in snapshots(folder) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let aside = folder.join(format!("damaged-{name}"));
        std::fs::rename(&path, &aside).map_err(|source| StoreError::File {
            action: "set aside",
            path: path.clone(),
            source,
        })?;
    }
    Ok(())
}
