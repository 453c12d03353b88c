//! The attacker's end: HTTP/2 written frame by frame over real mutual TLS, since no well-behaved client does this.
//!
//! Not here: the attacks (`abuse`), and what is measured while they run (`stage`).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use comity_node::tls::PeerConnector;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

/// RFC 9113 §3.4.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames, RFC 9113 §6.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

/// Flags of frames.
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// Longest wait for a connection that must be there.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header as a literal that is not indexed (RFC 7541 §6.2.2).
pub(crate) fn literal(name: &str, value: &str) -> Vec<u8> {
    let short = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    assert!(name.len() < 127 && value.len() < 127, "lengths of one byte");
    [vec![0], short(name), short(value)].concat()
}

/// The headers of a call of the service for peers.
pub(crate) fn call(method: &str) -> Vec<u8> {
    let path = format!("/comity.v1.ExchangeService/{method}");
    let headers = [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", &path),
        (":authority", "a"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    headers.iter().flat_map(|(name, value)| literal(name, value)).collect()
}

/// A message of gRPC in one DATA frame, with which the request ends.
pub(crate) fn message(stream: u32, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    frame(DATA, END_STREAM, stream, &[&[0], &length[..], bytes].concat())
}

/// A field of a protobuf message, of bytes.
pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

/// A certified ally that has turned: it gets through the handshake.
#[derive(Clone)]
pub(crate) struct Ally {
    pub(crate) connector: PeerConnector,
    pub(crate) port: u16,
}

/// What the node did to a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate {
    /// Code and reason of the last GOAWAY.
    pub(crate) goaway: Option<(u32, String)>,
    pub(crate) closed: bool,
    pub(crate) bytes: usize,
}

/// One connection of the attacker.
pub(crate) struct Line {
    writer: Box<dyn AsyncWrite + Unpin + Send>,
    reader: Option<Box<dyn AsyncRead + Unpin + Send>>,
    fate: Arc<Mutex<Fate>>,
    pub(crate) sent: usize,
}

impl Ally {
    /// A connection after its handshake, on which nothing was said. `None` if the node refused it.
    pub(crate) async fn dial(&self) -> Option<Line> {
        let stream = self.connector.connect("127.0.0.1", self.port).await.ok()?;
        let (reader, writer) = tokio::io::split(stream);
        let reader: Box<dyn AsyncRead + Unpin + Send> = Box::new(reader);
        Some(Line { writer: Box::new(writer), reader: Some(reader), fate: Arc::default(), sent: 0 })
    }

    /// A connection on which the preface was said and all that comes is read.
    pub(crate) async fn begin(&self) -> Option<Line> {
        let mut line = self.dial().await?;
        line.listen();
        line.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.then_some(line)
    }
}

impl Line {
    /// Reads whatever comes, from now on.
    pub(crate) fn listen(&mut self) {
        let (mut reader, fate) = (self.reader.take().unwrap(), Arc::clone(&self.fate));
        tokio::spawn(async move {
            let (mut held, mut piece) = (Vec::new(), vec![0; 1 << 16]);
            while let Ok(count @ 1..) = reader.read(&mut piece).await {
                held.extend_from_slice(&piece[..count]);
                let mut fate = fate.lock().unwrap();
                fate.bytes += count;
                take_frames(&mut held, &mut fate);
            }
            fate.lock().unwrap().closed = true;
        });
    }

    pub(crate) fn fate(&self) -> Fate {
        self.fate.lock().unwrap().clone()
    }

    /// Sends bytes; gives whether the connection still took them.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.send_until(bytes, Instant::now() + PATIENCE).await
    }

    /// Sends bytes, for as long as there is time; the node may stop to read.
    pub(crate) async fn send_until(&mut self, bytes: &[u8], until: Instant) -> bool {
        let write = async { self.writer.write_all(bytes).await.is_ok() && self.writer.flush().await.is_ok() };
        let sent = timeout_at(until, write).await.unwrap_or(false) && !self.fate().closed;
        self.sent += if sent { bytes.len() } else { 0 };
        sent
    }

    /// Waits until the node closes; gives whether it did in time.
    pub(crate) async fn is_closed_within(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        while !self.fate().closed && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.fate().closed
    }
}

/// Takes the whole frames off what was read.
fn take_frames(held: &mut Vec<u8>, fate: &mut Fate) {
    let mut at = 0;
    while let Some(head) = held.get(at..at + 9) {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let Some(payload) = held.get(at + 9..at + 9 + length) else { break };
        if head[3] == GOAWAY {
            let code = u32::from_be_bytes(payload[4..8].try_into().unwrap());
            fate.goaway = Some((code, String::from_utf8_lossy(&payload[8..]).into_owned()));
        }
        at += 9 + length;
    }
    held.drain(..at);
}
