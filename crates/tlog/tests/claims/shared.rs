//! Finds the shared vectors and reads them; knows nothing of what they mean.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// The folders with a reader in this test, each of which walks all files of its own.
const FOLDERS: [&str; 8] =
    ["checkpoints", "cosignatures", "merkle", "notes", "proofs", "tiles", "tlog-sample", "witness"];

/// The folder of the log's vectors, unless this checkout stands alone.
pub(crate) fn vectors() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found =
        here.ancestors().skip(1).map(|above| above.join("shared/vectors/tlog")).find(|path| path.is_dir());
    if found.is_none() {
        assert!(
            std::env::var_os("COMITY_REQUIRE_SHARED").is_none_or(|set| set != "1"),
            "shared vectors are missing"
        );
        eprintln!("skipped: no shared vectors beside this checkout");
    }
    found
}

/// Every file below a folder of the vectors, in order.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let Some(vectors) = vectors() else { return Vec::new() };
    let mut found = Vec::new();
    let mut waiting = vec![vectors.join(folder)];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { waiting.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} has no files");
    found
}

/// Every JSON document below a folder; a file of another kind has no reader and fails the test.
pub(crate) fn documents(folder: &str) -> Vec<(PathBuf, Value)> {
    let parse = |path: PathBuf| {
        let document = serde_json::from_slice(&fs::read(&path).unwrap());
        (path.clone(), document.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    files(folder).into_iter().map(parse).collect()
}

/// Every case of documents that are lists of cases.
pub(crate) fn cases(folder: &str) -> Vec<Value> {
    documents(folder).into_iter().flat_map(|(_, document)| document.as_array().unwrap().clone()).collect()
}

/// A text that must be there.
pub(crate) fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_else(|| panic!("no text {field} in {case}"))
}

/// A number that must be there.
pub(crate) fn number(case: &Value, field: &str) -> u64 {
    case[field].as_u64().unwrap_or_else(|| panic!("no number {field} in {case}"))
}

/// A verdict that must be there.
pub(crate) fn verdict(case: &Value, field: &str) -> bool {
    case[field].as_bool().unwrap_or_else(|| panic!("no verdict {field} in {case}"))
}

/// A list of texts; absent and null mean none.
pub(crate) fn texts<'a>(case: &'a Value, field: &str) -> Vec<&'a str> {
    case[field].as_array().into_iter().flatten().map(|item| item.as_str().unwrap()).collect()
}

pub(crate) fn unbase64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn every_folder_of_the_vectors_has_a_reader() {
    let Some(vectors) = vectors() else { return };
    let entries = fs::read_dir(vectors).unwrap().map(|entry| entry.unwrap());
    let found: BTreeSet<String> = entries
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, FOLDERS.map(String::from).into());
}
