//! Ctrl-C while a command writes a folder: it ends in order, and nothing hidden is left beside the place.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::agency::{Agency, table, text};

/// Records of the home, so that a bundle of it takes a moment.
const RECORDS: u32 = 3_000;
/// Tries until a signal has come in the middle of the work.
const TRIES: u32 = 20;

/// What stands in a folder under hidden names.
fn hidden(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with('.')).collect()
}

fn begin(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comity"));
    command.args(arguments).arg("--json").env_remove("COMITY_HOME");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Sends Ctrl-C as soon as the hidden folder is there, again and again in new places, until one came in time; whatever
/// came too late must have done all of its work.
fn interrupted_in_time(beside: &Path, out: &str, arguments: &dyn Fn(&Path) -> Vec<String>) {
    for number in 0..TRIES {
        let place = beside.join(format!("{out}-{number}"));
        let arguments = arguments(&place);
        let mut child = begin(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        while hidden(beside).is_empty() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        let sent =
            Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
        assert!(sent.is_ok());
        let ended = child.wait().unwrap();
        let said: Value = serde_json::from_reader(child.stdout.take().unwrap()).unwrap();
        assert!(hidden(beside).is_empty(), "{out}: {said}");
        match ended.code() {
            Some(130) => {
                assert_eq!(said["error"]["code"], "interrupted", "{said}");
                assert!(!place.exists(), "{out}: {said}");
                return;
            }
            code => assert!(code == Some(0) && place.exists(), "{out}: {code:?} {said}"),
        }
    }
    panic!("{out}: no signal came in time in {TRIES} tries");
}

/// Goal: whoever ends a command early finds nothing of it. Way: each command that builds a folder beside its place is sent
/// SIGINT as soon as that stands there.
#[test]
fn ctrl_c_leaves_no_hidden_folder_behind() {
    let a = Agency::found("agency-a.example");
    let list = a.write("list.csv", &table(1..=RECORDS));
    assert!(a.ask(&["import", "ofac", text(&list)])["error"].is_null());
    let (home, beside) = (a.home(), a.beside("places"));
    std::fs::create_dir(&beside).unwrap();
    let with = |words: &[&str], place: &Path, more: &[&str]| -> Vec<String> {
        words.iter().chain(&[text(place)]).chain(more).map(|word| (*word).to_owned()).collect()
    };
    let of_home = ["--home", text(&home)];
    interrupted_in_time(&beside, "bundle", &|place| with(&["bundle", "--out"], place, &of_home));
    let export = ["log", "export", "--origin", "agency-a.example/pub", "--out"];
    interrupted_in_time(&beside, "export", &|place| with(&export, place, &of_home));
    interrupted_in_time(&beside, "stix", &|place| with(&["export", "stix", "--out"], place, &of_home));
    interrupted_in_time(&beside, "misp", &|place| with(&["export", "misp", "--out"], place, &of_home));
    interrupted_in_time(&beside, "init", &|place| with(&["init"], place, &["--agency", "agency-b.example"]));
    let keys = |place: &Path| place.with_extension("keys");
    interrupted_in_time(&beside, "backup", &|place| {
        let keys = keys(place);
        with(&["backup", "--out"], place, &[&of_home[..], &["--keyring-out", text(&keys)]].concat())
    });
    let (saved, kept) = (a.beside("saved"), a.beside("kept"));
    assert!(a.ask(&["backup", "--out", text(&saved), "--keyring-out", text(&kept)])["error"].is_null());
    let from = ["restore", "--from", text(&saved), "--keyring", text(&kept), "--home"];
    interrupted_in_time(&beside, "restore", &|place| with(&from, place, &[]));
}

/// Goal: an import that is interrupted leaves a home that goes on, and nothing beside it.
#[test]
fn ctrl_c_in_an_import_leaves_a_home_that_goes_on() {
    let a = Agency::found("agency-a.example");
    let list = a.write("list.csv", &table(1..=RECORDS));
    let home = a.home();
    for wait in [5, 20, 60, 150] {
        let mut child = begin(&["import", "ofac", text(&list), "--home", text(&home)]);
        std::thread::sleep(Duration::from_millis(wait));
        assert!(
            Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .stderr(Stdio::null())
                .status()
                .is_ok()
        );
        child.wait().unwrap();
        assert!(hidden(home.parent().unwrap()).is_empty());
        assert!(hidden(&home).is_empty());
    }
    let done = a.ask(&["import", "ofac", text(&list)]);
    assert_eq!(done["records"].as_u64(), Some(u64::from(RECORDS)), "{done}");
    assert_eq!(a.head().0, u64::from(RECORDS) + 1);
}
