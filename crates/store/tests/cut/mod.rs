//! What every test of a power cut in a store needs: the disk as a journal tells it, and the library that writes one.
//!
//! Not here: what is cut off, which each test says for itself.

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../../../../tests/faults/disk.rs"]
#[allow(dead_code, reason = "other programs that are cut off need more of it")]
pub(crate) mod disk;

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
