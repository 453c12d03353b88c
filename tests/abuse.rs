//! What a certified ally that has turned cannot do: floods, bombs and silence over HTTP/2, against a served node.
//!
//! Goal: the node's memory stays bounded (under 32 MiB more) and other peers are served as before (99 of 100 calls in
//! at most twice the time). Way: frames written by hand over real mutual TLS, and an honest peer whose calls are timed
//! by turns with and without the attack (`stage`). Not here: strangers without a certificate, who do not get through
//! the handshake (`crates/node/tests/tls`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::format_push_string,
    reason = "a helper of a test may fail the test, and says aloud what it measured"
)]

#[allow(dead_code, reason = "shared with the tests of `main.rs`, which use all of it")]
mod agency;
#[path = "abuse/line.rs"]
mod line;
#[allow(dead_code, reason = "as above")]
mod nodes;
#[path = "abuse/stage.rs"]
mod stage;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use self::line::{
    Ally, CONTINUATION, DATA, END_HEADERS, HEADERS, Line, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    call, field, frame, literal, message,
};
use self::stage::Stage;
use crate::nodes::until;

/// Connections that one caller may have.
const LINES: usize = 4;

/// Streams that a connection may have.
const STREAMS: u32 = 128;

/// Sends piece after piece, each made for its number on the connection, and takes a new connection whenever one is
/// cut. Gives how many were cut, and why the last one was.
async fn flood(ally: &Ally, until: Instant, piece: impl Fn(u32) -> Vec<u8>) -> (u32, String) {
    let (mut cuts, mut last) = (0, String::new());
    while Instant::now() < until {
        let Some(mut line) = ally.begin().await else { continue };
        let mut number = 0;
        while line.send_until(&piece(number), until.into()).await {
            number += 1;
        }
        if Instant::now() < until {
            line.is_closed_within(Duration::from_millis(200)).await;
            let fate = line.fate();
            (cuts, last) = (cuts + 1, format!("{:?} after {} bytes", fate.goaway, line.sent));
        }
    }
    eprintln!("  {cuts} connections cut, the last {last}");
    (cuts, last)
}

/// The stream of the n-th call of a client (RFC 9113 §5.1.1: odd).
fn stream(number: u32) -> u32 {
    number * 2 + 1
}

/// CVE-2023-44487.
#[test]
fn calls_that_are_begun_and_reset_at_once_hurt_nobody() {
    let headers = call("Hello");
    Stage::set().withstands("rapid reset", async |ally, until| {
        let piece = |number| {
            let reset = frame(RST_STREAM, 0, stream(number), &8_u32.to_be_bytes());
            [frame(HEADERS, END_HEADERS, stream(number), &headers), reset].concat()
        };
        flood(ally, until, piece).await;
    });
}

/// CVE-2025-8671.
#[test]
fn calls_that_the_node_is_made_to_reset_hurt_nobody() {
    let headers = call("Hello");
    Stage::set().withstands("made you reset", async |ally, until| {
        let piece = |number| {
            let wrong = frame(WINDOW_UPDATE, 0, stream(number), &[0; 4]);
            [frame(HEADERS, END_HEADERS, stream(number), &headers), wrong].concat()
        };
        flood(ally, until, piece).await;
    });
}

#[test]
fn headers_that_never_end_hurt_nobody() {
    let (headers, more) = (call("Hello"), literal("x", &"y".repeat(100)).repeat(8));
    Stage::set().withstands("continuation flood", async |ally, until| {
        let piece = |number| match number {
            0 => frame(HEADERS, 0, 1, &headers),
            _ => frame(CONTINUATION, 0, 1, &more),
        };
        flood(ally, until, piece).await;
    });
}

#[test]
fn data_without_bytes_hurts_nobody() {
    let (headers, empty) = (call("Hello"), frame(DATA, 0, 1, &[]).repeat(100));
    Stage::set().withstands("empty data flood", async |ally, until| {
        let piece =
            |number| if number == 0 { frame(HEADERS, END_HEADERS, 1, &headers) } else { empty.clone() };
        flood(ally, until, piece).await;
    });
}

#[test]
fn settings_without_end_hurt_nobody() {
    let settings = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]).repeat(100);
    Stage::set().withstands("settings flood", async |ally, until| {
        flood(ally, until, |_| settings.clone()).await;
    });
}

#[test]
fn pings_without_end_hurt_nobody() {
    let pings = frame(PING, 0, 0, b"12345678").repeat(100);
    Stage::set().withstands("ping flood", async |ally, until| {
        flood(ally, until, |_| pings.clone()).await;
    });
}

/// Says Hello on a new connection, then asks for one log on each stream that may be open, and takes none of it.
async fn follow_and_take_nothing(ally: &Ally) -> Option<Line> {
    let mut line = ally.begin().await?;
    let software = [field(2, b"agency-m.example"), field(3, b"test/1")].concat();
    let hello = [field(1, &[8, 1, 16, 1]), software].concat();
    let greeted = [frame(HEADERS, END_HEADERS, 1, &call("Hello")), message(1, &hello)].concat();
    let (headers, origin) = (call("Follow"), field(1, b"agency-a.example/pub"));
    // SETTINGS_INITIAL_WINDOW_SIZE = 0 (RFC 9113 §6.5.2).
    let mut asked = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    for number in 1..STREAMS {
        asked.extend(frame(HEADERS, END_HEADERS, stream(number), &headers));
        asked.extend(message(stream(number), &origin));
    }
    let sent = line.send(&greeted).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    (sent && line.send(&asked).await).then_some(line)
}

#[test]
fn answers_that_are_never_taken_hurt_nobody() {
    // What the log of the node says of it.
    const GIVEN_UP: &str = "the peer takes nothing";
    let stage = Stage::set();
    // Long enough that what counts is the silence and not how it begins, of which there are attacks of their own.
    stage.withstands_long("zero window", Duration::from_secs(12), async |ally, until| {
        let mut lines = Vec::new();
        for _ in 0..LINES {
            lines.extend(follow_and_take_nothing(ally).await);
        }
        tokio::time::sleep_until(until.into()).await;
        assert_eq!(lines.len(), LINES, "an ally may have its connections");
    });
    assert!(!stage.node.log().contains(GIVEN_UP));
    stage.attack(&async |ally| {
        let _line = follow_and_take_nothing(ally).await.unwrap();
        until("the last is given up", || stage.node.log().contains(GIVEN_UP));
    });
}

#[test]
fn questions_that_never_end_hurt_nobody() {
    Stage::set().withstands_long("unfinished questions", Duration::from_secs(12), async |ally, until| {
        let mut lines = Vec::new();
        for _ in 0..LINES {
            lines.extend(ally.begin().await);
        }
        // Messages of 4 MiB, of which the last bytes never come.
        let (headers, piece) = (call("Hello"), vec![0; 16 << 10]);
        'all: for number in 0..STREAMS {
            for line in &mut lines {
                let stream = stream(number);
                let mut bytes = frame(HEADERS, END_HEADERS, stream, &headers);
                bytes.extend(frame(DATA, 0, stream, &[0, 0, 0x40, 0, 0]));
                for _ in 0..255 {
                    bytes.extend(frame(DATA, 0, stream, &piece));
                    if !line.send_until(&bytes, until.into()).await {
                        break 'all;
                    }
                    bytes.clear();
                }
            }
        }
        tokio::time::sleep_until(until.into()).await;
        eprintln!("  {} MiB sent", lines.iter().map(|line| line.sent).sum::<usize>() >> 20);
    });
}

#[test]
fn headers_that_grow_when_they_are_read_hurt_nobody() {
    // A header of 3,900 bytes that is kept (RFC 7541 §6.2.1), and then named by its number as often as there is room.
    let kept = [&[0x40, 1, b'x', 0x7f, 0xbd, 0x1d][..], &[b'y'; 3_900]].concat();
    let named = [call("Hello"), kept, vec![0xbe; 12_000]].concat();
    let large = [call("Hello"), literal("x", &"y".repeat(100)).repeat(110)].concat();
    Stage::set().withstands("header bombs", async |ally, until| {
        flood(ally, until, |number| {
            let headers = if number % 2 == 0 { &named } else { &large };
            frame(HEADERS, END_HEADERS, stream(number), headers)
        })
        .await;
    });
}

#[test]
fn a_thousand_idle_connections_of_one_ally_hurt_nobody() {
    let most = AtomicUsize::new(0);
    let stage = Stage::set();
    stage.withstands_once_set_up("idle connections", async |ally, until| {
        let mut lines = Vec::new();
        for _ in 0..40 {
            let mut tries = tokio::task::JoinSet::new();
            for _ in 0..25 {
                let ally = ally.clone();
                tries.spawn(async move { ally.begin().await });
            }
            lines.extend(tries.join_all().await.into_iter().flatten());
        }
        let open = || lines.iter().filter(|line| !line.fate().closed).count();
        let patience = until + Duration::from_secs(10);
        while open() > LINES && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // That they are there is measured, and not how they came.
        stage.is_set_up();
        tokio::time::sleep(Duration::from_millis(700)).await;
        eprintln!("  {} of 1,000 got through the handshake, {} are open", lines.len(), open());
        most.fetch_max(open(), Ordering::SeqCst);
    });
    assert_eq!(most.into_inner(), LINES, "what an ally may have, and no more");
}

#[test]
fn a_preface_that_never_ends_is_cut_and_hurts_nobody() {
    Stage::set().withstands_long("slow preface", Duration::from_secs(7), async |ally, until| {
        let mut lines = Vec::new();
        for _ in 0..LINES {
            let mut line = ally.dial().await.unwrap();
            line.listen();
            lines.push(line);
        }
        let mut bytes = PREFACE.iter();
        while Instant::now() < until {
            let byte = bytes.next().copied().unwrap();
            for line in &mut lines {
                line.send(&[byte]).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(lines.iter().all(|line| line.fate().closed), "a slot is held for 5 s and no longer");
    });
}
