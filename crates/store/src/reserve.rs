//! Space on the disk that is kept back, so that a home on a full disk can still be opened and read.
//!
//! sled writes when it opens: zeros to the end of the segment that it goes on in, and a snapshot. Where there is no space
//! for them it does not open at all. Not here: what is said where that is not enough either (`db`).

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Two segments of sled, of 512 KiB each, and as much for a snapshot, which takes less than a thousandth of the database.
const RESERVE_BYTES: usize = 2 << 20;
/// Written at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Takes the space, or as much of it as there is: nothing fails where it cannot be had.
pub(crate) fn keep(folder: &Path) {
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(place(folder));
    let Ok(mut file) = opened else { return };
    let Ok(mut kept) = file.metadata().map(|found| usize::try_from(found.len()).unwrap_or(RESERVE_BYTES))
    else {
        return;
    };
    let zeros = vec![0; PIECE_BYTES];
    while let Some(piece) = zeros.get(..PIECE_BYTES.min(RESERVE_BYTES.saturating_sub(kept)))
        && !piece.is_empty()
    {
        match file.write(piece) {
            Ok(written) if written > 0 => kept = kept.saturating_add(written),
            _ => return,
        }
    }
}

/// Gives the space back to the disk, for whoever comes first. Where that fails, the disk is as full as before.
pub(crate) fn give_up(folder: &Path) {
    if let Ok(file) = File::options().write(true).open(place(folder))
        && file.set_len(0).is_ok()
    {
        // A file system may give it to others only once that is on the disk. What is synced here promises nothing.
        file.sync_all().unwrap_or_default();
    }
}

fn place(folder: &Path) -> PathBuf {
    folder.join("reserve")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_kept_given_up_and_kept_again() {
        let folder = tempfile::tempdir().unwrap();
        let len = || std::fs::metadata(place(folder.path())).unwrap().len();
        give_up(folder.path());
        assert!(!place(folder.path()).exists());
        for _ in 0..2 {
            keep(folder.path());
            keep(folder.path());
            assert_eq!(len(), 2 << 20);
            give_up(folder.path());
            assert_eq!(len(), 0);
        }
    }
}
