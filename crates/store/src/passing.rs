//! Rows that are read once, in passing, and what the database keeps of them in memory.
//!
//! sled notes each access to a page in one of 256 queues, and looks for pages to let go of only when there are 64 in
//! one. Whoever reads a log from end to end comes to each leaf some nine times, so that seven leaves a queue of some
//! 40 KB each stay in memory beside what the cache may hold, however small that is. A row that was just read is asked
//! for again, which copies nothing, so that the queues are full in time: two leaves stay.

use sled::IVec;

use crate::StoreError;

/// How often a row is asked for again: with nine rows in a leaf some 36 accesses to each.
const AGAIN: u32 = 3;

/// Reads a row that is mostly not read again soon.
pub(crate) fn get(tree: &sled::Tree, key: &[u8]) -> Result<Option<IVec>, StoreError> {
    let read = tree.get(key)?;
    if read.is_some() {
        passed(tree, key)?;
    }
    Ok(read)
}

/// Says that a row was read by which a reader passes, such as one of a range.
pub(crate) fn passed(tree: &sled::Tree, key: &[u8]) -> Result<(), StoreError> {
    for _ in 0..AGAIN {
        tree.contains_key(key)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::path::Path;
    use std::process::Command;

    use super::*;

    const ROWS: u64 = 40_000;
    /// As long as a chunk of envelopes.
    const ROW_BYTES: usize = 4_800;
    const CACHE_BYTES: u64 = 16 << 20;
    const FOLDER: &str = "COMITY_PASSING_FOLDER";
    const PLAIN: &str = "COMITY_PASSING_PLAIN";

    fn open(folder: &Path) -> sled::Db {
        sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(None).open().unwrap()
    }

    /// A figure of this process in KiB.
    fn memory(name: &str) -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
    }

    /// By how many KiB a process grows that reads all rows; in a process of its own.
    fn growth(folder: &Path, plain: bool) -> u64 {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "passing::tests::what_a_reader_passes_by_does_not_stay_in_memory",
                "--nocapture",
            ])
            .env(FOLDER, folder)
            .envs(plain.then_some((PLAIN, "1")))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let grown = said.lines().find_map(|line| line.split_once("grown by ")).unwrap();
        grown.1.parse().unwrap()
    }

    /// Goal: reading a log from end to end takes at most twice what the cache may hold. Way: two processes read
    /// 192 MB of rows, one of them with no more than the database's own `get`, and say by how much they grew.
    #[test]
    fn what_a_reader_passes_by_does_not_stay_in_memory() {
        if let Some(folder) = std::env::var_os(FOLDER) {
            let (db, plain) = (open(Path::new(&folder)), std::env::var_os(PLAIN).is_some());
            let before = memory("VmRSS:");
            for number in 0..ROWS {
                let key = number.to_be_bytes();
                let row = if plain { db.get(key).unwrap() } else { get(&db, &key).unwrap() };
                assert_eq!(row.unwrap().len(), ROW_BYTES);
            }
            println!("\ngrown by {}", memory("VmHWM:") - before);
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path());
        for number in 0..ROWS {
            db.insert(number.to_be_bytes(), vec![7; ROW_BYTES]).unwrap();
        }
        drop(db);
        let (passing, plain) = (growth(dir.path(), false), growth(dir.path(), true));
        println!("by {passing} KiB instead of {plain}");
        assert!(passing < 2 * CACHE_BYTES / 1_024, "by {passing} KiB, {plain} with the database's own");
    }
}
