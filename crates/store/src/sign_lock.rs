//! The sign-lock: the largest tree that each key was ever permitted to sign, outside the database and outside
//! backups.
//!
//! Each head is compared, written to a fresh place and synced before the permission to sign is given. A backup
//! that is restored cannot bring an old lock back, so the author of a restored store finds itself behind.

use std::fs::File;
use std::path::{Path, PathBuf};

use comity_ledger::{Head, LockedHead, Origin, Role};
use comity_tlog::{CosignatureTime, Hash, TreeSize};

use crate::log_id::LogId;
use crate::medium::Medium;
use crate::{StoreError, files};

/// First line of a lock file.
const MAGIC: &str = "comity/sign-lock/v1";
/// Largest lock file: seven lines, the longest of them the origin.
const LOCK_BYTES_MAX: u64 = 1_024;

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

    /// Makes the lock of a new log, at the empty tree. From then on a missing lock is a finding.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if there is one already.
    pub fn create(&self, role: Role, origin: &Origin) -> Result<LockedHead, StoreError> {
        if let Some(held) = self.held(role, origin)? {
            return Err(refuse(role, origin, held.head, Head::EMPTY));
        }
        self.write(role, origin, Held { head: Head::EMPTY, time: None })
    }

    /// What the lock holds; `None` if it is missing.
    ///
    /// # Errors
    /// [`StoreError::File`] if it cannot be read, [`StoreError::Damaged`] if it does not read as a lock.
    pub fn head(&self, role: Role, origin: &Origin) -> Result<Option<Head>, StoreError> {
        Ok(self.held(role, origin)?.map(|held| held.head))
    }

    fn held(&self, role: Role, origin: &Origin) -> Result<Option<Held>, StoreError> {
        let Some(bytes) = files::read(&self.path(role, origin), LOCK_BYTES_MAX)? else { return Ok(None) };
        let damaged = || StoreError::Damaged { what: "the sign-lock", log: origin.to_string(), place: 0 };
        let text = String::from_utf8(bytes).map_err(|_| damaged())?;
        parse(&text, role, origin).map(Some).ok_or_else(damaged)
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
        let Some(held) = self.held(role, origin)? else {
            return Err(StoreError::LockMissing { role: role.name(), origin: origin.to_string() });
        };
        let same_tree = head == held.head;
        if (!same_tree && head.size <= held.head.size) || time < held.time {
            return Err(refuse(role, origin, held.head, head));
        }
        // At the very same head the same bytes are written and synced again: a crash may have come before the
        // sync of the folder.
        self.write(role, origin, Held { head, time })
    }

    fn write(&self, role: Role, origin: &Origin, held: Held) -> Result<LockedHead, StoreError> {
        files::replace(&self.medium, &self.path(role, origin), format(role, origin, held).as_bytes())?;
        Ok(LockedHead::synced(role, origin.clone(), held.head, held.time))
    }

    fn path(&self, role: Role, origin: &Origin) -> PathBuf {
        self.folder.join(format!("{role}-{}", LogId::of(origin)))
    }
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
#[derive(Clone, Copy)]
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

fn parse(text: &str, role: Role, origin: &Origin) -> Option<Held> {
    let lines: Vec<&str> = text.lines().collect();
    let [_, _, _, size, root, time, _] = lines.as_slice() else { return None };
    let head = Head { size: TreeSize::new(size.parse().ok()?).ok()?, root: Hash::parse_base64(root).ok()? };
    let time = match *time {
        "-" => None,
        secs => Some(CosignatureTime::new(secs.parse().ok()?).ok()?),
    };
    let held = Held { head, time };
    // One form only, checksum included: whatever differs was damaged.
    (format(role, origin, held) == text).then_some(held)
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
        assert_eq!(lock.head(Role::Author, &origin).unwrap(), Some(head(5, 5)));
        assert_eq!(lock.head(Role::Witness, &origin).unwrap(), None);
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
    fn a_second_process_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let held = SignLock::open(folder.path()).unwrap();
        assert!(matches!(SignLock::open(folder.path()), Err(StoreError::InUse { .. })));
        drop(held);
        SignLock::open(folder.path()).unwrap();
    }

    #[test]
    fn every_changed_byte_of_a_lock_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let origin: Origin = "a.example/pub".parse().unwrap();
        let lock = SignLock::open(folder.path()).unwrap();
        lock.create(Role::Author, &origin).unwrap();
        lock.advance(Role::Author, &origin, head(70_000, 3), None).unwrap();
        let path = lock.path(Role::Author, &origin);
        let good = std::fs::read(&path).unwrap();
        for position in 0..good.len() {
            let mut bad = good.clone();
            bad[position] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert!(lock.head(Role::Author, &origin).is_err(), "byte {position}");
        }
    }
}
