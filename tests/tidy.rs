//! The rules of the house: edges between rooms, who may name what, how long a file is, what is never committed.
//!
//! Goal: what `docs/architecture.md` says of the tree is true of the tree. Way: `cargo metadata` for what is
//! declared, a search through the text of the sources for what is named. Rooms that do not exist yet are in the
//! tables and are checked from their first commit on.

mod committed;
mod planted;
mod simulated;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Each room and the rooms that it may depend on.
const EDGES: [(&str, &[&str]); 12] = [
    ("watchlist", &[]),
    ("tlog", &[]),
    ("indicators", &[]),
    ("ledger", &["tlog"]),
    ("policy", &["watchlist", "tlog", "ledger"]),
    ("feeds", &["watchlist", "policy"]),
    ("screening", &["watchlist", "policy", "indicators", "tlog"]),
    ("store", &["ledger", "tlog"]),
    ("wire", &["watchlist", "tlog", "ledger", "policy", "indicators", "screening"]),
    ("auditor", &["tlog", "ledger", "watchlist", "policy", "indicators"]),
    ("node", &["watchlist", "tlog", "indicators", "ledger", "policy", "feeds", "screening", "store", "wire"]),
    (
        "cli",
        &[
            "watchlist",
            "tlog",
            "indicators",
            "ledger",
            "policy",
            "feeds",
            "screening",
            "store",
            "wire",
            "auditor",
            "node",
        ],
    ),
];

/// Each package with restricted use, the name of its library, and the rooms that may name it.
const HOLDERS: [(&str, &str, &[&str]); 22] = [
    ("sled", "sled", &["store"]),
    ("prost", "prost", &["wire"]),
    ("tonic-prost", "tonic_prost", &["wire"]),
    ("tonic", "tonic", &["wire", "node", "cli"]),
    ("hyper", "hyper", &["node"]),
    ("tokio", "tokio", &["node", "cli"]),
    ("tokio-rustls", "tokio_rustls", &["node"]),
    ("tokio-stream", "tokio_stream", &["node", "cli"]),
    ("tokio-util", "tokio_util", &["node", "cli"]),
    ("rustls", "rustls", &["node"]),
    ("rustls-webpki", "webpki", &["node"]),
    ("rcgen", "rcgen", &["node"]),
    ("clap", "clap", &["auditor", "cli"]),
    ("indicatif", "indicatif", &["cli"]),
    ("quick-xml", "quick_xml", &["feeds"]),
    ("csv", "csv", &["feeds"]),
    ("zip", "zip", &["feeds"]),
    ("flate2", "flate2", &["feeds"]),
    ("voprf", "voprf", &["indicators"]),
    ("curve25519-dalek", "curve25519_dalek", &["indicators"]),
    ("rand", "rand", &[]),
    ("anyhow", "anyhow", &["cli"]),
];

/// Each part of ring and the rooms that may name it.
const RING_PARTS: [(&str, &[&str]); 8] = [
    ("signature", &["tlog"]),
    ("digest", &["tlog"]),
    ("hmac", &["ledger", "indicators"]),
    ("hkdf", &["ledger", "indicators", "store"]),
    ("aead", &["store"]),
    ("rand", &["node"]),
    ("agreement", &[]),
    ("pbkdf2", &[]),
];

/// Rooms without input, output, clock and chance.
const PURE_ROOMS: [&str; 7] = ["watchlist", "tlog", "indicators", "ledger", "policy", "feeds", "screening"];

/// What a pure room does not name: a path of two parts, or a crate where the second is empty.
const IMPURE: [(&str, &str); 12] = [
    ("std", "fs"),
    ("std", "net"),
    ("std", "thread"),
    ("std", "process"),
    ("std", "env"),
    ("SystemTime", "now"),
    ("Instant", "now"),
    ("tokio", ""),
    ("tracing", ""),
    ("rand", ""),
    ("getrandom", ""),
    ("async_trait", ""),
];

/// Types that stand for something proved, and the file that proves it: what is not public cannot be made up
/// elsewhere.
const PROOFS: [(&str, &str); 10] = [
    ("VerifiedNote", "crates/tlog/src/note.rs"),
    ("VerifiedCheckpoint", "crates/tlog/src/checkpoint.rs"),
    ("EntryBytes", "crates/ledger/src/entry.rs"),
    ("VerifiedOpening", "crates/ledger/src/opening.rs"),
    ("VerifiedFrame", "crates/ledger/src/replica.rs"),
    ("StagedBatch", "crates/ledger/src/batch.rs"),
    ("DurableBatch", "crates/ledger/src/batch.rs"),
    ("SignedBatch", "crates/ledger/src/batch.rs"),
    ("LockedHead", "crates/ledger/src/lock.rs"),
    ("Released", "crates/policy/src/cut.rs"),
];

/// Most lines of one file, tests included: a file is one idea.
const FILE_LINES_MAX: usize = 600;

/// A file that is, or is about to be, committed.
struct TreeFile {
    /// Relative to the root, `/` between parts.
    path: String,
    /// Nothing for bytes that are no text.
    text: Option<String>,
}

impl TreeFile {
    fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    fn is_generated(&self) -> bool {
        self.path.contains("/gen/")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file that git tracks or would add.
fn tree() -> Vec<TreeFile> {
    let root = root();
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(&root);
    let listed = git.output().expect("git lists the files of the tree");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).unwrap();
    let paths: BTreeSet<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        // A tracked file may just have been deleted.
        let Ok(bytes) = std::fs::read(root.join(path)) else { continue };
        files.push(TreeFile { path: path.to_owned(), text: String::from_utf8(bytes).ok() });
    }
    assert!(files.iter().any(|file| file.path == "Cargo.toml"), "the tree was listed from its root");
    files
}

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(root());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Each room with the packages that it declares: name, and kind (`null` for normal ones).
fn declared(metadata: &Value) -> Vec<(String, Vec<(String, bool)>)> {
    let packages = metadata["packages"].as_array().unwrap();
    let dependencies = |package: &Value| {
        let list = package["dependencies"].as_array().unwrap();
        list.iter()
            .map(|found| (found["name"].as_str().unwrap().to_owned(), found["kind"].is_null()))
            .collect()
    };
    packages.iter().map(|package| (room_of(package), dependencies(package))).collect()
}

fn room_of(package: &Value) -> String {
    let name = package["name"].as_str().unwrap();
    name.strip_prefix("comity-").unwrap_or_else(|| panic!("{name} is not named comity-<room>")).to_owned()
}

/// The code of a room without its comments and tests: path and text.
fn library_code(files: &[TreeFile], room: &str) -> Vec<(String, String)> {
    let folder = format!("crates/{room}/src/");
    let mut sources = Vec::new();
    let mut tests = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with(&folder) && file.has_extension("rs")) {
        if file.is_generated() {
            continue;
        }
        let (code, test_modules) = without_tests(file.text());
        let module = file.path.trim_end_matches(".rs");
        let within =
            module.strip_suffix("/lib").or(module.strip_suffix("/main")).or(module.strip_suffix("/mod"));
        tests.extend(test_modules.iter().map(|name| format!("{}/{name}", within.unwrap_or(module))));
        sources.push((file.path.clone(), code));
    }
    sources.retain(|(path, _)| {
        let is = |test: &String| path.strip_prefix(test).is_some_and(|rest| rest.starts_with(['.', '/']));
        !tests.iter().any(is)
    });
    sources
}

/// The code lines before the test module, and the names of the test modules that are files of their own.
fn without_tests(text: &str) -> (String, Vec<String>) {
    let mut code = String::new();
    let mut modules = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]"
            && let Some(module) = lines.next_if(|next| next.starts_with("mod "))
        {
            match module.trim_start_matches("mod ").strip_suffix(';') {
                Some(name) => modules.push(name.to_owned()),
                // Tests come last in a file.
                None => break,
            }
        } else if !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    (code, modules)
}

/// Whether the code names `first::second`, also as `first::{.., second, ..}`; with an empty `second`, whether it
/// names anything of the crate `first`.
fn names(code: &str, first: &str, second: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(first).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| is_word(c) || c == ':') {
            return false;
        }
        let rest = &code[at + first.len()..];
        let Some(rest) = rest.strip_prefix("::") else {
            return second.is_empty() && code[..at].ends_with("use ") && rest.starts_with(';');
        };
        if second.is_empty() {
            return true;
        }
        let group = rest.strip_prefix('{').and_then(|group| group.split_once(';')).map(|(group, _)| group);
        let mut words = group.unwrap_or_else(|| rest.split(|c| !is_word(c)).next().unwrap_or_default());
        if group.is_none() {
            return words == second;
        }
        while let Some((_, tail)) = words.split_once(second) {
            let head = &words[..words.len() - tail.len() - second.len()];
            if !head.ends_with(is_word) && !head.ends_with(':') && !tail.starts_with(is_word) {
                return true;
            }
            words = tail;
        }
        false
    })
}

fn report(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn rooms_depend_on_each_other_only_as_decided() {
    let mut wrong = Vec::new();
    for (room, dependencies) in declared(&metadata()) {
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{room} is not a room of the plan"));
            continue;
        };
        for (name, normal) in dependencies {
            let Some(other) = name.strip_prefix("comity-") else { continue };
            if normal && !allowed.contains(&other) {
                wrong.push(format!("{room} -> {other}"));
            }
        }
    }
    report("edges that no decision permits", &wrong);
}

#[test]
fn the_workspace_has_no_features_and_no_build_scripts_and_one_program_to_run() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let room = room_of(package);
        if package["features"].as_object().is_some_and(|features| !features.is_empty()) {
            wrong.push(format!("{room} has features"));
        }
        let targets = package["targets"].as_array().unwrap();
        if targets.iter().any(|target| target["kind"][0] == "custom-build") {
            wrong.push(format!("{room} has a build script"));
        }
    }
    report("packages that build in more than one way", &wrong);
    // With two members that have a binary, `cargo run` could not choose.
    let members = metadata["workspace_default_members"].as_array().unwrap();
    assert!(members.len() == 1 && members[0].as_str().unwrap().contains("crates/cli"), "{members:?}");
}

#[test]
fn restricted_crates_are_named_by_their_holders_alone() {
    let files = tree();
    let mut wrong = Vec::new();
    for (room, dependencies) in declared(&metadata()) {
        let code = library_code(&files, &room);
        for (package, library, rooms) in HOLDERS {
            if rooms.contains(&room.as_str()) {
                continue;
            }
            if dependencies.iter().any(|(name, normal)| *normal && name == package) {
                wrong.push(format!("crates/{room}/Cargo.toml declares {package}"));
            }
            for (path, code) in &code {
                if names(code, library, "") {
                    wrong.push(format!("{path} names {library}"));
                }
            }
        }
        for (part, rooms) in RING_PARTS {
            for (path, code) in &code {
                if !rooms.contains(&room.as_str()) && names(code, "ring", part) {
                    wrong.push(format!("{path} names ring::{part}"));
                }
            }
        }
    }
    report("names outside their room", &wrong);
}

#[test]
fn pure_rooms_name_no_clock_no_chance_no_file_no_socket_no_thread() {
    let files = tree();
    let mut wrong = Vec::new();
    for room in PURE_ROOMS {
        for (path, code) in library_code(&files, room) {
            for (first, second) in IMPURE {
                // In no build that is shipped.
                let is_seam = path == planted::SEAM && (first, second) == ("std", "env");
                if names(&code, first, second) && !is_seam {
                    wrong.push(format!("{path} names {first}::{second}"));
                }
            }
        }
    }
    report("impurities", &wrong);
}

#[test]
fn the_wall_clock_is_read_in_one_place() {
    let files = tree();
    let mut readers = Vec::new();
    for (room, _) in EDGES {
        for (path, code) in library_code(&files, room) {
            if names(&code, "SystemTime", "now") {
                readers.push(path);
            }
        }
    }
    assert_eq!(readers, ["crates/node/src/clock.rs"]);
}

/// The type is public, since `ledger` decides what it permits and `store` makes it: the search stands in for
/// privacy.
#[test]
fn permission_to_sign_is_given_by_the_sign_lock_alone() {
    let files = tree();
    let mut givers = Vec::new();
    for (room, _) in EDGES {
        for (path, code) in library_code(&files, room) {
            if code.contains("LockedHead::synced") {
                givers.push(path);
            }
        }
    }
    assert_eq!(givers, ["crates/store/src/sign_lock.rs"]);
    let lock = files.iter().find(|file| file.path == "crates/ledger/src/lock.rs").unwrap();
    assert_eq!(lock.text().matches("fn synced(").count(), 1);
    assert_eq!(lock.text().matches("synced(").count(), 1, "ledger itself gives no permission");
}

#[test]
fn types_that_stand_for_a_proof_have_private_fields() {
    let files = tree();
    let mut wrong = Vec::new();
    for (name, path) in PROOFS {
        let file = files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no file {path}"));
        let open = [format!("pub struct {name} {{"), format!("pub struct {name}(")];
        let Some((_, body)) = open.iter().find_map(|open| file.text().split_once(open.as_str())) else {
            wrong.push(format!("{path} has no {name}"));
            continue;
        };
        let end = body.find("\n}").unwrap_or(body.len()).min(body.find(");").unwrap_or(body.len()));
        if body[..end].split(|c: char| !c.is_alphanumeric() && c != '(').any(|word| word == "pub") {
            wrong.push(format!("{path} opens a field of {name}"));
        }
    }
    report("proofs that anyone could make up", &wrong);
}

#[test]
fn every_source_file_is_short_and_says_what_it_is_for() {
    let mut wrong = Vec::new();
    for file in tree().iter().filter(|file| file.has_extension("rs") && !file.is_generated()) {
        let lines = file.text().lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("{} has {lines} lines, over {FILE_LINES_MAX}", file.path));
        }
        if !file.text().starts_with("//!") {
            wrong.push(format!("{} does not begin with //!", file.path));
        }
    }
    report("files that are not one idea, said at the top", &wrong);
}

#[test]
fn every_dependency_of_the_workspace_is_used() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, section) = manifest.split_once("[workspace.dependencies]\n").unwrap();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let entries = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    let used: BTreeSet<String> =
        declared(&metadata()).into_iter().flat_map(|(_, list)| list).map(|(name, _)| name).collect();
    // A room may stand for a while before the room that uses it.
    let is_room = |name: &&str| name.starts_with("comity-");
    let names = entries.map(|(name, _)| name).filter(|name| !is_room(name));
    let unused: Vec<String> = names.filter(|name| !used.contains(*name)).map(str::to_owned).collect();
    report("declared for the workspace, taken by no room", &unused);
}

/// Each invariant ends with `Kept by:` and the names of tests; each name is that of a function in the tree.
#[test]
fn every_invariant_names_a_test_that_exists() {
    let files = tree();
    let architecture = files.iter().find(|file| file.path == "docs/architecture.md").unwrap();
    let (_, section) = architecture.text().split_once("\n## Invariants\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let items: Vec<&str> = section.split("\n### ").skip(1).collect();
    assert!(items.len() >= 11, "the plan has eleven invariants, the page {}", items.len());
    let mut wrong = Vec::new();
    for item in items {
        let title = item.lines().next().unwrap_or_default();
        let Some((_, kept_by)) = item.split_once("Kept by:") else {
            wrong.push(format!("{title:?} does not say what keeps it"));
            continue;
        };
        let tests: Vec<&str> = kept_by.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() {
            wrong.push(format!("{title:?} names no test"));
        }
        for test in tests {
            let function = format!("fn {test}(");
            if !files.iter().any(|file| file.has_extension("rs") && file.text().contains(&function)) {
                wrong.push(format!("{title:?} names {test}, which is no function of the tree"));
            }
        }
    }
    report("invariants that nothing keeps", &wrong);
}

/// The search itself is tried, or a rule that finds nothing would prove nothing.
#[test]
fn the_search_finds_each_way_to_name_a_thing() {
    for code in
        ["use ring::rand;", "ring::rand::SystemRandom", "use ring::{aead, rand};", "use ring::{rand::Fill};"]
    {
        assert!(names(code, "ring", "rand"), "{code}");
    }
    for code in
        ["use rustls::crypto::ring::rand;", "ring::random", "use ring::{aead};", "string::rand", "ring"]
    {
        assert!(!names(code, "ring", "rand"), "{code}");
    }
    for code in ["use sled;", "sled::open", "#[sled::main]"] {
        assert!(names(code, "sled", ""), "{code}");
    }
    assert!(!names("let sled = 1; my_sled::x", "sled", ""));
    let text =
        "code\n// comment\n#[cfg(test)]\nmod other;\nmore\n#[cfg(test)]\nmod tests {\n    std::fs\n}\n";
    assert_eq!(without_tests(text), ("code\nmore\n".to_owned(), vec!["other".to_owned()]));
}
