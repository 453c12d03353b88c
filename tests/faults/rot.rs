//! Bits that turn on the disk: each flip is harmless, or found before anything wrong is shown, served or signed.
//!
//! Goal: replicas are made whole from their peers, and what is damaged of the own log is named. Way: one bit of a block
//! of 512 bytes at a time, in each file of which a home is opened, and the home opened as a node opens it; what nobody
//! notes then is scrubbed, and if that finds nothing either, every answer and the audit bundle are what they were.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use comity_ledger::{AuthorTime, Draft, Kind, Origin, Slot};
use comity_node::tls::PeerTrust;
use comity_node::{Home, NodeError, OpenHome, OwnLogState, SystemEntropy, now};
use comity_store::Store;
use comity_tlog::{Hash, SignedCheckpoint, TreeSize};

use super::disk::{Disk, Drawn, Left};
use super::served::opened;
use crate::agency::{Agency, table, text};
use crate::nodes::{Node, audit, until};

/// The bytes of which one bit is turned.
const BLOCK: usize = 512;
/// What a home is opened of. Not here: what a person wrote (`comity.toml`), certificates, of which each handshake is told,
/// keys that a node does not read, and the reserve, of which nobody reads a byte.
const FILES: [&str; 11] = [
    "store/db",
    "store/conf",
    "store/snap.",
    "keyring/",
    "lock/",
    "keys/kek.key",
    "keys/log.key",
    "keys/witness.key",
    "keys/mirror.key",
    "identity.note",
    "peers/",
];
/// Flips in each block of a file that is read as a whole.
const FLIPS: usize = 3;
/// Blocks of the database from one flip to the next; `.ci/soak` asks for each.
const STEP: usize = 61;
const SEED: u64 = 20_261_123;

/// What is held of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    entries: Vec<Vec<u8>>,
    openings: usize,
    next_release: u64,
    seen: Option<u64>,
}

fn held(store: &Store, origin: &Origin) -> Held {
    let head = store.held(origin).unwrap();
    let slots: Vec<Slot> = (0..=Slot::TAGS.number()).map(Slot::new).collect();
    let mut openings = 0;
    let read = store.each_opening(origin, TreeSize::ZERO..head.size, &slots, |_, opened| {
        openings += opened.iter().flatten().count();
        Ok::<(), NodeError>(())
    });
    assert!(read.is_ok(), "a section that does not open");
    let seen = store.seen_note(origin).unwrap();
    Held {
        entries: store.entries(origin, TreeSize::ZERO, head.size).unwrap(),
        openings,
        next_release: store.next_release(origin.agency(), origin).unwrap(),
        seen: seen.map(|note| SignedCheckpoint::parse(&note).unwrap().checkpoint().size().value()),
    }
}

/// The logs of the home under test.
struct Before {
    own: Origin,
    replica: Origin,
    own_held: Held,
    replica_held: Held,
    bundle: Vec<(String, Hash)>,
}

/// What a flip led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// All is there.
    Harmless,
    /// All that is shown is there, and a scrub names what is damaged.
    Scrubbed,
    /// The home does not open, and says what is damaged.
    Refused,
    /// The own log lacks entries: it is read only, and says so.
    OwnBehind,
    /// The permission given last does not read: the own log is read only, and says so.
    LockBehind,
    /// The replica lacks something that its peer has, and asks for it when it follows.
    FetchedAgain,
}

/// Opens the home as a node does. Panics if anything is shown that is not as it was, or missing and not missed.
fn outcome(folder: &Path, before: &Before) -> Outcome {
    let open = match Home::find(folder).and_then(|_| opened(folder)) {
        Ok(open) => open,
        Err(error) => return refused(&error),
    };
    let is_writable = matches!(open.own_log(), OwnLogState::Writable(_));
    let node = match comity_node::Node::start(open, PeerTrust::new()) {
        Ok((node, _)) => node,
        Err(error) => return refused(&error),
    };
    let store = node.store();
    let own = held(store, &before.own);
    let is_all = own.entries == before.own_held.entries;
    assert!(before.own_held.entries.starts_with(&own.entries), "other own entries than before");
    assert!(is_all || !is_writable, "an own log that lacks entries would be signed");
    assert!(!is_all || own.openings == before.own_held.openings, "own sections went unnoticed");
    let replica = held(store, &before.replica);
    assert!(before.replica_held.entries.starts_with(&replica.entries), "other entries than before");
    let has_pin = store.pinned_key(&before.replica).unwrap().is_some();
    assert!(!has_pin || replica.seen == before.replica_held.seen, "a rollback would go unnoticed");
    let has_all_releases = replica.next_release == before.replica_held.next_release;
    assert!(!has_all_releases || replica.openings == before.replica_held.openings, "sections went unnoticed");
    if is_all && !is_writable {
        return Outcome::LockBehind;
    }
    match (is_all, replica == before.replica_held) {
        (true, true) => {
            drop(node);
            proved(folder, before)
        }
        (true, false) => Outcome::FetchedAgain,
        (false, _) => Outcome::OwnBehind,
    }
}

/// Whether a home of which a start misses nothing is whole: a scrub says so, and all that can be asked of it is as before.
fn proved(folder: &Path, before: &Before) -> Outcome {
    let open = opened(folder).unwrap();
    let scrubbed = open.scrub().unwrap();
    if !scrubbed.is_whole() {
        eprintln!("{scrubbed:?}");
        return Outcome::Scrubbed;
    }
    let said = bundle(&open);
    let others: Vec<_> = said.iter().filter(|file| !before.bundle.contains(file)).collect();
    let is_other = !others.is_empty() || said.len() != before.bundle.len();
    assert!(!is_other, "a home that is whole says something else: {others:?}");
    Outcome::Harmless
}

/// The audit bundle of a home: paths and hashes. Of checkpoints without the lines below them: what was written last is
/// taken for torn if it does not read, as after a power cut, and lines of witnesses come again from peers.
fn bundle(open: &OpenHome) -> Vec<(String, Hash)> {
    let mut files = Vec::new();
    comity_node::bundle_of(open.home(), open.store(), AuthorTime::from_unix_secs(0), &mut |path, bytes| {
        let end = bytes.windows(2).position(|two| two == b"\n\n").filter(|_| path.contains("checkpoint"));
        files.push((path.to_owned(), Hash::digest(&bytes[..end.unwrap_or(bytes.len())])));
        Ok(())
    })
    .unwrap();
    files
}

fn refused(error: &NodeError) -> Outcome {
    let NodeError::Store(source) = error else {
        // By name, and not as a failure of the system.
        let is_named = !matches!(error, NodeError::File { .. } | NodeError::Thread { .. });
        assert!(is_named, "{error:?}");
        return Outcome::Refused;
    };
    let is_named = source.is_damage() || source.to_string().contains("damaged");
    assert!(is_named, "{error:?}");
    Outcome::Refused
}

#[test]
fn every_turned_bit_is_harmless_or_found_and_replicas_are_made_whole_by_their_peers() {
    let (a, mut b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    for (node, numbers) in [(&b, 1_000..=1_040), (&a, 1..=150), (&b, 1_000..=1_060), (&a, 1..=160)] {
        let list = node.agency.write("list.csv", &table(numbers));
        assert!(node.agency.ask(&["import", "ofac", text(&list)])["error"].is_null());
        b.reaches(&a.origin, &a.head(&a.origin));
    }
    until("B finds it", || b.agency.ask(&["screen", "--id", "passport:X0000160"])["answer"] == "hits");
    assert!(b.stop());
    let home = b.agency.home();
    let disk = Disk::of(&home);
    let before = {
        let open = opened(&home).unwrap();
        let (own, replica): (Origin, Origin) = (b.origin.parse().unwrap(), a.origin.parse().unwrap());
        let (own_held, replica_held) = (held(open.store(), &own), held(open.store(), &replica));
        assert!(open.scrub().unwrap().is_whole());
        Before { own, replica, own_held, replica_held, bundle: bundle(&open) }
    };
    assert_eq!((before.own_held.entries.len(), before.replica_held.entries.len()), (62, 161));
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let step = number("COMITY_STEP").map_or(STEP, |step| usize::try_from(step).unwrap());
    let seed = number("COMITY_SEED").unwrap_or(SEED);
    println!("COMITY_SEED={seed} COMITY_STEP={step}");
    let (mut drawn, folder) = (Drawn(seed), tempfile::tempdir().unwrap());
    let mut heal = Vec::new();
    let pristine = folder.path().join("pristine");
    disk.cut(Left::Everything, &mut drawn, &pristine);
    let mut tried: BTreeSet<&str> = BTreeSet::new();
    for name in disk.names().filter(|name| FILES.iter().any(|of| name.starts_with(of))) {
        let bytes = std::fs::read(pristine.join(name)).unwrap();
        let mut tally: BTreeMap<Outcome, usize> = BTreeMap::new();
        // The other files are small.
        let step = if name == "store/db" { step } else { step.div_ceil(9) };
        let is_long = name == "store/db" || name.contains(".pages");
        let blocks = (0..bytes.len().div_ceil(BLOCK)).step_by(step);
        for block in blocks.flat_map(|block| std::iter::repeat_n(block, if is_long { 1 } else { FLIPS })) {
            let bent_home = folder.path().join("home");
            disk.cut(Left::Everything, &mut drawn, &bent_home);
            let mut bent = bytes.clone();
            let block = block * BLOCK..bytes.len().min((block + 1) * BLOCK);
            let (at, bit) = (block.start + drawn.below(block.len()), drawn.below(8));
            bent[at] ^= 1 << bit;
            std::fs::write(bent_home.join(name), &bent).unwrap();
            eprintln!("{name}: bit {bit} of byte {at}");
            let outcome = outcome(&bent_home, &before);
            *tally.entry(outcome).or_default() += 1;
            if outcome == Outcome::FetchedAgain && !heal.iter().any(|(of, _)| of == name) {
                heal.push((name.to_owned(), bent));
            }
            std::fs::remove_dir_all(&bent_home).unwrap();
        }
        println!("{name}: {tally:?}");
        tried.extend(FILES.iter().copied().find(|of| name.starts_with(of)));
        let is_cosigners = name.starts_with("lock/witness") || name.starts_with("lock/mirror");
        assert!(
            !is_cosigners || tally.keys().all(|of| *of == Outcome::Scrubbed),
            "{name}: a lock that nobody misses"
        );
        let lock = name.starts_with("lock/");
        assert!(lock || !tally.contains_key(&Outcome::LockBehind), "a sound lock was not believed");
    }
    assert_eq!(tried.len(), FILES.len(), "{tried:?} are there");
    assert!(heal.iter().any(|(name, _)| name == "store/db"), "no flip reached the replica");
    for (name, bent) in heal {
        // The author has gone on, and the follower takes in all of it again.
        std::fs::remove_dir_all(&home).unwrap();
        disk.cut(Left::Everything, &mut drawn, &home);
        std::fs::write(home.join(&name), bent).unwrap();
        b.serve();
        b.reaches(&a.origin, &a.head(&a.origin));
        until("B finds it again", || {
            b.agency.ask(&["screen", "--id", "passport:X0000160"])["answer"] == "hits"
        });
        let report = audit(&b, &[&a]);
        assert!(report["ok"] == true && report["trusted"] == true, "{name}: {report}");
        std::fs::remove_dir_all(b.agency.beside("bundle-62")).unwrap();
        std::fs::remove_file(b.agency.beside("bundle-62.card")).unwrap();
        assert!(b.stop());
    }
}

/// Goal: what a start does not open, since nobody is shown it, a scrub finds. Way: an own log of other entries than records,
/// and one bit of a block of its keys at a time.
#[test]
fn what_no_start_opens_is_found_by_a_scrub() {
    let agency = Agency::found("agency-a.example");
    let home = agency.home();
    {
        let mut open = opened(&home).unwrap();
        let draft = |number: u32| {
            Draft::new(Kind::Account, None).with_section(Slot::CONTROL, format!("line {number}").into_bytes())
        };
        open.writable()
            .unwrap()
            .append((0..300).map(draft).collect(), now(), &mut SystemEntropy::new())
            .unwrap();
    }
    let (disk, before) = (Disk::of(&home), bundle(&opened(&home).unwrap()));
    let name = disk.names().find(|name| name.contains(".pages")).unwrap();
    let (bytes, folder) = (std::fs::read(home.join(name)).unwrap(), tempfile::tempdir().unwrap());
    let (mut drawn, mut named) = (Drawn(SEED), 0);
    for block in (0..bytes.len().div_ceil(BLOCK)).step_by(5) {
        let (bent_home, mut bent) = (folder.path().join("home"), bytes.clone());
        disk.cut(Left::Everything, &mut drawn, &bent_home);
        bent[block * BLOCK] ^= 1;
        std::fs::write(bent_home.join(name), &bent).unwrap();
        let open = opened(&bent_home).unwrap();
        assert!(matches!(open.own_log(), OwnLogState::Writable(_)), "block {block}");
        let (node, _) = comity_node::Node::start(open, PeerTrust::new()).unwrap();
        drop(node);
        let open = opened(&bent_home).unwrap();
        let scrubbed = open.scrub().unwrap();
        if scrubbed.is_whole() {
            assert!(bundle(&open) == before, "block {block}");
        } else {
            let damage = scrubbed.logs[0].damage.as_ref().unwrap().to_string();
            assert!(damage.contains("damaged") && !scrubbed.logs[0].begun_anew, "block {block}: {damage}");
            named += 1;
        }
        drop(open);
        std::fs::remove_dir_all(&bent_home).unwrap();
    }
    assert!(named > 0, "no flip reached a key");
}
