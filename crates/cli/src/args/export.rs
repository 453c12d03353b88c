//! What can be typed behind `comity export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::HomeOf;

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// As what.
    #[arg(value_name = "FORMAT", value_enum)]
    pub(crate) format: OutFormatName,
    /// The list, such as us-ofac-sdn; all lists of the log if left out.
    #[arg(long, value_name = "LIST")]
    pub(crate) list: Option<String>,
    /// The log; the own publication log if left out.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Option<String>,
    /// The file to write, which is not there yet; of misp a folder, missing or empty.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) of: HomeOf,
}

/// A format that others read.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OutFormatName {
    /// A STIX 2.1 bundle.
    Stix,
    /// FollowTheMoney entities, one JSON object a line.
    Ftm,
    /// A table with the columns of OpenSanctions' targets.simple.csv.
    Csv,
    /// A folder that MISP reads as a feed.
    Misp,
}
