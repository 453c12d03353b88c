//! What strangers can do to the HTTP port: nothing that keeps others out, holds memory, or holds up the stop.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::http_client::{answer_of, connect, ends, get, send};
use crate::support::{ORIGIN, Place, Running};

const HTTP: &str = "[http]\nlisten = \"127.0.0.1:0\"\norigins = [\"agency-a.example/pub\"]\n";

async fn served() -> (Place, Running) {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    (place, node)
}

/// The figure of a metric without labels.
async fn figure(node: &Running, name: &str) -> u64 {
    let answer = get(node.http.unwrap(), "/metrics").await;
    let line =
        answer.text().lines().find_map(|line| line.strip_prefix(&format!("{name} ")).map(str::to_owned));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused() {
    let (_place, node) = served().await;
    let to = node.http.unwrap();
    let path = format!("/{ORIGIN}/checkpoint");
    let with = |headers: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
    assert_eq!(send(to, with("X: 1\r\n").as_bytes()).await.unwrap().status, 200);
    let long = with(&format!("X: {}\r\n", "a".repeat(9 << 10)));
    assert_eq!(send(to, long.as_bytes()).await.unwrap().status, 431, "a long header");
    let many = (0..65).map(|n| format!("X-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    assert_eq!(send(to, with(&many).as_bytes()).await.unwrap().status, 431, "many headers");
    // Of a path without end no more is read than a head may have.
    let endless = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(1 << 20));
    let answer = send(to, endless.as_bytes()).await;
    assert!(answer.is_none_or(|answer| matches!(answer.status, 414 | 431)), "a long path");
    assert_eq!(get(to, &path).await.status, 200);
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_1_is_refused() {
    let (_place, node) = served().await;
    let to = node.http.unwrap();
    for bytes in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET /met rics HTTP/1.1\r\n\r\n",
        b"GET /metrics\xff HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"\r\n\r\n\r\n\r\n\0\0\0\0",
    ] {
        let answer = send(to, bytes).await;
        let refused = answer.as_ref().is_none_or(|answer| answer.status >= 400);
        assert!(refused, "{}: {answer:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(get(to, "/metrics").await.status, 200);
    node.stop().await.unwrap();
}

/// Goal: whoever sends a head byte by byte, or nothing, is cut off and delays nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_head_is_cut_off() {
    let (_place, node) = served().await;
    let to = node.http.unwrap();
    let (mut silent, mut slow, mut idle) = (connect(to).await, connect(to).await, connect(to).await);
    idle.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(answer_of(&mut idle, false).await.unwrap().status, 200);
    let begun = Instant::now();
    let dripping = async {
        for byte in b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ".iter().chain(std::iter::repeat_n(&b'a', 1_000))
        {
            if slow.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        ends(&mut slow).await;
    };
    tokio::join!(dripping, ends(&mut silent), ends(&mut idle));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(
        begun.elapsed() > Duration::from_secs(5),
        "a caller on a bad line has time: {:?}",
        begun.elapsed()
    );
    node.stop().await.unwrap();
}

/// Goal: a thousand connections that say nothing are bounded and keep nobody out. Way: each new one is opened, and
/// those that the node has ended are found to be.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_are_bounded_and_keep_nobody_out() {
    let (_place, node) = served().await;
    let to = node.http.unwrap();
    let mut open = std::collections::VecDeque::new();
    let begun = Instant::now();
    for number in 0..1_000 {
        open.push_back(connect(to).await);
        if open.len() > 160 {
            // Only so many are held, so that the oldest of them has been ended.
            ends(&mut open.pop_front().unwrap()).await;
        }
        if number % 100 == 0 {
            let asked = Instant::now();
            assert_eq!(get(to, &format!("/{ORIGIN}/checkpoint")).await.status, 200);
            assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        }
    }
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "ended to make room, not by their time: {:?}",
        begun.elapsed()
    );
    assert!(figure(&node, "comity_http_connections").await <= 160);
    node.stop().await.unwrap();
}

/// Goal: neither idle connections nor answers that nobody reads hold up the stop.
#[tokio::test(flavor = "multi_thread")]
async fn the_stop_waits_for_no_stranger() {
    let (_place, node) = served().await;
    let to = node.http.unwrap();
    let silent = connect(to).await;
    let mut half = connect(to).await;
    half.write_all(b"GET /metrics HT").await.unwrap();
    let unread = flood_without_reading(connect(to).await).await;
    let begun = Instant::now();
    node.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    drop((silent, half, unread));
}

/// Asks until nothing more is taken, and reads no answer.
async fn flood_without_reading(mut stream: TcpStream) -> TcpStream {
    let request = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    for _ in 0..10_000 {
        if tokio::time::timeout(Duration::from_millis(500), stream.write_all(&request)).await.is_err() {
            break;
        }
    }
    stream
}
