//! What something that was rejected puts in doubt: nothing but whoever sent it, or the author's history itself.
//!
//! Not here: whether something is rejected (`replica`), and whom a doubt is told (`comity-node`).

use comity_tlog::Hash;

use crate::Rejection;

/// A doubt about an author's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// The author signed two trees that cannot both be its log: its own words convict it.
    Fork,
    /// The author shows a smaller tree than before.
    Rollback,
    /// What came does not fit together, which proves nothing against anybody.
    Suspect,
}

impl Rejection {
    /// What the rejection puts in doubt; `None` if whoever sends may be the only one at fault.
    ///
    /// A bad proof alone accuses nobody; two roots of one size, or a smaller tree from the author itself, are the
    /// author's own words.
    pub fn doubt(&self) -> Option<Doubt> {
        match self {
            Self::SameSizeOtherRoot { .. } | Self::OtherBeginning { .. } => Some(Doubt::Fork),
            Self::Smaller { .. } => Some(Doubt::Rollback),
            Self::Contradicts { .. } | Self::Consistency { .. } | Self::KeyOutOfForce { .. } => {
                Some(Doubt::Suspect)
            }
            _ => None,
        }
    }
}

/// What a checkpoint of the author means that is smaller than one seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Older {
    /// It is not the beginning of what is held: two histories.
    OtherPast,
    /// The author itself went back.
    Rollback,
    /// A relay has not come as far; what an author signed before may be shown by others at any time.
    RelayBehind,
}

impl Older {
    /// Judges by the root that the checkpoint states, the root of as many entries of those held (`None` if fewer are
    /// held), and whether the author itself brought it.
    pub fn judge(stated: Hash, held: Option<Hash>, from_author: bool) -> Self {
        if held.is_some_and(|held| held != stated) {
            // The author's key signed it, whoever brings it.
            Self::OtherPast
        } else if from_author {
            Self::Rollback
        } else {
            Self::RelayBehind
        }
    }
}

#[cfg(test)]
mod tests {
    use comity_tlog::TreeSize;

    use super::*;

    #[test]
    fn only_the_authors_own_words_convict_it() {
        let (size, one, other) = (TreeSize::ZERO, Hash::from_bytes([1; 32]), Hash::from_bytes([2; 32]));
        assert_eq!(Rejection::SameSizeOtherRoot { size }.doubt(), Some(Doubt::Fork));
        assert_eq!(Rejection::Smaller { size, seen: size }.doubt(), Some(Doubt::Rollback));
        assert_eq!(Rejection::Contradicts { size }.doubt(), Some(Doubt::Suspect));
        // Whoever holds a key that has ended may have signed, and shown it to whoever sends.
        assert_eq!(Rejection::KeyOutOfForce { size }.doubt(), Some(Doubt::Suspect));
        for senders in [Rejection::Note, Rejection::OtherOrigin, Rejection::Gap { start: size, held: size }] {
            assert_eq!(senders.doubt(), None);
        }
        assert_eq!(Older::judge(one, Some(other), false), Older::OtherPast);
        assert_eq!(Older::judge(one, Some(one), true), Older::Rollback);
        assert_eq!(Older::judge(one, None, true), Older::Rollback);
        assert_eq!(Older::judge(one, Some(one), false), Older::RelayBehind);
        assert_eq!(Older::judge(one, None, false), Older::RelayBehind);
    }
}
