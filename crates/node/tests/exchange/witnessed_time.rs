//! The time that has certainly come, by what peers' witnesses state on logs.

use comity_ledger::{Head, KeyRole};
use comity_node::{bundle_of, now};
use comity_tlog::{CosignatureTime, EntryIndex, SignedCheckpoint, TreeSize};

use crate::attacks::greeted;
use crate::claims::exchange;
use crate::seen::{line, said};
use crate::support::{Agency, Running, free, until};

/// Goal: one witness that lies of four moves the time by nothing, one that goes back takes nothing back, and a restart
/// forgets nothing. Way: four peers bring lines of their own witnesses on A's log, one of them as far ahead as is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_lying_witness_of_four_does_not_move_the_time_and_a_restart_keeps_it() {
    let place = tempfile::tempdir().unwrap();
    let a = Agency::new(place.path(), "aaa");
    let peers = ["bbb", "ccc", "ddd", "eee"].map(|name| Agency::new(place.path(), name));
    let at_a = a.start().await;
    for peer in &peers {
        at_a.add(peer, None, None);
    }
    until(|| at_a.gossiping.log_states().contains_key(&a.origin)).await;
    let head = at_a.head(&a.origin).unwrap();
    let begun = now().unix_secs();
    let time = || at_a.node.witnessed_time().map(CosignatureTime::value);
    let mut expected = None;
    // The liar first and last; whose time is the second largest is the one that counts.
    let rounds = [
        (0, begun + 40, None),
        (1, begun - 50, Some(begun - 50)),
        (2, begun - 30, Some(begun - 30)),
        (3, begun - 90, Some(begun - 30)),
        (0, begun + 41, Some(begun - 30)),
        (3, begun - 10, Some(begun - 10)),
        (2, begun - 80, Some(begun - 10)),
    ];
    for (generation, (peer, secs, now_is)) in (1..).zip(rounds) {
        let peer = &peers[peer];
        let mut client = greeted(peer, &a, at_a.address).await;
        let stated = line(peer, &at_a, &a, secs);
        exchange(&mut client, said(&a, head, 0, generation, vec![stated])).await;
        assert_eq!(time(), now_is, "{} says {secs}", peer.id);
        expected = now_is;
    }
    at_a.stop().await;
    let at_a = a.start().await;
    let kept = at_a.node.witnessed_time().map(CosignatureTime::value);
    assert_eq!(kept, expected, "nobody has said anything yet");
    at_a.stop().await;
}

/// Has peers bring lines of their witnesses on the newest checkpoint of A's log, each with its time, and looks after each.
pub(crate) async fn told(
    (a, at_a): (&Agency, &Running),
    (peers, head): (&[Agency], Head),
    generation: &mut u64,
    lines: &[(usize, u64)],
    mut look: impl FnMut(usize),
) {
    for (number, (peer, secs)) in lines.iter().enumerate() {
        *generation += 1;
        let mut client = greeted(&peers[*peer], a, at_a.address).await;
        let stated = line(&peers[*peer], at_a, a, *secs);
        exchange(&mut client, said(a, head, 0, *generation, vec![stated])).await;
        look(number);
    }
}

/// Goal: by when a tree existed is known as soon as a quorum has cosigned it, no lie of one witness of four moves it, what
/// is renewed takes nothing from it, and of a key event the note that proves it is kept. Way: four peers bring lines of their
/// own witnesses on A's log, with times before and after each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_met_quorum_says_by_when_the_tree_existed_and_of_a_key_event_its_note_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let a = Agency::new(place.path(), "aaa");
    let peers = ["bbb", "ccc", "ddd", "eee"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    for peer in &peers {
        at_a.add(peer, None, None);
    }
    let spoken = |at_a: &Running, head: Head| {
        at_a.gossiping.log_states().contains_key(&a.origin) && { at_a.head(&a.origin) == Some(head) }
    };
    let first = at_a.head(&a.origin).unwrap();
    until(|| spoken(&at_a, first)).await;
    let (begun, mut generation) = (now().unix_secs(), 0);
    let index = |of: Head| EntryIndex::new(of.size.value() - 1).unwrap();
    let existed = |at_a: &Running, of: Head| {
        at_a.node.store().existed_by(&a.origin, index(of)).unwrap().map(CosignatureTime::value)
    };
    let note = |at_a: &Running, of: Head| at_a.node.store().first_quorum(&a.origin, index(of)).unwrap();
    // Three of four are a quorum, one of which may lie: the second smallest time counts, and the fourth may make it smaller.
    let lines =
        [(0, begun - 10), (1, begun - 90), (2, begun - 20), (3, begun - 30), (0, begun + 9), (2, begun + 9)];
    let known = [None, None, Some(begun - 20), Some(begun - 30), Some(begun - 30), Some(begun - 30)];
    told((&a, &at_a), (&peers, first), &mut generation, &lines, |number| {
        assert_eq!(existed(&at_a, first), known[number], "after line {number}");
    })
    .await;
    assert_eq!(note(&at_a, first), None, "of a genesis the time is enough");

    let rotated = at_a.rotate(&a, KeyRole::Log);
    until(|| spoken(&at_a, rotated)).await;
    assert_eq!(existed(&at_a, rotated), None, "nobody has cosigned it");
    let lines = [(0, begun + 10), (1, begun + 11), (2, begun + 12)];
    told((&a, &at_a), (&peers, rotated), &mut generation, &lines, |_| {}).await;
    assert_eq!(existed(&at_a, rotated), Some(begun + 11));
    let renewed = [(0, begun + 30), (1, begun + 31), (2, begun + 32), (3, begun + 33)];
    told((&a, &at_a), (&peers, rotated), &mut generation, &renewed, |_| {}).await;
    // The note that is kept has the first times; the newest one proves less.
    let keys = peers
        .each_ref()
        .map(|peer| comity_ledger::Card::parse(&peer.card().0).unwrap().identity().witness.clone());
    let log = at_a.node.store().keys(&a.origin).unwrap();
    let times = |note: &[u8]| {
        let verified = log.verify_with(&SignedCheckpoint::parse(note).unwrap(), &keys).unwrap();
        let mut times: Vec<u64> = verified.cosignatures().iter().map(|line| line.time().value()).collect();
        times.sort_unstable();
        times
    };
    let kept = note(&at_a, rotated).unwrap();
    assert_eq!(times(&kept), [begun + 10, begun + 11, begun + 12]);
    let newest = at_a.node.store().newest_note(&a.origin).unwrap().unwrap();
    assert_eq!(times(&newest), [begun + 30, begun + 31, begun + 32, begun + 33]);

    // A record needs no note of its own, and a restart forgets nothing.
    let record = at_a.append(free(&a, 1, "record"));
    until(|| spoken(&at_a, record)).await;
    told((&a, &at_a), (&peers, record), &mut generation, &renewed, |_| {}).await;
    assert_eq!((existed(&at_a, record), note(&at_a, record)), (Some(begun + 31), None));
    at_a.stop().await;
    let at_a = a.start().await;
    let all = [first, rotated, record].map(|of| existed(&at_a, of));
    assert_eq!(all, [Some(begun - 30), Some(begun + 11), Some(begun + 31)]);
    assert_eq!(note(&at_a, rotated), Some(kept));
    // An auditor is given the first times.
    let mut given = None;
    let path = format!("logs/000/checkpoints/{}", rotated.size);
    let mut take = |name: &str, bytes: &[u8]| {
        given = given.take().or_else(|| (name == path).then(|| bytes.to_vec()));
        Ok(())
    };
    bundle_of(at_a.node.home(), at_a.node.store(), now(), &mut take).unwrap();
    assert_eq!(times(&given.unwrap()), [begun + 10, begun + 11, begun + 12, begun + 33]);
    assert_eq!(at_a.node.store().existed_before(&a.origin, record.size).unwrap(), rotated.size);
    assert_eq!(at_a.node.store().existed_before(&a.origin, first.size).unwrap(), TreeSize::ZERO);
    at_a.stop().await;
}
