//! What agencies say of each other's logs: cosignatures that come back to the author and on to everybody, and the two
//! faces of an author that are found where those meet who were shown them.

use comity_ledger::{Evidence, Generation, Head, HeadDigest, HeadNews, HeadUpdate, Origin, OriginDigest};
use comity_node::{OwnLogState, SystemEntropy, now};
use comity_tlog::SignedCheckpoint;
use comity_wire::{Digests, Heads};

use crate::attacks::greeted;
use crate::claims::exchange;
use crate::support::{Agency, Running, copy, free, until};

fn is_witnessed(at: &Running, origin: &Origin, head: Head) -> bool {
    at.gossiping.log_states().get(origin).is_some_and(|state| state.witnessed == head.size)
}

/// Everyone knows everyone, and calls where it listens.
fn meet(parties: &[(&Agency, &Running)]) {
    for (of, at) in parties {
        for (other, there) in parties {
            if of.id != other.id {
                at.add(other, Some(there.address), None);
            }
        }
    }
}

/// Goal: cosignatures of followers travel back to the author and on to all, and count where the policy says so. Way:
/// three agencies that know each other; each log has two witnesses, both of whom must speak.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_is_witnessed_once_its_followers_hold_it_and_everyone_learns_that() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    meet(&[(&a, &at_a), (&b, &at_b), (&c, &at_c)]);
    for count in [3, 300] {
        let head = at_a.append(free(&a, count, "record"));
        for at in [&at_a, &at_b, &at_c] {
            until(|| is_witnessed(at, &a.origin, head)).await;
        }
    }
    // The author's own note carries the lines, each of which verifies: a witness and a mirror of each follower.
    let identities = [&b, &c].map(|agency| comity_ledger::Card::parse(&agency.card().0).unwrap());
    let keys: Vec<_> = identities
        .iter()
        .flat_map(|card| [card.identity().witness.clone(), card.identity().mirror.clone()])
        .collect();
    let own = comity_ledger::Card::parse(&a.card().0).unwrap();
    until(|| {
        let note = at_a.node.store().newest_note(&a.origin).unwrap().unwrap();
        let verified = SignedCheckpoint::parse(&note).unwrap().verify(&own.identity().log, &keys).unwrap();
        verified.cosignatures().len() == 4
    })
    .await;
    for at in [at_a, at_b, at_c] {
        at.stop().await;
    }
}

/// Goal: two faces of an author are found within one round of exchanges, although nobody saw both, and all learn it
/// with proof. Way: A and a twin of its home sign different entries; B is shown the one face and C the other, of one
/// size and of two; D follows neither and knows B and C.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_view_to_two_peers_is_found_when_they_speak() {
    for sizes in [(2, 2), (1, 4), (5, 2)] {
        let place = tempfile::tempdir().unwrap();
        let [a, b, c, d] = ["aaa", "bbb", "ccc", "ddd"].map(|name| Agency::new(place.path(), name));
        let twin = Agency { folder: place.path().join("twin"), id: a.id.clone(), origin: a.origin.clone() };
        let at_a = a.start().await;
        for other in [&b, &c, &d] {
            at_a.add(other, None, None);
        }
        at_a.stop().await;
        copy(&a.folder, &twin.folder);
        let (mut at_a, mut at_twin) = (a.start().await, twin.start().await);
        let shown_to_b = at_a.append(free(&a, sizes.0, "shown to B"));
        let shown_to_c = at_twin.append(free(&twin, sizes.1, "shown to C"));
        let (at_b, at_c, at_d) = (b.start().await, c.start().await, d.start().await);
        at_b.add(&a, Some(at_a.address), None);
        at_c.add(&a, Some(at_twin.address), None);
        at_d.add(&a, None, Some(&b));
        at_b.reaches(&a.origin, shown_to_b).await;
        at_c.reaches(&a.origin, shown_to_c).await;
        assert!(!at_b.node.is_in_doubt(&a.origin) && !at_c.node.is_in_doubt(&a.origin), "nobody can know");
        meet(&[(&b, &at_b), (&c, &at_c), (&d, &at_d)]);
        for at in [&at_b, &at_c, &at_d] {
            until(|| at.node.is_in_doubt(&a.origin)).await;
            let files = at.node.store().evidence_files().unwrap();
            let evidence = Evidence::parse(&files[0]).unwrap();
            assert_eq!((evidence.origin(), files.len()), (&a.origin, 1), "one file, whoever finds it");
        }
        // Nobody cosigns what comes after, and what came before is still there.
        let later = at_a.append(free(&a, 1, "later"));
        at_b.reaches(&a.origin, later).await;
        let note = at_b.node.store().newest_note(&a.origin).unwrap().unwrap();
        let lines = SignedCheckpoint::parse(&note).unwrap().note().lines().len();
        assert_eq!(lines, 1, "the author's own alone");
        for at in [at_a, at_twin, at_b, at_c, at_d] {
            at.stop().await;
        }
    }
}

/// Goal: an author that learns of a second history under its key signs nothing any more, also after a restart. Way: a
/// twin of its home signs one, and a peer that has seen both brings the evidence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_that_is_shown_its_own_second_history_halts_for_good() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let twin = Agency { folder: place.path().join("twin"), id: a.id.clone(), origin: a.origin.clone() };
    let at_a = a.start().await;
    at_a.add(&b, None, None);
    at_a.stop().await;
    copy(&a.folder, &twin.folder);
    let (mut at_a, mut at_twin, at_b) = (a.start().await, twin.start().await, b.start().await);
    let stolen = at_twin.append(free(&twin, 3, "by the thief"));
    at_b.add(&a, Some(at_twin.address), None);
    at_b.reaches(&a.origin, stolen).await;
    at_a.append(free(&a, 2, "by the author"));
    at_a.add(&b, Some(at_b.address), None);
    until(|| at_a.node.is_halted()).await;
    assert!(at_a.node.alarms().standing().iter().any(|alarm| alarm.key.code == "fork"));
    at_a.stop().await;
    let at_a = a.start().await;
    assert!(at_a.node.is_halted(), "a restart does not forget it");
    for at in [at_a, at_twin, at_b] {
        at.stop().await;
    }
}

/// Goal: a cosignature that comes to the author before it has told itself of its own checkpoint is taken all the same.
/// Way: the author signs without a word to anybody, and a peer brings its line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cosignature_that_overtakes_the_news_of_its_checkpoint_is_not_lost() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let first = at_a.append(free(&a, 1, "first"));
    until(|| at_a.gossiping.log_states().contains_key(&a.origin)).await;
    let OwnLogState::Writable(log) = &mut at_a.own_log else { panic!("read only") };
    let head = log.append(free(&a, 1, "in silence"), now(), &mut SystemEntropy::new()).unwrap().head();
    let note = at_a.node.store().newest_note(&a.origin).unwrap().unwrap();
    let signed = SignedCheckpoint::parse(&note).unwrap();
    let key = std::fs::read_to_string(b.folder.join("keys/witness.key")).unwrap();
    let key: comity_tlog::SigningKey = key.trim().parse().unwrap();
    let time = comity_tlog::CosignatureTime::new(now().unix_secs()).unwrap();
    let line = key.cosign(signed.checkpoint(), time).unwrap();
    let (origin, generation) = (OriginDigest::of(&a.origin), Generation::new(1));
    let stated = HeadDigest { origin, head: first, generation, seen: Generation::default() };
    let news = HeadNews::Checkpoint { note: signed.with_line(line).unwrap(), beginning: None };
    let heads = Heads {
        digests: Digests::Now(vec![stated]),
        updates: vec![HeadUpdate { origin, generation, news }],
        ..Heads::default()
    };
    let mut client = greeted(&b, &a, at_a.address).await;
    exchange(&mut client, heads).await;
    assert!(is_witnessed(&at_a, &a.origin, head));
    at_a.stop().await;
}
