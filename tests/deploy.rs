//! The examples under `deploy/` are such as the programs take.

use std::process::Command;

use comity_node::{Config, Release};

#[test]
fn the_example_configuration_is_read_and_an_unknown_key_in_it_refused() {
    let example = include_str!("../deploy/comity.toml");
    let config = Config::parse(example).unwrap();
    assert_eq!((config.agency.as_str(), config.release), ("agency-a.example", Release::Peers));
    assert_eq!(config.http, None);
    let with_http = example
        .replace("# [http]", "[http]")
        .replace("# listen", "listen")
        .replace("# origins", "origins")
        .replace("# witness", "witness");
    let http = Config::parse(&with_http).unwrap().http.unwrap();
    assert!(http.metrics && !http.public && http.origins.len() == 1);
    let unknown = format!("{example}\n[surprise]\nkey = 1\n");
    assert!(Config::parse(&unknown).unwrap_err().contains("surprise"));
}

#[test]
fn the_system_unit_is_hardened() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/comity.service");
    let text = std::fs::read_to_string(unit).unwrap();
    assert!(text.contains("ExecStart=/usr/bin/comity serve --home /var/lib/comity/home"));
    let asked = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=15", "--no-pager", unit])
        .output();
    let Ok(said) = asked else {
        eprintln!("skipped: systemd-analyze is not here");
        return;
    };
    // The threshold is the exposure in tenths: above 1.5 the exit status is not 0.
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}
