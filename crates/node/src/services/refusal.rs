//! From what went wrong inside to what a caller is told: a code of the closed table and nothing else.
//!
//! The cause goes to the log of this node, which holds no personal data either.

use comity_store::StoreError;
use comity_wire::ErrorCode;
use tonic::Status;

use crate::NodeError;
use crate::author_task::AppendError;
use crate::off_reactor::off_reactor;

/// What is answered to a failure of this node.
pub(super) fn status_of(error: &NodeError) -> Status {
    let code = match error {
        NodeError::Store(StoreError::NoSuchLog { .. }) => ErrorCode::UnknownOrigin,
        NodeError::Store(StoreError::KeyringChanged) => ErrorCode::KeyringChanged,
        NodeError::ReadOnly { .. } => ErrorCode::ReadOnly,
        NodeError::Record { .. } | NodeError::Name(_) => ErrorCode::Malformed,
        _ => ErrorCode::Internal,
    };
    if code == ErrorCode::Internal {
        tracing::error!(%error, "a call failed");
    }
    code.to_status()
}

/// What is answered to an append that was not done.
pub(super) fn status_of_append(error: &AppendError) -> Status {
    match error {
        AppendError::BaseChanged => ErrorCode::BaseChanged.to_status(),
        AppendError::HeldBack => ErrorCode::HeldBack.to_status(),
        AppendError::MixedPackage => ErrorCode::Malformed.to_status_about("append_changes.package"),
        AppendError::Refused { .. } => ErrorCode::Malformed.to_status_about("append_changes.changes"),
        AppendError::Halted | AppendError::ReadOnly => ErrorCode::ReadOnly.to_status(),
        AppendError::KeyEvent { source } => {
            tracing::warn!(reason = %source, "a key event was refused");
            ErrorCode::KeyRefused.to_status()
        }
        AppendError::NoSigner => ErrorCode::KeyRefused.to_status(),
        AppendError::DiskFull => ErrorCode::StorageFull.to_status(),
        AppendError::Stopped => ErrorCode::Stopping.to_status(),
    }
}

/// Runs what blocks where it may, and answers its failure.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NodeError> + Send + 'static,
) -> Result<T, Status> {
    let span = tracing::Span::current();
    let done = off_reactor(move || span.in_scope(work)).await;
    // The task was not cancelled by us, so this is a panic; its message went to the log.
    done.map_err(|_| ErrorCode::Internal.to_status())?.map_err(|error| status_of(&error))
}
