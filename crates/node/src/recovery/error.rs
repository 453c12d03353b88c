//! Why something of the own log did not come back from a peer. Never the content of an entry or a section.

use comity_ledger::{OpeningError, Rejection};
use comity_store::StoreError;
use comity_tlog::{CheckpointError, EntryIndex, ProveError};

use crate::NodeError;
use crate::dial::DialError;
use crate::proved_times::FirstQuorumError;

/// The end of one attempt.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecoveryError {
    /// The peer could not be asked, or did not go on.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// A checkpoint or a frame was rejected; nothing of it was stored.
    #[error("what the peer gives back is rejected")]
    Rejected(#[from] Rejection),
    /// A frame before any checkpoint that is beyond what is held.
    #[error("a frame came before a checkpoint")]
    NoCheckpoint,
    /// Releases of something else, or with a gap.
    #[error("a release of this log under number {expected} was due")]
    Release {
        /// The number due.
        expected: u64,
    },
    /// An opening that does not give the commitment of its entry; nothing of its release was stored.
    #[error("an opening of entry {index} is not what the entry commits to")]
    Opening {
        /// The entry.
        index: EntryIndex,
        /// Why.
        #[source]
        source: OpeningError,
    },
    /// A first quorum that is refused.
    #[error("a first quorum that the peer gives back is refused")]
    FirstQuorum(#[source] FirstQuorumError),
    /// A first quorum, where nobody asked for one.
    #[error("a first quorum came, and none was asked for")]
    Unasked,
    /// A kept checkpoint does not verify with the own key.
    #[error("a kept checkpoint does not verify with the own key")]
    Stored(#[from] CheckpointError),
    /// The own tree cannot be read.
    #[error("the own tree cannot be read")]
    Tree(#[from] ProveError<StoreError>),
    /// The own store or what is in it.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A step that did not end.
    #[error("a step broke off")]
    Broken,
}

impl From<StoreError> for RecoveryError {
    fn from(source: StoreError) -> Self {
        Self::Node(source.into())
    }
}

impl From<FirstQuorumError> for RecoveryError {
    fn from(error: FirstQuorumError) -> Self {
        match error {
            FirstQuorumError::Rejected(rejection) => rejection.into(),
            FirstQuorumError::Tree(source) => source.into(),
            FirstQuorumError::Node(source) => source.into(),
            refused => Self::FirstQuorum(refused),
        }
    }
}

impl RecoveryError {
    /// Whether the process must stop: after a failed sync nothing more may be acknowledged.
    pub(super) fn is_of_the_medium(&self) -> bool {
        match self {
            Self::Node(NodeError::Store(error)) | Self::Tree(ProveError::Read { source: error, .. }) => {
                error.is_of_the_medium()
            }
            _ => false,
        }
    }

    /// The error and its causes in one line.
    pub(super) fn explain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }

    /// Whether the peer holds another tree under the own key than this node, its lock included.
    pub(super) fn is_conflict(&self) -> bool {
        let is_fork = |rejection: &Rejection| {
            matches!(rejection, Rejection::SameSizeOtherRoot { .. } | Rejection::OtherBeginning { .. })
        };
        // It was signed with the own key that was in force for its size.
        let is_other_past = matches!(self, Self::FirstQuorum(FirstQuorumError::OtherPast { .. }));
        is_other_past || matches!(self, Self::Rejected(rejection) if is_fork(rejection))
    }
}
