//! Screening as it is asked and answered between programs: the question read, the view asked, the answer written
//! with the heads that it stands on.
//!
//! Not here: matching (`comity-screening`). What is asked is personal and is never written to a log.

use std::collections::BTreeMap;

use bytes::Bytes;
use comity_ledger::{Head, Origin};
use comity_screening::{Answer, Hit, HitState, IdQuery, Query, View};
use comity_watchlist::Text;
use comity_wire::{InvalidMessage, LogHead, ScreenQuery, v1};

/// Screens; `as_of` are the heads up to which the view has taken the logs in.
///
/// # Errors
/// [`InvalidMessage`] if the name or the value can match nothing, as one without a letter or digit.
pub fn screened(
    view: &View,
    as_of: &BTreeMap<Origin, Head>,
    asked: &ScreenQuery,
) -> Result<v1::ScreenResponse, InvalidMessage> {
    let query = match asked {
        ScreenQuery::Name { name } => Query::name(name.as_str())
            .map_err(|_| InvalidMessage::Malformed { field: "screen_request.name" })?,
        ScreenQuery::Identifier { kind, scope, value } => {
            IdQuery::new(*kind, scope.as_ref().map(Text::as_str), value.as_str())
                .map(Query::Id)
                .map_err(|_| InvalidMessage::Malformed { field: "identifier_query.value" })?
        }
    };
    respond(&view.screen(&query), as_of)
}

fn respond(answer: &Answer, as_of: &BTreeMap<Origin, Head>) -> Result<v1::ScreenResponse, InvalidMessage> {
    let heads = as_of.iter().map(|(origin, head)| LogHead { origin: origin.clone(), head: *head });
    let word = if answer.hits.is_empty() { v1::ScreenAnswer::None } else { v1::ScreenAnswer::Hits };
    let hits = answer.hits.iter().map(|hit| hit_message(hit, as_of));
    let mut response = v1::ScreenResponse {
        answer: word.into(),
        as_of: heads.map(|head| v1::LogHead::from(&head)).collect(),
        hits: hits.collect::<Result<_, InvalidMessage>>()?,
        hits_left_out: 0,
    }
    .within_limit()?;
    if answer.more {
        // How many more there are is not known: at least one.
        response.hits_left_out = response.hits_left_out.max(1);
    }
    Ok(response)
}

fn hit_message(hit: &Hit, as_of: &BTreeMap<Origin, Head>) -> Result<v1::Hit, InvalidMessage> {
    let head = as_of.iter().find(|(origin, _)| origin.as_str() == hit.origin.as_str());
    let (_, head) = head.ok_or(InvalidMessage::Missing { field: "screen_response.as_of" })?;
    let state = match hit.state {
        HitState::Unapproved => v1::RecordState::Unapproved,
        // In doubt: shown for review, in no state that anything could be done upon.
        _ => v1::RecordState::Unspecified,
    };
    Ok(v1::Hit {
        agency: hit.agency.clone(),
        list: hit.list.as_str().to_owned(),
        reference: hit.reference.as_str().to_owned(),
        version: hit.version,
        kind: hit.kind.word().to_owned(),
        name: hit.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        origin: hit.origin.to_string(),
        index: hit.index.value(),
        size: head.size.value(),
        root: Bytes::copy_from_slice(head.root.as_bytes()),
        state: state.into(),
    })
}
