//! Screening as it is asked and answered between programs: the question read, the view asked, the answer written
//! with the heads that it stands on.
//!
//! Not here: matching (`comity-screening`). What is asked is personal and is never written to a log.

use std::collections::BTreeMap;

use bytes::Bytes;
use comity_ledger::{Head, Origin};
use comity_screening::{Answer, Editions, GoodsRelation, Hit, HitState, IdQuery, Matched, Query, View};
use comity_store::HeldBack;
use comity_watchlist::Text;
use comity_wire::{InvalidMessage, LogHead, ScreenQuery, v1};

use crate::LogState;
use crate::vocabularies::{code_edition, today};

/// How far the view has taken each log in, and how it stands with each.
type Stands<'a> = (&'a BTreeMap<Origin, Head>, &'a BTreeMap<Origin, LogState>);

/// Screens; `logs` are the heads up to which the view has taken the logs in, and how it stands with each. Of a listing
/// with an entry that is held back nothing is told; since that must not clear anybody, nor say who is listed, no answer
/// clears anybody as long as an own log has one.
///
/// # Errors
/// [`InvalidMessage`] if the name or the value can match nothing, as one without a letter or digit.
pub fn screened(
    view: &View,
    held_back: &HeldBack,
    logs: Stands<'_>,
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
    let mut answer = view.screen(&query);
    answer.hits.retain(|hit| !is_held_back(view, held_back, logs.0, hit));
    respond(view, &answer, held_back, logs)
}

/// Whether an entry of the listing that is found is held back.
fn is_held_back(view: &View, held_back: &HeldBack, as_of: &BTreeMap<Origin, Head>, hit: &Hit) -> bool {
    let origin = as_of.keys().find(|origin| origin.as_str() == hit.origin.as_str());
    origin.filter(|origin| held_back.any_of(origin)).is_some_and(|origin| {
        let entries = view.entries_of(&hit.origin, hit.handle);
        entries.into_iter().any(|index| held_back.holds(origin, index))
    })
}

fn respond(
    view: &View,
    answer: &Answer,
    held_back: &HeldBack,
    (as_of, states): Stands<'_>,
) -> Result<v1::ScreenResponse, InvalidMessage> {
    let heads = as_of.iter().map(|(origin, head)| LogHead { origin: origin.clone(), head: *head });
    let found = if answer.hits.is_empty() { v1::ScreenAnswer::None } else { v1::ScreenAnswer::Hits };
    // D22, D24: nothing is cleared by a log that is too old or in doubt, whatever the others say.
    let of = |origin: &Origin| states.get(origin).copied().unwrap_or_default();
    let word = if as_of.keys().any(|origin| of(origin).in_doubt || held_back.any_of(origin)) {
        v1::ScreenAnswer::Frozen
    } else if as_of.keys().any(|origin| of(origin).stale) || states.values().any(is_unfinished) {
        v1::ScreenAnswer::Stale
    } else {
        found
    };
    let names_edition = |hit: &Hit| matches!(&hit.matched, Matched::Goods { against: Some(_), .. });
    let editions = answer.hits.iter().any(names_edition).then(|| view.editions(today()));
    let hits = answer.hits.iter().map(|hit| v1::Hit {
        goods: goods_message(&hit.matched, editions.as_ref()),
        ..hit_message(hit, as_of, states)
    });
    let mut response = v1::ScreenResponse {
        answer: word.into(),
        as_of: heads.map(|head| v1::LogHead::from(&head)).collect(),
        hits: hits.collect(),
        hits_left_out: 0,
        closed: as_of.keys().filter(|origin| of(origin).closed.is_some()).map(ToString::to_string).collect(),
    }
    .within_limit()?;
    if answer.more {
        // How many more there are is not known: at least one.
        response.hits_left_out = response.hits_left_out.max(1);
    }
    Ok(response)
}

/// Whether a log has ended and is being fetched: it may not have a head here yet.
const fn is_unfinished(log: &LogState) -> bool {
    log.closed.is_some() && log.stale
}

fn hit_message(hit: &Hit, as_of: &BTreeMap<Origin, Head>, states: &BTreeMap<Origin, LogState>) -> v1::Hit {
    let found = as_of.iter().find(|(origin, _)| origin.as_str() == hit.origin.as_str());
    let head = found.map_or(Head::EMPTY, |(_, head)| *head);
    let log = found.and_then(|(origin, _)| states.get(origin)).copied().unwrap_or_default();
    let checkpoint = if log.witnessed.contains(hit.index) {
        v1::CheckpointState::Witnessed
    } else {
        v1::CheckpointState::Unwitnessed
    };
    // While a log is being followed, frames are in the view before the head that covers them: shown, but not proved.
    // What stands behind the last good checkpoint of a closed log is void.
    let is_good = log.closed.is_none_or(|last_good| last_good.contains(hit.index));
    let is_sure = head.size.contains(hit.index) && is_good && !log.stale && !log.in_doubt;
    let state = match hit.state {
        HitState::Unapproved if is_sure => v1::RecordState::Unapproved,
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
        checkpoint: checkpoint.into(),
        goods: None,
        merged_into: hit.merged_into.as_ref().map(comity_wire::record_name),
        review: review_of(hit.state).into(),
    }
}

/// Why the record itself is for review.
const fn review_of(state: HitState) -> v1::ReviewReason {
    match state {
        HitState::Conflict => v1::ReviewReason::Conflict,
        HitState::NotActionable => v1::ReviewReason::NotOpened,
        HitState::PackageIncomplete => v1::ReviewReason::PackageIncomplete,
        _ => v1::ReviewReason::Unspecified,
    }
}

fn goods_message(matched: &Matched, editions: Option<&Editions<'_>>) -> Option<v1::GoodsMatch> {
    let Matched::Goods { code, relation, against, .. } = matched else { return None };
    let relation = match relation {
        GoodsRelation::Same => v1::GoodsRelation::Same,
        GoodsRelation::Covers => v1::GoodsRelation::Covers,
        GoodsRelation::Covered => v1::GoodsRelation::Covered,
    };
    Some(v1::GoodsMatch {
        scheme: code.scheme().to_string(),
        code: code.to_string(),
        relation: relation.into(),
        edition: editions
            .zip(against.as_deref())
            .map(|(editions, named)| code_edition(editions, named, code)),
    })
}

#[cfg(test)]
mod tests {
    use comity_screening::Provenance;
    use comity_tlog::{EntryIndex, Hash, TreeSize};
    use comity_watchlist::{
        Change, EntryRef, Handle, ListId, Name, NameKind, Notice, Op, PackagePlace, Record, RecordKey,
        Reference, SectionsRead, SubjectKind,
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
        let states = BTreeMap::new();
        let asked = ScreenQuery::Name { name: Text::new("Tomas Velloran").unwrap() };
        let ask = |size: Option<u64>| {
            let head = |size| Head { size: TreeSize::new(size).unwrap(), root: Hash::leaf(b"root") };
            let as_of = size.map(|size| ("b.example/pub".parse().unwrap(), head(size)));
            let answer =
                screened(&view(), &HeldBack::default(), (&as_of.into_iter().collect(), &states), &asked)
                    .unwrap();
            assert_eq!(answer.answer(), v1::ScreenAnswer::Hits);
            answer.hits[0].state()
        };
        assert_eq!(ask(None), v1::RecordState::Unspecified, "no head yet");
        assert_eq!(ask(Some(5)), v1::RecordState::Unspecified, "a head before the entry");
        assert_eq!(ask(Some(6)), v1::RecordState::Unapproved);
    }

    /// Goal: whoever gets a record for review is told that a package is the reason. Way: half of one is opened, then the
    /// entry behind it, which is none of it.
    #[test]
    fn a_hit_with_half_a_package_is_for_review_and_says_why() {
        let origin: Origin = "b.example/pub".parse().unwrap();
        let head = Head { size: TreeSize::new(9).unwrap(), root: Hash::leaf(b"root") };
        let (as_of, states) = (BTreeMap::from([(origin, head)]), BTreeMap::new());
        let asked = ScreenQuery::Name { name: Text::new("Tomas Velloran").unwrap() };
        let ask = |view: &View| {
            let answer = screened(view, &HeldBack::default(), (&as_of, &states), &asked).unwrap();
            (answer.hits[0].state(), answer.hits[0].review())
        };
        let mut view = view();
        assert_eq!(ask(&view), (v1::RecordState::Unapproved, v1::ReviewReason::Unspecified));
        let key = view.key_of(&"b.example/pub".parse().unwrap(), Handle::new([1; 16])).unwrap().clone();
        let prev = EntryRef::new(*Hash::leaf(b"entry 5").as_bytes());
        let mut suspends = |index: u64, about: u64, package| {
            let op = Op::Suspend { prev, notice: Box::new(Notice::new(key.clone())) };
            let sections = Change { handle: Handle::new([1; 16]), op }.encode_at(package).unwrap();
            let at = Provenance {
                origin: "b.example/pub".parse().unwrap(),
                index: EntryIndex::new(index).unwrap(),
                leaf: Hash::leaf(index.to_string().as_bytes()),
                about: Some(EntryIndex::new(about).unwrap()),
            };
            view.apply(&at, Change::decode(&SectionsRead::from(&sections)).unwrap()).unwrap();
            ask(&view)
        };
        let waits = (v1::RecordState::Unspecified, v1::ReviewReason::PackageIncomplete);
        assert_eq!(suspends(6, 5, PackagePlace::new(1, 2)), waits);
        let conflict = (v1::RecordState::Unspecified, v1::ReviewReason::Conflict);
        assert_eq!(suspends(7, 4, None), conflict, "it follows nothing, and is no member");
    }

    /// Goal: nothing is cleared, and no hit acted upon, by a log that is too old or whose author is in doubt. Way: of two
    /// logs one is, and a name is asked for that is listed, and one that is not.
    #[test]
    fn a_stale_or_doubted_log_clears_nobody() {
        let head = Head { size: TreeSize::new(6).unwrap(), root: Hash::leaf(b"root") };
        let [holder, other] = ["b.example/pub", "c.example/pub"].map(|name| name.parse::<Origin>().unwrap());
        let as_of = BTreeMap::from([(holder.clone(), head), (other.clone(), head)]);
        let ask = |name, origin: &Origin, state| {
            let asked = ScreenQuery::Name { name: Text::new(name).unwrap() };
            let states = BTreeMap::from([(origin.clone(), state)]);
            let answer = screened(&view(), &HeldBack::default(), (&as_of, &states), &asked).unwrap();
            (answer.answer(), answer.hits.first().map(|hit| (hit.state(), hit.checkpoint())))
        };
        let fresh = LogState { witnessed: head.size, ..LogState::default() };
        let [stale, doubted] = [LogState { stale: true, ..fresh }, LogState { in_doubt: true, ..fresh }];
        let sure = (v1::RecordState::Unapproved, v1::CheckpointState::Witnessed);
        assert_eq!(ask("Tomas Velloran", &holder, fresh), (v1::ScreenAnswer::Hits, Some(sure)));
        assert_eq!(ask("Nobody Listed", &holder, fresh), (v1::ScreenAnswer::None, None));
        for (state, word) in [(stale, v1::ScreenAnswer::Stale), (doubted, v1::ScreenAnswer::Frozen)] {
            for origin in [&holder, &other] {
                assert_eq!(ask("Nobody Listed", origin, state), (word, None));
            }
            let (answer, hit) = ask("Tomas Velloran", &holder, state);
            assert_eq!((answer, hit.unwrap().0), (word, v1::RecordState::Unspecified), "for review");
        }
        // A log that has ended and is fetched anew has no head here yet: who stands in it is not known.
        let unknown: Origin = "d.example/pub".parse().unwrap();
        let fetched = LogState { closed: Some(head.size), stale: true, ..LogState::default() };
        assert_eq!(ask("Nobody Listed", &unknown, fetched), (v1::ScreenAnswer::Stale, None));
        let whole = LogState { stale: false, ..fetched };
        assert_eq!(ask("Nobody Listed", &unknown, whole), (v1::ScreenAnswer::None, None));
        let half = LogState { witnessed: TreeSize::new(5).unwrap(), ..fresh };
        let unwitnessed = (v1::RecordState::Unapproved, v1::CheckpointState::Unwitnessed);
        assert_eq!(ask("Tomas Velloran", &holder, half).1, Some(unwitnessed));
    }

    /// Goal: while an erasure waits of what a listing says, nothing of that is told, and nobody is cleared, neither who is
    /// listed so nor who is not: the two answers are the same. Way: the entry of the listing is held back, and then not.
    #[test]
    fn what_is_held_back_is_no_hit_and_clears_nobody() {
        let origin: Origin = "b.example/pub".parse().unwrap();
        let head = Head { size: TreeSize::new(6).unwrap(), root: Hash::leaf(b"root") };
        let as_of = BTreeMap::from([(origin.clone(), head)]);
        let states = BTreeMap::new();
        let ask = |name, held_back: &HeldBack| {
            let asked = ScreenQuery::Name { name: Text::new(name).unwrap() };
            screened(&view(), held_back, (&as_of, &states), &asked).unwrap()
        };
        let held_back = HeldBack::from_iter([(origin.clone(), EntryIndex::new(5).unwrap())]);
        let listed = ask("Tomas Velloran", &held_back);
        assert_eq!((listed.answer(), listed.hits.len()), (v1::ScreenAnswer::Frozen, 0));
        assert_eq!(listed, ask("Nobody Listed", &held_back));
        let other = HeldBack::from_iter([(origin, EntryIndex::new(4).unwrap())]);
        let listed = ask("Tomas Velloran", &other);
        assert_eq!((listed.answer(), listed.hits.len()), (v1::ScreenAnswer::Frozen, 1), "another listing");
        assert_eq!(ask("Tomas Velloran", &HeldBack::default()).answer(), v1::ScreenAnswer::Hits);
    }
}
