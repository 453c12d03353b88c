//! One listing from its start to its end, and every change that does not fit.

use comity_screening::{Answer, Conflict, HitState, Outcome, Query, Status, View, ViewError};
use comity_tlog::Hash;
use comity_watchlist::{EntryRef, Handle, Op};

use crate::author::{
    Author, Entry, amend, delist, erase, handle, key, list, list_id, merge, person, rekey, resume, split,
    suspend, text, withdraw,
};

fn ask(view: &View, name: &str) -> Answer {
    view.screen(&Query::name(name).unwrap())
}

fn hits(view: &View, name: &str) -> usize {
    ask(view, name).hits.len()
}

fn started() -> (View, Author, Entry) {
    let (mut view, mut author) = (View::new(), Author::new("a.example/pub"));
    let first = author.begins(handle(1), list(person("R-1", &["VELLORAN, Tomas", "Том Веллоран"])));
    first.applied(&mut view);
    (view, author, first)
}

fn flagged(view: &mut View, entry: &Entry, conflict: Conflict) {
    assert_eq!(entry.shown_to(view), Outcome::Flagged(conflict));
    let found = view
        .conflicts(&entry.at.origin)
        .any(|(h, i, c)| (h, i, c) == (entry.handle, entry.at.index, conflict));
    assert!(found);
}

#[test]
fn a_listed_record_hits_with_its_proof() {
    let (view, _, first) = started();
    let answer = ask(&view, "tomas velloran");
    let [hit] = answer.hits.as_slice() else { panic!("one hit") };
    assert_eq!((hit.agency.as_str(), hit.reference.as_str(), hit.version), ("a.example", "R-1", 1));
    assert_eq!((hit.origin.as_str(), hit.index, hit.leaf), ("a.example/pub", first.at.index, first.at.leaf));
    assert_eq!(hit.name, Some(text("VELLORAN, Tomas")));
    assert_eq!(hit.state, HitState::Unapproved);
    assert!(!answer.more);
}

#[test]
fn an_amendment_replaces_the_record_and_its_old_names_no_longer_hit() {
    let (mut view, mut author, first) = started();
    let second = author.follows(&first, amend(person("R-1", &["VELLORAN, Tobias"])));
    second.applied(&mut view);
    assert_eq!((hits(&view, "Tomas Velloran"), hits(&view, "Том Веллоран")), (0, 0));
    let hit = &ask(&view, "Tobias Velloran").hits[0];
    assert_eq!((hit.version, hit.index, hit.leaf), (2, second.at.index, second.at.leaf));
}

#[test]
fn a_suspended_record_is_not_shown_until_it_is_resumed() {
    let (mut view, mut author, first) = started();
    let second = author.follows(&first, suspend("R-1"));
    second.applied(&mut view);
    assert_eq!((hits(&view, "Tomas Velloran"), view.screenable_count()), (0, 0));
    let list = list_id();
    let held: Vec<_> = view.live(author.origin(), &list).collect();
    assert_eq!((held[0].status, held[0].newest_index), (Status::Suspended, second.at.index));
    assert_eq!(view.live_of(author.origin(), handle(1)), Some(held[0]));
    assert_eq!(view.live_of(author.origin(), handle(2)), None);
    author.follows(&second, resume("R-1")).applied(&mut view);
    let hit = &ask(&view, "Tomas Velloran").hits[0];
    assert_eq!((hit.version, hit.index), (3, first.at.index));
}

#[test]
fn what_is_delisted_withdrawn_or_erased_never_hits_and_can_be_relisted_only_under_a_new_handle() {
    type Ending = fn(&str) -> Box<dyn FnOnce(EntryRef) -> Op>;
    let endings: [(Ending, Status); 3] = [
        (|r| Box::new(delist(r)), Status::Delisted),
        (|r| Box::new(withdraw(r)), Status::Withdrawn),
        (|r| Box::new(erase(r)), Status::Erased),
    ];
    for (ending, status) in endings {
        let (mut view, mut author, first) = started();
        let end = author.follows(&first, ending("R-1"));
        end.applied(&mut view);
        assert_eq!((hits(&view, "Tomas Velloran"), hits(&view, "Том Веллоран")), (0, 0));
        let list_id = list_id();
        assert_eq!(view.live(author.origin(), &list_id).count(), 0);
        let ended: Vec<_> = view.ended(author.origin(), &list_id).collect();
        assert_eq!((ended[0].key, ended[0].handle, ended[0].status), (&key("R-1"), handle(1), status));

        let again = author.follows(&end, resume("R-1"));
        flagged(&mut view, &again, Conflict::Ended);
        let again = author.begins(handle(1), list(person("R-1", &["VELLORAN, Tomas"])));
        flagged(&mut view, &again, Conflict::HandleTaken);
        assert_eq!(hits(&view, "Tomas Velloran"), 0);

        let record = Box::new(person("R-1", &["VELLORAN, Tomas"]));
        author.begins(handle(2), Op::Relist { relist_of: handle(1), record }).applied(&mut view);
        assert_eq!(ask(&view, "Tomas Velloran").hits[0].state, HitState::Unapproved);
        assert_eq!(view.ended(author.origin(), &list_id).count(), 1);
    }
}

#[test]
fn a_delisted_record_can_still_be_withdrawn_and_a_withdrawn_one_erased() {
    let (mut view, mut author, first) = started();
    let mut end = author.follows(&first, delist("R-1"));
    end.applied(&mut view);
    end = author.follows(&end, withdraw("R-1"));
    end.applied(&mut view);
    end = author.follows(&end, erase("R-1"));
    end.applied(&mut view);
    let again = author.follows(&end, erase("R-1"));
    flagged(&mut view, &again, Conflict::Ended);
}

#[test]
fn a_change_that_does_not_follow_the_newest_is_flagged_and_not_applied() {
    let (mut view, mut author, first) = started();
    author.follows(&first, amend(person("R-1", &["VELLORAN, Tobias"]))).applied(&mut view);
    // Relief behind the back of a newer change does not take the record away in silence either.
    let rival = author.follows(&first, delist("R-1"));
    flagged(&mut view, &rival, Conflict::NotNewest);
    let hit = &ask(&view, "Tobias Velloran").hits[0];
    assert_eq!((hit.state, hit.version), (HitState::Conflict, 2));
}

#[test]
fn a_change_whose_envelope_names_another_entry_than_its_content_is_flagged() {
    let (mut view, mut author, first) = started();
    let other = author.begins(handle(2), list(person("R-2", &["Odalric Brenn"])));
    other.applied(&mut view);
    let prev = EntryRef::new(*first.at.leaf.as_bytes());
    for about in [None, Some(other.at.index)] {
        let liar = author.writes(handle(1), about, suspend("R-1")(prev));
        flagged(&mut view, &liar, Conflict::NotNewest);
    }
    let stranger = author.follows_as(handle(1), &other, suspend("R-1"));
    flagged(&mut view, &stranger, Conflict::NotNewest);
    assert_eq!(hits(&view, "Tomas Velloran"), 1);
}

#[test]
fn only_a_rekeying_changes_list_and_reference() {
    let (mut view, mut author, first) = started();
    let other_key = author.follows(&first, amend(person("R-9", &["VELLORAN, Tomas"])));
    flagged(&mut view, &other_key, Conflict::OtherKey);
    let rekeyed = author.follows(&first, rekey("R-1", "N-1"));
    rekeyed.applied(&mut view);
    let list_id = list_id();
    let held: Vec<_> = view.live(author.origin(), &list_id).collect();
    assert_eq!((held[0].key, &held[0].record.key), (&key("N-1"), &key("N-1")));
    assert_eq!(view.live_by_key(author.origin(), &key("N-1")).collect::<Vec<_>>(), held);
    assert_eq!(view.live_by_key(author.origin(), &key("R-1")).count(), 0);
    assert_eq!(ask(&view, "Tomas Velloran").hits[0].reference.as_str(), "N-1");
    let old_key = author.follows(&rekeyed, suspend("R-1"));
    flagged(&mut view, &old_key, Conflict::OtherKey);
    author.follows(&rekeyed, amend(person("N-1", &["VELLORAN, Tomas"]))).applied(&mut view);
}

#[test]
fn a_merge_or_split_changes_no_state_and_must_name_its_listing() {
    let (mut view, mut author, first) = started();
    let other = author.begins(handle(2), list(person("R-2", &["Tomas Velloran"])));
    other.applied(&mut view);
    let named = |into: Handle, from: Handle| (into, vec![from]);
    let (into, from) = named(handle(1), handle(2));
    let merged = author.follows(&first, merge("R-1", into, from.clone()));
    merged.applied(&mut view);
    author.follows(&other, merge("R-2", into, from)).applied(&mut view);
    assert_eq!(hits(&view, "Tomas Velloran"), 2);
    let parted = author.follows(&merged, split("R-1", handle(1), vec![handle(1), handle(2)]));
    parted.applied(&mut view);
    let unnamed = author.follows(&parted, merge("R-1", handle(3), vec![handle(4)]));
    flagged(&mut view, &unnamed, Conflict::NotNamed);
}

#[test]
fn a_merged_record_names_the_one_that_goes_on_until_it_is_split_again() {
    let (mut view, mut author, first) = started();
    let other = author.begins(handle(2), list(person("R-2", &["Odalric Brenn"])));
    other.applied(&mut view);
    let into_of = |view: &View, own: Handle| view.merged_into(&first.at.origin, own).cloned();
    let a = author.follows(&first, merge("R-1", handle(1), vec![handle(2)]));
    let b = author.follows(&other, merge("R-2", handle(1), vec![handle(2)]));
    a.applied(&mut view);
    b.applied(&mut view);
    assert_eq!((into_of(&view, handle(1)), into_of(&view, handle(2))), (None, Some(key("R-1"))));
    assert_eq!(ask(&view, "Odalric Brenn").hits[0].merged_into, Some(key("R-1")));
    // What it is called is what it is called now.
    let a = author.follows(&a, rekey("R-1", "N-1"));
    a.applied(&mut view);
    let b = author.follows(&b, amend(person("R-2", &["Odalric Brenn"])));
    b.applied(&mut view);
    assert_eq!(into_of(&view, handle(2)), Some(key("N-1")), "an amendment says nothing of it");
    let a = author.follows(&a, split("N-1", handle(1), vec![handle(1), handle(2)]));
    a.applied(&mut view);
    author.follows(&b, split("R-2", handle(1), vec![handle(1), handle(2)])).applied(&mut view);
    assert_eq!(into_of(&view, handle(2)), None);
    assert_eq!(view.split_into(author.origin(), handle(1)), [&key("R-2")]);
    author.follows(&a, merge("N-1", handle(1), vec![handle(2)])).applied(&mut view);
    assert_eq!(view.split_into(author.origin(), handle(1)), Vec::<&comity_watchlist::RecordKey>::new());
}

#[test]
fn records_of_different_origins_never_overwrite_each_other() {
    let (mut view, _, _) = started();
    let mut other = Author::new("b.example/pub");
    let first = other.begins(handle(1), list(person("R-1", &["Tomas Velloran"])));
    first.applied(&mut view);
    other.follows(&first, delist("R-1")).applied(&mut view);
    let answer = ask(&view, "Tomas Velloran");
    assert_eq!((answer.hits.len(), answer.hits[0].agency.as_str()), (1, "a.example"));
    assert_eq!(answer.hits[0].state, HitState::Unapproved);
}

#[test]
fn an_entry_handed_in_twice_changes_nothing() {
    let (mut view, mut author, first) = started();
    author.follows(&first, amend(person("R-1", &["VELLORAN, Tobias"]))).applied(&mut view);
    let before = view.clone();
    assert_eq!(first.shown_to(&mut view), Outcome::Repeated);
    first.unopened(&mut view);
    assert!(view == before);
}

#[test]
fn an_entry_out_of_order_or_in_place_of_another_is_refused_and_changes_nothing() {
    let (mut view, mut author, first) = started();
    let skipped = author.follows(&first, suspend("R-1"));
    let unopened = author.follows(&first, suspend("R-1"));
    unopened.unopened(&mut view);
    let before = view.clone();
    let refused = |view: &mut View, entry: &Entry| view.apply(&entry.at, entry.decoded.clone()).unwrap_err();
    let newest = unopened.at.index;
    let expected = ViewError::OutOfOrder { index: skipped.at.index, newest };
    assert_eq!(refused(&mut view, &skipped), expected);
    assert_eq!(view.note_about(&skipped.at), Err(expected));
    for mut forged in [first.clone(), unopened.clone()] {
        forged.at.leaf = Hash::leaf(b"another entry");
        assert_eq!(refused(&mut view, &forged), ViewError::OtherEntry { index: forged.at.index });
    }
    assert!(view == before);
}

#[test]
fn of_several_ends_of_one_key_the_last_comes_last() {
    let (mut view, mut author, first) = started();
    author.follows(&first, delist("R-1")).applied(&mut view);
    // A handle that sorts before the first one, so that the order of handles cannot pass for the order of ends.
    let record = Box::new(person("R-1", &["VELLORAN, Tomas"]));
    let again = author.begins(handle(0), Op::Relist { relist_of: handle(1), record });
    again.applied(&mut view);
    author.follows(&again, delist("R-1")).applied(&mut view);
    let handles: Vec<_> = view.ended(author.origin(), &list_id()).map(|ended| ended.handle).collect();
    assert_eq!(handles, [handle(1), handle(0)]);
}
