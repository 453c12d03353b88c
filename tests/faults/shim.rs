//! The library that fails chosen calls of a program, and what it wrote down.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::agency::text;

/// The library, compiled once; `None`, said aloud, where there is no C compiler and need not be one.
fn library() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/shim/faults.c");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let fresh = place.join(format!("faults-{}.so", std::process::id()));
    let compiled = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o", text(&fresh), text(&source)])
        .args(["-ldl", "-lpthread"])
        .output();
    let Ok(compiled) = compiled else {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "there is no C compiler");
        eprintln!("skipped: there is no C compiler");
        return None;
    };
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    Some(fresh)
}

/// One program under the library.
#[derive(Clone, Debug)]
pub(crate) struct Shim {
    variables: Vec<(&'static str, String)>,
}

impl Shim {
    /// For the files under a folder; `log` is where calls are written down.
    pub(crate) fn over(folder: &Path, log: &Path) -> Option<Self> {
        let folder = folder.canonicalize().unwrap();
        let variables = [("LD_PRELOAD", library()?), ("FAULTS_UNDER", &folder), ("FAULTS_LOG", log)];
        if log.exists() {
            std::fs::remove_file(log).unwrap();
        }
        Some(Self { variables: variables.map(|(name, path)| (name, text(path).to_owned())).into() })
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// The program with its arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_comity"));
        command.args(arguments).env_remove("COMITY_HOME").envs(self.variables.iter().cloned());
        command
    }
}

/// One line of the log of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) number: u64,
    pub(crate) path: String,
    pub(crate) result: String,
}

/// What a program called so far.
pub(crate) fn calls(log: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let read = |line: &str| {
        // The path of a file that was removed has a blank in it.
        let (name, rest) = line.split_once(' ').unwrap();
        let (number, rest) = rest.split_once(' ').unwrap();
        let (path, result) = rest.rsplit_once(' ').unwrap();
        let number = number.parse().unwrap();
        Call { name: name.to_owned(), number, path: path.to_owned(), result: result.to_owned() }
    };
    whole.lines().map(read).collect()
}

/// Where the failed call stands, if one failed.
pub(crate) fn fault(calls: &[Call]) -> Option<usize> {
    calls.iter().position(|call| call.result != "ok")
}
