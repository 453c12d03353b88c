//! Where the demo plays: a temporary folder, the lists, and the program itself as a child.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::args::Demo;

/// Lists about invented people, companies, ships and goods, in the official formats.
const MADE_UP: [(&str, &[u8]); 5] = [
    ("ofac-sdn.csv", include_bytes!("lists/ofac-sdn.csv")),
    ("ofac-alt.csv", include_bytes!("lists/ofac-alt.csv")),
    ("ofac-add.csv", include_bytes!("lists/ofac-add.csv")),
    ("ofac-comments.csv", include_bytes!("lists/ofac-comments.csv")),
    ("un.xml", include_bytes!("lists/un.xml")),
];

/// The agency of the demo.
pub(super) const AGENCY: &str = "agency-a.example";

/// A temporary folder with the lists to import; it is gone when the demo ends.
pub(super) struct Stage {
    folder: TempDir,
    program: PathBuf,
    pub(super) ofac: Vec<PathBuf>,
    pub(super) un: Option<PathBuf>,
    made_up: bool,
}

impl Stage {
    pub(super) fn build(arguments: &Demo) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("comity-demo-").tempdir();
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
        let program =
            std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        let made_up = arguments.ofac.is_empty() && arguments.un.is_none();
        let (mut ofac, mut un) = (arguments.ofac.clone(), arguments.un.clone());
        if made_up {
            for (name, bytes) in MADE_UP {
                let path = folder.path().join(name);
                std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
                if name.starts_with("ofac") { ofac.push(path) } else { un = Some(path) }
            }
        }
        Ok(Self { folder, program, ofac, un, made_up })
    }

    pub(super) fn title(&self) -> String {
        let lists = if self.made_up { "made-up lists" } else { "the lists given" };
        format!("comity demo: {AGENCY} with {lists}, in {}", self.folder.path().display())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `comity … --json` and reads its answer; an exit status of 1 with an answer is an answer.
    pub(super) fn comity(&self, arguments: &[&str]) -> Result<Value, String> {
        let output = Command::new(&self.program)
            .args(arguments)
            .arg("--json")
            .env_remove("COMITY_HOME")
            .output()
            .map_err(|error| format!("cannot run comity: {error}"))?;
        let answer: Value = serde_json::from_slice(&output.stdout).map_err(|_| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("comity {} gave no answer: {}", arguments.join(" "), said.trim())
        })?;
        match answer.pointer("/error/message").and_then(Value::as_str) {
            Some(message) => Err(format!("comity {}: {message}", arguments.join(" "))),
            None => Ok(answer),
        }
    }

    /// Makes the home of an agency and enters the lists; gives the answers of the imports.
    pub(super) fn found(&self, home: &str) -> Result<Vec<Value>, String> {
        let home = self.path(home);
        self.comity(&["init", text(&home)?, "--agency", AGENCY])?;
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

    /// Makes the audit bundle of a home and saves the card that goes with it.
    pub(super) fn bundle(&self, home: &str, out: &str) -> Result<(PathBuf, PathBuf), String> {
        let (home, out) = (self.path(home), self.path(out));
        let card = out.with_extension("card");
        self.comity(&["bundle", "--home", text(&home)?, "--out", text(&out)?])?;
        self.comity(&["card", "--home", text(&home)?, "--out", text(&card)?])?;
        Ok((out, card))
    }

    pub(super) fn verify(&self, bundle: &Path, keys: Option<&Path>) -> Result<Value, String> {
        let mut arguments = vec!["bundle", "verify", text(bundle)?];
        if let Some(keys) = keys {
            arguments.extend(["--keys", text(keys)?]);
        }
        self.comity(&arguments)
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
