//! Reading an append: a header, then as many changes as it says, within limits, and nothing after them.

use std::time::Duration;

use comity_wire::v1::AppendRequest;
use comity_wire::{AppendHeader, AppendStep, DraftChange, ErrorCode, sanitize};
use tokio::time::timeout;
use tonic::{Status, Streaming};

/// Most bytes of sections of one append: 65,536 changes of 2 KiB; the largest official list takes a quarter.
const APPEND_BYTES_MAX: usize = 128 << 20;

/// Longest between two messages of an append: an operator's program makes them beforehand, so this only frees the
/// place of one that hangs.
const STEP_TIME_MAX: Duration = Duration::from_secs(30);

/// The whole of an append.
///
/// # Errors
/// The status to answer with.
pub(super) async fn read(
    mut stream: Streaming<AppendRequest>,
) -> Result<(AppendHeader, Vec<DraftChange>), Status> {
    let misplaced = || ErrorCode::Malformed.to_status_about("append_request.step");
    let Some(AppendStep::Header(header)) = next(&mut stream).await? else { return Err(misplaced()) };
    let mut changes: Vec<DraftChange> = Vec::new();
    let mut bytes = 0_usize;
    while let Some(step) = next(&mut stream).await? {
        let AppendStep::Changes(more) = step else { return Err(misplaced()) };
        bytes = more.iter().map(section_bytes).fold(bytes, usize::saturating_add);
        let count = u64::try_from(changes.len().saturating_add(more.len())).unwrap_or(u64::MAX);
        if bytes > APPEND_BYTES_MAX {
            return Err(ErrorCode::TooLarge.to_status_about("append_changes.changes"));
        }
        if count > header.changes() {
            return Err(ErrorCode::Malformed.to_status_about("append_header.changes"));
        }
        changes.extend(more);
    }
    if u64::try_from(changes.len()) != Ok(header.changes()) {
        return Err(ErrorCode::Malformed.to_status_about("append_header.changes"));
    }
    Ok((header, changes))
}

async fn next(stream: &mut Streaming<AppendRequest>) -> Result<Option<AppendStep>, Status> {
    let message = timeout(STEP_TIME_MAX, stream.message()).await;
    let message = message.map_err(|_| ErrorCode::Timeout.to_status())?;
    let message = message.map_err(|status| sanitize(&status))?;
    message.map(AppendStep::try_from).transpose().map_err(Status::from)
}

fn section_bytes(change: &DraftChange) -> usize {
    change.sections().iter().map(|(_, bytes)| bytes.len()).fold(0, usize::saturating_add)
}
