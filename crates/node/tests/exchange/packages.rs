//! A package at a peer: none of it shows before all of it is there, whatever was withheld, erased or came first, and over
//! restarts.

use comity_ledger::{Draft, Kind, Slot, erasure};
use comity_node::{Home, outgoing, wanted_out};
use comity_policy::{LabelSet, defaults};
use comity_screening::{HitState, Query, Status, View};
use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{
    Change, EntryRef, Handle, ListId, Name, NameKind, Notice, Op, PackagePlace, Record, RecordKey, Reference,
    Section, SubjectKind, Text,
};
use comity_wire::v1;
use comity_wire::v1::follow_response::Event;

use crate::played::{Played, recorded};
use crate::support::{Agency, Running, copy, until};

const FIRST: &str = "Rupert Mirage";
const SECOND: &str = "Another Mirage";

fn at(index: u64) -> EntryIndex {
    EntryIndex::new(index).unwrap()
}

fn handle(n: u8) -> Handle {
    Handle::new([n; 16])
}

fn key(n: u8) -> RecordKey {
    RecordKey::new(ListId::parse("xa-watch").unwrap(), Reference::parse(&format!("R-{n}")).unwrap())
}

/// The labels of what everybody may read, and of what leaves the home for nobody.
fn labels(agency: &Agency) -> [LabelSet; 2] {
    [
        defaults::imported_official_list(&agency.id, Kind::Record).unwrap(),
        defaults::kept_home(&agency.id, Kind::Record).unwrap(),
    ]
}

fn draft(labels: &LabelSet, about: Option<u64>, (n, op): (u8, Op), package: Option<(u16, u16)>) -> Draft {
    let place = package.map(|(place, count)| PackagePlace::new(place, count).unwrap());
    let sections = Change { handle: handle(n), op }.encode_at(place).unwrap();
    let draft = Draft::new(Kind::Record, about.map(at));
    labels.put_into(draft.with_section(Slot::CORE, sections.bytes(Section::Core).to_vec()))
}

fn listed(n: u8, name: &str) -> Op {
    let mut record = Record::new(key(n), SubjectKind::Person);
    record.names.push(Name::new(NameKind::Primary, Text::new(name).unwrap()));
    Op::List { record: Box::new(record) }
}

/// Two records at entries 1 and 2.
fn two(labels: &LabelSet) -> Vec<Draft> {
    vec![draft(labels, None, (1, listed(1, FIRST)), None), draft(labels, None, (2, listed(2, SECOND)), None)]
}

/// A package that suspends both, at entries 3 and 4, each under labels of its own.
fn suspends(at_a: &Running, a: &Agency, labels: [&LabelSet; 2]) -> Vec<Draft> {
    let member = |n: u8, place: u16, labels: &LabelSet| {
        let index = at(n.into());
        let range = index.size_before()..index.size_through();
        let bytes = at_a.node.store().entries(&a.origin, range.start, range.end).unwrap().remove(0);
        let prev = EntryRef::new(*Hash::leaf(&bytes).as_bytes());
        let op = Op::Suspend { prev, notice: Box::new(Notice::new(key(n))) };
        draft(labels, Some(n.into()), (n, op), Some((place, 2)))
    };
    vec![member(1, 1, labels[0]), member(2, 2, labels[1])]
}

fn states(view: &View) -> [Option<HitState>; 2] {
    [FIRST, SECOND].map(|name| {
        let answer = view.screen(&Query::name(name).unwrap());
        answer.hits.first().map(|hit| hit.state)
    })
}

fn shown(at: &Running) -> [Option<HitState>; 2] {
    states(&at.node.view())
}

/// How many of A's records are suspended.
fn suspended(view: &View, a: &Agency) -> usize {
    let log = a.origin.as_str().parse().unwrap();
    view.live(&log, &key(1).list).filter(|listed| listed.status == Status::Suspended).count()
}

/// The references that an export of A's list at another agency tells of.
fn exported(at_b: &Running, a: &Agency) -> Vec<String> {
    let wanted = wanted_out(at_b.node.store(), &at_b.node.view(), &a.origin, None).unwrap();
    let mut told = Vec::new();
    outgoing(at_b.node.store(), &wanted, &mut |listing| {
        told.push(listing.key.reference.to_string());
        Ok(())
    })
    .unwrap();
    told
}

const UNAPPROVED: Option<HitState> = Some(HitState::Unapproved);
const INCOMPLETE: Option<HitState> = Some(HitState::PackageIncomplete);
const GAP: Option<HitState> = Some(HitState::NotActionable);

/// Goal: a package of which a peer may read half shows it none, also after a restart and in an export, until the rest is
/// announced to be erased. Way: an author who labels the two changes otherwise, past the door that refuses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withheld_change_of_a_package_keeps_all_of_it_from_a_peer_until_its_erasure_is_announced() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let [free, home] = labels(&a);
    at_a.append(two(&free));
    until(|| shown(&at_b) == [UNAPPROVED; 2]).await;
    assert_eq!(exported(&at_b, &a), ["R-1", "R-2"]);

    at_a.append(suspends(&at_a, &a, [&free, &home]));
    until(|| shown(&at_b) == [INCOMPLETE, GAP]).await;
    assert_eq!(exported(&at_b, &a), [""; 0], "of neither is it known what was said last");
    at_b.stop().await;
    let at_b = b.start().await;
    assert_eq!(shown(&at_b), [INCOMPLETE, GAP]);

    let announced = erasure(at(4));
    let head = at_a.append(vec![free_erasure(&a, announced)]);
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, head).await;
    until(|| shown(&at_b) == [None, GAP]).await;
    assert_eq!(exported(&at_b, &a), [""; 0], "a suspension that half of them could see is told to nobody");
    at_b.stop().await;
    let at_b = b.start().await;
    assert_eq!(shown(&at_b), [None, GAP]);
    at_a.stop().await;
    at_b.stop().await;
}

fn free_erasure(a: &Agency, draft: Draft) -> Draft {
    defaults::imported_official_list(&a.id, Kind::Erase).unwrap().put_into(draft)
}

/// What is said up to the sections of an entry, and what is still to be said to whoever took that in.
fn cut_before(messages: &[v1::FollowResponse], index: u64) -> [Vec<v1::FollowResponse>; 2] {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for message in messages {
        let mut later = message.clone();
        let mut message = message.clone();
        match (&mut message.event, &mut later.event) {
            (Some(Event::Release(release)), Some(Event::Release(after))) => {
                release.openings.retain(|opening| opening.index < index);
                after.openings.retain(|opening| opening.index >= index);
                rest.push(later);
            }
            (Some(Event::Frame(_)), _) => {}
            _ => rest.push(later),
        }
        first.push(message);
    }
    [first, rest]
}

/// Goal: a peer that was given half a package and stopped there, or whose disk was copied there, shows none of it when it
/// is up again, and all of it once the rest came. Way: what A would send, cut before the sections of the last change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_that_arrives_in_halves_shows_nothing_before_the_rest_over_a_crash_and_a_restart() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    let [free, _] = labels(&a);
    at_a.append(two(&free));
    let head = at_a.append(suspends(&at_a, &a, [&free, &free]));
    let said = recorded(&a, &b, &at_a, 1).await;
    let [first, rest] = cut_before(&said, 4);
    let played = Played::by(&a, &b).await;
    played.stays.store(true, std::sync::atomic::Ordering::SeqCst);
    played.say(first);
    at_b.add(&a, Some(played.address), None);
    at_b.reaches(&a.origin, head).await;
    until(|| shown(&at_b) == [INCOMPLETE, GAP]).await;
    let of_three = at_b.sections(&a.origin);

    let crashed = place.path().join("crashed");
    copy(&b.folder, &crashed);
    let open = Home::find(&crashed).unwrap().open().unwrap();
    // What was not synced yet may be missing in it; that both are suspended must not be there.
    assert_eq!(suspended(&open.view().unwrap(), &a), 0, "as a crash would leave it");
    drop(open);
    at_b.stop().await;

    let at_b = b.start().await;
    assert_eq!(shown(&at_b), [INCOMPLETE, GAP]);
    assert_eq!(exported(&at_b, &a), [""; 0]);
    played.say(rest);
    at_b.add(&a, Some(played.address), None);
    until(|| shown(&at_b) == [None, None]).await;
    assert_eq!(suspended(&at_b.node.view(), &a), 2);
    assert_eq!(at_b.sections(&a.origin), of_three / 3 * 4);
    assert_eq!(exported(&at_b, &a), ["R-1", "R-2"], "suspended, both of them");
    at_b.stop().await;
    let at_b = b.start().await;
    assert_eq!(shown(&at_b), [None, None]);
    at_b.stop().await;
    at_a.stop().await;
}
