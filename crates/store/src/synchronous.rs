//! Writes of the database in their order: each is on stable storage before the next relies on it.
//!
//! sled 0.34 frees a part of its file once what took its place was written out, and overwrites it at once; but written
//! out means `sync_file_range` to it, which promises nothing across a power cut (`db`), so that old and new could both
//! be lost, and with them the database. The file is therefore marked as one of which each write returns only when it is
//! durable (`FS_SYNC_FL`, ioctl_iflags(2)), so that what sled believes is true. Not here: the sync that we make before
//! anything is acknowledged (`db`), which stands beside it.

use std::fs::File;
use std::path::Path;

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};

/// Marks the database file; false where there is none yet, or its file system knows no such mark.
pub(crate) fn mark(database: &Path) -> bool {
    let marked = |file: File| {
        let flags = ioctl_getflags(&file)?;
        if flags.contains(IFlags::SYNC) { Ok(()) } else { ioctl_setflags(&file, flags | IFlags::SYNC) }
    };
    File::open(database).is_ok_and(|file| marked(file).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_marked_and_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        assert!(!mark(&path), "there is none");
        let file = File::create(&path).unwrap();
        let Ok(flags) = ioctl_getflags(&file) else {
            return eprintln!("skipped: no marks on this file system");
        };
        let can = ioctl_setflags(&file, flags).is_ok();
        assert_eq!(mark(&path), can);
        assert_eq!(mark(&path), can, "marked already");
        assert_eq!(ioctl_getflags(&file).unwrap().contains(IFlags::SYNC), can);
    }
}
