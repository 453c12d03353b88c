//! A store as layout 1 had it, made of one of the present layout. Not here: the way back (`upgrade`).

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// The database of a store that was dropped: threads of sled may hold it for a moment longer.
fn once_free(database: &Path) -> sled::Db {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match sled::open(database) {
            Ok(db) => return db,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Moves every section to where layout 1 had those that came late.
pub(crate) fn make_old(database: &Path) {
    let db = once_free(database);
    let (sections, late) = (db.open_tree("sections").unwrap(), db.open_tree("late").unwrap());
    let mut values: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for item in &sections {
        let (key, piece) = item.unwrap();
        values.entry(key[..25].to_vec()).or_default().extend_from_slice(&piece);
    }
    for (key, value) in values {
        let (log, chunk) = (&key[..16], u64::from_be_bytes(key[16..24].try_into().unwrap()));
        let mut rest = value.as_slice();
        while let [position, after @ ..] = rest {
            // In the joint row each section has its slot before it.
            let (slot, after) = if key[24] == u8::MAX { (after[0], &after[1..]) } else { (key[24], after) };
            let (len, after) = after.split_first_chunk().unwrap();
            let (sealed, next) = after.split_at(usize::try_from(u32::from_be_bytes(*len)).unwrap());
            let index = chunk * 16 + u64::from(*position);
            let place = [b"s".as_slice(), log, &index.to_be_bytes(), &[slot, 0]].concat();
            late.insert(place, sealed).unwrap();
            rest = next;
        }
    }
    sections.clear().unwrap();
    db.open_tree("meta").unwrap().insert("schema", &1_u32.to_be_bytes()).unwrap();
    db.flush().unwrap();
}
