//! Bad input to every command: a clear error, the exit status as decided, the state as it was.

use crate::agency::{Agency, run, table, text};

#[test]
fn what_cannot_be_typed_exits_2_and_says_how_it_is_typed() {
    for arguments in [
        &[][..],
        &["nonsense"],
        &["init"],
        &["init", "x"],
        &["import"],
        &["import", "ofac"],
        &["import", "ofac", "a", "b", "c", "d", "e"],
        &["import", "un", "a", "b"],
        &["log", "show"],
        &["log", "show", "minus-one"],
        &["log", "export"],
        &["bundle"],
        &["bundle", "verify"],
        &["status", "--hoem", "x"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("Usage") || said.contains("--help"), "{arguments:?}: {said}");
    }
}

#[test]
fn what_is_refused_exits_1_with_a_code_and_changes_nothing() {
    let agency = Agency::found("agency-a.example");
    let list = agency.write("list.csv", &table(1..=5));
    assert_eq!(agency.ask(&["import", "ofac", text(&list)])["added"], 5);
    let before = agency.head();
    let full = agency.beside("");
    let missing = agency.beside("missing.csv");
    agency.refused(&["import", "ofac", text(&missing)], "file");
    agency.refused(&["import", "ofac", text(&full)], "file");
    agency.refused(&["import", "ofac", text(&list), text(&list)], "bad_source");
    agency.refused(&["log", "show", "6"], "no_such_entry");
    agency.refused(&["log", "show", "18446744073709551615"], "no_such_entry");
    agency.refused(&["log", "show", "0", "--origin", "nonsense"], "name");
    agency.refused(&["log", "show", "0", "--origin", "agency-b.example/pub"], "no_such_log");
    agency.refused(&["log", "export", "--out", text(&full)], "not_empty");
    agency.refused(&["bundle", "--out", text(&full)], "not_empty");
    agency.refused(&["bundle", "--out", "/proc/nowhere"], "file");
    assert_eq!(agency.head(), before);
}

#[test]
fn a_folder_that_is_no_home_is_never_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let here = text(folder.path());
    for arguments in [
        &["status", "--home", here, "--json"][..],
        &["log", "list", "--home", here, "--json"],
        &["card", "--home", here, "--json"],
        &["bundle", "--home", here, "--out", "x", "--json"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let answer = crate::agency::answer(&output);
        assert_eq!(answer["error"]["code"], "not_a_home", "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn init_refuses_what_is_no_agency_and_what_is_not_empty() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    for (agency, more, code) in [
        ("A", &[][..], "name"),
        ("Agency.Example", &[], "name"),
        ("a.example/pub", &[], "name"),
        ("a.example", &["--listen", "nowhere"], "config"),
        ("a.example", &["--admin", "0.0.0.0:7444"], "config"),
    ] {
        let mut arguments = vec!["init", text(&home), "--agency", agency, "--json"];
        arguments.extend(more);
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(crate::agency::answer(&output)["error"]["code"], code, "{arguments:?}");
        assert!(!home.exists(), "nothing was made");
    }
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("letter"), "mine").unwrap();
    let output = run(&["init", text(&home), "--agency", "a.example", "--json"]);
    assert_eq!(crate::agency::answer(&output)["error"]["code"], "not_empty");
    assert_eq!(std::fs::read(home.join("letter")).unwrap(), b"mine");
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    use std::process::{Command, Stdio};
    let agency = Agency::found("agency-a.example");
    let mut child = Command::new(env!("CARGO_BIN_EXE_comity"))
        .args(["card", "--home", text(&agency.home())])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}
