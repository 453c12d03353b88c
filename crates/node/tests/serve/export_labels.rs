//! What an export tells of versions that it may not tell: nothing, as TAXII (`http_taxii_labels`).

use comity_node::{outgoing, wanted_out};
use comity_tlog::EntryIndex;
use comity_watchlist::Op;

use crate::http_taxii::HTTP;
use crate::labelled::{SECRET, label, newest, noted, uniform, write};
use crate::support::{Place, amends, lists};

/// Goal: an export tells no time of a version that it may not tell, as TAXII does not; nor that a record is suspended, by
/// an entry that it may not tell. Way: a record that was closed when it was listed and again in between, and is open
/// since; the same with a suspension for the eye alone between open entries.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_tells_no_time_of_what_it_may_not_tell() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let (free, sight) =
        (uniform(&label(|_| ())), uniform(&label(|draft| draft.handling.display_only = true)));
    write(&mut open, lists(1, "1", &format!("{SECRET} 1")), &sight);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    for (number, labels) in [(2, &free), (3, &sight), (4, &free), (5, &free)] {
        let (about, prev) = newest(&open, 1);
        write(&mut open, amends(1, "1", &format!("Open {number}"), about, prev), labels);
    }
    write(&mut open, lists(2, "2", "Open Two"), &free);
    let suspends = noted(&open, 2, |prev, notice| Op::Suspend { prev, notice });
    write(&mut open, suspends, &sight);
    let (about, prev) = newest(&open, 2);
    write(&mut open, amends(2, "2", "Two Again", about, prev), &free);

    let view = open.view().unwrap();
    let wanted = wanted_out(open.store(), &view, &open.home().origin(), None).unwrap();
    let mut told = Vec::new();
    outgoing(open.store(), &wanted, &mut |listing| {
        told.push((listing.key.reference.to_string(), listing.created_ms, listing.modified_ms));
        Ok(())
    })
    .unwrap();
    let [(reference, created, modified)] = told.as_slice() else { panic!("{told:?}") };
    let of = |index: u64| {
        let index = EntryIndex::new(index).unwrap();
        let range = index.size_before()..index.size_through();
        let bytes = open.store().entries(&open.home().origin(), range.start, range.end).unwrap().remove(0);
        comity_ledger::Entry::parse(&bytes).unwrap().author_time().unix_secs() * 1_000
    };
    assert_eq!(reference, "1");
    assert_eq!((*created, *modified), (of(4), of(5).max(of(4) + 1)), "since its last unbroken run");
    assert!(*created > of(1), "the first version was hidden");
}
