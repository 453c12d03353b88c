//! Editions of control lists and tariffs as they are asked for and entered, and what was written against an older one.
//!
//! Not here: which edition is whole, and which is the newest (`comity-screening`).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use comity_ledger::Origin;
use comity_screening::{Edition, EditionState, Editions, LogOrigin, View};
use comity_store::HeldBack;
use comity_tlog::EntryIndex;
use comity_watchlist::{
    CalendarDate, GoodsCode, GoodsScheme, Handle, Reference, VocabularyPart, VocabularyRef, scheme_of,
};
use comity_wire::{OLD_CODES_MAX, VOCABULARIES_MAX, v1};

use crate::author_task::Basis;
use crate::now;

/// The editions of the logs that are held, those in use first. Of one with a part that is held back nothing is told.
pub fn vocabularies(
    view: &View,
    held_back: &HeldBack,
    scheme: Option<GoodsScheme>,
    origin: Option<&Origin>,
) -> v1::ListVocabulariesResponse {
    let editions = view.editions(today());
    let is_newest = |edition: &Edition<'_>| {
        editions.newest(edition.origin, edition.scheme).is_some_and(|newest| newest.handle == edition.handle)
    };
    let is_asked = |edition: &&Edition<'_>| {
        scheme.is_none_or(|scheme| scheme == edition.scheme)
            && origin.is_none_or(|origin| origin.as_str() == edition.origin.as_str())
            && !is_held_back(held_back, edition)
    };
    let mut told: Vec<(bool, &Edition<'_>)> =
        editions.all().iter().filter(is_asked).map(|edition| (is_newest(edition), edition)).collect();
    told.sort_by(|(one_is, one), (other_is, other)| {
        let place = |of: &Edition<'_>| (of.origin.clone(), of.scheme, of.entries.first().copied());
        other_is.cmp(one_is).then_with(|| place(one).cmp(&place(other)))
    });
    let more = told.len() > VOCABULARIES_MAX;
    let vocabularies =
        told.into_iter().take(VOCABULARIES_MAX).map(|(newest, one)| message(newest, one)).collect();
    v1::ListVocabulariesResponse { vocabularies, more }
}

/// What records of a log were written against and is older than the newest, or does not have one of their codes.
pub fn old_codes(view: &View, origin: &Origin) -> Vec<v1::OldCodes> {
    let Ok(log) = origin.as_str().parse::<LogOrigin>() else { return Vec::new() };
    let editions = view.editions(today());
    if editions.all().is_empty() {
        return Vec::new();
    }
    let old = view.old_codes(&log, &editions);
    let message = |old: &comity_screening::OldCodes<'_, '_>| v1::OldCodes {
        scheme: old.edition.scheme.to_string(),
        origin: old.edition.origin.to_string(),
        edition: old.edition.name.to_string(),
        newer: old.newer.map(|newer| newer.name.to_string()).unwrap_or_default(),
        records: old.records,
        unlisted: old.unlisted,
    };
    old.iter().take(OLD_CODES_MAX).map(message).collect()
}

/// How a code stands to the edition that it was written against.
pub(crate) fn code_edition(
    editions: &Editions<'_>,
    named: &VocabularyRef,
    code: &GoodsCode,
) -> v1::CodeEdition {
    let standing = editions.standing_of(named, code);
    let name = standing.edition.map_or(&named.edition, |edition| edition.name);
    v1::CodeEdition {
        origin: named.origin.as_str().to_owned(),
        edition: name.to_string(),
        held: standing.edition.is_some(),
        newer: standing.newer.map(|newer| newer.name.to_string()).unwrap_or_default(),
        unlisted: !standing.is_listed,
    }
}

/// Today by the clock of this machine; a clock of a year that no date has says the last day of all.
pub(crate) fn today() -> CalendarDate {
    CalendarDate::of_unix_secs(now().unix_secs()).unwrap_or(CalendarDate::LAST)
}

/// Whether what an append enters of vocabularies are whole editions, each of a name and a handle that the log does not have.
pub(crate) fn hold(view: &View, log: &LogOrigin, bases: &[Basis]) -> bool {
    let mut editions: BTreeMap<Handle, Vec<(&Basis, &VocabularyPart)>> = BTreeMap::new();
    for basis in bases {
        if let Some(part) = basis.decoded.change.op.vocabulary() {
            editions.entry(basis.handle).or_default().push((basis, part));
        }
    }
    let mut names: BTreeSet<(GoodsScheme, &Reference)> = BTreeSet::new();
    editions.into_iter().all(|(handle, parts)| {
        let Some((first, head)) = parts.first() else { return false };
        let Some(scheme) = scheme_of(&first.key.list) else { return false };
        let name = (scheme, &first.key.reference);
        let of = |part: &VocabularyPart| (part.in_force, part.parts(), part.total());
        let is_whole = (1..).zip(&parts).all(|(number, (basis, part))| {
            part.number() == number && of(part) == of(head) && basis.key == first.key
        });
        let codes: usize = parts.iter().map(|(_, part)| part.codes().len()).sum();
        is_whole
            && u64::try_from(parts.len()) == Ok(head.parts())
            && u64::try_from(codes) == Ok(head.total())
            && names.insert(name)
            && !view.has_handle(log, handle)
            && !view.has_edition(log, handle, name)
    })
}

fn is_held_back(held_back: &HeldBack, edition: &Edition<'_>) -> bool {
    edition.origin.as_str().parse::<Origin>().is_ok_and(|origin| {
        held_back.any_of(&origin) && edition.entries.iter().any(|index| held_back.holds(&origin, *index))
    })
}

fn message(newest: bool, edition: &Edition<'_>) -> v1::Vocabulary {
    let state = match edition.state {
        EditionState::Whole => v1::VocabularyState::Whole,
        EditionState::Incomplete => v1::VocabularyState::Incomplete,
        EditionState::Conflict => v1::VocabularyState::Conflict,
    };
    v1::Vocabulary {
        origin: edition.origin.to_string(),
        handle: Bytes::copy_from_slice(edition.handle.as_bytes()),
        scheme: edition.scheme.to_string(),
        edition: edition.name.to_string(),
        in_force: edition.in_force.to_string(),
        state: state.into(),
        codes: edition.total,
        parts: edition.parts,
        leaf: edition.leaf.map(|leaf| Bytes::copy_from_slice(leaf.as_bytes())).unwrap_or_default(),
        entries: edition.entries.iter().copied().map(EntryIndex::value).collect(),
        newest,
    }
}

#[cfg(test)]
mod tests {
    use comity_screening::Provenance;
    use comity_tlog::Hash;
    use comity_watchlist::{
        Change, Notice, Op, RecordKey, SectionsRead, Text, TitledCode, code_of, vocabulary_list,
    };

    use super::*;

    /// The parts of an edition, as they are handed in.
    fn edition(handle: u8, name: &str, codes: u64) -> Vec<Basis> {
        let title = Text::new("y".repeat(2_000)).unwrap();
        let scheme = GoodsScheme::Cn;
        let code = |number: u64| TitledCode {
            code: code_of(scheme, &(100_000 + number).to_string()).unwrap(),
            title: title.clone(),
        };
        let key = RecordKey::new(vocabulary_list(scheme).unwrap(), Reference::parse(name).unwrap());
        let parts = VocabularyPart::of(scheme, CalendarDate::LAST, (0..codes).map(code).collect()).unwrap();
        let basis = |part| {
            let handle = Handle::new([handle; 16]);
            let op = Op::Vocabulary { part: Box::new(part), notice: Box::new(Notice::new(key.clone())) };
            let sections = Change { handle, op }.encode().unwrap();
            let decoded = Change::decode(&SectionsRead::from(&sections)).unwrap();
            Basis { handle, key: key.clone(), follows: None, decoded }
        };
        parts.into_iter().map(basis).collect()
    }

    fn both(one: Vec<Basis>, other: Vec<Basis>) -> Vec<Basis> {
        one.into_iter().chain(other).collect()
    }

    /// Goal: nobody enters half of an edition, a part of another among its parts, or one of a name or a handle that is taken.
    #[test]
    fn an_append_enters_whole_editions_of_new_names_or_nothing_of_them() {
        let log: LogOrigin = "a.example/pub".parse().unwrap();
        let mut view = View::new();
        let whole = || edition(1, "2026", 70);
        assert!(whole().len() > 2 && hold(&view, &log, &whole()) && hold(&view, &log, &[]));
        for missing in 0..whole().len() {
            let mut parts = whole();
            parts.remove(missing);
            assert!(!hold(&view, &log, &parts), "without part {missing}");
        }
        let mut turned = whole();
        turned.swap(0, 1);
        assert!(!hold(&view, &log, &turned));
        let mut mixed = whole();
        mixed[1] = edition(1, "2027", 70).remove(1);
        assert!(!hold(&view, &log, &mixed), "a part of another edition");
        assert!(!hold(&view, &log, &both(whole(), edition(2, "2026", 1))), "two of one name");
        assert!(hold(&view, &log, &both(whole(), edition(2, "2027", 1))));
        for (at, basis) in (1..).zip(whole()) {
            let index = EntryIndex::new(at).unwrap();
            let leaf = Hash::leaf(&[u8::try_from(at).unwrap()]);
            view.apply(&Provenance { origin: log.clone(), index, leaf, about: None }, basis.decoded).unwrap();
        }
        assert!(!hold(&view, &log, &edition(2, "2026", 1)), "the name is taken");
        assert!(!hold(&view, &log, &edition(1, "2027", 1)), "the handle is taken");
        assert!(hold(&view, &log, &edition(2, "2027", 1)));
    }
}
