//! What strangers are never told over TAXII: whatever a label keeps from anybody, what was erased, and what stands
//! before a word that is not for everybody.

use std::path::Path;

use comity_feeds::out::OutFormat;
use comity_ledger::{Kind, Slot};
use comity_node::{KeyHolder, SystemEntropy, now, submission, succeed, wanted_out, write_out};
use comity_policy::{Audience, ExerciseId, Label, LabelDraft, LabelSet, Moment, Notify, Onward, Tlp};
use comity_tlog::EntryIndex;
use comity_watchlist::{Change, EntryRef, Notice, Op, Prose};
use comity_wire::{DraftChange, HandlingChoice};

use crate::http_client::get;
use crate::http_taxii::{HTTP, all, collection, json_of};
use crate::labelled::{SECRET, at, label, mine, newest, noted, uniform, write};
use crate::support::{Place, amends, handle, lists, record};

type Limit = fn(&mut LabelDraft);

/// Every label that keeps something from somebody.
fn closed_labels() -> Vec<Label> {
    let mut labels = vec![
        at(Tlp::Clear, Onward::WithinRel),
        at(Tlp::Clear, Onward::Consent),
        at(Tlp::Clear, Onward::None),
        at(Tlp::Green, Onward::Free),
        at(Tlp::Amber, Onward::None),
        at(Tlp::AmberStrict, Onward::None),
        at(Tlp::Red, Onward::None),
    ];
    let limits: [Limit; 8] = [
        |draft| draft.handling.display_only = true,
        |draft| draft.handling.caveats.h1 = true,
        |draft| draft.handling.obfuscate_subject = true,
        |draft| draft.handling.notify_subject = Notify::MustNot,
        |draft| draft.handling.expires_at = Some(Moment::from_unix_secs(1)),
        |draft| draft.handling.exercise = ExerciseId::new("0f"),
        |draft| draft.audience.not_releasable_to = [Audience::State("FRA".parse().unwrap())].into(),
        |draft| draft.audience = mine(),
    ];
    labels.extend(limits.map(label));
    labels
}

/// What is served: every version of everything, the manifest, and one answer for each id of the manifest.
async fn everything(place: &Place) -> (String, usize) {
    let node = place.serve().await;
    let to = node.http.unwrap();
    let path = collection(to).await;
    let (objects, _) = all(to, &format!("{path}objects/"), "match[version]=all&limit=3").await;
    let (manifest, _) = all(to, &format!("{path}manifest/"), "match[version]=all").await;
    let mut told = format!("{objects:?} {manifest:?}");
    for entry in &manifest {
        let id = entry["id"].as_str().unwrap();
        for query in ["", "?match[version]=all"] {
            told += &json_of(&get(to, &format!("{path}objects/{id}/{query}")).await).to_string();
        }
    }
    node.stop().await.unwrap();
    let listings = objects.iter().filter(|one| one["type"] == "identity" && one.get("extensions").is_some());
    (told, listings.count())
}

/// Goal: one limit of any kind in a label keeps a record from strangers. Way: a log with a record for each, and one
/// open one before and behind them.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_for_everybody_is_told() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let free = uniform(&label(|_| ()));
    write(&mut open, lists(100, "100", "Open One"), &free);
    for (label, n) in closed_labels().iter().zip(1..) {
        write(&mut open, lists(n, &n.to_string(), &format!("{SECRET} {n}")), &uniform(label));
    }
    write(&mut open, lists(101, "101", "Open Two"), &free);
    drop(open);
    let (told, listings) = everything(&place).await;
    assert!(told.contains("Open One") && told.contains("Open Two") && !told.contains(SECRET), "{told}");
    assert_eq!(listings, 2);
}

/// Goal: sections are told by their own labels. Way: open core, closed reasons.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_section_of_an_open_record_is_left_out() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let mut told = record("1", "Open One");
    told.reasons_public.push(Prose::new(SECRET).unwrap());
    let change = Change { handle: handle(1), op: Op::List { record: told } };
    write(&mut open, DraftChange::new(None, change.encode().unwrap()).unwrap(), &closed_reasons());
    drop(open);
    let (told, listings) = everything(&place).await;
    assert!(listings == 1 && told.contains("Open One") && !told.contains(SECRET), "{told}");
}

/// Goal: what was for everybody once is told no more when its author's newest word is not. Way: four listings that
/// begin open: one amended under AMBER, one more that is then suspended openly, one whose end is closed, and one that
/// ends openly.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_word_ends_what_was_open_before() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let (free, closed) = (uniform(&label(|_| ())), uniform(&at(Tlp::Amber, Onward::None)));
    for n in 1..=4 {
        write(&mut open, lists(n, &n.to_string(), &format!("{SECRET} {n}")), &free);
    }
    write(&mut open, lists(5, "5", "Open One"), &free);
    for n in 1..=2 {
        let (about, prev) = newest(&open, n);
        write(&mut open, amends(n, &n.to_string(), &format!("{SECRET} {n} again"), about, prev), &closed);
    }
    let change = noted(&open, 2, |prev, notice| Op::Suspend { prev, notice });
    write(&mut open, change, &free);
    let change = noted(&open, 3, |prev, notice| Op::Withdraw { prev, notice });
    write(&mut open, change, &closed);
    let change = noted(&open, 4, |prev, notice| Op::Withdraw { prev, notice });
    write(&mut open, change, &free);
    drop(open);
    let (told, listings) = everything(&place).await;
    assert!(told.contains("Open One") && !told.contains(SECRET), "{told}");
    assert_eq!(listings, 1, "of the one that was withdrawn openly nothing but its end is told");
    assert_eq!(told.matches("\"revoked\": Bool(true)").count(), 1, "{told}");
}

/// Goal: what is erased is gone also from here, and what stands behind it in the log is found as before. Way: a
/// cursor from before the erasure.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_gone_and_its_place_stays() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let free = uniform(&label(|_| ()));
    write(&mut open, lists(1, "1", &format!("{SECRET} Person")), &free);
    write(&mut open, lists(2, "2", "Open One"), &free);
    drop(open);
    let node = place.serve().await;
    let to = node.http.unwrap();
    let path = collection(to).await;
    let first = json_of(&get(to, &format!("{path}objects/?limit=1&match[type]=identity")).await);
    let before = all(to, &format!("{path}objects/"), "match[type]=identity").await.0;
    let id = before.iter().find(|one| one["name"] == format!("{SECRET} Person")).unwrap()["id"].clone();
    let date = get(to, &format!("{path}objects/{}/", id.as_str().unwrap())).await;
    let date = date.header("x-taxii-date-added-last").unwrap().to_owned();
    node.stop().await.unwrap();

    let mut open = place.open().await;
    let change = noted(&open, 1, |prev, notice| Op::Erase { prev, notice });
    let made = submission(open.home().config(), HandlingChoice::OfficialList, &[change]).unwrap();
    let view = open.view().unwrap();
    open.append(made, &view).unwrap();
    drop(open);
    let (told, _) = everything(&place).await;
    assert!(told.contains("Open One") && !told.contains(SECRET), "{told}");

    let node = place.serve().await;
    let to = node.http.unwrap();
    let next = first["next"].as_str().unwrap();
    for query in
        [format!("match[type]=identity&next={next}"), format!("match[type]=identity&added_after={date}")]
    {
        let (rest, _) = all(to, &format!("{path}objects/"), &query).await;
        assert_eq!(rest.iter().filter(|one| one["name"] == "Open One").count(), 1, "{query}");
        assert!(rest.iter().all(|one| one["id"] != id), "nothing can be judged of it any more");
    }
    assert_eq!(get(to, &format!("{path}objects/{}/", id.as_str().unwrap())).await.status, 404);
    node.stop().await.unwrap();
}

/// Labels of a record whose public reasons are closed.
fn closed_reasons() -> LabelSet {
    let free = label(|_| ());
    let of = |slot: Slot| {
        let reasons = slot == Slot::new(comity_watchlist::Section::ReasonsPublic.slot());
        (slot, if reasons { at(Tlp::Amber, Onward::None) } else { free.clone() })
    };
    LabelSet::new(Kind::Record, uniform(&free).slots().map(of).collect()).unwrap()
}

fn amended(n: u8, to: Box<comity_watchlist::Record>, about: u64, prev: EntryRef) -> DraftChange {
    let op = Op::Amend { prev, paths: Vec::new(), record: to };
    let sections = Change { handle: handle(n), op }.encode().unwrap();
    DraftChange::new(Some(EntryIndex::new(about).unwrap()), sections).unwrap()
}

/// Goal: a section that was closed later is told in no version. Way: reasons under CLEAR, then under AMBER; every version
/// asked for, and the time of the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_was_closed_later_is_told_in_no_version() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let mut reasoned = record("1", "Open One");
    reasoned.reasons_public.push(Prose::new(SECRET).unwrap());
    let first = Change { handle: handle(1), op: Op::List { record: reasoned.clone() } };
    let first = DraftChange::new(None, first.encode().unwrap()).unwrap();
    write(&mut open, first, &uniform(&label(|_| ())));
    let (about, prev) = newest(&open, 1);
    write(&mut open, amended(1, reasoned, about, prev), &closed_reasons());
    drop(open);
    let (told, listings) = everything(&place).await;
    assert!(listings == 1 && told.contains("Open One") && !told.contains(SECRET), "{told}");
    let node = place.serve().await;
    let to = node.http.unwrap();
    let objects = format!("{}objects/", collection(to).await);
    let (found, _) = all(to, &objects, "match[type]=identity").await;
    let created = found.iter().find(|one| one["name"] == "Open One").unwrap()["created"].clone();
    for asked in ["first", "all", created.as_str().unwrap()] {
        let answer = get(to, &format!("{objects}?match[version]={asked}")).await;
        assert!(!answer.text().contains(SECRET), "{asked}");
    }
    node.stop().await.unwrap();
}

/// Goal: nothing is told of a listing whose newest word is held by nobody here, neither to strangers nor in an export.
/// Way: an amendment and an end whose sections are lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_whose_newest_word_is_not_opened_is_not_told() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let free = uniform(&label(|_| ()));
    for n in 1..=2 {
        write(&mut open, lists(n, &n.to_string(), &format!("{SECRET} {n}")), &free);
    }
    write(&mut open, lists(3, "3", "Open One"), &free);
    let (about, prev) = newest(&open, 1);
    let lost_amendment = write(&mut open, amends(1, "1", "Another", about, prev), &free);
    let change = noted(&open, 2, |prev, notice| Op::Withdraw { prev, notice });
    let lost_end = write(&mut open, change, &free);
    let lost = [lost_amendment, lost_end].map(|index| EntryIndex::new(index).unwrap());
    open.store().erase(&open.home().origin(), &lost, &mut SystemEntropy::new()).unwrap();
    drop(open);
    let (told, listings) = everything(&place).await;
    assert!(listings == 1 && told.contains("Open One") && !told.contains(SECRET), "{told}");
    assert!(!told.contains("revoked"), "{told}");
    let open = place.open().await;
    let wanted = wanted_out(open.store(), &open.view().unwrap(), &open.home().origin(), None).unwrap();
    let mut written = Vec::new();
    let exported = write_out(open.store(), &wanted, OutFormat::Stix, &mut |_, part| {
        written.extend_from_slice(part);
        Ok(())
    });
    let exported = exported.unwrap();
    assert_eq!((exported.records, exported.left_out), (1, 2));
    assert!(!String::from_utf8(written).unwrap().contains(SECRET));
}

/// Goal: the end of a listing that was not for everybody, or was not any more, is told to nobody here, though the entry
/// that ends it is open.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_end_of_what_was_closed_is_not_told() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let (free, closed) = (uniform(&label(|_| ())), uniform(&at(Tlp::Amber, Onward::None)));
    write(&mut open, lists(1, "1", "Never Open"), &closed);
    write(&mut open, lists(2, "2", "Once Open"), &free);
    let (about, prev) = newest(&open, 2);
    write(&mut open, amends(2, "2", "Closed Now", about, prev), &closed);
    for n in 1..=2 {
        let change = noted(&open, n, |prev, notice| Op::Withdraw { prev, notice });
        write(&mut open, change, &free);
    }
    drop(open);
    let (told, listings) = everything(&place).await;
    assert!(listings == 0 && !told.contains("revoked"), "{told}");
}

/// Goal: that a listing is suspended is told only if its suspension is for everybody. Way: a closed one and an open one, each
/// with an open amendment behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_suspension_is_not_told_by_a_later_open_word() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let (free, closed) = (uniform(&label(|_| ())), uniform(&at(Tlp::Amber, Onward::None)));
    for (n, name, labels) in [(1, "Open One", &free), (2, SECRET, &closed)] {
        write(&mut open, lists(n, &n.to_string(), name), &free);
        let change = noted(&open, n, |prev, notice| Op::Suspend { prev, notice });
        write(&mut open, change, labels);
        let (about, prev) = newest(&open, n);
        write(&mut open, amends(n, &n.to_string(), name, about, prev), &free);
    }
    drop(open);
    let (told, listings) = everything(&place).await;
    assert!(listings == 1 && told.contains("suspended") && !told.contains(SECRET), "{told}");
}

/// Goal: no time of a version that is not for everybody is told. Way: a listing that begins closed and is opened by its
/// second version: it is created by that.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_created_when_it_was_opened() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    write(&mut open, lists(1, "1", SECRET), &uniform(&at(Tlp::Amber, Onward::None)));
    let (about, prev) = newest(&open, 1);
    write(&mut open, amends(1, "1", "Open One", about, prev), &uniform(&label(|_| ())));
    drop(open);
    let node = place.serve().await;
    let to = node.http.unwrap();
    let objects = format!("{}objects/", collection(to).await);
    let (found, _) = all(to, &objects, "match[type]=identity").await;
    let one = found.iter().find(|one| one["name"] == "Open One").unwrap();
    assert_eq!(one["created"], one["modified"]);
    node.stop().await.unwrap();
}

/// Goal: what has ended by the time that witnesses state is told no more, whatever the clock of the machine says.
#[tokio::test(flavor = "multi_thread")]
async fn labels_end_by_the_time_that_witnesses_state() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let clock = now().unix_secs();
    let ends = label(|draft| draft.handling.expires_at = Some(Moment::from_unix_secs(clock + 3_600)));
    write(&mut open, lists(1, "1", "Open One"), &uniform(&ends));
    drop(open);
    let (told, listings) = everything(&place).await;
    assert!(listings == 1 && told.contains("Open One"), "{told}");
    let open = place.open().await;
    let stated = comity_tlog::CosignatureTime::new(clock + 7_200).unwrap();
    open.store().put_witnessed_time(stated).unwrap();
    drop(open);
    let (told, listings) = everything(&place).await;
    assert!(listings == 0 && !told.contains("Open One"), "{told}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.unwrap().path(), to);
        let to = to.join(entry.file_name().unwrap());
        if entry.is_dir() { copy(&entry, &to) } else { assert!(std::fs::copy(&entry, to).is_ok()) }
    }
}

/// Goal: a home from before its log was closed and its successor made tells nothing: what was erased or withdrawn since is
/// not known there. Way: the whole home put back, and the genesis of the successor kept in it as from a peer.
#[tokio::test(flavor = "multi_thread")]
async fn a_home_from_before_its_successor_tells_nothing() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    write(&mut open, lists(1, "1", SECRET), &uniform(&label(|_| ())));
    drop(open);
    let old = place.folder.path().join("old");
    copy(&place.path(), &old);
    let mut open = place.open().await;
    let good = open.writable().unwrap().head();
    let holder = KeyHolder::take(open.home(), &place.path().join("offline/root.key")).unwrap();
    let made = succeed(&open, &holder, good, now(), &mut SystemEntropy::new()).unwrap();
    let first = EntryIndex::ZERO;
    let genesis =
        open.store().shared_entries(&made.origin, first.size_before(), first.size_through()).unwrap();
    drop(open);
    std::fs::remove_dir_all(place.path()).unwrap();
    std::fs::rename(&old, place.path()).unwrap();
    std::fs::write(place.path().join("successor.entry"), &genesis[0]).unwrap();
    let node = place.serve().await;
    let to = node.http.unwrap();
    let path = collection(to).await;
    assert_eq!(json_of(&get(to, &path).await)["can_read"], false);
    let answer = get(to, &format!("{path}objects/")).await;
    assert!(answer.status == 503 && !answer.text().contains(SECRET), "{answer:?}");
    assert!(answer.header("retry-after").is_some());
    node.stop().await.unwrap();
}

/// Goal: what was erased or withdrawn since is not told again by a node that may lack the end of its log. Way: a home
/// whose sign-lock is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_may_lack_its_end_tells_nothing() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    write(&mut open, lists(1, "1", SECRET), &uniform(&label(|_| ())));
    drop(open);
    for entry in std::fs::read_dir(place.path().join("lock")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let node = place.serve().await;
    let to = node.http.unwrap();
    let path = collection(to).await;
    assert_eq!(json_of(&get(to, &path).await)["can_read"], false);
    for part in ["objects/", "manifest/", "objects/identity--00000000-0000-4000-8000-000000000000/"] {
        let answer = get(to, &format!("{path}{part}")).await;
        assert!(answer.status == 503 && !answer.text().contains(SECRET), "{part}: {answer:?}");
    }
    node.stop().await.unwrap();
}

/// Goal: a record that was erased, or had ended, and is listed again is for nobody whom the former listing was kept from,
/// though the list is for everybody. Way: both listed for peers alone, ended under the same label, and relisted with the
/// handling of an official list.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_again_is_bound_by_the_labels_of_the_former_listing() {
    let place = Place::make_with(HTTP);
    let mut open = place.open().await;
    let closed = uniform(&at(Tlp::Amber, Onward::None));
    let ends: [fn(EntryRef, Box<Notice>) -> Op; 2] =
        [|prev, notice| Op::Erase { prev, notice }, |prev, notice| Op::Withdraw { prev, notice }];
    for (n, end) in [1, 2].into_iter().zip(ends) {
        write(&mut open, lists(n, &n.to_string(), &format!("{SECRET} {n}")), &closed);
        let ended = noted(&open, n, end);
        write(&mut open, ended, &closed);
        let record = record(&n.to_string(), &format!("{SECRET} again {n}"));
        let change = Change { handle: handle(n + 10), op: Op::Relist { relist_of: handle(n), record } };
        let draft = DraftChange::new(None, change.encode().unwrap()).unwrap();
        let made = submission(open.home().config(), HandlingChoice::OfficialList, &[draft]).unwrap();
        let view = open.view().unwrap();
        open.append(made, &view).unwrap();
    }
    drop(open);
    let (told, listings) = everything(&place).await;
    assert!(!told.contains(SECRET) && listings == 0, "{told}");
}
