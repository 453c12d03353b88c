//! `comity-audit`: checks an audit bundle offline, and trusts no node.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use comity_auditor::{TrustedKeys, verify};

#[derive(Parser)]
#[command(name = "comity-audit", version, about = "Checks an audit bundle offline; trusts no node.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Recompute and compare everything in a bundle: signatures, entries, tiles, roots, openings, changes.
    ///
    /// Exit status: 0 all checks passed, 1 at least one failed, 2 the command line is wrong.
    Verify {
        /// The folder of the bundle.
        bundle: PathBuf,
        /// A card, or a file with one vkey a line, got by another way than the bundle; may be repeated.
        #[arg(long, value_name = "FILE|CARD")]
        keys: Vec<PathBuf>,
        /// Print the report as one JSON object.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let Command::Verify { bundle, keys, json } = Arguments::parse().command;
    let mut trusted = TrustedKeys::none();
    for path in &keys {
        if let Err(reason) = trusted.add_path(path) {
            return refuse(json, &format!("{}: {reason}", path.display()));
        }
    }
    let report = verify(&bundle, &trusted);
    if json {
        match serde_json::to_string(&report) {
            Ok(text) => println!("{text}"),
            Err(error) => return refuse(json, &error.to_string()),
        }
    } else {
        println!("{}", report.to_text());
    }
    if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn refuse(json: bool, message: &str) -> ExitCode {
    if json {
        println!("{}", serde_json::json!({ "error": { "code": "keys", "message": message } }));
    } else {
        eprintln!("comity-audit: {message}");
    }
    ExitCode::FAILURE
}
