//! Peers whose certificate is revoked or exchanged while they follow each other.

use std::time::{Duration, Instant};

use comity_node::tls::Crl;
use comity_node::{Home, OwnLeaf, Revokee, TlsKeys, now};
use rustls::pki_types::UnixTime;

use crate::support::{Agency, free, until};

/// Within which time a connection must be cut after the list came.
const CUT_WITHIN: Duration = Duration::from_secs(5);

/// Goal: a thief of B's key is thrown out within 5 s of the list's coming, on the connection that it opened and on the
/// one that was opened to it, and B itself comes back with a new certificate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_peer_is_cut_off_in_both_directions_and_comes_back_with_a_new_leaf() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, mut at_b) = (a.start().await, b.start().await);
    at_a.add(&b, Some(at_b.address), None);
    at_b.add(&a, Some(at_a.address), None);
    let (of_a, of_b) = (at_a.append(free(&a, 3, "of A")), at_b.append(free(&b, 3, "of B")));
    at_a.reaches(&b.origin, of_b).await;
    at_b.reaches(&a.origin, of_a).await;
    until(|| at_a.state(&b).connected && at_b.state(&a).connected).await;

    // The files are exchanged; the node still presents the former certificate.
    let keys = TlsKeys::take(&Home::find(&b.folder).unwrap()).unwrap();
    let former = keys.renew(OwnLeaf::Node, None, now()).unwrap().former.unwrap();
    let issued = keys.revoke(&Revokee::Serial(former), None, 90, now()).unwrap();
    let list = Crl::from_file(&std::fs::read(issued.path).unwrap()).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(now().unix_secs()));
    let begun = Instant::now();
    let taken = at_a.node.trust().put_crl(&b.id, list.der(), at).unwrap();
    // Those that B opened, and those that A opened: each to follow, and to gossip once it has got so far.
    assert!((2..=4).contains(&taken.cut), "{}", taken.cut);
    until(|| !at_a.state(&b).connected && !at_b.state(&a).connected).await;
    assert!(begun.elapsed() < CUT_WITHIN, "{:?}", begun.elapsed());
    at_a.fails(&b, "revoked").await;
    let unseen = at_a.append(free(&a, 2, "while B is out"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(at_b.head(&a.origin), Some(of_a), "nothing more reaches whoever was revoked");

    assert!(at_b.presented.renew(&b.material()).unwrap());
    at_b.reaches(&a.origin, unseen).await;
    let of_b = at_b.append(free(&b, 2, "of B again"));
    at_a.reaches(&b.origin, of_b).await;
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: exchanging certificates on both sides costs no stream; all of it arrives over the connection that was open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_exchanged_in_the_middle_of_a_stream_do_not_drop_it() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let mut head = at_a.append(free(&a, 1, "first"));
    at_b.reaches(&a.origin, head).await;
    for round in 0..4 {
        for (agency, running) in [(&a, &at_a), (&b, &at_b)] {
            let keys = TlsKeys::take(&Home::find(&agency.folder).unwrap()).unwrap();
            keys.renew(OwnLeaf::Node, None, now()).unwrap();
            assert!(running.presented.renew(&agency.material()).unwrap());
        }
        head = at_a.append(free(&a, 300, &format!("round {round}")));
    }
    at_b.reaches(&a.origin, head).await;
    let state = at_b.state(&a);
    assert!(state.connected && state.last_error.is_none(), "{state:?}");
    // A connection that begins now does so with the new ones.
    at_b.stop().await;
    let at_b = b.start().await;
    head = at_a.append(free(&a, 1, "last"));
    at_b.reaches(&a.origin, head).await;
    at_a.stop().await;
    at_b.stop().await;
}

/// Goal: one own authority follows another while peers go on following: announced by its name, then used, then the one
/// before retired.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_changes_its_authority_and_its_peers_follow_it() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    at_a.add(&b, None, None);
    at_b.add(&a, Some(at_a.address), None);
    let first = at_a.node.trust().clone();
    let head = at_a.append(free(&a, 1, "by the first authority"));
    at_b.reaches(&a.origin, head).await;

    let home = Home::find(&b.folder).unwrap();
    let card = home.card().unwrap();
    let former = comity_node::tls::PeerAuthority::from_der(&card.identity().ca).unwrap().id();
    let next = TlsKeys::take(&home).unwrap().new_authority(now()).unwrap();
    first.announce_authority(&b.id, next).unwrap();
    assert_eq!(TlsKeys::take(&home).unwrap().use_authority(now()).unwrap().0, next);
    at_b.presented.renew(&b.material()).unwrap();
    at_b.stop().await;

    // A has been started again as well: what was announced is kept.
    let a_address = at_a.address;
    at_a.stop().await;
    let (mut at_a, at_b) = (a.start().await, b.start().await);
    assert_ne!(at_a.address, a_address);
    at_b.add(&a, Some(at_a.address), None);
    let head = at_a.append(free(&a, 1, "by the next authority"));
    at_b.reaches(&a.origin, head).await;

    let at = UnixTime::since_unix_epoch(Duration::from_secs(now().unix_secs()));
    assert_eq!(at_a.node.trust().retire_authority(&b.id, &former, at).unwrap(), 0, "no leaf of it is in use");
    let head = at_a.append(free(&a, 1, "after the first was retired"));
    at_b.reaches(&a.origin, head).await;
    let cut = at_a.node.trust().retire_authority(&b.id, &next, at).unwrap();
    assert!((1..=2).contains(&cut), "the one that follows, and the one that gossips: {cut}");
    until(|| !at_b.state(&a).connected).await;
    at_a.stop().await;
    at_b.stop().await;
}
