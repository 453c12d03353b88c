//! The reference of whatever must be durable: bytes appended to one plain file, synced group by group.
//!
//! Nothing is hashed, signed or indexed.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::failed;
use crate::answer::Refusal;

/// Appends groups of that many bytes and syncs after each; gives how long each took.
pub(super) fn append(path: &Path, group_bytes: usize, groups: u64) -> Result<Vec<Duration>, Refusal> {
    let mut file = File::create(path).map_err(failed)?;
    let group = vec![0x5a; group_bytes];
    let mut times = Vec::new();
    for _ in 0..groups {
        let begun = Instant::now();
        file.write_all(&group).and_then(|()| file.sync_data()).map_err(failed)?;
        times.push(begun.elapsed());
    }
    Ok(times)
}
