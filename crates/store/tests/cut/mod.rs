//! What every test of a power cut in a store needs: the disk as a journal tells it, and the library that writes one.
//!
//! Not here: what is cut off, which each test says for itself.

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../../../../tests/faults/disk.rs"]
#[allow(dead_code, reason = "other programs that are cut off need more of it")]
pub(crate) mod disk;

use disk::{Event, events};

/// This program again, which runs the test of this name as the process that is cut off: a variable of it names the home.
/// Gives what it did to the disk.
pub(crate) fn done_by(test: &str, variable: &str, home: &Path, library: &Path) -> Vec<Event> {
    let journal = library.with_extension("journal");
    std::fs::remove_file(&journal).unwrap_or_default();
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(variable, home)
        .env("LD_PRELOAD", library)
        .env("FAULTS_UNDER", home)
        .env("FAULTS_JOURNAL", &journal)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    events(&journal)
}

/// The library that writes a journal; `None`, said aloud, where there is no C compiler and need not be one.
pub(crate) fn library(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/shim/faults.c");
    let built = folder.join("faults.so");
    let compiled = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .args([&built, &source])
        .arg("-ldl")
        .status();
    let Ok(compiled) = compiled else {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "there is no C compiler");
        eprintln!("skipped: there is no C compiler");
        return None;
    };
    assert!(compiled.success());
    Some(built)
}
