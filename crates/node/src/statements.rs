//! Same-as statements as they are asked for and made: what the view says of them, with the time of each from its entry.
//!
//! Not here: which statements stand, and what they join (`comity-screening`).

use bytes::Bytes;
use comity_ledger::{AgencyId, Entry, Origin};
use comity_screening::{LogOrigin, Stated, StatementState, Status, Subject, View};
use comity_store::{Store, StoreError};
use comity_tlog::EntryIndex;
use comity_watchlist::{Handle, ListingRef};
use comity_wire::v1;

use crate::NodeError;
use crate::author_task::Basis;

/// What is said in any log that is held of a listing being about one subject with another, and is not held back; of more than fits the answer,
/// first of all what the agency `own` says. Blocking.
///
/// # Errors
/// A [`NodeError`] if the log is not held, or the store is damaged.
pub fn statements_about(
    store: &Store,
    view: &View,
    own: &AgencyId,
    origin: &Origin,
    handle: Handle,
) -> Result<v1::ListStatementsResponse, NodeError> {
    let no_such_log = || NodeError::Store(StoreError::NoSuchLog { origin: origin.to_string() });
    if store.role(origin)?.is_none() {
        return Err(no_such_log());
    }
    let log: LogOrigin = origin.as_str().parse().map_err(|_| no_such_log())?;
    let (mut stated, more) = view.statements_about(own.as_str(), &log, handle);
    let (all, held_back) = (stated.len(), store.held_back());
    stated.retain(|stated| {
        let origin = stated.origin.as_str().parse();
        !origin.is_ok_and(|origin| held_back.holds(&origin, stated.index))
    });
    let statements = stated.iter().map(|stated| message(store, stated)).collect::<Result<_, _>>()?;
    let mut subjects = view.subjects(&log, handle);
    if stated.len() < all {
        // What an own statement joins that is held back is not told either.
        subjects.retain(|subject| subject.agency != own.as_str());
    }
    subjects.sort_by_key(|subject| subject.agency != own.as_str());
    let more = more || subjects.len() > comity_wire::SUBJECTS_MAX;
    let subjects = subjects.iter().take(comity_wire::SUBJECTS_MAX).map(subject_message).collect();
    Ok(v1::ListStatementsResponse { statements, subjects, more })
}

/// Whether a statement still names two listings as they are, or a retraction a statement that stands.
pub(crate) fn holds(view: &View, log: &LogOrigin, basis: &Basis) -> bool {
    let change = &basis.decoded.change;
    match (change.op.pair(), basis.follows) {
        (Some(pair), None) => {
            let is_free = view.statement(log, change.handle).is_none();
            // Nothing is said any more of what was erased.
            let is_so = |listing: &ListingRef| {
                let origin = LogOrigin::of(&listing.origin);
                let status = view.newest_of(&origin, listing.handle).map(|(.., status)| status);
                let is_erased = status == Some(Status::Erased);
                view.key_of(&origin, listing.handle) == Some(&listing.key) && !is_erased
            };
            is_free && pair.listings().iter().all(is_so)
        }
        (None, Some((index, leaf))) => view.statement(log, change.handle).is_some_and(|stated| {
            let is_same = stated.index == index && stated.leaf.as_bytes() == leaf.as_bytes();
            let can_end = matches!(stated.state, StatementState::Stands | StatementState::Erased);
            is_same && can_end && stated.pair.first().key == basis.key
        }),
        _ => false,
    }
}

fn message(store: &Store, stated: &Stated<'_>) -> Result<v1::SameAsStatement, NodeError> {
    let state = match stated.state {
        StatementState::Stands => v1::StatementState::Stands,
        StatementState::Retracted => v1::StatementState::Retracted,
        StatementState::Erased => v1::StatementState::Erased,
        StatementState::Unknown => v1::StatementState::Review,
        StatementState::Conflict => v1::StatementState::Conflict,
    };
    Ok(v1::SameAsStatement {
        origin: stated.origin.to_string(),
        index: stated.index.value(),
        leaf: Bytes::copy_from_slice(stated.leaf.as_bytes()),
        handle: Bytes::copy_from_slice(stated.handle.as_bytes()),
        since: said_at(store, stated)?,
        state: state.into(),
        retracted_index: stated.retracted_by.map(EntryIndex::value),
        first: Some(name(stated.pair.first())),
        second: Some(name(stated.pair.second())),
    })
}

/// When the author says to have made the entry.
fn said_at(store: &Store, stated: &Stated<'_>) -> Result<u64, NodeError> {
    let origin: Origin = stated.origin.as_str().parse().map_err(NodeError::Name)?;
    let entries = store.entries(&origin, stated.index.size_before(), stated.index.size_through())?;
    let entry = entries.first().map(|bytes| Entry::parse(bytes)).transpose()?;
    Ok(entry.map_or(0, |entry| entry.author_time().unix_secs()))
}

fn subject_message(subject: &Subject<'_>) -> v1::Subject {
    let listings = subject.listings.iter().map(|listing| name(listing)).collect();
    v1::Subject { agency: subject.agency.to_owned(), listings, more: subject.more }
}

fn name(listing: &ListingRef) -> v1::ListingName {
    v1::ListingName {
        origin: listing.origin.as_str().to_owned(),
        handle: Bytes::copy_from_slice(listing.handle.as_bytes()),
        list: listing.key.list.as_str().to_owned(),
        reference: listing.key.reference.as_str().to_owned(),
    }
}
