//! An agency under test: a home in a temporary folder and the real program as a child.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with the home of one agency in it.
pub(crate) struct Agency {
    folder: TempDir,
}

impl Agency {
    /// Runs `comity init`.
    pub(crate) fn found(id: &str) -> Self {
        Self::found_at(id, &[])
    }

    /// Runs `comity init` with more to say.
    pub(crate) fn found_at(id: &str, more: &[&str]) -> Self {
        let agency = Self { folder: tempfile::tempdir().unwrap() };
        let home = agency.home();
        let made = run(&[&["init", text(&home), "--agency", id, "--json"], more].concat());
        assert!(made.status.success(), "{made:?}");
        agency
    }

    /// A folder with no home yet.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A path beside the home.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the home.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.beside(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs a command on this home; gives its JSON answer, whether it was done or refused.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        let home = self.home();
        all.extend(["--home", text(&home), "--json"]);
        answer(&run(&all))
    }

    /// Runs a command that must be refused: exit 1, one JSON object with this code; gives the message.
    pub(crate) fn refused(&self, arguments: &[&str], code: &str) -> String {
        let mut all = arguments.to_vec();
        let home = self.home();
        all.extend(["--home", text(&home), "--json"]);
        let output = run(&all);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        let answer = answer(&output);
        assert_eq!(answer["error"]["code"], code, "{arguments:?}: {answer}");
        answer["error"]["message"].as_str().unwrap().to_owned()
    }

    /// Size and root of the own log.
    pub(crate) fn head(&self) -> (u64, String) {
        let logs = self.ask(&["log", "list"]);
        let log = &logs["logs"][0];
        (log["size"].as_u64().unwrap(), log["root"].as_str().unwrap().to_owned())
    }

    /// Makes an audit bundle and the card that goes with it.
    pub(crate) fn bundle(&self, name: &str) -> (PathBuf, PathBuf) {
        let (bundle, card) = (self.beside(name), self.beside(&format!("{name}.card")));
        assert!(self.ask(&["bundle", "--out", text(&bundle)])["error"].is_null());
        assert!(self.ask(&["card", "--out", text(&card)])["error"].is_null());
        (bundle, card)
    }
}

/// Runs the program.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_comity")).args(arguments).env_remove("COMITY_HOME").output().unwrap()
}

/// The one JSON object on standard output.
pub(crate) fn answer(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A file of the shared data; `None`, said aloud, where the folder is missing and need not be there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found =
        here.ancestors().map(|folder| folder.join("shared")).find(|shared| shared.join("data").is_dir());
    let file = found.map(|shared| shared.join(path)).filter(|file| file.exists());
    if file.is_none() {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "shared/{path} is missing");
        eprintln!("skipped: shared/{path} is not here");
    }
    file
}

/// The tables of one publication of the SDN list.
pub(crate) fn sdn(date: &str) -> Option<Vec<String>> {
    let tables =
        ["sdn.csv", "alt.csv", "add.csv"].map(|table| shared(&format!("data/ofac/sdn-{date}/{table}")));
    tables.into_iter().map(|table| table.map(|path| text(&path).to_owned())).collect()
}

/// A small OFAC table about invented subjects: one row for each number.
pub(crate) fn table(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let mut rows = String::new();
    for number in numbers {
        rows += &format!(
            "{number},\"MIRAGE, Number {number}\",\"individual\",\"ZENDA\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"DOB {}; Passport X{number:07} (Ruritania).\"\r\n",
            1940 + number % 60
        );
    }
    rows.into_bytes()
}
