//! The view does not depend on how it was built: in one go, bit by bit, origins interleaved, entries opened late.

use comity_screening::{Outcome, Query, Status, View};
use comity_watchlist::{Op, Record};
use proptest::prelude::*;

use crate::author::{
    Author, Entry, amend, delist, erase, handle, list, list_id, merge, person, rekey, resume, split, suspend,
    with_id, withdraw,
};

const NAMES: [&str; 4] = ["VELLORAN, Tomas", "Tomas Velloran", "Одальрик Бренн", "ساري النجم"];
const ORIGINS: [&str; 3] = ["a.example/pub", "b.example/pub", "b.example/exercise/01"];

/// One thing that an author does, drawn at random.
#[derive(Clone, Copy, Debug)]
struct Deed {
    handle: u8,
    op: u8,
    name: usize,
    /// 0: the change follows an older entry than it should.
    astray: u8,
}

/// When a receiver gets to read an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opened {
    AtOnce,
    /// After so many further entries.
    Later(usize),
    Never,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = (0..4_u8, 0..14_u8, 0..NAMES.len(), 0..8_u8);
    let deed = deed.prop_map(|(handle, op, name, astray)| Deed { handle, op, name, astray });
    prop::collection::vec(deed, 1..40)
}

fn openings() -> impl Strategy<Value = Vec<Opened>> {
    let opened = prop_oneof![
        6 => Just(Opened::AtOnce),
        3 => (0..12_usize).prop_map(Opened::Later),
        1 => Just(Opened::Never),
    ];
    prop::collection::vec(opened, 40)
}

fn record(reference: &str, deed: Deed) -> Record {
    let record = person(reference, &[NAMES[deed.name], NAMES[(deed.name + 1) % NAMES.len()]]);
    with_id(record, comity_watchlist::IdKind::Passport, &format!("00-{}", deed.name))
}

/// A log in which most changes follow their listing, and some do not.
fn log(origin: &str, deeds: &[Deed]) -> Vec<Entry> {
    let (mut author, mut scratch) = (Author::new(origin), View::new());
    let mut log: Vec<Entry> = Vec::new();
    // For each handle its current reference and the entries that were applied.
    let mut known: Vec<(String, Vec<Entry>)> = (0..4).map(|n| (format!("R-{n}"), Vec::new())).collect();
    for (turn, deed) in deeds.iter().enumerate() {
        let own = handle(deed.handle);
        let (reference, applied) = &mut known[usize::from(deed.handle)];
        // Content that was erased is not given to a view built anew either, so only listings that no one contradicts
        // are erased here: an erasure that turned out not to follow could not bring the content back.
        let erasable = deed.handle % 2 == 0;
        let astray = deed.astray == 0;
        let before = if astray { applied.first() } else { applied.last() }.cloned();
        let at = reference.clone();
        let mut moved = None;
        let entry = match (before, deed.op) {
            (None, op) if op % 3 == 0 => {
                let record = Box::new(record(&at, *deed));
                author.begins(own, Op::Relist { relist_of: handle(9), record })
            }
            (None, _) | (Some(_), 0) => author.begins(own, list(record(&at, *deed))),
            (Some(before), 1..=4) => author.follows(&before, amend(record(&at, *deed))),
            (Some(before), 5) => author.follows(&before, suspend(&at)),
            (Some(before), 6 | 7) => author.follows(&before, resume(&at)),
            (Some(before), 9) => author.follows(&before, withdraw(&at)),
            (Some(before), 10) if erasable => author.follows(&before, erase(&at)),
            (Some(before), 8 | 10) => author.follows(&before, delist(&at)),
            (Some(before), 11) => {
                let to = format!("K-{}-{turn}", deed.handle);
                moved = Some(to.clone());
                author.follows(&before, rekey(&at, &to))
            }
            (Some(before), 12) => author.follows(&before, merge(&at, handle(0), vec![handle(1)])),
            (Some(before), _) => author.follows(&before, split(&at, own, vec![handle(2)])),
        };
        if entry.shown_to(&mut scratch) == Outcome::Applied {
            *reference = moved.unwrap_or(at);
            applied.push(entry.clone());
        } else if erasable {
            continue;
        }
        log.push(entry);
    }
    log
}

/// Binds changes next to each other, most of them as they should be.
fn in_packages(mut log: Vec<Entry>, bonds: &[(u16, u16)]) -> Vec<Entry> {
    let mut rest = log.iter_mut();
    for (count, lie) in bonds.iter().filter(|(count, _)| *count > 1) {
        for (place, entry) in (1..=*count).zip(&mut rest) {
            let (place, count) = if *lie == place { (1, *count + 1) } else { (place, *count) };
            *entry = entry.clone().placed(place, count);
        }
        // One that stands alone.
        rest.next();
    }
    log
}

fn bonds() -> impl Strategy<Value = Vec<(u16, u16)>> {
    prop::collection::vec((1..4_u16, 0..12_u16), 20)
}

/// Deeds without erasures: one behind a package that turned out to be none could not bring the content back.
fn deeds_that_erase_nothing() -> impl Strategy<Value = Vec<Deed>> {
    let keep = |deed: Deed| Deed { op: if deed.op == 10 { 1 } else { deed.op }, ..deed };
    deeds().prop_map(move |deeds| deeds.into_iter().map(keep).collect())
}

fn rebuilt(logs: &[Vec<Entry>], opened: impl Fn(usize) -> Opened) -> View {
    let mut view = View::new();
    for log in logs {
        for (at, entry) in log.iter().enumerate() {
            if opened(at) == Opened::Never {
                entry.unopened(&mut view);
            } else {
                entry.shown_to(&mut view);
            }
        }
    }
    view
}

/// Takes a log in as it arrives, opening entries when their time has come.
fn as_it_arrives(log: &[Entry], openings: &[Opened]) -> View {
    let mut view = View::new();
    let mut waiting: Vec<(usize, &Entry)> = Vec::new();
    for (at, entry) in log.iter().enumerate() {
        match openings[at] {
            Opened::AtOnce => {
                entry.shown_to(&mut view);
            }
            Opened::Later(wait) => {
                entry.unopened(&mut view);
                waiting.push((at + wait, entry));
            }
            Opened::Never => entry.unopened(&mut view),
        }
        // The newest first, so that late entries come in another order than they were written, too.
        for (_, late) in waiting.iter().rev().filter(|(due, _)| *due == at) {
            late.shown_to(&mut view);
        }
    }
    for (_, late) in waiting.iter().filter(|(due, _)| *due >= log.len()) {
        late.shown_to(&mut view);
    }
    view
}

fn names_found_by_looking_at_all(view: &View, wanted: &[&str]) -> usize {
    let list = list_id();
    let origins = ORIGINS.iter().map(|origin| origin.parse().unwrap());
    let all = origins.flat_map(|origin| {
        let live = view.live(&origin, &list).filter(|listed| listed.status == Status::Listed);
        live.map(|listed| listed.record)
    });
    all.filter(|record| record.names.iter().any(|name| wanted.contains(&name.full.as_str()))).count()
}

/// By handle and by key there is the same to be found as by looking at all.
fn is_found_by_handle_and_key(view: &View) -> bool {
    let list = list_id();
    ORIGINS.iter().all(|origin| {
        let origin = origin.parse().unwrap();
        let all: Vec<_> = view.live(&origin, &list).collect();
        let by_handle = |number: u8| view.live_of(&origin, handle(number));
        let count = (0..=u8::MAX).filter_map(by_handle).count();
        count == all.len()
            && all.iter().all(|listed| {
                let same_key: Vec<_> = all.iter().filter(|other| other.key == listed.key).collect();
                let by_key: Vec<_> = view.live_by_key(&origin, listed.key).collect();
                view.live_of(&origin, listed.handle) == Some(*listed)
                    && by_key.len() == same_key.len()
                    && same_key.into_iter().all(|same| by_key.contains(same))
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn origins_may_be_interleaved_in_any_way(
        all in prop::collection::vec(deeds(), 3),
        turns in prop::collection::vec(0..3_usize, 120),
    ) {
        let logs: Vec<Vec<Entry>> = ORIGINS.iter().zip(&all).map(|(origin, deeds)| log(origin, deeds)).collect();
        let mut rest: Vec<_> = logs.iter().map(|log| log.iter()).collect();
        let mut view = View::new();
        for turn in turns {
            if let Some(entry) = rest[turn].next() {
                entry.shown_to(&mut view);
            }
        }
        for entry in rest.into_iter().flatten() {
            entry.shown_to(&mut view);
        }
        let whole = rebuilt(&logs, |_| Opened::AtOnce);
        prop_assert!(view == whole);
        prop_assert!(is_found_by_handle_and_key(&view));
        let query = Query::name("Tomas Velloran").unwrap();
        prop_assert_eq!(view.screen(&query), whole.screen(&query));
    }

}

proptest! {
    // Each case builds as many views as it has steps.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20) })]

    #[test]
    fn every_step_of_the_way_equals_a_view_built_anew(deeds in deeds()) {
        let log = log(ORIGINS[0], &deeds);
        let mut view = View::new();
        for upto in 0..log.len() {
            log[upto].shown_to(&mut view);
            prop_assert!(view == rebuilt(&[log[..=upto].to_vec()], |_| Opened::AtOnce));
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn it_makes_no_difference_when_an_entry_is_opened(deeds in deeds(), openings in openings()) {
        let log = log(ORIGINS[0], &deeds);
        let view = as_it_arrives(&log, &openings);
        prop_assert!(view == rebuilt(&[log], |at| openings[at]));
    }

    #[test]
    fn a_package_comes_out_the_same_whenever_its_members_are_opened(
        deeds in deeds_that_erase_nothing(),
        openings in openings(),
        bonds in bonds(),
    ) {
        let log = in_packages(log(ORIGINS[0], &deeds), &bonds);
        let view = as_it_arrives(&log, &openings);
        prop_assert!(view == rebuilt(&[log], |at| openings[at]));
    }

    #[test]
    fn the_indexes_find_what_looking_at_every_record_finds(deeds in deeds(), openings in openings()) {
        let view = as_it_arrives(&log(ORIGINS[0], &deeds), &openings);
        for wanted in [&NAMES[..2], &NAMES[2..3], &NAMES[3..]] {
            let hits = view.screen(&Query::name(wanted[0]).unwrap()).hits.len();
            prop_assert_eq!(hits, names_found_by_looking_at_all(&view, wanted));
        }
    }
}
