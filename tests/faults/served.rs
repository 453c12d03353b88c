//! A node under faults: it may not come up, and it may end by itself.

use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use comity_node::{Home, NodeError, OpenHome};
use comity_store::StoreError;
use serde_json::Value;

use super::shim::Shim;
use crate::agency::{Agency, text};

/// Longest wait for something that takes a moment on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Opens a home in this process. A child that another test starts at this very moment has a copy of every lock that
/// this process held, until it runs its own program.
pub(crate) fn opened(folder: &Path) -> Result<OpenHome, NodeError> {
    for _ in 0..100 {
        match Home::find(folder).unwrap().open() {
            Err(NodeError::Store(StoreError::InUse { .. })) => std::thread::sleep(Duration::from_millis(20)),
            opened => return opened,
        }
    }
    panic!("{} stays in use", folder.display())
}

/// A served home.
pub(crate) struct Served {
    child: Child,
    out: PathBuf,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended.
        self.child.kill().unwrap_or_default();
        self.child.wait().unwrap();
    }
}

impl Served {
    /// Starts the node, and waits until its ports are bound or it has ended.
    pub(crate) fn start(agency: &Agency, shim: &Shim) -> Self {
        let out = agency.write("out", b"");
        let log = std::fs::File::create(agency.beside("log")).unwrap();
        let child = shim
            .command(&["serve", "--home", text(&agency.home()), "--json"])
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut served = Self { child, out };
        let begun = Instant::now();
        while served.lines().is_empty() && !served.has_ended() {
            assert!(begun.elapsed() < PATIENCE, "the node neither serves nor ends");
            std::thread::sleep(Duration::from_millis(10));
        }
        served
    }

    /// The answers on standard output so far.
    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.out).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the node has ended by itself; gives how, and the last that it said.
    pub(crate) fn ended(&mut self) -> (ExitStatus, Value) {
        let begun = Instant::now();
        while !self.has_ended() {
            assert!(begun.elapsed() < PATIENCE, "the node goes on after a failure");
            std::thread::sleep(Duration::from_millis(10));
        }
        (self.child.wait().unwrap(), self.lines().pop().unwrap_or(Value::Null))
    }

    /// SIGTERM, and waits.
    pub(crate) fn stop(&mut self) -> (ExitStatus, Value) {
        let sent = std::process::Command::new("kill").arg(self.id().to_string()).status().unwrap();
        assert!(sent.success());
        self.ended()
    }
}
