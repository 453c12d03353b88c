//! A store as layout 1 had it, made of one of the present layout. Not here: the way back (`upgrade`).

use std::path::Path;

/// Moves every section to where layout 1 had those that came late.
pub(crate) fn make_old(database: &Path) {
    let db = sled::open(database).unwrap();
    let (sections, late) = (db.open_tree("sections").unwrap(), db.open_tree("late").unwrap());
    for item in &sections {
        let (key, value) = item.unwrap();
        let (log, chunk) = (&key[..16], u64::from_be_bytes(key[16..24].try_into().unwrap()));
        let (slot, mut rest) = (key[24], value.as_ref());
        while let [position, a, b, c, d, after @ ..] = rest {
            let (sealed, next) =
                after.split_at(usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap());
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
