//! Where the demo plays: a temporary folder, the lists, and the homes of the agencies with their nodes.
//!
//! Not here: how the program is run as a child (`program`), what is played (the acts).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::program::{Held, Program};
use crate::args::Demo;

/// Lists about invented people, companies, ships and goods, in the official formats.
const MADE_UP: [(&str, &[u8]); 5] = [
    ("ofac-sdn.csv", include_bytes!("lists/ofac-sdn.csv")),
    ("ofac-alt.csv", include_bytes!("lists/ofac-alt.csv")),
    ("ofac-add.csv", include_bytes!("lists/ofac-add.csv")),
    ("ofac-comments.csv", include_bytes!("lists/ofac-comments.csv")),
    ("un.xml", include_bytes!("lists/un.xml")),
];

/// The agencies of the demo, by the name of their homes.
pub(super) const AGENCIES: [(&str, &str); 3] =
    [("a", "agency-a.example"), ("b", "agency-b.example"), ("c", "agency-c.example")];

/// The log that is followed.
pub(super) const ORIGIN: &str = "agency-a.example/pub";

/// Longest wait for something that takes a moment on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A temporary folder with the lists to import; it is gone when the demo ends.
pub(super) struct Stage {
    /// The running nodes. They end before the folder that they write to goes: fields are dropped in this order.
    nodes: Vec<Held>,
    folder: TempDir,
    program: Program,
    pub(super) ofac: Vec<PathBuf>,
    pub(super) un: Option<PathBuf>,
    made_up: bool,
    /// When the last import had been acknowledged.
    pub(super) imported: Option<Instant>,
}

impl Stage {
    pub(super) fn build(arguments: &Demo, program: Program) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("comity-demo-").tempdir();
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
        let made_up = arguments.ofac.is_empty() && arguments.un.is_none();
        let (mut ofac, mut un) = (arguments.ofac.clone(), arguments.un.clone());
        if made_up {
            for (name, bytes) in MADE_UP {
                let path = folder.path().join(name);
                std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
                if name.starts_with("ofac") { ofac.push(path) } else { un = Some(path) }
            }
        }
        Ok(Self { nodes: Vec::new(), folder, program, ofac, un, made_up, imported: None })
    }

    pub(super) fn title(&self) -> String {
        let lists = if self.made_up { "made-up lists" } else { "the lists given" };
        format!("comity demo: three agencies with {lists}, in {}", self.folder.path().display())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `comity … --json` and reads its answer.
    pub(super) fn comity(&self, arguments: &[&str]) -> Result<Value, String> {
        self.program.ask(arguments)
    }

    /// Whether a signal came that ends the demo.
    pub(super) fn is_interrupted(&self) -> bool {
        self.program.interruption.check().is_err()
    }

    /// Stops the nodes and removes the folder.
    ///
    /// # Errors
    /// Where the folder is, if it cannot be removed.
    pub(super) fn clear(self) -> Result<Program, String> {
        let Self { nodes, folder, program, .. } = self;
        drop(nodes);
        let path = folder.path().to_owned();
        folder.close().map_err(|error| format!("cannot remove {}: {error}", path.display()))?;
        Ok(program)
    }

    /// Makes the home of an agency, with any free ports.
    pub(super) fn found(&self, home: &str, agency: &str) -> Result<Value, String> {
        let home = self.path(home);
        let any = "127.0.0.1:0";
        self.comity(&["init", text(&home)?, "--agency", agency, "--listen", any, "--admin", any])
    }

    /// Starts the node of a home; gives the address for its peers.
    pub(super) fn serve(&mut self, home: &str) -> Result<String, String> {
        let log = self.path(&format!("{home}.log"));
        let (node, address) = self.program.serve(&self.path(home), &log)?;
        self.nodes.push(node);
        Ok(address)
    }

    /// Looks again and again until something is so; gives how long that took.
    pub(super) fn until(
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
    pub(super) fn head(&self, home: &str, origin: &str) -> Result<(u64, String), String> {
        let answer = self.comity(&["log", "list", "--home", text(&self.path(home))?])?;
        let logs = answer.get("logs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let log = logs.iter().find(|log| log.get("origin").and_then(Value::as_str) == Some(origin));
        let root = log.and_then(|log| log.get("root")).and_then(Value::as_str).unwrap_or_default();
        Ok((log.map_or(0, |log| number(log, "/size")), root.to_owned()))
    }

    /// Enters the lists; gives the answers of the imports.
    pub(super) fn enter(&self, home: &str) -> Result<Vec<Value>, String> {
        let home = self.path(home);
        let mut imports = Vec::new();
        if !self.ofac.is_empty() {
            imports.push(self.import("ofac", &self.ofac, &home)?);
        }
        if let Some(un) = &self.un {
            imports.push(self.import("un", std::slice::from_ref(un), &home)?);
        }
        Ok(imports)
    }

    pub(super) fn import(&self, format: &str, files: &[PathBuf], home: &Path) -> Result<Value, String> {
        let mut arguments = vec!["import", format];
        for file in files {
            arguments.push(text(file)?);
        }
        arguments.extend(["--home", text(home)?]);
        self.comity(&arguments)
    }

    /// Makes the audit bundle of a home.
    pub(super) fn bundle(&self, home: &str, out: &str) -> Result<PathBuf, String> {
        let (home, out) = (self.path(home), self.path(out));
        self.comity(&["bundle", "--home", text(&home)?, "--out", text(&out)?])?;
        Ok(out)
    }

    pub(super) fn verify(&self, bundle: &Path, keys: &[PathBuf]) -> Result<Value, String> {
        let mut arguments = vec!["bundle", "verify", text(bundle)?];
        for keys in keys {
            arguments.extend(["--keys", text(keys)?]);
        }
        self.comity(&arguments)
    }

    /// Writes the card of a home; gives its file.
    pub(super) fn card(&self, home: &str) -> Result<PathBuf, String> {
        let card = self.path(&format!("{home}.card"));
        self.comity(&["card", "--home", text(&self.path(home))?, "--out", text(&card)?])?;
        Ok(card)
    }
}

pub(super) fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not a name in UTF-8", path.display()))
}

/// A number of an answer.
pub(super) fn number(answer: &Value, pointer: &str) -> u64 {
    answer.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// Whether a report found everything in order.
pub(super) fn is_ok(report: &Value) -> bool {
    report.get("ok").and_then(Value::as_bool) == Some(true)
}
