//! Connections that are open when their certificate is revoked, or its authority retired, or its agency removed.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use comity_node::tls::{AcceptedRole, Caps, Pace, PeerConnection, PeerTrust};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Agency, NOW, Port, at, connector, now, serial, trust, within};

/// Within which time a connection must be cut after the list came.
const CUT_WITHIN: Duration = Duration::from_secs(5);

/// A connection of B's node to A's port, both ends, with the certificate of B.
struct Pair {
    _port: Port,
    a: Agency,
    b: Agency,
    at_a: PeerTrust,
    at_b: PeerTrust,
    called: PeerConnection,
    calling: comity_node::tls::CalledConnection,
    of_a: comity_node::tls::Serial,
    of_b: comity_node::tls::Serial,
}

async fn pair() -> Pair {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let (node_a, node_b) = (a.node(), b.node());
    let (at_a, at_b) = (trust(&[&b]), trust(&[&a]));
    let accepts = AcceptedRole::Nodes { except: None };
    let mut port = Port::open(&node_a, &at_a, accepts, Caps::PEER_PORT).await;
    let calling = connector(&node_b, &at_b, &a).connect("127.0.0.1", port.address.port()).await.unwrap();
    let called = within(port.accepted.next()).await.unwrap();
    let (of_a, of_b) = (serial(&node_a), serial(&node_b));
    Pair { _port: port, a, b, at_a, at_b, called, calling, of_a, of_b }
}

#[tokio::test]
async fn an_accepted_connection_of_a_revoked_leaf_is_cut_within_five_seconds() {
    let Pair { _port: port, b, at_a, mut called, mut calling, of_b, .. } = pair().await;
    let reading = tokio::spawn(async move { called.read_u8().await.unwrap_err().kind() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!reading.is_finished(), "an idle connection stays open");
    let begun = Instant::now();
    let taken = at_a.put_crl(&b.id, &b.crl(1, &[of_b], 60), now()).unwrap();
    assert_eq!(taken.cut, 1);
    assert_eq!(within(reading).await.unwrap(), ErrorKind::ConnectionAborted);
    assert!(within(calling.read_u8()).await.is_err(), "the other side sees the end");
    assert!(begun.elapsed() < CUT_WITHIN, "{:?}", begun.elapsed());
    assert!(
        port.log().contains("connection cut") && port.log().contains("reason=\"revoked\""),
        "{}",
        port.log()
    );
}

#[tokio::test]
async fn a_connection_that_was_opened_to_a_revoked_leaf_is_cut_within_five_seconds() {
    let Pair { a, at_b, mut called, mut calling, of_a, .. } = pair().await;
    let reading = tokio::spawn(async move { calling.read_u8().await.unwrap_err().kind() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!reading.is_finished());
    let begun = Instant::now();
    assert_eq!(at_b.put_crl(&a.id, &a.crl(1, &[of_a], 60), now()).unwrap().cut, 1);
    assert_eq!(within(reading).await.unwrap(), ErrorKind::ConnectionAborted);
    assert!(within(called.read_u8()).await.is_err());
    assert!(begun.elapsed() < CUT_WITHIN, "{:?}", begun.elapsed());
}

/// Goal: a revoked peer does not keep its connection by not reading, so that our side hangs in a write.
#[tokio::test]
async fn a_revoked_peer_that_reads_nothing_is_cut_as_well() {
    let Pair { b, at_a, mut called, calling, of_b, .. } = pair().await;
    let bytes = vec![0; 64 << 10];
    let writing = tokio::spawn(async move {
        loop {
            if let Err(error) = called.write_all(&bytes).await {
                return error.kind();
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!writing.is_finished(), "the buffers are full and nobody reads");
    at_a.put_crl(&b.id, &b.crl(1, &[of_b], 60), now()).unwrap();
    assert_eq!(within(writing).await.unwrap(), ErrorKind::ConnectionAborted);
    drop(calling);
}

/// Goal: a revoked peer does not keep its connection by flooding it, so that it is read no more for a while.
#[tokio::test]
async fn a_revoked_peer_that_is_made_to_wait_is_cut_without_waiting() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let (register, node) = (trust(&[&b]), b.node());
    let pace = Some(Pace { unit: Duration::from_millis(5), burst: Duration::from_secs(2) });
    let accepts = AcceptedRole::Nodes { except: None };
    let mut port = Port::open(&a.node(), &register, accepts, Caps { pace, ..Caps::PEER_PORT }).await;
    let mut calling =
        connector(&node, &trust(&[&a]), &a).connect("127.0.0.1", port.address.port()).await.unwrap();
    let mut called = within(port.accepted.next()).await.unwrap();
    // 4,000 empty frames: 20 s of waiting.
    let flood =
        [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), [0, 0, 0, 0, 0, 0, 0, 0, 1].repeat(4_000)].concat();
    calling.write_all(&flood).await.unwrap();
    calling.flush().await.unwrap();
    let reading = tokio::spawn(async move {
        let mut bytes = vec![0; 1 << 16];
        loop {
            match called.read(&mut bytes).await {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(error.kind()),
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    register.put_crl(&b.id, &b.crl(1, &[serial(&node)], 60), now()).unwrap();
    assert_eq!(within(reading).await.unwrap(), Some(ErrorKind::ConnectionAborted));
    assert!(begun.elapsed() < CUT_WITHIN, "{:?}", begun.elapsed());
}

/// Goal: no revocation falls between a handshake and the book of open connections.
/// Way: the caller is made to wait after its handshake, and is revoked meanwhile.
#[tokio::test]
async fn a_leaf_that_is_revoked_while_its_handshake_waits_does_not_get_in() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let (register, node) = (trust(&[&b]), b.node());
    let pace = Some(Pace { unit: Duration::from_millis(5), burst: Duration::ZERO });
    let accepts = AcceptedRole::Nodes { except: None };
    let mut port = Port::open(&a.node(), &register, accepts, Caps { pace, ..Caps::PEER_PORT }).await;
    let connector = connector(&node, &trust(&[&a]), &a);
    let _calling = connector.connect("127.0.0.1", port.address.port()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), port.accepted.next()).await;
    assert!(early.is_err(), "the caller is made to wait");
    register.put_crl(&b.id, &b.crl(1, &[serial(&node)], 60), now()).unwrap();
    assert_eq!(port.refusal().await, "revoked");
    assert!(tokio::time::timeout(Duration::from_millis(20), port.accepted.next()).await.is_err());
}

#[tokio::test]
async fn connections_of_others_go_on_when_one_is_cut() {
    let Pair { _port: mut port, a, b, at_a, mut called, mut calling, of_b, .. } = pair().await;
    let other = b.node();
    let mut from_other =
        connector(&other, &trust(&[&a]), &a).connect("127.0.0.1", port.address.port()).await.unwrap();
    let mut to_other = within(port.accepted.next()).await.unwrap();
    assert_eq!(at_a.put_crl(&b.id, &b.crl(1, &[of_b], 60), now()).unwrap().cut, 1);
    assert!(within(called.read_u8()).await.is_err());
    drop(called);
    assert!(within(calling.read_u8()).await.is_err());
    from_other.write_all(b"still here").await.unwrap();
    from_other.flush().await.unwrap();
    let mut bytes = [0; 10];
    within(to_other.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(&bytes, b"still here");
}

#[tokio::test]
async fn a_connection_ends_with_its_agency_and_with_the_dates_of_its_certificate() {
    let Pair { b, at_a, mut called, .. } = pair().await;
    assert!(at_a.remove(&b.id));
    assert_eq!(within(called.read_u8()).await.unwrap_err().kind(), ErrorKind::ConnectionAborted);

    let Pair { at_a, mut called, .. } = pair().await;
    assert_eq!(at_a.cut_what_does_not_hold(None, at(NOW + 3_600)), 0, "its last second");
    assert_eq!(at_a.cut_what_does_not_hold(None, at(NOW + 3_601)), 1);
    assert_eq!(within(called.read_u8()).await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
}
