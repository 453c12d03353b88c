//! Same-as statements: whose word they are, what they join, and how they end.

use comity_screening::limits::{STATEMENTS_MAX, SUBJECT_LISTINGS_MAX};
use comity_screening::{Conflict, Outcome, Query, StatementState, View};
use comity_tlog::Hash;
use comity_watchlist::{EntryRef, Handle, ListingRef, Notice, Op, OriginName, Pair};

use crate::author::{Author, Entry, handle, key, list, person, suspend};

fn named(origin: &str, handle: Handle, reference: &str) -> ListingRef {
    ListingRef::new(OriginName::parse(origin).unwrap(), handle, key(reference))
}

fn same(one: ListingRef, other: ListingRef) -> Op {
    let pair = Box::new(Pair::new(one, other).unwrap());
    let notice = Box::new(Notice::new(pair.first().key.clone()));
    Op::SameAs { pair, notice }
}

/// A's first listing and B's.
fn a_and_b() -> Op {
    same(named("a.example/pub", handle(1), "R-1"), named("b.example/pub", handle(1), "S-1"))
}

fn retract(reference: &str) -> impl FnOnce(EntryRef) -> Op + use<> {
    let notice = Box::new(Notice::new(key(reference)));
    move |prev| Op::Retract { prev, notice }
}

/// A view of what A and B list, each one person.
fn listed() -> (View, Author, Author) {
    let (mut view, mut a, mut b) = (View::new(), Author::new("a.example/pub"), Author::new("b.example/pub"));
    a.begins(handle(1), list(person("R-1", &["VELLORAN, Tomas"]))).applied(&mut view);
    b.begins(handle(1), list(person("S-1", &["Tomas the Boatman"]))).applied(&mut view);
    (view, a, b)
}

fn states(view: &View, author: &Author) -> Vec<(String, StatementState)> {
    let (said, more) = view.statements_about("a.example", author.origin(), handle(1));
    assert!(!more);
    said.iter().map(|stated| (stated.origin.agency().to_owned(), stated.state)).collect()
}

fn subjects(view: &View, author: &Author) -> Vec<(String, usize)> {
    let found = view.subjects(author.origin(), handle(1));
    found.iter().map(|subject| (subject.agency.to_owned(), subject.listings.len())).collect()
}

fn hits(view: &View, name: &str) -> Vec<(String, u64)> {
    let found = view.screen(&Query::name(name).unwrap()).hits;
    found.into_iter().map(|hit| (hit.reference.as_str().to_owned(), hit.version)).collect()
}

#[test]
fn a_statement_is_the_word_of_its_agency_alone_and_changes_neither_listing() {
    let (mut view, a, b) = listed();
    let mut third = Author::new("c.example/pub");
    third.begins(handle(7), a_and_b()).applied(&mut view);
    let word = [("c.example".to_owned(), StatementState::Stands)];
    assert_eq!((states(&view, &a), states(&view, &b)), (word.to_vec(), word.to_vec()));
    assert_eq!(subjects(&view, &a), [("c.example".to_owned(), 1)]);
    // Nothing of either record is found under the other, or has another version.
    assert_eq!(hits(&view, "Tomas Velloran"), [("R-1".to_owned(), 1)]);
    assert_eq!(hits(&view, "Tomas the Boatman"), [("S-1".to_owned(), 1)]);
    assert_eq!(view.lists(third.origin()), []);
    assert!(view.newest_of(third.origin(), handle(7)).is_none());
}

#[test]
fn a_retracted_statement_joins_nothing_and_can_be_said_anew() {
    let (mut view, mut a, _) = listed();
    let said = a.begins(handle(7), a_and_b());
    said.applied(&mut view);
    let back = a.follows_as(handle(7), &said, retract("R-1"));
    back.applied(&mut view);
    assert_eq!(states(&view, &a), [("a.example".to_owned(), StatementState::Retracted)]);
    assert_eq!(subjects(&view, &a), []);
    let stated = view.statement(a.origin(), handle(7)).unwrap();
    assert_eq!((stated.index, stated.retracted_by), (said.at.index, Some(back.at.index)));
    a.begins(handle(8), a_and_b()).applied(&mut view);
    let both = [StatementState::Retracted, StatementState::Stands];
    assert_eq!(states(&view, &a).into_iter().map(|(_, state)| state).collect::<Vec<_>>(), both);
    assert_eq!(subjects(&view, &a), [("a.example".to_owned(), 1)]);
}

fn flagged(view: &mut View, entry: &Entry, conflict: Conflict) {
    assert_eq!(entry.shown_to(view), Outcome::Flagged(conflict));
    let kept = (entry.handle, entry.at.index, conflict);
    assert!(view.conflicts(&entry.at.origin).any(|found| found == kept), "{conflict:?}");
    assert_eq!(entry.shown_to(view), Outcome::Flagged(conflict), "said again");
}

#[test]
fn what_does_not_fit_a_statement_is_kept_and_flagged_and_the_statement_stands() {
    let (mut view, mut a, mut b) = listed();
    let said = a.begins(handle(7), a_and_b());
    said.applied(&mut view);
    // Of another statement, of another leaf, with another envelope, and of a listing.
    let prev = EntryRef::new(*said.at.leaf.as_bytes());
    let other_handle = a.follows_as(handle(9), &said, retract("R-1"));
    flagged(&mut view, &other_handle, Conflict::NotNewest);
    let other_leaf = a.writes(handle(7), Some(said.at.index), retract("R-1")(EntryRef::new([9; 32])));
    flagged(&mut view, &other_leaf, Conflict::NotNewest);
    let no_envelope = a.writes(handle(7), None, retract("R-1")(prev));
    flagged(&mut view, &no_envelope, Conflict::NotNewest);
    let again = a.begins(handle(7), a_and_b());
    flagged(&mut view, &again, Conflict::HandleTaken);
    // Nobody takes back what another says.
    let stranger = b.writes(handle(7), Some(said.at.index), retract("R-1")(prev));
    flagged(&mut view, &stranger, Conflict::NotNewest);
    let stands = view.statement(a.origin(), handle(7)).unwrap();
    assert_eq!((stands.index, stands.state), (said.at.index, StatementState::Stands));
    let back = a.follows_as(handle(7), &said, retract("R-1"));
    back.applied(&mut view);
    let twice = a.follows_as(handle(7), &said, retract("R-1"));
    flagged(&mut view, &twice, Conflict::Ended);
    // A record can be changed as before.
    assert_eq!(hits(&view, "Tomas Velloran"), [("R-1".to_owned(), 1)]);
}

#[test]
fn a_statement_of_which_a_later_entry_is_not_opened_is_for_review_and_however_opened_the_view_is_the_same() {
    let (view, mut a, _) = listed();
    let said = a.begins(handle(7), a_and_b());
    let back = a.follows_as(handle(7), &said, retract("R-1"));
    let mut in_order = view.clone();
    said.applied(&mut in_order);
    back.applied(&mut in_order);
    let mut late = view.clone();
    said.applied(&mut late);
    back.unopened(&mut late);
    assert_eq!(states(&late, &a), [("a.example".to_owned(), StatementState::Unknown)]);
    assert_eq!(subjects(&late, &a), [], "it may have been taken back");
    back.applied(&mut late);
    assert!(late == in_order);
    // The retraction first, and then what it takes back.
    let mut backwards = view.clone();
    said.unopened(&mut backwards);
    back.applied(&mut backwards);
    assert!(backwards != in_order);
    said.applied(&mut backwards);
    assert!(backwards == in_order);
    assert_eq!(view.conflicts(a.origin()).count(), 0);
    let mut forged = said.clone();
    forged.at.leaf = Hash::leaf(b"another entry");
    assert!(backwards.apply(&forged.at, forged.decoded).is_err());
}

#[test]
fn a_retraction_about_a_record_is_no_change_of_the_record() {
    let (mut view, mut a, _) = listed();
    let first = a.begins(handle(2), list(person("R-2", &["Odalric Brenn"])));
    first.applied(&mut view);
    let odd = a.follows(&first, retract("R-2"));
    odd.unopened(&mut view);
    assert!(!view.newest_is_known(a.origin(), handle(2)));
    flagged(&mut view, &odd, Conflict::NotNewest);
    assert!(view.newest_is_known(a.origin(), handle(2)), "it is about no record");
    a.follows(&first, suspend("R-2")).applied(&mut view);
    assert_eq!(hits(&view, "Odalric Brenn"), []);
}

#[test]
fn a_subject_is_what_one_agency_joins_and_is_bounded() {
    let (mut view, mut a, mut b) = listed();
    let name = |number: usize| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        named("c.example/pub", Handle::new(bytes), "T-1")
    };
    // A joins its own to one of C's, and B that one to another: nobody says that all three are one.
    a.begins(handle(7), same(named("a.example/pub", handle(1), "R-1"), name(0))).applied(&mut view);
    b.begins(handle(7), same(name(0), name(1))).applied(&mut view);
    assert_eq!(subjects(&view, &a), [("a.example".to_owned(), 1)]);
    // A chain that A makes, longer than an answer.
    for number in 0..SUBJECT_LISTINGS_MAX + 5 {
        let own = Handle::new([u8::try_from(number % 200).unwrap() + 20; 16]);
        a.begins(own, same(name(number), name(number + 1))).applied(&mut view);
    }
    let found = view.subjects(a.origin(), handle(1));
    assert_eq!((found.len(), found[0].listings.len(), found[0].more), (1, SUBJECT_LISTINGS_MAX, true));
}

#[test]
fn no_agency_fills_the_answer_with_its_statements_and_the_own_ones_are_all_there() {
    let (mut view, a, _) = listed();
    let number = |number: usize| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Handle::new(bytes)
    };
    let about_a =
        |number| same(named("a.example/pub", handle(1), "R-1"), named("z.example/pub", number, "Z-1"));
    let says = |view: &mut View, author: &mut Author, numbers: std::ops::Range<usize>| {
        for one in numbers {
            author.begins(number(one), about_a(number(one))).applied(view);
        }
    };
    let [mut flood, mut quiet, mut own] =
        ["c.example/pub", "d.example/pub", "e.example/pub"].map(Author::new);
    says(&mut view, &mut flood, 0..STATEMENTS_MAX + 7);
    says(&mut view, &mut quiet, 0..3);
    says(&mut view, &mut own, 0..5);
    let told = |view: &View, by: &str| {
        let (said, more) = view.statements_about(by, a.origin(), handle(1));
        assert!(said.is_sorted_by_key(|stated| (stated.origin.clone(), stated.index)));
        let of = |agency| said.iter().filter(|stated| stated.origin.agency() == agency).count();
        ([of("c.example"), of("d.example"), of("e.example")], more)
    };
    assert_eq!(told(&view, "e.example"), ([STATEMENTS_MAX - 8, 3, 5], true));
    assert_eq!(told(&view, "d.example"), ([STATEMENTS_MAX - 8, 3, 5], true));
    says(&mut view, &mut quiet, 3..STATEMENTS_MAX + 7);
    // In turn: what is left after the own five, a half each.
    let half = (STATEMENTS_MAX - 5) / 2;
    assert_eq!(told(&view, "e.example"), ([STATEMENTS_MAX - 5 - half, half, 5], true));
    // The own ones alone may fill it.
    assert_eq!(told(&view, "d.example"), ([0, STATEMENTS_MAX, 0], true));
}

#[test]
fn a_retraction_of_a_statement_that_is_not_opened_is_no_conflict_and_one_that_is_erased_is_forgotten() {
    let (mut view, mut a, _) = listed();
    let said = a.begins(handle(7), a_and_b());
    let back = a.follows_as(handle(7), &said, retract("R-1"));
    let mut withheld = view.clone();
    said.unopened(&mut withheld);
    back.applied(&mut withheld);
    assert_eq!(withheld.conflicts(a.origin()).count(), 0);
    assert_eq!(states(&withheld, &a), []);
    // What is erased after it was read leaves the view as if it had never been opened.
    said.applied(&mut view);
    back.applied(&mut view);
    view.forget_statements(a.origin(), &[said.at.index]);
    assert_eq!(view, withheld);
    assert!(view.statement(a.origin(), handle(7)).is_none());
    // Another entry than the one that is named is in conflict as ever.
    let odd = a.writes(handle(7), Some(said.at.index), retract("R-1")(EntryRef::new([9; 32])));
    flagged(&mut view, &odd, Conflict::NotNewest);
}
