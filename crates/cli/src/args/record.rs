//! What can be typed after `comity record`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::HomeOf;

#[derive(Debug, Args)]
pub(crate) struct Record {
    #[command(subcommand)]
    pub(crate) command: RecordCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// List somebody or something for the first time.
    Add(Written),
    /// Say something new of a record: the whole record as it now is.
    Amend(Written),
    /// Put right what was wrong in a record: the whole record as it should have been.
    Correct(Written),
    /// List again what has ended, on new grounds, under a new handle.
    Relist {
        #[command(flatten)]
        written: Written,
        /// Put it under the label of a new listing alone, even if that of the former one was stricter.
        #[arg(long)]
        label_anew: bool,
    },
    /// Take a record out of effect until it is resumed.
    Suspend(Acted),
    /// End a suspension.
    Resume(Acted),
    /// End a record for good.
    Delist {
        /// On what ground: expired, annulled, deceased, mistaken or superseded.
        #[arg(long, value_name = "WORD", value_parser = ground)]
        ground: Option<comity_watchlist::DelistReason>,
        /// From which day, as yyyy-mm-dd.
        #[arg(long, value_name = "DATE", value_parser = day)]
        effective: Option<comity_watchlist::CalendarDate>,
        #[command(flatten)]
        acted: Acted,
    },
    /// Take back a record that should never have been shared.
    Withdraw(Acted),
    /// Destroy what was said of a record; that there was one stays.
    Erase(Acted),
    /// Carry out erasures that peers gave back and that this home is not known to have signed; list them if none is named.
    Confirm(Confirm),
    /// Give a record another reference, or put it on another list.
    Rekey {
        #[command(flatten)]
        acted: Acted,
        /// The list that it is on from now on.
        #[arg(value_name = "NEW_LIST")]
        to_list: String,
        /// The reference that it has there.
        #[arg(value_name = "NEW_REFERENCE")]
        to_reference: String,
    },
    /// Say that several records of this agency are one; none of them changes its state.
    Merge(Merged),
    /// Say that one record of this agency is several; none of them changes its state.
    Split(Parted),
    /// Sign several changes that take effect whole or not at all.
    Package(Packaged),
    /// Say that two records are about one subject; neither of them is changed.
    SameAs(Joined),
    /// Take back that two records are about one subject.
    Retract(Joined),
    /// Print a record as the file that `amend` and `correct` take.
    Show {
        #[command(flatten)]
        key: Key,
        /// The log that says it; the own publication log if left out.
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
        /// Print who says that it is about one subject with another, and not the file.
        #[arg(long)]
        same_as: bool,
        #[command(flatten)]
        of: HomeOf,
    },
}

/// A record that is written whole.
#[derive(Debug, Args)]
pub(crate) struct Written {
    /// The record as JSON (docs/records.md), `-` for standard input; asked field by field on a terminal if left out.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The version of the record that the file was made from; `version` of the file if left out.
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u64>,
    #[command(flatten)]
    pub(crate) of: HomeOf,
}

/// Which record.
#[derive(Debug, Args)]
pub(crate) struct Key {
    /// The list, such as xa-national.
    pub(crate) list: String,
    /// The reference of the record on it.
    pub(crate) reference: String,
}

/// A change that says nothing new of the subject.
#[derive(Debug, Args)]
pub(crate) struct Acted {
    #[command(flatten)]
    pub(crate) key: Key,
    #[command(flatten)]
    pub(crate) grounds: Grounds,
    /// Change the record only if this is its version.
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u64>,
    #[command(flatten)]
    pub(crate) of: HomeOf,
}

/// Records that are merged into one.
#[derive(Debug, Args)]
pub(crate) struct Merged {
    #[command(flatten)]
    pub(crate) acted: Acted,
    /// A record that is merged into the first; may be repeated.
    #[arg(long, num_args = 2, value_names = ["LIST", "REFERENCE"], required = true)]
    pub(crate) from: Vec<String>,
}

/// Records that one is split into.
#[derive(Debug, Args)]
pub(crate) struct Parted {
    #[command(flatten)]
    pub(crate) acted: Acted,
    /// A record that the first is split into, beside itself; may be repeated.
    #[arg(long, num_args = 2, value_names = ["LIST", "REFERENCE"], required = true)]
    pub(crate) into: Vec<String>,
}

/// Changes that take effect together.
#[derive(Debug, Args)]
pub(crate) struct Packaged {
    /// The changes as JSON (docs/records.md), one array or one object a line; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Check it and say what would be signed, and sign nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) of: HomeOf,
}

/// Two records that are, or are not, about one subject.
#[derive(Debug, Args)]
pub(crate) struct Joined {
    #[command(flatten)]
    pub(crate) key: Key,
    /// The list of the other record.
    #[arg(value_name = "OTHER_LIST")]
    pub(crate) other_list: String,
    /// The reference of the other record on it.
    #[arg(value_name = "OTHER_REFERENCE")]
    pub(crate) other_reference: String,
    /// The log of the first record; the own publication log if left out.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Option<String>,
    /// The log of the other record; the own publication log if left out.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) other_origin: Option<String>,
    #[command(flatten)]
    pub(crate) grounds: Grounds,
    #[command(flatten)]
    pub(crate) of: HomeOf,
}

/// Why something is said.
#[derive(Debug, Args)]
pub(crate) struct Grounds {
    /// A reason that may be published; may be repeated.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Vec<String>,
    /// A reason that may not; may be repeated.
    #[arg(long, value_name = "TEXT")]
    pub(crate) closed_reason: Vec<String>,
    /// An act that it rests on; may be repeated.
    #[arg(long, value_name = "CITATION")]
    pub(crate) legal: Vec<String>,
}

/// Which erasures an operator answers for.
#[derive(Debug, Args)]
pub(crate) struct Confirm {
    /// The entries that announce them: this agency ordered them, and what they are about is destroyed for good.
    #[arg(value_name = "INDEX")]
    pub(crate) indexes: Vec<u64>,
    /// The log; the own publication log if left out.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Option<String>,
    #[command(flatten)]
    pub(crate) of: HomeOf,
}

impl RecordCommand {
    pub(crate) const fn of(&self) -> &HomeOf {
        match self {
            Self::Add(written)
            | Self::Amend(written)
            | Self::Correct(written)
            | Self::Relist { written, .. } => &written.of,
            Self::Suspend(acted)
            | Self::Resume(acted)
            | Self::Withdraw(acted)
            | Self::Erase(acted)
            | Self::Delist { acted, .. }
            | Self::Rekey { acted, .. } => &acted.of,
            Self::Merge(merged) => &merged.acted.of,
            Self::Split(parted) => &parted.acted.of,
            Self::Package(packaged) => &packaged.of,
            Self::SameAs(joined) | Self::Retract(joined) => &joined.of,
            Self::Confirm(confirm) => &confirm.of,
            Self::Show { of, .. } => of,
        }
    }
}

/// A ground that `--ground` names.
pub(crate) fn ground(word: &str) -> Result<comity_watchlist::DelistReason, String> {
    let words: Vec<&str> = comity_feeds::own::ground_words().collect();
    comity_feeds::own::ground_of(word).ok_or_else(|| format!("the grounds are {}", words.join(", ")))
}

/// A day that `--effective` names.
pub(crate) fn day(text: &str) -> Result<comity_watchlist::CalendarDate, String> {
    comity_watchlist::CalendarDate::parse(text).map_err(|error| error.to_string())
}
