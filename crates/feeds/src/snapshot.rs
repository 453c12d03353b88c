//! What a parser makes of one publication of one list.

use comity_watchlist::{CalendarDate, Change, Handle, ListId, Op, Record, RecordKey, SourceFile};

use crate::error::{FeedError, RejectReason};
use crate::file::Encoding;

/// What of a list a publication tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of it: a record that is not there has ended.
    #[default]
    Whole,
    /// What changed: a record that is not there stays as it is.
    Changes,
}

/// Takes each record of a publication as it is read. What is wrong with the publication as a whole may be told later: a
/// record that was taken is nothing until the parser has ended well.
pub type Take<'t> = &'t mut dyn FnMut(Box<Record>);

/// One publication of one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The list.
    pub list: ListId,
    /// The publication's own date, as written, where it has one.
    pub published: Option<String>,
    /// The files that it was read from.
    pub files: Vec<ReadFile>,
    /// Whether it tells the whole list.
    pub scope: Scope,
    /// Its records, in the order of the source, each key once; none if they were taken as they were read.
    pub records: Vec<Record>,
    /// Records of which it says that they have ended.
    pub ended: Vec<Ended>,
    /// The first rows that were left out, at most [`REJECTED_KEPT_MAX`](crate::REJECTED_KEPT_MAX).
    pub rejected: Vec<RejectedRow>,
    /// How many more were left out. Which records they are about is not known: each may be that of any record.
    pub rejected_more: u64,
    /// Rows of all files, rejected ones included.
    pub rows: u64,
}

/// A record of which a publication says that it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// List and reference.
    pub key: RecordKey,
    /// From when, if that is told.
    pub effective: Option<CalendarDate>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFile {
    /// Name and hash.
    pub file: SourceFile,
    /// What the file is within its format ("sdn", "alt", …).
    pub table: &'static str,
    /// How its bytes were read.
    pub encoding: Encoding,
    /// Its rows.
    pub rows: u64,
}

/// A row that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// The file.
    pub file: String,
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// The record that the row is about, where that could be read. Such a record is not taken for removed.
    pub key: Option<RecordKey>,
    /// True if the row may be, or may have swallowed, the row of any other record: then no absence is certain.
    pub may_hide_others: bool,
    /// Why.
    pub reason: RejectReason,
}

impl Snapshot {
    /// Holds the records of a publication that is read.
    pub(crate) fn collect(read: impl FnOnce(Take<'_>) -> Result<Self, FeedError>) -> Result<Self, FeedError> {
        let mut records = Vec::new();
        let snapshot = read(&mut |record| records.push(*record))?;
        Ok(Self { records, ..snapshot })
    }
}

/// Gives the record back if it fits the byte form. What is imported will be signed, so it is tried on here: a single
/// record beyond a limit is a bad row, and must not stop the whole import later. The bytes are only counted. Check digits
/// are judged here, since every record of a source comes by.
pub(crate) fn fitting(mut record: Box<Record>) -> Result<Box<Record>, RejectReason> {
    record.judge_checksums();
    let change = Change { handle: Handle::new([0; 16]), op: Op::List { record } };
    match (change.lengths(), change.op) {
        (Ok(_), Op::List { record }) => Ok(record),
        (Err(source), _) => Err(RejectReason::Limits { source }),
        (Ok(_), _) => Err(RejectReason::Csv),
    }
}
