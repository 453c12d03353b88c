//! Revocation lists as gossip carries them: to all who know the agency, by whoever has them, and taken on their own
//! merits alone.

use std::time::{Duration, Instant};

use comity_node::tls::{Authority, Crl, CrlNumber, Expiring, Validity};
use comity_node::{Home, OwnLeaf, Revokee, TlsKeys, now};
use comity_wire::{ErrorCode, Heads, RevocationList, v1};
use rustls::pki_types::UnixTime;

use crate::attacks::{PeerClient, greeted};
use crate::claims::exchange;
use crate::support::{Agency, Running, free, until};

/// Within which time a connection must be cut after the list came to anybody.
const CUT_WITHIN: Duration = Duration::from_secs(5);

fn at(secs: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(secs))
}

/// Revokes the certificate that an agency's node presents; a new one lies in its home from then on.
fn revoke_leaf(agency: &Agency) -> Vec<u8> {
    let keys = TlsKeys::take(&Home::find(&agency.folder).unwrap()).unwrap();
    let former = keys.renew(OwnLeaf::Node, None, now()).unwrap().former.unwrap();
    let issued = keys.revoke(&Revokee::Serial(former), None, 90, now()).unwrap();
    Crl::from_file(&std::fs::read(issued.path).unwrap()).unwrap().der().to_vec()
}

fn has_list(at: &Running, of: &Agency) -> bool {
    let expiries = at.node.trust().expiries();
    expiries.iter().any(|expiry| expiry.agency == of.id && expiry.what == Expiring::RevocationList)
}

/// Goal: what an agency revokes is known wherever the agency is within seconds, and the thief's connection cut there,
/// although the thief carries the list to nobody. Way: B is connected to A and C, and only A is given B's list; then B
/// itself says what it has revoked, and A and C have it from B.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_goes_on_to_third_parties_and_cuts_the_revoked_connection_there() {
    let place = tempfile::tempdir().unwrap();
    let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place.path(), name));
    let (mut at_a, mut at_b, at_c) = (a.start().await, b.start().await, c.start().await);
    at_a.add(&b, Some(at_b.address), None);
    at_a.add(&c, Some(at_c.address), None);
    at_c.add(&a, Some(at_a.address), None);
    at_c.add(&b, Some(at_b.address), None);
    for of in [&a, &c] {
        at_b.add(of, Some(if of.id == a.id { at_a.address } else { at_c.address }), None);
    }
    let (of_a, of_b) = (at_a.append(free(&a, 2, "of A")), at_b.append(free(&b, 2, "of B")));
    at_c.reaches(&b.origin, of_b).await;
    at_c.reaches(&a.origin, of_a).await;
    at_b.reaches(&c.origin, at_c.head(&c.origin).unwrap()).await;
    until(|| at_b.state(&c).connected && at_c.state(&b).connected).await;

    let list = revoke_leaf(&b);
    let begun = Instant::now();
    at_a.node.trust().put_crl(&b.id, &list, at(now().unix_secs())).unwrap();
    at_a.node.tell_news();
    until(|| has_list(&at_c, &b)).await;
    until(|| !at_b.state(&c).connected && !at_c.state(&b).connected).await;
    assert!(begun.elapsed() < CUT_WITHIN, "{:?}", begun.elapsed());
    at_c.fails(&b, "revoked").await;

    // B comes back with its new certificate, and says by itself what it revokes next.
    assert!(at_b.presented.renew(&b.material()).unwrap());
    let of_b = at_b.append(free(&b, 1, "of B again"));
    at_c.reaches(&b.origin, of_b).await;
    let keys = TlsKeys::take(&Home::find(&b.folder).unwrap()).unwrap();
    let next =
        Crl::from_file(&std::fs::read(keys.renew_crl(None, 80, now()).unwrap().path).unwrap()).unwrap();
    drop(keys);
    at_b.node.read_own_lists().unwrap();
    let until_secs = next.next_update_secs();
    for there in [&at_a, &at_c] {
        let is_next = || {
            let expiries = there.node.trust().expiries();
            expiries.iter().any(|expiry| expiry.agency == b.id && expiry.at_secs == until_secs)
        };
        until(is_next).await;
        let again = there.node.trust().put_crl(&b.id, next.der(), at(now().unix_secs())).unwrap();
        assert!(!again.is_new, "it has come");
    }
    for at in [at_a, at_b, at_c] {
        at.stop().await;
    }
}

fn brought(agency: &Agency, list: &[u8]) -> Heads {
    let list = RevocationList { agency: agency.id.clone(), list: list.to_vec().into() };
    Heads { lists: vec![list], ..Heads::default() }
}

/// The authority of an agency, as a test has it in hand.
fn authority(agency: &Agency) -> Authority {
    let file = |name: &str| std::fs::read_to_string(agency.folder.join("keys").join(name)).unwrap();
    Authority::load(&agency.id, &file("tls-ca.pem"), &file("tls-ca.key")).unwrap()
}

/// The number that stands so many places from the first.
fn number(place: u64) -> CrlNumber {
    (1..place).fold(CrlNumber::FIRST, |number, _| number.next().unwrap())
}

/// A list of an authority that revokes nothing.
fn list(authority: &Authority, number: CrlNumber, from: u64, to: u64) -> Vec<u8> {
    authority.issue_crl(&[], number, Validity::new(at(from), at(to)).unwrap()).unwrap().der
}

/// Who brings lists to whom, and about whom.
struct Ring {
    a: Agency,
    b: Agency,
    at_c: Running,
    client: PeerClient,
}

impl Ring {
    /// C knows A and B; A, a peer, is whoever brings lists.
    async fn new(place: &std::path::Path) -> Self {
        let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place, name));
        let at_c = c.start().await;
        for peer in [&a, &b] {
            at_c.add(peer, None, None);
        }
        let client = greeted(&a, &c, at_c.address).await;
        Self { a, b, at_c, client }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_another_agencys_authority_is_not_taken() {
    let place = tempfile::tempdir().unwrap();
    let mut ring = Ring::new(place.path()).await;
    let secs = now().unix_secs();
    // A signs with its own authority and says that it is of B; or that B's is its own; or one of C itself.
    let of_a = list(&authority(&ring.a), number(9), secs - 60, secs + 9_000);
    let of_b = list(&authority(&ring.b), number(9), secs - 60, secs + 9_000);
    exchange(&mut ring.client, brought(&ring.b, &of_a)).await;
    exchange(&mut ring.client, brought(&ring.a, &of_b)).await;
    let stranger = Agency::new(place.path(), "ddd");
    exchange(&mut ring.client, brought(&stranger, &of_a)).await;
    assert!(!has_list(&ring.at_c, &ring.a) && !has_list(&ring.at_c, &ring.b));
    // Each for its own.
    exchange(&mut ring.client, brought(&ring.b, &of_b)).await;
    assert!(has_list(&ring.at_c, &ring.b) && !has_list(&ring.at_c, &ring.a));
    ring.at_c.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_list_that_is_replayed_frees_no_revoked_certificate() {
    let place = tempfile::tempdir().unwrap();
    let mut ring = Ring::new(place.path()).await;
    let older = {
        let keys = TlsKeys::take(&Home::find(&ring.b.folder).unwrap()).unwrap();
        let issued = keys.renew_crl(None, 90, now()).unwrap();
        Crl::from_file(&std::fs::read(issued.path).unwrap()).unwrap().der().to_vec()
    };
    let before = ring.b.material();
    let newer = revoke_leaf(&ring.b);
    for brought_list in [&older, &newer, &older] {
        exchange(&mut ring.client, brought(&ring.b, brought_list)).await;
    }
    let trust = ring.at_c.node.trust();
    let again = trust.put_crl(&ring.b.id, &newer, at(now().unix_secs())).unwrap();
    assert!(!again.is_new && again.revoked == 1, "the newer one is in force");
    // Another list with the number of the one in force is not taken either.
    let secs = now().unix_secs();
    let second = list(&authority(&ring.b), again.number, secs - 60, secs + 9_000);
    exchange(&mut ring.client, brought(&ring.b, &second)).await;
    let again = trust.put_crl(&ring.b.id, &newer, at(now().unix_secs())).unwrap();
    assert!(!again.is_new && again.revoked == 1);
    drop(before);
    ring.at_c.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_the_future_of_the_past_and_garbage_change_nothing() {
    let place = tempfile::tempdir().unwrap();
    let mut ring = Ring::new(place.path()).await;
    let (of_b, secs) = (authority(&ring.b), now().unix_secs());
    let good = list(&of_b, number(3), secs - 60, secs + 9_000);
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let bad = [
        ("of the future", list(&of_b, number(4), secs + 7_200, secs + 9_000)),
        ("expired", list(&of_b, number(4), secs - 9_000, secs - 60)),
        ("garbage", b"no list at all".to_vec()),
        ("cut off", good[..good.len() - 1].to_vec()),
        ("with a flipped bit", flipped),
    ];
    for (what, bytes) in &bad {
        exchange(&mut ring.client, brought(&ring.b, bytes)).await;
        assert!(!has_list(&ring.at_c, &ring.b), "{what}");
    }
    exchange(&mut ring.client, brought(&ring.b, &good)).await;
    assert!(has_list(&ring.at_c, &ring.b));
    for (what, bytes) in &bad {
        exchange(&mut ring.client, brought(&ring.b, bytes)).await;
        let again = ring.at_c.node.trust().put_crl(&ring.b.id, &good, at(secs)).unwrap();
        assert!(!again.is_new, "{what}: what was in force stays so");
    }
    ring.at_c.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversized_list_and_too_many_lists_are_refused_with_the_message_that_brings_them() {
    let place = tempfile::tempdir().unwrap();
    let mut ring = Ring::new(place.path()).await;
    let list =
        |len: usize| v1::RevocationList { agency: ring.b.id.to_string(), list: vec![0x30; len].into() };
    for (lists, code) in [(vec![list(65_537)], ErrorCode::TooLarge), (vec![list(9); 17], ErrorCode::TooLarge)]
    {
        let request = v1::ExchangeHeadsRequest { revocation_lists: lists, ..Default::default() };
        let refused = ring.client.exchange_heads(request).await.unwrap_err();
        assert_eq!(ErrorCode::from_status(&refused), code, "{refused:?}");
    }
    assert!(!has_list(&ring.at_c, &ring.b));
    ring.at_c.stop().await;
}
