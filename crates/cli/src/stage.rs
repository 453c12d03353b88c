//! A stage for what is played with the real program: a temporary folder with homes, each served by a child process.
//!
//! Not here: how the program is run as a child (`program`), what is played (`demo`, `bench`).

mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use self::program::{Held, Program};
use crate::interruption::Interruption;

/// Longest wait for something that takes a moment on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A temporary folder and the nodes that run in it; both are gone when it is dropped.
pub(crate) struct Stage {
    /// The running nodes, by the name of their homes. They end before the folder that they write to goes: fields are
    /// dropped in this order.
    nodes: BTreeMap<String, Held>,
    folder: TempDir,
    program: Program,
}

impl Stage {
    /// Makes the folder, `prefix` in its name, below `beneath` or where the system keeps temporary files.
    pub(crate) fn build(
        prefix: &str,
        beneath: Option<&Path>,
        interruption: Interruption,
    ) -> Result<Self, String> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        let folder = beneath.map_or_else(|| builder.tempdir(), |folder| builder.tempdir_in(folder));
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
        Ok(Self { nodes: BTreeMap::new(), folder, program: Program::this(interruption)? })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `comity … --json` and reads its answer.
    pub(crate) fn comity(&self, arguments: &[&str]) -> Result<Value, String> {
        self.program.ask(arguments)
    }

    /// Whether a signal came that ends what is played.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.program.interruption.check().is_err()
    }

    /// Stops the nodes and removes the folder.
    ///
    /// # Errors
    /// Where the folder is, if it cannot be removed.
    pub(crate) fn clear(self) -> Result<Interruption, String> {
        let Self { nodes, folder, program } = self;
        drop(nodes);
        let path = folder.path().to_owned();
        folder.close().map_err(|error| format!("cannot remove {}: {error}", path.display()))?;
        Ok(program.interruption)
    }

    /// Makes the home of an agency, with any free ports.
    pub(crate) fn found(&self, home: &str, agency: &str) -> Result<Value, String> {
        let home = self.path(home);
        let any = "127.0.0.1:0";
        self.comity(&["init", text(&home)?, "--agency", agency, "--listen", any, "--admin", any])
    }

    /// Starts the node of a home; gives the address for its peers.
    pub(crate) fn serve(&mut self, home: &str) -> Result<String, String> {
        let log = self.path(&format!("{home}.log"));
        let (node, address) = self.program.serve(&self.path(home), &log)?;
        self.nodes.insert(home.to_owned(), node);
        Ok(address)
    }

    /// The process of a node, by its number.
    pub(crate) fn process(&self, home: &str) -> Result<u32, String> {
        self.nodes.get(home).map(Held::id).ok_or_else(|| format!("no node of {home} runs"))
    }

    /// Tells a node to stop, and waits until it has.
    pub(crate) fn stop(&mut self, home: &str) -> Result<(), String> {
        let node = self.nodes.remove(home).ok_or_else(|| format!("no node of {home} runs"))?;
        node.stop().map_err(|error| format!("cannot stop {home}: {error}"))
    }

    /// Looks again and again until something is so; gives how long that took.
    pub(crate) fn until(
        &self,
        what: &str,
        is_so: impl Fn(&Self) -> Result<bool, String>,
    ) -> Result<Duration, String> {
        let begun = Instant::now();
        while !is_so(self)? {
            self.program.interruption.check()?;
            if begun.elapsed() > PATIENCE {
                return Err(format!("waited {} s in vain: {what}", PATIENCE.as_secs()));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(begun.elapsed())
    }

    /// Size and root of a log, as a home holds it.
    pub(crate) fn head(&self, home: &str, origin: &str) -> Result<(u64, String), String> {
        let answer = self.comity(&["log", "list", "--home", text(&self.path(home))?])?;
        let logs = answer.get("logs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let log = logs.iter().find(|log| log.get("origin").and_then(Value::as_str) == Some(origin));
        let root = log.and_then(|log| log.get("root")).and_then(Value::as_str).unwrap_or_default();
        Ok((log.map_or(0, |log| number(log, "/size")), root.to_owned()))
    }

    /// Makes the audit bundle of a home.
    pub(crate) fn bundle(&self, home: &str, out: &str) -> Result<PathBuf, String> {
        let (home, out) = (self.path(home), self.path(out));
        self.comity(&["bundle", "--home", text(&home)?, "--out", text(&out)?])?;
        Ok(out)
    }

    /// Where the node of a home takes calls of peers.
    pub(crate) fn address(&self, home: &str) -> Result<String, String> {
        let path = self.path(home).join("run/node.json");
        let read = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let node: Value = serde_json::from_slice(&read).map_err(|error| error.to_string())?;
        let address = node.get("peer_addr").and_then(Value::as_str);
        address.map(str::to_owned).ok_or_else(|| format!("{} names no address", path.display()))
    }

    /// Writes the card of a home; gives its file.
    pub(crate) fn card(&self, home: &str) -> Result<PathBuf, String> {
        let card = self.path(&format!("{home}.card"));
        self.comity(&["card", "--home", text(&self.path(home))?, "--out", text(&card)?])?;
        Ok(card)
    }

    /// Adds one agency, whose card was written, to another's register, with the words that its people would say on
    /// the telephone.
    pub(crate) fn add_peer(&self, home: &str, other: &str, more: &[&str]) -> Result<(), String> {
        let said = self.comity(&["card", "--home", text(&self.path(other))?])?;
        let words = said.get("fingerprint").and_then(Value::as_str).unwrap_or_default();
        let (card, home) = (self.path(&format!("{other}.card")), self.path(home));
        let mut arguments = vec!["peer", "add", text(&card)?, "--fingerprint", words, "--home", text(&home)?];
        arguments.extend(more);
        self.comity(&arguments).map(drop)
    }
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

pub(crate) fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not a name in UTF-8", path.display()))
}

/// A number of an answer.
pub(crate) fn number(answer: &Value, pointer: &str) -> u64 {
    answer.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}
