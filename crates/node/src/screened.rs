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
        hits: hits.collect(),
        hits_left_out: 0,
    }
    .within_limit()?;
    if answer.more {
        // How many more there are is not known: at least one.
        response.hits_left_out = response.hits_left_out.max(1);
    }
    Ok(response)
}

fn hit_message(hit: &Hit, as_of: &BTreeMap<Origin, Head>) -> v1::Hit {
    let head = as_of.iter().find(|(origin, _)| origin.as_str() == hit.origin.as_str());
    let head = head.map_or(Head::EMPTY, |(_, head)| *head);
    // While a log is being followed, frames are in the view before the head that covers them: shown, but not proved.
    let state = match hit.state {
        HitState::Unapproved if head.size.contains(hit.index) => v1::RecordState::Unapproved,
        // In doubt: shown for review, in no state that anything could be done upon.
        _ => v1::RecordState::Unspecified,
    };
    v1::Hit {
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
    }
}

#[cfg(test)]
mod tests {
    use comity_screening::Provenance;
    use comity_tlog::{EntryIndex, Hash, TreeSize};
    use comity_watchlist::{
        Change, Handle, ListId, Name, NameKind, Op, Record, RecordKey, Reference, SectionsRead, SubjectKind,
    };

    use super::*;

    fn view() -> View {
        let key = RecordKey::new(ListId::parse("invented-list").unwrap(), Reference::parse("1").unwrap());
        let mut record = Record::new(key, SubjectKind::Person);
        record.names.push(Name::new(NameKind::Primary, Text::new("Tomas Velloran").unwrap()));
        let op = Op::List { record: Box::new(record) };
        let sections = Change { handle: Handle::new([1; 16]), op }.encode().unwrap();
        let at = Provenance {
            origin: "b.example/pub".parse().unwrap(),
            index: EntryIndex::new(5).unwrap(),
            leaf: Hash::leaf(b"entry 5"),
            about: None,
        };
        let mut view = View::new();
        view.apply(&at, Change::decode(&SectionsRead::from(&sections)).unwrap()).unwrap();
        view
    }

    /// Goal: a hit in frames that no head covers yet neither fails the answer nor passes as proved.
    #[test]
    fn a_hit_is_sure_only_under_a_head_that_covers_it() {
        let asked = ScreenQuery::Name { name: Text::new("Tomas Velloran").unwrap() };
        let ask = |size: Option<u64>| {
            let head = |size| Head { size: TreeSize::new(size).unwrap(), root: Hash::leaf(b"root") };
            let as_of = size.map(|size| ("b.example/pub".parse().unwrap(), head(size)));
            let answer = screened(&view(), &as_of.into_iter().collect(), &asked).unwrap();
            assert_eq!(answer.answer(), v1::ScreenAnswer::Hits);
            answer.hits[0].state()
        };
        assert_eq!(ask(None), v1::RecordState::Unspecified, "no head yet");
        assert_eq!(ask(Some(5)), v1::RecordState::Unspecified, "a head before the entry");
        assert_eq!(ask(Some(6)), v1::RecordState::Unapproved);
    }
}
