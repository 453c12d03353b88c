//! The sign-lock: the largest tree that each key was ever permitted to sign, outside the database and outside
//! backups.
//!
//! Each head is compared, written and synced before the permission to sign is given. A lock has two files, written in
//! turn, so that the head permitted last stands whole whatever tears the next. A backup that is restored cannot bring
//! an old lock back, so the author of a restored store finds itself behind.

mod returned;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use comity_ledger::{Head, LockedHead, Origin, Role};
use comity_tlog::{CosignatureTime, Hash, TreeSize};

use crate::log_id::LogId;
use crate::medium::Medium;
use crate::{Store, StoreError, files};

/// First line of a lock file.
const MAGIC: &str = "comity/sign-lock/v1";
/// Bytes of a lock file: seven lines, the longest of them the origin, and empty lines to the end. One length, so that
/// writing it changes nothing but its content, and one sync is enough.
const LOCK_BYTES: usize = 1_024;
/// The same, as a bound for reading.
const LOCK_BYTES_MAX: u64 = 1_024;
/// The endings of the names of the two files.
const PLACES: [&str; 2] = ["", "-2"];

/// The locks of one home, held by one process.
#[derive(Debug)]
pub struct SignLock {
    folder: PathBuf,
    medium: Medium,
    /// Held for its advisory lock.
    _held: File,
}

impl SignLock {
    /// Takes the folder of locks for this process.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another process has it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("held");
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(|source| StoreError::File { action: "open", path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), medium: Medium::default(), _held: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: folder.to_owned() }),
            Err(std::fs::TryLockError::Error(source)) => {
                Err(StoreError::File { action: "lock", path, source })
            }
        }
    }

    /// The same locks, of a home whose store this is: where a sync of either failed, neither confirms anything more, and
    /// nothing is written to the locks.
    #[must_use]
    pub fn beside(self, store: &Store) -> Self {
        Self { medium: store.medium().clone(), ..self }
    }

    /// Makes the lock of a new log, at the empty tree. From then on a missing lock is a finding.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if there is one already.
    pub fn create(&self, role: Role, origin: &Origin) -> Result<LockedHead, StoreError> {
        if !self.is_only_begun(role, origin)?
            && let Some((held, _)) = self.read(role, origin)?.newest
        {
            return Err(refuse(role, origin, held.head, Head::EMPTY));
        }
        for place in PLACES.into_iter().rev() {
            self.write(role, origin, place, Held { head: Head::EMPTY, time: None })?;
        }
        Ok(LockedHead::synced(role, origin.clone(), Head::EMPTY, None))
    }

    /// Whether a crash came while the lock was made: the first file, which is the last to be made, is not there, and the
    /// second has permitted nothing yet.
    fn is_only_begun(&self, role: Role, origin: &Origin) -> Result<bool, StoreError> {
        let [first, second] = PLACES.map(|place| self.path(role, origin, place));
        if first.exists() {
            return Ok(false);
        }
        let begun = files::read(&second, LOCK_BYTES_MAX)?.and_then(|bytes| parse(&bytes, role, origin));
        Ok(begun == Some(Held { head: Head::EMPTY, time: None }))
    }

    /// What the lock holds; `None` if it is missing. `kept` is the largest tree that the store holds of the log: only
    /// where it is beyond the lock can a damaged file be a write that a crash tore, and has permitted nothing.
    ///
    /// # Errors
    /// [`StoreError::File`] if it cannot be read, [`StoreError::Damaged`] if a file of it was damaged otherwise.
    pub fn head(&self, role: Role, origin: &Origin, kept: Head) -> Result<Option<Head>, StoreError> {
        let found = self.read(role, origin)?;
        match found.newest {
            Some((held, _)) if !found.damaged || kept.size > held.head.size => Ok(Some(held.head)),
            Some(_) => Err(damaged(origin)),
            None => Ok(None),
        }
    }

    /// The lock of a cosigner; made at the empty tree for a log that it never cosigned. `stated` is the largest tree that
    /// the store knows it to have cosigned.
    ///
    /// # Errors
    /// [`StoreError::LockMissing`] if it has cosigned and there is no lock, [`StoreError::Locked`] if the lock is older
    /// than that or of another tree: then nothing may be cosigned with this key any more, for what it has stated since
    /// is not known. [`StoreError::Damaged`] if neither file reads; else as the file system fails.
    pub fn cosigner(
        &self,
        role: Role,
        origin: &Origin,
        stated: Option<Head>,
    ) -> Result<LockedHead, StoreError> {
        if stated.is_none() && self.is_only_begun(role, origin)? {
            return self.create(role, origin);
        }
        // A damaged file beside a whole one is a write that a crash tore, which has permitted nothing.
        match (self.read(role, origin)?.newest, stated) {
            (None, None) => self.create(role, origin),
            (None, Some(_)) => Err(StoreError::LockMissing { role: role.name(), origin: origin.to_string() }),
            (Some((held, _)), Some(stated))
                if held.head.size < stated.size || (held.head.size == stated.size && held.head != stated) =>
            {
                Err(refuse(role, origin, held.head, stated))
            }
            (Some((held, _)), _) => Ok(LockedHead::synced(role, origin.clone(), held.head, held.time)),
        }
    }

    /// Reads every file of a lock, if there is one.
    ///
    /// # Errors
    /// [`StoreError::HalfLock`] if one of them does not read, as after a write that a crash tore; [`StoreError::Damaged`] if
    /// none does, or one is gone; [`StoreError::File`] if it cannot be read.
    pub fn check(&self, role: Role, origin: &Origin) -> Result<(), StoreError> {
        if self.read(role, origin)?.damaged {
            return Err(StoreError::HalfLock { role: role.name(), origin: origin.to_string() });
        }
        Ok(())
    }

    fn read(&self, role: Role, origin: &Origin) -> Result<Found, StoreError> {
        let mut found = Found { newest: None, damaged: false };
        // A lock that this program has not written yet is one short file. Else both are there, or one was lost.
        let (mut present, mut short) = (0, false);
        for place in PLACES {
            let Some(bytes) = files::read(&self.path(role, origin, place), LOCK_BYTES_MAX)? else { continue };
            present += 1;
            short |= bytes.len() < LOCK_BYTES;
            let held = parse(&bytes, role, origin);
            found.damaged |= held.is_none();
            let order = |held: Held| (held.head.size, held.time);
            if let Some(held) = held
                && found.newest.is_none_or(|(newest, _)| order(newest) < order(held))
            {
                found.newest = Some((held, place));
            }
        }
        if (present == 1 && !short) || (found.newest.is_none() && found.damaged) {
            return Err(damaged(origin));
        }
        Ok(found)
    }

    /// Compares and sets: moves the lock to a larger tree, or finds it at this very one. `time` is what a
    /// cosignature will state; an author's checkpoint states none.
    ///
    /// # Errors
    /// [`StoreError::Locked`] for a smaller tree, another root of the same size, or a time before the one held;
    /// [`StoreError::LockMissing`] if there is no lock; nothing may be signed then. [`StoreError::Sync`] if the
    /// medium did not confirm.
    pub fn advance(
        &self,
        role: Role,
        origin: &Origin,
        head: Head,
        time: Option<CosignatureTime>,
    ) -> Result<LockedHead, StoreError> {
        let Some((held, place)) = self.read(role, origin)?.newest else {
            return Err(StoreError::LockMissing { role: role.name(), origin: origin.to_string() });
        };
        let same_tree = head == held.head;
        if (!same_tree && head.size <= held.head.size) || time < held.time {
            return Err(refuse(role, origin, held.head, head));
        }
        if (Held { head, time }) == held {
            // A crash may have come between writing it and the sync.
            let path = self.path(role, origin, place);
            self.medium.sync(&path, || File::open(&path).and_then(|file| file.sync_data()))?;
        } else {
            // Never over the one that stands.
            let other = PLACES.into_iter().find(|other| *other != place).unwrap_or(place);
            self.write(role, origin, other, Held { head, time })?;
        }
        Ok(LockedHead::synced(role, origin.clone(), head, time))
    }

    /// Brings the lock of an author, behind or missing, up to the newest tree that is known to be signed: every peer was
    /// asked, or an operator answers for it. The entries between are [returned](Self::returned) from then on.
    ///
    /// # Errors
    /// As [`advance`](Self::advance): a lock that is ahead of this tree, or of another one of its size, stays.
    pub fn catch_up(&self, origin: &Origin, head: Head) -> Result<LockedHead, StoreError> {
        let held = self.read(Role::Author, origin)?.newest.map(|(held, _)| held.head);
        // Before: no crash leaves a lock that is ahead, and nothing said of what it has passed over.
        self.note_returned(origin, held.unwrap_or(Head::EMPTY).size..head.size)?;
        if held.is_none() {
            self.create(Role::Author, origin)?;
        }
        self.advance(Role::Author, origin, head, None)
    }

    /// Sets the lock of an author aside, for whoever has to look at it, and begins one at `head`. An operator answers
    /// for it that nobody has seen a larger tree. All entries under `head` are [returned](Self::returned) from then on:
    /// the lock that stood behind some of them was of another tree.
    ///
    /// # Errors
    /// As the file system fails; the next start finds the lock missing then.
    pub fn set_aside(&self, origin: &Origin, head: Head) -> Result<LockedHead, StoreError> {
        self.note_returned(origin, TreeSize::ZERO..head.size)?;
        for place in PLACES {
            let path = self.path(Role::Author, origin, place);
            let aside = path.with_extension("set-aside");
            match std::fs::rename(&path, &aside) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::File { action: "set aside", path, source: error });
                }
                Ok(()) | Err(_) => {}
            }
        }
        files::sync_folder(&self.medium, &self.folder)?;
        self.catch_up(origin, head)
    }

    fn write(&self, role: Role, origin: &Origin, place: &str, held: Held) -> Result<(), StoreError> {
        let path = self.path(role, origin, place);
        self.medium.check(&path)?;
        let mut bytes = format(role, origin, held).into_bytes();
        bytes.resize(LOCK_BYTES, b'\n');
        // The name of the file is durable since it was made.
        match File::options().write(true).open(&path) {
            Ok(file) => {
                let written = file.write_all_at(&bytes, 0);
                written.map_err(|source| StoreError::File { action: "write", path: path.clone(), source })?;
                self.medium.sync(&path, || file.sync_data())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                files::replace(&self.medium, &path, &bytes)
            }
            Err(source) => Err(StoreError::File { action: "open", path, source }),
        }
    }

    fn path(&self, role: Role, origin: &Origin, place: &str) -> PathBuf {
        self.folder.join(format!("{role}-{}{place}", LogId::of(origin)))
    }
}

/// What the files of a lock hold.
struct Found {
    /// The newest head that stands whole, and the file in which it does.
    newest: Option<(Held, &'static str)>,
    /// Whether a file does not read as a lock.
    damaged: bool,
}

fn damaged(origin: &Origin) -> StoreError {
    StoreError::Damaged { what: "the sign-lock", log: origin.to_string(), place: 0 }
}

fn refuse(role: Role, origin: &Origin, held: Head, given: Head) -> StoreError {
    StoreError::Locked {
        role: role.name(),
        origin: origin.to_string(),
        locked: held.size.value(),
        given: given.size.value(),
    }
}

/// What a lock file states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    head: Head,
    time: Option<CosignatureTime>,
}

/// Magic, role, origin, size, root, time (`-` for none), and the SHA-256 of these lines.
fn format(role: Role, origin: &Origin, held: Held) -> String {
    let Head { size, root } = held.head;
    let time = held.time.map_or_else(|| "-".to_owned(), |time| time.value().to_string());
    let body = format!("{MAGIC}\n{role}\n{origin}\n{size}\n{}\n{time}\n", root.to_base64());
    let check = Hash::digest(body.as_bytes()).to_base64();
    format!("{body}{check}\n")
}

fn parse(bytes: &[u8], role: Role, origin: &Origin) -> Option<Held> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines().skip(3);
    let [size, root, time] = [lines.next()?, lines.next()?, lines.next()?];
    let head = Head { size: TreeSize::new(size.parse().ok()?).ok()?, root: Hash::parse_base64(root).ok()? };
    let time = match time {
        "-" => None,
        secs => Some(CosignatureTime::new(secs.parse().ok()?).ok()?),
    };
    let held = Held { head, time };
    // One form only, checksum included: whatever differs was damaged.
    let padding = text.strip_prefix(format(role, origin, held).as_str())?;
    padding.bytes().all(|byte| byte == b'\n').then_some(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64, tree: u8) -> Head {
        Head { size: TreeSize::new(size).unwrap(), root: Hash::from_bytes([tree; 32]) }
    }

    #[test]
    fn a_second_root_of_one_size_is_never_permitted() {
        let folder = tempfile::tempdir().unwrap();
        let origin: Origin = "a.example/pub".parse().unwrap();
        let lock = SignLock::open(folder.path()).unwrap();
        assert!(matches!(
            lock.advance(Role::Author, &origin, head(1, 1), None),
            Err(StoreError::LockMissing { .. })
        ));
        lock.create(Role::Author, &origin).unwrap();
        assert!(lock.create(Role::Author, &origin).is_err());
        assert_eq!(lock.advance(Role::Author, &origin, head(5, 5), None).unwrap().head(), head(5, 5));
        assert_eq!(lock.advance(Role::Author, &origin, head(5, 5), None).unwrap().head(), head(5, 5));
        for bad in [head(5, 6), head(4, 4), Head::EMPTY] {
            assert!(matches!(lock.advance(Role::Author, &origin, bad, None), Err(StoreError::Locked { .. })));
        }
        assert_eq!(lock.head(Role::Author, &origin, head(5, 5)).unwrap(), Some(head(5, 5)));
        assert_eq!(lock.head(Role::Witness, &origin, head(5, 5)).unwrap(), None);
    }

    #[test]
    fn a_cosignature_never_goes_back_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let origin: Origin = "b.example/pub".parse().unwrap();
        let lock = SignLock::open(folder.path()).unwrap();
        lock.create(Role::Witness, &origin).unwrap();
        let at = |secs| Some(CosignatureTime::new(secs).unwrap());
        lock.advance(Role::Witness, &origin, head(5, 5), at(100)).unwrap();
        let renewed = lock.advance(Role::Witness, &origin, head(5, 5), at(160)).unwrap();
        assert_eq!(renewed.time(), at(160));
        for earlier in [at(159), None] {
            assert!(lock.advance(Role::Witness, &origin, head(6, 6), earlier).is_err());
        }
        drop(lock);
        let lock = SignLock::open(folder.path()).unwrap();
        assert!(lock.advance(Role::Witness, &origin, head(6, 6), at(159)).is_err(), "it is kept");
        lock.advance(Role::Witness, &origin, head(6, 6), at(160)).unwrap();
    }

    #[test]
    fn a_cosigner_goes_on_from_its_lock_and_never_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let origin: Origin = "b.example/pub".parse().unwrap();
        let lock = SignLock::open(folder.path()).unwrap();
        assert_eq!(lock.cosigner(Role::Witness, &origin, None).unwrap().head(), Head::EMPTY);
        let time = Some(CosignatureTime::new(100).unwrap());
        lock.advance(Role::Witness, &origin, head(5, 5), time).unwrap();
        for stated in [None, Some(head(4, 4)), Some(head(5, 5))] {
            let held = lock.cosigner(Role::Witness, &origin, stated).unwrap();
            assert_eq!((held.head(), held.time()), (head(5, 5), time));
        }
        for newer in [head(6, 6), head(5, 6)] {
            let refused = lock.cosigner(Role::Witness, &origin, Some(newer));
            assert!(matches!(refused, Err(StoreError::Locked { .. })), "an old lock was put back");
        }
        let refused = lock.cosigner(Role::Mirror, &origin, Some(head(5, 5)));
        assert!(matches!(refused, Err(StoreError::LockMissing { .. })));
    }

    #[test]
    fn a_second_process_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let held = SignLock::open(folder.path()).unwrap();
        assert!(matches!(SignLock::open(folder.path()), Err(StoreError::InUse { .. })));
        drop(held);
        SignLock::open(folder.path()).unwrap();
    }

    /// Goal: no damage of a lock is taken for a permission. Way: every byte of each of the two files is changed in turn,
    /// with a store that holds what was permitted last, which at worst finds its lock behind, and with a store that was
    /// put back to the permission before, which is refused.
    #[test]
    fn every_changed_byte_of_a_lock_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let origin: Origin = "a.example/pub".parse().unwrap();
        let lock = SignLock::open(folder.path()).unwrap();
        lock.create(Role::Author, &origin).unwrap();
        let (before, newest) = (head(69_000, 2), head(70_000, 3));
        lock.advance(Role::Author, &origin, before, None).unwrap();
        lock.advance(Role::Author, &origin, newest, None).unwrap();
        for place in PLACES {
            let path = lock.path(Role::Author, &origin, place);
            let good = std::fs::read(&path).unwrap();
            for position in 0..good.len() {
                let mut bad = good.clone();
                bad[position] ^= 1;
                std::fs::write(&path, &bad).unwrap();
                assert!(lock.head(Role::Author, &origin, before).is_err(), "byte {position}");
                let found = lock.head(Role::Author, &origin, newest);
                assert!(found.is_err() || found.unwrap() == Some(before), "byte {position}");
            }
            std::fs::write(&path, &good).unwrap();
        }
        assert_eq!(lock.head(Role::Author, &origin, newest).unwrap(), Some(newest));
    }

    /// Goal: a crash amid writing the lock leaves the head permitted before; the one that was being written was not
    /// permitted yet, and can be.
    #[test]
    fn a_torn_write_of_a_lock_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let origin: Origin = "a.example/pub".parse().unwrap();
        let lock = SignLock::open(folder.path()).unwrap();
        lock.create(Role::Author, &origin).unwrap();
        for size in 1..6_u8 {
            let (before, next) = (head(u64::from(size), size), head(u64::from(size) + 1, size + 1));
            lock.advance(Role::Author, &origin, before, None).unwrap();
            let standing = lock.read(Role::Author, &origin).unwrap().newest.unwrap().1;
            let torn = PLACES.into_iter().find(|place| *place != standing).unwrap();
            let mut half = std::fs::read(lock.path(Role::Author, &origin, torn)).unwrap();
            half[20..].fill(b'x');
            std::fs::write(lock.path(Role::Author, &origin, torn), half).unwrap();
            assert_eq!(lock.head(Role::Author, &origin, next).unwrap(), Some(before));
            lock.advance(Role::Author, &origin, next, None).unwrap();
            assert_eq!(lock.head(Role::Author, &origin, next).unwrap(), Some(next));
        }
    }

    /// Goal: a crash while a lock is made makes no key unusable, and a lock that lost its first file is never begun anew.
    #[test]
    fn a_lock_that_was_only_begun_is_made_and_one_that_lost_a_file_is_not() {
        for role in [Role::Author, Role::Witness, Role::Mirror] {
            let folder = tempfile::tempdir().unwrap();
            let origin: Origin = "b.example/pub".parse().unwrap();
            let lock = SignLock::open(folder.path()).unwrap();
            let make = |stated| match role {
                Role::Author => lock.create(role, &origin),
                Role::Witness | Role::Mirror => lock.cosigner(role, &origin, stated),
            };
            lock.create(role, &origin).unwrap();
            std::fs::remove_file(lock.path(role, &origin, PLACES[0])).unwrap();
            if role != Role::Author {
                assert!(make(Some(head(5, 5))).is_err(), "it has stated, and its lock is missing");
            }
            assert_eq!(make(None).unwrap().head(), Head::EMPTY);
            lock.advance(role, &origin, head(5, 5), None).unwrap();
            lock.advance(role, &origin, head(6, 6), None).unwrap();
            std::fs::remove_file(lock.path(role, &origin, PLACES[0])).unwrap();
            assert!(matches!(make(None), Err(StoreError::Damaged { .. })));
        }
    }

    #[test]
    fn a_lock_of_one_short_file_is_read_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let origin: Origin = "a.example/pub".parse().unwrap();
        let lock = SignLock::open(folder.path()).unwrap();
        let held = Held { head: head(5, 5), time: None };
        let path = lock.path(Role::Author, &origin, PLACES[0]);
        std::fs::write(path, format(Role::Author, &origin, held)).unwrap();
        assert_eq!(lock.head(Role::Author, &origin, held.head).unwrap(), Some(held.head));
        lock.advance(Role::Author, &origin, head(6, 6), None).unwrap();
        lock.advance(Role::Author, &origin, head(7, 7), None).unwrap();
        assert_eq!(lock.head(Role::Author, &origin, head(7, 7)).unwrap(), Some(head(7, 7)));
    }

    /// Goal: a lock of which one file was lost permits no second tree of a size. Way: each file is removed in turn, with a
    /// store that was put back to the permission before the last.
    #[test]
    fn a_lost_file_of_a_lock_is_found() {
        for place in PLACES {
            let folder = tempfile::tempdir().unwrap();
            let origin: Origin = "a.example/pub".parse().unwrap();
            let lock = SignLock::open(folder.path()).unwrap();
            lock.create(Role::Author, &origin).unwrap();
            lock.advance(Role::Author, &origin, head(5, 5), None).unwrap();
            lock.advance(Role::Author, &origin, head(6, 6), None).unwrap();
            std::fs::remove_file(lock.path(Role::Author, &origin, place)).unwrap();
            let found = lock.head(Role::Author, &origin, head(5, 5));
            assert!(
                !matches!(found, Ok(Some(held)) if held == head(5, 5)),
                "6 was permitted, {found:?} is said"
            );
        }
    }
}
