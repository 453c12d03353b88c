//! What must never be committed: unfinished places, paths of one machine, private keys.
//!
//! Not here: the rules of rooms and files, and the reading of the tree (`tidy`).

use super::{TreeFile, report, tree};

#[test]
fn nothing_unfinished_or_switched_off_is_committed() {
    // Put together here, so that this file does not find itself.
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        // As a mark only: it is also a branch code of ISO 9362.
        ["// XX", "X"].concat(),
        ["XX", "X:"].concat(),
        ["todo", "!("].concat(),
        ["unimplemented", "!("].concat(),
        ["#[", "ignore"].concat(),
    ];
    let mut wrong = Vec::new();
    let checked = |file: &&TreeFile| ["rs", "proto", "toml"].iter().any(|kind| file.has_extension(kind));
    for file in tree().iter().filter(checked).filter(|file| !file.is_generated()) {
        for (line, number) in file.text().lines().zip(1..) {
            if let Some(mark) = marks.iter().find(|mark| line.contains(mark.as_str())) {
                wrong.push(format!("{}:{number} has {mark}", file.path));
            }
        }
    }
    report("unfinished places", &wrong);
}

#[test]
fn no_path_of_a_machine_is_committed() {
    // The usual folders of people, and the one that this very checkout lies in.
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap();
    let here = format!("{}/", here.display());
    let mut folders: Vec<String> = ["home", "root", "Users"].map(|name| format!("/{name}/")).into();
    folders.extend((here.len() > 1).then_some(here));
    let mut wrong = Vec::new();
    for file in
        tree().iter().filter(|file| file.path != "tests/tidy/committed.rs" && file.path != "Cargo.lock")
    {
        for (line, number) in file.text().lines().zip(1..) {
            let found = folders.iter().any(|folder| {
                line.match_indices(folder.as_str()).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|c| c.is_whitespace() || "\"'`(=:".contains(c))
                })
            });
            if found {
                wrong.push(format!("{}:{number}", file.path));
            }
        }
    }
    report("paths that exist on one machine only", &wrong);
}

#[test]
fn no_private_key_is_committed() {
    let text_key = ["PRIVATE", "+KEY+"].concat();
    let pem_end = ["PRIVATE", " KEY-----"].concat();
    let mut wrong = Vec::new();
    for file in tree() {
        if file.has_extension("key") {
            wrong.push(format!("{} is a key file", file.path));
        }
        let text = file.text();
        if text.lines().any(|line| line.contains("-----BEGIN") && line.contains(&pem_end)) {
            wrong.push(format!("{} holds a PEM key", file.path));
        }
        // Shorter ones are descriptions of the form.
        let is_key = |(_, after): (&str, &str)| after.find([' ', '"', '\n']).unwrap_or(after.len()) > 48;
        if text.split_once(&text_key).is_some_and(is_key) {
            wrong.push(format!("{} holds a signing key", file.path));
        }
    }
    report("private keys", &wrong);
}
