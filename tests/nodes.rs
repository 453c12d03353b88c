//! Nodes under test: real homes, each served by a child process, on ports of this machine.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::agency::{Agency, run, text};

/// Longest wait for something that takes a moment on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A home with its node.
pub(crate) struct Node {
    pub(crate) agency: Agency,
    pub(crate) origin: String,
    log: &'static str,
    running: Option<Child>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Node {
    /// Makes a home whose ports were free a moment ago, and serves it.
    pub(crate) fn found(id: &str) -> Self {
        Self::found_with_log(id, "debug")
    }

    /// The same, with another filter of its log.
    pub(crate) fn found_with_log(id: &str, log: &'static str) -> Self {
        let agency = Agency::found_at(id, &["--listen", &free_address(), "--admin", &free_address()]);
        let mut node = Self { agency, origin: format!("{id}/pub"), log, running: None };
        node.serve();
        node
    }

    /// Starts the node and waits until its ports are bound.
    pub(crate) fn serve(&mut self) {
        self.serve_with(&[]);
    }

    /// The same, with more to say.
    pub(crate) fn serve_with(&mut self, more: &[&str]) {
        let log = std::fs::File::options().create(true).append(true).open(self.agency.beside("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_comity"))
            .args(["serve", "--home", text(&self.agency.home()), "--json", "--log", self.log])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.running = Some(child);
        assert!(line.contains("peer_addr"), "{line}: {}", self.log());
    }

    /// Kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM; gives whether the node ended well.
    pub(crate) fn stop(&mut self) -> bool {
        let mut child = self.running.take().unwrap();
        let sent = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(sent.success());
        child.wait().unwrap().success()
    }

    /// Sends the node a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let child = self.running.as_ref().unwrap();
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// All that the node said to its log so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.agency.beside("log")).unwrap()
    }

    /// Adds another node as a peer.
    pub(crate) fn add(&self, other: &Self, more: &[&str]) {
        let card = other.agency.beside("card");
        if !card.exists() {
            other.agency.ask(&["card", "--out", text(&card)]);
        }
        let said = other.agency.ask(&["card"]);
        let words = said["fingerprint"].as_str().unwrap();
        let mut arguments = vec!["peer", "add", text(&card), "--fingerprint", words];
        arguments.extend(more);
        let added = self.agency.ask(&arguments);
        assert!(added["error"].is_null(), "{added}");
    }

    /// Size and root of a log that this node holds.
    pub(crate) fn head(&self, origin: &str) -> (u64, String) {
        Self::head_in(&self.agency.ask(&["log", "list"]), origin)
    }

    /// The same as an answer to `log list` says it; of a log that is not held, and in a refusal, size 0.
    pub(crate) fn head_in(list: &Value, origin: &str) -> (u64, String) {
        let log = list["logs"].as_array().into_iter().flatten().find(|log| log["origin"] == origin);
        log.map_or((0, String::new()), |log| {
            (log["size"].as_u64().unwrap(), log["root"].as_str().unwrap().to_owned())
        })
    }

    /// Waits until this node holds a log up to a head.
    pub(crate) fn reaches(&self, origin: &str, head: &(u64, String)) {
        until(&format!("{origin} reaches {head:?}: {}", self.agency.ask(&["peer", "list"])), || {
            self.head(origin) == *head
        });
    }
}

/// Looks again and again until something is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Verifies the bundle of a node with the cards of others as well.
pub(crate) fn audit(node: &Node, others: &[&Node]) -> Value {
    audit_of(&node.agency, others)
}

/// The same of a home that need not be served.
pub(crate) fn audit_of(agency: &Agency, others: &[&Node]) -> Value {
    let name = format!("bundle-{}", agency.head().0);
    let (bundle, card) = agency.bundle(&name);
    let cards: Vec<_> = others.iter().map(|other| other.agency.beside("card")).collect();
    let mut arguments = vec!["bundle", "verify", text(&bundle), "--json", "--keys", text(&card)];
    for card in &cards {
        arguments.extend(["--keys", text(card)]);
    }
    crate::agency::answer(&run(&arguments))
}

/// An address that is free and stays so while its node is started again: below the ports that the system gives to
/// connections, and another one at each call. Runs at the same time begin apart from each other.
fn free_address() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = 20_000 + u16::try_from(std::process::id() % 100).unwrap() * 100;
    loop {
        let address = format!("127.0.0.1:{}", begin + NEXT.fetch_add(1, Ordering::SeqCst));
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}
