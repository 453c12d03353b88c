//! A client that sends what it is told, byte for byte, and reads one answer. Not here: any claim.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest wait for an answer or an end: twice what a slow head may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Reads the head of an answer; gives the bytes after it as the body so far.
    fn read_head(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Some(Self { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() })
    }
}

pub(crate) async fn connect(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).await.unwrap()
}

/// One answer over an open connection; `None` if it ends without one.
pub(crate) async fn answer_of(stream: &mut TcpStream, to_head: bool) -> Option<Answer> {
    let read = async {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = Answer::read_head(&bytes) {
                let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
                if to_head || answer.body.len() >= length {
                    assert!(to_head || answer.body.len() == length, "more than one answer");
                    return Some(answer);
                }
            }
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                assert!(bytes.is_empty(), "an answer ends early: {}", String::from_utf8_lossy(&bytes));
                return None;
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("an answer or an end")
}

/// Sends bytes on a new connection and reads one answer.
pub(crate) async fn send(to: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = connect(to).await;
    // Whoever answers early may close before all has been sent.
    stream.write_all(bytes).await.unwrap_or_default();
    answer_of(&mut stream, bytes.starts_with(b"HEAD ")).await
}

pub(crate) async fn ask(to: SocketAddr, method: &str, path: &str) -> Answer {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\n\r\n");
    send(to, request.as_bytes()).await.unwrap_or_else(|| panic!("{method} {path} is answered"))
}

pub(crate) async fn get(to: SocketAddr, path: &str) -> Answer {
    ask(to, "GET", path).await
}

/// Waits until the other side has ended a connection.
pub(crate) async fn ends(stream: &mut TcpStream) {
    let end = async { while stream.read(&mut [0; 4096]).await.unwrap_or(0) > 0 {} };
    tokio::time::timeout(PATIENCE, end).await.expect("the connection is ended");
}
