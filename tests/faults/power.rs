//! Power cuts while records are imported and followed: the home opens, all that was acknowledged is there, and no size
//! ever has a second root.
//!
//! Goal: any instant, and any part of what no sync had confirmed by then. Way: a journal of the real program, played
//! up to instants drawn from a printed seed (`disk`), and the home opened as it lies there.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use comity_ledger::{Head, Origin};
use comity_node::OwnLogState;
use comity_tlog::{SignedCheckpoint, root_at};

use super::disk::{Disk, Drawn, Left, events};
use super::served::{Served, opened};
use super::shim::Shim;
use super::syncs::told;
use crate::agency::{Agency, answer, table, text};
use crate::nodes::{Node, until};

/// Cuts of one run; `.ci/soak` asks for more.
const CUTS: usize = 120;
const SEED: u64 = 20_261_123;

/// Size and root as the program tells them.
type Told = (u64, String);

/// A log that must be there up to what was told of it by a place of the journal.
struct Promised {
    origin: Origin,
    told: Vec<(u64, Told)>,
}

/// Cuts the run that left a journal, and looks at what is there.
fn cut(name: &str, base: &Path, journal: &Path, promised: &Promised, look: impl Fn(&Path) -> Head) {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seed = number("COMITY_SEED").unwrap_or(SEED);
    let cuts = number("COMITY_CUTS").map_or(CUTS, |cuts| usize::try_from(cuts).unwrap());
    eprintln!("{name}: COMITY_SEED={seed} COMITY_CUTS={cuts}");
    let events = events(journal);
    let mut drawn = Drawn(seed);
    let mut instants: Vec<usize> = (0..cuts).map(|_| drawn.below(events.len() + 1)).collect();
    instants.sort_unstable();
    let (mut disk, mut done) = (Disk::of(base), 0);
    let folder = tempfile::tempdir().unwrap();
    for (round, instant) in instants.into_iter().enumerate() {
        for event in &events[done..instant] {
            disk.apply(event);
        }
        done = instant;
        let left = [Left::Nothing, Left::Beginning, Left::Any, Left::Everything][round % 4];
        let home = folder.path().join(format!("{round}"));
        disk.cut(left, &mut drawn, &home);
        let place = format!("{name}, cut {round} at change {instant} of {}, {left:?} left", events.len());
        eprintln!("{place}");
        let at = done.checked_sub(1).map_or(0, |last| events[last].end);
        assert_holds(&home, promised, at, &place, look(&home));
        std::fs::remove_dir_all(&home).unwrap();
    }
}

/// What had been told by then is in the tree that is there, and that tree is one of those that there were.
fn assert_holds(folder: &Path, promised: &Promised, at: u64, place: &str, found: Head) {
    let open = opened(folder).unwrap();
    let store = open.store();
    for (end, (size, root)) in &promised.told {
        let is_due = *end <= at;
        assert!(!is_due || found.size.value() >= *size, "{place}: {} of {size} are there", found.size);
        if *size > 0 && *size <= found.size.value() {
            let size = comity_tlog::TreeSize::new(*size).unwrap();
            let held = root_at(&store.nodes(&promised.origin), size).unwrap();
            assert_eq!(held.to_base64(), *root, "{place}: a second root of size {size}");
        }
    }
    open.view().unwrap();
}

/// A cut finds what was not synced: without the syncs of the database the own log is behind its lock.
fn assert_misses_a_sync(base: &Path, journal: &Path) {
    let (mut disk, folder) = (Disk::of(base), tempfile::tempdir().unwrap());
    for event in events(journal).iter().filter(|event| !event.is_sync_of("store/db")) {
        disk.apply(event);
    }
    let home = folder.path().join("home");
    disk.cut(Left::Nothing, &mut Drawn(0), &home);
    let open = opened(&home).unwrap();
    assert!(matches!(open.own_log(), OwnLogState::ReadOnly { .. }), "{:?}", open.own_log());
}

/// Each answer of the program, with the place of the journal at which it was said to its end: a long one takes several
/// writes.
fn answers(journal: &Path) -> Vec<(u64, Told)> {
    let (mut answers, mut begun) = (Vec::new(), Vec::new());
    for event in events(journal).iter().filter(|event| event.is_said()) {
        begun.extend_from_slice(&event.data);
        if let Ok(said) = serde_json::from_slice::<serde_json::Value>(&begun) {
            let told = (said["size"].as_u64().unwrap(), said["root"].as_str().unwrap().to_owned());
            answers.push((event.end, told));
            begun.clear();
        }
    }
    assert!(begun.iter().all(u8::is_ascii_whitespace), "an answer without an end");
    answers
}

#[test]
fn a_power_cut_in_an_import_loses_nothing_acknowledged_and_forks_nothing() {
    let agency = Agency::found("agency-a.example");
    let home = agency.home();
    let base = Disk::of(&home);
    let kept = agency.beside("base");
    base.cut(Left::Everything, &mut Drawn(0), &kept);
    let journal = agency.beside("journal");
    // Additions over several pages of keys, a removal, a change of a page that is there.
    let lists: [Vec<u32>; 5] = [
        (1..=40).collect(),
        (1..=300).collect(),
        (1..=290).collect(),
        (1..=291).collect(),
        (1..=900).collect(),
    ];
    let mut heads = BTreeSet::new();
    for numbers in lists {
        let list = agency.write("list.csv", &table(numbers));
        let Some(shim) = Shim::over(&home, &agency.beside("calls")) else { return };
        let import = ["import", "ofac", text(&list), "--home", text(&home), "--json"];
        let output = shim.with("FAULTS_JOURNAL", text(&journal)).command(&import).output().unwrap();
        let said = answer(&output);
        assert!(output.status.success(), "{said}");
        heads.insert((said["size"].as_u64().unwrap(), said["root"].as_str().unwrap().to_owned()));
    }
    assert_misses_a_sync(&kept, &journal);
    let acknowledged = answers(&journal);
    assert_eq!(acknowledged.len(), 5);
    let origin: Origin = "agency-a.example/pub".parse().unwrap();
    let first = {
        let open = opened(&kept).unwrap();
        open.store().held(&origin).unwrap()
    };
    let promised = Promised { origin: origin.clone(), told: acknowledged };
    cut("import", &kept, &journal, &promised, |folder| {
        let open = opened(folder).unwrap();
        let OwnLogState::Writable(log) = open.own_log() else { panic!("{:?}", open.own_log()) };
        let head = log.head();
        let known = heads.contains(&(head.size.value(), head.root.to_base64()));
        assert!(known || head == first, "{head:?} was never made before");
        head
    });
}

#[test]
fn a_power_cut_in_following_loses_nothing_that_was_shown() {
    let (a, mut b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(b.stop());
    let base: PathBuf = b.agency.beside("base");
    Disk::of(&b.agency.home()).cut(Left::Everything, &mut Drawn(0), &base);
    let journal = b.agency.write("journal", b"");
    let Some(shim) = Shim::over(&b.agency.home(), &b.agency.beside("calls")) else { return };
    let mut served = Served::start(&b.agency, &shim.with("FAULTS_JOURNAL", text(&journal)));
    let shown = RefCell::new(Vec::new());
    for count in [40, 300, 290, 700] {
        let list = a.agency.write("list.csv", &table(1..=count));
        assert!(a.agency.ask(&["import", "ofac", text(&list)])["error"].is_null());
        let head = a.head(&a.origin);
        until("B shows it", || {
            let Some(told) = told(&b.agency, &a.origin) else { return false };
            let is_all = told == head;
            // What is shown was durable before it was asked for, so before the journal got this long.
            shown.borrow_mut().push((std::fs::metadata(&journal).unwrap().len(), told));
            is_all
        });
    }
    let newest = || b.agency.ask(&["screen", "--id", "passport:X0000700"])["answer"] == "hits";
    until("B finds the last of them", newest);
    let (status, said) = served.stop();
    assert!(status.success(), "{said}");
    let origin: Origin = a.origin.parse().unwrap();
    let promised = Promised { origin: origin.clone(), told: shown.into_inner() };
    cut("follow", &base, &journal, &promised, |folder| {
        let open = opened(folder).unwrap();
        let held = open.store().held(&origin).unwrap();
        open.store().scrub(&origin, &[held.size]).unwrap();
        held
    });
}

/// Goal: a checkpoint is never kept before the entries that bring the key which signed it: nobody could open the log again.
/// Way: the log key follows another and the old one is retired while the follower is away, so that all of it comes at once.
#[test]
fn a_power_cut_in_following_a_rotation_leaves_no_checkpoint_that_no_known_key_signed() {
    let (a, mut b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(b.stop());
    let root = a.agency.home().join("offline/root.key");
    for (change, count) in [("rotate", 20), ("retire", 40)] {
        let changed = a.agency.ask(&["key", change, "log", "--root", text(&root)]);
        assert!(changed["error"].is_null(), "{changed}");
        let list = a.agency.write("list.csv", &table(1..=count));
        assert!(a.agency.ask(&["import", "ofac", text(&list)])["error"].is_null());
    }
    let base: PathBuf = b.agency.beside("base");
    Disk::of(&b.agency.home()).cut(Left::Everything, &mut Drawn(0), &base);
    let journal = b.agency.write("journal", b"");
    let Some(shim) = Shim::over(&b.agency.home(), &b.agency.beside("calls")) else { return };
    let mut served = Served::start(&b.agency, &shim.with("FAULTS_JOURNAL", text(&journal)));
    b.reaches(&a.origin, &a.head(&a.origin));
    let (status, said) = served.stop();
    assert!(status.success(), "{said}");
    let origin: Origin = a.origin.parse().unwrap();
    let promised = Promised { origin: origin.clone(), told: Vec::new() };
    cut("rotation", &base, &journal, &promised, |folder| {
        let open = opened(folder).unwrap();
        let (store, keys) = (open.store(), open.store().keys(&origin).unwrap());
        let seen = SignedCheckpoint::parse(&store.seen_note(&origin).unwrap().unwrap()).unwrap();
        assert!(keys.verify(&seen).is_ok(), "size {} was seen", seen.checkpoint().size());
        store.held(&origin).unwrap()
    });
}
