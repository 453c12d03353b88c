//! Packages at the door of an operator, and what strangers are told of them.

use comity_ledger::Slot;
use comity_node::{OpenHome, SystemEntropy, now, submission};
use comity_policy::{LabelSet, Onward, Tlp};
use comity_tlog::EntryIndex;
use comity_watchlist::{Change, Op, PackagePlace};
use comity_wire::{DraftChange, ErrorCode, HandlingChoice, ListedRecord, v1};

use crate::http_taxii::{HTTP, all, collection};
use crate::labelled::{SECRET, at, label, newest, uniform, write};
use crate::support::{AdminClient, Place, append, handle, lists, record, records};

fn placed(change: &Change, about: Option<u64>, place: (u16, u16)) -> DraftChange {
    let sections = change.encode_at(Some(PackagePlace::new(place.0, place.1).unwrap())).unwrap();
    DraftChange::new(about.map(|index| EntryIndex::new(index).unwrap()), sections).unwrap()
}

/// Lists a record as a member of a package.
fn begins(n: u8, name: &str, place: (u16, u16)) -> DraftChange {
    placed(&Change { handle: handle(n), op: Op::List { record: record(&n.to_string(), name) } }, None, place)
}

/// Renames a record of a home as a member of a package.
fn renames(open: &OpenHome, n: u8, name: &str, place: (u16, u16)) -> DraftChange {
    let (about, prev) = newest(open, n);
    let op = Op::Amend { prev, paths: Vec::new(), record: record(&n.to_string(), name) };
    placed(&Change { handle: handle(n), op }, Some(about), place)
}

async fn names(client: &mut AdminClient) -> usize {
    records(client).await.len()
}

/// Goal: nothing of a package that is not whole, not in order, or not next to each other is entered. Way: each of these
/// at the door, between changes that are good.
#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_no_whole_is_refused_at_the_door() {
    let place = Place::make();
    let node = place.serve().await;
    let mut client = node.operator().await;
    let alone = || lists(9, "9", "Mirela Ostrava");
    let b = |n, place| begins(n, "Tomas Velloran", place);
    for (what, changes) in [
        ("one is missing", vec![b(1, (1, 2))]),
        ("the last is missing", vec![b(1, (1, 3)), b(2, (2, 3)), alone()]),
        ("the first is missing", vec![alone(), b(1, (2, 2))]),
        ("one between", vec![b(1, (1, 2)), alone(), b(2, (2, 2))]),
        ("the order", vec![b(2, (2, 2)), b(1, (1, 2))]),
        ("a place twice", vec![b(1, (1, 2)), b(2, (1, 2))]),
        ("two counts", vec![b(1, (1, 2)), b(2, (2, 3)), b(3, (3, 3))]),
        ("one listing twice", vec![b(1, (1, 2)), b(1, (2, 2))]),
    ] {
        assert_eq!(append(&mut client, &changes).await, Err(ErrorCode::Malformed), "{what}");
    }
    assert_eq!(names(&mut client).await, 0);
    let changes = [alone(), b(1, (1, 2)), b(2, (2, 2)), b(3, (1, 2)), b(4, (2, 2))];
    let answer = append(&mut client, &changes).await.unwrap();
    assert_eq!((answer.first, answer.last, names(&mut client).await), (1, 5, 5));
    let found = node.screen("Tomas Velloran").await;
    assert_eq!((found.answer(), found.hits.len()), (v1::ScreenAnswer::Hits, 4));
    node.stop().await.unwrap();
}

/// Goal: a package whose changes would go under several labels is not entered, by a running node or at rest. Way: a
/// relisting, which keeps the label of the former listing, with an open change.
#[tokio::test(flavor = "multi_thread")]
async fn a_package_under_two_labels_is_refused() {
    let place = Place::make();
    let mut open = place.open().await;
    let closed = uniform(&at(Tlp::Amber, Onward::None));
    write(&mut open, lists(1, "1", "Tomas Velloran"), &closed);
    let (about, prev) = newest(&open, 1);
    let notice = Box::new(comity_watchlist::Notice::new(record("1", "Nobody").key));
    let ends = Change { handle: handle(1), op: Op::Withdraw { prev, notice } };
    let about = Some(EntryIndex::new(about).unwrap());
    write(&mut open, DraftChange::new(about, ends.encode().unwrap()).unwrap(), &closed);
    let op = Op::Relist { relist_of: handle(1), record: record("1", "Tomas Velloran") };
    let package =
        [placed(&Change { handle: handle(2), op }, None, (1, 2)), begins(3, "Mirela Ostrava", (2, 2))];
    let made = submission(open.home().config(), HandlingChoice::OfficialList, &package).unwrap();
    let refused = open.append(made, &open.view().unwrap()).unwrap_err();
    assert!(refused.to_string().contains("several labels"), "{refused}");
    let size = newest(&open, 1).0 + 1;
    drop(open);
    let node = place.serve().await;
    let mut client = node.operator().await;
    assert_eq!(append(&mut client, &package).await, Err(ErrorCode::Malformed));
    assert_eq!(node.size().await, size);
    // Each of them alone is entered.
    let [relisted, _] = package;
    let alone = Change::decode(&relisted.sections().into()).unwrap().change;
    let alone = DraftChange::new(None, alone.encode().unwrap()).unwrap();
    append(&mut client, &[alone, lists(3, "3", "Mirela Ostrava")]).await.unwrap();
    let states: Vec<_> = records(&mut client).await;
    assert!(states.into_iter().all(|one| ListedRecord::try_from(one).is_ok()));
    node.stop().await.unwrap();
}

/// Enters changes under labels of their own, past the door that refuses it.
fn enter(open: &mut OpenHome, changes: &[DraftChange], labels: &[&LabelSet]) {
    let mut made = submission(open.home().config(), HandlingChoice::OfficialList, changes).unwrap();
    for (draft, labels) in made.drafts.iter_mut().zip(labels) {
        let handling = draft.clone().with_section(Slot::HANDLING, labels.handling_section());
        *draft = handling.with_section(Slot::AUDIENCE, labels.audience_section().unwrap());
    }
    open.writable().unwrap().append(made.drafts, now(), &mut SystemEntropy::new()).unwrap();
}

/// Goal: strangers are told of a package all or nothing, even of one whose author labelled half of it otherwise. Way: a
/// log with a package that is open, and one of which one change is.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_package_is_never_told_over_taxii() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let (free, closed) = (uniform(&label(|_| ())), uniform(&at(Tlp::Amber, Onward::None)));
    for n in 1..=4 {
        write(&mut open, lists(n, &n.to_string(), &format!("Former {n}")), &free);
    }
    let whole = [renames(&open, 1, "Open One", (1, 2)), renames(&open, 2, "Open Two", (2, 2))];
    enter(&mut open, &whole, &[&free, &free]);
    let half = [
        renames(&open, 3, &format!("{SECRET} 3"), (1, 2)),
        renames(&open, 4, &format!("{SECRET} 4"), (2, 2)),
    ];
    enter(&mut open, &half, &[&free, &closed]);
    drop(open);
    let node = place.serve().await;
    let to = node.http.unwrap();
    let path = collection(to).await;
    let (objects, _) = all(to, &format!("{path}objects/"), "match[version]=all").await;
    let told = format!("{objects:?}");
    assert!(told.contains("Open One") && told.contains("Open Two"), "{told}");
    assert!(!told.contains(SECRET) && !told.contains("Former"), "{told}");
    node.stop().await.unwrap();
}
