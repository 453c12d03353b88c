//! Replicas that are set aside: kept whole under a name of their own, so that another log can begin under the old one.
//!
//! A set-aside replica keeps entries, tiles, checkpoints, sections and its pinned key; it is followed and served no
//! more. Not here: who decides that (the register of peers of `comity-node`).

use comity_ledger::{Entropy, Entry, Origin, Slot, VerifiedOpening};
use comity_tlog::{EntryIndex, TreeSize};

use crate::cosigned::existed_prefix;
use crate::first_quorum::first_quorum_prefix;
use crate::log_id::LogId;
use crate::pins::{genesis_place, pin_place};
use crate::{LogRole, ReadError, Store, StoreError, flush_watch};

/// Replicas set aside of one origin: each is a change of keys that people have confirmed, a handful in a lifetime.
const PER_ORIGIN_MAX: u32 = 64;
/// The part of an origin that no author's log has: `<agency>/aside/<number>`.
const PLACE: &str = "/aside/";
/// `a ‖ log`: how many were set aside, and how far the last has come.
const COUNT: u8 = b'a';
/// Nothing is under way.
const DONE: u8 = 0;
/// The copy may be incomplete; what it is made of is whole.
const COPYING: u8 = 1;
/// The copy is whole; what it was made of may be incomplete.
const CLEARING: u8 = 2;
/// Rows written or removed at once; a row has at most 7,400 bytes.
const ROWS_AT_ONCE: usize = 256;
/// Entries whose sections are read at once; with the largest sections they take 10 MiB.
const ENTRIES_AT_ONCE: u64 = 16;
/// Bytes of sections after which they are kept, with one sync.
const SECTION_BYTES_AT_ONCE: usize = 4 << 20;

/// Whether an origin is the place of a replica that was set aside, and so the name of nobody's log.
pub fn is_set_aside(origin: &Origin) -> bool {
    origin.as_str().strip_prefix(origin.agency().as_str()).is_some_and(|log| log.starts_with(PLACE))
}

impl Store {
    /// Sets a replica aside under a name of its own, which is given back; the old name is free then. Nobody else may
    /// use the replica meanwhile. What a crash left half done is ended by the next call, or when the store is opened.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if this is no replica here, [`StoreError::TooLong`] if too many were set aside
    /// before, [`StoreError::Damaged`] if what is held of it is not what was kept; else as the store fails.
    pub fn set_aside(&self, origin: &Origin, entropy: &mut dyn Entropy) -> Result<Origin, StoreError> {
        self.require_replica(origin)?;
        let log = LogId::of(origin);
        let (mut number, state) = self.aside_count(log)?;
        if state == DONE {
            number = number.saturating_add(1);
        }
        if number > PER_ORIGIN_MAX {
            let len = usize::try_from(number).unwrap_or(usize::MAX);
            return Err(StoreError::TooLong { what: "a list of replicas set aside", len });
        }
        let name = format!("{}{PLACE}{number}", origin.agency());
        let too_long = |_| StoreError::TooLong { what: "the name of a replica set aside", len: name.len() };
        let place: Origin = name.parse().map_err(too_long)?;
        self.put_aside_count(log, number, COPYING)?;
        self.copy_log(origin, &place)?;
        self.copy_sections(origin, &place, entropy)?;
        // What is copied is durable before anything of it goes.
        self.db.sync()?;
        self.put_aside_count(log, number, CLEARING)?;
        self.db.sync()?;
        // Entries of the log that begins under the old name get keys of their own.
        self.keyring().forget(log, entropy)?;
        self.clear(log, number)?;
        Ok(place)
    }

    /// How often a replica of a log was set aside.
    ///
    /// # Errors
    /// A [`StoreError`], also if what is kept is no such count.
    pub fn times_set_aside(&self, origin: &Origin) -> Result<u32, StoreError> {
        Ok(self.aside_count(LogId::of(origin))?.0)
    }

    /// Removes what a crash left of replicas whose copies are whole.
    pub(crate) fn end_clearing(&self) -> Result<(), StoreError> {
        for item in self.pins.scan_prefix([COUNT]) {
            let (place, _) = item?;
            let Some(id) = place.last_chunk::<{ LogId::LEN }>() else { continue };
            let log = LogId::from_bytes(*id);
            let (number, state) = self.aside_count(log)?;
            if state == CLEARING {
                self.clear(log, number)?;
            }
        }
        Ok(())
    }

    /// Entries, tiles, checkpoints and key, as rows; the copy is a replica then.
    fn copy_log(&self, origin: &Origin, place: &Origin) -> Result<(), StoreError> {
        let (from, to) = (LogId::of(origin), LogId::of(place));
        for tree in [&self.entries, &self.tiles, &self.notes, &self.heads, &self.seen] {
            let mut batch = sled::Batch::default();
            for (item, number) in tree.scan_prefix(from.as_bytes()).zip(1_usize..) {
                let (key, value) = item?;
                let rest = key.get(LogId::LEN..).unwrap_or_default();
                batch.insert([to.as_bytes(), rest].concat(), value);
                if number.is_multiple_of(ROWS_AT_ONCE) {
                    let full = std::mem::take(&mut batch);
                    flush_watch::batch(|| tree.apply_batch(full))?;
                }
            }
            flush_watch::batch(|| tree.apply_batch(batch))?;
        }
        if let Some(key) = self.pinned_key(origin)? {
            self.put_pin(place, &key)?;
        }
        self.create_log(place, LogRole::Replica)
    }

    /// Sections are sealed for their place, so they are opened, compared with their commitments, and sealed anew.
    fn copy_sections(
        &self,
        origin: &Origin,
        place: &Origin,
        entropy: &mut dyn Entropy,
    ) -> Result<(), StoreError> {
        let end = self.held(origin)?.size;
        let (mut start, mut openings, mut bytes) = (TreeSize::ZERO, Vec::new(), 0);
        while start < end {
            let next = start.checked_add(ENTRIES_AT_ONCE).unwrap_or(end).min(end);
            for (index, opening) in self.verified_sections(origin, start..next)? {
                bytes += opening.section().len();
                openings.push((index, opening));
            }
            start = next;
            if bytes >= SECTION_BYTES_AT_ONCE || start == end {
                let mut step = self.replica_step(place)?;
                step.release(origin.agency(), &openings, 0, entropy)?;
                step.finish()?;
                openings.clear();
                bytes = 0;
            }
        }
        Ok(())
    }

    fn verified_sections(
        &self,
        origin: &Origin,
        range: std::ops::Range<TreeSize>,
    ) -> Result<Vec<(EntryIndex, VerifiedOpening)>, StoreError> {
        let slots: Vec<Slot> = (0..=Slot::TAGS.number()).map(Slot::new).collect();
        let entries = self.entries(origin, range.start, range.end)?;
        let (mut entries, mut found) = (entries.iter(), Vec::new());
        let read = self.each_opening(origin, range, &slots, |index, openings| {
            let damaged = |what| StoreError::Damaged { what, log: origin.to_string(), place: index.value() };
            let entry = entries.next().and_then(|bytes| Entry::parse(bytes).ok());
            let entry = entry.ok_or_else(|| damaged("an entry"))?;
            for (slot, opening) in slots.iter().zip(openings) {
                let Some(opening) = opening.take() else { continue };
                let verified = opening.verify(origin, &entry, *slot);
                let verified = verified.map_err(|_| damaged("a section that gives another commitment"))?;
                found.push((index, verified));
            }
            Ok(())
        });
        match read {
            Ok(()) => Ok(found),
            Err(ReadError::Store(error) | ReadError::Taker(error)) => Err(error),
        }
    }

    /// Removes all rows of a log; the row by which it is a log at all goes last.
    fn clear(&self, log: LogId, number: u32) -> Result<(), StoreError> {
        let plain = log.as_bytes().to_vec();
        let behind = |kind: u8| [&[kind], log.as_bytes().as_slice()].concat();
        for prefix in [existed_prefix(log), first_quorum_prefix(log)] {
            remove_all(&self.cosigned, &prefix)?;
        }
        for tree in [&self.entries, &self.tiles, &self.sections, &self.notes, &self.heads, &self.seen] {
            remove_all(tree, &plain)?;
        }
        self.forget_seen_beside(log)?;
        for kind in *b"cae" {
            remove_all(&self.late, &behind(kind))?;
        }
        for kind in *b"crp" {
            remove_all(&self.releases, &behind(kind))?;
        }
        self.pins.remove(pin_place(log))?;
        self.pins.remove(genesis_place(log))?;
        self.known_keys.forget(log);
        self.logs.remove(log.as_bytes())?;
        self.put_aside_count(log, number, DONE)?;
        self.db.sync()
    }

    fn aside_count(&self, log: LogId) -> Result<(u32, u8), StoreError> {
        let Some(value) = self.pins.get(count_place(log))? else { return Ok((0, DONE)) };
        match value.as_ref() {
            [a, b, c, d, state] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), *state)),
            _ => Err(StoreError::Damaged {
                what: "the list of replicas set aside",
                log: log.to_string(),
                place: 0,
            }),
        }
    }

    fn put_aside_count(&self, log: LogId, number: u32, state: u8) -> Result<(), StoreError> {
        let [a, b, c, d] = number.to_be_bytes();
        self.pins.insert(count_place(log), &[a, b, c, d, state])?;
        Ok(())
    }
}

fn count_place(log: LogId) -> Vec<u8> {
    let mut place = vec![COUNT];
    place.extend_from_slice(log.as_bytes());
    place
}

pub(crate) fn remove_all(tree: &sled::Tree, prefix: &[u8]) -> Result<(), StoreError> {
    loop {
        let mut batch = sled::Batch::default();
        let mut rows = 0;
        for item in tree.scan_prefix(prefix).keys().take(ROWS_AT_ONCE) {
            batch.remove(item?);
            rows += 1;
        }
        if rows == 0 {
            return Ok(());
        }
        flush_watch::batch(|| tree.apply_batch(batch))?;
    }
}

#[cfg(test)]
mod tests {
    use comity_ledger::EntropyError;
    use comity_tlog::{KeyKind, KeyName, SigningKey};

    use super::*;
    use crate::{Kek, StorePaths};

    struct Ones;

    impl Entropy for Ones {
        fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
            buffer.fill(1);
            Ok(())
        }
    }

    #[test]
    fn a_crash_while_setting_aside_leaves_the_replica_or_its_whole_copy() {
        let dir = tempfile::tempdir().unwrap();
        let paths = StorePaths { database: dir.path().join("store"), keyring: dir.path().join("keyring") };
        std::fs::create_dir(&paths.database).unwrap();
        std::fs::create_dir(&paths.keyring).unwrap();
        let kek = || Kek::from_bytes([1; 32]);
        let origin: Origin = "a.example/pub".parse().unwrap();
        let name = KeyName::new(origin.as_str()).unwrap();
        let key = SigningKey::from_seed(name, KeyKind::Ed25519, &[7; 32]).unwrap();
        let mut store = Store::create(&paths, kek(), &mut Ones).unwrap();
        for (state, is_there) in [(COPYING, true), (CLEARING, false)] {
            store.begin_replica(&origin, key.verifier()).unwrap();
            store.put_aside_count(LogId::of(&origin), 1, state).unwrap();
            store.sync().unwrap();
            drop(store);
            store = Store::open(&paths, kek()).unwrap();
            assert_eq!(store.role(&origin).unwrap().is_some(), is_there);
            assert_eq!(store.pinned_key(&origin).unwrap().is_some(), is_there);
        }
        store.begin_replica(&origin, key.verifier()).unwrap();
        assert_eq!(store.set_aside(&origin, &mut Ones).unwrap().as_str(), "a.example/aside/2");
        assert_eq!(store.times_set_aside(&origin).unwrap(), 2);
    }
}
