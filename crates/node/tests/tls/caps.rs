//! Slow and greedy callers: cut in time, and never in the way of others.

use std::time::{Duration, Instant};

use comity_node::tls::{AcceptedRole, Caps};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Agency, Port, Stranger, connector, trust, within};

const TIGHT: Caps = Caps {
    handshakes: 4,
    handshakes_per_source: 2,
    connections: 3,
    connections_per_caller: 2,
    ..Caps::PEER_PORT
};

/// The peer port of A with tight caps, and the peers B and C.
async fn tight() -> (Port, Agency, Agency, Agency) {
    let (a, b, c) = (Agency::new("a.example"), Agency::new("b.example"), Agency::new("c.example"));
    let accepts = AcceptedRole::Nodes { except: Some(a.id.clone()) };
    let port = Port::open(&a.node(), &trust(&[&b, &c]), accepts, TIGHT).await;
    (port, a, b, c)
}

#[tokio::test]
async fn a_slow_handshake_is_cut_and_delays_nobody() {
    let (mut port, a, b, _) = tight().await;
    let begun = Instant::now();
    let mut slow = TcpStream::connect(port.address).await.unwrap();
    slow.write_all(&[0x16, 0x03, 0x01]).await.unwrap();

    let quick = connector(&b.node(), &trust(&[&a]), &a);
    let _stream = quick.connect("127.0.0.1", port.address.port()).await.unwrap();
    let _connection = within(port.accepted.next()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "waited for the slow one");

    assert_eq!(port.refusal().await, "timeout");
    assert!((5..15).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    within(slow.read(&mut [0; 16])).await.ok();
}

#[tokio::test]
async fn a_slow_preface_is_cut() {
    let (mut port, a, b, _) = tight().await;
    let connector = connector(&b.node(), &trust(&[&a]), &a);
    let mut stream = connector.connect("127.0.0.1", port.address.port()).await.unwrap();
    let mut connection = within(port.accepted.next()).await.unwrap();
    let begun = Instant::now();
    // One byte a second would hold the slot for 24 s.
    let drip = async {
        for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
            if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let mut preface = [0; 24];
    tokio::select! {
        () = drip => panic!("the whole preface went through"),
        read = connection.read_exact(&mut preface) => {
            assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        }
    }
    assert!((4..15).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!(port.refusal().await, "preface_timeout");
}

#[tokio::test]
async fn a_connection_that_began_may_then_be_idle() {
    let (mut port, a, b, _) = tight().await;
    let connector = connector(&b.node(), &trust(&[&a]), &a);
    let mut stream = connector.connect("127.0.0.1", port.address.port()).await.unwrap();
    let mut connection = within(port.accepted.next()).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.flush().await.unwrap();
    connection.read_exact(&mut [0; 24]).await.unwrap();
    let idle = tokio::time::timeout(Duration::from_secs(6), connection.read_u8()).await;
    assert!(idle.is_err(), "an idle connection is the HTTP/2 server's matter");
    assert_eq!(port.log(), "");
}

#[tokio::test]
async fn one_caller_cannot_take_all_connections() {
    let (mut port, a, b, c) = tight().await;
    let to_a = trust(&[&a]);
    let (from_b, from_c) = (connector(&b.node(), &to_a, &a), connector(&c.node(), &to_a, &a));
    let number = port.address.port();
    let mut held = Vec::new();
    for connector in [&from_b, &from_b] {
        held.push((
            connector.connect("127.0.0.1", number).await.unwrap(),
            within(port.accepted.next()).await,
        ));
    }
    port.refuses(&Stranger::with(&b.node()), "too_many_from_caller").await;

    held.push((from_c.connect("127.0.0.1", number).await.unwrap(), within(port.accepted.next()).await));
    port.refuses(&Stranger::with(&c.node()), "too_many_connections").await;

    held.remove(0);
    held.push((from_c.connect("127.0.0.1", number).await.unwrap(), within(port.accepted.next()).await));
    assert!(held.iter().all(|(_, connection)| connection.is_some()));
    assert_eq!(port.log(), "");
}

#[tokio::test]
async fn silent_strangers_from_one_address_do_not_pile_up() {
    let (mut port, _, b, _) = tight().await;
    let first = TcpStream::connect(port.address).await.unwrap();
    let _second = TcpStream::connect(port.address).await.unwrap();
    port.refuses(&Stranger::with(&b.node()), "too_many_from_source").await;
    drop(first);
    assert_eq!(port.refusal().await, "closed_early");
    let stranger = Stranger::with(&b.node());
    let (_, connection) =
        tokio::join!(stranger.call(port.address), async { within(port.accepted.next()).await.is_some() });
    assert!(connection);
}

#[tokio::test]
async fn a_stopped_port_leaves_no_task_behind() {
    let (mut port, _, _, _) = tight().await;
    let _silent = TcpStream::connect(port.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(port.stop);
    port.tasks.close();
    tokio::time::timeout(Duration::from_secs(3), port.tasks.wait()).await.unwrap();
    assert!(port.accepted.next().await.is_none());
}
