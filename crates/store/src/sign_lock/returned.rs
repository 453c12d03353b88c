//! The entries over which the sign-lock of an author was brought up because others gave them back: that this home signed
//! them is only what its key says.
//!
//! Kept beside the lock, outside the database and its backups: a database that is put back must not make them the word of
//! this home. Not here: what is not done at their word (`erasures_due` of `comity-node`).

use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;

use comity_ledger::Origin;
use comity_tlog::{Hash, TreeSize};

use super::SignLock;
use crate::log_id::LogId;
use crate::{StoreError, files};

/// First line of the file.
const MAGIC: &str = "comity/returned/v1";
/// Most runs that are told apart, one for each recovery that had more to it than the lock; beyond, all become one.
const RUNS_MAX: usize = 1_024;
/// Most bytes of the file: two numbers of twenty digits a run, and the lines around them.
const BYTES_MAX: u64 = 64 << 10;

impl SignLock {
    /// The entries of an own log over which its lock was brought up without having permitted them, in runs, ascending.
    ///
    /// # Errors
    /// [`StoreError::File`] if they cannot be read, [`StoreError::Damaged`] if the file was damaged.
    pub fn returned(&self, origin: &Origin) -> Result<Vec<Range<TreeSize>>, StoreError> {
        let Some(bytes) = files::read(&self.returned_path(origin), BYTES_MAX)? else { return Ok(Vec::new()) };
        let damaged = || StoreError::Damaged {
            what: "what is beside the sign-lock",
            log: origin.to_string(),
            place: 0,
        };
        parse(&bytes, origin).ok_or_else(damaged)
    }

    /// Adds a run, durably.
    pub(super) fn note_returned(&self, origin: &Origin, run: Range<TreeSize>) -> Result<(), StoreError> {
        if run.is_empty() {
            return Ok(());
        }
        let mut runs = match self.returned(origin) {
            // Of a file that does not read nobody knows what it said.
            Err(StoreError::Damaged { .. }) => vec![TreeSize::ZERO..run.end],
            runs => runs?,
        };
        runs.push(run);
        files::replace(
            &self.medium,
            &self.returned_path(origin),
            format(origin, &joined(runs, RUNS_MAX)).as_bytes(),
        )
    }

    fn returned_path(&self, origin: &Origin) -> PathBuf {
        self.folder.join(format!("returned-{}", LogId::of(origin)))
    }
}

/// The same entries in the fewest runs, ascending; in one that spans all of them if there are more than `limit`.
fn joined(mut runs: Vec<Range<TreeSize>>, limit: usize) -> Vec<Range<TreeSize>> {
    runs.sort_by_key(|run| run.start);
    let mut joined: Vec<Range<TreeSize>> = Vec::with_capacity(runs.len());
    for run in runs {
        match joined.last_mut().filter(|last| run.start <= last.end) {
            Some(last) => last.end = last.end.max(run.end),
            None => joined.push(run),
        }
    }
    match joined.as_slice() {
        [first, .., last] if joined.len() > limit => vec![first.start..last.end],
        _ => joined,
    }
}

/// Magic, origin, a line with start and end for each run, and the SHA-256 of these lines.
fn format(origin: &Origin, runs: &[Range<TreeSize>]) -> String {
    let mut body = format!("{MAGIC}\n{origin}\n");
    for run in runs {
        // Writing to a string cannot fail.
        let _ = writeln!(body, "{} {}", run.start, run.end);
    }
    let check = Hash::digest(body.as_bytes()).to_base64();
    format!("{body}{check}\n")
}

fn parse(bytes: &[u8], origin: &Origin) -> Option<Vec<Range<TreeSize>>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let size = |text: &str| TreeSize::new(text.parse().ok()?).ok();
    let run = |line: &&str| {
        let (start, end) = line.split_once(' ')?;
        Some(size(start)?..size(end)?)
    };
    let runs = lines.get(2..lines.len().checked_sub(1)?)?.iter().map(run).collect::<Option<Vec<_>>>()?;
    // One form only, checksum included: whatever differs was damaged.
    (text == format(origin, &runs)).then_some(runs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use comity_ledger::{Head, Role};

    use super::*;

    fn head(size: u64) -> Head {
        Head { size: at(size), root: Hash::from_bytes([7; 32]) }
    }

    fn at(size: u64) -> TreeSize {
        TreeSize::new(size).unwrap()
    }

    /// Goal: over what the lock was brought up is known for good, and nothing else. Way: a lock that permits, is brought up,
    /// permits again, and is set aside.
    #[test]
    fn what_a_lock_was_brought_up_over_is_never_taken_for_what_it_permitted() {
        let folder = tempfile::tempdir().unwrap();
        let origin: Origin = "a.example/pub".parse().unwrap();
        let lock = SignLock::open(folder.path()).unwrap();
        lock.create(Role::Author, &origin).unwrap();
        lock.advance(Role::Author, &origin, head(5), None).unwrap();
        assert_eq!(lock.returned(&origin).unwrap(), []);
        lock.catch_up(&origin, head(8)).unwrap();
        lock.advance(Role::Author, &origin, head(9), None).unwrap();
        assert!(lock.catch_up(&origin, head(7)).is_err(), "it is ahead");
        lock.catch_up(&origin, head(9)).unwrap();
        assert_eq!(lock.returned(&origin).unwrap(), [at(5)..at(8)]);
        drop(lock);
        let lock = SignLock::open(folder.path()).unwrap();
        lock.catch_up(&origin, head(12)).unwrap();
        assert_eq!(lock.returned(&origin).unwrap(), [at(5)..at(8), at(9)..at(12)]);
        lock.set_aside(&origin, head(6)).unwrap();
        assert_eq!(lock.returned(&origin).unwrap(), [at(0)..at(8), at(9)..at(12)]);
        let path = lock.returned_path(&origin);
        let whole = std::fs::read(&path).unwrap();
        let mut turned = whole.clone();
        turned[whole.len() / 2] ^= 1;
        for bad in [&turned[..], &whole[..whole.len() - 1], b""] {
            std::fs::write(&path, bad).unwrap();
            assert!(matches!(lock.returned(&origin), Err(StoreError::Damaged { .. })), "{bad:?}");
        }
        lock.catch_up(&origin, head(20)).unwrap();
        assert_eq!(lock.returned(&origin).unwrap(), [at(0)..at(20)], "all that it may have said");
    }

    #[test]
    fn a_lock_that_is_missing_has_permitted_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let origin: Origin = "a.example/pub".parse().unwrap();
        let lock = SignLock::open(folder.path()).unwrap();
        lock.catch_up(&origin, head(8)).unwrap();
        assert_eq!(lock.returned(&origin).unwrap(), [at(0)..at(8)]);
    }

    #[test]
    fn more_runs_than_are_told_apart_become_one_that_spans_them() {
        let runs = |count: u64| (0..count).map(|number| at(10 * number)..at(10 * number + 4)).collect();
        assert_eq!(joined(runs(3), 3).len(), 3);
        assert_eq!(joined(runs(4), 3), [at(0)..at(34)]);
        assert_eq!(joined(vec![at(5)..at(9), at(0)..at(5), at(7)..at(8)], 3), [at(0)..at(9)]);
    }
}
