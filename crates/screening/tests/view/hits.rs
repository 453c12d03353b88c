//! What hits, by what, in which order, and how many.

use comity_screening::{Matched, NameOrder, Query, ScopeMatch, View, limits::HITS_MAX};
use comity_watchlist::{IdKind, NameKind, Record, SubjectKind};

use crate::author::{Author, handle, key, list, person, text, with_id, with_passport, with_weak_alias};

fn view_of(records: &[Record]) -> View {
    let (mut view, mut author) = (View::new(), Author::new("a.example/pub"));
    for (record, number) in records.iter().zip(0_u8..) {
        author.begins(handle(number), list(record.clone())).applied(&mut view);
    }
    view
}

fn references(view: &View, query: &str) -> Vec<String> {
    let query = if query.contains(':') { Query::id(query) } else { Query::name(query) };
    let answer = view.screen(&query.unwrap());
    answer.hits.iter().map(|hit| hit.reference.as_str().to_owned()).collect()
}

#[test]
fn a_name_is_found_in_its_own_script_and_in_no_other() {
    let view = view_of(&[person(
        "R-1",
        &["VELLORAN, Tomás", "Томас Веллоран", "توماس ويلوران", "托马斯·维洛兰", "तोमस वेलोरन"],
    )]);
    for asked in
        ["tomas velloran", "ТОМАС ВЕЛЛОРАН", "ويلوران توماس", "تُوماس ويلوران", "托马斯 维洛兰", "तोमस वेलोरन"]
    {
        assert_eq!(references(&view, asked), ["R-1"], "{asked}");
    }
    for asked in ["Tomas Веллоран", "Toma Velloran", "Velloran", "तोमास वेलोरन"]
    {
        assert!(references(&view, asked).is_empty(), "{asked}");
    }
}

#[test]
fn a_hit_says_which_name_matched_and_whether_it_is_weak() {
    let record = with_weak_alias(person("R-1", &["VELLORAN, Tomas"]), "The Cooper");
    let view = view_of(&[record, person("R-2", &["COOPER, The"])]);
    let answer = view.screen(&Query::name("the cooper").unwrap());
    let [strong, weak] = answer.hits.as_slice() else { panic!("two hits: {answer:?}") };
    let name = |name, kind, weak, order| Matched::Name { name: text(name), kind, weak, order };
    assert_eq!(strong.matched, name("COOPER, The", NameKind::Primary, false, NameOrder::Other));
    assert_eq!(weak.matched, name("The Cooper", NameKind::Aka, true, NameOrder::Same));
    assert_eq!(weak.name, Some(text("VELLORAN, Tomas")));
}

#[test]
fn a_record_hits_once_by_its_best_match() {
    let record = with_weak_alias(person("R-1", &["VELLORAN, Tomas", "Tomas Velloran"]), "tomas velloran");
    let view = view_of(&[record]);
    let answer = view.screen(&Query::name("Tomas Velloran").unwrap());
    assert_eq!(answer.hits.len(), 1);
    let best = Matched::Name {
        name: text("Tomas Velloran"),
        kind: NameKind::Aka,
        weak: false,
        order: NameOrder::Same,
    };
    assert_eq!(answer.hits[0].matched, best);
}

#[test]
fn an_identifier_is_found_by_its_kind_and_canonical_value() {
    let mut ship = Record::new(key("S-1"), SubjectKind::Vessel);
    ship.names = person("S-1", &["GREY HERON"]).names;
    let ship = with_id(with_id(ship, IdKind::Imo, "IMO 9074729"), IdKind::CallSign, "XA-12");
    let view = view_of(&[ship, with_id(person("R-1", &["Odalric Brenn"]), IdKind::Passport, "00-9074729")]);
    assert_eq!(references(&view, "imo:9074729"), ["S-1"]);
    assert_eq!(references(&view, "call-sign:xa12"), ["S-1"]);
    assert_eq!(references(&view, "passport:009074729"), ["R-1"]);
    assert!(references(&view, "passport:9074729").is_empty());
    let answer = view.screen(&Query::id("imo:9074729").unwrap());
    let matched = Matched::Identifier {
        kind: IdKind::Imo,
        value: text("IMO 9074729"),
        former: false,
        scope: ScopeMatch::NotAsked,
    };
    assert_eq!(answer.hits[0].matched, matched);
    assert_eq!(answer.hits[0].kind, SubjectKind::Vessel);
}

#[test]
fn a_scope_rules_out_only_what_says_another_country_code() {
    let view = view_of(&[
        with_passport(person("R-1", &["One"]), ("Xandria", Some("XA")), "A1"),
        with_passport(person("R-2", &["Two"]), ("Xorbia", Some("XB")), "A1"),
        with_passport(person("R-3", &["Three"]), ("Xandria", None), "A1"),
        with_id(person("R-4", &["Four"]), IdKind::Passport, "A1"),
    ]);
    assert_eq!(references(&view, "passport:A1"), ["R-1", "R-2", "R-3", "R-4"]);
    assert_eq!(references(&view, "passport/XA:A1"), ["R-1", "R-3", "R-4"]);
    assert_eq!(references(&view, "passport/xandria:a-1"), ["R-1", "R-3", "R-2", "R-4"]);
    let scopes = |query: &str| {
        let answer = view.screen(&Query::id(query).unwrap());
        let scope = |matched: &Matched| match matched {
            Matched::Identifier { scope, .. } => *scope,
            Matched::Name { .. } => panic!("an identifier matched"),
        };
        answer.hits.iter().map(|hit| scope(&hit.matched)).collect::<Vec<_>>()
    };
    assert_eq!(scopes("passport/XA:A1"), [ScopeMatch::Same, ScopeMatch::Unknown, ScopeMatch::Unknown]);
}

#[test]
fn an_identifier_that_its_kind_cannot_have_is_not_found_by_any_query() {
    let view = view_of(&[with_id(person("R-1", &["One"]), IdKind::Imo, "unknown")]);
    assert!(Query::id("imo:unknown").is_err());
    assert_eq!(references(&view, "One"), ["R-1"]);
}

#[test]
fn a_flood_from_one_agency_hides_no_hit_of_another() {
    let mut view = View::new();
    let mut flood = Author::new("a.example/pub");
    for number in 0..HITS_MAX + 50 {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let record = person(&format!("F-{number:04}"), &["Tomas Velloran"]);
        flood.begins(comity_watchlist::Handle::new(bytes), list(record)).applied(&mut view);
    }
    let alone = view.screen(&Query::name("Tomas Velloran").unwrap());
    assert_eq!((alone.hits.len(), alone.more), (HITS_MAX, true));
    let mut other = Author::new("z.example/pub");
    other.begins(handle(1), list(person("R-1", &["VELLORAN, Tomas"]))).applied(&mut view);
    let answer = view.screen(&Query::name("Tomas Velloran").unwrap());
    assert_eq!((answer.hits.len(), answer.more), (HITS_MAX, true));
    assert_eq!(answer.hits.iter().filter(|hit| hit.agency == "z.example").count(), 1);
}

#[test]
fn hostile_names_are_taken_in_and_asked_for() {
    let marks = format!("Velloran{}", "\u{301}\u{323}".repeat(450));
    let joined = "\u{fdfa}".repeat(600);
    let tokens = "a ".repeat(990);
    let nothing = "\u{202e}\u{200b}".repeat(300);
    let view = view_of(&[person("R-1", &[&marks, &joined, &tokens, &nothing, "a.*(b|c)+$"])]);
    assert_eq!(references(&view, "velloran"), ["R-1"]);
    assert_eq!(references(&view, &joined), ["R-1"]);
    assert_eq!(references(&view, &tokens), ["R-1"]);
    assert_eq!(references(&view, "a b c"), ["R-1"]);
    assert!(references(&view, "a").is_empty());
    assert!(Query::name(&nothing).is_err());
}
