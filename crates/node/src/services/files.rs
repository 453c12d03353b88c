//! Exports as streams of file parts: a log as a folder of tiles or as the formats of others, the audit bundle of all
//! logs, or a backup.
//!
//! Made while they are read: a slow reader holds back the making, and one that goes away ends it.

use std::sync::Arc;

use bytes::Bytes;
use comity_feeds::out::OutFormat;
use comity_ledger::Origin;
use comity_watchlist::ListId;
use comity_wire::v1::{self, FilePart as Part};
use comity_wire::{ErrorCode, FilePart, LogHead};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::refusal::status_of;
use crate::off_reactor::off_reactor;
use crate::{
    LogExport, Node, NodeError, TakeFile, backup_of, bundle_of, keyring_of, now, wanted_out, write_out,
};

/// Parts made ahead of the reader; each has at most 1 MiB.
const PARTS_AHEAD: usize = 4;

/// A stream of an export.
pub(super) type Stream<T> = ReceiverStream<Result<T, Status>>;

/// One log as a folder of tiles.
pub(super) fn export_log<T: Send + 'static>(
    node: Arc<Node>,
    origin: Origin,
    permit: OwnedSemaphorePermit,
    wrap: fn(Part) -> T,
) -> Stream<T> {
    stream(permit, wrap, move |take| {
        let key = node.home().log_key_of(node.store(), &origin)?;
        LogExport::new(node.store(), &origin, &key)?.files("", take).map(|()| None)
    })
}

/// Listings of a log in a format of others, and at the end how many.
pub(super) fn export_records(
    node: Arc<Node>,
    origin: Origin,
    list: Option<ListId>,
    format: OutFormat,
    permit: OwnedSemaphorePermit,
) -> Stream<v1::ExportRecordsResponse> {
    use v1::export_records_response::Step;
    stream(
        permit,
        |part| v1::ExportRecordsResponse { step: Some(Step::Part(part)) },
        move |take| {
            let wanted = wanted_out(node.store(), &node.view(), &origin, list.as_ref())?;
            let exported = write_out(node.store(), &wanted, format, take)?;
            let done = v1::ExportedRecords {
                head: Some(v1::LogHead::from(&LogHead { origin, head: exported.head })),
                records: exported.records,
                left_out: exported.left_out,
            };
            Ok(Some(v1::ExportRecordsResponse { step: Some(Step::Done(done)) }))
        },
    )
}

/// All logs, with their keys and openings.
pub(super) fn export_bundle<T: Send + 'static>(
    node: Arc<Node>,
    permit: OwnedSemaphorePermit,
    wrap: fn(Part) -> T,
) -> Stream<T> {
    stream(permit, wrap, move |take| bundle_of(node.home(), node.store(), now(), take).map(|()| None))
}

/// A backup, or the keyring that goes with the one before.
pub(super) fn export_backup<T: Send + 'static>(
    node: Arc<Node>,
    keyring: bool,
    permit: OwnedSemaphorePermit,
    wrap: fn(Part) -> T,
) -> Stream<T> {
    stream(permit, wrap, move |take| {
        let made = if keyring {
            keyring_of(node.store(), take)
        } else {
            backup_of(node.home(), node.store(), now(), take)
        };
        made.map(|()| None)
    })
}

/// Sends what is made, and what is said of it behind the last file.
fn stream<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    wrap: fn(Part) -> T,
    make: impl FnOnce(&mut TakeFile<'_>) -> Result<Option<T>, NodeError> + Send + 'static,
) -> Stream<T> {
    let (sender, receiver) = mpsc::channel(PARTS_AHEAD);
    let span = tracing::Span::current();
    off_reactor(move || {
        let _entered = span.enter();
        let _permit = permit;
        let made = make(&mut |path, bytes| send(&sender, path, bytes, wrap));
        match made {
            Ok(None) | Err(NodeError::Abandoned) => {}
            // A reader that has gone needs no more.
            Ok(Some(last)) => sender.blocking_send(Ok(last)).unwrap_or_default(),
            // A reader that has gone needs no answer.
            Err(error) => sender.blocking_send(Err(status_of(&error))).unwrap_or_default(),
        }
    });
    ReceiverStream::new(receiver)
}

fn send<T>(
    sender: &mpsc::Sender<Result<T, Status>>,
    path: &str,
    bytes: &[u8],
    wrap: fn(Part) -> T,
) -> Result<(), NodeError> {
    let Ok(path) = path.parse() else {
        let status = ErrorCode::Internal.to_status();
        return sender.blocking_send(Err(status)).and(Ok(())).map_err(|_| NodeError::Abandoned);
    };
    for part in FilePart::cut(&path, &Bytes::copy_from_slice(bytes)) {
        sender.blocking_send(Ok(wrap(part.into()))).map_err(|_| NodeError::Abandoned)?;
    }
    Ok(())
}
