//! Stores of older layouts, brought to the present one when they are opened.
//!
//! Each step copies, marks the store as brought up, syncs, and only then removes: what is cut off before the mark is
//! done again, and what is left behind it is removed at the next opening. Not here: what a layout is (`store`, `sections`, `late`).

use comity_ledger::Slot;

use crate::log_id::LogId;
use crate::rows::Rows;
use crate::sections::Chunks;
use crate::store::SCHEMA;
use crate::{Store, StoreError};

/// Where layout 1 had the sections that came late, in the tree `late`: `s ‖ log ‖ u64 index ‖ u8 slot ‖ u8 piece`.
const LATE_SECTION: u8 = b's';
/// Sections of one batch, so that memory does not grow with the store: at most 64 KiB each.
const SECTIONS_MAX: usize = 256;

/// A section of layout 1, whole.
struct LateSection {
    log: LogId,
    index: u64,
    slot: Slot,
    sealed: Vec<u8>,
}

/// From layout 1: sections that came late move to the chunks of the others. They stay sealed as they are.
pub(crate) fn late_sections_among_the_others(store: &Store) -> Result<(), StoreError> {
    let mut moved: Vec<LateSection> = Vec::new();
    for item in store.late.scan_prefix([LATE_SECTION]) {
        let (key, piece) = item?;
        let (log, index, slot) = place_of(&key).ok_or_else(damaged)?;
        let begun = moved.last_mut().filter(|last| (last.log, last.index, last.slot) == (log, index, slot));
        if let Some(begun) = begun {
            begun.sealed.extend_from_slice(&piece);
            continue;
        }
        if moved.len() == SECTIONS_MAX {
            put(store, std::mem::take(&mut moved))?;
        }
        moved.push(LateSection { log, index, slot, sealed: piece.to_vec() });
    }
    put(store, moved)?;
    mark(store)
}

/// From layout 2: nothing moves, since its rows of one slot each are read as ever. But a program that knows no joint rows
/// would take the sections in them for withheld, so that the mark is durable before the first is written.
pub(crate) fn mark(store: &Store) -> Result<(), StoreError> {
    store.db.tree("meta")?.insert("schema", &SCHEMA.to_be_bytes())?;
    store.db.sync()
}

/// Removes what an upgrade from layout 1 left in the old place; the mark that it is whole is durable.
pub(crate) fn remove_old_late_sections(store: &Store) -> Result<(), StoreError> {
    let mut any = false;
    for item in store.late.scan_prefix([LATE_SECTION]) {
        store.late.remove(item?.0)?;
        any = true;
    }
    if any { store.db.sync() } else { Ok(()) }
}

fn put(store: &Store, sections: Vec<LateSection>) -> Result<(), StoreError> {
    let mut rest = sections.into_iter().peekable();
    while let Some(first) = rest.next() {
        let log = first.log;
        let mut chunks = Chunks::among(&store.sections, log);
        chunks.add(first.index, first.slot, &first.sealed)?;
        while let Some(next) = rest.next_if(|next| next.log == log) {
            chunks.add(next.index, next.slot, &next.sealed)?;
        }
        let mut rows = Rows::default();
        chunks.put(&mut rows)?;
        rows.put_together(&store.sections)?;
    }
    Ok(())
}

fn place_of(key: &[u8]) -> Option<(LogId, u64, Slot)> {
    let (log, rest) = key.strip_prefix(&[LATE_SECTION])?.split_first_chunk()?;
    let (index, rest) = rest.split_first_chunk()?;
    let [slot, _piece] = rest else { return None };
    Some((LogId::from_bytes(*log), u64::from_be_bytes(*index), Slot::new(*slot)))
}

fn damaged() -> StoreError {
    StoreError::Damaged { what: "a section of layout 1", log: String::new(), place: 0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

    use std::path::Path;

    use comity_ledger::{Entropy, EntropyError};

    use super::*;
    use crate::db::Db;
    use crate::keyring::Keyring;
    use crate::medium::Medium;
    use crate::{Kek, StorePaths};

    struct Counter(u64);

    impl Entropy for Counter {
        fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
            for chunk in buffer.chunks_mut(8) {
                self.0 += 1;
                chunk.copy_from_slice(&self.0.to_be_bytes()[8 - chunk.len()..]);
            }
            Ok(())
        }
    }

    fn log() -> LogId {
        LogId::of(&"a.example/pub".parse().unwrap())
    }

    fn paths(folder: &Path) -> StorePaths {
        StorePaths { database: folder.join("store"), keyring: folder.join("keyring") }
    }

    /// The bytes that stand for the sealed section of a place; long ones come in two pieces.
    fn sealed(index: u64, slot: u8) -> Vec<u8> {
        vec![slot; if index.is_multiple_of(7) { 9_000 } else { 90 + usize::from(slot) }]
    }

    const PLACES: std::ops::Range<u64> = 3..700;

    /// A store as layout 1 had it.
    fn old(folder: &Path) {
        for name in ["store", "keyring"] {
            std::fs::create_dir(folder.join(name)).unwrap();
        }
        let store = Store::create(&paths(folder), Kek::from_bytes([1; 32]), &mut Counter(1)).unwrap();
        for (index, slot) in PLACES.flat_map(|index| [(index, 0), (index, 2)]) {
            let mut key = vec![LATE_SECTION];
            key.extend_from_slice(log().as_bytes());
            key.extend_from_slice(&index.to_be_bytes());
            key.push(slot);
            for (piece, bytes) in (0_u8..).zip(sealed(index, slot).chunks(7_400)) {
                store.late.insert([key.as_slice(), &[piece]].concat(), bytes).unwrap();
            }
        }
        store.late.insert(b"c-cursor", b"stays").unwrap();
        store.db.tree("meta").unwrap().insert("schema", &1_u32.to_be_bytes()).unwrap();
        store.db.sync().unwrap();
    }

    fn check(store: &Store) {
        for index in PLACES {
            let slots = [Slot::new(0), Slot::new(1), Slot::new(2)];
            let chunk =
                crate::sections::read_chunk(&store.sections, log(), index / 16, &slots).unwrap().shared();
            assert_eq!(chunk.section(index, Slot::new(0)).as_deref(), Some(sealed(index, 0).as_slice()));
            assert_eq!(chunk.section(index, Slot::new(1)), None);
            assert_eq!(
                chunk.section(index, Slot::new(2)).as_deref(),
                Some(sealed(index, 2).as_slice()),
                "{index}"
            );
        }
        let left: Vec<_> = store.late.iter().keys().map(Result::unwrap).collect();
        assert_eq!(left, [b"c-cursor"]);
        let schema = store.db.tree("meta").unwrap().get("schema").unwrap().unwrap();
        assert_eq!(schema.as_ref(), SCHEMA.to_be_bytes());
    }

    /// Goal: a store of layout 2 opens with what it holds, and says from then on that older programs cannot read it.
    /// Way: rows of one slot each, as layout 2 wrote them, and the mark of it; sections come late to the same entries.
    #[test]
    fn a_store_of_layout_2_opens_as_it_is_and_is_marked_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["store", "keyring"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let store = Store::create(&paths(dir.path()), Kek::from_bytes([1; 32]), &mut Counter(1)).unwrap();
        let item = |position: u8| [&[position, 0, 0, 0, 90], [2; 90].as_slice()].concat();
        let row = [log().as_bytes().as_slice(), &5_u64.to_be_bytes(), &[2, 0]].concat();
        store.sections.insert(row, [item(0), item(9)].concat()).unwrap();
        store.db.tree("meta").unwrap().insert("schema", &2_u32.to_be_bytes()).unwrap();
        store.db.sync().unwrap();
        drop(store);
        let store = Store::open(&paths(dir.path()), Kek::from_bytes([1; 32])).unwrap();
        let schema = store.db.tree("meta").unwrap().get("schema").unwrap().unwrap();
        assert_eq!(schema.as_ref(), SCHEMA.to_be_bytes());
        let late = [(80, 0), (89, 2)].map(|(index, slot)| LateSection {
            log: log(),
            index,
            slot: Slot::new(slot),
            sealed: vec![7; 50],
        });
        put(&store, late.into()).unwrap();
        let slots = [Slot::new(0), Slot::new(2)];
        let held = crate::sections::read_chunk(&store.sections, log(), 5, &slots).unwrap().shared();
        let section = |index, slot| held.section(index, Slot::new(slot)).map(|section| section.to_vec());
        assert_eq!(section(80, 2), Some(vec![2; 90]), "as layout 2 had it");
        assert_eq!(section(80, 0), Some(vec![7; 50]));
        assert_eq!(section(89, 2), Some(vec![7; 50]), "in place of that of layout 2");
    }

    #[test]
    fn a_store_of_layout_1_opens_with_every_section_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        old(dir.path());
        for _ in 0..2 {
            check(&Store::open(&paths(dir.path()), Kek::from_bytes([1; 32])).unwrap());
        }
    }

    /// Goal: an upgrade that was cut off anywhere ends as if it had not been. Way: the store as it stands when some rows
    /// are copied and nothing is marked, and as it stands when it is marked and half of the rows are removed, in the
    /// middle of a section of two pieces.
    #[test]
    fn an_upgrade_that_was_cut_off_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        old(dir.path());
        let store = Store::open(&paths(dir.path()), Kek::from_bytes([1; 32])).unwrap();
        let place = |index: u64, slot: u8, piece: u8| {
            [[LATE_SECTION].as_slice(), log().as_bytes(), &index.to_be_bytes(), &[slot, piece]].concat()
        };
        store.late.insert(place(693, 2, 1), &sealed(693, 2)[7_400..]).unwrap();
        store.late.insert(place(699, 2, 0), sealed(699, 2)).unwrap();
        store.db.sync().unwrap();
        drop(store);
        check(&Store::open(&paths(dir.path()), Kek::from_bytes([1; 32])).unwrap());
        let dir = tempfile::tempdir().unwrap();
        old(dir.path());
        let (StorePaths { database, keyring }, medium) = (paths(dir.path()), Medium::default());
        let keyring = Keyring::open(&keyring, Kek::from_bytes([1; 32]), medium.clone()).unwrap();
        let store = Store::assemble(Db::open(&database, medium.clone()).unwrap(), keyring, medium).unwrap();
        let half = (3..300).map(|index| LateSection {
            log: log(),
            index,
            slot: Slot::new(2),
            sealed: sealed(index, 2),
        });
        put(&store, half.collect()).unwrap();
        store.db.sync().unwrap();
        drop(store);
        check(&Store::open(&paths(dir.path()), Kek::from_bytes([1; 32])).unwrap());
    }
}
