//! Of what an erasure that waits holds back nothing leaves by any door, and all of it does again when it waits no more.
//!
//! Not here: peers (`tests/exchange/held_back.rs`), and how an erasure comes to wait (`tests/exchange/thief_erases.rs`).

use std::sync::Arc;

use comity_feeds::out::OutFormat;
use comity_node::{Node, Serving, wanted_out, write_out};
use comity_store::HeldBack;
use comity_tlog::EntryIndex;
use comity_watchlist::{Change, EntryRef, ListingRef, Notice, Op, OriginName, Pair};
use comity_wire::{DraftChange, ErrorCode, ListedRecord, v1};
use tokio_util::sync::CancellationToken;

use crate::http_client::get;
use crate::http_taxii::{HTTP, collection};
use crate::support::{AdminClient, ORIGIN, Place, Running, amends, append, handle, lists, record, records};

const NAME: &str = "Hidden One";
const OTHER: &str = "Open Two";

/// What an export of each format says.
fn exported(node: &Node) -> Vec<(OutFormat, String, u64)> {
    let export = |format| {
        let wanted = wanted_out(node.store(), &node.view(), &node.home().origin(), None).unwrap();
        let mut bytes = Vec::new();
        let exported = write_out(node.store(), &wanted, format, &mut |_, part| {
            bytes.extend_from_slice(part);
            Ok(())
        });
        (format, String::from_utf8_lossy(&bytes).into_owned(), exported.unwrap().left_out)
    };
    OutFormat::ALL.into_iter().map(export).collect()
}

async fn bundled(client: &mut AdminClient) -> Vec<u8> {
    let mut stream = client.bundle(v1::BundleRequest {}).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        bytes.extend_from_slice(&message.part.unwrap().content);
    }
    bytes
}

async fn shown(client: &mut AdminClient, index: u64) -> v1::ReadEntryResponse {
    let request = v1::ReadEntryRequest { origin: ORIGIN.to_owned(), index };
    client.read_entry(request).await.unwrap().into_inner()
}

fn says(bytes: &[u8], name: &str) -> bool {
    bytes.windows(name.len()).any(|window| window == name.as_bytes())
}

/// A running node, and what is in it.
async fn served(place: &Place) -> (Arc<Node>, Running) {
    let serving = Serving::bind(place.open().await).await.unwrap();
    let (node, addresses) = (Arc::clone(serving.node()), serving.addresses());
    let (admin, peers, http) = (addresses.admin_addr, addresses.peer_addr, addresses.http_addr);
    let stop = CancellationToken::new();
    let task = tokio::spawn(serving.run(stop.clone()));
    let running = Running { home: place.home(), admin, peers, http, stop, task };
    (node, running)
}

/// Goal: each door keeps to it: TAXII, exports of every format, screening, the audit bundle, one entry, the records of a
/// list. Way: of two records one is held back, and then none.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_held_back_leaves_by_any_door_and_nothing_of_it_is_lost() {
    let place = Place::make_with(HTTP);
    let (node, running) = served(&place).await;
    let (mut client, to) = (running.operator().await, running.http.unwrap());
    append(&mut client, &[lists(1, "1", NAME), lists(2, "2", OTHER)]).await.unwrap();
    let objects = format!("{}objects/", collection(to).await);

    for is_held_back in [true, false] {
        let entry = (node.home().origin(), EntryIndex::new(1).unwrap());
        node.store().hold_back(if is_held_back { HeldBack::from_iter([entry]) } else { HeldBack::default() });
        for (format, text, left_out) in exported(&node) {
            assert_eq!(
                (text.contains(NAME), left_out),
                (!is_held_back, u64::from(is_held_back)),
                "{format:?}"
            );
            assert!(text.contains(OTHER), "{format:?}");
        }
        let told = get(to, &objects).await;
        assert_eq!(told.status, if is_held_back { 503 } else { 200 });
        assert_eq!(says(&told.body, NAME), !is_held_back);
        for name in [NAME, "Nobody Listed"] {
            let answer = running.screen(name).await;
            let is_hit = name == NAME && !is_held_back;
            assert_eq!(answer.hits.len(), usize::from(is_hit), "{name}");
            assert_eq!(answer.answer() == v1::ScreenAnswer::Frozen, is_held_back, "{name}");
        }
        assert_eq!(running.screen(OTHER).await.hits.len(), 1);
        assert_eq!(says(&bundled(&mut client).await, NAME), !is_held_back);
        let entry = shown(&mut client, 1).await;
        let is_opened =
            |held: &v1::HeldSection| matches!(held.content, Some(v1::held_section::Content::Opened(_)));
        assert_eq!(entry.sections.iter().filter(|held| is_opened(held)).count() == 0, is_held_back);
        let of_list = records(&mut client).await;
        let hidden = of_list.iter().find(|record| record.reference == "1").unwrap();
        assert_eq!(hidden.state() == v1::RecordState::HeldBack, is_held_back);
        assert!(!says(format!("{hidden:?}").as_bytes(), NAME));
        assert_eq!(hidden.sections.is_empty(), is_held_back);
    }
    drop((client, node));
    running.stop().await.unwrap();
}

/// A change of a handle behind an entry, or of its own.
fn draft(n: u8, about: Option<u64>, op: Op) -> DraftChange {
    let sections = Change { handle: handle(n), op }.encode().unwrap();
    DraftChange::new(about.map(|about| EntryIndex::new(about).unwrap()), sections).unwrap()
}

/// That the listings of two handles are about one subject.
fn says_same(n: u8, one: (u8, &str), other: (u8, &str)) -> DraftChange {
    let name = |(n, reference)| {
        ListingRef::new(OriginName::parse(ORIGIN).unwrap(), handle(n), record(reference, "Nobody").key)
    };
    let pair = Pair::new(name(one), name(other)).unwrap();
    let notice = Box::new(Notice::new(pair.first().key.clone()));
    draft(n, None, Op::SameAs { pair: Box::new(pair), notice })
}

/// Goal: a caller that looked at a record before an erasure of it came to wait changes nothing of it any more.
/// Way: one living and one ended record are looked at, then held back, and then no more.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_at_before_it_was_held_back_is_not_changed_by_the_author() {
    let place = Place::make();
    let (node, running) = served(&place).await;
    let mut client = running.operator().await;
    append(&mut client, &[lists(1, "1", NAME), lists(2, "2", OTHER), lists(3, "3", "Ended Three")])
        .await
        .unwrap();
    let newest = |records: &[v1::CurrentRecord], reference: &str| {
        let found = records.iter().find(|record| record.reference == reference).unwrap();
        ListedRecord::try_from(found.clone()).unwrap().leaf
    };
    let looked_at = records(&mut client).await;
    let notice = |reference| Box::new(Notice::new(record(reference, "Nobody").key));
    let withdraw = |prev: EntryRef| draft(3, Some(3), Op::Withdraw { prev, notice: notice("3") });
    append(&mut client, &[withdraw(newest(&looked_at, "3"))]).await.unwrap();
    let looked_at = records(&mut client).await;
    let (one, two) = (newest(&looked_at, "1"), newest(&looked_at, "2"));
    let size = running.size().await;

    let held: Vec<u64> = vec![1, 3];
    let origin = node.home().origin();
    let entries = held.iter().map(|index| (origin.clone(), EntryIndex::new(*index).unwrap()));
    assert!(node.store().hold_back(entries.collect()));
    let relist = Op::Relist { relist_of: handle(3), record: record("3", "Ended Three") };
    let of_the_held_back = [
        ("an amendment", amends(1, "1", "Hidden Otherwise", 1, one)),
        ("an erasure", draft(1, Some(1), Op::Erase { prev: one, notice: notice("1") })),
        ("a listing that goes on from it", draft(4, None, relist)),
        ("a statement about it", says_same(5, (2, "2"), (1, "1"))),
    ];
    let of_the_other = amends(2, "2", "Open Otherwise", 2, two);
    for (what, change) in &of_the_held_back {
        let both = [of_the_other.clone(), change.clone()];
        assert_eq!(append(&mut client, &both).await, Err(ErrorCode::HeldBack), "{what}");
    }
    assert_eq!(running.size().await, size);
    append(&mut client, &[of_the_other]).await.unwrap();

    node.store().hold_back(HeldBack::default());
    let [amendment, _, relist, statement] = of_the_held_back.map(|(_, change)| change);
    let said = append(&mut client, &[statement]).await.unwrap().first;
    let entry = (origin.clone(), EntryIndex::new(said).unwrap());
    for is_held_back in [true, false] {
        let held = is_held_back.then(|| entry.clone()).into_iter().collect();
        assert!(node.store().hold_back(held));
        let about = v1::ListStatementsRequest {
            origin: ORIGIN.to_owned(),
            handle: handle(2).as_bytes().to_vec().into(),
        };
        let told = client.list_statements(about).await.unwrap().into_inner();
        assert_eq!((told.statements.is_empty(), told.subjects.is_empty()), (is_held_back, is_held_back));
    }
    append(&mut client, &[amendment, relist]).await.unwrap();
    drop((client, node));
    running.stop().await.unwrap();
}
