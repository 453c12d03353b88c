//! Entries whose content we were not given: what they make of the record that they are about.

use comity_screening::{Conflict, HitState, Outcome, Query, Status, View, limits::CHANGES_MAX};

use crate::author::{Author, Entry, amend, erase, handle, list, list_id, person, resume, suspend};

fn state(view: &View) -> Option<HitState> {
    let answer = view.screen(&Query::name("Tomas Velloran").unwrap());
    assert!(answer.hits.len() <= 1);
    answer.hits.first().map(|hit| hit.state)
}

fn velloran() -> comity_watchlist::Record {
    person("R-1", &["VELLORAN, Tomas"])
}

fn three() -> (Author, [Entry; 3]) {
    let mut author = Author::new("a.example/pub");
    let first = author.begins(handle(1), list(velloran()));
    let second = author.follows(&first, suspend("R-1"));
    let third = author.follows(&second, amend(velloran()));
    (author, [first, second, third])
}

#[test]
fn a_record_with_a_later_entry_not_opened_to_us_is_not_actionable() {
    let (mut view, (_, [first, second, third])) = (View::new(), three());
    first.applied(&mut view);
    assert_eq!(state(&view), Some(HitState::Unapproved));
    second.unopened(&mut view);
    assert_eq!(state(&view), Some(HitState::NotActionable));
    // A later amendment changes no state: what the unopened entry did is still not known.
    third.applied(&mut view);
    assert_eq!(state(&view), Some(HitState::NotActionable));
    assert_eq!(view.screen(&Query::name("Tomas Velloran").unwrap()).hits[0].version, 3);
}

#[test]
fn the_newest_word_is_known_unless_an_entry_is_not_opened_that_could_be_it() {
    let (mut view, (mut author, [first, second, third])) = (View::new(), three());
    let log = "a.example/pub".parse().unwrap();
    let is_known = |view: &View| view.newest_is_known(&log, handle(1));
    assert!(!is_known(&view), "of no such listing");
    first.applied(&mut view);
    assert!(is_known(&view));
    second.unopened(&mut view);
    assert!(!is_known(&view));
    third.applied(&mut view);
    assert!(!is_known(&view), "it may be suspended");
    let end = author.follows(&third, erase("R-1"));
    end.applied(&mut view);
    assert!(is_known(&view), "what stands before the end does not matter");
    author.follows(&end, resume("R-1")).unopened(&mut view);
    assert!(!is_known(&view));
    let (mut view, (_, [first, second, _])) = (View::new(), three());
    first.unopened(&mut view);
    second.applied(&mut view);
    assert!(!is_known(&view), "its beginning is not opened");
}

#[test]
fn an_entry_opened_late_takes_its_effect_at_its_own_place() {
    let (mut view, (mut author, [first, second, third])) = (View::new(), three());
    first.applied(&mut view);
    second.unopened(&mut view);
    third.applied(&mut view);
    second.applied(&mut view);
    assert_eq!(state(&view), None);
    author.follows(&third, resume("R-1")).applied(&mut view);
    assert_eq!(state(&view), Some(HitState::Unapproved));
}

#[test]
fn an_unopened_entry_about_an_unopened_entry_is_about_the_same_record() {
    let (mut view, (mut author, [first, second, third])) = (View::new(), three());
    first.applied(&mut view);
    second.unopened(&mut view);
    third.unopened(&mut view);
    second.applied(&mut view);
    author.follows(&third, resume("R-1")).applied(&mut view);
    assert_eq!(state(&view), Some(HitState::NotActionable));
    third.applied(&mut view);
    assert_eq!(state(&view), Some(HitState::Unapproved));
}

#[test]
fn a_record_whose_beginning_was_not_opened_is_shown_from_its_next_change() {
    let mut author = Author::new("a.example/pub");
    let first = author.begins(handle(1), list(person("R-1", &["Someone Else"])));
    let second = author.follows(&first, amend(velloran()));
    let mut view = View::new();
    first.unopened(&mut view);
    second.applied(&mut view);
    assert_eq!(state(&view), Some(HitState::Unapproved));
    let third = author.follows(&first, suspend("R-1"));
    third.unopened(&mut view);
    assert_eq!(state(&view), Some(HitState::NotActionable));
}

#[test]
fn an_unopened_entry_about_another_record_leaves_this_one_alone() {
    let mut author = Author::new("a.example/pub");
    let first = author.begins(handle(1), list(velloran()));
    let other = author.begins(handle(2), list(person("R-2", &["Odalric Brenn"])));
    let later = author.follows(&other, suspend("R-2"));
    let mut view = View::new();
    first.applied(&mut view);
    other.applied(&mut view);
    later.unopened(&mut view);
    assert_eq!(state(&view), Some(HitState::Unapproved));
    let mut elsewhere = Author::new("b.example/pub");
    let begun = elsewhere.begins(handle(1), list(person("R-1", &["Nobody"])));
    elsewhere.follows(&begun, suspend("R-1")).unopened(&mut view);
    assert_eq!(state(&view), Some(HitState::Unapproved));
}

#[test]
fn a_change_opened_late_that_is_another_listings_takes_back_what_followed_it() {
    let (mut view, mut author) = (View::new(), Author::new("a.example/pub"));
    let first = author.begins(handle(1), list(velloran()));
    let liar = author.follows_as(handle(2), &first, amend(person("R-2", &["Odalric Brenn"])));
    let third = author.follows_as(handle(1), &liar, amend(person("R-1", &["VELLORAN, Tobias"])));
    first.applied(&mut view);
    liar.unopened(&mut view);
    third.applied(&mut view);
    assert_eq!(state(&view), None);
    assert_eq!(liar.shown_to(&mut view), Outcome::Flagged(Conflict::NotNewest));
    assert_eq!(state(&view), Some(HitState::Conflict));
    let mut rebuilt = View::new();
    for entry in [&first, &liar, &third] {
        entry.shown_to(&mut rebuilt);
    }
    assert!(view == rebuilt);
}

#[test]
fn a_listing_with_too_many_changes_is_flagged_and_keeps_its_state() {
    let (mut view, mut author) = (View::new(), Author::new("a.example/pub"));
    let mut last = author.begins(handle(1), list(velloran()));
    last.applied(&mut view);
    for turn in 1..CHANGES_MAX {
        last = if turn % 2 == 1 {
            author.follows(&last, suspend("R-1"))
        } else {
            author.follows(&last, resume("R-1"))
        };
        last.applied(&mut view);
    }
    last = author.follows(&last, resume("R-1"));
    assert_eq!(last.shown_to(&mut view), Outcome::Flagged(Conflict::TooManyChanges));
    assert_eq!(last.shown_to(&mut view), Outcome::Flagged(Conflict::TooManyChanges));
    assert_eq!((state(&view), view.live(author.origin(), &list_id()).count()), (None, 1));
}

#[test]
fn an_entry_about_itself_or_a_later_one_leads_in_no_circle() {
    let (mut view, mut author) = (View::new(), Author::new("a.example/pub"));
    let first = author.begins(handle(1), list(velloran()));
    first.applied(&mut view);
    for ahead in [0, 1] {
        let mut liar = author.follows(&first, suspend("R-1"));
        liar.at.about = Some(liar.at.index.checked_add(ahead).unwrap());
        liar.unopened(&mut view);
        assert_eq!(
            state(&view),
            if ahead == 0 { Some(HitState::Unapproved) } else { Some(HitState::Conflict) }
        );
        assert_eq!(liar.shown_to(&mut view), Outcome::Flagged(Conflict::NotNewest));
    }
    let mut liar = author.begins(handle(2), list(person("R-2", &["Odalric Brenn"])));
    liar.at.about = Some(liar.at.index);
    assert_eq!(liar.shown_to(&mut view), Outcome::Flagged(Conflict::NotNewest));
}

#[test]
fn an_erasure_follows_all_changes_that_it_made_unreadable() {
    let mut author = Author::new("a.example/pub");
    let mut entries = vec![author.begins(handle(1), list(velloran()))];
    for _ in 0..400 {
        let next = author.follows(entries.last().unwrap(), amend(velloran()));
        entries.push(next);
    }
    let erased = author.follows(entries.last().unwrap(), erase("R-1"));
    let mut view = View::new();
    for entry in &entries {
        entry.unopened(&mut view);
    }
    erased.applied(&mut view);
    assert_eq!(state(&view), None);
    let newest = view.newest_of(author.origin(), handle(1)).map(|(index, _, status)| (index, status));
    assert_eq!(newest, Some((erased.at.index, Status::Erased)));
}
