//! Packages: a set of changes that takes effect whole or not at all, whatever arrives of it and when.

use comity_screening::{Conflict, HitState, Outcome, Query, Status, View};

use crate::author::{
    Author, Entry, amend, delist, handle, list, list_id, merge, person, resume, split, suspend, with_id,
};

const NAMES: [&str; 3] = ["Tomas Velloran", "Odalric Brenn", "Sari Najmet"];

fn hit(view: &View, name: &str) -> Option<HitState> {
    let answer = view.screen(&Query::name(name).unwrap());
    assert!(answer.hits.len() <= 1, "{name}");
    answer.hits.first().map(|hit| hit.state)
}

fn states(view: &View) -> [Option<HitState>; 3] {
    NAMES.map(|name| hit(view, name))
}

/// Three records, each listed alone.
fn listed() -> (Author, View, [Entry; 3]) {
    let (mut author, mut view) = (Author::new("a.example/pub"), View::new());
    let entries = [0, 1, 2].map(|n| {
        let record = person(&format!("R-{n}"), &[NAMES[usize::from(n)]]);
        let entry = author.begins(handle(n), list(record));
        entry.applied(&mut view);
        entry
    });
    (author, view, entries)
}

/// A package that suspends the first, delists the second and renames the third.
fn package(author: &mut Author, listed: &[Entry; 3]) -> [Entry; 3] {
    [
        author.follows(&listed[0], suspend("R-0")).placed(1, 3),
        author.follows(&listed[1], delist("R-1")).placed(2, 3),
        author.follows(&listed[2], amend(person("R-2", &["Sari Otherwise"]))).placed(3, 3),
    ]
}

const UNAPPROVED: Option<HitState> = Some(HitState::Unapproved);
const INCOMPLETE: Option<HitState> = Some(HitState::PackageIncomplete);
const GAP: Option<HitState> = Some(HitState::NotActionable);
const CONFLICT: Option<HitState> = Some(HitState::Conflict);

/// That all of the package is applied.
fn assert_whole(view: &View) {
    assert_eq!(states(view), [None, None, None]);
    assert_eq!(hit(view, "Sari Otherwise"), UNAPPROVED);
}

/// That none of it is, and that every record of it says so.
fn assert_conflict(view: &View, author: &Author) {
    assert_eq!(states(view), [CONFLICT; 3]);
    assert_eq!(hit(view, "Sari Otherwise"), None);
    let flagged: Vec<_> = view.conflicts(author.origin()).map(|(handle, _, _)| handle).collect();
    assert_eq!(flagged, [handle(0), handle(1), handle(2)]);
}

#[test]
fn a_package_is_shown_once_all_of_it_is_there() {
    let (mut author, mut view, listed) = listed();
    let members = package(&mut author, &listed);
    assert_eq!(members[0].shown_to(&mut view), Outcome::Waits);
    assert_eq!(states(&view), [INCOMPLETE, UNAPPROVED, UNAPPROVED]);
    assert_eq!(members[1].shown_to(&mut view), Outcome::Waits);
    assert_eq!(members[1].shown_to(&mut view), Outcome::Waits, "the same again");
    assert_eq!(states(&view), [INCOMPLETE, INCOMPLETE, UNAPPROVED]);
    assert!(!view.newest_is_known(author.origin(), handle(1)), "nothing is told of it");
    assert_eq!(members[2].shown_to(&mut view), Outcome::Applied);
    assert_whole(&view);
    assert_eq!(members[0].shown_to(&mut view), Outcome::Repeated);
    assert!(view.newest_is_known(author.origin(), handle(1)));
    let newest = view.newest_of(author.origin(), handle(1)).map(|(index, _, status)| (index, status));
    assert_eq!(newest, Some((members[1].at.index, Status::Delisted)));
}

#[test]
fn a_package_of_which_one_change_is_withheld_shows_none_until_it_is_opened() {
    for withheld in 0..3 {
        let (mut author, mut view, listed) = listed();
        let members = package(&mut author, &listed);
        for (at, member) in members.iter().enumerate() {
            if at == withheld {
                member.unopened(&mut view);
            } else {
                assert_eq!(member.shown_to(&mut view), Outcome::Waits);
            }
        }
        let mut expected = [INCOMPLETE; 3];
        expected[withheld] = GAP;
        assert_eq!(states(&view), expected);
        // A record of its own goes on meanwhile.
        author.begins(handle(7), list(person("R-7", &["Nobody Else"]))).applied(&mut view);
        assert_eq!(states(&view), expected);
        assert_eq!(members[withheld].shown_to(&mut view), Outcome::Applied);
        assert_whole(&view);
    }
}

#[test]
fn a_listing_that_begins_in_a_package_is_not_there_before_the_rest_is() {
    let (mut author, mut view, listed) = listed();
    let ends = author.follows(&listed[0], delist("R-0")).placed(1, 2);
    let begins = author.begins(handle(9), list(person("R-9", &["Successor Velloran"]))).placed(2, 2);
    ends.unopened(&mut view);
    assert_eq!(begins.shown_to(&mut view), Outcome::Waits);
    assert_eq!((hit(&view, NAMES[0]), hit(&view, "Successor Velloran")), (GAP, None));
    assert_eq!(view.live(author.origin(), &list_id()).count(), 3);
    assert_eq!(ends.shown_to(&mut view), Outcome::Applied);
    assert_eq!((hit(&view, NAMES[0]), hit(&view, "Successor Velloran")), (None, UNAPPROVED));
}

#[test]
fn an_erased_change_of_a_package_counts_as_present() {
    for gone in 0..3 {
        let (mut author, mut view, listed) = listed();
        let members = package(&mut author, &listed);
        for (at, member) in members.iter().enumerate() {
            if at == gone {
                member.unopened(&mut view);
            } else {
                member.shown_to(&mut view);
            }
        }
        assert_ne!(states(&view)[(gone + 1) % 3], None, "nothing is applied before");
        members[gone].erased(&mut view);
        let mut expected = [None; 3];
        expected[gone] = GAP;
        assert_eq!(states(&view), expected, "the others are applied, and of this one nothing is known");
        // What was opened before it was erased counts as it did.
        members[(gone + 1) % 3].erased(&mut view);
        assert_eq!(states(&view), expected);
        assert_eq!(members[gone].shown_to(&mut view), Outcome::Applied);
        assert_whole(&view);
    }
}

#[test]
fn what_was_erased_before_the_rest_is_opened_counts_as_present_too() {
    let (mut author, mut view, listed) = listed();
    let members = package(&mut author, &listed);
    for member in &members {
        member.unopened(&mut view);
    }
    members[1].erased(&mut view);
    assert_eq!(members[2].shown_to(&mut view), Outcome::Waits);
    assert_eq!(members[0].shown_to(&mut view), Outcome::Applied);
    assert_eq!(states(&view), [None, GAP, None]);
}

/// Each as its author says falsely which of how many it is; none of it may be applied.
#[test]
fn a_package_whose_author_lies_about_its_places_is_a_conflict_and_never_applied() {
    let lies = [
        ("a place twice", [Some((1, 3)), Some((1, 3)), Some((3, 3))]),
        ("the first place at the end", [Some((1, 3)), Some((2, 3)), Some((1, 3))]),
        ("a larger count", [Some((1, 3)), Some((2, 3)), Some((3, 4))]),
        ("a smaller count", [Some((1, 3)), Some((2, 2)), Some((3, 3))]),
        ("the places backwards", [Some((3, 3)), Some((2, 3)), Some((1, 3))]),
        ("one that stands alone within", [Some((1, 3)), None, Some((3, 3))]),
        ("more places before than the log has", [Some((200, 256)), Some((201, 256)), Some((202, 256))]),
    ];
    for (lie, places) in lies {
        let (mut author, mut view, listed) = listed();
        let members = package(&mut author, &listed).into_iter().zip(places);
        let members: Vec<Entry> = members
            .map(|(member, place)| match place {
                Some((place, count)) => member.placed(place, count),
                None => author_alone(member),
            })
            .collect();
        for member in &members {
            member.shown_to(&mut view);
        }
        // What stands behind it shows that nothing more belongs to it.
        for n in 10..13 {
            author.begins(handle(n), list(person(&format!("R-{n}"), &["Nobody Else"]))).shown_to(&mut view);
        }
        let changed: Vec<_> = [0, 2].into_iter().map(|n| hit(&view, NAMES[n])).collect();
        assert_eq!(changed, [CONFLICT, CONFLICT], "{lie}");
        assert_eq!(hit(&view, "Sari Otherwise"), None, "{lie}");
        if places[1].is_some() {
            assert_conflict(&view, &author);
        }
    }
}

fn show_all(entries: &[Entry], view: &mut View) {
    for entry in entries {
        entry.shown_to(view);
    }
}

fn author_alone(mut member: Entry) -> Entry {
    let sections = member.decoded.change.encode().unwrap();
    let read = comity_watchlist::SectionsRead::from(&sections);
    member.decoded = comity_watchlist::Change::decode(&read).unwrap();
    member
}

#[test]
fn a_package_with_an_entry_between_that_changes_no_record_is_a_conflict() {
    let (mut author, mut view, listed) = listed();
    let first = author.follows(&listed[0], suspend("R-0")).placed(1, 3);
    let second = author.follows(&listed[1], delist("R-1")).placed(2, 3);
    // An entry of another kind, which the view is not handed.
    author.begins(handle(8), list(person("R-8", &["Nobody Else"])));
    let third = author.follows(&listed[2], amend(person("R-2", &["Sari Otherwise"]))).placed(3, 3);
    first.shown_to(&mut view);
    second.shown_to(&mut view);
    assert_eq!(states(&view), [INCOMPLETE, INCOMPLETE, UNAPPROVED]);
    third.shown_to(&mut view);
    // The third one's claim begins one later, and what it takes for its first is the second's.
    assert_conflict(&view, &author);
}

#[test]
fn a_package_that_changes_one_listing_twice_is_a_conflict() {
    let (mut author, mut view, listed) = listed();
    let first = author.follows(&listed[0], suspend("R-0")).placed(1, 2);
    let second = author.follows(&first, resume("R-0")).placed(2, 2);
    first.shown_to(&mut view);
    assert_eq!(second.shown_to(&mut view), Outcome::Flagged(Conflict::NotNewest));
    assert_eq!(hit(&view, NAMES[0]), CONFLICT);
    let conflicts: Vec<_> = view.conflicts(author.origin()).map(|(_, _, conflict)| conflict).collect();
    assert_eq!(conflicts, [Conflict::Package, Conflict::NotNewest]);
}

#[test]
fn one_change_that_does_not_follow_makes_the_whole_package_a_conflict() {
    let (mut author, mut view, mut listed) = listed();
    let meanwhile = author.follows(
        &listed[1],
        amend(with_id(person("R-1", &[NAMES[1]]), comity_watchlist::IdKind::Passport, "1")),
    );
    meanwhile.applied(&mut view);
    let members = package(&mut author, &listed);
    show_all(&members, &mut view);
    assert_conflict(&view, &author);
    assert_eq!(members[1].shown_to(&mut view), Outcome::Flagged(Conflict::NotNewest));
    assert_eq!(members[0].shown_to(&mut view), Outcome::Flagged(Conflict::Package));
    // What is said next follows what stands, and not the package.
    author.follows(&members[0], resume("R-0")).shown_to(&mut view);
    listed[1] = meanwhile;
    let again = package(&mut author, &listed);
    show_all(&again, &mut view);
    assert_eq!(
        states(&view),
        [None, None, None],
        "a package that fits is applied, and the others stay flagged"
    );
    assert_eq!(hit(&view, "Sari Otherwise"), CONFLICT);
}

#[test]
fn a_package_that_was_applied_is_taken_back_when_an_entry_opened_late_shows_that_it_does_not_follow() {
    let (mut author, mut view, listed) = listed();
    // Unopened, it seems to be a change of the second; it is one of a listing of its own.
    let liar = author.follows_as(handle(9), &listed[1], amend(person("R-9", &["Nobody Else"])));
    let members = [
        author.follows(&listed[0], amend(person("R-0", &["Tomas Otherwise"]))).placed(1, 2),
        author.follows_as(handle(1), &liar, delist("R-1")).placed(2, 2),
    ];
    liar.unopened(&mut view);
    show_all(&members, &mut view);
    assert_eq!([hit(&view, NAMES[0]), hit(&view, NAMES[1])], [None, None]);
    assert_eq!(hit(&view, "Tomas Otherwise"), UNAPPROVED);
    liar.shown_to(&mut view);
    assert_eq!([hit(&view, NAMES[0]), hit(&view, NAMES[1])], [CONFLICT, CONFLICT], "as they stood before");
    assert_eq!(hit(&view, "Tomas Otherwise"), None);
    let mut rebuilt = View::new();
    for entry in listed.iter().chain([&liar]).chain(&members) {
        entry.shown_to(&mut rebuilt);
    }
    assert!(view == rebuilt);
}

#[test]
fn packages_that_hang_on_each_other_fall_together() {
    let (mut author, mut view, listed) = listed();
    let liar = author.follows_as(handle(9), &listed[0], amend(person("R-9", &["Nobody Else"])));
    let first = [
        author.follows_as(handle(0), &liar, suspend("R-0")).placed(1, 2),
        author.follows(&listed[1], suspend("R-1")).placed(2, 2),
    ];
    let second = [
        author.follows(&first[1], resume("R-1")).placed(1, 2),
        author.follows(&listed[2], delist("R-2")).placed(2, 2),
    ];
    liar.unopened(&mut view);
    first.iter().chain(&second).for_each(|member| _ = member.shown_to(&mut view));
    assert_eq!(states(&view), [None, UNAPPROVED, None]);
    liar.shown_to(&mut view);
    assert_eq!(states(&view), [CONFLICT; 3]);
}

#[test]
fn a_merge_and_a_split_show_both_sides_or_neither() {
    let into = |view: &View, author: &Author, n: u8| view.goes_on_as(author.origin(), handle(n));
    let (mut author, mut view, listed) = listed();
    let merges = |author: &mut Author, before: &[&Entry; 2]| {
        let merge = || merge("R-0", handle(0), vec![handle(1)]);
        let first = author.follows(before[0], merge()).placed(1, 2);
        let second = author.follows(before[1], self::merge("R-1", handle(0), vec![handle(1)])).placed(2, 2);
        [first, second]
    };
    let merged = merges(&mut author, &[&listed[0], &listed[1]]);
    merged[1].unopened_or_not(&mut view, &merged[0]);
    assert_eq!(into(&view, &author, 1), None, "half a merge");
    merged[0].shown_to(&mut view);
    assert_eq!(into(&view, &author, 1), Some(handle(0)));
    let parted = [
        author.follows(&merged[0], split("R-0", handle(0), vec![handle(1)])).placed(1, 2),
        author.follows(&merged[1], split("R-1", handle(0), vec![handle(1)])).placed(2, 2),
    ];
    parted[0].shown_to(&mut view);
    assert_eq!(into(&view, &author, 1), Some(handle(0)), "half a split");
    assert!(view.split_into(author.origin(), handle(0)).is_empty());
    parted[1].shown_to(&mut view);
    assert_eq!(into(&view, &author, 1), None);
    assert_eq!(view.split_into(author.origin(), handle(0)).len(), 1);
}

impl Entry {
    /// Shows it behind an entry that is not opened.
    fn unopened_or_not(&self, view: &mut View, before: &Self) {
        before.unopened(view);
        self.shown_to(view);
    }
}
