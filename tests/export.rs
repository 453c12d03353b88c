//! `comity export`: the same bytes whoever is asked, nothing written where it must not be, and what has ended says so.
//!
//! What readers that no one here wrote make of it is asked by `.ci/interop`.

use std::path::Path;

use serde_json::Value;

use crate::agency::{Agency, table, text};
use crate::nodes::{Node, until};

const FORMATS: [&str; 4] = ["stix", "ftm", "csv", "misp"];

/// All files of an export with their bytes.
fn bytes(place: &Path) -> Vec<(String, Vec<u8>)> {
    if place.is_file() {
        return vec![(String::new(), std::fs::read(place).unwrap())];
    }
    let files = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> = files.map(|path| (name(&path), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}

/// Goal: one log, one file, wherever it is asked for. Way: A's node, A's home at rest, and B, which follows A.
#[test]
fn the_same_log_gives_the_same_bytes_of_a_running_node_a_home_at_rest_and_a_follower() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    let list = a.agency.write("list.csv", &table(1..=600));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&list)])["added"], 600);
    let shorter = a.agency.write("shorter.csv", &table((1..=600).filter(|number| *number != 7)));
    assert_eq!(a.agency.ask(&["import", "ofac", text(&shorter)])["removed"], 1);
    b.reaches(&a.origin, &a.head(&a.origin));
    until("B was given all of it", || {
        let said = b.agency.ask(&["log", "records", "us-ofac-sdn", "--origin", &a.origin]);
        let states =
            said["records"].as_array().unwrap().iter().map(|record| record["state"].as_str().unwrap());
        states.clone().count() == 600 && states.filter(|state| *state == "delisted").count() == 1
    });
    let export = |agency: &Agency, format: &str, name: &str| {
        let place = agency.beside(&format!("{name}-{format}"));
        let said = agency.ask(&["export", format, "--origin", &a.origin, "--out", text(&place)]);
        assert!(said["error"].is_null(), "{said}");
        (bytes(&place), said)
    };
    let asked = FORMATS.map(|format| export(&a.agency, format, "running"));
    let followed = FORMATS.map(|format| export(&b.agency, format, "followed"));
    for ((ours, said), (theirs, _)) in asked.iter().zip(&followed) {
        assert!(ours == theirs, "{said}");
    }
    let counts = asked
        .each_ref()
        .map(|(_, said)| (said["records"].as_u64().unwrap(), said["left_out"].as_u64().unwrap()));
    assert_eq!(counts, [(600, 0), (599, 1), (599, 1), (600, 0)]);
    assert_eq!(asked[3].1["files"], 602);
    assert!(a.stop());
    for (format, (ours, _)) in FORMATS.iter().zip(&asked) {
        let place = a.agency.beside(&format!("resting-{format}"));
        let said = a.agency.ask(&["export", format, "--out", text(&place), "--list", "us-ofac-sdn"]);
        // A bundle is named after its list too.
        assert!(bytes(&place) == *ours || *format == "stix", "{said}");
    }
    let bundle: Value = serde_json::from_slice(&asked[0].0[0].1).unwrap();
    let objects = bundle["objects"].as_array().unwrap();
    let revoked: Vec<&Value> = objects.iter().filter(|one| one["revoked"] == true).collect();
    assert_eq!((revoked.len(), &revoked[0]["name"]), (1, &"MIRAGE, Number 7".into()));
    assert!(revoked[0]["modified"].as_str() >= revoked[0]["created"].as_str());
}

#[test]
fn nothing_is_written_over_or_into_the_home_and_what_is_not_there_is_said() {
    let agency = Agency::found("agency-a.example");
    let list = agency.write("list.csv", &table(1..=3));
    agency.ask(&["import", "ofac", text(&list)]);
    let (file, home) = (agency.write("mine", b"mine"), agency.home());
    let folder = agency.beside("folder");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(agency.beside("nowhere"), agency.beside("link")).unwrap();
    for format in ["stix", "ftm", "csv"] {
        for place in [&file, &folder, &agency.beside("link")] {
            agency.refused(&["export", format, "--out", text(place)], "not_empty");
        }
        let inside = home.join("out");
        agency.refused(&["export", format, "--out", text(&inside)], "place");
        assert!(!inside.exists());
    }
    agency.refused(&["export", "misp", "--out", text(&home.join("out"))], "place");
    let out = agency.beside("out");
    agency.refused(&["export", "stix", "--origin", "b.example/pub", "--out", text(&out)], "no_such_log");
    agency.refused(&["export", "stix", "--list", "No List", "--out", text(&out)], "name");
    agency.refused(&["export", "csv", "--out", text(&agency.beside("none/out"))], "file");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert!(!out.exists());
    // A list that nobody has is an empty one.
    let said = agency.ask(&["export", "misp", "--list", "none", "--out", text(&out)]);
    assert_eq!((&said["records"], &said["files"]), (&0.into(), &2.into()), "{said}");
    assert_eq!(std::fs::read(out.join("manifest.json")).unwrap(), b"{\n}\n");
    let left: Vec<_> = bytes(out.parent().unwrap().join("folder").as_path());
    assert!(left.is_empty());
}
