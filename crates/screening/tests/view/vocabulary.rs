//! Vocabularies: an edition counts only as a whole, the earlier of two of one name stands, and a code is older only than
//! what the log says that it was written against.

use comity_screening::{Conflict, EditionState, LogOrigin, Outcome, View};
use comity_watchlist::limits::TEXT_BYTES_MAX;
use comity_watchlist::{
    CalendarDate, EntryRef, GoodsScheme, IdKind, Identifier, Notice, Op, OriginName, Record, RecordKey,
    Reference, SubjectKind, TitledCode, VocabularyPart, VocabularyRef, code_of, vocabulary_list,
};

use crate::author::{Author, Entry, handle, key, list, text};

fn day(day: &str) -> CalendarDate {
    CalendarDate::parse(day).unwrap()
}

/// The parts of an edition; `pages` more codes than fit one part.
fn parts(name: &str, in_force: &str, codes: &[&str], pages: usize) -> Vec<Op> {
    let titled = |(code, title): (&str, &str)| TitledCode {
        code: code_of(GoodsScheme::Eccn, code).unwrap(),
        title: text(title),
    };
    let mut all: Vec<TitledCode> = codes.iter().map(|code| titled((code, "Clockwork"))).collect();
    let long = "y".repeat(TEXT_BYTES_MAX);
    for page in 0..pages {
        for at in 1..=30 {
            all.push(titled((&format!("9E{:03}", page * 30 + at), &long)));
        }
    }
    let reference = Reference::parse(name).unwrap();
    let key = RecordKey::new(vocabulary_list(GoodsScheme::Eccn).unwrap(), reference);
    let parts = VocabularyPart::of(GoodsScheme::Eccn, day(in_force), all).unwrap();
    let op = |part| Op::Vocabulary { part: Box::new(part), notice: Box::new(Notice::new(key.clone())) };
    parts.into_iter().map(op).collect()
}

fn enter(author: &mut Author, number: u8, ops: Vec<Op>) -> Vec<Entry> {
    ops.into_iter().map(|op| author.begins(handle(number), op)).collect()
}

fn good(reference: &str, code: &str, against: Option<(&LogOrigin, &Entry)>) -> Record {
    let mut record = Record::new(key(reference), SubjectKind::Good);
    record.identifiers.push(written(code, against));
    record
}

fn written(code: &str, against: Option<(&LogOrigin, &Entry)>) -> Identifier {
    let mut code = Identifier::new(IdKind::Goods, text(code));
    code.scope = Some(text("eccn"));
    code.vocabulary = against.map(|(origin, entry)| {
        let origin = OriginName::parse(origin.as_str()).unwrap();
        let leaf = EntryRef::new(*entry.at.leaf.as_bytes());
        Box::new(VocabularyRef::new(origin, leaf, Reference::parse("whatever it says").unwrap()))
    });
    code
}

fn states(view: &View) -> Vec<(String, EditionState, usize)> {
    let editions = view.editions(day("2026-06-01"));
    editions.all().iter().map(|one| (one.name.to_string(), one.state, one.entries.len())).collect()
}

#[test]
fn half_of_a_vocabulary_is_never_used_in_whatever_order_its_parts_are_opened() {
    let mut author = Author::new("a.example/pub");
    let entries = enter(&mut author, 1, parts("2026", "2026-01-01", &["3A001"], 2));
    assert!(entries.len() >= 2, "it has parts");
    let mut whole = View::new();
    for (at, entry) in (1..).zip(&entries) {
        entry.applied(&mut whole);
        let state = if at == entries.len() { EditionState::Whole } else { EditionState::Incomplete };
        assert_eq!(states(&whole), [("2026".to_owned(), state, at)]);
        let newest = whole.editions(day("2026-06-01"));
        assert_eq!(newest.newest(author.origin(), GoodsScheme::Eccn).is_some(), at == entries.len());
    }
    for missing in 0..entries.len() {
        let mut view = View::new();
        for (at, entry) in entries.iter().enumerate() {
            if at == missing { entry.unopened(&mut view) } else { entry.applied(&mut view) }
        }
        assert_eq!(states(&view)[0].1, EditionState::Incomplete, "without part {}", missing + 1);
        let code = written("3A001", Some((author.origin(), &entries[0])));
        let editions = view.editions(day("2026-06-01"));
        assert_eq!(editions.standing(&code).unwrap().edition, None);
        entries[missing].applied(&mut view);
        assert_eq!(view, whole);
        assert_eq!(states(&view)[0].1, EditionState::Whole);
    }
}

#[test]
fn of_two_editions_of_one_name_the_earlier_stands_and_the_other_is_flagged() {
    let mut author = Author::new("a.example/pub");
    let first = enter(&mut author, 1, parts("2026", "2026-01-01", &["3A001"], 0));
    let second = enter(&mut author, 2, parts("2026", "2026-02-01", &["3A002"], 0));
    let mut view = View::new();
    first[0].applied(&mut view);
    assert_eq!(second[0].shown_to(&mut view), Outcome::Flagged(Conflict::HandleTaken));
    let expected =
        [("2026".to_owned(), EditionState::Whole, 1), ("2026".to_owned(), EditionState::Conflict, 1)];
    assert_eq!(states(&view), expected);
    let flagged: Vec<_> = view.conflicts(author.origin()).collect();
    assert_eq!(flagged, [(handle(2), second[0].at.index, Conflict::HandleTaken)]);
    let editions = view.editions(day("2026-06-01"));
    assert!(editions.newest(author.origin(), GoodsScheme::Eccn).unwrap().has("3A001"));
    // The same when the earlier one is opened later.
    let mut late = View::new();
    first[0].unopened(&mut late);
    second[0].applied(&mut late);
    first[0].applied(&mut late);
    assert_eq!(late, view);
}

#[test]
fn parts_that_contradict_each_other_make_no_edition() {
    let mut author = Author::new("a.example/pub");
    let two = parts("2026", "2026-01-01", &["3A001"], 1);
    // A part twice: the first stands, whatever the other one says.
    let again = enter(&mut author, 1, [two.clone(), parts("2026", "2026-01-01", &["3A002"], 1)].concat());
    let mut view = View::new();
    let said: Vec<Outcome> = again.iter().map(|entry| entry.shown_to(&mut view)).collect();
    assert_eq!(said.iter().filter(|said| **said == Outcome::Applied).count(), two.len());
    assert_eq!(states(&view), [("2026".to_owned(), EditionState::Whole, two.len())]);
    let editions = view.editions(day("2026-06-01"));
    assert!(editions.all()[0].has("3A001") && !editions.all()[0].has("3A002"));
    // The second part is that of another edition, with codes that lie before those of the first.
    let mut liar = Author::new("b.example/pub");
    let mut mixed = parts("2026", "2026-01-01", &["3A001"], 1);
    mixed[1] = parts("2026", "2026-01-01", &["3A001"], 1).remove(0);
    let Op::Vocabulary { part, .. } = &mixed[1] else { panic!("it is a vocabulary") };
    assert_eq!(part.number(), 1);
    let mut view = View::new();
    for entry in enter(&mut liar, 1, mixed) {
        entry.shown_to(&mut view);
    }
    assert_eq!(states(&view)[0].1, EditionState::Incomplete);
    // It follows something, which no part does.
    let mut view = View::new();
    let mut liar = Author::new("b.example/pub");
    let before = liar.begins(handle(9), list(good("1", "3A001", None)));
    before.applied(&mut view);
    let follows = liar.writes(handle(1), Some(before.at.index), two[0].clone());
    assert_eq!(follows.shown_to(&mut view), Outcome::Flagged(Conflict::NotNewest));
    assert_eq!(states(&view)[0].1, EditionState::Conflict);
}

#[test]
fn a_code_is_old_when_its_own_log_has_a_newer_edition_in_force_and_nobody_elses_matters() {
    let mut author = Author::new("a.example/pub");
    let mut other = Author::new("b.example/pub");
    let mut view = View::new();
    let old = enter(&mut author, 1, parts("2025", "2025-01-01", &["3A001", "3A001.b"], 0));
    let new = enter(&mut author, 2, parts("2026", "2026-01-01", &["3A001"], 0));
    let to_come = enter(&mut author, 3, parts("2027", "2027-01-01", &["3A001"], 0));
    let theirs = enter(&mut other, 1, parts("9999", "2026-05-31", &["3A001"], 0));
    for entry in [&old, &new, &to_come, &theirs].into_iter().flatten() {
        entry.applied(&mut view);
    }
    let origin = author.origin().clone();
    let editions = view.editions(day("2026-06-01"));
    let newer = |code: &Identifier| {
        let standing = editions.standing(code).unwrap();
        (standing.newer.map(|newer| newer.name.to_string()), standing.is_listed)
    };
    assert_eq!(newer(&written("3A001", Some((&origin, &old[0])))), (Some("2026".to_owned()), true));
    assert_eq!(newer(&written("3A001", Some((&origin, &new[0])))), (None, true));
    assert_eq!(newer(&written("3A001.b", Some((&origin, &new[0])))), (None, false), "not in that edition");
    assert_eq!(newer(&written("3a001 b.", Some((&origin, &old[0])))), (Some("2026".to_owned()), true));
    assert_eq!(newer(&written("3A001", Some((&origin, &to_come[0])))), (None, true), "written ahead");
    let unheld = editions.standing(&written("3A001", Some((other.origin(), &old[0])))).unwrap();
    assert_eq!((unheld.edition, unheld.newer, unheld.is_listed), (None, None, true));
    assert_eq!(editions.standing(&written("3A001", None)), None);
    assert_eq!(editions.standing(&written("no code", Some((&origin, &old[0])))), None);
    let later = view.editions(day("2027-01-01"));
    let standing = later.standing(&written("3A001", Some((&origin, &new[0])))).unwrap();
    assert_eq!(standing.newer.unwrap().name.as_str(), "2027");
}

#[test]
fn records_with_codes_of_an_older_edition_or_without_an_entry_in_it_are_counted() {
    let mut author = Author::new("a.example/pub");
    let mut view = View::new();
    let old = enter(&mut author, 1, parts("2025", "2025-01-01", &["3A001"], 0));
    let new = enter(&mut author, 2, parts("2026", "2026-01-01", &["3A001", "3A002"], 0));
    let origin = author.origin().clone();
    let mut records = vec![
        good("1", "3A001", Some((&origin, &old[0]))),
        good("2", "3A009", Some((&origin, &old[0]))),
        good("3", "3A001", Some((&origin, &new[0]))),
        good("4", "3A009", Some((&origin, &new[0]))),
        good("5", "3A009", None),
    ];
    records[0].identifiers.push(written("3A009", Some((&origin, &old[0]))));
    let mut entries = Vec::new();
    for (number, record) in (11..).zip(records) {
        entries.push(author.begins(handle(number), list(record)));
    }
    for entry in old.iter().chain(&new).chain(&entries) {
        entry.applied(&mut view);
    }
    let sums = |at: &str| {
        let editions = view.editions(day(at));
        let old = view.old_codes(&origin, &editions);
        let sum = |sum: &comity_screening::OldCodes<'_, '_>| {
            (sum.edition.name.to_string(), sum.newer.map(|n| n.name.to_string()), sum.records, sum.unlisted)
        };
        old.iter().map(sum).collect::<Vec<_>>()
    };
    let newer = Some("2026".to_owned());
    assert_eq!(sums("2026-06-01"), [("2025".to_owned(), newer, 2, 2), ("2026".to_owned(), None, 2, 1)]);
    assert_eq!(sums("2025-06-01")[0], ("2025".to_owned(), None, 2, 2), "the other one is not in force yet");
}
