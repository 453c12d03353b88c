//! What can be typed behind `comity vocabulary`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use comity_watchlist::{CalendarDate, GoodsScheme};

use super::{HomeOf, day};

#[derive(Debug, Args)]
pub(crate) struct Vocabulary {
    #[command(subcommand)]
    pub(crate) command: VocabularyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VocabularyCommand {
    /// Enter an edition of a control list or customs tariff, signed; all of it or nothing.
    Import(EditionOf),
    /// The editions that the logs of this home have.
    List {
        /// Of one scheme alone, such as eu.
        #[arg(long, value_name = "SCHEME", value_parser = scheme)]
        scheme: Option<GoodsScheme>,
        /// Of one log alone.
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
        #[command(flatten)]
        of: HomeOf,
    },
    /// The codes of an edition with their titles.
    Show {
        /// The scheme, such as eu.
        #[arg(value_name = "SCHEME", value_parser = scheme)]
        scheme: GoodsScheme,
        /// A code: it, what it covers and what covers it; all codes if left out.
        #[arg(value_name = "CODE")]
        code: Option<String>,
        /// The edition; the newest one in force if left out.
        #[arg(long, value_name = "NAME")]
        edition: Option<String>,
        /// The log; the own publication log if left out.
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
        #[command(flatten)]
        of: HomeOf,
    },
}

/// An edition to be entered.
#[derive(Debug, Args)]
pub(crate) struct EditionOf {
    /// The scheme: eu, eccn, wassenaar, eu-ml, wassenaar-ml, usml, hs, cn or taric.
    #[arg(value_name = "SCHEME", value_parser = scheme)]
    pub(crate) scheme: GoodsScheme,
    /// The table of codes and titles (docs/formats.md).
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What the edition is called; no two of a scheme are called the same.
    #[arg(long, value_name = "NAME")]
    pub(crate) edition: String,
    /// From which day it is in force, yyyy-mm-dd.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) in_force: CalendarDate,
    /// The act that enacts it; may be repeated.
    #[arg(long, value_name = "CITATION", required = true)]
    pub(crate) legal: Vec<String>,
    #[command(flatten)]
    pub(crate) of: HomeOf,
}

impl VocabularyCommand {
    pub(crate) const fn of(&self) -> &HomeOf {
        match self {
            Self::Import(edition) => &edition.of,
            Self::List { of, .. } | Self::Show { of, .. } => of,
        }
    }
}

/// A scheme by its word.
fn scheme(word: &str) -> Result<GoodsScheme, String> {
    let words: Vec<String> = GoodsScheme::all().map(|scheme| scheme.to_string()).collect();
    GoodsScheme::from_word(word).ok_or_else(|| format!("the schemes are {}", words.join(", ")))
}
