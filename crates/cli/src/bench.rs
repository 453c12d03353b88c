//! `comity bench`: what this machine does with the real program, each figure beside a reference of the same run.
//!
//! A figure says nothing alone: another machine, or another load, gives another one. What is compared is the ratio
//! to the reference, which does a part of the same work and nothing else. Not here: the same measured by programs
//! that are not ours (`.ci/bench`), and what the figures mean (`docs/performance.md`).

mod append;
mod audit;
mod content;
mod fanout;
mod follower;
mod gossip;
mod latency;
mod measured;
mod null_stream;
mod parse;
mod party;
mod process;
mod raw_file;
mod replicate;

use comity_ledger::AgencyId;
use tokio::runtime::Runtime;

use crate::answer::{Answer, Refusal};
use crate::args::{Bench, BenchName};
use crate::bench::content::Content;
use crate::interruption::Interruption;
use crate::stage::Stage;

pub(crate) fn run(arguments: &Bench) -> Result<Answer, Refusal> {
    if (arguments.withheld || arguments.opened) && !arguments.has_choice() {
        return Err(Refusal::new(
            "usage",
            "this bench has entries of its own: --withheld and --opened are not for it",
        ));
    }
    if arguments.checkpoints.is_some() && !matches!(arguments.name, BenchName::Audit) {
        return Err(Refusal::new("usage", "--checkpoints is for the bench audit"));
    }
    let load = process::load();
    let measured = match arguments.name {
        BenchName::Replicate => replicate::run(arguments)?,
        BenchName::Append => append::run(arguments)?,
        BenchName::Latency => latency::run(arguments)?,
        BenchName::Audit => audit::run(arguments)?,
        BenchName::Fanout => fanout::run(arguments)?,
        BenchName::Gossip => gossip::run(arguments)?,
        BenchName::Parse => parse::run(arguments)?,
    };
    Ok(measured.answer(load))
}

impl Bench {
    /// Whether the content of the entries can be chosen.
    fn has_choice(&self) -> bool {
        !matches!(self.name, BenchName::Latency | BenchName::Fanout | BenchName::Gossip | BenchName::Parse)
    }

    fn content(&self) -> Content {
        match (self.withheld, self.opened) {
            (_, true) => Content::Opened,
            (true, false) => Content::Withheld,
            (false, false) => Content::Envelopes,
        }
    }
}

/// An empty stage, where the arguments say. A signal ends a bench as it ends any process.
fn stage_of(arguments: &Bench) -> Result<Stage, Refusal> {
    Stage::build("comity-bench-", arguments.dir.as_deref(), Interruption::none()).map_err(failed)
}

/// The agencies of a bench with two.
fn two_agencies() -> Result<[AgencyId; 2], Refusal> {
    Ok(["bench-a.example".parse().map_err(failed)?, "bench-b.example".parse().map_err(failed)?])
}

/// A runtime as a node has it.
fn runtime() -> Result<Runtime, Refusal> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)
}

/// Why a bench gave no figure.
fn failed(reason: impl std::fmt::Display) -> Refusal {
    Refusal::new("bench", reason.to_string())
}
