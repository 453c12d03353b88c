//! Why following stopped. Never the content of an entry or a section: these go into the log and to operators.

use comity_ledger::{AgencyId, Doubt, KeyFinding, OpeningError, Origin, Rejection};
use comity_store::StoreError;
use comity_tlog::{CheckpointError, EntryIndex, ProveError, TreeSize};
use comity_wire::ErrorCode;

use crate::NodeError;
use crate::dial::DialError;
use crate::proved_times::FirstQuorumError;

/// The author signed two histories.
pub(crate) const FORK: &str = "fork";
/// The author went back.
const ROLLBACK: &str = "rollback";
/// What came does not fit together, which proves nothing against anybody.
pub(crate) const SUSPECT: &str = "suspect";
/// The alarms while one of which stands nothing of a log is cosigned, and nothing cleared by it.
pub(crate) const DOUBTS: [&str; 3] = [FORK, ROLLBACK, SUSPECT];
/// The alarms about a state that ends once a checkpoint is complete again. A fork is not among them: what the author
/// signed twice stays signed.
pub(super) const PASSING_ALARMS: [&str; 3] = [ROLLBACK, SUSPECT, crate::heal::DAMAGED];

/// The end of a stream.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    /// The relay is not in the register.
    #[error("the relay {agency} is no peer")]
    NoRelay {
        /// The relay.
        agency: AgencyId,
    },
    /// The other side could not be asked, or did not go on.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// A checkpoint or a frame was rejected; nothing of it was stored.
    #[error("rejected")]
    Rejected(#[from] Rejection),
    /// The relay has not yet what is held here already: an older checkpoint of the same history.
    #[error("the relay is behind: its checkpoint has size {size}, but {seen} was seen before")]
    RelayBehind {
        /// The size that the relay has.
        size: TreeSize,
        /// The size seen before.
        seen: TreeSize,
    },
    /// The author signed an older tree that is not the beginning of the one held here: two histories.
    #[error("the checkpoint of size {size} is of another history than the entries held")]
    OtherPast {
        /// The size.
        size: TreeSize,
    },
    /// What would be two histories, if the proof of it were at hand.
    #[error("what came does not fit what is held, and there is no proof against anybody at hand")]
    Unproven {
        /// What it seems to be.
        #[source]
        what: Box<FollowError>,
    },
    /// A frame before any checkpoint.
    #[error("a frame came before a checkpoint")]
    NoCheckpoint,
    /// An opening of another log.
    #[error("an opening of {origin} came in the stream of another log")]
    OtherOrigin {
        /// The log that it names.
        origin: Origin,
    },
    /// Release numbers with a gap, or twice.
    #[error("release {found} came where {expected} was due")]
    ReleaseOrder {
        /// The number due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An opening before its entry.
    #[error("an opening of entry {index} came before the entry")]
    EarlyOpening {
        /// The entry.
        index: EntryIndex,
    },
    /// A first quorum that is refused.
    #[error(transparent)]
    FirstQuorum(FirstQuorumError),
    /// An opening that does not give the commitment of its entry; nothing of its release was stored.
    #[error("an opening of entry {index} is not what the entry commits to")]
    Opening {
        /// The entry.
        index: EntryIndex,
        /// Why.
        #[source]
        source: OpeningError,
    },
    /// What is held of the log was verified with another key, and nobody has said that it is to be set aside.
    #[error(
        "what is held of the log is of another log key than the card; add the peer with --set-aside-replica"
    )]
    OtherKey,
    /// What is shown as the successor of a closed log is none.
    #[error("the genesis that is shown does not go on from the closed log that is held")]
    Successor {
        /// Why.
        #[source]
        source: KeyFinding,
    },
    /// The checkpoint seen last does not verify with the pinned key.
    #[error("the stored checkpoint does not verify with the pinned key")]
    Stored(#[from] CheckpointError),
    /// The tree of the replica cannot be read.
    #[error("the tree of the replica cannot be read")]
    Tree(#[from] ProveError<StoreError>),
    /// The own store or what is in it.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The follower was told to stop.
    #[error("told to stop")]
    Stopped,
    /// A step that did not end.
    #[error("a step of the follower broke off")]
    Broken,
}

impl From<StoreError> for FollowError {
    fn from(source: StoreError) -> Self {
        Self::Node(source.into())
    }
}

impl From<FirstQuorumError> for FollowError {
    fn from(error: FirstQuorumError) -> Self {
        match error {
            FirstQuorumError::Rejected(rejection) => rejection.into(),
            FirstQuorumError::OtherPast { size } => Self::OtherPast { size },
            FirstQuorumError::Tree(source) => source.into(),
            FirstQuorumError::Node(source) => source.into(),
            refused => Self::FirstQuorum(refused),
        }
    }
}

impl FollowError {
    /// Whether the process must stop: after a failed sync nothing more may be acknowledged.
    pub(crate) fn is_fatal(&self) -> bool {
        match self {
            Self::Node(NodeError::Store(error)) | Self::Tree(ProveError::Read { source: error, .. }) => {
                error.is_of_the_medium()
            }
            _ => false,
        }
    }

    /// The word of the alarm that a person must look at, if the author's history itself is in doubt.
    pub(crate) fn alarm(&self) -> Option<&'static str> {
        let doubt = match self {
            Self::OtherPast { .. } => Doubt::Fork,
            Self::Unproven { .. } => Doubt::Suspect,
            Self::Rejected(rejection) => rejection.doubt()?,
            _ => return None,
        };
        Some(match doubt {
            Doubt::Fork => FORK,
            Doubt::Rollback => ROLLBACK,
            Doubt::Suspect => SUSPECT,
        })
    }

    /// Whether the other side has not come as far with its releases as it had before: it was put back.
    pub(crate) fn is_behind_release(&self) -> bool {
        matches!(self, Self::Dial(DialError::Answered { code: ErrorCode::BeyondRelease }))
    }

    /// Whether all of a closed log was sent, and its successor is there.
    pub(crate) fn is_closed_log(&self) -> bool {
        matches!(self, Self::Dial(DialError::Answered { code: ErrorCode::LogClosed }))
    }

    /// Whether the other side and this one hold what cannot both be the log, or not the same end of it, or know of other
    /// keys: so it is too where the log has ended before what is held here, since somebody else signed that.
    pub(crate) fn may_come_of_an_end(&self) -> bool {
        let is_at_odds = matches!(
            self,
            Self::RelayBehind { .. }
                | Self::Rejected(Rejection::Signature { .. })
                | Self::Dial(DialError::Answered { code: ErrorCode::BeyondSize | ErrorCode::NoteConflict })
        );
        is_at_odds || self.alarm().is_some()
    }

    /// Whether what came is of another tree than the entries held: one of the two is not the log.
    pub(crate) fn is_of_another_tree(&self) -> bool {
        match self {
            Self::Unproven { what } => what.is_of_another_tree(),
            Self::Rejected(rejection) => matches!(
                rejection,
                Rejection::Consistency { .. }
                    | Rejection::Contradicts { .. }
                    | Rejection::SameSizeOtherRoot { .. }
                    | Rejection::OtherBeginning { .. }
            ),
            Self::OtherPast { .. } | Self::Dial(DialError::Answered { code: ErrorCode::NoteConflict }) => {
                true
            }
            _ => false,
        }
    }

    /// The error and its causes in one line.
    pub(crate) fn explain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_proved_is_suspect_and_no_fork() {
        let other = FollowError::OtherPast { size: TreeSize::ZERO };
        assert_eq!(other.alarm(), Some(FORK));
        let unproven = FollowError::Unproven { what: Box::new(other) };
        assert_eq!(unproven.alarm(), Some(SUSPECT));
        assert!(unproven.may_come_of_an_end() && unproven.explain().contains("another history"));
        assert!(unproven.is_of_another_tree());
        // What a key signed that is not in force is void, and says nothing of the entries held.
        let void = FollowError::Rejected(Rejection::KeyOutOfForce { size: TreeSize::ZERO });
        assert!(void.may_come_of_an_end() && !void.is_of_another_tree());
    }
}
