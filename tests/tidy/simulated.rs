//! The seam at which whole nodes are simulated: where its switch may stand, and that all of a node goes through it.
//!
//! Not here: the simulation (`tests/turmoil`).

use std::collections::BTreeSet;

use super::{library_code, tree};

/// Who may name the switch.
const NAMED_IN: [&str; 8] = [
    ".ci/turmoil",
    "Cargo.toml",
    "crates/node/src/off_reactor.rs",
    "crates/node/src/tls/mod.rs",
    "crates/node/src/tls/network.rs",
    "docs/architecture.md",
    "docs/robustness.md",
    "tests/tidy/simulated.rs",
];

const NOWHERE: &str = "nowhere";

/// What a node has of the system only in one place each, so that a simulation can take its place.
const SEAMS: [(&str, &str); 6] = [
    ("spawn_blocking", "crates/node/src/off_reactor.rs"),
    ("block_on", "crates/node/src/off_reactor.rs"),
    ("thread::Builder", "crates/node/src/off_reactor.rs"),
    ("thread::spawn", NOWHERE),
    ("thread::scope", "crates/node/src/off_reactor.rs"),
    ("tokio::net", "crates/node/src/tls/network.rs"),
];

#[test]
fn the_network_is_simulated_where_it_is_listed_and_in_no_release() {
    let files = tree();
    let named: Vec<&str> = files
        .iter()
        .filter(|file| file.text().contains("comity_simulated"))
        .map(|file| &*file.path)
        .collect();
    assert_eq!(named, NAMED_IN);
    let seam = files.iter().find(|file| file.path == "crates/node/src/off_reactor.rs").unwrap();
    assert!(
        seam.text().contains("#[cfg(all(comity_simulated, not(debug_assertions)))]\ncompile_error!("),
        "a release refuses the switch"
    );
}

#[test]
fn a_node_has_threads_and_sockets_in_one_place_each() {
    let mut named = BTreeSet::new();
    for (path, code) in library_code(&tree(), "node") {
        let found = SEAMS.iter().filter(|(what, _)| code.contains(what));
        named.extend(found.map(|(what, _)| (*what, path.clone())));
    }
    let listed = SEAMS.iter().filter(|(_, place)| *place != NOWHERE);
    assert_eq!(named, listed.map(|(what, place)| (*what, (*place).to_owned())).collect());
}
