//! The configuration of a home: what is taken reads back, and the admin port never leaves the machine.
//!
//! The files themselves are compiled in, so that the node with all that it serves need not be.
#![no_main]

use std::io;
use std::path::PathBuf;

#[path = "../../crates/node/src/config.rs"]
#[allow(dead_code, reason = "files are read by the node")]
mod config;

/// The table `[http]`, where the first file looks for it.
#[path = "../../crates/node/src/http"]
#[allow(dead_code, reason = "the listener is not here")]
mod http {
    mod settings;

    pub(crate) use settings::{HttpSettings, HttpTable};
}

/// What the files need of the node's errors.
#[derive(Debug)]
#[allow(dead_code, reason = "nothing is read from a file here")]
enum NodeError {
    Config { path: PathBuf, reason: String },
    File { action: &'static str, path: PathBuf, source: io::Error },
}

libfuzzer_sys::fuzz_target!(|input: &str| {
    let Ok(config) = config::Config::parse(input) else { return };
    assert_eq!(config::Config::parse(&config.to_text()).as_ref(), Ok(&config));
    let admin: std::net::SocketAddr = config.admin.parse().unwrap();
    assert!(admin.ip().is_loopback());
});
