//! Revocation lists: what is revoked gets in nowhere, and no list that is not the newest of its own authority counts.

use comity_node::tls::{ConnectError, CrlError, PeerTrust, Refusal};

use crate::support::{Agency, NOW, Port, Stranger, at, connector, now, serial, trust};

/// The peer port of A, which trusts B, and two nodes of B.
async fn port_and_peer() -> (Port, PeerTrust, Agency, Stranger, Stranger, Vec<comity_node::tls::Serial>) {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let register = trust(&[&b]);
    let port = Port::peers(&a, &register).await;
    let (good, stolen) = (b.node(), b.node());
    let revoked = vec![serial(&stolen)];
    (port, register, b, Stranger::with(&good), Stranger::with(&stolen), revoked)
}

#[tokio::test]
async fn a_revoked_leaf_is_refused_at_the_port_and_others_of_its_authority_are_not() {
    let (mut port, register, b, good, stolen, revoked) = port_and_peer().await;
    port.accepts(&stolen).await;
    let taken = register.put_crl(&b.id, &b.crl(1, &revoked, 60), now()).unwrap();
    assert_eq!((taken.revoked, taken.is_new, taken.number.to_string().as_str()), (1, true, "1"));
    port.refuses(&stolen, "revoked").await;
    port.accepts(&good).await;
}

#[tokio::test]
async fn a_revoked_leaf_is_refused_by_whoever_calls_it() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let (stolen, register) = (b.node(), trust(&[&b]));
    let accepts = comity_node::tls::AcceptedRole::Nodes { except: None };
    let port = Port::open(&stolen, &trust(&[&a]), accepts, comity_node::tls::Caps::PEER_PORT).await;
    let connector = connector(&a.node(), &register, &b);
    connector.connect("127.0.0.1", port.address.port()).await.unwrap();
    register.put_crl(&b.id, &b.crl(1, &[serial(&stolen)], 60), now()).unwrap();
    let refused = connector.connect("127.0.0.1", port.address.port()).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused { source: Refusal::Revoked }), "{refused:?}");
}

#[tokio::test]
async fn a_list_of_another_authority_is_refused_and_revokes_nothing() {
    let (mut port, register, b, good, stolen, revoked) = port_and_peer().await;
    // Another agency's, and one of an authority that gave itself the same name.
    for other in [Agency::new("c.example"), Agency::new("b.example")] {
        let refused = register.put_crl(&b.id, &other.crl(9, &revoked, 60), now()).unwrap_err();
        assert!(matches!(refused, CrlError::OtherIssuer), "{refused:?}");
    }
    port.accepts(&good).await;
    port.accepts(&stolen).await;
    let refused = register.put_crl(&Agency::new("c.example").id, &b.crl(1, &[], 60), now()).unwrap_err();
    assert!(matches!(refused, CrlError::UnknownAgency), "{refused:?}");
}

/// Goal: whoever replays a list from before a revocation does not undo it.
#[tokio::test]
async fn a_list_with_an_older_number_does_not_bring_a_revoked_leaf_back() {
    let (mut port, register, b, good, stolen, revoked) = port_and_peer().await;
    let before = b.crl(300, &[], 60);
    register.put_crl(&b.id, &before, now()).unwrap();
    register.put_crl(&b.id, &b.crl(301, &revoked, 60), now()).unwrap();
    // Shorter numbers are not smaller by their first byte alone.
    for older in [before, b.crl(255, &[], 60), b.crl(1, &[], 60)] {
        let refused = register.put_crl(&b.id, &older, now()).unwrap_err();
        assert!(matches!(refused, CrlError::Older { .. }), "{refused:?}");
    }
    let refused = register.put_crl(&b.id, &b.crl(301, &[], 60), now()).unwrap_err();
    assert!(matches!(refused, CrlError::SameNumber { .. }), "{refused:?}");
    port.refuses(&stolen, "revoked").await;
    port.accepts(&good).await;
}

#[tokio::test]
async fn the_same_list_again_is_no_harm() {
    let (_port, register, b, ..) = port_and_peer().await;
    let list = b.crl(7, &[], 60);
    assert!(register.put_crl(&b.id, &list, now()).unwrap().is_new);
    assert!(!register.put_crl(&b.id, &list, now()).unwrap().is_new);
}

#[tokio::test]
async fn an_expired_list_closes_the_door_until_its_successor_comes() {
    let (mut port, register, b, good, ..) = port_and_peer().await;
    let refused = register.put_crl(&b.id, &b.crl(1, &[], -1), now()).unwrap_err();
    assert!(matches!(refused, CrlError::Expired), "{refused:?}");
    port.accepts(&good).await;
    // It was in date when it was taken.
    register.put_crl(&b.id, &b.crl(1, &[], -1), at(NOW - 30)).unwrap();
    port.refuses(&good, "revoked").await;
    assert_eq!(register.troubles(now()).len(), 1);
    register.put_crl(&b.id, &b.crl(2, &[], 60), now()).unwrap();
    assert!(register.troubles(now()).is_empty());
    port.accepts(&good).await;
}

#[tokio::test]
async fn a_list_of_a_time_to_come_is_not_taken_ahead_of_it() {
    let (_port, register, b, ..) = port_and_peer().await;
    let refused = register.put_crl(&b.id, &b.crl(1, &[], 60), at(NOW - 2 * 3_600)).unwrap_err();
    assert!(matches!(refused, CrlError::NotYet), "{refused:?}");
}

#[tokio::test]
async fn what_is_no_list_is_refused_and_closes_no_door() {
    let (mut port, register, b, good, _, revoked) = port_and_peer().await;
    let list = b.crl(1, &revoked, 60);
    let mut longer = list.clone();
    longer.push(0);
    for bytes in [&[][..], &list[..list.len() - 1], &longer, &[0x30; 64], b"no list"] {
        let refused = register.put_crl(&b.id, bytes, now()).unwrap_err();
        assert!(matches!(refused, CrlError::Malformed), "{refused:?}");
    }
    let refused = register.put_crl(&b.id, &vec![0x30; (64 << 10) + 1], now()).unwrap_err();
    assert!(matches!(refused, CrlError::TooLarge), "{refused:?}");
    port.accepts(&good).await;
}

/// Goal: a list whose bytes were changed on the way is not that of its authority any more.
/// Way: every bit of it is flipped; each is refused, and the list itself is taken in the end.
#[tokio::test]
async fn every_flipped_bit_of_a_list_is_refused() {
    let (_port, register, b, _, _, revoked) = port_and_peer().await;
    let list = b.crl(1, &revoked, 60);
    for bit in 0..list.len() * 8 {
        let mut flipped = list.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(register.put_crl(&b.id, &flipped, now()).is_err(), "bit {bit}");
    }
    assert!(register.put_crl(&b.id, &list, now()).unwrap().is_new);
}

/// Goal: a peer that revokes one of our operators, or whose list has expired, touches nothing of our own; our own list
/// does.
#[tokio::test]
async fn the_admin_port_obeys_the_own_list_and_no_peers() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let (operators, peers) = (trust(&[&a]), trust(&[&b]));
    let mut admin = Port::admin(&a, &operators).await;
    let operator = a.operator();
    let caller = Stranger::with(&operator);
    peers.put_crl(&b.id, &b.crl(1, &[serial(&operator)], -1), at(NOW - 30)).unwrap();
    let refused = operators.put_crl(&a.id, &b.crl(1, &[serial(&operator)], 60), now()).unwrap_err();
    assert!(matches!(refused, CrlError::OtherIssuer), "{refused:?}");
    admin.accepts(&caller).await;
    operators.put_crl(&a.id, &a.crl(1, &[serial(&operator)], 60), now()).unwrap();
    admin.refuses(&caller, "revoked").await;
    admin.accepts(&Stranger::with(&a.operator())).await;
}
