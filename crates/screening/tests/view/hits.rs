//! What hits, by what, in which order, and how many.

use comity_screening::{GoodsRelation, Matched, NameOrder, Query, ScopeMatch, View, limits::HITS_MAX};
use comity_watchlist::{IdKind, NameKind, Record, SubjectKind};

use GoodsRelation::{Covered, Covers, Same};

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
            Matched::Name { .. } | Matched::Goods { .. } => panic!("an identifier matched"),
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

fn goods(reference: &str, codes: &[(&str, &str)]) -> Record {
    let mut record = Record::new(key(reference), SubjectKind::Good);
    record.names = person(reference, &["Grey powder"]).names;
    for (scheme, value) in codes {
        record = with_id(record, IdKind::Goods, value);
        record.identifiers.last_mut().unwrap().scope = Some(text(scheme));
    }
    record
}

/// Goal: a record is found by its code, by each that covers it and by each that it covers, and by no other; each hit
/// says why.
#[test]
fn goods_are_found_by_codes_that_cover_each_other() {
    let view = view_of(&[
        goods("G-1", &[("eu", "1c350 a.")]),
        goods("G-2", &[("eu", "1C350"), ("hs", "2904")]),
        goods("G-3", &[("eu", "1C350.a.12"), ("cn", "2904 10 00")]),
        goods("G-4", &[("eccn", "1C350.a")]),
        goods("G-5", &[("eu", "1C351.a"), ("eu", "1C350.aa")]),
        goods("G-6", &[("eu-ml", "ML10")]),
    ]);
    let found = |query: &str| {
        let answer = view.screen(&Query::id(query).unwrap());
        let why = |matched: &Matched| match matched {
            Matched::Goods { code, relation, former: false, .. } => (code.to_string(), *relation),
            other => panic!("a code of goods matched: {other:?}"),
        };
        let hits = answer.hits.iter().map(|hit| (hit.reference.as_str().to_owned(), why(&hit.matched)));
        hits.map(|(reference, (code, relation))| (reference, code, relation)).collect::<Vec<_>>()
    };
    let check = |query: &str, hits: &[(&str, &str, GoodsRelation)]| {
        let hits: Vec<_> =
            hits.iter().map(|(r, code, why)| ((*r).to_owned(), (*code).to_owned(), *why)).collect();
        assert_eq!(found(query), hits, "{query}");
    };
    check(
        "goods/eu:1C350.A",
        &[("G-1", "1C350.a", Same), ("G-2", "1C350", Covers), ("G-3", "1C350.a.12", Covered)],
    );
    check(
        "goods/eu:1C350",
        &[
            ("G-2", "1C350", Same),
            ("G-1", "1C350.a", Covered),
            ("G-3", "1C350.a.12", Covered),
            ("G-5", "1C350.aa", Covered),
        ],
    );
    check("goods/eu:1C350.b", &[("G-2", "1C350", Covers)]);
    check("goods/eccn:1C350.a.1", &[("G-4", "1C350.a", Covers)]);
    check("goods/taric:2904 10 00 90", &[("G-2", "2904", Covers), ("G-3", "29041000", Covers)]);
    check("goods/hs:29", &[("G-2", "2904", Covered), ("G-3", "29041000", Covered)]);
    for none in ["goods/eu-ml:ML1", "goods/wassenaar-ml:ML10", "goods/hs:2905", "goods/wassenaar:1C050"] {
        check(none, &[]);
    }
}

#[test]
fn a_good_with_several_codes_hits_once_by_the_best_and_a_former_one_comes_last() {
    let mut former = goods("G-1", &[("eu", "1C350.a")]);
    former.identifiers[0].former = true;
    let view = view_of(&[
        former,
        goods("G-2", &[("eu", "1C350"), ("eu", "1C350.a.1"), ("eu", "1C350.a")]),
        goods("G-3", &[("eu", "1C350.a.2")]),
    ]);
    let answer = view.screen(&Query::id("goods/eu:1C350.a").unwrap());
    let hits: Vec<_> = answer.hits.iter().map(|hit| hit.reference.as_str()).collect();
    assert_eq!(hits, ["G-2", "G-3", "G-1"]);
    assert!(matches!(&answer.hits[0].matched, Matched::Goods { relation: Same, .. }));
    assert!(matches!(&answer.hits[2].matched, Matched::Goods { former: true, .. }));
}

/// Goal: what a peer writes and no scheme can read is taken in and found by name, and spoils nothing else.
#[test]
fn a_code_of_goods_that_is_none_is_not_found_by_any_query() {
    let mut bare = goods("G-2", &[("eu", "1C350")]);
    bare.identifiers[0].scope = None;
    let view = view_of(&[goods("G-1", &[("eu", "1C35"), ("eu", "5A002")]), bare]);
    assert!(Query::id("goods/eu:1C35").is_err());
    assert!(references(&view, "goods/eu:1C350").is_empty());
    assert_eq!(references(&view, "goods/eu:5A002.a"), ["G-1"]);
    assert_eq!(references(&view, "Grey powder"), ["G-1", "G-2"]);
}

#[test]
fn a_number_whose_check_digits_do_not_fit_is_found_and_comes_last() {
    let (mut view, mut author) = (View::new(), Author::new("a.example/pub"));
    // The reference of the doubtful one sorts first; what a passport of another says of its digits is as given.
    let mut slip = with_id(person("R-1", &["Tomas Velloran"]), IdKind::Imo, "9074720");
    slip.judge_checksums();
    let mut sure = with_id(person("R-2", &["Odalric Brenn"]), IdKind::Imo, "9074720");
    sure.identifiers[0].checksum = None;
    author.begins(handle(1), list(slip)).applied(&mut view);
    author.begins(handle(2), list(sure)).applied(&mut view);
    let query = Query::Id(comity_screening::IdQuery::new(IdKind::Imo, None, "IMO 9074720").unwrap());
    let found: Vec<String> =
        view.screen(&query).hits.iter().map(|hit| hit.reference.as_str().to_owned()).collect();
    assert_eq!(found, ["R-2", "R-1"]);
}
