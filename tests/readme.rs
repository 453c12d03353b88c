//! The README's commands work as they stand there.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::agency::text;

/// The blocks of commands of the README, in order.
fn blocks() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let blocks = readme.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Goal: a stranger who pastes the blocks of the README meets no error. Way: the blocks as they stand, but with the
/// programs of this build, with ports that are free here, and with a look in place of a pause.
#[test]
fn no_command_of_the_readme_fails() {
    let [_, alone, together] = <[String; 3]>::try_from(blocks()).unwrap();
    let bin = tempfile::tempdir().unwrap();
    let comity = env!("CARGO_BIN_EXE_comity");
    // The auditor's program is another package's; this one answers the same.
    let audit = format!("#!/bin/sh\nshift\nexec {comity} bundle verify \"$@\"\n");
    std::fs::write(bin.path().join("comity-audit"), audit).unwrap();
    std::fs::set_permissions(bin.path().join("comity-audit"), std::fs::Permissions::from_mode(0o755))
        .unwrap();
    std::os::unix::fs::symlink(comity, bin.path().join("comity")).unwrap();
    let mut script = format!(
        "set -e\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{alone}{together}wait\necho played\n"
    );
    for (from, to) in [
        ("cargo build --release --workspace\n".to_owned(), String::new()),
        ("$PWD/target/release".to_owned(), text(bin.path()).to_owned()),
        (
            "comity init agency-a".to_owned(),
            format!("comity init agency-a --listen {} --admin {}", free(), free()),
        ),
        ("127.0.0.1:7453".to_owned(), free()),
        ("127.0.0.1:7454".to_owned(), free()),
        (
            "sleep 2\n".to_owned(),
            "until comity peer list --home agency-b | grep -q active; do sleep 0.1; done\n\
             until comity screen --id passport:S0042137 --home agency-b | grep -q hits; do sleep 0.1; done\n"
                .to_owned(),
        ),
        // Between the nodes and those who ask them there is a moment on a terminal, too.
        ("comity serve --home agency-a &\n".to_owned(), serving("agency-a")),
        ("comity serve --home agency-b &\n".to_owned(), serving("agency-b")),
    ] {
        assert!(script.contains(&from), "the README has no {from:?} any more");
        script = script.replace(&from, &to);
    }
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new("timeout")
        .args(["120", "bash", "-c", &script])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env("TMPDIR", temporary.path())
        .env_remove("COMITY_HOME")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.ends_with("played\n"), "{output:?}");
    assert!(said.contains("signed    0 added") && said.contains("trusted key"), "{said}");
    assert_eq!(said.matches("STROGANOVSKY, Fyodor Ilyich").count(), 3, "shown, and found twice: {said}");
}

fn serving(home: &str) -> String {
    format!("comity serve --home {home} &\nuntil test -e {home}/run/node.json; do sleep 0.1; done\n")
}
