//! Where folders are written, and where they are not: links, mount points, the current folder, the home itself, and
//! media that cannot be written.

use std::path::Path;
use std::process::{Command, Output};

use crate::agency::{Agency, answer, run, text};

/// Runs the program after `mount` commands that nobody else sees; `None`, said aloud, where this machine permits
/// none. `$0` is the program.
fn with_mounts(script: &str) -> Option<Output> {
    let own = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", script]);
        command.arg(env!("CARGO_BIN_EXE_comity")).env_remove("COMITY_HOME").output()
    };
    let permitted = own("mount -t tmpfs none /mnt").is_ok_and(|output| output.status.success());
    if !permitted {
        eprintln!("skipped: this machine permits no mounts");
        return None;
    }
    Some(own(script).unwrap())
}

fn refused(output: &Output, code: &str, says: &[&str]) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let answer = answer(output);
    assert_eq!(answer["error"]["code"], code, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    for words in says {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(!message.contains("os error"), "the system's raw words: {message}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn no_folder_is_made_in_place_of_a_link_a_file_or_the_current_folder() {
    let agency = Agency::found("agency-a.example");
    let (real, link, file) = (agency.beside("real"), agency.beside("link"), agency.write("file", b"mine"));
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let init = |place: &str| run(&["init", place, "--agency", "b.example", "--json"]);
    for (place, says) in [(&link, "link"), (&link.join(""), "link"), (&file, "no folder")] {
        refused(&init(text(place)), "place", &[says, text(place)]);
        for command in [&["bundle"][..], &["log", "export"]] {
            let message = agency.refused(&[command, &["--out", text(place)]].concat(), "place");
            assert!(message.contains(says) && message.contains("--out"), "{message}");
        }
    }
    let here = Command::new(env!("CARGO_BIN_EXE_comity"))
        .args(["init", ".", "--agency", "b.example", "--json"])
        .current_dir(&real)
        .output()
        .unwrap();
    refused(&here, "place", &["current folder"]);
    refused(&init(text(&agency.beside("missing/home"))), "place", &["missing; make that first"]);
    assert!(names(&real).is_empty() && std::fs::read(&file).unwrap() == b"mine");
    assert_eq!(names(&agency.beside("")), ["file", "home", "link", "real"]);
    assert!(init(text(&real)).status.success(), "an empty folder is filled");
}

#[test]
fn no_folder_is_made_in_place_of_a_mount_point() {
    let agency = Agency::found("agency-a.example");
    let (mount, home) = (agency.beside("mount"), agency.home());
    std::fs::create_dir(&mount).unwrap();
    let (mount, home) = (text(&mount), text(&home));
    // A medium of its own, and a folder of the same medium mounted over itself.
    for mounted in ["-t tmpfs none", &format!("--bind {mount}")] {
        for command in [
            format!("init {mount} --agency b.example"),
            format!("bundle --home {home} --out {mount}"),
            format!("log export --home {home} --out {mount}"),
        ] {
            let script = format!("mount {mounted} {mount}; exec \"$0\" {command} --json");
            let Some(output) = with_mounts(&script) else { return };
            refused(&output, "place", &["mount point", mount]);
            assert_eq!(names(&agency.beside("")), ["home", "mount"], "nothing is left behind");
        }
    }
}

#[test]
fn a_home_on_a_read_only_medium_is_refused_with_what_to_do() {
    let agency = Agency::found("agency-a.example");
    let home = text(&agency.home()).to_owned();
    for command in ["status", "log list", "screen --name X"] {
        let script = format!(
            "mount --bind {home} {home}; mount -o remount,bind,ro {home}; exec \"$0\" {command} --home {home} --json"
        );
        let Some(output) = with_mounts(&script) else { return };
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let answer = answer(&output);
        assert_eq!(answer["error"]["code"], "read_only_medium", "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("cp -a"), "{answer}");
    }
}

#[test]
fn nothing_is_written_into_the_home_but_by_the_node() {
    let agency = Agency::found("agency-a.example");
    let before = names(&agency.home());
    let link = agency.beside("link");
    std::os::unix::fs::symlink(agency.home(), &link).unwrap();
    for out in [agency.home().join("bundle"), agency.home().join("store/deep/er"), link.join("bundle")] {
        for command in [&["bundle"][..], &["log", "export"]] {
            let message = agency.refused(&[command, &["--out", text(&out)]].concat(), "place");
            assert!(message.contains("--out") && message.contains("home"), "{message}");
        }
    }
    assert_eq!(names(&agency.home()), before);
    assert!(!agency.home().join("store/deep").exists());
}

#[test]
fn an_address_that_is_none_is_refused_by_the_name_of_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    for (flag, value) in [
        ("--listen", "nonsense"),
        ("--listen", ":7443"),
        ("--admin", "nonsense"),
        ("--admin", "0.0.0.0:7444"),
    ] {
        let output = run(&["init", text(&home), "--agency", "a.example", flag, value, "--json"]);
        refused(&output, "config", &[flag, value]);
        let message = answer(&output).to_string();
        assert!(!message.contains("comity.toml") && !message.contains("listen."), "{message}");
    }
    assert!(names(folder.path()).is_empty());
}

/// Goal: who finds the backup does not find its keys in it, and who names the wrong folder is told the right one.
#[test]
fn backup_and_keys_are_kept_apart_and_a_wrong_folder_is_named() {
    let a = Agency::found("agency-a.example");
    let (saved, within) = (a.beside("saved"), a.beside("saved").join("keys"));
    for (out, keys) in [(&saved, &saved), (&saved, &within), (&within, &saved)] {
        let refused = a.refused(&["backup", "--out", text(out), "--keyring-out", text(keys)], "place");
        assert!(refused.contains("keep them apart") && !saved.exists(), "{refused}");
    }
    let keys = a.beside("keys");
    assert!(a.ask(&["backup", "--out", text(&saved), "--keyring-out", text(&keys)])["error"].is_null());
    let other = a.beside("other");
    let restore = |from: &Path, keyring: &Path| {
        let output = run(&[
            "restore",
            "--from",
            text(from),
            "--keyring",
            text(keyring),
            "--home",
            text(&other),
            "--json",
        ]);
        answer(&output)["error"]["message"].as_str().unwrap().to_owned()
    };
    for keyring in [&keys.join("keyring"), &saved, &a.beside("nowhere")] {
        let refused = restore(&saved, keyring);
        assert!(refused.contains("backup --keyring-out") && !refused.contains(".init-"), "{refused}");
    }
    assert!(restore(&keys, &keys).contains("backup --out"));
    assert!(!other.exists());
}
