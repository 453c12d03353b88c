//! What the sign-lock holds, and what a start must do about it.
//!
//! Not here: the file itself and its fsync (`store`).

use std::fmt;

use comity_tlog::CosignatureTime;

use crate::{Head, Origin};

/// In which role a key signs checkpoints of an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The author of the log.
    Author,
    /// A witness of somebody's log.
    Witness,
    /// A mirror of somebody's log.
    Mirror,
}

impl Role {
    /// The word for the role, in file names and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Witness => "witness",
            Self::Mirror => "mirror",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The head that stands in the sign-lock, synced: from now on no other tree of this size may be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedHead {
    role: Role,
    origin: Origin,
    head: Head,
    time: Option<CosignatureTime>,
}

impl LockedHead {
    /// Only the sign-lock of `store` makes one, after the lock's file and folder were synced.
    pub fn synced(role: Role, origin: Origin, head: Head, time: Option<CosignatureTime>) -> Self {
        Self { role, origin, head, time }
    }

    /// The role it permits to sign.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The time below which no cosignature may state; an author's checkpoint states none.
    pub fn time(&self) -> Option<CosignatureTime> {
        self.time
    }
}

/// What an author finds at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The newest signed checkpoint in the store.
    pub note: Option<Head>,
    /// The head that was pending in the store.
    pub pending: Option<Head>,
    /// The head in the sign-lock.
    pub lock: Option<Head>,
}

/// What a start must do, from what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Lock, note and pending agree.
    Ready,
    /// Pending entries were kept but not locked: read them back, recompute the root, lock, sign.
    Confirm(Head),
    /// The lock permits the pending head: sign that same note, byte for byte.
    Sign(Head),
    /// The store is older than the lock: a backup was restored. Read only until the tail is back.
    StoreBehind {
        /// The head in the lock.
        lock: Head,
    },
    /// The lock is missing or older than the store: somebody replaced it. Read only until peers or an operator
    /// name the size.
    LockBehind,
    /// Lock and store hold different trees. Halt; keep both as evidence.
    Conflict {
        /// The head in the lock.
        lock: Head,
    },
}

impl Found {
    /// Decides; the rules of a restart before peers are asked.
    pub fn resume(self) -> Resume {
        let Some(lock) = self.lock else { return Resume::LockBehind };
        let note = self.note.unwrap_or(Head::EMPTY);
        let pending = self.pending.unwrap_or(note);
        let held = [note, pending];
        if held.iter().any(|head| head.size == lock.size && head.root != lock.root) {
            return Resume::Conflict { lock };
        }
        if lock.size > pending.size {
            return Resume::StoreBehind { lock };
        }
        if lock.size < note.size {
            return Resume::LockBehind;
        }
        if lock == note && lock == pending {
            Resume::Ready
        } else if lock == pending {
            Resume::Sign(pending)
        } else if lock == note {
            Resume::Confirm(pending)
        } else {
            // A size between the two that the store never held as a head.
            Resume::Conflict { lock }
        }
    }
}

#[cfg(test)]
mod tests {
    use comity_tlog::{Hash, TreeSize};

    use super::*;

    fn head(size: u64, tree: u8) -> Head {
        Head { size: TreeSize::new(size).unwrap(), root: Hash::from_bytes([tree; 32]) }
    }

    fn check(note: Option<Head>, pending: Option<Head>, lock: Option<Head>, expect: Resume) {
        assert_eq!(Found { note, pending, lock }.resume(), expect, "{note:?} {pending:?} {lock:?}");
    }

    #[test]
    fn a_start_never_signs_a_second_root_of_one_size() {
        let (five, six, other_six) = (head(5, 5), head(6, 6), head(6, 7));
        check(Some(five), Some(five), Some(five), Resume::Ready);
        check(Some(five), None, Some(five), Resume::Ready);
        check(None, None, Some(Head::EMPTY), Resume::Ready);
        check(Some(five), Some(six), Some(five), Resume::Confirm(six));
        check(Some(five), Some(six), Some(six), Resume::Sign(six));
        check(Some(five), Some(six), Some(other_six), Resume::Conflict { lock: other_six });
        check(Some(six), Some(six), Some(other_six), Resume::Conflict { lock: other_six });
        check(Some(five), Some(five), Some(six), Resume::StoreBehind { lock: six });
        check(Some(six), Some(six), Some(five), Resume::LockBehind);
        check(Some(six), Some(six), None, Resume::LockBehind);
        check(Some(five), Some(head(7, 7)), Some(six), Resume::Conflict { lock: six });
    }
}
