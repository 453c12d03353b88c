//! What strangers are never told over TAXII: whatever a label keeps from anybody, what was erased, and what stands
//! before a word that is not for everybody.

use std::collections::BTreeSet;

use comity_ledger::{Kind, Slot};
use comity_node::{OpenHome, submission};
use comity_policy::{
    Audience, AudienceTerms, ExerciseId, Label, LabelDraft, LabelSet, Moment, Notify, Onward, SlotLabel, Tlp,
    defaults,
};
use comity_tlog::EntryIndex;
use comity_watchlist::{Change, EntryRef, Notice, Op, Prose};
use comity_wire::{DraftChange, HandlingChoice};

use crate::http_client::get;
use crate::http_taxii::{HTTP, all, collection, json_of};
use crate::support::{AGENCY, Place, amends, handle, lists, record};

/// A word that no answer may hold.
const SECRET: &str = "Hidden";

/// The label of an official list, changed.
fn label(change: impl FnOnce(&mut LabelDraft)) -> Label {
    let set = defaults::imported_official_list(&AGENCY.parse().unwrap(), Kind::Record).unwrap();
    let SlotLabel::Understood(label) = set.label(Slot::CORE) else { panic!("no label") };
    let mut draft = label.to_draft();
    change(&mut draft);
    Label::new(draft).unwrap()
}

fn mine() -> AudienceTerms {
    let releasable_to = BTreeSet::from([Audience::Agency(AGENCY.parse().unwrap())]);
    AudienceTerms { releasable_to, ..AudienceTerms::default() }
}

fn at(tlp: Tlp, onward: Onward) -> Label {
    label(|draft| {
        (draft.handling.tlp, draft.handling.onward, draft.audience) = (tlp, onward, mine());
    })
}

/// Appends a change under labels of the test's choice.
fn write(open: &mut OpenHome, change: DraftChange, labels: &LabelSet) -> u64 {
    let mut made = submission(open.home().config(), HandlingChoice::OfficialList, &[change]).unwrap();
    for draft in &mut made.drafts {
        let handling = draft.clone().with_section(Slot::HANDLING, labels.handling_section());
        *draft = handling.with_section(Slot::AUDIENCE, labels.audience_section().unwrap());
    }
    let view = open.view().unwrap();
    open.append(made, &view).unwrap().first.value()
}

fn uniform(label: &Label) -> LabelSet {
    LabelSet::uniform(Kind::Record, label).unwrap()
}

fn newest(open: &OpenHome, n: u8) -> (u64, EntryRef) {
    let view = open.view().unwrap();
    let log = open.home().origin().as_str().parse().unwrap();
    let (index, leaf, _) = view.newest_of(&log, handle(n)).unwrap();
    (index.value(), leaf)
}

fn noted(open: &OpenHome, n: u8, op: impl FnOnce(EntryRef, Box<Notice>) -> Op) -> DraftChange {
    let (about, prev) = newest(open, n);
    let notice = Box::new(Notice::new(record(&n.to_string(), "Nobody").key));
    let sections = Change { handle: handle(n), op: op(prev, notice) }.encode().unwrap();
    DraftChange::new(Some(EntryIndex::new(about).unwrap()), sections).unwrap()
}

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
    let free = label(|_| ());
    let labels: LabelSet = {
        let set = uniform(&free);
        let of = |slot: Slot| {
            let reasons = slot == Slot::new(comity_watchlist::Section::ReasonsPublic.slot());
            (slot, if reasons { at(Tlp::Green, Onward::None) } else { free.clone() })
        };
        LabelSet::new(Kind::Record, set.slots().map(of).collect()).unwrap()
    };
    let mut told = record("1", "Open One");
    told.reasons_public.push(Prose::new(SECRET).unwrap());
    let change = Change { handle: handle(1), op: Op::List { record: told } };
    write(&mut open, DraftChange::new(None, change.encode().unwrap()).unwrap(), &labels);
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
    assert_eq!(listings, 2, "and the one that was withdrawn openly, of which nothing but its end is told");
    assert!(told.contains("\"revoked\": Bool(true)"), "{told}");
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
        let gone: Vec<_> = rest.iter().filter(|one| one["id"] == id).collect();
        assert!(gone.len() == 1 && gone[0]["revoked"] == true && gone[0]["name"] == "withdrawn", "{gone:?}");
    }
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
