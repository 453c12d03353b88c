//! The keys of the own log as operators see them, and key events that they hand in.
//!
//! Not here: how events are made, since the root key never comes to a node (`key_holder`).

use std::sync::Arc;

use comity_ledger::Head;
use comity_tlog::TreeSize;
use comity_wire::{ErrorCode, LogHead, v1};
use tonic::Status;

use super::admin::AdminParts;
use super::refusal::{blocking, status_of_append};
use crate::key_list::{key_events, key_list};

/// Lists the keys.
pub(super) async fn list(
    parts: &AdminParts,
    request: &v1::ListKeysRequest,
) -> Result<v1::ListKeysResponse, Status> {
    let asked = request.checkpoint_size.map(TreeSize::new).transpose();
    let asked =
        asked.map_err(|_| ErrorCode::Malformed.to_status_about("list_keys_request.checkpoint_size"))?;
    let node = Arc::clone(&parts.node);
    let states = parts.gossiping.log_states();
    let witnessed = states.get(&node.home().origin()).map_or(TreeSize::ZERO, |state| state.witnessed);
    let list = blocking(move || key_list(node.home(), node.store(), witnessed, asked)).await?;
    Ok(v1::ListKeysResponse::from(&list))
}

/// Enters key events.
pub(super) async fn enter(
    parts: &AdminParts,
    request: &v1::EnterKeyEventsRequest,
) -> Result<v1::EnterKeyEventsResponse, Status> {
    let events =
        key_events(request).map_err(|code| code.to_status_about("enter_key_events_request.events"))?;
    let appended = parts.author.enter_key_events(events).await.map_err(|error| status_of_append(&error))?;
    let (origin, head): (_, Head) = (parts.node.home().origin(), appended.head);
    Ok(v1::EnterKeyEventsResponse {
        first: appended.first.value(),
        last: appended.last.value(),
        head: Some(v1::LogHead::from(&LogHead { origin, head })),
    })
}
