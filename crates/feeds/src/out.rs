//! Records in formats that others read: STIX 2.1, FollowTheMoney, a simple table, a MISP feed.
//!
//! Goal: the same bytes for the same log at every run, whoever runs it, with one record in memory at a time. What each
//! field becomes, and what is lost, is in `docs/formats.md`, and kept by a test that walks every field.
//! Not here: which records a log has and which may be told (`node`), nor where files go (`cli`).

mod country;
mod ftm;
mod ftm_values;
mod misp;
mod names;
mod plain;
mod record_json;
mod stix;
mod table;
mod words;

use std::fmt::Write as _;

use comity_policy::Tlp;
use comity_watchlist::{CalendarDate, DelistReason, Handle, Record, RecordKey};

pub use self::names::Digest;
pub use self::stix::{EXTENSION_ID, StixObject, StixObjects};

/// A format that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutFormat {
    /// A STIX 2.1 bundle, `bundle.json`.
    Stix,
    /// FollowTheMoney entities, one JSON object a line, `entities.ftm.json`.
    Ftm,
    /// A table of the columns of OpenSanctions, `targets.simple.csv`.
    Csv,
    /// A folder that MISP reads as a feed: `manifest.json`, `hashes.csv`, and a file for each record.
    Misp,
}

/// Where a listing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutState {
    /// It is listed.
    Listed,
    /// It has no effect until it is resumed.
    Suspended,
    /// It has ended: on what ground and from which day, where that is opened.
    Delisted(Option<(DelistReason, CalendarDate)>),
    /// It should never have been shared, or was erased: nothing of its content may be told any more.
    Withdrawn,
}

/// One listing as it is written.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The log.
    pub origin: String,
    /// Who speaks in it.
    pub agency: String,
    /// The listing.
    pub handle: Handle,
    /// List and reference as they are now.
    pub key: RecordKey,
    /// The record as its newest whole version says it, less what may not be told; `None` if nothing of it is held.
    pub record: Option<Record>,
    /// Where it stands.
    pub state: OutState,
    /// When its first entry was written, milliseconds since 1970.
    pub created_ms: u64,
    /// When its newest entry was written, the same; later than that of the entry before, whatever its author's clock said.
    pub modified_ms: u64,
    /// The place of its newest entry in the log.
    pub index: u64,
    /// The strictest marking of what is told.
    pub tlp: Tlp,
    /// The listing of the same log that it is merged into.
    pub merged_into: Option<RecordKey>,
}

/// What an export is of.
#[derive(Clone, Debug)]
pub struct OutSource {
    /// The log.
    pub origin: String,
    /// Who speaks in it.
    pub agency: String,
    /// The list, if it is of one alone.
    pub list: Option<String>,
    /// The size of the log that it was made from.
    pub size: u64,
}

/// A file of an export, or the next piece of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutPart {
    /// Its relative path.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// An export under way: for each pass [`begin`](Self::begin), every record in the same order, [`end`](Self::end).
#[derive(Debug)]
pub struct OutWriter {
    format: Shape,
}

#[derive(Debug)]
enum Shape {
    Stix(stix::Bundle),
    Ftm(ftm::Lines),
    Csv(table::Table),
    Misp(misp::Feed),
}

impl OutFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Stix, Self::Ftm, Self::Csv, Self::Misp];

    /// The word by which commands and messages name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stix => "stix",
            Self::Ftm => "ftm",
            Self::Csv => "csv",
            Self::Misp => "misp",
        }
    }

    /// The format of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    /// Whether it is several files, and so a folder.
    pub const fn is_folder(self) -> bool {
        matches!(self, Self::Misp)
    }

    /// How often the records are read: files follow each other, and no more than one record is held.
    pub const fn passes(self) -> usize {
        match self {
            Self::Stix | Self::Ftm | Self::Csv => 1,
            Self::Misp => misp::PASSES,
        }
    }
}

impl OutWriter {
    /// An export that has not begun. `digest` is SHA-256, handed in since this room hashes nothing.
    pub fn new(format: OutFormat, source: OutSource, digest: Digest) -> Self {
        let format = match format {
            OutFormat::Stix => Shape::Stix(stix::Bundle::new(source, digest)),
            OutFormat::Ftm => Shape::Ftm(ftm::Lines::new(digest)),
            OutFormat::Csv => Shape::Csv(table::Table::new(digest)),
            OutFormat::Misp => Shape::Misp(misp::Feed::new(source, digest)),
        };
        Self { format }
    }

    /// What stands before the records in a pass.
    pub fn begin(&mut self, pass: usize) -> Vec<OutPart> {
        match &mut self.format {
            Shape::Stix(bundle) => bundle.begin(),
            Shape::Ftm(lines) => lines.begin(),
            Shape::Csv(table) => table.begin(),
            Shape::Misp(feed) => feed.begin(pass),
        }
    }

    /// A record; nothing if the format has no place for it ([`tells`](Self::tells)).
    pub fn record(&mut self, pass: usize, record: &Outgoing) -> Vec<OutPart> {
        match &mut self.format {
            Shape::Stix(bundle) => bundle.record(record),
            Shape::Ftm(lines) => lines.record(record),
            Shape::Csv(table) => table.record(record),
            Shape::Misp(feed) => feed.record(pass, record),
        }
    }

    /// Whether the format has a place for a record.
    pub fn tells(&self, record: &Outgoing) -> bool {
        match &self.format {
            Shape::Stix(_) | Shape::Misp(_) => true,
            Shape::Ftm(_) => ftm::tells(record),
            Shape::Csv(_) => table::tells(record),
        }
    }

    /// What stands behind the records in a pass.
    pub fn end(&mut self, pass: usize) -> Vec<OutPart> {
        match &mut self.format {
            Shape::Stix(bundle) => bundle.end(),
            Shape::Ftm(_) | Shape::Csv(_) => Vec::new(),
            Shape::Misp(feed) => feed.end(pass),
        }
    }
}

impl Outgoing {
    /// The record, as far as the state of the listing leaves anything of it to be told.
    fn told(&self) -> Option<&Record> {
        self.record.as_ref().filter(|_| self.state != OutState::Withdrawn)
    }

    /// The record, if the subject is listed now.
    fn listed(&self) -> Option<&Record> {
        let listed = matches!(self.state, OutState::Listed | OutState::Suspended);
        self.record.as_ref().filter(|_| listed)
    }

    /// What the subject is called; of a withdrawn one nothing is told.
    fn name(&self) -> &str {
        let name = self.told().and_then(Record::primary_name).map(|name| name.full.as_str());
        match self.state {
            OutState::Withdrawn => "withdrawn",
            _ => name.unwrap_or_else(|| self.key.reference.as_str()),
        }
    }

    /// The word for its state.
    fn state_word(&self) -> &'static str {
        match self.state {
            OutState::Listed => "listed",
            OutState::Suspended => "suspended",
            OutState::Delisted(_) => "delisted",
            OutState::Withdrawn => "withdrawn",
        }
    }
}

/// A time as RFC 3339 has it, in UTC, to the second or millisecond; what lies beyond the year 9999 is its last moment.
fn rfc3339(ms: u64, with_ms: bool) -> String {
    // The last millisecond of the year 9999.
    let ms = ms.min(253_402_300_799_999);
    let secs = ms / 1_000;
    let day = CalendarDate::of_unix_secs(secs).map_or_else(|_| String::new(), |day| day.to_string());
    let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
    let mut text = format!("{day}T{hour:02}:{minute:02}:{second:02}");
    if with_ms {
        // Writing to a string does not fail.
        write!(text, ".{:03}Z", ms % 1_000).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests;
