//! Why a session ends, and what that says about the author.

use comity_ledger::{Doubt, Rejection};

use crate::message::Refusal;

/// Why a session ends.
#[derive(Debug)]
pub(crate) enum Stop {
    Unreachable,
    Silent,
    Broken,
    NotWellFormed,
    NoCheckpoint,
    OtherLog,
    ReleaseOrder,
    EarlyOpening,
    WrongOpening,
    RelayBehind,
    OtherPast,
    Rejected(Rejection),
    Refused(Refusal),
    /// It was a question, and was answered.
    Asked,
}

impl Stop {
    /// What it puts in doubt.
    pub(crate) fn doubt(&self) -> Option<Doubt> {
        match self {
            Self::OtherPast => Some(Doubt::Fork),
            Self::Rejected(rejection) => rejection.doubt(),
            _ => None,
        }
    }

    pub(crate) fn is_fork(&self) -> bool {
        self.doubt() == Some(Doubt::Fork)
    }

    /// Whether both sides hold what cannot both be the log, or not the same end of it, or know of other keys.
    pub(crate) fn may_come_of_an_end(&self) -> bool {
        let is_at_odds = matches!(
            self,
            Self::RelayBehind
                | Self::Rejected(Rejection::Signature { .. })
                | Self::Refused(Refusal::BeyondSize | Refusal::NoteConflict)
        );
        is_at_odds || self.doubt().is_some()
    }

    /// Whether what came is of another tree than the entries held.
    pub(crate) fn is_of_another_tree(&self) -> bool {
        matches!(
            self,
            Self::OtherPast
                | Self::Refused(Refusal::NoteConflict)
                | Self::Rejected(
                    Rejection::Consistency { .. }
                        | Rejection::Contradicts { .. }
                        | Rejection::SameSizeOtherRoot { .. }
                        | Rejection::OtherBeginning { .. }
                )
        )
    }

    /// What it is counted as.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Silent => "silent",
            Self::Broken => "broken off",
            Self::NotWellFormed => "not well formed",
            Self::NoCheckpoint => "no checkpoint",
            Self::OtherLog => "opening of another log",
            Self::ReleaseOrder => "release order",
            Self::EarlyOpening => "early opening",
            Self::WrongOpening => "wrong opening",
            Self::RelayBehind => "relay behind",
            Self::OtherPast => "fork in the past",
            Self::Rejected(rejection) => match rejection {
                Rejection::SameSizeOtherRoot { .. } | Rejection::OtherBeginning { .. } => "fork",
                Rejection::Smaller { .. } => "rollback",
                Rejection::Consistency { .. } => "inconsistent frame",
                Rejection::Signature { .. } | Rejection::Note | Rejection::OtherOrigin => "wrong note",
                Rejection::KeyOutOfForce { .. } => "key that has ended",
                Rejection::Gap { .. } => "gap",
                _ => "no such frame",
            },
            Self::Refused(_) => "refused",
            Self::Asked => "asked for a successor",
        }
    }
}
