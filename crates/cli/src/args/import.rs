//! What `comity import` takes. Not here: what is done with it (`crate::import`).

use std::path::PathBuf;

use clap::{Args, Subcommand};
use comity_watchlist::ListId;

use super::{HomeOf, UsList};

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    pub(crate) source: ImportSource,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportSource {
    /// Any of the lists below whose format is told by content; of `us` the list must be named.
    Auto {
        /// The files of one publication.
        #[arg(required = true, num_args = 1..=4, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        how: ImportHow,
    },
    /// OFAC's SDN or consolidated list: as tables (subjects, and with them any of aliases, addresses, comments), or as XML.
    Ofac {
        /// The tables, told apart by their columns, or the document.
        #[arg(required = true, num_args = 1..=4, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        how: ImportHow,
    },
    /// The consolidated list of the UN Security Council, as XML.
    Un {
        /// The list.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        how: ImportHow,
    },
    /// The EU's consolidated list of financial sanctions, as XML 1.1 or as CSV.
    Eu {
        /// The list.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        how: ImportHow,
    },
    /// OFSI's consolidated list or the UK sanctions list, as CSV.
    Uk {
        /// The list.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        how: ImportHow,
    },
    /// Canada's consolidated autonomous sanctions list, as XML.
    Canada {
        /// The list.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        how: ImportHow,
    },
    /// The sanctions list of Switzerland's SECO, as XML: the whole list or an amendment.
    Seco {
        /// The list.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        how: ImportHow,
    },
    /// An export list of the United States: out of the Consolidated Screening List as CSV, or the Denied Persons List.
    Us {
        /// The list.
        #[arg(value_name = "LIST", value_enum)]
        list: UsList,
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        how: ImportHow,
    },
    /// A list as a table with the columns that `comity export csv` writes, into a list of your own.
    Csv {
        /// The table.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        own: OwnList,
        #[command(flatten)]
        how: ImportHow,
    },
    /// A list as entities of FollowTheMoney, one JSON object a line, and behind them deltas of it, into a list of your own.
    Ftm {
        /// The entities, and behind them each delta in its order.
        #[arg(required = true, num_args = 1..=16, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        own: OwnList,
        #[command(flatten)]
        how: ImportHow,
    },
    /// Subjects of a bundle of STIX 2.1, as `comity export stix` writes it or others do, into a list of your own.
    Stix {
        /// The bundle.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        own: OwnList,
        #[command(flatten)]
        how: ImportHow,
    },
    /// A list as records of our own form, one JSON object a line, into a list of your own.
    Jsonl {
        /// The records.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        own: OwnList,
        #[command(flatten)]
        how: ImportHow,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OwnList {
    /// The list that the records are entered on, where the file does not say it.
    #[arg(long, value_name = "LIST", value_parser = ListId::parse)]
    pub(crate) list: Option<ListId>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportHow {
    #[command(flatten)]
    pub(crate) of: HomeOf,
    /// Accept that more than 5 % or more than 50 records end at once.
    #[arg(long)]
    pub(crate) accept_removals: bool,
    /// Show what would be signed, record by record, and sign nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not wait for another process that holds the home: refuse at once.
    #[arg(long)]
    pub(crate) no_wait: bool,
}
