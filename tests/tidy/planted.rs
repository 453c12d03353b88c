//! Bugs that are planted for the tests: where they may stand, and that each has its line in the script and on the page.
//!
//! Not here: that each is caught, which `.ci/planted` shows.

use std::collections::BTreeSet;

use super::{TreeFile, root, tree};

/// Who may name the switch. Without it there is no function to ask whether a bug is planted, so nothing that asks can
/// stand outside of it.
const NAMED_IN: [&str; 18] = [
    ".ci/planted",
    ".ci/turmoil",
    "Cargo.toml",
    "crates/ledger/src/commitment.rs",
    "crates/ledger/src/draft.rs",
    "crates/ledger/src/replica.rs",
    "crates/node/src/exchange/callers.rs",
    "crates/node/src/exchange/mod.rs",
    "crates/node/src/exchange/releaser.rs",
    "crates/node/src/own_log.rs",
    "crates/store/src/db.rs",
    "crates/store/src/replica.rs",
    "crates/tlog/src/lib.rs",
    "crates/tlog/src/note.rs",
    SEAM,
    "docs/architecture.md",
    "docs/robustness.md",
    "tests/tidy/planted.rs",
];

/// The one file that says which bug is planted: of the rooms without input it alone reads the environment.
pub(super) const SEAM: &str = "crates/tlog/src/planted.rs";

const BUGS: usize = 10;

#[test]
fn bugs_are_planted_where_they_are_listed_and_in_no_release() {
    let files = tree();
    let named: Vec<&str> =
        files.iter().filter(|file| file.text().contains("comity_planted")).map(|file| &*file.path).collect();
    assert_eq!(named, NAMED_IN);
    let seam = files.iter().find(|file| file.path == SEAM).unwrap();
    assert!(
        seam.text().contains("#[cfg(not(debug_assertions))]\ncompile_error!("),
        "a release refuses the switch"
    );
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(
        !manifest.contains("debug-assertions"),
        "by its assertions a release is told from a build for tests"
    );
}

#[test]
fn each_planted_bug_has_a_test_that_exists_and_a_line_on_the_page() {
    let files = tree();
    let find = |path: &str| files.iter().find(|file| file.path == path).unwrap().text();
    let (script, page) = (find(".ci/planted"), find("docs/robustness.md"));
    let (_, table) = script.split_once("<<'TABLE'\n").unwrap();
    let (table, _) = table.split_once("\nTABLE\n").unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let listed: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    let planted: Vec<&str> = code(&files).flat_map(planted_in).collect();
    assert_eq!(planted.iter().copied().collect::<BTreeSet<_>>(), listed, "planted, and tried by the script");
    assert_eq!((planted.len(), listed.len()), (BUGS, BUGS), "each once");
    for row in rows {
        let (bug, room, file, test) = (row[0], row[1], row[2], row[3].rsplit("::").next().unwrap());
        let begins = format!("crates/{room}/tests/{file}");
        let function = format!("fn {test}(");
        let exists =
            files.iter().any(|file| file.path.starts_with(&begins) && file.text().contains(&function));
        assert!(exists, "{begins} has no {test}");
        let is_said =
            |line: &str| line.contains(&format!("| `{bug}` |")) && line.contains(&format!("`{test}`"));
        assert!(page.lines().any(is_said), "docs/robustness.md does not say that {test} catches {bug}");
    }
}

fn code(files: &[TreeFile]) -> impl Iterator<Item = &TreeFile> {
    let is_code =
        |file: &&TreeFile| file.path.starts_with("crates/") && file.has_extension("rs") && file.path != SEAM;
    files.iter().filter(is_code)
}

/// The names of the bugs that a file plants.
fn planted_in(file: &TreeFile) -> Vec<&str> {
    file.text().split("::planted(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}
