//! What `comity bench` takes. Not here: what is measured (`bench`).

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure.
    pub(crate) name: BenchName,
    /// How many entries, comparisons of heads or records of a list, at least 2; each bench has a number of its own if
    /// left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=100_000_000))]
    pub(crate) entries: Option<u64>,
    /// Entries with sections that stay with their author; else entries without any. Not for latency, fanout,
    /// gossip and parse.
    #[arg(long, conflicts_with = "opened")]
    pub(crate) withheld: bool,
    /// Entries with sections that are opened to the peer, about 700 bytes in all. Not for latency, fanout,
    /// gossip and parse.
    #[arg(long)]
    pub(crate) opened: bool,
    /// How many checkpoints the log has, spread evenly; else one for each batch of an import. For audit only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=1_000_000))]
    pub(crate) checkpoints: Option<u64>,
    /// The folder in which temporary homes are made; where the system keeps temporary files if left out.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Print one JSON object on standard output, errors too.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchName {
    /// A log from one node to another, verified and durable there.
    Replicate,
    /// Durable appends to the own log, by many writers and by one.
    Append,
    /// From a commit at one node to its being seen at another, and a reconnect without news.
    Latency,
    /// The offline verification of an audit bundle.
    Audit,
    /// Ten followers of one author, and one of them slow.
    Fanout,
    /// Comparisons of heads between two peers, with nothing new on either side.
    Gossip,
    /// Official lists from their bytes to records.
    Parse,
}
