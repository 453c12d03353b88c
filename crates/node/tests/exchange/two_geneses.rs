//! An author whose root key signs two beginnings of one successor: whoever sees both has evidence, and all learn it by the file.
//!
//! Not here: what is no evidence (`two_geneses` of `comity-ledger`), the finder's own log (`tests/thief.rs`), and two trees of one log (`gossip`, `other_keys`).

use comity_ledger::{Evidence, Genesis, Head, Origin};
use comity_node::{Home, log_states_at_rest};
use comity_tlog::{KeyKind, SignedCheckpoint, SigningKey, TreeSize};
use comity_wire::Heads;

use crate::attacks::greeted;
use crate::claims::exchange;
use crate::keys::bundled;
use crate::successors::succeed_at;
use crate::support::{Agency, Running, copy, free, until};

/// An author and a twin of its home, in each of which the successor was made, with a log key of its own.
struct TwoBeginnings {
    a: Agency,
    twin: Agency,
    next: Origin,
}

impl TwoBeginnings {
    async fn new(place: &std::path::Path, others: &[&Agency]) -> Self {
        let a = Agency::new(place, "aaa");
        let twin = Agency { folder: place.join("twin"), id: a.id.clone(), origin: a.origin.clone() };
        let mut at_a = a.start().await;
        for other in others {
            at_a.add(other, None, None);
        }
        let last_good: Head = at_a.append(free(&a, 2, "the last"));
        at_a.stop().await;
        copy(&a.folder, &twin.folder);
        let next = succeed_at(&a, Some(last_good));
        assert_eq!(next, succeed_at(&twin, Some(last_good)));
        Self { a, twin, next }
    }
}

fn meet(all: &[(&Agency, &Running)]) {
    for (agency, at) in all {
        for (other, running) in all.iter().filter(|(other, _)| other.id != agency.id) {
            at.add(other, Some(running.address), None);
        }
    }
}

/// The evidence by which a node convicts the author of a log.
async fn convicted(at: &Running, of: &Origin) -> Evidence {
    until(|| at.has_alarm("fork") && at.node.is_in_doubt(of)).await;
    let files = at.node.store().evidence_files().unwrap();
    assert_eq!(files.len(), 1, "one file, whoever finds it");
    Evidence::parse(&files[0]).unwrap()
}

/// Goal: two beginnings of a successor that the root key signed convict its author wherever they meet, and everybody else by
/// the file. Way: B is shown the one and C the other; D follows A through B alone. Then all speak; B starts again, and A is
/// asked for more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_root_signed_beginnings_of_one_successor_convict_its_author_everywhere() {
    let place = tempfile::tempdir().unwrap();
    let [b, c, d] = ["bbb", "ccc", "ddd"].map(|name| Agency::new(place.path(), name));
    let TwoBeginnings { a, twin, next } = TwoBeginnings::new(place.path(), &[&b, &c, &d]).await;
    let (mut at_a, at_twin) = (a.start().await, twin.start().await);
    let (at_b, at_c, at_d) = (b.start().await, c.start().await, d.start().await);
    at_b.add(&a, Some(at_a.address), None);
    at_c.add(&a, Some(at_twin.address), None);
    at_d.add(&a, None, Some(&b));
    for at in [&at_b, &at_c] {
        until(|| at.head(&next).is_some()).await;
    }
    assert_ne!(at_b.head(&next), at_c.head(&next));
    assert!(!at_b.node.is_in_doubt(&next) && !at_c.node.is_in_doubt(&next), "nobody can know");
    meet(&[(&b, &at_b), (&c, &at_c), (&d, &at_d)]);
    let mut files = Vec::new();
    for at in [&at_b, &at_c, &at_d] {
        let evidence = convicted(at, &next).await;
        assert_eq!((evidence.origin(), evidence.trees()), (&next, None));
        assert!(!at.node.is_in_doubt(&a.origin), "the log before it stands");
        files.push(evidence);
    }
    assert!(files.iter().all(|file| *file == files[0]), "the same file, whoever found it");
    // Nobody cosigns what comes after, and what came before is still there.
    let later = at_a.append(free(&a, 1, "later"));
    at_b.reaches(&next, later).await;
    let note = at_b.node.store().newest_note(&next).unwrap().unwrap();
    let note = SignedCheckpoint::parse(&note).unwrap();
    // It says of its own log that it stands, at any moment.
    let is_its_own = |name: &str| name.strip_prefix(a.id.as_str()).is_some_and(|rest| rest.starts_with('/'));
    let lines = note.note().lines();
    assert!(lines.iter().all(|line| is_its_own(line.name().as_str())), "the author's own alone: {lines:?}");
    let path =
        format!("evidence/{}", files[0].digest().as_bytes().map(|byte| format!("{byte:02x}")).concat());
    assert_eq!(bundled(&at_b).get(&path).map(Vec::as_slice), Some(files[0].as_bytes()));
    for at in [at_twin, at_b, at_c, at_d] {
        at.stop().await;
    }
    let (open, home) = (Home::find(&b.folder).unwrap().open().unwrap(), Home::find(&b.folder).unwrap());
    let at_rest = log_states_at_rest(open.store(), &home).unwrap();
    assert!(at_rest[&next].in_doubt && !at_rest[&a.origin].in_doubt, "so it is with no node");
    drop(open);
    let at_b = b.start().await;
    assert_eq!(convicted(&at_b, &next).await, files[0], "a restart does not forget it");
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: what is no evidence against A convicts nobody, and what its root key signed far beyond its logs takes no room. Way:
/// X sends B files of a root key of its own in A's name, of A's root key for a log that A is not at, and then the real one,
/// before B has heard of the successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beginnings_that_a_peer_sends_convict_by_the_root_key_of_the_card_alone() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, x] = ["aaa", "bbb", "xxx"].map(|name| Agency::new(place.path(), name));
    let at_b = b.start().await;
    at_b.add(&a, None, None);
    at_b.add(&x, None, None);
    let root: SigningKey =
        std::fs::read_to_string(a.folder.join("offline/root.key")).unwrap().trim().parse().unwrap();
    let stranger = SigningKey::from_seed(root.name().clone(), KeyKind::Ed25519, &[9; 32]).unwrap();
    let two = |closed: &Origin, root: &SigningKey| {
        let next = closed.successor().unwrap();
        let begun = [3, 4].map(|seed| {
            let key = SigningKey::from_seed(next.as_str().parse().unwrap(), KeyKind::Ed25519, &[seed; 32]);
            Genesis::succeeding(closed, Head::EMPTY, root, key.unwrap().verifier()).unwrap()
        });
        Evidence::of_geneses(&begun[0], &begun[1]).unwrap()
    };
    let next = a.origin.successor().unwrap();
    let mut client = greeted(&x, &b, at_b.address).await;
    let mut forged = two(&a.origin, &root).as_bytes().to_vec();
    forged.truncate(forged.len() - 2);
    let good = two(&a.origin, &root);
    let none = [two(&a.origin, &stranger).as_bytes().to_vec(), two(&next, &root).as_bytes().to_vec(), forged];
    let evidence = none.into_iter().map(Into::into).collect();
    exchange(&mut client, Heads { evidence, ..Heads::default() }).await;
    assert!(at_b.node.store().evidence_files().unwrap().is_empty());
    assert!(!at_b.node.is_in_doubt(&next) && !at_b.has_alarm("fork"));
    let evidence = vec![good.as_bytes().to_vec().into()];
    exchange(&mut client, Heads { evidence, ..Heads::default() }).await;
    assert_eq!(convicted(&at_b, &next).await, good);
    assert_eq!(at_b.node.store().held(&next).unwrap().size, TreeSize::ZERO);
    drop(client);
    at_b.stop().await;
}
