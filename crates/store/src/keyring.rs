//! The keyring: one random key per entry, kept outside the database so that it can be destroyed.
//!
//! KEK (a file that the operator guards) → root file with one random key per page → pages of 128 entry keys.
//! A page has two places in its log's page file and is written to them in turn, so that the last durable copy is
//! never overwritten; the root file is replaced whole. A key is destroyed by giving its page another page key: the copy
//! that still has it opens with a key that the root file no longer holds.

mod destroy;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use comity_ledger::{Entropy, Origin};
use zeroize::Zeroizing;

use crate::key_page::{PAGE_ENTRIES, PAGE_KEYS, PAGE_SEALED_BYTES, Page, Place};
use crate::key_pages::KeyPages;
use crate::log_id::LogId;
use crate::medium::Medium;
use crate::seal::Key;
use crate::{StoreError, files};

/// Bytes between the places of pages: a multiple of the 512-byte sector, so that no write tears a neighbour.
const PLACE_BYTES: usize = 4_608;
/// First bytes of the root file, and the data authenticated with it.
const ROOT_MAGIC: &[u8] = b"comity/keyring/v1\n";
/// Bytes of one line of the root file: log, page, key.
const ROOT_LINE_BYTES: usize = LogId::LEN + 8 + Key::LEN;
/// Largest root file: page keys of 2^31 entries.
const ROOT_BYTES_MAX: u64 = 1 << 30;
/// Pages begun at once, so that the root file is replaced once for 4,096 entries: 147 kB.
const PAGES_AHEAD: u64 = 32;
/// Pages of a page file copied at once: 1 MiB and less, both places of each.
const PAGES_AT_ONCE: usize = 64;
/// Pages held open in memory; a scan reads each page once, an author appends to one.
const OPEN_PAGES_MAX: usize = 256;

/// The key that seals the root file: 32 random bytes in a file that no backup of the store holds.
#[derive(Clone)]
pub struct Kek(Key);

impl Kek {
    /// Bytes of the key.
    pub const LEN: usize = Key::LEN;

    /// A key of these bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(Key::from_bytes(bytes))
    }
}

impl std::fmt::Debug for Kek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kek(..)")
    }
}

/// Keys are never shown.
impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring({})", self.folder.display())
    }
}

pub(crate) struct Keyring {
    folder: PathBuf,
    kek: Kek,
    page_keys: BTreeMap<(LogId, u64), Key>,
    pages: BTreeMap<(LogId, u64), Page>,
    files: BTreeMap<LogId, Arc<File>>,
    /// Pages that the root file does not name yet.
    begun: Vec<(LogId, u64)>,
    /// Counts each time that page keys were given up: with a root file from before, pages from after do not open.
    given_up: u64,
    medium: Medium,
}

impl Keyring {
    /// Makes an empty keyring in a folder that has none.
    pub(crate) fn create(
        folder: &Path,
        kek: Kek,
        medium: Medium,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, StoreError> {
        let keyring = Self::empty(folder, kek, medium);
        if keyring.root_path().exists() {
            return Err(StoreError::Keyring { path: keyring.root_path(), reason: "there is one already" });
        }
        keyring.write_root(entropy)?;
        Ok(keyring)
    }

    /// Opens the keyring of a folder.
    pub(crate) fn open(folder: &Path, kek: Kek, medium: Medium) -> Result<Self, StoreError> {
        let mut keyring = Self::empty(folder, kek, medium);
        let path = keyring.root_path();
        let refuse = |reason| StoreError::Keyring { path: path.clone(), reason };
        let bytes = files::read(&path, ROOT_BYTES_MAX)?.ok_or_else(|| refuse("it is missing"))?;
        // Pages are written by the word of this root, over copies that only a former one opens: a power cut must not bring
        // that back.
        files::sync_name_of(&keyring.medium, &path)?;
        let sealed = bytes.strip_prefix(ROOT_MAGIC).ok_or_else(|| refuse("it is not a keyring"))?;
        let plain = keyring.kek.0.open(ROOT_MAGIC, sealed);
        let plain = plain.ok_or_else(|| refuse("it is damaged or sealed under another key"))?;
        let (lines, rest) = plain.as_chunks::<ROOT_LINE_BYTES>();
        if !rest.is_empty() {
            return Err(refuse("its length is wrong"));
        }
        for line in lines {
            let (log, rest) = line.split_first_chunk().ok_or_else(|| refuse("a line is short"))?;
            let (page, rest) = rest.split_first_chunk().ok_or_else(|| refuse("a line is short"))?;
            let (key, _) = rest.split_first_chunk().ok_or_else(|| refuse("a line is short"))?;
            let place = (LogId::from_bytes(*log), u64::from_be_bytes(*page));
            keyring.page_keys.insert(place, Key::from_bytes(*key));
        }
        Ok(keyring)
    }

    fn empty(folder: &Path, kek: Kek, medium: Medium) -> Self {
        Self {
            folder: folder.to_owned(),
            kek,
            page_keys: BTreeMap::new(),
            pages: BTreeMap::new(),
            files: BTreeMap::new(),
            begun: Vec::new(),
            given_up: 0,
            medium,
        }
    }

    /// Gives entries from `first` on their keys, durably; what stood for them before is gone. An entry without
    /// sections has none.
    pub(crate) fn assign(
        &mut self,
        origin: &Origin,
        first: u64,
        keys: &[Option<Key>],
        entropy: &mut dyn Entropy,
    ) -> Result<(), StoreError> {
        let log = LogId::of(origin);
        let sealed = self.try_assign(log, first, keys, entropy);
        let written = sealed.and_then(|sealed| self.key_pages(log, sealed, entropy)?.write());
        self.assigned(log, written)
    }

    fn try_assign(
        &mut self,
        log: LogId,
        first: u64,
        keys: &[Option<Key>],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut index = first;
        let mut rest = keys;
        let mut sealed_pages = Vec::new();
        while !rest.is_empty() {
            let (page, position) = place_of(index);
            let (now, later) = rest.split_at(rest.len().min(PAGE_KEYS - position));
            // Where there is no page there is no key that had to go.
            if self.page_keys.contains_key(&(log, page)) || now.iter().any(Option::is_some) {
                sealed_pages.extend(self.begin_page(log, page, entropy)?);
                let held = self.page(log, page)?;
                for (place, key) in held.keys.iter_mut().skip(position).zip(now) {
                    *place = key.clone().map_or(Place::Empty, Place::Held);
                }
                held.sequence += 1;
                sealed_pages.push(self.seal_page(log, page, entropy)?);
            }
            index = index.saturating_add(u64::try_from(now.len()).unwrap_or(u64::MAX));
            rest = later;
        }
        Ok(sealed_pages)
    }

    /// The keys of these entries, ascending; each that has none gets a new one. Nobody may rely on them before the pages
    /// were written and [`assigned`](Self::assigned) was told so, which it must be in any case.
    pub(crate) fn assign_missing(
        &mut self,
        log: LogId,
        indexes: &[u64],
        entropy: &mut dyn Entropy,
    ) -> Result<(Vec<Key>, KeyPages), StoreError> {
        let mut keys = Vec::with_capacity(indexes.len());
        let sealed = self.try_assign_missing(log, indexes, &mut keys, entropy);
        match sealed.and_then(|sealed| self.key_pages(log, sealed, entropy)) {
            Ok(pages) => Ok((keys, pages)),
            Err(error) => Err(self.forget_unwritten(log, error)),
        }
    }

    /// Ends an assignment whose pages were written and named, or could not be.
    pub(crate) fn assigned(&mut self, log: LogId, written: Result<(), StoreError>) -> Result<(), StoreError> {
        written.map_err(|error| self.forget_unwritten(log, error))?;
        self.begun.clear();
        self.forget_some();
        Ok(())
    }

    fn try_assign_missing(
        &mut self,
        log: LogId,
        indexes: &[u64],
        keys: &mut Vec<Key>,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut sealed_pages = Vec::new();
        let path = self.pages_path(log);
        for run in indexes.chunk_by(|a, b| place_of(*a).0 == place_of(*b).0) {
            let Some((page, _)) = run.first().copied().map(place_of) else { continue };
            sealed_pages.extend(self.begin_page(log, page, entropy)?);
            let held = self.page(log, page)?;
            let mut changed = false;
            for index in run {
                let (_, position) = place_of(*index);
                let short = || StoreError::Keyring { path: path.clone(), reason: "a page is short" };
                let place = held.keys.get_mut(position).ok_or_else(short)?;
                if matches!(place, Place::Empty) {
                    changed = true;
                    *place = Place::Held(Key::random(entropy)?);
                }
                let erased =
                    || StoreError::Keyring { path: path.clone(), reason: "what was erased has no key" };
                keys.push(place.key().cloned().ok_or_else(erased)?);
            }
            if changed {
                held.sequence += 1;
                sealed_pages.push(self.seal_page(log, page, entropy)?);
            }
        }
        Ok(sealed_pages)
    }

    /// After a failure nothing stands in memory that may not stand on the medium: keys that were thought to be there
    /// would be used, and lost. The page file is opened anew, and so synced, before the next writing: what was
    /// written must not count as the durable copy of its page.
    fn forget_unwritten(&mut self, log: LogId, error: StoreError) -> StoreError {
        self.pages.clear();
        self.files.remove(&log);
        for place in std::mem::take(&mut self.begun) {
            self.page_keys.remove(&place);
        }
        error
    }

    /// Makes a page and those after it if there is none yet; gives them sealed, to be written before the root names
    /// them.
    fn begin_page(
        &mut self,
        log: LogId,
        page: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut sealed_pages = Vec::new();
        if self.page_keys.contains_key(&(log, page)) {
            return Ok(sealed_pages);
        }
        for page in page..page.saturating_add(PAGES_AHEAD) {
            let Entry::Vacant(place) = self.page_keys.entry((log, page)) else { break };
            place.insert(Key::random(entropy)?);
            self.pages.insert((log, page), Page::empty());
            self.begun.push((log, page));
            sealed_pages.push(self.seal_page(log, page, entropy)?);
        }
        Ok(sealed_pages)
    }

    /// Sealed pages, and the root that names them if some are new.
    fn key_pages(
        &mut self,
        log: LogId,
        sealed: Vec<(u64, Vec<u8>)>,
        entropy: &mut dyn Entropy,
    ) -> Result<KeyPages, StoreError> {
        let (path, medium) = (self.pages_path(log), self.medium.clone());
        let file = if sealed.is_empty() { None } else { Some(Arc::clone(self.file(log)?)) };
        let root = if self.begun.is_empty() { None } else { Some(self.seal_root(entropy)?) };
        Ok(KeyPages { file, path, medium, sealed, root })
    }

    /// Forgets all keys of a log, durably: it is begun anew.
    pub(crate) fn forget(&mut self, log: LogId, entropy: &mut dyn Entropy) -> Result<(), StoreError> {
        self.given_up = self.given_up.wrapping_add(1);
        self.page_keys.retain(|(of, _), _| *of != log);
        self.pages.clear();
        self.files.remove(&log);
        self.write_root(entropy)?;
        let path = self.pages_path(log);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::File { action: "remove", path, source: error })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The root file as it stands, sealed.
    pub(crate) fn root_bytes(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.root_path();
        let missing = StoreError::Keyring { path: path.clone(), reason: "it is missing" };
        files::read(&path, ROOT_BYTES_MAX)?.ok_or(missing)
    }

    /// How often page keys were given up so far: a copy of the root file opens the pages that are copied after it as long as
    /// this stays.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// The names of the page files that the root names pages of.
    pub(crate) fn page_files(&self) -> Vec<String> {
        let mut logs: Vec<LogId> = self.page_keys.keys().map(|(log, _)| *log).collect();
        logs.dedup();
        logs.into_iter().map(|log| format!("{log}.pages")).collect()
    }

    /// Both places of the next pages of a page file, as they stand; empty at its end. Nobody writes to them meanwhile.
    pub(crate) fn page_bytes(&self, name: &str, offset: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.folder.join(name);
        let failed = |action, source| StoreError::File { action, path: path.clone(), source };
        let file = File::open(&path).map_err(|source| failed("open", source))?;
        let mut bytes = vec![0; 2 * PLACE_BYTES * PAGES_AT_ONCE];
        let mut read = 0;
        while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            match file.read_at(rest, at).map_err(|source| failed("read", source))? {
                0 => break,
                more => read = read.saturating_add(more),
            }
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    /// The keys of some entries, one for each; `None` if it never had one, lost it, or it was destroyed.
    pub(crate) fn keys(&mut self, log: LogId, indexes: Range<u64>) -> Result<Vec<Option<Key>>, StoreError> {
        let mut keys = Vec::new();
        let mut index = indexes.start;
        while index < indexes.end {
            let (page, position) = place_of(index);
            let end = indexes.end.min(page.saturating_add(1).saturating_mul(PAGE_ENTRIES));
            let count = usize::try_from(end - index).unwrap_or(PAGE_KEYS);
            if self.page_keys.contains_key(&(log, page)) {
                let held = self.page(log, page)?.keys.iter().skip(position).take(count);
                keys.extend(held.map(|place| place.key().cloned()));
            } else {
                keys.extend(std::iter::repeat_n(None, count));
            }
            index = end;
        }
        self.forget_some();
        Ok(keys)
    }

    fn page(&mut self, log: LogId, page: u64) -> Result<&mut Page, StoreError> {
        if !self.pages.contains_key(&(log, page)) {
            let read = self.read_page(log, page)?;
            self.pages.insert((log, page), read);
        }
        let folder = &self.folder;
        let missing = || StoreError::Keyring { path: pages_path(folder, log), reason: "a page is missing" };
        self.pages.get_mut(&(log, page)).ok_or_else(missing)
    }

    /// Reads the newer readable place of a page.
    fn read_page(&mut self, log: LogId, page: u64) -> Result<Page, StoreError> {
        let path = self.pages_path(log);
        let missing = StoreError::Keyring { path: path.clone(), reason: "a page has no key" };
        let key = self.page_keys.get(&(log, page)).cloned().ok_or(missing)?;
        let file = self.file(log)?;
        let mut newest: Option<Page> = None;
        for place in 0..2 {
            let mut sealed = vec![0; PAGE_SEALED_BYTES];
            match file.read_exact_at(&mut sealed, offset_of(page, place)) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => continue,
                Err(source) => return Err(StoreError::File { action: "read", path, source }),
            }
            if let Some(read) = Page::open(&key, log, page, &sealed)
                && newest.as_ref().is_none_or(|held| held.sequence < read.sequence)
            {
                newest = Some(read);
            }
        }
        newest.ok_or(StoreError::Keyring { path, reason: "a page is damaged or missing" })
    }

    fn seal_page(
        &self,
        log: LogId,
        page: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<(u64, Vec<u8>), StoreError> {
        let missing = || StoreError::Keyring { path: self.pages_path(log), reason: "a page is missing" };
        let held = self.pages.get(&(log, page)).ok_or_else(missing)?;
        let key = self.page_keys.get(&(log, page)).ok_or_else(missing)?;
        Ok((offset_of(page, held.sequence % 2), held.seal(key, log, page, entropy)?))
    }

    fn write_root(&self, entropy: &mut dyn Entropy) -> Result<(), StoreError> {
        let (path, bytes) = self.seal_root(entropy)?;
        files::replace(&self.medium, &path, &bytes)
    }

    /// The root file as it is to stand: where, and what.
    fn seal_root(&self, entropy: &mut dyn Entropy) -> Result<(PathBuf, Vec<u8>), StoreError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(self.page_keys.len() * ROOT_LINE_BYTES));
        for ((log, page), key) in &self.page_keys {
            plain.extend_from_slice(log.as_bytes());
            plain.extend_from_slice(&page.to_be_bytes());
            plain.extend_from_slice(key.as_bytes());
        }
        let mut bytes = ROOT_MAGIC.to_vec();
        bytes.append(&mut self.kek.0.seal(ROOT_MAGIC, &[&plain], entropy)?);
        Ok((self.root_path(), bytes))
    }

    fn file(&mut self, log: LogId) -> Result<&Arc<File>, StoreError> {
        match self.files.entry(log) {
            Entry::Occupied(held) => Ok(held.into_mut()),
            Entry::Vacant(place) => {
                let path = pages_path(&self.folder, log);
                let fresh = !path.exists();
                let file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .mode(0o600)
                    .open(&path)
                    .map_err(|source| StoreError::File { action: "open", path: path.clone(), source })?;
                if fresh {
                    files::sync_folder_of(&self.medium, &path)?;
                } else {
                    // What a killed process wrote may be in memory only: the copy that is durable must not be the
                    // next to be overwritten.
                    self.medium.sync(&path, || file.sync_data())?;
                }
                Ok(place.insert(Arc::new(file)))
            }
        }
    }

    /// A scan reads each page once, in either direction, so that starting over costs little.
    fn forget_some(&mut self) {
        if self.pages.len() > OPEN_PAGES_MAX {
            self.pages.clear();
        }
    }

    fn root_path(&self) -> PathBuf {
        self.folder.join("root")
    }

    fn pages_path(&self, log: LogId) -> PathBuf {
        pages_path(&self.folder, log)
    }
}

fn pages_path(folder: &Path, log: LogId) -> PathBuf {
    folder.join(format!("{log}.pages"))
}

fn place_of(index: u64) -> (u64, usize) {
    // The remainder is below 128.
    (index / PAGE_ENTRIES, usize::try_from(index % PAGE_ENTRIES).unwrap_or(0))
}

fn offset_of(page: u64, place: u64) -> u64 {
    page.saturating_mul(2)
        .saturating_add(place)
        .saturating_mul(u64::try_from(PLACE_BYTES).unwrap_or(u64::MAX))
}
