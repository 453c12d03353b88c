//! Why a peer is not answered: what it is told, and what only our own log says.

use comity_store::StoreError;
use comity_tlog::ProveError;
use comity_wire::{ErrorCode, InvalidMessage};
use tonic::Status;

use crate::NodeError;

/// A call that is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// Something that the peer may know.
    #[error("refused: {code}")]
    Refused {
        /// What.
        code: ErrorCode,
    },
    /// The store, or what is in it.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A proof could not be made.
    #[error("a proof cannot be made")]
    Prove(#[from] ProveError<StoreError>),
    /// What was read does not make a message.
    #[error("no message can be made of what is held")]
    Message(#[from] InvalidMessage),
    /// What was read does not make a frame.
    #[error("no frame can be made of what is held")]
    Frame(#[from] comity_ledger::Rejection),
}

impl ServeError {
    /// Whether stable storage failed: the process must stop.
    pub(crate) fn is_of_the_medium(&self) -> bool {
        match self {
            Self::Node(NodeError::Store(error)) | Self::Prove(ProveError::Read { source: error, .. }) => {
                error.is_of_the_medium()
            }
            _ => false,
        }
    }

    /// The status for the peer; the cause goes into our own log.
    pub(crate) fn to_status(&self) -> Status {
        match self {
            Self::Refused { code } => code.to_status(),
            Self::Node(NodeError::Store(StoreError::CursorMoved { .. })) => ErrorCode::Busy.to_status(),
            other => {
                tracing::error!(error = %other, cause = ?std::error::Error::source(other), "cannot serve a peer");
                ErrorCode::Internal.to_status()
            }
        }
    }
}
