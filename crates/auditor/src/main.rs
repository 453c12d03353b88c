//! `comity-audit`: checks audit bundles and proofs offline, and trusts no node.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use comity_auditor::{
    ProvedEntry, TrustedKeys, prove, verify, verify_evidence, verify_evidence_beside, verify_proof,
    verify_proof_beside,
};
use comity_ledger::EVIDENCE_BYTES_MAX;
use comity_tlog::{BUNDLE_ENTRY_BYTES_MAX, EntryIndex, Hash, TLOG_PROOF_BYTES_MAX};
use serde::Serialize;
use serde_json::json;

#[derive(Parser)]
#[command(name = "comity-audit", version, about = "Checks audit bundles and proofs offline; trusts no node.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Recompute and compare everything in a bundle: signatures, witnesses, entries, tiles, roots, proofs, openings,
    /// changes.
    ///
    /// Exit status: 0 all checks passed, 1 at least one failed, 2 the command line is wrong.
    Verify {
        /// The folder of the bundle.
        bundle: PathBuf,
        #[command(flatten)]
        trust: Trust,
        /// Print the report as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Make the proof that an entry is in a log, as a tlog-proof document, on standard output.
    Prove {
        /// The index of the entry, from 0.
        index: u64,
        /// The folder of a bundle, or of one exported log.
        folder: PathBuf,
        /// Which log, where there are several.
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
        /// Write the document to this file, which must not exist.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Write the entry to this file as well, which must not exist.
        #[arg(long, value_name = "FILE")]
        entry_out: Option<PathBuf>,
        #[command(flatten)]
        trust: Trust,
        /// Print one JSON object, errors too.
        #[arg(long)]
        json: bool,
    },
    /// Check evidence that an author signed two histories; nothing else is needed.
    ///
    /// Exit status: 0 it convicts whoever has the keys it names, 1 it accuses nobody, 2 the command line is wrong.
    Evidence {
        /// The evidence file.
        file: PathBuf,
        #[command(flatten)]
        beside: Beside,
        #[command(flatten)]
        trust: Trust,
        /// Print the report as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Check a tlog-proof document against an entry, with keys or a policy got by another way.
    ///
    /// Exit status: 0 the entry is in the log, 1 that is not shown, 2 the command line is wrong.
    VerifyProof {
        /// The document.
        file: PathBuf,
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        beside: Beside,
        #[command(flatten)]
        trust: Trust,
        /// Print the report as one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// What the auditor brings.
#[derive(Args)]
struct Trust {
    /// A card, or a file with one vkey a line, got by another way than the bundle; may be repeated.
    #[arg(long, value_name = "FILE|CARD")]
    keys: Vec<PathBuf>,
    /// A policy (c2sp.org/tlog-policy) that says which witnesses are enough, and for which logs; may be repeated.
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
}

/// Where the key events of the log are.
#[derive(Args)]
struct Beside {
    /// A bundle that has the log: its key events say which key is in force for which size. It is audited first.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
}

/// What a proof is about.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// The entry, byte for byte.
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
    /// The leaf hash of the entry, base64.
    #[arg(long, value_name = "HASH", value_parser = Hash::parse_base64)]
    leaf: Option<Hash>,
}

/// Why nothing was checked.
struct Refused {
    code: &'static str,
    message: String,
}

fn main() -> ExitCode {
    let (json, done) = match Arguments::parse().command {
        Command::Verify { bundle, trust, json } => (json, verify_bundle(&bundle, &trust, json)),
        Command::Prove { index, folder, origin, out, entry_out, trust, json } => {
            let made = make_proof(&folder, origin.as_deref(), index, &trust);
            (json, made.and_then(|made| give_proof(&made, out.as_deref(), entry_out.as_deref(), json)))
        }
        Command::Evidence { file, beside, trust, json } => {
            (json, check_evidence(&file, beside.bundle.as_deref(), &trust, json))
        }
        Command::VerifyProof { file, of, beside, trust, json } => {
            (json, check_proof(&file, &of, beside.bundle.as_deref(), &trust, json))
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Refused { code, message }) => {
            if json {
                println!("{}", json!({ "error": { "code": code, "message": message } }));
            } else {
                eprintln!("comity-audit: {message}");
            }
            ExitCode::FAILURE
        }
    }
}

fn verify_bundle(bundle: &Path, trust: &Trust, json: bool) -> Result<bool, Refused> {
    let report = verify(bundle, &trust.read()?);
    print(json, &report, &report.to_text())?;
    Ok(report.ok)
}

fn make_proof(
    folder: &Path,
    origin: Option<&str>,
    index: u64,
    trust: &Trust,
) -> Result<ProvedEntry, Refused> {
    let index =
        EntryIndex::new(index).map_err(|error| Refused { code: "not_found", message: error.to_string() })?;
    let keys = trust.read()?;
    prove(folder, origin, index, &keys)
        .map_err(|error| Refused { code: error.code(), message: error.to_string() })
}

fn give_proof(
    made: &ProvedEntry,
    out: Option<&Path>,
    entry_out: Option<&Path>,
    json: bool,
) -> Result<bool, Refused> {
    for (path, bytes) in [(out, made.document.as_bytes()), (entry_out, &made.entry)] {
        if let Some(path) = path {
            write_new(path, bytes)?;
        }
    }
    if json {
        print(json, made, "")?;
    } else if out.is_none() {
        print!("{}", made.document);
    }
    Ok(true)
}

fn check_proof(
    file: &Path,
    of: &Of,
    bundle: Option<&Path>,
    trust: &Trust,
    json: bool,
) -> Result<bool, Refused> {
    let keys = trust.read()?;
    let document = read(file, TLOG_PROOF_BYTES_MAX)?;
    let leaf = match (&of.entry, of.leaf) {
        (Some(entry), _) => Hash::leaf(&read(entry, BUNDLE_ENTRY_BYTES_MAX)?),
        (None, Some(leaf)) => leaf,
        // The command line asks for one of them.
        (None, None) => return Err(Refused { code: "usage", message: "--entry or --leaf".to_owned() }),
    };
    let report = match bundle {
        Some(bundle) => verify_proof_beside(&document, &leaf, &keys, bundle),
        None => verify_proof(&document, &leaf, &keys),
    };
    print(json, &report, &report.to_text())?;
    Ok(report.ok)
}

fn check_evidence(file: &Path, bundle: Option<&Path>, trust: &Trust, json: bool) -> Result<bool, Refused> {
    let (bytes, keys) = (read(file, EVIDENCE_BYTES_MAX)?, trust.read()?);
    let report = match bundle {
        Some(bundle) => verify_evidence_beside(&bytes, &keys, bundle)
            .map_err(|reason| refused("bundle", bundle, &reason))?,
        None => verify_evidence(&bytes, &keys),
    };
    print(json, &report, &report.to_text())?;
    Ok(report.ok)
}

impl Trust {
    fn read(&self) -> Result<TrustedKeys, Refused> {
        let mut trusted = TrustedKeys::none();
        for path in &self.keys {
            trusted.add_path(path).map_err(|reason| refused("keys", path, &reason))?;
        }
        for path in &self.policy {
            trusted.add_policy_path(path).map_err(|reason| refused("policy", path, &reason))?;
        }
        Ok(trusted)
    }
}

fn print(json: bool, report: &impl Serialize, text: &str) -> Result<(), Refused> {
    if json {
        let text = serde_json::to_string(report)
            .map_err(|error| Refused { code: "internal", message: error.to_string() })?;
        println!("{text}");
    } else {
        println!("{text}");
    }
    Ok(())
}

/// Reads a whole file of at most `limit` bytes.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| refused("file", path, &error))?;
    if bytes.len() > limit {
        return Err(refused("file", path, &format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// Writes a file that does not exist yet: nobody's copy is lost.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Refused> {
    File::create_new(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| refused("out", path, &error))
}

fn refused(code: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> Refused {
    Refused { code, message: format!("{}: {reason}", path.display()) }
}
