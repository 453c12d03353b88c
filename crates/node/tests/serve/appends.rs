//! What an operator appends is signed, found, and there after a restart.

use std::collections::BTreeSet;

use comity_tlog::EntryIndex;
use comity_watchlist::{Change, EntryRef, ListId, Notice, Op};
use comity_wire::{DraftChange, ErrorCode, ListBasis, ListedRecord, v1};

use crate::support::{
    AdminClient, LIST, ORIGIN, Place, amends, append, append_over, handle, lists, record, records, rekeys,
    send,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_signed_found_and_there_after_a_restart() {
    let place = Place::make();
    let node = place.serve().await;
    let mut client = node.operator().await;
    let status = client.status(v1::StatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.state(), status.read_only), (v1::NodeState::Serving, false));
    assert_eq!(node.screen("Tomas Velloran").await.answer(), v1::ScreenAnswer::None);

    let changes = [lists(1, "1", "Tomas Velloran"), lists(2, "2", "Mirela Ostrava")];
    let answer = append(&mut client, &changes).await.unwrap();
    assert_eq!((answer.first, answer.last), (1, 2));
    let head = answer.head.unwrap();
    assert_eq!((head.origin.as_str(), head.size), (ORIGIN, 3));

    // At once, and on the very head that was acknowledged.
    let found = node.screen("VELLORAN, tomas").await;
    assert_eq!((found.answer(), found.hits.len()), (v1::ScreenAnswer::Hits, 1));
    assert_eq!((found.hits[0].index, found.hits[0].reference.as_str()), (1, "1"));
    assert_eq!((found.hits[0].size, &found.hits[0].root), (3, &head.root));
    assert_eq!(found.as_of, std::slice::from_ref(&head));

    let entry = v1::ReadEntryRequest { origin: ORIGIN.to_owned(), index: 1 };
    let entry = client.read_entry(entry).await.unwrap().into_inner();
    assert_eq!(entry.sections.len(), 8, "handling, audience and six more");

    node.stop().await.unwrap();
    let node = place.serve().await;
    assert_eq!(node.size().await, 3);
    assert_eq!(node.screen("Mirela Ostrava").await.hits[0].root, head.root);
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_follows_the_newest_entry_and_no_other() {
    let place = Place::make();
    let node = place.serve().await;
    let mut client = node.operator().await;
    append(&mut client, &[lists(1, "1", "Tomas Velloran")]).await.unwrap();
    let listed = ListedRecord::try_from(records(&mut client).await.remove(0)).unwrap();
    assert_eq!((listed.handle, listed.newest.value()), (handle(1), 1));

    let other = EntryRef::new([7; 32]);
    for (what, change) in [
        ("another entry by its hash", amends(1, "1", "Tomas Velloran II", 1, other)),
        ("another entry by its place", amends(1, "1", "Tomas Velloran II", 0, listed.leaf)),
        ("a listing that there is not", amends(9, "9", "Nobody", 1, listed.leaf)),
        ("a handle that is taken", lists(1, "3", "Someone Else")),
        ("a reference that is listed", lists(3, "1", "Someone Else")),
        ("another reference that is listed", rekeys(1, "1", "1", 1, listed.leaf)),
        ("another reference that the same append lists", rekeys(1, "1", "5", 1, listed.leaf)),
    ] {
        // The good change beside it goes the way of the bad one: all or none.
        let both = [lists(5, "5", "Ilse Brandt"), change];
        assert_eq!(append(&mut client, &both).await, Err(ErrorCode::BaseChanged), "{what}");
    }
    assert_eq!(node.size().await, 2);

    append(&mut client, &[amends(1, "1", "Tomas Velloran II", 1, listed.leaf)]).await.unwrap();
    let again = append(&mut client, &[amends(1, "1", "Tomas Velloran III", 1, listed.leaf)]).await;
    assert_eq!(again, Err(ErrorCode::BaseChanged));
    let listed = ListedRecord::try_from(records(&mut client).await.remove(0)).unwrap();
    assert_eq!(listed.newest.value(), 2);
    let told = record("1", "Tomas Velloran II");
    let read = comity_watchlist::SectionsRead::from(&listed.sections);
    let said = Change::decode(&read).unwrap().change;
    assert_eq!(said.op.record().unwrap().names, told.names);
    assert_eq!(node.screen("Tomas Velloran").await.answer(), v1::ScreenAnswer::None);
    node.stop().await.unwrap();
}

/// How the list stands, by what is told of it.
async fn basis(client: &mut AdminClient) -> ListBasis {
    let records = records(client).await;
    let newest = records.iter().map(|record| EntryIndex::new(record.newest_index).unwrap()).max();
    let listings = u64::try_from(records.len()).unwrap();
    ListBasis { list: ListId::parse(LIST).unwrap(), listings, newest }
}

/// Goal: what was found by comparing with a list enters only while the list stands as it stood, whatever touched it in the
/// meantime: an import must end what another one has just added.
/// Way: a list is added to, changed, ended and given back, each time with an append that touches none of it and was compared
/// before.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_compared_with_a_list_is_entered_only_while_the_list_stands_so() {
    let place = Place::make();
    let node = place.serve().await;
    let mut client = node.operator().await;
    let mut stands = vec![basis(&mut client).await];
    append(&mut client, &[lists(1, "1", "Tomas Velloran")]).await.unwrap();
    stands.push(basis(&mut client).await);
    let listed = ListedRecord::try_from(records(&mut client).await.remove(0)).unwrap();
    append(&mut client, &[amends(1, "1", "Tomas Velloran II", 1, listed.leaf)]).await.unwrap();
    stands.push(basis(&mut client).await);
    let listed = ListedRecord::try_from(records(&mut client).await.remove(0)).unwrap();
    append(&mut client, &[rekeys(1, "1", "7", 2, listed.leaf)]).await.unwrap();
    let size = node.size().await;
    let change = [lists(9, "9", "Ilse Brandt")];
    for before in stands {
        let told = format!("{before:?}");
        let refused = send(&mut client, append_over(&change, Some(before))).await;
        assert_eq!(refused, Err(ErrorCode::BaseChanged), "{told}");
    }
    assert_eq!(node.size().await, size);

    // Of another list nothing was compared, and so it may stand as it likes.
    let other = ListBasis { list: ListId::parse("another-list").unwrap(), listings: 0, newest: None };
    send(&mut client, append_over(&change, Some(other))).await.unwrap();
    let now = basis(&mut client).await;
    send(&mut client, append_over(&[lists(10, "10", "Mirela Ostrava")], Some(now))).await.unwrap();
    node.stop().await.unwrap();
}

/// Goal: of two that were compared with the same list one is entered, also where they wait for the same batch.
/// Way: 24 callers at once, each with a listing of its own.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_were_compared_with_the_same_list_one_is_entered() {
    let place = Place::make();
    let node = place.serve().await;
    let mut client = node.operator().await;
    let basis = basis(&mut client).await;
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..24_u8 {
        let mut client = client.clone();
        let messages = append_over(&[lists(n + 1, &n.to_string(), "Someone")], Some(basis.clone()));
        callers.spawn(async move {
            loop {
                match send(&mut client, messages.clone()).await {
                    Err(ErrorCode::Busy) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                    other => return other.map(drop),
                }
            }
        });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert!(
        answers.iter().filter_map(|answer| answer.as_ref().err()).all(|code| *code == ErrorCode::BaseChanged)
    );
    assert_eq!(node.size().await, 2);
    node.stop().await.unwrap();
}

/// Goal: appends that wait together become one batch, and none is mixed up with another or entered twice.
/// Way: 48 callers at once, two of them for each record.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_list_the_same_one_is_entered() {
    let place = Place::make();
    let node = place.serve().await;
    let client = node.operator().await;
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..48_u8 {
        let mut client = client.clone();
        let change = lists(n + 1, &(n / 2).to_string(), &format!("Person {}", n / 2));
        callers.spawn(async move {
            loop {
                // A caller may be told to come again.
                match append(&mut client, std::slice::from_ref(&change)).await {
                    Err(ErrorCode::Busy) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                    other => return other,
                }
            }
        });
    }
    let (mut places, mut refused) = (BTreeSet::new(), 0);
    while let Some(answer) = callers.join_next().await {
        match answer.unwrap() {
            Ok(answer) => {
                assert_eq!(answer.first, answer.last);
                places.insert(answer.first);
            }
            Err(code) => {
                assert_eq!(code, ErrorCode::BaseChanged);
                refused += 1;
            }
        }
    }
    assert_eq!((places, refused), ((1..=24).collect(), 24));
    assert_eq!(node.size().await, 25);
    node.stop().await.unwrap();
}

/// Goal: what follows a listing that was erased is no change of the one that came after it under its key, by whichever of the
/// two it is handed in.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_erased_listing_is_none_of_the_listing_that_came_after_it() {
    let place = Place::make();
    let node = place.serve().await;
    let mut client = node.operator().await;
    append(&mut client, &[lists(1, "1", "Tomas Velloran")]).await.unwrap();
    let of = |records: Vec<v1::CurrentRecord>, n: u8| {
        let mut listed = records.into_iter().map(|record| ListedRecord::try_from(record).unwrap());
        listed.find(|listed| listed.handle == handle(n)).unwrap()
    };
    let former = of(records(&mut client).await, 1);
    let draft = |n: u8, about: Option<EntryIndex>, op: Op| {
        DraftChange::new(about, Change { handle: handle(n), op }.encode().unwrap()).unwrap()
    };
    let notice = Box::new(Notice::new(record("1", "Nobody").key));
    let erase = Op::Erase { prev: former.leaf, notice };
    append(&mut client, &[draft(1, Some(former.newest), erase)]).await.unwrap();
    let erased = of(records(&mut client).await, 1);
    let relist = Op::Relist { relist_of: handle(1), record: record("1", "Somebody Else") };
    append(&mut client, &[draft(2, None, relist)]).await.unwrap();
    let size = node.size().await;
    for behind in [&former, &erased] {
        for n in [1, 2] {
            let change = amends(n, "1", "Tomas Velloran", behind.newest.value(), behind.leaf);
            assert_eq!(append(&mut client, &[change]).await, Err(ErrorCode::BaseChanged), "{n}");
        }
    }
    assert_eq!(node.size().await, size);
    let now = of(records(&mut client).await, 2);
    assert_eq!(now.version, 1);
    append(&mut client, &[amends(2, "1", "Somebody Else II", now.newest.value(), now.leaf)]).await.unwrap();
    assert_eq!(node.screen("Tomas Velloran").await.answer(), v1::ScreenAnswer::None);
    node.stop().await.unwrap();
}
